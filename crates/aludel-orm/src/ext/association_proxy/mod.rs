//! Association proxies: an attribute of related objects, as if it were one of the object itself. SQLAlchemy's
//! `sqlalchemy.ext.associationproxy`.
//!
//! ```text
//!   User ── local: User::keywords ──▶ Keyword ── remote: Keyword::word ──▶ "orm"
//!     └────────────────── User::WORDS, an AssociationProxy ──────────────────▲
//! ```
//!
//! * `remote`: what a proxy may lead to: a column, a reference, another proxy.
//! * `values`: the values of one object, as they are read.
//! * `change`: the same, changed; related objects are made and taken away for that.
//! * `query`: the proxy of a class, in conditions.

mod change;
mod query;
mod remote;
mod values;

use std::fmt;

use aludel_sql::{ColumnType, Expr};

pub use query::RemoteIs;
pub use remote::RemoteAttr;
pub use values::Proxied;

use crate::instrumentation::{
    Attr, Collected, CollectionClass, Handle, IsA, Loadable, Many, ManyMap, ManySet, Mapped, One,
    RelationshipField,
};
use crate::mapping::{Holder, PropertyKind, Relationship};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// An attribute of the objects that a relationship of class `C` leads to, as if it were one of `C`: SQLAlchemy's
/// `association_proxy`.
///
/// `V` is the field of the relationship, `R` what is read of the related objects. It is data and `Copy`, like an
/// [`Attr`]: made once, as a constant of the class. With an object it gives the values, to be
/// [read](Self::of) and [changed](Self::of_mut); in queries it is a source of conditions
/// ([`any`](Self::any), [`contains`](Self::contains), [`eq`](Self::eq)).
///
/// ```
/// # include!("../../fixtures/doc_models.rs");
/// # fn main() {}
/// use aludel_orm::ext::{AssociationProxy, association_proxy};
///
/// impl User {
///     const EMAILS: AssociationProxy<User, Many<Address>, Attr<Address, String>> =
///         association_proxy(User::addresses, Address::email);
/// }
///
/// # async fn example(session: &mut Session, user: Handle<User>) -> Result<()> {
/// User::EMAILS.load(session, user).await?;
/// User::EMAILS.of_mut(session, user).append("sandy@example.org")?;
/// assert!(User::EMAILS.of(session, user).contains("sandy@example.org")?);
///
/// let found = session.all(select::<User>().filter(User::EMAILS.contains("sandy@example.org"))).await?;
/// # drop(found);
/// # Ok(())
/// # }
/// ```
pub struct AssociationProxy<C, V: LocalField, R: RemoteAttr> {
    local: Attr<C, V>,
    remote: R,
    creator: Creator<V::Target, V::Key, R::Field>,
    cascade_scalar_deletes: bool,
}

/// Finds or makes the object for a value, with the session at hand.
type InSession<T, F> = fn(&mut Session, F) -> Result<Handle<T>>;

/// How an object is made for a value that is put in.
enum Creator<T, K, F> {
    /// With nothing set but the value, and its key.
    Plain,
    Value(fn(F) -> T),
    Keyed(fn(K, F) -> T),
    InSession(InSession<T, F>),
}

impl<T, K, F> Clone for Creator<T, K, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, K, F> Copy for Creator<T, K, F> {}

/// The fields of relationships that a proxy may go through: [`One`], [`Many`], [`ManySet`], [`ManyMap`], and
/// [`Collected`].
pub trait LocalField: RelationshipField + Loadable {
    /// What a keyed collection has its members by.
    type Key: 'static;
    /// A value is among them at most once.
    const UNIQUE: bool = false;
    /// The related objects of an owner.
    ///
    /// # Errors
    ///
    /// When they are not loaded.
    fn members<C: Mapped>(
        session: &Session,
        owner: Handle<C>,
        local: Attr<C, Self>,
    ) -> Result<Vec<Handle<Self::Target>>>
    where
        Self: Sized;
    /// The condition that there is a related object, for which a condition holds.
    fn related<C: Mapped>(local: Attr<C, Self>, condition: Option<Expr<bool>>) -> Expr<bool>
    where
        Self: Sized;
}

