//! A rendered statement.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Bind, Value};

/// What kind of statement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatementKind {
    /// A SELECT, or a set operation of several.
    Select,
    /// An INSERT.
    Insert,
    /// An UPDATE.
    Update,
    /// A DELETE.
    Delete,
    /// A CREATE, DROP or ALTER.
    Ddl,
    /// Anything else.
    Other,
}

/// A rendered statement. Drivers keep prepared statements by its `id`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Compiled {
    /// Unique in the process, and never used again.
    pub id: u64,
    /// The text.
    pub sql: Box<str>,
    /// What kind of statement it is.
    pub kind: StatementKind,
    /// The table that it writes.
    pub table: Option<Box<str>>,
    /// The columns that it writes.
    pub columns: Box<[Box<str>]>,
    /// Whether it gives rows.
    pub returns_rows: bool,
    /// Whether it has queries in it, or texts, which may be some: then it may see what others have written.
    pub queries: bool,
    /// Parameters that are the same whenever it is sent; they come after the caller's.
    pub fixed: Box<[Value]>,
    /// Where placeholders have no numbers (MySQL): the parameter for each of them.
    pub order: Option<Box<[u32]>>,
    /// Parameters that go as arrays (PostgreSQL): the first of each, and how many there are. Such a run has one
    /// placeholder.
    pub arrays: Box<[ArrayParam]>,
    pub(crate) plan: Option<Arc<dyn Any + Send + Sync>>,
}

/// Neighbouring parameters that go as one, an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayParam {
    /// The position of the first among the parameters.
    pub first: u32,
    /// How many they are.
    pub len: u32,
}

impl Compiled {
    /// A statement as it is written; its kind is told from its first word.
    pub fn raw(sql: impl Into<Box<str>>) -> Self {
        let sql = sql.into();
        let kind = kind_of(&sql);
        Self { returns_rows: kind == StatementKind::Select, ..Self::new(sql, kind) }
    }

    pub(crate) fn new(sql: impl Into<Box<str>>, kind: StatementKind) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            sql: sql.into(),
            kind,
            table: None,
            columns: Box::default(),
            returns_rows: kind == StatementKind::Select,
            queries: true,
            fixed: Box::default(),
            order: None,
            arrays: Box::default(),
            plan: None,
        }
    }

    /// What the layer above keeps with the statement, if it is of this type; see
    /// [`Resolved`](crate::Resolved).
    pub fn plan<T: Any>(&self) -> Option<&T> {
        self.plan.as_deref()?.downcast_ref()
    }

    /// Makes of the caller's parameters those to be sent: appends the fixed ones, and puts them in
    /// the order of the placeholders where these have no numbers.
    /// `StatementCache::compile` has done it already.
    pub fn arrange(&self, params: &mut Vec<Bind<'_>>) {
        params.extend(self.fixed.iter().map(|v| Bind::Owned(v.clone())));
        if let Some(order) = &self.order {
            let given = std::mem::take(params);
            params.extend(order.iter().map(|&i| given[i as usize].clone()));
        }
    }
}

fn kind_of(sql: &str) -> StatementKind {
    let sql = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let end = sql.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(sql.len());
    match sql[..end].to_ascii_uppercase().as_str() {
        "SELECT" | "VALUES" | "WITH" | "TABLE" | "SHOW" | "EXPLAIN" => StatementKind::Select,
        "INSERT" | "REPLACE" => StatementKind::Insert,
        "UPDATE" => StatementKind::Update,
        "DELETE" => StatementKind::Delete,
        "CREATE" | "DROP" | "ALTER" | "TRUNCATE" => StatementKind::Ddl,
        _ => StatementKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        assert_eq!(kind_of(" (select 1)"), StatementKind::Select);
        assert_eq!(kind_of("create table t (x)"), StatementKind::Ddl);
        assert_eq!(kind_of("PRAGMA foreign_keys"), StatementKind::Other);
    }
}
