//! Many rows at once on SQLite. Of generated keys each is that of its own row, whatever the table has of triggers,
//! sequences and gaps; of rows that are updated and deleted it is known how many there were, and which one was refused.
#![cfg(feature = "sqlite")]

mod common;

use aludel_engine::Connection;
use aludel_sql::{Bind, Column, ErrorKind, Result, Table, Value, ValueRef, Write, WriteOp};
use common::*;

const ROWS: usize = 173;

fn names() -> Vec<String> {
    (0..ROWS).map(|n| format!("row {n}")).collect()
}

fn params(names: &[String]) -> Vec<Bind<'_>> {
    names.iter().flat_map(|name| [Bind::Ref(ValueRef::Text(name)), num(1)]).collect()
}

/// Inserts the rows, and checks that the keys given are the keys that the rows have.
async fn check(c: &mut Connection) -> Result<Vec<i64>> {
    let names = names();
    let keys = insert(c, &item(), &params(&names)).await?;
    assert_eq!(keys.len(), ROWS);
    for (name, key) in names.iter().zip(&keys) {
        let found = rows(c, "SELECT name FROM item WHERE id = ?1", &[num(*key)]).await?;
        assert_eq!(found, [[Value::Text(name.clone())]]);
    }
    Ok(keys)
}

/// On a table that is made and filled like this.
fn on(sql: &str) -> Vec<i64> {
    let engine = memory();
    let test = async {
        let mut c = engine.acquire().await?;
        c.execute_raw(sql).await?;
        check(&mut c).await
    };
    engine.block_on(test).unwrap()
}

#[test]
fn keys_follow_the_largest() {
    assert_eq!(on("SELECT 1"), (1..=ROWS as i64).collect::<Vec<_>>());
    let keys = on("INSERT INTO item VALUES (1000, 'there', 1)");
    assert_eq!(keys, (1001..=1000 + ROWS as i64).collect::<Vec<_>>());
    on("INSERT INTO item VALUES (-5, 'below nought', 1)");
}

#[test]
fn sequences_go_on() {
    let keys = on("DROP TABLE item;
         CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, size INTEGER);
         INSERT INTO item VALUES (500, 'gone', 1); DELETE FROM item;");
    assert_eq!(keys[0], 501);
}

#[test]
fn a_full_table_has_keys_at_random() {
    on(&format!("INSERT INTO item VALUES ({}, 'the last', 1)", i64::MAX));
    // The largest key is reached in the middle.
    on(&format!("INSERT INTO item VALUES ({}, 'near the end', 1)", i64::MAX - 60));
}

