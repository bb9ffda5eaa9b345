//! The SQL twin of a Rust expression: what `#[hybrids]` makes of the body of a hybrid.
//!
//! A body is Rust, and means what Rust says. Where SQL has another opinion, the twin is written so that it means
//! the same: above all of NULL, which is `None` here, equal to itself.

use aludel_sql::{
    BinaryOp, Case, ColumnType, DataType, Expr, Expression, Function, IntoExpr, IntoNode, Junction,
    Literal, Node, UnaryOp, Value,
};

/// An expression of SQL, and whether it may be NULL.
#[derive(Clone, Debug)]
pub struct Twin {
    node: Node,
    nullable: bool,
}

/// What is not to be NULL here is an error that the statement gives.
const NULL_ORDERED: &str = "a hybrid compares by order, or computes with, what may be NULL: in Rust `None` is less than \
     all else, and in SQL it is neither less nor greater; say what is meant by `is_some_and`, `map` or `unwrap_or`";

fn call(name: &'static str, args: Vec<Node>, data_type: Option<DataType>) -> Node {
    let (distinct, filter, over) = (false, None, None);
    Node::Function(Box::new(Function {
        name: name.into(),
        args,
        data_type,
        distinct,
        filter,
        over,
    }))
}

fn text() -> Option<DataType> {
    Some(DataType::Text(None))
}

#[allow(clippy::should_implement_trait, reason = "called by path, as derived code does")]
impl Twin {
    fn new(node: Node, nullable: bool) -> Self {
        Self { node, nullable }
    }

    /// An attribute, another hybrid, or any expression with a type.
    pub fn of<E: Expression>(expression: E) -> Self
    where
        E::Value: ColumnType,
    {
        Self::new(expression.into_node(), <E::Value as ColumnType>::NULLABLE)
    }

    /// A parameter of a hybrid.
    pub fn param<T: ColumnType>(value: impl IntoExpr<T>) -> Self {
        let node = value.into_node();
        let is_value = matches!(&node, Node::Literal(literal) if !literal.value.is_null());
        Self::new(node, T::NULLABLE && !is_value)
    }

    /// A value: a literal, a constant.
    pub fn constant(value: impl IntoNode) -> Self {
        let node = value.into_node();
        let nullable = node.is_null();
        Self::new(node, nullable)
    }

    /// `None`
    pub fn null() -> Self {
        Self::new(Node::Null, true)
    }

    /// What it holds where it is not `None`.
    #[must_use]
    pub fn known(&self) -> Self {
        Self::new(self.node.clone(), false)
    }

    /// As an argument of a hybrid of another object: it is about this one.
    #[must_use]
    pub fn outside(self) -> Self {
        Self::new(crate::loading::hybrids::outside(self.node), self.nullable)
    }

    /// The expression of the hybrid.
    pub fn expr<V>(self) -> Expr<V> {
        Expr::from_node(self.node)
    }

    fn is_text(&self) -> bool {
        matches!(self.node.data_type(), Some(DataType::Text(_)))
    }

    /// As a text, in one that is put together.
    fn shown(self) -> Node {
        if self.is_text() {
            self.node
        } else {
            Node::Cast(Box::new(self.node), DataType::Text(None))
        }
    }

    fn checked(self, other: Self, op: BinaryOp) -> Self {
        if self.nullable || other.nullable {
            let wrong = Literal::new(Value::Invalid(NULL_ORDERED.into()), DataType::Any);
            return Self::new(Node::Literal(wrong), false);
        }
        Self::new(Node::binary(op, self.node, other.node), false)
    }

    /// `+`: of texts, one after the other.
    pub fn add(self, other: Self) -> Self {
        let op = if self.is_text() || other.is_text() { BinaryOp::Concat } else { BinaryOp::Add };
        self.checked(other, op)
    }

