//! From a column's type to the Rust type that holds its values: for what is known at run time only.

use crate::{ColumnType, DataType, Value};

/// Does something with a Rust type that is found by [`DataType::visit`].
pub trait TypeVisitor {
    /// What it gives.
    type Output;
    /// Does it.
    fn visit<T: ColumnType + Default>(self) -> Self::Output;
}

impl DataType {
    /// Shows the Rust type that holds the values of a column of this type; none where that takes a feature
    /// (`decimal`, `uuid`, `jiff`, `json`) that is not on.
    pub fn visit<V: TypeVisitor>(self, visitor: V) -> Option<V::Output> {
        Some(match self {
            Self::Boolean => visitor.visit::<bool>(),
            Self::SmallInt => visitor.visit::<i16>(),
            Self::Integer => visitor.visit::<i32>(),
            Self::BigInt => visitor.visit::<i64>(),
            Self::Real => visitor.visit::<f32>(),
            Self::Double => visitor.visit::<f64>(),
            Self::Text(_) => visitor.visit::<String>(),
            Self::Bytes => visitor.visit::<Vec<u8>>(),
            Self::Any => visitor.visit::<Value>(),
            #[cfg(feature = "decimal")]
            Self::Numeric(_) => visitor.visit::<rust_decimal::Decimal>(),
            #[cfg(feature = "uuid")]
            Self::Uuid => visitor.visit::<uuid::Uuid>(),
            #[cfg(feature = "jiff")]
            Self::Date => visitor.visit::<jiff::civil::Date>(),
            #[cfg(feature = "jiff")]
            Self::Time => visitor.visit::<jiff::civil::Time>(),
            #[cfg(feature = "jiff")]
            Self::DateTime => visitor.visit::<jiff::civil::DateTime>(),
            #[cfg(feature = "jiff")]
            Self::Timestamp => visitor.visit::<jiff::Timestamp>(),
            #[cfg(feature = "json")]
            Self::Json => visitor.visit::<serde_json::Value>(),
            #[allow(unreachable_patterns)]
            _ => return None,
        })
    }

    /// The feature without which no Rust type holds the values of a column of this type.
    pub fn feature(self) -> Option<&'static str> {
        Some(match self {
            Self::Numeric(_) => "decimal",
            Self::Uuid => "uuid",
            Self::Date | Self::Time | Self::DateTime | Self::Timestamp => "jiff",
            Self::Json => "json",
            _ => return None,
        })
    }
}
