//! What the larger nodes consist of.

use std::borrow::Cow;

use super::Node;
use crate::DataType;
use crate::statement::Query;

/// `operand [NOT] IN set`.
#[derive(Clone, Debug)]
pub struct In {
    /// What is looked for.
    pub operand: Node,
    /// `NOT IN`.
    pub negated: bool,
    /// Where it is looked for.
    pub set: InSet,
}

/// The right side of `IN`.
#[derive(Clone, Debug)]
pub enum InSet {
    /// Expressions; of none, the condition is false.
    List(Vec<Node>),
    /// A subquery.
    Query(Query),
}

/// `operand [NOT] BETWEEN low AND high`.
#[derive(Clone, Debug)]
pub struct Between {
    /// What is compared.
    pub operand: Node,
    /// The least that it may be.
    pub low: Node,
    /// The most that it may be.
    pub high: Node,
    /// `NOT BETWEEN`.
    pub negated: bool,
}

/// `operand [NOT] LIKE pattern`.
#[derive(Clone, Debug)]
pub struct Like {
    /// What is compared.
    pub operand: Node,
    /// The pattern, or the text of which it is made.
    pub pattern: Node,
    /// `NOT LIKE`.
    pub negated: bool,
    /// Upper and lower case are the same.
    pub ignore_case: bool,
    /// What the pattern is made of.
    pub shape: LikeShape,
}

/// How a pattern is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LikeShape {
    /// It is a pattern as it stands.
    Pattern,
    /// It is a pattern in which `/` escapes `%`, `_` and itself.
    Escaped,
    /// It is an expression whose text is to be at the beginning; its `%` and `_` are escaped.
    StartsWith,
    /// It is an expression whose text is to be at the end.
    EndsWith,
    /// It is an expression whose text is to be somewhere.
    Contains,
}

/// `CASE WHEN … THEN … ELSE … END`.
#[derive(Clone, Debug)]
pub struct Case {
    /// Conditions and results.
    pub whens: Vec<(Node, Node)>,
    /// The result where none holds; NULL if there is none.
    pub otherwise: Option<Node>,
}

/// A call of a function.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name; letters, digits, `_` and `.` only.
    pub name: Cow<'static, str>,
    /// The arguments.
    pub args: Vec<Node>,
    /// The type of the result.
    pub data_type: Option<DataType>,
    /// `DISTINCT` before the arguments.
    pub distinct: bool,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Node>,
    /// `OVER (…)`.
    pub over: Option<Window>,
}

/// What a window function looks over.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Window {
    /// `PARTITION BY`.
    pub partition_by: Vec<Node>,
    /// `ORDER BY`.
    pub order_by: Vec<Node>,
}

/// The direction of an ORDER BY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Direction {
    /// From the greatest to the least.
    pub descending: bool,
    /// Where NULLs come.
    pub nulls: NullsOrder,
}

/// Where NULLs come in an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NullsOrder {
    /// Where the database puts them.
    #[default]
    Default,
    /// Before all others.
    First,
    /// After all others.
    Last,
}

/// SQL as it is written, with parameters.
#[derive(Clone, Debug)]
pub struct TextNode {
    /// Its parts.
    pub parts: Vec<TextPart>,
    /// The type of the result.
    pub data_type: Option<DataType>,
}

/// A part of a [`TextNode`].
#[derive(Clone, Debug)]
pub enum TextPart {
    /// SQL as it is.
    Sql(Box<str>),
    /// The place of a parameter: its name (or number), and what was given for it.
    Bind(Box<str>, Option<Node>),
}
