//! DELETE: the rows of objects, the tables of a class from the last to the base.

use std::borrow::Cow;

use aludel_sql::{Bind, Table, ValueRef, WriteOp};

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
        self.connect(run).await?;
        let classes = classes_of(&ids);
        for table in self.tables_of(&ids)?.iter().rev() {
            let mut having = classes.clone();
            having.retain(|class| run.facts(self, *class).table(table).is_some());
            let all = having.len() == classes.len();
            if all
                && keys.len() == ids.len()
                && having.iter().all(|class| run.is_found_by_key(*class, table))
            {
                for (part, keys) in ids.chunks(DELETED_AT_ONCE).zip(keys.chunks(DELETED_AT_ONCE)) {
                    self.delete_keys(run, table, part, keys).await?;
                }
                continue;
            }
            let own: Cow<'_, [Id]> = match all {
                true => Cow::Borrowed(&ids),
                false => ids.iter().copied().filter(|id| having.contains(&id.class)).collect(),
            };
            for part in own.chunks(DELETED_AT_ONCE) {
                self.delete_part(run, table, part).await?;
            }
        }
        if keys.len() == ids.len() {
            run.gone.extend(ids.iter().copied().zip(keys));
        }
        self.tell_writing_all(run, ObjectEvent::AfterDelete, &ids).await
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
        let versioned = |id: Id| versions.iter().any(|(of, v)| *of == id && v.is_some());
        self.check_deleted(run, table, part, &segments, (result, back), &versioned).await
    }

    /// The same of rows that one whole number tells, and nothing else.
    async fn delete_keys(
        &mut self,
        run: &mut Run,
        table: &Table,
        part: &[Id],
        keys: &[i64],
    ) -> Result<()> {
        let Some((_, facts)) = run.known(part[0].class).and_then(|facts| facts.table(table)) else {
            return Ok(());
        };
        let segments =
            [Segment { keys: facts.key_columns.clone(), rows: part.len(), ..Segment::default() }];
        let params: Vec<Bind<'_>> = keys.iter().map(|key| Bind::Ref(ValueRef::I64(*key))).collect();
        let mut back = Back::default();
        let Some(connection) = run.connected() else { return Ok(()) };
        let result = send(connection, WriteOp::Delete, table, &segments, &params, &mut back).await;
        self.check_deleted(run, table, part, &segments, (result, back), &|_| false).await
    }

    /// What the database says of rows that were to be deleted.
    async fn check_deleted(
        &mut self,
        run: &mut Run,
        table: &Table,
        part: &[Id],
        segments: &[Segment],
        (result, back): (Result<()>, Back),
        versioned: &(dyn Fn(Id) -> bool + Sync),
    ) -> Result<()> {
        if let Err(error) = result {
            let failed = self.failed_row(&error, segments);
            return Err(self.refused(error, WriteOp::Delete, table, part, failed));
        }
        for (segment, matched) in segments.iter().zip(&back.matched) {
            let rows = &part[segment.first..segment.first + segment.rows];
            let confirms = |id: &Id| self.mapper_of(*id).rows.confirm_deleted_rows;
            if *matched == segment.rows as u64 || !rows.iter().any(confirms) {
                continue;
            }
            // A row that is gone already is as it should be, unless its version says that somebody had a say in it.
            if versioned(rows[0]) {
                return Err(self.stale_delete(run, table, rows, *matched).await);
            }
            self.warn_of_missing(table, rows, *matched);
        }
        Ok(())
    }

    /// Rows that were to be deleted were not there.
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
