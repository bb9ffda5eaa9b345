//! Where the events of a mapper are fired: around the INSERT, UPDATE and DELETE of each object.

use super::run::Run;
use crate::Result;
use crate::events::ObjectEvent;
use crate::instrumentation::Id;
use crate::session::Session;

impl Session {
    /// Tells of the writing of an object.
    pub(super) async fn tell_writing(
        &mut self,
        run: &mut Run,
        event: ObjectEvent,
        id: Id,
    ) -> Result<()> {
        if self.listeners.hears(event) {
            // The listeners may use the connection.
            self.disconnect(run);
            self.tell_waiting(event, id).await?;
        }
        Ok(())
    }

    /// Tells of the writing of several objects.
    pub(super) async fn tell_writing_all(
        &mut self,
        run: &mut Run,
        event: ObjectEvent,
        ids: &[Id],
    ) -> Result<()> {
        if self.listeners.hears(event) {
            for id in ids {
                self.tell_writing(run, event, *id).await?;
            }
        }
        Ok(())
    }

    /// Tells which attributes the flush has given values to.
    pub(super) async fn tell_written(&mut self, run: &mut Run) -> Result<()> {
        for told in self.written() {
            self.disconnect(run);
            self.tell_later(told).await?;
        }
        Ok(())
    }
}