/// The [key](LocalField::Key) of what has no keys.
#[derive(Clone, Copy, Debug)]
pub enum NoKey {}

impl<T: Mapped> LocalField for One<T> {
    type Key = NoKey;
    fn members<C: Mapped>(
        session: &Session,
        owner: Handle<C>,
        local: Attr<C, Self>,
    ) -> Result<Vec<Handle<T>>> {
        Ok(RemoteAttr::read(local, session, owner)?.into_iter().collect())
    }
    fn related<C: Mapped>(local: Attr<C, Self>, condition: Option<Expr<bool>>) -> Expr<bool> {
        match condition {
            Some(condition) => local.has(condition),
            None => local.is_some(),
        }
    }
}

macro_rules! local_collection {
    ([$($param:ident: $bound:path),*] $holder:ty, $key:ty, $unique:expr) => {
        impl<$($param: $bound),*> LocalField for $holder {
            type Key = $key;
            const UNIQUE: bool = $unique;
            fn members<C: Mapped>(
                session: &Session,
                owner: Handle<C>,
                local: Attr<C, Self>,
            ) -> Result<Vec<Handle<Self::Target>>> {
                Ok(session.try_members(owner, local)?.collect())
            }
            fn related<C: Mapped>(
                local: Attr<C, Self>,
                condition: Option<Expr<bool>>,
            ) -> Expr<bool> {
                match condition {
                    Some(condition) => local.any(condition),
                    None => local.any_exists(),
                }
            }
        }
    };
}
local_collection!([T: Mapped] Many<T>, NoKey, false);
local_collection!([T: Mapped] ManySet<T>, NoKey, true);
local_collection!([K: ColumnType, T: Mapped] ManyMap<K, T>, K, false);
local_collection!([L: CollectionClass] Collected<L>, NoKey, L::UNIQUE);

/// A proxy of an attribute of related objects: SQLAlchemy's `association_proxy("keywords", "word")`.
///
/// What it leads to is a column of the related class, a reference of it (the objects of an association object), or
/// another proxy. A related object that is made for a value has nothing else set: where it needs more, say so with
/// `creator`.
///
/// ```
/// # include!("../../fixtures/doc_models.rs");
/// use aludel_orm::ext::{AssociationProxy, association_proxy};
///
/// /// The name of the user that an address is of.
/// const NAME: AssociationProxy<Address, One<User>, Attr<User, String>> =
///     association_proxy(Address::user, User::name);
/// # fn main() { drop(NAME) }
/// ```
pub const fn association_proxy<C, V, R>(local: Attr<C, V>, remote: R) -> AssociationProxy<C, V, R>
where
    V: LocalField,
    R: RemoteAttr<Owner = V::Target>,
{
    AssociationProxy { local, remote, creator: Creator::Plain, cascade_scalar_deletes: false }
}

impl<C, V: LocalField, R: RemoteAttr> Clone for AssociationProxy<C, V, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, V: LocalField, R: RemoteAttr> Copy for AssociationProxy<C, V, R> {}

impl<C, V: LocalField, R: RemoteAttr> fmt::Debug for AssociationProxy<C, V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssociationProxy({:?} -> {:?})", self.local, self.remote)
    }
}

macro_rules! creator {
    ([$($param:ident: $bound:path),*] $holder:ty, $target:ty) => {
        impl<C, $($param: $bound,)* R: RemoteAttr<Owner = $target>> AssociationProxy<C, $holder, R> {
            /// What makes a related object for a value: SQLAlchemy's `creator`.
            #[must_use]
            pub const fn creator(mut self, make: fn(R::Field) -> $target) -> Self {
                self.creator = Creator::Value(make);
                self
            }
        }
    };
}
creator!([T: Mapped] One<T>, T);
creator!([T: Mapped] Many<T>, T);
creator!([T: Mapped] ManySet<T>, T);
creator!([L: CollectionClass] Collected<L>, L::Member);

impl<C, K: ColumnType, T: Mapped, R: RemoteAttr<Owner = T>> AssociationProxy<C, ManyMap<K, T>, R> {
    /// What makes a member for a key and a value: SQLAlchemy's `creator`.
    #[must_use]
    pub const fn creator(mut self, make: fn(K, R::Field) -> T) -> Self {
        self.creator = Creator::Keyed(make);
        self
    }
}

