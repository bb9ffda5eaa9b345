//! Hybrids as SQL expressions.

use std::any::Any;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Rem, Sub};
use std::sync::Arc;

use aludel_sql::{
    BinaryOp, ColumnType, Correlate, CustomNode, DataType, Expr, Expression, IntoExpr, IntoNode,
    IntoNodes, KeyWriter, Node, NumberType, Rewriter, Select, Source, UnaryOp,
};

use super::compare::Comparator;
use super::resolve::Resolver;
use super::sources::Sources;
use crate::Result;
use crate::instrumentation::entity::{AttrLeaf, Entity};
use crate::instrumentation::{Hybrid, HybridDef, Mapped};

/// An expression over a class, as a leaf of the tree that stands for the class's own tables or for an alias of them.
#[derive(Clone, Debug)]
pub(crate) struct HybridLeaf {
    pub(crate) entity: Entity,
    pub(super) name: &'static str,
    pub(super) comparator: Option<Comparator>,
    /// The expression, over the class under its own name.
    pub(crate) inner: Node,
    data_type: Option<DataType>,
}

impl HybridLeaf {
    /// The leaf that a node is, if it is one.
    pub(crate) fn of(node: &Node) -> Option<&Self> {
        match node {
            Node::Custom(custom) => custom.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// Without the comparator, which is where it came from.
    pub(super) fn bare(&self) -> Node {
        Node::Custom(Arc::new(Self { comparator: None, ..self.clone() }))
    }
}

/// A hybrid of an entity. One that is an attribute is that attribute, under another name.
pub(crate) fn node(def: &'static HybridDef, entity: &Entity) -> Node {
    let inner = def.expression.call();
    match AttrLeaf::of(&inner) {
        Some(leaf) if def.comparator.is_none() && !leaf.remote && leaf.entity.alias.is_none() => {
            AttrLeaf { entity: entity.clone(), name: def.name, ..leaf.clone() }.into_node()
        }
        _ => {
            let (name, comparator, data_type) = (def.name, def.comparator, Some(def.data_type));
            let entity = entity.clone();
            Node::Custom(Arc::new(HybridLeaf { entity, name, comparator, inner, data_type }))
        }
    }
}

/// Any expression over a class, as one over the class under another name.
pub(super) fn under(entity: &Entity, inner: Node) -> Node {
    let (entity, data_type) = (entity.clone(), inner.data_type());
    let leaf = HybridLeaf { entity, name: "expression", comparator: None, inner, data_type };
    Node::Custom(Arc::new(leaf))
}

/// The attribute that a hybrid stands for, where it does: then an UPDATE can set it.
pub(super) fn attribute_of(def: &'static HybridDef) -> Option<u16> {
    AttrLeaf::of(&def.expression.call()).map(|leaf| leaf.attribute)
}

/// Within an expression over an alias: what is not about the alias, but about the statement around.
#[derive(Clone, Debug)]
pub(crate) struct Outside(Node);

/// A node as [`Outside`] of the expression over an alias that it comes into.
pub(crate) fn outside(node: Node) -> Node {
    Node::Custom(Arc::new(Outside(node)))
}

impl Outside {
    pub(super) fn inner(&self) -> &Node {
        &self.0
    }
}

impl CustomNode for Outside {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.token(0x0300_0000);
        key.node(&self.0);
    }

    fn rebuild(
        &self,
        replace: &mut dyn FnMut(&Node) -> Result<Node>,
    ) -> Result<Option<Arc<dyn CustomNode>>> {
        Ok(Some(Arc::new(Self(replace(&self.0)?))))
    }

    fn data_type(&self) -> Option<DataType> {
        self.0.data_type()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CustomNode for HybridLeaf {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.token(0x0200_0000);
        self.entity.key(key);
        key.number(self.comparator.map_or(0, |compare| compare as usize as u64));
        key.node(&self.inner);
    }

    fn rebuild(
        &self,
        replace: &mut dyn FnMut(&Node) -> Result<Node>,
    ) -> Result<Option<Arc<dyn CustomNode>>> {
        let inner = replace(&self.inner)?;
        Ok(Some(Arc::new(Self { inner, ..self.clone() })))
    }

    fn name(&self) -> Option<&str> {
        Some(self.name)
    }

    fn data_type(&self) -> Option<DataType> {
        self.data_type
    }

    fn compares(&self) -> bool {
        self.comparator.is_some()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Says of the subqueries in an attribute's expression, or in the condition of a relationship, that they share
/// with the statements around them the tables that these are about, and nothing else that happens to be there.
pub(super) struct Shared(pub(super) Vec<Source>);

impl Rewriter for Shared {
    fn select(&mut self, select: &Select) -> Result<Option<Select>> {
        let mut select = select.clone();
        if matches!(select.correlate, Correlate::Auto) {
            select = select.correlate(self.0.iter().cloned());
        }
        Ok(Some(select))
    }
}

impl Resolver<'_> {
    /// The expression of a hybrid over what stands for its class. Subqueries in it share that with the statement
    /// around, and nothing else that happens to be there.
    pub(super) fn hybrid(&mut self, leaf: &HybridLeaf) -> Result<Node> {
        if leaf.entity.number() == 0 && self.sides.is_some() {
            return self.resolve(&leaf.inner);
        }
        let sources = self.sources(&leaf.entity)?;
        let sides = self.sides.take();
        let resolved = self.inside(&sources, |r| r.resolve(&leaf.inner));
        self.sides = sides;
        resolved?.rewrite_by(&mut Shared(sources.all().cloned().collect()))
    }

    /// As [`within`](Self::within), for an expression in which something may be said of what is [outside](Self::outside).
    pub(super) fn inside<R>(
        &mut self,
        sources: &Arc<Sources>,
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        self.around.push(self.scopes.len());
        let result = self.within(sources, run);
        self.around.pop();
        result
    }

    /// Runs with classes standing for what they do around the expression that is being resolved.
    pub(super) fn outside<R>(&mut self, run: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let Some(around) = self.around.pop() else { return run(self) };
        let inside = self.scopes.split_off(around);
        let result = run(self);
        self.scopes.extend(inside);
        self.around.push(around);
        result
    }
}

impl<C: Mapped, V> IntoNode for Hybrid<C, V> {
    fn into_node(self) -> Node {
        node(self.def, &self.entity())
    }
}

impl<C: Mapped, V> IntoNodes for Hybrid<C, V> {
    fn into_nodes(self) -> Vec<Node> {
        vec![self.into_node()]
    }
}

impl<C: Mapped, V> Expression for Hybrid<C, V> {
    type Value = V;
}

impl<C: Mapped, V> IntoExpr<V> for Hybrid<C, V> {}
impl<C: Mapped, V> IntoExpr<Option<V>> for Hybrid<C, V> {}
impl<C: Mapped, V> IntoExpr<V> for Hybrid<C, Option<V>> {}

macro_rules! arithmetic {
    ($($t:ident $method:ident),*) => {$(
        impl<C: Mapped, V: NumberType, R: IntoExpr<V>> $t<R> for Hybrid<C, V> {
            type Output = Expr<V>;

            fn $method(self, other: R) -> Expr<V> {
                Expr::from_node(Node::binary(BinaryOp::$t, self.into_node(), other.into_node()))
            }
        }
    )*};
}
arithmetic!(Add add, Sub sub, Mul mul, Div div, Rem rem);

impl<C: Mapped, V: NumberType> Neg for Hybrid<C, V> {
    type Output = Expr<V>;

    fn neg(self) -> Expr<V> {
        Expr::from_node(Node::Unary(UnaryOp::Neg, Box::new(self.into_node())))
    }
}

impl<C: Mapped, R: IntoExpr<bool>> BitAnd<R> for Hybrid<C, bool> {
    type Output = Expr<bool>;

    fn bitand(self, other: R) -> Expr<bool> {
        self.into_expr() & other
    }
}

impl<C: Mapped, R: IntoExpr<bool>> BitOr<R> for Hybrid<C, bool> {
    type Output = Expr<bool>;

    fn bitor(self, other: R) -> Expr<bool> {
        self.into_expr() | other
    }
}

impl<C: Mapped> Not for Hybrid<C, bool> {
    type Output = Expr<bool>;

    fn not(self) -> Expr<bool> {
        !self.into_expr()
    }
}

/// What a class has a name for: an attribute of a column, or a hybrid. An [alias](super::AliasOf) of the class has it
/// as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an attribute of a column nor a hybrid",
    label = "an alias has no expression for this",
    note = "a relationship of it is `alias.rel(…)`, any other expression over the class `alias.expr(…)`"
)]
pub trait ClassExpression: Sized {
    /// The class.
    type Class;
    /// The type of its values.
    type Value;
    /// It, over an alias.
    #[doc(hidden)]
    fn under<T>(self, alias: &super::AliasOf<T>) -> Expr<Self::Value>;
}

impl<C: Mapped, V: ColumnType> ClassExpression for Hybrid<C, V> {
    type Class = C;
    type Value = V;

    fn under<T>(self, alias: &super::AliasOf<T>) -> Expr<V> {
        Expr::from_node(node(self.def, &alias.entity))
    }
}
