//! Tables, their constraints and indexes.

use super::{Existing, column};
use crate::schema::{ForeignKey, Index};
use crate::{Dialect, DialectKind, Error, ErrorKind, Result, Table};

fn columns(out: &mut String, table: &Table, positions: &[u16], dialect: &Dialect) {
    out.push('(');
    for (i, &position) in positions.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        dialect.quote(out, &table.columns()[usize::from(position)].name);
    }
    out.push(')');
}

fn named(out: &mut String, name: Option<&str>, dialect: &Dialect) {
    if let Some(name) = name {
        out.push_str("CONSTRAINT ");
        dialect.quote(out, name);
        out.push(' ');
    }
}

pub(super) fn create(
    all: &mut Vec<String>,
    table: &Table,
    keys: &[&ForeignKey],
    dialect: &Dialect,
    existing: Existing,
) -> Result<()> {
    let mysql = dialect.kind == DialectKind::MySql;
    let mut lines: Vec<String> = Vec::new();
    let mut line = |write: &mut dyn FnMut(&mut String) -> Result<()>| -> Result<()> {
        let mut out = String::from("  ");
        write(&mut out)?;
        lines.push(out);
        Ok(())
    };
    for position in 0..table.columns().len() as u16 {
        if table.columns()[usize::from(position)].system {
            continue;
        }
        line(&mut |out| column::write(out, table, position, dialect))?;
    }
    if !table.primary_key().is_empty() && !column::has_inline_key(table, dialect) {
        line(&mut |out| {
            out.push_str("PRIMARY KEY ");
            columns(out, table, table.primary_key(), dialect);
            Ok(())
        })?;
    }
    for unique in table.uniques() {
        line(&mut |out| {
            named(out, unique.name.as_deref(), dialect);
            out.push_str("UNIQUE ");
            columns(out, table, &unique.columns, dialect);
            Ok(())
        })?;
    }
    for check in table.checks() {
        line(&mut |out| {
            named(out, check.name.as_deref(), dialect);
            out.push_str(&format!("CHECK ({})", check.sql));
            Ok(())
        })?;
    }
    for key in keys {
        line(&mut |out| {
            named(out, key.name.as_deref(), dialect);
            foreign_key(out, table, key, "", dialect);
            Ok(())
        })?;
    }
    // MySQL has no CREATE INDEX IF NOT EXISTS: there indexes are made with their table.
    for index in table.indexes().iter().filter(|_| mysql) {
        line(&mut |out| {
            can_index(table, index, dialect)?;
            out.push_str(if index.unique { "UNIQUE INDEX " } else { "INDEX " });
            dialect.quote(out, &index.name);
            out.push(' ');
            columns(out, table, &index.columns, dialect);
            Ok(())
        })?;
    }
    let mut out = String::from("CREATE TABLE ");
    out.push_str(if existing == Existing::Accept { "IF NOT EXISTS " } else { "" });
    dialect.quote_table(&mut out, table);
    out.push_str(" (\n");
    out.push_str(&lines.join(",\n"));
    out.push_str("\n)");
    if let Some(comment) = table.comment().filter(|_| mysql) {
        out.push_str(" COMMENT = ");
        column::text_literal(&mut out, comment, dialect);
    }
    all.push(out);
    for index in table.indexes().iter().filter(|_| !mysql) {
        all.push(create_index(table, index, dialect, existing)?);
    }
    if dialect.kind == DialectKind::Postgres {
        comments(all, table, dialect);
    }
    Ok(())
}

