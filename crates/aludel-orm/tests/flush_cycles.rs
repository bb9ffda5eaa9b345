//! Rows that wait for each other: trees, circles, post_update, inheritance.

#[path = "flush_support.rs"]
mod support;

use aludel_derive::Mapped;
use aludel_orm::{Auto, ErrorKind, Handle, Many, One, Registry, many};
use support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "nodes")]
struct Node {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "nodes.id")]
    parent_id: Option<i64>,
    #[relationship(back_populates = "parent", cascade = "all")]
    children: Many<Node>,
    #[relationship(back_populates = "children", remote_side = "id")]
    parent: One<Node>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "bands")]
struct Band {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "musicians.id", use_alter)]
    leader_id: Option<i64>,
    #[relationship(back_populates = "band", foreign_keys = "musicians.band_id")]
    members: Many<Musician>,
    #[relationship(foreign_keys = "leader_id", post_update)]
    leader: One<Musician>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "musicians")]
struct Musician {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "bands.id")]
    band_id: Option<i64>,
    #[relationship(back_populates = "members", foreign_keys = "band_id")]
    band: One<Band>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "persons")]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "balls.id", use_alter)]
    favourite_id: Option<i64>,
    #[relationship(foreign_keys = "favourite_id")]
    favourite: One<Ball>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "balls")]
struct Ball {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "persons.id")]
    owner_id: Option<i64>,
    #[relationship(foreign_keys = "owner_id")]
    owner: One<Person>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "keys")]
struct Key {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "locks.id", use_alter)]
    lock_id: i64,
    #[relationship(foreign_keys = "lock_id")]
    lock: One<Lock>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "locks")]
struct Lock {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "keys.id")]
    key_id: i64,
    #[relationship(foreign_keys = "key_id")]
    key: One<Key>,
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<Node>().unwrap();
    registry.register::<Band>().unwrap();
    registry.register::<Person>().unwrap();
    registry.register::<Key>().unwrap();
    Db::new(registry)
}

fn node(name: &str, children: Vec<Node>) -> Node {
    Node { name: name.into(), children: Many::new(children), ..Node::default() }
}

#[test]
fn a_tree_level_by_level() {
    let db = db();
    let mut s = db.session();
    let root = s
        .add(node(
            "r",
            vec![node("a", vec![node("a1", vec![]), node("a2", vec![])]), node("b", vec![])],
        ))
        .unwrap();
    assert_eq!(
        s.plan().unwrap().steps.iter().filter(|step| step.to_string().contains("nodes")).count(),
        3,
        "{}",
        s.plan().unwrap()
    );
    assert_eq!(
        db.flush(&mut s),
        [
            "INSERT nodes (name, parent_id) x1",
            "INSERT nodes (name, parent_id) x2",
            "INSERT nodes (name, parent_id) x2",
        ]
    );
    db.commit(&mut s);
    assert_eq!(
        db.rows("SELECT id, name, parent_id FROM nodes"),
        ["1|r|NULL", "2|a|1", "3|b|1", "4|a1|2", "5|a2|2"]
    );
    db.run(s.delete(root)).unwrap();
    db.told.take();
    let told = db.flush(&mut s);
    let writes: Vec<_> = told.into_iter().filter(|t| t != "SELECT").collect();
    assert_eq!(
        writes,
        ["DELETE nodes WHERE id x3", "DELETE nodes WHERE id x1", "DELETE nodes WHERE id x1"]
    );
    db.commit(&mut s);
    assert!(db.rows("SELECT * FROM nodes").is_empty());
}

#[test]
fn nodes_without_links_are_one_batch() {
    let db = db();
    let mut s = db.session();
    s.add_all((0..10).map(|_| Node { name: "n".into(), ..Node::default() })).unwrap();
    assert_eq!(db.flush(&mut s), ["INSERT nodes (name, parent_id) x10"]);
}

#[test]
fn a_new_level_below_what_is_there() {
    let db = db();
    let mut s = db.session();
    let root = s.add(node("r", vec![])).unwrap();
    db.commit(&mut s);
    let child = s.add(Node { parent: root.into(), ..node("c", vec![node("g", vec![])]) }).unwrap();
    s.set(root, Node::name, "R".to_owned()).unwrap();
    db.commit(&mut s);
    assert_eq!(s[child].parent_id, Some(1));
    assert_eq!(db.rows("SELECT name, parent_id FROM nodes"), ["R|NULL", "c|1", "g|2"]);
    // A subtree changes places with its root: in two steps, since the rows would wait for each other.
    s.set(child, Node::parent, None::<Handle<Node>>).unwrap();
    db.flush(&mut s);
    s.set(root, Node::parent, Some(child)).unwrap();
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT name, parent_id FROM nodes"), ["R|2", "c|NULL", "g|2"]);
}

