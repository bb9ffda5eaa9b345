//! Parameters to SQLite and rows from it, without a copy on our side.

use std::cell::Cell;

use aludel_sql::{Bad, Bind, Error, ErrorKind, Row, ValueRef};
use rusqlite::{Statement, types};

/// Binds a parameter (numbered from one). Text and bytes are handed to SQLite as they are borrowed; what
/// SQLite has no type for is bound as its [storage text](ValueRef::storage_text).
#[inline]
pub(crate) fn bind(
    statement: &mut Statement<'_>,
    at: usize,
    value: ValueRef<'_>,
) -> Result<(), Refused> {
    match value {
        ValueRef::I64(v) => statement.raw_bind_parameter(at, v)?,
        ValueRef::Text(v) => statement.raw_bind_parameter(at, v)?,
        ValueRef::Null => statement.raw_bind_parameter(at, types::Null)?,
        ValueRef::F64(v) => statement.raw_bind_parameter(at, v)?,
        ValueRef::Bool(v) => statement.raw_bind_parameter(at, i64::from(v))?,
        ValueRef::Bytes(v) => statement.raw_bind_parameter(at, v)?,
        other => bind_text(statement, at, other)?,
    }
    Ok(())
}

#[inline(never)]
fn bind_text(statement: &mut Statement<'_>, at: usize, value: ValueRef<'_>) -> Result<(), Refused> {
    if let ValueRef::Invalid(why) = value {
        return Err(Refused::Value(invalid(at, why)));
    }
    match value.storage_text() {
        Some(text) => Ok(statement.raw_bind_parameter(at, text)?),
        None => Err(Refused::Value(invalid(at, "SQLite has no such type"))),
    }
}

/// Binds all parameters of a statement.
#[inline]
pub(crate) fn bind_all(statement: &mut Statement<'_>, params: &[Bind<'_>]) -> Result<(), Refused> {
    for (at, param) in params.iter().enumerate() {
        // The frequent kinds first, and by reference: a copy of the value would be read back at once.
        match param {
            Bind::Ref(ValueRef::Text(v)) => statement.raw_bind_parameter(at + 1, *v)?,
            Bind::Ref(ValueRef::I64(v)) => statement.raw_bind_parameter(at + 1, *v)?,
            other => bind(statement, at + 1, other.as_ref())?,
        }
    }
    Ok(())
}

#[cold]
pub(crate) fn invalid(at: usize, why: &str) -> Error {
    Error::new(ErrorKind::Value, format!("parameter {at} cannot be sent: {why}"))
}

/// Why a statement did not run: SQLite's error, or ours about a value or from a sink.
pub(crate) enum Refused {
    Sqlite(rusqlite::Error),
    Value(Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sqlite(e)
    }
}

impl From<Error> for Refused {
    fn from(e: Error) -> Self {
        Self::Value(e)
    }
}

/// A row as SQLite shows it.
pub(crate) struct Shown<'r, 's>(pub(crate) &'r rusqlite::Row<'s>);

impl Row for Shown<'_, '_> {
    #[inline]
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        match self.0.get_ref(index) {
            Ok(types::ValueRef::Integer(n)) => Ok(ValueRef::I64(n)),
            Ok(types::ValueRef::Text(v)) => match std::str::from_utf8(v) {
                Ok(text) => Ok(ValueRef::Text(text)),
                Err(_) => Err(Bad::Invalid("UTF-8 text")),
            },
            Ok(types::ValueRef::Null) => Ok(ValueRef::Null),
            Ok(types::ValueRef::Real(v)) => Ok(ValueRef::F64(v)),
            Ok(types::ValueRef::Blob(v)) => Ok(ValueRef::Bytes(v)),
            Err(_) => Err(Bad::Index),
        }
    }

    #[inline]
    fn integer(&self, index: usize) -> Option<i64> {
        match self.0.get_ref(index) {
            Ok(types::ValueRef::Integer(n)) => Some(n),
            _ => None,
        }
    }

    #[inline]
    fn text(&self, index: usize) -> Option<&str> {
        match self.0.get_ref(index) {
            Ok(types::ValueRef::Text(text)) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    fn len(&self) -> usize {
        self.0.as_ref().column_count()
    }

    fn name(&self, index: usize) -> String {
        self.0.as_ref().column_name(index).map_or_else(|_| format!("#{index}"), str::to_owned)
    }
}

/// A row of which integers are read more than once: keys, for the object and to find it or its owner. To ask SQLite again
/// takes ten times as long as to look here.
pub(crate) struct Remembered<'r, 's> {
    row: Shown<'r, 's>,
    /// Integers that were read, and where.
    read: [Cell<(usize, i64)>; READ],
}

/// How many integers of a row are kept.
const READ: usize = 4;

impl<'r, 's> Remembered<'r, 's> {
    #[inline]
    pub(crate) fn new(row: Shown<'r, 's>) -> Self {
        Self { row, read: [const { Cell::new((usize::MAX, 0)) }; READ] }
    }
}

impl Row for Remembered<'_, '_> {
    #[inline]
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        let value = self.row.get(index);
        if let Ok(ValueRef::I64(n)) = value {
            self.read[index % READ].set((index, n));
        }
        value
    }

    #[inline]
    fn integer(&self, index: usize) -> Option<i64> {
        let known = &self.read[index % READ];
        if let (at, n) = known.get()
            && at == index
        {
            return Some(n);
        }
        let read = self.row.integer(index);
        if let Some(n) = read {
            known.set((index, n));
        }
        read
    }

    #[inline]
    fn text(&self, index: usize) -> Option<&str> {
        self.row.text(index)
    }

    fn len(&self) -> usize {
        self.row.len()
    }

    fn name(&self, index: usize) -> String {
        self.row.name(index)
    }
}

/// The generated key of a row just inserted: what `RETURNING` would show, without its cost.
pub(crate) struct RowId<'a>(pub(crate) i64, pub(crate) &'a str);

impl Row for RowId<'_> {
    #[inline]
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        if index == 0 { Ok(ValueRef::I64(self.0)) } else { Err(Bad::Index) }
    }

    fn len(&self) -> usize {
        1
    }

    fn name(&self, _: usize) -> String {
        self.1.to_owned()
    }
}
