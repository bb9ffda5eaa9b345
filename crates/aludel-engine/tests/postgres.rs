//! PostgreSQL: values, writes, transactions, errors.
#![cfg(feature = "postgres")]

mod common;
#[path = "common/postgres.rs"]
mod server;

use aludel_engine::{Isolation, StatementCounter, TransactionOptions};
use aludel_sql::{
    Bind, Column, DataType, Dialect, ErrorKind, Expr, In, InSet, Node, StatementCache, Table,
    Value, ValueRef, WriteOp, select,
};
use common::*;
use server::{execute, run};

#[test]
fn futures_are_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    run("t_send", async |e| {
        let (table, e) = (item(), e.clone());
        send(async move {
            let mut c = e.acquire().await?;
            insert(&mut c, &table, &[text("a"), num(1)]).await?;
            rows(&mut c, "SELECT 1", &[]).await.map(drop)
        })
        .await
    });
}

#[test]
fn values_adapt_to_the_servers_types() {
    run("t_values", async |e| {
        let mut c = e.acquire().await?;
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        for (sql, param, shown) in [
            ("SELECT $1::int2", num(7), "7"),
            ("SELECT $1::numeric", num(-1_234_567_890_123), "-1234567890123"),
            ("SELECT $1::numeric", num(0), "0"),
            ("SELECT $1::numeric", num(i64::MIN), "-9223372036854775808"),
            ("SELECT $1::numeric", Bind::Ref(ValueRef::F64(1.25)), "1.25"),
            ("SELECT $1::float4", num(3), "3"),
            ("SELECT $1::text", num(3), "3"),
            ("SELECT $1::varchar", text("é"), "é"),
            ("SELECT $1::uuid", text(uuid), uuid),
            ("SELECT $1::date", text("2024-02-29"), "2024-02-29"),
            ("SELECT $1::inet", text("10.0.0.1"), "10.0.0.1/32"),
            ("SELECT $1::interval", text("2 hours"), "02:00:00"),
            ("SELECT $1::jsonb", text("{\"a\": 1}"), "{\"a\": 1}"),
            ("SELECT $1::bool", Bind::Ref(ValueRef::Bool(true)), "true"),
            ("SELECT $1::bytea", Bind::Ref(ValueRef::Bytes(&[1, 255])), "\\x01ff"),
            ("SELECT $1::text", Bind::Ref(ValueRef::Bytes(&[1, 255])), "\\x01ff"),
        ] {
            let sql = format!("SELECT x::text FROM ({sql} AS x) AS d");
            let got = rows(&mut c, &sql, std::slice::from_ref(&param)).await?;
            assert_eq!(got, [[Value::Text(shown.into())]], "{sql}");
        }
        for (sql, want) in [
            ("SELECT 1::int2, 2::int4, 3::int8", vec![Value::I64(1), Value::I64(2), Value::I64(3)]),
            (
                "SELECT 1.5::float4, 'x'::bpchar, NULL::uuid",
                vec![Value::F64(1.5), Value::Text("x".into()), Value::Null],
            ),
            (
                "SELECT true, '{\"a\":1}'::json",
                vec![Value::Bool(true), Value::Text("{\"a\":1}".into())],
            ),
            ("SELECT '\\x0102'::bytea, 5::oid", vec![Value::Bytes(vec![1, 2]), Value::I64(5)]),
        ] {
            assert_eq!(rows(&mut c, sql, &[]).await?, [want]);
        }
        let error = rows(&mut c, "SELECT $1::int2", &[num(70_000)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert!(
            error.message().contains("out of the range of int2")
                && !error.message().contains("70000")
        );
        let error = rows(&mut c, "SELECT $1::uuid", &[text("secret")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert_eq!(kind(rows(&mut c, "SELECT $1::text", &[text("a\0b")]).await), ErrorKind::Value);
        assert_eq!(kind(rows(&mut c, "SELECT $1::text", &[]).await), ErrorKind::Argument);
        Ok(())
    });
}

#[test]
fn lists_go_as_arrays() {
    run("t_lists", async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw(
            "CREATE TYPE mood AS ENUM ('sad', 'so so'); CREATE DOMAIN small AS int4; \
             CREATE TABLE thing (id int4, word varchar(20), fixed char(3), m mood, s small, n numeric, u uuid, d date, \
             net inet, raw bytea, big float8); \
             INSERT INTO thing VALUES (1, 'a \"b\\', 'x', 'so so', 7, 1.5, '67e55044-10b1-426f-9247-bb680e5fe0c8', \
             '2024-02-29', '10.0.0.1', '\\x01ff', 2.5)",
        )
        .await?;
        let names = ["id", "word", "fixed", "m", "s", "n", "u", "d", "net", "raw", "big"];
        let columns = names.map(|name| Column::new(name, DataType::Text(None)));
        let table = Table::build("thing").columns(columns).finish().unwrap();
        let cache = StatementCache::new(Dialect::postgres(), 10);
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        let text = |t: &str| Value::Text(t.to_owned());
        for (name, there, other) in [
            ("id", Value::I64(1), Value::I64(2)),
            ("word", text("a \"b\\"), text("")),
            ("fixed", text("x"), text("y")),
            ("m", text("so so"), text("sad")),
            ("s", Value::I64(7), Value::I64(-1)),
            ("n", Value::F64(1.5), Value::I64(2)),
            ("u", text(uuid), text("67e55044-10b1-426f-9247-bb680e5fe0c9")),
            ("d", text("2024-02-29"), text("2024-02-28")),
            ("net", text("10.0.0.1"), text("10.0.0.2")),
            ("raw", Value::Bytes(vec![1, 255]), Value::Bytes(vec![])),
            ("big", Value::F64(2.5), Value::I64(3)),
        ] {
            let at = names.iter().position(|n| *n == name).unwrap();
            let mut counts = Vec::new();
            for values in [[&other, &there], [&Value::Null, &there], [&other, &Value::Null]] {
                for negated in [false, true] {
                    let node = |v: &Value| Node::value(v.clone(), DataType::Text(None));
                    let list = values.map(node).to_vec();
                    let (operand, set) = (Node::column(&table, at as u16), InSet::List(list));
                    let condition = Node::In(Box::new(In { operand, negated, set }));
                    let one =
                        Expr::<bool>::from_node(Node::value(Value::Bool(true), DataType::Boolean));
                    let query = select(one).from(&table).filter(Expr::<bool>::from_node(condition));
                    let mut params = Vec::new();
                    let compiled = cache.compile_plain(&query, &mut params)?;
                    assert_eq!(compiled.arrays.len(), 1, "{}", compiled.sql);
                    counts.push(c.query(&compiled, &params, &mut Rows::default()).await?);
                }
            }
            // A NULL in a list makes all unknown but what is found.
            assert_eq!(counts, [1, 0, 1, 0, 0, 0], "{name}");
        }
        Ok(())
    });
}

#[cfg(not(feature = "decimal"))]
#[test]
fn numerics_without_decimals() {
    run("t_numeric", async |e| {
        let mut c = e.acquire().await?;
        let got = rows(
            &mut c,
            "SELECT sum(x), avg(x), -0.00015, 120000000.0 FROM (VALUES (1), (2)) AS t (x)",
            &[],
        )
        .await?;
        assert_eq!(
            got,
            [[Value::I64(3), Value::F64(1.5), Value::F64(-0.00015), Value::I64(120_000_000)]]
        );
        Ok(())
    });
}

#[cfg(all(feature = "decimal", feature = "uuid", feature = "jiff"))]
#[test]
fn other_types_come_back() {
    run("t_types", async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw(
            "CREATE TABLE moment (id BIGSERIAL PRIMARY KEY, d DATE, t TIME, dt TIMESTAMP, ts TIMESTAMPTZ, n NUMERIC(30, 5), u UUID)",
        )
        .await?;
        let table = Table::build("moment")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::new("d", aludel_sql::DataType::Date))
            .column(Column::new("t", aludel_sql::DataType::Time))
            .column(Column::new("dt", aludel_sql::DataType::DateTime))
            .column(Column::new("ts", aludel_sql::DataType::Timestamp))
            .column(Column::new("n", aludel_sql::DataType::Numeric(None)))
            .column(Column::new("u", aludel_sql::DataType::Uuid))
            .finish()?;
        let values = [
            Value::Date("1815-12-10".parse().unwrap()),
            Value::Time("23:59:59.999999".parse().unwrap()),
            Value::DateTime("0101-02-03 04:05:06.000007".parse().unwrap()),
            Value::Timestamp("1999-12-31T23:59:59.5Z".parse().unwrap()),
            Value::Decimal("-12345678901234567890.12345".parse().unwrap()),
            Value::Uuid(uuid::Uuid::from_u128(7)),
        ];
        let row: Vec<Bind<'_>> = values.iter().map(|v| Bind::Ref(v.as_ref())).collect();
        let mut params = row.clone();
        params.extend(row.clone());
        params.extend([NULL; 6]);
        let all = [1, 2, 3, 4, 5, 6];
        let mut written = Written::default();
        c.write(&[write(WriteOp::Insert, &table, (&all, &[], &[0]), &params)], &mut written)
            .await?;
        c.write(&[write(WriteOp::Insert, &table, (&all, &[], &[0]), &row)], &mut written).await?;
        let got = rows(&mut c, "SELECT d, t, dt, ts, n, u FROM moment ORDER BY id", &[]).await?;
        assert_eq!(got, [values.to_vec(), values.to_vec(), vec![Value::Null; 6], values.to_vec()]);
        Ok(())
    });
}

#[test]
fn many_inserts_give_keys_in_order() {
    run("t_insert", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        let names: Vec<String> = (0..20_000).map(|i| format!("n{}", (i * 7919) % 20_000)).collect();
        let params: Vec<Bind<'_>> =
            names.iter().enumerate().flat_map(|(i, n)| [text(n), num(i as i64 + 1)]).collect();
        let keys = insert(&mut c, &table, &params).await?;
        assert_eq!(keys.len(), 20_000);
        let found = rows(&mut c, "SELECT id, size FROM item", &[]).await?;
        assert_eq!(found.len(), 20_000);
        for row in found {
            assert_eq!(keys[int(&row[1]) as usize - 1], int(&row[0]));
        }
        // Other columns wanted, without the key itself; a single row; no row.
        let params = [text("x"), num(1), text("y"), num(2), text("z"), NULL];
        let mut written = Written::default();
        let none = [];
        c.write(
            &[
                write(WriteOp::Insert, &table, (&[1, 2], &[], &[2]), &params),
                write(WriteOp::Insert, &table, (&[2, 1], &[], &[1, 0]), &[num(9), text("w")]),
                write(WriteOp::Insert, &table, (&[1, 2], &[], &[2]), &none),
            ],
            &mut written,
        )
        .await?;
        assert_eq!(written.done, [(0, 3), (1, 1), (2, 0)]);
        let values: Vec<_> =
            written.returned.iter().map(|(w, r, v)| (*w, *r, v[0].clone())).collect();
        let want = [
            (0, 0, Value::I64(1)),
            (0, 1, Value::I64(2)),
            (0, 2, Value::Null),
            (1, 0, Value::Text("w".into())),
        ];
        assert_eq!(values, want);
        Ok(())
    });
}

