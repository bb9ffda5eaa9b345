//! SQLite: statements, writes, transactions, savepoints, errors.
#![cfg(feature = "sqlite")]

mod common;

use aludel_engine::{Access, Engine, TransactionOptions};
use aludel_sql::{
    Bind, Column, Compiled, DataType, ErrorKind, Result, Table, Value, ValueRef, WriteOp,
};
use common::*;

/// Runs a test on a new database in memory.
fn run(test: impl AsyncFnOnce(&Engine) -> Result<()>) {
    let engine = memory();
    engine.block_on(test(&engine)).unwrap();
}

#[test]
fn everything_is_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let engine = memory();
    let table = item();
    let its = engine.clone();
    let future = send(async move {
        let mut c = its.acquire().await?;
        c.begin(&TransactionOptions::new()).await?;
        let s = c.savepoint().await?;
        insert(&mut c, &table, &[text("a"), num(1)]).await?;
        c.release(s).await?;
        rows(&mut c, "SELECT 1", &[]).await?;
        c.commit().await
    });
    engine.block_on(future).unwrap();
}

#[test]
fn values_come_back() {
    run(async |e| {
        let mut c = e.acquire().await?;
        let params = [
            num(i64::MIN),
            Bind::Ref(ValueRef::F64(1.5)),
            text("héllo\0x"),
            Bind::Ref(ValueRef::Bytes(&[0, 255])),
            Bind::Ref(ValueRef::Bool(true)),
            NULL,
        ];
        let got = rows(&mut c, "SELECT ?1, ?2, ?3, ?4, ?5, ?6", &params).await?;
        let want = vec![
            Value::I64(i64::MIN),
            Value::F64(1.5),
            Value::Text("héllo\0x".into()),
            Value::Bytes(vec![0, 255]),
            Value::I64(1),
            Value::Null,
        ];
        assert_eq!(got, [want]);
        Ok(())
    });
}

#[test]
fn wrong_parameters_are_refused() {
    run(async |e| {
        let mut c = e.acquire().await?;
        assert_eq!(kind(rows(&mut c, "SELECT ?1", &[]).await), ErrorKind::Argument);
        let invalid = [Bind::Owned(Value::Invalid("too large".into()))];
        let error = rows(&mut c, "SELECT ?1", &invalid).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert!(error.message().contains("too large"), "{error}");
        Ok(())
    });
}

#[test]
fn inserts_give_keys_in_order() {
    run(async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        let keys = insert(&mut c, &table, &[text("a"), num(1), text("b"), NULL, text("c"), num(3)])
            .await?;
        assert_eq!(keys, [1, 2, 3]);
        // Also other columns, which come by RETURNING, and a row of defaults for a table of a key alone.
        let mut written = Written::default();
        let params = [text("d"), num(4)];
        c.write(&[write(WriteOp::Insert, &table, (&[1, 2], &[], &[1, 0]), &params)], &mut written)
            .await?;
        assert_eq!(written.returned, [(0, 0, vec![Value::Text("d".into()), Value::I64(4)])]);
        assert_eq!(written.done, [(0, 1)]);
        c.execute_raw("CREATE TABLE alone (id INTEGER PRIMARY KEY)").await?;
        let alone = Table::build("alone").column(Column::of::<i64>("id").primary_key()).finish()?;
        let mut written = Written::default();
        c.write(&[write(WriteOp::Insert, &alone, (&[], &[], &[0]), &[])], &mut written).await?;
        assert_eq!(written.keys(), [1]);
        Ok(())
    });
}

#[test]
fn a_key_that_is_not_the_row_id_comes_by_returning() {
    run(async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw(
            "CREATE TABLE big (id BIGINT PRIMARY KEY DEFAULT 77, x TEXT);
             INSERT INTO big (rowid, id, x) VALUES (500, 1, 'first');",
        )
        .await?;
        let big = Table::build("big")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::new("x", DataType::Text(None)))
            .finish()?;
        let mut written = Written::default();
        let params = [text("second")];
        c.write(&[write(WriteOp::Insert, &big, (&[1], &[], &[0]), &params)], &mut written).await?;
        assert_eq!(written.keys(), [77]);
        Ok(())
    });
}

#[test]
fn updates_and_deletes_count_their_rows() {
    run(async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        insert(&mut c, &table, &[text("a"), num(1), text("b"), num(2), text("c"), num(3)]).await?;
        let mut written = Written::default();
        let update = [num(10), num(1), num(20), num(2), num(90), num(9)];
        let returning = [num(30), num(3), num(90), num(9)];
        let delete = [num(1), num(2), num(9)];
        c.write(
            &[
                write(WriteOp::Update, &table, (&[2], &[0], &[]), &update),
                write(WriteOp::Update, &table, (&[2], &[0], &[2]), &returning),
                write(WriteOp::Delete, &table, (&[], &[0], &[]), &delete),
            ],
            &mut written,
        )
        .await?;
        assert_eq!(written.done, [(0, 2), (1, 1), (2, 2)]);
        assert_eq!(written.returned, [(1, 0, vec![Value::I64(30)])]);
        assert_eq!(one(&mut c, "SELECT sum(size) FROM item").await?, 30);
        Ok(())
    });
}

#[test]
fn a_failed_write_outside_a_transaction_leaves_nothing() {
    run(async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        let error =
            insert(&mut c, &table, &[text("a"), num(1), text("b"), num(2), text("a"), num(3)])
                .await
                .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        let detail = error.database().unwrap();
        assert_eq!(
            (detail.table.as_deref(), detail.column.as_deref()),
            (Some("item"), Some("name"))
        );
        assert_eq!((detail.write, detail.row), (Some(0), Some(2)));
        assert!(detail.statement.as_deref().unwrap().starts_with("INSERT"), "{error}");
        assert_eq!(error.message(), "row 3 of 3: UNIQUE constraint failed: item.name");
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        assert!(!c.in_transaction());
        Ok(())
    });
}

