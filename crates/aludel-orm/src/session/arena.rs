//! The arena: a slab of objects for each class.

use std::any::Any;
use std::num::NonZeroU32;

use aludel_sql::{Error, ErrorKind};

use super::owners::Owners;
use super::state::{Flags, ObjectState, State};
use crate::Result;
use crate::instrumentation::{Chunks, Field, Id, Mapped, Object, Objects};
use crate::mapping::Mapper;

/// The objects of one class, and their states.
pub(crate) struct Slab {
    pub(crate) states: Vec<State>,
    free: Vec<u32>,
    pub(crate) objects: Box<dyn Objects>,
    /// The column attributes that a whole object has (the first 64).
    pub(crate) whole: u64,
    /// The other column attributes: generated, deferred, or beyond the first 64.
    pub(crate) partial: Box<[u16]>,
    /// Words for each slot beyond the first 64 attributes: loaded, then expired.
    words: usize,
    wide: Vec<u64>,
    pub(crate) owners: Owners,
    /// The generation of new slots, where it is not the session's first.
    first: u32,
}

/// Which attributes of an object have values, and which are expired.
pub(crate) struct Presence {
    loaded: u64,
    expired: u64,
    wide: Box<[u64]>,
}

/// All objects of a session.
pub(crate) struct Arena {
    pub(crate) slabs: Vec<Option<Slab>>,
    pub(crate) session: u16,
    /// By class, the generation after all that its handles have had, where its slab was given back.
    generations: Vec<u32>,
}

impl Slab {
    /// A slab for objects of a class. A whole object has the column attributes `whole`.
    pub(crate) fn new(objects: Box<dyn Objects>, whole: u64, mapper: &Mapper) -> Self {
        let is_whole = |attribute: u16| attribute < 64 && whole & (1 << attribute) != 0;
        Self {
            partial: mapper.columns.iter().copied().filter(|a| !is_whole(*a)).collect(),
            states: Vec::new(),
            free: Vec::new(),
            objects,
            whole,
            words: mapper.properties.len().saturating_sub(1) / 64,
            wide: Vec::new(),
            owners: Owners::new(mapper.owners.len()),
            first: 0,
        }
    }

