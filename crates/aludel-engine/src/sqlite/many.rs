//! Many rows in a statement: inserted ones with generated keys, which are derived from the last one, and deleted ones.
//!
//! Measured in memory, a third faster than a statement for each row. SQLite documents that a row without a key gets the
//! largest one plus one, but not that the rows of `VALUES` are taken in order, and a trigger may put other rows
//! between them. So the keys are believed only when all of it adds up: the table's largest key before, the rows
//! changed by the statements and by everything they set off, and the last key. Where it does not, the rows are
//! taken back, and inserted one by one, as for every shape that once did not add up; likewise where a row is
//! refused, so that the one at fault is known. That the bundled SQLite takes them in order is held by a test.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

use aludel_sql::{Dialect, Write, WriteOp};

use super::conn::Conn;
use super::value::{Refused, bind_all};
use super::write::Held;

/// The rows of one statement: more gain nothing.
const ROWS: usize = 50;

/// SQLite's limit on the parameters of a statement.
const PARAMETERS: usize = 32_766;

/// How rows of one shape are inserted, many at a time.
pub(super) struct Many {
    /// The statement for [`ROWS`] rows.
    sql: Box<str>,
    /// The largest key that the table has.
    largest: Box<str>,
    /// It did not add up: rows of this shape are inserted one by one.
    refused: AtomicBool,
}

/// The statements for a shape whose statement for one row is `sql`; `key` is the generated column.
pub(super) fn many(sql: &str, write: &Write<'_>, key: u16, dialect: &Dialect) -> Option<Many> {
    let (head, row) = sql.rsplit_once(" VALUES ")?;
    let placeholders = row.strip_prefix('(')?.strip_suffix(')')?;
    let width = write.columns.len();
    if width * ROWS > PARAMETERS || !placeholders.split(", ").all(|p| p == "?") {
        return None;
    }
    let key = dialect.quoted(&write.table.columns()[usize::from(key)].name);
    let mut largest = format!("SELECT coalesce(max({key}), 0) FROM ");
    dialect.quote_table(&mut largest, write.table);
    Some(Many {
        sql: format!("{head} VALUES {}", vec![row; ROWS].join(", ")).into(),
        largest: largest.into(),
        refused: AtomicBool::new(false),
    })
}

/// The statement for many rows of a shape whose statement for one row is `sql`, where rows are deleted by a key of
/// one column.
pub(super) fn delete_many(sql: &str, write: &Write<'_>) -> Option<Box<str>> {
    if write.op != WriteOp::Delete || write.keys.len() != 1 || !write.returning.is_empty() {
        return None;
    }
    let head = sql.strip_suffix(" = ?")?;
    Some(format!("{head} IN ({})", ["?"; ROWS].join(", ")).into())
}

impl Conn {
    /// Deletes the first rows of a write, as many as fill whole statements and are not refused; says how many there
    /// were. One statement is undone whole: the rows from the refused one on go one by one, so that it is known which
    /// is at fault.
    pub(super) fn delete_rows(
        &self,
        sql: &str,
        write: &Write<'_>,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let mut deleted = 0;
        if write.rows < ROWS {
            return Ok(0);
        }
        let mut statement = self.db.prepare_cached(sql)?;
        for keys in write.params.chunks_exact(ROWS) {
            bind_all(&mut statement, keys)?;
            match statement.raw_execute() {
                Ok(rows) => deleted += rows as u64,
                // SQLite has rolled everything back.
                Err(error) if self.db.is_autocommit() => return Err(error.into()),
                Err(_) => break,
            }
            *row += ROWS;
        }
        Ok(deleted)
    }

    /// Inserts the first rows of a write, as many as fill whole statements; gives their keys. `None` when nothing was
    /// inserted: the rows go one by one.
    pub(super) fn many_rows(
        &self,
        held: &Held,
        write: &Write<'_>,
    ) -> Result<Option<RangeInclusive<i64>>, Refused> {
        let Some(many) = &held.many else { return Ok(None) };
        let rows = write.rows / ROWS * ROWS;
        if rows == 0 || many.refused.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let largest: i64 =
            self.db.prepare_cached(&many.largest)?.query_row([], |row| row.get(0))?;
        let Some(last) = i64::try_from(rows).ok().and_then(|rows| largest.checked_add(rows)) else {
            return Ok(None);
        };
        if largest < 0 || last == i64::MAX {
            return Ok(None);
        }
        self.run("SAVEPOINT aludel_rows")?;
        let changes = self.db.total_changes();
        let inserted = self.insert_many(many, write, rows);
        let adds_up = self.db.total_changes().wrapping_sub(changes) == rows as u64
            && self.db.last_insert_rowid() == last;
        match inserted {
            Ok(true) if adds_up => {
                self.run("RELEASE aludel_rows")?;
                Ok(Some(largest + 1..=last))
            }
            // SQLite has rolled everything back: a full disk, say.
            Err(error) if self.db.is_autocommit() => Err(error),
            inserted => {
                // One that is refused is found by the single rows; what does not add up never will.
                many.refused.fetch_or(inserted.is_ok(), Ordering::Relaxed);
                self.run("ROLLBACK TO aludel_rows")?;
                self.run("RELEASE aludel_rows")?;
                Ok(None)
            }
        }
    }

    /// Whether every statement has inserted all of its rows.
    fn insert_many(&self, many: &Many, write: &Write<'_>, rows: usize) -> Result<bool, Refused> {
        let mut statement = self.db.prepare_cached(&many.sql)?;
        let width = write.columns.len();
        for params in write.params[..rows * width].chunks(ROWS * width) {
            bind_all(&mut statement, params)?;
            if statement.raw_execute()? != ROWS {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
