//! Keys that change, rows that go with others, references that are written last, several objects with one key. What is
//! sent is what SQLAlchemy sends.

use std::sync::atomic::{AtomicI64, Ordering};

use aludel::many;
use aludel::prelude::*;
use aludel::sql::{Action, Column, ForeignKey, Table};
use aludel::{ErrorKind, Value};

use super::{Sent, each, script};

/// The writes, and how many SELECTs there were.
fn writes(sent: &Sent) -> (Vec<String>, usize) {
    let all = sent.take();
    let reads = all.iter().filter(|line| line.starts_with("SELECT")).count();
    (all.into_iter().filter(|line| line.contains(" x")).collect(), reads)
}

macro_rules! owners {
    ($module:ident $owner:literal $pet:literal $key:literal $item:literal $link:literal, $($passive:literal)?; $($fk:tt)*) => {
        mod $module {
            use super::*;

            #[derive(Mapped, Clone, Debug, Default, PartialEq)]
            #[mapped(table = $owner)]
            pub(super) struct Owner {
                #[column(primary_key)]
                pub(super) name: String,
                #[relationship(back_populates = "owner", order_by = "id" $(, passive_updates = $passive)?)]
                pub(super) pets: Many<Pet>,
                #[relationship(secondary = $link, order_by = "id" $(, passive_updates = $passive)?)]
                pub(super) items: Many<Item>,
            }

            #[derive(Mapped, Clone, Debug, Default, PartialEq)]
            #[mapped(table = $pet)]
            pub(super) struct Pet {
                #[column(primary_key)]
                pub(super) id: Auto<i64>,
                #[column(foreign_key = $key, $($fk)*)]
                pub(super) owner_name: Option<String>,
                #[relationship(back_populates = "pets" $(, passive_updates = $passive)?)]
                pub(super) owner: One<Owner>,
            }

            #[derive(Mapped, Clone, Debug, Default, PartialEq)]
            #[mapped(table = $item)]
            pub(super) struct Item {
                #[column(primary_key)]
                pub(super) id: Auto<i64>,
                pub(super) n: i64,
            }

            pub(super) fn registry() -> Registry {
                let registry = Registry::new();
                let key = ForeignKey::new(["owner"], $owner, ["name"]);
                let key = match [$($passive as bool,)? true][0] {
                    true => key.on_update(Action::Cascade),
                    false => key.deferrable().initially_deferred(),
                };
                let table = Table::build($link)
                    .column(Column::of::<String>("owner").primary_key())
                    .column(Column::of::<i64>("item").primary_key())
                    .foreign_key(key)
                    .foreign_key(ForeignKey::new(["item"], $item, ["id"]));
                registry.add_table(table.finish().unwrap()).unwrap();
                registry.register::<Owner>().unwrap();
                registry
            }

            /// An owner `a` with two pets and two items, seen by a new session.
            pub(super) fn begin(session: &mut blocking::Session) {
                let made = Owner {
                    name: "a".into(),
                    pets: many![Pet::default(), Pet::default()],
                    items: many![Item { n: 1, ..Item::default() }, Item { n: 2, ..Item::default() }],
                };
                session.add(made).unwrap();
                session.commit().unwrap();
                session.close().unwrap();
            }

            /// The owners of the pets, and of the links.
            pub(super) fn owners(session: &mut blocking::Session) -> (Vec<Option<String>>, Vec<Value>) {
                let pets = select::<Pet>().order_by(Pet::id).columns(Pet::owner_name);
                let pets = session.rows(pets).unwrap();
                let sql = format!("SELECT owner FROM {} ORDER BY item", $link);
                let rows = session.query_raw(&sql, &[]).unwrap();
                (pets, rows.into_iter().flatten().collect())
            }
        }
    };
}
owners! { by_database "key_owner" "key_pet" "key_owner.name" "key_item" "key_link",; on_update = "cascade" }
owners! { by_flush "key_owner2" "key_pet2" "key_owner2.name" "key_item2" "key_link2", false; deferrable }

fn both(pet: &str, link: &str) -> (Vec<Option<String>>, Vec<Value>) {
    let link = Value::Text(link.into());
    (vec![Some(pet.into()), Some(pet.into())], vec![link.clone(), link])
}

