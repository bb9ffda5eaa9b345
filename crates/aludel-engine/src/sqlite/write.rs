//! Writing batches of rows: [many in a statement](super::many) where that does the same, else one held statement, a row
//! at a time.
//!
//! Measured: a single-row `RETURNING` costs five times as much as `last_insert_rowid`. So a generated
//! integer key alone never comes by `RETURNING`.

use super::conn::{Conn, Stop};
use super::many::{Many, TableKind};
use super::value::{Refused, RowId, Shown, bind_all};
use crate::shape::write_sql;
use crate::transaction::TransactionOptions;
use aludel_sql::{Error, ErrorKind, Result, Write, WriteOp, WriteSink};
use rusqlite::OptionalExtension;
use std::sync::Arc;

/// What is kept for the writes of one shape.
pub(super) struct Held {
    sql: Box<str>,
    back: Back,
    many: Option<Many>,
}

/// How the values wanted back come.
enum Back {
    /// None is wanted.
    Nothing,
    /// The generated key, by `last_insert_rowid`; its column's name.
    RowId(Box<str>),
    /// By `RETURNING`.
    Returning,
}

impl Conn {
    pub(crate) async fn write(
        &mut self,
        writes: &[Write<'_>],
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        let own = !self.in_transaction() && writes.iter().map(|w| w.rows).sum::<usize>() > 1;
        if own {
            self.begin(&TransactionOptions::new());
        }
        let result = self.patiently(|c| c.try_write(writes, sink)).await;
        if own { self.end_own(result).await } else { result }
    }

    /// Ends a transaction that holds nothing but one call.
    pub(super) async fn end_own(&mut self, result: Result<()>) -> Result<()> {
        let result = match result {
            Ok(()) => self.commit().await,
            failed => failed,
        };
        if result.is_err() {
            // What failed first is what is told.
            let _ = self.rollback();
        }
        result
    }

    fn try_write(&mut self, writes: &[Write<'_>], sink: &mut dyn WriteSink) -> Result<(), Stop> {
        self.begin_now()?;
        for (number, write) in writes.iter().enumerate() {
            let held = self.held(write)?;
            let mut row = 0;
            let written = self.rows_of(&held, number, write, sink, &mut row);
            let matched = written.map_err(|refused| {
                let stop = self.stop(refused, &held.sql, number + row > 0);
                placed(stop, number, row, write.rows)
            })?;
            sink.done(number, matched).map_err(Stop::Failed)?;
        }
        Ok(())
    }

    fn rows_of(
        &self,
        held: &Held,
        number: usize,
        write: &Write<'_>,
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let mut matched = 0;
        match &held.many {
            Some(Many::Born(many)) => {
                if let Some(keys) = self.born(many, write)? {
                    match &held.back {
                        Back::RowId(name) => {
                            for key in keys {
                                sink.returned(number, *row, &RowId(key, name))?;
                                *row += 1;
                            }
                        }
                        _ => self.show_born(many, keys, number, sink, row)?,
                    }
                    matched += *row as u64;
                }
            }
            Some(Many::Known(many)) => {
                self.known(many, number, write, sink, row)?;
                matched += *row as u64;
            }
            Some(many) => matched += self.many_rows(many, write, row)?,
            None => {}
        }
        let mut statement = self.db.prepare_cached(&held.sql)?;
        while *row < write.rows {
            bind_all(&mut statement, write.row(*row))?;
            match &held.back {
                Back::Nothing => matched += statement.raw_execute()? as u64,
                Back::RowId(name) => {
                    if statement.raw_execute()? == 0 {
                        return Err(not_inserted().into());
                    }
                    matched += 1;
                    sink.returned(number, *row, &RowId(self.db.last_insert_rowid(), name))?;
                }
                Back::Returning => {
                    let mut rows = statement.raw_query();
                    let mut some = 0;
                    while let Some(shown) = rows.next()? {
                        some += 1;
                        sink.returned(number, *row, &Shown(shown))?;
                    }
                    if some == 0 && write.op == WriteOp::Insert {
                        return Err(not_inserted().into());
                    }
                    matched += some;
                }
            }
            *row += 1;
        }
        Ok(matched)
    }

    /// The statement for a write, rendered once for each shape.
    fn held(&mut self, write: &Write<'_>) -> Result<Arc<Held>, Stop> {
        if let Some(held) = self.shapes.get(write) {
            return Ok(held);
        }
        let kind = self.table_kind(write)?;
        let by_rowid = write.op == WriteOp::Insert
            && matches!(write.returning, [one] if kind.born(write) == Some(*one));
        let wanted = if by_rowid { &[] } else { write.returning };
        let sql = write_sql(write, wanted, &self.dialect).map_err(Stop::Failed)?;
        let back = match wanted {
            _ if by_rowid => {
                Back::RowId(write.table.columns()[usize::from(write.returning[0])].name.clone())
            }
            [] => Back::Nothing,
            _ => Back::Returning,
        };
        let many = Many::new(write, &kind, &self.dialect).map_err(Stop::Failed)?;
        let held = Arc::new(Held { sql, back, many });
        self.shapes.put(write, held.clone());
        Ok(held)
    }

    fn table_kind(&self, write: &Write<'_>) -> Result<TableKind, Stop> {
        const KIND: &str = "SELECT type = 'table' FROM pragma_table_list(?1) WHERE schema = ?2";
        const ROWID: &str = "SELECT max(name) FROM pragma_table_info(?1, ?2) WHERE pk > 0 \
             HAVING count(*) = 1 AND max(upper(type)) = 'INTEGER' \
             AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1, ?2) WHERE origin = 'pk')";
        let at = [write.table.name(), write.table.schema().unwrap_or("main")];
        let asked = || -> rusqlite::Result<TableKind> {
            let is_table = self.db.prepare_cached(KIND)?.query_row(at, |row| row.get(0));
            let rowid = self.db.prepare_cached(ROWID)?.query_row(at, |row| row.get(0));
            Ok(TableKind {
                is_table: is_table.optional()?.unwrap_or_default(),
                rowid: rowid.optional()?.flatten(),
            })
        };
        asked().map_err(|error| self.stop(error.into(), ROWID, false))
    }
}

#[cold]
fn not_inserted() -> Error {
    Error::new(ErrorKind::Database, "the row was not inserted: a trigger refused it in silence")
}

/// Says which row of which write it was.
#[cold]
pub(super) fn placed(stop: Stop, number: usize, row: usize, rows: usize) -> Stop {
    let place = |error: Error| {
        let mut error =
            if rows > 1 { error.context(format_args!("row {} of {rows}", row + 1)) } else { error };
        let detail = error.database_mut();
        detail.write = Some(number);
        detail.row = Some(row);
        error
    };
    match stop {
        Stop::Busy(e) => Stop::Busy(place(e)),
        Stop::Failed(e) => Stop::Failed(place(e)),
    }
}
