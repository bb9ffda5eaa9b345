//! Inspecting objects, and the collection adapter.

use aludel_orm::attributes::Op;
use aludel_orm::events::AttributeEvent;
use aludel_orm::{Datum, ErrorKind, Handle, ObjectState};
use aludel_sql::Value;

use crate::zoo::{Address, Db, Profile, Tag, User};

#[test]
fn the_life_of_an_object() {
    let db = Db::new();
    let mut s = db.session();
    let a = s.make(Address { email: "n".into(), ..Address::default() }).unwrap();
    let state = s.inspect(a).unwrap();
    assert!(state.transient() && !state.has_identity() && !state.in_session());
    assert_eq!(state.identity(), None);
    s.add(a).unwrap();
    assert!(s.inspect(a).unwrap().pending());
    db.run(s.flush());
    let state = s.inspect(a).unwrap();
    assert!(state.persistent() && state.has_identity() && !state.modified());
    assert_eq!(state.identity(), Some(vec![Value::I64(4)]));
    let (root, key) = state.identity_key().unwrap();
    assert_eq!((&*root, key), ("Address", vec![Value::I64(4)]));
    assert_eq!(state.mapper().class_name(), "Address");
    assert_eq!(state.handle(), a);
    s.set(a, Address::email, "m").unwrap();
    assert!(s.inspect(a).unwrap().modified());
    db.run(s.delete(a));
    assert!(s.inspect(a).unwrap().is_deleting());
    db.run(s.flush());
    assert!(s.inspect(a).unwrap().deleted());
    db.run(s.commit());
    assert!(s.inspect(a).unwrap().detached());
    assert_eq!(s.inspect(a).unwrap().state(), ObjectState::Detached);
}

#[test]
fn what_is_loaded_expired_and_modified() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    let state = s.inspect(u).unwrap();
    assert!(!state.expired());
    let relationships = ["addresses", "medals", "labels", "profile", "tags"];
    let unloaded = state.unloaded();
    assert!(unloaded.contains(&"notes"));
    assert!(relationships.iter().all(|r| unloaded.contains(r)), "{unloaded:?}");
    assert!(!unloaded.contains(&"name"));
    assert!(state.expired_attributes().is_empty());
    s.set(u, User::name, "x").unwrap();
    s.expire_attributes(u, [User::balance]).unwrap();
    let state = s.inspect(u).unwrap();
    assert_eq!(state.expired_attributes(), ["balance"]);
    assert!(!state.unmodified().contains(&"name"));
    assert!(state.unmodified().contains(&"balance"));
    s.expire(u).unwrap();
    assert!(s.inspect(u).unwrap().expired());
    assert!(s.inspect(u).unwrap().unmodified().contains(&"name"));
}

#[test]
fn attributes_of_an_object() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    s.set(u, User::name, "x").unwrap();
    let state = s.inspect(u).unwrap();
    let name = state.attr(User::name);
    assert_eq!(name.key(), "name");
    assert_eq!(name.value().unwrap(), "x");
    assert_eq!(name.loaded_value().map(String::as_str), Some("x"));
    assert_eq!(name.history().deleted(), ["ed"]);
    assert!(state.attr(User::addresses).loaded_value().is_none());
    assert!(state.attr(User::addresses).history().is_empty());
    let named = state.attr_named("name").unwrap();
    assert_eq!(named.loaded_value(), Some(Datum::from("x")));
    assert_eq!(named.history().added().len(), 1);
    assert_eq!(state.attrs().filter(|a| a.loaded_value().is_some()).count(), 4);
    let error = state.attr_named("nmae").err().unwrap();
    assert!(error.to_string().contains("name"), "{error}");
    let history = db.run(s.inspect_mut(u).unwrap().attr(User::addresses).load_history());
    assert_eq!(history.unchanged().len(), 2);
    assert_eq!(db.run(s.inspect_mut(u).unwrap().attr(User::addresses).value()).len(), 2);
    assert_eq!(s.inspect_class::<User>().unwrap().class_name(), "User");
}

#[test]
fn owners_are_remembered() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    let a = db.run(s.get_one::<Address>(3));
    assert!(s.has_parent(a, User::addresses, true).unwrap());
    assert!(!s.has_parent(a, User::addresses, false).unwrap());
    s.append(u, User::addresses, a).unwrap();
    assert!(s.has_parent(a, User::addresses, false).unwrap());
    s.set(a, Address::user, None::<Handle<User>>).unwrap();
    assert!(!s.has_parent(a, User::addresses, true).unwrap());
    let tag = db.run(s.get_one::<Tag>(1));
    let error = s.has_parent(tag, User::tags, true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("User::tags"), "{error}");
}

#[test]
fn a_collection_without_events() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    let addresses: Vec<Handle<Address>> =
        (1..=3).map(|id| db.run(s.get_one::<Address>(id))).collect();
    let mut adapter = s.init_collection(u, User::addresses).unwrap();
    assert!(adapter.is_empty().unwrap());
    for address in &addresses {
        adapter.append_without_event(*address).unwrap();
    }
    assert_eq!(adapter.len().unwrap(), 3);
    assert!(adapter.iter().unwrap().eq(addresses.iter().copied()));
    adapter.remove_without_event(addresses[1]).unwrap();
    assert_eq!(s[u].addresses.to_vec(), [addresses[0], addresses[2]]);
    assert!(!s.is_dirty(u).unwrap());
    assert_eq!(s.history(u, User::addresses).unwrap().unchanged().len(), 2);
    assert!(!s.history(addresses[2], Address::user).unwrap().has_changes());
    // With events it is what any program does.
    let mut adapter = s.collection_adapter(u, User::addresses).unwrap();
    adapter.append_with_event(addresses[1], None).unwrap();
    adapter.remove_with_event(addresses[0], None).unwrap();
    let error = adapter.remove_with_event(addresses[0], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Absent);
    let history = s.history(u, User::addresses).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[addresses[1]][..], &[addresses[0]][..]));
    assert_eq!(s[addresses[1]].user.get(), Some(u));
}

#[test]
fn the_token_is_handed_on() {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    let a = db.run(s.get_one::<Address>(3));
    db.run(s.load(u, User::addresses));
    // The listener sets the other side itself, as a part of the chain: the collection, which started it, does
    // not take the member a second time.
    s.on(AttributeEvent::Append.of(User::addresses), |s, change| {
        let owner: Handle<User> = s.handle_of(change.target).unwrap();
        let member: Handle<Address> = s.handle_of(change.object().unwrap()).unwrap();
        assert_eq!(change.initiator.op(), Op::Append);
        s.set_attribute(member, Address::user, owner, change.initiator)
    })
    .unwrap();
    s.append(u, User::addresses, a).unwrap();
    assert_eq!(s[u].addresses.len(), 3);
    assert_eq!(s[a].user.get(), Some(u));
    let p = db.run(s.get_one::<Profile>(2));
    s.set(p, Profile::user, u).unwrap();
    assert_eq!(s[u].profile.get(), Some(p));
}
