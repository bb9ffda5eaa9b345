//! What a session remembers about loading.

use std::sync::Arc;

use super::cache::Cache;
use super::get::Get;
use super::plan::ClassPlan;
use crate::instrumentation::Id;
use crate::mapping::Mappers;

type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

/// The session's side of loading.
#[derive(Default)]
pub(crate) struct Loading {
    /// The cache of compiled statements, and the mappers that it is for.
    pub(super) cache: Option<(Arc<Mappers>, Arc<Cache>)>,
    /// The statements that get objects by key, by class.
    pub(super) gets: Vec<Option<Arc<Get>>>,
    /// Attributes of objects that options have left out: whether it is an error to load them.
    restricted: Map<(Id, u16), bool>,
}

impl Loading {
    /// Remembers what options say of a new object.
    pub(super) fn restrict(&mut self, id: Id, class: &ClassPlan) {
        for (attribute, raise) in &class.deferred {
            self.restricted.insert((id, *attribute), *raise);
        }
        for attribute in &class.raise {
            self.restricted.insert((id, *attribute), true);
        }
    }

    /// An attribute has been loaded all the same.
    pub(super) fn allow(&mut self, id: Id, attribute: u16) {
        if !self.restricted.is_empty() {
            self.restricted.remove(&(id, attribute));
        }
    }

    /// Whether an option left the attribute out, and whether it is an error to load it.
    pub(super) fn restricted(&self, id: Id, attribute: u16) -> Option<bool> {
        if self.restricted.is_empty() {
            return None;
        }
        self.restricted.get(&(id, attribute)).copied()
    }

    /// Forgets what was said of objects that have left.
    pub(super) fn sweep(&mut self, holds: impl Fn(Id) -> bool) {
        if self.restricted.len() > 4096 {
            self.restricted.retain(|(id, _), _| holds(*id));
        }
    }
}
