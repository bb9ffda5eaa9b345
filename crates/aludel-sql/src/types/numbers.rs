//! Booleans, integers and floating-point numbers.

use crate::{Bad, Bind, ColumnType, DataType, Row, Value, ValueRef};

impl ColumnType for bool {
    const TYPE: DataType = DataType::Boolean;

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Bool(*self))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        match value {
            ValueRef::Bool(v) => Ok(v),
            ValueRef::I64(0) => Ok(false),
            ValueRef::I64(1) => Ok(true),
            ValueRef::I64(n) => Err(Bad::Overflow(n)),
            ValueRef::Null => Err(Bad::Null),
            _ => Err(Bad::Type("a boolean")),
        }
    }
}

/// An integer, where the value is one: an `I64`, or a decimal without a fraction (what PostgreSQL
/// and MySQL make of a sum).
fn integer(value: ValueRef<'_>) -> Result<i64, Bad> {
    match value {
        ValueRef::I64(v) => Ok(v),
        ValueRef::Null => Err(Bad::Null),
        #[cfg(feature = "decimal")]
        ValueRef::Decimal(v) if v.is_integer() => {
            i64::try_from(v).map_err(|_| Bad::Invalid("integer of 64 bits"))
        }
        _ => Err(Bad::Type("an integer")),
    }
}

fn float(value: ValueRef<'_>) -> Result<f64, Bad> {
    match value {
        ValueRef::F64(v) => Ok(v),
        ValueRef::I64(v) => Ok(v as f64),
        ValueRef::Null => Err(Bad::Null),
        #[cfg(feature = "decimal")]
        ValueRef::Decimal(v) => f64::try_from(v).map_err(|_| Bad::Invalid("number")),
        _ => Err(Bad::Type("a number")),
    }
}

macro_rules! integers {
    ($($t:ty => $ty:ident),*) => {$(
        impl ColumnType for $t {
            const TYPE: DataType = DataType::$ty;

            fn bind(&self) -> Bind<'_> {
                Bind::Ref(ValueRef::I64(i64::from(*self)))
            }

            fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
                let n = integer(value)?;
                Self::try_from(n).map_err(|_| Bad::Overflow(n))
            }

            #[inline]
            fn from_row(row: &dyn Row, index: usize) -> Result<Self, Bad> {
                match row.integer(index) {
                    Some(n) => Self::try_from(n).map_err(|_| Bad::Overflow(n)),
                    None => row.get(index).and_then(Self::from_ref),
                }
            }

            fn same(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}

integers!(i8 => SmallInt, i16 => SmallInt, i32 => Integer, i64 => BigInt);
integers!(u8 => SmallInt, u16 => Integer, u32 => BigInt);

/// No database but MySQL has an unsigned type of 64 bits, so a `u64` is kept in a signed one; a
/// number above `i64::MAX` is refused when it is sent.
impl ColumnType for u64 {
    const TYPE: DataType = DataType::BigInt;

    fn bind(&self) -> Bind<'_> {
        match i64::try_from(*self) {
            Ok(n) => Bind::Ref(ValueRef::I64(n)),
            Err(_) => {
                let why = format!("{self} is more than a column of 64 bits holds");
                Bind::Owned(Value::Invalid(why.into()))
            }
        }
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        let n = integer(value)?;
        Self::try_from(n).map_err(|_| Bad::Overflow(n))
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl ColumnType for f64 {
    const TYPE: DataType = DataType::Double;

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::F64(*self))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        float(value)
    }

    fn same(&self, other: &Self) -> bool {
        self == other || (self.is_nan() && other.is_nan())
    }
}

impl ColumnType for f32 {
    const TYPE: DataType = DataType::Real;

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::F64(f64::from(*self)))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        let wide = float(value)?;
        let narrow = wide as f32;
        if narrow.is_infinite() && wide.is_finite() {
            return Err(Bad::Invalid("number of 32 bits"));
        }
        Ok(narrow)
    }

    fn same(&self, other: &Self) -> bool {
        self == other || (self.is_nan() && other.is_nan())
    }
}
