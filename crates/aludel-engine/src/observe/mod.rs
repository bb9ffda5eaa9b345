//! Observers: told of everything that an engine's connections do.
//!
//! [`Echo`] prints, [`StatementCounter`] counts, and the feature `tracing` has `Tracing`, which makes spans.
//! Without observers a statement pays for one look at a flag.

mod counter;
mod echo;
#[cfg(feature = "tracing")]
mod spans;

pub use counter::{Count, StatementCounter};
pub use echo::{Echo, Show};
#[cfg(feature = "tracing")]
pub use spans::Tracing;

use crate::transaction::TransactionOptions;
use aludel_sql::{Bind, Error, Result, StatementKind, Write, WriteOp, WriteSink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Something that an engine tells what its connections do.
///
/// It is called on the thread that runs the statement, so it should be quick; it must not use the connection.
pub trait Observer: Send + Sync {
    /// Something is about to be done.
    fn before(&self, event: &Event<'_>) {
        let _ = event;
    }

    /// A span for what is about to be done. It is closed when that is done; before, `rows`, `elapsed_us` and
    /// `error` are recorded in it.
    #[cfg(feature = "tracing")]
    fn span(&self, event: &Event<'_>) -> tracing::Span {
        let _ = event;
        tracing::Span::none()
    }

    /// Something happened that is no error, and hardly what was meant: a DELETE whose row was gone already.
    fn warn(&self, message: &str) {
        let _ = message;
    }

    /// It is done, or has failed. When the future was dropped in the middle, this is not called.
    fn after(&self, event: &Event<'_>, outcome: &Outcome<'_>) {
        let _ = (event, outcome);
    }
}

/// What is done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A transaction begins. (It may be sent with the first statement.)
    Begin(&'a TransactionOptions),
    /// The transaction is committed.
    Commit,
    /// The transaction is rolled back.
    Rollback,
    /// A savepoint is made.
    Savepoint(u32),
    /// A savepoint is released.
    Release(u32),
    /// What was done since a savepoint is undone.
    RollbackTo(u32),
    /// A statement runs.
    Statement {
        /// Its id: that of [`Compiled`](aludel_sql::Compiled).
        id: u64,
        /// Its text.
        sql: &'a str,
        /// What kind it is.
        kind: StatementKind,
        /// Its parameters.
        params: &'a [Bind<'a>],
    },
    /// A statement runs for many rows of parameters.
    Each {
        /// Its id: that of [`Compiled`](aludel_sql::Compiled).
        id: u64,
        /// Its text.
        sql: &'a str,
        /// What kind it is.
        kind: StatementKind,
        /// How many rows of parameters there are.
        rows: usize,
        /// The parameters of all rows, one row behind the other.
        params: &'a [Bind<'a>],
    },
    /// A script of statements without parameters runs.
    Script(&'a str),
    /// A batch of rows is written.
    Write {
        /// The place in the list of writes.
        index: usize,
        /// The statement for one row (how the rows are sent is the driver's business).
        sql: &'a str,
        /// The rows.
        write: &'a Write<'a>,
    },
}