#[test]
fn the_database_carries_a_new_key_over() {
    use by_database::{Owner, Pet};
    each("key_passive", &by_database::registry(), |session, sent, _| {
        by_database::begin(session);
        let owner = session.get_one::<Owner>("a").unwrap();
        session.set(owner, Owner::name, "b").unwrap();
        sent.take();
        session.commit().unwrap();
        assert_eq!(writes(sent), (vec!["UPDATE key_owner x1".to_owned()], 0));
        assert_eq!(by_database::owners(session), both("b", "b"));
        // What is loaded follows in memory, without a statement.
        session.load(owner, Owner::pets).unwrap();
        let pet = session.members(owner, Owner::pets).collect::<Vec<_>>()[0];
        session.set(owner, Owner::name, "c").unwrap();
        sent.take();
        session.commit().unwrap();
        assert_eq!(writes(sent), (vec!["UPDATE key_owner x1".to_owned()], 0));
        assert_eq!(*session.value(pet, Pet::owner_name).unwrap(), Some("c".to_owned()));
        assert_eq!(by_database::owners(session), both("c", "c"));
    });
}

#[test]
fn the_flush_carries_a_new_key_over() {
    use by_flush::{Owner, Pet};
    let writes_of_all = ["UPDATE key_owner2 x1", "UPDATE key_link2 x2", "UPDATE key_pet2 x2"];
    each("key_active", &by_flush::registry(), |session, sent, _| {
        by_flush::begin(session);
        let owner = session.get_one::<Owner>("a").unwrap();
        session.set(owner, Owner::name, "b").unwrap();
        sent.take();
        session.commit().unwrap();
        // Pets and items are loaded for it.
        let (lines, reads) = writes(sent);
        assert_eq!((lines.as_slice(), reads), (&writes_of_all.map(str::to_owned)[..], 2));
        assert_eq!(by_flush::owners(session), both("b", "b"));
        // Once they are, they are not read again; and one that goes elsewhere is not taken along.
        let other = session.add(Owner { name: "o".into(), ..Owner::default() }).unwrap();
        session.flush().unwrap();
        let pet = session.members(owner, Owner::pets).collect::<Vec<_>>()[0];
        session.set(owner, Owner::name, "c").unwrap();
        session.append(other, Owner::pets, pet).unwrap();
        session.commit().unwrap();
        assert_eq!(*session.value(pet, Pet::owner_name).unwrap(), Some("o".to_owned()));
        let (pets, links) = by_flush::owners(session);
        assert_eq!(pets, [Some("o".to_owned()), Some("c".to_owned())]);
        assert_eq!(links, both("", "c").1);
    });
}

macro_rules! families {
    ($($module:ident $parent:literal $child:literal $key:literal ($($options:tt)*))*) => {$(
        mod $module {
            use super::*;

            #[derive(Mapped, Clone, Debug, Default, PartialEq)]
            #[mapped(table = $parent)]
            pub(super) struct Parent {
                #[column(primary_key)]
                id: i64,
                #[relationship(order_by = "id" $($options)*)]
                children: Many<Child>,
            }

            #[derive(Mapped, Clone, Debug, Default, PartialEq)]
            #[mapped(table = $child)]
            struct Child {
                #[column(primary_key)]
                id: i64,
                #[column(foreign_key = $key, on_delete = "cascade")]
                parent_id: Option<i64>,
            }

            /// What is sent, and which children are left: when a parent is deleted whose children are not loaded, are, or
            /// one of them is; when one is taken away.
            pub(super) fn run(session: &mut blocking::Session, sent: &Sent) -> [(String, String); 4] {
                [0, 1, 2, 3].map(|case| {
                    script(session, concat!("DELETE FROM ", $child, "; DELETE FROM ", $parent));
                    session.close().unwrap();
                    let child = |id| Child { id, ..Child::default() };
                    session.add(Parent { id: 1, children: many![child(1), child(2)] }).unwrap();
                    session.commit().unwrap();
                    session.close().unwrap();
                    let parent = session.get_one::<Parent>(1).unwrap();
                    match case {
                        1 | 3 => drop(session.load(parent, Parent::children).unwrap()),
                        2 => drop(session.get_one::<Child>(1).unwrap()),
                        _ => {}
                    }
                    if case == 3 {
                        let last = session.members(parent, Parent::children).collect::<Vec<_>>()[1];
                        session.remove(parent, Parent::children, last).unwrap();
                    } else {
                        session.delete(parent).unwrap();
                    }
                    sent.take();
                    session.commit().unwrap();
                    let lines = writes(sent).0.join(", ");
                    let left = select::<Child>().order_by(Child::id).columns((Child::id, Child::parent_id));
                    let left = session.rows(left).unwrap();
                    let left = left.iter().map(|(id, parent)| format!("{id}:{}", parent.unwrap_or(0)));
                    let lines = lines.replace($parent, "p").replace($child, "c");
                    (lines, left.collect::<Vec<_>>().join(" "))
                })
            }
        }
    )*};
}
families! {
    plain "key_p1" "key_c1" "key_p1.id" ()
    passive "key_p2" "key_c2" "key_p2.id" (, passive_deletes)
    all "key_p3" "key_c3" "key_p3.id" (, passive_deletes = "all")
    cascade "key_p4" "key_c4" "key_p4.id" (, cascade = "all, delete-orphan")
    both_of_them "key_p5" "key_c5" "key_p5.id" (, cascade = "all, delete-orphan", passive_deletes)
}

