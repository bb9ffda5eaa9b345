//! The members that the rows of a statement bring, each for the owners that the row tells by a value.

use aludel_sql::{Row, Value, ValueRef};
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::link::plain_key;
use crate::instrumentation::Id;
use crate::session::identity::Key;

type Hashed = foldhash::fast::RandomState;

/// Owners with the same value.
type Alike = SmallVec<[u32; 1]>;

/// The members of some owners, in the order of the rows.
pub(super) struct Lists {
    /// How many values tell an owner.
    width: usize,
    /// The place of owners with the same value in `alike`.
    by_key: HashMap<Key, u32, Hashed>,
    alike: Vec<Alike>,
    /// The whole number of the row before, and what it led to: neighbours mostly have the same.
    last: Option<(i64, Option<u32>)>,
    /// Members, and the owners that they are for.
    found: Vec<(u32, Id)>,
    /// By owner: how many members there are.
    counts: Vec<u32>,
    /// Rows may say the same twice: what was said.
    seen: Option<HashSet<(u32, Id), Hashed>>,
}

impl Lists {
    /// The lists of so many owners, of which each is told by so many values. `repeats` says that rows may come twice.
    pub(super) fn new(owners: usize, width: usize, repeats: bool) -> Self {
        Self {
            width,
            by_key: HashMap::with_capacity_and_hasher(owners, Hashed::default()),
            alike: Vec::with_capacity(owners),
            last: None,
            found: Vec::new(),
            counts: vec![0; owners],
            seen: repeats.then(HashSet::default),
        }
    }

    /// An owner has these values; says whether they are new.
    pub(super) fn owner(&mut self, owner: u32, values: &[Value]) -> bool {
        let key = plain_key(values.iter().map(Value::as_ref));
        let next = self.alike.len() as u32;
        let at = *self.by_key.entry(key).or_insert(next);
        if at == next {
            self.alike.push(SmallVec::new());
        }
        self.alike[at as usize].push(owner);
        at == next
    }

    /// A row has brought an object, and has the values of its owners from a position on.
    #[inline]
    pub(super) fn member(&mut self, id: Id, row: &dyn Row, at: usize) {
        let whole = if self.width == 1 { row.integer(at) } else { None };
        let place = match (whole, self.last) {
            (Some(n), Some((last, place))) if n == last => place,
            (Some(n), _) => {
                let place = self.by_key.get(&Key::Int(n)).copied();
                self.last = Some((n, place));
                place
            }
            (None, _) => {
                let value = |at: usize| row.get(at).unwrap_or(ValueRef::Null);
                self.by_key.get(&plain_key((at..at + self.width).map(value))).copied()
            }
        };
        let Some(place) = place else { return };
        for &owner in &self.alike[place as usize] {
            if self.seen.as_mut().is_none_or(|seen| seen.insert((owner, id))) {
                self.found.push((owner, id));
                self.counts[owner as usize] += 1;
            }
        }
    }

    /// By owner, its members.
    pub(super) fn into_lists(self) -> Vec<Vec<Id>> {
        let mut lists: Vec<Vec<Id>> =
            self.counts.iter().map(|count| Vec::with_capacity(*count as usize)).collect();
        for (owner, id) in self.found {
            lists[owner as usize].push(id);
        }
        lists
    }
}
