//! `cargo run --release -p conformance -- DIR [--group G]… [--scenario NAME] [--json] [--verbose]`

use std::path::Path;
use std::process::ExitCode;

use conformance::{Databases, Difference, Kit, Report, compare, out_of_scope, show};

const USAGE: &str = "\
Runs the scenarios of a conformance kit, and compares with what SQLAlchemy gave.

conformance DIR [OPTION]…

  DIR                  the kit, or a folder of scenarios with expected/ beside it
  --group NAME         only scenarios whose names begin with NAME- (may be given more than once)
  --scenario NAME      only this one (may be given more than once)
  --json               one JSON object instead of text
  --verbose            the names of those that pass; of those that do not, the statements sent, and those too
                       that differ as docs/differences.md has it
  --show               every step with what it sent and its output, also after the first difference
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
    show: bool,
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
            "--show" => options.show = true,
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
    if options.show {
        for name in names {
            println!("{}", show(&kit, &databases, &name)?);
        }
        return Ok(true);
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
                if !options.json && (options.verbose || difference.listed.is_none()) {
                    print(&difference);
                }
                report.failed.push(*difference);
            }
        }
    }
    if options.json {
        println!("{}", report.to_json());
    } else {
        summary(&report);
    }
    Ok(report.unlisted() == 0)
}

fn summary(report: &Report) {
    let listed = report.listed();
    if !listed.is_empty() {
        println!("As docs/differences.md has it differ:");
        listed.iter().for_each(|(row, count)| println!("{count:6}  {row} …"));
    }
    let (passed, unlisted) = (report.passed.len(), report.unlisted());
    match report.failed.len() - unlisted {
        0 => println!("{passed} passed, {unlisted} failed"),
        listed => println!("{passed} passed, {listed} differ as listed, {unlisted} failed"),
    }
}

fn print(difference: &Difference) {
    let Difference { name, step, expected, actual, note, statements, listed } = difference;
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
    if let Some(row) = listed {
        println!("    listed: {row} …");
    }
    for statement in statements {
        println!("    | {statement}");
    }
}
