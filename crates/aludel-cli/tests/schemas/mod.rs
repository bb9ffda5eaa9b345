//! Schemas to be created, reflected and compared.

pub(crate) mod chinook;
#[allow(dead_code, reason = "one test reads both, another one")]
pub(crate) mod odd;
pub(crate) mod sakila;

use aludel::DataType;
use aludel::prelude::*;
use aludel::sql::{Column, ForeignKey, MetaData, TableBuilder};

fn all(tables: impl IntoIterator<Item = TableBuilder>) -> MetaData {
    let mut all = MetaData::new();
    for table in tables {
        all.add(table.finish().unwrap()).unwrap();
    }
    all
}

/// A key that the database counts.
fn id(name: &str) -> Column {
    Column::new(name, DataType::BigInt).primary_key()
}

/// A number that may be NULL.
fn refers(name: &str) -> Column {
    Column::new(name, DataType::BigInt).nullable()
}

/// A foreign key to `table.column`.
fn key(column: &str, target: &str) -> ForeignKey {
    let (table, to) = target.split_once('.').unwrap();
    ForeignKey::new([column], table, [to])
}

/// Runs a test on every database that is there; on PostgreSQL in a schema of its own.
pub(crate) fn each(schema: &str, test: impl Fn(&Engine)) {
    test(&Engine::connect_blocking("sqlite::memory:").unwrap());
    let Ok(url) = std::env::var("ALUDEL_TEST_POSTGRES") else { return };
    let anew = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    let engine = Engine::connect_blocking(&url).unwrap();
    engine.block_on(async { engine.acquire().await?.execute_raw(&anew).await }).unwrap();
    let mark = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{mark}options=-csearch_path%3D{schema}");
    test(&Engine::connect_blocking(&url).unwrap());
}
