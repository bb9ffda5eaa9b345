//! Objects among the columns of a query: several entities, or entities and values, in one row.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use aludel_sql::{CustomNode, KeyWriter, Node, Row, RowSink};

use super::after::After;
use super::aliased::AliasOf;
use super::hydrate::Hydrator;
use super::loader_criteria::propagated;
use super::plan::EntityPlan;
use super::query::{Query, QueryNode};
use crate::Result;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Id, Mapped, Record, RecordClass};
use crate::session::Session;

/// An object among the columns of a query; see [`object`].
#[must_use]
pub struct ObjectOf<T> {
    pub(super) entity: Entity,
    class: PhantomData<fn() -> T>,
}

/// An object among the columns of a query that some rows lack; see [`ObjectOf::optional`].
#[must_use]
pub struct OptionalObject<T>(pub(super) ObjectOf<T>);

/// Objects of a class among the columns of a query, which has the class as its own or joins it:
/// SQLAlchemy's `select(User, Address)`.
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # async fn example(session: &mut Session) -> Result<()> {
/// let query = select::<User>().join(User::addresses).columns((object::<User>(), object::<Address>(), Address::email));
/// for (user, address, email) in session.rows(query).await? {
///     println!("{} {}: {email}", session[user].name, session[address].email);
/// }
/// # Ok(())
/// # }
/// ```
pub fn object<T: Mapped>() -> ObjectOf<T> {
    ObjectOf { entity: Entity::of(T::class()), class: PhantomData }
}

impl<T: Mapped> AliasOf<T> {
    /// Objects of the class under this name among the columns of a query; see [`object`].
    pub fn object(&self) -> ObjectOf<T> {
        ObjectOf { entity: self.entity.clone(), class: PhantomData }
    }
}

impl RecordClass {
    /// Objects of the class among the columns of a query; see [`object`].
    pub fn object(self) -> ObjectOf<Record> {
        ObjectOf { entity: Entity::of(self.def()), class: PhantomData }
    }
}

impl<T> ObjectOf<T> {
    /// Rows that lack the object, since it comes from an outer join, give `None` for it.
    pub fn optional(self) -> OptionalObject<T> {
        OptionalObject(self)
    }

    pub(super) fn into_node(self) -> Node {
        ObjectLeaf { entity: self.entity }.into_node()
    }
}

impl<T> fmt::Debug for ObjectOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object of {}", self.entity.class.name)
    }
}

impl<T> fmt::Debug for OptionalObject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "optional {:?}", self.0)
    }
}

/// An object as a leaf of the results of a query.
#[derive(Clone, Debug)]
pub(crate) struct ObjectLeaf {
    pub(crate) entity: Entity,
}

impl ObjectLeaf {
    pub(super) fn into_node(self) -> Node {
        Node::Custom(std::sync::Arc::new(self))
    }

    /// The leaf that a node is, if it is one.
    pub(super) fn of(node: &Node) -> Option<&Self> {
        match node {
            Node::Custom(custom) => custom.as_any().downcast_ref(),
            _ => None,
        }
    }
}

impl CustomNode for ObjectLeaf {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.token(3);
        self.entity.key(key);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What is done with a row: with its values, of which the first that is no object's stands at a position, and with
/// its objects.
type Each<'a, 'e> = &'a mut (dyn FnMut(&dyn Row, usize, &[Option<Id>]) -> Result<()> + Send + 'e);

/// Makes the objects of rows, and shows both.
struct ObjectRows<'a, 'e> {
    hydrator: Hydrator<'a, 'static>,
    objects: &'a [EntityPlan],
    found: Vec<Option<Id>>,
    first: usize,
    each: Each<'a, 'e>,
}

impl RowSink for ObjectRows<'_, '_> {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        self.found.clear();
        for entity in self.objects {
            self.found.push(self.hydrator.object_of(entity, row)?);
        }
        (self.each)(row, self.first, &self.found)?;
        Ok(ControlFlow::Continue(()))
    }
}

impl Session {
    /// Runs a query with objects among its columns.
    pub(super) async fn query_object_rows(
        &mut self,
        mut query: Query,
        each: Each<'_, '_>,
    ) -> Result<()> {
        self.ready_for(&mut query).await?;
        let populate_existing = query.populate_existing;
        let select = query.into_select();
        let ready = self.prepare(&select)?;
        let plan = ready.plan()?;
        let Some(entity) = plan.objects.first() else { return Ok(()) };
        let criteria = QueryNode::of(&select).and_then(|query| propagated(&query.criteria));
        self.loading.criteria.reading.clone_from(&criteria);
        let mut connection = self.checkout().await?;
        let hydrator = Hydrator::new(self, plan, entity, populate_existing, None);
        let mut sink = ObjectRows {
            hydrator,
            objects: &plan.objects,
            found: Vec::new(),
            first: plan.extras,
            each,
        };
        let result = connection.query(&ready.compiled, &ready.params, &mut sink).await;
        let listed = sink.hydrator.finish().listed;
        self.checkin(connection);
        self.loading.criteria.reading = None;
        result?;
        self.tell_noted_waiting().await?;
        for entity in &plan.objects {
            let how = After { origin: None, populate_existing, criteria: criteria.clone() };
            Box::pin(self.load_after(entity, &listed, how)).await?;
        }
        Ok(())
    }
}
