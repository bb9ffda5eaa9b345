//! The members of a loaded collection.
//!
//! They are a list in their order. What is taken away leaves a hole, so that nothing has to move; holes at
//! the end go at once, the others when [`compact`](Members::compact) is called. A big list makes an index
//! of where its members are as soon as one is searched for: adding, finding and taking away then cost the
//! same whatever the size.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, OnceLock};

use aludel_sql::{Value, ValueRef};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::{Collects, Id};
use crate::session::identity::hash_value;

/// From this many slots on a search makes an index.
const INDEXED: usize = 32;

/// The members of a loaded collection, in their order; with keys where it is a keyed one.
///
/// A *place* is a number among the members, a *slot* one among the slots, holes included: a slot stays the
/// same while others are taken away.
#[derive(Clone, Default)]
pub(crate) struct Members {
    slots: Vec<Option<Id>>,
    /// As long as `slots` in a keyed collection, else empty.
    keys: Vec<Value>,
    holes: usize,
    seen: Seen,
    index: OnceLock<Box<Index>>,
    /// What a collection of the user's kind shows of them.
    shown: Option<Box<dyn Collects>>,
}

/// What a list can have: a bit for each member that it ever got, many members to a bit.
///
/// Most searches are for what is not there (is this one in already?), and a small list, which has no index,
/// answers them by it. Only [`compact`](Members::compact) forgets who has left.
#[derive(Clone, Copy, Default)]
struct Seen {
    bits: u64,
    /// A member came whose bit was there: it may be in the list twice.
    twice: bool,
}

impl Seen {
    fn of(slots: &[Option<Id>]) -> Self {
        // With that many nearly every bit would be set, and the index is asked instead.
        if slots.len() >= 2 * INDEXED {
            return Self { bits: u64::MAX, twice: true };
        }
        let mut seen = Self::default();
        slots.iter().flatten().for_each(|id| seen.add(*id));
        seen
    }

    /// Neighbours, which objects that are loaded together are, have different bits.
    #[inline]
    fn bit(id: Id) -> u64 {
        1 << (id.slot % 64)
    }

    #[inline]
    fn add(&mut self, id: Id) {
        self.twice |= self.has(id);
        self.bits |= Self::bit(id);
    }

    #[inline]
    fn has(self, id: Id) -> bool {
        self.bits & Self::bit(id) != 0
    }
}

/// Where the members of a big list are.
#[derive(Clone)]
struct Index {
    by_id: HashTable<u32>,
    by_key: HashTable<u32>,
    keys: RandomState,
}

