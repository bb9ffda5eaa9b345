//! The expression tree, without types: what statements are made of.
//!
//! ```text
//!  Expr<T>, Expression, IntoExpr   (expr/)       typed face: checked by the compiler, thin
//!        │ holds
//!  Node ── ColumnRef ── Source     (tree/)       this module: plain data
//!        │                └─ Table | Alias | Cte
//!        │ walked by
//!        ├─ key      exact tokens and parameters, for the cache of compiled statements
//!        ├─ rewrite  a tree made of another: adaption, and the resolving of custom nodes
//!        ├─ visit    looking, without changing
//!        └─ render/  SQL
//! ```
//!
//! The three walks visit the parts of a node in the same order; the cache checks that they do
//! whenever it renders a statement.

mod adapt;
mod custom;
mod from;
mod join;
pub(crate) mod key;
mod node;
mod parts;
mod rewrite;
mod source;
pub(crate) mod visit;

pub use adapt::Adapter;
pub use custom::CustomNode;
pub use from::{FromItem, Join, JoinKind};
pub use join::Joinable;
pub use key::{KeyWriter, in_bucket};
pub use node::{BinaryOp, ColumnRef, Junction, Literal, Node, Param, UnaryOp};
pub use parts::{
    Between, Case, Direction, Function, In, InSet, Like, LikeShape, NullsOrder, TextNode, TextPart,
    Window,
};
pub use rewrite::Rewriter;
pub(crate) use rewrite::{Walk, number, out_of_step};
pub use source::{Alias, Aliased, Cte, Derived, Selectable, Source};

#[cfg(test)]
mod tests;
