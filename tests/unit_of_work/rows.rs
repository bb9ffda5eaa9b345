//! How rows are written and found: DELETEs that miss their rows, objects saved one by one, keys of which a part is NULL.

use std::sync::{Arc, Mutex};

use aludel::engine::{Event, Observer};
use aludel::orm::Select;
use aludel::prelude::*;
use aludel::{ErrorKind, Value};

use super::{each, script};

/// What was heard of: warnings, statements and events, in their order.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn of(session: &blocking::Session) -> Arc<Self> {
        let heard = Arc::new(Self::default());
        session.engine().unwrap().observe(heard.clone());
        heard
    }

    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Heard {
    fn before(&self, event: &Event<'_>) {
        if let Event::Write { write, .. } = event {
            self.note(format!("{} x{}", event.name(), write.rows));
        }
    }

    fn warn(&self, message: &str) {
        self.note(message);
    }
}

macro_rules! tags {
    ($($name:ident $table:literal $(, $option:ident = $value:literal)* $(; $version:meta)?)*) => {$(
        #[derive(Mapped, Clone, Debug, Default, PartialEq)]
        #[mapped(table = $table $(, $option = $value)*)]
        struct $name {
            #[column(primary_key)]
            id: Auto<i64>,
            #[column(unique)]
            name: String,
            $(#[$version] version: i64,)?
        }
    )*};
}
tags! {
    Tag "row_tag"
    Loose "row_loose", confirm_deleted_rows = false
    Counted "row_counted"; column(version)
    LooseCounted "row_loose_counted", confirm_deleted_rows = false; column(version)
    Single "row_single", batch = false
}

macro_rules! named {
    ($class:ident: $($name:expr),*) => { [$($class { name: $name.into(), ..$class::default() }),*] };
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Tag>().unwrap();
    registry.register::<Loose>().unwrap();
    registry.register::<Counted>().unwrap();
    registry.register::<LooseCounted>().unwrap();
    registry.register::<Single>().unwrap();
    registry
}

#[test]
fn a_delete_that_misses_its_row_warns() {
    each("rows_missing", &registry(), |session, _, _| {
        let heard = Heard::of(session);
        let tags = session.add_all(named!(Tag: "a", "b", "c")).unwrap();
        let loose = session.add_all(named!(Loose: "a")).unwrap();
        session.commit().unwrap();
        script(session, "DELETE FROM row_tag WHERE name <> 'c'; DELETE FROM row_loose");
        heard.take();
        session.delete(tags[0]).unwrap();
        session.commit().unwrap();
        let warned = heard.take();
        assert_eq!(warned[0], "DELETE x1");
        assert!(warned[1].starts_with("deleting Tag(1): its row in `row_tag`"), "{warned:?}");
        assert!(warned[1].ends_with("`confirm_deleted_rows = false`"), "{warned:?}");
        for tag in &tags[1..] {
            session.delete(*tag).unwrap();
        }
        session.commit().unwrap();
        let warned = heard.take();
        let what = "deleting 2 objects of class Tag: 1 of their rows in `row_tag`";
        assert!(warned[1].starts_with(what), "{warned:?}");
        session.delete(loose[0]).unwrap();
        session.commit().unwrap();
        assert_eq!(heard.take(), ["DELETE x1"]);
        // And nothing is said of those that find their rows.
        let tag = session.add_all(named!(Tag: "d")).unwrap()[0];
        session.commit().unwrap();
        heard.take();
        session.delete(tag).unwrap();
        session.commit().unwrap();
        assert_eq!(heard.take(), ["DELETE x1"]);
    });
}

#[test]
fn a_delete_of_a_version_that_misses_its_row_is_an_error_unless_the_mapping_says_otherwise() {
    each("rows_missing_version", &registry(), |session, _, _| {
        let counted = session.add_all(named!(Counted: "a")).unwrap()[0];
        let loose = session.add_all(named!(LooseCounted: "a")).unwrap()[0];
        session.commit().unwrap();
        script(session, "DELETE FROM row_counted; DELETE FROM row_loose_counted");
        session.delete(loose).unwrap();
        session.commit().unwrap();
        assert_eq!(session.state(loose).unwrap(), ObjectState::Detached);
        session.delete(counted).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale);
        assert!(error.message().contains("Counted(1)"), "{error}");
    });
}

