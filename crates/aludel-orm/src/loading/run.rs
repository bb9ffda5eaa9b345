//! Running queries: the statement is sent, its rows become objects, and what is to be loaded after it is
//! loaded.

use std::ops::ControlFlow;

use aludel_sql::{Row, RowSink, Select};

use super::after::After;
use super::criterion::{Ask, Criterion};
use super::guard::Loaded;
use super::hydrate::{Extra, Fetched, Hydrator};
use super::loader_criteria::propagated;
use super::names::Names;
use super::query::{Query, QueryNode, What};
use crate::Result;
use crate::events::{Executed, Execution, StatementEvent, Waiting};
use crate::instrumentation::Id;
use crate::session::Session;
use crate::{Error, ErrorKind};

impl Session {
    /// Flushes, and puts the values of objects that are asked for into a query.
    pub(super) async fn ready_for(&mut self, query: &mut Query) -> Result<()> {
        if query.statement.is_some() {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "the query of {} is given as a statement, which gives objects: run it by `all`, `first`, `one` or \
                     `one_or_none`",
                    query.entity.class.name
                ),
            ));
        }
        self.count_load(Loaded::query(query.entity.class))?;
        if self.listeners.hears_statements() {
            self.told_of(Executed::Select, query).await?;
        }
        self.autoflush().await?;
        self.add_criteria_to(Executed::Select, query)?;
        let class = query.entity.class;
        if !self.mappers.by_type.contains_key(&class.key()) {
            self.learn(class)?;
        }
        let session = &*self;
        query.bind_objects(&|criterion, object| session.values_compared(criterion, object))
    }

    /// Lets the listeners of statements change a query.
    #[cold]
    pub(super) fn told_of<'a>(&'a mut self, what: Executed, query: &'a mut Query) -> Waiting<'a> {
        Box::pin(async move {
            let mut given = std::mem::replace(query, Query::new(query.entity.clone(), query.what));
            self.learn(given.entity.class)?;
            given.names = Names::of(&self.mappers);
            let mut told = Execution::before(what, given.entity.class.name);
            told.query = Some(given);
            self.execute_heard(StatementEvent::DoOrmExecute, &mut told).await?;
            if let Some(changed) = told.query {
                *query = changed;
            }
            let session = &*self;
            query.bind_objects(&|criterion, object| session.values_compared(criterion, object))
        })
    }

    /// A query that the session itself has made, as the listeners want it.
    pub(super) async fn told_query(&mut self, what: Executed, mut query: Query) -> Result<Query> {
        if self.listeners.hears_statements() {
            self.told_of(what, &mut query).await?;
        }
        self.add_criteria_to(what, &mut query)?;
        Ok(query)
    }

    /// The values of an object that a criterion compares.
    pub(super) fn values_compared(
        &self,
        criterion: &Criterion,
        object: Id,
    ) -> Result<Vec<aludel_sql::Node>> {
        self.arena.check(object)?;
        let class = criterion.entity.class;
        let Some(index) = self.mappers.by_type.get(&class.key()) else {
            return Err(Error::new(
                ErrorKind::Unmapped,
                format!("class {} is not mapped", class.name),
            ));
        };
        let Some(relationship) = self.mappers.at(*index).relationship(criterion.attribute) else {
            return Err(self.no_such_field(object, criterion.attribute));
        };
        self.check_target(relationship, object)?;
        let mapper = self.mapper_of(object);
        let attributes: Vec<u16> = if relationship.primaryjoin.is_some() {
            mapper.primary_key.clone()
        } else if let Some(secondary) = &relationship.secondary {
            secondary.remote.iter().map(|(target, _)| *target).collect()
        } else {
            relationship.pairs.iter().map(|(_, target)| *target).collect()
        };
        debug_assert!(matches!(criterion.ask, Ask::Object | Ask::NotObject));
        attributes.into_iter().map(|attribute| self.bound_value(object, attribute)).collect()
    }

    /// The value of an attribute as a parameter.
    pub(super) fn bound_value(&self, object: Id, attribute: u16) -> Result<aludel_sql::Node> {
        let mapper = self.mapper_of(object);
        let Some(at) = mapper.column(attribute).and_then(|c| c.columns.first().copied()) else {
            return Err(self.no_such_field(object, attribute));
        };
        let key = mapper.primary_key.contains(&attribute);
        if !key && !self.arena.is_loaded(object, attribute) && self.needs_load(object, attribute) {
            return Err(self.not_loaded(object, attribute));
        }
        let value = self.arena.field(object, attribute).value();
        Ok(aludel_sql::Node::value(value, mapper.column_of(at).data_type))
    }

    /// The objects of a query, in the order of its rows, each once where rows repeat them.
    pub(crate) async fn query_ids(&mut self, mut query: Query) -> Result<Vec<Id>> {
        if query.statement.is_some() {
            return Box::pin(self.query_statement(query)).await;
        }
        self.ready_for(&mut query).await?;
        let populate_existing = query.populate_existing;
        let origin = query.wants_origin(&self.mappers).then(|| query.clone());
        let select = query.into_select();
        self.fetch_objects(&select, populate_existing, origin.as_ref(), None).await
    }

    /// Runs a SELECT of objects, and what its options say is to be loaded after it.
    pub(super) async fn fetch_objects(
        &mut self,
        select: &Select,
        populate_existing: bool,
        origin: Option<&Query>,
        extra: Option<Extra<'_, '_>>,
    ) -> Result<Vec<Id>> {
        let ready = self.prepare(select)?;
        let plan = ready.plan()?;
        let Some(entity) = &plan.entity else {
            return Err(Error::new(ErrorKind::Argument, "the query does not give objects"));
        };
        let criteria = QueryNode::of(select).and_then(|query| propagated(&query.criteria));
        self.loading.criteria.reading.clone_from(&criteria);
        let mut connection = self.checkout().await?;
        let mut hydrator = Hydrator::new(self, plan, entity, populate_existing, extra);
        let result = connection.query(&ready.compiled, &ready.params, &mut hydrator).await;
        let Fetched { ids, listed } = hydrator.finish();
        self.checkin(connection);
        self.loading.criteria.reading = None;
        result?;
        self.tell_noted_waiting().await?;
        if listed.iter().any(|ids| !ids.is_empty()) {
            let how = After { origin, populate_existing, criteria };
            Box::pin(self.load_after(entity, &listed, how)).await?;
        }
        let arena = &self.arena;
        self.loading.sweep(|id| arena.holds(id));
        Ok(ids)
    }

    /// Shows the rows of a query to a function.
    pub(super) async fn query_rows(
        &mut self,
        mut query: Query,
        row: &mut (dyn FnMut(&dyn Row) -> Result<ControlFlow<()>> + Send),
    ) -> Result<u64> {
        self.ready_for(&mut query).await?;
        let select = query.into_select();
        let ready = self.prepare(&select)?;
        let mut connection = self.checkout().await?;
        let result = connection.query(&ready.compiled, &ready.params, &mut Rows(row)).await;
        self.checkin(connection);
        result
    }

    /// How many rows a query gives.
    pub(crate) async fn query_count(&mut self, mut query: Query) -> Result<u64> {
        query.what = What::Count;
        query.options.clear();
        let mut count = 0;
        let mut read = |row: &dyn Row| {
            count = aludel_sql::column::<i64>(row, 0)?;
            Ok(ControlFlow::Break(()))
        };
        self.query_rows(query, &mut read).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

/// A sink that shows rows to a function.
struct Rows<'a>(&'a mut (dyn FnMut(&dyn Row) -> Result<ControlFlow<()>> + Send));

impl RowSink for Rows<'_> {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        (self.0)(row)
    }
}
