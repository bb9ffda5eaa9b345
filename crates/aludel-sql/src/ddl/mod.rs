//! CREATE and DROP, in the order of foreign keys.
//!
//! Foreign keys that close a circle are made by ALTER TABLE when all tables are there, and dropped
//! before any of them. SQLite has no such ALTER, and needs none: there a foreign key may name a
//! table that does not exist yet, so all are part of their tables.

mod column;
mod table;

use crate::schema::{ForeignKey, Sorted};
use crate::{Dialect, DialectKind, MetaData, Result, Table};

/// What to do about what exists already, or does not exist any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    Refuse,
    Accept,
}

/// The foreign keys of a table that stand in its CREATE TABLE.
fn inline_keys<'t>(table: &'t Table, sorted: &Sorted, dialect: &Dialect) -> Vec<&'t ForeignKey> {
    let left_out = |i: usize| sorted.left_out.iter().any(|(t, key)| t == table && *key == i);
    let all = table.foreign_keys().iter().enumerate();
    let keep = |i: usize| !dialect.capabilities.alter_add_foreign_key || !left_out(i);
    all.filter(|(i, _)| keep(*i)).map(|(_, key)| key).collect()
}

impl MetaData {
    /// The statements that create all tables, with their indexes; but for [views](Table::is_view).
    ///
    /// # Errors
    /// As [`sorted`](Self::sorted), and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported)
    /// for what the database does not have.
    pub fn create_all(&self, dialect: &Dialect) -> Result<Vec<String>> {
        self.create(dialect, Existing::Refuse)
    }

    /// As [`create_all`](Self::create_all), leaving alone what exists. A table that exists is not
    /// compared with what it should be.
    ///
    /// # Errors
    /// As [`create_all`](Self::create_all).
    pub fn create_missing(&self, dialect: &Dialect) -> Result<Vec<String>> {
        self.create(dialect, Existing::Accept)
    }

    /// The statements that drop all tables.
    ///
    /// SQLite checks foreign keys when a table is dropped. Where they form a circle, the statements
    /// switch the checks off and on again, which has an effect outside of transactions only.
    ///
    /// # Errors
    /// As [`sorted`](Self::sorted).
    pub fn drop_all(&self, dialect: &Dialect) -> Result<Vec<String>> {
        self.drop(dialect, Existing::Refuse)
    }

    /// As [`drop_all`](Self::drop_all), leaving out what does not exist.
    ///
    /// # Errors
    /// As [`sorted`](Self::sorted).
    pub fn drop_existing(&self, dialect: &Dialect) -> Result<Vec<String>> {
        self.drop(dialect, Existing::Accept)
    }

    fn create(&self, dialect: &Dialect, existing: Existing) -> Result<Vec<String>> {
        let sorted = self.sorted()?;
        let mut all = Vec::new();
        for table in sorted.tables.iter().filter(|table| !table.is_view()) {
            let keys = inline_keys(table, &sorted, dialect);
            table::create(&mut all, table, &keys, dialect, existing)?;
        }
        if dialect.capabilities.alter_add_foreign_key {
            let left_out = &sorted.left_out;
            let left_out = left_out.iter().filter(|(t, _)| !t.is_view());
            all.extend(left_out.map(|(t, key)| table::add_key(t, *key, dialect, existing)));
        }
        Ok(all)
    }

    fn drop(&self, dialect: &Dialect, existing: Existing) -> Result<Vec<String>> {
        let sorted = self.sorted()?;
        let circular = !sorted.left_out.is_empty();
        let off_and_on = circular && dialect.kind == DialectKind::Sqlite;
        let mut all = Vec::new();
        if off_and_on {
            all.push("PRAGMA foreign_keys = OFF".to_owned());
        } else if dialect.capabilities.alter_add_foreign_key {
            let left_out = &sorted.left_out;
            let left_out = left_out.iter().filter(|(t, _)| !t.is_view());
            all.extend(left_out.map(|(t, key)| table::drop_key(t, *key, dialect, existing)));
        }
        let tables = sorted.tables.iter().rev().filter(|table| !table.is_view());
        all.extend(tables.map(|t| table::drop(t, dialect, existing)));
        if off_and_on {
            all.push("PRAGMA foreign_keys = ON".to_owned());
        }
        Ok(all)
    }
}

impl Table {
    /// The statements that create the table, with all of its foreign keys, and its indexes.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for what the database does not
    /// have.
    pub fn create_sql(&self, dialect: &Dialect) -> Result<Vec<String>> {
        let keys: Vec<&ForeignKey> = self.foreign_keys().iter().collect();
        let mut all = Vec::new();
        table::create(&mut all, self, &keys, dialect, Existing::Refuse)?;
        Ok(all)
    }

    /// The statement that drops the table.
    pub fn drop_sql(&self, dialect: &Dialect) -> String {
        table::drop(self, dialect, Existing::Refuse)
    }
}

#[cfg(test)]
mod tests;
