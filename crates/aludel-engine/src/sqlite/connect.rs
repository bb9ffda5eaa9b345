//! Opening an SQLite database and setting it up.

use super::error::translate;
use crate::options::{EngineOptions, ForeignKeys, Journal, Open, SqliteOptions, Synchronous};
use crate::url::Place;
use aludel_sql::{Error, ErrorKind, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Opens a connection: foreign keys on, a page cache of 64 MiB, WAL for files, and the cache of statements.
///
/// It works with SQLite's own busy handler until the connection is in use, since the change to WAL needs a lock.
pub(crate) fn open(place: &Place, options: &EngineOptions) -> Result<Connection> {
    let (db, path) = match place {
        Place::Memory => (Connection::open_in_memory(), ":memory:"),
        Place::File(path) => (
            Connection::open_with_flags(Path::new(path), flags(options.sqlite.open)),
            path.as_str(),
        ),
        Place::Server(_) => {
            return Err(Error::new(ErrorKind::Argument, "database URL: this is not SQLite"));
        }
    };
    let result = db.map_err(|e| translate(e, None)).and_then(|db| {
        let sql = set_up(place, &options.sqlite);
        db.set_prepared_statement_cache_capacity(options.statement_cache.max(256));
        // Plans do not depend on the values bound: otherwise SQLite prepares a held statement anew each time a
        // LIMIT or an indexed value changes (a get by an indexed column: 24 µs rather than 4).
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|e| translate(e, None))?;
        db.busy_timeout(options.sqlite.busy_timeout)
            .and_then(|()| db.execute_batch(&sql))
            .map_err(|e| translate(e, Some(&sql)))?;
        Ok(db)
    });
    result.map_err(|e| explain(e, path))
}

fn flags(open: Open) -> OpenFlags {
    let common = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match open {
        Open::Create => common | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Open::Existing => common | OpenFlags::SQLITE_OPEN_READ_WRITE,
        Open::ReadOnly => common | OpenFlags::SQLITE_OPEN_READ_ONLY,
    }
}

fn set_up(place: &Place, options: &SqliteOptions) -> String {
    let mut sql = match options.foreign_keys {
        ForeignKeys::Enforced => "PRAGMA foreign_keys = ON;".to_owned(),
        ForeignKeys::Ignored => "PRAGMA foreign_keys = OFF;".to_owned(),
    };
    sql.push_str(&format!("PRAGMA cache_size = -{};", options.cache_kib));
    if matches!(place, Place::File(_)) && options.open != Open::ReadOnly {
        match options.journal.unwrap_or(Journal::Wal) {
            Journal::Wal => sql.push_str("PRAGMA journal_mode = WAL;"),
            Journal::Delete => sql.push_str("PRAGMA journal_mode = DELETE;"),
            Journal::AsIs => {}
        }
    }
    match options.synchronous {
        Some(Synchronous::Full) => sql.push_str("PRAGMA synchronous = FULL;"),
        Some(Synchronous::Normal) => sql.push_str("PRAGMA synchronous = NORMAL;"),
        Some(Synchronous::Off) => sql.push_str("PRAGMA synchronous = OFF;"),
        None => {}
    }
    // Reads the file's header, so that a file that is no database is found here.
    sql.push_str("PRAGMA schema_version;");
    sql
}

#[cold]
fn explain(error: Error, path: &str) -> Error {
    let mut error = error.context(format_args!("cannot open the SQLite database `{path}`"));
    if error.kind() == ErrorKind::ConnectionLost
        && path.matches('/').count() == 1
        && path.starts_with('/')
    {
        let hint = format!(
            "{} (three slashes make an absolute path; a file relative to the working directory is sqlite://{})",
            error.message(),
            path.trim_start_matches('/')
        );
        error = Error::new(ErrorKind::ConnectionLost, hint);
    }
    error
}
