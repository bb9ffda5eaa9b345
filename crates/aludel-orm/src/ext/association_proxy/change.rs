//! The values of one object through a proxy, changed: related objects are made for what comes, and go with what goes.

use aludel_sql::ColumnType;

use super::{LocalField, NoKey, Proxied, RemoteAttr};
use crate::attributes::CollectionField;
use crate::instrumentation::{Handle, IntoField, Many, ManyMap, Mapped, One};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

impl<C: Mapped, T: Mapped, R: RemoteAttr<Owner = T>> Proxied<&mut Session, C, One<T>, R> {
    /// Sets the value: of the related object, or of a new one where there is none. For no value (NULL), no object is
    /// made.
    ///
    /// # Errors
    ///
    /// As [`Session::set`]; and when the relationship is not loaded. Everything is then as it was.
    pub fn set(&mut self, value: impl IntoField<R::Field>) -> Result<()> {
        self.set_field(value.into_field())
    }

    pub(super) fn set_field(&mut self, value: R::Field) -> Result<()> {
        let (proxy, owner) = (self.proxy, self.owner);
        let none = R::is_none(&value);
        match self.related()? {
            None if none => Ok(()),
            None => self.session.atomic(|session| {
                let made = proxy.make(session, owner, None, value)?;
                session.set(owner, proxy.local, made)
            }),
            Some(related) => self.session.atomic(|session| {
                proxy.remote.write(session, related, value)?;
                match none && proxy.cascade_scalar_deletes {
                    true => session.set(owner, proxy.local, One::none()),
                    false => Ok(()),
                }
            }),
        }
    }

    /// Deletes the value of the related object; with
    /// [`cascade_scalar_deletes`](super::AssociationProxy::cascade_scalar_deletes), the reference to the object goes too.
    ///
    /// # Errors
    ///
    /// As [`Session::del`]: [`ErrorKind::NoValue`] where there is no value.
    pub fn del(&mut self) -> Result<()> {
        let (proxy, owner) = (self.proxy, self.owner);
        let Some(related) = self.related()? else {
            let what =
                format!("{:?} refers to no object whose value could be deleted", proxy.local);
            return Err(Error::new(ErrorKind::NoValue, what));
        };
        self.session.atomic(|session| {
            proxy.remote.delete(session, related)?;
            match proxy.cascade_scalar_deletes {
                true => session.set(owner, proxy.local, One::none()),
                false => Ok(()),
            }
        })
    }
}

impl<C, V, R> Proxied<&mut Session, C, V, R>
where
    C: Mapped,
    V: LocalField<Key = NoKey> + CollectionField<V::Target>,
    R: RemoteAttr<Owner = V::Target>,
{
    /// Adds a value: at the end of a list; to a set, if it is not there yet. A list that is not loaded stays so.
    ///
    /// # Errors
    ///
    /// As [`Session::append`]; of a set, when it is not loaded. Everything is then as it was.
    pub fn append(&mut self, value: impl IntoField<R::Field>) -> Result<()> {
        let value = value.into_field();
        if V::UNIQUE && self.find(&value)?.is_some() {
            return Ok(());
        }
        let (proxy, owner) = (self.proxy, self.owner);
        self.session.atomic(|session| {
            let made = proxy.make(session, owner, None, value)?;
            session.append(owner, proxy.local, made)
        })
    }

    /// Adds several values.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn extend<I: IntoField<R::Field>>(
        &mut self,
        values: impl IntoIterator<Item = I>,
    ) -> Result<()> {
        let (proxy, owner) = (self.proxy, self.owner);
        self.session.atomic(|session| {
            let mut all = proxy.of_mut(session, owner);
            values.into_iter().try_for_each(|value| all.append(value))
        })
    }

    /// Takes the first member with a value out of the collection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Absent`] where there is none; when the collection, or a value, is not loaded; as
    /// [`Session::remove`].
    pub fn remove(&mut self, value: impl IntoField<R::Field>) -> Result<()> {
        let value = value.into_field();
        let Some((at, _)) = self.find(&value)? else {
            let what = format!("{:?} has no member with that value", self.proxy.local);
            return Err(Error::new(ErrorKind::Absent, what));
        };
        self.session.pop_named(self.owner, self.proxy.local.name(), at).map(drop)
    }

    /// Puts these values in the place of all. Those that a set has already keep their objects; a list gets new ones.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); and when the collection is not loaded.
    pub fn replace<I: IntoField<R::Field>>(
        &mut self,
        values: impl IntoIterator<Item = I>,
    ) -> Result<()> {
        let (proxy, owner) = (self.proxy, self.owner);
        let values: Vec<R::Field> = values.into_iter().map(IntoField::into_field).collect();
        self.session.atomic(|session| {
            let mut gone = proxy.of(session, owner).members()?;
            let mut new = Vec::new();
            for value in values {
                let known = match V::UNIQUE {
                    true => proxy.of(session, owner).find(&value)?,
                    false => None,
                };
                match known {
                    Some((_, member)) => gone.retain(|other| *other != member),
                    None => new.push(value),
                }
            }
            if V::UNIQUE {
                gone.into_iter().try_for_each(|m| session.remove(owner, proxy.local, m))?;
            } else {
                session.clear_named(owner, proxy.local.name())?;
            }
            for value in new {
                if V::UNIQUE && proxy.of(session, owner).find(&value)?.is_some() {
                    continue;
                }
                let made = proxy.make(session, owner, None, value)?;
                session.append(owner, proxy.local, made)?;
            }
            Ok(())
        })
    }
}

