//! The project's chores: `cargo xtask <command>`.
//!
//! One file a command. What they share stands beside them: [`run`] starts other programs,
//! [`report`] prints what a person must not overlook, [`servers`] starts throw-away databases.

mod bench;
mod ci;
mod conformance;
mod data;
mod flights;
mod licences;
mod linked;
mod report;
mod run;
mod servers;
mod test;
mod tidy;

use std::process::ExitCode;

use lexopt::prelude::*;

const USAGE: &str = "\
cargo xtask <command>

  test [--require postgres] [--no-postgres] [--nightly] [-- ARGS]
        Every test, on SQLite and on a throw-away PostgreSQL. ARGS go to `cargo test`. With --nightly, random tests do
        hundreds of thousands of operations.
  servers [-- COMMAND]
        The same throw-away servers, for COMMAND or until Ctrl-C.
  tidy  The house rules that the compiler does not know.
  ci [STEP...]
        Everything that must hold before a change lands, or the steps named; `ci --list` names them.
  conformance [DIR]
        The scenarios of SQLAlchemy's own behaviour (default: ../shared/conformance).
  bench [--quick] [--peers A,B] [--cases A,B] [--passes N] [--postgres] [--json FILE]
        The same work by the raw drivers, aludel and its peers; one table of ratios.
  bench --attributes [--passes N]
        Operations on attributes, beside SQLAlchemy.
  bench --compile [--passes N]
        The builds of an application of fifty classes, beside SeaORM and Diesel.
  data DIR
        Cuts the example's data from the full nycflights13 CSV files in DIR.
";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> anyhow::Result<()> {
    let mut args = lexopt::Parser::from_env();
    let command = match args.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) | None => {
            print!("{USAGE}");
            return Ok(());
        }
        Some(other) => return Err(other.unexpected().into()),
    };
    match command.as_str() {
        "test" => test::command(args),
        "servers" => servers::command(args),
        "tidy" => tidy::command(args),
        "ci" => ci::command(args),
        "conformance" => conformance::command(args),
        "bench" => bench::command(args),
        "data" => data::command(args),
        "help" => {
            print!("{USAGE}");
            Ok(())
        }
        other => anyhow::bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}
