//! Statements: SELECT and set operations, INSERT, UPDATE, DELETE, and text.

mod column_key;
mod delete;
mod insert;
mod query;
mod select;
mod set;
mod update;

use std::sync::Arc;

pub use column_key::ColumnKey;
pub use delete::Delete;
pub use insert::{ArrayRows, ConflictAction, Insert, InsertValues, OnConflict, excluded};
pub use query::{IntoQuery, Query};
pub use select::{Correlate, Distinct, Lock, LockStrength, LockWait, Select, select};
pub use set::{SetOp, SetQuery};
pub use update::Update;

use crate::tree::{KeyWriter, Rewriter, TextNode, Walk};
use crate::{Compiled, Dialect, Error, ErrorKind, Result};

/// Any statement.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Statement {
    /// A SELECT or a set operation.
    Query(Query),
    /// An INSERT.
    Insert(Box<Insert>),
    /// An UPDATE.
    Update(Box<Update>),
    /// A DELETE.
    Delete(Box<Delete>),
    /// SQL as it is written.
    Text(Arc<TextNode>),
}

/// What can be compiled by a [`StatementCache`](crate::StatementCache): the statements, and those
/// of layers above that are made of them.
pub trait Keyed: Sync {
    /// Writes the exact tokens of the statement, and its parameters.
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>);

    /// The statement. It is asked for only when the shape was not seen before, and must write the
    /// same key.
    fn to_statement(&self) -> Statement;

    /// What was wrong while the statement was put together.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], such as for a column that does not exist.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Statement {
    /// The statement with its nodes rewritten; see [`Rewriter`].
    ///
    /// # Errors
    /// Those of the rewriter.
    pub fn rewrite(&self, rewriter: &mut dyn Rewriter) -> Result<Self> {
        Walk::new(rewriter).statement(self)
    }

    /// Renders it. Parameters that the caller gives stand in it as
    /// [`Node::param`](crate::Node::param); values in it become fixed parameters, see
    /// [`Compiled::arrange`]. This is for statements that are rendered once and held; others go
    /// through a [`StatementCache`](crate::StatementCache).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the database cannot do it, [`ErrorKind::Argument`] if it makes
    /// no sense, [`ErrorKind::Configuration`] if a custom node was not rewritten.
    pub fn render(&self, dialect: &Dialect) -> Result<Compiled> {
        self.check()?;
        crate::render::render(self, dialect, None)
    }
}

impl Keyed for Statement {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.statement(self);
    }

    fn to_statement(&self) -> Statement {
        self.clone()
    }

    fn check(&self) -> Result<()> {
        match self {
            Self::Insert(s) => s.check(),
            Self::Update(s) => s.check(),
            Self::Query(_) | Self::Delete(_) | Self::Text(_) => Ok(()),
        }
    }
}

fn complain(wrong: &[String], what: &str) -> Result<()> {
    match wrong {
        [] => Ok(()),
        all => Err(Error::new(ErrorKind::Argument, format!("{what}: {}", all.join("; ")))),
    }
}

macro_rules! keyed {
    ($($t:ident => $write:ident, $variant:ident),*) => {$(
        impl Keyed for $t {
            fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
                key.$write(self);
            }

            fn to_statement(&self) -> Statement {
                Statement::$variant(Box::new(self.clone()))
            }

            fn check(&self) -> Result<()> {
                $t::check(self)
            }
        }

        impl From<$t> for Statement {
            fn from(value: $t) -> Self {
                Self::$variant(Box::new(value))
            }
        }
    )*};
}

keyed!(Insert => insert, Insert, Update => update, Update, Delete => delete, Delete);

impl Keyed for Select {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.statement_tag_of_query();
        key.select(self);
    }

    fn to_statement(&self) -> Statement {
        Statement::Query(self.clone().into())
    }
}

impl Keyed for SetQuery {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.statement_tag_of_query();
        key.set(self);
    }

    fn to_statement(&self) -> Statement {
        Statement::Query(self.clone().into())
    }
}

impl Keyed for Query {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.statement_tag_of_query();
        key.query(self);
    }

    fn to_statement(&self) -> Statement {
        Statement::Query(self.clone())
    }
}

impl<Q: Into<Query>> From<Q> for Statement {
    fn from(value: Q) -> Self {
        Self::Query(value.into())
    }
}
