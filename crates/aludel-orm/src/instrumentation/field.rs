//! A field of an object, seen from the core.

use std::any::Any;

use aludel_sql::{Bad, Bind, ColumnType, Row, Value, ValueRef};

use super::{Auto, Deferred, ManyCore, OneCore};

/// A field of a mapped class as the core sees it: a column's value, or a relationship.
///
/// Implemented for every [`ColumnType`], for [`Auto`] and [`Deferred`] ones, and for the relationship
/// holders. It is sealed in effect: its hidden methods deal in types of the core.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a mapped class",
    label = "neither a column type nor a relationship",
    note = "implement `aludel::ColumnType` for it, or mark the field `#[mapped(skip)]`"
)]
pub trait Field: Any + Send + Sync {
    /// The value to be bound; NULL where it is absent.
    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Null)
    }
    /// Whether a value is there. Plain fields always have one; whether it counts is the state's affair.
    fn is_set(&self) -> bool {
        true
    }
    /// Whether the value tells by itself that it was changed; see [`ColumnType::TRACKED`].
    fn is_tracked(&self) -> bool {
        false
    }
    /// Forgets the value, where the type can say so.
    fn clear(&mut self) {}
    /// Stores a value.
    fn put(&mut self, value: Value) -> Result<(), Bad>;
    /// A field of the same type that holds `value`.
    fn with_value(&self, value: Value) -> Result<Box<dyn Field>, Bad>;
    /// Whether the other field (of the same type) holds the same value to the database.
    fn same(&self, other: &dyn Field) -> bool;
    /// Swaps with a field of the same type; false when it is of another.
    fn swap(&mut self, other: &mut dyn Field) -> bool;
    /// Takes the value out, moving it; the field is left with any value.
    fn take_value(&mut self) -> Value;
    /// A copy.
    fn clone_field(&self) -> Box<dyn Field>;
    /// The collection, where the field is one.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn many(&self) -> Option<&ManyCore> {
        None
    }
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn many_mut(&mut self) -> Option<&mut ManyCore> {
        None
    }
    /// The reference, where the field is one.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn one(&self) -> Option<&OneCore> {
        None
    }
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn one_mut(&mut self) -> Option<&mut OneCore> {
        None
    }
}

impl dyn Field {
    /// The value, owned.
    pub fn value(&self) -> Value {
        match self.bind() {
            Bind::Ref(v) => v.to_owned(),
            Bind::Owned(v) => v,
        }
    }
}

fn same_as<T: 'static>(other: &dyn Field, same: impl FnOnce(&T) -> bool) -> bool {
    (other as &dyn Any).downcast_ref::<T>().is_some_and(same)
}

fn swap_with<T: 'static>(this: &mut T, other: &mut dyn Field) -> bool {
    match (other as &mut dyn Any).downcast_mut::<T>() {
        Some(other) => {
            std::mem::swap(this, other);
            true
        }
        None => false,
    }
}

impl<V: ColumnType> Field for V {
    fn is_tracked(&self) -> bool {
        V::TRACKED
    }
    fn bind(&self) -> Bind<'_> {
        ColumnType::bind(self)
    }
    fn put(&mut self, value: Value) -> Result<(), Bad> {
        *self = V::from_value(value)?;
        Ok(())
    }
    fn with_value(&self, value: Value) -> Result<Box<dyn Field>, Bad> {
        Ok(Box::new(V::from_value(value)?))
    }
    fn same(&self, other: &dyn Field) -> bool {
        same_as::<V>(other, |other| ColumnType::same(self, other))
    }
    fn swap(&mut self, other: &mut dyn Field) -> bool {
        swap_with(self, other)
    }
    fn take_value(&mut self) -> Value {
        // Moves texts without a copy; the type tests fold away.
        let any: &mut dyn Any = self;
        if let Some(text) = any.downcast_mut::<String>() {
            return Value::Text(std::mem::take(text));
        }
        if let Some(text) = any.downcast_mut::<Option<String>>() {
            return text.take().map_or(Value::Null, Value::Text);
        }
        self.clone().into_value()
    }
    fn clone_field(&self) -> Box<dyn Field> {
        Box::new(self.clone())
    }
}

macro_rules! absent_field {
    ($name:ident, $unset:ident, $set:ident) => {
        impl<T: ColumnType> Field for $name<T> {
            fn is_tracked(&self) -> bool {
                T::TRACKED
            }
            fn bind(&self) -> Bind<'_> {
                self.get().map_or(Bind::Ref(ValueRef::Null), T::bind)
            }
            fn is_set(&self) -> bool {
                self.get().is_some()
            }
            fn clear(&mut self) {
                *self = Self::$unset;
            }
            fn put(&mut self, value: Value) -> Result<(), Bad> {
                *self = match value {
                    Value::Null if !T::NULLABLE => Self::$unset,
                    value => Self::$set(T::from_value(value)?),
                };
                Ok(())
            }
            fn with_value(&self, value: Value) -> Result<Box<dyn Field>, Bad> {
                let mut field = Self::$unset;
                field.put(value)?;
                Ok(Box::new(field))
            }
            fn same(&self, other: &dyn Field) -> bool {
                same_as::<Self>(other, |other| match (self.get(), other.get()) {
                    (Some(a), Some(b)) => a.same(b),
                    (None, None) => true,
                    _ => false,
                })
            }
            fn swap(&mut self, other: &mut dyn Field) -> bool {
                swap_with(self, other)
            }
            fn take_value(&mut self) -> Value {
                match std::mem::replace(self, Self::$unset) {
                    Self::$unset => Value::Null,
                    Self::$set(v) => v.into_value(),
                }
            }
            fn clone_field(&self) -> Box<dyn Field> {
                Box::new(self.clone())
            }
        }
    };
}
absent_field!(Auto, Unset, Set);
absent_field!(Deferred, Unloaded, Loaded);

/// A field type that holds a column: the column's type, and how a row fills the field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a mapped class",
    label = "neither a column type nor a relationship",
    note = "implement `aludel::ColumnType` for it, derive it (`#[derive(ColumnEnum)]` for an enum), \
            enable the feature of its crate, or mark the field `#[mapped(skip)]`"
)]
pub trait FieldType: super::Loadable + Clone + Sized {
    /// The type of the column in expressions.
    type Sql: ColumnType;
    /// The database generates the value where it is not given.
    const GENERATED: bool = false;
    /// The column is not loaded unless asked for.
    const DEFERRED: bool = false;
    /// The field from a column of a row.
    ///
    /// # Errors
    ///
    /// When the value does not fit; the error names the column.
    fn decode(row: &dyn Row, index: usize) -> aludel_sql::Result<Self>;
}

impl<V: ColumnType> FieldType for V {
    type Sql = V;
    #[inline]
    fn decode(row: &dyn Row, index: usize) -> aludel_sql::Result<Self> {
        aludel_sql::column(row, index)
    }
}

impl<T: ColumnType> FieldType for Auto<T> {
    type Sql = T;
    const GENERATED: bool = true;
    #[inline]
    fn decode(row: &dyn Row, index: usize) -> aludel_sql::Result<Self> {
        aludel_sql::column(row, index).map(Self::Set)
    }
}

impl<T: ColumnType> FieldType for Deferred<T> {
    type Sql = T;
    const DEFERRED: bool = true;
    #[inline]
    fn decode(row: &dyn Row, index: usize) -> aludel_sql::Result<Self> {
        aludel_sql::column(row, index).map(Self::Loaded)
    }
}
