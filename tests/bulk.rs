//! Many rows at once, as a program sees it. On SQLite always, on PostgreSQL where `ALUDEL_TEST_POSTGRES` has a server's
//! URL.

#[path = "support/database.rs"]
mod database;
#[path = "bulk/inserts.rs"]
mod inserts;
#[path = "bulk/loads.rs"]
mod loads;
#[path = "bulk/model.rs"]
mod model;
#[path = "bulk/refusals.rs"]
mod refusals;
#[path = "bulk/returning.rs"]
mod returning;
#[path = "bulk/rows.rs"]
mod rows;
#[path = "support/sent.rs"]
mod sent;
#[path = "bulk/streams.rs"]
mod streams;
#[path = "bulk/upserts.rs"]
mod upserts;
#[path = "bulk/upserts_together.rs"]
mod upserts_together;

use std::sync::Arc;

use aludel::RecordClass;
use aludel::prelude::*;
use database::Database;
use sent::Sent;

/// A session, and what it sends.
struct Case {
    session: blocking::Session,
    sent: Arc<Sent>,
    registry: Registry,
    is_postgres: bool,
    tag: RecordClass,
}

/// Runs a test on each database, with the tables of the model.
fn each(name: &str, test: impl Fn(&mut Case)) {
    let registry = model::registry();
    let tag = model::tag(&registry);
    registry.configure().unwrap();
    let postgres = Database::postgres(&format!("bulk_{name}"), &registry);
    let sqlite = Database::sqlite(&format!("bulk-{name}"), &registry);
    for db in [Some(sqlite), postgres].into_iter().flatten() {
        let sent = Arc::new(Sent::default());
        db.engine.observe(sent.clone());
        let is_postgres = db.engine.dialect().kind == aludel::sql::DialectKind::Postgres;
        let (session, registry) = (db.session(), registry.clone());
        test(&mut Case { session, sent, registry, is_postgres, tag });
    }
}
