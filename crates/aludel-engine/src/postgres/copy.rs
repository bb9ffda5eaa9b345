//! Many rows by COPY, in its binary format.
//!
//! It is for rows of which nothing is wanted back, and for tables where COPY does what INSERT does: not for those
//! with rules or row security, nor for views. The types of the columns are those of the statement for one row; rows
//! with values that do not go in binary to them are inserted as ever.
//!
//! COPY does not tell a key that the server always generates from one that it generates by default, as INSERT does.

use super::conn::{Conn, finish, send};
use super::encode::{base, is_native, put};
use super::error::Refused;
use super::write_shape::{Copying, Kept, Many, one_sql};
use crate::transaction::TransactionOptions;
use aludel_sql::{Error, Result, Row, ValueRef, Write, WriteOp, WriteSink};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use std::pin::pin;
use tokio_postgres::Statement;
use tokio_postgres::types::Type;

/// Fewer rows are quicker by other ways: COPY takes a round trip more.
const FEWEST: usize = 256;
/// How much is sent at once.
const PIECE: usize = 64 << 10;
/// What the format begins with: its mark, no flags, no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What was refused, and at which row.
type Stopped = (Refused, Option<usize>);

impl Conn {
    /// As `write`, for INSERTs of which nothing is wanted back.
    pub(crate) async fn copy(
        &mut self,
        writes: &[Write<'_>],
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        let own = !self.in_transaction();
        if own {
            self.begin(&TransactionOptions::new());
        }
        let result = self.copy_each(writes, sink).await;
        if own { self.end_own(result).await } else { result }
    }

    async fn copy_each(&mut self, writes: &[Write<'_>], sink: &mut dyn WriteSink) -> Result<()> {
        let mut next = 0;
        while next < writes.len() {
            if let Some((statement, one)) = self.copying(&writes[next]).await? {
                let copied = self.copy_rows(&statement, &one, &writes[next]).await;
                let rows =
                    copied.map_err(|stopped| self.refused_copy(stopped, next, &writes[next]))?;
                sink.done(next, rows)?;
                next += 1;
                continue;
            }
            // What follows it goes along, as far as it is not copied either.
            let small = |write: &&Write<'_>| !is_large(write);
            let end = next + 1 + writes[next + 1..].iter().take_while(small).count();
            let written = self.write(&writes[next..end], &mut Shifted { sink, by: next }).await;
            written.map_err(|mut error| {
                let detail = error.database_mut();
                detail.write = detail.write.map(|write| write + next);
                error
            })?;
            next = end;
        }
        Ok(())
    }

    /// The statement that copies the rows of a write, and that for one row, if they can be copied.
    async fn copying(&mut self, write: &Write<'_>) -> Result<Option<(Statement, Statement)>> {
        if !is_large(write) {
            return Ok(None);
        }
        let kept = match self.shapes.get(write) {
            Some(kept) if !matches!(kept.copy, Copying::Unknown) => kept,
            known => {
                let sql = one_sql(write, &self.dialect)?;
                match self.prepare_copy(write, known.map(|kept| kept.one), &sql).await {
                    Ok(kept) => {
                        self.shapes.put(write, kept.clone());
                        kept
                    }
                    Err(refused) => return Err(self.refuse(refused, &sql)),
                }
            }
        };
        let Copying::Ready(statement) = kept.copy else { return Ok(None) };
        let types: Vec<&Type> = kept.one.params().iter().map(base).collect();
        let mut rows = write.params.chunks_exact(write.width());
        let fits = rows.all(|row| row.iter().zip(&types).all(|(v, t)| is_native(t, v.as_ref())));
        Ok(fits.then_some((statement, kept.one)))
    }

    async fn prepare_copy(
        &mut self,
        write: &Write<'_>,
        one: Option<Statement>,
        sql: &str,
    ) -> Result<Kept, Refused> {
        const SAME: &str = "SELECT relkind IN ('r', 'p') AND NOT relrowsecurity AND NOT relhasrules \
             FROM pg_catalog.pg_class WHERE oid = to_regclass($1)";
        let pending = self.take_pending();
        finish(send(&self.client, pending).await).await?;
        let one = match one {
            Some(one) => one,
            None => self.client.prepare(sql).await?,
        };
        let mut name = String::new();
        self.dialect.quote_table(&mut name, write.table);
        let same = self.client.query_opt(SAME, &[&name]).await?;
        let copy = match same.and_then(|row| row.get::<_, Option<bool>>(0)) {
            Some(true) => {
                let mut sql = format!("COPY {name} (");
                for (i, column) in write.columns.iter().enumerate() {
                    sql.push_str(if i == 0 { "" } else { ", " });
                    let column = &write.table.columns()[usize::from(*column)];
                    self.dialect.quote(&mut sql, &column.name);
                }
                sql.push_str(") FROM STDIN (FORMAT binary)");
                Copying::Ready(self.client.prepare(&sql).await?)
            }
            _ => Copying::None,
        };
        Ok(Kept { one, many: Many::Unknown, range: None, copy })
    }

    async fn copy_rows(
        &mut self,
        statement: &Statement,
        one: &Statement,
        write: &Write<'_>,
    ) -> Result<u64, Stopped> {
        let types: Vec<&Type> = one.params().iter().map(base).collect();
        let nowhere = |refused: Refused| (refused, None);
        let pending = self.take_pending();
        finish(send(&self.client, pending).await).await.map_err(nowhere)?;
        let copying = self.client.copy_in::<_, Bytes>(statement).await;
        let mut copying = pin!(copying.map_err(|e| nowhere(e.into()))?);
        let mut out = BytesMut::with_capacity(PIECE + PIECE / 8);
        out.put_slice(HEAD);
        for row in 0..write.rows {
            out.put_i16(types.len() as i16);
            for (bind, ty) in write.row(row).iter().zip(&types) {
                put_field(ty, bind.as_ref(), &mut out).map_err(|e| (e.into(), Some(row)))?;
            }
            if out.len() >= PIECE {
                copying.send(out.split().freeze()).await.map_err(at_line)?;
            }
        }
        out.put_i16(-1);
        copying.send(out.freeze()).await.map_err(at_line)?;
        copying.finish().await.map_err(at_line)
    }

    #[cold]
    fn refused_copy(&mut self, (refused, row): Stopped, number: usize, write: &Write<'_>) -> Error {
        // The types may be out of date.
        self.forget();
        self.left_unread();
        let sql = one_sql(write, &self.dialect).unwrap_or_default();
        let mut error = refused.translate(&sql);
        if let Some(row) = row {
            error = error.context(format_args!("row {} of {}", row + 1, write.rows));
        }
        let detail = error.database_mut();
        detail.write = Some(number);
        detail.row = row;
        // What was begun was broken off, for which the server gives the transaction up.
        detail.code.get_or_insert_with(|| "57014".to_owned());
        error
    }
}

fn is_large(write: &Write<'_>) -> bool {
    write.op == WriteOp::Insert
        && write.returning.is_empty()
        && !write.columns.is_empty()
        && write.rows >= FEWEST
}

/// Puts a value, with its length before it.
fn put_field(ty: &Type, value: ValueRef<'_>, out: &mut BytesMut) -> Result<()> {
    if value.is_null() {
        out.put_i32(-1);
        return Ok(());
    }
    let at = out.len();
    out.put_i32(0);
    let invalid = |e: &dyn std::fmt::Display| {
        Error::new(aludel_sql::ErrorKind::Value, format!("a value cannot be sent: {e}"))
    };
    put(ty, value, out).map_err(|e| invalid(&e))?;
    let length = i32::try_from(out.len() - at - 4).map_err(|e| invalid(&e))?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// The row of an error: the server says `COPY item, line 21, column size`.
#[cold]
fn at_line(error: tokio_postgres::Error) -> Stopped {
    let place = error.as_db_error().and_then(|e| e.where_()).unwrap_or_default();
    let line = place.lines().find(|line| line.starts_with("COPY ")).and_then(|line| {
        let (_, rest) = line.rsplit_once(", line ")?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<usize>().ok()?.checked_sub(1)
    });
    (error.into(), line)
}

/// A sink for some of the writes of a list.
struct Shifted<'a> {
    sink: &'a mut dyn WriteSink,
    by: usize,
}

impl WriteSink for Shifted<'_> {
    fn returned(&mut self, write: usize, row: usize, values: &dyn Row) -> Result<()> {
        self.sink.returned(write + self.by, row, values)
    }

    fn done(&mut self, write: usize, matched: u64) -> Result<()> {
        self.sink.done(write + self.by, matched)
    }
}
