//! A subclass's synonym is of an attribute that its base has, and has its type.

use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "people", polymorphic_on = kind)]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "boss", synonym(title: i64 = name, rank: i64 = level))]
struct Boss {
    #[mapped(base)]
    person: Person,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "chief", synonym(mail: String = Stranger::mail))]
struct Chief {
    #[mapped(base)]
    person: Person,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "strangers")]
struct Stranger {
    #[column(primary_key)]
    id: Auto<i64>,
    mail: String,
}

fn main() {}
