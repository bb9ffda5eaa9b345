//! Reading objects, and asking what they are.

use std::ops::Index;

use smallvec::SmallVec;

use super::Session;
use super::identity::Key;
use super::state::{Flags, ObjectState};
use crate::instrumentation::{ClassDef, Handle, Id, IsA, Mapped, Narrow};
use crate::mapping::Relationship;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// The object that a handle names.
    ///
    /// # Errors
    ///
    /// When it is not in this session's arena, is of another class, or is not whole: expired, or loaded
    /// without some of its columns. Reading never loads; refresh it first, or read single attributes.
    pub fn try_get<T: Mapped>(&self, object: Handle<T>) -> Result<&T> {
        let id = object.id;
        self.arena.check(id)?;
        let slab = self.arena.of(id);
        let state = &slab.states[id.slot as usize];
        if state.loaded & slab.whole != slab.whole && !state.has(Flags::FRESH) {
            self.check_whole(id)?;
        }
        if let Some(chunks) = slab.chunks::<T>() {
            return chunks.at(id.slot).ok_or_else(|| self.no_such_field(id, 0));
        }
        // A handle of a base class: the object embeds it.
        // A record is in a store that does not tell its type.
        let mut part = Some(self.arena.object(id));
        while let Some(base) = part {
            let any: &dyn std::any::Any = base;
            if let Some(base) = any.downcast_ref::<T>() {
                return Ok(base);
            }
            part = base.base();
        }
        Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("{} is not a {}", self.describe_object(id), T::class().name),
        ))
    }

    /// Some column is absent: whether that makes the object unreadable as a whole.
    #[cold]
    fn check_whole(&self, id: Id) -> Result<()> {
        let slab = self.arena.of(id);
        let missing = (0..64u16).find(|a| {
            slab.whole & (1 << a) != 0 && !slab.is_loaded(id.slot, *a) && self.needs_load(id, *a)
        });
        match missing {
            None => Ok(()),
            Some(attribute) if self.expression(id, attribute).is_some() => {
                Err(self.not_loaded(id, attribute))
            }
            Some(attribute) => Err(Error::new(
                ErrorKind::NotLoaded,
                format!(
                    "{} is not whole, since {} is not loaded: call `session.refresh(handle).await?` first",
                    self.describe_object(id),
                    self.mapper_of(id).property(attribute).name(),
                ),
            )),
        }
    }

    /// Whether an absent column would have to be loaded to be read; else it was never set, and reads as
    /// its default.
    pub(crate) fn needs_load(&self, id: Id, attribute: u16) -> bool {
        if self.expression(id, attribute).is_some() {
            return true;
        }
        let state = self.arena.state(id);
        if !state.has(Flags::HAS_KEY) {
            return false;
        }
        self.arena.of(id).is_expired(id.slot, attribute)
            || self.mapper_of(id).column(attribute).is_none_or(|c| c.deferred)
    }

    /// The state of an object.
    ///
    /// # Errors
    ///
    /// When the handle's object is not in this session's arena.
    pub fn state<T>(&self, object: Handle<T>) -> Result<ObjectState> {
        self.arena.check(object.id)?;
        Ok(self.arena.state(object.id).life)
    }

    /// Whether the session's arena holds the object, in whatever state.
    pub fn holds<T>(&self, object: Handle<T>) -> bool {
        self.arena.holds(object.id)
    }

    /// Whether the object belongs to the session: it is pending or persistent. SQLAlchemy's `obj in session`.
    pub fn contains<T>(&self, object: Handle<T>) -> bool {
        self.arena.holds(object.id) && self.arena.state(object.id).in_session()
    }

    /// Whether the object has been flagged as changed since the last flush, also where the changes cancel out.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn is_dirty<T>(&self, object: Handle<T>) -> Result<bool> {
        self.arena.check(object.id)?;
        Ok(self.arena.state(object.id).has(Flags::MODIFIED))
    }

    /// Whether the object has a net change: the next flush would write something for it.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn is_modified<T>(&self, object: Handle<T>) -> Result<bool> {
        self.arena.check(object.id)?;
        Ok(self.is_modified_at(object.id))
    }

    pub(crate) fn is_modified_at(&self, id: Id) -> bool {
        if !self.arena.state(id).has(Flags::MODIFIED) {
            return false;
        }
        let mapper = self.mapper_of(id);
        mapper.columns.iter().chain(&mapper.relationships).any(|a| self.has_changes(id, *a))
    }

    /// The handle as one of a subclass, when its object is of that class.
    pub fn downcast<B, T: Mapped + IsA<B>>(&self, object: Handle<B>) -> Option<Handle<T>> {
        let wanted = *self.mappers.by_type.get(&crate::instrumentation::ClassKey::of::<T>())?;
        (self.arena.holds(object.id) && self.mappers.is_a(object.id.class, wanted))
            .then(|| Handle::new(object.id))
    }

    /// A handle of the object's own class, as a variant of the enum that the base class has of its subclasses
    /// ([`Narrow`]): to tell them apart by a `match`.
    ///
    /// The variant is that of the nearest class above the object's own that is listed; that of `B` where none is.
    /// Nothing is loaded.
    ///
    /// # Errors
    ///
    /// When the handle's object is not in this session's arena, or is no `B`.
    pub fn narrow<B: Narrow>(&self, object: Handle<B>) -> Result<B::Narrowed> {
        Ok(B::narrowed(object.id, self.listed(object.id, B::class())?))
    }

    /// The place of an object's class, or of the nearest above it, in the list of a base's subclasses.
    fn listed(&self, id: Id, base: &'static ClassDef) -> Result<Option<usize>> {
        self.arena.check(id)?;
        let mut at = Some(self.mapper_of(id));
        while let Some(mapper) = at.filter(|mapper| mapper.def.key() != base.key()) {
            let is_this = |sub: &fn() -> &'static ClassDef| sub().key() == mapper.def.key();
            if let Some(found) = base.subclasses.iter().position(is_this) {
                return Ok(Some(found));
            }
            at = mapper.base.map(|above| self.mappers.at(above));
        }
        match at {
            Some(_) => Ok(None),
            None => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{} is not a {}", self.describe_object(id), base.name),
            )),
        }
    }

    /// The key under which the database knows an object, if it does.
    pub(crate) fn identity_key(&self, id: Id) -> Option<Key> {
        let state = self.arena.state(id);
        if !state.has(Flags::HAS_KEY) {
            return None;
        }
        if state.has(Flags::KEY_ASIDE) {
            return self.keys_aside.get(&id).cloned();
        }
        if state.head != 0 {
            return self.key_before(id);
        }
        self.current_key(id)
    }

    /// The key of an object that has changes: where a part of it was set, the database still has the old one.
    fn key_before(&self, id: Id) -> Option<Key> {
        let head = self.arena.state(id).head;
        let object = self.arena.object(id);
        let part = |attribute: &u16| match self.log.find(head, *attribute).map(|e| e.old.value()) {
            Some(Some(old)) => Some(aludel_sql::Bind::Ref(old.as_ref())),
            _ => object.field(*attribute).map(|f| f.bind()),
        };
        let values: SmallVec<[_; 4]> =
            self.mapper_of(id).primary_key.iter().map(part).collect::<Option<_>>()?;
        self.mapper_of(id).key_of(&values)
    }

    /// The key that the object's attributes say, if they all have a value.
    pub(crate) fn current_key(&self, id: Id) -> Option<Key> {
        let object = self.arena.object(id);
        let mapper = self.mapper_of(id);
        let key = &mapper.primary_key;
        if let [attribute] = key.as_slice()
            && let aludel_sql::Bind::Ref(aludel_sql::ValueRef::I64(n)) =
                object.field(*attribute)?.bind()
        {
            return Some(Key::Int(n));
        }
        let values: SmallVec<[_; 4]> =
            key.iter().map(|a| object.field(*a).map(|f| f.bind())).collect::<Option<_>>()?;
        mapper.key_of(&values)
    }

    /// The object of a class that stands for a key, if it is in the identity map. An object of another
    /// class of the hierarchy does not count.
    pub(crate) fn find(&self, class: u16, key: &Key) -> Option<Id> {
        let place = self.identity_of(class)?.get(key)?;
        let id = self.id_at(place);
        self.mappers.is_a(place.class, class).then_some(id)
    }

    #[inline]
    pub(crate) fn id_at(&self, place: super::identity::Place) -> Id {
        let state = self.arena.slab(place.class).map(|s| s.states[place.slot as usize].generation);
        Id {
            slot: place.slot,
            generation: state
                .and_then(std::num::NonZeroU32::new)
                .unwrap_or(std::num::NonZeroU32::MIN),
            class: place.class,
            session: self.arena.session,
        }
    }

    /// What a many-to-one refers to by its foreign key, where the identity map or a NULL tells; with
    /// `committed`, by the foreign key as the database has it.
    pub(crate) fn peek_by_key(
        &self,
        id: Id,
        relationship: &Relationship,
        committed: bool,
    ) -> Option<Option<Id>> {
        if !relationship.by_key || relationship.primaryjoin.is_some() {
            return None;
        }
        let key = match self.foreign_key(id, relationship, committed)? {
            None => return Some(None),
            Some(key) => key,
        };
        // One that is expired would have to be loaded to know whether it is there still.
        self.present(relationship.target, &key).map(Some)
    }

    /// The key that a many-to-one's foreign key says: `None` when it is not loaded, `Some(None)` when a part
    /// of it is NULL. With `committed`, as the database has it: what was never set does not tell then, and
    /// what was replaced without being known counts as NULL.
    pub(crate) fn foreign_key(
        &self,
        id: Id,
        relationship: &Relationship,
        committed: bool,
    ) -> Option<Option<Key>> {
        let state = self.arena.state(id);
        // By far the most frequent, and asked of every object that is loaded or deleted: one whole number, as it was read.
        if let [(local, _)] = relationship.pairs.as_slice()
            && state.head == 0
            && self.arena.is_loaded(id, *local)
            && let aludel_sql::Bind::Ref(aludel_sql::ValueRef::I64(n)) =
                self.arena.field(id, *local).bind()
        {
            return Some(Some(Key::Int(n)));
        }
        let mut values: SmallVec<[_; 2]> = SmallVec::new();
        for (local, _) in &relationship.pairs {
            let logged = if committed && !state.has(Flags::FRESH) {
                self.log.find(state.head, *local)
            } else {
                None
            };
            match logged.map(|e| e.old.value()) {
                Some(Some(old)) => values.push(aludel_sql::Bind::Ref(old.as_ref())),
                Some(None) => values.push(aludel_sql::Bind::Ref(aludel_sql::ValueRef::Null)),
                None => {
                    if !self.arena.is_loaded(id, *local)
                        && (committed || self.needs_load(id, *local))
                    {
                        return None;
                    }
                    values.push(self.arena.field(id, *local).bind());
                }
            }
        }
        Some(self.mappers.at(relationship.target).key_of(&values))
    }
}

impl<T: Mapped> Index<Handle<T>> for Session {
    type Output = T;

    /// The object that a handle names.
    ///
    /// Changes go through [`edit`](Session::edit), [`set`](Session::set) and their kin: there is no `IndexMut`.
    ///
    /// # Panics
    ///
    /// Panics where [`try_get`](Session::try_get) gives an error.
    #[inline]
    #[track_caller]
    fn index(&self, object: Handle<T>) -> &T {
        let id = object.id;
        if let Some(slab) = self.arena.slab(id.class)
            && let Some(state) = slab.states.get(id.slot as usize)
            && state.generation == id.generation.get()
            && state.has(Flags::TAKEN)
            && id.session == self.arena.session
            && state.loaded & slab.whole == slab.whole
            && let Some(object) = slab.chunks::<T>().and_then(|c| c.at(id.slot))
        {
            return object;
        }
        match self.try_get(object) {
            Ok(object) => object,
            Err(error) => panic!("{error}"),
        }
    }
}
