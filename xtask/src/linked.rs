//! Three hundred classes, each linked with the next: what the derive costs a user's build, and whether the
//! compiler gets through it at all (types that hold each other overflow its recursion limit).

use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{report, run};

const CLASSES: usize = 300;

/// Ten times what a quiet machine of two cores needs: what is to be found is growth that is not linear.
const LIMIT: Duration = Duration::from_secs(60);

/// Checks the classes by themselves, then builds and runs a program that maps and uses them.
pub(crate) fn check() -> Result<()> {
    let target = run::root().join("target");
    let folder = target.join("linked-classes");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(
        folder.join("Cargo.toml"),
        "[package]\nname = \"linked-classes\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\naludel = { path = \"../..\" }\n",
    )?;
    fs::copy(run::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let main = folder.join("src/main.rs");
    let cargo = |verb: &str| {
        let mut command = run::cargo([verb, "--quiet", "--target-dir"]);
        command.arg(&target).current_dir(&folder);
        command
    };
    // What it is built on is not what is measured.
    fs::write(&main, "fn main() {}\n")?;
    run::run(&mut cargo("check"))?;
    fs::write(&main, program())?;
    let started = Instant::now();
    run::run(&mut cargo("check"))?;
    let took = started.elapsed();
    run::run(&mut cargo("run"))?;
    report::line(&format!("{CLASSES} linked classes are checked in {}", report::time(took)));
    if took > LIMIT {
        bail!("that is more than {}", report::time(LIMIT));
    }
    Ok(())
}

fn program() -> String {
    let mut text = String::from("use aludel::prelude::*;\n");
    for n in 0..CLASSES {
        let (next, previous) = ((n + 1) % CLASSES, (n + CLASSES - 1) % CLASSES);
        let _ = write!(
            text,
            "
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = \"class_{n}\")]
pub struct Class{n} {{
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: String,
    pub note: Option<String>,
    pub size: i64,
    #[column(foreign_key = \"class_{next}.id\")]
    pub next_id: Option<i64>,
    #[relationship(back_populates = \"previous\")]
    pub next: One<Class{next}>,
    #[relationship(back_populates = \"next\")]
    pub previous: Many<Class{previous}>,
}}
"
        );
    }
    let _ = write!(
        text,
        "
fn main() -> aludel::Result<()> {{
    let registry = Registry::new();
    registry.register::<Class0>()?;
    assert_eq!(registry.mappers().iter().count(), {CLASSES});
    let mut session = Session::detached(&registry);
    let first = session.add(Class0 {{ next: Class1::default().into(), ..Class0::default() }})?;
    session.edit(first, |c| c.name.push('x'))?;
    assert_eq!(session[first].name, \"x\");
    Ok(())
}}
"
    );
    text
}
