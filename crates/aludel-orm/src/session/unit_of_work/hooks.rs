//! Where the events of a mapper are fired: around the INSERT, UPDATE and DELETE of each object.

use crate::Result;
use crate::instrumentation::Id;
use crate::session::Session;

/// A moment in the writing of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapperEvent {
    BeforeInsert,
    AfterInsert,
    BeforeUpdate,
    AfterUpdate,
    BeforeDelete,
    AfterDelete,
}

impl Session {
    /// Whether somebody listens to the writing of objects.
    #[inline]
    pub(super) fn hears_mapper_events(&self) -> bool {
        false
    }

    /// Tells of the writing of an object. The single place where mapper events will be fired.
    pub(super) fn mapper_event(&mut self, _event: MapperEvent, _id: Id) -> Result<()> {
        Ok(())
    }

    /// Tells of the writing of several objects.
    #[inline]
    pub(super) fn mapper_events(&mut self, event: MapperEvent, ids: &[Id]) -> Result<()> {
        if self.hears_mapper_events() {
            ids.iter().try_for_each(|id| self.mapper_event(event, *id))?;
        }
        Ok(())
    }
}
