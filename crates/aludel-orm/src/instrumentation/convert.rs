//! What may be assigned to a field, added to a collection, and added to a session.

use aludel_sql::ColumnType;

use super::many::{MemberCore, NewObject};
use super::one::OneCore;
use super::{
    AnyClass, Auto, Collected, CollectionClass, Deferred, Handle, Id, IsA, Many, ManyMap, ManySet,
    Mapped, Member, One,
};
use crate::session::Session;

/// What can be assigned to a field of type `V`.
///
/// `"x"` for a `String` and an `Option<String>`; a value for an `Option`, an [`Auto`] or a [`Deferred`] of it;
/// a handle, an optional handle or a new object for a [`One`]; an array or vector of handles or new objects
/// for a collection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be assigned to an attribute of type `{V}`",
    label = "not a value for `{V}`"
)]
pub trait IntoField<V> {
    /// The field's value.
    fn into_field(self) -> V;
}

impl<V: ColumnType> IntoField<V> for V {
    fn into_field(self) -> V {
        self
    }
}

impl<V: ColumnType> IntoField<Option<V>> for V
where
    Option<V>: ColumnType,
{
    fn into_field(self) -> Option<V> {
        Some(self)
    }
}

impl IntoField<String> for &str {
    fn into_field(self) -> String {
        self.to_owned()
    }
}

impl IntoField<Option<String>> for &str {
    fn into_field(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl<V: ColumnType> IntoField<Auto<V>> for V {
    fn into_field(self) -> Auto<V> {
        Auto::Set(self)
    }
}

impl<V: ColumnType> IntoField<Auto<V>> for Auto<V> {
    fn into_field(self) -> Auto<V> {
        self
    }
}

impl<V: ColumnType, S: IntoField<V>> IntoField<Deferred<V>> for S {
    fn into_field(self) -> Deferred<V> {
        Deferred::Loaded(self.into_field())
    }
}

impl<T, S: IsA<T>> IntoField<One<T>> for Handle<S> {
    fn into_field(self) -> One<T> {
        One::from_core(OneCore::Loaded(Some(self.id)))
    }
}

impl<T, S: IsA<T>> IntoField<One<T>> for Option<Handle<S>> {
    fn into_field(self) -> One<T> {
        One::from_core(OneCore::Loaded(self.map(Handle::id)))
    }
}

impl<T, S: Mapped + IsA<T>> IntoField<One<T>> for S {
    fn into_field(self) -> One<T> {
        One::from_core(OneCore::New(Box::new(NewObject::new(self))))
    }
}

impl<T> IntoField<One<T>> for One<T> {
    fn into_field(self) -> One<T> {
        self
    }
}

impl<T: Mapped> From<T> for One<T> {
    fn from(value: T) -> Self {
        value.into_field()
    }
}

/// What can become a member of a collection of class `T`: a handle, or a new object, of `T` or a subclass.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a member of a collection of `{T}`",
    label = "neither a handle nor an object of `{T}` or a subclass"
)]
pub trait IntoMember<T> {
    /// The member.
    fn into_member(self) -> Member<T>;
}

impl<T, S: IsA<T>> IntoMember<T> for Handle<S> {
    fn into_member(self) -> Member<T> {
        Member::from_core(MemberCore::Object(self.id))
    }
}

impl<T, S: Mapped + IsA<T>> IntoMember<T> for S {
    fn into_member(self) -> Member<T> {
        Member::from_core(MemberCore::New(NewObject::new(self)))
    }
}

impl<T> IntoMember<T> for Member<T> {
    fn into_member(self) -> Member<T> {
        self
    }
}

