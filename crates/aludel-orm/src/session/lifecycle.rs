//! How objects come into a session, and leave it.

use std::sync::Arc;

use super::Session;
use super::cascade::Cascade;
use super::identity::Place;
use super::state::{Flags, ObjectState};
use crate::attributes::journal::Undo;
use crate::events::ObjectEvent;
use crate::instrumentation::{Handle, Id, IntoObject, ManyCore, Mapped, OneCore};
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Adds an object: a new one, with everything that hangs on it, or one that is in the arena already
    /// (transient or detached). Its row is inserted by the next flush.
    ///
    /// # Errors
    ///
    /// When a validator refuses a value, when another object with the same key is in the session, or when its row has been
    /// deleted ([`make_transient`](Self::make_transient) makes it a new one).
    /// Nothing is added then.
    #[inline]
    pub fn add<O: IntoObject>(&mut self, object: O) -> Result<Handle<O::Class>> {
        let gives_objects = object.gives_objects(self);
        self.guarded(gives_objects, |s| s.add_now(object, gives_objects))
    }

    #[inline]
    fn add_now<O: IntoObject>(
        &mut self,
        object: O,
        gives_objects: bool,
    ) -> Result<Handle<O::Class>> {
        let id = object.into_object(self, gives_objects)?;
        self.save_or_update(id)?;
        Ok(Handle::new(id))
    }

    /// Adds several objects of one class.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add); none of them is added then.
    pub fn add_all<O: IntoObject>(
        &mut self,
        objects: impl IntoIterator<Item = O>,
    ) -> Result<Vec<Handle<O::Class>>> {
        self.scope(|s| {
            let add = |object: O| {
                let gives_objects = object.gives_objects(s);
                s.add_now(object, gives_objects)
            };
            objects.into_iter().map(add).collect()
        })
    }

    /// Brings an object into the session, with what the cascade reaches: all of them, or none.
    pub(crate) fn save_or_update(&mut self, id: Id) -> Result<()> {
        let state = self.arena.state_mut(id);
        if state.life != ObjectState::Transient
            || state.has(Flags::ORPHANED)
            || state.has(Flags::LEFT)
            || self.listeners.may_refuse()
        {
            return self.scope(|s| s.save_or_update_now(id));
        }
        // The frequent case, in few steps.
        state.life = ObjectState::Pending;
        let from = self.pending.len();
        self.journal.write(|| Undo::BecamePending { from });
        self.pending.push(id);
        let begun = std::mem::replace(&mut self.begun, true);
        let reached = self.reached_by_add(id);
        if reached.is_empty() {
            return Ok(());
        }
        let is_new = |id: &Id| {
            let state = self.arena.state(*id);
            state.life == ObjectState::Transient && !state.has(Flags::LEFT)
        };
        if reached.iter().all(is_new) {
            // Nothing can be refused, and nobody is told.
            reached.iter().for_each(|id| self.arena.state_mut(*id).life = ObjectState::Pending);
            self.pending.extend(reached);
            return Ok(());
        }
        let result = self.scope(|s| reached.iter().try_for_each(|id| s.save_or_update_one(*id)));
        if result.is_err() {
            self.arena.state_mut(id).life = ObjectState::Transient;
            self.pending.pop();
            self.begun = begun;
        }
        result
    }

    fn save_or_update_now(&mut self, id: Id) -> Result<()> {
        let state = self.arena.state(id);
        if state.has(Flags::ORPHANED) {
            let (flags, life) = (state.flags, state.life);
            self.journal.write(|| Undo::Life { id, flags, life });
            self.arena.state_mut(id).flags.unset(Flags::ORPHANED);
        }
        self.save_or_update_one(id)?;
        self.reached_by_add(id).iter().try_for_each(|id| self.save_or_update_one(*id))
    }

    /// What comes into the session along with an object.
    #[inline]
    fn reached_by_add(&self, id: Id) -> Vec<Id> {
        if self.mapper_of(id).relationships.is_empty() {
            return Vec::new();
        }
        self.cascade(id, Cascade::SaveUpdate, |s, next| s.arena.state(next).in_session())
    }

    fn save_or_update_one(&mut self, id: Id) -> Result<()> {
        let state = self.arena.state(id);
        let (flags, life) = (state.flags, state.life);
        match life {
            ObjectState::Pending => Ok(()),
            ObjectState::Persistent if !flags.has(Flags::DELETING) => Ok(()),
            ObjectState::Persistent => {
                // Added again after `delete`: it stays.
                self.journal.write(|| Undo::Life { id, flags, life });
                self.arena.state_mut(id).flags.unset(Flags::DELETING);
                Ok(())
            }
            ObjectState::Transient => {
                self.tell(ObjectEvent::BeforeAttach, id)?;
                self.journal.write(|| Undo::Life { id, flags, life });
                let state = self.arena.state_mut(id);
                state.life = ObjectState::Pending;
                // Added again, it is inserted after those that came in the meantime.
                self.came_again |= state.has(Flags::LEFT);
                self.pending.push(id);
                self.journal.write(|| Undo::PendingPushed { id });
                self.note_change();
                self.tell(ObjectEvent::AfterAttach, id)?;
                self.tell(ObjectEvent::TransientToPending, id)
            }
            ObjectState::Detached if !flags.has(Flags::GONE) => self.attach(id),
            ObjectState::Detached | ObjectState::Deleted => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "{} has been deleted: use `make_transient` to insert it again",
                    self.describe_object(id)
                ),
            )),
        }
    }

    /// A detached object becomes persistent again.
    pub(crate) fn attach(&mut self, id: Id) -> Result<()> {
        let Some(key) = self.identity_key(id) else {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "{} has no key, so that it cannot stand for a row",
                    self.describe_object(id)
                ),
            ));
        };
        if let Some(place) = self.identity_of(id.class).and_then(|m| m.get(&key))
            && (place.slot != id.slot || place.class != id.class)
        {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "another object stands for {} in this session: merge into it instead",
                    self.describe_object(id)
                ),
            ));
        }
        self.tell(ObjectEvent::BeforeAttach, id)?;
        let state = self.arena.state(id);
        let (flags, life) = (state.flags, state.life);
        self.journal.write(|| Undo::Life { id, flags, life });
        self.identity_mut(id.class).insert(&key, Place { slot: id.slot, class: id.class });
        self.journal.write(|| Undo::Attached { id });
        let state = self.arena.state_mut(id);
        state.life = ObjectState::Persistent;
        if state.has(Flags::MODIFIED) && !state.has(Flags::LISTED) {
            state.flags.set(Flags::LISTED);
            self.changed.push(id);
            self.journal.write(|| Undo::ChangedPushed { id });
        }
        self.note_change();
        self.tell(ObjectEvent::AfterAttach, id)?;
        self.tell(ObjectEvent::DetachedToPersistent, id)
    }

    /// A pending object becomes transient again.
    pub(crate) fn expunge_pending(&mut self, id: Id) {
        self.listeners.note(ObjectEvent::PendingToTransient, id);
        let state = self.arena.state(id);
        let (flags, life) = (state.flags, state.life);
        self.journal.write(|| Undo::Life { id, flags, life });
        self.arena.state_mut(id).life = ObjectState::Transient;
        self.arena.state_mut(id).flags.set(Flags::LEFT);
    }

    /// Takes an object out of the session: a pending one becomes transient, a persistent one detached, as does one
    /// that a flush has deleted. Its handle stays valid, and the cascade `expunge` takes others along.
    ///
    /// # Errors
    ///
    /// When the object is not in the session.
    pub fn expunge<T>(&mut self, object: Handle<T>) -> Result<()> {
        self.expunge_at(object.id)
    }

    pub(crate) fn expunge_at(&mut self, id: Id) -> Result<()> {
        self.arena.check(id)?;
        let state = self.arena.state(id);
        // What a flush has deleted is the session's until the transaction ends.
        if !state.in_session() && state.life != ObjectState::Deleted {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{} is not in the session", self.describe_object(id)),
            ));
        }
        let reached = self.cascade(id, Cascade::Expunge, |_, _| false);
        self.leave(id);
        for next in reached {
            self.leave(next);
        }
        self.tell_noted()
    }

    /// The object leaves the session, whatever its state.
    pub(crate) fn leave(&mut self, id: Id) {
        match self.arena.state(id).life {
            ObjectState::Pending => self.expunge_pending(id),
            life @ (ObjectState::Persistent | ObjectState::Deleted) => {
                self.listeners.note(event_of_leaving(life), id);
                self.drop_identity(id);
                let state = self.arena.state_mut(id);
                state.life = ObjectState::Detached;
                if life == ObjectState::Deleted {
                    state.flags.set(Flags::GONE);
                }
                // The lists find out for themselves.
                for flag in [Flags::LISTED, Flags::INSERTED, Flags::DELETING] {
                    state.flags.unset(flag);
                }
            }
            ObjectState::Transient | ObjectState::Detached => {}
        }
    }

    /// Takes an object out of the identity map, where it stands there.
    pub(crate) fn drop_identity(&mut self, id: Id) {
        let Some(key) = self.identity_key(id) else { return };
        let map = self.identity_mut(id.class);
        if map.get(&key).is_some_and(|p| p.slot == id.slot && p.class == id.class) {
            map.remove(&key);
        }
    }

    /// Takes every object out of the session; the transaction goes on.
    ///
    /// # Errors
    ///
    /// That of a listener; the objects are out of the session all the same.
    pub fn expunge_all(&mut self) -> Result<()> {
        self.expunge_whole();
        self.tell_noted()
    }

    pub(crate) fn expunge_whole(&mut self) {
        for id in
            self.arena.ids(|s| s.life != ObjectState::Transient && s.life != ObjectState::Detached)
        {
            let life = self.arena.state(id).life;
            self.listeners.note(event_of_leaving(life), id);
            let state = self.arena.state_mut(id);
            state.life = match life {
                ObjectState::Pending => ObjectState::Transient,
                _ => ObjectState::Detached,
            };
            if life == ObjectState::Deleted {
                state.flags.set(Flags::GONE);
            }
            for flag in [Flags::LISTED, Flags::DELETING, Flags::INSERTED] {
                state.flags.unset(flag);
            }
        }
        self.identity.iter_mut().for_each(super::identity::IdentityMap::clear);
        self.pending.clear();
        self.changed.clear();
        self.deleting.clear();
    }

    /// Makes an object transient: it leaves the session and forgets that it had a row. Added again, it is
    /// inserted as a new one (clear its key first, where that is generated).
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn make_transient<T>(&mut self, object: Handle<T>) -> Result<()> {
        self.make_transient_at(object.id)
    }

    pub(crate) fn make_transient_at(&mut self, id: Id) -> Result<()> {
        self.arena.check(id)?;
        self.leave(id);
        self.forget_identity(id);
        let expired: Vec<u16> = {
            let slab = self.arena.of(id);
            let mapper = self.mapper_of(id);
            mapper.columns.iter().copied().filter(|a| slab.is_expired(id.slot, *a)).collect()
        };
        for attribute in expired {
            self.arena.of_mut(id).set_expired(id.slot, attribute, false);
        }
        let state = self.arena.state_mut(id);
        state.life = ObjectState::Transient;
        self.tell_noted()
    }

    /// The object has no identity any more.
    pub(crate) fn forget_identity(&mut self, id: Id) {
        let state = self.arena.state_mut(id);
        state.flags.unset(Flags::HAS_KEY);
        state.flags.unset(Flags::GONE);
        if state.has(Flags::KEY_ASIDE) {
            state.flags.unset(Flags::KEY_ASIDE);
            self.keys_aside.remove(&id);
        }
        // What is not loaded cannot be any more.
        let mapper = Arc::clone(self.mapper_of(id));
        for &attribute in &mapper.relationships {
            let field = self.arena.field_mut(id, attribute);
            if let Some(core @ OneCore::NotLoaded) = field.one_mut() {
                *core = OneCore::Unset;
            } else if let Some(core @ ManyCore::NotLoaded) = field.many_mut() {
                *core = ManyCore::Unset;
                self.deltas.remove(&(id, attribute));
            }
        }
    }

    /// Whether a collection that was never touched may have members in the database.
    pub(crate) fn may_have_members(&self, id: Id) -> bool {
        let state = self.arena.state(id);
        state.has(Flags::HAS_KEY) && !state.has(Flags::FRESH)
    }

    /// Declares that a transient object stands for an existing row, by the key that it has: it becomes
    /// detached, and can be added as such. What is not set counts as expired.
    ///
    /// # Errors
    ///
    /// When the object is not transient, or has no key.
    pub fn make_transient_to_detached<T>(&mut self, object: Handle<T>) -> Result<()> {
        self.make_transient_to_detached_at(object.id)
    }

    pub(crate) fn make_transient_to_detached_at(&mut self, id: Id) -> Result<()> {
        self.arena.check(id)?;
        if self.arena.state(id).life != ObjectState::Transient
            || self.arena.state(id).has(Flags::HAS_KEY)
        {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{} is not transient", self.describe_object(id)),
            ));
        }
        let mapper = std::sync::Arc::clone(self.mapper_of(id));
        let keyed = mapper.primary_key.iter().all(|a| self.arena.is_loaded(id, *a));
        if !keyed || self.current_key(id).is_none() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{} has no key", self.describe_object(id)),
            ));
        }
        self.arena.state_mut(id).flags.set(Flags::HAS_KEY);
        self.arena.state_mut(id).life = ObjectState::Detached;
        self.committed(id);
        for &attribute in &mapper.columns {
            let slab = self.arena.of_mut(id);
            let deferred = mapper.column(attribute).is_some_and(|c| c.deferred);
            if !slab.is_loaded(id.slot, attribute) && !deferred {
                slab.set_expired(id.slot, attribute, true);
            }
        }
        for &attribute in &mapper.relationships {
            let field = self.arena.field_mut(id, attribute);
            if !field.is_set() {
                field.clear();
            }
        }
        Ok(())
    }

    /// What the object has now is what the database has: changes are forgotten.
    pub(crate) fn committed(&mut self, id: Id) {
        let mapper = std::sync::Arc::clone(self.mapper_of(id));
        let state = self.arena.state_mut(id);
        let head = std::mem::take(&mut state.head);
        state.flags.unset(Flags::FRESH);
        state.flags.unset(Flags::MODIFIED);
        state.flags.unset(Flags::LISTED);
        if head != 0 {
            self.log.drop_chain(head);
        }
        if !self.deltas.is_empty() {
            for attribute in &mapper.relationships {
                self.deltas.remove(&(id, *attribute));
            }
        }
        for attribute in &mapper.write_only {
            self.arena.field_mut(id, *attribute).clear();
        }
    }

    /// Removes an object from the arena altogether, and gives it back as a plain value. Its handle is void
    /// from here on.
    ///
    /// # Errors
    ///
    /// When it is in the session (expunge it first), or of another class; and within a listener, since the operation under
    /// way may still have to do with the object.
    pub fn take<T: Mapped>(&mut self, object: Handle<T>) -> Result<T> {
        let id = object.id;
        self.arena.check(id)?;
        let state = self.arena.state(id);
        if state.in_session() || state.life == ObjectState::Deleted {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{} is in the session: expunge it first", self.describe_object(id)),
            ));
        }
        if self.listeners.is_telling() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "{} cannot be taken out while a listener is called",
                    self.describe_object(id)
                ),
            ));
        }
        self.try_get(object)?;
        self.committed(id);
        self.forget_identity(id);
        let taken = self.arena.of_mut(id).release(id.slot);
        let any: Option<Box<dyn std::any::Any>> = taken.map(|o| o as _);
        match any.map(|any| any.downcast::<T>()) {
            Some(Ok(value)) => Ok(*value),
            _ => Err(self.no_such_field(id, 0)),
        }
    }

    /// Sweeps the change log when enough of it is dead.
    pub(crate) fn sweep_log(&mut self) {
        if !self.journal.is_open() && self.log.wants_sweep() {
            let heads = self
                .arena
                .slabs
                .iter_mut()
                .flatten()
                .flat_map(|slab| slab.states.iter_mut())
                .map(|state| &mut state.head)
                .filter(|head| **head != 0);
            self.log.sweep(heads);
        }
    }
}

/// What it is called that an object of a state leaves the session.
fn event_of_leaving(life: ObjectState) -> ObjectEvent {
    match life {
        ObjectState::Pending | ObjectState::Transient => ObjectEvent::PendingToTransient,
        ObjectState::Deleted => ObjectEvent::DeletedToDetached,
        ObjectState::Persistent | ObjectState::Detached => ObjectEvent::PersistentToDetached,
    }
}
