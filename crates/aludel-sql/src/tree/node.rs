//! The node: one enum for every kind of expression.

use std::sync::Arc;

use super::{
    Between, Case, CustomNode, Direction, Function, In, Like, Selectable, Source, TextNode,
};
use crate::statement::Query;
use crate::{ColumnType, DataType, Table, Value};

/// An expression, without its Rust type. Typed code uses [`Expr`](crate::Expr), which holds one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Node {
    /// A column of a table, alias or common table expression.
    Column(ColumnRef),
    /// A value; it becomes a parameter, never text.
    Literal(Literal),
    /// A parameter that the caller gives by position.
    Param(Param),
    /// NULL, as the word.
    Null,
    /// `*`, as in `count(*)`.
    Star,
    /// An operator with one operand.
    Unary(UnaryOp, Box<Node>),
    /// An operator with two operands.
    Binary(BinaryOp, Box<(Node, Node)>),
    /// AND or OR of any number of conditions: of none, true or false.
    Junction(Junction, Vec<Node>),
    /// `IN` and `NOT IN`.
    In(Box<In>),
    /// `BETWEEN`.
    Between(Box<Between>),
    /// `LIKE` and its relatives.
    Like(Box<Like>),
    /// `CASE WHEN`.
    Case(Box<Case>),
    /// `CAST`.
    Cast(Box<Node>, DataType),
    /// A type that the result is to have: a CAST on the databases that would give another one.
    Coerce(Box<Node>, DataType),
    /// A call of a function, an aggregate or a window function.
    Function(Box<Function>),
    /// `(a, b)`.
    Tuple(Vec<Node>),
    /// A subquery that stands for a value.
    Subquery(Query),
    /// `EXISTS`.
    Exists(Query),
    /// An expression with the name of its column in the result.
    Label(Box<Node>, Box<str>),
    /// An expression with the direction of an ORDER BY.
    Order(Box<Node>, Direction),
    /// In ON CONFLICT: what would have been inserted into a column.
    Excluded(Table, u16),
    /// SQL as it is written, with parameters.
    Text(Arc<TextNode>),
    /// What a layer above put here; it must be rewritten before the tree is rendered.
    Custom(Arc<dyn CustomNode>),
}

/// A column of a source.
#[derive(Clone, Debug)]
pub struct ColumnRef {
    /// What it is a column of.
    pub source: Source,
    /// Its position.
    pub column: u16,
}

/// A value with the type it is to have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Literal {
    /// The value.
    pub value: Value,
    /// The type, without a size.
    pub data_type: DataType,
}

