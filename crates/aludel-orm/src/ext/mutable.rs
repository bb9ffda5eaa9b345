//! Values that know by themselves that they were changed: SQLAlchemy's `sqlalchemy.ext.mutable`.
//!
//! `session.edit` finds every change of a plain field, at any depth: it copies the object, and compares the copy
//! with it. That costs a copy and a comparison of each value, which a large document may not be worth. A
//! [`Mutable`] value is shared with the copy until something is changed through it, and is compared by
//! whether it is still the same one.
//!
//! | | plain field | `Mutable` |
//! |---|---|---|
//! | an edit of other fields | copies and compares the value | a count goes up and down |
//! | an edit of the value | copies and compares the value | copies the value once |
//! | a change that changes nothing | is no change | is a change: it was asked for |
//! | the old value in the history | is there | is not: it is not kept |
//! | listeners | of `Op::Replace` | of `Op::Modified` |

use std::borrow::Borrow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use aludel_sql::{Bad, Bind, ColumnType, DataType, Node, Value, ValueRef};

use crate::instrumentation::IntoField;

/// A value of a column type that is tracked by mutable access alone: it is neither copied nor compared when its
/// object is edited.
///
/// It derefs to the value, so that all methods of the value are its own. Whoever gets at the value mutably has
/// changed it, whether it differs afterwards or not.
///
/// Copies of a `Mutable` share the value until one of them is changed; a change is seen in that copy alone. So
/// two objects may be given one value, and the memory for it is used once, but there is no change of the one
/// that the other sees. A value that objects have in common is an object of its own.
///
/// ```
/// use aludel_orm::ext::Mutable;
///
/// let mut report = Mutable::new(String::from("a"));
/// let shared = report.clone();
/// assert!(report.is_same(&shared));
/// report.push('b');
/// assert!(!report.is_same(&shared));
/// assert_eq!((report.as_str(), shared.as_str()), ("ab", "a"));
/// ```
pub struct Mutable<T>(Arc<T>);

/// A map kept as a JSON document, and tracked by mutable access: SQLAlchemy's `MutableDict`.
#[cfg(feature = "json")]
pub type MutableDict<K, V> = Mutable<aludel_sql::Json<std::collections::BTreeMap<K, V>>>;

/// A list kept as a JSON document, and tracked by mutable access: SQLAlchemy's `MutableList`.
#[cfg(feature = "json")]
pub type MutableList<T> = Mutable<aludel_sql::Json<Vec<T>>>;

/// A set kept as a JSON document, and tracked by mutable access: SQLAlchemy's `MutableSet`.
#[cfg(feature = "json")]
pub type MutableSet<T> = Mutable<aludel_sql::Json<std::collections::BTreeSet<T>>>;

impl<T> Mutable<T> {
    /// A value to be tracked.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Whether both are one value: a copy of which neither side was changed since.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The value; it is copied where it is shared.
    pub fn into_inner(self) -> T
    where
        T: Clone,
    {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> Deref for Mutable<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Mutable<T> {
    /// The value, to be changed: from here on it counts as changed. It is copied where it is shared.
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for Mutable<T> {
    /// Shares the value.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Mutable<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutable<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

#[cfg(feature = "json")]
impl<T> From<T> for Mutable<aludel_sql::Json<T>> {
    fn from(value: T) -> Self {
        Self::new(aludel_sql::Json(value))
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Mutable<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0 == other.0
    }
}

impl<T: Eq> Eq for Mutable<T> {}

impl<T> Borrow<T> for Mutable<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ColumnType> ColumnType for Mutable<T> {
    const TYPE: DataType = T::TYPE;
    const NULLABLE: bool = T::NULLABLE;
    const TRACKED: bool = true;

    fn bind(&self) -> Bind<'_> {
        self.0.bind()
    }

    fn into_value(self) -> Value {
        match Arc::try_unwrap(self.0) {
            Ok(value) => value.into_value(),
            Err(shared) => T::clone(&shared).into_value(),
        }
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        T::from_ref(value).map(Self::new)
    }

    fn from_value(value: Value) -> Result<Self, Bad> {
        T::from_value(value).map(Self::new)
    }

    fn into_literal(self) -> Node {
        self.into_inner().into_literal()
    }

    fn same(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}

impl<T: ColumnType> IntoField<Mutable<T>> for T {
    fn into_field(self) -> Mutable<T> {
        Mutable::new(self)
    }
}

#[cfg(feature = "json")]
impl<T> IntoField<Mutable<aludel_sql::Json<T>>> for T
where
    aludel_sql::Json<T>: ColumnType,
{
    fn into_field(self) -> Mutable<aludel_sql::Json<T>> {
        self.into()
    }
}
