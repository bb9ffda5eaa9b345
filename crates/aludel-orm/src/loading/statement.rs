//! Objects from statements that the program gives whole: `from_statement`.

use std::ops::ControlFlow;
use std::sync::Arc;

use aludel_sql::{Keyed, Node, Row, RowSink, Statement};

use super::after::After;
use super::guard::Loaded;
use super::loader_criteria::{ClassCriterion, propagated};
use super::object::{Populate, object};
use super::options::{LoadOption, Strategy};
use super::plan::{EntityPlan, Plan};
use super::query::{Query, QueryNode, What};
use super::resolve::Resolver;
use super::select::Select;
use crate::attributes::delta::IdSet;
use crate::events::Executed;
use crate::instrumentation::{ClassDef, Id, Mapped};
use crate::mapping::{Mapper, PropertyKind};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

impl<T: Mapped> Select<T> {
    /// The objects that a statement gives which the program has written whole: SQL as text, a union, an
    /// `INSERT … RETURNING`. SQLAlchemy's `from_statement`.
    ///
    /// Its columns are told by name: a column's, or an attribute's. The key must be among them; attributes whose
    /// columns are not are left to be loaded. Loader options are followed after the statement (what is to be
    /// joined is loaded by keys). Conditions, an order or a limit belong into the statement. Loader criteria go with the
    /// queries of classes in it (a union of [`into_statement`](Self::into_statement)s) and with what is loaded after it; SQL as
    /// text, and queries of tables, are as they were written.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let sql = Statement::text("SELECT * FROM user_account WHERE name LIKE :name").bind("name", "s%");
    /// let users = session.all(select::<User>().from_statement(sql).options(selectin(User::addresses))).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_statement(mut self, statement: impl Into<Statement>) -> Self {
        self.query = self.query.from_statement(statement);
        self
    }

    /// The statement alone, which gives the columns of the objects: to be put together with others, and given to
    /// [`from_statement`](Self::from_statement). What is deferred, and what is an expression, is not among them.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// # let (young, old) = (select::<User>(), select::<User>());
    /// let either = young.into_statement().union(old.into_statement());
    /// let users = session.all(select::<User>().from_statement(either)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_statement(self) -> aludel_sql::Query {
        let mut query = self.query;
        let entity = query.entity.clone();
        let columns =
            entity.class.attributes.iter().enumerate().filter(|(_, def)| match &def.kind {
                crate::instrumentation::AttrKind::Column(column) => !column.deferred,
                _ => false,
            });
        query.sql.columns = columns.map(|(at, _)| entity.leaf(at as u16)).collect();
        query.what = What::Columns;
        query.options.clear();
        query.into_select().into()
    }
}

impl Query {
    /// The objects that a statement gives which the program has written whole; see
    /// [`Select::from_statement`].
    #[must_use]
    pub fn from_statement(mut self, statement: impl Into<Statement>) -> Self {
        self.statement = Some(Box::new(statement.into()));
        self
    }

    /// Whether something was said that belongs into the statement.
    fn says_more(&self) -> bool {
        let sql = &self.sql;
        let lists = [&sql.filter, &sql.order_by, &sql.group_by, &sql.having];
        lists.into_iter().any(|list| !list.is_empty())
            || !self.joins.is_empty()
            || !self.along.is_empty()
            || sql.limit.is_some()
            || sql.offset.is_some()
    }
}

impl Session {
    /// The objects that the statement of a query gives.
    pub(super) async fn query_statement(&mut self, mut query: Query) -> Result<Vec<Id>> {
        let def = query.entity.class;
        if query.says_more() {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "the query of {} is given as a statement: put conditions, joins, order and limit into it",
                    def.name
                ),
            ));
        }
        self.count_load(Loaded::query(def))?;
        if self.listeners.hears_statements() {
            self.told_of(Executed::Select, &mut query).await?;
        }
        self.autoflush().await?;
        let class = self.learn(def)?;
        self.add_criteria_to(Executed::Select, &mut query)?;
        let Some(mut statement) = query.statement else { return Ok(Vec::new()) };
        if let (false, Statement::Query(inner)) = (query.criteria.is_empty(), &mut *statement) {
            add_criteria(inner, &query.criteria);
        }
        let criteria = propagated(&query.criteria);
        self.loading.criteria.reading.clone_from(&criteria);
        let statement: &dyn Keyed = &*statement;
        let ready = self.prepare_any(statement)?;
        let populate = Populate { existing: query.populate_existing, ..Populate::default() };
        let mut connection = self.checkout().await?;
        let mut sink = NamedRows {
            session: self,
            class,
            options: query.options,
            criteria: query.criteria,
            plan: None,
            populate,
            ids: IdSet::default(),
        };
        let result = connection.query(&ready.compiled, &ready.params, &mut sink).await;
        let NamedRows { plan, ids, .. } = sink;
        self.checkin(connection);
        self.loading.criteria.reading = None;
        result?;
        self.tell_noted_waiting().await?;
        let found: Vec<Id> = ids.iter().copied().collect();
        if let Some(entity) = &plan
            && !entity.after.is_empty()
            && !found.is_empty()
        {
            let populate_existing = query.populate_existing;
            let how = After { origin: None, populate_existing, criteria };
            Box::pin(self.load_after(entity, &[ids], how)).await?;
        }
        Ok(found)
    }
}

