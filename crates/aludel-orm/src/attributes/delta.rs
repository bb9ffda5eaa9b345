//! What has changed in a collection since it was committed.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::instrumentation::{Id, Members};

/// An ordered set of objects.
pub(crate) type IdSet = IndexSet<Id, foldhash::fast::RandomState>;

/// The members that came and went. Of a collection that is not loaded it is the queue of changes that
/// wait for it; of a loaded one, the difference to what the database has.
#[derive(Clone, Default)]
pub(crate) struct Delta {
    pub(crate) added: IdSet,
    pub(crate) removed: IdSet,
    /// The committed members in their order, once one of them has gone (until then they are the present
    /// members without the added ones).
    pub(crate) original: Option<Arc<Members>>,
    /// The whole collection was new to the program when it was replaced without being loaded.
    pub(crate) unknown: bool,
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && !self.unknown
    }

    /// A member has come.
    pub(crate) fn add(&mut self, member: Id) {
        if !self.removed.shift_remove(&member) {
            self.added.insert(member);
        }
    }

    /// A member has gone, and is there no more.
    pub(crate) fn remove(&mut self, member: Id) {
        if !self.added.swap_remove(&member) {
            self.removed.insert(member);
        }
    }
}
