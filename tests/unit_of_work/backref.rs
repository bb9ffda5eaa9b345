//! Relationships of which one side is said, and the other made.

use aludel::orm::Datum;
use aludel::orm::mapping::RecordClassBuilder;
use aludel::prelude::*;
use aludel::{ErrorKind, Record};

use super::{each, load};

fn class(registry: &Registry, name: &str) -> RecordClassBuilder {
    let table = format!("backref_{}", name.to_lowercase());
    registry.describe(name).table(&table).column::<Auto<i64>>("id", |c| c.primary_key())
}

/// The classes as they are meant, with what they get of each other.
fn good() -> Registry {
    let registry = Registry::new();
    class(&registry, "User")
        .column::<String>("name", |c| c)
        .many("addresses", "Address", |r| {
            r.backref("user").cascade("all, delete-orphan");
        })
        .many("groups", "Group", |r| {
            r.secondary("backref_member(user_id; group_id)").backref_with("users", |r| {
                r.order_by(["-id"]);
            });
        })
        .finish()
        .unwrap();
    class(&registry, "Visit")
        .column::<Option<i64>>("address_id", |c| c.references("backref_address.id"))
        .column::<Option<i64>>("from_id", |c| c.references("backref_address.id"))
        .one("address", "Address", |r| {
            r.foreign_keys(["address_id"]).backref_with("visits", |r| {
                r.cascade("all").order_by(["id"]);
            });
        })
        .finish()
        .unwrap();
    class(&registry, "Address")
        .column::<Option<i64>>("user_id", |c| c.references("backref_user.id"))
        .finish()
        .unwrap();
    class(&registry, "Group").finish().unwrap();
    class(&registry, "Node")
        .column::<Option<i64>>("parent_id", |c| c.references("backref_node.id"))
        .many("children", "Node", |r| {
            r.backref_with("parent", |r| {
                r.remote_side(["id"]);
            });
        })
        .finish()
        .unwrap();
    registry.configure().unwrap();
    registry
}

fn record(registry: &Registry, class: &str) -> Record {
    registry.record_class(class).unwrap().record()
}

#[test]
fn the_other_class_has_the_other_side() {
    let registry = good();
    each("backref", &registry, |session, _, _| {
        let user = record(&registry, "User").with("name", "ed".to_owned()).unwrap();
        let home = record(&registry, "Address");
        let home = home.with_many("visits", [record(&registry, "Visit")]).unwrap();
        let user = user.with_many("addresses", [home, record(&registry, "Address")]).unwrap();
        let group = session.add(record(&registry, "Group")).unwrap();
        let user = session.add(user.with_many("groups", [group]).unwrap()).unwrap();
        let member =
            |session: &blocking::Session, object: Handle<Record>, name: &str, at: usize| {
                let Some(Datum::Many(all)) = session.get_named(object, name).unwrap() else {
                    panic!("{name} is no collection")
                };
                session.handle_of::<Record>(all[at]).unwrap()
            };
        // In memory at once, in both directions.
        let home = member(session, user, "addresses", 0);
        assert_eq!(session.get_named(home, "user").unwrap(), Some(Datum::One(Some(user.into()))));
        assert_eq!(member(session, group, "users", 0), user);
        let visit = member(session, home, "visits", 0);
        assert_eq!(
            session.get_named(visit, "address").unwrap(),
            Some(Datum::One(Some(home.into())))
        );
        session.commit().unwrap();
        // And in the database.
        session.expire_all().unwrap();
        load(session, home, "user").unwrap();
        assert_eq!(session.get_named(home, "user").unwrap(), Some(Datum::One(Some(user.into()))));
        load(session, group, "users").unwrap();
        assert_eq!(member(session, group, "users", 0), user);
        // The options of the other side are its own: a visit goes with its address.
        session.delete(home).unwrap();
        session.commit().unwrap();
        assert_eq!(session.state(visit).unwrap(), ObjectState::Detached);
        // A class with itself.
        let child = record(&registry, "Node");
        let root = record(&registry, "Node").with_many("children", [child]).unwrap();
        let root = session.add(root).unwrap();
        let child = member(session, root, "children", 0);
        assert_eq!(
            session.get_named(child, "parent").unwrap(),
            Some(Datum::One(Some(root.into())))
        );
        session.commit().unwrap();
        let key = session.get_named(root, "id").unwrap();
        assert_eq!(session.get_named(child, "parent_id").unwrap(), key);
    });
}

#[test]
fn what_cannot_get_it_is_told() {
    let registry = Registry::new();
    class(&registry, "Old").finish().unwrap();
    let says = |registry: &Registry, target: &'static str, parts: &[&str]| {
        let made = class(registry, "New").one("it", target, |r| {
            r.backref("news");
        });
        let error = made.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        for part in parts {
            assert!(error.message().contains(part), "{error}");
        }
    };
    says(&registry, "Old", &["New.it: `Old` cannot get the attribute `news`", "described already"]);
    registry.register::<Struct>().unwrap();
    says(&registry, "Struct", &["it is a struct", "`back_populates` on both sides"]);
    // The class that was refused can be described in another way; what was expected of nobody is forgotten.
    class(&registry, "New").finish().unwrap();
    class(&registry, "First")
        .one("it", "Second", |r| {
            r.backref("firsts");
        })
        .finish()
        .unwrap();
    let twice = class(&registry, "Second").column::<i64>("firsts", |c| c);
    let error = twice.finish().unwrap_err();
    assert!(error.message().contains("it has this attribute already"), "{error}");
    // By hand and later, both sides are said.
    let hand = Registry::new();
    let error = hand
        .map::<Struct>()
        .relationship("other", |r| {
            r.backref("x");
        })
        .finish()
        .unwrap_err();
    assert!(error.message().contains("say `back_populates` on both sides"), "{error}");
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "backref_struct")]
struct Struct {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "backref_struct.id")]
    other_id: Option<i64>,
    #[relationship(remote_side = "id")]
    other: One<Struct>,
}
