//! What listeners are told.

use aludel_sql::IntoExpr;

use super::kinds::{ObjectEvent, SessionEvent, StatementEvent};
use crate::instrumentation::{AnyClass, Handle, Mapped};
use crate::loading::{ByCriteria, IntoOptions, LoaderCriteria, Options, Query};

/// What happens to an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Occasion<T = AnyClass> {
    /// What happens.
    pub event: ObjectEvent,
    /// The object.
    pub object: Handle<T>,
    /// The names of the attributes that it is about; `None` where it is about all, or none in particular.
    pub attributes: Option<Vec<String>>,
}

/// What happens to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moment {
    /// What happens.
    pub event: SessionEvent,
    /// How many savepoints are open, that which the event is about included: 0 where it is about the transaction.
    pub depth: usize,
}

/// What a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Executed {
    /// A query for objects or rows.
    Select,
    /// The load of a relationship of objects that are there.
    RelationshipLoad,
    /// The load of columns of objects that are there: expired, deferred, refreshed.
    ColumnLoad,
    /// An INSERT of many rows.
    Insert,
    /// An UPDATE by criteria, or of many rows by their keys.
    Update,
    /// A DELETE by criteria.
    Delete,
}

/// A statement that is about to run, or has run: SQLAlchemy's `ORMExecuteState`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Execution {
    /// What happens.
    pub event: StatementEvent,
    /// What the statement is.
    pub what: Executed,
    /// The name of the class that it is about.
    pub class: String,
    /// The query, which a listener may change. `None` for statements that are none.
    pub query: Option<Query>,
    /// The UPDATE or DELETE by criteria, which a listener may change. `None` for queries, and when it is done.
    pub criteria: Option<ByCriteria>,
    /// The number of rows that a statement has written; `None` before it ran.
    pub rows: Option<u64>,
}

impl Execution {
    pub(crate) fn before(what: Executed, class: &str) -> Self {
        Self {
            event: StatementEvent::DoOrmExecute,
            what,
            class: class.to_owned(),
            query: None,
            criteria: None,
            rows: None,
        }
    }

    /// Whether the statement is about objects of a class.
    pub fn is_of<T: Mapped>(&self) -> bool {
        self.class == T::class().name
    }

    /// Adds a condition to the statement.
    pub fn filter(&mut self, condition: impl IntoExpr<bool>) {
        let condition = condition.into_node();
        match (&mut self.criteria, self.query.take()) {
            (Some(criteria), _) => criteria.filter(condition),
            (None, query) => self.query = query.map(|query| query.filter(condition)),
        }
    }

    /// Adds criteria for a class, wherever the query has it; see [`LoaderCriteria`].
    pub fn with_criteria(&mut self, criteria: LoaderCriteria) {
        self.query = self.query.take().map(|query| query.with_criteria(criteria));
    }

    /// Adds loader options to a query.
    pub fn options<T: Mapped>(&mut self, options: impl IntoOptions<T>) {
        if let Some(query) = &mut self.query {
            let mut list = Options(Vec::new());
            options.into_options(&mut list);
            query.options.append(&mut list.0);
        }
    }
}
