//! Tables as the database has them: SQLAlchemy's `MetaData.reflect()`.
//!
//! ```text
//!   catalogue of the database ── sqlite / postgres ─▶ Found, a table's parts ─▶ TableBuilder ─▶ Table
//! ```
//!
//! What is read: columns with their types, NULL and defaults; primary and foreign keys; unique constraints, checks
//! and indexes. An index over an expression has no columns, and is left out; so is a foreign key to a table that is
//! not there, which SQLite allows.

#[cfg(feature = "sqlite")]
mod definition;
mod names;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::ops::ControlFlow;

use aludel_sql::{
    Action, Bind, Check, Column, DialectKind, Error, ErrorKind, ForeignKey, Index, MetaData,
    Result, Row, RowSink, Table, Unique, Value, ValueRef,
};

use crate::connection::Connection;
use crate::engine::Engine;

/// Which tables are reflected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReflectOptions {
    schema: Option<String>,
    only: Option<Vec<String>>,
    views: bool,
}

impl ReflectOptions {
    /// The tables of the default schema, and those of others that their foreign keys refer to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of another schema; in SQLite, of an attached database.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// These tables, and those that their foreign keys refer to.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.only = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The views, too. A view has no keys: a class for it needs to be told its primary key.
    #[must_use]
    pub fn views(mut self) -> Self {
        self.views = true;
        self
    }
}

/// What the catalogue says of a table.
#[derive(Debug, Default)]
struct Found {
    columns: Vec<Column>,
    foreign_keys: Vec<ForeignKey>,
    uniques: Vec<Unique>,
    indexes: Vec<Index>,
    checks: Vec<Check>,
    comment: Option<String>,
    is_view: bool,
}

impl Found {
    fn into_table(self, name: &str, schema: Option<&str>) -> Result<Table> {
        let mut table = Table::build(name).columns(self.columns);
        if let Some(schema) = schema {
            table = table.schema(schema);
        }
        if self.is_view {
            table = table.view();
        }
        for key in self.foreign_keys {
            table = table.foreign_key(key);
        }
        for unique in self.uniques {
            table = table.unique(unique);
        }
        for index in self.indexes {
            table = table.index(index);
        }
        for check in self.checks {
            table = table.check(check);
        }
        if let Some(comment) = self.comment {
            table = table.comment(comment);
        }
        table.finish()
    }
}

impl Engine {
    /// The tables of the database's default schema, as they are: SQLAlchemy's `metadata.reflect(engine)`.
    ///
    /// # Errors
    ///
    /// Those of the database; [`ErrorKind::Unsupported`] where it cannot be reflected.
    pub async fn reflect(&self) -> Result<MetaData> {
        self.reflect_with(&ReflectOptions::new()).await
    }

    /// Tables of the database, as they are.
    ///
    /// # Errors
    ///
    /// As [`reflect`](Self::reflect); and when a table that is asked for by name is not there.
    pub async fn reflect_with(&self, options: &ReflectOptions) -> Result<MetaData> {
        self.acquire().await?.reflect(options).await
    }

    /// A table of the database, as it is: SQLAlchemy's `Table(name, metadata, autoload_with=engine)`. It is
    /// `name`, or `schema.name`.
    ///
    /// # Errors
    ///
    /// As [`reflect`](Self::reflect); and when there is no such table.
    pub async fn reflect_table(&self, name: &str) -> Result<Table> {
        self.acquire().await?.reflect_table(name).await
    }
}

impl Connection {
    /// Tables of the database, as they are.
    ///
    /// # Errors
    ///
    /// As [`Engine::reflect_with`].
    pub async fn reflect(&mut self, options: &ReflectOptions) -> Result<MetaData> {
        let schema = options.schema.as_deref();
        let there = self.relations(schema, options.views).await?;
        let names = options.only.as_ref().unwrap_or(&there);
        let mut wanted: Vec<(Option<String>, String)> =
            names.iter().map(|name| (options.schema.clone(), name.clone())).collect();
        let mut tables = MetaData::new();
        let mut at = 0;
        while let Some((schema, name)) = wanted.get(at).cloned() {
            at += 1;
            if at <= names.len() && !there.contains(&name) {
                return Err(names::no_table(&name, &there));
            }
            let schema = schema.as_deref();
            let table = self.relation(&name, schema).await?.into_table(&name, schema)?;
            for key in table.foreign_keys() {
                let target = self.place_of(key, options.schema.as_deref(), &there);
                wanted.extend(target.filter(|target| !wanted.contains(target)));
            }
            tables.add(table)?;
        }
        Ok(tables)
    }

