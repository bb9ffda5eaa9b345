//! Many upserted rows in a statement do what one statement for each of them does.

use aludel::ErrorKind;
use aludel::insert;
use aludel::orm::Insert;
use aludel::prelude::*;

use crate::model::{User, user};
use crate::{Case, each};

const ROWS: i64 = 300;

/// Rows of which every third is there already, with the age 1000.
fn people(case: &mut Case) -> Vec<User> {
    let rows: Vec<User> = (0..ROWS).map(|n| user(&format!("u{n:03}"), n)).collect();
    let old: Vec<User> = rows.iter().step_by(3).map(|row| user(&row.name, 1000)).collect();
    case.session.bulk_insert(&old).unwrap();
    case.session.commit().unwrap();
    if case.is_postgres {
        // Which statements write, and how many.
        case.session.execute_raw(COUNTED).unwrap();
    }
    rows
}

const COUNTED: &str = "CREATE TABLE counted (n INTEGER); \
    CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN INSERT INTO counted VALUES (1); RETURN NULL; END $$; \
    CREATE TRIGGER count_it BEFORE INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION count_it();";

/// How many statements there were, on PostgreSQL.
fn statements(case: &mut Case) -> Option<i64> {
    if !case.is_postgres {
        return None;
    }
    let rows = case
        .session
        .query_raw("WITH gone AS (DELETE FROM counted RETURNING n) SELECT count(*) FROM gone", &[]);
    match rows.unwrap()[0][0] {
        aludel::Value::I64(n) => Some(n),
        ref other => panic!("{other:?}"),
    }
}

fn upsert(rows: &[User]) -> Insert<'_, User> {
    insert(rows).on_conflict_do_update([User::name]).conflict_set_excluded([User::age])
}

/// What the table has, as the model of it.
fn ages(s: &mut blocking::Session) -> Vec<(String, Option<i64>)> {
    s.rows(select::<User>().order_by(User::name).columns((User::name, User::age))).unwrap()
}

#[test]
fn objects_are_of_their_rows() {
    each("together", |case| {
        let mut rows = people(case);
        // Not in the order of anything.
        rows.sort_by_key(|row| row.age.map(|n| n * 7919 % ROWS));
        let found = case.session.insert_returning_each(upsert(&rows)).unwrap();
        assert!(statements(case).is_none_or(|n| n == 1));
        let s = &mut case.session;
        for (row, object) in rows.iter().zip(&found) {
            let object = object.unwrap();
            assert_eq!((&s[object].name, s[object].age), (&row.name, row.age));
            assert_eq!(s[object].status.get().map(String::as_str), Some("new"));
        }
        assert_eq!(s.execute_insert(upsert(&rows)).unwrap(), ROWS as u64);
        assert!(statements(case).is_none_or(|n| n == 1));
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        let model: Vec<_> = rows.into_iter().map(|row| (row.name, row.age)).collect();
        assert_eq!(ages(&mut case.session), model);
    });
}

#[test]
fn what_is_left_out_is_told_apart() {
    each("together_nothing", |case| {
        let mut rows = people(case);
        rows.push(user("u001", 7));
        rows.push(user("last", 8));
        rows.push(user("last", 9));
        let new = || insert(&rows).on_conflict_do_nothing([User::name]);
        let found = case.session.insert_returning_each(new()).unwrap();
        assert!(statements(case).is_none_or(|n| n == 1));
        let s = &mut case.session;
        for (n, (row, object)) in rows.iter().zip(&found).enumerate() {
            let left_out = (n < ROWS as usize && n % 3 == 0) || n == 300 || n == 302;
            assert_eq!(object.is_none(), left_out, "{n}");
            if let Some(object) = *object {
                assert_eq!((&s[object].name, s[object].age), (&row.name, row.age));
            }
        }
        // By whatever constraint: then nothing tells which row is which, and they are sent one by one.
        let any = || insert(&rows).on_any_conflict_do_nothing();
        assert_eq!(s.execute_insert(any()).unwrap(), 0);
        assert!(statements(case).is_none_or(|n| n == 1));
        assert!(case.session.insert_returning_each(any()).unwrap().iter().all(Option::is_none));
        assert!(statements(case).is_none_or(|n| n == rows.len() as i64));
        // With a condition they are, too: it may leave out either of two rows that only the database takes for one.
        rows.truncate(ROWS as usize);
        let older = upsert(&rows)
            .conflict_filter(User::age.gt(aludel::excluded(User::age)))
            .populate_existing();
        let found = case.session.insert_returning_each(older).unwrap();
        assert!(statements(case).is_none_or(|n| n == rows.len() as i64));
        for (n, object) in found.iter().enumerate() {
            assert_eq!(object.is_some(), n % 3 == 0, "{n}");
        }
    });
}

#[test]
fn rows_that_come_again() {
    each("together_again", |case| {
        let rows = people(case);
        // Once, twice, … seven times each, mixed.
        let times = |n: usize| n % 7 + 1;
        let mut all: Vec<User> = Vec::new();
        for round in 1..=7 {
            let again = rows.iter().enumerate().filter(|(n, _)| times(*n) >= round);
            all.extend(again.map(|(_, row)| user(&row.name, round as i64)));
        }
        let upsert = insert(&all)
            .on_conflict_do_update([User::name])
            .conflict_set(User::age, User::age * 10 + aludel::excluded(User::age));
        let objects = case.session.insert_returning(upsert).unwrap();
        assert_eq!(objects.len(), all.len());
        let written = "1234567";
        for (n, row) in rows.iter().enumerate() {
            let digits = &written[..times(n)];
            let digits = if n % 3 == 0 { format!("1000{digits}") } else { digits.to_owned() };
            let object = objects[all.iter().position(|of| of.name == row.name).unwrap()];
            assert_eq!(case.session[object].age, Some(digits.parse().unwrap()), "{n}");
        }
        // Four statements, and a row for each that comes yet again.
        let late = (0..rows.len()).map(|n| times(n).saturating_sub(4)).sum::<usize>();
        assert!(statements(case).is_none_or(|n| n == 4 + late as i64));
    });
}