#[test]
fn columns_have_the_servers_types() {
    run("t_real", async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw(
            "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN short AS varchar(5);
             CREATE TABLE odd (id SERIAL PRIMARY KEY, m mood, s short, i inet, u UUID DEFAULT gen_random_uuid())",
        )
        .await?;
        let table = Table::build("odd")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("m"))
            .column(Column::of::<String>("s"))
            .column(Column::of::<String>("i"))
            .column(Column::of::<String>("u"))
            .finish()?;
        let mut written = Written::default();
        let moods = [text("sad"), text("abc"), text("happy"), text("def")];
        let addresses = [text("10.0.0.1"), text("10.0.0.2")];
        c.write(
            &[
                write(WriteOp::Insert, &table, (&[1, 2], &[], &[0]), &moods),
                write(WriteOp::Insert, &table, (&[3], &[], &[0]), &addresses),
                write(
                    WriteOp::Update,
                    &table,
                    (&[1], &[0], &[]),
                    &[text("happy"), num(3), text("sad"), num(4)],
                ),
            ],
            &mut written,
        )
        .await?;
        assert_eq!(written.keys(), [1, 2, 3, 4]);
        let got = rows(&mut c, "SELECT m, s, host(i) FROM odd ORDER BY id", &[]).await?;
        let t = |s: &str| Value::Text(s.into());
        assert_eq!(got[1], [t("happy"), t("def"), Value::Null]);
        assert_eq!(got[2], [t("happy"), Value::Null, t("10.0.0.1")]);
        Ok(())
    });
}

