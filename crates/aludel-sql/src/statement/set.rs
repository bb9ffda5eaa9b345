//! UNION, EXCEPT and INTERSECT.

use super::Query;
use crate::expr::{IntoExpr, IntoNodes};
use crate::tree::Node;

/// How the rows of queries are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// Rows of either, each once.
    Union,
    /// Rows of either.
    UnionAll,
    /// Rows of the first that the others do not have, each once.
    Except,
    /// Rows of the first, less those of the others.
    ExceptAll,
    /// Rows that all have, each once.
    Intersect,
    /// Rows that all have, as often as all have them.
    IntersectAll,
}

impl SetOp {
    /// As SQL has it.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Union => "UNION",
            Self::UnionAll => "UNION ALL",
            Self::Except => "EXCEPT",
            Self::ExceptAll => "EXCEPT ALL",
            Self::Intersect => "INTERSECT",
            Self::IntersectAll => "INTERSECT ALL",
        }
    }
}

/// The rows of several queries together.
///
/// In its ORDER BY stand columns of the result: a column or label of the first query is taken for
/// the column of the result that has its name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SetQuery {
    /// How they are put together.
    pub op: SetOp,
    /// The queries.
    pub parts: Vec<Query>,
    /// ORDER BY.
    pub order_by: Vec<Node>,
    /// LIMIT.
    pub limit: Option<Node>,
    /// OFFSET.
    pub offset: Option<Node>,
}

impl SetQuery {
    /// The rows of several queries together.
    pub fn new<Q: Into<Query>>(op: SetOp, parts: impl IntoIterator<Item = Q>) -> Self {
        let parts = parts.into_iter().map(Into::into).collect();
        Self { op, parts, order_by: Vec::new(), limit: None, offset: None }
    }

    pub(super) fn of(op: SetOp, left: Query, right: Query) -> Self {
        match left {
            Query::Set(set)
                if set.op == op
                    && set.is_plain()
                    && !matches!(op, SetOp::Except | SetOp::ExceptAll) =>
            {
                let parts = set.parts.iter().cloned().chain([right]);
                Self::new(op, parts)
            }
            left => Self::new(op, [left, right]),
        }
    }

    fn is_plain(&self) -> bool {
        self.order_by.is_empty() && self.limit.is_none() && self.offset.is_none()
    }

    /// Adds to ORDER BY.
    #[must_use]
    pub fn order_by(mut self, by: impl IntoNodes) -> Self {
        self.order_by.extend(by.into_nodes());
        self
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: impl IntoExpr<i64>) -> Self {
        self.limit = Some(rows.into_node());
        self
    }

    /// Without the first rows.
    #[must_use]
    pub fn offset(mut self, rows: impl IntoExpr<i64>) -> Self {
        self.offset = Some(rows.into_node());
        self
    }
}
