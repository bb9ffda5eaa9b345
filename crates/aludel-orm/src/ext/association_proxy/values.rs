//! The values of one object through a proxy, as they are read.

use std::ops::Deref;

use aludel_sql::ColumnType;

use super::{AssociationProxy, LocalField, RemoteAttr};
use crate::Result;
use crate::attributes::CollectionField;
use crate::instrumentation::{Handle, IntoField, Many, ManyMap, Mapped, One};
use crate::session::Session;

/// The values of an object through an [`AssociationProxy`]: SQLAlchemy's `_AssociationList` and its kin.
///
/// `S` is `&Session` to read ([`AssociationProxy::of`]), `&mut Session` to change ([`AssociationProxy::of_mut`]).
/// It keeps nothing: what is read are the related objects.
#[derive(Debug)]
pub struct Proxied<S, C, V: LocalField, R: RemoteAttr> {
    pub(super) session: S,
    pub(super) owner: Handle<C>,
    pub(super) proxy: AssociationProxy<C, V, R>,
}

impl<S, C, V: LocalField, R: RemoteAttr> Proxied<S, C, V, R> {
    pub(super) fn new(session: S, owner: Handle<C>, proxy: AssociationProxy<C, V, R>) -> Self {
        Self { session, owner, proxy }
    }
}

impl<S: Deref<Target = Session>, C: Mapped, T: Mapped, R: RemoteAttr<Owner = T>>
    Proxied<S, C, One<T>, R>
{
    /// The value; `None` where there is no related object.
    ///
    /// # Errors
    ///
    /// When the relationship, or the value, is not loaded.
    pub fn get(&self) -> Result<Option<R::Value<'_>>> {
        self.related()?.map(|related| self.proxy.remote.read(&self.session, related)).transpose()
    }

    /// The related object.
    pub(super) fn related(&self) -> Result<Option<Handle<T>>> {
        RemoteAttr::read(self.proxy.local, &self.session, self.owner)
    }
}

impl<'s, C: Mapped, T: Mapped, R: RemoteAttr<Owner = T>> Proxied<&'s Session, C, One<T>, R> {
    /// The value, for as long as the session is borrowed.
    pub(super) fn into_value(self) -> Result<Option<R::Value<'s>>> {
        let related = self.related()?;
        related.map(|related| self.proxy.remote.read(self.session, related)).transpose()
    }
}

impl<S, C, V, R> Proxied<S, C, V, R>
where
    S: Deref<Target = Session>,
    C: Mapped,
    V: LocalField + CollectionField<V::Target>,
    R: RemoteAttr<Owner = V::Target>,
{
    /// The values, in the order of the members.
    ///
    /// # Errors
    ///
    /// When the collection, or a value, is not loaded.
    pub fn values(&self) -> Result<Vec<R::Value<'_>>> {
        let members = self.members()?;
        members.into_iter().map(|m| self.proxy.remote.read(&self.session, m)).collect()
    }

    /// How many there are.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded.
    pub fn len(&self) -> Result<usize> {
        Ok(self.session.try_members(self.owner, self.proxy.local)?.len())
    }

    /// Whether there is none.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Whether a value is among them.
    ///
    /// # Errors
    ///
    /// As [`values`](Self::values).
    pub fn contains(&self, value: impl IntoField<R::Field>) -> Result<bool> {
        Ok(self.position(value)?.is_some())
    }

    /// The place of the first member with this value.
    ///
    /// # Errors
    ///
    /// As [`values`](Self::values).
    pub fn position(&self, value: impl IntoField<R::Field>) -> Result<Option<usize>> {
        let value = value.into_field();
        Ok(self.find(&value)?.map(|(at, _)| at))
    }

    pub(super) fn find(&self, value: &R::Field) -> Result<Option<(usize, Handle<V::Target>)>> {
        for (at, member) in self.members()?.into_iter().enumerate() {
            if self.proxy.remote.has_value(&self.session, member, value)? {
                return Ok(Some((at, member)));
            }
        }
        Ok(None)
    }

    pub(super) fn members(&self) -> Result<Vec<Handle<V::Target>>> {
        V::members(&self.session, self.owner, self.proxy.local)
    }
}

impl<S, C, T, R> Proxied<S, C, Many<T>, R>
where
    S: Deref<Target = Session>,
    C: Mapped,
    T: Mapped,
    R: RemoteAttr<Owner = T>,
{
    /// The value at a place.
    ///
    /// # Errors
    ///
    /// As [`values`](Self::values).
    pub fn at(&self, index: usize) -> Result<Option<R::Value<'_>>> {
        let member = self.session.try_members(self.owner, self.proxy.local)?.nth(index);
        member.map(|member| self.proxy.remote.read(&self.session, member)).transpose()
    }
}

impl<S, C, K, T, R> Proxied<S, C, ManyMap<K, T>, R>
where
    S: Deref<Target = Session>,
    C: Mapped,
    K: ColumnType,
    T: Mapped,
    R: RemoteAttr<Owner = T>,
{
    /// The value under a key.
    ///
    /// # Errors
    ///
    /// As [`values`](Self::values).
    pub fn get(&self, key: &K) -> Result<Option<R::Value<'_>>> {
        let member = self.under(key)?;
        member.map(|member| self.proxy.remote.read(&self.session, member)).transpose()
    }

    /// Whether there is a key.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded.
    pub fn contains_key(&self, key: &K) -> Result<bool> {
        Ok(self.under(key)?.is_some())
    }

    /// The keys with their values.
    ///
    /// # Errors
    ///
    /// As [`values`](Self::values).
    pub fn entries(&self) -> Result<Vec<(K, R::Value<'_>)>> {
        let read = |(key, member)| Ok((key, self.proxy.remote.read(&self.session, member)?));
        self.keyed()?.into_iter().map(read).collect()
    }

    pub(super) fn keyed(&self) -> Result<Vec<(K, Handle<T>)>> {
        self.members()?;
        Ok(self.session.value(self.owner, self.proxy.local)?.iter().collect())
    }

    pub(super) fn under(&self, key: &K) -> Result<Option<Handle<T>>> {
        self.members()?;
        Ok(self.session.value(self.owner, self.proxy.local)?.get(key))
    }
}