#[test]
fn constraints_have_kinds() {
    run(async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw("CREATE TABLE part (item_id INTEGER NOT NULL REFERENCES item (id))").await?;
        for (sql, want) in [
            ("INSERT INTO item (name, size) VALUES ('a', -1)", ErrorKind::CheckViolation),
            ("INSERT INTO item (name) VALUES (NULL)", ErrorKind::NotNullViolation),
            ("INSERT INTO part VALUES (99)", ErrorKind::ForeignKeyViolation),
            ("INSERT INTO nowhere VALUES (1)", ErrorKind::Syntax),
            ("INSERT INTO item (nothing) VALUES (1)", ErrorKind::Syntax),
            ("SELEKT", ErrorKind::Syntax),
            ("INSERT INTO item (id, name) VALUES ('x', 'x')", ErrorKind::Value),
        ] {
            let error = c.execute(&Compiled::raw(sql), &[]).await.unwrap_err();
            assert_eq!(error.kind(), want, "{sql}: {error:?}");
            assert_eq!(error.database().unwrap().statement.as_deref(), Some(sql));
        }
        Ok(())
    });
}

#[test]
fn transactions_and_savepoints() {
    run(async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        c.begin(&TransactionOptions::new()).await?;
        assert_eq!(kind(c.begin(&TransactionOptions::new()).await), ErrorKind::InvalidRequest);
        insert(&mut c, &table, &[text("a"), num(1)]).await?;
        let outer = c.savepoint().await?;
        insert(&mut c, &table, &[text("b"), num(2)]).await?;
        let inner = c.savepoint().await?;
        insert(&mut c, &table, &[text("c"), num(3)]).await?;
        c.rollback_to(inner).await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 2);
        c.release(inner).await?;
        assert_eq!(kind(c.release(inner).await), ErrorKind::InvalidRequest);
        c.rollback_to(outer).await?;
        insert(&mut c, &table, &[text("d"), num(4)]).await?;
        c.commit().await?;
        assert_eq!(kind(c.commit().await), ErrorKind::InvalidRequest);
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 2);
        c.begin(&TransactionOptions::new()).await?;
        c.execute(&Compiled::raw("DELETE FROM item"), &[]).await?;
        c.rollback().await?;
        c.rollback().await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 2);
        Ok(())
    });
}

#[test]
fn reading_transactions_refuse_writes() {
    run(async |e| {
        let mut c = e.acquire().await?;
        c.begin(&TransactionOptions::new().read_only()).await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        let refused = c.execute(&Compiled::raw("INSERT INTO item (name) VALUES ('a')"), &[]).await;
        assert_eq!(kind(refused), ErrorKind::ReadOnly);
        c.commit().await?;
        assert_eq!(
            c.execute(&Compiled::raw("INSERT INTO item (name) VALUES ('a')"), &[]).await?,
            1
        );
        c.begin(&TransactionOptions::new().access(Access::Deferred)).await?;
        assert_eq!(c.execute(&Compiled::raw("UPDATE item SET size = 1"), &[]).await?, 1);
        assert_eq!(c.execute(&Compiled::raw("CREATE TABLE more (x)"), &[]).await?, 0);
        c.commit().await
    });
}

#[test]
fn a_full_disk_is_told_and_the_connection_goes_on() {
    run(async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw("PRAGMA max_page_count = 20").await?;
        c.begin(&TransactionOptions::new()).await?;
        let big = "x".repeat(200_000);
        let table = item();
        let error =
            insert(&mut c, &table, &[text("small"), num(1), text(&big), num(2)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resources);
        assert!(!error.to_string().contains("xxx"));
        if c.is_failed() {
            assert_eq!(kind(rows(&mut c, "SELECT 1", &[]).await), ErrorKind::PendingRollback);
        }
        c.rollback().await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        insert(&mut c, &table, &[text("small"), num(1)]).await?;
        Ok(())
    });
}

#[test]
fn a_dropped_connection_is_rolled_back() {
    run(async |e| {
        let table = item();
        let mut c = e.acquire().await?;
        c.begin(&TransactionOptions::new()).await?;
        insert(&mut c, &table, &[text("a"), num(1)]).await?;
        drop(c);
        let mut c = e.acquire().await?;
        assert!(!c.in_transaction());
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        Ok(())
    });
}

#[test]
fn a_sink_can_stop_and_refuse() {
    struct Stop(usize);
    impl aludel_sql::RowSink for Stop {
        fn row(&mut self, _: &dyn aludel_sql::Row) -> Result<std::ops::ControlFlow<()>> {
            self.0 += 1;
            match self.0 {
                2 => Ok(std::ops::ControlFlow::Break(())),
                4 => Err(aludel_sql::Error::new(ErrorKind::Validation, "enough")),
                _ => Ok(std::ops::ControlFlow::Continue(())),
            }
        }
    }
    run(async |e| {
        let mut c = e.acquire().await?;
        let sql = Compiled::raw("VALUES (1), (2), (3)");
        let mut sink = Stop(0);
        assert_eq!(c.query(&sql, &[], &mut sink).await?, 2);
        assert_eq!(kind(c.query(&sql, &[], &mut sink).await), ErrorKind::Validation);
        c.execute_raw("DROP TABLE item").await
    });
}
