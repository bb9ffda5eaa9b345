//! What objects cost in memory, and that a session gives it back. On SQLite always, on PostgreSQL where
//! `ALUDEL_TEST_POSTGRES` has a server's URL. `benches/README.md` has the figures of a release build.

#[path = "support/database.rs"]
mod database;

use std::alloc::System;

use aludel::prelude::*;
use aludel::{ErrorKind, many};
use database::Database;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "thing")]
struct Thing {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "owner.id")]
    owner_id: Option<i64>,
    #[relationship(back_populates = "things")]
    owner: One<Owner>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "owner")]
struct Owner {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(back_populates = "owner")]
    things: Many<Thing>,
}

/// A million, where that is not too slow.
const COUNT: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

/// What may stay: statements that are kept, room in lists.
const REST: usize = 64 * 1024;

/// How many bytes the program has, as its allocator counts them. (What SQLite has is its own.)
fn bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Adds the things, and ten owners that share them.
fn fill(db: &Database) {
    let mut session = db.session();
    for _ in 0..10 {
        session.add(Owner { things: many![Thing::default()], ..Owner::default() }).unwrap();
    }
    session.commit().unwrap();
    let sql = format!(
        "INSERT INTO thing (name, owner_id)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COUNT})
         SELECT 'the name of thing number ' || i, i % 10 + 1 FROM n"
    );
    session.execute_raw(&sql).unwrap();
    session.commit().unwrap();
}

/// Loads everything; gives the things.
fn load(session: &mut blocking::Session) -> Vec<Handle<Thing>> {
    let things = session.all(select::<Thing>()).unwrap();
    let owners = session.all(select::<Owner>().options(selectin(Owner::things))).unwrap();
    assert_eq!(session[owners[0]].things.len() * 10, things.len());
    session.commit().unwrap();
    things
}

/// What is kept above `before`.
fn kept(before: usize) -> usize {
    bytes().saturating_sub(before)
}

/// Fails where more is kept than may be.
#[track_caller]
fn all_is_back(before: usize, what: &str) {
    let kept = kept(before);
    assert!(kept < REST, "{what}: {kept} bytes are kept");
}

fn check(db: &Database, name: &str) {
    fill(db);
    // What is kept once is not counted.
    load(&mut db.session());
    let before = bytes();

    let mut session = db.session();
    drop(load(&mut session));
    let full = kept(before);
    let each = full / COUNT;
    println!(
        "{name}: {COUNT} objects, {each} bytes each, {} of them the struct",
        size_of::<Thing>()
    );
    // The struct with its text, what the session keeps of it, and its place in the list.
    assert!((size_of::<Thing>()..400).contains(&each), "{each}");
    drop(session);
    all_is_back(before, "a session that has ended");

    let mut session = db.session();
    let thing = load(&mut session)[COUNT / 2];
    session.close().unwrap();
    assert!(session[thing].name.starts_with("the name"), "it stays readable");
    assert_eq!(session.discard_all(), COUNT + 20);
    all_is_back(before, "a session that was closed");

    // One that goes on gives it back when it is told that nobody wants the objects any more.
    let thing = load(&mut session)[COUNT / 2];
    let pending = session.add(Thing { name: "pending".into(), ..Thing::default() }).unwrap();
    session.set(thing, Thing::name, "changed").unwrap();
    session.expunge_all().unwrap();
    assert_eq!(session[thing].name, "changed");
    assert_eq!(session.discard_all(), COUNT + 21);
    all_is_back(before, "a session without objects");
    for gone in [thing, pending] {
        assert_eq!(session.try_get(gone).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }

    // Of objects that are expunged one by one the texts go with them, and the room when all are gone.
    let things = load(&mut session);
    let with_all = kept(before);
    let some = &things[..COUNT / 2];
    some.iter().for_each(|thing| session.expunge(*thing).unwrap());
    assert_eq!(session.discard_all(), some.len());
    let with_half = kept(before);
    assert!(with_half + some.len() * 20 < with_all, "{with_half} of {with_all}");
    // What was freed is used again.
    load(&mut session);
    let again = kept(before);
    assert!(again < with_all + with_all / 4, "{again} and {with_all}");
    session.expunge_all().unwrap();
    session.discard_all();
    drop(things);
    all_is_back(before, "a session whose objects went in two parts");

    // And it goes on; handles of before stay void.
    let again = load(&mut session)[COUNT / 2];
    assert_ne!(again, thing);
    assert!(session.try_get(thing).is_err());
    session.set(again, Thing::name, "new").unwrap();
    session.commit().unwrap();
    // What is in the session stays.
    assert_eq!(session.discard_all(), 0);
    let made = session.make(Thing::default()).unwrap();
    assert_eq!(session.discard_all(), 1);
    assert!(session.try_get(made).is_err());
    assert_eq!(session[again].name, "new");
}

// One test: the counters are the process's.
#[test]
fn the_memory_of_objects_is_given_back() {
    let registry = Registry::new();
    registry.register::<Owner>().unwrap();
    let sqlite = Database::sqlite("memory", &registry);
    check(&sqlite, "SQLite");
    drop(sqlite);
    if let Some(postgres) = Database::postgres("memory", &registry) {
        check(&postgres, "PostgreSQL");
    }
}
