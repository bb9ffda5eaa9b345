//! What each type binds and reads.

use crate::*;

/// What is bound is read back, and reads back from SQLite's text form, where it has one.
fn round<T: ColumnType + PartialEq + std::fmt::Debug>(value: T) {
    let bound = value.bind();
    assert_eq!(T::from_ref(bound.as_ref()).as_ref(), Ok(&value));
    if let Some(text) = bound.as_ref().storage_text() {
        assert_eq!(T::from_ref(ValueRef::Text(&text)).as_ref(), Ok(&value), "from {text}");
    }
    assert!(value.same(&value.clone()));
    let owned = value.clone().into_value();
    assert_eq!(owned.as_ref(), bound.as_ref());
    assert_eq!(T::from_value(owned).as_ref(), Ok(&value));
}

#[test]
fn plain_types() {
    round(true);
    round(-5_i8);
    round(i64::MIN);
    round(u32::MAX);
    round(1.5_f32);
    round(0.1_f64);
    round("ä".to_owned());
    round::<Box<str>>("x".into());
    round('ß');
    round(vec![0_u8, 255]);
    round(Some(7_i32));
    round(None::<String>);
    round(Value::I64(3));
}

#[test]
fn numbers_that_do_not_fit() {
    assert_eq!(i8::from_ref(ValueRef::I64(128)), Err(Bad::Overflow(128)));
    assert_eq!(u64::from_ref(ValueRef::I64(-1)), Err(Bad::Overflow(-1)));
    assert_eq!(bool::from_ref(ValueRef::I64(2)), Err(Bad::Overflow(2)));
    assert_eq!(i64::from_ref(ValueRef::Null), Err(Bad::Null));
    assert_eq!(i64::from_ref(ValueRef::Text("5")), Err(Bad::Type("an integer")));
    assert_eq!(i64::from_ref(ValueRef::F64(5.0)), Err(Bad::Type("an integer")));
    assert_eq!(f64::from_ref(ValueRef::I64(5)), Ok(5.0));
    assert_eq!(f32::from_ref(ValueRef::F64(1e300)), Err(Bad::Invalid("number of 32 bits")));
    assert!(matches!(u64::MAX.bind(), Bind::Owned(Value::Invalid(_))));
    assert!(f64::NAN.same(&f64::NAN));
    assert_eq!(char::from_ref(ValueRef::Text("ab")), Err(Bad::Invalid("single character")));
}

struct One(Value);

impl Row for One {
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        if index == 0 { Ok(self.0.as_ref()) } else { Err(Bad::Index) }
    }
    fn len(&self) -> usize {
        1
    }
    fn name(&self, _: usize) -> String {
        "age".into()
    }
}

#[test]
fn the_column_is_named() {
    let error = column::<i8>(&One(Value::I64(500)), 0).unwrap_err();
    assert_eq!(error.message(), "column `age` is out of the field's range");
    assert_eq!(error.kind(), ErrorKind::Value);
    let error = column::<i8>(&One(Value::Null), 1).unwrap_err();
    assert_eq!(error.message(), "column `#1` is not in the row");
}

#[test]
fn from_and_display() {
    assert_eq!(Value::from(Some("x")), Value::Text("x".into()));
    assert_eq!(Value::from(None::<i64>), Value::Null);
    assert_eq!(Value::from("x").to_string(), "\"x\"");
    assert_eq!(Value::from(vec![1_u8]).to_string(), "1 bytes");
}

#[cfg(feature = "decimal")]
#[test]
fn decimals() {
    use rust_decimal::Decimal;
    round(Decimal::new(-150, 2));
    round(Decimal::MAX);
    assert_eq!(Decimal::from_ref(ValueRef::F64(0.1)), Ok(Decimal::new(1, 1)));
    assert_eq!(Decimal::from_ref(ValueRef::I64(3)), Ok(Decimal::from(3)));
    assert_eq!(Decimal::from_ref(ValueRef::Text("x")), Err(Bad::Invalid("decimal number")));
    assert_eq!(i64::from_ref(ValueRef::Decimal(Decimal::new(300, 2))), Ok(3));
    assert!(i64::from_ref(ValueRef::Decimal(Decimal::new(35, 1))).is_err());
}

#[cfg(feature = "uuid")]
#[test]
fn uuids() {
    let id = uuid::Uuid::from_u128(1);
    round(id);
    assert_eq!(uuid::Uuid::from_ref(ValueRef::Bytes(id.as_bytes())), Ok(id));
}

#[cfg(feature = "jiff")]
#[test]
fn jiff_times() {
    use jiff::civil::{date, time};
    round(date(2024, 2, 29));
    round(time(12, 0, 0, 123_456_000));
    round(date(2024, 2, 29).at(23, 59, 59, 1));
    let t: jiff::Timestamp = "2024-02-29T12:00:00.5Z".parse().unwrap();
    round(t);
    assert_eq!(
        ValueRef::Timestamp(t).storage_text().as_deref(),
        Some("2024-02-29 12:00:00.500000+00:00")
    );
    for text in ["2024-02-29 12:00:00.5", "2024-02-29T12:00:00.5Z", "2024-02-29 13:00:00.5+01:00"] {
        assert_eq!(jiff::Timestamp::from_ref(ValueRef::Text(text)), Ok(t), "{text}");
    }
    assert_eq!(
        jiff::civil::Date::from_ref(ValueRef::Text("2023-02-29")),
        Err(Bad::Invalid("date"))
    );
    // The text form sorts as the times do.
    let earlier: jiff::Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
    let text = |t| ValueRef::Timestamp(t).storage_text().unwrap();
    assert!(text(earlier) < text(t));
}

#[cfg(feature = "json")]
#[test]
fn json() {
    round(serde_json::json!({"a": [1, null]}));
    round(Json(vec![1, 2]));
    assert_eq!(
        Json::<Vec<u8>>::from_ref(ValueRef::Text("{}")),
        Err(Bad::Invalid("JSON document of the field's type"))
    );
    let odd = Json(std::collections::BTreeMap::from([((1, 2), 3)]));
    assert!(matches!(odd.bind(), Bind::Owned(Value::Invalid(_))));
}

#[cfg(feature = "chrono")]
#[test]
fn chrono_times() {
    use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
    let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let time = NaiveTime::from_hms_nano_opt(1, 2, 3, 4).unwrap();
    round(date);
    round(time);
    round(date.and_time(time));
    round(date.and_time(time).and_utc());
    round(DateTime::<Utc>::from_timestamp(-1, 999_999_999).unwrap());
    assert!(matches!(NaiveDate::MAX.bind(), Bind::Owned(Value::Invalid(_))));
}

#[cfg(feature = "time")]
#[test]
fn time_times() {
    use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
    let date = Date::from_ordinal_date(2024, 60).unwrap();
    let of_day = Time::from_hms_nano(1, 2, 3, 4).unwrap();
    round(date);
    round(of_day);
    round(PrimitiveDateTime::new(date, of_day));
    round(OffsetDateTime::from_unix_timestamp_nanos(-1).unwrap());
}
