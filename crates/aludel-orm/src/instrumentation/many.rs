//! Collections of objects.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aludel_sql::{Bad, ColumnType, Value};

use super::members::Members;
use super::{Field, Handle, Id, Mapped};
use crate::session::Session;

/// A value handed in by the program, of a class that is not said.
pub(crate) struct NewObject(Box<dyn Adopt>);

/// What a session needs to take in a value whose class it does not know.
trait Adopt: Send + Sync {
    fn adopt(self: Box<Self>, session: &mut Session) -> crate::Result<Id>;
    fn clone_adopt(&self) -> Box<dyn Adopt>;
    fn as_any(&self) -> &dyn Any;
}

impl<T: Mapped> Adopt for T {
    fn adopt(self: Box<Self>, session: &mut Session) -> crate::Result<Id> {
        session.make(*self).map(Handle::id)
    }
    fn clone_adopt(&self) -> Box<dyn Adopt> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl NewObject {
    pub(crate) fn new<T: Mapped>(value: T) -> Self {
        Self(Box::new(value))
    }

    /// Takes the value into the session, as a transient object.
    pub(crate) fn adopt(self, session: &mut Session) -> crate::Result<Id> {
        self.0.adopt(session)
    }

    /// Two new values are the same only when they are one value.
    pub(crate) fn same(&self, other: &Self) -> bool {
        std::ptr::eq(self.0.as_any(), other.0.as_any())
    }
}

impl Clone for NewObject {
    fn clone(&self) -> Self {
        Self(self.0.clone_adopt())
    }
}

/// A member of a collection that is being handed in: an object of the session, or a new value.
#[derive(Clone)]
pub struct Member<T> {
    pub(crate) core: MemberCore,
    class: PhantomData<fn() -> T>,
}

#[derive(Clone)]
pub(crate) enum MemberCore {
    Object(Id),
    New(NewObject),
}

impl<T> Member<T> {
    pub(crate) const fn from_core(core: MemberCore) -> Self {
        Self { core, class: PhantomData }
    }
}

impl<T> fmt::Debug for Member<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.core {
            MemberCore::Object(id) => id.fmt(f),
            MemberCore::New(_) => f.write_str("New"),
        }
    }
}

/// The untyped state of a collection.
///
/// A loaded list is shared, so that a copy of its owner costs one count, and a loop over it borrows nothing.
#[derive(Clone, Default)]
pub(crate) enum ManyCore {
    /// Never touched: reads as empty.
    #[default]
    Unset,
    NotLoaded,
    /// Handed in by the program with members that are not all in the session yet.
    /// The box keeps a collection as small as a pointer and a tag: it is in every object.
    #[allow(clippy::box_collection)]
    New(Box<Vec<MemberCore>>),
    Loaded(Arc<Members>),
}

impl ManyCore {
    pub(crate) fn loaded(&self) -> Option<&Arc<Members>> {
        match self {
            Self::Loaded(members) => Some(members),
            _ => None,
        }
    }

    #[track_caller]
    pub(super) fn members(&self) -> &Members {
        static EMPTY: Members = Members::empty();
        match self {
            Self::Unset => &EMPTY,
            Self::Loaded(members) => members,
            Self::NotLoaded => panic!(
                "this collection is not loaded: call `session.load(handle, attribute).await?` first, \
                 or load it with the query"
            ),
            Self::New(_) => {
                panic!("this collection holds new values: add its owner to a session first")
            }
        }
    }
}

