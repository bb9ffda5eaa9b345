//! Many rows in a statement, measured to take a third to a half less than a statement for each row.
//!
//! A statement is undone whole when one of its rows is refused; the rows from there on go one by one, so that it is
//! known which is at fault, and so that each finds what those before it have left.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

use aludel_sql::{
    Bind, Dialect, Result, Write, WriteOp, delete_in_sql, delete_range_sql, insert_many_sql,
    update_many_sql,
};

use super::conn::Conn;
use super::value::{Refused, bind_all};
use crate::neighbours::neighbours;

/// The rows of one statement: more gain nothing.
const ROWS: usize = 64;

/// Neighbouring keys from which on they are a range.
const RANGE: usize = 8;

/// SQLite's limit on the parameters of a statement.
const PARAMETERS: usize = 32_766;

/// How rows of one shape are written, many at a time.
pub(super) enum Many {
    /// Inserted, and their generated keys are wanted.
    Born(Born),
    /// Inserted, by this statement for [`ROWS`] rows.
    Insert(Box<str>),
    /// Updated, by this statement for [`ROWS`] rows.
    Update(Box<str>),
    /// Deleted, by this statement for [`ROWS`] rows; by the other one where their keys are neighbours.
    Delete { rows: Box<str>, range: Option<Box<str>> },
}

/// How rows are inserted whose keys the database generates.
///
/// SQLite documents that a row without a key gets the largest one plus one, but not that the rows of `VALUES` are
/// taken in order, and a trigger may put other rows between them. So the keys are believed only when all of it adds
/// up: the table's largest key before, the rows changed by the statements and by everything they set off, and the last
/// key. Where it does not, the rows are taken back, and inserted one by one, as for every shape that once did not add
/// up. That the bundled SQLite takes them in order is held by a test.
pub(super) struct Born {
    /// The statement for [`ROWS`] rows.
    sql: Box<str>,
    /// The largest key that the table has.
    largest: Box<str>,
    /// It did not add up: rows of this shape are inserted one by one.
    refused: AtomicBool,
}

impl Many {
    /// How rows of a shape are written whose keys are wanted as `rowid` says, if there is a way.
    pub(super) fn new(
        write: &Write<'_>,
        by_rowid: bool,
        table: &TableKind,
        dialect: &Dialect,
    ) -> Result<Option<Self>> {
        let Write { table: of, columns, keys, returning, .. } = *write;
        let nothing_back = returning.is_empty() || by_rowid;
        if write.width() * ROWS > PARAMETERS || write.width() == 0 || !nothing_back {
            return Ok(None);
        }
        Ok(Some(match write.op {
            WriteOp::Insert => {
                let sql = insert_many_sql(of, columns, &[], ROWS, dialect)?.sql;
                if !by_rowid {
                    return Ok(table.is_table.then_some(Self::Insert(sql)));
                }
                let key = dialect.quoted(&of.columns()[usize::from(returning[0])].name);
                let mut largest = format!("SELECT coalesce(max({key}), 0) FROM ");
                dialect.quote_table(&mut largest, of);
                let refused = AtomicBool::new(false);
                Self::Born(Born { sql, largest: largest.into(), refused })
            }
            WriteOp::Update if table.is_table => {
                Self::Update(update_many_sql(of, columns, keys, ROWS, dialect)?.sql)
            }
            WriteOp::Delete => {
                let range = match keys {
                    [key] if table.is_rowid(write, *key) => {
                        Some(delete_range_sql(of, *key, dialect).sql)
                    }
                    _ => None,
                };
                Self::Delete { rows: delete_in_sql(of, keys, ROWS, dialect)?.sql, range }
            }
            WriteOp::Update => return Ok(None),
        }))
    }
}

/// What SQLite says of a table.
#[derive(Debug, Default)]
pub(super) struct TableKind {
    /// It is a table, and neither a view nor virtual.
    pub(super) is_table: bool,
    /// The column that is the table's row id. A key declared `BIGINT PRIMARY KEY` elsewhere is not, nor is one of a
    /// table `WITHOUT ROWID` or of a view.
    pub(super) rowid: Option<String>,
}

impl TableKind {
    /// Whether a column is the row id.
    pub(super) fn is_rowid(&self, write: &Write<'_>, column: u16) -> bool {
        let name = &write.table.columns()[usize::from(column)].name;
        self.rowid.as_ref().is_some_and(|rowid| rowid.eq_ignore_ascii_case(name))
    }
}

