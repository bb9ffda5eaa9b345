//! Rows of values, table by table, in batches of one shape.

use std::sync::Arc;

use aludel_sql::{Row, Value, WriteOp, WriteSink};

use super::insert::How;
use super::loaded::{Layout, Loaded, before_loading};
use super::source::{Batch, Segment, Source, insert_values, of_rows, update_values};
use crate::events::{Executed, Execution, StatementEvent};
use crate::instrumentation::Id;
use crate::mapping::Mapper;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// How many rows are bound at once.
pub(super) const AT_ONCE: usize = 8192;

/// What was inserted.
#[derive(Default)]
pub(super) struct Inserted {
    /// How many rows were written.
    pub(super) rows: u64,
    /// By row: its object, where objects were wanted. None of a row that was left out.
    pub(super) ids: Vec<Option<Id>>,
}

/// Takes what the database gives back, by row of the source.
#[derive(Default)]
struct Values {
    starts: Vec<usize>,
    returned: Vec<(usize, Vec<Value>)>,
    matched: u64,
}

impl WriteSink for Values {
    fn returned(&mut self, write: usize, row: usize, values: &dyn Row) -> Result<()> {
        let value = |i: usize| values.get(i).map_or(Value::Null, |value| value.to_owned());
        self.returned.push((self.starts[write] + row, (0..values.len()).map(value).collect()));
        Ok(())
    }

    fn done(&mut self, _: usize, matched: u64) -> Result<()> {
        self.matched += matched;
        Ok(())
    }
}

impl Session {
    /// Inserts rows; with objects of them, where these are wanted.
    pub(super) async fn insert_rows(
        &mut self,
        class: u16,
        source: Source<'_>,
        how: &How,
        wanted: bool,
    ) -> Result<Inserted> {
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        self.check_concrete(class)?;
        how.check(mapper)?;
        source.check_relationships(mapper)?;
        self.told_of_rows(Executed::Insert, mapper).await?;
        self.autoflush().await?;
        let mut done = match how.by_statement() {
            true => self.insert_by_statement(mapper, source, how, wanted).await?,
            false => self.insert_by_tables(mapper, source, how, wanted).await?,
        };
        if wanted {
            self.tell_noted_waiting().await?;
            done.ids.resize(source.rows, None);
        }
        Ok(done)
    }

    /// Lets the listeners of statements hear of rows.
    async fn told_of_rows(&mut self, what: Executed, mapper: &Mapper) -> Result<()> {
        if !self.listeners.hears_statements() {
            return Ok(());
        }
        let mut told = Execution::before(what, mapper.class_name());
        self.execute_heard(StatementEvent::DoOrmExecute, &mut told).await
    }