#[test]
fn keys_that_do_not_ascend_come_row_by_row() {
    run("t_uuid", async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw(
            "CREATE TABLE doc (id TEXT PRIMARY KEY DEFAULT md5(random()::text), n BIGINT)",
        )
        .await?;
        let table = Table::build("doc")
            .column(Column::of::<String>("id").primary_key())
            .column(Column::of::<i64>("n"))
            .finish()?;
        let params: Vec<Bind<'_>> = (0..1000).map(num).collect();
        let mut written = Written::default();
        c.write(&[write(WriteOp::Insert, &table, (&[1], &[], &[0]), &params)], &mut written)
            .await?;
        assert_eq!(written.done, [(0, 1000)]);
        for (_, row, values) in &written.returned[..50] {
            let Value::Text(id) = &values[0] else { panic!("not a text") };
            let n = rows(&mut c, "SELECT n FROM doc WHERE id = $1", &[text(id)]).await?;
            assert_eq!(n, [[Value::I64(*row as i64)]]);
        }
        Ok(())
    });
}

#[test]
fn updates_and_deletes_count_their_rows() {
    run("t_update", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        insert(&mut c, &table, &[text("a"), num(1), text("b"), num(2), text("c"), num(3)]).await?;
        let mut written = Written::default();
        let update = [num(10), num(1), num(20), num(2), num(90), num(9)];
        let returning = [num(90), num(9), num(30), num(3), num(21), num(2)];
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
        assert_eq!(written.done, [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(written.returned, [(1, 1, vec![Value::I64(30)]), (1, 2, vec![Value::I64(21)])]);
        assert_eq!(rows(&mut c, "SELECT size FROM item", &[]).await?, [[Value::I64(30)]]);
        Ok(())
    });
}

#[test]
fn neighbours_are_deleted_and_nothing_between_them() {
    run("t_ranges", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        c.execute_raw("INSERT INTO item SELECT n, n, 1 FROM generate_series(-20, 20000) n").await?;
        // Alone, a range, a range with rows missing, some alone, one twice.
        let mut keys: Vec<i64> = vec![-3, 5, 9];
        keys.extend(100..10_000);
        keys.extend(19_900..20_100);
        keys.extend([15_000, 15_002, 15_002]);
        let params: Vec<Bind<'_>> = keys.iter().copied().map(num).collect();
        let mut written = Written::default();
        let delete = write(WriteOp::Delete, &table, (&[], &[0], &[]), &params);
        c.write(&[delete, delete], &mut written).await?;
        let gone = 3 + 9_900 + 101 + 2;
        assert_eq!(written.done, [(0, gone), (1, 0)]);
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 20_021 - gone as i64);
        let others =
            "SELECT count(*) FROM item WHERE id IN (-20, 0, 4, 6, 99, 10000, 15001, 19899)";
        assert_eq!(one(&mut c, others).await?, 8);
        Ok(())
    });
}

