//! The identity map: one object for each key of each hierarchy.

use std::hash::{BuildHasher, Hash, Hasher};

use aludel_sql::{Bind, Value, ValueRef};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;

/// A key as the database knows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    /// One integer: by far the most frequent.
    Int(i64),
    /// Anything else: the values of the key's columns.
    Values(Box<[Value]>),
}

impl Key {
    /// A key from its values; `None` when one of them is NULL that may not be (the others are `nullable`, as bits), or
    /// all are.
    pub(crate) fn from_values(values: &[Bind<'_>], nullable: u32) -> Option<Self> {
        if values.iter().any(|v| v.as_ref().is_null()) && !is_partial(values, nullable) {
            return None;
        }
        Some(match values {
            [one] => match one.as_ref() {
                ValueRef::I64(n) => Self::Int(n),
                other => Self::Values(Box::new([other.to_owned()])),
            },
            many => Self::Values(many.iter().map(|v| v.as_ref().to_owned()).collect()),
        })
    }

    /// Whether a part of it is NULL.
    pub(crate) fn is_partial(&self) -> bool {
        matches!(self, Self::Values(values) if values.iter().any(Value::is_null))
    }

    /// The values of the key's columns.
    pub(crate) fn values(&self) -> SmallVec<[Value; 2]> {
        match self {
            Self::Int(n) => SmallVec::from_iter([Value::I64(*n)]),
            Self::Values(values) => values.iter().cloned().collect(),
        }
    }
}

/// Whether values of which some are NULL are a key all the same.
#[cold]
fn is_partial(values: &[Bind<'_>], nullable: u32) -> bool {
    let may_be = |at: usize| at < 32 && nullable & (1 << at) != 0;
    let mut all = values.iter().enumerate();
    values.iter().any(|v| !v.as_ref().is_null())
        && all.all(|(at, v)| may_be(at) || !v.as_ref().is_null())
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, value) in self.values().iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match value {
                Value::Text(text) => write!(f, "{text:?}")?,
                Value::I64(n) => write!(f, "{n}")?,
                Value::Null => f.write_str("NULL")?,
                other => write!(f, "{other:?}")?,
            }
        }
        Ok(())
    }
}

/// Where an object is: its class and slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: u32,
    pub(crate) class: u16,
}

const NONE: Place = Place { slot: u32::MAX, class: 0 };

/// The identity map of one hierarchy.
///
/// Small non-negative integers index a vector; other integers go to a table with the key inline, and
/// everything else to a table of hashes with the keys beside it.
#[derive(Default)]
pub(crate) struct IdentityMap {
    dense: Vec<Place>,
    sparse: HashTable<(i64, Place)>,
    others: HashTable<(u64, Box<[Value]>, Place)>,
    hasher: RandomState,
    len: usize,
}

impl IdentityMap {
    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether an integer key goes to the vector: within about twice the number of objects.
    #[inline]
    fn is_dense(&self, key: i64) -> bool {
        key >= 0 && (key as u64) < 2 * self.len as u64 + 4096
    }

    #[inline]
    pub(crate) fn get_int(&self, key: i64) -> Option<Place> {
        if let Some(place) = usize::try_from(key).ok().and_then(|k| self.dense.get(k))
            && *place != NONE
        {
            return Some(*place);
        }
        if self.sparse.is_empty() {
            return None;
        }
        self.sparse.find(self.hasher.hash_one(key), |e| e.0 == key).map(|e| e.1)
    }

    #[inline]
    pub(crate) fn get(&self, key: &Key) -> Option<Place> {
        match key {
            Key::Int(n) => self.get_int(*n),
            Key::Values(values) => {
                let hash = hash_values(&self.hasher, values.iter().map(Value::as_ref));
                self.others.find(hash, |e| e.0 == hash && e.1 == *values).map(|e| e.2)
            }
        }
    }

