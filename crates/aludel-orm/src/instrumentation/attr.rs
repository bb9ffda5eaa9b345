//! Class-level attributes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use super::{ClassDef, Field, Mapped};

/// An attribute of class `C` whose field has type `V`: SQLAlchemy's `InstrumentedAttribute`.
///
/// The derive makes one for each field, under the field's name: `User::name`. On the class it is an
/// expression (`User::name.like("s%")`); together with a handle it names a value
/// (`session.set(user, User::name, "sandy")`). It is data, and `Copy`.
pub struct Attr<C, V> {
    index: u16,
    /// The class, where its objects are records; else it is known by the type.
    pub(crate) described: Option<&'static ClassDef>,
    name: &'static str,
    types: PhantomData<fn() -> (C, V)>,
}

impl<C, V> Attr<C, V> {
    /// An attribute by its number and name. The derive calls this.
    #[doc(hidden)]
    pub const fn new(index: u16, name: &'static str) -> Self {
        Self { index, described: None, name, types: PhantomData }
    }

    /// An attribute of a class that was described at run time.
    pub(crate) const fn of(class: &'static ClassDef, index: u16, name: &'static str) -> Self {
        Self { index, described: Some(class), name, types: PhantomData }
    }

    /// The class that has the attribute.
    #[inline]
    pub(crate) fn class(self) -> &'static ClassDef
    where
        C: Mapped,
    {
        self.described.unwrap_or_else(C::class)
    }

    /// The attribute's number in its class.
    pub const fn index(self) -> u16 {
        self.index
    }

    /// The attribute's name.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<C, V> Clone for Attr<C, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, V> Copy for Attr<C, V> {}

impl<C, V> Hash for Attr<C, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl<C, V> fmt::Debug for Attr<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = std::any::type_name::<C>();
        write!(f, "{}::{}", class.rsplit("::").next().unwrap_or(class), self.name)
    }
}

/// An attribute of class `C`, whatever its type: for lists of attributes of several types.
pub struct AttributeKey<C> {
    pub(crate) index: u16,
    pub(crate) described: Option<&'static ClassDef>,
    class: PhantomData<fn() -> C>,
}

impl<C> Clone for AttributeKey<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for AttributeKey<C> {}

impl<C> fmt::Debug for AttributeKey<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attribute {}", self.index)
    }
}

impl<C: Mapped, V: Field> From<Attr<C, V>> for AttributeKey<C> {
    fn from(attr: Attr<C, V>) -> Self {
        Self { index: attr.index, described: attr.described, class: PhantomData }
    }
}