    /// `-`
    pub fn sub(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Sub)
    }

    /// `*`
    pub fn mul(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Mul)
    }

    /// `/`
    pub fn div(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Div)
    }

    /// `%`
    pub fn rem(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Rem)
    }

    /// `-x`
    pub fn neg(self) -> Self {
        // A negative number is a value: databases do not guess the type of a parameter behind a sign.
        let node = match self.node {
            Node::Literal(mut literal) => {
                literal.value = match literal.value {
                    Value::I64(number) => Value::I64(number.wrapping_neg()),
                    Value::F64(number) => Value::F64(-number),
                    other => other,
                };
                Node::Literal(literal)
            }
            other => Node::Unary(UnaryOp::Neg, Box::new(other)),
        };
        Self::new(node, self.nullable)
    }

    /// `!x`
    pub fn not(self) -> Self {
        Self::new(self.node.not(), self.nullable)
    }

    /// `==`: what is `None` is equal to `None`, and to nothing else.
    pub fn eq(self, other: Self) -> Self {
        let (left, right) = (self.node, other.node);
        let node = match (self.nullable, other.nullable) {
            _ if left.is_null() || right.is_null() => Node::eq(left, right),
            (false, false) => Node::eq(left, right),
            (true, true) => Node::binary(BinaryOp::IsNotDistinct, left, right),
            (true, false) => Node::and([Node::eq(left.clone(), right), some(left)]),
            (false, true) => Node::and([Node::eq(left, right.clone()), some(right)]),
        };
        Self::new(node, false)
    }

    /// `!=`
    pub fn ne(self, other: Self) -> Self {
        self.eq(other).not()
    }

    /// `<`
    pub fn lt(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Lt)
    }

    /// `<=`
    pub fn le(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Le)
    }

    /// `>`
    pub fn gt(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Gt)
    }

    /// `>=`
    pub fn ge(self, other: Self) -> Self {
        self.checked(other, BinaryOp::Ge)
    }

    /// `&&`
    pub fn and(self, other: Self) -> Self {
        Self::new(Node::and([self.node, other.node]), self.nullable || other.nullable)
    }

    /// `||`
    pub fn or(self, other: Self) -> Self {
        Self::new(Node::or([self.node, other.node]), self.nullable || other.nullable)
    }

    /// `if self { then } else { otherwise }`
    pub fn choose(self, then: Self, otherwise: Self) -> Self {
        let nullable = then.nullable || otherwise.nullable;
        let (whens, otherwise) = (vec![(self.node, then.node)], Some(otherwise.node));
        Self::new(Node::Case(Box::new(Case { whens, otherwise })), nullable)
    }

    /// `is_none()`
    pub fn is_none(self) -> Self {
        Self::new(Node::eq(self.node, Node::Null), false)
    }

    /// `is_some()`
    pub fn is_some(self) -> Self {
        Self::new(some(self.node), false)
    }

    /// `unwrap_or(other)`, `or(other)`
    pub fn unwrap_or(self, other: Self) -> Self {
        let nullable = self.nullable && other.nullable;
        let data_type = self.node.data_type();
        Self::new(call("coalesce", vec![self.node, other.node], data_type), nullable)
    }

    /// `map(…)`, `and_then(…)`
    pub fn map(self, change: impl FnOnce(Self) -> Self) -> Self {
        let changed = change(self.known());
        if !self.nullable {
            return changed;
        }
        self.is_some().choose(changed, Self::null())
    }

    /// `map_or(otherwise, …)`
    pub fn map_or(self, otherwise: Self, change: impl FnOnce(Self) -> Self) -> Self {
        let changed = change(self.known());
        self.is_some().choose(changed, otherwise)
    }

    /// `is_some_and(…)`
    pub fn is_some_and(self, condition: impl FnOnce(Self) -> Self) -> Self {
        let condition = condition(self.known());
        let both = vec![some(self.node), condition.node];
        Self::new(Node::Junction(Junction::And, both), condition.nullable)
    }

    /// `to_lowercase()`
    pub fn lower(self) -> Self {
        Self::new(call("lower", vec![self.node], text()), self.nullable)
    }

    /// `to_uppercase()`
    pub fn upper(self) -> Self {
        Self::new(call("upper", vec![self.node], text()), self.nullable)
    }

    /// `chars().count()`
    pub fn length(self) -> Self {
        Self::new(call("length", vec![self.node], Some(DataType::BigInt)), self.nullable)
    }

    /// `abs()`
    pub fn abs(self) -> Self {
        let data_type = self.node.data_type();
        Self::new(call("abs", vec![self.node], data_type), self.nullable)
    }

    /// `min(other)`
    pub fn min(self, other: Self) -> Self {
        self.clone().lt(other.clone()).choose(self, other)
    }

    /// `max(other)`
    pub fn max(self, other: Self) -> Self {
        self.clone().gt(other.clone()).choose(self, other)
    }

    /// `is_empty()`
    pub fn is_empty(self) -> Self {
        self.eq(Self::constant(""))
    }

    /// `starts_with(text)`
    pub fn starts_with(self, start: Self) -> Self {
        let length = start.clone().length();
        let first = call("substr", vec![self.node, 1i32.into_node(), length.node], text());
        Self::new(first, self.nullable).eq(start)
    }

    /// `ends_with(text)`
    pub fn ends_with(self, end: Self) -> Self {
        // What is shorter than its end is found out by its length: a place before the first means nothing special.
        let (length, of_end) = (self.clone().length(), end.clone().length());
        let long_enough = length.clone().ge(of_end.clone());
        let from = Node::binary(BinaryOp::Add, length.sub(of_end).node, 1i64.into_node());
        let last = call("substr", vec![self.node, from], text());
        long_enough.and(Self::new(last, self.nullable).eq(end))
    }

    /// `contains(text)`
    pub fn contains(self, part: Self) -> Self {
        let args = vec![self.node.clone(), part.node.clone(), "".into_node()];
        let without = Self::new(call("replace", args, text()), self.nullable);
        part.is_empty().or(without.ne(self))
    }

    /// `format!("…")`: texts and expressions, one after the other.
    pub fn text_of(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut nullable = false;
        let parts = parts.into_iter().map(|part| {
            nullable |= part.nullable;
            part.shown()
        });
        let node = parts.reduce(|all, part| Node::binary(BinaryOp::Concat, all, part));
        Self::new(node.unwrap_or_else(|| "".into_node()), nullable)
    }

    /// `i64::from(x)`, `x as f64`: the same number in another type.
    pub fn number<T: ColumnType>(self) -> Self {
        Self::new(Node::Cast(Box::new(self.node), T::TYPE), self.nullable)
    }
}

impl IntoNode for Twin {
    fn into_node(self) -> Node {
        self.node
    }
}

/// As an argument of another hybrid: its type was checked where the body was compiled.
impl<T> IntoExpr<T> for Twin {}

fn some(node: Node) -> Node {
    Node::ne(node, Node::Null)
}
