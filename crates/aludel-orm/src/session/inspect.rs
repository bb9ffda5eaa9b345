//! Inspecting objects: SQLAlchemy's `inspect(obj)`, its `InstanceState` and `AttributeState`.
//!
//! ```text
//! let state = session.inspect(user)?;
//! if state.persistent() && state.attr(User::name).history().has_changes() { … }
//! let before = session.inspect_mut(user)?.attr(User::addresses).load_history().await?;
//! ```

use std::marker::PhantomData;
use std::sync::Arc;

use aludel_sql::Value;

use super::state::Flags;
use super::{ObjectState, Session};
use crate::Result;
use crate::attributes::{Datum, Historic, History, HistoryItem};
use crate::instrumentation::{Attr, Field, Handle, Id, IsA, Loadable, Mapped};
use crate::mapping::{Mapper, Mappers, PropertyKind};

/// What a session knows of an object. Made by [`Session::inspect`].
#[derive(Clone, Copy)]
pub struct InstanceState<'s, T> {
    session: &'s Session,
    id: Id,
    class: PhantomData<fn() -> T>,
}

/// The same, for what has to be loaded. Made by [`Session::inspect_mut`].
pub struct InstanceStateMut<'s, T> {
    session: &'s mut Session,
    id: Id,
    class: PhantomData<fn() -> T>,
}

/// What a session knows of an attribute of an object.
#[derive(Clone, Copy)]
pub struct AttributeState<'s, C, V> {
    session: &'s Session,
    id: Id,
    attribute: Attr<C, V>,
}

/// The same, for what has to be loaded.
pub struct AttributeStateMut<'s, C, V> {
    session: &'s mut Session,
    id: Id,
    attribute: Attr<C, V>,
}

/// What a session knows of a named attribute of an object.
#[derive(Clone, Copy)]
pub struct NamedAttributeState<'s> {
    session: &'s Session,
    id: Id,
    attribute: u16,
}

impl Session {
    /// What the session knows of an object.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn inspect<T>(&self, object: Handle<T>) -> Result<InstanceState<'_, T>> {
        self.arena.check(object.id)?;
        Ok(InstanceState { session: self, id: object.id, class: PhantomData })
    }

    /// The same, for what has to be loaded to be known.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn inspect_mut<T>(&mut self, object: Handle<T>) -> Result<InstanceStateMut<'_, T>> {
        self.arena.check(object.id)?;
        Ok(InstanceStateMut { session: self, id: object.id, class: PhantomData })
    }

    /// The mappers of the session, each by its number.
    pub fn mappers(&self) -> &Arc<Mappers> {
        &self.mappers
    }

    /// The mapper of a class: `inspect(User)` in SQLAlchemy.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped.
    pub fn inspect_class<T: Mapped>(&mut self) -> Result<Arc<Mapper>> {
        let class = self.class_of::<T>()?;
        Ok(Arc::clone(self.mappers.at(class)))
    }
}

impl<'s, T> InstanceState<'s, T> {
    /// Where the object stands between the program and the database.
    pub fn state(&self) -> ObjectState {
        self.session.arena.state(self.id).life
    }

    /// Made, and not added.
    pub fn transient(&self) -> bool {
        self.state() == ObjectState::Transient
    }

    /// Added, and not inserted yet.
    pub fn pending(&self) -> bool {
        self.state() == ObjectState::Pending
    }

    /// In the session, with a row.
    pub fn persistent(&self) -> bool {
        self.state() == ObjectState::Persistent
    }

    /// Its row was deleted in this transaction.
    pub fn deleted(&self) -> bool {
        self.state() == ObjectState::Deleted
    }

    /// It has (or had) a row, and is not in the session.
    pub fn detached(&self) -> bool {
        self.state() == ObjectState::Detached
    }

    /// Whether it is pending or persistent: SQLAlchemy's `state.session is not None`.
    pub fn in_session(&self) -> bool {
        self.session.arena.state(self.id).in_session()
    }

    /// Marked by `delete`, to be deleted by the next flush.
    pub fn is_deleting(&self) -> bool {
        self.session.arena.state(self.id).has(Flags::DELETING)
    }

    /// The handle of the object.
    pub fn handle(&self) -> Handle<T> {
        Handle::new(self.id)
    }

