//! Hierarchies: joined, in a single table, concrete.

use aludel_orm::{ColumnDef, InheritanceDef, PolymorphicDef, Registry, RelationshipDef};
use aludel_sql::Value;

use crate::class;
use crate::class::*;

const fn identity(
    base: fn() -> &'static aludel_orm::ClassDef,
    value: fn() -> Value,
) -> Option<InheritanceDef> {
    Some(InheritanceDef { base, described: None, identity: Some(value), concrete: false })
}

fn person() -> Value {
    Value::Text("person".into())
}
fn engineer() -> Value {
    Value::Text("engineer".into())
}
fn manager() -> Value {
    Value::Text("manager".into())
}

class!(
    Company,
    "companies",
    [
        id(),
        relationship(
            "employees",
            RelationshipDef {
                back_populates: Some("company"),
                cascade: Some("all, delete-orphan"),
                ..many(Person)
            }
        ),
    ]
);
class!(Person, "people", [
    id(),
    text("kind"),
    foreign_key("company_id", "companies.id"),
    relationship("company", RelationshipDef { back_populates: Some("employees"), ..one(Company) }),
],
    polymorphic: Some(PolymorphicDef { on: Some("kind"), identity: Some(person) }),
    subclasses: &[Engineer, Manager],
);
class!(Engineer, "engineers", [
    id(),
    text("kind"),
    foreign_key("company_id", "companies.id"),
    relationship("company", RelationshipDef { back_populates: Some("employees"), ..one(Company) }),
    text("language"),
    foreign_key("manager_id", "managers.id"),
    relationship("manager", RelationshipDef {
        back_populates: Some("reports"),
        foreign_keys: &["manager_id"],
        ..one(Manager)
    }),
], inheritance: identity(Person, engineer));
class!(Manager, "managers", [
    id(),
    text("kind"),
    foreign_key("company_id", "companies.id"),
    relationship("company", RelationshipDef { back_populates: Some("employees"), ..one(Company) }),
    column("level", INT),
    relationship("reports", RelationshipDef {
        back_populates: Some("manager"),
        foreign_keys: &["Engineer.manager_id"],
        ..many(Engineer)
    }),
], inheritance: identity(Person, manager));

#[test]
fn joined_tables() {
    let registry = Registry::new();
    let expected = "\
Engineer -> people + engineers (kind = \"engineer\")
  id: people.id = engineers.id, primary key
  kind: people.kind
  company_id: people.company_id
  company: many to one
  language: engineers.language
  manager_id: engineers.manager_id
  manager: many to one";
    assert_eq!(printed(&registry, Engineer), expected);
    let (mappers, index) = registry.ensure(Engineer()).unwrap();
    let engineer = mappers.get(index).unwrap();
    let own = engineer.local_table().unwrap();
    assert_eq!(own.primary_key(), [0]);
    assert_eq!(own.autoincrement(), None);
    assert_eq!(&*own.foreign_keys()[0].target_table, "people");
    let names: Vec<_> = engineer.relationships().map(|r| r.name()).collect();
    assert_eq!(names, ["manager", "company"], "own before inherited");
    let manager = mappers.named("Manager").unwrap();
    let reports = manager.relationships().next().unwrap();
    let name = |at: u16| manager.properties()[usize::from(at)].name();
    assert_eq!((name(reports.pairs()[0].0), reports.pairs().len()), ("id", 1));
    assert_eq!(engineer.root(), mappers.named("Person").unwrap().index());
}

#[test]
fn the_same_hierarchy_from_any_of_its_classes() {
    for class in [Person, Engineer, Manager, Company] {
        let registry = Registry::new();
        registry.ensure(class()).unwrap();
        let mappers = registry.mappers();
        let root = mappers.named("Person").unwrap().index();
        let mut names: Vec<_> =
            mappers.self_and_descendants(root).iter().map(|m| m.class_name().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["Engineer", "Manager", "Person"]);
    }
}

fn dog() -> Value {
    Value::Text("dog".into())
}

class!(Animal, "animals", [id(), text("kind")],
    polymorphic: Some(PolymorphicDef { on: Some("kind"), identity: None }),
);
class!(Dog, "", [
    id(),
    text("kind"),
    column("breed", ColumnDef { default: Some(dog), ..TEXT }),
], inheritance: identity(Animal, dog));

#[test]
fn a_single_table_grows_with_its_subclasses() {
    let registry = Registry::new();
    let (before, animal) = registry.ensure(Animal()).unwrap();
    assert_eq!(before.get(animal).unwrap().local_table().unwrap().columns().len(), 2);
    let expected = "\
Dog -> animals (kind = \"dog\")
  id: animals.id, primary key
  kind: animals.kind
  breed: animals.breed";
    assert_eq!(printed(&registry, Dog), expected);
    let (mappers, again) = registry.ensure(Animal()).unwrap();
    assert_eq!(again, animal);
    let table = mappers.get(animal).unwrap().local_table().unwrap();
    assert_eq!(table.columns().len(), 3);
    assert!(table.columns()[2].nullable, "rows of other classes have nothing there");
    assert_eq!(mappers.named("Dog").unwrap().local_table(), Some(table));
}

class!(Shape, "shapes", [id(), text("name")]);
class!(Circle, "circles", [id(), text("name"), column("radius", INT)],
    inheritance: Some(InheritanceDef { base: Shape, described: None, identity: None, concrete: true }),
);

#[test]
fn a_concrete_table_has_all_columns() {
    let registry = Registry::new();
    let expected = "\
Circle -> circles
  id: circles.id, primary key
  name: circles.name
  radius: circles.radius";
    assert_eq!(printed(&registry, Circle), expected);
    let (mappers, index) = registry.ensure(Circle()).unwrap();
    let circle = mappers.get(index).unwrap();
    assert_eq!(circle.root(), index, "it has keys of its own");
    assert_eq!(circle.base(), Some(mappers.named("Shape").unwrap().index()));
}

class!(Twin, "", [id(), text("kind")], inheritance: identity(Animal, dog));
class!(Lost, "", [id(), text("name"), text("more")], inheritance: identity(Shape, dog));

#[test]
fn discriminators_that_tell_nothing() {
    let registry = Registry::new();
    registry.ensure(Dog()).unwrap();
    let error = registry.ensure(Twin()).unwrap_err();
    let expected = "class `Twin`: its polymorphic identity \"dog\" is that of class `Dog` already; each class \
                    of a hierarchy needs its own";
    assert_eq!(error.message(), expected);
    let expected = "class `Lost`: it has the polymorphic identity \"dog\", but nothing tells the class of a \
                    row: add `#[mapped(polymorphic_on = \"…\")]` to the base class";
    assert_eq!(refused(&Registry::new(), Lost), expected);
}
