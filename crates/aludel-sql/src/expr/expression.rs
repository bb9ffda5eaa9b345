//! The methods of expressions.

use super::{Expr, Func, IntoExpr, IntoNode, IntoNodes, NumberType, Ordered, TextType};
use crate::statement::Query;
use crate::tree::{Between, BinaryOp, In, InSet, Like, LikeShape, Literal, Node, UnaryOp};
use crate::{ColumnType, DataType, Value};

type Bool = Expr<bool>;

fn binary<T>(op: BinaryOp, left: impl IntoNode, right: impl IntoNode) -> Expr<T> {
    Expr::from_node(Node::binary(op, left.into_node(), right.into_node()))
}

fn unary<T>(op: UnaryOp, operand: impl IntoNode) -> Expr<T> {
    Expr::from_node(Node::Unary(op, Box::new(operand.into_node())))
}

fn like(operand: Node, pattern: Node, shape: LikeShape, negated: bool, ignore_case: bool) -> Bool {
    let (pattern, shape) = escaped(pattern, shape);
    Expr::from_node(Node::Like(Box::new(Like { operand, pattern, negated, ignore_case, shape })))
}

/// The pattern for a text that is known: escaped here, rather than by the database.
fn escaped(pattern: Node, shape: LikeShape) -> (Node, LikeShape) {
    let (before, after) = match shape {
        LikeShape::StartsWith => ("", "%"),
        LikeShape::EndsWith => ("%", ""),
        LikeShape::Contains => ("%", "%"),
        LikeShape::Pattern | LikeShape::Escaped => return (pattern, shape),
    };
    let Node::Literal(Literal { value: Value::Text(text), .. }) = &pattern else {
        return (pattern, shape);
    };
    let mut made = String::with_capacity(text.len() + 2);
    made.push_str(before);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '/') {
            made.push('/');
        }
        made.push(c);
    }
    made.push_str(after);
    (Node::literal(made), LikeShape::Escaped)
}

fn in_list(operand: Node, list: Vec<Node>, negated: bool) -> Bool {
    let set = InSet::List(list);
    Expr::from_node(Node::In(Box::new(In { operand, negated, set })))
}

fn in_query(operand: Node, query: Query, negated: bool) -> Bool {
    let set = InSet::Query(query);
    Expr::from_node(Node::In(Box::new(In { operand, negated, set })))
}

fn call<T>(name: &'static str, args: Vec<Node>, data_type: Option<DataType>) -> Func<T> {
    Func::new(name, args, data_type)
}

/// What has a value in SQL: columns, attributes of mapped classes, and all that is made of them.
///
/// Operands are expressions or values; a value becomes a parameter. Comparing with `None` asks for
/// NULL: `eq(None)` is `IS NULL`.
#[allow(clippy::wrong_self_convention)] // An expression is given away, as with `std::ops`.
pub trait Expression: IntoNode + Sized {
    /// The Rust type of the value.
    type Value;

    /// The expression, with the type written on it.
    fn into_expr(self) -> Expr<Self::Value> {
        Expr::from_node(self.into_node())
    }

    /// `=`
    fn eq(self, other: impl IntoExpr<Self::Value>) -> Bool {
        Expr::from_node(Node::eq(self.into_node(), other.into_node()))
    }

    /// `<>`
    fn ne(self, other: impl IntoExpr<Self::Value>) -> Bool {
        Expr::from_node(Node::ne(self.into_node(), other.into_node()))
    }

    /// `<`
    fn lt(self, other: impl IntoExpr<Self::Value>) -> Bool {
        binary(BinaryOp::Lt, self, other)
    }

    /// `<=`
    fn le(self, other: impl IntoExpr<Self::Value>) -> Bool {
        binary(BinaryOp::Le, self, other)
    }

    /// `>`
    fn gt(self, other: impl IntoExpr<Self::Value>) -> Bool {
        binary(BinaryOp::Gt, self, other)
    }

    /// `>=`
    fn ge(self, other: impl IntoExpr<Self::Value>) -> Bool {
        binary(BinaryOp::Ge, self, other)
    }

    /// `IS NULL`
    fn is_null(self) -> Bool {
        unary(UnaryOp::IsNull, self)
    }

    /// `IS NOT NULL`
    fn is_not_null(self) -> Bool {
        unary(UnaryOp::IsNotNull, self)
    }

    /// Different as values: NULL is the same as NULL.
    fn is_distinct_from(self, other: impl IntoExpr<Self::Value>) -> Bool {
        binary(BinaryOp::IsDistinct, self, other)
    }

    /// The same as values: NULL is the same as NULL.
    fn is_not_distinct_from(self, other: impl IntoExpr<Self::Value>) -> Bool {
        binary(BinaryOp::IsNotDistinct, self, other)
    }

