//! Validators: the listeners that belong to a mapping, and come before all others.

use std::sync::Arc;

use hashbrown::HashMap;

use super::events::{Change, Incoming, Listener, Op};
use crate::instrumentation::{Attr, Field, FieldType, Handle, Mapped};
use crate::mapping::{MapperBuilder, Mappers};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// What a validator is asked about: see [`MapperBuilder::validate_with`].
#[derive(Clone, Copy, Debug)]
pub struct Validates {
    removes: bool,
    backrefs: bool,
}

impl Default for Validates {
    fn default() -> Self {
        Self::new()
    }
}

impl Validates {
    /// What is set and what comes, also from the other side of a relationship.
    pub const fn new() -> Self {
        Self { removes: false, backrefs: true }
    }

    /// Also what is deleted, and members that go: SQLAlchemy's `include_removes=True`.
    #[must_use]
    pub const fn include_removes(mut self) -> Self {
        self.removes = true;
        self
    }

    /// Not what comes from the other side of a relationship: SQLAlchemy's `include_backrefs=False`.
    #[must_use]
    pub const fn without_backrefs(mut self) -> Self {
        self.backrefs = false;
        self
    }
}

/// A value that a validator is asked about.
#[derive(Debug)]
pub enum Validated<'a, V> {
    /// It is set, or comes; another may be put in its place.
    Given(&'a mut V),
    /// It is deleted, or goes.
    Removed(V),
}

/// A validator as it hangs on a mapping.
#[derive(Clone)]
struct Validator {
    attribute: u16,
    how: Validates,
    check: Listener,
}

impl Validator {
    /// Whether it is to be asked about a change of an attribute that a mapper declares.
    fn concerns(&self, mapper: u16, change: &Change<'_>) -> bool {
        let own = change.initiator.is(mapper, change.attribute, change.initiator.op());
        (self.how.backrefs || own) && (self.how.removes || change.op != Op::Remove)
    }
}

/// The validators of a set of mappers, by (declaring mapper, attribute).
#[derive(Default)]
pub(crate) struct Validators(HashMap<(u16, u16), Vec<Validator>>);

impl std::fmt::Debug for Validators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Validators({})", self.0.len())
    }
}

impl Validators {
    pub(crate) fn of(mappers: &Mappers) -> Self {
        let mut found: HashMap<(u16, u16), Vec<Validator>> = HashMap::new();
        for mapper in mappers.iter() {
            for validator in mapper.attachments::<Validator>() {
                let declared = mapper.property(validator.attribute).declared_by;
                found.entry((declared, validator.attribute)).or_default().push(validator.clone());
            }
        }
        Self(found)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an attribute has validators.
    pub(crate) fn has(&self, mapper: u16, attribute: u16) -> bool {
        !self.0.is_empty() && self.0.contains_key(&(mapper, attribute))
    }

    /// Those that are to be asked about a change.
    pub(crate) fn of_change<'v>(
        &'v self,
        mapper: u16,
        change: &Change<'_>,
    ) -> impl Iterator<Item = &'v Listener> + use<'v> {
        let all = if self.0.is_empty() { None } else { self.0.get(&(mapper, change.attribute)) };
        let asked: smallvec::SmallVec<[&Validator; 2]> = all
            .into_iter()
            .flatten()
            .filter(|validator| validator.concerns(mapper, change))
            .collect();
        asked.into_iter().map(|validator| &validator.check)
    }
}

impl MapperBuilder {
    /// Checks every value that the program sets on a column attribute: the validator may change it, or refuse it
    /// with an error. It does not run on what is loaded. SQLAlchemy's `@validates`. Several are asked in order.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() -> Result<()> {
    /// let registry = Registry::new();
    /// let mut mapper = registry.map::<User>();
    /// mapper.validate(User::name, |_, _, name| {
    ///     if name.is_empty() {
    ///         return Err(Error::new(ErrorKind::Validation, "a name must not be empty"));
    ///     }
    ///     *name = name.to_lowercase();
    ///     Ok(())
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn validate<C: Mapped, V: Field>(
        &mut self,
        attribute: Attr<C, V>,
        check: impl Fn(&Session, Handle<C>, &mut V) -> Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        let listener: Listener = Arc::new(move |session, change| {
            let target = Handle::new(change.target);
            if let Incoming::Field(field) = &mut change.new {
                let any: &mut dyn std::any::Any = &mut **field;
                if let Some(value) = any.downcast_mut::<V>() {
                    return check(session, target, value).map_err(refused);
                }
            }
            Ok(())
        });
        self.validator(attribute.index(), Validates::new(), listener)
    }

