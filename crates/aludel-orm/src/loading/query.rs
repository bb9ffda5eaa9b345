//! The query, without types: what every typed one is made of.

use std::any::Any;
use std::sync::Arc;

use aludel_sql::{CustomNode, KeyWriter, Node, Select, Statement};

use super::criterion::{self, Criterion};
use super::loader_criteria::{self, ClassCriterion, LoaderCriteria};
use super::names::Names;
use super::objects::ObjectLeaf;
use super::options::{self, LoadOption, Strategy};
use super::per_query::PerQuery;
use crate::Result;
use crate::instrumentation::entity::{Entity, write_class};
use crate::instrumentation::{ClassDef, Id, Lazy};
use crate::mapping::Mappers;

/// A query over mapped classes, without types: a class, joins along relationships, conditions, loader
/// options.
///
/// [`Select`](super::Select) and [`Rows`](super::Rows) are its typed faces. Tools that know classes by name
/// begin with [`Session::query_named`](crate::Session::query_named).
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) entity: Entity,
    /// What the SQL layer knows of it: results, conditions, order, limits.
    pub(crate) sql: Select,
    pub(crate) joins: Vec<JoinStep>,
    pub(crate) options: Vec<LoadOption>,
    /// Subclasses whose tables are joined along.
    pub(crate) along: Vec<&'static ClassDef>,
    pub(crate) what: What,
    /// Objects of exactly its class, of a concrete hierarchy.
    pub(crate) own: bool,
    pub(crate) populate_existing: bool,
    /// Whose rows are locked; all, if none is here.
    pub(super) lock_of: Vec<Entity>,
    /// The statement that gives the objects, where the program has written it whole.
    pub(super) statement: Option<Box<Statement>>,
    /// Criteria for each class that were said for it.
    pub(super) said: Vec<LoaderCriteria>,
    /// The criteria that it has: those said, and others that come from a session or from owners.
    pub(super) criteria: Vec<ClassCriterion>,
    /// The session's are left out.
    pub(super) without_criteria: bool,
    /// What it says for attributes that read expressions.
    pub(super) expressions: Vec<PerQuery>,
    /// What names mean in it.
    pub(super) names: Names,
}

/// What a query gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Objects of its class; results that are given come after their columns.
    Objects,
    /// The results that are given.
    Columns,
    /// The primary keys.
    Keys,
    /// The number of rows.
    Count,
}

/// A join of a query.
#[derive(Clone, Debug)]
pub(crate) struct JoinStep {
    pub(crate) owner: Entity,
    /// The relationship that is followed; `None` for a join on a condition alone.
    pub(crate) attribute: Option<u16>,
    pub(crate) target: Entity,
    pub(crate) outer: bool,
    pub(crate) on: Vec<Node>,
    pub(crate) back: Back,
}

/// Whether a join leads from the query's class back to what refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// It leads along the relationship, to the target.
    No,
    /// To the association table, under its own name.
    Secondary,
    /// To the owner.
    Owner,
}

impl Query {
    pub(crate) fn new(entity: Entity, what: What) -> Self {
        Self {
            entity,
            sql: Select::default(),
            joins: Vec::new(),
            options: Vec::new(),
            along: Vec::new(),
            what,
            own: false,
            populate_existing: false,
            lock_of: Vec::new(),
            statement: None,
            said: Vec::new(),
            criteria: Vec::new(),
            without_criteria: false,
            expressions: Vec::new(),
            names: Names::default(),
        }
    }

    /// Whether there are objects among its columns.
    pub(super) fn has_objects(&self) -> bool {
        self.what == What::Columns && self.sql.columns.iter().any(|c| ObjectLeaf::of(c).is_some())
    }

    /// Puts in the values of the objects that criteria ask for.
    pub(crate) fn bind_objects(
        &mut self,
        values: &dyn Fn(&Criterion, Id) -> Result<Vec<Node>>,
    ) -> Result<()> {
        let sql = &mut self.sql;
        let lists = [
            &mut sql.columns,
            &mut sql.filter,
            &mut sql.having,
            &mut sql.group_by,
            &mut sql.order_by,
        ];
        let joins = self.joins.iter_mut().flat_map(|join| &mut join.on);
        let criteria = self.criteria.iter_mut().map(|criterion| &mut criterion.condition);
        let criteria = criteria.chain(self.expressions.iter_mut().map(|said| &mut said.node));
        for node in lists.into_iter().flatten().chain(joins).chain(criteria) {
            if criterion::asks_for_object(node) {
                *node = criterion::bind(node, values)?;
            }
        }
        Ok(())
    }

