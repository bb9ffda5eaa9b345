//! The names of types.

use std::fmt::Write;

use super::{Dialect, DialectKind};
use crate::DataType;

fn sized(out: &mut String, name: &str, size: Option<u32>) {
    out.push_str(name);
    if let Some(n) = size {
        let _ = write!(out, "({n})");
    }
}

fn numeric(out: &mut String, name: &str, size: Option<(u16, u16)>) {
    out.push_str(name);
    if let Some((precision, scale)) = size {
        let _ = write!(out, "({precision}, {scale})");
    }
}

impl Dialect {
    /// Appends a column's type, as DDL has it.
    ///
    /// `key` says that the column belongs to a key or an index: MySQL needs a length there, and a
    /// text without one becomes a `VARCHAR(255)`.
    ///
    /// SQLite keeps a decimal as a number, so that it compares as one: exact to 15 digits.
    pub fn type_name(&self, out: &mut String, data_type: DataType, key: bool) {
        match self.kind {
            DialectKind::Sqlite => sqlite(out, data_type),
            DialectKind::Postgres => postgres(out, data_type),
            DialectKind::MySql => mysql(out, data_type, key),
        }
    }

    /// Appends the type of a CAST.
    pub(crate) fn cast_type(&self, out: &mut String, data_type: DataType) {
        match self.kind {
            DialectKind::Sqlite => sqlite_cast(out, data_type),
            DialectKind::Postgres => postgres(out, data_type),
            DialectKind::MySql => mysql_cast(out, data_type),
        }
    }

    /// The type of PostgreSQL's arrays of values for a column of a type: `bigint[]`.
    pub fn array_type(data_type: DataType) -> &'static str {
        match data_type {
            DataType::Boolean => "boolean[]",
            DataType::SmallInt => "smallint[]",
            DataType::Integer => "integer[]",
            DataType::BigInt => "bigint[]",
            DataType::Real => "real[]",
            DataType::Double => "double precision[]",
            DataType::Numeric(_) => "numeric[]",
            DataType::Text(_) | DataType::Tuple | DataType::Any => "text[]",
            DataType::Bytes => "bytea[]",
            DataType::Uuid => "uuid[]",
            DataType::Date => "date[]",
            DataType::Time => "time[]",
            DataType::DateTime => "timestamp[]",
            DataType::Timestamp => "timestamptz[]",
            DataType::Json => "jsonb[]",
        }
    }
}

/// SQLite derives from a type's name how it stores values: a name with `INT` in it keeps integers,
/// one with `CHAR` or `TEXT` texts, and any other turns texts that look like numbers into numbers.
fn sqlite(out: &mut String, t: DataType) {
    match t {
        DataType::Boolean => out.push_str("BOOLEAN"),
        DataType::SmallInt | DataType::Integer | DataType::BigInt => out.push_str("INTEGER"),
        DataType::Real | DataType::Double => out.push_str("REAL"),
        DataType::Numeric(size) => numeric(out, "NUMERIC", size),
        DataType::Text(None) => out.push_str("TEXT"),
        DataType::Text(size) => sized(out, "VARCHAR", size),
        DataType::Bytes | DataType::Tuple | DataType::Any => out.push_str("BLOB"),
        DataType::Uuid => out.push_str("CHAR(36)"),
        DataType::Date => out.push_str("DATE"),
        DataType::Time => out.push_str("TIME"),
        DataType::DateTime => out.push_str("DATETIME"),
        DataType::Timestamp => out.push_str("TIMESTAMP"),
        DataType::Json => out.push_str("JSON TEXT"),
    }
}

fn sqlite_cast(out: &mut String, t: DataType) {
    out.push_str(match t {
        DataType::Boolean | DataType::SmallInt | DataType::Integer | DataType::BigInt => "INTEGER",
        DataType::Real | DataType::Double => "REAL",
        DataType::Numeric(_) => "NUMERIC",
        DataType::Bytes => "BLOB",
        _ => "TEXT",
    });
}

fn postgres(out: &mut String, t: DataType) {
    match t {
        DataType::Boolean => out.push_str("BOOLEAN"),
        DataType::SmallInt => out.push_str("SMALLINT"),
        DataType::Integer => out.push_str("INTEGER"),
        DataType::BigInt => out.push_str("BIGINT"),
        DataType::Real => out.push_str("REAL"),
        DataType::Double => out.push_str("DOUBLE PRECISION"),
        DataType::Numeric(size) => numeric(out, "NUMERIC", size),
        DataType::Text(None) | DataType::Tuple | DataType::Any => out.push_str("TEXT"),
        DataType::Text(size) => sized(out, "VARCHAR", size),
        DataType::Bytes => out.push_str("BYTEA"),
        DataType::Uuid => out.push_str("UUID"),
        DataType::Date => out.push_str("DATE"),
        DataType::Time => out.push_str("TIME"),
        DataType::DateTime => out.push_str("TIMESTAMP"),
        DataType::Timestamp => out.push_str("TIMESTAMP WITH TIME ZONE"),
        DataType::Json => out.push_str("JSONB"),
    }
}

fn mysql(out: &mut String, t: DataType, key: bool) {
    match t {
        DataType::Boolean => out.push_str("BOOLEAN"),
        DataType::SmallInt => out.push_str("SMALLINT"),
        DataType::Integer => out.push_str("INTEGER"),
        DataType::BigInt => out.push_str("BIGINT"),
        DataType::Real => out.push_str("FLOAT"),
        DataType::Double => out.push_str("DOUBLE"),
        DataType::Numeric(size) => numeric(out, "DECIMAL", Some(size.unwrap_or((38, 10)))),
        DataType::Text(None) | DataType::Tuple | DataType::Any => {
            out.push_str(if key { "VARCHAR(255)" } else { "LONGTEXT" })
        }
        DataType::Text(size) => sized(out, "VARCHAR", size),
        DataType::Bytes => out.push_str(if key { "VARBINARY(255)" } else { "LONGBLOB" }),
        DataType::Uuid => out.push_str("CHAR(36)"),
        DataType::Date => out.push_str("DATE"),
        DataType::Time => out.push_str("TIME(6)"),
        DataType::DateTime | DataType::Timestamp => out.push_str("DATETIME(6)"),
        DataType::Json => out.push_str("JSON"),
    }
}

fn mysql_cast(out: &mut String, t: DataType) {
    match t {
        DataType::Boolean | DataType::SmallInt | DataType::Integer | DataType::BigInt => {
            out.push_str("SIGNED");
        }
        DataType::Real | DataType::Double => out.push_str("DOUBLE"),
        DataType::Numeric(size) => numeric(out, "DECIMAL", Some(size.unwrap_or((38, 10)))),
        DataType::Tuple | DataType::Any => out.push_str("CHAR"),
        DataType::Text(size) => sized(out, "CHAR", size),
        DataType::Uuid => out.push_str("CHAR(36)"),
        DataType::Bytes => out.push_str("BINARY"),
        DataType::Date => out.push_str("DATE"),
        DataType::Time => out.push_str("TIME(6)"),
        DataType::DateTime | DataType::Timestamp => out.push_str("DATETIME(6)"),
        DataType::Json => out.push_str("JSON"),
    }
}