impl Conn {
    /// Writes the first rows of a write, as many as fill whole statements and are not refused, counting them in `row`;
    /// says how many rows of the table there were.
    pub(super) fn many_rows(
        &self,
        many: &Many,
        write: &Write<'_>,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        match many {
            Many::Born(_) => Ok(0),
            Many::Insert(sql) => self.whole_statements(sql, write, row),
            Many::Update(sql) => self.update_many(sql, write, row),
            Many::Delete { rows, range: None } => self.whole_statements(rows, write, row),
            Many::Delete { rows, range: Some(range) } => {
                self.delete_ranges(rows, range, write, row)
            }
        }
    }

    /// Runs the statement for [`ROWS`] rows as long as it is not refused.
    fn whole_statements(
        &self,
        sql: &str,
        write: &Write<'_>,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let mut written = 0;
        if write.rows - *row < ROWS {
            return Ok(0);
        }
        let mut statement = self.db.prepare_cached(sql)?;
        let width = write.width();
        for params in write.params[*row * width..].chunks_exact(ROWS * width) {
            let Some(rows) = self.unless_refused(&mut statement, params)? else { break };
            written += rows;
            *row += ROWS;
        }
        Ok(written)
    }

    /// Runs a statement; `None` where it is refused, which has changed nothing.
    fn unless_refused(
        &self,
        statement: &mut rusqlite::Statement<'_>,
        params: &[Bind<'_>],
    ) -> Result<Option<u64>, Refused> {
        if bind_all(statement, params).is_err() {
            return Ok(None);
        }
        match statement.raw_execute() {
            Ok(rows) => Ok(Some(rows as u64)),
            // SQLite has rolled everything back: a full disk, say.
            Err(error) if self.db.is_autocommit() => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// Updates rows; all go one by one where a row is not there, or comes twice and has to be changed twice.
    fn update_many(&self, sql: &str, write: &Write<'_>, row: &mut usize) -> Result<u64, Refused> {
        if write.rows < ROWS {
            return Ok(0);
        }
        self.run("SAVEPOINT aludel_rows")?;
        let written = self.whole_statements(sql, write, row)?;
        if written == *row as u64 {
            self.run("RELEASE aludel_rows")?;
            return Ok(written);
        }
        *row = 0;
        self.run("ROLLBACK TO aludel_rows")?;
        self.run("RELEASE aludel_rows")?;
        Ok(0)
    }

    /// Deletes rows by their row ids, neighbours as a range.
    fn delete_ranges(
        &self,
        rows: &str,
        range: &str,
        write: &Write<'_>,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let mut deleted = 0;
        while let Some(keys) = write.params.get(*row..).filter(|keys| keys.len() >= RANGE) {
            let neighbours = neighbours(keys);
            let (sql, params, count) = if neighbours >= RANGE {
                (range, &[keys[0].clone(), keys[neighbours - 1].clone()][..], neighbours)
            } else if keys.len() >= ROWS {
                (rows, &keys[..ROWS], ROWS)
            } else {
                break;
            };
            let mut statement = self.db.prepare_cached(sql)?;
            let Some(rows) = self.unless_refused(&mut statement, params)? else { break };
            deleted += rows;
            *row += count;
        }
        Ok(deleted)
    }

    /// Inserts the first rows of a write, as many as fill whole statements; gives their keys. `None` when nothing was
    /// inserted: the rows go one by one.
    pub(super) fn born(
        &self,
        many: &Born,
        write: &Write<'_>,
    ) -> Result<Option<RangeInclusive<i64>>, Refused> {
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
        let mut inserted = 0;
        let written = self.whole_statements(&many.sql, write, &mut inserted)?;
        let all = inserted == rows;
        let adds_up = all
            && written == rows as u64
            && self.db.total_changes().wrapping_sub(changes) == rows as u64
            && self.db.last_insert_rowid() == last;
        if adds_up {
            self.run("RELEASE aludel_rows")?;
            return Ok(Some(largest + 1..=last));
        }
        // One that is refused is found by the single rows; what does not add up never will.
        many.refused.fetch_or(all, Ordering::Relaxed);
        self.run("ROLLBACK TO aludel_rows")?;
        self.run("RELEASE aludel_rows")?;
        Ok(None)
    }
}
