//! The one error type of aludel.
//!
//! An [`Error`] is as small as a pointer. It has a [kind](ErrorKind), a message that says what was
//! being done to what and what was wrong, and a chain of causes. What a database told about a
//! refused statement is in [`Error::database`].

use std::fmt;

/// The result of an operation that may fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong. New kinds may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument does not make sense: a malformed URL, an option that does not apply.
    Argument,
    /// A mapping cannot be configured.
    Configuration,
    /// A class is not mapped in this registry, or an attribute does not exist.
    Unmapped,
    /// The operation does not fit the state of the object or of the session.
    InvalidRequest,
    /// The transaction has failed and must be rolled back first.
    PendingRollback,
    /// A value was refused by a validator, a listener or a conversion.
    Validation,
    /// A row's value does not fit the field, or a value does not fit the column.
    Value,
    /// The element, key or index is not there.
    Absent,
    /// The attribute has no value.
    NoValue,
    /// The attribute is not loaded, and may not be read (or may not be loaded) here.
    NotLoaded,
    /// A load goes beyond the limit of a guard.
    LoadLimit,
    /// The object belongs to no session that could load it.
    Detached,
    /// The object's row is gone.
    ObjectDeleted,
    /// An UPDATE or DELETE did not match its row: gone, or another version.
    Stale,
    /// The unit of work found a conflict, such as two objects with one key.
    Flush,
    /// Rows or tables depend on each other in a circle.
    Circular,
    /// A query that wants one row found none.
    NoResult,
    /// A query that wants one row found several.
    MultipleResults,
    /// A unique or primary key constraint was violated.
    UniqueViolation,
    /// A foreign key constraint was violated.
    ForeignKeyViolation,
    /// NULL was given for a column that is not nullable.
    NotNullViolation,
    /// A check or exclusion constraint was violated.
    CheckViolation,
    /// The transaction could not be serialized; it may be retried.
    Serialization,
    /// The transaction was chosen as the victim of a deadlock; it may be retried.
    Deadlock,
    /// A lock, a statement or the wait for a connection timed out.
    Timeout,
    /// The connection was lost or could not be made.
    ConnectionLost,
    /// The connection was lost while committing: whether the transaction took effect is not known.
    OutcomeUnknown,
    /// The database did not understand the statement, or does not know a name in it.
    Syntax,
    /// The database has no room left, or another of its resources is exhausted.
    Resources,
    /// The database or connection may only be read.
    ReadOnly,
    /// Any other error of the database.
    Database,
    /// The database cannot do what was asked for.
    Unsupported,
}

impl ErrorKind {
    /// A stable code for the kind, such as `unique_violation`.
    pub fn code(self) -> &'static str {
        use ErrorKind as K;
        match self {
            K::Argument => "argument",
            K::Configuration => "configuration",
            K::Unmapped => "unmapped",
            K::InvalidRequest => "invalid_request",
            K::PendingRollback => "pending_rollback",
            K::Validation => "validation",
            K::Value => "value",
            K::Absent => "absent",
            K::NoValue => "no_value",
            K::NotLoaded => "not_loaded",
            K::LoadLimit => "load_limit",
            K::Detached => "detached",
            K::ObjectDeleted => "object_deleted",
            K::Stale => "stale",
            K::Flush => "flush",
            K::Circular => "circular",
            K::NoResult => "no_result",
            K::MultipleResults => "multiple_results",
            K::UniqueViolation => "unique_violation",
            K::ForeignKeyViolation => "foreign_key_violation",
            K::NotNullViolation => "not_null_violation",
            K::CheckViolation => "check_violation",
            K::Serialization => "serialization",
            K::Deadlock => "deadlock",
            K::Timeout => "timeout",
            K::ConnectionLost => "connection_lost",
            K::OutcomeUnknown => "outcome_unknown",
            K::Syntax => "syntax",
            K::Resources => "resources",
            K::ReadOnly => "read_only",
            K::Database => "database",
            K::Unsupported => "unsupported",
        }
    }
}

/// What the database told about a statement that it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseDetail {
    /// The database's own code: an SQLSTATE, or SQLite's extended result code.
    pub code: Option<String>,
    /// The constraint that was violated, where the database names it.
    pub constraint: Option<String>,
    /// The table concerned, where the database names it.
    pub table: Option<String>,
    /// The column concerned, where the database names it.
    pub column: Option<String>,
    /// The text of the statement; never its parameters.
    pub statement: Option<String>,
    /// Of a list of writes, the one that failed.
    pub write: Option<usize>,
    /// Of a write of many rows, the row that failed, where the driver knows it.
    pub row: Option<usize>,
}

/// What went wrong; its [kind](ErrorKind) says what sort of thing.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    detail: Option<Box<DatabaseDetail>>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with a message that says what was being done and what was wrong.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), detail: None, cause: None }))
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_cause(
        mut self,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds what the database told.
    #[must_use]
    pub fn with_database(mut self, detail: DatabaseDetail) -> Self {
        self.0.detail = Some(Box::new(detail));
        self
    }

    /// Puts what was being done before the message: `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// The same error, and what else is to be said.
    #[must_use]
    pub fn note(mut self, note: impl fmt::Display) -> Self {
        self.0.message = format!("{}; {note}", self.0.message);
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message, without the statement and the causes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the database told, where it was the database that refused.
    pub fn database(&self) -> Option<&DatabaseDetail> {
        self.0.detail.as_deref()
    }

    /// What the database told, to be completed.
    pub fn database_mut(&mut self) -> &mut DatabaseDetail {
        self.0.detail.get_or_insert_default()
    }

    /// The row was refused by a constraint: unique, foreign key, not null or check.
    pub fn is_integrity(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::UniqueViolation
                | ErrorKind::ForeignKeyViolation
                | ErrorKind::NotNullViolation
                | ErrorKind::CheckViolation
        )
    }

    /// The kind of what went wrong first: of a [`PendingRollback`](ErrorKind::PendingRollback), that of the failure
    /// for which the rollback is pending, where it is known; else the error's own.
    pub fn first_kind(&self) -> ErrorKind {
        let cause = self.0.cause.as_ref().and_then(|c| c.downcast_ref::<Self>());
        match cause.filter(|_| self.0.kind == ErrorKind::PendingRollback) {
            Some(first) => first.first_kind(),
            None => self.0.kind,
        }
    }

    /// The whole transaction may succeed when it is tried again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.first_kind(), ErrorKind::Serialization | ErrorKind::Deadlock)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(sql) = self.0.detail.as_ref().and_then(|d| d.statement.as_deref()) {
            write!(f, " [statement: {sql}]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.code())?;
        let mut cause = std::error::Error::source(self);
        while let Some(c) = cause {
            write!(f, "; caused by: {c}")?;
            cause = c.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|c| c as _)
    }
}
