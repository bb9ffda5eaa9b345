//! The unit of work, as a program sees it. On SQLite always, on PostgreSQL where `ALUDEL_TEST_POSTGRES` has a server's
//! URL.

#[path = "unit_of_work/backref.rs"]
mod backref;
#[path = "unit_of_work/composites.rs"]
mod composites;
#[path = "support/database.rs"]
mod database;
#[path = "unit_of_work/deletions.rs"]
mod deletions;
#[path = "unit_of_work/eager_defaults.rs"]
mod eager_defaults;
#[path = "unit_of_work/expired.rs"]
mod expired;
#[path = "unit_of_work/keys.rs"]
mod keys;
#[path = "unit_of_work/plan.rs"]
mod plan;
#[path = "unit_of_work/replaced.rs"]
mod replaced;
#[path = "unit_of_work/rows.rs"]
mod rows;
#[path = "support/sent.rs"]
mod sent;
#[path = "unit_of_work/set_expr.rs"]
mod set_expr;

use std::sync::Arc;

use aludel::prelude::*;
use database::Database;
use sent::Sent;

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
