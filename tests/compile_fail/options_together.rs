//! Options that do not go together.

use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(extend_existing)]
struct Extends {
    #[column(primary_key)]
    id: Auto<i64>,
}

#[derive(Mapped, Clone, Default)]
#[mapped(table = "things")]
struct Thing {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(name = "id")]
    number: i64,
    #[column(computed = "id + 1", default = 3)]
    next: i64,
    #[column(group = "large")]
    text: String,
    #[relationship(viewonly, cascade = "all, delete-orphan")]
    things: Many<Thing>,
    #[relationship(secondaryjoin = Thing::id.eq(Thing::next))]
    others: Many<Thing>,
}

fn main() {}
