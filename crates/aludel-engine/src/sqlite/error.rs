//! SQLite's errors as ours: its extended result codes, and what its messages name.

use aludel_sql::{DatabaseDetail, Error, ErrorKind};
use rusqlite::ffi;

/// An error of SQLite, with the statement's text (never its parameters).
#[cold]
pub(crate) fn translate(error: rusqlite::Error, sql: Option<&str>) -> Error {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(e, message) => (e.extended_code, message),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, Some(msg)),
        // What rusqlite itself refuses: a NUL in the SQL text, too many parameters, several statements in one.
        other => {
            let mut error = Error::new(ErrorKind::Argument, other.to_string());
            if let Some(sql) = sql {
                error.database_mut().statement = Some(sql.to_owned());
            }
            return error;
        }
    };
    let message = message.unwrap_or_else(|| ffi::code_to_str(code).to_owned());
    let mut detail = DatabaseDetail::default();
    detail.code = Some(code.to_string());
    detail.statement = sql.map(str::to_owned);
    name_it(code, &message, &mut detail);
    Error::new(kind(code, &message), message).with_database(detail)
}

/// Whether a lock of another connection was in the way, and waiting may help.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    match error.sqlite_extended_error_code() {
        Some(ffi::SQLITE_BUSY_SNAPSHOT) | None => false,
        Some(code) => matches!(code & 0xff, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED),
    }
}

fn kind(code: i32, message: &str) -> ErrorKind {
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => {
            return ErrorKind::UniqueViolation;
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return ErrorKind::ForeignKeyViolation,
        ffi::SQLITE_CONSTRAINT_NOTNULL => return ErrorKind::NotNullViolation,
        // A value of the wrong type in a STRICT table is SQLITE_CONSTRAINT_DATATYPE.
        ffi::SQLITE_CONSTRAINT_CHECK => return ErrorKind::CheckViolation,
        ffi::SQLITE_CONSTRAINT_DATATYPE => return ErrorKind::Value,
        ffi::SQLITE_BUSY_SNAPSHOT => return ErrorKind::Serialization,
        _ => {}
    }
    match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_INTERRUPT => ErrorKind::Timeout,
        ffi::SQLITE_FULL | ffi::SQLITE_NOMEM | ffi::SQLITE_TOOBIG => ErrorKind::Resources,
        ffi::SQLITE_READONLY => ErrorKind::ReadOnly,
        ffi::SQLITE_MISMATCH | ffi::SQLITE_RANGE => ErrorKind::Value,
        ffi::SQLITE_CANTOPEN => ErrorKind::ConnectionLost,
        ffi::SQLITE_ERROR if is_syntax(message) => ErrorKind::Syntax,
        _ => ErrorKind::Database,
    }
}

/// SQLite has one code for everything that it does not understand; the message tells.
fn is_syntax(message: &str) -> bool {
    [
        "syntax error",
        "no such ",
        "incomplete input",
        "unrecognized token",
        "ambiguous column",
        "has no column",
        "misuse of",
    ]
    .iter()
    .any(|part| message.contains(part))
        || (message.starts_with("table ") && message.contains(" has "))
        || message.starts_with("wrong number of arguments")
}

/// Finds the names in `UNIQUE constraint failed: t.a, t.b`, `CHECK constraint failed: name` and
/// `UNIQUE constraint failed: index 'name'`.
fn name_it(code: i32, message: &str, detail: &mut DatabaseDetail) {
    if code & 0xff != ffi::SQLITE_CONSTRAINT {
        return;
    }
    let Some((_, names)) = message.split_once(" failed: ") else { return };
    if let Some(index) = names.strip_prefix("index ") {
        detail.constraint = Some(index.trim_matches('\'').to_owned());
    } else if code == ffi::SQLITE_CONSTRAINT_CHECK {
        detail.constraint = Some(names.to_owned());
    } else if let Some((table, _)) = names.split_once('.') {
        let columns: Vec<&str> = names
            .split(", ")
            .map(|n| n.strip_prefix(table).and_then(|n| n.strip_prefix('.')).unwrap_or(n))
            .collect();
        detail.table = Some(table.to_owned());
        detail.column = Some(columns.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32, message: &str) -> Error {
        translate(
            rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.to_owned())),
            Some("SELECT 1"),
        )
    }

    #[test]
    fn constraints_are_named() {
        let e = failure(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: user.a, user.b");
        assert_eq!(e.kind(), ErrorKind::UniqueViolation);
        let d = e.database().unwrap();
        assert_eq!((d.table.as_deref(), d.column.as_deref()), (Some("user"), Some("a, b")));
        assert_eq!(d.code.as_deref(), Some("2067"));
        let e = failure(ffi::SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: positive");
        assert_eq!(e.database().unwrap().constraint.as_deref(), Some("positive"));
        let e = failure(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index 'low'");
        assert_eq!(e.database().unwrap().constraint.as_deref(), Some("low"));
    }

    #[test]
    fn kinds() {
        for (code, message, kind) in [
            (ffi::SQLITE_ERROR, "no such table: x", ErrorKind::Syntax),
            (ffi::SQLITE_ERROR, "table t has no column named x", ErrorKind::Syntax),
            (ffi::SQLITE_ERROR, "something else", ErrorKind::Database),
            (ffi::SQLITE_FULL, "database or disk is full", ErrorKind::Resources),
            (ffi::SQLITE_BUSY, "database is locked", ErrorKind::Timeout),
            (ffi::SQLITE_BUSY_SNAPSHOT, "database is locked", ErrorKind::Serialization),
            (ffi::SQLITE_READONLY, "attempt to write a readonly database", ErrorKind::ReadOnly),
            (ffi::SQLITE_CORRUPT, "database disk image is malformed", ErrorKind::Database),
        ] {
            assert_eq!(failure(code, message).kind(), kind, "{message}");
        }
    }
}
