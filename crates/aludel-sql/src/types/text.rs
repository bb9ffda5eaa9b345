//! Text, bytes, `Option<T>`, and the value of any type.

use std::borrow::Cow;

use crate::{Bad, Bind, ColumnType, DataType, Literal, Node, Row, Value, ValueRef};

fn text(value: ValueRef<'_>) -> Result<&str, Bad> {
    match value {
        ValueRef::Text(v) => Ok(v),
        ValueRef::Null => Err(Bad::Null),
        _ => Err(Bad::Type("a text")),
    }
}

impl ColumnType for String {
    const TYPE: DataType = DataType::Text(None);

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Text(self))
    }

    fn into_value(self) -> Value {
        Value::Text(self)
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        text(value).map(str::to_owned)
    }

    #[inline]
    fn from_row(row: &dyn Row, index: usize) -> Result<Self, Bad> {
        match row.text(index) {
            Some(text) => Ok(text.to_owned()),
            None => row.get(index).and_then(Self::from_ref),
        }
    }

    fn from_value(value: Value) -> Result<Self, Bad> {
        match value {
            Value::Text(v) => Ok(v),
            other => Self::from_ref(other.as_ref()),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl ColumnType for Box<str> {
    const TYPE: DataType = DataType::Text(None);

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Text(self))
    }

    fn into_value(self) -> Value {
        Value::Text(self.into())
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        text(value).map(Into::into)
    }
}

impl ColumnType for Cow<'static, str> {
    const TYPE: DataType = DataType::Text(None);

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Text(self))
    }

    fn into_value(self) -> Value {
        Value::Text(self.into_owned())
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        text(value).map(|v| Cow::Owned(v.to_owned()))
    }
}

impl ColumnType for char {
    const TYPE: DataType = DataType::Text(Some(1));

    fn bind(&self) -> Bind<'_> {
        Bind::Owned(Value::Text(self.to_string()))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        let mut chars = text(value)?.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(Bad::Invalid("single character")),
        }
    }
}

impl ColumnType for Vec<u8> {
    const TYPE: DataType = DataType::Bytes;

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Bytes(self))
    }

    fn into_value(self) -> Value {
        Value::Bytes(self)
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        match value {
            ValueRef::Bytes(v) => Ok(v.to_vec()),
            ValueRef::Null => Err(Bad::Null),
            _ => Err(Bad::Type("bytes")),
        }
    }

    fn from_value(value: Value) -> Result<Self, Bad> {
        match value {
            Value::Bytes(v) => Ok(v),
            other => Self::from_ref(other.as_ref()),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl<T: ColumnType> ColumnType for Option<T> {
    const TYPE: DataType = T::TYPE;
    const NULLABLE: bool = true;
    const TRACKED: bool = T::TRACKED;

    fn bind(&self) -> Bind<'_> {
        match self {
            Some(v) => v.bind(),
            None => Bind::Ref(ValueRef::Null),
        }
    }

    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }

    fn into_literal(self) -> Node {
        match self {
            Some(value) => value.into_literal(),
            None => Node::Literal(Literal::new(Value::Null, T::TYPE)),
        }
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        match value {
            ValueRef::Null => Ok(None),
            v => T::from_ref(v).map(Some),
        }
    }

    fn from_value(value: Value) -> Result<Self, Bad> {
        match value {
            Value::Null => Ok(None),
            v => T::from_value(v).map(Some),
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(a), Some(b)) => a.same(b),
            (None, None) => true,
            _ => false,
        }
    }
}

/// A value of whatever type the database gives: for columns whose type is known at run time only.
impl ColumnType for Value {
    const TYPE: DataType = DataType::Any;
    const NULLABLE: bool = true;

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(self.as_ref())
    }

    fn into_value(self) -> Value {
        self
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        Ok(value.to_owned())
    }

    fn from_value(value: Value) -> Result<Self, Bad> {
        Ok(value)
    }
}
