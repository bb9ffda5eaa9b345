//! The typed face of the expression tree: [`Expr<T>`], the methods of [`Expression`], and what may
//! stand as an operand.
//!
//! A type here is checked and forgotten: every method makes a [`Node`] at once, so nothing of it
//! is left in the program that runs, and no type grows with the query.

mod case;
mod expression;
mod function;
mod into;
#[cfg(feature = "json")]
mod json_patch;
mod ops;
mod order;
mod text;
mod traits;

use std::fmt;
use std::marker::PhantomData;

pub use case::{CaseBuilder, case};
pub use expression::Expression;
pub use function::{Func, Over, count_star, func, now};
pub use into::{IntoExpr, IntoNode, IntoNodes};
#[cfg(feature = "json")]
pub use json_patch::JsonPatch;
pub use order::Ordered;
pub use text::{TextBuilder, text};
pub use traits::{NumberType, TextType};

use crate::tree::Node;
use crate::{ColumnType, DataType, Value};

/// An expression whose values are of a Rust type: a [`Node`] with the type written on it.
pub struct Expr<T> {
    node: Node,
    of: PhantomData<fn() -> T>,
}

impl<T> Expr<T> {
    /// The type is taken on trust.
    pub fn from_node(node: Node) -> Self {
        Self { node, of: PhantomData }
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Taken for another type, with nothing said to the database.
    pub fn type_as<U>(self) -> Expr<U> {
        Expr::from_node(self.node)
    }
}

impl<T> Expr<Option<Option<T>>> {
    /// NULL is NULL, however many reasons it has.
    pub fn flatten(self) -> Expr<Option<T>> {
        self.type_as()
    }
}

impl<T> Clone for Expr<T> {
    fn clone(&self) -> Self {
        Self::from_node(self.node.clone())
    }
}

impl<T> fmt::Debug for Expr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

/// A value as an expression; it becomes a parameter.
pub fn literal<T: ColumnType>(value: T) -> Expr<T> {
    Expr::from_node(Node::literal(value))
}

/// A value whose type is known at run time only.
pub fn literal_of<T>(value: impl Into<Value>, data_type: DataType) -> Expr<T> {
    Expr::from_node(Node::value(value.into(), data_type))
}

/// A parameter that the caller gives by position, from 0; see [`Node::param`].
pub fn param<T: ColumnType>(ordinal: u32) -> Expr<T> {
    Expr::from_node(Node::param(ordinal, T::TYPE))
}

/// NULL, as the word.
pub fn null<T>() -> Expr<Option<T>> {
    Expr::from_node(Node::Null)
}

/// All of the conditions hold; of none, true.
pub fn and_(conditions: impl IntoIterator<Item = Expr<bool>>) -> Expr<bool> {
    Expr::from_node(Node::and(conditions.into_iter().map(|c| c.node)))
}

/// One of the conditions holds; of none, false.
pub fn or_(conditions: impl IntoIterator<Item = Expr<bool>>) -> Expr<bool> {
    Expr::from_node(Node::or(conditions.into_iter().map(|c| c.node)))
}

/// The condition does not hold.
pub fn not_(condition: impl IntoExpr<bool>) -> Expr<bool> {
    Expr::from_node(condition.into_node().not())
}

/// Several expressions as one, to be compared with tuples of values or expressions.
///
/// ```
/// use aludel_sql::{Column, Expression, Selectable, Table, tuple};
/// # let t = Table::build("t").column(Column::of::<i64>("a")).column(Column::of::<String>("b")).finish()?;
/// let one = tuple((t.col::<i64>("a"), t.col::<String>("b"))).in_([(1, "x"), (2, "y")]);
/// # Ok::<(), aludel_sql::Error>(())
/// ```
pub fn tuple<E: TupleOf>(expressions: E) -> Expr<E::Values> {
    Expr::from_node(expressions.into_node())
}

/// Tuples of expressions; see [`tuple()`].
pub trait TupleOf: IntoNode {
    /// The types of the expressions.
    type Values;
}
