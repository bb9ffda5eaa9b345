//! An operation that fails leaves everything as it was, also where nobody listens: the cascade refuses.

use aludel_derive::Mapped;
use aludel_orm::{
    Auto, Error, ErrorKind, Handle, Many, ManyMap, ObjectState, One, Registry, Session, many,
};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "owners")]
struct Owner {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "owner")]
    things: Many<Thing>,
    #[relationship(back_populates = "keeper", key = "label")]
    labelled: ManyMap<String, Label>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "things")]
struct Thing {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "owners.id")]
    owner_id: Option<i64>,
    #[relationship(back_populates = "things")]
    owner: One<Owner>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "labels")]
struct Label {
    #[column(primary_key)]
    id: Auto<i64>,
    label: String,
    #[column(foreign_key = "owners.id")]
    keeper_id: Option<i64>,
    #[relationship(back_populates = "labelled")]
    keeper: One<Owner>,
}

fn session() -> Session {
    Session::detached(&Registry::new())
}

fn thing(id: i64) -> Thing {
    Thing { id: id.into(), ..Thing::default() }
}

fn detached(s: &mut Session, id: i64) -> Handle<Thing> {
    let t = s.make(thing(id)).unwrap();
    s.make_transient_to_detached(t).unwrap();
    t
}

fn persistent(s: &mut Session, id: i64) -> Handle<Thing> {
    let t = detached(s, id);
    s.set_committed(t, Thing::owner, None::<Handle<Owner>>).unwrap();
    s.add(t).unwrap()
}

fn owner(s: &mut Session, things: &[Handle<Thing>]) -> Handle<Owner> {
    let o = s.make(Owner { id: 1.into(), ..Owner::default() }).unwrap();
    s.make_transient_to_detached(o).unwrap();
    s.set_committed(o, Owner::things, things.to_vec()).unwrap();
    s.set_committed(o, Owner::labelled, Vec::<Handle<Label>>::new()).unwrap();
    s.add(o).unwrap()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("another object stands for"), "{error}");
}

#[test]
fn an_append_that_the_cascade_refuses() {
    let mut s = session();
    let first = persistent(&mut s, 7);
    let twin = detached(&mut s, 7);
    let o = owner(&mut s, &[]);
    refused(s.append(o, Owner::things, twin));
    assert!(s[o].things.is_empty());
    assert!(!s.history(o, Owner::things).unwrap().has_changes());
    assert!(!s.is_dirty(o).unwrap());
    assert_eq!(s.state(twin).unwrap(), ObjectState::Detached);
    assert!(!s.history(twin, Thing::owner).unwrap().has_changes());
    assert!(s.contains(first));
    assert!(s.dirty_objects().is_empty());
}

#[test]
fn several_at_once_are_all_or_none() {
    let mut s = session();
    let there = persistent(&mut s, 7);
    let twin = detached(&mut s, 7);
    let good = detached(&mut s, 8);
    let o = owner(&mut s, &[there]);
    refused(s.set(o, Owner::things, vec![good, twin]));
    assert_eq!(s[o].things.to_vec(), [there]);
    assert_eq!(s.state(good).unwrap(), ObjectState::Detached);
    assert!(!s.history(o, Owner::things).unwrap().has_changes());
    // The identity map is as it was, too: what was refused can be added on its own.
    s.add(good).unwrap();
    assert_eq!(s.state(good).unwrap(), ObjectState::Persistent);
}

#[test]
fn the_occupant_of_a_key_stays() {
    let mut s = session();
    let label = |id: i64| Label { id: id.into(), label: "x".into(), ..Label::default() };
    let occupant = s.make(label(1)).unwrap();
    s.make_transient_to_detached(occupant).unwrap();
    s.set_committed(occupant, Label::keeper, None::<Handle<Owner>>).unwrap();
    let occupant = s.add(occupant).unwrap();
    let twin = s.make(label(1)).unwrap();
    s.make_transient_to_detached(twin).unwrap();
    let o = owner(&mut s, &[]);
    s.append(o, Owner::labelled, occupant).unwrap();
    refused(s.append(o, Owner::labelled, twin));
    assert_eq!(s[o].labelled.get(&"x".to_owned()), Some(occupant));
    assert_eq!(s[occupant].keeper.get(), Some(o));
    assert_eq!(s.history(o, Owner::labelled).unwrap().added(), [occupant]);
}

#[test]
fn a_reference_that_the_cascade_refuses() {
    let mut s = session();
    let t = persistent(&mut s, 7);
    let o = owner(&mut s, &[]);
    s.set(t, Thing::owner, o).unwrap();
    let twin = s.make(Owner { id: 1.into(), ..Owner::default() }).unwrap();
    s.make_transient_to_detached(twin).unwrap();
    refused(s.set(t, Thing::owner, twin));
    assert_eq!(s[t].owner.get(), Some(o));
    assert_eq!(s[o].things.to_vec(), [t]);
    assert_eq!(s.state(twin).unwrap(), ObjectState::Detached);
}

#[test]
fn a_literal_that_is_refused_leaves_nothing_behind() {
    let mut s = session();
    let there = persistent(&mut s, 7);
    let twin = detached(&mut s, 7);
    let before = s.new_objects();
    refused(s.add(Owner { things: many![there, thing(9), twin], ..Owner::default() }));
    assert_eq!(s.new_objects(), before);
    assert_eq!(s[there].owner.get(), None);
    assert!(!s.is_dirty(there).unwrap());
    // Deep in the graph, and with an object of another session, as well.
    let mut other = session();
    let foreign = persistent(&mut other, 3);
    let deep = Thing {
        owner: One::from(Owner { things: many![there, foreign], ..Owner::default() }),
        ..Thing::default()
    };
    let error = s.add(deep).unwrap_err();
    assert!(error.to_string().contains("another session"), "{error}");
    assert_eq!(s.new_objects(), before);
    assert_eq!(s[there].owner.get(), None);
    assert!(!s.history(there, Thing::owner).unwrap().has_changes());
}

#[test]
fn an_object_that_left_and_came_back_comes_last() {
    let mut s = session();
    let t = persistent(&mut s, 7);
    let orphan = s.add(thing(20)).unwrap();
    let last = s.add(thing(21)).unwrap();
    s.expunge(orphan).unwrap();
    s.add(orphan).unwrap();
    // It comes after those that came in the meantime, and once.
    assert_eq!(s.new_objects(), [last.id(), orphan.id()]);
    assert!(s.contains(t));
}
