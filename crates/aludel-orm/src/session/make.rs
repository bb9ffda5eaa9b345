//! How objects are made: from a literal, or empty.

use std::sync::Arc;

use super::Session;
use super::state::Flags;
use crate::attributes::events::{Change, Incoming, Initiator, Op};
use crate::attributes::journal::Undo;
use crate::events::{AttributeEvent, ObjectEvent};
use crate::instrumentation::{Handle, Id, IntoObject, ManyCore, Mapped, Object, OneCore};
use crate::mapping::{Mapper, PropertyKind};
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Takes a value into the arena as a transient object: it has a handle, and is in no session's work yet.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped, or a validator refuses a value.
    #[inline]
    pub fn make<T: Mapped>(&mut self, value: T) -> Result<Handle<T>> {
        let gives_objects = value.gives_objects(self);
        self.guarded(gives_objects, |s| s.make_now(value, gives_objects))
    }

    // Little of it is generic, and that is inlined: a value that is handed on is a value that is copied.
    #[inline]
    pub(crate) fn make_now<T: Mapped>(
        &mut self,
        value: T,
        gives_objects: bool,
    ) -> Result<Handle<T>> {
        let class = match T::DESCRIBED {
            false => self.class_of::<T>()?,
            true => self.class_of_record(value.own_class())?,
        };
        let id = self.reserve(class, T::DESCRIBED);
        match self.arena.of_mut(id).chunks_mut::<T>() {
            Some(chunks) => chunks.set(id.slot, value),
            None => self.put_boxed(id, Box::new(value))?,
        }
        self.made(id, T::DESCRIBED, gives_objects)?;
        Ok(Handle::new(id))
    }

    /// A slot for an object that is made from a literal.
    fn reserve(&mut self, class: u16, described: bool) -> Id {
        let session = self.arena.session;
        let slab = self.slab_for(class);
        let id = slab.reserve(session, class);
        let state = &mut slab.states[id.slot as usize];
        state.flags.set(Flags::FRESH);
        state.loaded = if described { 0 } else { slab.whole };
        id
    }

    #[cold]
    fn put_boxed(&mut self, id: Id, object: Box<dyn Object>) -> Result<()> {
        let slab = self.arena.of_mut(id);
        if slab.objects.put(id.slot, object).is_err() {
            slab.release(id.slot);
            return Err(self.no_such_field(id, 0));
        }
        Ok(())
    }

    /// The object is in its slot: what else there is to it.
    fn made(&mut self, id: Id, described: bool, gives_objects: bool) -> Result<()> {
        if self.mapper_of(id).is_abstract {
            return Err(self.is_abstract(id));
        }
        self.journal.write(|| Undo::Made { id });
        let mapper = self.mapper_of(id);
        let bare = !gives_objects && mapper.discriminator.is_none();
        if bare && !described && !self.may_refuse() {
            self.note_generated(id);
            return Ok(());
        }
        let mapper = Arc::clone(mapper);
        if self.may_refuse() {
            self.tell_made(id)?;
        }
        self.settle(id, &mapper, described)
    }

    /// No object is of a class that is abstract: takes it back.
    #[cold]
    fn is_abstract(&mut self, id: Id) -> Error {
        self.arena.of_mut(id).release(id.slot);
        self.no_object_of(id.class)
    }

    /// Whether there may be objects of a class.
    ///
    /// # Errors
    ///
    /// When it is abstract.
    pub(crate) fn check_concrete(&self, class: u16) -> Result<()> {
        match self.mappers.at(class).is_abstract {
            true => Err(self.no_object_of(class)),
            false => Ok(()),
        }
    }

    #[cold]
    fn no_object_of(&self, class: u16) -> Error {
        let message = format!(
            "class {} is abstract (`polymorphic_abstract`): make an object of a subclass",
            self.mappers.at(class).class_name()
        );
        Error::new(ErrorKind::InvalidRequest, message)
    }

    /// Of an object that has all its plain columns: which of the others a literal sets as well.
    #[inline]
    fn note_generated(&mut self, id: Id) {
        let slab = self.arena.of_mut(id);
        for at in 0..slab.partial.len() {
            let attribute = slab.partial[at];
            let field = || slab.objects.get(id.slot)?.field(attribute);
            if field().is_some_and(|f| f.is_set()) {
                slab.set_loaded(id.slot, attribute, true);
            }
        }
    }

    /// Tells that the program has made an object.
    #[cold]
    fn tell_made(&mut self, id: Id) -> Result<()> {
        if self.listeners.is_first_made(id.class) {
            self.tell(ObjectEvent::FirstInit, id)?;
        }
        self.tell(ObjectEvent::Init, id)
    }

    /// Lets listeners give values to the columns of a new object that have none.
    fn init_scalars(&mut self, id: Id) -> Result<()> {
        let mapper = Arc::clone(self.mapper_of(id));
        for &attribute in &mapper.columns {
            let declared = mapper.property(attribute).declared_by;
            if self.arena.is_loaded(id, attribute)
                || !self.listeners.listens(declared, attribute, AttributeEvent::InitScalar)
            {
                continue;
            }
            let before = self.arena.field(id, attribute).clone_field();
            let mut field = before.clone_field();
            let mut change = Change {
                target: id,
                attribute,
                op: Op::Replace,
                initiator: Initiator { mapper: declared, attribute, op: Op::Replace },
                new: Incoming::Field(&mut *field),
                old: None,
            };
            self.notify_of(AttributeEvent::InitScalar, declared, &mut change)?;
            if !self.arena.is_loaded(id, attribute) && !field.same(&*before) {
                self.arena.field_mut(id, attribute).swap(&mut *field);
                self.arena.of_mut(id).set_loaded(id.slot, attribute, true);
            }
        }
        Ok(())
    }

    /// Makes a transient object with nothing set: filled attribute by attribute, it knows what was never
    /// set from what was set to NULL.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped, or a listener refuses.
    pub fn create<T: Mapped>(&mut self) -> Result<Handle<T>> {
        let class = self.class_of::<T>()?;
        self.create_told(class).map(Handle::new)
    }

    /// Makes an object with nothing set, in the program's name.
    pub(crate) fn create_told(&mut self, class: u16) -> Result<Id> {
        self.slab_for(class);
        self.check_concrete(class)?;
        if !self.may_refuse() {
            return Ok(self.create_at(class));
        }
        self.scope(|s| {
            let id = s.create_at(class);
            s.tell_made(id)?;
            s.init_scalars(id)?;
            Ok(id)
        })
    }

    pub(crate) fn create_at(&mut self, class: u16) -> Id {
        let session = self.arena.session;
        let slab = self.slab_for(class);
        let id = slab.reserve(session, class);
        slab.states[id.slot as usize].flags.set(Flags::FRESH);
        slab.objects.put_default(id.slot);
        self.journal.write(|| Undo::Made { id });
        if let Some((attribute, value)) = self.mapper_of(id).discriminator.clone() {
            // The discriminator is set when the object is made.
            let _ = self.arena.field_mut(id, attribute).put(value);
            self.arena.of_mut(id).set_loaded(id.slot, attribute, true);
        }
        id
    }

    /// What a literal says beside its plain columns: generated values given by hand, related objects. In a
    /// sparse object not every plain column is given.
    fn settle(&mut self, id: Id, mapper: &Mapper, sparse: bool) -> Result<()> {
        if sparse {
            let slab = self.arena.of_mut(id);
            for &attribute in &mapper.columns {
                let set = slab.objects.get(id.slot).is_some_and(|o| o.is_given(attribute));
                slab.set_loaded(id.slot, attribute, set);
            }
        } else {
            self.note_generated(id);
        }
        if let Some((attribute, value)) = mapper.discriminator.clone() {
            let _ = self.arena.field_mut(id, attribute).put(value);
            self.arena.of_mut(id).set_loaded(id.slot, attribute, true);
        }
        self.validate_literal(id, mapper)?;
        for attribute in 0..mapper.properties.len() as u16 {
            if mapper.relationship(attribute).is_none() {
                continue;
            }
            let field = self.arena.field_mut(id, attribute);
            let given = if let Some(core @ (OneCore::New(_) | OneCore::Loaded(Some(_)))) =
                field.one_mut()
            {
                let core = std::mem::take(core);
                Some(Given::One(crate::instrumentation::One::<()>::from_core(core)))
            } else if let Some(core) = field.many_mut()
                && match core {
                    ManyCore::New(_) => true,
                    ManyCore::Loaded(members) => !members.is_empty(),
                    _ => false,
                }
            {
                let core = std::mem::take(core);
                Some(Given::Many(crate::instrumentation::Many::<()>::from_core(core)))
            } else {
                None
            };
            match given {
                Some(Given::One(mut one)) => self.set_field(id, attribute, &mut one)?,
                Some(Given::Many(mut many)) => self.set_field(id, attribute, &mut many)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Runs the validators and listeners of those attributes that a literal sets.
    fn validate_literal(&mut self, id: Id, mapper: &Mapper) -> Result<()> {
        if !self.may_refuse() {
            return Ok(());
        }
        let composites = (0..mapper.properties.len() as u16)
            .filter(|a| matches!(mapper.property(*a).kind, PropertyKind::Composite { .. }));
        for attribute in composites.chain(mapper.columns.iter().copied()) {
            if !self.is_known(id, attribute) {
                continue;
            }
            let declared = mapper.property(attribute).declared_by;
            let initiator = Initiator { mapper: declared, attribute, op: Op::Replace };
            let mut field = self.arena.field(id, attribute).clone_field();
            let mut change = Change {
                target: id,
                attribute,
                op: Op::Replace,
                initiator,
                new: Incoming::Field(&mut *field),
                old: None,
            };
            self.validate(declared, &mut change)?;
            self.notify(declared, &mut change)?;
            self.arena.field_mut(id, attribute).swap(&mut *field);
        }
        self.init_scalars(id)
    }
}

/// A relationship that a literal gives.
enum Given {
    One(crate::instrumentation::One<()>),
    Many(crate::instrumentation::Many<()>),
}
