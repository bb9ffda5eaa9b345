//! What the tests of the flush share: an engine that tells its statements, and tables made for classes.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use aludel_engine::{Engine, Event, Observer, Outcome};
use aludel_orm::{Registry, Result, Session};
use aludel_sql::{Row, RowSink, StatementKind, ValueRef, WriteOp};

/// Tells the statements of an engine, a line each.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    /// What was told since it was last asked for.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Told {
    fn after(&self, event: &Event<'_>, outcome: &Outcome<'_>) {
        if outcome.error.is_some() {
            return;
        }
        let line = match event {
            Event::Write { write, .. } => {
                let names = |columns: &[u16]| {
                    let name = |c: &u16| write.table.columns()[usize::from(*c)].name.to_string();
                    columns.iter().map(name).collect::<Vec<_>>().join(", ")
                };
                let table = write.table.name();
                match write.op {
                    WriteOp::Insert => {
                        format!("INSERT {table} ({}) x{}", names(write.columns), write.rows)
                    }
                    WriteOp::Update => format!(
                        "UPDATE {table} SET {} WHERE {} x{}",
                        names(write.columns),
                        names(write.keys),
                        write.rows
                    ),
                    WriteOp::Delete => {
                        format!("DELETE {table} WHERE {} x{}", names(write.keys), write.rows)
                    }
                }
            }
            Event::Statement { kind: StatementKind::Select, .. } => "SELECT".to_owned(),
            Event::Commit | Event::Rollback => event.name().to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// A database in memory.
pub struct Db {
    pub engine: Engine,
    pub told: Told,
    pub registry: Registry,
}

impl Db {
    /// With the tables of the classes that the registry knows.
    pub fn new(registry: Registry) -> Self {
        let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
        let told = Told::default();
        engine.observe(Arc::new(told.clone()));
        let db = Self { engine, told, registry };
        for sql in db.registry.metadata().create_all(db.engine.dialect()).unwrap() {
            db.sql(&sql);
        }
        db.told.take();
        db
    }

    pub fn session(&self) -> Session {
        Session::with_registry(&self.engine, &self.registry)
    }

    pub fn run<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.engine.block_on(future)
    }

    pub fn flush(&self, session: &mut Session) -> Vec<String> {
        self.run(session.flush()).unwrap();
        self.told.take()
    }

    pub fn commit(&self, session: &mut Session) {
        self.run(session.commit()).unwrap();
        self.told.take();
    }

    /// Behind the session's back; it must be in no transaction.
    pub fn sql(&self, sql: &str) {
        self.run(async {
            let mut connection = self.engine.acquire().await?;
            connection.execute_raw(sql).await
        })
        .unwrap();
    }

    /// The rows of a query, a line each.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let mut lines = Lines(Vec::new());
        self.run(async {
            let mut connection = self.engine.acquire().await?;
            connection.query_raw(sql, &[], &mut lines).await
        })
        .unwrap();
        self.told.take();
        lines.0
    }
}

struct Lines(Vec<String>);

impl RowSink for Lines {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let mut line = Vec::new();
        for at in 0..row.len() {
            line.push(match row.get(at) {
                Ok(ValueRef::Text(text)) => text.to_owned(),
                Ok(other) => other.to_string(),
                Err(bad) => bad.to_string(),
            });
        }
        self.0.push(line.join("|"));
        Ok(ControlFlow::Continue(()))
    }
}
