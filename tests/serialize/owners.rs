//! Owners that are not among the objects that are taken down: known by their identities, in whatever session.

use aludel::orm::serialize::Serialized;
use aludel::prelude::*;
use aludel::{ErrorKind, Id};

use crate::support::{Db, each};

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "owners", polymorphic_on = kind, polymorphic_identity = "owner")]
struct Owner {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    /// Nothing leads back from a key to its owner.
    #[relationship(cascade = "all, delete-orphan", order_by = "id")]
    keys: Many<Key>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "landlord")]
struct Landlord {
    #[mapped(base)]
    owner: Owner,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "keys")]
struct Key {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "owners.id")]
    owner_id: Option<i64>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Landlord>().unwrap();
    registry
}

/// Two owners, the first with a key: the handles of this session.
fn fill(db: &mut Db) -> ([Handle<Owner>; 2], Handle<Key>) {
    let key = db.make(Key::default()).unwrap();
    let one = db.add(Landlord { owner: Owner { keys: [key].into(), ..Owner::default() } }).unwrap();
    let one = one.up();
    db.flush().unwrap();
    let two = db.add(Owner::default()).unwrap();
    db.commit().unwrap();
    ([one, two], key)
}

/// An object alone, by way of both forms.
fn alone(db: &mut Db, key: Handle<Key>) -> Serialized {
    let serialized = db.serialize([key]).unwrap();
    assert_eq!(serialized.len(), 1);
    crate::through(&serialized).unwrap()
}

/// The object, in the next session.
fn arrived(db: &mut Db, serialized: &Serialized) -> Handle<Key> {
    let ids: Vec<Id> = db.deserialize(serialized).unwrap();
    db.handle_of(ids[0]).unwrap()
}

fn has_owner(db: &mut Db, key: Handle<Key>) -> bool {
    db.has_parent(key, Owner::keys, false).unwrap()
}

#[test]
fn an_owner_is_known_where_it_is_not_and_met_where_it_is() {
    each("owners_away", registry, |db| {
        let ([one, _], key) = fill(db);
        let owner = db[one].id.get().copied().unwrap();
        let serialized = alone(db, key);
        db.renew();
        let key = arrived(db, &serialized);
        assert_eq!(db.state(key).unwrap(), ObjectState::Detached);
        assert!(has_owner(db, key));
        // Taken down again, by a session that has never seen the owner.
        let serialized = alone(db, key);
        db.renew();
        let key = arrived(db, &serialized);
        db.add(key).unwrap();
        assert!(has_owner(db, key));
        // The owner gives it away: it is an orphan.
        let one = db.get::<Owner>(owner).unwrap().unwrap();
        db.load(one, Owner::keys).unwrap();
        assert_eq!(db[one].keys.at(0), Some(key));
        db.remove(one, Owner::keys, key).unwrap();
        assert!(!has_owner(db, key));
        db.flush().unwrap();
        assert_eq!(db.state(key).unwrap(), ObjectState::Deleted);
        db.rollback().unwrap();
    });
}

#[test]
fn what_another_gives_away_keeps_its_owner() {
    each("owners_other", registry, |db| {
        let ([one, two], key) = fill(db);
        let owner = db[one].id.get().copied().unwrap();
        db.remove(one, Owner::keys, key).unwrap();
        db.append(two, Owner::keys, key).unwrap();
        let serialized = alone(db, key);
        db.rollback().unwrap();
        db.renew();
        // For the database it still is one of the first owner's.
        let key = arrived(db, &serialized);
        db.add(key).unwrap();
        let one = db.get::<Owner>(owner).unwrap().unwrap();
        db.load(one, Owner::keys).unwrap();
        db.remove(one, Owner::keys, key).unwrap();
        assert!(has_owner(db, key));
        db.commit().unwrap();
        // The other owner, which is not here, will say whose it is.
        assert_eq!(db.state(key).unwrap(), ObjectState::Persistent);
        assert_eq!(db.count(select::<Key>()).unwrap(), 1);
    });
}

