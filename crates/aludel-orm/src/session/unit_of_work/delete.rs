//! DELETE: the rows of objects, the tables of a class from the last to the base.

use std::borrow::Cow;

use aludel_sql::{Bind, Table, WriteOp};

use super::deletions::Deletion;
use super::facts::classes_of;
use super::run::Run;
use super::write::{Back, DELETED_AT_ONCE, Segment, send};
use crate::Result;
use crate::events::ObjectEvent;
use crate::instrumentation::Id;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};

impl Session {
    /// Deletes the rows of objects of one hierarchy.
    pub(super) async fn delete_rows(&mut self, run: &mut Run, ids: &[Id]) -> Result<()> {
        let has_row = |id: &Id| {
            let state = self.arena.state(*id);
            state.life == ObjectState::Persistent && state.has(Flags::HAS_KEY)
        };
        let mut ids: Vec<Id> =
            ids.iter().copied().filter(|id| has_row(id) && !run.replaced.contains(id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.tell_writing_all(run, ObjectEvent::BeforeDelete, &ids).await?;
        let mut keys = self.sort_by_row(&mut ids).unwrap_or_default();
        ids.dedup();
        keys.dedup();
        self.read_rows(run, &ids).await?;
        let classes = classes_of(&ids);
        let tables = self.tables_of(&ids)?;
        let known = keys.len() == ids.len();
        let by_key = match known && !self.listeners.hears_writing() {
            true => tables.iter().rev().map(|table| run.by_key(self, &classes, table)).collect(),
            false => None,
        };
        if let Some(tables) = by_key {
            run.deletions.push(Deletion { ids, keys, tables });
            return Ok(());
        }
        self.send_deletions(run).await?;
        self.connect(run).await?;
        for table in tables.iter().rev() {
            let mut having = classes.clone();
            having.retain(|class| run.facts(self, *class).table(table).is_some());
            let own: Cow<'_, [Id]> = match having.len() == classes.len() {
                true => Cow::Borrowed(&ids),
                false => ids.iter().copied().filter(|id| having.contains(&id.class)).collect(),
            };
            for part in own.chunks(DELETED_AT_ONCE) {
                self.delete_part(run, table, part).await?;
            }
        }
        self.tell_writing_all(run, ObjectEvent::AfterDelete, &ids).await?;
        if known {
            run.deletions.push(Deletion { ids, keys, tables: Vec::new() });
            run.sent = run.deletions.len();
        }
        Ok(())
    }

    async fn delete_part(&mut self, run: &mut Run, table: &Table, part: &[Id]) -> Result<()> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut back = Back::default();
        let facts = |class: u16| run.known(class).and_then(|facts| facts.table(table));
        let mut of_class = (part[0].class, facts(part[0].class));
        let mut versions = Vec::new();
        for &id in part {
            if of_class.0 != id.class {
                of_class = (id.class, facts(id.class));
            }
            let Some((_, facts)) = of_class.1 else { continue };
            self.check_row_known(id, facts, "deleting")?;
            if facts.version.is_some() {
                versions.push((id, self.row_version(id)));
            }
        }
        let mut versioned = versions.iter().peekable();
        let result = {
            let mut params: Vec<Bind<'_>> = Vec::with_capacity(part.len());
            for (row, &id) in part.iter().enumerate() {
                if of_class.0 != id.class {
                    of_class = (id.class, facts(id.class));
                }
                let Some((_, facts)) = of_class.1 else { continue };
                let version = versioned.next_if(|(of, _)| *of == id).and_then(|(_, v)| v.as_ref());
                let versioned = version.is_some();
                let width = facts.key_columns.len() + usize::from(versioned);
                if segments.last().is_none_or(|s| s.keys.len() != width) {
                    let mut keys = facts.key_columns.clone();
                    keys.extend(facts.version.filter(|_| versioned));
                    segments.push(Segment { keys, first: row, ..Segment::default() });
                }
                self.bind_row_key(
                    id,
                    facts,
                    true,
                    &|a| run.cascaded.contains(&(id, a)),
                    &mut params,
                );
                params.extend(version.map(|v| Bind::Ref(v.as_ref())));
                if let Some(segment) = segments.last_mut() {
                    segment.rows += 1;
                }
            }
            let Some(connection) = run.connected() else { return Ok(()) };
            send(connection, WriteOp::Delete, table, &segments, &params, &mut back).await
        };
        if let Err(error) = result {
            let failed = self.failed_row(&error, &segments);
            return Err(self.refused(error, WriteOp::Delete, table, part, failed));
        }
        for (segment, matched) in segments.iter().zip(&back.matched) {
            let rows = &part[segment.first..segment.first + segment.rows];
            let versioned = versions.iter().any(|(of, v)| *of == rows[0] && v.is_some());
            // That a row is gone already is no matter, unless its version says that somebody had a say in it.
            if versioned && *matched != segment.rows as u64 && self.confirms_deleted(rows) {
                return Err(self.stale_delete(run, table, rows, *matched).await);
            }
            self.confirm_deleted(table, rows, *matched);
        }
        Ok(())
    }

    /// Whether some mapping wants to know of rows that were to be deleted whether they were there.
    fn confirms_deleted(&self, rows: &[Id]) -> bool {
        rows.iter().any(|id| self.mapper_of(*id).rows.confirm_deleted_rows)
    }

    /// Warns of rows that were to be deleted and were not there.
    pub(super) fn confirm_deleted(&self, table: &Table, rows: &[Id], matched: u64) {
        if matched != rows.len() as u64 && self.confirms_deleted(rows) {
            self.warn_of_missing(table, rows, matched);
        }
    }

    #[cold]
    fn warn_of_missing(&self, table: &Table, rows: &[Id], matched: u64) {
        let Ok(engine) = self.engine() else { return };
        engine.warn(|| {
            let what = match rows {
                [only] => format!("{}: its row", self.describe_object(*only)),
                _ => format!(
                    "{} objects of class {}: {} of their rows",
                    rows.len(),
                    rows.first().map_or("?", |id| self.mapper_of(*id).class_name()),
                    rows.len() as u64 - matched.min(rows.len() as u64),
                ),
            };
            format!(
                "deleting {what} in `{}` was gone already; where that is as it should be (ON DELETE CASCADE), the \
                 mapping says `confirm_deleted_rows = false`",
                table.full_name()
            )
        });
    }

    /// The version that the row of an object to be deleted must have.
    fn row_version(&self, id: Id) -> Option<aludel_sql::Value> {
        self.committed_value(id, self.mapper_of(id).version?).filter(|v| !v.is_null())
    }
}
