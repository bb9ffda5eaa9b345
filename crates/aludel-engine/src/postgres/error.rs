//! PostgreSQL's errors as ours: its SQLSTATE, and what its fields name.
//!
//! The field DETAIL is never shown: it holds values (`Key (email)=(…) already exists`). So may the message of a
//! data exception, whose quotations are left out.

use super::encode::Unsendable;
use aludel_sql::{DatabaseDetail, Error, ErrorKind};
use std::error::Error as StdError;
use tokio_postgres::error::{DbError, SqlState};

/// Why a statement did not run: the server's or the connection's error, or one of ours.
pub(super) enum Refused {
    Server(tokio_postgres::Error),
    Own(Error),
}

impl From<tokio_postgres::Error> for Refused {
    fn from(e: tokio_postgres::Error) -> Self {
        Self::Server(e)
    }
}

impl From<Error> for Refused {
    fn from(e: Error) -> Self {
        Self::Own(e)
    }
}

impl Refused {
    /// The server says that a prepared statement is out of date, or that it has none of the name.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Server(e) if e.as_db_error().is_some_and(is_stale))
    }

    /// Whether the server may have refused one of several rows, or several together: by what they hold, by a constraint,
    /// by a trigger, or since it takes them for one.
    pub(super) fn is_about_a_row(&self) -> bool {
        let Self::Server(e) = self else { return false };
        let code = e.as_db_error().filter(|e| !is_stale(e)).map(|e| e.code().code());
        code.and_then(|code| code.get(..2))
            .is_some_and(|class| matches!(class, "21" | "22" | "23" | "42" | "P0"))
    }

    #[cold]
    pub(super) fn translate(self, sql: &str) -> Error {
        match self {
            Self::Own(mut error) => {
                error.database_mut().statement.get_or_insert_with(|| sql.to_owned());
                error
            }
            Self::Server(e) => translate(&e, Some(sql)),
        }
    }
}

fn is_stale(e: &DbError) -> bool {
    *e.code() == SqlState::INVALID_SQL_STATEMENT_NAME
        || (*e.code() == SqlState::FEATURE_NOT_SUPPORTED
            && e.routine() == Some("RevalidateCachedQuery"))
}

/// An error of the server or of the connection, with the statement's text (never its parameters).
#[cold]
pub(super) fn translate(error: &tokio_postgres::Error, sql: Option<&str>) -> Error {
    let mut detail = DatabaseDetail::default();
    detail.statement = sql.map(str::to_owned);
    let Some(e) = error.as_db_error() else {
        return own(error).with_database(detail);
    };
    let code = e.code().code();
    detail.code = Some(code.to_owned());
    detail.constraint = e.constraint().map(str::to_owned);
    detail.table = e.table().map(str::to_owned);
    detail.column = e.column().map(str::to_owned);
    if is_stale(e) {
        return Error::new(
            ErrorKind::Serialization,
            "the table was altered after the statement was prepared: run the transaction again",
        )
        .with_database(detail);
    }
    let message = if code.starts_with("22") {
        without_quotations(e.message())
    } else {
        e.message().to_owned()
    };
    Error::new(kind(code), message).with_database(detail)
}

/// What did not come from the server.
fn own(error: &tokio_postgres::Error) -> Error {
    let source = error.source();
    if let Some(unsendable) = source.and_then(|s| s.downcast_ref::<Unsendable>()) {
        return Error::new(ErrorKind::Value, format!("a parameter cannot be sent: {unsendable}"));
    }
    if let Some(io) = source.and_then(|s| s.downcast_ref::<std::io::Error>()) {
        return Error::new(ErrorKind::ConnectionLost, format!("{error}: {io}"));
    }
    let kind = if error.is_closed() { ErrorKind::ConnectionLost } else { ErrorKind::Database };
    match source {
        Some(source) => Error::new(kind, format!("{error}: {source}")),
        None => Error::new(kind, error.to_string()),
    }
}

/// The connection is lost, or the server is about to close it.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(e) => kind(e.code().code()) == ErrorKind::ConnectionLost,
        None => error.is_closed() || error.source().is_some_and(|s| s.is::<std::io::Error>()),
    }
}

fn kind(code: &str) -> ErrorKind {
    match code {
        "23505" => ErrorKind::UniqueViolation,
        "23503" | "23001" => ErrorKind::ForeignKeyViolation,
        "23502" => ErrorKind::NotNullViolation,
        "23514" | "23P01" => ErrorKind::CheckViolation,
        "40001" => ErrorKind::Serialization,
        "40P01" => ErrorKind::Deadlock,
        "55P03" | "57014" => ErrorKind::Timeout,
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "25P04" => {
            ErrorKind::ConnectionLost
        }
        "25P02" => ErrorKind::PendingRollback,
        "25006" => ErrorKind::ReadOnly,
        "0A000" => ErrorKind::Unsupported,
        "42501" => ErrorKind::Database,
        _ => match code.get(..2) {
            Some("08") => ErrorKind::ConnectionLost,
            Some("22") => ErrorKind::Value,
            Some("42") => ErrorKind::Syntax,
            Some("53" | "54") => ErrorKind::Resources,
            _ => ErrorKind::Database,
        },
    }
}

/// `invalid input syntax for type integer: "…"`, and `value "…" is out of range`.
fn without_quotations(message: &str) -> String {
    let parts: Vec<&str> = message.split('"').collect();
    match parts.as_slice() {
        [whole] => (*whole).to_owned(),
        // A quotation may hold quotation marks: all from the first to the last is left out.
        [first, .., last] => format!("{first}\"…\"{last}"),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out() {
        let shown = without_quotations("invalid input syntax for type integer: \"a\"secret\"\"");
        assert_eq!(shown, "invalid input syntax for type integer: \"…\"");
        assert_eq!(without_quotations("division by zero"), "division by zero");
    }

    #[test]
    fn kinds() {
        for (code, want) in [
            ("23505", ErrorKind::UniqueViolation),
            ("08006", ErrorKind::ConnectionLost),
            ("42P01", ErrorKind::Syntax),
            ("42501", ErrorKind::Database),
            ("22003", ErrorKind::Value),
            ("53100", ErrorKind::Resources),
            ("40P01", ErrorKind::Deadlock),
            ("XX000", ErrorKind::Database),
        ] {
            assert_eq!(kind(code), want, "{code}");
        }
    }
}
