//! Rows from PostgreSQL: each value decoded by its type, borrowed from the row's own buffer.

use super::encode::base;
use super::text::{Texts, text_of};
use aludel_sql::{Bad, Row as _, ValueRef};
use std::error::Error as StdError;
#[cfg(not(feature = "decimal"))]
use std::fmt::Write as _;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

/// A row as PostgreSQL shows it; the first `skip` values are our own business.
pub(super) struct Shown<'r> {
    row: &'r Row,
    skip: usize,
    texts: Texts,
}

impl<'r> Shown<'r> {
    pub(super) fn new(row: &'r Row, skip: usize) -> Self {
        Self { row, skip, texts: Texts::default() }
    }

    /// A value of a type that has no counterpart here, as text.
    #[cold]
    fn text_of(&self, index: usize) -> Option<ValueRef<'_>> {
        let text = self.row.try_get::<_, Printed>(index + self.skip).ok()?.0?;
        Some(ValueRef::Text(self.texts.keep(text)))
    }
}

impl aludel_sql::Row for Shown<'_> {
    #[inline]
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        match self.row.try_get::<_, Decoded<'_>>(index + self.skip) {
            Ok(Decoded(Err(Bad::Type(what)))) => self.text_of(index).ok_or(Bad::Type(what)),
            Ok(decoded) => decoded.0,
            Err(_) => Err(Bad::Index),
        }
    }

    fn len(&self) -> usize {
        self.row.len() - self.skip
    }

    /// The column's name, with its type where we cannot read that one.
    fn name(&self, index: usize) -> String {
        match self.row.columns().get(index + self.skip) {
            None => format!("#{index}"),
            Some(column) => match self.get(index) {
                Err(Bad::Type(_)) => format!("{} ({})", column.name(), column.type_()),
                _ => column.name().to_owned(),
            },
        }
    }
}

/// The integer at a position of a row.
pub(super) fn integer(row: &Row, at: usize) -> Option<i64> {
    match Shown::new(row, 0).get(at) {
        Ok(ValueRef::I64(n)) => Some(n),
        _ => None,
    }
}

struct Decoded<'a>(Result<ValueRef<'a>, Bad>);

impl<'a> FromSql<'a> for Decoded<'a> {
    #[inline]
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        Ok(Self(decode(ty, raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        Ok(Self(Ok(ValueRef::Null)))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

struct Printed(Option<String>);

impl<'a> FromSql<'a> for Printed {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        Ok(Self(text_of(ty, raw)))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], Bad> {
    raw.try_into().map_err(|_| Bad::Invalid("value of its type"))
}

fn text(raw: &[u8]) -> Result<ValueRef<'_>, Bad> {
    match std::str::from_utf8(raw) {
        Ok(text) => Ok(ValueRef::Text(text)),
        Err(_) => Err(Bad::Invalid("UTF-8 text")),
    }
}

pub(super) fn decode<'a>(ty: &Type, raw: &'a [u8]) -> Result<ValueRef<'a>, Bad> {
    Ok(match *ty {
        Type::INT8 => ValueRef::I64(i64::from_be_bytes(fixed(raw)?)),
        Type::INT4 => ValueRef::I64(i32::from_be_bytes(fixed(raw)?).into()),
        Type::INT2 => ValueRef::I64(i16::from_be_bytes(fixed(raw)?).into()),
        Type::OID | Type::XID => ValueRef::I64(u32::from_be_bytes(fixed(raw)?).into()),
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::UNKNOWN
        | Type::JSON
        | Type::XML => {
            return text(raw);
        }
        Type::BOOL => ValueRef::Bool(fixed::<1>(raw)? != [0]),
        Type::FLOAT8 => ValueRef::F64(f64::from_be_bytes(fixed(raw)?)),
        Type::FLOAT4 => ValueRef::F64(f32::from_be_bytes(fixed(raw)?).into()),
        Type::BYTEA => ValueRef::Bytes(raw),
        Type::JSONB => {
            return text(raw.strip_prefix(&[1]).ok_or(Bad::Invalid("jsonb of version 1"))?);
        }
        Type::VOID => ValueRef::Null,
        Type::NUMERIC => return numeric(raw),
        #[cfg(feature = "uuid")]
        Type::UUID => ValueRef::Uuid(uuid::Uuid::from_bytes(fixed(raw)?)),
        #[cfg(feature = "jiff")]
        Type::DATE => ValueRef::Date(moments::date(i32::from_be_bytes(fixed(raw)?))?),
        #[cfg(feature = "jiff")]
        Type::TIME => ValueRef::Time(moments::time(i64::from_be_bytes(fixed(raw)?))?),
        #[cfg(feature = "jiff")]
        Type::TIMESTAMP => ValueRef::DateTime(moments::datetime(i64::from_be_bytes(fixed(raw)?))?),
        #[cfg(feature = "jiff")]
        Type::TIMESTAMPTZ => {
            ValueRef::Timestamp(moments::timestamp(i64::from_be_bytes(fixed(raw)?))?)
        }
        _ => match ty.kind() {
            Kind::Domain(_) => return decode(base(ty), raw),
            Kind::Enum(_) => return text(raw),
            _ if ty.name() == "citext" => return text(raw),
            _ => {
                return Err(Bad::Type(
                    "a type that this build of aludel reads (else cast it to text)",
                ));
            }
        },
    })
}