    /// `IN`; of nothing, false.
    fn in_<V: IntoExpr<Self::Value>>(self, values: impl IntoIterator<Item = V>) -> Bool {
        let list = values.into_iter().map(IntoNode::into_node).collect();
        in_list(self.into_node(), list, false)
    }

    /// `NOT IN`; of nothing, true.
    fn not_in<V: IntoExpr<Self::Value>>(self, values: impl IntoIterator<Item = V>) -> Bool {
        let list = values.into_iter().map(IntoNode::into_node).collect();
        in_list(self.into_node(), list, true)
    }

    /// `IN (SELECT …)`
    fn in_query(self, query: impl Into<Query>) -> Bool {
        in_query(self.into_node(), query.into(), false)
    }

    /// `NOT IN (SELECT …)`
    fn not_in_query(self, query: impl Into<Query>) -> Bool {
        in_query(self.into_node(), query.into(), true)
    }

    /// `BETWEEN`: both ends belong to it.
    fn between(self, low: impl IntoExpr<Self::Value>, high: impl IntoExpr<Self::Value>) -> Bool {
        let (operand, low, high) = (self.into_node(), low.into_node(), high.into_node());
        Expr::from_node(Node::Between(Box::new(Between { operand, low, high, negated: false })))
    }

    /// `LIKE`, with `%` and `_` in the pattern. Whether upper and lower case differ is the
    /// database's choice: they do on PostgreSQL, they do not on SQLite (for ASCII) and MySQL.
    fn like(self, pattern: impl IntoExpr<String>) -> Bool
    where
        Self::Value: TextType,
    {
        like(self.into_node(), pattern.into_node(), LikeShape::Pattern, false, false)
    }

    /// `NOT LIKE`
    fn not_like(self, pattern: impl IntoExpr<String>) -> Bool
    where
        Self::Value: TextType,
    {
        like(self.into_node(), pattern.into_node(), LikeShape::Pattern, true, false)
    }

    /// As `LIKE`, with upper and lower case the same.
    fn ilike(self, pattern: impl IntoExpr<String>) -> Bool
    where
        Self::Value: TextType,
    {
        like(self.into_node(), pattern.into_node(), LikeShape::Pattern, false, true)
    }

    /// Whether it begins with a text, in which `%` and `_` are nothing special. As with `LIKE`,
    /// whether upper and lower case differ is the database's choice.
    fn starts_with(self, text: impl IntoExpr<String>) -> Bool
    where
        Self::Value: TextType,
    {
        like(self.into_node(), text.into_node(), LikeShape::StartsWith, false, false)
    }

    /// Whether it ends with a text; see [`starts_with`](Self::starts_with).
    fn ends_with(self, text: impl IntoExpr<String>) -> Bool
    where
        Self::Value: TextType,
    {
        like(self.into_node(), text.into_node(), LikeShape::EndsWith, false, false)
    }

    /// Whether it contains a text; see [`starts_with`](Self::starts_with).
    fn contains(self, text: impl IntoExpr<String>) -> Bool
    where
        Self::Value: TextType,
    {
        like(self.into_node(), text.into_node(), LikeShape::Contains, false, false)
    }

    /// `||`
    fn concat(self, other: impl IntoExpr<String>) -> Expr<Self::Value>
    where
        Self::Value: TextType,
    {
        binary(BinaryOp::Concat, self, other)
    }

    /// `lower`
    fn lower(self) -> Func<Self::Value>
    where
        Self::Value: TextType,
    {
        call("lower", vec![self.into_node()], Some(DataType::Text(None)))
    }

    /// `upper`
    fn upper(self) -> Func<Self::Value>
    where
        Self::Value: TextType,
    {
        call("upper", vec![self.into_node()], Some(DataType::Text(None)))
    }

    /// `trim`: without spaces at both ends.
    fn trim(self) -> Func<Self::Value>
    where
        Self::Value: TextType,
    {
        call("trim", vec![self.into_node()], Some(DataType::Text(None)))
    }

    /// The number of characters. NULL has none.
    fn length(self) -> Func<Option<i64>>
    where
        Self::Value: TextType,
    {
        call("length", vec![self.into_node()], Some(DataType::BigInt))
    }

    /// `+`
    fn add(self, other: impl IntoExpr<Self::Value>) -> Expr<Self::Value>
    where
        Self::Value: NumberType,
    {
        binary(BinaryOp::Add, self, other)
    }

    /// `-`
    fn sub(self, other: impl IntoExpr<Self::Value>) -> Expr<Self::Value>
    where
        Self::Value: NumberType,
    {
        binary(BinaryOp::Sub, self, other)
    }

