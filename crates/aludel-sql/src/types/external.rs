//! Decimals and UUIDs.

#[cfg(feature = "decimal")]
mod decimal {
    use rust_decimal::Decimal;

    use crate::{Bad, Bind, ColumnType, DataType, ValueRef};

    impl ColumnType for Decimal {
        const TYPE: DataType = DataType::Numeric(None);

        fn bind(&self) -> Bind<'_> {
            Bind::Ref(ValueRef::Decimal(*self))
        }

        /// From a decimal, an integer, a text, or a float as its shortest decimal form.
        fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
            let parse = |s: &str| {
                Self::from_str_exact(s)
                    .or_else(|_| Self::from_scientific(s))
                    .map_err(|_| Bad::Invalid("decimal number"))
            };
            match value {
                ValueRef::Decimal(v) => Ok(v),
                ValueRef::I64(v) => Ok(v.into()),
                ValueRef::Text(v) => parse(v),
                ValueRef::F64(v) => parse(&v.to_string()),
                ValueRef::Null => Err(Bad::Null),
                _ => Err(Bad::Type("a decimal number")),
            }
        }

        fn same(&self, other: &Self) -> bool {
            self == other
        }
    }
}

#[cfg(feature = "uuid")]
mod uuid {
    use uuid::Uuid;

    use crate::{Bad, Bind, ColumnType, DataType, ValueRef};

    impl ColumnType for Uuid {
        const TYPE: DataType = DataType::Uuid;

        fn bind(&self) -> Bind<'_> {
            Bind::Ref(ValueRef::Uuid(*self))
        }

        /// From a UUID, its text, or its sixteen bytes.
        fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
            match value {
                ValueRef::Uuid(v) => Ok(v),
                ValueRef::Text(v) => Self::parse_str(v).map_err(|_| Bad::Invalid("UUID")),
                ValueRef::Bytes(v) => Self::from_slice(v).map_err(|_| Bad::Invalid("UUID")),
                ValueRef::Null => Err(Bad::Null),
                _ => Err(Bad::Type("a UUID")),
            }
        }

        fn same(&self, other: &Self) -> bool {
            self == other
        }
    }
}