#[cfg(feature = "decimal")]
fn numeric(raw: &[u8]) -> Result<ValueRef<'_>, Bad> {
    match rust_decimal::Decimal::from_sql(&Type::NUMERIC, raw) {
        Ok(v) => Ok(ValueRef::Decimal(v)),
        Err(_) => Err(Bad::Invalid("decimal of 28 digits")),
    }
}

/// Without the feature `decimal`: a whole number as an integer, another as the nearest float. (PostgreSQL's `sum`
/// and `avg` of integers are `numeric`.)
#[cfg(not(feature = "decimal"))]
fn numeric(raw: &[u8]) -> Result<ValueRef<'_>, Bad> {
    let field = |at: usize| raw.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let (Some(count), Some(weight), Some(sign)) = (field(0), field(2), field(4)) else {
        return Err(Bad::Invalid("numeric"));
    };
    match sign {
        0xC000 => return Ok(ValueRef::F64(f64::NAN)),
        0xD000 => return Ok(ValueRef::F64(f64::INFINITY)),
        0xF000 => return Ok(ValueRef::F64(f64::NEG_INFINITY)),
        _ => {}
    }
    let weight = i32::from(weight as i16);
    let mut text = if sign == 0x4000 { "-".to_owned() } else { String::new() };
    text.push('0');
    let mut fraction = false;
    // Each digit has four decimal places; the first has the power `weight`, and those up to the point may be missing.
    for i in (weight + 1).min(0)..i32::from(count).max(weight + 1) {
        if i == weight + 1 {
            text.push('.');
        }
        let digit = usize::try_from(i).ok().and_then(|i| field(8 + 2 * i)).unwrap_or(0);
        fraction |= i > weight && digit != 0;
        let _ = write!(text, "{digit:04}");
    }
    let whole = text.split('.').next().and_then(|w| w.parse().ok());
    match whole {
        Some(n) if !fraction => Ok(ValueRef::I64(n)),
        _ => text.parse().map(ValueRef::F64).map_err(|_| Bad::Invalid("numeric")),
    }
}

/// Moments: PostgreSQL counts days and microseconds from the beginning of the year 2000.
#[cfg(feature = "jiff")]
pub(super) mod moments {
    use super::super::encode::Unsendable;
    use aludel_sql::Bad;
    use jiff::Timestamp;
    use jiff::civil::{Date, DateTime, Time};
    use jiff::tz::Offset;

    const EPOCH_DAYS: i64 = 10_957;
    const EPOCH_MICROS: i64 = EPOCH_DAYS * 86_400_000_000;

    fn utc(t: DateTime) -> Result<Timestamp, Box<Unsendable>> {
        let far = |_| Box::new(Unsendable("the time is too far away".to_owned()));
        Offset::UTC.to_timestamp(t).map_err(far)
    }

    pub(in super::super) fn days(date: Date) -> Result<i32, Box<Unsendable>> {
        let seconds = utc(date.at(0, 0, 0, 0))?.as_second();
        Ok((seconds.div_euclid(86_400) - EPOCH_DAYS) as i32)
    }

    pub(in super::super) fn time_micros(t: Time) -> i64 {
        let seconds =
            i64::from(t.hour()) * 3600 + i64::from(t.minute()) * 60 + i64::from(t.second());
        seconds * 1_000_000 + (i64::from(t.subsec_nanosecond()) + 500) / 1000
    }

    pub(in super::super) fn datetime_micros(t: DateTime) -> Result<i64, Box<Unsendable>> {
        Ok(timestamp_micros(utc(t)?))
    }

    /// Rounded to microseconds.
    pub(in super::super) fn timestamp_micros(t: Timestamp) -> i64 {
        let micros = (t.as_nanosecond() + 500).div_euclid(1000);
        micros as i64 - EPOCH_MICROS
    }

    pub(super) fn date(days: i32) -> Result<Date, Bad> {
        let seconds = (i64::from(days) + EPOCH_DAYS) * 86_400;
        let moment =
            Timestamp::from_second(seconds).map_err(|_| Bad::Invalid("date of our calendar"))?;
        Ok(Offset::UTC.to_datetime(moment).date())
    }

    pub(super) fn time(micros: i64) -> Result<Time, Bad> {
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        Time::new(hour as i8, minute as i8, second as i8, rest as i32 * 1000)
            .map_err(|_| Bad::Invalid("time of day"))
    }

    pub(super) fn timestamp(micros: i64) -> Result<Timestamp, Bad> {
        let micros = micros.checked_add(EPOCH_MICROS).ok_or(Bad::Invalid("point in time"))?;
        Timestamp::from_microsecond(micros).map_err(|_| Bad::Invalid("point in time"))
    }

    pub(super) fn datetime(micros: i64) -> Result<DateTime, Bad> {
        Ok(Offset::UTC.to_datetime(timestamp(micros)?))
    }
}
