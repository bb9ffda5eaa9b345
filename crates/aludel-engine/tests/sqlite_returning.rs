//! Many rows of which more is wanted back than generated keys, on SQLite: what comes back of a row is of that row,
//! whatever the table does with it, and where it cannot be told the rows go one by one.
#![cfg(feature = "sqlite")]

mod common;

use aludel_engine::Connection;
use aludel_sql::{Bind, ErrorKind, Result, Value, WriteOp};
use common::*;

const ROWS: usize = 173;

/// A column has a default, and a trigger or a constraint may do as it likes.
const TABLE: &str = "DROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, \
     size INTEGER DEFAULT (abs(-7)))";

fn names() -> Vec<String> {
    (0..ROWS).map(|n| format!("row {n}")).collect()
}

/// Runs a test on a table that is made like this.
fn on(sql: &str, test: impl AsyncFnOnce(&mut Connection) -> Result<()>) {
    let engine = memory();
    let test = async {
        let mut c = engine.acquire().await?;
        c.execute_raw(sql).await?;
        test(&mut c).await
    };
    engine.block_on(test).unwrap();
}

/// What comes back of rows with these names, whose keys and sizes the database gives.
async fn born(c: &mut Connection, names: &[String]) -> Result<Vec<(usize, i64, String, i64)>> {
    let (table, params): (_, Vec<Bind<'_>>) = (item(), names.iter().map(|n| text(n)).collect());
    let mut written = Written::default();
    let insert = write(WriteOp::Insert, &table, (&[1], &[], &[1, 0, 2]), &params);
    c.write(&[insert], &mut written).await?;
    assert_eq!(written.done, [(0, names.len() as u64)]);
    let row = |(_, row, values): (usize, usize, Vec<Value>)| {
        let [Value::Text(name), key, size] = &values[..] else { panic!("{values:?}") };
        (row, int(key), name.clone(), int(size))
    };
    Ok(written.returned.into_iter().map(row).collect())
}

/// Inserts rows, and checks that what came back is of them and in the table.
async fn check(c: &mut Connection) -> Result<()> {
    let names = names();
    let back = born(c, &names).await?;
    assert_eq!(back.len(), ROWS);
    for (n, (row, key, name, size)) in back.into_iter().enumerate() {
        assert_eq!((row, &name, size), (n, &names[n], 7));
        let there = rows(c, "SELECT name FROM item WHERE id = ?1", &[num(key)]).await?;
        assert_eq!(there, [[Value::Text(name)]]);
    }
    Ok(())
}

#[test]
fn generated_keys_and_defaults() {
    on(TABLE, check);
    on(&format!("{TABLE}; INSERT INTO item VALUES (1000, 'there', 1)"), check);
    on(&format!("{TABLE}; INSERT INTO item VALUES ({}, 'near the end', 1)", i64::MAX - 60), check);
    // Again, by the statements that are kept.
    on(TABLE, async |c| {
        check(c).await?;
        c.execute_raw("DELETE FROM item WHERE id > 100").await?;
        check(c).await
    });
}

#[test]
fn triggers_may_put_rows_between() {
    on(
        &format!(
            "{TABLE}; CREATE TRIGGER more AFTER INSERT ON item WHEN new.name LIKE 'row %7' BEGIN
               INSERT INTO item (name, size) VALUES ('from ' || new.name, 1); END"
        ),
        check,
    );
}

#[test]
fn a_trigger_that_changes_the_row_comes_after_what_is_given_back() {
    on(
        &format!(
            "{TABLE}; CREATE TRIGGER larger AFTER INSERT ON item BEGIN
               UPDATE item SET size = new.size * 2 WHERE id = new.id; END"
        ),
        async |c| {
            check(c).await?;
            assert_eq!(one(c, "SELECT min(size) FROM item").await?, 14);
            Ok(())
        },
    );
}

#[test]
fn a_row_may_take_the_place_of_another() {
    on(
        "DROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY,
           name TEXT NOT NULL UNIQUE ON CONFLICT REPLACE, size INTEGER DEFAULT 7)",
        async |c| {
            let mut names = names();
            names[90] = "row 3".into();
            let back = born(c, &names).await?;
            assert_eq!(back.len(), ROWS);
            for (n, (row, _, name, _)) in back.iter().enumerate() {
                assert_eq!((*row, name), (n, &names[n]));
            }
            assert_eq!(one(c, "SELECT count(*) FROM item").await?, ROWS as i64 - 1);
            Ok(())
        },
    );
}