impl Event<'_> {
    /// A short name: `SELECT`, `INSERT`, `BEGIN`, ….
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Savepoint(_) => "SAVEPOINT",
            Self::Release(_) => "RELEASE",
            Self::RollbackTo(_) => "ROLLBACK TO",
            Self::Script(_) => "SCRIPT",
            Self::Statement { kind, .. } | Self::Each { kind, .. } => match kind {
                StatementKind::Select => "SELECT",
                StatementKind::Insert => "INSERT",
                StatementKind::Update => "UPDATE",
                StatementKind::Delete => "DELETE",
                StatementKind::Ddl => "DDL",
                StatementKind::Other => "OTHER",
            },
            Self::Write { write, .. } => match write.op {
                WriteOp::Insert => "INSERT",
                WriteOp::Update => "UPDATE",
                WriteOp::Delete => "DELETE",
            },
        }
    }

    /// The statement's text.
    pub fn sql(&self) -> Option<&str> {
        match self {
            Self::Statement { sql, .. }
            | Self::Each { sql, .. }
            | Self::Script(sql)
            | Self::Write { sql, .. } => Some(sql),
            _ => None,
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Outcome<'a> {
    /// How long it took.
    pub elapsed: Duration,
    /// How many rows came, or were written.
    pub rows: u64,
    /// The error, if it failed.
    pub error: Option<&'a Error>,
}

type List = Arc<[Arc<dyn Observer>]>;

/// The observers of an engine.
pub(crate) struct Observers {
    any: AtomicBool,
    list: RwLock<List>,
}

impl Observers {
    pub(crate) fn new(list: Vec<Arc<dyn Observer>>) -> Self {
        Self { any: AtomicBool::new(!list.is_empty()), list: RwLock::new(list.into()) }
    }

    pub(crate) fn add(&self, observer: Arc<dyn Observer>) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        *list = list.iter().cloned().chain([observer]).collect();
        self.any.store(true, Ordering::Release);
    }

    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Tells a warning.
    pub(crate) fn warn(&self, message: impl FnOnce() -> String) {
        if self.any() {
            let list = self.list.read().unwrap_or_else(PoisonError::into_inner).clone();
            let message = message();
            list.iter().for_each(|observer| observer.warn(&message));
        }
    }

    /// Tells that something is about to be done; the result is to be told what came of it.
    #[inline]
    pub(crate) fn start(&self, event: &Event<'_>) -> Option<Watch> {
        if self.any() { Some(self.watch(event)) } else { None }
    }

    #[cold]
    fn watch(&self, event: &Event<'_>) -> Watch {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner).clone();
        for observer in &*list {
            observer.before(event);
        }
        Watch {
            #[cfg(feature = "tracing")]
            spans: list.iter().map(|o| o.span(event)).filter(|s| !s.is_disabled()).collect(),
            list,
            since: Instant::now(),
        }
    }
}

/// Something that was begun before observers.
pub(crate) struct Watch {
    list: List,
    since: Instant,
    #[cfg(feature = "tracing")]
    spans: Vec<tracing::Span>,
}

impl Watch {
    #[cold]
    pub(crate) fn finish(&self, event: &Event<'_>, rows: u64, error: Option<&Error>) {
        let outcome = Outcome { elapsed: self.since.elapsed(), rows, error };
        #[cfg(feature = "tracing")]
        for span in &self.spans {
            spans::record(span, &outcome);
        }
        for observer in &*self.list {
            observer.after(event, &outcome);
        }
    }
}

/// Tells observers of each write of a list, around the sink that wants the results.
pub(crate) struct WatchedWrites<'a> {
    sink: &'a mut dyn WriteSink,
    observers: &'a Observers,
    writes: &'a [Write<'a>],
    sql: Vec<String>,
    at: usize,
    watch: Option<Watch>,
}

impl<'a> WatchedWrites<'a> {
    pub(crate) fn new(
        sink: &'a mut dyn WriteSink,
        observers: &'a Observers,
        writes: &'a [Write<'a>],
        sql: Vec<String>,
    ) -> Self {
        let mut watched = Self { sink, observers, writes, sql, at: 0, watch: None };
        watched.next();
        watched
    }

    fn next(&mut self) {
        self.watch = self.event().and_then(|e| self.observers.start(&e));
    }

    fn event(&self) -> Option<Event<'_>> {
        let (write, sql) = (self.writes.get(self.at)?, self.sql.get(self.at)?);
        Some(Event::Write { index: self.at, sql, write })
    }

    pub(crate) fn failed(&self, error: &Error) {
        if let (Some(watch), Some(event)) = (&self.watch, self.event()) {
            watch.finish(&event, 0, Some(error));
        }
    }
}

impl WriteSink for WatchedWrites<'_> {
    fn returned(&mut self, write: usize, row: usize, values: &dyn aludel_sql::Row) -> Result<()> {
        self.sink.returned(write, row, values)
    }

    fn done(&mut self, write: usize, matched: u64) -> Result<()> {
        if let (Some(watch), Some(event)) = (&self.watch, self.event()) {
            watch.finish(&event, matched, None);
        }
        self.watch = None;
        self.at = write + 1;
        let result = self.sink.done(write, matched);
        if result.is_ok() {
            self.next();
        }
        result
    }
}