impl PartialEq for ManyCore {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unset, Self::Unset) | (Self::NotLoaded, Self::NotLoaded) => true,
            (Self::Loaded(a), Self::Loaded(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

macro_rules! holder {
    ($(#[$doc:meta])* $name:ident<$($param:ident),+>) => {
        $(#[$doc])*
        pub struct $name<$($param),+> {
            pub(crate) core: ManyCore,
            class: PhantomData<fn() -> ($($param,)+)>,
        }

        impl<$($param),+> $name<$($param),+> {
            pub(crate) const fn from_core(core: ManyCore) -> Self {
                Self { core, class: PhantomData }
            }

            /// A collection that is not loaded.
            #[doc(hidden)]
            pub const fn not_loaded() -> Self {
                Self::from_core(ManyCore::NotLoaded)
            }
        }

        impl<$($param),+> Clone for $name<$($param),+> {
            fn clone(&self) -> Self {
                Self::from_core(self.core.clone())
            }
        }

        impl<$($param),+> Default for $name<$($param),+> {
            fn default() -> Self {
                Self::from_core(ManyCore::Unset)
            }
        }

        impl<$($param),+> PartialEq for $name<$($param),+> {
            fn eq(&self, other: &Self) -> bool {
                self.core == other.core
            }
        }

        impl<$($param),+> fmt::Debug for $name<$($param),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.core {
                    ManyCore::Unset => f.write_str("Unset"),
                    ManyCore::NotLoaded => f.write_str("NotLoaded"),
                    ManyCore::New(members) => write!(f, "New({})", members.len()),
                    ManyCore::Loaded(members) => members.fmt(f),
                }
            }
        }

        impl<$($param: 'static),+> Field for $name<$($param),+> {
            fn is_set(&self) -> bool {
                matches!(self.core, ManyCore::Loaded(_) | ManyCore::New(_))
            }
            fn clear(&mut self) {
                self.core = ManyCore::NotLoaded;
            }
            fn put(&mut self, _: Value) -> Result<(), Bad> {
                Err(Bad::Type("a collection of objects"))
            }
            fn with_value(&self, _: Value) -> Result<Box<dyn Field>, Bad> {
                Err(Bad::Type("a collection of objects"))
            }
            fn same(&self, other: &dyn Field) -> bool {
                (other as &dyn Any).downcast_ref::<Self>().is_some_and(|o| self.core == o.core)
            }
            fn swap(&mut self, other: &mut dyn Field) -> bool {
                match (other as &mut dyn Any).downcast_mut::<Self>() {
                    Some(other) => {
                        std::mem::swap(&mut self.core, &mut other.core);
                        true
                    }
                    None => false,
                }
            }
            fn take_value(&mut self) -> Value {
                Value::Null
            }
            fn clone_field(&self) -> Box<dyn Field> {
                Box::new(self.clone())
            }
            #[allow(private_interfaces)]
            fn many(&self) -> Option<&ManyCore> {
                Some(&self.core)
            }
            #[allow(private_interfaces)]
            fn many_mut(&mut self) -> Option<&mut ManyCore> {
                Some(&mut self.core)
            }
        }
    };
}

/// What is read of a collection that can be loaded.
macro_rules! readable {
    ($name:ident<$($param:ident),+>) => {
        impl<$($param),+> $name<$($param),+> {
            /// A collection with no member, said explicitly.
            pub fn empty() -> Self {
                Self::from_core(ManyCore::Loaded(Arc::default()))
            }

            /// Whether the members are known.
            pub fn is_loaded(&self) -> bool {
                matches!(self.core, ManyCore::Loaded(_))
            }

            /// How many members there are.
            ///
            /// # Panics
            ///
            /// Panics when the collection is not loaded, as all reads of it do.
            #[track_caller]
            pub fn len(&self) -> usize {
                match &self.core {
                    ManyCore::New(members) => members.len(),
                    core => core.members().len(),
                }
            }

            /// Whether there is no member.
            ///
            /// # Panics
            ///
            /// Panics when the collection is not loaded.
            #[track_caller]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }
    };
}

holder!(
    /// The field of a relationship to many objects of class `T`, in a list.
    ///
    /// It is *unset* (never touched: reads as empty), *not loaded*, *new* (handed in by the program), or
    /// *loaded*. It holds handles, never the objects, and gives them out by value. Loop over
    /// `session.members(handle, attribute)` where the loop changes the session.
    Many<T>
);
holder!(
    /// The field of a relationship to many objects of class `T`, each at most once.
    ManySet<T>
);
holder!(
    /// The field of a relationship to many objects of class `T`, each under a key that is the value of an
    /// attribute of the member when it is added.
    ManyMap<K, T>
);
holder!(
    /// The field of a relationship to many objects, shown by a [`CollectionClass`](super::CollectionClass): it has the
    /// methods of `C`.
    Collected<C>
);
readable!(Many<T>);
readable!(ManySet<T>);
readable!(ManyMap<K, T>);
readable!(Collected<C>);

holder!(
    /// The field of a relationship to so many objects of class `T` that they are never loaded: SQLAlchemy's
    /// `WriteOnlyMapped`. Nothing can be read from it, nor can it be loaded or replaced, which are compile errors.
    ///
    /// Members come and go one by one ([`Session::append`], [`Session::remove`]), or by the other side;
    /// [`Session::insert_members`] inserts many. What the database has is asked for by
    /// [`Session::members_query`] and [`Session::with_parent`]. A new owner may be given members; what was given is
    /// not kept once it is written.
    WriteOnly<T>
);

impl<T> WriteOnly<T> {
    /// From members that are handed in with a new owner.
    pub fn new<M: super::IntoMember<T>>(members: impl IntoIterator<Item = M>) -> Self {
        let members = members.into_iter().map(|m| m.into_member().core).collect();
        Self::from_core(ManyCore::New(Box::new(members)))
    }
}

/// From members that are handed in with a new owner: `many![…]` makes one.
impl<T, M: super::IntoMember<T>, const N: usize> From<[M; N]> for WriteOnly<T> {
    fn from(members: [M; N]) -> Self {
        Self::new(members)
    }
}

macro_rules! sequence {
    ($name:ident) => {
        impl<T> $name<T> {
            /// From members that are handed in.
            pub fn new<M: super::IntoMember<T>>(members: impl IntoIterator<Item = M>) -> Self {
                let members = members.into_iter().map(|m| m.into_member().core).collect();
                Self::from_core(ManyCore::New(Box::new(members)))
            }

            /// The members, in their order.
            ///
            /// # Panics
            ///
            /// Panics when the collection is not loaded.
            #[track_caller]
            pub fn iter(
                &self,
            ) -> impl ExactSizeIterator<Item = Handle<T>> + DoubleEndedIterator + '_ {
                self.core.members().iter().map(Handle::new)
            }

            /// The member at a position.
            ///
            /// # Panics
            ///
            /// Panics when the collection is not loaded.
            #[track_caller]
            pub fn at(&self, index: usize) -> Option<Handle<T>> {
                self.core.members().at(index).map(Handle::new)
            }

            /// Whether an object is a member.
            ///
            /// # Panics
            ///
            /// Panics when the collection is not loaded.
            #[track_caller]
            pub fn contains(&self, member: Handle<T>) -> bool {
                self.core.members().contains(member.id)
            }

            /// The members as a vector of handles.
            ///
            /// # Panics
            ///
            /// Panics when the collection is not loaded.
            #[track_caller]
            pub fn to_vec(&self) -> Vec<Handle<T>> {
                self.iter().collect()
            }
        }
    };
}
sequence!(Many);
sequence!(ManySet);

/// From members that are handed in: objects of the session, or new values.
impl<T, M: super::IntoMember<T>> FromIterator<M> for Many<T> {
    fn from_iter<I: IntoIterator<Item = M>>(members: I) -> Self {
        Self::new(members)
    }
}

/// From members that are handed in: objects of the session, or new values.
impl<T, M: super::IntoMember<T>> FromIterator<M> for ManySet<T> {
    fn from_iter<I: IntoIterator<Item = M>>(members: I) -> Self {
        Self::new(members)
    }
}

/// From members that are handed in; each goes under the value of its key attribute.
impl<K: ColumnType, T, M: super::IntoMember<T>> FromIterator<M> for ManyMap<K, T> {
    fn from_iter<I: IntoIterator<Item = M>>(members: I) -> Self {
        Self::new(members)
    }
}

impl<K: ColumnType, T> ManyMap<K, T> {
    /// From members that are handed in; each goes under the value of its key attribute.
    pub fn new<M: super::IntoMember<T>>(members: impl IntoIterator<Item = M>) -> Self {
        let members = members.into_iter().map(|m| m.into_member().core).collect();
        Self::from_core(ManyCore::New(Box::new(members)))
    }

    /// The keys with their members, in the order of the members.
    ///
    /// # Panics
    ///
    /// Panics when the collection is not loaded.
    #[track_caller]
    pub fn iter(&self) -> impl Iterator<Item = (K, Handle<T>)> + '_ {
        let members = self.core.members();
        members.entries().filter_map(|(key, id)| {
            K::from_ref(key.as_ref()).ok().map(|key| (key, Handle::new(id)))
        })
    }

    /// The member under a key.
    ///
    /// # Panics
    ///
    /// Panics when the collection is not loaded.
    #[track_caller]
    pub fn get(&self, key: &K) -> Option<Handle<T>> {
        let members = self.core.members();
        members.under(key.bind().as_ref()).map(Handle::new)
    }
}