#[test]
fn triggers_may_put_rows_between() {
    on("CREATE TRIGGER more AFTER INSERT ON item WHEN new.name LIKE 'row %7' BEGIN
          INSERT INTO item (name, size) VALUES ('from ' || new.name, 1); END");
    on("CREATE TABLE log (what TEXT);
        CREATE TRIGGER logged AFTER INSERT ON item BEGIN INSERT INTO log VALUES (new.name); END");
}

#[test]
fn the_row_at_fault_is_told() {
    let engine = memory();
    let test = async {
        let mut c = engine.acquire().await?;
        c.execute_raw("INSERT INTO item VALUES (1, 'row 120', 1)").await?;
        let names = names();
        let error = insert(&mut c, &item(), &params(&names)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        assert_eq!(error.database().unwrap().row, Some(120));
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 1);
        c.execute_raw(
            "DELETE FROM item;
             CREATE TRIGGER some BEFORE INSERT ON item WHEN new.name = 'row 60' BEGIN SELECT RAISE(IGNORE); END",
        )
        .await?;
        let error = insert(&mut c, &item(), &params(&names)).await.unwrap_err();
        assert_eq!(error.database().unwrap().row, Some(60));
        c.execute_raw("DROP TRIGGER some").await?;
        check(&mut c).await.map(drop)
    };
    engine.block_on(test).unwrap();
}

#[test]
fn deleted_rows_are_counted_and_the_one_at_fault_is_told() {
    let engine = memory();
    let test = async {
        let mut c = engine.acquire().await?;
        let keys = check(&mut c).await?;
        let keys: Vec<Bind<'_>> = keys.into_iter().map(num).collect();
        let (table, mut written) = (item(), Written::default());
        let delete = write(WriteOp::Delete, &table, (&[], &[0], &[]), &keys);
        c.execute_raw(
            "CREATE TRIGGER kept BEFORE DELETE ON item WHEN old.name = 'row 120' BEGIN SELECT RAISE(ABORT, 'kept'); END",
        )
        .await?;
        let error = c.write(&[delete], &mut written).await.unwrap_err();
        assert_eq!(error.database().unwrap().row, Some(120));
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, ROWS as i64);
        c.execute_raw("DROP TRIGGER kept; DELETE FROM item WHERE name IN ('row 60', 'row 170')")
            .await?;
        c.write(&[delete], &mut written).await?;
        assert_eq!(written.done, [(0, ROWS as u64 - 2)]);
        assert_eq!(one(&mut c, "SELECT count(*) FROM item").await?, 0);
        Ok::<_, aludel_sql::Error>(())
    };
    engine.block_on(test).unwrap();
}

/// Runs a test on a connection to a table that has rows `row 0`, `row 1`, … under these keys.
fn with_rows(keys: &[i64], test: impl AsyncFnOnce(&mut Connection, Table) -> Result<()>) {
    let engine = memory();
    let test = async {
        let mut c = engine.acquire().await?;
        for (n, key) in keys.iter().enumerate() {
            let insert = format!("INSERT INTO item VALUES ({key}, 'row {n}', 1)");
            c.execute_raw(&insert).await?;
        }
        test(&mut c, item()).await
    };
    engine.block_on(test).unwrap();
}

/// Writes, and says how many rows of the table there were.
async fn matched(c: &mut Connection, write: Write<'_>) -> Result<u64> {
    let mut written = Written::default();
    c.write(&[write], &mut written).await?;
    Ok(written.done[0].1)
}

/// The keys of the table.
async fn left(c: &mut Connection) -> Result<Vec<i64>> {
    let rows = rows(c, "SELECT id FROM item ORDER BY id", &[]).await?;
    Ok(rows.iter().map(|row| int(&row[0])).collect())
}

#[test]
fn neighbours_are_deleted_and_nothing_between_them() {
    let keys: Vec<i64> = (1..=300).filter(|n| n % 17 != 0 && !(100..120).contains(n)).collect();
    with_rows(&(-20..=320).collect::<Vec<_>>(), async |c, table| {
        let params: Vec<Bind<'_>> = keys.iter().copied().map(num).collect();
        let delete = write(WriteOp::Delete, &table, (&[], &[0], &[]), &params);
        assert_eq!(matched(c, delete).await?, keys.len() as u64);
        let others: Vec<i64> = (-20..=320).filter(|n| !keys.contains(n)).collect();
        assert_eq!(left(c).await?, others);
        assert_eq!(matched(c, delete).await?, 0);
        Ok(())
    });
}

#[test]
fn keys_that_are_no_row_ids_have_others_between_them() {
    let engine = memory();
    let test = async {
        let mut c = engine.acquire().await?;
        c.execute_raw("DROP TABLE item; CREATE TABLE item (id NUMERIC PRIMARY KEY, name TEXT)")
            .await?;
        for n in 1..=20 {
            c.execute_raw(&format!("INSERT INTO item VALUES ({n}, ''), ({n}.5, 'half')")).await?;
        }
        let params: Vec<Bind<'_>> = (1..=20).map(num).collect();
        let table = item();
        let delete = write(WriteOp::Delete, &table, (&[], &[0], &[]), &params);
        assert_eq!(matched(&mut c, delete).await?, 20);
        assert_eq!(one(&mut c, "SELECT count(*) FROM item WHERE name = 'half'").await?, 20);
        Ok::<_, aludel_sql::Error>(())
    };
    engine.block_on(test).unwrap();
}

#[test]
fn updated_rows_are_counted() {
    with_rows(&(1..=ROWS as i64).collect::<Vec<_>>(), async |c, table| {
        let params: Vec<Bind<'_>> = (1..=ROWS as i64).flat_map(|n| [num(n * 7), num(n)]).collect();
        let update = write(WriteOp::Update, &table, (&[2], &[0], &[]), &params);
        assert_eq!(matched(c, update).await?, ROWS as u64);
        let wrong = "SELECT count(*) FROM item WHERE size <> id * 7";
        assert_eq!(one(c, wrong).await?, 0);
        c.execute_raw("DELETE FROM item WHERE id IN (30, 170); UPDATE item SET size = 1").await?;
        assert_eq!(matched(c, update).await?, ROWS as u64 - 2);
        assert_eq!(one(c, wrong).await?, 0);
        Ok(())
    });
}

#[test]
fn an_update_of_many_rows_does_what_those_of_each_would() {
    with_rows(&(1..=ROWS as i64).collect::<Vec<_>>(), async |c, table| {
        // Each takes the name that the one before it has just given up.
        let names: Vec<String> = (0..ROWS).rev().map(|n| format!("row {}", n + 1)).collect();
        let keys = (1..=ROWS as i64).rev();
        let params: Vec<Bind<'_>> =
            names.iter().zip(keys).flat_map(|(name, key)| [text(name), num(key)]).collect();
        let update = write(WriteOp::Update, &table, (&[1], &[0], &[]), &params);
        assert_eq!(matched(c, update).await?, ROWS as u64);
        assert_eq!(
            one(c, "SELECT count(*) FROM item WHERE name = 'row ' || id").await?,
            ROWS as i64
        );
        // A row that comes twice gets the value that comes last.
        let twice: Vec<Bind<'_>> =
            (0..ROWS as i64).flat_map(|n| [num(n + 1), num(n % 100 + 1)]).collect();
        let update = write(WriteOp::Update, &table, (&[2], &[0], &[]), &twice);
        assert_eq!(matched(c, update).await?, ROWS as u64);
        assert_eq!(one(c, "SELECT size FROM item WHERE id = 5").await?, 105);
        Ok(())
    });
}

#[test]
fn the_updated_row_at_fault_is_told() {
    with_rows(&(1..=ROWS as i64).collect::<Vec<_>>(), async |c, table| {
        let size = |n: i64| if n == 121 { -1 } else { n };
        let params: Vec<Bind<'_>> =
            (1..=ROWS as i64).flat_map(|n| [num(size(n)), num(n)]).collect();
        let update = write(WriteOp::Update, &table, (&[2], &[0], &[]), &params);
        let error = matched(c, update).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckViolation);
        assert_eq!(error.database().unwrap().row, Some(120));
        assert_eq!(one(c, "SELECT count(*) FROM item WHERE size <> 1").await?, 0);
        Ok(())
    });
}

