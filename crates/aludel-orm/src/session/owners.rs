//! The owners that the objects of a class are known to have: what SQLAlchemy's `InstanceState.parents` holds.

use super::FastMap;
use super::identity::Key;
use crate::instrumentation::Id;

/// Slots of a page.
const PAGE: usize = 64;

/// What is known of an object's owner in a relationship.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Neither has one been seen to come nor to go.
    #[default]
    Unknown,
    /// It has lost the one that it had.
    Lost,
    /// It has this one.
    Is(Id),
    /// It has one that was not here when this was learned: by its identity, where that is known.
    Away,
}

/// The identity of an owner: the root of its hierarchy, and its key.
pub(crate) type OwnerKey = (u16, Key);

/// By slot and relationship (its place in the mapper's list). There is memory for pages of slots where
/// something is known, and none for the others.
pub(crate) struct Owners {
    width: usize,
    pages: Vec<Option<Box<[Owner]>>>,
    /// Who the owners are that are [away](Owner::Away), by slot and relationship.
    away: FastMap<(u32, usize), OwnerKey>,
}

impl Owners {
    /// For a class whose objects can be owned in so many relationships.
    pub(crate) fn new(width: usize) -> Self {
        Self { width, pages: Vec::new(), away: FastMap::default() }
    }

    /// Nothing has ever been known.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    fn place(&self, slot: u32, relationship: usize) -> (usize, usize) {
        let slot = slot as usize;
        (slot / PAGE, slot % PAGE * self.width + relationship)
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32, relationship: usize) -> Owner {
        let (page, at) = self.place(slot, relationship);
        match self.pages.get(page) {
            Some(Some(page)) => page[at],
            _ => Owner::Unknown,
        }
    }

    /// Gives what was known before.
    #[inline]
    pub(crate) fn set(&mut self, slot: u32, relationship: usize, owner: Owner) -> Owner {
        let (page, at) = self.place(slot, relationship);
        if !matches!(self.pages.get(page), Some(Some(_))) {
            if owner == Owner::Unknown {
                return owner;
            }
            self.add_page(page);
        }
        match &mut self.pages[page] {
            Some(page) => std::mem::replace(&mut page[at], owner),
            None => Owner::Unknown,
        }
    }

    /// Who the owner is that an object has elsewhere.
    pub(crate) fn away(&self, slot: u32, relationship: usize) -> Option<&OwnerKey> {
        self.away.get(&(slot, relationship))
    }

    /// Puts down who an object's owner elsewhere is. It stays until the object goes, so that what comes after it can be
    /// taken back.
    pub(crate) fn put_away(&mut self, slot: u32, relationship: usize, key: OwnerKey) {
        self.away.insert((slot, relationship), key);
    }

    #[cold]
    fn add_page(&mut self, page: usize) {
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        self.pages[page] = Some(vec![Owner::Unknown; PAGE * self.width].into());
    }

    /// Forgets all of an object.
    pub(crate) fn forget(&mut self, slot: u32) {
        let (page, at) = self.place(slot, 0);
        if let Some(Some(page)) = self.pages.get_mut(page) {
            page[at..at + self.width].fill(Owner::Unknown);
        }
        if !self.away.is_empty() {
            for relationship in 0..self.width {
                self.away.remove(&(slot, relationship));
            }
        }
    }
}
