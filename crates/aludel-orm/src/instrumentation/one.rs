//! A reference to one object.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{Bad, Value};

use super::many::NewObject;
use super::{Field, Handle, Id};

/// The untyped state of a reference.
#[derive(Clone, Default)]
pub(crate) enum OneCore {
    /// Never touched: reads as none and says nothing about the foreign key.
    #[default]
    Unset,
    /// Not loaded.
    NotLoaded,
    /// A value handed in by the program that is not in the session yet.
    New(Box<NewObject>),
    /// Known.
    Loaded(Option<Id>),
}

impl OneCore {
    /// The object referred to, where it is known.
    pub(crate) fn known(&self) -> Option<Option<Id>> {
        match self {
            Self::Loaded(id) => Some(*id),
            _ => None,
        }
    }
}

impl PartialEq for OneCore {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unset, Self::Unset) | (Self::NotLoaded, Self::NotLoaded) => true,
            (Self::Loaded(a), Self::Loaded(b)) => a == b,
            (Self::New(a), Self::New(b)) => a.same(b),
            _ => false,
        }
    }
}

/// The field of a many-to-one or one-to-one relationship: a reference to one object of class `T`.
///
/// It is *unset* (never touched), *not loaded*, *new* (a value that joins the session with its owner) or
/// *loaded*. It holds a handle, never the object.
pub struct One<T> {
    pub(crate) core: OneCore,
    class: PhantomData<fn() -> T>,
}

impl<T> One<T> {
    pub(crate) const fn from_core(core: OneCore) -> Self {
        Self { core, class: PhantomData }
    }

    /// A reference that is not loaded.
    #[doc(hidden)]
    pub const fn not_loaded() -> Self {
        Self::from_core(OneCore::NotLoaded)
    }

    /// A reference to nothing, said explicitly: the foreign key becomes NULL.
    pub const fn none() -> Self {
        Self::from_core(OneCore::Loaded(None))
    }

    /// The object referred to; `None` when there is none, and when the reference was never set.
    ///
    /// # Panics
    ///
    /// Panics when the reference is not loaded (load it with `session.load(handle, attribute)` or an
    /// eager option), and when it holds a new value that is not in a session yet.
    #[track_caller]
    pub fn get(&self) -> Option<Handle<T>> {
        match &self.core {
            OneCore::Unset => None,
            OneCore::Loaded(id) => id.map(Handle::new),
            OneCore::NotLoaded => panic!(
                "this reference is not loaded: call `session.load(handle, attribute).await?` first, \
                 or load it with the query"
            ),
            OneCore::New(_) => {
                panic!("this reference holds a new value: add its owner to a session first")
            }
        }
    }

    /// The object referred to, or `None` when the reference is not loaded.
    pub fn try_get(&self) -> Option<Option<Handle<T>>> {
        match &self.core {
            OneCore::Unset => Some(None),
            OneCore::Loaded(id) => Some(id.map(Handle::new)),
            OneCore::NotLoaded | OneCore::New(_) => None,
        }
    }

    /// Whether it is known what the reference refers to.
    pub fn is_loaded(&self) -> bool {
        matches!(self.core, OneCore::Loaded(_))
    }
}

impl<T> Clone for One<T> {
    fn clone(&self) -> Self {
        Self::from_core(self.core.clone())
    }
}

impl<T> Default for One<T> {
    fn default() -> Self {
        Self::from_core(OneCore::Unset)
    }
}

impl<T> PartialEq for One<T> {
    fn eq(&self, other: &Self) -> bool {
        self.core == other.core
    }
}

impl<T> fmt::Debug for One<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.core {
            OneCore::Unset => f.write_str("Unset"),
            OneCore::NotLoaded => f.write_str("NotLoaded"),
            OneCore::New(_) => f.write_str("New"),
            OneCore::Loaded(id) => id.fmt(f),
        }
    }
}

impl<T> From<Handle<T>> for One<T> {
    fn from(handle: Handle<T>) -> Self {
        Self::from_core(OneCore::Loaded(Some(handle.id)))
    }
}

impl<T> From<Option<Handle<T>>> for One<T> {
    fn from(handle: Option<Handle<T>>) -> Self {
        Self::from_core(OneCore::Loaded(handle.map(Handle::id)))
    }
}

impl<T: 'static> Field for One<T> {
    fn is_set(&self) -> bool {
        matches!(self.core, OneCore::Loaded(_) | OneCore::New(_))
    }
    fn clear(&mut self) {
        self.core = OneCore::NotLoaded;
    }
    fn put(&mut self, _: Value) -> Result<(), Bad> {
        Err(Bad::Type("a reference to an object"))
    }
    fn with_value(&self, _: Value) -> Result<Box<dyn Field>, Bad> {
        Err(Bad::Type("a reference to an object"))
    }
    fn same(&self, other: &dyn Field) -> bool {
        (other as &dyn Any).downcast_ref::<Self>().is_some_and(|other| self.core == other.core)
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
    fn one(&self) -> Option<&OneCore> {
        Some(&self.core)
    }
    #[allow(private_interfaces)]
    fn one_mut(&mut self) -> Option<&mut OneCore> {
        Some(&mut self.core)
    }
}
