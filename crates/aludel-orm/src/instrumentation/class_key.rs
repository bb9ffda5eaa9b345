//! What tells classes apart, and how one refers to another: for structs and for classes described at run time.

use std::any::TypeId;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use super::{ClassDef, Mapped, Record, RecordClass};

/// The identity of a class: that of its type, or the number of its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassKey {
    /// A struct.
    Type(TypeId),
    /// A class described at run time; unique in the process, and never used again.
    Described(u32),
}

impl ClassKey {
    /// The identity of a struct's class.
    #[inline]
    pub fn of<T: 'static>() -> Self {
        Self::Type(TypeId::of::<T>())
    }
}

// A type's identity is hashed as it would be alone: the lookup of a struct pays nothing for the others.
impl Hash for ClassKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Type(id) => id.hash(state),
            Self::Described(number) => state.write_u64(u64::from(*number)),
        }
    }
}

/// A class that another refers to.
#[derive(Clone, Copy)]
pub enum ClassRef {
    /// A struct.
    Type(fn() -> &'static ClassDef),
    /// A class described at run time.
    Described(&'static ClassDef),
    /// A class known by its name, which may be described later than the one that refers to it.
    #[doc(hidden)]
    Named(&'static NamedClass),
}

/// A class that is known by its name, and found when the mappers are configured.
#[doc(hidden)]
#[derive(Debug)]
pub struct NamedClass {
    pub(crate) name: String,
    pub(crate) found: OnceLock<&'static ClassDef>,
}

impl ClassRef {
    /// The class of a struct.
    pub const fn of<T: Mapped>() -> Self {
        Self::Type(T::class)
    }

    /// The class, where it is known. That of a struct's field of [`Record`]s is said when the struct is mapped.
    pub fn get(&self) -> Option<&'static ClassDef> {
        match self {
            Self::Type(class) => {
                Some(class()).filter(|class| class.key() != ClassKey::of::<Record>())
            }
            Self::Described(class) => Some(class),
            Self::Named(named) => named.found.get().copied(),
        }
    }

    /// The class's name, which is known before the class is.
    pub fn name(&self) -> &str {
        match self {
            Self::Type(class) => class().name,
            Self::Described(class) => class.name,
            Self::Named(named) => &named.name,
        }
    }
}

impl fmt::Debug for ClassRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A class by name: the name is kept as long as the program runs, as descriptions of classes are.
impl From<&str> for ClassRef {
    fn from(name: &str) -> Self {
        let named = NamedClass { name: name.to_owned(), found: OnceLock::new() };
        Self::Named(Box::leak(Box::new(named)))
    }
}

impl From<RecordClass> for ClassRef {
    fn from(class: RecordClass) -> Self {
        Self::Described(class.def())
    }
}

/// How something is made when it is needed: by a function, or by a closure of a class described at run time.
pub enum Make<T: 'static> {
    /// A function.
    Call(fn() -> T),
    /// A closure.
    Closure(&'static (dyn Fn() -> T + Send + Sync)),
}

impl<T> Clone for Make<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Make<T> {}

impl<T> Make<T> {
    /// Makes it.
    pub fn call(&self) -> T {
        match self {
            Self::Call(make) => make(),
            Self::Closure(make) => make(),
        }
    }
}

impl<T> fmt::Debug for Make<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Make(..)")
    }
}
