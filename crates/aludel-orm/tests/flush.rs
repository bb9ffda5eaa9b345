//! The flush of objects without relationships: inserts, updates, deletes, defaults, versions, keys.

#[path = "flush_support.rs"]
mod support;

use aludel_derive::Mapped;
use aludel_orm::{Auto, ErrorKind, ObjectState, Registry};
use support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "people")]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    nick: Option<String>,
    age: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "tickets")]
struct Ticket {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    #[column(server_default = "3")]
    priority: Option<i64>,
    #[column(default = 5)]
    severity: Option<i64>,
    #[column(onupdate = 1)]
    touched: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "docs")]
struct Doc {
    #[column(primary_key)]
    id: Auto<i64>,
    body: String,
    #[column(version)]
    version: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "countries")]
struct Country {
    #[column(primary_key)]
    code: String,
    #[column(unique)]
    name: Option<String>,
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<Person>().unwrap();
    registry.register::<Ticket>().unwrap();
    registry.register::<Doc>().unwrap();
    registry.register::<Country>().unwrap();
    Db::new(registry)
}

fn person(name: &str) -> Person {
    Person { name: name.into(), ..Person::default() }
}

#[test]
fn inserts_get_their_keys_in_one_batch() {
    let db = db();
    let mut s = db.session();
    let people = s.add_all(["ed", "wendy", "fred"].map(person)).unwrap();
    assert_eq!(s.plan().unwrap().to_string(), "INSERT people (3 rows)\n");
    assert_eq!(db.flush(&mut s), ["INSERT people (name, nick, age) x3"]);
    assert_eq!(people.iter().map(|p| s[*p].id.value()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(s.state(people[1]).unwrap(), ObjectState::Persistent);
    assert!(db.flush(&mut s).is_empty());
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT id, name FROM people"), ["1|ed", "2|wendy", "3|fred"]);
}

#[test]
fn given_keys_break_the_batch_and_keep_the_order() {
    let db = db();
    let mut s = db.session();
    let a = s.add(person("a")).unwrap();
    s.add(Person { id: Auto::Set(30), ..person("b") }).unwrap();
    let c = s.add(person("c")).unwrap();
    assert_eq!(
        db.flush(&mut s),
        [
            "INSERT people (name, nick, age) x1",
            "INSERT people (id, name, nick, age) x1",
            "INSERT people (name, nick, age) x1"
        ]
    );
    assert_eq!((s[a].id.value(), s[c].id.value()), (1, 31));
}

#[test]
fn many_rows_cross_the_batches() {
    let db = db();
    let mut s = db.session();
    let people = s.add_all((0..1000).map(|n| person(&format!("p{n}")))).unwrap();
    db.flush(&mut s);
    assert!(people.iter().enumerate().all(|(n, p)| s[*p].id == n as i64 + 1));
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT count(*), sum(id), max(name) FROM people"), ["1000|500500|p999"]);
}

#[test]
fn updates_set_what_has_changed_in_the_order_of_keys() {
    let db = db();
    let mut s = db.session();
    let p = s.add_all(["a", "b", "c", "d"].map(person)).unwrap();
    db.commit(&mut s);
    s.set(p[3], Person::age, Some(4)).unwrap();
    s.set(p[1], Person::age, Some(2)).unwrap();
    s.set(p[0], Person::age, Some(1)).unwrap();
    s.edit(p[2], |p| {
        p.name.push('!');
        p.age = Some(3);
    })
    .unwrap();
    assert_eq!(
        db.flush(&mut s),
        [
            "UPDATE people SET age WHERE id x2",
            "UPDATE people SET name, age WHERE id x1",
            "UPDATE people SET age WHERE id x1"
        ]
    );
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT name, age FROM people"), ["a|1", "b|2", "c!|3", "d|4"]);
}

#[test]
fn no_net_change_no_statement() {
    let db = db();
    let mut s = db.session();
    let p = s.add(person("a")).unwrap();
    db.commit(&mut s);
    s.set(p, Person::name, "b".to_owned()).unwrap();
    s.set(p, Person::name, "a".to_owned()).unwrap();
    assert!(s.is_dirty(p).unwrap());
    assert!(db.flush(&mut s).is_empty());
    assert!(!s.is_dirty(p).unwrap());
}

#[test]
fn deletes() {
    let db = db();
    let mut s = db.session();
    let p = s.add_all(["a", "b", "c"].map(person)).unwrap();
    db.commit(&mut s);
    db.run(s.delete(p[2])).unwrap();
    db.run(s.delete(p[0])).unwrap();
    s.set(p[0], Person::age, Some(9)).unwrap();
    assert_eq!(s.plan().unwrap().to_string(), "DELETE people (2 rows)\n");
    assert_eq!(db.flush(&mut s), ["DELETE people WHERE id x2"]);
    assert_eq!(s.state(p[0]).unwrap(), ObjectState::Deleted);
    db.commit(&mut s);
    assert_eq!(s.state(p[0]).unwrap(), ObjectState::Detached);
    assert_eq!(db.rows("SELECT name FROM people"), ["b"]);
}

#[test]
fn a_deleted_row_that_is_gone_is_no_error() {
    let db = db();
    let mut s = db.session();
    let p = s.add(person("a")).unwrap();
    db.commit(&mut s);
    db.sql("DELETE FROM people");
    db.run(s.delete(p)).unwrap();
    db.run(s.flush()).unwrap();
}

#[test]
fn defaults_of_program_and_database() {
    let db = db();
    let mut s = db.session();
    let a = s.add(Ticket { title: "a".into(), ..Ticket::default() }).unwrap();
    let b = s
        .add(Ticket {
            title: "b".into(),
            priority: Some(9),
            severity: Some(1),
            ..Ticket::default()
        })
        .unwrap();
    assert_eq!(
        db.flush(&mut s),
        [
            "INSERT tickets (title, severity, touched) x1",
            "INSERT tickets (priority, title, severity, touched) x1"
        ]
    );
    assert_eq!((s[a].priority, s[a].severity, s[a].touched), (Some(3), Some(5), None));
    assert_eq!((s[b].priority, s[b].severity), (Some(9), Some(1)));
    assert!(s.history(a, Ticket::severity).unwrap().added().is_empty());
    s.set(a, Ticket::title, "c".to_owned()).unwrap();
    assert_eq!(db.flush(&mut s), ["UPDATE tickets SET title, touched WHERE id x1"]);
    assert_eq!(s[a].touched, Some(1));
}

#[test]
fn what_was_never_set_reads_as_null_without_a_select() {
    let db = db();
    let mut s = db.session();
    let p = s.create::<Person>().unwrap();
    s.set(p, Person::name, "a".to_owned()).unwrap();
    s.add(p).unwrap();
    db.commit(&mut s);
    assert_eq!(s[p].nick, None);
    assert_eq!(db.rows("SELECT name, nick FROM people"), ["a|NULL"]);
}

#[test]
fn versions_count() {
    let db = db();
    let mut s = db.session();
    let d = s.add(Doc { body: "a".into(), ..Doc::default() }).unwrap();
    db.flush(&mut s);
    assert_eq!(s[d].version, 1);
    s.set(d, Doc::body, "b".to_owned()).unwrap();
    assert_eq!(db.flush(&mut s), ["UPDATE docs SET body, version WHERE id, version x1"]);
    assert_eq!(s[d].version, 2);
    s.set(d, Doc::body, "c".to_owned()).unwrap();
    s.set(d, Doc::body, "b".to_owned()).unwrap();
    assert!(db.flush(&mut s).is_empty());
    s.edit(d, |d| d.version = 55).unwrap();
    db.flush(&mut s);
    db.run(s.delete(d)).unwrap();
    assert_eq!(db.flush(&mut s), ["DELETE docs WHERE id, version x1"]);
}

#[test]
fn a_stale_update_names_object_and_versions() {
    let db = db();
    let mut s = db.session();
    let d = s.add_all(["a", "b"].map(|b| Doc { body: b.into(), ..Doc::default() })).unwrap();
    db.commit(&mut s);
    db.sql("UPDATE docs SET version = 7 WHERE id = 2");
    s.set(d[0], Doc::body, "x".to_owned()).unwrap();
    s.set(d[1], Doc::body, "y".to_owned()).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert_eq!(
        error.message(),
        "Doc(2) is stale: its row has version 7, and 1 was expected; roll back, refresh the object and try again"
    );
    assert_eq!(db.run(s.commit()).unwrap_err().kind(), ErrorKind::PendingRollback);
    db.run(s.rollback()).unwrap();
    assert_eq!(s.state(d[0]).unwrap(), ObjectState::Persistent);
    assert_eq!(db.rows("SELECT body FROM docs"), ["a", "b"]);
}

#[test]
fn stale_rows_that_are_gone() {
    let db = db();
    let mut s = db.session();
    let p = s.add(person("a")).unwrap();
    db.commit(&mut s);
    let mut other = db.session();
    let d = other.add(Doc { body: "a".into(), ..Doc::default() }).unwrap();
    db.commit(&mut other);
    db.sql("DELETE FROM people; DELETE FROM docs");
    s.set(p, Person::name, "x".to_owned()).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert!(error.message().contains("Person(1) is stale: its row is gone"), "{error}");
    db.run(s.rollback()).unwrap();
    db.run(other.delete(d)).unwrap();
    let error = db.run(other.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert!(error.message().contains("Doc(1) is stale"), "{error}");
}

#[test]
fn a_key_that_changes_moves_the_object() {
    let db = db();
    let mut s = db.session();
    let a = s.add(Country { code: "AT".into(), name: Some("Austria".into()) }).unwrap();
    let b = s.add(Country { code: "BE".into(), name: None }).unwrap();
    db.commit(&mut s);
    s.set(a, Country::code, "AX".to_owned()).unwrap();
    assert_eq!(db.flush(&mut s), ["UPDATE countries SET code WHERE code x1"]);
    s.set(a, Country::name, None).unwrap();
    assert_eq!(db.flush(&mut s), ["UPDATE countries SET name WHERE code x1"]);
    // An object takes over the key of another that has moved on.
    s.set(a, Country::code, "ZZ".to_owned()).unwrap();
    db.flush(&mut s);
    s.set(b, Country::code, "AX".to_owned()).unwrap();
    db.flush(&mut s);
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT code FROM countries ORDER BY code"), ["AX", "ZZ"]);
    s.set(b, Country::code, "QQ".to_owned()).unwrap();
    db.flush(&mut s);
    db.run(s.rollback()).unwrap();
    s.set(b, Country::name, Some("b".into())).unwrap();
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT code, name FROM countries ORDER BY code"), ["AX|b", "ZZ|NULL"]);
}

#[test]
fn a_row_switch_is_an_update() {
    let db = db();
    let mut s = db.session();
    let old = s.add(Country { code: "AT".into(), name: Some("Austria".into()) }).unwrap();
    db.commit(&mut s);
    db.run(s.delete(old)).unwrap();
    let new = s.create::<Country>().unwrap();
    s.set(new, Country::code, "AT".to_owned()).unwrap();
    s.add(new).unwrap();
    assert!(db.flush(&mut s).is_empty());
    assert_eq!(s.state(old).unwrap(), ObjectState::Deleted);
    assert_eq!(s.state(new).unwrap(), ObjectState::Persistent);
    db.run(s.delete(new)).unwrap();
    let third = s.add(Country { code: "AT".into(), name: Some("Tirol".into()) }).unwrap();
    assert_eq!(db.flush(&mut s), ["UPDATE countries SET name WHERE code x1"]);
    assert_eq!(s.state(third).unwrap(), ObjectState::Persistent);
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT code, name FROM countries"), ["AT|Tirol"]);
}

#[test]
fn a_refused_row_is_named_and_everything_is_put_back() {
    let db = db();
    let mut s = db.session();
    s.add(Country { code: "A".into(), name: Some("same".into()) }).unwrap();
    db.commit(&mut s);
    let people = s.add_all(["a", "b"].map(person)).unwrap();
    let b = s.add(Country { code: "B".into(), name: Some("other".into()) }).unwrap();
    let c = s.add(Country { code: "C".into(), name: Some("same".into()) }).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UniqueViolation);
    assert!(
        error.message().starts_with("inserting a new Country(\"C\"), Country.name: row 2 of 2"),
        "{error}"
    );
    assert!(
        error.database().unwrap().statement.as_deref().unwrap().starts_with("INSERT INTO"),
        "{error:?}"
    );
    assert_eq!(s.state(b).unwrap(), ObjectState::Transient);
    db.run(s.rollback()).unwrap();
    assert_eq!(s.state(c).unwrap(), ObjectState::Transient);
    assert_eq!(s[c].name.as_deref(), Some("same"));
    assert!(db.rows("SELECT * FROM people").is_empty());
    s.set(c, Country::name, Some("C".into())).unwrap();
    for p in &people {
        s.add(*p).unwrap();
    }
    s.add(b).unwrap();
    s.add(c).unwrap();
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT code FROM countries"), ["A", "B", "C"]);
    assert_eq!(db.rows("SELECT name FROM people"), ["a", "b"]);
}

#[test]
fn a_key_that_is_missing_is_named() {
    let db = db();
    let mut s = db.session();
    let c = s.create::<Country>().unwrap();
    s.add(c).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotNullViolation);
    assert!(error.message().contains("Country.code is part of the primary key"), "{error}");
}

#[test]
fn a_second_object_with_a_key_says_so() {
    let db = db();
    let mut s = db.session();
    s.add(Country { code: "A".into(), name: None }).unwrap();
    db.commit(&mut s);
    let twin = s.add(Country { code: "A".into(), name: None }).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UniqueViolation);
    assert!(error.message().contains("another object with this key is in the session"), "{error}");
    db.run(s.rollback()).unwrap();
    assert_eq!(s.state(twin).unwrap(), ObjectState::Transient);
}

#[test]
fn savepoints_undo_what_was_flushed_inside() {
    let db = db();
    let mut s = db.session();
    let a = s.add(person("a")).unwrap();
    db.commit(&mut s);
    s.set(a, Person::name, "outside".to_owned()).unwrap();
    db.run(s.begin_nested()).unwrap();
    let b = s.add(person("b")).unwrap();
    db.run(s.delete(a)).unwrap();
    db.flush(&mut s);
    assert_eq!(s.state(a).unwrap(), ObjectState::Deleted);
    db.run(s.rollback_nested()).unwrap();
    assert_eq!(s.state(a).unwrap(), ObjectState::Persistent);
    assert_eq!(s.state(b).unwrap(), ObjectState::Transient);
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT name FROM people"), ["outside"]);
}
