//! What goes wrong with classes that are described at run time, and what is said then.

use aludel_orm::{Auto, ClassManager, ErrorKind, InstrumentationManager, Record, Registry, select};
use aludel_sql::{Column, Table};

use super::session::users;
use crate::support::Db;

struct Other;
impl InstrumentationManager for Other {}
struct Another;
impl InstrumentationManager for Another {
    fn manage(&self, _: &ClassManager) {}
}

fn other(_: &'static str) -> Other {
    Other
}

fn another(_: &'static str) -> Another {
    Another
}

#[test]
fn values_of_the_wrong_type_leave_the_record_as_it_was() {
    let registry = Registry::new();
    let (user, _) = users(&registry);
    let db = Db::new(registry);
    let mut s = db.session();
    let ed = user.record().with("name", "ed").unwrap().with("age", 7).unwrap();
    let refused = ed.clone().with("age", "seven").unwrap_err();
    assert!(refused.message().starts_with("User.age: the value "), "{refused}");
    let ed = s.add(ed).unwrap();
    let refused = s.set_named(ed, "age", "seven").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Value);
    assert!(refused.message().contains("User.age"), "{refused}");
    assert_eq!(s[ed].get::<i64>("age"), Some(&7));
    let refused = s.set_named(ed, "addresses", 7).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Value);
}

#[test]
fn a_value_outside_its_type_is_refused() {
    let registry = Registry::new();
    let small = registry
        .describe("Small")
        .table("small")
        .column::<i16>("id", |c| c.primary_key())
        .finish()
        .unwrap();
    assert!(small.record().with("id", 32767).is_ok());
    let refused = small.record().with("id", 32768).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Value);
    assert!(refused.message().contains("Small.id"), "{refused}");
}

#[test]
fn an_unknown_attribute_names_the_nearest() {
    let registry = Registry::new();
    let (user, address) = users(&registry);
    let wrong = user.record().with("nmae", "ed").unwrap_err();
    assert_eq!(wrong.message(), "class User has no attribute `nmae`; did you mean `name`?");
    let wrong = user.attr::<String>("nane").unwrap_err();
    assert_eq!(wrong.message(), "class User has no attribute `nane`; did you mean `name`?");
    let wrong = user.attr::<String>("age").unwrap_err();
    assert_eq!(wrong.message(), "User.age is declared as `i64`, not as `String`");
    let wrong = user.record().with_one("addresses", address.record()).unwrap_err();
    assert_eq!(wrong.message(), "User.addresses is not a reference to one object");
    let wrong = registry.record_class("Usr").unwrap_err();
    assert_eq!(
        wrong.message(),
        "no class `Usr` was described in this registry; did you mean `User`?"
    );
}

#[test]
fn a_name_is_taken_once() {
    let registry = Registry::new();
    users(&registry);
    let wrong = registry.describe("User").table("u2").finish().unwrap_err();
    assert_eq!(wrong.message(), "there is a class `User` in this registry already");
}

#[test]
fn a_table_has_to_have_the_columns() {
    let registry = Registry::new();
    let table = Table::build("t")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<String>("name"))
        .finish()
        .unwrap();
    registry.describe("T").of_table(&table).attribute::<String>("title", "nam").finish().unwrap();
    let wrong = registry.configure().unwrap_err();
    assert_eq!(
        wrong.message(),
        "class `T`, attribute `title`: table `t` has no column `nam`; did you mean `name`?"
    );
}

#[test]
fn a_target_may_come_later_but_has_to_come() {
    let registry = Registry::new();
    let a = registry
        .describe("A")
        .table("a")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<Option<i64>>("b_id", |c| c.references("b.id"))
        .one("b", "Bee", |_| {})
        .finish()
        .unwrap();
    let wrong = registry.configure().unwrap_err();
    let lines: Vec<&str> = wrong.message().lines().collect();
    let expected = [
        "the mapping has 2 errors:",
        "class `A`, attribute `b`: its target class `Bee` is not mapped; register it, or describe a class of this name",
        "class `A`: foreign key of `a.b_id`: there is no table `b`; did you mean `a`?",
    ];
    assert_eq!(lines, expected);
    registry
        .describe("Bee")
        .table("b")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .finish()
        .unwrap();
    registry.configure().unwrap();
    let mut s = Db::new(registry).session();
    s.add(a.record()).unwrap();
}

#[test]
fn a_hierarchy_has_one_implementation() {
    let registry = Registry::new();
    let base = registry
        .describe("Base")
        .table("base")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .instrumentation(other)
        .finish()
        .unwrap();
    let wrong = registry.describe("Sub").inherits(base).instrumentation(another).finish();
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Configuration);
    assert!(
        wrong.message().starts_with(
            "class `Sub`: there are several instrumentation implementations in its hierarchy: `"
        ),
        "{wrong}"
    );
    // What a base chose its subclasses have.
    let sub = registry.describe("Sub").inherits(base).finish().unwrap();
    assert_eq!(sub.manager().unwrap().implementation(), base.manager().unwrap().implementation());
}

#[test]
fn attributes_of_one_class_are_not_those_of_another() {
    let registry = Registry::new();
    let (user, address) = users(&registry);
    let mut s = Db::new(registry).session();
    let a = s.add(address.record().with("email", "x").unwrap()).unwrap();
    let name = user.attr::<String>("name").unwrap();
    let wrong = s.set(a, name, "ed").unwrap_err();
    assert_eq!(wrong.message(), "User.name is no attribute of a new Address");
    let addresses = user.attr::<aludel_orm::Many<Record>>("addresses").unwrap();
    let ed = s.add(user.record().with("name", "ed").unwrap()).unwrap();
    let wrong = s.append(ed, addresses, ed).unwrap_err();
    assert_eq!(
        wrong.message(),
        "User.addresses holds objects of class Address, and this one is a User"
    );
}

#[test]
fn the_type_of_records_is_no_class() {
    let registry = Registry::new();
    users(&registry);
    let db = Db::new(registry);
    let mut s = db.session();
    let wrong = db.run(s.all(select::<Record>())).unwrap_err();
    assert!(wrong.message().starts_with("`Record` is the type of the objects of many"), "{wrong}");
    assert!(s.create::<Record>().is_err());
    assert!(s.add(Record::default()).is_err());
}
