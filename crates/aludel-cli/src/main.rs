//! The command `aludel`.

use std::process::ExitCode;

use aludel::{Engine, ReflectOptions, Result};
use aludel_cli::{RustNames, rust_source};
use clap::{Parser, Subcommand};

/// Tools for aludel, the ORM.
#[derive(Parser)]
#[command(name = "aludel", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the tables of a database as mapped classes in Rust.
    Reflect {
        /// The database, such as `sqlite://app.db` or `postgres://user@host/name`.
        url: String,
        /// The schema, if not the default one.
        #[arg(long)]
        schema: Option<String>,
        /// Only this table, and those that it refers to; may be given several times.
        #[arg(long = "only", value_name = "TABLE")]
        tables: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("aludel: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<String> {
    match command {
        Command::Reflect { url, schema, tables } => {
            let mut options = ReflectOptions::new();
            if let Some(schema) = schema {
                options = options.schema(schema);
            }
            if !tables.is_empty() {
                options = options.only(tables);
            }
            let engine = Engine::connect_blocking(&url)?;
            let tables = engine.block_on(engine.reflect_with(&options))?;
            Ok(rust_source(&tables, &RustNames))
        }
    }
}
