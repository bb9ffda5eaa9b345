//! A schema for each test, on the server that `ALUDEL_TEST_POSTGRES` names; without it nothing is run, and it says so.
#![allow(dead_code, unreachable_pub)]

use aludel_engine::{Engine, EngineOptions};
use aludel_sql::{Compiled, Result};

const CREATE: &str = "CREATE TABLE item (id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL CONSTRAINT one_name UNIQUE, \
     size BIGINT CONSTRAINT positive CHECK (size > 0))";

/// The options of an engine whose tables are in a new schema.
pub fn options(schema: &str) -> Option<EngineOptions> {
    let Ok(url) = std::env::var("ALUDEL_TEST_POSTGRES") else {
        eprintln!("ALUDEL_TEST_POSTGRES is not set: not run");
        return None;
    };
    let engine = Engine::connect_blocking(&url).unwrap();
    let script = format!(
        "SET client_min_messages = warning; DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; \
         SET search_path = {schema}; {CREATE}"
    );
    engine.block_on(async { engine.acquire().await?.execute_raw(&script).await }).unwrap();
    let mark = if url.contains('?') { '&' } else { '?' };
    Some(Engine::options(&format!("{url}{mark}options=-c%20search_path%3D{schema}")))
}

/// Runs a test in a schema of its own, in a runtime.
pub fn run(schema: &str, test: impl AsyncFnOnce(&Engine) -> Result<()>) {
    let Some(options) = options(schema) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = options.connect().await.unwrap();
        test(&engine).await.unwrap();
    });
}

pub fn execute(sql: &str) -> Compiled {
    Compiled::raw(sql)
}