/// Criteria go with the queries of classes that a statement is made of; what is written as SQL, or over tables, is as it
/// was written.
fn add_criteria(query: &mut aludel_sql::Query, criteria: &[ClassCriterion]) {
    match query {
        aludel_sql::Query::Select(select) => {
            let Some(node) = QueryNode::of(select) else { return };
            let mut node = node.clone();
            node.criteria.extend_from_slice(criteria);
            let new = Node::Custom(Arc::new(node));
            let is_query = |node: &&mut Node| match node {
                Node::Custom(custom) => custom.as_any().is::<QueryNode>(),
                _ => false,
            };
            let select = Arc::make_mut(select);
            if let Some(carried) = select.carried.iter_mut().find(is_query) {
                *carried = new;
            }
        }
        aludel_sql::Query::Set(set) => {
            Arc::make_mut(set).parts.iter_mut().for_each(|part| add_criteria(part, criteria));
        }
    }
}

/// Makes objects of rows whose columns are told by name.
struct NamedRows<'a> {
    session: &'a mut Session,
    class: u16,
    options: Vec<LoadOption>,
    criteria: Vec<ClassCriterion>,
    /// What the columns mean; known with the first row.
    plan: Option<EntityPlan>,
    populate: Populate,
    ids: IdSet,
}

impl RowSink for NamedRows<'_> {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        if self.plan.is_none() {
            let names: Vec<String> = (0..row.len()).map(|at| row.name(at)).collect();
            let mappers = std::sync::Arc::clone(&self.session.mappers);
            let mut resolver = Resolver::new(&mappers);
            resolver.criteria.clone_from(&self.criteria);
            let plan = resolver.named_plan(self.class, &names, &self.options)?;
            self.session.identity_mut(plan.class);
            self.session.slab_for(plan.class);
            self.plan = Some(plan);
        }
        if let Some(plan) = &self.plan
            && let Some(id) = object(self.session, plan, row, &mut self.populate)?
        {
            self.ids.insert(id);
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Resolver<'_> {
    /// What rows mean whose columns are told by name.
    fn named_plan(
        &mut self,
        class: u16,
        names: &[String],
        options: &[LoadOption],
    ) -> Result<EntityPlan> {
        let by_name = |mapper: &Mapper, attribute: u16| {
            let property = mapper.property(attribute);
            let column = match &property.kind {
                PropertyKind::Column(column) => {
                    column.columns.iter().find_map(|at| place(names, &mapper.column_of(*at).name))
                }
                _ => None,
            };
            column.or_else(|| place(names, property.name()))
        };
        let mapper = self.mappers.at(class);
        for attribute in &mapper.primary_key {
            if by_name(mapper, *attribute).is_none() {
                return Err(lacks_key(mapper.def, mapper.property(*attribute).name(), names));
            }
        }
        if let Some((on, _)) =
            mapper.discriminator.as_ref().filter(|_| !mapper.subclasses.is_empty())
            && by_name(mapper, *on).is_none()
        {
            return Err(lacks_key(mapper.def, mapper.property(*on).name(), names));
        }
        self.plan_by_place(class, options, &by_name)
    }

    /// What rows mean whose columns are where a function says, by class and attribute. The key must be among them.
    pub(super) fn plan_by_place(
        &mut self,
        class: u16,
        options: &[LoadOption],
        place: &dyn Fn(&Mapper, u16) -> Option<u16>,
    ) -> Result<EntityPlan> {
        let mappers = self.mappers;
        let mut options = self.with_defaults(class, options)?.into_owned();
        for option in &mut options {
            if let LoadOption::Relationship(option) = option
                && matches!(option.how, Strategy::Joined)
            {
                option.how = Strategy::SelectIn;
            }
        }
        let sources = self.own(class);
        // The columns are found as if they were selected, and then where they are.
        let mut plan = Plan::default();
        let along: Vec<u16> =
            mappers.self_and_descendants(class).iter().map(|m| m.index()).collect();
        let mut columns = Vec::new();
        let mut entity =
            self.entity(&sources, &options, &along, &mut columns, &mut plan.entities)?;
        let own = [&mut entity.own].into_iter();
        let of_subclasses = entity.discriminator.iter_mut().flat_map(|d| &mut d.classes);
        for class in own.chain(of_subclasses.map(|(_, class)| class)) {
            let mapper = mappers.at(class.class);
            class.find_by_name(mapper, |attribute| place(mapper, attribute));
        }
        let mapper = mappers.at(class);
        entity.key = mapper.primary_key.iter().filter_map(|a| entity.own.column(*a)).collect();
        let on = mapper.discriminator.as_ref().and_then(|(a, _)| entity.own.column(*a));
        entity.discriminator = entity.discriminator.zip(on).map(|(mut discriminator, column)| {
            discriminator.column = column;
            discriminator
        });
        Ok(entity)
    }
}

fn place(names: &[String], wanted: &str) -> Option<u16> {
    names.iter().position(|name| name == wanted).map(|at| at as u16)
}

#[cold]
fn lacks_key(class: &ClassDef, attribute: &str, names: &[String]) -> Error {
    Error::new(
        ErrorKind::Argument,
        format!(
            "the rows of the statement have no column for {}.{attribute}, without which no object can be told: \
             they have `{}`",
            class.name,
            names.join("`, `")
        ),
    )
}
