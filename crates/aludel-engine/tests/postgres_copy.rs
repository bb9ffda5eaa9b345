//! COPY: rows in great numbers.
#![cfg(feature = "postgres")]

mod common;
#[path = "common/postgres.rs"]
mod server;

use aludel_engine::Connection;
use aludel_sql::{Bind, Column, ErrorKind, Result, Table, Value, ValueRef, Write, WriteOp};
use common::*;
use server::run;

/// The parameters of so many rows of name and size.
fn params(names: &[String]) -> Vec<Bind<'_>> {
    let row = |(n, name)| {
        let size = if n % 3 == 0 { NULL } else { num(n as i64 + 1) };
        [text(name), size]
    };
    names
        .iter()
        .enumerate()
        .map(|(n, name): (usize, &String)| (n, name.as_str()))
        .flat_map(row)
        .collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("n{n}\t\\.\n\"é\" {n}")).collect()
}

async fn copy(
    c: &mut Connection,
    table: &Table,
    columns: &[u16],
    params: &[Bind<'_>],
) -> Result<u64> {
    let mut written = Written::default();
    let w = write(WriteOp::Insert, table, (columns, &[], &[]), params);
    c.copy(&[w], &mut written).await?;
    assert_eq!(written.returned, []);
    let [(0, rows)] = written.done[..] else { panic!("{:?}", written.done) };
    Ok(rows)
}

/// Whether the rows of a table came by COPY: they are counted by a trigger with the statement that runs.
async fn how(c: &mut Connection) -> Result<Vec<Vec<Value>>> {
    rows(c, "SELECT DISTINCT left(sql, 4) FROM told ORDER BY 1", &[]).await
}

const TOLD: &str = "CREATE TABLE told (sql TEXT); \
     CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN INSERT INTO told VALUES (current_query()); RETURN NULL; END $$; \
     CREATE TRIGGER tell AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION tell();";

#[test]
fn many_rows_are_copied() {
    run("c_many", async |e| {
        let (mut c, table) = (e.acquire().await?, item());
        c.execute_raw(TOLD).await?;
        let names = names(5000);
        let params = params(&names);
        assert_eq!(copy(&mut c, &table, &[1, 2], &params).await?, 5000);
        assert_eq!(how(&mut c).await?, [[Value::Text("COPY".into())]]);
        // The rows, their values, their keys in the order of the rows.
        let found = rows(&mut c, "SELECT id, name, size FROM item ORDER BY id", &[]).await?;
        assert_eq!(found.len(), 5000);
        for (n, row) in found.iter().enumerate() {
            let size = if n % 3 == 0 { Value::Null } else { Value::I64(n as i64 + 1) };
            assert_eq!(row[..], [Value::I64(n as i64 + 1), Value::Text(names[n].clone()), size]);
        }
        Ok(())
    });
}

#[test]
fn in_a_transaction_with_others() {
    run("c_mixed", async |e| {
        let (mut c, table) = (e.acquire().await?, item());
        let names = names(1300);
        let all = params(&names);
        let (few, rest) = all.split_at(20);
        let (many, few_more) = rest.split_at(1200 * 2);
        c.begin(&Default::default()).await?;
        let with = |params, returning| Write {
            op: WriteOp::Insert,
            table: &table,
            columns: &[1, 2],
            keys: &[],
            returning,
            rows: <[Bind<'_>]>::len(params) / 2,
            params,
        };
        let mut written = Written::default();
        let writes = [with(few, &[0]), with(many, &[]), with(few_more, &[0])];
        c.copy(&writes, &mut written).await?;
        assert_eq!(written.done, [(0, 10), (1, 1200), (2, 90)]);
        let keys: Vec<i64> = (1..=10).chain(1211..=1300).collect();
        assert_eq!(written.keys(), keys);
        c.rollback().await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        Ok(())
    });
}

#[test]
fn an_error_says_the_row() {
    run("c_errors", async |e| {
        let (mut c, table) = (e.acquire().await?, item());
        let mut names = names(2000);
        names[1500] = names[3].clone();
        let all = params(&names);
        let error = copy(&mut c, &table, &[1, 2], &all).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        let detail = error.database().unwrap();
        assert_eq!((detail.row, detail.constraint.as_deref()), (Some(1500), Some("one_name")));
        assert!(error.message().starts_with("row 1501 of 2000"), "{error}");
        // Nothing of it is there, and the connection goes on.
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        names[1500] = "other".to_owned();
        // What cannot be sent breaks it off: the transaction is given up.
        names[1999] = "a\0b".to_owned();
        c.begin(&Default::default()).await?;
        let error = copy(&mut c, &table, &[1, 2], &params(&names)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert_eq!(error.database().unwrap().row, Some(1999));
        assert!(!error.to_string().contains("a\0b"));
        let refused = one(&mut c, "SELECT 1").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PendingRollback);
        c.rollback().await?;
        names[1999] = "other too".to_owned();
        let mut all = params(&names);
        all[2 * 700 + 1] = num(-1);
        let error = copy(&mut c, &table, &[1, 2], &all).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckViolation);
        assert_eq!(error.database().unwrap().row, Some(700));
        assert_eq!(copy(&mut c, &table, &[1, 2], &params(&names)).await?, 2000);
        Ok(())
    });
}

#[test]
fn tables_to_which_copy_does_something_else() {
    run("c_tables", async |e| {
        let (mut c, table) = (e.acquire().await?, item());
        c.execute_raw(TOLD).await?;
        let names = names(600);
        let params = params(&names);
        // A rule, which COPY would not follow.
        let rule = "CREATE TABLE seen (name TEXT); \
             CREATE RULE see AS ON INSERT TO item DO ALSO INSERT INTO seen VALUES (NEW.name)";
        c.execute_raw(rule).await?;
        assert_eq!(copy(&mut c, &table, &[1, 2], &params).await?, 600);
        assert_eq!(one(&mut c, "SELECT count(*) FROM seen").await?, 600);
        let told = how(&mut c).await?;
        assert!(!told.contains(&vec![Value::Text("COPY".into())]), "{told:?}");
        // A view.
        c.execute_raw("CREATE VIEW items AS SELECT * FROM item").await?;
        let view = Table::build("items")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("name"))
            .finish()?;
        let others: Vec<Bind<'_>> = names.iter().map(|name| text(&name[1..])).collect();
        assert_eq!(copy(&mut c, &view, &[1], &others).await?, 600);
        Ok(())
    });
}