fn can_index(table: &Table, index: &Index, dialect: &Dialect) -> Result<()> {
    if index.unique && index.filter.is_some() && !dialect.capabilities.partial_indexes {
        let message = format!(
            "{} has no index of some of the rows, as `{}` of `{}` is",
            dialect.name(),
            index.name,
            table.full_name()
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

fn create_index(
    table: &Table,
    index: &Index,
    dialect: &Dialect,
    existing: Existing,
) -> Result<String> {
    can_index(table, index, dialect)?;
    let mut out = String::from(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
    out.push_str(if existing == Existing::Accept { "IF NOT EXISTS " } else { "" });
    let mut on = String::new();
    match (dialect.kind, table.schema()) {
        // SQLite has the schema before the index' name.
        (DialectKind::Sqlite, Some(schema)) => {
            dialect.quote(&mut out, schema);
            out.push('.');
            dialect.quote(&mut on, table.name());
        }
        _ => dialect.quote_table(&mut on, table),
    }
    dialect.quote(&mut out, &index.name);
    out.push_str(" ON ");
    out.push_str(&on);
    out.push(' ');
    columns(&mut out, table, &index.columns, dialect);
    if let Some(filter) = &index.filter {
        out.push_str(" WHERE ");
        out.push_str(filter);
    }
    Ok(out)
}

fn comments(all: &mut Vec<String>, table: &Table, dialect: &Dialect) {
    let mut name = String::new();
    dialect.quote_table(&mut name, table);
    let mut comment = |what: String, text: &str| {
        let mut out = format!("COMMENT ON {what} IS ");
        column::text_literal(&mut out, text, dialect);
        all.push(out);
    };
    if let Some(text) = table.comment() {
        comment(format!("TABLE {name}"), text);
    }
    for column in table.columns() {
        if let Some(text) = &column.comment {
            comment(format!("COLUMN {name}.{}", dialect.quoted(&column.name)), text);
        }
    }
}

fn foreign_key(out: &mut String, table: &Table, key: &ForeignKey, if_not: &str, dialect: &Dialect) {
    out.push_str("FOREIGN KEY ");
    out.push_str(if_not);
    columns(out, table, &key.columns, dialect);
    out.push_str(" REFERENCES ");
    if let Some((schema, name)) = key.target_table.split_once('.') {
        // SQLite's foreign keys stay within a schema.
        if dialect.kind != DialectKind::Sqlite {
            dialect.quote(out, schema);
            out.push('.');
        }
        dialect.quote(out, name);
    } else {
        dialect.quote(out, &key.target_table);
    }
    out.push_str(" (");
    for (i, name) in key.target_columns.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        dialect.quote(out, name);
    }
    out.push(')');
    for (word, action) in [(" ON DELETE ", key.on_delete), (" ON UPDATE ", key.on_update)] {
        if let Some(action) = action {
            out.push_str(word);
            out.push_str(action.sql());
        }
    }
    if key.deferrable && dialect.capabilities.deferrable {
        out.push_str(" DEFERRABLE");
        out.push_str(if key.initially_deferred { " INITIALLY DEFERRED" } else { "" });
    }
}

/// The name by which a foreign key that is made by ALTER TABLE can be dropped again.
fn key_name(table: &Table, key: &ForeignKey) -> String {
    match &key.name {
        Some(name) => name.to_string(),
        None => format!("fk_{}_{}", table.name(), key.column_names.join("_")),
    }
}

pub(super) fn add_key(table: &Table, key: usize, dialect: &Dialect, existing: Existing) -> String {
    let key = &table.foreign_keys()[key];
    let accept = existing == Existing::Accept;
    let mut out = String::from("ALTER TABLE ");
    dialect.quote_table(&mut out, table);
    out.push_str(" ADD ");
    named(&mut out, Some(&key_name(table, key)), dialect);
    let if_not = if accept && dialect.capabilities.mariadb { "IF NOT EXISTS " } else { "" };
    foreign_key(&mut out, table, key, if_not, dialect);
    if accept && dialect.kind == DialectKind::Postgres {
        // PostgreSQL has no ADD CONSTRAINT IF NOT EXISTS.
        return format!("DO $do$ BEGIN {out}; EXCEPTION WHEN duplicate_object THEN NULL; END $do$");
    }
    out
}

pub(super) fn drop_key(table: &Table, key: usize, dialect: &Dialect, existing: Existing) -> String {
    let key = &table.foreign_keys()[key];
    let postgres = dialect.kind == DialectKind::Postgres;
    let accept = existing == Existing::Accept;
    let mut out = String::from("ALTER TABLE ");
    let can_skip_table = postgres || dialect.capabilities.mariadb;
    out.push_str(if accept && can_skip_table { "IF EXISTS " } else { "" });
    dialect.quote_table(&mut out, table);
    out.push_str(if postgres { " DROP CONSTRAINT " } else { " DROP FOREIGN KEY " });
    out.push_str(if accept && can_skip_table { "IF EXISTS " } else { "" });
    dialect.quote(&mut out, &key_name(table, key));
    out
}

pub(super) fn drop(table: &Table, dialect: &Dialect, existing: Existing) -> String {
    let mut out = String::from("DROP TABLE ");
    out.push_str(if existing == Existing::Accept { "IF EXISTS " } else { "" });
    dialect.quote_table(&mut out, table);
    out
}
