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
        if !self.saves_together(ids) {
            for id in self.one_by_one(ids) {
                Box::pin(self.save(run, work, &[id])).await?;
            }
            return Ok(());
        }
        let hears = self.listeners.hears_writing();
        let may_take_over = work.roots.iter().any(|root| !root.deletes.is_empty());
        // Others of the hierarchy are written before or later.
        let of_root = ids.first().and_then(|id| work.root(self.mappers.at(id.class).root));
        let apart = of_root.is_some_and(|root| root.saves.len() > ids.len());
        if !hears && !may_take_over && !apart && self.are_new(ids) {
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

    /// Whether all are new, and nothing of them is expired: by far the most frequent.
    fn are_new(&self, ids: &[Id]) -> bool {
        ids.chunk_by(|a, b| a.class == b.class).all(|same| {
            let slab = self.arena.of(same[0]);
            let is_new = |id: &Id| slab.states[id.slot as usize].life == ObjectState::Pending;
            same.iter().all(|id| is_new(id) && !slab.may_be_expired(id.slot))
        })
    }

    /// Whether objects are saved together, which a mapping may deny.
    pub(super) fn saves_together(&self, ids: &[Id]) -> bool {
        ids.len() < 2 || classes_of(ids).iter().all(|class| self.mappers.at(*class).rows.batch)
    }

    /// The order in which objects are saved one by one: the new ones first, then the others by key.
    pub(super) fn one_by_one(&self, ids: &[Id]) -> Vec<Id> {
        let is_new = |id: &&Id| self.arena.state(**id).life == ObjectState::Pending;
        let mut ordered: Vec<Id> = ids.iter().filter(is_new).copied().collect();
        let mut persistent: Vec<Id> = ids.iter().filter(|id| !is_new(id)).copied().collect();
        self.sort_by_row(&mut persistent);
        persistent.dedup();
        ordered.append(&mut persistent);
        ordered
    }

    /// Refuses a new object whose key is expired: it had one, lost its row in a rollback, and nobody knows whether
    /// the key is to be the same.
    #[inline]
    fn check_key_known(&self, id: Id) -> Result<()> {
        if !self.is_wholly_expired(id) {
            return Ok(());
        }
        let slab = self.arena.of(id);
        match self.mapper_of(id).primary_key.iter().find(|a| slab.is_expired(id.slot, **a)) {
            None => Ok(()),
            Some(part) => Err(self.lost(id, *part)),
        }
    }

    /// An attribute that a new object had forgotten when its row was rolled back.
    #[cold]
    pub(crate) fn lost(&self, id: Id, attribute: u16) -> Error {
        Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{} was expired when its row was rolled back, and cannot be read again: set it before the object \
                 is inserted anew",
                self.describe(id, attribute)
            ),
        )
    }

    /// A new object with the key of one that is to be deleted takes over its row: the row is updated.
    pub(super) fn takes_over(&self, run: &mut Run, work: &Work, id: Id) -> bool {
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