impl<C, V, R> Proxied<&mut Session, C, V, R>
where
    C: Mapped,
    V: LocalField + CollectionField<V::Target>,
    R: RemoteAttr<Owner = V::Target>,
{
    /// Takes every member out of the collection.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded, or a listener refuses.
    pub fn clear(&mut self) -> Result<()> {
        self.session.clear_named(self.owner, self.proxy.local.name())
    }
}

impl<C: Mapped, T: Mapped, R: RemoteAttr<Owner = T>> Proxied<&mut Session, C, Many<T>, R> {
    /// Adds a value at a place.
    ///
    /// # Errors
    ///
    /// As [`Session::insert_at`]. Everything is then as it was.
    pub fn insert(&mut self, at: usize, value: impl IntoField<R::Field>) -> Result<()> {
        let (proxy, owner, value) = (self.proxy, self.owner, value.into_field());
        self.session.atomic(|session| {
            let made = proxy.make(session, owner, None, value)?;
            session.insert_at(owner, proxy.local, at, made)
        })
    }

    /// Sets the value of the member at a place.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Absent`] where there is no such place; as [`Session::set`].
    pub fn set_at(&mut self, at: usize, value: impl IntoField<R::Field>) -> Result<()> {
        let member = self.session.try_members(self.owner, self.proxy.local)?.nth(at);
        let Some(member) = member else {
            let what = format!("{:?} has no place {at}", self.proxy.local);
            return Err(Error::new(ErrorKind::Absent, what));
        };
        self.proxy.remote.write(self.session, member, value.into_field())
    }

    /// Takes the member at a place out of the list, and gives its value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Absent`] where there is no such place; when a listener refuses.
    pub fn pop(&mut self, at: usize) -> Result<R::Value<'_>> {
        let member = self.session.pop_named(self.owner, self.proxy.local.name(), at)?;
        let member: Handle<T> = self.session.handle_of(member)?;
        self.proxy.remote.read(self.session, member)
    }
}

impl<C, K, T, R> Proxied<&mut Session, C, ManyMap<K, T>, R>
where
    C: Mapped,
    K: ColumnType,
    T: Mapped,
    R: RemoteAttr<Owner = T>,
{
    /// Sets the value under a key: of the member that is there, or of a new one.
    ///
    /// # Errors
    ///
    /// As [`Session::append`] and [`Session::set`]; and when the collection is not loaded. Everything is then as it
    /// was.
    pub fn set(&mut self, key: K, value: impl IntoField<R::Field>) -> Result<()> {
        let (proxy, owner, value) = (self.proxy, self.owner, value.into_field());
        match self.under(&key)? {
            Some(member) => proxy.remote.write(self.session, member, value),
            None => self.session.atomic(|session| {
                let name = proxy.key_attribute(session, owner)?;
                let made = proxy.make(session, owner, Some(key.clone()), value)?;
                if !session.is_loaded_named(made, &name)? {
                    session.set_named(made, &name, key.into_value())?;
                }
                session.append(owner, proxy.local, made)
            }),
        }
    }

    /// Takes the member under a key out of the collection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Absent`] where there is no such key; when a listener refuses.
    pub fn remove(&mut self, key: &K) -> Result<()> {
        let key = key.clone().into_value();
        self.session.pop_key_named(self.owner, self.proxy.local.name(), &key).map(drop)
    }

    /// Puts these keys and values in the place of all. Members whose keys stay are kept, with their new values.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn replace<I: IntoField<R::Field>>(
        &mut self,
        entries: impl IntoIterator<Item = (K, I)>,
    ) -> Result<()> {
        let (proxy, owner) = (self.proxy, self.owner);
        self.session.atomic(|session| {
            let mut gone = proxy.of(session, owner).keyed()?;
            let mut all = proxy.of_mut(session, owner);
            for (key, value) in entries {
                gone.retain(|(old, _)| !old.same(&key));
                all.set(key, value)?;
            }
            gone.iter().try_for_each(|(key, _)| all.remove(key))
        })
    }
}