impl<C: Mapped, V: LocalField, R: RemoteAttr<Owner = V::Target>> AssociationProxy<C, V, R> {
    /// What finds or makes a related object for a value with the session at hand: one that exists already may be
    /// taken (`session.peek`), and one of a class described at run time be made.
    #[must_use]
    pub const fn creator_in(mut self, make: InSession<V::Target, R::Field>) -> Self {
        self.creator = Creator::InSession(make);
        self
    }

    /// The relationship.
    pub const fn local(self) -> Attr<C, V> {
        self.local
    }

    /// What is read of the related objects.
    pub const fn remote(self) -> R {
        self.remote
    }

    /// Loads the relationship of an object, and the values of the related objects.
    ///
    /// # Errors
    ///
    /// As [`Session::load`].
    pub async fn load<S: IsA<C>>(self, session: &mut Session, owner: Handle<S>) -> Result<()> {
        let owner = owner.up();
        session.load(owner, self.local).await?;
        let related = V::members(session, owner, self.local)?;
        self.remote.load(session, &related).await
    }

    /// The values of an object. Nothing is loaded.
    pub fn of<S: IsA<C>>(self, session: &Session, owner: Handle<S>) -> Proxied<&Session, C, V, R> {
        Proxied::new(session, owner.up(), self)
    }

    /// The values of an object, to be changed. Nothing is loaded.
    pub fn of_mut<S: IsA<C>>(
        self,
        session: &mut Session,
        owner: Handle<S>,
    ) -> Proxied<&mut Session, C, V, R> {
        Proxied::new(session, owner.up(), self)
    }

    /// The object related for a value, made by the creator.
    fn make(
        self,
        session: &mut Session,
        owner: Handle<C>,
        key: Option<V::Key>,
        value: R::Field,
    ) -> Result<Handle<V::Target>> {
        match (self.creator, key) {
            (Creator::Value(make), _) => session.make(make(value)),
            (Creator::Keyed(make), Some(key)) => session.make(make(key, value)),
            (Creator::InSession(make), _) => make(session, value),
            (Creator::Plain | Creator::Keyed(_), _) => {
                let class = self.relationship(session, owner)?.target();
                let class = self.class_name(session, class)?;
                let made = session.create_named(&class)?;
                let made = session.handle_of::<V::Target>(made)?;
                self.remote.write(session, made, value)?;
                Ok(made)
            }
        }
    }

    /// The name of the attribute that members have their keys by.
    fn key_attribute(self, session: &Session, owner: Handle<C>) -> Result<String> {
        let relationship = self.relationship(session, owner)?;
        let target = session.mappers().get(relationship.target());
        let key = match relationship.holder() {
            Holder::Keyed(key) => target.and_then(|t| t.properties().get(usize::from(key))),
            _ => None,
        };
        key.map(|key| key.name().to_owned()).ok_or_else(|| self.unmapped())
    }

    fn class_name(self, session: &Session, class: u16) -> Result<String> {
        let mapper = session.mappers().get(class).ok_or_else(|| self.unmapped())?;
        Ok(mapper.class_name().to_owned())
    }

    fn relationship(self, session: &Session, owner: Handle<C>) -> Result<&Relationship> {
        let property =
            session.object_mapper(owner)?.properties().get(usize::from(self.local.index()));
        match property.map(|property| property.kind()) {
            Some(PropertyKind::Relationship(relationship)) => Ok(relationship),
            _ => Err(self.unmapped()),
        }
    }

    #[cold]
    fn unmapped(self) -> Error {
        let message = format!("{self:?}: the relationship is not mapped as one");
        Error::new(ErrorKind::Unmapped, message)
    }
}

impl<C: Mapped, T: Mapped, R: RemoteAttr<Owner = T>> AssociationProxy<C, One<T>, R> {
    /// The related object goes when its value does: when the value is deleted, or set to NULL. SQLAlchemy's
    /// `cascade_scalar_deletes`.
    #[must_use]
    pub const fn cascade_scalar_deletes(mut self) -> Self {
        self.cascade_scalar_deletes = true;
        self
    }
}
