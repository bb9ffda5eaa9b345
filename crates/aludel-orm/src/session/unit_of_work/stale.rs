//! Rows that an UPDATE or DELETE did not find: which they are, and what has become of them.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use aludel_sql::{Bind, Row, RowSink, Table, Value};

use super::run::Run;
use super::update::{Change, Changes};
use crate::instrumentation::Id;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// How many rows are asked for to find the ones that are gone.
const ASKED: usize = 100;

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
            match self.row_of(run, table, changes, change).await {
                Ok(Found::AsWritten) => {}
                Ok(Found::Gone) => return self.stale(change.id, "its row is gone"),
                Ok(Found::Version(found)) => {
                    let expected =
                        change.version.as_ref().map_or_else(|| "NULL".to_owned(), Value::to_string);
                    let what = format!("its row has version {found}, and {expected} was expected");
                    return self.stale(change.id, &what);
                }
                Err(_) => break,
            }
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

    /// The error of DELETEs of versioned rows that did not all find them.
    #[cold]
    pub(super) fn stale_delete(&self, table: &Table, rows: &[Id], matched: u64) -> Error {
        if let [id] = rows {
            return self.stale(*id, "its row is gone or has another version");
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

    fn stale(&self, id: Id, what: &str) -> Error {
        let class = self.mapper_of(id).class_name();
        let key = self.row_key(id).map_or_else(|| "?".to_owned(), |key| key.to_string());
        Error::new(
            ErrorKind::Stale,
            format!("{class}({key}) is stale: {what}; roll back, refresh the object and try again"),
        )
    }

    /// Asks for the row of an object that has been updated, or not.
    async fn row_of(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: &Changes,
        change: &Change,
    ) -> Result<Found> {
        let Some((at, facts)) = changes.facts(change).table(table) else {
            return Ok(Found::AsWritten);
        };
        let key_changed = self.is_rekeyed(change.id);
        let mut params: Vec<Bind<'_>> = Vec::new();
        self.bind_row_key(change.id, facts, at == 0 && !key_changed, &|_| false, &mut params);
        let version = facts.version.filter(|_| change.version.is_some());
        let Some(connection) = run.connected() else { return Ok(Found::AsWritten) };
        let mut sql = String::from("SELECT ");
        let dialect = connection.dialect();
        let shown = version.or_else(|| facts.key_columns.first().copied());
        let name = |column: u16| dialect.quoted(&table.columns()[usize::from(column)].name);
        sql.push_str(&shown.map_or_else(|| "1".to_owned(), name));
        sql.push_str(" FROM ");
        dialect.quote_table(&mut sql, table);
        for (at, column) in facts.key_columns.iter().enumerate() {
            sql.push_str(if at == 0 { " WHERE " } else { " AND " });
            let _ = write!(sql, "{} = ", name(*column));
            dialect.placeholder(&mut sql, at);
        }
        let mut sink = One(None);
        connection.query_raw(&sql, &params, &mut sink).await?;
        drop(params);
        Ok(match sink.0 {
            None => Found::Gone,
            Some(found) if version.is_some() => {
                let attribute = self.mapper_of(change.id).version;
                let written = attribute.map(|a| self.arena.field(change.id, a).value());
                if written.as_ref() == Some(&found) {
                    Found::AsWritten
                } else {
                    Found::Version(found)
                }
            }
            Some(_) => Found::AsWritten,
        })
    }
}

enum Found {
    AsWritten,
    Gone,
    Version(Value),
}

/// The first value of the first row.
struct One(Option<Value>);

impl RowSink for One {
    fn row(&mut self, row: &dyn Row) -> aludel_sql::Result<ControlFlow<()>> {
        self.0 = Some(row.get(0).map_or(Value::Null, |v| v.to_owned()));
        Ok(ControlFlow::Break(()))
    }
}
