//! CASE.

use std::marker::PhantomData;

use super::{Expr, IntoExpr, IntoNode};
use crate::tree::{Case, Node};

/// Begins a CASE whose results are of a type.
///
/// ```
/// use aludel_sql::{Column, Expression, Selectable, Table, case};
/// # let t = Table::build("t").column(Column::of::<i64>("age")).finish()?;
/// let group = case::<String>().when(t.col::<i64>("age").lt(18), "young").otherwise("old");
/// # Ok::<(), aludel_sql::Error>(())
/// ```
pub fn case<T>() -> CaseBuilder<T> {
    CaseBuilder { whens: Vec::new(), of: PhantomData }
}

/// A CASE; see [`case`]. Without [`otherwise`](Self::otherwise) it is NULL where no condition
/// holds.
#[derive(Clone, Debug)]
#[must_use]
pub struct CaseBuilder<T> {
    whens: Vec<(Node, Node)>,
    of: PhantomData<fn() -> T>,
}

impl<T> CaseBuilder<T> {
    /// The result where a condition holds, and none before it.
    pub fn when(mut self, condition: impl IntoExpr<bool>, then: impl IntoExpr<T>) -> Self {
        self.whens.push((condition.into_node(), then.into_node()));
        self
    }

    /// The result where no condition holds.
    pub fn otherwise(self, result: impl IntoExpr<T>) -> Expr<T> {
        let otherwise = Some(result.into_node());
        Expr::from_node(Node::Case(Box::new(Case { whens: self.whens, otherwise })))
    }

    /// Ended: NULL where no condition holds.
    pub fn end(self) -> Expr<Option<T>> {
        Expr::from_node(self.into_node())
    }
}

impl<T> IntoNode for CaseBuilder<T> {
    fn into_node(self) -> Node {
        Node::Case(Box::new(Case { whens: self.whens, otherwise: None }))
    }
}
