//! How the writes of a shape are sent: the statement for one row, and the one for many, of arrays.
//!
//! The statement for one row tells, once prepared, the types that the table's columns really have; those are the
//! arrays' types, whatever the program says of its columns (a text column may be an enum, or a `varchar`).

use super::encode::{base, is_native};
use crate::shape::write_sql;
use aludel_sql::{
    Dialect, KeyMatch, Result, Write, WriteOp, delete_range_sql, delete_unnest_sql,
    insert_unnest_sql, update_unnest_sql,
};
use std::fmt::Write as _;
use tokio_postgres::Statement;
use tokio_postgres::types::{Kind, Type};

/// What is kept for a shape.
#[derive(Clone)]
pub(super) struct Kept {
    /// For one row.
    pub(super) one: Statement,
    /// For many.
    pub(super) many: Many,
    /// For many whose keys follow each other, where rows are deleted by a whole number.
    pub(super) range: Option<Statement>,
    /// For very many.
    pub(super) copy: Copying,
}

/// The statement that copies rows.
#[derive(Clone)]
pub(super) enum Copying {
    /// Not prepared yet.
    Unknown,
    /// There is none: COPY would not do the same to the table.
    None,
    /// It is prepared.
    Ready(Statement),
}

/// The statement for many rows.
#[derive(Clone)]
pub(super) enum Many {
    /// Not prepared yet.
    Unknown,
    /// There is none: rows are sent one by one, behind each other.
    None,
    /// It is prepared, and its rows find their places like this.
    Ready(Statement, Order),
}

/// How the rows that come back are matched with those that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// None come back.
    Nothing,
    /// By the generated integer key, which ascends with the rows sent. It is at this place of the values, and the
    /// first so many values are not wanted.
    Key { at: usize, skip: usize },
    /// By the ordinal number, which comes first.
    Ordinal,
}

/// The statement for one row.
pub(super) fn one_sql(write: &Write<'_>, dialect: &Dialect) -> Result<Box<str>> {
    write_sql(write, write.returning, dialect)
}

/// The statement for many rows, if there is one.
pub(super) fn many_sql(
    write: &Write<'_>,
    one: &Statement,
    dialect: &Dialect,
) -> Result<Option<(String, Order)>> {
    let types = one.params();
    if types.is_empty() || types.iter().any(|t| matches!(base(t).kind(), Kind::Array(_))) {
        return Ok(None);
    }
    let Write { table, columns, keys, returning, .. } = *write;
    let (compiled, order) = match write.op {
        WriteOp::Insert => {
            let Some((wanted, order)) = insert_order(write) else { return Ok(None) };
            (insert_unnest_sql(table, columns, &wanted, dialect)?, order)
        }
        WriteOp::Update => {
            let order = if returning.is_empty() { Order::Nothing } else { Order::Ordinal };
            (update_unnest_sql(table, columns, keys, returning, KeyMatch::Equal, dialect)?, order)
        }
        WriteOp::Delete => {
            (delete_unnest_sql(table, keys, KeyMatch::Equal, dialect)?, Order::Nothing)
        }
    };
    let mut sql = compiled.sql.into_string();
    for (i, &column) in columns.iter().chain(keys).enumerate() {
        let declared = Dialect::array_type(table.columns()[usize::from(column)].data_type);
        let number = i + 1;
        sql = sql.replacen(
            &format!("${number}::{declared}"),
            &format!("${number}::{}[]", type_name(&types[i], dialect)),
            1,
        );
    }
    Ok(Some((sql, order)))
}

/// The statement that deletes the rows between two keys, where a range of whole numbers has no others.
pub(super) fn range_sql(write: &Write<'_>, one: &Statement, dialect: &Dialect) -> Option<Box<str>> {
    let ([key], [ty]) = (write.keys, one.params()) else { return None };
    let whole = matches!(*base(ty), Type::INT2 | Type::INT4 | Type::INT8);
    (write.op == WriteOp::Delete && whole).then(|| delete_range_sql(write.table, *key, dialect).sql)
}

/// What an INSERT of many rows is to give back, and how it is matched. PostgreSQL promises no order for
/// `RETURNING`; but the rows are inserted in the order of the arrays, so keys from a sequence ascend with them.
/// Keys of another kind (a UUID made by the server) say nothing of the order: `None`.
fn insert_order(write: &Write<'_>) -> Option<(Vec<u16>, Order)> {
    if write.returning.is_empty() {
        return Some((Vec::new(), Order::Nothing));
    }
    let key = write.table.autoincrement().filter(|key| !write.columns.contains(key))?;
    let mut wanted = write.returning.to_vec();
    let order = match wanted.iter().position(|&c| c == key) {
        Some(at) => Order::Key { at, skip: 0 },
        None => {
            wanted.insert(0, key);
            Order::Key { at: 0, skip: 1 }
        }
    };
    Some((wanted, order))
}

pub(super) fn type_name(ty: &Type, dialect: &Dialect) -> String {
    let mut name = String::new();
    if ty.schema() != "pg_catalog" {
        dialect.quote(&mut name, ty.schema());
        name.push('.');
        dialect.quote(&mut name, ty.name());
    } else if ty.name() == "char" {
        name.push_str("\"char\"");
    } else {
        let _ = write!(name, "{}", ty.name());
    }
    name
}

/// Whether all the values can be elements of arrays.
pub(super) fn fits_arrays(write: &Write<'_>, one: &Statement) -> bool {
    let types: Vec<&Type> = one.params().iter().map(base).collect();
    write
        .params
        .chunks_exact(write.width())
        .all(|row| row.iter().zip(&types).all(|(v, t)| is_native(t, v.as_ref())))
}
