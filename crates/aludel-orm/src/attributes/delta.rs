//! What has changed in a collection since it was committed.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::instrumentation::{Id, Members};

/// An ordered set of objects.
pub(crate) type IdSet = IndexSet<Id, foldhash::fast::RandomState>;

/// In place of the slot of a member that is not known.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// The members that came and went. Of a collection that is not loaded it is the queue of changes that
/// wait for it; of a loaded one, the difference to what the database has.
#[derive(Clone, Default)]
pub(crate) struct Delta {
    pub(crate) added: IdSet,
    /// With the slots where they were.
    pub(crate) removed: IndexMap<Id, u32, foldhash::fast::RandomState>,
    /// The committed members in their order, once the whole list was replaced (until then the slots of the
    /// removed ones tell it).
    pub(crate) original: Option<Arc<[Id]>>,
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// A member has come; gives the slot where it was, if it had gone before.
    pub(crate) fn add(&mut self, member: Id) -> Option<u32> {
        let slot = self.removed.swap_remove(&member);
        if slot.is_none() {
            self.added.insert(member);
        }
        slot
    }

    /// A member has gone, and is there no more; says whether it had come before.
    pub(crate) fn remove(&mut self, member: Id, slot: u32) -> bool {
        let came = self.added.swap_remove(&member);
        if !came {
            self.removed.insert(member, slot);
        }
        came
    }

    /// The slots from this one on have moved up.
    pub(crate) fn opened(&mut self, at: usize) {
        let moved = self.removed.values_mut().filter(|slot| **slot as usize >= at);
        moved.filter(|slot| **slot != NO_SLOT).for_each(|slot| *slot += 1);
    }

    /// The slots after this one have moved down.
    pub(crate) fn closed(&mut self, at: usize) {
        let moved = self.removed.values_mut().filter(|slot| **slot as usize > at);
        moved.filter(|slot| **slot != NO_SLOT).for_each(|slot| *slot -= 1);
    }

    /// The members that have gone, in the order that they had.
    pub(crate) fn deleted(&self) -> Vec<Id> {
        if let Some(original) = &self.original {
            return original.iter().copied().filter(|m| self.removed.contains_key(m)).collect();
        }
        let mut deleted: Vec<(u32, Id)> =
            self.removed.iter().map(|(id, slot)| (*slot, *id)).collect();
        deleted.sort_by_key(|(slot, _)| *slot);
        deleted.into_iter().map(|(_, id)| id).collect()
    }

    /// Keeps the committed order while the list that tells it is still there.
    pub(crate) fn keep_original(&mut self, present: &Members) {
        if self.original.is_some() {
            return;
        }
        let mut original: Vec<(u32, Id)> = present
            .slots()
            .filter(|(_, member)| !self.added.contains(member))
            .chain(self.removed.iter().map(|(id, slot)| (*slot, *id)))
            .collect();
        original.sort_by_key(|(slot, _)| *slot);
        self.original = Some(original.into_iter().map(|(_, id)| id).collect());
    }
}
