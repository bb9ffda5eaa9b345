//! The contents of collections: the changes themselves, without events.

use std::sync::Arc;

use super::delta::{Delta, NO_SLOT};
use super::journal::Undo;
use crate::instrumentation::{Id, ManyCore, Members};
use crate::mapping::{Holder, Relationship};
use crate::session::Session;
use crate::session::state::Flags;

impl Session {
    /// Puts other members in the place of all.
    pub(super) fn put_members(&mut self, id: Id, attribute: u16, new: Members) {
        let fresh = self.arena.state(id).has(Flags::FRESH);
        let new = Arc::new(new);
        let Some(core) = self.arena.field_mut(id, attribute).many_mut() else { return };
        let old = std::mem::replace(core, ManyCore::Loaded(Arc::clone(&new)));
        if !fresh {
            let key = (id, attribute);
            let known = self.deltas.remove(&key);
            let mut delta = known.clone().unwrap_or_default();
            self.journal.write(|| Undo::Delta { id, attribute, old: known.map(Box::new) });
            let before = old.loaded().cloned().unwrap_or_default();
            delta.keep_original(&before);
            for (slot, member) in before.slots() {
                if !new.contains(member) {
                    delta.remove(member, slot);
                }
            }
            for member in new.iter().filter(|m| !before.contains(*m)) {
                delta.add(member);
            }
            self.deltas.insert(key, delta);
        }
        self.journal.write(|| Undo::Many { id, attribute, old });
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
        let key = match relationship.holder {
            Holder::Keyed(key) => Some(self.key_of(member, key)),
            _ => None,
        };
        if let Some(ManyCore::Unset) = self.arena.field(id, attribute).many() {
            self.start_collection(id, attribute);
        }
        if !fresh {
            self.start_delta(id, attribute);
        }
        let mut already = false;
        let comes_back =
            self.deltas.get(&(id, attribute)).is_some_and(|d| d.removed.contains_key(&member));
        if comes_back {
            self.keep_original(id, attribute);
        }
        if let Some(members) = self.members_mut(id, attribute) {
            // Only the difference to what is committed asks for it.
            already = !fresh && members.contains(member);
            let slot = place.and_then(|place| members.slot_at(place));
            match slot {
                None => {
                    let slot = members.push(member, key);
                    self.journal.write(|| Undo::Inserted { id, attribute, slot, moved: false });
                }
                Some(slot) => {
                    members.insert(slot, member, key);
                    if let Some(delta) = self.deltas.get_mut(&(id, attribute)) {
                        delta.opened(slot);
                    }
                    self.journal.write(|| Undo::Inserted { id, attribute, slot, moved: true });
                }
            }
        }
        if !fresh && !already {
            let delta = self.deltas.entry((id, attribute)).or_default();
            if !delta.added.contains(&member) {
                let cancelled = delta.add(member);
                self.journal.write(|| Undo::DeltaAdded { id, attribute, member, cancelled });
            }
        }
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
        if !fresh {
            self.start_delta(id, attribute);
        }
        let open = self.journal.is_open();
        let mut from = NO_SLOT;
        let mut gone = true;
        if let Some(members) = self.members_mut(id, attribute) {
            if fresh && !open && members.is_sparse() {
                members.compact();
            }
            let there = place.and_then(|place| members.slot_at(place));
            let there = there.filter(|slot| members.holds_at(*slot, member));
            let Some(slot) = there.or_else(|| members.slot_of(member)) else { return };
            let (_, key) = members.remove(slot);
            gone = fresh || !members.contains(member);
            from = slot as u32;
            self.journal.write(|| Undo::Removed { id, attribute, slot, member, key });
        } else if fresh {
            return;
        }
        if !fresh && gone {
            let delta = self.deltas.entry((id, attribute)).or_default();
            if !delta.removed.contains_key(&member) {
                let cancelled = delta.remove(member, from);
                self.journal.write(|| Undo::DeltaRemoved { id, attribute, member, cancelled });
            }
        }
        self.touch(id);
    }

    /// Keeps the committed order, since a member that had gone gets another slot.
    fn keep_original(&mut self, id: Id, attribute: u16) {
        let members = self.arena.field(id, attribute).many().and_then(ManyCore::loaded);
        if let Some(members) = members
            && let Some(delta) = self.deltas.get_mut(&(id, attribute))
        {
            delta.keep_original(members);
        }
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

    /// The first change of a collection since it was committed.
    #[inline]
    fn start_delta(&mut self, id: Id, attribute: u16) {
        let hashbrown::hash_map::Entry::Vacant(entry) = self.deltas.entry((id, attribute)) else {
            return;
        };
        entry.insert(Delta::default());
        self.journal.write(|| Undo::Delta { id, attribute, old: None });
        // No slot is remembered yet, so that they may change.
        let sparse = self
            .arena
            .field(id, attribute)
            .many()
            .and_then(ManyCore::loaded)
            .is_some_and(|members| members.is_sparse());
        if sparse && let Some(members) = self.members_mut(id, attribute) {
            members.compact();
        }
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
            for &member in &pending.added {
                if !members.contains(member) {
                    delta.added.insert(member);
                    members.push(member, key_of(self, member));
                }
            }
            for &member in pending.removed.keys() {
                if let Some(slot) = members.slot_of(member) {
                    members.remove(slot);
                    delta.removed.insert(member, slot as u32);
                }
            }
            if !delta.is_empty() {
                self.deltas.insert((id, attribute), delta);
                self.touch(id);
            }
        }
        if let Some(core) = self.arena.field_mut(id, attribute).many_mut() {
            *core = ManyCore::Loaded(Arc::new(members));
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
