//! Values for serde.
//!
//! A value is written with its kind, so that it comes back as it was: `{"I64": 5}` in JSON. The kinds are the same
//! whatever features are on, so that what one program writes another can read or refuse by name.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::Value;

/// A value as it is written. The order of the variants is part of the format.
#[derive(Serialize, Deserialize)]
enum Written<'a> {
    Null,
    Bool(bool),
    I64(i64),
    /// As a text, since JSON has no infinities.
    F64(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// In hexadecimal digits.
    Bytes(Cow<'a, str>),
    Decimal(Cow<'a, str>),
    Uuid(Cow<'a, str>),
    Date(Cow<'a, str>),
    Time(Cow<'a, str>),
    DateTime(Cow<'a, str>),
    Timestamp(Cow<'a, str>),
    Json(Cow<'a, str>),
    /// As a JSON document of its own: what is read then nests no deeper than its length allows.
    Tuple(Cow<'a, str>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match self {
            Self::Null => Written::Null,
            Self::Bool(value) => Written::Bool(*value),
            Self::I64(value) => Written::I64(*value),
            Self::F64(value) => Written::F64(value.to_string().into()),
            Self::Text(text) => Written::Text(text.into()),
            Self::Bytes(bytes) => Written::Bytes(to_hex(bytes).into()),
            #[cfg(feature = "decimal")]
            Self::Decimal(value) => Written::Decimal(value.to_string().into()),
            #[cfg(feature = "uuid")]
            Self::Uuid(value) => Written::Uuid(value.to_string().into()),
            #[cfg(feature = "jiff")]
            Self::Date(value) => Written::Date(value.to_string().into()),
            #[cfg(feature = "jiff")]
            Self::Time(value) => Written::Time(value.to_string().into()),
            #[cfg(feature = "jiff")]
            Self::DateTime(value) => Written::DateTime(value.to_string().into()),
            #[cfg(feature = "jiff")]
            Self::Timestamp(value) => Written::Timestamp(value.to_string().into()),
            #[cfg(feature = "json")]
            Self::Json(value) => Written::Json(value.to_string().into()),
            Self::Tuple(values) => {
                let text = serde_json::to_string(values).map_err(ser::Error::custom)?;
                Written::Tuple(text.into())
            }
            Self::Invalid(why) => return Err(ser::Error::custom(why)),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Null => Self::Null,
            Written::Bool(value) => Self::Bool(value),
            Written::I64(value) => Self::I64(value),
            Written::F64(text) => Self::F64(parsed("number", &text)?),
            Written::Text(text) => Self::Text(text.into_owned()),
            Written::Bytes(hex) => Self::Bytes(
                from_hex(&hex)
                    .ok_or_else(|| de::Error::custom("these are no hexadecimal digits"))?,
            ),
            #[cfg(feature = "decimal")]
            Written::Decimal(text) => Self::Decimal(parsed("decimal", &text)?),
            #[cfg(feature = "uuid")]
            Written::Uuid(text) => Self::Uuid(parsed("UUID", &text)?),
            #[cfg(feature = "jiff")]
            Written::Date(text) => Self::Date(parsed("date", &text)?),
            #[cfg(feature = "jiff")]
            Written::Time(text) => Self::Time(parsed("time", &text)?),
            #[cfg(feature = "jiff")]
            Written::DateTime(text) => Self::DateTime(parsed("date and time", &text)?),
            #[cfg(feature = "jiff")]
            Written::Timestamp(text) => Self::Timestamp(parsed("timestamp", &text)?),
            #[cfg(feature = "json")]
            Written::Json(text) => {
                let value = serde_json::from_str(&text);
                Self::Json(Box::new(value.map_err(de::Error::custom)?))
            }
            Written::Tuple(text) => {
                let values: Vec<Self> = serde_json::from_str(&text).map_err(de::Error::custom)?;
                Self::Tuple(values.into())
            }
            #[cfg(not(feature = "decimal"))]
            Written::Decimal(_) => return Err(lacking("decimal")),
            #[cfg(not(feature = "uuid"))]
            Written::Uuid(_) => return Err(lacking("uuid")),
            #[cfg(not(feature = "jiff"))]
            Written::Date(_) | Written::Time(_) | Written::DateTime(_) | Written::Timestamp(_) => {
                return Err(lacking("jiff"));
            }
            #[cfg(not(feature = "json"))]
            Written::Json(_) => return Err(lacking("json")),
        })
    }
}

fn parsed<T: std::str::FromStr, E: de::Error>(what: &str, text: &str) -> Result<T, E>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| E::custom(format!("`{text}` is no {what}: {error}")))
}

#[cfg(not(all(feature = "decimal", feature = "uuid", feature = "jiff", feature = "json")))]
fn lacking<E: de::Error>(feature: &str) -> E {
    E::custom(format!("a value needs the feature `{feature}`, which is not on"))
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
