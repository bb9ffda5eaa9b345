//! `cargo xtask bench --compile`: how long an application of fifty mapped classes takes to build, beside SeaORM and
//! Diesel.
//!
//! Each application is written into the target directory: a module for each class, with ten columns, a reference to the
//! class before it and the collection of the one after it, and a function that inserts, queries (with its members),
//! changes and deletes. Dependencies are built before; then the application is built from nothing, and again after a
//! change of one module, in cargo's own `dev` profile. Of ours, classes of more and more columns and relationships are built
//! as well.

mod aludel;
mod diesel;
mod sea_orm;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{align, target_dir};
use crate::{report, run};

/// Classes of an application.
const CLASSES: usize = 50;
/// Columns of each, beside its key and its reference.
const COLUMNS: usize = 8;
/// The applications that show how the time grows with a class: each twice the one before it, in columns and relationships.
const GROWTH: [Shape; 3] = [
    Shape { classes: 11, columns: 13, links: Links::Ring(1) },
    Shape { classes: 11, columns: 27, links: Links::Ring(2) },
    Shape { classes: 11, columns: 54, links: Links::Ring(5) },
];

/// What is written for one library.
struct Writer {
    name: &'static str,
    /// The lines of `[dependencies]`.
    dependencies: fn() -> String,
    /// `main.rs`, without the modules.
    main: fn(&Shape) -> String,
    /// The module of a class.
    class: fn(&Shape, usize) -> String,
}

const WRITERS: [Writer; 3] = [
    Writer {
        name: "aludel",
        dependencies: aludel::dependencies,
        main: aludel::main,
        class: aludel::class,
    },
    Writer {
        name: "sea-orm",
        dependencies: sea_orm::dependencies,
        main: sea_orm::main,
        class: sea_orm::class,
    },
    Writer {
        name: "diesel",
        dependencies: diesel::dependencies,
        main: diesel::main,
        class: diesel::class,
    },
];

/// How big an application is.
struct Shape {
    classes: usize,
    /// Columns of each, beside its key and its references.
    columns: usize,
    links: Links,
}

/// Which classes one refers to; each of them has the collection.
#[derive(Clone, Copy)]
enum Links {
    /// The one before it, of which the first has none.
    Chain,
    /// So many before it, round and round.
    Ring(usize),
}

/// What a column holds; each kind in its turn.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    OptionalText,
    Number,
    OptionalNumber,
    Float,
    Flag,
}

impl Kind {
    fn rust_type(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::OptionalText => "Option<String>",
            Self::Number => "i64",
            Self::OptionalNumber => "Option<i64>",
            Self::Float => "f64",
            Self::Flag => "bool",
        }
    }
}

impl Shape {
    /// The columns beside the key and the reference: their names and kinds.
    fn columns(&self) -> impl Iterator<Item = (String, Kind)> {
        use Kind::{Flag, Float, Number, OptionalNumber, OptionalText, Text};
        let kinds = [Text, Number, OptionalText, Float, OptionalNumber, Flag];
        (0..self.columns).map(move |n| (format!("c{n}"), kinds[n % kinds.len()]))
    }

    /// The columns as fields of a struct.
    fn fields(&self) -> String {
        self.columns()
            .map(|(name, kind)| format!("    pub {name}: {},\n", kind.rust_type()))
            .collect()
    }

    /// The classes that one refers to.
    fn parents(&self, class: usize) -> Vec<usize> {
        match self.links {
            Links::Chain => self.before(class).into_iter().collect(),
            Links::Ring(count) => {
                (1..=count).map(|n| (class + self.classes - n) % self.classes).collect()
            }
        }
    }

    /// The classes that refer to one.
    fn children(&self, class: usize) -> Vec<usize> {
        match self.links {
            Links::Chain => self.after(class).into_iter().collect(),
            Links::Ring(count) => (1..=count).map(|n| (class + n) % self.classes).collect(),
        }
    }

