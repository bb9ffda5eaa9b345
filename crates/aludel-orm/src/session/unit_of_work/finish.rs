//! After the last statement: objects become persistent or deleted, and what they have now is what the database
//! has.

use super::deletions::Deletion;
use super::run::Run;
use super::work::Work;
use crate::events::ObjectEvent;
use crate::instrumentation::Id;
use crate::mapping::PropertyKind;
use crate::session::Session;
use crate::session::identity::{Key, Place};
use crate::session::state::{Flags, ObjectState, State};
use crate::{Error, ErrorKind, Result};

/// Why an object is displaced by a flush.
const WRITTEN: &str = "another object was written with the same key";

impl State {
    /// The row of a new object has been inserted.
    #[inline]
    fn become_inserted(&mut self) {
        self.life = ObjectState::Persistent;
        self.flags.set(Flags::HAS_KEY);
        self.flags.set(Flags::INSERTED);
        self.flags.unset(Flags::ORPHANED);
        self.become_clean();
    }

    /// The row of the object has been deleted.
    #[inline]
    fn become_deleted(&mut self) {
        self.life = ObjectState::Deleted;
        self.flags.unset(Flags::DELETING);
        self.flags.unset(Flags::LISTED);
    }

    /// What the object has is what its row has.
    #[inline]
    fn become_clean(&mut self) {
        for flag in [Flags::FRESH, Flags::MODIFIED, Flags::LISTED] {
            self.flags.unset(flag);
        }
    }
}

impl Session {
    /// Registers what was flushed.
    ///
    /// # Errors
    ///
    /// When an object has no key after all; nothing is registered then.
    pub(super) fn finish(&mut self, run: &Run, work: &Work) -> Result<()> {
        let saves: usize = work.roots.iter().map(|root| root.saves.len()).sum();
        let all_born = saves == run.born.len();
        let mut keyed = Vec::new();
        for root in work.roots.iter().filter(|_| !all_born) {
            keyed.push(self.new_keys(&root.saves)?);
        }
        self.register_deleted(run, work);
        if all_born {
            self.register_born(&run.born);
        }
        for (root, keys) in work.roots.iter().zip(keyed) {
            self.register_saved(&root.saves, keys);
        }
        for root in &work.roots {
            self.expire_expressions(&root.saves);
        }
        let only_brought =
            |id: &Id| work.marks.get(*id).is_some_and(|mark| mark.list_only && !mark.delete);
        let special = work.roots.iter().filter(|root| root.special);
        let brought: Vec<Id> =
            special.flat_map(|root| &root.queue).copied().filter(only_brought).collect();
        if !brought.is_empty() {
            let keys = self.new_keys(&brought)?;
            self.register_saved(&brought, keys);
        }
        for id in &work.strays {
            self.expunge_pending(*id);
        }
        self.forget_idle();
        Ok(())
    }

    /// Cleans the lists of objects that need nothing any more.
    pub(super) fn forget_idle(&mut self) {
        let arena = &self.arena;
        if !self.listeners.hears_anything() {
            self.pending.clear();
        } else {
            self.pending.retain(|id| arena.life(*id) == Some(ObjectState::Pending));
        }
        self.came_again &= !self.pending.is_empty();
        let persistent_with = |id: &Id, flag: Flags| {
            let state = arena.held(*id);
            state.is_some_and(|s| s.life == ObjectState::Persistent && s.has(flag))
        };
        self.changed.retain(|id| persistent_with(id, Flags::LISTED));
        self.deleting.retain(|id| persistent_with(id, Flags::DELETING));
        self.sweep_log();
    }

    /// The keys that saved objects have now, where they are new: by the place in the list.
    fn new_keys(&self, ids: &[Id]) -> Result<Vec<(u32, Key)>> {
        let mut keys = Vec::new();
        for (at, &id) in ids.iter().enumerate() {
            let state = self.arena.state(id);
            if !state.in_session() {
                continue;
            }
            let same = state.life == ObjectState::Persistent
                && !state.has(Flags::KEY_ASIDE)
                && (state.head == 0 || !self.is_rekeyed(id));
            if same {
                continue;
            }
            let Some(key) = self.current_key(id) else { return Err(self.no_key(id)) };
            keys.push((at as u32, key));
        }
        Ok(keys)
    }

