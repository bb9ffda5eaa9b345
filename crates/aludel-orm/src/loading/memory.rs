//! What a session remembers about loading.

use std::sync::Arc;

use super::cache::Cache;
use super::get::Get;
use super::guard::Guards;
use super::loader_criteria::Remembered;
use super::plan::ClassPlan;
use crate::instrumentation::Id;
use crate::mapping::Mappers;

pub(super) type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

/// Whether the program may load an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Allowed {
    Yes,
    /// Where the identity map has it.
    WithoutSql,
    No,
    /// Its members are queried.
    Queries,
}

/// What options have said of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restriction(pub(crate) u16, pub(crate) Allowed);

/// The session's side of loading.
#[derive(Default)]
pub(crate) struct Loading {
    /// The cache of compiled statements, and the mappers that it is for.
    pub(super) cache: Option<(Arc<Mappers>, Arc<Cache>)>,
    /// The statements that get objects by key, by class.
    pub(super) gets: Vec<Option<Arc<Get>>>,
    pub(super) guards: Guards,
    pub(super) criteria: Remembered,
    /// Attributes of objects that options have spoken of: whether they may be loaded.
    restricted: Map<(Id, u16), Allowed>,
}

impl Loading {
    /// Remembers what options say of a new object.
    pub(super) fn restrict(&mut self, id: Id, class: &ClassPlan) {
        if class.propagates {
            self.criteria.propagate(id);
        }
        for (attribute, raise) in &class.deferred {
            let allowed = if *raise { Allowed::No } else { Allowed::Yes };
            self.restricted.insert((id, *attribute), allowed);
        }
        for (attribute, allowed) in &class.spoken_of {
            self.restricted.insert((id, *attribute), *allowed);
        }
    }

    /// An attribute has been loaded all the same.
    pub(super) fn allow(&mut self, id: Id, attribute: u16) {
        if !self.restricted.is_empty() {
            self.restricted.remove(&(id, attribute));
        }
    }

    /// What options have said of an object's attributes, of which there are so many.
    pub(crate) fn restrictions(&self, id: Id, attributes: usize) -> Vec<Restriction> {
        let said = |attribute| Some(Restriction(attribute, self.restricted(id, attribute)?));
        (0..attributes as u16).filter_map(said).collect()
    }

    /// Puts that back.
    pub(crate) fn put_restrictions(&mut self, id: Id, all: Vec<Restriction>) {
        let all = all.into_iter().map(|Restriction(attribute, allowed)| ((id, attribute), allowed));
        self.restricted.extend(all);
    }

    /// Whether an attribute may be loaded, where an option has spoken of it.
    pub(super) fn restricted(&self, id: Id, attribute: u16) -> Option<Allowed> {
        if self.restricted.is_empty() {
            return None;
        }
        self.restricted.get(&(id, attribute)).copied()
    }

    /// Forgets what was said of objects that have left.
    pub(crate) fn sweep(&mut self, holds: impl Fn(Id) -> bool) {
        self.criteria.sweep(&holds);
        if self.restricted.len() > 4096 {
            self.restricted.retain(|(id, _), _| holds(*id));
        }
    }
}
