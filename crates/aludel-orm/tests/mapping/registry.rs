//! The registry: what it learns, when, and what it keeps.

use std::sync::Arc;

use aludel_orm::{ClassDef, Registry, RelationshipDef};
use aludel_sql::{Column, Table};

use crate::class;
use crate::class::*;

class!(User, "users", [id(), relationship("addresses", many(Address))]);
class!(
    Address,
    "addresses",
    [id(), foreign_key("user_id", "users.id"), foreign_key("city_id", "cities.id"),]
);
class!(City, "cities", [id()]);
class!(Wrong, "wrongs", [id(), relationship("users", many(User))]);

#[test]
fn a_class_brings_those_it_refers_to() {
    let registry = Registry::new();
    registry.ensure(User()).unwrap();
    let mappers = registry.mappers();
    let names: Vec<_> = mappers.iter().map(|m| m.class_name().to_owned()).collect();
    assert_eq!(names, ["User", "Address"]);
}

#[test]
fn mappers_and_tables_stay_when_classes_come() {
    let registry = Registry::new();
    let (before, user) = registry.ensure(User()).unwrap();
    let (after, city) = registry.ensure(City()).unwrap();
    assert_eq!((user, city), (0, 2));
    assert_eq!(before.len(), 2, "a snapshot does not change");
    let table =
        |m: &aludel_orm::mapping::Mappers| m.get(user).unwrap().local_table().unwrap().clone();
    assert_eq!(table(&before), table(&after));
    assert!(Arc::ptr_eq(&registry.ensure(User()).unwrap().0, &after));
}

#[test]
fn an_error_adds_nothing() {
    let registry = Registry::new();
    registry.ensure(City()).unwrap();
    assert!(registry.ensure(Wrong()).is_err());
    assert_eq!(registry.mappers().len(), 1);
    assert_eq!(registry.metadata().len(), 1);
    registry.ensure(User()).unwrap();
    assert_eq!(registry.mappers().len(), 3);
}

#[test]
fn foreign_keys_to_unknown_tables_are_found_when_all_is_configured() {
    let registry = Registry::new();
    registry.ensure(User()).unwrap();
    let error = registry.configure().unwrap_err();
    let expected = "class `Address`: foreign key of `addresses.city_id`: there is no table `cities`; register \
                    the class that is mapped to it, or add the table";
    assert_eq!(error.message(), expected);
    registry.ensure(City()).unwrap();
    registry.configure().unwrap();
}

class!(
    Gadget,
    "",
    [id(), relationship("parts", RelationshipDef { back_populates: Some("gadget"), ..many(Part) }),]
);
class!(
    Part,
    "",
    [
        id(),
        column("gadget_id", INT),
        relationship("gadget", RelationshipDef { back_populates: Some("parts"), ..one(Gadget) }),
    ]
);

fn table(name: &str, target: Option<&str>) -> Table {
    let mut table = Table::build(name).column(Column::of::<i64>("id").primary_key());
    if let Some(target) = target {
        table = table.column(Column::of::<Option<i64>>("gadget_id").references(target));
    }
    table.finish().unwrap()
}

#[test]
fn classes_that_refer_to_each_other_by_hand() {
    let registry = Registry::new();
    registry.map_class(Gadget()).table(table("gadgets", None)).add().unwrap();
    registry
        .map_class(Part())
        .table(table("parts", Some("gadgets.id")))
        .relationship("gadget", |r| {
            r.cascade("all");
        })
        .finish()
        .unwrap();
    let expected = "Gadget -> gadgets\n  id: gadgets.id, primary key\n  parts: one to many";
    assert_eq!(printed(&registry, Gadget), expected);
    let again = registry.map_class(Part()).table("parts").finish().unwrap_err();
    assert!(
        again.message().starts_with("class `Part` is mapped already in this registry"),
        "{again}"
    );
    registry.configure().unwrap();
}

#[test]
fn a_class_mapped_alone_needs_its_target() {
    let registry = Registry::new();
    let error = registry.map_class(Gadget()).table(table("gadgets", None)).finish().unwrap_err();
    assert!(error.message().starts_with("class `Part`: it has no table"), "{error}");
}

#[test]
fn registries_are_shared_handles() {
    fn is_shareable<T: Send + Sync + Clone>(_: &T) {}
    let registry = Registry::new();
    is_shareable(&registry);
    let other = registry.clone();
    registry.ensure(City()).unwrap();
    assert_eq!(other.mappers().len(), 1);
    assert_eq!(Registry::new().mappers().len(), 0);
}

fn configured() -> &'static ClassDef {
    struct Type;
    static DEF: ClassDef = ClassDef {
        configure: Some(|mapper| {
            mapper.attach(7_i32).attach("hello");
        }),
        ..class("Configured", "configured", std::any::TypeId::of::<Type>, &[id()])
    };
    &DEF
}

#[test]
fn what_hangs_on_a_mapping() {
    let registry = Registry::new();
    let (mappers, index) = registry.ensure(configured()).unwrap();
    let mapper = mappers.get(index).unwrap();
    assert_eq!(mapper.attachments::<i32>().collect::<Vec<_>>(), [&7]);
    assert_eq!(mapper.attachments::<&str>().count(), 1);
    assert_eq!(mapper.attachments::<u8>().count(), 0);
}

#[test]
fn many_threads_learn_at_once() {
    let registry = Registry::new();
    std::thread::scope(|scope| {
        for class in [User, Address, City, User, Address, City] {
            let registry = &registry;
            scope.spawn(move || registry.ensure(class()).unwrap());
        }
    });
    assert_eq!(registry.mappers().len(), 3);
    registry.configure().unwrap();
}
