//! Marking objects to be deleted.

use indexmap::IndexMap;

use super::Session;
use super::cascade::Cascade;
use super::reached::Reached;
use super::state::{Flags, ObjectState};
use crate::instrumentation::{Handle, Id};
use crate::mapping::PassiveDeletes;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Marks an object to be deleted by the next flush, with those that the cascade `delete` reaches: related
    /// objects that are not loaded are loaded for that.
    ///
    /// # Errors
    ///
    /// When the object has no row ([`ErrorKind::InvalidRequest`]), or loading fails. One that a flush has deleted stays as
    /// it is.
    #[track_caller]
    pub fn delete<T>(&mut self, object: Handle<T>) -> impl Future<Output = Result<()>> {
        self.called();
        async move { self.delete_at(object.id).await }
    }

    pub(crate) async fn delete_at(&mut self, id: Id) -> Result<()> {
        self.arena.check(id)?;
        match self.arena.state(id).life {
            ObjectState::Persistent => {}
            ObjectState::Deleted => return Ok(()),
            ObjectState::Detached => self.guarded(false, |s| s.attach(id))?,
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    format!(
                        "{} is not persistent, so that it cannot be deleted",
                        self.describe_object(id)
                    ),
                ));
            }
        }
        if self.arena.state(id).has(Flags::DELETING) {
            return Ok(());
        }
        self.load_to_delete(id).await?;
        let mut reached = Vec::new();
        self.next_of(id, Cascade::Delete, &mut reached);
        if !self.deletion_ends_at(&reached) {
            reached = self.delete_cascade(id).await?;
        }
        self.deleting.reserve(reached.len() + 1);
        self.mark_deleting(id)?;
        for next in reached {
            self.mark_deleting(next)?;
        }
        self.begun = true;
        Ok(())
    }

    /// Whether these objects are all there, and their deletion reaches no others.
    fn deletion_ends_at(&self, ids: &[Id]) -> bool {
        ids.chunk_by(|a, b| a.class == b.class).all(|run| {
            run.iter().all(|id| self.arena.holds(*id))
                && !self.mapper_of(run[0]).relationships().any(|r| r.cascades.delete)
        })
    }

    fn mark_deleting(&mut self, id: Id) -> Result<()> {
        let mut state = self.arena.state_mut(id);
        if state.life == ObjectState::Detached && state.has(Flags::HAS_KEY) {
            self.guarded(false, |s| s.attach(id))?;
            state = self.arena.state_mut(id);
        }
        if state.life == ObjectState::Persistent && !state.has(Flags::DELETING) {
            state.flags.set(Flags::DELETING);
            self.deleting.push(id);
        }
        Ok(())
    }

    /// The objects that a deletion reaches, loading what is not loaded: depth first.
    pub(crate) async fn delete_cascade(&mut self, id: Id) -> Result<Vec<Id>> {
        self.load_levels_to_delete(vec![id]).await?;
        self.load_to_delete(id).await?;
        // The next one is at the end.
        let mut stack = Vec::new();
        self.next_of(id, Cascade::Delete, &mut stack);
        stack.reverse();
        let mut reached = Reached::with_capacity(stack.len());
        // A class at which the cascade ends, if there is one.
        let mut last_class = None;
        while let Some(next) = stack.pop() {
            if next == id || !self.arena.holds(next) || !reached.insert(next) {
                continue;
            }
            if last_class == Some(next.class) {
                continue;
            }
            if !self.mapper_of(next).relationships().any(|r| r.cascades.delete) {
                last_class = Some(next.class);
                continue;
            }
            self.load_to_delete(next).await?;
            let below = stack.len();
            self.next_of(next, Cascade::Delete, &mut stack);
            stack[below..].reverse();
        }
        Ok(reached.into_ids())
    }

    /// Loads the relationships of an object along which its deletion cascades.
    async fn load_to_delete(&mut self, id: Id) -> Result<()> {
        loop {
            let Some(attribute) = self.unknown_to_delete(id).next() else { return Ok(()) };
            self.ensure_loaded(id, attribute).await?;
        }
    }

    /// Loads the relationships along which the deletion of some objects cascades, those of a level together. What is
    /// expired, or has changes that wait for it, is left to [`load_to_delete`](Self::load_to_delete).
    pub(crate) async fn load_levels_to_delete(&mut self, mut level: Vec<Id>) -> Result<()> {
        level.retain(|id| self.arena.holds(*id));
        let mut reached = Reached::default();
        while !level.is_empty() {
            let mut wanted: IndexMap<(u16, u16), Vec<Id>> = IndexMap::new();
            for &id in level.iter().filter(|id| !self.is_wholly_expired(**id)) {
                let plain = |a: &u16| !self.deltas.contains_key(&(id, *a));
                for attribute in self.unknown_to_delete(id).filter(plain) {
                    wanted.entry((id.class, attribute)).or_default().push(id);
                }
            }
            for ((_, attribute), ids) in wanted {
                if ids.len() > 1 {
                    self.ensure_all_loaded(&ids, attribute).await?;
                }
            }
            let mut next = Vec::new();
            for id in level {
                if self.arena.holds(id) {
                    self.next_of(id, Cascade::Delete, &mut next);
                }
            }
            next.retain(|id| self.arena.holds(*id) && reached.insert(*id));
            level = next;
        }
        Ok(())
    }

    /// The relationships of an object along which its deletion cascades, and which have to be loaded for that.
    fn unknown_to_delete(&self, id: Id) -> impl Iterator<Item = u16> + '_ {
        let state = self.arena.state(id);
        let has_row = state.life == ObjectState::Persistent && state.has(Flags::HAS_KEY);
        let mapper = self.mapper_of(id);
        let all = if has_row { mapper.relationships.as_slice() } else { &[] };
        all.iter().copied().filter(move |attribute| {
            mapper.relationship(*attribute).is_some_and(|relationship| {
                relationship.cascades.delete
                    && relationship.passive_deletes == PassiveDeletes::No
                    && !self.is_known(id, *attribute)
            })
        })
    }
}
