//! What may go wrong in a step.

use aludel::{Error, ErrorKind};

/// Why a step gave no output.
#[derive(Debug)]
pub enum Failure {
    /// The library refused: an outcome that scenarios expect.
    Refused(Error),
    /// The runner itself found the kind of an outcome.
    Outcome(&'static str),
    /// The scenario needs what is not there yet.
    OutOfScope(String),
    /// The scenario makes no sense.
    Malformed(String),
}

/// The result of a step.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The scenario is wrong.
pub(crate) fn malformed(what: impl Into<String>) -> Failure {
    Failure::Malformed(what.into())
}

/// The library does not have it yet.
pub(crate) fn out_of_scope(what: impl Into<String>) -> Failure {
    Failure::OutOfScope(what.into())
}

/// An error's kind in the vocabulary of the kit.
pub(crate) fn kind(error: &Error) -> &'static str {
    use ErrorKind as K;
    if error.is_integrity() {
        return "integrity";
    }
    match error.kind() {
        K::Validation | K::Value => "validation",
        K::Absent => "absent",
        K::NoValue => "no_value",
        K::NotLoaded => "no_load",
        K::Detached => "detached",
        K::ObjectDeleted => "object_deleted",
        K::Stale => "stale",
        K::Flush => "flush",
        K::Circular => "circular",
        K::NoResult => "no_result",
        K::MultipleResults => "multiple_results",
        K::PendingRollback => "pending_rollback",
        K::InvalidRequest => "invalid_request",
        K::Unmapped => "unmapped",
        K::Argument | K::Configuration => "argument",
        _ => "database",
    }
}