#[test]
fn a_merged_copy_has_the_owner() {
    each("owners_merged", registry, |db| {
        let ([one, _], _) = fill(db);
        let owner = db[one].id.get().copied().unwrap();
        let new = db.make(Key::default()).unwrap();
        db.append(one, Owner::keys, new).unwrap();
        let serialized = alone(db, new);
        db.rollback().unwrap();
        db.renew();
        let one = db.get::<Owner>(owner).unwrap().unwrap();
        db.load(one, Owner::keys).unwrap();
        let copy = arrived(db, &serialized);
        assert_eq!(db.state(copy).unwrap(), ObjectState::Transient);
        let merged = db.merge(copy).unwrap();
        assert_ne!(merged, copy);
        assert!(has_owner(db, merged));
        // It is the owner's to give away.
        db.append(one, Owner::keys, merged).unwrap();
        db.remove(one, Owner::keys, merged).unwrap();
        assert!(!has_owner(db, merged));
        assert_eq!(db.state(merged).unwrap(), ObjectState::Transient);
    });
}

#[test]
fn an_owner_without_a_row_and_one_that_was_lost() {
    each("owners_new", registry, |db| {
        let ([one, _], key) = fill(db);
        let new = db.make(Key::default()).unwrap();
        let nobody = db.make(Owner { keys: [new].into(), ..Owner::default() }).unwrap();
        assert_eq!(db[nobody].keys.len(), 1);
        let of_nobody = alone(db, new);
        db.remove(one, Owner::keys, key).unwrap();
        let lost = alone(db, key);
        db.rollback().unwrap();
        db.renew();
        let new = arrived(db, &of_nobody);
        assert!(has_owner(db, new));
        let one = db.add(Owner::default()).unwrap();
        db.append(one, Owner::keys, new).unwrap();
        db.remove(one, Owner::keys, new).unwrap();
        assert!(!has_owner(db, new));
        let key = arrived(db, &lost);
        assert!(!db.has_parent(key, Owner::keys, true).unwrap());
        db.add(key).unwrap();
        db.flush().unwrap();
        assert_eq!(db.state(key).unwrap(), ObjectState::Persistent);
        db.rollback().unwrap();
    });
}

#[test]
fn owners_that_cannot_be_are_refused_and_make_nothing() {
    let mut db = Db::new(registry());
    let (_, key) = fill(&mut db);
    let json = alone(&mut db, key).to_json().unwrap();
    db.renew();
    for (from, to, says) in [
        (
            r#"{"Away":["Landlord""#,
            r#"{"Away":["Key""#,
            "Owner.keys: the owner is of another class",
        ),
        (r#"{"Away":["Landlord""#, r#"{"Away":["Lord""#, "no class `Lord`"),
        (r#"{"I64":1}]]}"#, r#"{"I64":1},{"I64":2}]]}"#, "a key of 2 parts, which has 1"),
        (r#"{"I64":1}]]}"#, r#""Null"]]}"#, "class Landlord: a part of the key is NULL"),
        (r#"{"I64":1}]]}"#, r#"{"Text":"a"}]]}"#, "Landlord.id: the key"),
        (r#"{"Away":["Landlord""#, r#"{"Here":["Landlord""#, "no serialized objects"),
        (r#"{"Away":["Landlord",[{"I64":1}]]}"#, r#"{"Here":0}"#, "of another class"),
        (r#"{"Away":["Landlord",[{"I64":1}]]}"#, r#"{"Here":7}"#, "number 7 of 1"),
    ] {
        assert!(json.contains(from), "{from} is not in {json}");
        let read = Serialized::from_json(&json.replacen(from, to, 1));
        let error = read.and_then(|read| db.deserialize(&read)).unwrap_err();
        assert!(error.message().contains(says), "{error}");
        assert!(matches!(error.kind(), ErrorKind::Value | ErrorKind::Unmapped));
        assert_eq!(db.persistent_objects().len(), 0);
    }
}