#[test]
fn keys_that_are_no_whole_numbers_have_others_between_them() {
    run("t_halves", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        c.execute_raw(
            "ALTER TABLE item ALTER id TYPE numeric; \
             INSERT INTO item SELECT n / 2.0, n, 1 FROM generate_series(2, 400) n",
        )
        .await?;
        let params: Vec<Bind<'_>> = (1..=200).map(num).collect();
        let mut written = Written::default();
        let delete = write(WriteOp::Delete, &table, (&[], &[0], &[]), &params);
        c.write(&[delete], &mut written).await?;
        assert_eq!(written.done, [(0, 200)]);
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 199);
        Ok(())
    });
}

#[test]
fn a_violation_is_named_and_shows_no_value() {
    run("t_errors", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        c.execute_raw("CREATE TABLE part (item_id BIGINT NOT NULL REFERENCES item (id))").await?;
        let error = insert(&mut c, &table, &[text("secret"), num(1), text("secret"), num(2)])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        let detail = error.database().unwrap();
        assert_eq!(
            (detail.table.as_deref(), detail.constraint.as_deref()),
            (Some("item"), Some("one_name"))
        );
        assert_eq!((detail.code.as_deref(), detail.write), (Some("23505"), Some(0)));
        assert!(!format!("{error:?}{error}").contains("secret"));
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        for (sql, want, column) in [
            ("INSERT INTO item (name, size) VALUES ('a', -1)", ErrorKind::CheckViolation, None),
            ("INSERT INTO item (name) VALUES (NULL)", ErrorKind::NotNullViolation, Some("name")),
            ("INSERT INTO part VALUES (99)", ErrorKind::ForeignKeyViolation, None),
            ("INSERT INTO nowhere VALUES (1)", ErrorKind::Syntax, None),
            ("SELEKT", ErrorKind::Syntax, None),
            ("SELECT 1 / 0", ErrorKind::Value, None),
        ] {
            let error = c.execute(&execute(sql), &[]).await.unwrap_err();
            assert_eq!(error.kind(), want, "{sql}: {error:?}");
            let detail = error.database().unwrap();
            assert_eq!(
                (detail.column.as_deref(), detail.statement.as_deref()),
                (column, Some(sql))
            );
        }
        Ok(())
    });
}

