//! Parameters to PostgreSQL, according to the type that the server has inferred.
//!
//! A value goes in binary where it fits the type; an integer's range is checked. Any other pair goes as text, and
//! the server makes of it what it makes of that text: so a date given as text works, and so does an `inet` or an
//! `interval`. Elements of arrays can only be binary, hence [`is_native`].

use aludel_sql::{Bind, ValueRef};
use bytes::{BufMut, BytesMut};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

type Boxed = Box<dyn StdError + Send + Sync>;

/// A parameter.
pub(super) struct Param<'a>(pub(super) ValueRef<'a>);

/// Why a value cannot be sent; it never shows the value.
#[derive(Debug)]
pub(super) struct Unsendable(pub(super) String);

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Unsendable {}

/// `tokio-postgres` logs parameters by this: their values are nobody's business.
impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        let ty = base(ty);
        if self.0.is_null() {
            return Ok(IsNull::Yes);
        }
        if is_native(ty, self.0) {
            put(ty, self.0, out)?;
        } else {
            out.put_slice(as_text(self.0).as_bytes());
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        if is_native(base(ty), self.0) { Format::Binary } else { Format::Text }
    }

    to_sql_checked!();
}

/// What a placeholder stands for.
#[derive(Debug)]
pub(super) enum Given<'a> {
    /// A parameter.
    One(Param<'a>),
    /// Several, as an array.
    Array(Column<'a>),
}

impl ToSql for Given<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match self {
            Self::One(param) => param.to_sql(ty, out),
            Self::Array(column) if column.is_native(ty) => column.to_sql(ty, out),
            Self::Array(column) => {
                column.put_text(out);
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        match self {
            Self::One(param) => param.encode_format(ty),
            Self::Array(column) if column.is_native(ty) => Format::Binary,
            Self::Array(_) => Format::Text,
        }
    }

    to_sql_checked!();
}

/// The values of one column of many rows, as an array.
pub(super) struct Column<'a> {
    pub(super) params: &'a [Bind<'a>],
    pub(super) at: usize,
    pub(super) width: usize,
}

impl Column<'_> {
    fn values(&self) -> impl Iterator<Item = ValueRef<'_>> {
        self.params.chunks_exact(self.width).map(|row| row[self.at].as_ref())
    }

    /// Whether all values go in binary to the elements of an array type.
    fn is_native(&self, ty: &Type) -> bool {
        let Kind::Array(element) = base(ty).kind() else { return false };
        let element = base(element);
        self.values().all(|value| is_native(element, value))
    }

    /// The array as the text that the server reads.
    fn put_text(&self, out: &mut BytesMut) {
        out.put_u8(b'{');
        for (at, value) in self.values().enumerate() {
            out.put_slice(if at == 0 { b"" } else { b"," });
            if value.is_null() {
                out.put_slice(b"NULL");
                continue;
            }
            out.put_u8(b'"');
            for byte in as_text(value).bytes() {
                out.put_slice(if matches!(byte, b'"' | b'\\') { b"\\" } else { b"" });
                out.put_u8(byte);
            }
            out.put_u8(b'"');
        }
        out.put_u8(b'}');
    }
}

impl fmt::Debug for Column<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[_]")
    }
}

