//! PostgreSQL when something goes wrong: altered tables, lost connections, abandoned statements, locks.
#![cfg(feature = "postgres")]

mod common;
#[path = "common/postgres.rs"]
mod server;

use aludel_engine::{Connection, Engine, Isolation, TransactionOptions};
use aludel_sql::{ErrorKind, Result, Row, RowSink};
use common::*;
use server::{execute, options, run};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

#[test]
fn altered_tables_do_not_break_prepared_statements() {
    run("t_stale", async |e| {
        let (table, mut c, mut other) = (item(), e.acquire().await?, e.acquire().await?);
        insert(&mut c, &table, &[text("a"), num(1)]).await?;
        let all = execute("SELECT * FROM item");
        let mut got = Rows::default();
        c.query(&all, &[], &mut got).await?;
        // Outside a transaction, and as the first statement of one, it is prepared again and retried.
        other.execute_raw("ALTER TABLE item ADD COLUMN more INT DEFAULT 5").await?;
        c.query(&all, &[], &mut got).await?;
        other.execute_raw("ALTER TABLE item ADD COLUMN another INT DEFAULT 6").await?;
        c.begin(&TransactionOptions::new()).await?;
        c.savepoint().await?;
        c.query(&all, &[], &mut got).await?;
        c.commit().await?;
        assert_eq!(got.0.iter().map(Vec::len).collect::<Vec<_>>(), [3, 4, 5]);
        // Later in a transaction it cannot be; the transaction may be run again, and then it works.
        c.begin(&TransactionOptions::new()).await?;
        assert_eq!(one(&mut c, "SELECT 1").await?, 1);
        other.execute_raw("ALTER TABLE item ADD COLUMN third INT DEFAULT 7").await?;
        let error = c.query(&all, &[], &mut got).await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        c.rollback().await?;
        c.query(&all, &[], &mut got).await?;
        // A pooler that discards the statements.
        c.execute_raw("DEALLOCATE ALL").await?;
        c.query(&all, &[], &mut got).await?;
        // Writes too: the key's type changes what RETURNING gives.
        insert(&mut c, &table, &[text("b"), num(1), text("c"), num(2)]).await?;
        other.execute_raw("ALTER TABLE item ALTER COLUMN id TYPE INT").await?;
        assert_eq!(insert(&mut c, &table, &[text("d"), num(1), text("e"), num(2)]).await?.len(), 2);
        Ok(())
    });
}

async fn kill(c: &mut Connection, pid: i64) -> Result<()> {
    // With a time-out it waits until the process is gone.
    rows(c, "SELECT pg_terminate_backend($1::int, 10000)", &[num(pid)]).await.map(drop)
}

#[test]
fn lost_connections_are_told_and_replaced() {
    let Some(options) = options("t_lost") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let test = async {
        let engine = options.ping_after(Duration::ZERO).connect().await?;
        let mut killer = engine.acquire().await?;
        // An idle one is replaced in silence.
        let mut c = engine.acquire().await?;
        let pid = one(&mut c, "SELECT pg_backend_pid()::int8").await?;
        drop(c);
        kill(&mut killer, pid).await?;
        let mut c = engine.acquire().await?;
        let next = one(&mut c, "SELECT pg_backend_pid()::int8").await?;
        assert_ne!(next, pid);
        // One in use is told of, and thrown away.
        c.begin(&TransactionOptions::new()).await?;
        assert_eq!(one(&mut c, "SELECT 1::int8").await?, 1);
        kill(&mut killer, next).await?;
        assert_eq!(kind(rows(&mut c, "SELECT 1", &[]).await), ErrorKind::ConnectionLost);
        c.rollback().await?;
        drop(c);
        assert_eq!(engine.pool_status().idle, 0);
        // At COMMIT nobody knows.
        let mut c = engine.acquire().await?;
        c.begin(&TransactionOptions::new()).await?;
        let pid = one(&mut c, "SELECT pg_backend_pid()::int8").await?;
        kill(&mut killer, pid).await?;
        assert_eq!(kind(c.commit().await), ErrorKind::OutcomeUnknown);
        c.rollback().await
    };
    runtime.block_on(test).unwrap();
}

#[test]
fn a_transaction_that_failed_behind_our_back_is_not_committed() {
    run("t_behind", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        c.begin(&TransactionOptions::new()).await?;
        insert(&mut c, &table, &[text("a"), num(1)]).await?;
        // It fails at a row that nobody waits for. PostgreSQL would answer the COMMIT with success, and roll back.
        let sql = execute("SELECT 1 / (1000 - n) FROM generate_series(1, 1000) n");
        c.query(&sql, &[], &mut First).await?;
        assert!(!c.is_failed());
        assert_eq!(kind(c.commit().await), ErrorKind::PendingRollback);
        c.rollback().await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        // One that was left early and did not fail is committed.
        c.begin(&TransactionOptions::new()).await?;
        insert(&mut c, &table, &[text("a"), num(1)]).await?;
        c.query(&execute("SELECT n FROM generate_series(1, 1000) n"), &[], &mut First).await?;
        c.commit().await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 1);
        // What is known to have failed is told with what was wrong first.
        c.begin(&TransactionOptions::new()).await?;
        assert!(c.execute(&execute("SELECT 1 / 0"), &[]).await.is_err());
        let error = c.commit().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.first_kind()),
            (ErrorKind::PendingRollback, ErrorKind::Value)
        );
        assert!(format!("{error:?}").contains("division by zero"), "{error:?}");
        Ok(())
    });
}

