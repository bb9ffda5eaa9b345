//! Values as the database sees them: owned, borrowed, and the conversions of Rust types.

use crate::{Error, ErrorKind, Node};

/// The type of a column, as DDL and casts need it. Each dialect spells it in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// True or false.
    Boolean,
    /// An integer of 16 bits.
    SmallInt,
    /// An integer of 32 bits.
    Integer,
    /// An integer of 64 bits.
    BigInt,
    /// A floating-point number of 32 bits.
    Real,
    /// A floating-point number of 64 bits.
    Double,
    /// A decimal number with `precision` digits in all and `scale` behind the point.
    Numeric(Option<(u16, u16)>),
    /// Text of any length, or of at most so many characters.
    Text(Option<u32>),
    /// Bytes.
    Bytes,
    /// A UUID.
    Uuid,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A date and time of day, without a time zone.
    DateTime,
    /// A point in time.
    Timestamp,
    /// A JSON document.
    Json,
    /// Several values of several columns: the type of a composite. No column has it.
    Tuple,
    /// Any type: for values whose type is known at run time only.
    Any,
}

/// An owned value, as the database sees it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL's NULL.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of any width.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A decimal number.
    #[cfg(feature = "decimal")]
    Decimal(rust_decimal::Decimal),
    /// A UUID.
    #[cfg(feature = "uuid")]
    Uuid(uuid::Uuid),
    /// A date.
    #[cfg(feature = "jiff")]
    Date(jiff::civil::Date),
    /// A time of day.
    #[cfg(feature = "jiff")]
    Time(jiff::civil::Time),
    /// A date and time of day.
    #[cfg(feature = "jiff")]
    DateTime(jiff::civil::DateTime),
    /// A point in time.
    #[cfg(feature = "jiff")]
    Timestamp(jiff::Timestamp),
    /// A JSON document.
    #[cfg(feature = "json")]
    Json(Box<serde_json::Value>),
    /// The values of several columns: of a composite, part by part. A driver refuses it; the layer above
    /// takes it apart.
    Tuple(Box<[Value]>),
    /// What could not be converted, and why. A driver refuses it with an error of kind
    /// [`ErrorKind::Value`].
    Invalid(Box<str>),
}

/// A borrowed value: what a row shows, and what is bound to a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// SQL's NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of any width.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A decimal number.
    #[cfg(feature = "decimal")]
    Decimal(rust_decimal::Decimal),
    /// A UUID.
    #[cfg(feature = "uuid")]
    Uuid(uuid::Uuid),
    /// A date.
    #[cfg(feature = "jiff")]
    Date(jiff::civil::Date),
    /// A time of day.
    #[cfg(feature = "jiff")]
    Time(jiff::civil::Time),
    /// A date and time of day.
    #[cfg(feature = "jiff")]
    DateTime(jiff::civil::DateTime),
    /// A point in time.
    #[cfg(feature = "jiff")]
    Timestamp(jiff::Timestamp),
    /// A JSON document to be bound. (A row shows JSON as text.)
    #[cfg(feature = "json")]
    Json(&'a serde_json::Value),
    /// The values of several columns; see [`Value::Tuple`].
    Tuple(&'a [Value]),
    /// What could not be converted, and why. A driver refuses it with an error of kind
    /// [`ErrorKind::Value`].
    Invalid(&'a str),
}

/// A parameter: borrowed from an object where it can be, owned where a type had to convert.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind<'a> {
    /// A borrowed value.
    Ref(ValueRef<'a>),
    /// An owned value.
    Owned(Value),
}

impl Bind<'_> {
    /// The value.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Ref(v) => *v,
            Self::Owned(v) => v.as_ref(),
        }
    }
}

