//! What mappers tell: properties, identities, and how they are drawn.

use aludel::prelude::*;
use aludel::{ErrorKind, Value};

use crate::joins::User;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "people",
    polymorphic_on = "kind",
    polymorphic_identity = "person",
    subclasses(Engineer)
)]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(name = "type")]
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "engineers", polymorphic_identity = "engineer")]
struct Engineer {
    #[mapped(base)]
    person: Person,
    language: String,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Person>().unwrap();
    registry.register::<User>().unwrap();
    registry.configure().unwrap();
    registry
}

#[test]
fn properties_by_name_and_by_column() {
    let registry = registry();
    let mapper = registry.mapper::<Person>().unwrap();
    assert_eq!(mapper.get_property("kind").unwrap().name(), "kind");
    let table = mapper.local_table().unwrap();
    assert_eq!(mapper.property_by_column(table, "type").unwrap().name(), "kind");
    let error = mapper.get_property("kindd").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unmapped);
    assert_eq!(error.message(), "class Person has no attribute `kindd`; did you mean `kind`?");
}

#[test]
fn identity_keys() {
    let registry = registry();
    let mappers = registry.mappers();
    let engineer = mappers.named("Engineer").unwrap();
    let object = Engineer {
        person: Person { id: Auto::Set(5), ..Person::default() },
        ..Engineer::default()
    };
    // The class at the root of the hierarchy stands in the key.
    let key = mappers.identity_key_from_instance(&object).unwrap();
    assert_eq!((key.to_string(), &key.values), ("Person(5)".to_owned(), &vec![Value::I64(5)]));
    assert_eq!(mappers.identity_key_from_primary_key(engineer, 5).unwrap(), key);
    let row = [("language", "rust".into()), ("id", Value::I64(5))];
    assert_eq!(mappers.identity_key_from_row(engineer, &row).unwrap(), key);
    assert_eq!(engineer.primary_key_from_instance(&object).unwrap(), [Value::I64(5)]);

    let error = mappers.identity_key_from_primary_key(engineer, (1, 2)).unwrap_err();
    assert_eq!(error.message(), "the key of Engineer has 1 parts, and 2 are given");
    let error = mappers.identity_key_from_row(engineer, &row[..1]).unwrap_err();
    assert!(error.message().contains("no column for Engineer.id"), "{error}");
    let error = engineer.primary_key_from_instance(&User::default()).unwrap_err();
    assert!(error.message().contains("class User has no key of class Engineer"), "{error}");
}

#[test]
fn the_mapper_of_an_object() {
    let mut db = Db::new(registry());
    let engineer = db.add(Engineer::default()).unwrap();
    let person = engineer.up::<Person>();
    assert_eq!(db.object_mapper(person).unwrap().class_name(), "Engineer");
    assert_eq!(db.object_mapper(person).unwrap().class().name, "Engineer");
}

#[test]
fn drawn() {
    let registry = registry();
    let diagram = registry.mappers().diagram();
    let expected = "\
erDiagram
    Person {
        bigint id PK
        text kind
    }
    Engineer {
        text language
    }
    User {
        bigint id PK
        text name
        text fullname
    }
    Address {
        bigint id PK
        text email
        bigint user_id FK
    }
    Person ||--o| Engineer : is
    User ||--o{ Address : addresses
";
    assert_eq!(diagram.mermaid(), expected);
    let svg = diagram.svg();
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    for text in ["Person", "language text", "user_id bigint FK", "addresses"] {
        assert!(svg.contains(&format!(">{text}</text>")), "{text}: {svg}");
    }
    let mappers = registry.mappers();
    let user = mappers.named("User").unwrap().index();
    assert_eq!(mappers.diagram_of([user]).mermaid().lines().count(), 6);
}
