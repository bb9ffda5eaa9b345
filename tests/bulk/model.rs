//! The classes of these tests.

use std::sync::atomic::{AtomicU64, Ordering};

use aludel::RecordClass;
use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "users")]
pub(crate) struct User {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    #[column(unique)]
    pub(crate) name: String,
    pub(crate) age: Option<i64>,
    #[column(server_default = "'new'")]
    pub(crate) status: Auto<String>,
    pub(crate) bio: Deferred<Option<String>>,
    #[relationship(back_populates = "user", order_by = "id")]
    pub(crate) addresses: Many<Address>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "addresses")]
pub(crate) struct Address {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) email: String,
    #[column(foreign_key = "users.id")]
    pub(crate) user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    pub(crate) user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "people",
    polymorphic_on = "kind",
    polymorphic_identity = "person",
    subclasses(Engineer, Intern)
)]
pub(crate) struct Person {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    #[column(unique)]
    pub(crate) name: String,
    pub(crate) kind: String,
}

/// In a table of its own beside its base's.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "engineers", polymorphic_identity = "engineer")]
pub(crate) struct Engineer {
    #[mapped(base)]
    pub(crate) person: Person,
    pub(crate) language: String,
}

/// In the table of its base.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "intern")]
pub(crate) struct Intern {
    #[mapped(base)]
    pub(crate) person: Person,
    pub(crate) until: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "grades")]
pub(crate) struct Grade {
    #[column(primary_key)]
    pub(crate) student: String,
    #[column(primary_key)]
    pub(crate) course: String,
    pub(crate) points: i64,
}

/// What is seldom wanted, and what of it is wanted together.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "papers")]
pub(crate) struct Paper {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) title: String,
    pub(crate) summary: Deferred<Option<String>>,
    #[column(group = "large")]
    pub(crate) body: Deferred<Option<String>>,
    #[column(group = "large")]
    pub(crate) notes: Deferred<Option<String>>,
}

/// With keys that the program makes.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "things",
    polymorphic_on = "kind",
    polymorphic_identity = "thing",
    subclasses(Gadget)
)]
pub(crate) struct Thing {
    #[column(primary_key, default = next_key())]
    pub(crate) id: Auto<String>,
    pub(crate) kind: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "gadgets", polymorphic_identity = "gadget")]
pub(crate) struct Gadget {
    #[mapped(base)]
    pub(crate) thing: Thing,
    pub(crate) name: String,
}

fn next_key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("key {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A class whose key SQLite keeps in another form than the field does.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "days")]
pub(crate) struct Day {
    #[column(primary_key)]
    pub(crate) day: jiff::civil::Date,
    pub(crate) visits: i64,
}

pub(crate) fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Day>().unwrap();
    registry.register::<User>().unwrap();
    registry.register::<Person>().unwrap();
    registry.register::<Grade>().unwrap();
    registry.register::<Thing>().unwrap();
    registry.register::<Paper>().unwrap();
    registry
}

/// A class without a struct.
pub(crate) fn tag(registry: &Registry) -> RecordClass {
    let tag = registry.describe("Tag").table("tags");
    let tag = tag.column::<Auto<i64>>("id", |c| c.primary_key());
    let tag = tag.column::<String>("name", |c| c.unique()).column::<i64>("uses", |c| c.default(1));
    tag.finish().unwrap()
}

pub(crate) fn user(name: &str, age: i64) -> User {
    User { name: name.into(), age: Some(age), ..User::default() }
}
