//! Queries for tools: classes and attributes by name, conditions as untyped nodes.

use std::fmt;
use std::ops::ControlFlow;

use aludel_sql::{Node, Row, Value};

use super::composite::Shape;
use super::criterion::{Ask, Criterion};
use super::key::IntoKey;
use super::names::Names;
use super::objects::ObjectLeaf;
use super::query::{Query, What};
use super::select::no_result;
use crate::Result;
use crate::attributes::{Datum, History, HistoryItem, Passive};
use crate::instrumentation::Id;
use crate::instrumentation::entity::{AttrLeaf, Entity};
use crate::session::Session;

/// A class in a query, for those who know it by name: its attributes as nodes, and its criteria.
#[derive(Clone)]
pub struct EntityRef {
    pub(super) entity: Entity,
    pub(super) names: Names,
}

impl fmt::Debug for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.entity.class.name, self.entity.number())
    }
}

impl EntityRef {
    /// An attribute, or a hybrid, as an expression.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute or hybrid.
    pub fn attr(&self, name: &str) -> Result<Node> {
        let class = self.entity.class;
        match self.names.hybrid(class, name) {
            Some(hybrid) => Ok(super::hybrids::node(hybrid, &self.entity)),
            None => Ok(self.entity.leaf(self.names.attribute(class, name)?)),
        }
    }

    /// Its objects among the columns of a query; see [`object`](super::object).
    pub fn object(&self) -> Node {
        ObjectLeaf { entity: self.entity.clone() }.into_node()
    }

    /// A value, typed as an attribute or a hybrid is.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute, or it is a relationship.
    pub fn value(&self, name: &str, value: Value) -> Result<Node> {
        let class = self.entity.class;
        let data_type = match self.names.hybrid(class, name) {
            Some(hybrid) => hybrid.data_type,
            None => self.names.data_type(class, name)?,
        };
        Ok(Node::value(value, data_type))
    }

    /// The class that a relationship leads to: what conditions within [`any`](Self::any) are about.
    ///
    /// # Errors
    ///
    /// When there is no such relationship.
    pub fn target(&self, name: &str) -> Result<Self> {
        let (_, target) = self.names.relationship(self.entity.class, name)?;
        Ok(self.with(Entity::of(target)))
    }

    /// The same entity taken as a subclass.
    #[must_use]
    pub fn narrowed(&self, subclass: &Self) -> Self {
        self.with(Entity { class: subclass.entity.class, alias: self.entity.alias.clone() })
    }

    /// Another entity of the same query.
    pub(super) fn with(&self, entity: Entity) -> Self {
        Self { entity, names: self.names.clone() }
    }

    /// There is a related object for which all of these hold; of a subclass of the target, if one is given.
    ///
    /// # Errors
    ///
    /// When there is no such relationship.
    pub fn any(&self, name: &str, of_type: Option<&Self>, conditions: Vec<Node>) -> Result<Node> {
        let (attribute, _) = self.names.relationship(self.entity.class, name)?;
        let criterion = Criterion::new(self.entity.clone(), attribute, Ask::Exists);
        let of_type = of_type.map(|class| class.entity.class);
        Ok(Criterion { of_type, inner: conditions, ..criterion }.into_node())
    }

    /// This object is related (the member of a collection, or what a reference refers to); of none, nothing is.
    ///
    /// # Errors
    ///
    /// When there is no such relationship.
    pub fn is(&self, name: &str, object: Option<Id>) -> Result<Node> {
        self.ask(name, object, Ask::Object)
    }

    /// Another object is related, or none; of none, something is.
    ///
    /// # Errors
    ///
    /// When there is no such relationship.
    pub fn is_not(&self, name: &str, object: Option<Id>) -> Result<Node> {
        match object {
            Some(_) => self.ask(name, object, Ask::NotObject),
            None => Ok(self.ask(name, None, Ask::Object)?.not()),
        }
    }