#[test]
fn objects_are_saved_one_by_one_where_the_mapping_says_so() {
    each("rows_single", &registry(), |session, _, _| {
        assert!(!session.inspect_class::<Single>().unwrap().batch());
        let heard = Heard::of(session);
        for event in [
            ObjectEvent::BeforeInsert,
            ObjectEvent::AfterInsert,
            ObjectEvent::BeforeUpdate,
            ObjectEvent::AfterUpdate,
        ] {
            let to = Arc::clone(&heard);
            session
                .on(event.of::<Single>(), move |s, told| {
                    to.note(format!("{event:?} {}", s.value(told.object, Single::name)?));
                    Ok(())
                })
                .unwrap();
        }
        let made = session.add_all(named!(Single: "a", "b")).unwrap();
        session.commit().unwrap();
        let order = |names: [&str; 2], what: &str| {
            let one = |name| {
                [
                    format!("Before{what} {name}"),
                    format!("{} x1", what.to_uppercase()),
                    format!("After{what} {name}"),
                ]
            };
            names.map(one).concat()
        };
        assert_eq!(heard.take(), order(["a", "b"], "Insert"));
        // Changes come by key, after what is new.
        session.set(made[1], Single::name, "y").unwrap();
        session.set(made[0], Single::name, "x").unwrap();
        session.add_all(named!(Single: "n")).unwrap();
        session.commit().unwrap();
        let said = heard.take();
        assert_eq!(said[..3], order(["n", ""], "Insert")[..3]);
        assert_eq!(said[3..], order(["x", "y"], "Update"));
    });
}

#[test]
fn unique_values_change_places_one_by_one() {
    each("rows_single_swap", &registry(), |session, _, _| {
        let made = session.add_all(named!(Single: "a", "b", "c")).unwrap();
        session.commit().unwrap();
        for (object, name) in made.iter().zip(["b", "c", "a"]) {
            session.set(*object, Single::name, name).unwrap();
        }
        session.commit().unwrap();
        let names = select::<Single>().order_by(Single::id).columns(Single::name);
        assert_eq!(session.rows(names).unwrap(), ["b", "c", "a"]);
        // And to one that is new, which is inserted first.
        session.set(made[0], Single::name, "d").unwrap();
        session.add_all(named!(Single: "b")).unwrap();
        session.commit().unwrap();
        let names = select::<Single>().order_by(Single::id).columns(Single::name);
        assert_eq!(session.rows(names).unwrap(), ["d", "c", "a", "b"]);
    });
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "row_person")]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "person")]
    pets: Many<Pet>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "row_pet")]
struct Pet {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    #[column(foreign_key = "row_person.id")]
    person_id: Option<i64>,
    #[relationship(back_populates = "pets")]
    person: One<Person>,
}

/// A row of an outer join.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(source = with_pets)]
struct WithPet {
    #[column(name = "row_person.id", equal_to("row_pet.person_id"))]
    id: Option<i64>,
    #[column(name = "row_pet.id")]
    pet_id: Option<i64>,
    name: String,
    kind: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(source = with_pets, allow_partial_pks = false)]
struct WithPetOnly {
    #[column(name = "row_person.id", equal_to("row_pet.person_id"))]
    id: Option<i64>,
    #[column(name = "row_pet.id")]
    pet_id: Option<i64>,
    name: String,
    kind: Option<String>,
}

fn with_pets() -> Select<Person> {
    select::<Person>().outer_join(Person::pets)
}

fn people() -> Registry {
    let registry = Registry::new();
    registry.register::<WithPet>().unwrap();
    registry.register::<WithPetOnly>().unwrap();
    registry
}

fn some_people(session: &mut blocking::Session) {
    let dog = Pet { kind: "dog".into(), ..Pet::default() };
    let ann = Person { name: "ann".into(), pets: aludel::many![dog], ..Person::default() };
    session.add_all([ann, Person { name: "bob".into(), ..Person::default() }]).unwrap();
    session.commit().unwrap();
}

