//! `cargo xtask ci`: everything that must hold before a change lands. Every step runs, whatever the ones
//! before it said; a table at the end says how each went.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;

use crate::servers::{Servers, Want};
use crate::{conformance, flights, licences, linked, report, run, test, tidy};

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Servers) -> Result<()>,
}

/// Quick ones first.
const STEPS: &[Step] = &[
    Step { name: "fmt", what: "formatting", run: |_| fmt() },
    Step { name: "tidy", what: "the house rules", run: |_| tidy::check() },
    Step { name: "licences", what: "the licences of what we use", run: |_| licences::check() },
    Step { name: "deny", what: "cargo-deny, where it is installed", run: |_| deny() },
    Step { name: "clippy", what: "lints, as errors", run: |_| clippy() },
    Step { name: "features", what: "each feature alone, and none", run: |_| features() },
    Step { name: "doc", what: "documentation, warnings as errors", run: |_| doc() },
    Step { name: "linked", what: "three hundred linked classes", run: |_| linked::check() },
    Step {
        name: "test",
        what: "every test, on SQLite and PostgreSQL",
        run: |s| test::run_tests(s, &[]),
    },
    Step {
        name: "flights",
        what: "the example on real data",
        run: |s| flights::check(s.postgres_url().as_deref()),
    },
    Step { name: "conformance", what: "SQLAlchemy's own behaviour", run: |_| kit() },
];

/// `cargo xtask ci [--list] [STEP...]`.
pub(crate) fn command(mut args: lexopt::Parser) -> Result<()> {
    let mut chosen = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("list") => {
                STEPS.iter().for_each(|step| println!("{:<12} {}", step.name, step.what));
                return Ok(());
            }
            Value(name) => {
                let name = name.string()?;
                let step = STEPS.iter().find(|step| step.name == name);
                chosen.push(
                    step.with_context(|| format!("there is no step `{name}`; see `--list`"))?,
                );
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if chosen.is_empty() {
        chosen.extend(STEPS);
    }
    run_steps(&chosen)
}

fn run_steps(steps: &[&Step]) -> Result<()> {
    let needs_server = steps.iter().any(|step| matches!(step.name, "test" | "flights"));
    let servers = Servers::start(if needs_server { Want::Required } else { Want::No })?;
    let mut table = Vec::new();
    let mut failed = Vec::new();
    for step in steps {
        report::heading(&format!("{}: {}", step.name, step.what));
        let started = Instant::now();
        let result = (step.run)(&servers);
        if let Err(error) = &result {
            report::error(error);
            failed.push(step.name);
        }
        let verdict = report::verdict(result.is_ok());
        table.push(format!("{:<12} {:>12}  {verdict}", step.name, report::time(started.elapsed())));
    }
    report::heading("ci");
    table.iter().for_each(|line| report::line(line));
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// The benchmarks are no members of the workspace, but their files are formatted like all.
fn fmt() -> Result<()> {
    run::run(&mut run::cargo(["fmt", "--all", "--check"]))?;
    for folder in std::fs::read_dir(run::root().join("benches"))? {
        let folder = folder?.path();
        let files = ["src/main.rs", "src/lib.rs"].map(|file| folder.join(file));
        for file in files.iter().filter(|file| file.is_file()) {
            run::run(Command::new("rustfmt").args(["--check", "--edition", "2024"]).arg(file))?;
        }
    }
    Ok(())
}

fn clippy() -> Result<()> {
    let args = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    run::run(&mut run::cargo(args))
}

fn doc() -> Result<()> {
    let mut cargo = run::cargo(["doc", "--workspace", "--all-features", "--no-deps"]);
    run::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The facade with no feature, with each alone and with the default ones.
fn features() -> Result<()> {
    let metadata = run::metadata(false)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let facade = packages.into_iter().find(|package| package["name"] == "aludel");
    let features = facade.and_then(|p| p["features"].as_object()).context("no package `aludel`")?;
    let check = |args: &[&str]| {
        report::line(&args.join(" "));
        run::run(run::cargo(["check", "--quiet", "-p", "aludel"]).args(args))
    };
    check(&["--no-default-features"])?;
    for feature in features.keys() {
        check(&["--no-default-features", "--features", feature])?;
    }
    Ok(())
}

/// Advisories are left out: they need a data base that only the network has.
fn deny() -> Result<()> {
    if run::in_path("cargo-deny").is_none() {
        report::line("not installed; the step `licences` checks the licences");
        return Ok(());
    }
    run::run(&mut run::cargo(["deny", "--all-features", "check", "bans", "licenses", "sources"]))
}

fn kit() -> Result<()> {
    match conformance::kit() {
        // The families that are built; the tests hold the rest to the list of what is not.
        Some(dir) => {
            let groups = ["attr", "coll", "uow", "session", "query"];
            let args: Vec<_> = groups.iter().flat_map(|g| ["--group".into(), g.into()]).collect();
            conformance::run_kit(&dir, &args)
        }
        None => {
            report::warning(
                "NOT RUN: the shared conformance kit is not here.",
                "It is the folder ../shared/conformance beside the repository.\n\
                 The repository's own cases ran with the tests.",
            );
            Ok(())
        }
    }
}
