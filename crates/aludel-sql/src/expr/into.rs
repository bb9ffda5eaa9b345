//! What may stand as an operand.

use std::borrow::Cow;

use super::{CaseBuilder, Expr, Expression, Func, Ordered, TextBuilder, TupleOf};
use crate::tree::{ColumnRef, Literal, Node, Param};
use crate::{ColumnType, Value};

/// What can be made a node: expressions, and values of column types, which become parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an SQL expression nor a value that a column can hold",
    label = "not an expression and not a column's value",
    note = "values are those of types that implement `aludel::ColumnType`"
)]
pub trait IntoNode {
    /// The node.
    fn into_node(self) -> Node;
}

/// What may stand where an expression of a type is wanted: expressions of the type (or of it as an
/// `Option`, or the other way round), and values of it.
///
/// It has no methods: an expression type of another layer implements [`IntoNode`], and this for
/// `IntoExpr<T>` and `IntoExpr<Option<T>>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared or combined with an expression of `{T}`",
    label = "neither an expression of `{T}` nor a value of it",
    note = "convert the value, or use `.cast::<_>()` or `.type_as::<_>()` on one of the expressions"
)]
pub trait IntoExpr<T>: IntoNode {}

/// A list of nodes: one, a tuple, an array or a vector of them, or none as `()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of SQL expressions",
    label = "expressions are expected: one, a tuple `(a, b)`, an array or a vector",
    note = "a single value is written as a tuple of one, `(value,)`"
)]
pub trait IntoNodes {
    /// The nodes.
    fn into_nodes(self) -> Vec<Node>;
}

// Values.

impl<V: ColumnType> IntoNode for V {
    fn into_node(self) -> Node {
        Node::literal(self)
    }
}

impl<V: ColumnType> IntoExpr<V> for V {}
impl<V: ColumnType> IntoExpr<Option<V>> for V {}

macro_rules! borrowed {
    ($($borrowed:ty => $($owned:ty),*;)*) => {$(
        impl IntoNode for $borrowed {
            fn into_node(self) -> Node {
                Node::Literal(Literal::new(Value::from(self), <borrowed!(@first $($owned),*)>::TYPE))
            }
        }
        $(
            impl IntoExpr<$owned> for $borrowed {}
            impl IntoExpr<Option<$owned>> for $borrowed {}
        )*
    )*};
    (@first $first:ty $(, $rest:ty)*) => { $first };
}

borrowed! {
    &String => String, Box<str>, Cow<'static, str>;
    &str => String, Box<str>, Cow<'static, str>;
    &[u8] => Vec<u8>;
}

impl IntoExpr<Box<str>> for String {}
impl IntoExpr<Option<Box<str>>> for String {}

// Expressions.

impl IntoNode for Node {
    fn into_node(self) -> Node {
        self
    }
}

impl IntoNode for &Node {
    fn into_node(self) -> Node {
        self.clone()
    }
}

impl IntoNode for ColumnRef {
    fn into_node(self) -> Node {
        Node::Column(self)
    }
}

impl IntoNode for Param {
    fn into_node(self) -> Node {
        Node::Param(self)
    }
}

impl<T> IntoNode for Expr<T> {
    fn into_node(self) -> Node {
        self.node
    }
}

impl<T> IntoNode for &Expr<T> {
    fn into_node(self) -> Node {
        self.node.clone()
    }
}

impl IntoNode for Ordered {
    fn into_node(self) -> Node {
        self.node()
    }
}

macro_rules! expression {
    ($($(&$l:lifetime)? $t:ident),*) => {$(
        impl<T> Expression for $(&$l)? $t<T> {
            type Value = T;
        }

        impl<T> IntoExpr<T> for $(&$l)? $t<T> {}
        impl<T> IntoExpr<Option<T>> for $(&$l)? $t<T> {}
        impl<T> IntoExpr<T> for $(&$l)? $t<Option<T>> {}
    )*};
}

expression!(Expr, &'_ Expr, Func, CaseBuilder, TextBuilder);

// Lists.

impl IntoNodes for () {
    fn into_nodes(self) -> Vec<Node> {
        Vec::new()
    }
}

impl<N: IntoNode> IntoNodes for Vec<N> {
    fn into_nodes(self) -> Vec<Node> {
        self.into_iter().map(IntoNode::into_node).collect()
    }
}

impl<N: IntoNode, const LEN: usize> IntoNodes for [N; LEN] {
    fn into_nodes(self) -> Vec<Node> {
        self.into_iter().map(IntoNode::into_node).collect()
    }
}

macro_rules! single {
    ($($t:ty $(, $p:ident)?;)*) => {$(
        impl $(<$p>)? IntoNodes for $t {
            fn into_nodes(self) -> Vec<Node> {
                vec![self.into_node()]
            }
        }
    )*};
}

single! {
    Node;
    Ordered;
    Expr<T>, T;
    &Expr<T>, T;
    Func<T>, T;
    CaseBuilder<T>, T;
    TextBuilder<T>, T;
}

macro_rules! tuples {
    ($($name:ident $value:ident),*) => {
        impl<$($name: IntoNode),*> IntoNodes for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_nodes(self) -> Vec<Node> {
                let ($($name,)*) = self;
                vec![$($name.into_node()),*]
            }
        }

        impl<$($name: IntoNode),*> IntoNode for ($($name,)*) {
            fn into_node(self) -> Node {
                Node::Tuple(self.into_nodes())
            }
        }

        impl<$($value,)* $($name: IntoExpr<$value>),*> IntoExpr<($($value,)*)> for ($($name,)*) {}

        impl<$($name: Expression),*> TupleOf for ($($name,)*) {
            type Values = ($($name::Value,)*);
        }
    };
}

tuples!(A VA);
tuples!(A VA, B VB);
tuples!(A VA, B VB, C VC);
tuples!(A VA, B VB, C VC, D VD);
tuples!(A VA, B VB, C VC, D VD, E VE);
tuples!(A VA, B VB, C VC, D VD, E VE, F VF);
tuples!(A VA, B VB, C VC, D VD, E VE, F VF, G VG);
tuples!(A VA, B VB, C VC, D VD, E VE, F VF, G VG, H VH);
tuples!(A VA, B VB, C VC, D VD, E VE, F VF, G VG, H VH, I VI);
tuples!(A VA, B VB, C VC, D VD, E VE, F VF, G VG, H VH, I VI, J VJ);
