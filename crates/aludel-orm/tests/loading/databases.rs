//! An empty database of each kind: SQLite in memory, and a schema of its own on the PostgreSQL server that
//! `ALUDEL_TEST_POSTGRES` names, if it names one.

use aludel_engine::Engine;

/// Runs a test on each.
pub fn each(test: impl Fn(Engine)) {
    test(Engine::connect_blocking("sqlite::memory:").unwrap());
    let Ok(url) = std::env::var("ALUDEL_TEST_POSTGRES") else { return };
    let name = std::thread::current().name().unwrap_or("test").replace("::", "_");
    let server = Engine::connect_blocking(&url).unwrap();
    let script = format!(
        "SET client_min_messages = warning; DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"
    );
    run_script(&server, &script);
    let mark = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{mark}options=-c%20search_path%3D{name}");
    test(Engine::connect_blocking(&url).unwrap());
}

/// Runs SQL behind the back of every session.
pub fn run_script(engine: &Engine, sql: &str) {
    engine.block_on(async { engine.acquire().await?.execute_raw(sql).await }).unwrap();
}