#[test]
fn a_row_with_a_part_of_its_key_is_an_object() {
    each("rows_partial", &people(), |session, _, _| {
        some_people(session);
        let all = session.all(select::<WithPet>().order_by(WithPet::name)).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(session[all[0]].kind.as_deref(), Some("dog"));
        let bob = all[1];
        assert_eq!((session[bob].id, session[bob].pet_id), (Some(2), None));
        let identity = session.inspect(bob).unwrap().identity().unwrap();
        assert_eq!(identity, [Value::I64(2), Value::Null]);
        // It is the same object each time, found by its key or read again.
        let again = session.all(select::<WithPet>().order_by(WithPet::name)).unwrap();
        assert_eq!(again, all);
        assert_eq!(session.get::<WithPet>((2, Value::Null)).unwrap(), Some(bob));
        session.expire(bob).unwrap();
        session.refresh(bob).unwrap();
        assert_eq!(session[bob].name, "bob");
        session.expunge(bob).unwrap();
        let found = session.get::<WithPet>((2, Value::Null)).unwrap().unwrap();
        assert_eq!(session[found].name, "bob");
        assert_eq!(session.get::<WithPet>((9, Value::Null)).unwrap(), None);
        assert_eq!(session.get::<WithPet>((Value::Null, Value::Null)).unwrap(), None);
    });
}

#[test]
fn a_row_is_written_as_far_as_its_key_is_known() {
    each("rows_partial_write", &people(), |session, _, _| {
        some_people(session);
        let bob = session.get::<WithPet>((2, Value::Null)).unwrap().unwrap();
        session.set(bob, WithPet::name, "bert").unwrap();
        session.commit().unwrap();
        let names = select::<Person>().order_by(Person::id).columns(Person::name);
        assert_eq!(session.rows(names).unwrap(), ["ann", "bert"]);
        session.set(bob, WithPet::kind, Some("cat".to_owned())).unwrap();
        let error = session.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Flush);
        for part in ["updating WithPet(2, NULL)", "WithPet.pet_id is NULL", "`row_pet`"] {
            assert!(error.message().contains(part), "{error}");
        }
        session.rollback().unwrap();
        session.delete(bob).unwrap();
        let error = session.flush().unwrap_err();
        assert!(error.message().contains("deleting WithPet(2, NULL)"), "{error}");
        session.rollback().unwrap();
        assert_eq!(session.state(bob).unwrap(), ObjectState::Persistent);
        assert_eq!(session.count(select::<Person>()).unwrap(), 2);
    });
}

#[test]
fn it_is_none_where_the_mapping_says_so() {
    each("rows_partial_not", &people(), |session, _, _| {
        some_people(session);
        let all = session.all(select::<WithPetOnly>()).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(session[all[0]].name, "ann");
        assert_eq!(session.get::<WithPetOnly>((2, Value::Null)).unwrap(), None);
    });
}

#[test]
fn a_commit_expires_what_it_leaves_where_that_is_asked_for() {
    each("rows_expired", &people(), |session, _, _| {
        let rename = |session: &mut blocking::Session, name: &str| {
            session.execute_raw(&format!("UPDATE row_person SET name = '{name}'")).unwrap();
            session.commit().unwrap();
        };
        let ann = session.add(Person { name: "ann".into(), ..Person::default() }).unwrap();
        session.commit().unwrap();
        rename(session, "anne");
        assert_eq!(session[ann].name, "ann");
        session.options_mut().expire_on_commit = true;
        rename(session, "anna");
        // Reading never loads: it says that there is something to load.
        let error = session.try_get(ann).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotLoaded);
        session.refresh(ann).unwrap();
        assert_eq!(session[ann].name, "anna");
        // What is set of an expired object is written, and the rest is read when it is asked for.
        session.commit().unwrap();
        session.set(ann, Person::name, "hanna".to_owned()).unwrap();
        session.commit().unwrap();
        session.load(ann, Person::name).unwrap();
        assert_eq!(session[ann].name, "hanna");
    });
}
