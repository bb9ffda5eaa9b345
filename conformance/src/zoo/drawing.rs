//! Composites.

use aludel::prelude::*;
use aludel::sql::{BinaryOp, Node};

/// A point: the kit gives coordinates that are null.
#[derive(Composite, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    pub x: Option<i64>,
    pub y: Option<i64>,
}

/// Two composites over four columns; `start` is compared in its own way.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "vertices")]
pub struct Vertex {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[composite(columns(x1, y1), comparator = compare_points)]
    pub start: Point,
    #[composite(columns(x2, y2))]
    pub end: Point,
}

/// A point is greater than another when every coordinate is.
fn compare_points(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
    if op != BinaryOp::Gt {
        return None;
    }
    let pairs = columns.iter().zip(values);
    Some(Node::and(pairs.map(|(column, value)| Node::binary(op, column.clone(), value.clone()))))
}
