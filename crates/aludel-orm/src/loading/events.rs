//! What a session remembers about loading, and who is told of it.

use std::sync::Arc;

use super::cache::Cache;
use super::get::Get;
use super::plan::ClassPlan;
use crate::Result;
use crate::instrumentation::{Handle, Id, Mapped};
use crate::mapping::Mappers;
use crate::session::Session;

/// A moment in the loading of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadEvent {
    /// An object was made from a row.
    Load,
    /// Attributes of an object that was there were read again.
    Refresh,
}

type Listener = Arc<dyn Fn(&mut Session, Id) -> Result<()> + Send + Sync>;

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
    listeners: Vec<(u16, LoadEvent, Listener)>,
    events: Vec<(LoadEvent, Id)>,
}

impl Loading {
    #[inline]
    pub(super) fn listens(&self) -> bool {
        !self.listeners.is_empty()
    }

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

    pub(super) fn note(&mut self, event: LoadEvent, id: Id) {
        if !self.listeners.is_empty() {
            self.events.push((event, id));
        }
    }
}

impl Session {
    /// Calls `listener` for each object of a class (and its subclasses) that was made from a row, or read
    /// again, once the statement is done.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped.
    pub fn on_load<T: Mapped>(
        &mut self,
        event: LoadEvent,
        listener: impl Fn(&mut Session, Handle<T>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        let class = self.class_of::<T>()?;
        let listener: Listener = Arc::new(move |session, id| listener(session, Handle::new(id)));
        self.loading.listeners.push((class, event, listener));
        Ok(())
    }

    /// As [`on_load`](Self::on_load), by the name of the class.
    ///
    /// # Errors
    ///
    /// When no class of that name is mapped.
    pub fn on_load_named(
        &mut self,
        class: &str,
        event: LoadEvent,
        listener: impl Fn(&mut Session, Id) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        let class = self.mapper_named(class)?;
        self.loading.listeners.push((class, event, Arc::new(listener)));
        Ok(())
    }

    /// Tells the listeners what a statement has loaded.
    pub(super) fn tell_loaded(&mut self) -> Result<()> {
        if self.loading.events.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.loading.events);
        let mut told = std::collections::HashSet::new();
        for (event, id) in events {
            if !told.insert((event, id)) {
                continue;
            }
            let mappers = Arc::clone(&self.mappers);
            let called: Vec<Listener> = self
                .loading
                .listeners
                .iter()
                .filter(|(class, e, _)| *e == event && mappers.is_a(id.class, *class))
                .map(|(_, _, listener)| Arc::clone(listener))
                .collect();
            for listener in called {
                if self.arena.holds(id) {
                    listener(self, id)?;
                }
            }
        }
        Ok(())
    }
}