#[test]
fn rows_of_a_view_are_written_by_its_triggers() {
    with_rows(&(1..=ROWS as i64).collect::<Vec<_>>(), async |c, _| {
        c.execute_raw(
            "CREATE VIEW seen AS SELECT id, name, size FROM item;
             CREATE TRIGGER changed INSTEAD OF UPDATE ON seen BEGIN
               UPDATE item SET size = new.size WHERE id = new.id; END;
             CREATE TRIGGER gone INSTEAD OF DELETE ON seen BEGIN DELETE FROM item WHERE id = old.id; END",
        )
        .await?;
        let seen = Table::build("seen")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("name"))
            .column(Column::of::<Option<i64>>("size"))
            .finish()?;
        let params: Vec<Bind<'_>> = (1..=ROWS as i64).flat_map(|n| [num(n * 7), num(n)]).collect();
        matched(c, write(WriteOp::Update, &seen, (&[2], &[0], &[]), &params)).await?;
        assert_eq!(one(c, "SELECT count(*) FROM item WHERE size = id * 7").await?, ROWS as i64);
        let params: Vec<Bind<'_>> = (1..=ROWS as i64).map(num).collect();
        matched(c, write(WriteOp::Delete, &seen, (&[], &[0], &[]), &params)).await?;
        assert_eq!(one(c, "SELECT count(*) FROM item").await?, 0);
        Ok(())
    });
}

#[test]
fn rows_of_composite_keys() {
    let engine = memory();
    let test = async {
        let mut c = engine.acquire().await?;
        c.execute_raw(
            "CREATE TABLE pair (a INTEGER, b TEXT, n INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID",
        )
        .await?;
        let table = Table::build("pair")
            .column(Column::of::<i64>("a").primary_key())
            .column(Column::of::<String>("b").primary_key())
            .column(Column::of::<i64>("n"))
            .finish()?;
        let names = names();
        let keys = |n: usize| [num((n / 10) as i64), text(&names[n])];
        let rows: Vec<Bind<'_>> =
            (0..ROWS).flat_map(|n| keys(n).into_iter().chain([num(0)])).collect();
        matched(&mut c, write(WriteOp::Insert, &table, (&[0, 1, 2], &[], &[]), &rows)).await?;
        let rows: Vec<Bind<'_>> =
            (0..ROWS).flat_map(|n| [num(n as i64)].into_iter().chain(keys(n))).collect();
        let update = write(WriteOp::Update, &table, (&[2], &[0, 1], &[]), &rows);
        assert_eq!(matched(&mut c, update).await?, ROWS as u64);
        let wrong = "SELECT count(*) FROM pair WHERE b <> 'row ' || n";
        assert_eq!(one(&mut c, wrong).await?, 0);
        let rows: Vec<Bind<'_>> = (1..ROWS).flat_map(keys).collect();
        let delete = write(WriteOp::Delete, &table, (&[], &[0, 1], &[]), &rows);
        assert_eq!(matched(&mut c, delete).await?, ROWS as u64 - 1);
        assert_eq!(one(&mut c, "SELECT count(*) FROM pair WHERE b = 'row 0'").await?, 1);
        Ok::<_, aludel_sql::Error>(())
    };
    engine.block_on(test).unwrap();
}
