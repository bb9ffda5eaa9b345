//! Marking objects to be deleted.

use super::Session;
use super::cascade::Cascade;
use super::state::{Flags, ObjectState};
use crate::attributes::delta::IdSet;
use crate::instrumentation::{Handle, Id};
use crate::mapping::PassiveDeletes;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Marks an object to be deleted by the next flush, with those that the cascade `delete` reaches: related
    /// objects that are not loaded are loaded for that.
    ///
    /// # Errors
    ///
    /// When the object has no row ([`ErrorKind::InvalidRequest`]), or loading fails.
    #[track_caller]
    pub fn delete<T>(&mut self, object: Handle<T>) -> impl Future<Output = Result<()>> {
        self.called();
        async move { self.delete_at(object.id).await }
    }

    pub(crate) async fn delete_at(&mut self, id: Id) -> Result<()> {
        self.arena.check(id)?;
        match self.arena.state(id).life {
            ObjectState::Persistent => {}
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
        let reached = self.delete_cascade(id).await?;
        self.mark_deleting(id)?;
        for next in reached {
            self.mark_deleting(next)?;
        }
        self.begun = true;
        Ok(())
    }

    fn mark_deleting(&mut self, id: Id) -> Result<()> {
        match self.arena.state(id).life {
            ObjectState::Detached if self.arena.state(id).has(Flags::HAS_KEY) => {
                self.guarded(false, |s| s.attach(id))?
            }
            ObjectState::Persistent => {}
            _ => return Ok(()),
        }
        let state = self.arena.state_mut(id);
        if !state.has(Flags::DELETING) {
            state.flags.set(Flags::DELETING);
            self.deleting.push(id);
        }
        Ok(())
    }

    /// The objects that a deletion reaches, loading what is not loaded: depth first.
    pub(crate) async fn delete_cascade(&mut self, id: Id) -> Result<Vec<Id>> {
        self.load_for_delete(id).await?;
        let mut reached = IdSet::default();
        let mut seen = IdSet::default();
        seen.insert(id);
        let mut stack = vec![self.delete_step(id).into_iter()];
        while let Some(top) = stack.last_mut() {
            let Some(next) = top.next() else {
                stack.pop();
                continue;
            };
            if !self.arena.holds(next) || !seen.insert(next) {
                continue;
            }
            reached.insert(next);
            if self.arena.state(next).has(Flags::HAS_KEY) {
                self.load_for_delete(next).await?;
            }
            stack.push(self.delete_step(next).into_iter());
        }
        Ok(reached.into_iter().collect())
    }

    fn delete_step(&self, id: Id) -> Vec<Id> {
        self.next_of(id, Cascade::Delete)
    }

    /// Loads the relationships along which a deletion cascades.
    async fn load_for_delete(&mut self, id: Id) -> Result<()> {
        if self.arena.state(id).life != ObjectState::Persistent {
            return Ok(());
        }
        let mappers = std::sync::Arc::clone(&self.mappers);
        let mapper = mappers.at(id.class);
        for &attribute in &mapper.relationships {
            let Some(relationship) = mapper.relationship(attribute) else { continue };
            if !relationship.cascades.delete
                || relationship.passive_deletes != PassiveDeletes::No
                || self.is_known(id, attribute)
            {
                continue;
            }
            self.ensure_loaded(id, attribute).await?;
        }
        Ok(())
    }
}
