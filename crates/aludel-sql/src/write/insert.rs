//! INSERT, for a row, for many, and from arrays.

use super::{Text, cannot};
use crate::{Compiled, Dialect, DialectKind, Result, StatementKind, Table};

fn returning(text: &mut Text<'_>, table: &Table, columns: &[u16]) -> Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    if !text.dialect.capabilities.insert_returning {
        return Err(cannot(text.dialect, "return values from an INSERT"));
    }
    text.push(" RETURNING ");
    text.columns(table, columns);
    Ok(())
}

/// `INSERT INTO t (…) VALUES (…) [RETURNING …]` for one row; without columns, a row of defaults.
///
/// # Errors
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if values are wanted back and the
/// database cannot return them.
pub fn insert_row_sql(
    table: &Table,
    columns: &[u16],
    returned: &[u16],
    dialect: &Dialect,
) -> Result<Compiled> {
    if !columns.is_empty() {
        return insert_many_sql(table, columns, returned, 1, dialect);
    }
    let mut text = Text::new(dialect, "INSERT INTO ");
    text.table(table);
    let default_values = dialect.capabilities.default_values;
    text.push(if default_values { " DEFAULT VALUES" } else { " () VALUES ()" });
    returning(&mut text, table, returned)?;
    Ok(text.finish(StatementKind::Insert, table, columns, !returned.is_empty()))
}

/// `INSERT INTO t (…) VALUES (…), (…) [RETURNING …]`: the parameters are those of the rows, one
/// row behind the other.
///
/// No database promises that RETURNING keeps the order of the rows (MariaDB does keep it).
///
/// # Errors
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if there are no columns but several
/// rows, or if values are wanted back and the database cannot return them.
pub fn insert_many_sql(
    table: &Table,
    columns: &[u16],
    returned: &[u16],
    rows: usize,
    dialect: &Dialect,
) -> Result<Compiled> {
    if columns.is_empty() {
        if rows == 1 {
            return insert_row_sql(table, columns, returned, dialect);
        }
        return Err(cannot(dialect, "insert several rows without columns"));
    }
    let mut text = Text::new(dialect, "INSERT INTO ");
    text.table(table);
    text.push(" (");
    text.columns(table, columns);
    text.push(") VALUES ");
    text.each(rows, ", ", |text, _| {
        text.push("(");
        text.params(columns.len());
        text.push(")");
    });
    returning(&mut text, table, returned)?;
    Ok(text.finish(StatementKind::Insert, table, columns, !returned.is_empty()))
}

/// PostgreSQL's INSERT of any number of rows: each parameter is the array of a column's values.
/// The rows are inserted in the order of the arrays, so generated integer keys ascend with them.
///
/// # Errors
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) on another database, or without columns.
pub fn insert_unnest_sql(
    table: &Table,
    columns: &[u16],
    returned: &[u16],
    dialect: &Dialect,
) -> Result<Compiled> {
    if dialect.kind != DialectKind::Postgres || columns.is_empty() {
        return Err(cannot(dialect, "insert from arrays, or rows without columns"));
    }
    let mut text = Text::new(dialect, "INSERT INTO ");
    text.table(table);
    text.push(" (");
    text.columns(table, columns);
    text.push(") SELECT ");
    text.each(columns.len(), ", ", |text, i| text.push(&format!("d.c{}", i + 1)));
    text.push(" FROM ");
    text.unnest(table, columns);
    text.push(" WITH ORDINALITY AS d(");
    text.each(columns.len(), ", ", |text, i| text.push(&format!("c{}", i + 1)));
    text.push(", o) ORDER BY d.o");
    returning(&mut text, table, returned)?;
    Ok(text.finish(StatementKind::Insert, table, columns, !returned.is_empty()))
}