    /// The mapper of the object's class, which may be a subclass of `T`.
    pub fn mapper(&self) -> &'s Arc<Mapper> {
        self.session.mapper_of(self.id)
    }

    /// Whether the database knows the object: SQLAlchemy's `has_identity`.
    pub fn has_identity(&self) -> bool {
        self.session.arena.state(self.id).has(Flags::HAS_KEY)
    }

    /// The primary key under which the database knows the object.
    pub fn identity(&self) -> Option<Vec<Value>> {
        Some(self.session.identity_key(self.id)?.values().into_vec())
    }

    /// The root class of its hierarchy and the primary key: the key of the identity map.
    pub fn identity_key(&self) -> Option<(Arc<str>, Vec<Value>)> {
        self.session.identity_key_of(self.id).ok().flatten()
    }

    /// Whether the object has been flagged as changed since the last flush.
    pub fn modified(&self) -> bool {
        self.session.arena.state(self.id).has(Flags::MODIFIED)
    }

    /// Whether the object as a whole was expired: reading it means loading it.
    pub fn expired(&self) -> bool {
        self.session.is_wholly_expired(self.id)
    }

    /// The names of the attributes that were expired, and are read anew when one of them is loaded.
    pub fn expired_attributes(&self) -> Vec<&'s str> {
        let session = self.session;
        self.names(|attribute| session.arena.of(self.id).is_expired(self.id.slot, attribute))
    }

    /// The names of the attributes that have no value here.
    pub fn unloaded(&self) -> Vec<&'s str> {
        self.names(|attribute| {
            !self.session.is_known(self.id, attribute)
                && self.session.expression(self.id, attribute).is_none()
        })
    }

    /// The names of the attributes that have not been changed since the last flush, the load, or the making of
    /// the object.
    pub fn unmodified(&self) -> Vec<&'s str> {
        let (session, id) = (self.session, self.id);
        let state = session.arena.state(id);
        self.names(|attribute| {
            if state.has(Flags::FRESH) {
                return !session.is_known(id, attribute);
            }
            let changed = session.deltas.get(&(id, attribute)).is_some_and(|d| !d.is_empty());
            !changed && session.log.find(state.head, attribute).is_none()
        })
    }

    /// An attribute of the object.
    pub fn attr<C: Mapped, V: Field>(&self, attribute: Attr<C, V>) -> AttributeState<'s, C, V>
    where
        T: IsA<C>,
    {
        AttributeState { session: self.session, id: self.id, attribute }
    }

    /// A named attribute of the object.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute; the error names the nearest ones.
    pub fn attr_named(&self, name: &str) -> Result<NamedAttributeState<'s>> {
        let attribute = self.session.attribute_named(self.id, name)?;
        Ok(NamedAttributeState { session: self.session, id: self.id, attribute })
    }

    /// All attributes of the object: SQLAlchemy's `state.attrs`.
    pub fn attrs(&self) -> impl Iterator<Item = NamedAttributeState<'s>> + use<'s, T> {
        let (session, id) = (self.session, self.id);
        mapped(session.mapper_of(id)).map(move |attribute| NamedAttributeState {
            session,
            id,
            attribute,
        })
    }

    fn names(&self, wanted: impl Fn(u16) -> bool) -> Vec<&'s str> {
        let mapper = self.mapper();
        mapped(mapper).filter(|a| wanted(*a)).map(|a| mapper.property(a).name()).collect()
    }
}

/// The numbers of the attributes that are mapped.
fn mapped(mapper: &Arc<Mapper>) -> impl Iterator<Item = u16> + use<'_> {
    let is_mapped = |a: &u16| !matches!(mapper.property(*a).kind, PropertyKind::Unmapped);
    (0..mapper.properties.len() as u16).filter(is_mapped)
}

impl<'s, T> InstanceStateMut<'s, T> {
    /// An attribute of the object.
    pub fn attr<C: Mapped, V: Field>(self, attribute: Attr<C, V>) -> AttributeStateMut<'s, C, V>
    where
        T: IsA<C>,
    {
        AttributeStateMut { session: self.session, id: self.id, attribute }
    }
}

impl<'s, C: Mapped, V: Field> AttributeState<'s, C, V> {
    /// The attribute's name.
    pub fn key(&self) -> &'static str {
        self.attribute.name()
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// When it would have to be loaded.
    pub fn value(&self) -> Result<&'s V> {
        self.session.value(Handle::<C>::new(self.id), self.attribute)
    }

    /// The value, where it is here: SQLAlchemy's `loaded_value`, which is `NO_VALUE` otherwise.
    pub fn loaded_value(&self) -> Option<&'s V> {
        let index = self.session.number(self.id, self.attribute).ok()?;
        let known = self.session.is_known(self.id, index);
        self.value().ok().filter(|_| known)
    }

    /// The history, from what is known.
    pub fn history(&self) -> History<V::Item>
    where
        V: Historic,
    {
        self.session.history(Handle::<C>::new(self.id), self.attribute).unwrap_or_default()
    }
}

impl<'s, C: Mapped, V: Field> AttributeStateMut<'s, C, V> {
    /// The value, which is loaded if it is not here.
    ///
    /// # Errors
    ///
    /// As [`load`](Session::load).
    pub async fn value(self) -> Result<&'s V>
    where
        V: Loadable,
    {
        self.session.load(Handle::<C>::new(self.id), self.attribute).await
    }

    /// The history of the value, which is loaded if it is not here; the old object of a reference as well.
    ///
    /// # Errors
    ///
    /// As [`load`](Session::load).
    pub async fn load_history(self) -> Result<History<V::Item>>
    where
        V: Historic,
    {
        self.session.load_history(Handle::<C>::new(self.id), self.attribute).await
    }
}

impl<'s> NamedAttributeState<'s> {
    /// The attribute's name.
    pub fn key(&self) -> &'s str {
        self.session.mapper_of(self.id).property(self.attribute).name()
    }

    /// The value; `None` where it has none.
    ///
    /// # Errors
    ///
    /// When it would have to be loaded.
    pub fn value(&self) -> Result<Option<Datum>> {
        self.session.get_named(self.id, self.key())
    }

    /// The value, where it is here.
    pub fn loaded_value(&self) -> Option<Datum> {
        self.session.datum(self.id, self.attribute)
    }

    /// The history, from what is known.
    pub fn history(&self) -> History<HistoryItem> {
        self.session.history_of(self.id, self.attribute).unwrap_or_default()
    }
}
