//! Echo, counters, DDL.
#![cfg(feature = "sqlite")]

mod common;

use aludel_engine::observe::Show;
use aludel_engine::{Echo, Engine, StatementCounter, TransactionOptions};
use aludel_sql::{Column, Compiled, ErrorKind, MetaData, Table};
use common::*;
use std::sync::{Arc, Mutex};

fn echoed(show: Show) -> String {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let its = lines.clone();
    let echo = Echo::to(move |line| its.lock().unwrap().push(line.to_owned())).show(show);
    let engine = memory();
    engine.observe(Arc::new(echo));
    engine
        .block_on(async {
            let (table, mut c) = (item(), engine.acquire().await?);
            c.begin(&TransactionOptions::new()).await?;
            insert(&mut c, &table, &[text("a"), num(1), text("b"), num(2)]).await?;
            let sql = Compiled::raw("SELECT ?1");
            let savepoint = c.savepoint().await?;
            for _ in 0..2 {
                c.query(&sql, &[text("secret")], &mut Rows::default()).await?;
            }
            c.rollback_to(savepoint).await?;
            assert!(insert(&mut c, &table, &[text("a"), num(1)]).await.is_err());
            c.rollback().await
        })
        .unwrap();
    let text = lines.lock().unwrap().join("\n");
    // Times differ from run to run.
    text.lines()
        .map(|line| {
            let line = line.split(" in ").next().unwrap();
            line.split(" since ").next().unwrap()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn echo_shows_statements_and_hides_values() {
    let want = "\
BEGIN (implicit)
INSERT INTO \"item\" (\"name\", \"size\") VALUES (?, ?) RETURNING \"id\"
[2 rows of 2 parameters]
[2 rows
SAVEPOINT sa_1
SELECT ?1
[generated, 1 parameter]
[1 rows
SELECT ?1
[cached
[1 rows
ROLLBACK TO SAVEPOINT sa_1
INSERT INTO \"item\" (\"name\", \"size\") VALUES (?, ?) RETURNING \"id\"
[1 rows of 2 parameters]
[failed
ROLLBACK";
    assert_eq!(echoed(Show::Hidden), want);
    let shown = echoed(Show::Parameters);
    assert!(
        shown.contains("[generated, (\"secret\")]") && shown.contains("\n(\"b\", 2)\n"),
        "{shown}"
    );
}

#[test]
fn counters_count() {
    let counter = StatementCounter::new();
    let engine =
        Engine::options("sqlite::memory:").observe(counter.clone()).connect_blocking().unwrap();
    engine
        .block_on(async {
            let (table, mut c) = (item(), engine.acquire().await?);
            c.execute_raw(CREATE_SQLITE).await?;
            c.begin(&TransactionOptions::new()).await?;
            insert(&mut c, &table, &[text("a"), num(1), text("b"), num(2)]).await?;
            rows(&mut c, "SELECT * FROM item", &[]).await?;
            c.execute(&Compiled::raw("UPDATE item SET size = 5"), &[]).await?;
            c.commit().await
        })
        .unwrap();
    for (kind, statements, count) in [
        ("SCRIPT", 1, 0),
        ("BEGIN", 1, 0),
        ("INSERT", 1, 2),
        ("SELECT", 1, 2),
        ("UPDATE", 1, 2),
        ("COMMIT", 1, 0),
    ] {
        let got = counter.count(kind);
        assert_eq!((got.statements, got.rows, got.failed), (statements, count, 0), "{kind}");
    }
    assert_eq!(counter.statements(), 4);
    assert_eq!(counter.take().len(), 6);
    assert_eq!(counter.statements(), 0);
}

#[test]
fn tables_are_created_and_dropped() {
    let parent =
        Table::build("parent").column(Column::of::<i64>("id").primary_key()).finish().unwrap();
    let child = Table::build("child")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<i64>("parent_id").references("parent.id"))
        .finish()
        .unwrap();
    let mut tables = MetaData::new();
    tables.add(child).unwrap();
    tables.add(parent).unwrap();
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    engine
        .block_on(async {
            engine.create_all(&tables).await?;
            engine.create_missing(&tables).await?;
            assert_eq!(kind(engine.create_all(&tables).await), ErrorKind::Database);
            let mut c = engine.acquire().await?;
            assert_eq!(
                one(&mut c, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'").await?,
                2
            );
            drop(c);
            engine.drop_all(&tables).await?;
            engine.drop_existing(&tables).await
        })
        .unwrap();
}
