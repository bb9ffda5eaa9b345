//! UPDATE, for a row, for many, and from arrays.

use super::{KeyMatch, Text, cannot, needs_keys};
use crate::{Compiled, Dialect, DialectKind, Error, ErrorKind, Result, StatementKind, Table};

fn needs_columns(table: &Table, columns: &[u16]) -> Result<()> {
    if columns.is_empty() {
        let message = format!("an UPDATE of `{}` sets nothing", table.full_name());
        return Err(Error::new(ErrorKind::Argument, message));
    }
    Ok(())
}

/// `UPDATE t SET a = ? WHERE k = ? [RETURNING …]`: the parameters are the columns', then the keys'.
///
/// # Errors
/// [`ErrorKind::Argument`] if there are no columns or no keys, [`ErrorKind::Unsupported`] if values
/// are wanted back and the database cannot return them.
pub fn update_row_sql(
    table: &Table,
    columns: &[u16],
    keys: &[u16],
    returning: &[u16],
    how: KeyMatch,
    dialect: &Dialect,
) -> Result<Compiled> {
    needs_columns(table, columns)?;
    needs_keys(table, keys)?;
    if !returning.is_empty() && !dialect.capabilities.update_returning {
        return Err(cannot(dialect, "return values from an UPDATE"));
    }
    let mut text = Text::new(dialect, "UPDATE ");
    text.table(table);
    text.push(" SET ");
    text.each(columns.len(), ", ", |text, i| {
        text.column(table, columns[i]);
        text.push(" = ");
        text.param();
    });
    text.push(" WHERE ");
    text.keys(table, keys, how);
    if !returning.is_empty() {
        text.push(" RETURNING ");
        text.columns(table, returning);
    }
    Ok(text.finish(StatementKind::Update, table, columns, !returning.is_empty()))
}

/// SQLite's UPDATE of so many rows: `UPDATE t SET a = d.column1 FROM (VALUES (?, ?), …) AS d WHERE k = d.column2`. The
/// parameters are those of the rows, one row behind the other; of a key that comes twice, one row counts.
///
/// # Errors
/// [`ErrorKind::Argument`] if there are no columns or no keys, [`ErrorKind::Unsupported`] on another database.
pub fn update_many_sql(
    table: &Table,
    columns: &[u16],
    keys: &[u16],
    rows: usize,
    dialect: &Dialect,
) -> Result<Compiled> {
    needs_columns(table, columns)?;
    needs_keys(table, keys)?;
    if dialect.kind != DialectKind::Sqlite {
        return Err(cannot(dialect, "update from a list of values"));
    }
    let mut text = Text::new(dialect, "UPDATE ");
    text.table(table);
    text.push(" AS t SET ");
    text.each(columns.len(), ", ", |text, i| {
        text.column(table, columns[i]);
        text.push(&format!(" = d.column{}", i + 1));
    });
    text.push(" FROM (VALUES ");
    text.each(rows, ", ", |text, _| {
        text.push("(");
        text.params(columns.len() + keys.len());
        text.push(")");
    });
    text.push(") AS d WHERE ");
    text.each(keys.len(), " AND ", |text, i| {
        text.push("t.");
        text.column(table, keys[i]);
        text.push(&format!(" = d.column{}", columns.len() + i + 1));
    });
    Ok(text.finish(StatementKind::Update, table, columns, false))
}

/// PostgreSQL's UPDATE of any number of rows: each parameter is the array of the values of a
/// column, then of a key. Where values are wanted back, each row begins with the place in the
/// arrays, from 1: the rows themselves come in any order.
///
/// # Errors
/// [`ErrorKind::Argument`] if there are no columns or no keys, [`ErrorKind::Unsupported`] on
/// another database.
pub fn update_unnest_sql(
    table: &Table,
    columns: &[u16],
    keys: &[u16],
    returning: &[u16],
    how: KeyMatch,
    dialect: &Dialect,
) -> Result<Compiled> {
    needs_columns(table, columns)?;
    needs_keys(table, keys)?;
    if dialect.kind != DialectKind::Postgres {
        return Err(cannot(dialect, "update from arrays"));
    }
    let mut text = Text::new(dialect, "UPDATE ");
    text.table(table);
    text.push(" AS t SET ");
    text.each(columns.len(), ", ", |text, i| {
        text.column(table, columns[i]);
        text.push(&format!(" = d.c{}", i + 1));
    });
    text.push(" FROM ");
    let all: Vec<u16> = columns.iter().chain(keys).copied().collect();
    text.unnest(table, &all);
    let ordinality = if returning.is_empty() { "" } else { " WITH ORDINALITY" };
    text.push(ordinality);
    text.push(" AS d(");
    text.each(all.len(), ", ", |text, i| match i.checked_sub(columns.len()) {
        None => text.push(&format!("c{}", i + 1)),
        Some(k) => text.push(&format!("k{}", k + 1)),
    });
    text.push(if returning.is_empty() { ") WHERE " } else { ", o) WHERE " });
    unnest_keys(&mut text, table, keys, how);
    if !returning.is_empty() {
        text.push(" RETURNING d.o");
        for &column in returning {
            text.push(", t.");
            text.column(table, column);
        }
    }
    Ok(text.finish(StatementKind::Update, table, columns, !returning.is_empty()))
}

/// `t.k = d.k1 AND …`
pub(super) fn unnest_keys(text: &mut Text<'_>, table: &Table, keys: &[u16], how: KeyMatch) {
    let equal = match how {
        KeyMatch::Equal => " = ",
        KeyMatch::NullSafe => " IS NOT DISTINCT FROM ",
    };
    text.each(keys.len(), " AND ", |text, i| {
        text.push("t.");
        text.column(table, keys[i]);
        text.push(equal);
        text.push(&format!("d.k{}", i + 1));
    });
}