    /// Takes a slot for an object to come.
    #[inline]
    pub(crate) fn reserve(&mut self, session: u16, class: u16) -> Id {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                // Generations start at the session's tag, so that a handle of another session whose tag
                // is the same modulo 2^16 is still unlikely to fit.
                let slot = self.states.len() as u32;
                self.states.push(State::free(self.first.max(u32::from(session) + 1)));
                self.wide.resize(self.wide.len() + 2 * self.words, 0);
                slot
            }
        };
        let state = &mut self.states[slot as usize];
        state.flags = Flags::TAKEN;
        let generation = NonZeroU32::new(state.generation).unwrap_or(NonZeroU32::MIN);
        Id { slot, generation, class, session }
    }

    /// Gives a slot back, and its object.
    pub(crate) fn release(&mut self, slot: u32) -> Option<Box<dyn Object>> {
        let object = self.objects.take(slot);
        self.owners.forget(slot);
        let generation = self.states[slot as usize].generation;
        let words = self.words * 2;
        let at = slot as usize * words;
        self.wide[at..at + words].fill(0);
        // A slot whose generations are used up is never used again.
        match generation.checked_add(1) {
            Some(next) => {
                self.states[slot as usize] = State::free(next);
                self.free.push(slot);
            }
            None => self.states[slot as usize] = State::free(0),
        }
        object
    }

    #[inline]
    fn word(&self, slot: u32, attribute: u16, expired: bool) -> usize {
        slot as usize * self.words * 2
            + if expired { self.words } else { 0 }
            + (attribute as usize / 64 - 1)
    }

    #[inline]
    pub(crate) fn is_loaded(&self, slot: u32, attribute: u16) -> bool {
        if attribute < 64 {
            self.states[slot as usize].loaded & (1 << attribute) != 0
        } else {
            self.wide[self.word(slot, attribute, false)] & (1 << (attribute % 64)) != 0
        }
    }

    /// Whether some attribute of an object may be expired: where this says no, none is.
    #[inline]
    pub(crate) fn may_be_expired(&self, slot: u32) -> bool {
        self.words > 0 || self.states[slot as usize].expired != 0
    }

    #[inline]
    pub(crate) fn is_expired(&self, slot: u32, attribute: u16) -> bool {
        if attribute < 64 {
            self.states[slot as usize].expired & (1 << attribute) != 0
        } else {
            self.wide[self.word(slot, attribute, true)] & (1 << (attribute % 64)) != 0
        }
    }

    #[inline]
    pub(crate) fn set_loaded(&mut self, slot: u32, attribute: u16, on: bool) {
        let word = if attribute < 64 {
            &mut self.states[slot as usize].loaded
        } else {
            let at = self.word(slot, attribute, false);
            &mut self.wide[at]
        };
        let bit = 1 << (attribute % 64);
        if on { *word |= bit } else { *word &= !bit }
    }

    #[inline]
    pub(crate) fn set_expired(&mut self, slot: u32, attribute: u16, on: bool) {
        let word = if attribute < 64 {
            &mut self.states[slot as usize].expired
        } else {
            let at = self.word(slot, attribute, true);
            &mut self.wide[at]
        };
        let bit = 1 << (attribute % 64);
        if on { *word |= bit } else { *word &= !bit }
    }

    /// Which attributes of an object have values, and which are expired.
    pub(crate) fn presence(&self, slot: u32) -> Presence {
        let state = &self.states[slot as usize];
        let at = slot as usize * self.words * 2;
        let wide = self.wide[at..at + self.words * 2].into();
        Presence { loaded: state.loaded, expired: state.expired, wide }
    }

    /// Puts that back.
    pub(crate) fn put_presence(&mut self, slot: u32, presence: Presence) {
        let state = &mut self.states[slot as usize];
        (state.loaded, state.expired) = (presence.loaded, presence.expired);
        let at = slot as usize * self.words * 2;
        self.wide[at..at + self.words * 2].copy_from_slice(&presence.wide);
    }

    /// The slots that hold objects.
    pub(crate) fn taken(&self) -> impl Iterator<Item = (u32, &State)> {
        self.states
            .iter()
            .enumerate()
            .filter(|(_, state)| state.has(Flags::TAKEN))
            .map(|(slot, state)| (slot as u32, state))
    }

    /// The typed objects, where they are structs of type `T`.
    #[inline]
    pub(crate) fn chunks<T: Mapped>(&self) -> Option<&Chunks<T>> {
        let any: &dyn Any = &*self.objects;
        any.downcast_ref()
    }

    #[inline]
    pub(crate) fn chunks_mut<T: Mapped>(&mut self) -> Option<&mut Chunks<T>> {
        let any: &mut dyn Any = &mut *self.objects;
        any.downcast_mut()
    }
}

impl Arena {
    pub(crate) fn new(session: u16) -> Self {
        Self { slabs: Vec::new(), session, generations: Vec::new() }
    }

    /// Begins the objects of a class.
    pub(crate) fn put(&mut self, class: u16, mut slab: Slab) {
        let at = usize::from(class);
        slab.first = self.generations.get(at).copied().unwrap_or(0);
        self.slabs[at] = Some(slab);
    }

    /// Gives the memory of a class back, with all objects that it has; their handles stay void.
    pub(crate) fn clear(&mut self, class: u16) {
        let at = usize::from(class);
        let Some(slab) = self.slabs.get(at).and_then(Option::as_ref) else { return };
        let last = slab.states.iter().map(|state| state.generation).max().unwrap_or(slab.first);
        // Where a slot's generations are used up, its memory stays.
        let Some(next) = last.checked_add(1) else { return };
        if self.generations.len() <= at {
            self.generations.resize(at + 1, 0);
        }
        self.generations[at] = next;
        self.slabs[at] = None;
    }

    /// How many objects of a class there are.
    pub(crate) fn count(&self, class: u16) -> usize {
        self.slab(class).map_or(0, |slab| slab.taken().count())
    }

    /// The slab of a class that has objects.
    #[inline]
    pub(crate) fn slab(&self, class: u16) -> Option<&Slab> {
        self.slabs.get(class as usize)?.as_ref()
    }

