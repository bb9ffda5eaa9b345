//! Guards: what is loaded, for which line, and what is refused.

use aludel_orm::events::Executed;
use aludel_orm::{ErrorKind, LoadLimit, raise_on_sql, select, selectin};

use crate::zoo::{Address, Db, User};

#[test]
fn loads_are_counted_by_line() {
    let db = Db::new();
    let mut s = db.session();
    let guard = s.guard(LoadLimit::none());
    let users = db.run(s.all(select::<User>()));
    let line = line!() + 2;
    for user in &users {
        db.run(s.load(*user, User::addresses));
    }
    db.run(s.load_all(&users, User::orders));
    let report = s.end_guard(guard).unwrap();
    assert_eq!((report.statements(), report.lazy()), (5, 4));
    let [query, addresses, orders] = report.loads() else { panic!("{report}") };
    assert_eq!((query.what, query.class, query.attribute), (Executed::Select, "User", None));
    assert_eq!((addresses.attribute, addresses.times), (Some("addresses"), 3));
    assert_eq!((addresses.at.file(), addresses.at.line()), (file!(), line));
    assert_eq!((orders.attribute, orders.statements), (Some("orders"), 1));
    let text = report.to_string();
    assert!(
        text.starts_with("5 statements, 4 of them lazy\n      3 × User.addresses, lazily, at ")
    );
    assert_eq!(db.selects(), 5);
    // What is loaded already, and what comes after the guard, is not counted.
    let guard = s.guard(LoadLimit::none().statements(0));
    db.run(s.load(users[0], User::addresses));
    assert_eq!(s.loads(&guard).unwrap().statements(), 0);
    assert!(s.end_guard(guard).unwrap().loads().is_empty());
    db.run(s.load(users[0], User::profile));
}

#[test]
fn a_query_that_loads_along_is_not_lazy() {
    let db = Db::new();
    let mut s = db.session();
    let guard = s.guard(LoadLimit::none().lazy(0));
    let users = db.run(s.all(select::<User>().options(selectin(User::addresses))));
    db.run(s.load(users[0], User::addresses));
    let error = db.try_run(s.load(users[0], User::orders)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoadLimit);
    let text = error.to_string();
    assert!(
        text.contains("User.orders may not be loaded at ") && text.contains("guard.rs:"),
        "{text}"
    );
    assert!(text.contains("the guard allows no lazy loads: load it with the query"), "{text}");
    // Nothing was sent or changed, and what was refused is not counted.
    assert_eq!(db.selects(), 2);
    assert!(!s[users[0]].orders.is_loaded());
    assert_eq!(s.end_guard(guard).unwrap().statements(), 2);
    assert_eq!(db.run(s.load(users[0], User::orders)).len(), 2);
}

#[test]
fn the_same_again_and_again() {
    let db = Db::new();
    let mut s = db.session();
    let users = db.run(s.all(select::<User>().order_by(User::id)));
    let guard = s.guard(LoadLimit::none().repeats(2));
    let mut loaded = Vec::new();
    for user in &users {
        loaded.push(db.try_run(s.load(*user, User::addresses)).is_ok());
    }
    assert_eq!(loaded, [true, true, false]);
    // Another line, or all at once, is another matter; queries and gets are counted so as well.
    db.run(s.load(users[2], User::addresses));
    s.expunge_all().unwrap();
    let mut got = Vec::new();
    for key in 1..=3 {
        got.push(db.try_run(s.get::<User>(key)).map(|found| found.is_some()).ok());
    }
    assert_eq!(got, [Some(true), Some(true), None]);
    drop(guard);
}

#[test]
fn guards_count_each_for_itself() {
    let db = Db::new();
    let mut s = db.session();
    let outer = s.guard(LoadLimit::none().statements(2));
    db.run(s.get::<User>(1));
    let inner = s.guard(LoadLimit::none().statements(1));
    db.run(s.get_by_name("User", 2));
    assert!(db.try_run(s.get::<User>(3)).is_err());
    assert_eq!(s.end_guard(inner).unwrap().statements(), 1);
    let error = db.try_run(s.count(select::<User>())).unwrap_err();
    assert!(error.to_string().contains("the guard allows 2 statements"), "{error}");
    let mut other = db.session();
    assert_eq!(other.end_guard(outer).unwrap_err().kind(), ErrorKind::InvalidRequest);
}

#[test]
fn flushes_load_for_whoever_calls() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.get::<User>(1)).unwrap();
    let guard = s.guard(LoadLimit::none().lazy(0));
    let line = line!() + 1;
    db.run(s.delete(ed));
    db.run(s.flush());
    let report = s.end_guard(guard).unwrap();
    let addresses = report.loads().iter().find(|l| l.attribute == Some("addresses")).unwrap();
    assert_eq!((addresses.lazy, addresses.at.line()), (false, line));
}

#[test]
fn raise_on_sql_lets_the_identity_map_answer() {
    let db = Db::new();
    let mut s = db.session();
    let query = select::<Address>().order_by(Address::id);
    let addresses = db.run(s.all(query.options(raise_on_sql(Address::user))));
    let error = db.try_run(s.load(addresses[0], Address::user)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotLoaded);
    assert!(error.to_string().ends_with("the query that loaded the object said `raise_on_sql`"));
    let ed = db.run(s.get::<User>(1)).unwrap();
    db.selects();
    assert_eq!(db.run(s.load(addresses[0], Address::user)).get(), Some(ed));
    assert_eq!(db.run(s.load(addresses[3], Address::user)).get(), None);
    assert_eq!(db.selects(), 0);
}
