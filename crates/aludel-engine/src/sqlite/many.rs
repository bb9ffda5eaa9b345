//! Many rows in a statement, measured to take a third to a half less than a statement for each row.
//!
//! A statement is undone whole when one of its rows is refused; the rows from there on go one by one, so that it is
//! known which is at fault, and so that each finds what those before it have left.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

use aludel_sql::{
    Bind, Dialect, Result, Row, Write, WriteOp, WriteSink, delete_in_sql, delete_range_sql,
    insert_many_sql, update_many_sql,
};

use super::apart::Part;
use super::conn::Conn;
use super::value::{Refused, Shown, bind_all};
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
    /// Inserted with keys of their own, and values of them are wanted.
    Known(Known),
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
    /// Where more is wanted than the keys: how many rows there are between two of them, and what they have. That takes
    /// a third of the time that `RETURNING` takes.
    back: Option<[Box<str>; 2]>,
    /// It did not add up: rows of this shape are inserted one by one.
    refused: AtomicBool,
}

/// How rows are inserted that have keys, by which they are known among those that come back.
pub(super) struct Known {
    /// The statement for [`ROWS`] rows, which gives back the keys and then what is wanted.
    sql: Box<str>,
    /// Where the keys are among the parameters of a row.
    keys: Box<[usize]>,
}

impl Many {
    /// How rows of a shape are written, if there is a way.
    pub(super) fn new(
        write: &Write<'_>,
        table: &TableKind,
        dialect: &Dialect,
    ) -> Result<Option<Self>> {
        let Write { table: of, columns, keys, returning, .. } = *write;
        if write.width() * ROWS > PARAMETERS || write.width() == 0 {
            return Ok(None);
        }
        Ok(match write.op {
            WriteOp::Insert => match table.born(write) {
                Some(key) => Some(Self::Born(Born::new(write, key, dialect)?)),
                None if !table.is_table => None,
                None if returning.is_empty() => {
                    Some(Self::Insert(insert_many_sql(of, columns, &[], ROWS, dialect)?.sql))
                }
                None => Known::new(write, dialect)?.map(Self::Known),
            },
            _ if !returning.is_empty() => None,
            WriteOp::Update if table.is_table => {
                Some(Self::Update(update_many_sql(of, columns, keys, ROWS, dialect)?.sql))
            }
            WriteOp::Delete => {
                let range = match keys {
                    [key] if table.is_rowid(write, *key) => {
                        Some(delete_range_sql(of, *key, dialect).sql)
                    }
                    _ => None,
                };
                let rows = delete_in_sql(of, keys, ROWS, dialect)?.sql;
                Some(Self::Delete { rows, range })
            }
            WriteOp::Update => None,
        })
    }
}

impl Born {
    fn new(write: &Write<'_>, key: u16, dialect: &Dialect) -> Result<Self> {
        let Write { table, columns, returning, .. } = *write;
        let quoted = |column: &u16| dialect.quoted(&table.columns()[usize::from(*column)].name);
        let key = quoted(&key);
        let mut from = String::from(" FROM ");
        dialect.quote_table(&mut from, table);
        let between = format!("{from} WHERE {key} BETWEEN ?1 AND ?2");
        let back = (returning.len() > 1).then(|| {
            let columns: Vec<_> = returning.iter().map(quoted).collect();
            let select = format!("SELECT {}{between} ORDER BY {key}", columns.join(", "));
            [format!("SELECT count(*){between}").into(), select.into()]
        });
        Ok(Self {
            sql: insert_many_sql(table, columns, &[], ROWS, dialect)?.sql,
            largest: format!("SELECT coalesce(max({key}), 0){from}").into(),
            back,
            refused: AtomicBool::new(false),
        })
    }
}

impl Known {
    /// None of rows without a whole key.
    fn new(write: &Write<'_>, dialect: &Dialect) -> Result<Option<Self>> {
        let Write { table, columns, returning, .. } = *write;
        let key = table.primary_key();
        let place = |column: &u16| columns.iter().position(|c| c == column);
        let Some(keys) = key.iter().map(place).collect::<Option<Box<[usize]>>>() else {
            return Ok(None);
        };
        if keys.is_empty() {
            return Ok(None);
        }
        let back = [key, returning].concat();
        let sql = insert_many_sql(table, columns, &back, ROWS, dialect)?.sql;
        Ok(Some(Self { sql, keys }))
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
    /// The column of the key that rows get when they are inserted, where that is wanted.
    pub(super) fn born(&self, write: &Write<'_>) -> Option<u16> {
        let key = write.table.autoincrement().filter(|key| write.returning.contains(key))?;
        (!write.columns.contains(&key) && self.is_rowid(write, key)).then_some(key)
    }

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
            Many::Born(_) | Many::Known(_) => Ok(0),
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
            && self.db.last_insert_rowid() == last
            // One may have taken the place of another.
            && match &many.back {
                Some([count, _]) => {
                    let mut count = self.db.prepare_cached(count)?;
                    count.query_row((largest + 1, last), |row| row.get::<_, i64>(0))? == rows as i64
                }
                None => true,
            };
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

    /// Shows what rows have that were inserted under these keys.
    pub(super) fn show_born(
        &self,
        many: &Born,
        keys: RangeInclusive<i64>,
        number: usize,
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<(), Refused> {
        let Some([_, select]) = &many.back else { return Ok(()) };
        let (first, last) = keys.into_inner();
        let mut statement = self.db.prepare_cached(select)?;
        let mut rows = statement.query((first, last))?;
        while let Some(shown) = rows.next()? {
            sink.returned(number, *row, &Shown(shown))?;
            *row += 1;
        }
        Ok(())
    }

    /// Inserts the first rows of a write that have keys, as many as fill whole statements and are not refused, counting
    /// them in `row`, and shows what comes back of them.
    pub(super) fn known(
        &self,
        many: &Known,
        number: usize,
        write: &Write<'_>,
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<(), Refused> {
        if write.rows < ROWS {
            return Ok(());
        }
        let mut statement = self.db.prepare_cached(&many.sql)?;
        for params in write.params.chunks_exact(ROWS * write.width()) {
            let part = Part { params, rows: ROWS, matched: &many.keys, all: true };
            if bind_all(&mut statement, params).is_err() {
                break;
            }
            let mut show = |at: usize, values: &dyn Row| sink.returned(number, *row + at, values);
            match self.rows_told_apart(&mut statement, &part, &mut show) {
                Ok(true) => *row += ROWS,
                // SQLite has rolled everything back: a full disk, say.
                Err(refused) if self.db.is_autocommit() => return Err(refused),
                Err(Refused::Value(error)) => return Err(error.into()),
                Ok(false) | Err(Refused::Sqlite(_)) => break,
            }
        }
        Ok(())
    }
}