    /// The same from borrowed values, without making a key.
    pub(crate) fn get_refs(&self, values: &[ValueRef<'_>]) -> Option<Place> {
        if let [ValueRef::I64(n)] = values {
            return self.get_int(*n);
        }
        let hash = hash_values(&self.hasher, values.iter().copied());
        self.others
            .find(hash, |e| {
                e.0 == hash
                    && e.1.len() == values.len()
                    && e.1.iter().zip(values).all(|(a, b)| a.as_ref() == *b)
            })
            .map(|e| e.2)
    }

    #[inline]
    pub(crate) fn insert_int(&mut self, key: i64, place: Place) {
        if self.is_dense(key) {
            let at = key as usize;
            if at >= self.dense.len() {
                self.dense.resize(at + 1, NONE);
            }
            if self.dense[at] == NONE {
                // The key may be in the table from when the map was smaller.
                self.remove_sparse(key);
                self.len += 1;
            }
            self.dense[at] = place;
            return;
        }
        let hasher = &self.hasher;
        let hash = hasher.hash_one(key);
        match self.sparse.entry(hash, |e| e.0 == key, |e| hasher.hash_one(e.0)) {
            hashbrown::hash_table::Entry::Occupied(mut e) => e.get_mut().1 = place,
            hashbrown::hash_table::Entry::Vacant(e) => {
                e.insert((key, place));
                self.len += 1;
            }
        }
    }

    pub(crate) fn insert(&mut self, key: &Key, place: Place) {
        match key {
            Key::Int(n) => self.insert_int(*n, place),
            Key::Values(values) => {
                let hash = hash_values(&self.hasher, values.iter().map(Value::as_ref));
                match self.others.entry(hash, |e| e.0 == hash && e.1 == *values, |e| e.0) {
                    hashbrown::hash_table::Entry::Occupied(mut e) => e.get_mut().2 = place,
                    hashbrown::hash_table::Entry::Vacant(e) => {
                        e.insert((hash, values.clone(), place));
                        self.len += 1;
                    }
                }
            }
        }
    }

    fn remove_sparse(&mut self, key: i64) -> bool {
        if self.sparse.is_empty() {
            return false;
        }
        match self.sparse.find_entry(self.hasher.hash_one(key), |e| e.0 == key) {
            Ok(entry) => {
                entry.remove();
                self.len -= 1;
                true
            }
            Err(_) => false,
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        match key {
            Key::Int(n) => {
                if let Some(place) = usize::try_from(*n).ok().and_then(|k| self.dense.get_mut(k))
                    && *place != NONE
                {
                    *place = NONE;
                    self.len -= 1;
                    return;
                }
                self.remove_sparse(*n);
            }
            Key::Values(values) => {
                let hash = hash_values(&self.hasher, values.iter().map(Value::as_ref));
                if let Ok(entry) = self.others.find_entry(hash, |e| e.0 == hash && e.1 == *values) {
                    entry.remove();
                    self.len -= 1;
                }
            }
        }
    }

    /// Forgets an object, where the key is still its own.
    pub(crate) fn remove_own(&mut self, key: &Key, place: Place) {
        if let Key::Int(key) = key
            && let Some(found) = usize::try_from(*key).ok().and_then(|k| self.dense.get_mut(k))
            && *found == place
        {
            *found = NONE;
            self.len -= 1;
        } else if self.get(key) == Some(place) {
            self.remove(key);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.dense = Vec::new();
        self.sparse = HashTable::new();
        self.others = HashTable::new();
        self.len = 0;
    }

    /// Makes room for more objects with integer keys up to `max`.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.dense.reserve(more.min(1 << 20));
    }
}

fn hash_values<'a>(hasher: &RandomState, values: impl Iterator<Item = ValueRef<'a>>) -> u64 {
    let mut state = hasher.build_hasher();
    values.for_each(|value| hash_value(value, &mut state));
    state.finish()
}

/// Feeds a value to a hasher.
pub(crate) fn hash_value(value: ValueRef<'_>, state: &mut impl Hasher) {
    match value {
        ValueRef::I64(n) => n.hash(state),
        ValueRef::Text(text) => text.hash(state),
        ValueRef::Bytes(bytes) => bytes.hash(state),
        ValueRef::Bool(b) => b.hash(state),
        ValueRef::F64(x) => x.to_bits().hash(state),
        // Equal values print alike, which is all that a hash needs; such keys are rare.
        other => format!("{other:?}").hash(state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(slot: u32) -> Place {
        Place { slot, class: 0 }
    }

    #[test]
    fn integers_spill_and_are_found() {
        let mut map = IdentityMap::default();
        for key in [0, 1, 5, -3, i64::MAX, i64::MIN, 1 << 40, 100_000] {
            map.insert_int(key, place(key as u32 & 0xffff));
        }
        assert_eq!(map.len(), 8);
        assert_eq!(map.get_int(-3), Some(place(-3i64 as u32 & 0xffff)));
        assert_eq!(map.get_int(2), None);
        map.remove(&Key::Int(1 << 40));
        assert_eq!(map.get_int(1 << 40), None);
        assert_eq!(map.len(), 7);
    }

    #[test]
    fn a_key_that_becomes_dense_is_there_once() {
        let mut map = IdentityMap::default();
        map.insert_int(6000, place(1));
        for key in 0..3000 {
            map.insert_int(key, place(key as u32));
        }
        map.insert_int(6000, place(2));
        assert_eq!(map.get_int(6000), Some(place(2)));
        assert_eq!(map.len(), 3001);
        map.remove(&Key::Int(6000));
        assert_eq!(map.get_int(6000), None);
    }

    #[test]
    fn other_keys() {
        let mut map = IdentityMap::default();
        let key = Key::Values(Box::new([Value::Text("a".into()), Value::I64(2)]));
        map.insert(&key, place(9));
        assert_eq!(map.get(&key), Some(place(9)));
        assert_eq!(map.get_refs(&[ValueRef::Text("a"), ValueRef::I64(2)]), Some(place(9)));
        assert_eq!(map.get_refs(&[ValueRef::Text("a"), ValueRef::I64(3)]), None);
        map.remove(&key);
        assert_eq!(map.len(), 0);
    }
}
