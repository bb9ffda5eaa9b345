//! The direction of an ORDER BY.

use crate::tree::{Direction, Node, NullsOrder};

/// An expression with a direction, for ORDER BY.
#[derive(Clone, Debug)]
#[must_use]
pub struct Ordered {
    operand: Node,
    direction: Direction,
}

impl Ordered {
    pub(super) fn new(operand: Node, descending: bool) -> Self {
        Self { operand, direction: Direction { descending, nulls: NullsOrder::Default } }
    }

    /// NULLs come before all others.
    pub fn nulls_first(mut self) -> Self {
        self.direction.nulls = NullsOrder::First;
        self
    }

    /// NULLs come after all others.
    pub fn nulls_last(mut self) -> Self {
        self.direction.nulls = NullsOrder::Last;
        self
    }

    pub(super) fn node(self) -> Node {
        Node::Order(Box::new(self.operand), self.direction)
    }
}