    /// Registers objects whose keys the database has generated, where there is nothing else.
    fn register_born(&mut self, born: &[(Id, i64)]) {
        let mut inserted = std::mem::take(&mut self.level().inserted);
        inserted.reserve(born.len());
        let before = inserted.len();
        let plain = self.deltas.is_empty();
        for run in born.chunk_by(|(a, _), (b, _)| a.class == b.class) {
            let class = run[0].0.class;
            let map = self.identity_mut(class);
            map.reserve(run.len());
            let mut displaced = Vec::new();
            for (id, key) in run {
                displaced.extend(map.get_int(*key));
                map.insert_int(*key, Place { slot: id.slot, class });
            }
            displaced.into_iter().for_each(|place| self.displaced(place, WRITTEN));
            let plain = plain && self.mappers.at(class).write_only.is_empty();
            let slab = self.arena.of_mut(run[0].0);
            let mut logged = Vec::new();
            for (id, _) in run {
                let state = &mut slab.states[id.slot as usize];
                if state.life != ObjectState::Pending {
                    continue;
                }
                state.become_inserted();
                inserted.push(*id);
                if !plain || state.head != 0 {
                    logged.push(*id);
                }
            }
            logged.into_iter().for_each(|id| self.committed(id));
        }
        self.note_persistent(&inserted[before..]);
        self.level().inserted = inserted;
    }

    #[cold]
    fn no_key(&self, id: Id) -> Error {
        let mapper = self.mapper_of(id);
        let missing: Vec<&str> = mapper
            .primary_key
            .iter()
            .filter(|a| self.arena.field(id, **a).bind().as_ref().is_null())
            .map(|a| mapper.property(*a).name())
            .collect();
        Error::new(
            ErrorKind::Flush,
            format!(
                "{} has no key after the flush: {} is NULL; if the database generates it, let the column say so",
                self.describe_object(id),
                missing.join(", ")
            ),
        )
    }

    /// Registers objects whose rows were deleted.
    fn register_deleted(&mut self, run: &Run, work: &Work) {
        let count: usize = work.roots.iter().map(|root| root.deletes.len()).sum();
        let known: usize = run.deletions.iter().map(|deletion| deletion.ids.len()).sum();
        if count == known && run.replaced.is_empty() && !self.listeners.hears_anything() {
            run.deletions.iter().for_each(|deletion| self.register_gone(deletion));
            return;
        }
        let mut deleted = Vec::with_capacity(count);
        let own = work.roots.iter().flat_map(|root| root.deletes.iter());
        for id in own.filter(|id| !run.replaced.contains(*id)).chain(&run.replaced) {
            self.become_deleted(*id, &mut deleted);
        }
        if !deleted.is_empty() {
            self.level().deleted.append(&mut deleted);
        }
    }

    /// Registers deleted objects whose keys are whole numbers, where there is nothing else.
    fn register_gone(&mut self, Deletion { ids, keys, .. }: &Deletion) {
        let Some(first) = ids.first() else { return };
        let map = self.identity_mut(first.class);
        for (id, key) in ids.iter().zip(keys) {
            map.remove_own(&Key::Int(*key), Place { slot: id.slot, class: id.class });
        }
        for same in ids.chunk_by(|a, b| a.class == b.class) {
            let slab = self.arena.of_mut(same[0]);
            for id in same {
                slab.states[id.slot as usize].become_deleted();
            }
        }
        self.level().deleted.extend(ids);
    }

    fn become_deleted(&mut self, id: Id, deleted: &mut Vec<Id>) {
        if self.arena.state(id).life == ObjectState::Pending {
            self.expunge_pending(id);
            return;
        }
        match self.whole_row_key(id) {
            Some(key) => self.leave_identity(id, &Key::Int(key)),
            None => {
                if let Some(key) = self.row_key(id) {
                    self.leave_identity(id, &key);
                }
            }
        }
        self.listeners.note(ObjectEvent::PersistentToDeleted, id);
        self.arena.state_mut(id).become_deleted();
        deleted.push(id);
    }

