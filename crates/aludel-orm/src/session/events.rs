//! Session events: who is told of flushes and transactions.

use std::sync::Arc;

use super::Session;
use crate::Result;

/// A moment in a session's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionEvent {
    /// Before a flush collects what is to be done: what a listener changes is part of it.
    BeforeFlush,
    /// After a flush has written, before its objects are registered as flushed.
    AfterFlush,
    /// After a flush is done.
    AfterFlushPostexec,
    /// Before a commit flushes.
    BeforeCommit,
    /// After a commit.
    AfterCommit,
    /// After the database was rolled back.
    AfterRollback,
    /// After any rollback, that of a failed flush included.
    AfterSoftRollback,
    /// After the transaction began on a connection.
    AfterBegin,
}

/// A listener of session events. An error stops the operation.
pub type SessionListener = Arc<dyn Fn(&mut Session) -> Result<()> + Send + Sync>;

impl Session {
    /// Calls `listener` at every such moment of this session.
    pub fn on(
        &mut self,
        event: SessionEvent,
        listener: impl Fn(&mut Session) -> Result<()> + Send + Sync + 'static,
    ) {
        self.hooks.push((event, Arc::new(listener)));
    }

    /// Calls the listeners of an event, in the order of their registration.
    pub(crate) fn emit(&mut self, event: SessionEvent) -> Result<()> {
        if self.hooks.is_empty() {
            return Ok(());
        }
        let listeners: Vec<SessionListener> =
            self.hooks.iter().filter(|(e, _)| *e == event).map(|(_, l)| Arc::clone(l)).collect();
        listeners.iter().try_for_each(|listener| listener(self))
    }
}
