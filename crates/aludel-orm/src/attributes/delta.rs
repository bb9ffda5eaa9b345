//! What has changed in a collection since it was committed.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::instrumentation::{Id, Members};

/// An ordered set of objects.
pub(crate) type IdSet = IndexSet<Id, foldhash::fast::RandomState>;

/// In place of the slot of a member that is not known.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// The members that came and went. Of a collection that is not loaded it is the queue of changes that
/// wait for it; of a loaded one, the difference to what the database has.
#[derive(Clone, Default)]
pub(crate) struct Delta {
    pub(crate) added: Members,
    pub(crate) removed: Members,
    /// The slots where the removed ones were, by their slot among these.
    from: Vec<u32>,
    /// The committed members in their order, once the whole list was replaced or a member has come back
    /// (until then the slots of the removed ones tell it).
    pub(crate) original: Option<Arc<[Id]>>,
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// A member comes; gives the slot where it was, if it had gone before. The list, where it is `present`, does
    /// not have it yet: it tells the committed order, which the member's return would lose.
    pub(crate) fn add(&mut self, member: Id, present: Option<&Members>) -> Option<u32> {
        match self.removed.slot_of(member) {
            Some(slot) => {
                if let Some(present) = present {
                    self.keep_original(present);
                }
                self.removed.remove(slot);
                Some(self.from[slot])
            }
            None => {
                // Where one member comes or goes, others follow.
                self.added.reserve_some();
                self.added.push(member, None);
                None
            }
        }
    }

    /// A member has gone, and is there no more; says whether it had come before.
    pub(crate) fn remove(&mut self, member: Id, from: u32) -> bool {
        match self.added.slot_of(member) {
            Some(slot) => {
                self.added.remove(slot);
                true
            }
            None => {
                self.gone(member, from);
                false
            }
        }
    }

    fn gone(&mut self, member: Id, from: u32) {
        self.removed.reserve_some();
        let slot = self.removed.push(member, None);
        self.from.truncate(slot);
        self.from.push(from);
    }

    /// Takes an [`add`](Self::add) back.
    pub(crate) fn unadd(&mut self, member: Id, cancelled: Option<u32>) {
        match (cancelled, self.added.slot_of(member)) {
            (Some(from), _) => self.gone(member, from),
            (None, Some(slot)) => {
                self.added.remove(slot);
            }
            (None, None) => {}
        }
    }

    /// Takes a [`remove`](Self::remove) back.
    pub(crate) fn unremove(&mut self, member: Id, cancelled: bool) {
        if cancelled {
            self.added.push(member, None);
        } else if let Some(slot) = self.removed.slot_of(member) {
            self.removed.remove(slot);
        }
    }

    /// The slots from this one on have moved up.
    pub(crate) fn opened(&mut self, at: usize) {
        let moved = self.from.iter_mut().filter(|slot| **slot as usize >= at && **slot != NO_SLOT);
        moved.for_each(|slot| *slot += 1);
    }

    /// The slots after this one have moved down.
    pub(crate) fn closed(&mut self, at: usize) {
        let moved = self.from.iter_mut().filter(|slot| **slot as usize > at && **slot != NO_SLOT);
        moved.for_each(|slot| *slot -= 1);
    }

    /// The removed members with the slots where they were.
    fn removed_from(&self) -> impl Iterator<Item = (u32, Id)> {
        self.removed.slots().map(|(slot, id)| (self.from[slot as usize], id))
    }

    /// The members that have gone, in the order that they had.
    pub(crate) fn deleted(&self) -> Vec<Id> {
        if let Some(original) = &self.original {
            return original.iter().copied().filter(|m| self.removed.contains(*m)).collect();
        }
        let mut deleted: Vec<(u32, Id)> = self.removed_from().collect();
        deleted.sort_by_key(|(slot, _)| *slot);
        deleted.into_iter().map(|(_, id)| id).collect()
    }

    /// Keeps the committed order while the list that tells it is still there. A member that the list has twice
    /// counts once: what is loaded has each once, so that the other came later.
    pub(crate) fn keep_original(&mut self, present: &Members) {
        if self.original.is_some() {
            return;
        }
        let mut original: Vec<(u32, Id)> = present
            .slots()
            .filter(|(slot, member)| {
                !self.added.contains(*member) && present.slot_of(*member) == Some(*slot as usize)
            })
            .chain(self.removed_from())
            .collect();
        original.sort_by_key(|(slot, _)| *slot);
        self.original = Some(original.into_iter().map(|(_, id)| id).collect());
    }
}