    /// A table of the database, as it is.
    ///
    /// # Errors
    ///
    /// As [`Engine::reflect_table`].
    pub async fn reflect_table(&mut self, name: &str) -> Result<Table> {
        let there = self.relations(None, true).await?;
        let (schema, of_schema) = match name.rsplit_once('.') {
            Some((schema, of_schema)) if !there.iter().any(|n| n == name) => {
                (Some(schema), of_schema)
            }
            _ => (None, name),
        };
        let there = match schema {
            None => there,
            Some(_) => self.relations(schema, true).await?,
        };
        if !there.iter().any(|name| name == of_schema) {
            return Err(names::no_table(of_schema, &there));
        }
        self.relation(of_schema, schema).await?.into_table(of_schema, schema)
    }

    /// Where the table is that a foreign key refers to: its schema, if not the default one, and its name.
    fn place_of(
        &self,
        key: &ForeignKey,
        schema: Option<&str>,
        there: &[String],
    ) -> Option<(Option<String>, String)> {
        let full = &*key.target_table;
        let of_schema = match schema {
            None => Some(full),
            Some(schema) => full.strip_prefix(schema).and_then(|name| name.strip_prefix('.')),
        };
        if let Some(name) = of_schema.filter(|name| there.iter().any(|there| there == name)) {
            return Some((schema.map(str::to_owned), name.to_owned()));
        }
        // Those of SQLite stay within a schema.
        (self.dialect().kind == DialectKind::Postgres).then(|| match full.split_once('.') {
            None => (None, full.to_owned()),
            Some((schema, name)) => (Some(schema.to_owned()), name.to_owned()),
        })
    }

    /// The names of the tables of a schema.
    async fn relations(&mut self, schema: Option<&str>, views: bool) -> Result<Vec<String>> {
        match self.dialect().kind {
            #[cfg(feature = "sqlite")]
            DialectKind::Sqlite => sqlite::relations(self, schema, views).await,
            #[cfg(feature = "postgres")]
            DialectKind::Postgres => postgres::relations(self, schema, views).await,
            _ => Err(self.cannot_reflect()),
        }
    }

    async fn relation(&mut self, name: &str, schema: Option<&str>) -> Result<Found> {
        match self.dialect().kind {
            #[cfg(feature = "sqlite")]
            DialectKind::Sqlite => sqlite::relation(self, name, schema).await,
            #[cfg(feature = "postgres")]
            DialectKind::Postgres => postgres::relation(self, name, schema).await,
            _ => Err(self.cannot_reflect()),
        }
    }

    fn cannot_reflect(&self) -> Error {
        let message = format!("tables of {} cannot be reflected", self.dialect().name());
        Error::new(ErrorKind::Unsupported, message)
    }

    /// The rows of a query of the catalogue, with texts as parameters.
    async fn catalogue(&mut self, sql: &str, params: &[Option<&str>]) -> Result<Vec<Line>> {
        let params: Vec<Bind<'_>> = params
            .iter()
            .map(|text| Bind::Ref(text.map_or(ValueRef::Null, ValueRef::Text)))
            .collect();
        let mut lines = Lines(Vec::new());
        self.query_raw(sql, &params, &mut lines).await?;
        Ok(lines.0)
    }
}

/// A row of the catalogue.
struct Line(Vec<Value>);

impl Line {
    /// A text; empty where it is NULL.
    fn text(&self, at: usize) -> &str {
        self.maybe(at).unwrap_or_default()
    }

    fn maybe(&self, at: usize) -> Option<&str> {
        match self.0.get(at) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn number(&self, at: usize) -> i64 {
        match self.0.get(at) {
            Some(Value::I64(n)) => *n,
            Some(Value::Bool(b)) => i64::from(*b),
            _ => 0,
        }
    }

    fn is(&self, at: usize) -> bool {
        self.number(at) != 0
    }
}

struct Lines(Vec<Line>);

impl RowSink for Lines {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let values = (0..row.len()).map(|at| row.get(at).map_or(Value::Null, ValueRef::to_owned));
        self.0.push(Line(values.collect()));
        Ok(ControlFlow::Continue(()))
    }
}

/// What happens to rows that refer to one that changes; what is the default says nothing.
fn action(sql: &str) -> Option<Action> {
    Some(match sql.to_ascii_uppercase().as_str() {
        "CASCADE" | "C" => Action::Cascade,
        "SET NULL" | "N" => Action::SetNull,
        "SET DEFAULT" | "D" => Action::SetDefault,
        "RESTRICT" | "R" => Action::Restrict,
        _ => return None,
    })
}