#[inline]
fn hash_id(id: Id) -> u64 {
    let hash = (u64::from(id.slot) | u64::from(id.class) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash ^ hash >> 32
}

/// Whether this is that member: nearly always the slot tells them apart.
#[inline]
fn is(member: &Option<Id>, id: Id) -> bool {
    member.is_some_and(|member| member.slot == id.slot && member == id)
}

impl Index {
    fn of(members: &Members) -> Box<Self> {
        let mut index = Self {
            by_id: HashTable::with_capacity(members.len()),
            by_key: HashTable::new(),
            keys: RandomState::default(),
        };
        for (slot, id) in members.slots.iter().enumerate() {
            if let Some(id) = id {
                index.add(&members.slots, &members.keys, slot, *id);
            }
        }
        Box::new(index)
    }

    fn hash_key(&self, key: ValueRef<'_>) -> u64 {
        let mut state = self.keys.build_hasher();
        hash_value(key, &mut state);
        state.finish()
    }

    fn add(&mut self, slots: &[Option<Id>], keys: &[Value], slot: usize, id: Id) {
        let hash_of = |slot: &u32| slots[*slot as usize].map_or(0, hash_id);
        self.by_id.insert_unique(hash_id(id), slot as u32, hash_of);
        if let Some(key) = keys.get(slot) {
            let hash = self.hash_key(key.as_ref());
            let mut by_key = std::mem::take(&mut self.by_key);
            let hash_of = |slot: &u32| self.hash_key(keys[*slot as usize].as_ref());
            by_key.insert_unique(hash, slot as u32, hash_of);
            self.by_key = by_key;
        }
    }

    fn remove(&mut self, slot: usize, id: Id, key: Option<&Value>) {
        let same = |other: &u32| *other as usize == slot;
        if let Ok(entry) = self.by_id.find_entry(hash_id(id), same) {
            entry.remove();
        }
        if let Some(key) = key {
            let hash = self.hash_key(key.as_ref());
            if let Ok(entry) = self.by_key.find_entry(hash, same) {
                entry.remove();
            }
        }
    }
}

impl Members {
    pub(crate) const fn empty() -> Self {
        Self {
            slots: Vec::new(),
            keys: Vec::new(),
            holes: 0,
            seen: Seen { bits: 0, twice: false },
            index: OnceLock::new(),
            shown: None,
        }
    }

    pub(crate) fn from_ids(ids: Vec<Id>) -> Self {
        let slots: Vec<_> = ids.into_iter().map(Some).collect();
        Self { seen: Seen::of(&slots), slots, ..Self::default() }
    }

    pub(super) fn shown(&self) -> Option<&dyn Collects> {
        self.shown.as_deref()
    }

    /// What a collection of the user's kind shows of them, to be changed, or made anew.
    pub(crate) fn shown_mut(&mut self) -> &mut Option<Box<dyn Collects>> {
        &mut self.shown
    }

    /// How many members there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.holes
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members in their order.
    #[inline]
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { slots: self.slots.iter(), left: self.len() }
    }

    /// The same without a borrow.
    pub(crate) fn shared(self: Arc<Self>) -> SharedIter {
        SharedIter { left: self.len(), members: self, slot: 0 }
    }

    pub(crate) fn to_vec(&self) -> Vec<Id> {
        self.iter().collect()
    }

    /// The members with their slots.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u32, Id)> {
        self.slots.iter().enumerate().filter_map(|(slot, id)| id.map(|id| (slot as u32, id)))
    }

    /// The keys and members of a keyed collection.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Value, Id)> {
        self.keys.iter().zip(&self.slots).filter_map(|(key, id)| id.map(|id| (key, id)))
    }

    /// The member at a place.
    pub(crate) fn at(&self, place: usize) -> Option<Id> {
        self.slots[self.slot_at(place)?]
    }

    pub(crate) fn last(&self) -> Option<Id> {
        self.slots.last().copied().flatten()
    }

    /// The slot of a place.
    pub(crate) fn slot_at(&self, place: usize) -> Option<usize> {
        let len = self.len();
        if place >= len {
            return None;
        }
        if self.holes == 0 {
            return Some(place);
        }
        let taken = |(slot, id): (usize, &Option<Id>)| id.is_some().then_some(slot);
        if place < len / 2 {
            return self.slots.iter().enumerate().filter_map(taken).nth(place);
        }
        self.slots.iter().enumerate().rev().filter_map(taken).nth(len - 1 - place)
    }

    /// The first slot that has a member.
    #[inline]
    pub(crate) fn slot_of(&self, id: Id) -> Option<usize> {
        if self.seen.has(id) { self.search(id) } else { None }
    }

    fn search(&self, id: Id) -> Option<usize> {
        if self.slots.len() < INDEXED {
            return self.slots.iter().position(|m| is(m, id));
        }
        let same = |slot: &u32| self.slots[*slot as usize] == Some(id);
        let mut found = self.index().by_id.iter_hash(hash_id(id)).copied().filter(same);
        let first = found.next()?;
        Some(found.fold(first, u32::min) as usize)
    }

    /// The slot of the member under a key.
    pub(crate) fn slot_under(&self, key: ValueRef<'_>) -> Option<usize> {
        if self.slots.len() < INDEXED {
            let held = |slot: &usize| self.slots[*slot].is_some();
            return (0..self.keys.len()).filter(held).find(|at| self.keys[*at].as_ref() == key);
        }
        let same = |slot: &u32| self.keys[*slot as usize].as_ref() == key;
        let index = self.index();
        index.by_key.find(index.hash_key(key), same).map(|slot| *slot as usize)
    }

    /// The member under a key.
    pub(crate) fn under(&self, key: ValueRef<'_>) -> Option<Id> {
        self.slots[self.slot_under(key)?]
    }

    #[inline]
    pub(crate) fn contains(&self, id: Id) -> bool {
        self.slot_of(id).is_some()
    }

    /// Whether a slot after this one has the member as well.
    pub(crate) fn has_after(&self, slot: usize, id: Id) -> bool {
        if !self.seen.twice {
            return false;
        }
        if self.slots.len() < INDEXED {
            let rest = self.slots.get(slot + 1..).unwrap_or_default();
            return rest.iter().any(|m| is(m, id));
        }
        let same = |at: &u32| *at as usize > slot && self.slots[*at as usize] == Some(id);
        self.index().by_id.iter_hash(hash_id(id)).copied().any(|at| same(&at))
    }

    /// How often a member is in the list.
    pub(crate) fn count(&self, id: Id) -> usize {
        if self.slots.len() < INDEXED {
            return self.slots.iter().filter(|m| **m == Some(id)).count();
        }
        let same = |slot: &&u32| self.slots[**slot as usize] == Some(id);
        self.index().by_id.iter_hash(hash_id(id)).filter(same).count()
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(self))
    }

    /// Adds a member at the end, or at a place; gives its slot, and whether others have moved for it.
    pub(crate) fn add(
        &mut self,
        id: Id,
        key: Option<Value>,
        place: Option<usize>,
    ) -> (usize, bool) {
        match place.and_then(|place| self.slot_at(place)) {
            None => (self.push(id, key), false),
            Some(slot) => {
                self.insert(slot, id, key);
                (slot, true)
            }
        }
    }

    /// The slot of a member: the one at a place, if it is there.
    pub(crate) fn find(&self, id: Id, place: Option<usize>) -> Option<usize> {
        let there = place.and_then(|place| self.slot_at(place));
        there.filter(|slot| self.slots[*slot] == Some(id)).or_else(|| self.slot_of(id))
    }

    /// Room for some, where there is none yet: more than the four that a list begins with.
    pub(crate) fn reserve_some(&mut self) {
        if self.slots.capacity() == 0 {
            self.slots.reserve(8);
        }
    }

    /// Adds a member at the end; gives its slot.
    pub(crate) fn push(&mut self, id: Id, key: Option<Value>) -> usize {
        let slot = self.slots.len();
        self.slots.push(Some(id));
        self.seen.add(id);
        self.keys.extend(key);
        if let Some(index) = self.index.get_mut() {
            index.add(&self.slots, &self.keys, slot, id);
        }
        slot
    }

    /// Adds a member under a key, in the place of the one that is there.
    pub(crate) fn put(&mut self, id: Id, key: Value) {
        match self.slot_under(key.as_ref()) {
            None => {
                self.push(id, Some(key));
            }
            Some(slot) => {
                self.index.take();
                self.slots[slot] = Some(id);
                self.seen.add(id);
            }
        }
    }

    /// Puts a member into a slot; what is there and after it moves up.
    pub(crate) fn insert(&mut self, slot: usize, id: Id, key: Option<Value>) {
        if slot >= self.slots.len() {
            self.push(id, key);
            return;
        }
        self.index.take();
        self.slots.insert(slot, Some(id));
        self.seen.add(id);
        if let Some(key) = key {
            self.keys.insert(slot, key);
        }
    }

    /// Takes the member of a slot away, and leaves a hole there.
    pub(crate) fn remove(&mut self, slot: usize) -> (Option<Id>, Option<Value>) {
        let id = self.slots[slot].take();
        let key = self.keys.get_mut(slot).map(|key| std::mem::replace(key, Value::Null));
        if let Some(id) = id {
            self.holes += 1;
            if let Some(index) = self.index.get_mut() {
                index.remove(slot, id, key.as_ref());
            }
        }
        while let Some(None) = self.slots.last() {
            self.slots.pop();
            self.keys.truncate(self.slots.len());
            self.holes -= 1;
        }
        (id, key)
    }

    /// Takes back a [`push`](Self::push) or [`insert`](Self::insert).
    pub(crate) fn uninsert(&mut self, slot: usize) {
        if slot + 1 == self.slots.len() {
            self.remove(slot);
            return;
        }
        self.index.take();
        self.slots.remove(slot);
        if slot < self.keys.len() {
            self.keys.remove(slot);
        }
    }

    /// Takes back a [`remove`](Self::remove).
    pub(crate) fn unremove(&mut self, slot: usize, id: Id, key: Option<Value>) {
        if slot >= self.slots.len() {
            self.holes += slot + 1 - self.slots.len();
            self.slots.resize(slot + 1, None);
        }
        self.slots[slot] = Some(id);
        self.seen.add(id);
        self.holes -= 1;
        if let Some(key) = key {
            self.keys.resize(self.slots.len(), Value::Null);
            self.keys[slot] = key;
        }
        if let Some(index) = self.index.get_mut() {
            index.add(&self.slots, &self.keys, slot, id);
        }
    }

    /// Closes the holes: slots change, and places do not.
    pub(crate) fn compact(&mut self) {
        if self.holes == 0 {
            return;
        }
        self.index.take();
        if !self.keys.is_empty() {
            let mut held = self.slots.iter().map(Option::is_some);
            self.keys.retain(|_| held.next().unwrap_or(false));
        }
        self.slots.retain(Option::is_some);
        self.holes = 0;
        self.seen = Seen::of(&self.slots);
    }

    /// Whether more than half of the slots are holes.
    pub(crate) fn is_sparse(&self) -> bool {
        self.holes > INDEXED && self.holes > self.slots.len() / 2
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The members of a collection in their order.
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    slots: std::slice::Iter<'a, Option<Id>>,
    left: usize,
}