/// A parameter that the caller gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its position among the caller's parameters, from 0.
    pub ordinal: u32,
    /// The type.
    pub data_type: DataType,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `NOT`.
    Not,
    /// `-`.
    Neg,
    /// `IS NULL`.
    IsNull,
    /// `IS NOT NULL`.
    IsNotNull,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `=`.
    Eq,
    /// `<>`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// Different as values: NULL is the same as NULL.
    IsDistinct,
    /// The same as values: NULL is the same as NULL.
    IsNotDistinct,
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`, as the database divides: integers give an integer, but on MySQL.
    Div,
    /// `%`.
    Rem,
    /// `||`.
    Concat,
    /// Any other, as it is written.
    Other(&'static str),
}

/// What joins conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Junction {
    /// All must hold.
    And,
    /// One must hold.
    Or,
}

impl Literal {
    /// A value of a type.
    pub fn new(value: Value, data_type: DataType) -> Self {
        let data_type = match data_type {
            DataType::Text(_) => DataType::Text(None),
            DataType::Numeric(_) => DataType::Numeric(None),
            other => other,
        };
        Self { value, data_type }
    }
}

impl ColumnRef {
    /// The column's name.
    pub fn name(&self) -> &str {
        self.source.column_name(self.column)
    }
}

impl Node {
    /// A value, to be bound.
    pub fn literal<T: ColumnType>(value: T) -> Self {
        value.into_literal()
    }

    /// A value of a type known at run time, to be bound. The values of a [`Value::Tuple`] are bound one by
    /// one.
    pub fn value(value: Value, data_type: DataType) -> Self {
        match value {
            Value::Tuple(values) => {
                let each = values.into_vec().into_iter();
                // A NULL is written as the word, so that a comparison with it is one with NULL.
                let node = |value: Value| match value {
                    Value::Null => Self::Null,
                    value => Self::value(value, DataType::Any),
                };
                Self::Tuple(each.map(node).collect())
            }
            value => Self::Literal(Literal::new(value, data_type)),
        }
    }

    /// A column of a table, alias or common table expression.
    pub fn column(source: &impl Selectable, column: u16) -> Self {
        Self::Column(ColumnRef { source: source.to_source(), column })
    }

    /// A parameter that the caller gives, by position from 0. For statements that are rendered
    /// once and held, as by [`Statement::render`](crate::Statement::render).
    pub fn param(ordinal: u32, data_type: DataType) -> Self {
        let data_type = Literal::new(Value::Null, data_type).data_type;
        Self::Param(Param { ordinal, data_type })
    }

    /// An operator with two operands.
    pub fn binary(op: BinaryOp, left: Node, right: Node) -> Self {
        Self::Binary(op, Box::new((left, right)))
    }

    /// Two operands that are equal; equality with a NULL given as a value is `IS NULL`.
    pub fn eq(left: Node, right: Node) -> Self {
        match (left, right) {
            (l, r) if r.is_null() => Self::Unary(UnaryOp::IsNull, Box::new(l)),
            (l, r) if l.is_null() => Self::Unary(UnaryOp::IsNull, Box::new(r)),
            (l, r) => Self::binary(BinaryOp::Eq, l, r),
        }
    }

    /// Two operands that are not equal; inequality with a NULL given as a value is `IS NOT NULL`.
    pub fn ne(left: Node, right: Node) -> Self {
        match Self::eq(left, right) {
            Self::Binary(_, operands) => Self::Binary(BinaryOp::Ne, operands),
            Self::Unary(_, operand) => Self::Unary(UnaryOp::IsNotNull, operand),
            other => other.not(),
        }
    }

    /// All conditions hold; ANDs among them become part of this one.
    pub fn and(conditions: impl IntoIterator<Item = Node>) -> Self {
        Self::junction(Junction::And, conditions)
    }

    /// One of the conditions holds; ORs among them become part of this one.
    pub fn or(conditions: impl IntoIterator<Item = Node>) -> Self {
        Self::junction(Junction::Or, conditions)
    }

    fn junction(kind: Junction, conditions: impl IntoIterator<Item = Node>) -> Self {
        let mut all = Vec::new();
        for node in conditions {
            match node {
                Self::Junction(k, inner) if k == kind => all.extend(inner),
                other => all.push(other),
            }
        }
        if all.len() == 1 { all.remove(0) } else { Self::Junction(kind, all) }
    }

    /// A condition that does not hold: `a = b` becomes `a <> b`, `IN` becomes `NOT IN`, and so on.
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Self {
        // What is said of several columns at once is denied as a whole: that not all are equal does not
        // mean that every one differs. So is what an operand gives a meaning of its own.
        let as_a_whole = match &self {
            Self::Unary(UnaryOp::IsNull | UnaryOp::IsNotNull, inner) => inner.is_tuple(),
            Self::Binary(_, operands) => {
                let whole = |node: &Self| node.is_tuple() || node.compares();
                whole(&operands.0) || whole(&operands.1)
            }
            _ => false,
        };
        if as_a_whole {
            return Self::Unary(UnaryOp::Not, Box::new(self));
        }
        match self {
            Self::Unary(UnaryOp::Not, inner) => *inner,
            Self::Unary(UnaryOp::IsNull, inner) => Self::Unary(UnaryOp::IsNotNull, inner),
            Self::Unary(UnaryOp::IsNotNull, inner) => Self::Unary(UnaryOp::IsNull, inner),
            Self::Binary(op, operands) => match op.negated() {
                Some(op) => Self::Binary(op, operands),
                None => Self::Unary(UnaryOp::Not, Box::new(Self::Binary(op, operands))),
            },
            Self::In(mut node) => {
                node.negated = !node.negated;
                Self::In(node)
            }
            Self::Between(mut node) => {
                node.negated = !node.negated;
                Self::Between(node)
            }
            Self::Like(mut node) => {
                node.negated = !node.negated;
                Self::Like(node)
            }
            other => Self::Unary(UnaryOp::Not, Box::new(other)),
        }
    }

    /// Whether it stands for several columns or values.
    fn is_tuple(&self) -> bool {
        matches!(self, Self::Tuple(_)) || self.data_type() == Some(DataType::Tuple)
    }

    /// Whether it says itself what a comparison with it means.
    fn compares(&self) -> bool {
        matches!(self, Self::Custom(node) if node.compares())
    }

    /// Whether it is NULL, as the word or as a value.
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Literal(l) => l.value.is_null(),
            _ => false,
        }
    }

    /// The type, as far as it is known.
    pub fn data_type(&self) -> Option<DataType> {
        match self {
            Self::Column(c) => c.source.column_type(c.column),
            Self::Literal(l) => Some(l.data_type),
            Self::Param(p) => Some(p.data_type),
            Self::Unary(UnaryOp::Neg, node) | Self::Label(node, _) | Self::Order(node, _) => {
                node.data_type()
            }
            Self::Binary(op, operands) => match op {
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                    operands.0.data_type().or_else(|| operands.1.data_type())
                }
                BinaryOp::Concat => Some(DataType::Text(None)),
                BinaryOp::Other(_) => None,
                _ => Some(DataType::Boolean),
            },
            Self::Unary(..)
            | Self::Junction(..)
            | Self::In(_)
            | Self::Between(_)
            | Self::Like(_)
            | Self::Exists(_) => Some(DataType::Boolean),
            Self::Case(case) => case.whens.iter().find_map(|(_, then)| then.data_type()),
            Self::Cast(_, t) | Self::Coerce(_, t) => Some(*t),
            Self::Function(f) => f.data_type,
            Self::Subquery(query) => query.first_type(),
            Self::Excluded(table, c) => Some(table.columns()[usize::from(*c)].data_type),
            Self::Text(text) => text.data_type,
            Self::Custom(node) => node.data_type(),
            Self::Null | Self::Star | Self::Tuple(_) => None,
        }
    }

    /// The name that the expression gives a column of a result by itself.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Column(c) => Some(c.name()),
            Self::Label(_, name) => Some(name),
            Self::Function(f) => Some(&f.name),
            Self::Cast(node, _) | Self::Coerce(node, _) => node.name(),
            Self::Custom(node) => node.name(),
            _ => None,
        }
    }
}

impl BinaryOp {
    /// The operator that holds where this one does not; `None` for one that is no comparison.
    pub fn negated(self) -> Option<Self> {
        Some(match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Lt => Self::Ge,
            Self::Ge => Self::Lt,
            Self::Gt => Self::Le,
            Self::Le => Self::Gt,
            Self::IsDistinct => Self::IsNotDistinct,
            Self::IsNotDistinct => Self::IsDistinct,
            _ => return None,
        })
    }

    /// Whether it compares: its result is a truth value.
    pub fn is_comparison(self) -> bool {
        self.negated().is_some()
    }
}
