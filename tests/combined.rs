//! What programs do at once: features of the session together, each of which has tests of its own. On SQLite always, on
//! PostgreSQL where `ALUDEL_TEST_POSTGRES` has a server's URL.
#![cfg(feature = "sqlite")]

#[path = "combined/graphs.rs"]
mod graphs;
#[path = "combined/keys.rs"]
mod keys;
#[path = "combined/library.rs"]
mod library;
#[allow(dead_code, reason = "what other tests ask of a database")]
mod support;

use aludel::prelude::*;
use support::{Db, each};

/// Runs a test on each database with the tables of a class and of those that it refers to.
fn with<T: Mapped>(schema: &str, test: impl Fn(&mut Db)) {
    let registry = || {
        let registry = Registry::new();
        registry.register::<T>().unwrap();
        registry
    };
    each(schema, registry, test);
}

/// The rows of a query, as text.
fn rows(db: &mut Db, sql: &str) -> String {
    let row = |row: Vec<aludel::Value>| {
        let values = row.iter().map(|value| match value {
            aludel::Value::Null => "-".to_owned(),
            aludel::Value::I64(n) => n.to_string(),
            aludel::Value::Bool(b) => i64::from(*b).to_string(),
            aludel::Value::Text(text) => text.clone(),
            other => format!("{other:?}"),
        });
        values.collect::<Vec<_>>().join(":")
    };
    db.raw(sql).into_iter().map(row).collect::<Vec<_>>().join(" ")
}