impl Iterator for Iter<'_> {
    type Item = Id;
    #[inline]
    fn next(&mut self) -> Option<Id> {
        let id = self.slots.find_map(|id| *id)?;
        self.left -= 1;
        Some(id)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Id> {
        let id = self.slots.by_ref().rev().find_map(|id| *id)?;
        self.left -= 1;
        Some(id)
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// The members of a shared list in their order.
pub(crate) struct SharedIter {
    members: Arc<Members>,
    slot: usize,
    left: usize,
}

impl Iterator for SharedIter {
    type Item = Id;
    #[inline]
    fn next(&mut self) -> Option<Id> {
        loop {
            let id = *self.members.slots.get(self.slot)?;
            self.slot += 1;
            if id.is_some() {
                self.left -= 1;
                return id;
            }
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for SharedIter {}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn id(slot: u32) -> Id {
        Id { slot, generation: NonZeroU32::MIN, class: 0, session: 0 }
    }

    /// Random operations, and the same on a plain vector.
    #[test]
    fn is_a_list() {
        let mut random = 7u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % below.max(1)
        };
        let mut members = Members::default();
        let mut plain: Vec<Id> = Vec::new();
        for round in 0..6000 {
            let grows = round % 2000 < 1000;
            match next(10) {
                0..=4 if grows => {
                    let new = id(next(5000) as u32);
                    members.push(new, Some(Value::I64(i64::from(new.slot))));
                    plain.push(new);
                }
                5 if !plain.is_empty() => {
                    let at = next(plain.len());
                    let new = id(next(5000) as u32);
                    let slot = members.slot_at(at).unwrap();
                    members.insert(slot, new, Some(Value::I64(i64::from(new.slot))));
                    plain.insert(at, new);
                }
                6 if next(20) == 0 => members.compact(),
                7 if !plain.is_empty() => {
                    // Taken away, and back.
                    let slot = members.slot_at(next(plain.len())).unwrap();
                    let (gone, key) = members.remove(slot);
                    members.unremove(slot, gone.unwrap(), key);
                }
                8 => {
                    let slot = members.push(id(9999), Some(Value::I64(9999)));
                    members.uninsert(slot);
                }
                _ if !plain.is_empty() => {
                    let gone = plain[next(plain.len())];
                    let slot = members.slot_of(gone).unwrap();
                    assert_eq!(members.remove(slot).0, Some(gone));
                    let at = plain.iter().position(|m| *m == gone).unwrap();
                    plain.remove(at);
                }
                _ => {}
            }
            assert_eq!(members.len(), plain.len());
            let asked = id(next(5000) as u32);
            assert_eq!(members.contains(asked), plain.contains(&asked));
            assert_eq!(members.count(asked), plain.iter().filter(|m| **m == asked).count());
            assert_eq!(
                members.under(ValueRef::I64(i64::from(asked.slot))).is_some(),
                plain.contains(&asked)
            );
            if round % 50 == 0 {
                assert_eq!(members.to_vec(), plain);
                assert_eq!(members.iter().next_back(), plain.last().copied());
                assert_eq!(members.last(), plain.last().copied());
                for (at, expected) in plain.iter().enumerate().step_by(17) {
                    assert_eq!(members.at(at), Some(*expected));
                }
            }
        }
        assert!(Arc::new(members).shared().eq(plain));
    }
}
