//! `cargo xtask test`: every test there is, with the servers it needs.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;

use crate::servers::{Servers, Want};
use crate::{report, run};

/// What makes random tests do as much as a night allows: operations of the session's state machine.
const NIGHTLY: (&str, &str) = ("ALUDEL_OPERATIONS", "300000");

/// `cargo xtask test [--require postgres] [--no-postgres] [--nightly] [-- ARGS]`.
pub(crate) fn command(mut args: lexopt::Parser) -> Result<()> {
    let mut postgres = Want::Wanted;
    let mut nightly = false;
    let mut extra = Vec::new();
    while let Some(arg) = args.next()? {
        let want = match arg {
            Long("require") => match args.value()?.string()?.as_str() {
                "postgres" => Want::Required,
                other => bail!("`--require {other}`: the servers are: postgres"),
            },
            Long("no-postgres") => Want::No,
            Long("nightly") => {
                nightly = true;
                continue;
            }
            Value(first) => {
                extra.push(first);
                extra.extend(args.raw_args()?);
                break;
            }
            other => return Err(other.unexpected().into()),
        };
        if postgres != Want::Wanted && postgres != want {
            bail!("`--require postgres` and `--no-postgres` exclude each other");
        }
        postgres = want;
    }
    let mut cargo = test_all();
    if nightly {
        cargo.env(NIGHTLY.0, NIGHTLY.1);
    }
    watch_tests(cargo, &Servers::start(postgres)?, &extra)
}

fn test_all() -> Command {
    run::cargo(["test", "--all-features", "--no-fail-fast"])
}

/// Runs them all and says how it went, whatever fails.
pub(crate) fn run_tests(servers: &Servers, extra: &[OsString]) -> Result<()> {
    watch_tests(test_all(), servers, extra)
}

fn watch_tests(mut cargo: Command, servers: &Servers, extra: &[OsString]) -> Result<()> {
    let started = Instant::now();
    if !extra.iter().any(|arg| arg == "-p" || arg == "--package") {
        cargo.arg("--workspace");
    }
    let (tally, passed) = watch(servers.tell(cargo.args(extra)))?;

    report::heading(&format!(
        "{} tests passed, {} failed, {} ignored, in {}",
        tally.passed,
        tally.failed,
        tally.ignored,
        report::time(started.elapsed())
    ));
    report::line("SQLite: run");
    report::line(&servers.describe());
    servers.warn();
    if !passed {
        bail!("{}", if tally.failed > 0 { "tests failed" } else { "`cargo test` failed" });
    }
    Ok(())
}

/// Lets a test run print, and counts what its programs report.
fn watch(command: &mut Command) -> Result<(Tally, bool)> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let mut tally = Tally::default();
    let mut out = std::io::stdout();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            tally.count(&String::from_utf8_lossy(&line));
            out.write_all(&line)?;
            out.write_all(b"\n")?;
        }
    }
    Ok((tally, child.wait()?.success()))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Counts a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn count(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|l| l.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(n, what)| (n.parse().unwrap_or(0), what)) {
                Some((n, "passed")) => self.passed += n,
                Some((n, "failed")) => self.failed += n,
                Some((n, "ignored")) => self.ignored += n,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn results_of_all_programs_are_added_up() {
        let mut tally = Tally::default();
        tally
            .count("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; finished in 0.01s");
        tally.count(
            "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; finished in 1s",
        );
        tally.count("test some::test ... ok");
        assert_eq!(tally, Tally { passed: 5, failed: 4, ignored: 1 });
    }
}
