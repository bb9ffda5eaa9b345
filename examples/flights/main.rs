//! The main job of aludel on real data: nycflights13 through the session and back.
//!
//! ```console
//! $ cargo run --release --example flights                 # the data in the repository: January
//! $ cargo run --release --example flights -- DIRECTORY    # the full CSV files
//! $ cargo run --release --example flights -- --json       # the answers as one JSON object
//! $ cargo run --release --features postgres --example flights -- --database postgres://…
//! ```
//!
//! It imports airlines, airports, planes, flights and weather into a database file (made anew), asks a dozen
//! questions, edits objects, shows their history and the SQL of the flush, and rolls back.

mod edits;
mod files;
mod import;
mod model;
mod questions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use aludel::engine::StatementCounter;
use aludel::prelude::*;
use serde_json::{Map, Value, json};

use files::{DataSet, Problem};

struct Arguments {
    data: PathBuf,
    database: Option<String>,
    json: bool,
}

fn arguments() -> Result<Arguments, Problem> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/nycflights13");
    let mut found = Arguments { data: shipped, database: None, json: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => found.json = true,
            "--database" => {
                found.database = Some(arguments.next().ok_or("--database needs a URL")?);
            }
            other if other.starts_with('-') => {
                return Err(format!(
                    "unknown option `{other}`: there are --json and --database URL"
                )
                .into());
            }
            directory => found.data = directory.into(),
        }
    }
    Ok(found)
}

fn main() -> ExitCode {
    match arguments().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("flights: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The file that the example makes where no database is named.
fn fresh_file() -> Result<String, Problem> {
    let file = std::env::temp_dir().join(format!("aludel-flights-{}.db", std::process::id()));
    for suffix in ["", "-wal", "-shm"] {
        let mut old = file.clone().into_os_string();
        old.push(suffix);
        match std::fs::remove_file(&old) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
    }
    Ok(format!("sqlite://{}", file.display()))
}

fn run(arguments: Arguments) -> Result<(), Problem> {
    let url = match arguments.database {
        Some(url) => url,
        None => fresh_file()?,
    };
    let engine = Engine::connect_blocking(&url)?;
    let counter = StatementCounter::new();
    let recorder = Arc::new(edits::Recorder::default());
    engine.observe(counter.clone());
    engine.observe(recorder.clone());

    let registry = Registry::new();
    registry.register::<model::Flight>()?;
    registry.register::<model::Weather>()?;
    engine.block_on(async {
        registry.drop_all(&engine).await?;
        registry.create_all(&engine).await
    })?;

    let mut seconds = Map::new();
    let bar = import::progress(!arguments.json);
    let started = Instant::now();
    let mut session = blocking::Session::with_registry(&engine, &registry);
    let imported = import::import(&mut session, &DataSet { directory: arguments.data }, &bar)?;
    bar.finish_and_clear();
    session.close()?;
    drop(session);
    seconds.insert("import".into(), json!(started.elapsed().as_secs_f64()));
    for refused in imported.refused.iter().take(20) {
        eprintln!("not imported: {refused}");
    }
    if !imported.refused.is_empty() {
        eprintln!("{} rows did not parse", imported.refused.len());
    }

    let started = Instant::now();
    let mut session = blocking::Session::with_registry(&engine, &registry);
    let mut answers = questions::answers(&mut session)?;
    session.commit()?;
    seconds.insert("questions".into(), json!(started.elapsed().as_secs_f64()));

    let started = Instant::now();
    let told = edits::demonstrate(&mut session, &recorder)?;
    session.close()?;
    seconds.insert("edits".into(), json!(started.elapsed().as_secs_f64()));

    let statements: Map<String, Value> = counter
        .counts()
        .into_iter()
        .map(|(kind, count)| (kind.to_owned(), json!(count.statements)))
        .collect();
    answers.insert("refused_rows".into(), json!(imported.refused.len()));
    answers.insert("statements".into(), statements.into());
    answers.insert("seconds".into(), seconds.into());
    if arguments.json {
        println!("{}", Value::Object(answers));
        return Ok(());
    }
    println!("Database: {}", engine.url());
    for (table, rows) in &imported.read {
        println!("  {table:10} {rows:>8} rows read");
    }
    for line in told {
        println!("{line}");
    }
    println!("{}", serde_json::to_string_pretty(&answers)?);
    Ok(())
}
