//! Keys as the program gives them.

use aludel_sql::{Bind, ColumnType, Value};
use smallvec::SmallVec;

use crate::instrumentation::Auto;
use crate::mapping::Mapper;
use crate::session::identity::Key;

/// What can be a primary key, or the part of one that consists of several columns.
///
/// Integers, texts and the database's other types are; so is any type of the program's own in [`By`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    label = "neither a key nor a tuple of the parts of one",
    note = "a key of a type of your own is given as `By(key)`"
)]
pub trait IntoKey {
    /// Adds the values of the key's columns, in their order.
    fn into_key(self, values: &mut KeyValues);

    /// The key, where it is one integer: the identity map is then looked into without more ado.
    #[doc(hidden)]
    #[inline]
    fn integer(&self) -> Option<i64> {
        None
    }
}

/// The values of a key being collected.
#[derive(Debug, Default)]
pub struct KeyValues(SmallVec<[Value; 2]>);

/// A key of any column type.
#[derive(Clone, Copy, Debug)]
pub struct By<V>(pub V);

impl KeyValues {
    /// Adds the value of a column.
    pub fn push(&mut self, value: Value) {
        self.0.push(value);
    }

    /// The key of a class; `None` when a part of it is NULL that must not be.
    pub(crate) fn key_of(&self, mapper: &Mapper) -> Option<Key> {
        if let [Value::I64(n)] = self.0[..] {
            return Some(Key::Int(n));
        }
        let binds: SmallVec<[Bind<'_>; 2]> = self.0.iter().map(|v| Bind::Ref(v.as_ref())).collect();
        mapper.key_of(&binds)
    }

    /// The values themselves.
    pub fn into_values(self) -> Vec<Value> {
        self.0.into_vec()
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl IntoKey for $t {
            #[inline]
            fn into_key(self, values: &mut KeyValues) {
                values.push(ColumnType::into_value(self));
            }

            #[inline]
            fn integer(&self) -> Option<i64> {
                i64::try_from(*self).ok()
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl IntoKey for String {
    fn into_key(self, values: &mut KeyValues) {
        values.push(Value::Text(self));
    }
}

impl IntoKey for &str {
    fn into_key(self, values: &mut KeyValues) {
        values.push(Value::Text(self.to_owned()));
    }
}

impl IntoKey for &String {
    fn into_key(self, values: &mut KeyValues) {
        values.push(Value::Text(self.clone()));
    }
}

impl IntoKey for Value {
    fn into_key(self, values: &mut KeyValues) {
        values.push(self);
    }
}

impl IntoKey for Vec<Value> {
    fn into_key(self, values: &mut KeyValues) {
        values.0.extend(self);
    }
}

impl<V: ColumnType> IntoKey for By<V> {
    fn into_key(self, values: &mut KeyValues) {
        values.push(self.0.into_value());
    }
}

impl<V: ColumnType> IntoKey for Auto<V> {
    fn into_key(self, values: &mut KeyValues) {
        values.push(match self {
            Self::Set(value) => value.into_value(),
            Self::Unset => Value::Null,
        });
    }
}

macro_rules! tuples {
    ($($name:ident),*) => {
        impl<$($name: IntoKey),*> IntoKey for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_key(self, values: &mut KeyValues) {
                let ($($name,)*) = self;
                $($name.into_key(values);)*
            }
        }
    };
}
tuples!(A);
tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);
tuples!(A, B, C, D, E);
tuples!(A, B, C, D, E, F);
