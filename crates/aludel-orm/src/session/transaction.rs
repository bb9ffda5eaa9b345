//! Transactions: what begins, ends and undoes the work of a session, and what that does to its objects.
//!
//! A session is in a transaction from its first use until commit, rollback or close. The database is told
//! with the first statement. Savepoints are levels on top; each level remembers which objects were
//! inserted, deleted and changed in it, so that its rollback puts those back and leaves the rest alone.

use std::pin::Pin;

use aludel_engine::{Connection, Engine, TransactionOptions};

use super::Session;
use super::identity::Key;
use super::state::{Flags, ObjectState};
use crate::events::{ObjectEvent, SessionEvent};
use crate::instrumentation::Id;
use crate::mapping::Registry;
use crate::{Error, ErrorKind, Result};

/// What a level of the transaction did to objects.
#[derive(Default)]
pub(crate) struct Level {
    savepoint: u32,
    pub(super) inserted: Vec<Id>,
    pub(super) deleted: Vec<Id>,
    pub(super) updated: Vec<Id>,
    pub(super) switched: Vec<(Id, Key)>,
    /// The level has been rolled back by a failed flush (whose error it was), and waits for the program to say so.
    failed: Option<Box<(ErrorKind, String)>>,
    /// What that rollback did.
    undone: RolledBack,
}

impl Level {
    /// The work of a level within this one becomes part of it.
    fn take_over(&mut self, inner: Level) {
        self.inserted.extend(inner.inserted);
        self.deleted.extend(inner.deleted);
        self.updated.extend(inner.updated);
        self.switched.extend(inner.switched);
    }
}

/// The session's side of its transaction.
#[derive(Default)]
pub(crate) struct Transaction {
    pub(crate) engine: Option<Engine>,
    how: TransactionOptions,
    connection: Option<Box<Connection>>,
    /// The connection is in use by an operation; when that was dropped in the middle, it never came back.
    out: bool,
    /// The root level, then savepoints, innermost last. Empty where nothing has been done.
    levels: Vec<Level>,
    /// A flush is under way.
    pub(crate) flushing: bool,
    /// Listeners have been told that the transaction is there.
    created: bool,
    /// Listeners are being told that the transaction ends: it is of no use any more.
    ending: bool,
    /// The session is of one attempt at a unit of work, whose runner commits.
    pub(super) is_attempt: bool,
}

/// What a rollback did to the objects of a session.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RolledBack {
    /// The objects that were pending, or had been inserted in the transaction: they are transient now, with
    /// their values, and can be added again.
    pub transient: Vec<Id>,
}

impl RolledBack {
    /// Adds what was done when a flush of the level failed.
    fn take_over(&mut self, level: &Level) {
        self.transient.extend_from_slice(&level.undone.transient);
    }
}

impl Session {
    /// A session on an engine, with the classes of the [global registry](Registry::global).
    pub fn new(engine: &Engine) -> Self {
        Self::with_registry(engine, &Registry::global())
    }

    /// A session on an engine, with the classes of a registry.
    pub fn with_registry(engine: &Engine, registry: &Registry) -> Self {
        let mut session = Self::detached(registry);
        session.transaction.engine = Some(engine.clone());
        session
    }

    /// How the session's transactions begin: isolation, read-only.
    pub fn transaction_options(&mut self, how: TransactionOptions) {
        self.transaction.how = how;
    }

