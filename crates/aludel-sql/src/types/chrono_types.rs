//! Dates and times of `chrono`, by way of `jiff`'s.
//!
//! `chrono` reaches further than any database (and than `jiff`, which ends with the year 9999):
//! what is outside is refused when it is sent. A leap second becomes the last nanosecond before it.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use jiff::civil;

use crate::{Bad, Bind, ColumnType, DataType, Value, ValueRef};

fn date_to(v: NaiveDate) -> Option<civil::Date> {
    let year = i16::try_from(v.year()).ok()?;
    civil::Date::new(year, v.month() as i8, v.day() as i8).ok()
}

fn date_from(v: civil::Date) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(v.year().into(), v.month() as u32, v.day() as u32)
}

fn time_to(v: NaiveTime) -> Option<civil::Time> {
    let nanos = v.nanosecond().min(999_999_999) as i32;
    civil::Time::new(v.hour() as i8, v.minute() as i8, v.second() as i8, nanos).ok()
}

fn time_from(v: civil::Time) -> Option<NaiveTime> {
    let nanos = v.subsec_nanosecond() as u32;
    NaiveTime::from_hms_nano_opt(v.hour() as u32, v.minute() as u32, v.second() as u32, nanos)
}

fn datetime_to(v: NaiveDateTime) -> Option<civil::DateTime> {
    Some(civil::DateTime::from_parts(date_to(v.date())?, time_to(v.time())?))
}

fn datetime_from(v: civil::DateTime) -> Option<NaiveDateTime> {
    Some(NaiveDateTime::new(date_from(v.date())?, time_from(v.time())?))
}

fn utc_to(v: DateTime<Utc>) -> Option<jiff::Timestamp> {
    let nanos = v.timestamp_subsec_nanos().min(999_999_999) as i32;
    jiff::Timestamp::from_second(v.timestamp())
        .ok()?
        .checked_add(jiff::SignedDuration::new(0, nanos))
        .ok()
}

fn utc_from(v: jiff::Timestamp) -> Option<DateTime<Utc>> {
    let nanos = v.as_nanosecond();
    DateTime::from_timestamp(
        nanos.div_euclid(1_000_000_000) as i64,
        nanos.rem_euclid(1_000_000_000) as u32,
    )
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

by_jiff!(NaiveDate, Date, civil::Date, "date", date_to, date_from);
by_jiff!(NaiveTime, Time, civil::Time, "time of day", time_to, time_from);
by_jiff!(NaiveDateTime, DateTime, civil::DateTime, "date and time", datetime_to, datetime_from);
by_jiff!(DateTime<Utc>, Timestamp, jiff::Timestamp, "point in time", utc_to, utc_from);

/// A point in time; the offset is not kept, it is read as UTC.
impl ColumnType for DateTime<FixedOffset> {
    const TYPE: DataType = DataType::Timestamp;

    fn bind(&self) -> Bind<'_> {
        Bind::Owned(self.to_utc().into_value())
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        DateTime::<Utc>::from_ref(value).map(|v| v.fixed_offset())
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}
