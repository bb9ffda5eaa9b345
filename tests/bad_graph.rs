//! Graphs that cannot be written, and what is told of them: the objects stay as they were, and the session goes on. On
//! SQLite always, on PostgreSQL where `ALUDEL_TEST_POSTGRES` has a server's URL.

#[path = "support/database.rs"]
mod database;

use aludel::prelude::*;
use aludel::{Error, ErrorKind};
use database::{Database, script};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "graph_owner")]
struct Owner {
    #[column(primary_key)]
    code: String,
    name: Option<String>,
    #[relationship(back_populates = "owner", cascade = "all, delete-orphan")]
    pets: Many<Pet>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "graph_pet")]
struct Pet {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "graph_owner.code", nullable = false)]
    owner_code: Option<String>,
    #[relationship(back_populates = "pets")]
    owner: One<Owner>,
}

/// Neither can be there before the other.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "graph_lock")]
struct Lock {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "graph_key.id", use_alter)]
    key_id: i64,
    #[relationship(foreign_keys = "key_id")]
    key: One<Key>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "graph_key")]
struct Key {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "graph_lock.id")]
    lock_id: i64,
    #[relationship(foreign_keys = "lock_id")]
    lock: One<Lock>,
}

/// A door has a knob of its own.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "graph_door")]
struct Door {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "graph_knob.id")]
    knob_id: Option<i64>,
    #[relationship(cascade = "all, delete-orphan", single_parent)]
    knob: One<Knob>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "graph_knob")]
struct Knob {
    #[column(primary_key)]
    id: Auto<i64>,
}

fn each(name: &str, test: impl Fn(&Database)) {
    let registry = Registry::new();
    registry.register::<Door>().unwrap();
    registry.register::<Owner>().unwrap();
    registry.register::<Lock>().unwrap();
    let postgres = Database::postgres(name, &registry);
    for db in [Some(Database::sqlite(name, &registry)), postgres].into_iter().flatten() {
        test(&db);
    }
}

fn owner(code: &str) -> Owner {
    Owner { code: code.into(), ..Owner::default() }
}

fn pet(name: &str) -> Pet {
    Pet { name: name.into(), ..Pet::default() }
}

fn says(error: &Error, kind: ErrorKind, all: &[&str]) {
    assert_eq!(error.kind(), kind, "{error:?}");
    let text = error.to_string();
    for wanted in all {
        assert!(text.contains(wanted), "`{wanted}` is not in: {text}");
    }
}

fn pets(db: &Database) -> Vec<String> {
    db.session().rows(select::<Pet>().order_by(Pet::name).columns(Pet::name)).unwrap()
}

#[test]
fn an_orphan_without_an_owner() {
    each("graph_orphan", |db| {
        let mut session = db.session();
        let stray = session.add(pet("stray")).unwrap();
        let error = session.commit().unwrap_err();
        says(&error, ErrorKind::NotNullViolation, &["Pet.owner_code", "no `owner` is set"]);
        session.rollback().unwrap();
        let ann = session.add(owner("ann")).unwrap();
        session.append(ann, Owner::pets, stray).unwrap();
        session.commit().unwrap();
        assert_eq!(pets(db), ["stray"]);
    });
}

#[test]
fn an_object_of_another_session() {
    each("graph_two", |db| {
        let (mut one, mut two) = (db.session(), db.session());
        let ann = one.add(owner("ann")).unwrap();
        let rex = two.make(pet("rex")).unwrap();
        let error = one.append(ann, Owner::pets, rex).unwrap_err();
        says(&error, ErrorKind::InvalidRequest, &["another session"]);
        assert!(one[ann].pets.is_empty());
        let error = two.set(rex, Pet::owner, Some(ann)).unwrap_err();
        says(&error, ErrorKind::InvalidRequest, &["another session"]);
        one.commit().unwrap();
        drop(one);
        assert!(pets(db).is_empty());
    });
}

#[test]
fn a_collection_that_holds_a_deleted_object() {
    each("graph_deleted", |db| {
        let mut session = db.session();
        let ann = session.add(Owner { pets: aludel::many![pet("rex")], ..owner("ann") }).unwrap();
        session.commit().unwrap();
        let rex = session[ann].pets.at(0).unwrap();
        session.delete(rex).unwrap();
        session.commit().unwrap();
        // It is refused at once, until the program says that it has come back; the flush finds that it has not.
        let bob = session.add(owner("bob")).unwrap();
        let error = session.append(bob, Owner::pets, rex).unwrap_err();
        says(&error, ErrorKind::InvalidRequest, &["Pet(1)", "has been deleted"]);
        assert!(session[bob].pets.is_empty());
        session.make_transient(rex).unwrap();
        session.make_transient_to_detached(rex).unwrap();
        session.append(bob, Owner::pets, rex).unwrap();
        let error = session.commit().unwrap_err();
        says(&error, ErrorKind::Stale, &["Pet(1)", "its row is gone"]);
        assert_eq!(session.rollback().unwrap().transient, [bob.id()]);
        // The same before the transaction ends.
        session.load(ann, Owner::pets).unwrap();
        let max = session.add(pet("max")).unwrap();
        session.set(max, Pet::owner, Some(ann)).unwrap();
        session.commit().unwrap();
        session.delete(max).unwrap();
        session.flush().unwrap();
        let error = session.append(ann, Owner::pets, max).map(|_| session.flush());
        says(&error.unwrap_err(), ErrorKind::InvalidRequest, &["Pet(", "has been deleted"]);
        session.commit().unwrap();
        assert!(pets(db).is_empty());
    });
}