#[test]
fn rows_that_only_the_database_takes_for_one() {
    each("together_equal", |case| {
        let s = &mut case.session;
        // To it, letters of either case are the same.
        match case.is_postgres {
            true => s
                .execute_raw(
                    "CREATE COLLATION either (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
                     ALTER TABLE users ALTER COLUMN name TYPE TEXT COLLATE either",
                )
                .unwrap(),
            false => {
                let table = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'users'";
                let aludel::Value::Text(sql) = s.query_raw(table, &[]).unwrap().remove(0).remove(0)
                else {
                    panic!("no table")
                };
                let either = sql.replacen("\"name\" TEXT", "\"name\" TEXT COLLATE NOCASE", 1);
                assert_ne!(sql, either);
                s.execute_raw(&format!("DROP TABLE users; {either}")).unwrap();
            }
        };
        let mut rows: Vec<User> = (0..120).map(|n| user(&format!("u{n}"), n)).collect();
        rows.push(user("U5", 50));
        rows.swap(20, 120);
        let objects = s.insert_returning(upsert(&rows)).unwrap();
        assert_eq!((objects.len(), objects[5]), (121, objects[20]));
        assert_eq!((s[objects[5]].age, s[objects[120]].age), (Some(50), Some(20)));
        // Names that differ from those that are there.
        let loud: Vec<User> = (0..120).map(|n| user(&format!("U{n}"), n + 100)).collect();
        let again = s.insert_returning(upsert(&loud).populate_existing()).unwrap();
        assert_eq!(again[..20], objects[..20]);
        assert_eq!((s[objects[7]].name.as_str(), s[objects[7]].age), ("u7", Some(107)));
        // The one that the condition leaves out is not the one that is told of.
        let both = [user("u7", 1), user("U7", 500)];
        let filler = (0..98).map(|n| user(&format!("new {n}"), n));
        let rows: Vec<User> = both.into_iter().chain(filler).collect();
        let older = upsert(&rows).conflict_filter(User::age.lt(aludel::excluded(User::age)));
        let found = s.insert_returning_each(older).unwrap();
        assert_eq!((found[0], found[1]), (None, Some(objects[7])));
    });
}

#[test]
fn a_trigger_that_changes_what_tells_rows_apart() {
    each("together_trigger", |case| {
        if !case.is_postgres {
            return;
        }
        let s = &mut case.session;
        s.execute_raw(
            "CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$; \
             CREATE TRIGGER loud BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION loud();",
        )
        .unwrap();
        let rows: Vec<User> = (0..20).map(|n| user(&format!("u{n}"), n)).collect();
        let objects = s.insert_returning(upsert(&rows)).unwrap();
        assert_eq!(objects.len(), 20);
        for (row, object) in rows.iter().zip(&objects) {
            assert_eq!(
                (s[*object].name.clone(), s[*object].age),
                (row.name.to_uppercase(), row.age)
            );
        }
        assert_eq!(s.count(select::<User>()).unwrap(), 20);
    });
}

#[test]
fn what_looks_into_tables_goes_one_by_one() {
    each("together_looking", |case| {
        let rows = people(case);
        let most = aludel::sql::text::<i64>("(SELECT max(age) + 1 FROM users)");
        let counted =
            insert(&rows).on_conflict_do_update([User::name]).conflict_set(User::age, most);
        assert_eq!(case.session.execute_insert(counted).unwrap(), ROWS as u64);
        assert!(statements(case).is_none_or(|n| n == ROWS));
        // Each saw what the one before has written.
        let most = ages(&mut case.session).into_iter().filter_map(|(_, age)| age).max();
        assert_eq!(most, Some(1000 + ROWS / 3));
        // What changes the columns that rows are told apart by does so, too.
        let renamed = insert(&rows[..30])
            .on_conflict_do_update([User::name])
            .conflict_set(User::name, aludel::sql::func::<String>("upper", (User::name,)))
            .populate_existing();
        let objects = case.session.insert_returning(renamed).unwrap();
        assert!(statements(case).is_none_or(|n| n == 30));
        assert_eq!(case.session[objects[29]].name, "U029");
    });
}

#[test]
fn the_row_at_fault_is_named() {
    each("together_fault", |case| {
        let mut rows = people(case);
        for (row, id) in rows.iter_mut().zip(1000..) {
            row.id = Auto::from(id);
        }
        // Its name is new, and its key is not.
        rows[200] = User { id: Auto::from(1001), ..user("another", 1) };
        for wanted in [false, true] {
            let error = match wanted {
                true => case.session.insert_returning(upsert(&rows)).map(drop).unwrap_err(),
                false => case.session.execute_insert(upsert(&rows)).map(drop).unwrap_err(),
            };
            assert_eq!(error.kind(), ErrorKind::UniqueViolation);
            assert!(error.message().starts_with("inserting row 201 of 300 of User"), "{error}");
            case.session.rollback().unwrap();
            assert_eq!(ages(&mut case.session).len(), 100);
        }
        // Within a savepoint, which is still there afterwards.
        let s = &mut case.session;
        s.begin_nested().unwrap();
        assert!(s.execute_insert(upsert(&rows[..250])).is_err());
        s.rollback().unwrap();
        assert_eq!(s.execute_insert(upsert(&rows[..150])).unwrap(), 150);
        s.commit().unwrap();
        assert_eq!(ages(s).len(), 200);
    });
}
