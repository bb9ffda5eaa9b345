//! JSON documents, and values of any type kept as JSON.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Bad, Bind, ColumnType, DataType, Value, ValueRef};

impl ColumnType for serde_json::Value {
    const TYPE: DataType = DataType::Json;

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Json(self))
    }

    fn into_value(self) -> Value {
        Value::Json(Box::new(self))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        match value {
            ValueRef::Json(v) => Ok(v.clone()),
            ValueRef::Text(v) => serde_json::from_str(v).map_err(|_| Bad::Invalid("JSON document")),
            ValueRef::Null => Err(Bad::Null),
            _ => Err(Bad::Type("a JSON document")),
        }
    }

    fn from_value(value: Value) -> Result<Self, Bad> {
        match value {
            Value::Json(v) => Ok(*v),
            other => Self::from_ref(other.as_ref()),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

/// A value of any type that `serde` knows, kept in a JSON column.
///
/// A value that `serde_json` cannot represent (a map whose keys are not strings, an error of its
/// own `Serialize`) is refused when it is sent to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Json<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T> ColumnType for Json<T>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    const TYPE: DataType = DataType::Json;

    fn bind(&self) -> Bind<'_> {
        Bind::Owned(match serde_json::to_value(&self.0) {
            Ok(v) => Value::Json(Box::new(v)),
            Err(e) => Value::Invalid(format!("it cannot be written as JSON: {e}").into()),
        })
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        const WANT: &str = "JSON document of the field's type";
        match value {
            ValueRef::Json(v) => T::deserialize(v).map(Self).map_err(|_| Bad::Invalid(WANT)),
            ValueRef::Text(v) => serde_json::from_str(v).map(Self).map_err(|_| Bad::Invalid(WANT)),
            ValueRef::Null => Err(Bad::Null),
            _ => Err(Bad::Type("a JSON document")),
        }
    }
}
