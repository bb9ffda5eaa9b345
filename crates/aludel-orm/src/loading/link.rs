//! What a load of a relationship goes by: values of the owners, and what they are compared with in a statement over
//! the targets.

use aludel_sql::{Alias, Aliased, Node, ValueRef};
use smallvec::SmallVec;

use super::build::ordered;
use super::query::{Back, JoinStep, Query, What};
use super::resolve::is_in;
use crate::instrumentation::entity::Entity;
use crate::mapping::{Mapper, Mappers, Relationship};
use crate::session::identity::Key;

/// Which values of the owners a load goes by, and what they are compared with.
pub(super) struct Link {
    /// Attributes of the owner.
    pub(super) locals: Vec<u16>,
    /// What they are compared with, in the statement over the targets.
    pub(super) operands: Vec<Node>,
    pub(super) join: Option<JoinStep>,
}

/// Which values of the owners a relationship is loaded by.
pub(super) fn link(mappers: &Mappers, relationship: &Relationship) -> Link {
    let parent = mappers.at(relationship.parent);
    let target = Entity::of(mappers.at(relationship.target).def);
    let step = |owner: Entity, back: Back| JoinStep {
        owner,
        attribute: Some(relationship.attribute),
        target: target.clone(),
        outer: false,
        on: Vec::new(),
        back,
    };
    if relationship.primaryjoin.is_some() {
        let owner = Entity::aliased(parent.def);
        let operands = parent.primary_key.iter().map(|a| owner.leaf(*a)).collect();
        return Link {
            locals: parent.primary_key.clone(),
            operands,
            join: Some(step(owner, Back::Owner)),
        };
    }
    match &relationship.secondary {
        Some(secondary) => Link {
            locals: secondary.local.iter().map(|(local, _)| *local).collect(),
            operands: secondary
                .local
                .iter()
                .map(|(_, c)| Node::column(&secondary.table, *c))
                .collect(),
            join: Some(step(Entity::aliased(parent.def), Back::Secondary)),
        },
        None => Link {
            locals: relationship.pairs.iter().map(|(local, _)| *local).collect(),
            operands: relationship.pairs.iter().map(|(_, remote)| target.leaf(*remote)).collect(),
            join: None,
        },
    }
}

/// Puts the query that gave the owners into the statement over the targets, in the place of their keys.
pub(super) fn over(origin: &Query, link: &Link, query: &mut Query) {
    let mut inner = origin.clone();
    inner.what = What::Columns;
    inner.options.clear();
    inner.sql.lock = None;
    inner.sql.columns = link.locals.iter().map(|local| inner.entity.leaf(*local)).collect();
    if inner.sql.limit.is_none() && inner.sql.offset.is_none() {
        inner.sql.order_by.clear();
    }
    let derived = Alias::new(Aliased::Query(inner.into_select().into()));
    for (column, operand) in link.operands.iter().enumerate() {
        let theirs = Node::column(&derived, column as u16);
        query.sql.filter.push(Node::eq(operand.clone(), theirs.clone()));
        query.sql.columns.push(theirs);
    }
    query.sql.from.push(derived.into());
}

/// The order of the members of a collection: as the relationship says, then by key.
pub(super) fn member_order(
    relationship: &Relationship,
    target: &Mapper,
    entity: &Entity,
) -> Vec<Node> {
    let said =
        relationship.order_by.iter().map(|(a, descending)| ordered(entity.leaf(*a), *descending));
    let named = |attribute: &&u16| !relationship.order_by.iter().any(|(a, _)| a == *attribute);
    let key = target.primary_key.iter().filter(named).map(|a| entity.leaf(*a));
    said.chain(key).collect()
}

/// `operands = values`, or `operands IN (values, …)`.
pub(super) fn among(
    operands: &[Node],
    mapper: &Mapper,
    attributes: &[u16],
    values: &[SmallVec<[aludel_sql::Value; 2]>],
) -> Node {
    let types: Vec<_> = attributes.iter().map(|a| mapper.type_of(*a)).collect();
    let literal = |value: &aludel_sql::Value, at: usize| Node::value(value.clone(), types[at]);
    match (operands, values) {
        (_, [one]) => Node::and(
            operands
                .iter()
                .zip(one)
                .enumerate()
                .map(|(i, (o, v))| Node::eq(o.clone(), literal(v, i))),
        ),
        ([operand], many) => {
            is_in(operand.clone(), many.iter().map(|tuple| literal(&tuple[0], 0)).collect())
        }
        (_, many) => {
            let tuples = many.iter().map(|tuple| {
                Node::Tuple(tuple.iter().enumerate().map(|(i, v)| literal(v, i)).collect())
            });
            is_in(Node::Tuple(operands.to_vec()), tuples.collect())
        }
    }
}

/// A key by which values of objects and values of rows can be compared: as plain as databases may store them.
pub(super) fn plain_key<'v>(values: impl ExactSizeIterator<Item = ValueRef<'v>>) -> Key {
    use aludel_sql::Value;
    let plain = |value: ValueRef<'v>| match value {
        ValueRef::Bool(b) => Value::I64(i64::from(b)),
        value => value.storage_text().map_or_else(|| value.to_owned(), Value::Text),
    };
    let mut values: SmallVec<[Value; 2]> = values.map(plain).collect();
    match values.as_mut_slice() {
        [Value::I64(n)] => Key::Int(*n),
        _ => Key::Values(values.into_vec().into()),
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Int(n) => n.hash(state),
            Self::Values(values) => values.iter().for_each(|value| match value {
                aludel_sql::Value::I64(n) => n.hash(state),
                aludel_sql::Value::Text(text) => text.hash(state),
                aludel_sql::Value::Bytes(bytes) => bytes.hash(state),
                // Keys of other kinds are rare, and equal ones look alike.
                other => format!("{other:?}").hash(state),
            }),
        }
    }
}

// Keys hold no floating-point numbers worth the name: a NaN would only be read from the database again.
impl Eq for Key {}