    fn leave_identity(&mut self, id: Id, key: &Key) {
        self.identity_mut(id.class).remove_own(key, Place { slot: id.slot, class: id.class });
    }

    /// Registers objects that were inserted or updated.
    fn register_saved(&mut self, ids: &[Id], keys: Vec<(u32, Key)>) {
        let Some(first) = ids.first() else { return };
        let root = first.class;
        // First all leave their old keys: two objects may have changed places.
        for (at, key) in &keys {
            let id = ids[*at as usize];
            if self.arena.state(id).life == ObjectState::Persistent
                && let Some(old) = self.row_key(id)
            {
                if old != *key {
                    self.leave_identity(id, &old);
                    self.note_key_switch(id, old);
                    self.copy_new_key(id);
                }
                self.forget_key_aside(id);
            }
        }
        self.identity_mut(root).reserve(keys.len());
        for (at, key) in &keys {
            let id = ids[*at as usize];
            let place = Place { slot: id.slot, class: id.class };
            let map = self.identity_mut(root);
            let other = map.get(key).filter(|other| *other != place);
            map.insert(key, place);
            if let Some(other) = other {
                self.displaced(other, WRITTEN);
            }
        }
        let mut inserted = Vec::new();
        let keeps = ids.first().is_none_or(|id| self.mappers.keeps_members(id.class));
        let plain = self.deltas.is_empty() && keeps;
        for &id in ids {
            let state = self.arena.state_mut(id);
            if state.life == ObjectState::Pending {
                state.become_inserted();
                inserted.push(id);
            } else if state.life == ObjectState::Persistent {
                self.note_updated(id);
            } else {
                continue;
            }
            if !plain {
                self.committed(id);
                continue;
            }
            let state = self.arena.state_mut(id);
            state.become_clean();
            let head = std::mem::take(&mut state.head);
            if head != 0 {
                self.log.drop_chain(head);
            }
        }
        self.note_inserted_all(&inserted);
        self.note_persistent(&inserted);
    }

    /// What expressions say of objects that went through the flush is read anew when it is asked for, also
    /// where no column of the object's own has changed: they may count its members.
    fn expire_expressions(&mut self, ids: &[Id]) {
        for run in ids.chunk_by(|a, b| a.class == b.class) {
            let properties = self.mappers.at(run[0].class).properties.iter().zip(0..);
            let expressions: Vec<u16> = properties
                .filter(|(p, _)| matches!(p.kind, PropertyKind::Expression { .. }))
                .map(|(_, attribute)| attribute)
                .collect();
            for attribute in expressions {
                run.iter().for_each(|id| self.expire_unknown(*id, attribute));
            }
        }
    }

    /// It will be told which objects the flush has inserted.
    fn note_persistent(&mut self, inserted: &[Id]) {
        if self.listeners.hears(ObjectEvent::PendingToPersistent) {
            let listeners = &mut self.listeners;
            inserted.iter().for_each(|id| listeners.note(ObjectEvent::PendingToPersistent, *id));
        }
    }

    /// Another object has come to stand for the row of this one, for some reason.
    #[cold]
    pub(in crate::session) fn displaced(&mut self, place: Place, why: &str) {
        let id = self.id_at(place);
        let state = self.arena.state_mut(id);
        if state.life == ObjectState::Persistent && !self.has_new_place(id) {
            let state = self.arena.state_mut(id);
            state.life = ObjectState::Detached;
            state.flags.unset(Flags::LISTED);
            state.flags.unset(Flags::DELETING);
            self.listeners.note(ObjectEvent::PersistentToDetached, id);
            if let Ok(engine) = self.engine() {
                engine.warn(|| {
                    format!(
                        "{}: {why}, and it stands for the row now; this one is detached",
                        self.describe_object(id)
                    )
                });
            }
        }
    }

    /// Whether the identity map has the object under the key that it has now.
    fn has_new_place(&self, id: Id) -> bool {
        self.current_key(id)
            .and_then(|key| self.identity_of(id.class)?.get(&key))
            .is_some_and(|place| place == Place { slot: id.slot, class: id.class })
    }
}
