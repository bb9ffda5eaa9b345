//! Saving objects of a hierarchy: which are inserted and which updated, table by table.

use super::facts::classes_of;
use super::run::Run;
use super::work::Work;
use crate::events::ObjectEvent;
use crate::instrumentation::Id;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Inserts and updates the rows of some objects. Within a table the UPDATEs come first, so that a unique value
    /// may go from one row to another; see `slots` for where that is not enough.
    pub(super) async fn save(&mut self, run: &mut Run, work: &Work, ids: &[Id]) -> Result<()> {
        if ids.len() > 1 && classes_of(ids).iter().any(|c| !self.mappers.at(*c).rows.batch) {
            return self.save_one_by_one(run, work, ids).await;
        }
        let hears = self.listeners.hears_writing();
        let may_take_over = work.roots.iter().any(|root| !root.deletes.is_empty());
        let is_new = |id: &Id| self.arena.state(*id).life == ObjectState::Pending;
        // Others of the hierarchy are written before or later.
        let of_root = ids.first().and_then(|id| work.root(self.mappers.at(id.class).root));
        let apart = of_root.is_some_and(|root| root.saves.len() > ids.len());
        if !hears && !may_take_over && !apart && ids.iter().all(is_new) {
            for &id in ids {
                self.check_key_known(id)?;
            }
            for table in self.tables_of(ids)? {
                self.insert_table(run, &table, ids).await?;
            }
            return Ok(());
        }
        let mut inserts = Vec::new();
        let mut updates = Vec::new();
        let mut persistent = Vec::with_capacity(ids.len());
        for &id in ids {
            if self.arena.state(id).life != ObjectState::Pending {
                if hears {
                    self.tell_writing(run, ObjectEvent::BeforeUpdate, id).await?;
                }
                persistent.push(id);
                continue;
            }
            self.check_key_known(id)?;
            if hears {
                self.tell_writing(run, ObjectEvent::BeforeInsert, id).await?;
            }
            if may_take_over && self.takes_over(run, work, id) {
                updates.push(id);
            } else {
                inserts.push(id);
            }
        }
        self.sort_by_row(&mut persistent);
        persistent.dedup();
        let written = |id: &Id| self.mapper_of(*id).version.is_some() || self.changes_row(*id);
        let known: Vec<Id> = persistent.iter().copied().filter(written).collect();
        self.read_rows(run, &known).await?;
        if updates.is_empty() {
            updates = persistent;
        } else {
            updates.extend(persistent);
        }
        let slots = (may_take_over || apart || !updates.is_empty()) && self.has_slots(run, ids);
        for table in self.tables_of(ids)? {
            if slots {
                for group in self.free_slots(run, work, &table, &updates, &inserts).await? {
                    self.update_table(run, &table, &group).await?;
                }
            } else if !updates.is_empty() {
                self.update_table(run, &table, &updates).await?;
            }
            if !inserts.is_empty() {
                self.insert_table(run, &table, &inserts).await?;
            }
        }
        if slots {
            run.updated.extend(&updates);
        }
        if !hears {
            return Ok(());
        }
        self.tell_written(run).await?;
        self.tell_writing_all(run, ObjectEvent::AfterInsert, &inserts).await?;
        self.tell_writing_all(run, ObjectEvent::AfterUpdate, &updates).await
    }

    /// The same, an object at a time, since a mapping says so: the new ones first, then the others by key.
    async fn save_one_by_one(&mut self, run: &mut Run, work: &Work, ids: &[Id]) -> Result<()> {
        let is_new = |id: &&Id| self.arena.state(**id).life == ObjectState::Pending;
        let mut ordered: Vec<Id> = ids.iter().filter(is_new).copied().collect();
        let mut persistent: Vec<Id> = ids.iter().filter(|id| !is_new(id)).copied().collect();
        self.sort_by_row(&mut persistent);
        persistent.dedup();
        ordered.append(&mut persistent);
        for id in ordered {
            Box::pin(self.save(run, work, &[id])).await?;
        }
        Ok(())
    }

    /// Refuses a new object whose key is expired: it had one, lost its row in a rollback, and nobody knows whether
    /// the key is to be the same.
    #[inline]
    fn check_key_known(&self, id: Id) -> Result<()> {
        let slab = self.arena.of(id);
        match self.mapper_of(id).primary_key.iter().find(|a| slab.is_expired(id.slot, **a)) {
            None => Ok(()),
            Some(part) => Err(self.key_lost(id, *part)),
        }
    }

    #[cold]
    fn key_lost(&self, id: Id, part: u16) -> Error {
        Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{} was expired when its row was rolled back, and cannot be read again: set it before the object \
                 is inserted anew",
                self.describe(id, part)
            ),
        )
    }

    /// A new object with the key of one that is to be deleted takes over its row: the row is updated.
    fn takes_over(&mut self, run: &mut Run, work: &Work, id: Id) -> bool {
        let mapper = self.mappers.at(id.class);
        let Some(map) = self.identity_of(id.class).filter(|map| map.len() > 0) else {
            return false;
        };
        if !mapper.primary_key.iter().all(|a| self.arena.is_loaded(id, *a)) {
            return false;
        }
        let Some(place) = self.current_key(id).and_then(|key| map.get(&key)) else { return false };
        let old = self.id_at(place);
        let goes = self.arena.state(old).has(Flags::DELETING) || work.is_deleted(old);
        if !goes || run.replaced.contains(&old) {
            return false;
        }
        let version = self.mapper_of(old).version.and_then(|v| self.committed_value(old, v));
        run.replaced.insert(old);
        run.takeovers.insert(id, version);
        true
    }
}