    /// `*`
    fn mul(self, other: impl IntoExpr<Self::Value>) -> Expr<Self::Value>
    where
        Self::Value: NumberType,
    {
        binary(BinaryOp::Mul, self, other)
    }

    /// `/`, as the database divides.
    fn div(self, other: impl IntoExpr<Self::Value>) -> Expr<Self::Value>
    where
        Self::Value: NumberType,
    {
        binary(BinaryOp::Div, self, other)
    }

    /// `%`
    fn rem(self, other: impl IntoExpr<Self::Value>) -> Expr<Self::Value>
    where
        Self::Value: NumberType,
    {
        binary(BinaryOp::Rem, self, other)
    }

    /// `abs`
    fn abs(self) -> Func<Self::Value>
    where
        Self::Value: NumberType,
    {
        let node = self.into_node();
        let data_type = node.data_type();
        call("abs", vec![node], data_type)
    }

    /// `round`, to whole numbers.
    fn round(self) -> Func<Self::Value>
    where
        Self::Value: NumberType,
    {
        let node = self.into_node();
        let data_type = node.data_type();
        call("round", vec![node], data_type)
    }

    /// Any other operator, as it is written.
    fn op<T>(self, operator: &'static str, other: impl IntoNode) -> Expr<T> {
        binary(BinaryOp::Other(operator), self, other)
    }

    /// From the least to the greatest, for ORDER BY.
    fn asc(self) -> Ordered {
        Ordered::new(self.into_node(), false)
    }

    /// From the greatest to the least, for ORDER BY.
    fn desc(self) -> Ordered {
        Ordered::new(self.into_node(), true)
    }

    /// With a name for its column of the result. In ORDER BY and GROUP BY the name stands for the
    /// expression.
    fn label(self, name: &str) -> Expr<Self::Value> {
        Expr::from_node(Node::Label(Box::new(self.into_node()), name.into()))
    }

    /// `CAST` to the column type of a Rust type.
    fn cast<T: ColumnType>(self) -> Expr<T> {
        Expr::from_node(Node::Cast(Box::new(self.into_node()), T::TYPE))
    }

    /// Taken for another type, with nothing said to the database.
    fn type_as<T>(self) -> Expr<T> {
        Expr::from_node(self.into_node())
    }

    /// Taken for a value that may be NULL, as a column of the far side of a left join may.
    fn nullable(self) -> Expr<Option<Self::Value>> {
        Expr::from_node(self.into_node())
    }

    /// The first that is not NULL: itself, or one of the others. NULL if all are.
    fn coalesce(self, others: impl IntoNodes) -> Func<Self::Value> {
        let mut args = vec![self.into_node()];
        args.extend(others.into_nodes());
        let data_type = args[0].data_type();
        call("coalesce", args, data_type)
    }

    /// The other where this is NULL; the other is not NULL, so neither is the result.
    fn unwrap_or<T>(self, other: impl IntoExpr<T>) -> Func<T>
    where
        Self: Expression<Value = Option<T>>,
    {
        self.coalesce((other,)).retyped()
    }

    /// `nullif`: NULL where it is equal to the other.
    fn null_if(self, other: impl IntoExpr<Self::Value>) -> Func<Option<Self::Value>> {
        let node = self.into_node();
        let data_type = node.data_type();
        call("nullif", vec![node, other.into_node()], data_type)
    }

    /// How many rows have a value that is not NULL.
    fn count(self) -> Func<i64> {
        call("count", vec![self.into_node()], Some(DataType::BigInt))
    }

    /// The least value; NULL of no rows.
    fn min(self) -> Func<Option<Self::Value>> {
        let node = self.into_node();
        let data_type = node.data_type();
        call("min", vec![node], data_type)
    }

    /// The greatest value; NULL of no rows.
    fn max(self) -> Func<Option<Self::Value>> {
        let node = self.into_node();
        let data_type = node.data_type();
        call("max", vec![node], data_type)
    }

    /// The sum; NULL of no rows. Of integers it is an `i64`.
    fn sum(self) -> Func<Option<<Self::Value as NumberType>::Sum>>
    where
        Self::Value: NumberType,
    {
        let data_type = <<Self::Value as NumberType>::Sum as ColumnType>::TYPE;
        call("sum", vec![self.into_node()], Some(data_type)).coerced(data_type)
    }

    /// The average; NULL of no rows. Of integers it is an `f64`.
    fn avg(self) -> Func<Option<<Self::Value as NumberType>::Average>>
    where
        Self::Value: NumberType,
    {
        let data_type = <<Self::Value as NumberType>::Average as ColumnType>::TYPE;
        call("avg", vec![self.into_node()], Some(data_type)).coerced(data_type)
    }
}
