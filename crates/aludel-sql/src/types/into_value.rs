//! `From<T> for Value`: what may stand where a value of any type is wanted.

use std::borrow::Cow;

use crate::{ColumnType, Value};

macro_rules! by_column_type {
    ($($(#[$attr:meta])* $t:ty),* $(,)?) => {$(
        $(#[$attr])*
        impl From<$t> for Value {
            fn from(value: $t) -> Self {
                value.into_value()
            }
        }
    )*};
}

by_column_type!(
    bool,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    f32,
    f64,
    char,
    String,
    Box<str>,
    Vec<u8>,
    #[cfg(feature = "decimal")]
    rust_decimal::Decimal,
    #[cfg(feature = "uuid")]
    uuid::Uuid,
    #[cfg(feature = "jiff")]
    jiff::civil::Date,
    #[cfg(feature = "jiff")]
    jiff::civil::Time,
    #[cfg(feature = "jiff")]
    jiff::civil::DateTime,
    #[cfg(feature = "jiff")]
    jiff::Timestamp,
    #[cfg(feature = "json")]
    serde_json::Value,
    #[cfg(feature = "chrono")]
    chrono::NaiveDate,
    #[cfg(feature = "chrono")]
    chrono::NaiveTime,
    #[cfg(feature = "chrono")]
    chrono::NaiveDateTime,
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::Utc>,
    #[cfg(feature = "time")]
    time::Date,
    #[cfg(feature = "time")]
    time::Time,
    #[cfg(feature = "time")]
    time::PrimitiveDateTime,
    #[cfg(feature = "time")]
    time::OffsetDateTime,
);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(value: Cow<'_, str>) -> Self {
        Self::Text(value.into_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(feature = "json")]
impl<T> From<crate::Json<T>> for Value
where
    crate::Json<T>: ColumnType,
{
    fn from(value: crate::Json<T>) -> Self {
        value.into_value()
    }
}