    /// The engine.
    ///
    /// # Errors
    ///
    /// When the session has none.
    pub fn engine(&self) -> Result<&Engine> {
        self.transaction.engine.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                "this session has no engine: make it with `Session::new(&engine)`",
            )
        })
    }

    /// Takes the connection for one operation, in a transaction that has begun.
    pub(crate) async fn checkout(&mut self) -> Result<Box<Connection>> {
        self.check_usable()?;
        self.begun = true;
        let connection = match self.transaction.connection.take() {
            Some(connection) => connection,
            None => self.connect_anew().await?,
        };
        self.transaction.out = true;
        Ok(connection)
    }

    async fn connect_anew(&mut self) -> Result<Box<Connection>> {
        let engine = self.engine()?.clone();
        if !std::mem::replace(&mut self.transaction.created, true) {
            self.emit(SessionEvent::AfterTransactionCreate, 0).await?;
        }
        let mut connection = Box::new(engine.acquire().await?);
        connection.begin(&self.transaction.how).await?;
        if !self.listeners.hears_session(SessionEvent::AfterBegin) {
            return Ok(connection);
        }
        // The listeners may use it.
        self.transaction.connection = Some(connection);
        self.emit(SessionEvent::AfterBegin, 0).await?;
        self.transaction.connection.take().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                "a listener has ended the transaction that begins",
            )
        })
    }

    /// Puts the connection back.
    pub(crate) fn checkin(&mut self, connection: Box<Connection>) {
        self.transaction.connection = Some(connection);
        self.transaction.out = false;
    }

    /// Whether the session may use the database now.
    pub(crate) fn check_usable(&self) -> Result<()> {
        if self.transaction.out {
            return Err(Error::new(
                ErrorKind::PendingRollback,
                "an operation of this session was dropped in the middle: call `rollback` first",
            ));
        }
        if self.transaction.ending {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "the transaction is ending: its listeners cannot use the database",
            ));
        }
        match self.transaction.levels.last().and_then(|l| l.failed.as_deref()) {
            Some((kind, why)) => Err(Error::new(
                ErrorKind::PendingRollback,
                format!("this transaction has failed and must be rolled back first: {why}"),
            )
            .with_cause(Error::new(*kind, why.clone()))),
            None => Ok(()),
        }
    }

    /// Whether a transaction has begun, as far as the program sees it.
    pub fn in_transaction(&self) -> bool {
        self.begun || !self.transaction.levels.is_empty()
    }

    /// How many savepoints are open.
    pub fn nested_depth(&self) -> usize {
        self.transaction.levels.len().saturating_sub(1)
    }

    pub(super) fn level(&mut self) -> &mut Level {
        if self.transaction.levels.is_empty() {
            self.transaction.levels.push(Level::default());
        }
        let last = self.transaction.levels.len() - 1;
        &mut self.transaction.levels[last]
    }

    /// Remembers a run of inserted objects.
    pub(crate) fn note_inserted_all(&mut self, ids: &[Id]) {
        self.level().inserted.extend_from_slice(ids);
    }

    pub(crate) fn note_deleted(&mut self, id: Id) {
        self.level().deleted.push(id);
    }

    pub(crate) fn note_updated(&mut self, id: Id) {
        // The root's rollback expires everything; only savepoints have to know.
        if self.transaction.levels.len() > 1 {
            self.level().updated.push(id);
        }
    }

    pub(crate) fn note_key_switch(&mut self, id: Id, old: Key) {
        self.level().switched.push((id, old));
    }

    /// Whether there is something to flush.
    pub(crate) fn has_work(&mut self) -> bool {
        let life = |id: &Id| self.arena.life(*id);
        let stays = |id: &Id| life(id) == Some(ObjectState::Pending);
        drop_last(&mut self.pending, stays);
        let stays = |id: &Id| life(id) == Some(ObjectState::Persistent);
        drop_last(&mut self.changed, stays);
        drop_last(&mut self.deleting, |id| stays(id) && self.arena.state(*id).has(Flags::DELETING));
        !self.pending.is_empty() || !self.changed.is_empty() || !self.deleting.is_empty()
    }

    /// Flushes before a query, where the session does that.
    pub(crate) async fn autoflush(&mut self) -> Result<()> {
        if !self.options.autoflush || self.transaction.flushing || !self.has_work() {
            return Ok(());
        }
        self.flush_boxed().await.map_err(|e| {
            e.context("flushing before a query (switch `autoflush` off where that comes too early)")
        })
    }

    /// A flush within something else, of which the type says no more than that: a flush loads, and loads flush.
    fn flush_boxed(&mut self) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(self.flush_pending())
    }

    /// Flushes, and commits the transaction.
    ///
    /// # Errors
    ///
    /// When the flush or the commit fails. A commit that lost its connection is [`ErrorKind::OutcomeUnknown`]:
    /// it may have taken effect. In all cases the objects are as after a rollback, and
    /// [`rollback`](Self::rollback) has to be called before the session goes on.
    #[track_caller]
    pub fn commit(&mut self) -> impl Future<Output = Result<()>> {
        self.called();
        self.commit_whole()
    }

    async fn commit_whole(&mut self) -> Result<()> {
        self.check_own_end()?;
        self.commit_work().await?;
        self.after_commit().await
    }

    /// Flushes, and has the database commit.
    pub(super) async fn commit_work(&mut self) -> Result<()> {
        self.check_usable()?;
        self.check_no_scope()?;
        while self.nested_depth() > 0 {
            self.commit_nested().await?;
        }
        self.emit(SessionEvent::BeforeCommit, 0).await?;
        // What a flush hook changes is flushed as well.
        for _ in 0..100 {
            if !self.has_work() {
                break;
            }
            self.flush_pending().await?;
        }
        if let Some(mut connection) = self.transaction.connection.take() {
            self.transaction.out = true;
            let result = connection.commit().await;
            self.transaction.out = false;
            if let Err(error) = result {
                drop(connection);
                return Err(self.fail(error).await);
            }
        }
        Ok(())
    }

    /// Brings the objects in step with what is committed. The work is done, whatever a listener says.
    pub(super) async fn after_commit(&mut self) -> Result<()> {
        let mut told = self.emit_ending(SessionEvent::AfterCommit, 0).await;
        let level = std::mem::take(&mut self.transaction.levels);
        if self.options.expire_on_commit {
            for id in self.arena.ids(|s| s.life == ObjectState::Persistent) {
                self.expire_whole(id);
            }
            self.changed.clear();
        }
        level.iter().for_each(|l| self.detach_deleted(&l.deleted));
        for id in level.iter().flat_map(|l| &l.inserted) {
            if let Some(state) = self.arena.held_mut(*id) {
                state.flags.unset(Flags::INSERTED);
            }
        }
        self.begun = false;
        self.sweep_log();
        told = told.and(self.tell_noted());
        told.and(self.emit_end(0).await)
    }

    /// Tells of the end of the transaction, while it cannot be used any more.
    async fn emit_ending(&mut self, event: SessionEvent, depth: usize) -> Result<()> {
        if !self.listeners.hears_sessions() {
            return Ok(());
        }
        self.transaction.ending = true;
        let result = self.emit(event, depth).await;
        self.transaction.ending = false;
        result
    }

    /// Tells that a transaction or savepoint has ended.
    async fn emit_end(&mut self, depth: usize) -> Result<()> {
        if depth == 0 && !std::mem::take(&mut self.transaction.created) {
            return Ok(());
        }
        self.emit(SessionEvent::AfterTransactionEnd, depth).await
    }

    /// Objects whose rows are deleted leave the session.
    fn detach_deleted(&mut self, ids: &[Id]) {
        for id in ids {
            let Some(state) = self.arena.held_mut(*id) else { continue };
            if state.life != ObjectState::Deleted {
                continue;
            }
            state.life = ObjectState::Detached;
            state.flags.set(Flags::GONE);
            state.flags.unset(Flags::DELETING);
            state.flags.unset(Flags::INSERTED);
            self.listeners.note(ObjectEvent::DeletedToDetached, *id);
        }
    }

    /// Rolls the whole transaction back.
    ///
    /// Objects that were pending, or inserted in the transaction, are transient again (their values, and
    /// handles, stay; they can be added again). Deleted ones are persistent again. Persistent ones are expired:
    /// what they were is read from the database when they are refreshed.
    ///
    /// # Errors
    ///
    /// When the database refuses, or a listener fails; the objects are put back all the same.
    pub async fn rollback(&mut self) -> Result<RolledBack> {
        self.check_no_scope()?;
        let was_open = self.in_transaction();
        let mut result = Ok(());
        if let Some(mut connection) = self.transaction.connection.take() {
            result = connection.rollback().await;
        }
        self.transaction.out = false;
        self.transaction.flushing = false;
        self.transaction.ending = false;
        let mut undone = RolledBack::default();
        let mut levels = std::mem::take(&mut self.transaction.levels);
        if levels.is_empty() && was_open {
            levels.push(Level::default());
        }
        while let Some(level) = levels.pop() {
            // The objects are put back whatever a listener says.
            let depth = levels.len();
            let failed = level.failed.is_some();
            undone.take_over(&level);
            if !failed {
                result = result.and(self.emit_ending(SessionEvent::AfterRollback, depth).await);
            }
            if !failed || !self.is_clean() {
                self.restore(level, depth > 0, &mut undone);
            }
            if depth == 0 {
                self.begun = false;
                self.sweep_log();
            }
            if self.listeners.hears_anything() {
                result = result.and(self.tell_rolled_back(depth, &mut levels).await);
            }
        }
        result.map(|()| undone)
    }

    /// Tells that a level has been rolled back, with the levels around it in their place.
    async fn tell_rolled_back(&mut self, depth: usize, around: &mut [Level]) -> Result<()> {
        self.transaction.ending = depth > 0;
        let mut result = self.tell_noted();
        result = result.and(self.emit_end(depth).await);
        result = result.and(self.emit(SessionEvent::AfterSoftRollback, depth).await);
        self.transaction.ending = false;
        if depth > 0 {
            // What listeners have done to objects goes with the next level.
            let more = std::mem::take(&mut self.transaction.levels);
            if let Some(outer) = around.last_mut() {
                more.into_iter().for_each(|level| outer.take_over(level));
            }
        }
        result
    }

    fn is_clean(&mut self) -> bool {
        !self.has_work()
    }

    /// Begins a savepoint; what is pending is flushed first.
    ///
    /// # Errors
    ///
    /// When the flush fails, or the database has no savepoints.
    pub async fn begin_nested(&mut self) -> Result<()> {
        self.flush_pending().await?;
        let mut connection = self.checkout().await?;
        let result = connection.savepoint().await;
        self.checkin(connection);
        let savepoint = result?;
        self.level();
        self.transaction.levels.push(Level { savepoint, ..Level::default() });
        let depth = self.nested_depth();
        self.emit(SessionEvent::AfterTransactionCreate, depth).await
    }

    /// Ends the innermost savepoint; its work becomes part of what is around it.
    ///
    /// # Errors
    ///
    /// When there is none, or the flush fails.
    pub async fn commit_nested(&mut self) -> Result<()> {
        self.check_usable()?;
        self.check_no_scope()?;
        self.check_nested()?;
        let depth = self.nested_depth();
        self.emit(SessionEvent::BeforeCommit, depth).await?;
        for _ in 0..100 {
            if !self.has_work() {
                break;
            }
            self.flush_pending().await?;
        }
        let savepoint = self.level().savepoint;
        let mut connection = self.checkout().await?;
        let result = connection.release(savepoint).await;
        self.checkin(connection);
        result?;
        if let Some(inner) = self.transaction.levels.pop() {
            self.level().take_over(inner);
        }
        let told = self.emit(SessionEvent::AfterCommit, depth).await;
        told.and(self.emit_end(depth).await)
    }

    /// Rolls back to the innermost savepoint: what was changed, inserted and deleted in it is put back.
    ///
    /// # Errors
    ///
    /// When there is none, or the database refuses.
    pub async fn rollback_nested(&mut self) -> Result<RolledBack> {
        self.check_no_scope()?;
        self.check_nested()?;
        let mut undone = RolledBack::default();
        let depth = self.nested_depth();
        let Some(level) = self.transaction.levels.pop() else { return Ok(undone) };
        undone.take_over(&level);
        let failed = level.failed.is_some();
        let savepoint = level.savepoint;
        let mut result = Ok(());
        if !failed {
            result = self.roll_back_to(savepoint).await;
            result = result.and(self.emit_ending(SessionEvent::AfterRollback, depth).await);
        }
        if !(failed && self.is_clean()) {
            self.restore(level, true, &mut undone);
        }
        result = result.and(self.tell_noted());
        result = result.and(self.emit_end(depth).await);
        result = result.and(self.emit(SessionEvent::AfterSoftRollback, depth).await);
        result.map(|()| undone)
    }

    async fn roll_back_to(&mut self, savepoint: u32) -> Result<()> {
        let Some(mut connection) = self.transaction.connection.take() else {
            return Err(Error::new(
                ErrorKind::PendingRollback,
                "the connection was lost: roll the whole transaction back",
            ));
        };
        self.transaction.out = true;
        let result = connection.rollback_to(savepoint).await;
        self.checkin(connection);
        result
    }

    fn check_nested(&self) -> Result<()> {
        if self.nested_depth() == 0 {
            return Err(Error::new(ErrorKind::InvalidRequest, "no savepoint is open"));
        }
        Ok(())
    }

    /// A flush has failed: rolls back to the innermost savepoint, or altogether, puts the objects back, and
    /// refuses everything until the program calls `rollback` (or `rollback_nested`).
    pub(crate) async fn fail(&mut self, error: Error) -> Error {
        self.transaction.flushing = false;
        let nested = self.nested_depth() > 0;
        if nested {
            let savepoint = self.level().savepoint;
            if self.transaction.connection.is_none() || self.roll_back_to(savepoint).await.is_err()
            {
                // Nothing is left to go back to but the beginning.
                self.transaction.connection = None;
            }
        } else if let Some(mut connection) = self.transaction.connection.take() {
            // Where this fails as well, the connection is dropped, and with it the transaction.
            let _ = connection.rollback().await;
        }
        self.transaction.out = false;
        let level = std::mem::take(self.level());
        let savepoint = level.savepoint;
        let depth = self.nested_depth();
        let told_rollback = self.emit_ending(SessionEvent::AfterRollback, depth).await;
        let mut undone = RolledBack::default();
        self.restore(level, nested, &mut undone);
        let level = self.level();
        level.savepoint = savepoint;
        level.failed = Some(Box::new((error.first_kind(), error.to_string())));
        level.undone = undone;
        self.begun = true;
        let told_objects = self.tell_noted();
        let told_end = self.emit(SessionEvent::AfterSoftRollback, depth).await;
        // The error of the flush is what counts; those of listeners go with it.
        let told = [told_rollback, told_objects, told_end];
        told.into_iter().filter_map(Result::err).fold(error, |error, of_listener| {
            error.note(format_args!("and then a listener failed: {of_listener}"))
        })
    }

    /// Ends the session's work: rolls back what is open, and takes every object out. Handles stay valid, for
    /// objects that are detached or transient now.
    ///
    /// # Errors
    ///
    /// When the database refuses the rollback, or a listener fails; the session is closed all the same.
    pub async fn close(&mut self) -> Result<()> {
        self.check_no_scope()?;
        let mut result = Ok(());
        if let Some(mut connection) = self.transaction.connection.take() {
            result = connection.rollback().await;
        }
        self.transaction.out = false;
        self.transaction.flushing = false;
        self.transaction.ending = false;
        let levels = std::mem::take(&mut self.transaction.levels);
        levels.iter().for_each(|l| self.detach_deleted(&l.deleted));
        self.expunge_whole();
        self.begun = false;
        result = result.and(self.tell_noted());
        for depth in (1..levels.len()).rev() {
            result = result.and(self.emit_end(depth).await);
        }
        result.and(self.emit_end(0).await)
    }
}

/// Drops what is at the end of a list and does not belong there any more.
fn drop_last(list: &mut Vec<Id>, stays: impl Fn(&Id) -> bool) {
    while list.last().is_some_and(|id| !stays(id)) {
        list.pop();
    }
}
