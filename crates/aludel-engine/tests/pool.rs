//! The pool, waiting without a runtime, locks between connections, and work on other threads.
#![cfg(feature = "sqlite")]

mod common;

use aludel_engine::{Access, Engine, Journal, Open, SqliteOptions, TransactionOptions};
use aludel_sql::{Compiled, ErrorKind};
use common::*;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

fn file(dir: &Dir, rest: &str) -> Engine {
    let engine = Engine::connect_blocking(&dir.url(rest)).unwrap();
    let create = CREATE_SQLITE.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS");
    engine.block_on(async { engine.acquire().await?.execute_raw(&create).await }).unwrap();
    engine
}

#[test]
fn a_full_pool_times_out() {
    let options = Engine::options("sqlite::memory:")
        .max_connections(5)
        .acquire_timeout(Duration::from_millis(5));
    let engine = options.connect_blocking().unwrap();
    let held = engine.block_on(engine.acquire()).unwrap();
    assert_eq!((engine.pool_status().in_use, engine.pool_status().max), (1, 1));
    let error = engine.block_on(engine.acquire()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("the only connection is in use"), "{error}");
    drop(held);
    engine.block_on(engine.acquire()).unwrap();
    assert_eq!((engine.pool_status().in_use, engine.pool_status().idle), (0, 1));
}

#[test]
fn waiters_are_served_in_their_order() {
    let engine = memory();
    let held = engine.block_on(engine.acquire()).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = pin!(engine.acquire());
    let mut second = Box::pin(engine.acquire());
    let mut third = pin!(engine.acquire());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    assert!(third.as_mut().poll(&mut cx).is_pending());
    drop(held);
    assert!(third.as_mut().poll(&mut cx).is_pending());
    let std::task::Poll::Ready(Ok(got)) = first.as_mut().poll(&mut cx) else {
        panic!("the first is served")
    };
    drop(got);
    // One that was served and goes away unseen passes it on.
    drop(second);
    assert!(third.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn blocking_threads_wait_for_each_other() {
    let engine = memory();
    let held = engine.block_on(engine.acquire()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            engine.block_on(async { one(&mut engine.acquire().await?, "SELECT 7").await })
        });
        drop(held);
        assert_eq!(waiting.join().unwrap().unwrap(), 7);
    });
}

#[test]
fn a_closed_engine_gives_no_connections() {
    let engine = memory();
    let held = engine.block_on(engine.acquire()).unwrap();
    engine.close();
    assert_eq!(kind(engine.block_on(engine.acquire())), ErrorKind::InvalidRequest);
    drop(held);
    assert_eq!(engine.pool_status().idle, 0);
}

#[test]
fn files_use_wal_and_a_lock_times_out_in_blocking_use() {
    let dir = Dir::new("lock");
    let engine = file(&dir, "?busy_timeout_ms=5");
    engine
        .block_on(async {
            let mut a = engine.acquire().await?;
            let mut b = engine.acquire().await?;
            let mode = rows(&mut a, "PRAGMA journal_mode", &[]).await?;
            assert_eq!(mode, [[aludel_sql::Value::Text("wal".into())]]);
            assert_eq!(one(&mut a, "PRAGMA foreign_keys").await?, 1);
            a.begin(&TransactionOptions::new()).await?;
            a.execute(&Compiled::raw("INSERT INTO item (name) VALUES ('a')"), &[]).await?;
            // A reader does not wait, a writer does, and then says so.
            assert_eq!(one(&mut b, "SELECT count(*) FROM item").await?, 0);
            b.begin(&TransactionOptions::new()).await?;
            let error = one(&mut b, "SELECT count(*) FROM item").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert!(error.message().contains("waited 5ms for a lock"), "{error}");
            b.rollback().await?;
            a.commit().await?;
            assert_eq!(one(&mut b, "SELECT count(*) FROM item").await?, 1);
            // A deferred transaction that read before another wrote cannot write any more.
            b.begin(&TransactionOptions::new().access(Access::Deferred)).await?;
            assert_eq!(one(&mut b, "SELECT count(*) FROM item").await?, 1);
            a.execute(&Compiled::raw("INSERT INTO item (name) VALUES ('b')"), &[]).await?;
            let error = b.execute(&Compiled::raw("DELETE FROM item"), &[]).await.unwrap_err();
            assert!(error.is_retryable(), "{error:?}");
            b.rollback().await
        })
        .unwrap();
}