    /// Whether the query itself is needed to load what its options, or the mapping, say.
    pub(crate) fn wants_origin(&self, mappers: &Mappers) -> bool {
        let said = self.options.iter().any(|option| match option {
            LoadOption::Relationship(option) => matches!(option.how, Strategy::Subquery),
            LoadOption::Others(how) => matches!(how, Strategy::Subquery),
            _ => false,
        });
        let mapped = || {
            let mapper = mappers.of(self.entity.class);
            mapper.is_some_and(|mapper| mapper.relationships().any(|r| r.lazy == Lazy::Subquery))
        };
        said || mapped()
    }

    /// The statement as a subquery: of objects it gives their keys.
    pub(crate) fn into_subquery(mut self) -> Select {
        if self.what == What::Objects {
            // Which columns these are is the mapping's to say, as are the options' objects.
            self.what = What::Keys;
            self.sql.columns.clear();
            self.options.clear();
        }
        self.into_select()
    }

    /// The statement, with what the mappers have to say about it carried along.
    pub(crate) fn into_select(self) -> Select {
        let Self { entity, mut sql, joins, options, along, what, own, criteria, lock_of, .. } =
            self;
        let (unknown, expressions) = (!self.said.is_empty(), self.expressions);
        let node = QueryNode {
            entity,
            what,
            own,
            joins,
            options,
            along,
            criteria,
            unknown,
            lock_of,
            expressions,
        };
        sql.carried.push(Node::Custom(Arc::new(node)));
        sql
    }
}

/// What a SELECT over mapped classes carries until it is rewritten.
#[derive(Clone, Debug)]
pub(crate) struct QueryNode {
    pub(crate) entity: Entity,
    pub(crate) what: What,
    /// Objects of exactly its class, of a concrete hierarchy.
    pub(crate) own: bool,
    pub(crate) joins: Vec<JoinStep>,
    pub(crate) options: Vec<LoadOption>,
    pub(crate) along: Vec<&'static ClassDef>,
    pub(super) criteria: Vec<ClassCriterion>,
    /// Criteria were said for each class, and no session has looked which classes there are.
    pub(super) unknown: bool,
    pub(super) lock_of: Vec<Entity>,
    pub(super) expressions: Vec<PerQuery>,
}

impl QueryNode {
    /// What a SELECT carries, if it is one over mapped classes.
    pub(crate) fn of(select: &Select) -> Option<&Self> {
        select.carried.iter().find_map(|node| match node {
            Node::Custom(custom) => custom.as_any().downcast_ref(),
            _ => None,
        })
    }
}

impl CustomNode for QueryNode {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.token(self.what as u32 | u32::from(self.unknown) << 8 | u32::from(self.own) << 9);
        self.entity.key(key);
        key.token(self.joins.len() as u32);
        for join in &self.joins {
            let how = u32::from(join.outer) | (join.back as u32) << 1;
            key.token(join.attribute.map_or(0, |a| u32::from(a) + 1) << 3 | how);
            join.owner.key(key);
            join.target.key(key);
            key.nodes(&join.on);
        }
        options::keys(&self.options, key);
        key.token(self.along.len() as u32);
        self.along.iter().for_each(|class| write_class(key, class));
        loader_criteria::keys(&self.criteria, key);
        key.token(self.lock_of.len() as u32);
        self.lock_of.iter().for_each(|entity| entity.key(key));
        key.token(self.expressions.len() as u32);
        for said in &self.expressions {
            key.token(u32::from(said.attribute));
            write_class(key, said.class);
            key.node(&said.node);
        }
    }

    fn rebuild(
        &self,
        replace: &mut dyn FnMut(&Node) -> aludel_sql::Result<Node>,
    ) -> aludel_sql::Result<Option<Arc<dyn CustomNode>>> {
        let on = self.joins.iter().any(|join| !join.on.is_empty());
        if self.criteria.is_empty() && self.expressions.is_empty() && !on {
            return Ok(None);
        }
        let mut rebuilt = self.clone();
        for node in rebuilt.joins.iter_mut().flat_map(|join| &mut join.on) {
            *node = replace(node)?;
        }
        for criterion in &mut rebuilt.criteria {
            criterion.condition = replace(&criterion.condition)?;
        }
        for said in &mut rebuilt.expressions {
            said.node = replace(&said.node)?;
        }
        Ok(Some(Arc::new(rebuilt)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
