//! `cargo run --release -p conformance -- DIR [--group G]… [--scenario NAME] [--json] [--verbose]`

use std::path::Path;
use std::process::ExitCode;

use conformance::{Databases, Difference, Kit, Report, compare, out_of_scope};

const USAGE: &str = "\
Runs the scenarios of a conformance kit, and compares with what SQLAlchemy gave.

conformance DIR [OPTION]…

  DIR                  the kit, or a folder of scenarios with expected/ beside it
  --group NAME         only scenarios whose names begin with NAME- (may be given more than once)
  --scenario NAME      only this one (may be given more than once)
  --json               one JSON object instead of text
  --verbose            the names of those that pass; of those that do not, the statements sent
  --database URL       a PostgreSQL server, where a schema is made; else files of SQLite
  --list-out-of-scope  the scenarios that are known to need more, with the reasons
";

#[derive(Default)]
struct Options {
    folder: Option<String>,
    groups: Vec<String>,
    scenarios: Vec<String>,
    json: bool,
    verbose: bool,
    list: bool,
    server: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n\n{USAGE}"));
        match arg.as_str() {
            "--group" => options.groups.push(value()?),
            "--scenario" => options.scenarios.push(value()?),
            "--json" => options.json = true,
            "--verbose" => options.verbose = true,
            "--list-out-of-scope" => options.list = true,
            "--database" => {
                let url = value()?;
                options.server = (!url.starts_with("sqlite")).then_some(url);
            }
            "--help" | "-h" => return Err(USAGE.to_owned()),
            _ if arg.starts_with('-') || options.folder.is_some() => {
                return Err(format!("{arg}: unknown\n\n{USAGE}"));
            }
            _ => options.folder = Some(arg),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<bool, String> {
    if options.list {
        for (name, why) in out_of_scope() {
            println!("{name}: {why}");
        }
        return Ok(true);
    }
    let folder = options.folder.as_deref().ok_or_else(|| USAGE.to_owned())?;
    let kit = Kit::open(Path::new(folder))?;
    let databases = match &options.server {
        Some(url) => Databases::on_server(url),
        None => Databases::new(),
    };
    let databases = databases.map_err(|e| format!("{e:?}"))?;
    let in_group = |name: &str| {
        options.groups.is_empty()
            || options.groups.iter().any(|g| {
                let group = g.trim_end_matches('-');
                name.strip_prefix(group).is_some_and(|rest| rest.starts_with('-'))
            })
    };
    let wanted = |name: &String| {
        in_group(name) && (options.scenarios.is_empty() || options.scenarios.contains(name))
    };
    let names: Vec<String> = kit.names()?.into_iter().filter(wanted).collect();
    if names.is_empty() {
        return Err("no scenario has such a name".to_owned());
    }
    let mut report = Report::default();
    for name in names {
        match compare(&kit, &databases, &name, options.verbose) {
            Ok(()) => {
                if options.verbose && !options.json {
                    println!("{name}: passed");
                }
                report.passed.push(name);
            }
            Err(difference) => {
                if !options.json {
                    print(&difference);
                }
                report.failed.push(*difference);
            }
        }
    }
    if options.json {
        println!("{}", report.to_json());
    } else {
        println!("{} passed, {} failed", report.passed.len(), report.failed.len());
    }
    Ok(report.failed.is_empty())
}

fn print(difference: &Difference) {
    let Difference { name, step, expected, actual, note, statements } = difference;
    match step {
        Some((number, text)) => {
            println!("{name}: step {number}: {text}");
            println!("    expected {expected}");
            println!("    actual   {actual}");
        }
        None => println!("{name}: it could not be run"),
    }
    if !note.is_empty() {
        println!("    {note}");
    }
    for statement in statements {
        println!("    | {statement}");
    }
}