#[test]
fn rows_go_with_others_as_the_mapping_says() {
    let registry = Registry::new();
    registry.register::<plain::Parent>().unwrap();
    registry.register::<passive::Parent>().unwrap();
    registry.register::<all::Parent>().unwrap();
    registry.register::<cascade::Parent>().unwrap();
    registry.register::<both_of_them::Parent>().unwrap();
    each("key_deletes", &registry, |session, sent, _| {
        let cleared = ("UPDATE c x2, DELETE p x1", "1:0 2:0");
        let gone = ("DELETE p x1", "");
        let both_deleted = ("DELETE c x2, DELETE p x1", "");
        let says = |found: [(String, String); 4], wanted: [(&str, &str); 4]| {
            let found = found.each_ref().map(|(lines, left)| (lines.as_str(), left.as_str()));
            assert_eq!(found, wanted);
        };
        let one_cleared = ("UPDATE c x1", "1:1 2:0");
        says(plain::run(session, sent), [cleared, cleared, cleared, one_cleared]);
        says(passive::run(session, sent), [gone, cleared, gone, one_cleared]);
        says(all::run(session, sent), [gone, gone, gone, ("", "1:1 2:1")]);
        let one_deleted = ("DELETE c x1", "1:1");
        says(cascade::run(session, sent), [both_deleted, both_deleted, both_deleted, one_deleted]);
        says(both_of_them::run(session, sent), [gone, both_deleted, gone, one_deleted]);
    });
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "key_person")]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "key_ball.id", use_alter)]
    favourite_id: Option<i64>,
    #[column(onupdate = touch())]
    touched: Option<i64>,
    #[column(version)]
    version: i64,
    #[relationship(foreign_keys = "favourite_id", post_update)]
    favourite: One<Ball>,
    #[relationship(
        foreign_keys = "key_ball.person_id",
        back_populates = "person",
        order_by = "id"
    )]
    balls: Many<Ball>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "key_ball")]
struct Ball {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "key_person.id")]
    person_id: Option<i64>,
    #[relationship(foreign_keys = "person_id", back_populates = "balls")]
    person: One<Person>,
}

static TOUCHED: AtomicI64 = AtomicI64::new(1);

