//! A value of an attribute, whatever its kind: what access by name deals in.

use aludel_sql::Value;

use crate::instrumentation::Id;

/// The value of an attribute, whatever its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// A column's or an expression's value; NULL as well.
    Value(Value),
    /// The object that a reference refers to.
    One(Option<Id>),
    /// The members of a list or set.
    Many(Vec<Id>),
    /// The members of a keyed collection.
    Map(Vec<(Value, Id)>),
}

impl<V: Into<Value>> From<V> for Datum {
    fn from(value: V) -> Self {
        Self::Value(value.into())
    }
}
