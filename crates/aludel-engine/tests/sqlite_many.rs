//! Many rows at once on SQLite. Of generated keys each is that of its own row, whatever the table has of triggers,
//! sequences and gaps; of rows that are deleted it is known how many there were, and which one was refused.
#![cfg(feature = "sqlite")]

mod common;

use aludel_engine::Connection;
use aludel_sql::{Bind, ErrorKind, Result, Value, ValueRef, WriteOp};
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
