//! `narrow` is for classes that have an enum of their subclasses.

use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "shapes", polymorphic_on = "kind", polymorphic_identity = "shape")]
#[mapped(subclasses(Stranger))]
struct Shape {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
}

#[derive(Mapped, Clone, Default)]
#[mapped(table = "strangers")]
struct Stranger {
    #[column(primary_key)]
    id: Auto<i64>,
}

fn narrow(session: &Session, shape: Handle<Shape>) {
    let _ = session.narrow(shape);
}

fn main() {}