    /// As [`validate`](Self::validate), for a validator that says what it is asked about: also what is deleted.
    pub fn validate_with<C: Mapped, V: FieldType>(
        &mut self,
        attribute: Attr<C, V>,
        how: Validates,
        check: impl Fn(&mut Session, Handle<C>, Validated<'_, V>) -> Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        let number = attribute.index();
        let listener: Listener = Arc::new(move |session, change| {
            let target = Handle::new(change.target);
            match &mut change.new {
                Incoming::Field(field) => {
                    let any: &mut dyn std::any::Any = &mut **field;
                    match any.downcast_mut::<V>() {
                        Some(value) => check(session, target, Validated::Given(value)),
                        None => Ok(()),
                    }
                }
                Incoming::None if change.op == Op::Remove => {
                    let old = session.arena.field(change.target, number).clone_field();
                    let old: Box<dyn std::any::Any> = old;
                    match old.downcast::<V>() {
                        Ok(old) => check(session, target, Validated::Removed(*old)),
                        Err(_) => Ok(()),
                    }
                }
                _ => Ok(()),
            }
            .map_err(refused)
        });
        self.validator(number, how, listener)
    }

    /// As [`validate_member`](Self::validate_member), for a validator that says what it is asked about, and that may put
    /// another object in the place of one that comes. It cannot load the collection that it is asked about.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() -> Result<()> {
    /// let registry = Registry::new();
    /// let mut mapper = registry.map::<User>();
    /// let how = Validates::new().include_removes().without_backrefs();
    /// mapper.validate_member_with(User::addresses, how, |session, _, address| match address {
    ///     Validated::Given(address) if session.value(*address, Address::email)?.is_empty() => {
    ///         Err(Error::new(ErrorKind::Validation, "an address needs an email"))
    ///     }
    ///     Validated::Given(_) => Ok(()),
    ///     Validated::Removed(_) => Err(Error::new(ErrorKind::Validation, "addresses stay")),
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn validate_member_with<C: Mapped, V: super::ObjectField<T>, T>(
        &mut self,
        attribute: Attr<C, V>,
        how: Validates,
        check: impl Fn(&mut Session, Handle<C>, Validated<'_, Handle<T>>) -> Result<()>
        + Send
        + Sync
        + 'static,
    ) -> &mut Self {
        let listener: Listener = Arc::new(move |session, change| {
            let (target, removed) = (Handle::new(change.target), change.op == Op::Remove);
            let Incoming::Object(slot) = &mut change.new else { return Ok(()) };
            let Some(member) = **slot else { return Ok(()) };
            let mut member = Handle::new(member);
            if removed {
                return check(session, target, Validated::Removed(member)).map_err(refused);
            }
            check(session, target, Validated::Given(&mut member)).map_err(refused)?;
            **slot = Some(member.id);
            Ok(())
        });
        self.validator(attribute.index(), how, listener)
    }

    fn validator(&mut self, attribute: u16, how: Validates, check: Listener) -> &mut Self {
        self.attach(Validator { attribute, how, check })
    }

    /// Checks every object that is added to a collection, or set as a reference.
    pub fn validate_member<C: Mapped, V: super::ObjectField<T>, T>(
        &mut self,
        attribute: Attr<C, V>,
        check: impl Fn(&Session, Handle<C>, Handle<T>) -> Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        let listener: Listener = Arc::new(move |session, change| {
            let target = Handle::new(change.target);
            if change.op == Op::Remove {
                return Ok(());
            }
            if let Incoming::Object(slot) = &change.new
                && let Some(member) = **slot
            {
                return check(session, target, Handle::new(member)).map_err(refused);
            }
            Ok(())
        });
        self.validator(attribute.index(), Validates::new(), listener)
    }
}

/// A validator's error is one of validation, whatever its kind was.
fn refused(error: Error) -> Error {
    if error.kind() == ErrorKind::Validation {
        return error;
    }
    Error::new(ErrorKind::Validation, error.message().to_owned()).with_cause(error)
}
