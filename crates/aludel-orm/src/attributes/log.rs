//! The change log: for each changed attribute of each object, its value before the first change.
//!
//! There is one log for a session. An object's entries are chained, newest first, from its state; they
//! are dropped when the object is flushed, expired or refreshed.

use aludel_sql::{Node, Value};

use crate::instrumentation::OneCore;

/// What an attribute was before it changed.
#[derive(Clone)]
pub(crate) enum Old {
    /// It had no value, or none that is known.
    Absent,
    /// A column's value.
    Value(Value),
    /// A reference.
    One(OneCore),
    /// A column's value, and the SQL expression that is to make the new one. It counts as long as the attribute has no
    /// value: one that is set later stands in its place.
    Expression(Box<Replaced>),
}

/// A value in whose place an SQL expression came.
#[derive(Clone)]
pub(crate) struct Replaced {
    /// The value, where it is known.
    pub(crate) old: Option<Value>,
    pub(crate) by: Node,
}

impl Old {
    /// The value of a column, where it is known.
    #[inline]
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(old) => Some(old),
            Self::Expression(replaced) => replaced.old.as_ref(),
            Self::Absent | Self::One(_) => None,
        }
    }

    /// The same, where nothing is to stand in its place.
    pub(crate) fn of_column(old: Option<Value>) -> Self {
        old.map_or(Self::Absent, Self::Value)
    }

    /// A reference that had never been set: to delete it changes nothing.
    pub(crate) fn was_never_set(&self) -> bool {
        matches!(self, Self::One(OneCore::Unset))
    }
}

pub(crate) struct Entry {
    pub(crate) attribute: u16,
    /// The next older entry of the object, plus one; 0 is none.
    pub(crate) previous: u32,
    pub(crate) old: Old,
}

#[derive(Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    /// Entries that some object's chain reaches.
    live: usize,
    /// Whether some entry may have an SQL expression.
    expressions: bool,
}

impl Log {
    /// The entry of an attribute in the chain that starts at `head`.
    pub(crate) fn find(&self, head: u32, attribute: u16) -> Option<&Entry> {
        self.chain(head).find(|entry| entry.attribute == attribute)
    }

    pub(crate) fn find_mut(&mut self, mut head: u32, attribute: u16) -> Option<&mut Entry> {
        while head != 0 {
            let at = head as usize - 1;
            if self.entries[at].attribute == attribute {
                return Some(&mut self.entries[at]);
            }
            head = self.entries[at].previous;
        }
        None
    }

    /// Whether some object may have an attribute that an SQL expression is to make.
    #[inline]
    pub(crate) fn has_expressions(&self) -> bool {
        self.expressions
    }

    /// An entry has an SQL expression from here on.
    pub(crate) fn note_expression(&mut self) {
        self.expressions = true;
    }

    /// The entries of the chain that starts at `head`.
    pub(crate) fn chain(&self, head: u32) -> impl Iterator<Item = &Entry> {
        let mut at = head;
        std::iter::from_fn(move || {
            let entry = self.entries.get((at as usize).checked_sub(1)?)?;
            at = entry.previous;
            Some(entry)
        })
    }

    /// Adds an entry; gives the new head of the object's chain.
    pub(crate) fn push(&mut self, entry: Entry) -> u32 {
        self.entries.push(entry);
        self.live += 1;
        self.entries.len() as u32
    }

    /// Takes back the entry of an attribute in the chain that starts at `head`, if it is still there; gives the new head.
    pub(crate) fn take_back(&mut self, head: u32, attribute: u16) -> u32 {
        match self.entries.last() {
            Some(newest)
                if head as usize == self.entries.len() && newest.attribute == attribute =>
            {
                let previous = newest.previous;
                self.entries.pop();
                self.live -= 1;
                previous
            }
            _ => self.remove(head, attribute),
        }
    }

    /// Drops the chain that starts at `head`.
    pub(crate) fn drop_chain(&mut self, mut head: u32) {
        while head != 0 {
            let entry = &mut self.entries[head as usize - 1];
            head = std::mem::take(&mut entry.previous);
            entry.old = Old::Absent;
            self.live -= 1;
        }
    }

    /// Takes one attribute out of the chain that starts at `head`; gives the new head.
    pub(crate) fn remove(&mut self, head: u32, attribute: u16) -> u32 {
        let mut at = head;
        let mut newer = 0;
        while at != 0 {
            let index = at as usize - 1;
            let previous = self.entries[index].previous;
            if self.entries[index].attribute == attribute {
                self.entries[index].old = Old::Absent;
                self.live -= 1;
                if newer == 0 {
                    return previous;
                }
                self.entries[newer as usize - 1].previous = previous;
                return head;
            }
            newer = at;
            at = previous;
        }
        head
    }

    /// Whether the dead entries are worth sweeping out.
    pub(crate) fn wants_sweep(&self) -> bool {
        self.live == 0 && !self.entries.is_empty()
            || self.entries.len() > 1024 && self.live < self.entries.len() / 2
    }

    /// Sweeps: the live entries are those reached from `heads`, which are given their new places.
    pub(crate) fn sweep<'a>(&mut self, heads: impl Iterator<Item = &'a mut u32>) {
        if self.live == 0 {
            self.entries.clear();
            self.expressions = false;
            return;
        }
        let mut old: Vec<Option<Entry>> =
            std::mem::take(&mut self.entries).into_iter().map(Some).collect();
        for head in heads {
            let mut chain = Vec::new();
            let mut at = *head;
            while at != 0 {
                let Some(entry) = old[at as usize - 1].take() else { break };
                at = entry.previous;
                chain.push(entry);
            }
            let mut new_head = 0;
            for mut entry in chain.into_iter().rev() {
                entry.previous = new_head;
                self.entries.push(entry);
                new_head = self.entries.len() as u32;
            }
            *head = new_head;
        }
        self.live = self.entries.len();
    }
}
