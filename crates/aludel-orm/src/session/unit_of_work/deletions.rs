//! DELETEs by key alone: those of several tables wait for each other, and go to the database together.

use aludel_sql::{Bind, Table, ValueRef, Write, WriteOp};

use super::run::Run;
use super::write::{Back, DELETED_AT_ONCE};
use crate::Result;
use crate::instrumentation::Id;
use crate::session::Session;

/// Deleted objects of one hierarchy whose keys are whole numbers.
pub(super) struct Deletion {
    pub(super) ids: Vec<Id>,
    pub(super) keys: Vec<i64>,
    /// The tables whose rows are to be deleted by these keys, in their order; none where that is done.
    pub(super) tables: Vec<ByKey>,
}

/// A table, and its column that the keys are compared with.
pub(super) struct ByKey {
    pub(super) table: Table,
    pub(super) column: u16,
}

/// The rows of one table that go in one piece.
struct Part<'a> {
    by: &'a ByKey,
    ids: &'a [Id],
    keys: &'a [i64],
}

impl Deletion {
    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.tables.iter().flat_map(|by| {
            let chunks = self.ids.chunks(DELETED_AT_ONCE).zip(self.keys.chunks(DELETED_AT_ONCE));
            chunks.map(move |(ids, keys)| Part { by, ids, keys })
        })
    }
}

impl Session {
    /// Deletes the rows that have waited so far.
    pub(super) async fn send_deletions(&mut self, run: &mut Run) -> Result<()> {
        if run.sent == run.deletions.len() {
            return Ok(());
        }
        self.connect(run).await?;
        let deletions = std::mem::take(&mut run.deletions);
        let (mut together, mut rows) = (Vec::new(), 0);
        for part in deletions[run.sent..].iter().flat_map(Deletion::parts) {
            if rows + part.ids.len() > DELETED_AT_ONCE {
                self.delete_together(run, &together).await?;
                together.clear();
                rows = 0;
            }
            rows += part.ids.len();
            together.push(part);
        }
        self.delete_together(run, &together).await?;
        run.sent = deletions.len();
        run.deletions = deletions;
        Ok(())
    }

    async fn delete_together(&mut self, run: &mut Run, parts: &[Part<'_>]) -> Result<()> {
        let mut back = Back::default();
        let result = {
            let keys = parts.iter().flat_map(|part| part.keys);
            let params: Vec<Bind<'_>> = keys.map(|key| Bind::Ref(ValueRef::I64(*key))).collect();
            let mut rest = params.as_slice();
            let mut writes = Vec::with_capacity(parts.len());
            for part in parts {
                let (own, others) = rest.split_at(part.keys.len());
                rest = others;
                writes.push(Write {
                    op: WriteOp::Delete,
                    table: &part.by.table,
                    columns: &[],
                    keys: std::slice::from_ref(&part.by.column),
                    returning: &[],
                    rows: own.len(),
                    params: own,
                });
            }
            let Some(connection) = run.connected() else { return Ok(()) };
            connection.write(&writes, &mut back).await
        };
        if let Err(error) = result {
            let (write, row) = error.database().map_or((None, None), |d| (d.write, d.row));
            return Err(match parts.get(write.unwrap_or(0)) {
                Some(part) => self.refused(error, WriteOp::Delete, &part.by.table, part.ids, row),
                None => error,
            });
        }
        for (part, matched) in parts.iter().zip(&back.matched) {
            self.confirm_deleted(&part.by.table, part.ids, *matched);
        }
        Ok(())
    }
}