/// Why a value does not fit a Rust type: small and nameless, named by [`column()`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bad {
    /// NULL for a type that is not an `Option`.
    Null,
    /// An integer outside the range of the type.
    Overflow(i64),
    /// A value of another type: what was expected.
    Type(&'static str),
    /// A text or number that the type cannot represent: what was expected.
    Invalid(&'static str),
    /// A part of a composite that is `None`: it can be set as a whole only.
    NoComposite,
    /// No such column in the row.
    Index,
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("is NULL, and the field is not an Option"),
            // Not which: an error may be read by people who may not read the row.
            Self::Overflow(_) => f.write_str("is out of the field's range"),
            Self::Type(want) => write!(f, "has another type; {want} is expected"),
            Self::Invalid(want) => write!(f, "is not a valid {want}"),
            Self::NoComposite => f.write_str(
                "is for a part of a composite that is None: set the composite as a whole",
            ),
            Self::Index => f.write_str("is not in the row"),
        }
    }
}

/// A row that a driver shows. Its values are borrowed from the driver's own buffers.
pub trait Row {
    /// The value at a position, or why there is none.
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad>;
    /// The integer at a position, where the value is one. A driver answers it without making a [`ValueRef`],
    /// which would go through memory.
    fn integer(&self, index: usize) -> Option<i64> {
        match self.get(index) {
            Ok(ValueRef::I64(n)) => Some(n),
            _ => None,
        }
    }
    /// The text at a position, where the value is one; see [`integer`](Self::integer).
    fn text(&self, index: usize) -> Option<&str> {
        match self.get(index) {
            Ok(ValueRef::Text(text)) => Some(text),
            _ => None,
        }
    }
    /// How many values the row has.
    fn len(&self) -> usize;
    /// Whether the row has no value at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The column's name in the result, for messages.
    fn name(&self, index: usize) -> String;
}

/// Decodes one column of a row; the error names the column.
#[inline]
pub fn column<T: ColumnType>(row: &dyn Row, index: usize) -> crate::Result<T> {
    match T::from_row(row, index) {
        Ok(v) => Ok(v),
        Err(bad) => Err(name_it(row, index, bad)),
    }
}

#[cold]
fn name_it(row: &dyn Row, index: usize, bad: Bad) -> Error {
    let name = if index < row.len() { row.name(index) } else { format!("#{index}") };
    Error::new(ErrorKind::Value, format!("column `{name}` {bad}"))
}

/// A Rust type that a column can hold: what SQLAlchemy's `TypeEngine` and `TypeDecorator` are for.
///
/// Implement it for a type of your own by converting to and from a type that is one already.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a mapped column",
    label = "no column type",
    note = "implement `aludel::ColumnType` for it, derive it (`#[derive(ColumnEnum)]` for an enum), \
            enable the feature of its crate, or mark the field `#[mapped(skip)]`"
)]
pub trait ColumnType: Clone + Send + Sync + Sized + 'static {
    /// The type of the column in DDL.
    const TYPE: DataType;
    /// Whether the column may be NULL; true for `Option<_>`.
    const NULLABLE: bool = false;
    /// A value of the type tells by itself that it was changed, so that the old one is neither kept nor
    /// compared: [`same`](Self::same) says whether two are one and the same value.
    const TRACKED: bool = false;
    /// The value to be bound, borrowed where it can be.
    fn bind(&self) -> Bind<'_>;
    /// The value, owned; moves what it can.
    fn into_value(self) -> Value {
        match self.bind() {
            Bind::Ref(v) => v.to_owned(),
            Bind::Owned(v) => v,
        }
    }
    /// From what a row shows.
    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad>;
    /// From a row's value at a position: [`from_ref`](Self::from_ref), for which a type may know a shorter way.
    fn from_row(row: &dyn Row, index: usize) -> Result<Self, Bad> {
        row.get(index).and_then(Self::from_ref)
    }
    /// From an owned value; moves what it can.
    fn from_value(value: Value) -> Result<Self, Bad> {
        Self::from_ref(value.as_ref())
    }
    /// The value as an expression: a parameter, or a tuple of them where it is made of several columns.
    fn into_literal(self) -> Node {
        Node::Literal(crate::Literal::new(self.into_value(), Self::TYPE))
    }
    /// Whether two values are the same to the database: no UPDATE is needed from one to the other.
    fn same(&self, other: &Self) -> bool {
        self.bind() == other.bind()
    }
}

