//! How the databases differ: names, placeholders, types, and what each can do.

mod capabilities;
mod types;

pub use capabilities::{Capabilities, Conflict, NullSafe};

/// A family of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialectKind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

/// A database's way of speaking SQL. A driver makes one for each server and changes the
/// capabilities to what the server's version can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialect {
    /// The family.
    pub kind: DialectKind,
    /// What the server can do.
    pub capabilities: Capabilities,
}

impl Dialect {
    /// SQLite, of the version that is bundled.
    pub fn sqlite() -> Self {
        Self { kind: DialectKind::Sqlite, capabilities: Capabilities::sqlite() }
    }

    /// PostgreSQL, of version 13 or later.
    pub fn postgres() -> Self {
        Self { kind: DialectKind::Postgres, capabilities: Capabilities::postgres() }
    }

    /// MySQL, of version 8 or later.
    pub fn mysql() -> Self {
        Self { kind: DialectKind::MySql, capabilities: Capabilities::mysql() }
    }

    /// MariaDB, of version 10.6 or later.
    pub fn mariadb() -> Self {
        Self { kind: DialectKind::MySql, capabilities: Capabilities::mariadb() }
    }

    /// The name of the database, for messages.
    pub fn name(&self) -> &'static str {
        match self.kind {
            DialectKind::Sqlite => "SQLite",
            DialectKind::Postgres => "PostgreSQL",
            DialectKind::MySql if self.capabilities.mariadb => "MariaDB",
            DialectKind::MySql => "MySQL",
        }
    }

    /// Appends an identifier in quotes.
    pub fn quote(&self, out: &mut String, name: &str) {
        let mark = if self.kind == DialectKind::MySql { '`' } else { '"' };
        out.push(mark);
        for c in name.chars() {
            if c == mark {
                out.push(mark);
            }
            out.push(c);
        }
        out.push(mark);
    }

    /// An identifier in quotes.
    pub fn quoted(&self, name: &str) -> String {
        let mut out = String::with_capacity(name.len() + 2);
        self.quote(&mut out, name);
        out
    }

    /// Appends a table's name in quotes, with its schema if it has one.
    pub fn quote_table(&self, out: &mut String, table: &crate::Table) {
        if let Some(schema) = table.schema() {
            self.quote(out, schema);
            out.push('.');
        }
        self.quote(out, table.name());
    }

    /// Appends the placeholder for a parameter, counted from 0: `?3`, `$3`, or `?`.
    pub fn placeholder(&self, out: &mut String, ordinal: usize) {
        use std::fmt::Write;
        match self.kind {
            DialectKind::Sqlite => write!(out, "?{}", ordinal + 1),
            DialectKind::Postgres => write!(out, "${}", ordinal + 1),
            DialectKind::MySql => write!(out, "?"),
        }
        .expect("writing to a string does not fail");
    }
}
