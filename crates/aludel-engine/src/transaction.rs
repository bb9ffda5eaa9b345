//! How a transaction begins, and where a connection is in one.

use aludel_sql::{Error, ErrorKind};

/// How isolated transactions are from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// As PostgreSQL has it, the same as `ReadCommitted`.
    ReadUncommitted,
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see what was committed before the first.
    RepeatableRead,
    /// As if transactions ran one after the other. SQLite is always so.
    Serializable,
}

impl Isolation {
    /// The level in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// To write. SQLite takes the lock for writing at the first statement (`BEGIN IMMEDIATE`), so that it waits
    /// there and not in the middle.
    #[default]
    Write,
    /// To read, and perhaps to write later. SQLite takes the lock for writing at the first write (`BEGIN DEFERRED`);
    /// when another connection has written meanwhile, that write fails with `Serialization` at once.
    Deferred,
    /// To read only: a write fails with `ReadOnly`.
    Read,
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransactionOptions {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) access: Option<Access>,
}

impl TransactionOptions {
    /// As the engine says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the isolation.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }

    /// Sets what the transaction is for.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = Some(access);
        self
    }

    /// Only to read.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.access(Access::Read)
    }

    /// What is not set here is taken from there.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self { isolation: self.isolation.or(other.isolation), access: self.access.or(other.access) }
    }
}

/// Where a connection is.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// `begin` was called, and neither `commit` nor `rollback` since.
    pub(crate) open: bool,
    /// The statement that failed in a way that lets nothing pass but a rollback (to a savepoint).
    pub(crate) failed: Option<Box<Failure>>,
    /// A statement was started and its end was not seen: its future was dropped.
    pub(crate) in_flight: bool,
    /// The savepoints, innermost last.
    pub(crate) savepoints: Vec<u32>,
    /// The next savepoint's number.
    pub(crate) next: u32,
}

/// What is remembered of an error for those that follow from it.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: ErrorKind,
    message: String,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { kind: error.kind(), message: error.message().to_owned() }
    }
}

impl Failure {
    /// The error of what was asked for after the failure.
    #[cold]
    pub(crate) fn refusal(&self) -> Error {
        Error::new(
            ErrorKind::PendingRollback,
            "an earlier statement failed, and the database refuses all others until the transaction is rolled back",
        )
        .with_cause(Error::new(self.kind, self.message.clone()))
    }
}