#[test]
fn in_async_use_a_lock_is_waited_for_without_the_thread() {
    let dir = Dir::new("async");
    let engine = file(&dir, "?busy_timeout_ms=60000");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut a = engine.acquire().await.unwrap();
        let mut b = engine.acquire().await.unwrap();
        a.begin(&TransactionOptions::new()).await.unwrap();
        a.execute(&Compiled::raw("INSERT INTO item (name) VALUES ('a')"), &[]).await.unwrap();
        let sql = Compiled::raw("INSERT INTO item (name) VALUES ('b')");
        {
            let mut waiting = pin!(b.execute(&sql, &[]));
            // The same thread goes on while the other waits.
            assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            a.commit().await.unwrap();
            assert_eq!(waiting.await.unwrap(), 1);
        }
        // A time-out in async use.
        let short = file(&dir, "?busy_timeout_ms=5");
        let mut c = short.acquire().await.unwrap();
        a.begin(&TransactionOptions::new()).await.unwrap();
        a.execute(&sql, &[]).await.unwrap_err();
        let since = Instant::now();
        assert_eq!(kind(c.execute(&sql, &[]).await), ErrorKind::Timeout);
        assert!(since.elapsed() < Duration::from_secs(10));
        a.rollback().await.unwrap();
    });
}

#[test]
fn work_can_be_offloaded() {
    let engine = memory();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let here = std::thread::current().id();
        let its = engine.clone();
        let there = engine.offload(async move {
            let mut c = its.acquire().await?;
            let table = item();
            insert(&mut c, &table, &[text("a"), num(1)]).await?;
            Ok(std::thread::current().id())
        });
        assert_ne!(there.await.unwrap(), here);
        let mut c = engine.acquire().await.unwrap();
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await.unwrap(), 1);
        drop(c);
        let failed = engine
            .offload(async { Err::<(), _>(aludel_sql::Error::new(ErrorKind::Argument, "no")) });
        assert_eq!(kind(failed.await), ErrorKind::Argument);
        // More work than threads: all of it is done.
        let mut all = Vec::new();
        for i in 0..50 {
            let its = engine.clone();
            all.push(Box::pin(engine.offload(async move {
                let mut c = its.acquire().await?;
                one(&mut c, &format!("SELECT {i}")).await
            })));
        }
        let mut cx = Context::from_waker(Waker::noop());
        let started: Vec<_> = all.iter_mut().map(|f| f.as_mut().poll(&mut cx)).collect();
        for (i, (future, started)) in all.into_iter().zip(started).enumerate() {
            let value = match started {
                std::task::Poll::Ready(value) => value,
                std::task::Poll::Pending => future.await,
            };
            assert_eq!(value.unwrap(), i as i64);
        }
    });
}

#[test]
fn opening_says_what_is_wrong() {
    let dir = Dir::new("open");
    let error = Engine::connect_blocking(&dir.url("?mode=ro")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(error.message().contains("cannot open the SQLite database"), "{error}");
    std::fs::write(dir.0.join("app.db"), "this is no database, but a text that is long enough")
        .unwrap();
    let error = Engine::connect_blocking(&dir.url("")).unwrap_err();
    assert!(error.message().contains("not a database"), "{error}");
    for (url, part) in [
        ("sqlite://x.db?mode=rx", "`mode` is one of"),
        ("sqlite://x.db?busy_timeout_ms=soon", "not a whole number"),
        ("sqlite://x.db?sslmode=require", "`sslmode` is not known"),
        ("sqlite:///nothere.d/app.db", "cannot open"),
    ] {
        let error = Engine::connect_blocking(url).unwrap_err();
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn sqlite_options() {
    let dir = Dir::new("options");
    let fast =
        Engine::options(&dir.url("")).sqlite(SqliteOptions::fast()).connect_blocking().unwrap();
    fast.block_on(async {
        let mut c = fast.acquire().await?;
        assert_eq!(one(&mut c, "PRAGMA synchronous").await?, 1);
        c.execute_raw("CREATE TABLE t (x)").await
    })
    .unwrap();
    drop(fast);
    let plain = SqliteOptions::default().journal(Journal::Delete);
    Engine::options(&dir.url("")).sqlite(plain.clone()).connect_blocking().unwrap();
    let read = Engine::options(&dir.url(""))
        .sqlite(plain.open(Open::ReadOnly))
        .connect_blocking()
        .unwrap();
    read.block_on(async {
        let mut c = read.acquire().await?;
        c.begin(&TransactionOptions::new()).await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM t").await?, 0);
        assert_eq!(
            kind(c.execute(&Compiled::raw("INSERT INTO t VALUES (1)"), &[]).await),
            ErrorKind::ReadOnly
        );
        c.rollback().await
    })
    .unwrap();
}
