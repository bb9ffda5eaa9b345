//! Dates and times of `time`, by way of `jiff`'s.

use jiff::civil;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::{Bad, Bind, ColumnType, DataType, Value, ValueRef};

fn date_to(v: Date) -> Option<civil::Date> {
    let year = i16::try_from(v.year()).ok()?;
    civil::Date::new(year, u8::from(v.month()) as i8, v.day() as i8).ok()
}

fn date_from(v: civil::Date) -> Option<Date> {
    let month = Month::try_from(v.month() as u8).ok()?;
    Date::from_calendar_date(v.year().into(), month, v.day() as u8).ok()
}

fn time_to(v: Time) -> Option<civil::Time> {
    let (h, m, s, n) = v.as_hms_nano();
    civil::Time::new(h as i8, m as i8, s as i8, n as i32).ok()
}

fn time_from(v: civil::Time) -> Option<Time> {
    let nanos = v.subsec_nanosecond() as u32;
    Time::from_hms_nano(v.hour() as u8, v.minute() as u8, v.second() as u8, nanos).ok()
}

fn datetime_to(v: PrimitiveDateTime) -> Option<civil::DateTime> {
    Some(civil::DateTime::from_parts(date_to(v.date())?, time_to(v.time())?))
}

fn datetime_from(v: civil::DateTime) -> Option<PrimitiveDateTime> {
    Some(PrimitiveDateTime::new(date_from(v.date())?, time_from(v.time())?))
}

fn offset_to(v: OffsetDateTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(v.unix_timestamp_nanos()).ok()
}

fn offset_from(v: jiff::Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(v.as_nanosecond()).ok()
}

macro_rules! by_jiff {
    ($t:ty, $variant:ident, $jiff:ty, $what:literal, $to:path, $from:path) => {
        impl ColumnType for $t {
            const TYPE: DataType = DataType::$variant;

            fn bind(&self) -> Bind<'_> {
                match $to(*self) {
                    Some(v) => Bind::Ref(ValueRef::$variant(v)),
                    None => {
                        let why = format!("{self} is out of the range of a column");
                        Bind::Owned(Value::Invalid(why.into()))
                    }
                }
            }

            fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
                $from(<$jiff>::from_ref(value)?).ok_or(Bad::Invalid($what))
            }

            fn same(&self, other: &Self) -> bool {
                self == other
            }
        }
    };
}

by_jiff!(Date, Date, civil::Date, "date", date_to, date_from);
by_jiff!(Time, Time, civil::Time, "time of day", time_to, time_from);
by_jiff!(PrimitiveDateTime, DateTime, civil::DateTime, "date and time", datetime_to, datetime_from);
by_jiff!(OffsetDateTime, Timestamp, jiff::Timestamp, "point in time", offset_to, offset_from);
