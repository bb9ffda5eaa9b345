//! The unit of work, as a program sees it. On SQLite always, on PostgreSQL where `ALUDEL_TEST_POSTGRES` has a server's
//! URL.

#[path = "unit_of_work/backref.rs"]
mod backref;
#[path = "unit_of_work/composites.rs"]
mod composites;
#[path = "support/database.rs"]
mod database;
#[path = "unit_of_work/eager_defaults.rs"]
mod eager_defaults;
#[path = "unit_of_work/keys.rs"]
mod keys;
#[path = "unit_of_work/plan.rs"]
mod plan;
#[path = "unit_of_work/rows.rs"]
mod rows;
#[path = "unit_of_work/set_expr.rs"]
mod set_expr;

use std::sync::{Arc, Mutex};

use aludel::engine::{Event, Observer};
use aludel::prelude::*;
use database::Database;

/// Keeps what is sent: the texts of statements, the shapes of batches.
#[derive(Default)]
struct Sent(Mutex<Vec<String>>);

impl Sent {
    /// What was sent since it was last asked for.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Sent {
    fn before(&self, event: &Event<'_>) {
        let line = match event {
            Event::Write { write, .. } => {
                format!("{} {} x{}", event.name(), write.table.name(), write.rows)
            }
            Event::Statement { sql, .. } => (*sql).to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// Runs a test on each database, with the tables of the classes.
fn each(name: &str, registry: &Registry, test: impl Fn(&mut blocking::Session, &Sent, bool)) {
    let postgres = Database::postgres(name, registry);
    for db in [Some(Database::sqlite(name, registry)), postgres].into_iter().flatten() {
        let sent = Arc::new(Sent::default());
        db.engine.observe(sent.clone());
        let is_postgres = db.engine.dialect().kind == aludel::sql::DialectKind::Postgres;
        test(&mut db.session(), &sent, is_postgres);
    }
}

/// Behind the session's back.
fn script(session: &mut blocking::Session, sql: &str) {
    session.execute_raw(sql).unwrap();
    session.commit().unwrap();
}

/// Loads an attribute by its name.
fn load(
    session: &mut blocking::Session,
    object: impl Into<aludel::Id>,
    name: &str,
) -> aludel::Result<()> {
    session.load_named(object, name)
}