fn touch() -> i64 {
    TOUCHED.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn references_that_are_written_last_are_updates_like_others() {
    let registry = Registry::new();
    registry.register::<Person>().unwrap();
    each("key_last", &registry, |session, sent, _| {
        let people = ["a", "b"].map(|name| {
            let balls = many![Ball::default(), Ball::default()];
            let made = Person { name: name.into(), balls, ..Person::default() };
            let person = session.add(made).unwrap();
            let ball = session.members(person, Person::balls).collect::<Vec<_>>()[1];
            session.set(person, Person::favourite, ball).unwrap();
            person
        });
        sent.take();
        session.commit().unwrap();
        let lines = ["INSERT key_person x2", "INSERT key_ball x4", "UPDATE key_person x2"];
        assert_eq!(writes(sent).0, lines);
        // The INSERT made the version, and the UPDATE belongs to it; the value of every UPDATE is there.
        let first = session[people[0]].touched;
        assert!(first.is_some() && session[people[0]].version == 1);
        let balls = session.members(people[0], Person::balls).collect::<Vec<_>>();
        session.set(people[0], Person::favourite, balls[0]).unwrap();
        session.set(people[0], Person::name, "x").unwrap();
        sent.take();
        session.commit().unwrap();
        assert_eq!(writes(sent).0, ["UPDATE key_person x1", "UPDATE key_person x1"]);
        assert_eq!(session[people[0]].version, 3);
        assert!(session[people[0]].touched > first);
        for ball in session.members(people[1], Person::balls).collect::<Vec<_>>() {
            session.delete(ball).unwrap();
        }
        session.delete(people[1]).unwrap();
        sent.take();
        session.commit().unwrap();
        let lines = ["UPDATE key_person x1", "DELETE key_ball x2", "DELETE key_person x1"];
        assert_eq!(writes(sent).0, lines);
    });
}

#[test]
fn one_object_stands_for_a_key() {
    use by_database::{Owner, Pet};
    each("key_twins", &by_database::registry(), |session, _, _| {
        by_database::begin(session);
        let owner = session.get_one::<Owner>("a").unwrap();
        // A new one of the same key is refused by the database; the error knows why.
        let twin = session.add(Owner { name: "a".into(), ..Owner::default() }).unwrap();
        let error = session.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        assert!(
            error.message().contains("another object with this key is in the session"),
            "{error}"
        );
        session.rollback().unwrap();
        assert_eq!(session.state(twin).unwrap(), ObjectState::Transient);
        assert_eq!(session.peek::<Owner>("a").unwrap(), None);
        // One that says that it has the row does not come in beside the one that is there.
        session.refresh(owner).unwrap();
        session.make_transient_to_detached(twin).unwrap();
        let error = session.add(twin).unwrap_err();
        assert!(error.message().contains("another object stands for Owner(\"a\")"), "{error}");
        assert_eq!(session.state(owner).unwrap(), ObjectState::Persistent);
        assert_eq!(session.count(select::<Pet>()).unwrap(), 2);
    });
}

/// A table whose key nothing enforces.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
struct Loose {
    code: Option<i64>,
    n: i64,
}

#[test]
fn an_object_that_another_takes_the_place_of_is_detached() {
    let registry = Registry::new();
    let table = Table::build("key_loose")
        .column(Column::of::<Option<i64>>("code"))
        .column(Column::of::<i64>("n"));
    registry.map::<Loose>().table(table.finish().unwrap()).primary_key(["code"]).finish().unwrap();
    each("key_displaced", &registry, |session, _, _| {
        let first = session.add(Loose { code: Some(1), n: 1 }).unwrap();
        session.commit().unwrap();
        let second = session.add(Loose { code: Some(1), n: 2 }).unwrap();
        session.commit().unwrap();
        assert_eq!(session.state(first).unwrap(), ObjectState::Detached);
        assert_eq!(session.peek::<Loose>(1).unwrap(), Some(second));
        // A query of objects gives their keys to those around it: what the mapping says they are.
        let ones = select::<Loose>().filter(Loose::n.eq(2));
        let found = session.all(select::<Loose>().filter(Loose::code.in_query(ones))).unwrap();
        assert_eq!(found.len(), 2);
    });
}

#[test]
fn relationships_of_objects_without_rows_are_loaded_when_asked_for() {
    use by_database::{Owner, Pet};
    each("key_unsaved", &by_database::registry(), |session, sent, _| {
        by_database::begin(session);
        let pet = Pet { owner_name: Some("a".into()), ..Pet::default() };
        let transient = session.make(pet.clone()).unwrap();
        let pending = session.add(pet).unwrap();
        // Without a row there is nothing to load.
        session.load(pending, Pet::owner).unwrap();
        assert!(session[pending].owner.get().is_none());
        sent.take();
        for pet in [transient, pending] {
            session.load_unsaved(pet, Pet::owner).unwrap();
            let owner = session[pet].owner.get().unwrap();
            assert_eq!(session[owner].name, "a");
        }
        // One SELECT, since the second finds it; nothing was flushed.
        assert_eq!(writes(sent), (vec![], 1));
        assert_eq!(session.state(transient).unwrap(), ObjectState::Transient);
        assert_eq!(session.state(pending).unwrap(), ObjectState::Pending);
        let like = session.make(Owner { name: "a".into(), ..Owner::default() }).unwrap();
        session.load_unsaved(like, Owner::pets).unwrap();
        assert_eq!(session[like].pets.len(), 2);
        let none = session.make(Pet::default()).unwrap();
        session.load_unsaved_named(none, "owner").unwrap();
        assert!(session[none].owner.get().is_none());
        let error = session.load_unsaved_named(none, "owner_name").unwrap_err();
        assert!(error.message().contains("is no relationship"), "{error}");
        session.commit().unwrap();
        assert_eq!(session.count(select::<Pet>()).unwrap(), 3);
    });
}

#[test]
fn a_session_that_was_closed_begins_anew() {
    use by_database::Owner;
    each("key_closed", &by_database::registry(), |session, _, _| {
        by_database::begin(session);
        let owner = session.get_one::<Owner>("a").unwrap();
        let pending = session.add(Owner { name: "p".into(), ..Owner::default() }).unwrap();
        session.set(owner, Owner::name, "changed").unwrap();
        session.close().unwrap();
        assert_eq!(session.state(owner).unwrap(), ObjectState::Detached);
        assert_eq!(session.state(pending).unwrap(), ObjectState::Transient);
        let again = session.get_one::<Owner>("a").unwrap();
        assert!(again != owner && session[owner].name == "changed");
    });
}
