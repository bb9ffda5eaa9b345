//! A session gives its memory back.

use std::alloc::System;

use aludel::prelude::*;
use aludel::{ErrorKind, many};
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

/// How many bytes the program has. (What SQLite has is its own.)
fn bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// A database with things, and a session that has compiled what it needs.
fn database() -> (Engine, Registry) {
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    let registry = Registry::new();
    registry.register::<Owner>().unwrap();
    engine.block_on(registry.create_all(&engine)).unwrap();
    let mut session = blocking::Session::with_registry(&engine, &registry);
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
    (engine, registry)
}

// One test: the counters are the process's.
#[test]
fn the_memory_of_objects_is_given_back() {
    let (engine, registry) = database();
    let load = |session: &mut blocking::Session| {
        let things = session.all(select::<Thing>()).unwrap();
        let owners = session.all(select::<Owner>().options(selectin(Owner::things))).unwrap();
        assert_eq!(session[owners[0]].things.len() * 10, things.len());
        things[COUNT / 2]
    };
    // What is kept once is not counted.
    let mut session = blocking::Session::with_registry(&engine, &registry);
    load(&mut session);
    session.commit().unwrap();
    drop(session);

    let before = bytes();
    let mut session = blocking::Session::with_registry(&engine, &registry);
    load(&mut session);
    let full = bytes() - before;
    assert!(full > COUNT * size_of::<Thing>(), "{full}");
    session.commit().unwrap();
    drop(session);
    let left = bytes().saturating_sub(before);
    assert!(left < REST, "a session that has ended keeps {left} of {full} bytes");

    // One that goes on gives it back when it is told that nobody wants the objects any more.
    let mut session = blocking::Session::with_registry(&engine, &registry);
    let thing = load(&mut session);
    session.commit().unwrap();
    let kept = session.add(Thing { name: "pending".into(), ..Thing::default() }).unwrap();
    session.set(thing, Thing::name, "changed").unwrap();
    session.expunge_all().unwrap();
    assert_eq!(session[thing].name, "changed");
    assert_eq!(session.discard_all(), COUNT + 21);
    let left = bytes().saturating_sub(before);
    assert!(left < REST, "a session without objects keeps {left} of {full} bytes");
    for gone in [thing, kept] {
        assert_eq!(session.try_get(gone).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    // And it goes on; handles of before stay void.
    let again = load(&mut session);
    assert_ne!(again, thing);
    assert!(session.try_get(thing).is_err());
    assert!(session[again].name.starts_with("the name of thing"));
    session.set(again, Thing::name, "new").unwrap();
    session.commit().unwrap();
    // What is in the session stays.
    assert_eq!(session.discard_all(), 0);
    let made = session.make(Thing::default()).unwrap();
    assert_eq!(session.discard_all(), 1);
    assert!(session.try_get(made).is_err());
    assert_eq!(session[again].name, "new");
}
