//! Batches on their way to the connection, and what comes back.

use aludel_engine::Connection;
use aludel_sql::{
    Bind, DialectKind, Error, ErrorKind, Result, Row, Table, Value, ValueRef, Write, WriteOp,
    WriteSink,
};

/// Rows of one shape that follow each other.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) columns: Vec<u16>,
    pub(super) keys: Vec<u16>,
    pub(super) returning: Vec<u16>,
    /// Which rows, counted from the beginning of the batch.
    pub(super) first: usize,
    pub(super) rows: usize,
}

/// How many rows are bound at once: few enough that their parameters stay in the cache where each row is a
/// statement of its own, many where they travel together.
pub(super) fn rows_at_once(connection: &Connection) -> usize {
    match connection.dialect().kind {
        DialectKind::Sqlite => 1024,
        _ => 16_384,
    }
}

/// How many rows are deleted at once: of them there are but the keys.
pub(super) const DELETED_AT_ONCE: usize = 16_384;

/// Sends segments; their parameters follow each other in `params`.
pub(super) async fn send(
    connection: &mut Connection,
    op: WriteOp,
    table: &Table,
    segments: &[Segment],
    params: &[Bind<'_>],
    back: &mut Back,
) -> Result<()> {
    let mut writes = Vec::with_capacity(segments.len());
    let mut at = 0;
    for segment in segments {
        let width = segment.columns.len() + segment.keys.len();
        let end = at + width * segment.rows;
        back.starts.push(segment.first as u32);
        back.narrow.push(segment.returning.len() == 1);
        if segment.returning.len() == 1 {
            back.integers.reserve(segment.rows);
        }
        writes.push(Write {
            op,
            table,
            columns: &segment.columns,
            keys: &segment.keys,
            returning: &segment.returning,
            rows: segment.rows,
            params: &params[at..end],
        });
        at = end;
    }
    connection.write(&writes, back).await
}

/// What the database gave back, to be put into the objects once nothing is borrowed from them.
#[derive(Default)]
pub(super) struct Back {
    starts: Vec<u32>,
    narrow: Vec<bool>,
    /// By row of the batch: the one integer that was wanted.
    pub(super) integers: Vec<(u32, i64)>,
    /// Row, place among the columns wanted, value.
    pub(super) values: Vec<(u32, u16, Value)>,
    /// By segment: how many rows it matched.
    pub(super) matched: Vec<u64>,
}

impl WriteSink for Back {
    fn returned(&mut self, write: usize, row: usize, values: &dyn Row) -> Result<()> {
        let at = self.starts[write] + row as u32;
        if self.narrow[write]
            && let Ok(ValueRef::I64(n)) = values.get(0)
        {
            self.integers.push((at, n));
            return Ok(());
        }
        for index in 0..values.len() {
            let value = values.get(index).map_err(|bad| {
                Error::new(ErrorKind::Value, format!("column `{}` {bad}", values.name(index)))
            })?;
            self.values.push((at, index as u16, value.to_owned()));
        }
        Ok(())
    }

    fn done(&mut self, _write: usize, matched: u64) -> Result<()> {
        self.matched.push(matched);
        Ok(())
    }
}
