//! A concrete hierarchy, which is queried through a union.

use aludel::prelude::*;

/// The base, with rows of its own.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "shapes", polymorphic_identity = "shape", subclasses(Circle, Square))]
pub struct Shape {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false)]
    pub name: Option<String>,
}

/// Has all columns in a table of its own.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "circles", concrete, polymorphic_identity = "circle")]
pub struct Circle {
    #[mapped(base)]
    pub shape: Shape,
    pub radius: Option<i64>,
}

/// Has all columns in a table of its own.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "squares", concrete, polymorphic_identity = "square")]
pub struct Square {
    #[mapped(base)]
    pub shape: Shape,
    pub side: Option<i64>,
}