    /// The state of an object, where its id names one that is here.
    #[inline]
    pub(crate) fn held(&self, id: Id) -> Option<&State> {
        let state = self.slab(id.class)?.states.get(id.slot as usize)?;
        let held = id.session == self.session
            && state.generation == id.generation.get()
            && state.has(Flags::TAKEN);
        held.then_some(state)
    }

    /// The same, to be changed.
    #[inline]
    pub(crate) fn held_mut(&mut self, id: Id) -> Option<&mut State> {
        let slab = self.slabs.get_mut(id.class as usize)?.as_mut()?;
        let state = slab.states.get_mut(id.slot as usize)?;
        let held = id.session == self.session
            && state.generation == id.generation.get()
            && state.has(Flags::TAKEN);
        held.then_some(state)
    }

    /// Whether an id names an object that is here.
    #[inline]
    pub(crate) fn holds(&self, id: Id) -> bool {
        self.held(id).is_some()
    }

    /// The same, as an error that says what is wrong.
    pub(crate) fn check(&self, id: Id) -> Result<()> {
        if self.holds(id) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidRequest,
            if id.session == self.session {
                "this handle's object has left the session"
            } else {
                "this handle belongs to another session: merge its object into this one"
            },
        ))
    }

    /// The slab of an object that is known to be here.
    ///
    /// # Panics
    ///
    /// Panics on an id that was not [checked](Self::check): a bug in this crate.
    #[inline]
    pub(crate) fn of(&self, id: Id) -> &Slab {
        self.slabs[id.class as usize].as_ref().expect("the id was checked")
    }

    #[inline]
    pub(crate) fn of_mut(&mut self, id: Id) -> &mut Slab {
        self.slabs[id.class as usize].as_mut().expect("the id was checked")
    }

    /// The state of an object that is known to be here.
    #[inline]
    pub(crate) fn state(&self, id: Id) -> &State {
        &self.of(id).states[id.slot as usize]
    }

    #[inline]
    pub(crate) fn state_mut(&mut self, id: Id) -> &mut State {
        &mut self.of_mut(id).states[id.slot as usize]
    }

    /// The object of an id that is known to be here.
    #[inline]
    pub(crate) fn object(&self, id: Id) -> &dyn Object {
        self.of(id).objects.get(id.slot).expect("the id was checked")
    }

    #[inline]
    pub(crate) fn object_mut(&mut self, id: Id) -> &mut dyn Object {
        self.of_mut(id).objects.get_mut(id.slot).expect("the id was checked")
    }

    /// The field of a mapped attribute.
    #[inline]
    pub(crate) fn field(&self, id: Id, attribute: u16) -> &dyn Field {
        self.object(id).field(attribute).expect("a mapped attribute has a field")
    }

    #[inline]
    pub(crate) fn field_mut(&mut self, id: Id, attribute: u16) -> &mut dyn Field {
        self.object_mut(id).field_mut(attribute).expect("a mapped attribute has a field")
    }

    #[inline]
    pub(crate) fn is_loaded(&self, id: Id, attribute: u16) -> bool {
        self.of(id).is_loaded(id.slot, attribute)
    }

    /// The ids of all objects of a state.
    pub(crate) fn ids(&self, wanted: impl Fn(&State) -> bool) -> Vec<Id> {
        (0..self.slabs.len() as u16).flat_map(|class| self.ids_of(class, &wanted)).collect()
    }

    /// The ids of the objects of a class that are of a state.
    pub(crate) fn ids_of(&self, class: u16, wanted: impl Fn(&State) -> bool) -> Vec<Id> {
        let mut ids = Vec::new();
        for (slot, state) in self.slab(class).iter().flat_map(|slab| slab.taken()) {
            if wanted(state)
                && let Some(generation) = NonZeroU32::new(state.generation)
            {
                ids.push(Id { slot, generation, class, session: self.session });
            }
        }
        ids
    }

    /// The state of an object, or that it is not here.
    pub(crate) fn life(&self, id: Id) -> Option<ObjectState> {
        self.held(id).map(|state| state.life)
    }
}
