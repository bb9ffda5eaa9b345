//! The contents of collections: the changes themselves, without events.

use std::sync::Arc;

use super::delta::{Delta, NO_SLOT};
use super::journal::{Journal, Undo};
use crate::Result;
use crate::instrumentation::{Id, ManyCore, Members};
use crate::mapping::{Holder, Relationship};
use crate::session::arena::Arena;
use crate::session::state::Flags;
use crate::session::{FastMap, Session};

impl Session {
    /// Puts other members in the place of all.
    pub(super) fn put_members(&mut self, id: Id, relationship: &Relationship, new: Members) {
        let attribute = relationship.attribute;
        let fresh = self.arena.state(id).has(Flags::FRESH);
        let new = Arc::new(new);
        let Some(core) = self.arena.field_mut(id, attribute).many_mut() else { return };
        let old = std::mem::replace(core, ManyCore::Loaded(Arc::clone(&new)));
        if !fresh {
            let key = (id, attribute);
            let known = self.deltas.remove(&key);
            let mut delta = known.clone().unwrap_or_default();
            self.journal.write(|| Undo::Delta { id, attribute, old: known });
            let before = old.loaded().cloned().unwrap_or_default();
            delta.keep_original(&before);
            for (slot, member) in before.slots() {
                // One that was there twice goes once.
                if !new.contains(member) && before.slot_of(member) == Some(slot as usize) {
                    delta.remove(member, slot);
                }
            }
            for member in new.iter().filter(|m| !before.contains(*m)) {
                delta.add(member, None);
            }
            self.deltas.insert(key, delta);
        }
        self.journal.write(|| Undo::Many { id, attribute, old });
        self.show_all(id, relationship);
        self.touch(id);
    }

    /// Puts a member into the collection, or in the queue of one that is not loaded: at the end, or at a place.
    pub(super) fn put_member(
        &mut self,
        id: Id,
        relationship: &Relationship,
        member: Id,
        place: Option<usize>,
    ) {
        let attribute = relationship.attribute;
        let fresh = self.arena.state(id).has(Flags::FRESH);
        if let Some(ManyCore::Unset) = self.arena.field(id, attribute).many() {
            self.start_collection(id, attribute);
        }
        let key = match relationship.holder {
            Holder::Keyed(key) => Some(self.key_of(member, key)),
            _ => None,
        };
        if fresh {
            if let Some(members) = self.members_mut(id, attribute) {
                let (slot, moved) = members.add(member, key, place);
                self.journal.write(|| Undo::Inserted { id, attribute, slot, moved });
            }
            self.show_added(id, relationship, member);
            self.touch(id);
            return;
        }
        let delta =
            start_delta(&mut self.deltas, &mut self.journal, &mut self.arena, id, attribute);
        if let Some(ManyCore::Loaded(members)) = self.arena.field_mut(id, attribute).many_mut() {
            let members = Arc::make_mut(members);
            // What a loaded collection has not, has not come to it either.
            if !members.contains(member) {
                let cancelled = delta.add(member, Some(members));
                self.journal.write(|| Undo::DeltaAdded { id, attribute, member, cancelled });
            }
            let (slot, moved) = members.add(member, key, place);
            if moved {
                delta.opened(slot);
            }
            self.journal.write(|| Undo::Inserted { id, attribute, slot, moved });
        } else if !delta.added.contains(member) {
            let cancelled = delta.add(member, None);
            self.journal.write(|| Undo::DeltaAdded { id, attribute, member, cancelled });
        }
        self.show_added(id, relationship, member);
        self.touch(id);
    }

    /// Takes a member out of the collection, or queues that for one that is not loaded. With `place`, it is
    /// the one there, if it is.
    pub(super) fn take_member(
        &mut self,
        id: Id,
        relationship: &Relationship,
        member: Id,
        place: Option<usize>,
    ) {
        let attribute = relationship.attribute;
        let fresh = self.arena.state(id).has(Flags::FRESH);
        if fresh {
            let open = self.journal.is_open();
            let Some(members) = self.members_mut(id, attribute) else { return };
            if !open && members.is_sparse() {
                members.compact();
            }
            let Some(slot) = members.find(member, place) else { return };
            let (_, key) = members.remove(slot);
            self.journal.write(|| Undo::Removed { id, attribute, slot, member, key });
            self.show_removed(id, relationship, member);
            self.touch(id);
            return;
        }
        if !self.may_have_members(id) && self.members_mut(id, attribute).is_none() {
            // It has none, and there is none to wait for.
            return;
        }
        let delta =
            start_delta(&mut self.deltas, &mut self.journal, &mut self.arena, id, attribute);
        let mut from = NO_SLOT;
        // What a loaded collection has, has not gone from it.
        let gone;
        if let Some(ManyCore::Loaded(members)) = self.arena.field_mut(id, attribute).many_mut() {
            let members = Arc::make_mut(members);
            let Some(slot) = members.find(member, place) else { return };
            // Without a place it is the first one that goes.
            let first = place.is_none() || members.slot_of(member) == Some(slot);
            gone = first && !members.has_after(slot, member);
            let (_, key) = members.remove(slot);
            from = slot as u32;
            self.journal.write(|| Undo::Removed { id, attribute, slot, member, key });
        } else {
            gone = !delta.removed.contains(member);
        }
        if gone {
            let cancelled = delta.remove(member, from);
            self.journal.write(|| Undo::DeltaRemoved { id, attribute, member, cancelled });
        }
        self.show_removed(id, relationship, member);
        self.touch(id);
    }

