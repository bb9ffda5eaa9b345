//! Rows that an UPDATE or DELETE did not find: which they are, and what has become of them.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use aludel_sql::{Bind, Row, RowSink, Table, Value, WriteOp};

use super::facts::{TableFacts, classes_of};
use super::run::Run;
use super::update::{Change, Changes};
use crate::instrumentation::Id;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// How many rows are asked for to find the ones that are gone.
const ASKED: usize = 100;

/// Of an error of kind [`Stale`](ErrorKind::Stale): which object it is about, and what is needed to merge what the
/// program wanted with what somebody else has done meanwhile.
///
/// ```
/// # use aludel_orm::{Error, Result, Session, session::StaleRow};
/// # async fn example(session: &mut Session) -> Result<()> {
/// if let Err(error) = session.flush().await {
///     session.rollback().await?;
///     let Some(stale) = StaleRow::of(&error).filter(|stale| stale.present.is_some()) else { return Err(error) };
///     session.refresh_named(stale.object, None).await?;
///     for (name, value) in &stale.wanted {
///         session.set_named(stale.object, name, value.clone())?;
///     }
///     session.flush().await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct StaleRow {
    /// The object.
    pub object: Id,
    /// The version that its row was expected to have; `None` where the class has no versions.
    pub expected: Option<Value>,
    /// The version that its row has.
    pub found: Option<Value>,
    /// What its row has now, by attribute; `None` where it is gone. Of a class of several tables, the row that was
    /// written.
    pub present: Option<Vec<(String, Value)>>,
    /// What the UPDATE would have set, by attribute; without SQL expressions.
    pub wanted: Vec<(String, Value)>,
    what: String,
}

impl StaleRow {
    /// What an error knows of the row that was not found.
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }
}

impl std::fmt::Display for StaleRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for StaleRow {}

impl Session {
    /// The error of UPDATEs that did not all find their rows. The database is asked which.
    #[cold]
    pub(super) async fn stale_update(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: &Changes,
        rows: &[Change],
        matched: u64,
    ) -> Error {
        for change in rows.iter().take(ASKED) {
            let Some((at, facts)) = changes.facts(change).table(table) else { continue };
            let is_base = at == 0 && !self.is_rekeyed(change.id);
            let Ok(present) = self.present_row(run, facts, change.id, is_base).await else { break };
            let written = self.mapper_of(change.id).version.filter(|_| !facts.version_by_database);
            let written = written.map(|attribute| self.arena.field(change.id, attribute).value());
            let found = present.as_ref().and_then(|row| version_in(facts, row));
            let met = match changes.version_of(change) {
                Some(_) => found.is_some() && written == found,
                None => present.is_some(),
            };
            if met && rows.len() > 1 {
                continue;
            }
            let mut wanted = Vec::new();
            for (_, attribute) in changes.set_of(change) {
                let mapper = self.mapper_of(change.id);
                if *attribute == super::facts::NO_ATTRIBUTE
                    || self.expression(change.id, *attribute).is_some()
                {
                    continue;
                }
                if mapper.column(*attribute).is_some() && mapper.version != Some(*attribute) {
                    let value = self.arena.field(change.id, *attribute).value();
                    wanted.push((mapper.property(*attribute).name().to_owned(), value));
                }
            }
            return self.stale(
                change.id,
                facts,
                changes.version_of(change).cloned(),
                present,
                wanted,
            );
        }
        let class = rows.first().map_or("?", |c| self.mapper_of(c.id).class_name());
        Error::new(
            ErrorKind::Stale,
            format!(
                "updating {class}: of {} rows of `{}`, {matched} were found; the others are gone or have \
                 another version: roll back, refresh the objects and try again",
                rows.len(),
                table.full_name()
            ),
        )
    }

    /// The error of DELETEs of versioned rows that did not all find them. Those that are still there have another
    /// version; where there is none, one was gone before.
    #[cold]
    pub(super) async fn stale_delete(
        &mut self,
        run: &mut Run,
        table: &Table,
        rows: &[Id],
        matched: u64,
    ) -> Error {
        for &id in rows.iter().take(ASKED) {
            let facts = run.facts(self, id.class);
            let Some((_, facts)) = facts.table(table) else { continue };
            let Ok(present) = self.present_row(run, facts, id, true).await else { break };
            if present.is_some() || rows.len() == 1 {
                let version = self.mapper_of(id).version;
                let expected = version.and_then(|v| self.committed_value(id, v));
                return self.stale(id, facts, expected, present, Vec::new());
            }
        }
        let class = rows.first().map_or("?", |id| self.mapper_of(*id).class_name());
        let keys: Vec<String> = rows
            .iter()
            .take(10)
            .filter_map(|id| self.row_key(*id))
            .map(|k| k.to_string())
            .collect();
        Error::new(
            ErrorKind::Stale,
            format!(
                "deleting {class} ({}{}): of {} rows of `{}`, {matched} were found with the version expected; roll \
                 back, refresh the objects and try again",
                keys.join("; "),
                if rows.len() > 10 { "; …" } else { "" },
                rows.len(),
                table.full_name()
            ),
        )
    }