impl Value {
    /// The value, borrowed.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Bool(v) => ValueRef::Bool(*v),
            Self::I64(v) => ValueRef::I64(*v),
            Self::F64(v) => ValueRef::F64(*v),
            Self::Text(v) => ValueRef::Text(v),
            Self::Bytes(v) => ValueRef::Bytes(v),
            #[cfg(feature = "decimal")]
            Self::Decimal(v) => ValueRef::Decimal(*v),
            #[cfg(feature = "uuid")]
            Self::Uuid(v) => ValueRef::Uuid(*v),
            #[cfg(feature = "jiff")]
            Self::Date(v) => ValueRef::Date(*v),
            #[cfg(feature = "jiff")]
            Self::Time(v) => ValueRef::Time(*v),
            #[cfg(feature = "jiff")]
            Self::DateTime(v) => ValueRef::DateTime(*v),
            #[cfg(feature = "jiff")]
            Self::Timestamp(v) => ValueRef::Timestamp(*v),
            #[cfg(feature = "json")]
            Self::Json(v) => ValueRef::Json(v),
            Self::Tuple(values) => ValueRef::Tuple(values),
            Self::Invalid(why) => ValueRef::Invalid(why),
        }
    }

    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl ValueRef<'_> {
    /// The value, owned.
    pub fn to_owned(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(v) => Value::Bool(v),
            Self::I64(v) => Value::I64(v),
            Self::F64(v) => Value::F64(v),
            Self::Text(v) => Value::Text(v.to_owned()),
            Self::Bytes(v) => Value::Bytes(v.to_vec()),
            #[cfg(feature = "decimal")]
            Self::Decimal(v) => Value::Decimal(v),
            #[cfg(feature = "uuid")]
            Self::Uuid(v) => Value::Uuid(v),
            #[cfg(feature = "jiff")]
            Self::Date(v) => Value::Date(v),
            #[cfg(feature = "jiff")]
            Self::Time(v) => Value::Time(v),
            #[cfg(feature = "jiff")]
            Self::DateTime(v) => Value::DateTime(v),
            #[cfg(feature = "jiff")]
            Self::Timestamp(v) => Value::Timestamp(v),
            #[cfg(feature = "json")]
            Self::Json(v) => Value::Json(Box::new(v.clone())),
            Self::Tuple(values) => Value::Tuple(values.into()),
            Self::Invalid(why) => Value::Invalid(why.into()),
        }
    }

    /// Whether this is NULL.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text that SQLite keeps for a value it has no type for: dates and times in ISO 8601 (a
    /// point in time in UTC), decimals, UUIDs and JSON. `None` for a value that is stored as it is.
    pub fn storage_text(self) -> Option<String> {
        match self {
            #[cfg(feature = "decimal")]
            Self::Decimal(v) => Some(v.to_string()),
            #[cfg(feature = "uuid")]
            Self::Uuid(v) => Some(v.hyphenated().to_string()),
            #[cfg(feature = "jiff")]
            Self::Date(v) => Some(v.to_string()),
            #[cfg(feature = "jiff")]
            Self::Time(v) => Some(crate::types::temporal::time_text(v)),
            #[cfg(feature = "jiff")]
            Self::DateTime(v) => Some(crate::types::temporal::datetime_text(v)),
            #[cfg(feature = "jiff")]
            Self::Timestamp(v) => Some(crate::types::temporal::timestamp_text(v)),
            #[cfg(feature = "json")]
            Self::Json(v) => Some(v.to_string()),
            _ => None,
        }
    }
}

/// For messages and logs only: this is not SQL.
impl std::fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::I64(v) => write!(f, "{v}"),
            Self::F64(v) => write!(f, "{v}"),
            Self::Text(v) => write!(f, "{v:?}"),
            Self::Bytes(v) => write!(f, "{} bytes", v.len()),
            Self::Tuple(values) => {
                f.write_str("(")?;
                for (at, value) in values.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str(")")
            }
            Self::Invalid(why) => write!(f, "(not a value: {why})"),
            #[allow(unreachable_patterns)]
            other => f.write_str(&other.storage_text().unwrap_or_default()),
        }
    }
}

/// For messages and logs only: this is not SQL.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}