    /// A collection that was never touched: a new object has no members but those it is given; one in the
    /// database may have.
    fn start_collection(&mut self, id: Id, attribute: u16) {
        let may_have = self.may_have_members(id);
        let Some(core) = self.arena.field_mut(id, attribute).many_mut() else { return };
        let now = if may_have { ManyCore::NotLoaded } else { ManyCore::Loaded(Arc::default()) };
        let old = std::mem::replace(core, now);
        self.journal.write(|| Undo::Many { id, attribute, old });
    }

    /// Gives a collection the members that the database has; the changes that waited for it are merged in.
    pub(crate) fn load_members(&mut self, id: Id, relationship: &Relationship, loaded: Vec<Id>) {
        let attribute = relationship.attribute;
        let key_of = |s: &Self, member| match relationship.holder {
            Holder::Keyed(key) => Some(s.key_of(member, key)),
            _ => None,
        };
        let mut members = if let Holder::Keyed(key) = relationship.holder {
            let mut members = Members::default();
            for member in loaded {
                members.put(member, self.key_of(member, key));
            }
            members
        } else {
            Members::from_ids(loaded)
        };
        let waits =
            !matches!(self.arena.field(id, attribute).many(), Some(ManyCore::Loaded(_)) | None);
        let pending = self.deltas.remove(&(id, attribute)).filter(|_| waits);
        if let Some(pending) = pending {
            let mut delta = Delta::default();
            delta.keep_original(&members);
            for member in pending.added.iter() {
                let there = members.contains(member);
                if !there {
                    delta.add(member, None);
                }
                // A list takes one that the database has as well a second time, as it does one that is appended.
                if !there || relationship.holder == Holder::List {
                    members.push(member, key_of(self, member));
                }
            }
            for member in pending.removed.iter() {
                if let Some(slot) = members.slot_of(member) {
                    members.remove(slot);
                    delta.remove(member, slot as u32);
                }
            }
            if !delta.is_empty() {
                self.deltas.insert((id, attribute), Box::new(delta));
                self.touch(id);
            }
        }
        if let Some(core) = self.arena.field_mut(id, attribute).many_mut() {
            *core = ManyCore::Loaded(Arc::new(members));
        }
        self.show_all(id, relationship);
    }

    /// Adds a member as if it had been loaded.
    pub(super) fn insert_committed(
        &mut self,
        id: Id,
        relationship: &Relationship,
        member: Id,
    ) -> Result<()> {
        let attribute = relationship.attribute;
        self.unfreshen(id);
        if let Some(ManyCore::Unset) = self.arena.field(id, attribute).many() {
            self.start_collection(id, attribute);
        }
        self.loaded_members(id, attribute)?;
        let key = match relationship.holder {
            Holder::Keyed(key) => Some(self.key_of(member, key)),
            _ => None,
        };
        if let Some(members) = self.members_mut(id, attribute) {
            match key {
                Some(key) => members.put(member, key),
                None if relationship.holder == Holder::Set && members.contains(member) => {
                    return Ok(());
                }
                None => {
                    members.push(member, None);
                }
            }
        }
        self.show_added(id, relationship, member);
        Ok(())
    }

    /// Takes a member out as if it had never been loaded.
    pub(super) fn remove_committed(&mut self, id: Id, relationship: &Relationship, member: Id) {
        let attribute = relationship.attribute;
        self.unfreshen(id);
        if let Some(members) = self.members_mut(id, attribute)
            && let Some(slot) = members.slot_of(member)
        {
            members.remove(slot);
            self.show_removed(id, relationship, member);
        }
        if let Some(delta) = self.deltas.get_mut(&(id, attribute)) {
            delta.unadd(member, None);
        }
    }

    /// Sets the members as if they had been loaded: no events, no history.
    pub(crate) fn set_committed_members(
        &mut self,
        id: Id,
        relationship: &Relationship,
        members: Vec<Id>,
    ) {
        self.unfreshen(id);
        self.load_members(id, relationship, members);
    }

    /// The members of a loaded collection, to be changed: copied first where somebody shares the list.
    pub(crate) fn members_mut(&mut self, id: Id, attribute: u16) -> Option<&mut Members> {
        match self.arena.field_mut(id, attribute).many_mut() {
            Some(ManyCore::Loaded(members)) => Some(Arc::make_mut(members)),
            _ => None,
        }
    }
}

/// The difference of a collection to what is committed, made with its first change.
#[inline]
fn start_delta<'s>(
    deltas: &'s mut FastMap<(Id, u16), Box<Delta>>,
    journal: &mut Journal,
    arena: &mut Arena,
    id: Id,
    attribute: u16,
) -> &'s mut Delta {
    match deltas.entry((id, attribute)) {
        hashbrown::hash_map::Entry::Occupied(entry) => entry.into_mut(),
        hashbrown::hash_map::Entry::Vacant(entry) => {
            journal.write(|| Undo::Delta { id, attribute, old: None });
            // No slot is remembered yet, so that they may change.
            if let Some(ManyCore::Loaded(members)) = arena.field_mut(id, attribute).many_mut()
                && members.is_sparse()
            {
                Arc::make_mut(members).compact();
            }
            entry.insert(Box::default())
        }
    }
}
