//! What classes say of how their attributes behave: comparators, and more.
#![cfg(feature = "sqlite")]

#[path = "descriptors/comparators.rs"]
mod comparators;
#[path = "descriptors/hybrids.rs"]
mod hybrids;
#[cfg(feature = "json")]
#[path = "descriptors/index_property.rs"]
mod index_property;
#[path = "descriptors/per_query.rs"]
mod per_query;
#[allow(dead_code, reason = "what other tests ask of a database")]
mod support;
#[path = "descriptors/validators.rs"]
mod validators;

use aludel::prelude::*;
use support::Db;

/// Runs a test on every database that is there; on PostgreSQL in a schema of its own.
fn each(schema: &str, registry: impl Fn() -> Registry, test: impl Fn(&mut Db)) {
    test(&mut Db::new(registry()));
    let Ok(url) = std::env::var("ALUDEL_TEST_POSTGRES") else { return };
    let engine = Engine::connect_blocking(&url).unwrap();
    let anew = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    let mut session = blocking::Session::new(&engine);
    session.execute_raw(&anew).unwrap();
    session.commit().unwrap();
    let sep = if url.contains('?') { '&' } else { '?' };
    test(&mut Db::at(&format!("{url}{sep}options=-csearch_path%3D{schema}"), registry()));
}
