//! Databases for tests that need several connections: an SQLite file, and a schema of a PostgreSQL server.
#![allow(dead_code)]

use std::path::PathBuf;
use std::time::Duration;

use aludel::prelude::*;

/// A database that is removed at the end.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    pub(crate) registry: Registry,
    dir: Option<PathBuf>,
}

impl Database {
    /// A file with the tables of the classes.
    pub(crate) fn sqlite(name: &str, registry: &Registry) -> Self {
        let dir = std::env::temp_dir().join(format!("aludel-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let url = format!("sqlite://{}/app.db", dir.display());
        Self::with_tables(&url, registry, Some(dir))
    }

    /// A new schema with the tables of the classes, on the server of `ALUDEL_TEST_POSTGRES`, where there is one.
    pub(crate) fn postgres(schema: &str, registry: &Registry) -> Option<Self> {
        let server = std::env::var("ALUDEL_TEST_POSTGRES").ok()?;
        Some(Self::at_server(&server, schema, registry))
    }

    /// The same on another server.
    pub(crate) fn at_server(server: &str, schema: &str, registry: &Registry) -> Self {
        let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        script(&Engine::connect_blocking(server).unwrap(), &sql);
        Self::with_tables(&in_schema(server, schema), registry, None)
    }

    fn with_tables(url: &str, registry: &Registry, dir: Option<PathBuf>) -> Self {
        // Its server may be killed: each connection is tried before it is used.
        let options = Engine::options(url).ping_after(Duration::ZERO);
        let engine = options.connect_blocking().unwrap();
        engine.block_on(registry.create_all(&engine)).unwrap();
        Self { engine, registry: registry.clone(), dir }
    }

    pub(crate) fn sessions(&self) -> SessionMaker {
        SessionMaker::new(&self.engine).registry(&self.registry)
    }

    pub(crate) fn session(&self) -> blocking::Session {
        blocking::Session::with_registry(&self.engine, &self.registry)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.engine.close();
        if let Some(dir) = &self.dir {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

/// The URL of a server, with the tables of a schema.
pub(crate) fn in_schema(server: &str, schema: &str) -> String {
    let mark = if server.contains('?') { '&' } else { '?' };
    format!("{server}{mark}options=-csearch_path%3D{schema}")
}

/// Runs a script on a connection of its own.
pub(crate) fn script(engine: &Engine, sql: &str) {
    engine.block_on(async { engine.acquire().await?.execute_raw(sql).await }).unwrap();
}