impl ToSql for Column<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        let Kind::Array(element) = base(ty).kind() else {
            return Err(Box::new(Unsendable(format!("the server wants {ty} for an array"))));
        };
        let rows = self.params.len() / self.width;
        out.reserve(20 + rows * 12);
        out.put_i32(1);
        out.put_i32(i32::from(self.values().any(ValueRef::is_null)));
        out.put_u32(element.oid());
        out.put_i32(i32::try_from(rows)?);
        out.put_i32(1);
        let element = base(element);
        for value in self.values() {
            if value.is_null() {
                out.put_i32(-1);
                continue;
            }
            let length_at = out.len();
            out.put_i32(0);
            put(element, value, out)?;
            let length = i32::try_from(out.len() - length_at - 4)?;
            out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The type under a domain.
pub(super) fn base(mut ty: &Type) -> &Type {
    while let Kind::Domain(inner) = ty.kind() {
        ty = inner;
    }
    ty
}

/// Whether a type takes texts as they are.
fn is_text(ty: &Type) -> bool {
    matches!(
        *ty,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML
    ) || matches!(ty.kind(), Kind::Enum(_))
        || ty.name() == "citext"
}

/// Whether a value goes in binary to a type (that is no domain).
pub(super) fn is_native(ty: &Type, value: ValueRef<'_>) -> bool {
    match value {
        // What is invalid is refused when it is put.
        ValueRef::Null | ValueRef::Invalid(_) => true,
        ValueRef::Bool(_) => *ty == Type::BOOL,
        ValueRef::I64(_) => {
            matches!(
                *ty,
                Type::INT8
                    | Type::INT4
                    | Type::INT2
                    | Type::FLOAT8
                    | Type::FLOAT4
                    | Type::NUMERIC
                    | Type::OID
                    | Type::XID
            )
        }
        ValueRef::F64(_) => matches!(*ty, Type::FLOAT8 | Type::FLOAT4),
        ValueRef::Text(_) => matches!(*ty, Type::JSON | Type::JSONB) || is_text(ty),
        ValueRef::Bytes(_) => *ty == Type::BYTEA,
        #[cfg(feature = "decimal")]
        ValueRef::Decimal(_) => *ty == Type::NUMERIC,
        #[cfg(feature = "uuid")]
        ValueRef::Uuid(_) => *ty == Type::UUID,
        #[cfg(feature = "jiff")]
        ValueRef::Date(_) => *ty == Type::DATE,
        #[cfg(feature = "jiff")]
        ValueRef::Time(_) => *ty == Type::TIME,
        #[cfg(feature = "jiff")]
        ValueRef::DateTime(_) => *ty == Type::TIMESTAMP,
        #[cfg(feature = "jiff")]
        ValueRef::Timestamp(_) => *ty == Type::TIMESTAMPTZ,
        #[cfg(feature = "json")]
        ValueRef::Json(_) => matches!(*ty, Type::JSON | Type::JSONB),
        _ => false,
    }
}

/// Puts a value that is native to a type.
pub(super) fn put(ty: &Type, value: ValueRef<'_>, out: &mut BytesMut) -> Result<(), Boxed> {
    match value {
        ValueRef::Null => {}
        ValueRef::Invalid(why) => return Err(Box::new(Unsendable(why.to_owned()))),
        ValueRef::Bool(v) => out.put_u8(v.into()),
        ValueRef::I64(v) => put_integer(ty, v, out)?,
        ValueRef::F64(v) if *ty == Type::FLOAT4 => {
            if (v as f32).is_infinite() && v.is_finite() {
                return Err(out_of_range(ty));
            }
            out.put_f32(v as f32);
        }
        ValueRef::F64(v) => out.put_f64(v),
        ValueRef::Text(v) => {
            if v.contains('\0') {
                return Err(Box::new(Unsendable(
                    "PostgreSQL's texts cannot hold a NUL character".to_owned(),
                )));
            }
            put_json_version(ty, out);
            out.put_slice(v.as_bytes());
        }
        ValueRef::Bytes(v) => out.put_slice(v),
        #[cfg(feature = "decimal")]
        ValueRef::Decimal(v) => {
            v.to_sql(ty, out)?;
        }
        #[cfg(feature = "uuid")]
        ValueRef::Uuid(v) => out.put_slice(v.as_bytes()),
        #[cfg(feature = "jiff")]
        ValueRef::Date(v) => out.put_i32(super::row::moments::days(v)?),
        #[cfg(feature = "jiff")]
        ValueRef::Time(v) => out.put_i64(super::row::moments::time_micros(v)),
        #[cfg(feature = "jiff")]
        ValueRef::DateTime(v) => out.put_i64(super::row::moments::datetime_micros(v)?),
        #[cfg(feature = "jiff")]
        ValueRef::Timestamp(v) => out.put_i64(super::row::moments::timestamp_micros(v)),
        #[cfg(feature = "json")]
        ValueRef::Json(v) => {
            put_json_version(ty, out);
            out.put_slice(v.to_string().as_bytes());
        }
        _ => return Err(Box::new(Unsendable(format!("it cannot be a {ty}")))),
    }
    Ok(())
}

fn put_json_version(ty: &Type, out: &mut BytesMut) {
    if *ty == Type::JSONB {
        out.put_u8(1);
    }
}

fn put_integer(ty: &Type, v: i64, out: &mut BytesMut) -> Result<(), Boxed> {
    match *ty {
        Type::INT4 => out.put_i32(i32::try_from(v).map_err(|_| out_of_range(ty))?),
        Type::INT2 => out.put_i16(i16::try_from(v).map_err(|_| out_of_range(ty))?),
        Type::OID | Type::XID => out.put_u32(u32::try_from(v).map_err(|_| out_of_range(ty))?),
        Type::FLOAT8 => out.put_f64(v as f64),
        Type::FLOAT4 => out.put_f32(v as f32),
        Type::NUMERIC => put_numeric(v, out),
        _ => out.put_i64(v),
    }
    Ok(())
}

/// A `numeric` is its digits to the base of 10,000, with the weight of the first.
fn put_numeric(v: i64, out: &mut BytesMut) {
    let mut digits = [0_i16; 5];
    let (mut rest, mut count) = (v.unsigned_abs(), 0);
    while rest > 0 {
        digits[count] = (rest % 10_000) as i16;
        rest /= 10_000;
        count += 1;
    }
    out.put_i16(count as i16);
    out.put_i16(count.saturating_sub(1) as i16);
    out.put_u16(if v < 0 { 0x4000 } else { 0 });
    out.put_u16(0);
    for digit in digits[..count].iter().rev() {
        out.put_i16(*digit);
    }
}

#[cold]
fn out_of_range(ty: &Type) -> Boxed {
    Box::new(Unsendable(format!("it is out of the range of {ty}")))
}

/// A value as the text that the server's types read.
pub(super) fn as_text(value: ValueRef<'_>) -> Cow<'_, str> {
    match value {
        ValueRef::Text(v) => Cow::Borrowed(v),
        ValueRef::Bool(v) => Cow::Borrowed(if v { "true" } else { "false" }),
        ValueRef::I64(v) => Cow::Owned(v.to_string()),
        ValueRef::F64(v) if v.is_infinite() => {
            Cow::Borrowed(if v > 0.0 { "Infinity" } else { "-Infinity" })
        }
        ValueRef::F64(v) => Cow::Owned(v.to_string()),
        ValueRef::Bytes(v) => {
            let hex = v
                .iter()
                .flat_map(|b| [b >> 4, b & 15])
                .filter_map(|d| char::from_digit(d.into(), 16));
            Cow::Owned("\\x".chars().chain(hex).collect())
        }
        other => Cow::Owned(other.storage_text().unwrap_or_default()),
    }
}
