//! One statement for many rows of parameters, or many rows in a statement.

use std::borrow::Cow;
use std::ops::Range;

use aludel_sql::{Bad, Bind, Result, Row, Value, ValueRef, WriteSink};
use hashbrown::HashMap;
use rusqlite::Statement;

use super::conn::{Conn, Stop, wrong_count};
use super::value::{Refused, Shown, bind_all};
use super::write::placed;
use crate::each::{Each, Together};
use crate::transaction::TransactionOptions;

impl Conn {
    pub(crate) async fn execute_each(
        &mut self,
        each: &Each<'_>,
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        let own = !self.in_transaction() && each.rows > 1;
        if own {
            self.begin(&TransactionOptions::new());
        }
        let result = self.patiently(|c| c.try_each(each, sink)).await;
        if own { self.end_own(result).await } else { result }
    }

    fn try_each(&mut self, each: &Each<'_>, sink: &mut dyn WriteSink) -> Result<(), Stop> {
        self.begin_now()?;
        let mut row = 0;
        let written = self.each_row(each, sink, &mut row);
        let stopped = |refused| self.stop(refused, &each.statement.sql, row > 0);
        let matched = written.map_err(|refused| placed(stopped(refused), 0, row, each.rows))?;
        sink.done(0, matched).map_err(Stop::Failed)
    }

    fn each_row(
        &self,
        each: &Each<'_>,
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let mut matched = match each.many {
            Some(many) => self.rows_together(each, &many, sink, row)?,
            None => 0,
        };
        let mut statement = self.db.prepare_cached(&each.statement.sql)?;
        if statement.parameter_count() != each.width() {
            return Err(wrong_count(statement.parameter_count(), each.width()).into());
        }
        while *row < each.rows {
            bind_all(&mut statement, each.row(*row))?;
            // What changes nothing leaves the count of the statement before it.
            let before = self.db.total_changes();
            let mut shown = statement.raw_query();
            while let Some(values) = shown.next()? {
                sink.returned(0, *row, &Shown(values))?;
            }
            drop(shown);
            if self.db.total_changes() != before {
                matched += self.db.changes();
            }
            *row += 1;
        }
        Ok(matched)
    }

    /// Writes the first rows, as many as fill whole statements and are not refused; says how many were written.
    fn rows_together(
        &self,
        each: &Each<'_>,
        many: &Together<'_>,
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let Some(rows) = many.rows.filter(|&rows| rows > 0 && rows <= each.rows) else {
            return Ok(0);
        };
        let mut statement = self.db.prepare_cached(&many.statement.sql)?;
        let mut written = 0;
        let mut params: Vec<Bind<'_>> = Vec::with_capacity(statement.parameter_count());
        while *row + rows <= each.rows {
            params.clear();
            for row in *row..*row + rows {
                params.extend_from_slice(&each.row(row)[..many.own]);
            }
            params.extend_from_slice(&each.row(*row)[many.own..]);
            if statement.parameter_count() != params.len() {
                return Err(wrong_count(statement.parameter_count(), params.len()).into());
            }
            bind_all(&mut statement, &params)?;
            let before = self.db.total_changes();
            let done = match many.statement.returns_rows {
                false => statement.raw_execute().map(|_| true),
                true => {
                    let part = *row..*row + rows;
                    match self.rows_told_apart(&mut statement, each, many, part, sink) {
                        Err(Refused::Value(error)) => return Err(error.into()),
                        Err(Refused::Sqlite(error)) => Err(error),
                        Ok(done) => Ok(done),
                    }
                }
            };
            match done {
                Ok(true) if self.db.total_changes() == before => {}
                Ok(true) => written += self.db.changes(),
                // SQLite has rolled everything back.
                Err(error) if self.db.is_autocommit() => return Err(error.into()),
                Ok(false) | Err(_) => break,
            }
            *row += rows;
        }
        Ok(written)
    }

    /// Runs a statement for several rows, and shows what it gives back in the order of the rows: SQLite promises none.
    /// Where it cannot be told which row is which, nothing has been written.
    fn rows_told_apart(
        &self,
        statement: &mut Statement<'_>,
        each: &Each<'_>,
        many: &Together<'_>,
        part: Range<usize>,
        sink: &mut dyn WriteSink,
    ) -> Result<bool, Refused> {
        let mut places: HashMap<Vec<Stored<'_>>, usize> = HashMap::with_capacity(part.len());
        for (place, row) in part.clone().enumerate() {
            let params = each.row(row);
            let key = many.matched.iter().map(|&at| stored(params[at].as_ref())).collect();
            let Some(key) = key else { return Ok(false) };
            if places.insert(key, place).is_some() {
                return Ok(false);
            }
        }
        self.run_cached("SAVEPOINT aludel_rows")?;
        let mut given: Vec<Option<Vec<Value>>> = vec![None; part.len()];
        let told = self.take_rows(statement, many.matched.len(), &places, &mut given);
        if !matches!(told, Ok(true)) {
            if !self.db.is_autocommit() {
                self.run_cached("ROLLBACK TO aludel_rows")?;
                self.run_cached("RELEASE aludel_rows")?;
            }
            return told;
        }
        self.run_cached("RELEASE aludel_rows")?;
        for (row, values) in part.zip(&given) {
            if let Some(values) = values {
                sink.returned(0, row, &Given(&values[many.matched.len()..]))?;
            }
        }
        Ok(true)
    }

    /// Takes the rows that a statement gives, each to its place; gives whether all have one.
    fn take_rows(
        &self,
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

    fn run_cached(&self, sql: &str) -> Result<(), Refused> {
        self.db.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }
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