macro_rules! into_collection {
    ($name:ident $(, $key:ident)?) => {
        impl<$($key: ColumnType,)? T, M: IntoMember<T>, const N: usize> IntoField<$name<$($key,)? T>> for [M; N] {
            fn into_field(self) -> $name<$($key,)? T> {
                $name::new(self)
            }
        }
        impl<$($key: ColumnType,)? T, M: IntoMember<T>> IntoField<$name<$($key,)? T>> for Vec<M> {
            fn into_field(self) -> $name<$($key,)? T> {
                $name::new(self)
            }
        }
        impl<$($key: ColumnType,)? T> IntoField<$name<$($key,)? T>> for $name<$($key,)? T> {
            fn into_field(self) -> Self {
                self
            }
        }
        impl<$($key: ColumnType,)? T, M: IntoMember<T>, const N: usize> From<[M; N]> for $name<$($key,)? T> {
            fn from(members: [M; N]) -> Self {
                $name::new(members)
            }
        }
    };
}
into_collection!(Many);
into_collection!(ManySet);
into_collection!(ManyMap, K);

impl<C: CollectionClass, M: IntoMember<C::Member>, const N: usize> IntoField<Collected<C>>
    for [M; N]
{
    fn into_field(self) -> Collected<C> {
        Collected::new(self)
    }
}

impl<C: CollectionClass, M: IntoMember<C::Member>> IntoField<Collected<C>> for Vec<M> {
    fn into_field(self) -> Collected<C> {
        Collected::new(self)
    }
}

impl<C: CollectionClass> IntoField<Collected<C>> for Collected<C> {
    fn into_field(self) -> Self {
        self
    }
}

impl<C: CollectionClass, M: IntoMember<C::Member>, const N: usize> From<[M; N]> for Collected<C> {
    fn from(members: [M; N]) -> Self {
        Collected::new(members)
    }
}

/// What can be added to a session: a new object, or a handle of an object that was in it before.
pub trait IntoObject {
    /// The class.
    type Class;
    /// The object's id; a new object is taken in as a transient one. `gives_objects` is what
    /// [`gives_objects`](Self::gives_objects) has said of it.
    ///
    /// # Errors
    ///
    /// When a value that hangs on the object is refused.
    #[doc(hidden)]
    fn into_object(self, session: &mut Session, gives_objects: bool) -> crate::Result<Id>;
    /// Whether other objects hang on it, so that taking it in may fail half-way.
    #[doc(hidden)]
    fn gives_objects(&self, session: &mut Session) -> bool;
}

impl<T: Mapped> IntoObject for T {
    type Class = T;
    #[inline]
    fn into_object(self, session: &mut Session, gives_objects: bool) -> crate::Result<Id> {
        session.make_now(self, gives_objects).map(Handle::id)
    }
    #[inline]
    fn gives_objects(&self, session: &mut Session) -> bool {
        let class = match T::DESCRIBED {
            false => session.class_of::<T>(),
            true => session.class_of_record(self.own_class()),
        };
        let is_given = |attribute: &u16| self.field(*attribute).is_some_and(|f| f.is_set());
        // One that cannot be mapped fails later.
        class.is_ok_and(|class| session.mappers.at(class).relationships.iter().any(is_given))
    }
}

impl<T> IntoObject for Handle<T> {
    type Class = T;
    fn into_object(self, session: &mut Session, _: bool) -> crate::Result<Id> {
        session.arena.check(self.id)?;
        Ok(self.id)
    }
    #[inline]
    fn gives_objects(&self, _: &mut Session) -> bool {
        false
    }
}

/// An object of a class that is not known at compile time, such as those that a rollback gives back.
impl IntoObject for Id {
    type Class = AnyClass;
    fn into_object(self, session: &mut Session, _: bool) -> crate::Result<Id> {
        session.arena.check(self)?;
        Ok(self)
    }
    #[inline]
    fn gives_objects(&self, _: &mut Session) -> bool {
        false
    }
}

/// A collection of new and existing objects, for a field of a relationship to many.
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # fn example(existing_handle: Handle<Address>) {
/// let user = User { addresses: many![Address::default(), existing_handle], ..User::default() };
/// let alone = User { addresses: many![], ..User::default() }; // a merge takes the members away
/// # drop((user, alone));
/// # }
/// ```
#[macro_export]
macro_rules! many {
    () => {
        ::core::convert::From::from([] as [$crate::instrumentation::Member<_>; 0])
    };
    ($($member:expr),* $(,)?) => {
        ::core::convert::From::from([$($crate::IntoMember::into_member($member)),*])
    };
}
