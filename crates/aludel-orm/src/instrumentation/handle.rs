//! Handles: what names an object in a session.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::num::NonZeroU32;

/// Names an object of a session, whatever its class: twelve bytes, `Copy`, generational.
///
/// It carries the object's own (most specific) class and a tag of its session, so that an id that
/// belongs to another session, or to an object that has left, is found out rather than followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub(crate) slot: u32,
    pub(crate) generation: NonZeroU32,
    pub(crate) class: u16,
    pub(crate) session: u16,
}

impl Hash for Id {
    /// One word: what is equal in it and not in the generation is rarely in one table.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(
            u64::from(self.slot) | u64::from(self.class) << 32 | u64::from(self.session) << 48,
        );
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}.{}", self.class, self.slot, self.generation)
    }
}

impl Id {
    /// A handle of the object, of a class that is not said: for what takes a handle of any class.
    pub const fn handle(self) -> Handle<AnyClass> {
        Handle::new(self)
    }
}

/// The class of a handle made from an [`Id`], which is not known at compile time.
#[derive(Clone, Copy, Debug)]
pub enum AnyClass {}

/// Says that a class is `B` or a subclass of it, so that its handles can be used as handles of `B`.
///
/// The derive implements it for each class and its bases.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `{B}`, nor one of its subclasses",
    label = "expected an object of class `{B}`"
)]
pub trait IsA<B> {}

/// Names an object of class `T`, or of a subclass of it, in a session.
///
/// `session[handle]` is the object. A handle is twelve bytes and `Copy`; it stays valid until its
/// object is removed from the session.
pub struct Handle<T> {
    pub(crate) id: Id,
    class: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    pub(crate) const fn new(id: Id) -> Self {
        Self { id, class: PhantomData }
    }

    /// The handle without the class in its type.
    pub const fn id(self) -> Id {
        self.id
    }

    /// The same object as a handle of a base class.
    pub const fn up<B>(self) -> Handle<B>
    where
        T: IsA<B>,
    {
        Handle::new(self.id)
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T> Eq for Handle<T> {}

impl<T> PartialOrd for Handle<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Handle<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

impl<T> Hash for Handle<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = std::any::type_name::<T>();
        write!(f, "{}{:?}", name.rsplit("::").next().unwrap_or(name), self.id)
    }
}

impl<T> From<Handle<T>> for Id {
    fn from(handle: Handle<T>) -> Self {
        handle.id
    }
}