#[test]
fn a_key_that_is_set_to_null() {
    each("graph_null", |db| {
        let mut session = db.session();
        let ann = session.add(owner("ann")).unwrap();
        let rex = session.add(Pet { owner: ann.into(), ..pet("rex") }).unwrap();
        session.commit().unwrap();
        session.set(rex, Pet::id, Auto::Unset).unwrap();
        let error = session.commit().unwrap_err();
        says(&error, ErrorKind::NotNullViolation, &["Pet(1)", "Pet.id is part of the primary key"]);
        session.rollback().unwrap();
        session.refresh(rex).unwrap();
        assert!(session[rex].id.get().is_some());
    });
}

#[test]
fn a_merge_of_an_object_whose_row_is_gone() {
    each("graph_merge", |db| {
        let mut session = db.session();
        let ann = session.add(owner("ann")).unwrap();
        session.commit().unwrap();
        session.set(ann, Owner::name, Some("Ann".into())).unwrap();
        let mut other = db.session();
        let same = other.get_one::<Owner>("ann").unwrap();
        let given = other[same].clone();
        drop(other);
        script(&db.engine, "DELETE FROM graph_owner");
        let error = session.commit().unwrap_err();
        says(&error, ErrorKind::Stale, &["Owner(\"ann\")", "its row is gone"]);
        session.rollback().unwrap();
        // The session knows the object: its row has to be there. Another session makes a new one, as SQLAlchemy does.
        let error = session.merge(given.clone()).unwrap_err();
        says(&error, ErrorKind::ObjectDeleted, &["Owner(\"ann\")", "its row is gone"]);
        session.rollback().unwrap();
        let mut third = db.session();
        third.merge(given).unwrap();
        third.commit().unwrap();
        assert_eq!(db.session().count(select::<Owner>()).unwrap(), 1);
    });
}

#[test]
fn rows_that_wait_for_each_other() {
    each("graph_circle", |db| {
        let mut session = db.session();
        let other = session.add(owner("o")).unwrap();
        let key = session.add(Key::default()).unwrap();
        let lock = session.add(Lock { key: key.into(), ..Lock::default() }).unwrap();
        session.set(key, Key::lock, lock).unwrap();
        let parts =
            ["a new Key", "a new Lock", "Key.lock (lock_id may not be NULL)", "Lock.key (key_id"];
        says(&session.plan().unwrap_err(), ErrorKind::Circular, &parts);
        says(&session.flush().unwrap_err(), ErrorKind::Circular, &parts);
        session.rollback().unwrap();
        // Nothing of it was written, and all is there to be mended.
        let states = [session.state(key), session.state(lock), session.state(other)];
        assert!(states.into_iter().all(|state| state.unwrap() == ObjectState::Transient));
        assert_eq!(session[key].lock.get(), Some(lock));
        session.add(other).unwrap();
        session.commit().unwrap();
        assert_eq!(session.count(select::<Key>()).unwrap(), 0);
    });
}

#[test]
fn an_object_with_a_second_owner() {
    each("graph_single", |db| {
        let mut session = db.session();
        let front = session.add(Door { knob: Knob::default().into(), ..Door::default() }).unwrap();
        let back = session.add(Door::default()).unwrap();
        session.commit().unwrap();
        let knob = session[front].knob.get().unwrap();
        let error = session.set(back, Door::knob, knob).unwrap_err();
        says(&error, ErrorKind::InvalidRequest, &["Door.knob", "has an owner", "single_parent"]);
        assert_eq!(session[back].knob.get(), None);
        assert!(!session.is_modified(back).unwrap());
        let error = session.add(Door { knob: knob.into(), ..Door::default() }).unwrap_err();
        says(&error, ErrorKind::InvalidRequest, &["Door.knob", "has an owner"]);
        // What it has already it can be given again.
        session.set(front, Door::knob, knob).unwrap();
        // Where nobody has it, another one can.
        session.set(front, Door::knob, None::<Handle<Knob>>).unwrap();
        session.set(back, Door::knob, knob).unwrap();
        session.commit().unwrap();
        assert_eq!(session.count(select::<Door>().filter(Door::knob.is(knob))).unwrap(), 1);
        assert_eq!(session[back].knob.get(), Some(knob));
    });
}
