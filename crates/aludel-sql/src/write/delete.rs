//! DELETE, for a row, for many, and from arrays.

use super::update::unnest_keys;
use super::{KeyMatch, Text, cannot, needs_keys};
use crate::{Compiled, Dialect, DialectKind, Result, StatementKind, Table};

/// `DELETE FROM t WHERE k = ?` for one row.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) if there are no keys.
pub fn delete_row_sql(
    table: &Table,
    keys: &[u16],
    how: KeyMatch,
    dialect: &Dialect,
) -> Result<Compiled> {
    needs_keys(table, keys)?;
    let mut text = Text::new(dialect, "DELETE FROM ");
    text.table(table);
    text.push(" WHERE ");
    text.keys(table, keys, how);
    Ok(text.finish(StatementKind::Delete, table, &[], false))
}

/// `DELETE FROM t WHERE k IN (?, …)`; of several keys, `(a, b) IN ((?, ?), …)`. The parameters are
/// the keys of the rows, one row behind the other; a key may come twice.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) if there are no keys.
pub fn delete_in_sql(
    table: &Table,
    keys: &[u16],
    rows: usize,
    dialect: &Dialect,
) -> Result<Compiled> {
    needs_keys(table, keys)?;
    let mut text = Text::new(dialect, "DELETE FROM ");
    text.table(table);
    text.push(" WHERE ");
    if let [key] = keys {
        text.column(table, *key);
        text.push(" IN (");
        text.params(rows);
    } else {
        text.push("(");
        text.columns(table, keys);
        let values = dialect.kind == DialectKind::Sqlite;
        text.push(if values { ") IN (VALUES " } else { ") IN (" });
        text.each(rows, ", ", |text, _| {
            text.push("(");
            text.params(keys.len());
            text.push(")");
        });
    }
    text.push(")");
    Ok(text.finish(StatementKind::Delete, table, &[], false))
}

/// `DELETE FROM t WHERE k >= ? AND k <= ?`: the rows between two keys, both among them.
pub fn delete_range_sql(table: &Table, key: u16, dialect: &Dialect) -> Compiled {
    let mut text = Text::new(dialect, "DELETE FROM ");
    text.table(table);
    text.push(" WHERE ");
    text.column(table, key);
    text.push(" >= ");
    text.param();
    text.push(" AND ");
    text.column(table, key);
    text.push(" <= ");
    text.param();
    text.finish(StatementKind::Delete, table, &[], false)
}

/// PostgreSQL's DELETE of any number of rows: each parameter is the array of a key's values.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) if there are no keys,
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) on another database.
pub fn delete_unnest_sql(
    table: &Table,
    keys: &[u16],
    how: KeyMatch,
    dialect: &Dialect,
) -> Result<Compiled> {
    needs_keys(table, keys)?;
    if dialect.kind != DialectKind::Postgres {
        return Err(cannot(dialect, "delete from arrays"));
    }
    let mut text = Text::new(dialect, "DELETE FROM ");
    text.table(table);
    if let ([key], KeyMatch::Equal) = (keys, how) {
        text.push(" WHERE ");
        text.column(table, *key);
        text.push(" = ANY(");
        text.param();
        text.push("::");
        text.push(Dialect::array_type(table.columns()[usize::from(*key)].data_type));
        text.push(")");
    } else {
        text.push(" AS t USING ");
        text.unnest(table, keys);
        text.push(" AS d(");
        text.each(keys.len(), ", ", |text, i| text.push(&format!("k{}", i + 1)));
        text.push(") WHERE ");
        unnest_keys(&mut text, table, keys, how);
    }
    Ok(text.finish(StatementKind::Delete, table, &[], false))
}
