//! Dates and times of `jiff`, and the text form in which SQLite keeps them.
//!
//! The text form sorts as the times do: `2024-02-29`, `12:00:00.000000`,
//! `2024-02-29 12:00:00.123456`, and for a point in time `2024-02-29 12:00:00.123456+00:00`.
//! Six digits are written, nine where the time is finer than a microsecond.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, tz::TimeZone};

use crate::{Bad, Bind, ColumnType, DataType, ValueRef};

pub(crate) fn time_text(t: Time) -> String {
    let (h, m, s, nanos) = (t.hour(), t.minute(), t.second(), t.subsec_nanosecond());
    match nanos % 1000 {
        0 => format!("{h:02}:{m:02}:{s:02}.{:06}", nanos / 1000),
        _ => format!("{h:02}:{m:02}:{s:02}.{nanos:09}"),
    }
}

pub(crate) fn datetime_text(t: DateTime) -> String {
    format!("{} {}", t.date(), time_text(t.time()))
}

pub(crate) fn timestamp_text(t: Timestamp) -> String {
    format!("{}+00:00", datetime_text(TimeZone::UTC.to_datetime(t)))
}

macro_rules! temporal {
    ($t:ident, $what:literal, $type_error:literal, |$text:ident| $parse:expr
        $(, $other:ident($o:ident) => $conv:expr)?) => {
        impl ColumnType for $t {
            const TYPE: DataType = DataType::$t;

            fn bind(&self) -> Bind<'_> {
                Bind::Ref(ValueRef::$t(*self))
            }

            fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
                match value {
                    ValueRef::$t(v) => Ok(v),
                    $(ValueRef::$other($o) => $conv,)?
                    ValueRef::Text($text) => $parse.map_err(|_| Bad::Invalid($what)),
                    ValueRef::Null => Err(Bad::Null),
                    _ => Err(Bad::Type($type_error)),
                }
            }

            fn same(&self, other: &Self) -> bool {
                self == other
            }
        }
    };
}

temporal!(Date, "date", "a date", |s| s.parse::<Date>());
temporal!(Time, "time of day", "a time of day", |s| s.parse::<Time>());
temporal!(DateTime, "date and time", "a date and time", |s| s.parse::<DateTime>());
// MySQL shows a point in time as the date and time that it is in UTC, and so does SQLite's own
// CURRENT_TIMESTAMP, as a text without an offset.
temporal!(
    Timestamp,
    "point in time",
    "a point in time",
    |s| s.parse::<Timestamp>().or_else(|e| match s.parse::<DateTime>() {
        Ok(t) => TimeZone::UTC.to_timestamp(t),
        Err(_) => Err(e),
    }),
    DateTime(t) => TimeZone::UTC.to_timestamp(t).map_err(|_| Bad::Invalid("point in time"))
);
