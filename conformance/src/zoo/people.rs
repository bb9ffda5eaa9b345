//! Hierarchies: joined tables and a single table.

use aludel::prelude::*;

/// A relationship to the base of a hierarchy.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "companies")]
pub struct Company {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: Option<String>,
    #[relationship(back_populates = "company", order_by = "id")]
    pub employees: Many<Person>,
}

/// The base of a hierarchy with joined tables.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(
    table = "people",
    polymorphic_on = "type",
    polymorphic_identity = "person",
    subclasses(Engineer, Manager)
)]
pub struct Person {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false)]
    pub name: Option<String>,
    #[column(nullable = false)]
    pub r#type: Option<String>,
    #[column(foreign_key = "companies.id")]
    pub company_id: Option<i64>,
    #[relationship(back_populates = "employees")]
    pub company: One<Company>,
}

/// A subclass with a table of its own; it also refers to the manager it reports to.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "engineers", polymorphic_identity = "engineer")]
pub struct Engineer {
    #[mapped(base)]
    pub person: Person,
    pub language: Option<String>,
    #[column(foreign_key = "managers.id")]
    pub manager_id: Option<i64>,
    #[relationship(back_populates = "reports", foreign_keys = "manager_id")]
    pub manager: One<Manager>,
}

/// A subclass with a table of its own, and a collection of engineers.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "managers", polymorphic_identity = "manager")]
pub struct Manager {
    #[mapped(base)]
    pub person: Person,
    pub level: Option<i64>,
    #[relationship(
        back_populates = "manager",
        foreign_keys = "engineers.manager_id",
        order_by = "id"
    )]
    pub reports: Many<Engineer>,
}

/// The base of a hierarchy in a single table.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(
    table = "animals",
    polymorphic_on = "kind",
    polymorphic_identity = "animal",
    subclasses(Dog, Cat)
)]
pub struct Animal {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false)]
    pub kind: Option<String>,
    pub name: Option<String>,
}

/// A subclass with a column of its own.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "dog")]
pub struct Dog {
    #[mapped(base)]
    pub animal: Animal,
    pub breed: Option<String>,
}

/// A subclass with a column of its own.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "cat")]
pub struct Cat {
    #[mapped(base)]
    pub animal: Animal,
    pub lives: Option<i64>,
}