#[test]
fn types_of_the_server() {
    run("c_types", async |e| {
        let mut c = e.acquire().await?;
        c.execute_raw(
            "CREATE DOMAIN small AS int2 CHECK (VALUE < 1000); CREATE TYPE mood AS ENUM ('sad', 'ok'); \
             CREATE TABLE t (id int PRIMARY KEY, s small, m mood, n numeric(8, 2), f real, v varchar(5), j jsonb, \
             b bytea, o bool, d date, u uuid DEFAULT '67e55044-10b1-426f-9247-bb680e5fe0c8')",
        )
        .await?;
        let table = Table::build("t")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<i64>("s"))
            .column(Column::of::<String>("m"))
            .column(Column::of::<i64>("n"))
            .column(Column::of::<f64>("f"))
            .column(Column::of::<String>("v"))
            .column(Column::of::<String>("j"))
            .column(Column::of::<Vec<u8>>("b"))
            .column(Column::of::<bool>("o"))
            .column(Column::of::<String>("d"))
            .finish()?;
        let row = |n: i64| {
            let native =
                [num(n), num(n % 900), text(if n % 2 == 0 { "ok" } else { "sad" }), num(-n)];
            let more = [Bind::Ref(ValueRef::F64(n as f64 / 2.0)), text("é"), text("{\"a\": [1]}")];
            let last =
                [Bind::Ref(ValueRef::Bytes(&[0, 255])), Bind::Ref(ValueRef::Bool(n % 2 == 0))];
            native.into_iter().chain(more).chain(last)
        };
        let all: Vec<Bind<'_>> = (0..500).flat_map(row).collect();
        let columns = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(copy(&mut c, &table, &columns, &all).await?, 500);
        let found = rows(
            &mut c,
            "SELECT string_agg(x::text, '|') FROM (SELECT t FROM t WHERE id IN (7, 8) ORDER BY id) AS d(x)",
            &[],
        )
        .await?;
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        let wanted = format!(
            "(7,7,sad,-7.00,3.5,é,\"{{\"\"a\"\": [1]}}\",\"\\\\x00ff\",f,,{uuid})|\
             (8,8,ok,-8.00,4,é,\"{{\"\"a\"\": [1]}}\",\"\\\\x00ff\",t,,{uuid})"
        );
        assert_eq!(found, [[Value::Text(wanted)]]);
        // A date given as text does not go in binary: the rows are inserted.
        let dated: Vec<Bind<'_>> =
            (1000..1400).flat_map(|n| [num(n), text("2024-02-29")]).collect();
        assert_eq!(copy(&mut c, &table, &[0, 9], &dated).await?, 400);
        assert_eq!(one(&mut c, "SELECT count(*) FROM t WHERE d = '2024-02-29'").await?, 400);
        // What the domain refuses.
        let mut all: Vec<Bind<'_>> = (2000..2400).flat_map(|n| [num(n), num(1)]).collect();
        all[2 * 33 + 1] = num(1000);
        let error = copy(&mut c, &table, &[0, 1], &all).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.database().unwrap().row),
            (ErrorKind::CheckViolation, Some(33))
        );
        // The table changes: the statement is made anew.
        let all: Vec<Bind<'_>> = (3000..3400).flat_map(|n| [num(n), text("abcde")]).collect();
        copy(&mut c, &table, &[0, 5], &all).await?;
        c.execute_raw("DELETE FROM t; ALTER TABLE t ALTER v TYPE char(7)").await?;
        copy(&mut c, &table, &[0, 5], &all).await?;
        assert_eq!(one(&mut c, "SELECT count(*) FROM t WHERE v = 'abcde  '").await?, 400);
        Ok(())
    });
}
