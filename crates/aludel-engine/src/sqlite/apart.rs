//! Which of the rows that a statement for many gives back is of which of its parameters: SQLite promises no order.

use std::borrow::Cow;

use aludel_sql::{Bad, Bind, Result, Row, Value, ValueRef};
use hashbrown::HashMap;
use rusqlite::Statement;

use super::conn::Conn;
use super::value::{Refused, Shown};

/// Rows that go by one statement, which gives back first what they are told apart by.
pub(super) struct Part<'a> {
    /// Their parameters, one row behind the other.
    pub(super) params: &'a [Bind<'a>],
    pub(super) rows: usize,
    /// The parameters by which they are told apart.
    pub(super) matched: &'a [usize],
    /// Each of them has to come back.
    pub(super) all: bool,
}

impl<'a> Part<'a> {
    /// The place of each row by what it is told apart by; none where that does not tell.
    fn places(&self) -> Option<HashMap<Vec<Stored<'a>>, usize>> {
        let mut places = HashMap::with_capacity(self.rows);
        for (place, row) in self.params.chunks_exact(self.params.len() / self.rows).enumerate() {
            let key: Option<Vec<_>> =
                self.matched.iter().map(|&at| stored(row[at].as_ref())).collect();
            if places.insert(key?, place).is_some() {
                return None;
            }
        }
        Some(places)
    }
}

/// Is shown a row, by its place.
type Show<'a> = &'a mut dyn FnMut(usize, &dyn Row) -> Result<()>;

impl Conn {
    /// Runs a statement for several rows, and shows what it gives back in the order of the rows. Where it cannot be
    /// told which row is which, nothing has been written.
    pub(super) fn rows_told_apart(
        &self,
        statement: &mut Statement<'_>,
        part: &Part<'_>,
        show: Show<'_>,
    ) -> Result<bool, Refused> {
        let Some(places) = part.places() else { return Ok(false) };
        self.run("SAVEPOINT aludel_rows")?;
        let mut given: Vec<Option<Vec<Value>>> = vec![None; part.rows];
        let told = take_rows(statement, part.matched.len(), &places, &mut given)
            .map(|told| told && !(part.all && given.contains(&None)));
        if !matches!(told, Ok(true)) {
            if !self.db.is_autocommit() {
                self.run("ROLLBACK TO aludel_rows")?;
                self.run("RELEASE aludel_rows")?;
            }
            return told;
        }
        self.run("RELEASE aludel_rows")?;
        for (place, values) in given.iter().enumerate() {
            if let Some(values) = values {
                show(place, &Given(&values[part.matched.len()..]))?;
            }
        }
        Ok(true)
    }
}

/// Takes the rows that a statement gives, each to its place; gives whether all have one.
fn take_rows(
    statement: &mut Statement<'_>,
    matched: usize,
    places: &HashMap<Vec<Stored<'_>>, usize>,
    given: &mut [Option<Vec<Value>>],
) -> Result<bool, Refused> {
    let mut shown = statement.raw_query();
    while let Some(values) = shown.next()? {
        let values = Shown(values);
        let value = |at: usize| values.get(at).ok();
        let key = (0..matched).map(|at| stored(value(at)?)).collect::<Option<Vec<_>>>();
        let place = key.and_then(|key| places.get(&key)).map(|place| &mut given[*place]);
        let all = (0..values.len()).map(|at| Some(value(at)?.to_owned())).collect();
        match (place, all) {
            (Some(place @ None), Some(all)) => *place = Some(all),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// A value as SQLite keeps it, where it keeps equal ones alike.
#[derive(PartialEq, Eq, Hash)]
enum Stored<'a> {
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

/// None of NULL, which no other is equal to, and of numbers that are rounded.
fn stored(value: ValueRef<'_>) -> Option<Stored<'_>> {
    match value {
        ValueRef::I64(v) => Some(Stored::Int(v)),
        ValueRef::Bool(v) => Some(Stored::Int(i64::from(v))),
        ValueRef::Text(v) => Some(Stored::Text(v.into())),
        ValueRef::Bytes(v) => Some(Stored::Bytes(v)),
        ValueRef::Null | ValueRef::F64(_) => None,
        other => Some(Stored::Text(other.storage_text()?.into())),
    }
}

/// A row that was kept.
struct Given<'a>(&'a [Value]);

impl Row for Given<'_> {
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        Ok(self.0.get(index).map_or(ValueRef::Null, Value::as_ref))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn name(&self, index: usize) -> String {
        format!("column {index}")
    }
}
