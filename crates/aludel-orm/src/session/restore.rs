//! After a rollback: the objects are put back as they were when the transaction, or its savepoint, began.

use super::Session;
use super::identity::{Key, Place};
use super::state::{Flags, ObjectState};
use super::transaction::{Level, RolledBack};
use crate::events::ObjectEvent;
use crate::instrumentation::Id;

type Ids = hashbrown::HashSet<Id, foldhash::fast::RandomState>;

impl Session {
    /// Puts the objects back as they were when the level began. In a savepoint only what changed in it is
    /// expired.
    pub(super) fn restore(&mut self, level: Level, nested: bool, undone: &mut RolledBack) {
        let pending: Vec<Id> = std::mem::take(&mut self.pending)
            .into_iter()
            .filter(|id| self.arena.life(*id) == Some(ObjectState::Pending))
            .collect();
        let mut gone = Ids::default();
        for id in level.inserted.iter().copied().chain(pending) {
            if self.arena.holds(id) && gone.insert(id) {
                self.undo_insert(id);
                undone.transient.push(id);
            }
        }
        self.undo_switches(level.switched, &gone);
        let deleting = std::mem::take(&mut self.deleting);
        let mut back = Vec::new();
        for id in level.deleted.into_iter().chain(deleting) {
            let marked = |s: &Self| {
                let state = s.arena.state(id);
                state.life == ObjectState::Deleted || state.has(Flags::DELETING)
            };
            if !self.arena.holds(id) || gone.contains(&id) {
                continue;
            }
            // One that has left the session since stands for its row again as well.
            self.arena.state_mut(id).flags.unset(Flags::GONE);
            if marked(self) && self.undo_delete(id) {
                back.push(id);
            }
        }
        // Backwards: of two that were deleted for one row, the first had it when the level began.
        for id in back.into_iter().rev() {
            if let Some(key) = self.identity_key(id) {
                self.stand_again(id, &key);
            }
        }
        let touched: Ids = level.updated.into_iter().collect();
        let stale = self.arena.ids(|s| s.life == ObjectState::Persistent);
        for id in stale {
            let modified = self.arena.state(id).has(Flags::MODIFIED);
            if !nested || modified || touched.contains(&id) {
                self.expire_whole(id);
            }
        }
        self.changed.clear();
    }

    fn undo_insert(&mut self, id: Id) {
        let event = match self.arena.state(id).life {
            ObjectState::Deleted => ObjectEvent::DeletedToDetached,
            ObjectState::Persistent => ObjectEvent::PersistentToTransient,
            _ => ObjectEvent::PendingToTransient,
        };
        self.listeners.note(event, id);
        if self.arena.state(id).has(Flags::HAS_KEY) {
            self.drop_identity(id);
            self.forget_identity(id);
        }
        let state = self.arena.state_mut(id);
        state.life = ObjectState::Transient;
        for flag in [Flags::INSERTED, Flags::DELETING, Flags::LISTED] {
            state.flags.unset(flag);
        }
    }

    /// An object is not to be deleted, or not deleted, any more; says whether it was, so that it has to stand for its row
    /// again.
    fn undo_delete(&mut self, id: Id) -> bool {
        self.listeners.note(ObjectEvent::DeletedToPersistent, id);
        let state = self.arena.state_mut(id);
        state.flags.unset(Flags::DELETING);
        let deleted = state.life == ObjectState::Deleted;
        if deleted {
            state.life = ObjectState::Persistent;
        }
        deleted
    }

    /// Objects have the keys again that they had before the level began.
    fn undo_switches(&mut self, switched: Vec<(Id, Key)>, gone: &Ids) {
        let mut seen = Ids::default();
        let first =
            |(id, _): &(Id, Key)| self.arena.holds(*id) && !gone.contains(id) && seen.insert(*id);
        let switched: Vec<(Id, Key)> = switched.into_iter().filter(first).collect();
        // First all leave their places: two may have changed them.
        switched.iter().for_each(|(id, _)| self.drop_identity(*id));
        for (id, old) in switched {
            self.put_key(id, &old);
            if self.arena.life(id) == Some(ObjectState::Persistent) {
                self.stand_again(id, &old);
            }
        }
    }

    /// An object stands for its row again; one that has come to stand for it in the meantime does not.
    fn stand_again(&mut self, id: Id, key: &Key) {
        let place = Place { slot: id.slot, class: id.class };
        let map = self.identity_mut(id.class);
        let other = map.get(key).filter(|other| *other != place);
        map.insert(key, place);
        if let Some(other) = other {
            self.displaced(
                other,
                "what was done to another object with the same key is taken back",
            );
        }
    }

    /// Puts the values of a key into the key attributes; no events, no history.
    pub(crate) fn put_key(&mut self, id: Id, key: &Key) {
        let mapper = std::sync::Arc::clone(self.mapper_of(id));
        for (attribute, value) in mapper.primary_key.iter().zip(key.values()) {
            let _ = self.arena.field_mut(id, *attribute).put(value);
            self.forget_change(id, *attribute);
        }
        self.forget_key_aside(id);
    }

    /// The identity of an object whose key attributes do not tell it.
    pub(crate) fn put_key_aside(&mut self, id: Id, key: Key) {
        self.keys_aside.insert(id, key);
        self.arena.state_mut(id).flags.set(Flags::KEY_ASIDE);
    }

    /// The key attributes tell the identity again.
    pub(crate) fn forget_key_aside(&mut self, id: Id) {
        self.arena.state_mut(id).flags.unset(Flags::KEY_ASIDE);
        self.keys_aside.remove(&id);
    }
}