    fn ask(&self, name: &str, object: Option<Id>, ask: Ask) -> Result<Node> {
        let (attribute, _) = self.names.relationship(self.entity.class, name)?;
        let ask = if object.is_none() { Ask::None } else { ask };
        Ok(Criterion { object, ..Criterion::new(self.entity.clone(), attribute, ask) }.into_node())
    }
}

impl Session {
    /// A class by name, for conditions about it.
    ///
    /// # Errors
    ///
    /// When no class of that name is mapped.
    pub fn entity_named(&self, class: &str) -> Result<EntityRef> {
        let index = self.mapper_named(class)?;
        let entity = Entity::of(self.mappers.at(index).def);
        Ok(EntityRef { entity, names: Names::of(&self.mappers) })
    }

    /// Begins a query of the objects of a named class.
    ///
    /// # Errors
    ///
    /// When no class of that name is mapped.
    pub fn query_named(&self, class: &str) -> Result<Query> {
        let EntityRef { entity, names } = self.entity_named(class)?;
        Ok(Query { names, ..Query::new(entity, What::Objects) })
    }

    /// The objects that a query gives, each once.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn all_of(&mut self, query: Query) -> impl Future<Output = Result<Vec<Id>>> {
        self.called();
        async move { self.query_ids(query).await }
    }

    /// The first object that a query gives.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn first_of(&mut self, query: Query) -> impl Future<Output = Result<Option<Id>>> {
        self.called();
        async move { self.query_first(query).await }
    }

    /// The one object that a query gives.
    ///
    /// # Errors
    ///
    /// As [`one`](Self::one).
    #[track_caller]
    pub fn one_of(&mut self, query: Query) -> impl Future<Output = Result<Id>> {
        self.called();
        async move {
            let class = query.entity.class.name;
            self.query_one_or_none(query).await?.ok_or_else(|| no_result(class))
        }
    }

    /// The one object that a query gives, if it gives any.
    ///
    /// # Errors
    ///
    /// As [`one_or_none`](Self::one_or_none).
    #[track_caller]
    pub fn one_or_none_of(&mut self, query: Query) -> impl Future<Output = Result<Option<Id>>> {
        self.called();
        async move { self.query_one_or_none(query).await }
    }

    /// The rows of values that a query of columns gives; the value of an attribute is as the attribute has it.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    #[track_caller]
    pub fn values_of(&mut self, query: Query) -> impl Future<Output = Result<Vec<Vec<Value>>>> {
        self.called();
        async move {
            let columns = query.sql.columns.iter();
            let attributes: Vec<_> =
                columns.map(|node| AttrLeaf::of(node).map(Prototype::new)).collect();
            let shape = Shape::of(&query.sql.columns);
            let mut rows = Vec::new();
            let mut read = |row: &dyn Row| {
                let shaped = shape.as_ref().map(|shape| shape.shaped(row));
                let row = shaped.as_ref().map_or(row, |row| row as &dyn Row);
                let values = attributes.iter().enumerate().map(|(i, prototype)| {
                    let raw = row.get(i).map_or(Value::Null, |value| value.to_owned());
                    match prototype.as_ref().and_then(|p| p.typed(&raw)) {
                        Some(typed) => typed,
                        None => raw,
                    }
                });
                rows.push(values.collect());
                Ok(ControlFlow::Continue(()))
            };
            self.query_rows(query, &mut read).await?;
            Ok(rows)
        }
    }

    /// The rows that a query of columns gives, with [objects](EntityRef::object) among them; an object that a row
    /// lacks is `Datum::One(None)`.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    #[track_caller]
    pub fn data_of(&mut self, query: Query) -> impl Future<Output = Result<Vec<Vec<Datum>>>> {
        self.called();
        async move {
            let columns = query.sql.columns.clone();
            let prototypes: Vec<_> =
                columns.iter().map(|node| AttrLeaf::of(node).map(Prototype::new)).collect();
            let mut shape = Shape::after_objects(&columns);
            let mut rows = Vec::new();
            let mut each = |row: &dyn Row, first: usize, objects: &[Option<Id>]| {
                shape.begin_at(first);
                let row = shape.shaped(row);
                let (mut values, mut objects) = (0.., objects.iter());
                let data = columns.iter().zip(&prototypes).map(|(node, prototype)| {
                    if ObjectLeaf::of(node).is_some() {
                        return Datum::One(objects.next().copied().flatten());
                    }
                    let at = values.next().unwrap_or_default();
                    let raw = row.get(at).map_or(Value::Null, |value| value.to_owned());
                    let typed = prototype.as_ref().and_then(|p| p.typed(&raw));
                    Datum::Value(typed.unwrap_or(raw))
                });
                rows.push(data.collect());
                Ok(())
            };
            if query.has_objects() {
                self.query_object_rows(query, &mut each).await?;
            } else {
                let mut each = |row: &dyn Row| {
                    each(row, 0, &[])?;
                    Ok(ControlFlow::Continue(()))
                };
                self.query_rows(query, &mut each).await?;
            }
            Ok(rows)
        }
    }

    /// The object of the query's class with a key, loaded as the query's options say; one that is in the session
    /// and not expired is given as it is, unless the query [populates existing](Query::populate_existing) ones.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn get_of(
        &mut self,
        query: Query,
        key: Vec<Value>,
    ) -> impl Future<Output = Result<Option<Id>>> {
        self.called();
        async move {
            let class = query.entity.class;
            if query.options.is_empty() && !query.populate_existing {
                let index = self.mapper_named(class.name)?;
                let mut values = super::key::KeyValues::default();
                key.into_key(&mut values);
                return self.get_by(index, &values).await;
            }
            let index = self.learn(class)?;
            let mappers = std::sync::Arc::clone(&self.mappers);
            let mapper = mappers.at(index);
            let mut values = super::key::KeyValues::default();
            key.into_iter().for_each(|value| values.push(value));
            let Some(key) = values.key_of(mapper) else { return Ok(None) };
            if !query.populate_existing
                && let Some(found) = self.present(index, &key)
            {
                return Ok(Some(found));
            }
            let mut query = query;
            let operands: Vec<Node> =
                mapper.primary_key.iter().map(|a| query.entity.leaf(*a)).collect();
            let filter =
                super::link::among(&operands, mapper, &mapper.primary_key, &[key.values()]);
            query.sql.filter.push(filter);
            Ok(self.query_ids(query).await?.first().copied())
        }
    }

    /// The history of a named attribute, loaded for it; also what a replaced reference was.
    ///
    /// # Errors
    ///
    /// As [`load_named`](Self::load_named).
    #[track_caller]
    pub fn load_history_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
    ) -> impl Future<Output = Result<History<HistoryItem>>> {
        self.called();
        async move {
            let id = object.into();
            let attribute = self.attribute_named(id, name)?;
            self.get_history_at(id, attribute, Passive::OFF).await
        }
    }

    /// Whether a reference has a foreign key that was never set: reading it gives none, and its history is empty.
    pub(crate) fn is_never_set(&self, id: Id, attribute: u16) -> bool {
        let Some(relationship) = self.mapper_of(id).relationship(attribute) else { return false };
        let absent = |local: u16| !self.arena.is_loaded(id, local) && !self.needs_load(id, local);
        relationship.by_key && relationship.pairs.iter().any(|(local, _)| absent(*local))
    }
}

/// A field of an attribute's type, to read values as the attribute would.
pub(super) struct Prototype {
    objects: Box<dyn crate::instrumentation::Objects>,
    attribute: u16,
}

impl Prototype {
    pub(super) fn new(leaf: &AttrLeaf) -> Self {
        let mut objects = leaf.entity.class.objects();
        objects.put_default(0);
        Self { objects, attribute: leaf.attribute }
    }

    pub(super) fn typed(&self, raw: &Value) -> Option<Value> {
        if raw.is_null() {
            return None;
        }
        let field = self.objects.get(0)?.field(self.attribute)?;
        Some(field.with_value(raw.clone()).ok()?.value())
    }
}