    async fn insert_by_tables(
        &mut self,
        mapper: &Mapper,
        source: Source<'_>,
        how: &How,
        wanted: bool,
    ) -> Result<Inserted> {
        let mut done = Inserted { rows: source.rows as u64, ids: Vec::new() };
        let layout = if wanted { Layout::of(mapper) } else { Layout::default() };
        let mut plan = match wanted {
            true => Some(self.plan_of_layout(mapper, &layout)?),
            false => None,
        };
        let last = mapper.tables.len() - 1;
        for first in (0..source.rows).step_by(AT_ONCE) {
            let rows = first..source.rows.min(first + AT_ONCE);
            // What came back of the tables so far, and the key among it.
            let mut before: Vec<Vec<Value>> = vec![Vec::new(); rows.len()];
            let mut key_at: Vec<usize> = Vec::new();
            for (number, table) in mapper.tables.iter().enumerate() {
                let mut columns = Vec::new();
                let mut batch = Batch::default();
                for row in rows.clone() {
                    let key: Vec<Value> = key_at
                        .iter()
                        .filter_map(|at| before[row - first].get(*at).cloned())
                        .collect();
                    let key = (number > 0).then_some(&*key);
                    let params = &mut batch.params;
                    insert_values(mapper, number as u16, &source, row, key, &mut columns, params);
                    batch.add(&columns, row);
                }
                let returning = match number {
                    _ if wanted => layout.of_table(number as u16),
                    0 if last > 0 => table.primary_key().to_vec(),
                    _ => Vec::new(),
                };
                // A key that the rows give need not come back.
                let given = |segment: &Segment| {
                    let mut rows = segment.first..segment.first + segment.rows;
                    let whole =
                        |row| mapper.primary_key.iter().all(|a| source.field(row, *a).is_some());
                    !wanted && rows.all(whole)
                };
                let writes = batch.writes(WriteOp::Insert, table, &[], |segment| {
                    if given(segment) { &[] } else { &returning }
                });
                if number == 0 && last > 0 {
                    let place = |c: &u16| returning.iter().position(|r| r == c);
                    key_at = table.primary_key().iter().filter_map(place).collect();
                }
                let result = match &mut plan {
                    Some(plan) if number == last => {
                        before_loading(self, plan);
                        let mut connection = self.checkout().await?;
                        let mut sink = Loaded::new(self, plan, how.populate_existing, &batch);
                        sink.before = Some((first, &before));
                        let result = connection.write(&writes, &mut sink).await;
                        let ids = sink.finish();
                        self.checkin(connection);
                        done.ids.resize(source.rows, None);
                        ids.into_iter().for_each(|(row, id)| done.ids[row] = Some(id));
                        result
                    }
                    _ => {
                        let mut sink = Values::default();
                        sink.starts.extend(batch.segments.iter().map(|segment| segment.first));
                        let mut connection = self.checkout().await?;
                        let result = match returning.is_empty() {
                            true => connection.copy(&writes, &mut sink).await,
                            false => connection.write(&writes, &mut sink).await,
                        };
                        self.checkin(connection);
                        for (row, values) in sink.returned {
                            before[row - first].extend(values);
                        }
                        result
                    }
                };
                result.map_err(|e| at_row("inserting", e, mapper, &batch, source.rows))?;
            }
        }
        if let Some(plan) = &plan {
            self.load_after_rows(plan, &done.ids).await?;
        }
        Ok(done)
    }

    /// Updates rows by their keys.
    pub(super) async fn update_rows(&mut self, class: u16, source: Source<'_>) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        self.told_of_rows(Executed::Update, mapper).await?;
        self.autoflush().await?;
        for (number, table) in mapper.tables.iter().enumerate() {
            let of_table = |a: &u16| {
                let columns = &mapper.column(*a)?.columns;
                columns.iter().find(|c| usize::from(c.table) == number).map(|c| c.column)
            };
            let keys: Vec<u16> = mapper.primary_key.iter().filter_map(of_table).collect();
            let mut columns = Vec::new();
            let mut batch = Batch::default();
            let mut rows = 0;
            for row in 0..source.rows {
                let params = &mut batch.params;
                if update_values(mapper, number as u16, &source, row, &mut columns, params)? {
                    rows += 1;
                    batch.add(&columns, row);
                }
            }
            let writes = batch.writes(WriteOp::Update, table, &keys, |_| &[]);
            let mut sink = Values::default();
            if !writes.is_empty() {
                let mut connection = self.checkout().await?;
                let result = connection.write(&writes, &mut sink).await;
                self.checkin(connection);
                result.map_err(|e| at_row("updating", e, mapper, &batch, source.rows))?;
            }
            if sink.matched != rows {
                return Err(Error::new(
                    ErrorKind::Stale,
                    format!(
                        "an UPDATE of {rows} rows of {} by key matched {} of table {}: the others are not there",
                        mapper.class_name(),
                        sink.matched,
                        table.full_name()
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Says of which class the rows are, and which row was refused, where the database says so.
#[cold]
pub(super) fn at_row(
    doing: &str,
    error: Error,
    mapper: &Mapper,
    batch: &Batch<'_>,
    rows: usize,
) -> Error {
    let segment = |write: usize| batch.segments.get(write);
    let row = error.database().and_then(|detail| {
        let segment = segment(detail.write.unwrap_or(0))?;
        match detail.row {
            Some(row) => Some(segment.first + row),
            None => (segment.rows == 1).then_some(segment.first),
        }
    });
    match row {
        Some(row) => error.context(format_args!("{doing} {}", of_rows(mapper, row, rows))),
        None => error.context(format_args!("{doing} {rows} rows of {}", mapper.class_name())),
    }
}