#[test]
fn a_failed_transaction_is_not_committed() {
    run("t_failed", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        c.begin(&TransactionOptions::new()).await?;
        insert(&mut c, &table, &[text("a"), num(1)]).await?;
        let savepoint = c.savepoint().await?;
        assert_eq!(kind(c.execute(&execute("SELECT 1 / 0"), &[]).await), ErrorKind::Value);
        assert!(c.is_failed());
        assert_eq!(kind(rows(&mut c, "SELECT 1", &[]).await), ErrorKind::PendingRollback);
        // A savepoint saves it.
        c.rollback_to(savepoint).await?;
        insert(&mut c, &table, &[text("b"), num(2), text("c"), num(3)]).await?;
        assert_eq!(
            kind(insert(&mut c, &table, &[text("a"), num(1)]).await),
            ErrorKind::UniqueViolation
        );
        assert_eq!(kind(c.commit().await), ErrorKind::PendingRollback);
        assert!(!c.in_transaction());
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        // A deferred constraint fails at COMMIT.
        c.execute_raw("CREATE TABLE late (x INT UNIQUE DEFERRABLE INITIALLY DEFERRED)").await?;
        c.begin(&TransactionOptions::new()).await?;
        c.execute(&execute("INSERT INTO late VALUES (1), (1)"), &[]).await?;
        assert_eq!(kind(c.commit().await), ErrorKind::UniqueViolation);
        c.rollback().await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM late").await?, 0);
        Ok(())
    });
}

#[test]
fn transactions_and_savepoints() {
    run("t_tx", async |e| {
        let (table, mut c) = (item(), e.acquire().await?);
        c.begin(&TransactionOptions::new()).await?;
        c.commit().await?;
        c.begin(&TransactionOptions::new().isolation(Isolation::Serializable)).await?;
        let outer = c.savepoint().await?;
        let level = rows(&mut c, "SHOW transaction_isolation", &[]).await?;
        assert_eq!(level, [[Value::Text("serializable".into())]]);
        insert(&mut c, &table, &[text("b"), num(2)]).await?;
        let inner = c.savepoint().await?;
        insert(&mut c, &table, &[text("c"), num(3)]).await?;
        c.rollback_to(inner).await?;
        c.release(inner).await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 1);
        c.rollback_to(outer).await?;
        insert(&mut c, &table, &[text("d"), num(4)]).await?;
        c.commit().await?;
        c.begin(&TransactionOptions::new().read_only()).await?;
        let refused = c.execute(&execute("DELETE FROM item"), &[]).await;
        assert_eq!(kind(refused), ErrorKind::ReadOnly);
        c.rollback().await?;
        // Dropped, it is rolled back.
        c.begin(&TransactionOptions::new()).await?;
        c.execute(&execute("DELETE FROM item"), &[]).await?;
        drop(c);
        let mut c = e.acquire().await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 1);
        assert_eq!(e.pool_status().idle, 0);
        Ok(())
    });
}

#[test]
fn cursors() {
    run("t_cursor", async |e| {
        let mut c = e.acquire().await?;
        let sql = execute("SELECT x::int8 FROM generate_series(1, $1::int) AS x");
        assert_eq!(kind(c.cursor(&sql, &[num(5)], 2).await.map(drop)), ErrorKind::InvalidRequest);
        c.begin(&TransactionOptions::new()).await?;
        let mut cursor = c.cursor(&sql, &[num(5)], 2).await?;
        let (mut got, mut parts) = (Rows::default(), Vec::new());
        loop {
            parts.push(cursor.fetch(&mut got).await?);
            if parts.last() == Some(&0) {
                break;
            }
        }
        cursor.close().await?;
        assert_eq!(parts, [2, 2, 1, 0]);
        assert_eq!(got.0.iter().map(|r| int(&r[0])).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        c.commit().await
    });
}

#[test]
fn observers_are_told_of_writes() {
    run("t_observe", async |e| {
        let counter = StatementCounter::new();
        e.observe(counter.clone());
        let (table, mut c) = (item(), e.acquire().await?);
        insert(&mut c, &table, &[text("a"), num(1), text("b"), num(2)]).await?;
        assert!(insert(&mut c, &table, &[text("a"), num(1)]).await.is_err());
        let count = counter.count("INSERT");
        assert_eq!((count.statements, count.rows, count.failed), (2, 2, 1));
        Ok(())
    });
}
