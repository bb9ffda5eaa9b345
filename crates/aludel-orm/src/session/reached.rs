//! The objects that a cascade has reached.

use hashbrown::HashSet;

use crate::instrumentation::Id;

/// From so many objects on, one is found by its hash.
const INDEXED: usize = 32;

/// Objects, each once, in the order in which they came.
#[derive(Default)]
pub(super) struct Reached {
    ids: Vec<Id>,
    /// A bit for each, many to a bit: mostly what comes is new, and that is known at once of a few.
    bits: u64,
    index: Option<HashSet<Id, foldhash::fast::RandomState>>,
}

impl Reached {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { ids: Vec::with_capacity(capacity), ..Self::default() }
    }

    /// Adds an object; says whether it is new.
    pub(super) fn insert(&mut self, id: Id) -> bool {
        let bit = 1 << (id.slot % 64);
        let maybe = self.bits & bit != 0;
        self.bits |= bit;
        let new = match &mut self.index {
            Some(index) => index.insert(id),
            None => !(maybe && self.ids.contains(&id)),
        };
        if new {
            self.ids.push(id);
            if self.ids.len() == INDEXED {
                self.index = Some(self.ids.iter().copied().collect());
            }
        }
        new
    }

    pub(super) fn into_ids(self) -> Vec<Id> {
        self.ids
    }
}
