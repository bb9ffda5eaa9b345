//! Criteria of relationships: `any`, `has`, `contains`, `is`.

use std::any::Any;
use std::sync::Arc;

use aludel_sql::{CustomNode, In, InSet, KeyWriter, Node};
use aludel_sql::{DataType, Result};

use super::hybrids::HybridLeaf;
use crate::instrumentation::entity::{Entity, write_class};
use crate::instrumentation::{ClassDef, Id};

/// What is asked of a relationship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// There is a related object (for which the conditions hold).
    Exists,
    /// This object is related.
    Object,
    /// Another object than this one is related, or none.
    NotObject,
    /// No object is related.
    None,
}

/// A criterion of a relationship, as a leaf of the expression tree.
#[derive(Clone, Debug)]
pub(crate) struct Criterion {
    pub(crate) entity: Entity,
    pub(crate) attribute: u16,
    pub(crate) ask: Ask,
    /// The target narrowed to a subclass.
    pub(crate) of_type: Option<&'static ClassDef>,
    /// What must hold of the related object.
    pub(crate) inner: Vec<Node>,
    /// The object asked for.
    pub(crate) object: Option<Id>,
    /// The values of the object that the relationship compares; known once a session has looked at it.
    pub(crate) bound: Vec<Node>,
}

impl Criterion {
    pub(crate) fn new(entity: Entity, attribute: u16, ask: Ask) -> Self {
        Self {
            entity,
            attribute,
            ask,
            of_type: None,
            inner: Vec::new(),
            object: None,
            bound: Vec::new(),
        }
    }

    pub(crate) fn into_node(self) -> Node {
        Node::Custom(Arc::new(self))
    }
}

impl CustomNode for Criterion {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.token(u32::from(self.attribute) << 8 | (self.ask as u32) << 1 | 1);
        self.entity.key(key);
        match self.of_type {
            None => key.token(0),
            Some(class) => {
                key.token(1);
                write_class(key, class);
            }
        }
        key.nodes(&self.inner);
        key.nodes(&self.bound);
    }

    fn rebuild(
        &self,
        replace: &mut dyn FnMut(&Node) -> Result<Node>,
    ) -> Result<Option<Arc<dyn CustomNode>>> {
        if self.inner.is_empty() && self.bound.is_empty() {
            return Ok(None);
        }
        let inner = self.inner.iter().map(&mut *replace).collect::<Result<_>>()?;
        let bound = self.bound.iter().map(replace).collect::<Result<_>>()?;
        Ok(Some(Arc::new(Self { inner, bound, ..self.clone() })))
    }

    fn data_type(&self) -> Option<DataType> {
        Some(DataType::Boolean)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Whether an object may be asked for somewhere in a tree: then a session has to [bind](bind) it first.
pub(crate) fn asks_for_object(node: &Node) -> bool {
    match node {
        Node::Column(_) | Node::Literal(_) | Node::Param(_) | Node::Null | Node::Star => false,
        Node::Unary(_, operand) | Node::Cast(operand, _) | Node::Coerce(operand, _) => {
            asks_for_object(operand)
        }
        Node::Label(operand, _) | Node::Order(operand, _) => asks_for_object(operand),
        Node::Binary(_, operands) => asks_for_object(&operands.0) || asks_for_object(&operands.1),
        Node::Junction(_, nodes) => nodes.iter().any(asks_for_object),
        Node::In(node) => match &**node {
            In { operand, set: InSet::List(_), .. } => asks_for_object(operand),
            _ => true,
        },
        Node::Between(between) => asks_for_object(&between.operand),
        Node::Like(like) => asks_for_object(&like.operand),
        Node::Function(function) => {
            function.args.iter().chain(&function.filter).any(asks_for_object)
                || function.over.is_some()
        }
        Node::Custom(custom) => match custom.as_any().downcast_ref::<Criterion>() {
            Some(criterion) => {
                criterion.object.is_some() && criterion.bound.is_empty()
                    || criterion.inner.iter().any(asks_for_object)
            }
            None => match HybridLeaf::of(node) {
                Some(hybrid) => asks_for_object(&hybrid.inner),
                None => !custom.as_any().is::<crate::instrumentation::entity::AttrLeaf>(),
            },
        },
        // Rare in conditions, and dear to look into: taken for granted.
        _ => true,
    }
}

/// The tree with the values of the objects asked for put in.
///
/// # Errors
///
/// Those of `values`.
pub(crate) fn bind(
    node: &Node,
    values: &dyn Fn(&Criterion, Id) -> Result<Vec<Node>>,
) -> Result<Node> {
    node.rewrite(&mut |node| {
        let Node::Custom(custom) = node else { return Ok(None) };
        let Some(criterion) = custom.as_any().downcast_ref::<Criterion>() else { return Ok(None) };
        let Some(object) = criterion.object else { return Ok(None) };
        if !criterion.bound.is_empty() {
            return Ok(None);
        }
        let bound = values(criterion, object)?;
        let inner = criterion.inner.iter().map(|node| bind(node, values)).collect::<Result<_>>()?;
        Ok(Some(Criterion { bound, inner, ..criterion.clone() }.into_node()))
    })
}
