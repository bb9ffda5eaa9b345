//! Rust's operators on expressions.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Rem, Sub};

use super::{Expr, Func, IntoExpr, IntoNode, NumberType};
use crate::tree::{BinaryOp, Node, UnaryOp};

macro_rules! arithmetic {
    ($($of:ident: $($t:ident $method:ident),*;)*) => {$($(
        impl<T: NumberType, R: IntoExpr<T>> $t<R> for $of<T> {
            type Output = Expr<T>;

            fn $method(self, other: R) -> Expr<T> {
                Expr::from_node(Node::binary(BinaryOp::$t, self.into_node(), other.into_node()))
            }
        }
    )*)*};
}

arithmetic! {
    Expr: Add add, Sub sub, Mul mul, Div div, Rem rem;
    Func: Add add, Sub sub, Mul mul, Div div, Rem rem;
}

impl<T: NumberType> Neg for Expr<T> {
    type Output = Self;

    fn neg(self) -> Self {
        Self::from_node(Node::Unary(UnaryOp::Neg, Box::new(self.into_node())))
    }
}

impl<R: IntoExpr<bool>> BitAnd<R> for Expr<bool> {
    type Output = Self;

    fn bitand(self, other: R) -> Self {
        Self::from_node(Node::and([self.into_node(), other.into_node()]))
    }
}

impl<R: IntoExpr<bool>> BitOr<R> for Expr<bool> {
    type Output = Self;

    fn bitor(self, other: R) -> Self {
        Self::from_node(Node::or([self.into_node(), other.into_node()]))
    }
}

impl Not for Expr<bool> {
    type Output = Self;

    fn not(self) -> Self {
        Self::from_node(self.into_node().not())
    }
}
