//! Batches of rows to be written: what a flush hands to a connection, and the SQL for them.
//!
//! A [`Write`] says *what* is to be written; *how* it is sent is the engine's business, which
//! differs by database: one held statement for each row, a list of VALUES, or `unnest` of arrays.
//! The statements for all of these are made here.

mod delete;
mod insert;
mod update;

use std::ops::ControlFlow;

pub use delete::{delete_in_sql, delete_range_sql, delete_row_sql, delete_unnest_sql};
pub use insert::{insert_many_sql, insert_row_sql, insert_unnest_sql};
pub use update::{update_many_sql, update_row_sql, update_unnest_sql};

use crate::dialect::NullSafe;
use crate::{
    Bind, Compiled, Dialect, DialectKind, Error, ErrorKind, Result, Row, StatementKind, Table,
};

/// What is done to the rows of a [`Write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteOp {
    /// They are inserted.
    Insert,
    /// They are changed.
    Update,
    /// They are deleted.
    Delete,
}

/// Rows of one shape for one table.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// What is done to them.
    pub op: WriteOp,
    /// The table.
    pub table: &'a Table,
    /// INSERT: the columns given; UPDATE: the columns in SET.
    pub columns: &'a [u16],
    /// UPDATE and DELETE: the columns compared in WHERE.
    pub keys: &'a [u16],
    /// The values wanted back for every row, in the order of the rows.
    pub returning: &'a [u16],
    /// How many rows there are.
    pub rows: usize,
    /// For each row the values of `columns`, then those of `keys`.
    pub params: &'a [Bind<'a>],
}

impl<'a> Write<'a> {
    /// How many parameters a row has.
    pub fn width(&self) -> usize {
        self.columns.len() + self.keys.len()
    }

    /// The parameters of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn row(&self, row: usize) -> &'a [Bind<'a>] {
        let width = self.width();
        &self.params[row * width..][..width]
    }
}

/// What is told of the rows that were written. Result row *i* belongs to parameter row *i*.
pub trait WriteSink: Send {
    /// The values of `returning` for row `row` of write `write`.
    ///
    /// # Errors
    /// Those of the sink; the writing ends with them.
    fn returned(&mut self, write: usize, row: usize, values: &dyn Row) -> Result<()>;
    /// A write is done: how many rows of the table it matched in all.
    ///
    /// # Errors
    /// Those of the sink; the writing ends with them.
    fn done(&mut self, write: usize, matched: u64) -> Result<()>;
}

/// What takes the rows of a query.
pub trait RowSink: Send {
    /// Takes a row, and says whether more are wanted.
    ///
    /// # Errors
    /// Those of the sink; the query ends with them.
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>>;

    /// Whether it reads each value of a row but once, so that a driver need not remember any.
    fn reads_once(&self) -> bool {
        false
    }
}

/// How keys are compared in WHERE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyMatch {
    /// By `=`: NULL matches nothing.
    #[default]
    Equal,
    /// As values: NULL matches NULL.
    NullSafe,
}

/// SQL text that is being put together.
struct Text<'d> {
    dialect: &'d Dialect,
    sql: String,
    params: usize,
}

impl<'d> Text<'d> {
    fn new(dialect: &'d Dialect, sql: &str) -> Self {
        Self { dialect, sql: sql.to_owned(), params: 0 }
    }

    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn table(&mut self, table: &Table) {
        self.dialect.quote_table(&mut self.sql, table);
    }

    fn column(&mut self, table: &Table, column: u16) {
        self.dialect.quote(&mut self.sql, &table.columns()[usize::from(column)].name);
    }

    /// The next placeholder. They come in the order of the parameters, so SQLite needs no numbers.
    fn param(&mut self) {
        match self.dialect.kind {
            DialectKind::Postgres => self.dialect.placeholder(&mut self.sql, self.params),
            _ => self.sql.push('?'),
        }
        self.params += 1;
    }

    fn each(&mut self, n: usize, between: &str, mut f: impl FnMut(&mut Self, usize)) {
        for i in 0..n {
            if i > 0 {
                self.push(between);
            }
            f(self, i);
        }
    }

    fn columns(&mut self, table: &Table, columns: &[u16]) {
        self.each(columns.len(), ", ", |s, i| s.column(table, columns[i]));
    }

    fn params(&mut self, n: usize) {
        self.each(n, ", ", |s, _| s.param());
    }

    /// `a = ? AND b = ?`
    fn keys(&mut self, table: &Table, keys: &[u16], how: KeyMatch) {
        let equal = match (how, self.dialect.capabilities.null_safe) {
            (KeyMatch::Equal, _) => " = ",
            (KeyMatch::NullSafe, NullSafe::Is) => " IS ",
            (KeyMatch::NullSafe, NullSafe::IsDistinctFrom) => " IS NOT DISTINCT FROM ",
            (KeyMatch::NullSafe, NullSafe::Spaceship) => " <=> ",
        };
        self.each(keys.len(), " AND ", |s, i| {
            s.column(table, keys[i]);
            s.push(equal);
            s.param();
        });
    }

    /// `unnest($1::bigint[], …)`
    fn unnest(&mut self, table: &Table, columns: &[u16]) {
        self.push("unnest(");
        self.each(columns.len(), ", ", |s, i| {
            s.param();
            s.push("::");
            let data_type = table.columns()[usize::from(columns[i])].data_type;
            s.push(Dialect::array_type(data_type));
        });
        self.push(")");
    }

    fn finish(self, kind: StatementKind, table: &Table, columns: &[u16], rows: bool) -> Compiled {
        let name = |&c: &u16| table.columns()[usize::from(c)].name.clone();
        Compiled {
            table: Some(table.full_name().into()),
            columns: columns.iter().map(name).collect(),
            returns_rows: rows,
            queries: false,
            ..Compiled::new(self.sql, kind)
        }
    }
}

#[cold]
fn cannot(dialect: &Dialect, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{} cannot {what}", dialect.name()))
}

fn needs_keys(table: &Table, keys: &[u16]) -> Result<()> {
    if keys.is_empty() {
        let message = format!("a row of `{}` cannot be found without a key", table.full_name());
        return Err(Error::new(ErrorKind::Argument, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