/// Wants one row.
struct First;

impl RowSink for First {
    fn row(&mut self, _: &dyn Row) -> Result<ControlFlow<()>> {
        Ok(ControlFlow::Break(()))
    }
}

#[test]
fn an_abandoned_statement_must_be_rolled_back() {
    run("t_flight", async |e| {
        let mut c = e.acquire().await?;
        c.begin(&TransactionOptions::new()).await?;
        {
            let mut sink = Rows::default();
            let sql = execute("SELECT 1");
            let mut future = pin!(c.query(&sql, &[], &mut sink));
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert!(c.is_failed());
        assert_eq!(kind(rows(&mut c, "SELECT 1", &[]).await), ErrorKind::PendingRollback);
        assert_eq!(kind(c.commit().await), ErrorKind::PendingRollback);
        assert_eq!(one(&mut c, "SELECT 1::int8").await?, 1);
        // Dropped in flight, the connection does not go back to the pool.
        {
            let mut sink = Rows::default();
            let sql = execute("SELECT pg_sleep(600)");
            let mut future = pin!(c.query(&sql, &[], &mut sink));
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(c);
        assert_eq!((e.pool_status().idle, e.pool_status().in_use), (0, 0));
        Ok(())
    });
}

#[test]
fn locks_time_out_and_deadlocks_are_told() {
    run("t_locks", async |e| {
        let (table, mut a, mut b) = (item(), e.acquire().await?, e.acquire().await?);
        insert(&mut a, &table, &[text("a"), num(1)]).await?;
        a.begin(&TransactionOptions::new()).await?;
        a.execute(&execute("UPDATE item SET size = 2"), &[]).await?;
        b.execute_raw("SET lock_timeout = 20").await?;
        assert_eq!(
            kind(b.execute(&execute("UPDATE item SET size = 3"), &[]).await),
            ErrorKind::Timeout
        );
        a.rollback().await?;
        // Of two serializable transactions that read what the other writes, one is refused.
        let how = TransactionOptions::new().isolation(Isolation::RepeatableRead);
        a.begin(&how).await?;
        b.begin(&how).await?;
        one(&mut a, "SELECT size FROM item").await?;
        one(&mut b, "SELECT size FROM item").await?;
        a.execute(&execute("UPDATE item SET size = size + 1"), &[]).await?;
        a.commit().await?;
        let error = b.execute(&execute("UPDATE item SET size = size + 1"), &[]).await.unwrap_err();
        assert!(error.is_retryable() && error.kind() == ErrorKind::Serialization);
        b.rollback().await
    });
}

#[test]
fn blocking_use() {
    let Some(options) = options("t_blocking") else { return };
    let engine = options.connect_blocking().unwrap();
    let table = item();
    engine
        .block_on(async {
            let mut c = engine.acquire().await?;
            c.begin(&TransactionOptions::new()).await?;
            insert(&mut c, &table, &[text("a"), num(1)]).await?;
            c.commit().await?;
            c.begin(&TransactionOptions::new()).await?;
            c.execute(&execute("DELETE FROM item"), &[]).await
        })
        .unwrap();
    // The dropped transaction was rolled back, and its locks are free at once.
    let other = Engine::connect_blocking(&std::env::var("ALUDEL_TEST_POSTGRES").unwrap()).unwrap();
    let sql = "SET lock_timeout = 5000; UPDATE t_blocking.item SET size = 7";
    other.block_on(async { other.acquire().await?.execute_raw(sql).await }).unwrap();
    // Also when a connection is dropped outside.
    let mut c = engine.block_on(engine.acquire()).unwrap();
    engine
        .block_on(async {
            c.begin(&TransactionOptions::new()).await?;
            c.execute(&execute("DELETE FROM item"), &[]).await
        })
        .unwrap();
    drop(c);
    other.block_on(async { other.acquire().await?.execute_raw(sql).await }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert_eq!(kind(engine.block_on(engine.acquire())), ErrorKind::InvalidRequest);
        // A connection belongs to its runtime: this is another one.
        let mut c = engine.acquire().await.unwrap();
        assert_eq!(one(&mut c, "SELECT size FROM item").await.unwrap(), 7);
    });
}

#[test]
fn connecting_says_what_is_wrong() {
    let Some(_) = options("t_connect") else { return };
    let error = Engine::connect_blocking("postgres://nobody:secret@127.0.0.1:1/x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    let shown = format!("{error:?}");
    assert!(
        shown.contains("postgres://nobody:***@127.0.0.1:1/x") && !shown.contains("secret"),
        "{shown}"
    );
}