#[test]
fn the_row_at_fault_is_told() {
    on("INSERT INTO item VALUES (1, 'row 120', 1)", async |c| {
        let error = born(c, &names()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        assert_eq!(error.database().unwrap().row, Some(120));
        assert_eq!(one(c, "SELECT count(*) FROM item").await?, 1);
        Ok(())
    });
}

/// Inserts rows with these keys, and gives what comes back of them: row, key, size.
async fn known(c: &mut Connection, keys: &[i64]) -> Result<Vec<(usize, i64, i64)>> {
    let (table, names) = (item(), names());
    let params: Vec<Bind<'_>> =
        keys.iter().zip(&names).flat_map(|(key, name)| [num(*key), text(name)]).collect();
    let mut written = Written::default();
    let insert = write(WriteOp::Insert, &table, (&[0, 1], &[], &[2, 0]), &params);
    c.write(&[insert], &mut written).await?;
    assert_eq!(written.done, [(0, keys.len() as u64)]);
    let row =
        |(_, row, values): (usize, usize, Vec<Value>)| (row, int(&values[1]), int(&values[0]));
    Ok(written.returned.into_iter().map(row).collect())
}

fn each(keys: &[i64], size: impl Fn(i64) -> i64) -> Vec<(usize, i64, i64)> {
    keys.iter().enumerate().map(|(row, key)| (row, *key, size(*key))).collect()
}

#[test]
fn keys_that_are_given() {
    // In no order, and such that the largest is as if they had been generated.
    let keys: Vec<i64> = (0..ROWS as i64).map(|n| (n * 7) % ROWS as i64 + 1).collect();
    on(TABLE, async |c| {
        assert_eq!(known(c, &keys).await?, each(&keys, |_| 7));
        c.execute_raw("DELETE FROM item WHERE id <> 100").await?;
        let error = known(c, &keys).await.unwrap_err();
        let row = keys.iter().position(|key| *key == 100);
        assert_eq!(error.database().unwrap().row, row);
        assert_eq!(one(c, "SELECT count(*) FROM item").await?, 1);
        Ok(())
    });
    let without = TABLE.replace("INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY") + " WITHOUT ROWID";
    on(&without, async |c| {
        assert_eq!(known(c, &keys).await?, each(&keys, |_| 7));
        Ok(())
    });
    // What is stored is told apart by nothing that was given.
    on(&TABLE.replace("INTEGER PRIMARY KEY", "TEXT PRIMARY KEY"), async |c| {
        let (table, names) = (item(), names());
        let params: Vec<Bind<'_>> =
            keys.iter().zip(&names).flat_map(|(key, name)| [num(*key), text(name)]).collect();
        let mut written = Written::default();
        let insert = write(WriteOp::Insert, &table, (&[0, 1], &[], &[0]), &params);
        c.write(&[insert], &mut written).await?;
        let back = written.returned.into_iter().map(|(_, _, values)| values[0].clone());
        let keys = keys.iter().map(|key| Value::Text(key.to_string()));
        assert_eq!(back.collect::<Vec<_>>(), keys.collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn a_key_that_is_given_and_wanted_is_not_taken_for_a_generated_one() {
    on(TABLE, async |c| {
        // The last of them is where generated ones would end.
        let keys: Vec<i64> = (1..=127).rev().chain(128..=ROWS as i64).collect();
        let params: Vec<Bind<'_>> = keys.iter().flat_map(|key| [num(*key), text("same")]).collect();
        let (table, mut written) = (item(), Written::default());
        let insert = write(WriteOp::Insert, &table, (&[0, 1], &[], &[0]), &params);
        c.write(&[insert], &mut written).await?;
        assert_eq!(written.keys(), keys);
        Ok(())
    });
}

#[test]
fn a_row_that_a_trigger_refuses_in_silence_is_told() {
    on(
        &format!(
            "{TABLE}; CREATE TRIGGER some BEFORE INSERT ON item WHEN new.id = 60 BEGIN
               SELECT RAISE(IGNORE); END"
        ),
        async |c| {
            let keys: Vec<i64> = (1..=ROWS as i64).collect();
            let error = known(c, &keys).await.unwrap_err();
            assert_eq!(error.database().unwrap().row, Some(59));
            Ok(())
        },
    );
}