    /// Its size, for people.
    fn describe(&self) -> String {
        let (references, relationships) = match self.links {
            Links::Chain => (1, 2),
            Links::Ring(count) => (count, 2 * count),
        };
        let columns = self.columns + 1 + references;
        format!("{} classes of {columns} columns and {relationships} relationships", self.classes)
    }

    /// The class that one of a chain refers to.
    fn before(&self, class: usize) -> Option<usize> {
        class.checked_sub(1)
    }

    /// The class of a chain that refers to one.
    fn after(&self, class: usize) -> Option<usize> {
        Some(class + 1).filter(|next| *next < self.classes)
    }
}

/// How long builds took.
struct Times {
    clean: Duration,
    changed: Duration,
}

/// Builds each application, and prints a table.
pub(super) fn run(passes: usize) -> Result<()> {
    let mut rows = vec![["seconds", "from nothing", "after a change"].map(str::to_owned).to_vec()];
    let fifty = Shape { classes: CLASSES, columns: COLUMNS, links: Links::Chain };
    for writer in &WRITERS {
        rows.push(row(
            &format!("{}: {}", fifty.describe(), writer.name),
            &measure(writer, &fifty, passes)?,
        ));
    }
    for shape in &GROWTH {
        let times = measure(&WRITERS[0], shape, passes)?;
        rows.push(row(&format!("{}: {}", shape.describe(), WRITERS[0].name), &times));
    }
    print!("{}", align(&rows));
    Ok(())
}

fn row(what: &str, times: &Times) -> Vec<String> {
    let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
    vec![what.to_owned(), seconds(times.clean), seconds(times.changed)]
}

/// The shortest of so many builds of each kind.
fn measure(writer: &Writer, shape: &Shape, passes: usize) -> Result<Times> {
    report::heading(&format!("{}: {}", shape.describe(), writer.name));
    let folder = write(writer, shape)?;
    // With its dependencies, which are not measured.
    build(&folder, writer)?;
    let mut times = Times { clean: Duration::MAX, changed: Duration::MAX };
    for pass in 0..passes {
        let mut clean = run::cargo(["clean", "--quiet", "--package", &package(writer)]);
        run::run(clean.arg("--target-dir").arg(target_dir()).current_dir(&folder))?;
        times.clean = times.clean.min(build(&folder, writer)?);
        let module = folder.join("src").join(format!("class{}.rs", shape.classes / 2));
        let text = fs::read_to_string(&module)?;
        let changed = text.replace("\"changed\"", &format!("\"changed {pass}\""));
        fs::write(&module, changed)?;
        times.changed = times.changed.min(build(&folder, writer)?);
        fs::write(&module, text)?;
    }
    Ok(times)
}

fn build(folder: &Path, writer: &Writer) -> Result<Duration> {
    let mut cargo = run::cargo(["build", "--quiet", "--package", &package(writer)]);
    cargo.arg("--target-dir").arg(target_dir()).current_dir(folder);
    let begun = Instant::now();
    run::run(&mut cargo)?;
    Ok(begun.elapsed())
}

fn package(writer: &Writer) -> String {
    format!("classes-{}", writer.name)
}

/// Writes an application, and says where it is.
fn write(writer: &Writer, shape: &Shape) -> Result<PathBuf> {
    let folder = target_dir().join("compile").join(writer.name);
    let sources = folder.join("src");
    if sources.exists() {
        fs::remove_dir_all(&sources)?;
    }
    fs::create_dir_all(&sources).with_context(|| format!("cannot make {}", sources.display()))?;
    let manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}",
        package(writer),
        (writer.dependencies)()
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    // The versions that the other benches use.
    let lock = run::root().join("benches").join(writer.name).join("Cargo.lock");
    fs::copy(&lock, folder.join("Cargo.lock"))?;
    let modules: String = (0..shape.classes).map(|n| format!("mod class{n};\n")).collect();
    fs::write(sources.join("main.rs"), format!("{modules}\n{}", (writer.main)(shape)))?;
    for class in 0..shape.classes {
        fs::write(sources.join(format!("class{class}.rs")), (writer.class)(shape, class))?;
    }
    Ok(folder)
}