#[test]
fn a_node_below_itself() {
    let db = db();
    let mut s = db.session();
    let n = s.add(node("n", vec![])).unwrap();
    s.set(n, Node::parent, Some(n)).unwrap();
    assert_eq!(
        db.flush(&mut s),
        ["INSERT nodes (name, parent_id) x1", "UPDATE nodes SET parent_id WHERE id x1"]
    );
    assert_eq!(s[n].parent_id, Some(1));
    db.commit(&mut s);
    db.run(s.delete(n)).unwrap();
    db.commit(&mut s);
    assert!(db.rows("SELECT * FROM nodes").is_empty());
}

#[test]
fn a_circle_is_opened_where_a_key_may_be_null() {
    let db = db();
    let mut s = db.session();
    let p = s.add(Person::default()).unwrap();
    let b = s.add(Ball { owner: p.into(), ..Ball::default() }).unwrap();
    s.set(p, Person::favourite, Some(b)).unwrap();
    let plan = s.plan().unwrap().to_string();
    assert!(plan.contains("POST UPDATE"), "{plan}");
    db.flush(&mut s);
    assert_eq!((s[p].favourite_id, s[b].owner_id), (Some(1), Some(1)));
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT favourite_id, owner_id FROM persons, balls"), ["1|1"]);
    // Others change places, and both go.
    let q = s.add(Person::default()).unwrap();
    let c = s.add(Ball { owner: q.into(), ..Ball::default() }).unwrap();
    s.set(q, Person::favourite, Some(b)).unwrap();
    s.set(p, Person::favourite, Some(c)).unwrap();
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT favourite_id FROM persons ORDER BY id"), ["2", "1"]);
    for ball in [b, c] {
        db.run(s.delete(ball)).unwrap();
    }
    for person in [p, q] {
        db.run(s.delete(person)).unwrap();
    }
    db.commit(&mut s);
    assert!(db.rows("SELECT id FROM persons UNION ALL SELECT id FROM balls").is_empty());
}

#[test]
fn rows_that_wait_for_each_other_are_named() {
    let db = db();
    let mut s = db.session();
    let key = s.add(Key::default()).unwrap();
    let lock = s.add(Lock { key: key.into(), ..Lock::default() }).unwrap();
    s.set(key, Key::lock, Some(lock)).unwrap();
    assert_eq!(s.plan().unwrap_err().kind(), ErrorKind::Circular);
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Circular);
    for part in
        ["a new Key", "a new Lock", "Key.lock (lock_id may not be NULL)", "Lock.key (key_id"]
    {
        assert!(error.message().contains(part), "{error}");
    }
    assert_eq!(db.run(s.rollback()).unwrap().transient, [key.id(), lock.id()]);
}

#[test]
fn post_update_writes_the_second_reference_last() {
    let db = db();
    let mut s = db.session();
    let m = s.make(Musician { name: "m".into(), ..Musician::default() }).unwrap();
    let b = s
        .add(Band { name: "b".into(), members: many![m], leader: m.into(), ..Band::default() })
        .unwrap();
    assert_eq!(
        db.flush(&mut s),
        [
            "INSERT bands (name, leader_id) x1",
            "INSERT musicians (name, band_id) x1",
            "UPDATE bands SET leader_id WHERE id x1",
        ]
    );
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT leader_id FROM bands"), ["1"]);
    db.run(s.delete(b)).unwrap();
    db.run(s.delete(m)).unwrap();
    db.told.take();
    let told = db.flush(&mut s);
    let writes: Vec<_> = told.into_iter().filter(|t| t != "SELECT").collect();
    assert_eq!(
        writes,
        [
            "UPDATE bands SET leader_id WHERE id x1",
            "DELETE musicians WHERE id x1",
            "DELETE bands WHERE id x1"
        ]
    );
}

#[test]
fn a_hundred_thousand_links() {
    let db = db();
    let mut s = db.session();
    let count = 100_000;
    let mut last = s.add(node("0", vec![])).unwrap();
    for _ in 1..count {
        last = s.add(Node { parent: last.into(), name: "n".into(), ..Node::default() }).unwrap();
    }
    db.flush(&mut s);
    assert_eq!(s[last].parent_id, Some(count - 1));
}
