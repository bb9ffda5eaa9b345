//! A database in memory for the tests, and what is sent to it.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aludel::engine::{Event, Observer};
use aludel::prelude::*;

/// Keeps the statements that change rows, and counts those that read.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<String>>, AtomicUsize);

impl Observer for Recorder {
    fn before(&self, event: &Event<'_>) {
        if event.name() == "SELECT" {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(event.name(), "INSERT" | "UPDATE" | "DELETE")
            && let Some(sql) = event.sql()
        {
            self.0.lock().unwrap().push(sql.to_owned());
        }
    }
}

/// Runs a test on every database that is there; on PostgreSQL in a schema of its own.
pub(crate) fn each(schema: &str, registry: impl Fn() -> Registry, test: impl Fn(&mut Db)) {
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

/// A session on a database of its own.
pub(crate) struct Db {
    session: blocking::Session,
    engine: Engine,
    pub(crate) registry: Registry,
    recorder: Arc<Recorder>,
}

impl Db {
    /// A new database with the tables of the classes.
    pub(crate) fn new(registry: Registry) -> Self {
        Self::at("sqlite::memory:", registry)
    }

    /// The tables of the classes, made anew, in a database.
    pub(crate) fn at(url: &str, registry: Registry) -> Self {
        let engine = Engine::connect_blocking(url).unwrap();
        engine.block_on(registry.drop_all(&engine)).unwrap();
        engine.block_on(registry.create_all(&engine)).unwrap();
        let recorder = Arc::new(Recorder::default());
        engine.observe(recorder.clone());
        let session = blocking::Session::with_registry(&engine, &registry);
        Self { session, engine, registry, recorder }
    }

    /// Another session on the same database; the one before is closed.
    pub(crate) fn renew(&mut self) {
        self.session.close().unwrap();
        self.session = blocking::Session::with_registry(&self.engine, &self.registry);
        self.sent();
    }

    /// As [`renew`](Self::renew), with other classes.
    pub(crate) fn renew_with(&mut self, registry: Registry) {
        self.registry = registry;
        self.session.close().unwrap();
        self.session = blocking::Session::with_registry(&self.engine, &self.registry);
    }

    /// Waits for something that is done with the engine.
    pub(crate) fn waiting_engine<R>(
        &self,
        run: impl AsyncFnOnce(&Engine) -> aludel::Result<R>,
    ) -> aludel::Result<R> {
        self.engine.block_on(run(&self.engine))
    }

    /// The statements that changed rows since last asked.
    pub(crate) fn sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.recorder.0.lock().unwrap())
    }

    /// How many SELECTs there were since last asked.
    pub(crate) fn selects(&self) -> usize {
        self.recorder.1.swap(0, Ordering::Relaxed)
    }

    /// Waits for what has no blocking form.
    pub(crate) fn waiting<R>(
        &mut self,
        run: impl AsyncFnOnce(&mut Session) -> aludel::Result<R>,
    ) -> aludel::Result<R> {
        let engine = self.engine.clone();
        engine.block_on(run(&mut self.session))
    }

    /// Runs an UPDATE by criteria.
    pub(crate) fn update_by<T: Mapped>(&mut self, update: aludel::orm::Update<T>) -> u64 {
        self.session.execute_update(update).unwrap()
    }

    /// The objects of a query put together by names.
    pub(crate) fn all_of(&mut self, query: aludel::Query) -> Vec<aludel::Id> {
        self.session.all_of(query).unwrap()
    }

    /// Runs a statement written by hand.
    pub(crate) fn execute(&mut self, sql: &str) {
        self.session.execute_raw(sql).unwrap();
    }

    /// The database's dialect.
    pub(crate) fn dialect(&self) -> aludel::sql::Dialect {
        self.engine.dialect().clone()
    }

    /// The tables that the database has.
    pub(crate) fn reflect(&self, options: &aludel::ReflectOptions) -> aludel::sql::MetaData {
        self.engine.block_on(self.engine.reflect_with(options)).unwrap()
    }

    /// The rows of a query written by hand.
    pub(crate) fn raw(&mut self, sql: &str) -> Vec<Vec<aludel::Value>> {
        self.session.query_raw(sql, &[]).unwrap()
    }
}

impl Deref for Db {
    type Target = blocking::Session;
    fn deref(&self) -> &blocking::Session {
        &self.session
    }
}

impl DerefMut for Db {
    fn deref_mut(&mut self) -> &mut blocking::Session {
        &mut self.session
    }
}
