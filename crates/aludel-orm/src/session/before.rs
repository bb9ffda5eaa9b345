//! What an object was before a load, to be put back where a listener refuses what was loaded.
//!
//! A load writes no journal: it fills objects while rows come, and tells of it once they are all there. So where
//! somebody listens, each object that is about to be read again is kept as it is until that has been told; one that
//! was made of a row is taken out again.

use std::sync::Arc;

use super::Session;
use super::arena::Presence;
use super::cascade::Cascade;
use super::identity::Key;
use super::owners::Owner;
use super::state::{Flags, ObjectState};
use crate::attributes::delta::{Delta, IdSet};
use crate::attributes::log::{Entry, Old};
use crate::events::ObjectEvent;
use crate::instrumentation::{Id, ManyCore, Object, OneCore};
use crate::loading::Restriction;

/// An object with all that the session knows of it.
pub(crate) struct Before {
    id: Id,
    object: Box<dyn Object>,
    presence: Presence,
    flags: Flags,
    life: ObjectState,
    /// Oldest first.
    log: Vec<(u16, Old)>,
    deltas: Vec<(u16, Box<Delta>)>,
    owners: Vec<Owner>,
    key_aside: Option<Key>,
    restrictions: Vec<Restriction>,
}

impl Session {
    /// An object that is about to be read again, where somebody may refuse that.
    pub(crate) fn before_refresh(&self, id: Id) -> Vec<Before> {
        match self.listeners.hears(ObjectEvent::Refresh) {
            true => vec![self.as_it_is(id)],
            false => Vec::new(),
        }
    }

    /// The same, with those that are expired along with it, and the pending ones that leave the session.
    pub(crate) fn before_refresh_with(&self, id: Id) -> Vec<Before> {
        let mut before = self.before_refresh(id);
        if !before.is_empty() {
            let along = self.cascade(id, Cascade::RefreshExpire, |_, _| false);
            let is_pending = |id| self.arena.state(id).life == ObjectState::Pending;
            let along =
                along.into_iter().filter(|next| self.is_expired_with(*next) || is_pending(*next));
            before.extend(along.map(|next| self.as_it_is(next)));
        }
        before
    }

    /// An object with all that the session knows of it.
    pub(super) fn as_it_is(&self, id: Id) -> Before {
        let mapper = self.mapper_of(id);
        let slab = self.arena.of(id);
        let state = self.arena.state(id);
        let mut log: Vec<_> =
            self.log.chain(state.head).map(|entry| (entry.attribute, entry.old.clone())).collect();
        log.reverse();
        let delta = |attribute: &u16| {
            self.deltas.get(&(id, *attribute)).map(|delta| (*attribute, delta.clone()))
        };
        Before {
            id,
            object: self.arena.object(id).clone_object(),
            presence: slab.presence(id.slot),
            flags: state.flags,
            life: state.life,
            log,
            deltas: mapper.relationships.iter().filter_map(delta).collect(),
            owners: (0..mapper.owners.len()).map(|at| slab.owners.get(id.slot, at)).collect(),
            key_aside: self.keys_aside.get(&id).cloned(),
            restrictions: self.loading.restrictions(id, mapper.properties.len()),
        }
    }

    /// What was read again has been refused: the object is as it was.
    pub(crate) fn put_back(&mut self, before: Before) {
        let Before { id, object, presence, flags, life, log, .. } = before;
        if !self.arena.holds(id) {
            return;
        }
        self.committed(id);
        let slab = self.arena.of_mut(id);
        // It is of the slab's class, which it was copied from.
        let _ = slab.objects.put(id.slot, object);
        slab.put_presence(id.slot, presence);
        for (at, owner) in before.owners.into_iter().enumerate() {
            slab.owners.set(id.slot, at, owner);
        }
        let mut head = 0;
        for (attribute, old) in log {
            if matches!(old, Old::Expression(_)) {
                self.log.note_expression();
            }
            head = self.log.push(Entry { attribute, previous: head, old });
        }
        let state = self.arena.state_mut(id);
        (state.head, state.flags, state.life) = (head, flags, life);
        self.deltas.extend(before.deltas.into_iter().map(|(at, delta)| ((id, at), delta)));
        match before.key_aside {
            Some(key) => self.keys_aside.insert(id, key),
            None => self.keys_aside.remove(&id),
        };
        self.loading.put_restrictions(id, before.restrictions);
        // A flush in between has let go of the lists.
        if life == ObjectState::Pending && !self.pending.contains(&id) {
            self.pending.push(id);
        }
        if flags.has(Flags::LISTED) && !self.changed.contains(&id) {
            self.changed.push(id);
        }
    }

    /// Takes objects that were made of rows out of the arena, and out of what the same rows have filled.
    pub(crate) fn unload(&mut self, refused: &IdSet) {
        let mappers = Arc::clone(&self.mappers);
        for owner in self.arena.ids(|_| true) {
            for &attribute in &mappers.at(owner.class).relationships {
                let field = self.arena.field(owner, attribute);
                let has = match (field.many(), field.one()) {
                    (Some(ManyCore::Loaded(members)), _) => {
                        members.iter().any(|member| refused.contains(&member))
                    }
                    (_, Some(OneCore::Loaded(Some(to)))) => refused.contains(to),
                    _ => false,
                };
                if has {
                    self.arena.field_mut(owner, attribute).clear();
                }
            }
        }
        for &id in refused {
            if self.arena.holds(id) {
                self.drop_identity(id);
                self.committed(id);
                self.forget_identity(id);
                self.arena.of_mut(id).release(id.slot);
            }
        }
    }
}
