//! What stands in FROM.

use std::sync::Arc;

use super::{Alias, Cte, CustomNode, Node, Source};
use crate::Table;

/// An item of FROM.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FromItem {
    /// A table, alias or common table expression.
    Source(Source),
    /// A join.
    Join(Box<Join>),
    /// What a layer above put here; it must be rewritten before the statement is rendered.
    Custom(Arc<dyn CustomNode>),
}

/// A join.
#[derive(Clone, Debug)]
pub struct Join {
    /// The left side.
    pub left: FromItem,
    /// The right side.
    pub right: FromItem,
    /// Which rows it gives.
    pub kind: JoinKind,
    /// The condition; `None` for a cross join.
    pub on: Option<Node>,
}

/// Which rows a join gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// Pairs that meet the condition.
    Inner,
    /// Those, and the rows of the left side that are in no pair.
    Left,
    /// Those, and the rows of either side that are in no pair.
    Full,
    /// All pairs.
    Cross,
}

impl FromItem {
    /// Calls `f` with every source in it, from left to right.
    pub fn for_each_source<'a>(&'a self, f: &mut dyn FnMut(&'a Source)) {
        match self {
            Self::Source(source) => f(source),
            Self::Join(join) => {
                join.left.for_each_source(f);
                join.right.for_each_source(f);
            }
            Self::Custom(_) => {}
        }
    }

    /// The sources in it, from left to right.
    pub fn sources(&self) -> Vec<&Source> {
        let mut all = Vec::new();
        self.for_each_source(&mut |s| all.push(s));
        all
    }
}

macro_rules! from_item {
    ($($t:ident),*) => {$(
        impl From<$t> for FromItem {
            fn from(value: $t) -> Self {
                Self::Source(value.into())
            }
        }

        impl From<&$t> for FromItem {
            fn from(value: &$t) -> Self {
                Self::Source(value.clone().into())
            }
        }
    )*};
}

from_item!(Table, Alias, Cte);

impl From<Source> for FromItem {
    fn from(value: Source) -> Self {
        Self::Source(value)
    }
}

impl From<&Source> for FromItem {
    fn from(value: &Source) -> Self {
        Self::Source(value.clone())
    }
}

impl From<Join> for FromItem {
    fn from(value: Join) -> Self {
        Self::Join(Box::new(value))
    }
}
