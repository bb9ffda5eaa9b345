//! How far one may go to find out a value.

use aludel_orm::Handle;
use aludel_orm::attributes::Passive;

use crate::zoo::{Address, Db, Profile, User};

#[test]
fn nothing_is_asked() {
    let db = Db::new();
    let mut s = db.session();
    let a = db.run(s.get_one::<Address>(1));
    db.selects();
    let history = db.run(s.get_history(a, Address::user, Passive::NO_INITIALIZE));
    assert!(history.is_empty());
    assert_eq!(db.run(s.get_attribute(a, Address::user, Passive::NO_INITIALIZE)), None);
    assert_eq!(db.selects(), 0);
}

#[test]
fn the_session_is_asked() {
    let db = Db::new();
    let mut s = db.session();
    let a = db.run(s.get_one::<Address>(1));
    assert!(db.run(s.get_history(a, Address::user, Passive::NO_FETCH)).is_empty());
    let u = db.run(s.get_one::<User>(1));
    db.selects();
    let history = db.run(s.get_history(a, Address::user, Passive::NO_FETCH));
    assert_eq!(history.unchanged(), [Some(u)]);
    assert!(!history.has_changes());
    // A collection is not in the session.
    assert!(db.run(s.get_history(u, User::addresses, Passive::NO_FETCH)).is_empty());
    assert_eq!(db.selects(), 0);
}

#[test]
fn the_database_is_asked() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    db.selects();
    assert_eq!(db.run(s.get_history(u, User::addresses, Passive::OFF)).unchanged().len(), 2);
    assert_eq!(db.selects(), 1);
    // A deferred column, and an expired one.
    let notes = db.run(s.get_attribute(u, User::notes, Passive::OFF));
    assert_eq!(notes.and_then(|n| n.get().cloned()).as_deref(), Some("long"));
    s.expire(u).unwrap();
    assert_eq!(db.run(s.get_attribute(u, User::name, Passive::NO_FETCH)), None);
    let history = db.run(s.get_history(u, User::name, Passive::OFF | Passive::NO_AUTOFLUSH));
    assert_eq!(history.unchanged(), ["ed"]);
}

#[test]
fn related_objects_by_key_may_be_left_out() {
    let db = Db::new();
    let mut s = db.session();
    let a = db.run(s.get_one::<Address>(1));
    db.selects();
    assert!(db.run(s.get_history(a, Address::user, Passive::NO_FETCH_RELATED)).is_empty());
    assert_eq!(db.selects(), 0);
    // What has no foreign key of its own is not such an object.
    let u = db.run(s.get_one::<User>(1));
    let history = db.run(s.get_history(u, User::profile, Passive::NO_FETCH_RELATED));
    assert_eq!(history.unchanged().len(), 1);
}

#[test]
fn objects_without_a_row_may_be_left_out() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    s.expire(u).unwrap();
    s.expunge(u).unwrap();
    let only = Passive::ONLY_PERSISTENT;
    assert_eq!(db.run(s.get_attribute(u, User::name, only)), None);
    assert!(db.try_run(s.get_history(u, User::addresses, Passive::OFF)).is_err());
}

#[test]
fn what_waits_for_a_collection_counts_when_asked_for() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    let new = db.run(s.get_one::<Address>(3));
    s.set(new, Address::user, u).unwrap();
    db.selects();
    let known = Passive::NO_INITIALIZE;
    assert!(db.run(s.get_history(u, User::addresses, known)).is_empty());
    let waiting = known | Passive::INCLUDE_PENDING_MUTATIONS;
    let history = db.run(s.get_history(u, User::addresses, waiting));
    assert_eq!(history.added(), [new]);
    assert_eq!(history.sum().count(), 1);
    assert_eq!(db.selects(), 0);
    // Loaded without a flush, it is an addition to what was there.
    let all = Passive::OFF | Passive::NO_AUTOFLUSH;
    let history = db.run(s.get_history(u, User::addresses, all));
    assert_eq!((history.added(), history.unchanged().len()), (&[new][..], 2));
    assert_eq!(history.non_deleted().count(), 3);
    assert_eq!(history.non_added().count(), 2);
}

#[test]
fn by_the_key_that_the_row_has() {
    let db = Db::new();
    let mut s = db.session();
    s.options_mut().autoflush = false;
    let a = db.run(s.get_one::<Address>(1));
    s.set(a, Address::user_id, 2).unwrap();
    let committed = Passive::OFF | Passive::LOAD_AGAINST_COMMITTED;
    let u = *db.run(s.get_history(a, Address::user, committed)).unchanged().first().unwrap();
    assert_eq!(s[u.unwrap()].name, "ed");
    let b = db.run(s.get_one::<Address>(2));
    s.set(b, Address::user_id, 2).unwrap();
    let u = *db.run(s.get_history(b, Address::user, Passive::OFF)).unchanged().first().unwrap();
    assert_eq!(s[u.unwrap()].name, "jack");
}

#[test]
fn active_history_loads_the_old_value() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    s.expire_attributes(u, [User::balance]).unwrap();
    db.run(s.set_with_history(u, User::balance, 7));
    let history = s.history(u, User::balance).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[Some(7)][..], &[Some(5)][..]));
    // A reference whose foreign key is at the other side has it of itself.
    db.run(s.set_with_history(u, User::profile, None::<Handle<Profile>>));
    let history = s.history(u, User::profile).unwrap();
    assert_eq!(history.added(), [None]);
    assert_eq!(history.deleted().len(), 1);
    // An ordinary column does not.
    s.expire_attributes(u, [User::name]).unwrap();
    db.selects();
    db.run(s.set_with_history(u, User::name, "x"));
    assert_eq!(db.selects(), 0);
    assert!(s.history(u, User::name).unwrap().deleted().is_empty());
    // By name, as well.
    s.expire_attributes(u, [User::balance]).unwrap();
    db.run(s.set_with_history_named(u, "balance", 9));
    assert_eq!(s.history(u, User::balance).unwrap().deleted(), [Some(5)]);
}

#[test]
fn history_by_name_and_loaded() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    assert_eq!(db.run(s.load_history(u, User::addresses)).unchanged().len(), 2);
    let history = db.run(s.get_history_named(u, "tags", Passive::OFF));
    assert_eq!(history.unchanged().len(), 1);
    assert!(db.run(s.get_attribute_named(u, "medals", Passive::NO_FETCH)).is_none());
    assert!(format!("{:?}", Passive::NO_FETCH).contains("CALLABLES_OK | RELATED_OBJECT_OK"));
    assert!(!Passive::OFF.without(Passive::SQL_OK).allows(Passive::SQL_OK));
}
