//! The classes of the tests, and a database for them.

use aludel::prelude::*;
use aludel::sql::{BinaryOp, Node};

use crate::support::Db;

/// A point in the plane.
#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: i64,
    pub(crate) y: i64,
}

pub(crate) fn point(x: i64, y: i64) -> Point {
    Point { x, y }
}

/// A composite that has a composite, and one that may be none.
#[derive(Composite, Clone, Debug, Default, PartialEq)]
pub(crate) struct Outline {
    #[composite]
    pub(crate) corner: Point,
    pub(crate) colour: Option<String>,
    #[composite(prefix = "mid_")]
    pub(crate) middle: Option<Point>,
}

/// A class with composites of every kind.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "vertices",
    index(x1, y1),
    polymorphic_on = "kind",
    polymorphic_identity = "plain"
)]
pub(crate) struct Vertex {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    #[composite(columns(x1, y1), comparator = above)]
    pub(crate) start: Point,
    pub(crate) label: String,
    #[composite]
    pub(crate) end: Point,
    #[composite]
    pub(crate) via: Option<Point>,
    #[composite(prefix = "")]
    pub(crate) outline: Outline,
    pub(crate) weight: i64,
    pub(crate) kind: String,
}

/// Greater is further up: the other operators are the default ones.
fn above(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
    let ([_, y], [_, than]) = (columns, values) else { return None };
    (op == BinaryOp::Gt).then(|| Node::binary(op, y.clone(), than.clone()))
}

/// A subclass, whose attributes come after those of its base.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "named_vertices", polymorphic_identity = "named")]
pub(crate) struct NamedVertex {
    #[mapped(base)]
    pub(crate) base: Vertex,
    pub(crate) name: String,
    #[composite(prefix = "anchor_")]
    pub(crate) anchor: Point,
    pub(crate) rank: i64,
}

pub(crate) fn vertices() -> Db {
    let registry = Registry::new();
    registry.register::<Vertex>().unwrap();
    registry.register::<NamedVertex>().unwrap();
    Db::new(registry)
}

pub(crate) fn vertex() -> Vertex {
    Vertex {
        start: point(1, 2),
        end: point(3, 4),
        label: "a".into(),
        weight: 7,
        ..Vertex::default()
    }
}