    fn stale(
        &self,
        id: Id,
        facts: &TableFacts,
        expected: Option<Value>,
        present: Option<Vec<(u16, Value)>>,
        wanted: Vec<(String, Value)>,
    ) -> Error {
        let mapper = self.mapper_of(id);
        let class = mapper.class_name();
        let key = self.row_key(id).map_or_else(|| "?".to_owned(), |key| key.to_string());
        let found = present.as_ref().and_then(|row| version_in(facts, row));
        let shown = |version: &Option<Value>| {
            version.as_ref().map_or_else(|| "NULL".to_owned(), Value::to_string)
        };
        let what = match (&present, &facts.version) {
            (None, _) => "its row is gone".to_owned(),
            (Some(_), None) => "its row is there, and the database did not match it".to_owned(),
            (Some(_), Some(_)) => format!(
                "its row has version {}, and {} was expected",
                shown(&found),
                shown(&expected)
            ),
        };
        let named = |row: Vec<(u16, Value)>| {
            let name = |attribute: u16| mapper.property(attribute).name().to_owned();
            row.into_iter().map(|(attribute, value)| (name(attribute), value)).collect()
        };
        Error::new(
            ErrorKind::Stale,
            format!("{class}({key}) is stale: {what}; roll back, refresh the object and try again"),
        )
        .with_cause(StaleRow {
            object: id,
            expected,
            found,
            present: present.map(named),
            wanted,
            what,
        })
    }

    /// What the row of an object has, by attribute; `None` where it is gone.
    async fn present_row(
        &mut self,
        run: &mut Run,
        facts: &TableFacts,
        id: Id,
        is_base: bool,
    ) -> Result<Option<Vec<(u16, Value)>>> {
        let mapper = std::sync::Arc::clone(self.mapper_of(id));
        let at = mapper.tables.iter().position(|t| *t == facts.table);
        let mut columns: Vec<(u16, u16)> = Vec::new();
        for &attribute in &mapper.columns {
            let of = mapper.column(attribute).map(|p| p.columns.as_slice()).unwrap_or_default();
            let own = of.iter().find(|c| Some(usize::from(c.table)) == at);
            columns.extend(own.map(|c| (c.column, attribute)));
        }
        let values = self.row_values(run, facts, id, is_base, &columns).await?;
        Ok(values.map(|values| columns.iter().map(|(_, a)| *a).zip(values).collect()))
    }

    /// Some columns of the row of an object.
    async fn row_values(
        &mut self,
        run: &mut Run,
        facts: &TableFacts,
        id: Id,
        is_base: bool,
        columns: &[(u16, u16)],
    ) -> Result<Option<Vec<Value>>> {
        let mut params: Vec<Bind<'_>> = Vec::new();
        self.bind_row_key(id, facts, is_base, &|_| false, &mut params);
        let Some(connection) = run.connected() else { return Ok(None) };
        let dialect = connection.dialect();
        let name = |column: u16| dialect.quoted(&facts.table.columns()[usize::from(column)].name);
        let names: Vec<String> = columns.iter().map(|(column, _)| name(*column)).collect();
        let mut sql = format!("SELECT {} FROM ", names.join(", "));
        dialect.quote_table(&mut sql, &facts.table);
        for (at, column) in facts.key_columns.iter().enumerate() {
            sql.push_str(if at == 0 { " WHERE " } else { " AND " });
            let _ = write!(sql, "{} = ", name(*column));
            dialect.placeholder(&mut sql, at);
        }
        let mut sink = One(None);
        connection.query_raw(&sql, &params, &mut sink).await?;
        Ok(sink.0)
    }

    /// Reads what the database has made of rows that were written, as far as the statement did not tell it and the
    /// mapping wants it.
    pub(super) async fn read_made(
        &mut self,
        run: &mut Run,
        table: &Table,
        ids: &[Id],
        op: WriteOp,
    ) -> Result<()> {
        for class in classes_of(ids) {
            let facts = run.facts(self, class);
            let Some((_, facts)) = facts.table(table) else { continue };
            let made = if op == WriteOp::Insert { &facts.on_insert } else { &facts.on_update };
            if made.read.is_empty() {
                continue;
            }
            for &id in ids.iter().filter(|id| id.class == class) {
                let values = self.row_values(run, facts, id, false, &made.read).await?;
                for ((_, attribute), value) in made.read.iter().zip(values.into_iter().flatten()) {
                    self.put_written(id, *attribute, value)?;
                }
            }
        }
        Ok(())
    }
}

/// The version in a row.
fn version_in(facts: &TableFacts, row: &[(u16, Value)]) -> Option<Value> {
    let attribute = facts.version_attribute?;
    row.iter().find(|(a, _)| *a == attribute).map(|(_, value)| value.clone())
}

/// The first row.
struct One(Option<Vec<Value>>);

impl RowSink for One {
    fn row(&mut self, row: &dyn Row) -> aludel_sql::Result<ControlFlow<()>> {
        let value = |at| row.get(at).map_or(Value::Null, |v| v.to_owned());
        self.0 = Some((0..row.len()).map(value).collect());
        Ok(ControlFlow::Continue(()))
    }
}
