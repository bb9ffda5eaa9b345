//! PostgreSQL's catalogue.

use aludel_sql::{AutoIncrement, Check, Column, DataType, ForeignKey, Index, Result, Unique};

use super::names::{numeric, sized};
use super::{Found, Line, action};
use crate::connection::Connection;

/// What stands between the names of a list: no name has it.
const BETWEEN: char = '\u{1f}';

pub(super) async fn relations(
    connection: &mut Connection,
    schema: Option<&str>,
    views: bool,
) -> Result<Vec<String>> {
    let kinds = if views { "('r', 'p', 'f', 'v', 'm')" } else { "('r', 'p', 'f')" };
    let sql = format!(
        "SELECT c.relname::text FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = coalesce($1::text, current_schema()) AND c.relkind IN {kinds} \
         AND NOT c.relispartition ORDER BY c.oid"
    );
    let lines = connection.catalogue(&sql, &[schema]).await?;
    Ok(lines.iter().map(|line| line.text(0).to_owned()).collect())
}

pub(super) async fn relation(
    connection: &mut Connection,
    name: &str,
    schema: Option<&str>,
) -> Result<Found> {
    let place = [schema, Some(name)];
    let mut found = Found { columns: columns(connection, place).await?, ..Found::default() };
    constraints(connection, place, &mut found).await?;
    indexes(connection, place, &mut found).await?;
    let sql = format!(
        "SELECT pg_catalog.obj_description(c.oid, 'pg_class'), c.relkind IN ('v', 'm') {}",
        of_table("pg_catalog.pg_class c", "")
    );
    let comment = connection.catalogue(&sql, &place).await?;
    found.is_view = comment.first().is_some_and(|line| line.is(1));
    found.comment = comment.first().and_then(|line| line.maybe(0)).map(str::to_owned);
    Ok(found)
}

/// FROM and WHERE for what belongs to one table.
fn of_table(from: &str, joined: &str) -> String {
    format!(
        "FROM {from} JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace {joined} \
         WHERE n.nspname = coalesce($1::text, current_schema()) AND c.relname = $2::text"
    )
}

/// The names of the columns of a list of numbers, in its order.
fn names_of(list: &str, table: &str) -> String {
    format!(
        "(SELECT string_agg(coalesce(k.attname::text, ''), chr(31) ORDER BY l.i) \
         FROM unnest({list}) WITH ORDINALITY AS l(n, i) \
         LEFT JOIN pg_catalog.pg_attribute k ON k.attrelid = {table} AND k.attnum = l.n)"
    )
}

async fn columns(connection: &mut Connection, place: [Option<&str>; 2]) -> Result<Vec<Column>> {
    let joined = "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
                  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
                  LEFT JOIN pg_catalog.pg_index p ON p.indrelid = c.oid AND p.indisprimary";
    let sql = format!(
        "SELECT a.attname::text, \
         CASE t.typtype WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) \
         WHEN 'e' THEN 'text' ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END, \
         a.attnotnull OR t.typnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, \
         a.attgenerated::text, a.attnum = ANY(p.indkey), p.indnkeyatts = 1, \
         pg_catalog.col_description(c.oid, a.attnum) {} ORDER BY a.attnum",
        of_table("pg_catalog.pg_class c", joined)
    );
    let lines = connection.catalogue(&sql, &place).await?;
    Ok(lines.iter().map(column).collect())
}

fn column(line: &Line) -> Column {
    let (key, single) = (line.is(6), line.is(7));
    let mut column = Column::new(line.text(0), data_type(line.text(1)));
    column.nullable = !line.is(2) && !key;
    let default = line.maybe(3);
    let counted =
        !line.text(4).is_empty() || default.is_some_and(|sql| sql.starts_with("nextval("));
    let integer =
        matches!(column.data_type, DataType::SmallInt | DataType::Integer | DataType::BigInt);
    if key {
        let how = match (counted && integer, single) {
            (true, true) => AutoIncrement::Auto,
            (true, false) => AutoIncrement::Always,
            (false, _) => AutoIncrement::Never,
        };
        column = column.primary_key().autoincrement(how);
    }
    match default {
        Some(sql) if !line.text(5).is_empty() => column = column.computed(sql),
        // The key's own counter is no default to be written out.
        Some(_) if key && counted && integer => {}
        Some(sql) => column = column.server_default(sql),
        None if counted && !key => column = column.server_generated(),
        None => {}
    }
    match line.maybe(8) {
        Some(comment) => column.comment(comment),
        None => column,
    }
}

async fn constraints(
    connection: &mut Connection,
    place: [Option<&str>; 2],
    found: &mut Found,
) -> Result<()> {
    let joined = "JOIN pg_catalog.pg_constraint x ON x.conrelid = c.oid \
                  LEFT JOIN pg_catalog.pg_class f ON f.oid = x.confrelid \
                  LEFT JOIN pg_catalog.pg_namespace m ON m.oid = f.relnamespace";
    let sql = format!(
        "SELECT x.contype::text, x.conname::text, {}, f.relname::text, \
         CASE WHEN m.nspname = n.nspname THEN $1::text WHEN m.nspname <> current_schema() \
         THEN m.nspname::text END, {}, x.confupdtype::text, \
         x.confdeltype::text, x.condeferrable, x.condeferred, \
         CASE x.contype WHEN 'c' THEN pg_catalog.pg_get_expr(x.conbin, x.conrelid) END {} ORDER BY x.oid",
        names_of("x.conkey", "x.conrelid"),
        names_of("x.confkey", "x.confrelid"),
        of_table("pg_catalog.pg_class c", joined)
    );
    for line in connection.catalogue(&sql, &place).await? {
        let name = line.text(1);
        let columns = || line.text(2).split(BETWEEN);
        match line.text(0) {
            "u" => found.uniques.push(Unique::on(columns()).name(name)),
            "c" => found.checks.push(Check::new(line.text(10)).name(name)),
            "f" => {
                let target = line.text(3);
                // Of the table's own schema as that was asked for, or of another than the default one.
                let full = match line.maybe(4) {
                    None => target.to_owned(),
                    Some(schema) => format!("{schema}.{target}"),
                };
                let mut key =
                    ForeignKey::new(columns(), full, line.text(5).split(BETWEEN)).name(name);
                key.on_update = action(line.text(6));
                key.on_delete = action(line.text(7));
                key.deferrable = line.is(8);
                key.initially_deferred = line.is(9);
                found.foreign_keys.push(key);
            }
            _ => {}
        }
    }
    Ok(())
}

async fn indexes(
    connection: &mut Connection,
    place: [Option<&str>; 2],
    found: &mut Found,
) -> Result<()> {
    let joined = "JOIN pg_catalog.pg_index i ON i.indrelid = c.oid \
                  JOIN pg_catalog.pg_class o ON o.oid = i.indexrelid";
    let sql = format!(
        "SELECT o.relname::text, i.indisunique, {}, pg_catalog.pg_get_expr(i.indpred, i.indrelid) {} \
         AND NOT i.indisprimary AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint x \
         WHERE x.conindid = i.indexrelid AND x.contype IN ('u', 'p', 'x')) ORDER BY o.oid",
        names_of("(i.indkey::int2[])[0:i.indnkeyatts - 1]", "c.oid"),
        of_table("pg_catalog.pg_class c", joined)
    );
    for line in connection.catalogue(&sql, &place).await? {
        let columns: Vec<&str> = line.text(2).split(BETWEEN).collect();
        // One over an expression has no name there.
        if columns.iter().any(|column| column.is_empty()) {
            continue;
        }
        let mut index = Index::on(columns).name(line.text(0));
        index.unique = line.is(1);
        if let Some(filter) = line.maybe(3) {
            index = index.filter(filter);
        }
        found.indexes.push(index);
    }
    Ok(())
}

fn data_type(name: &str) -> DataType {
    let (name, size) = sized(name);
    match name.as_str() {
        "boolean" => DataType::Boolean,
        "smallint" => DataType::SmallInt,
        "integer" => DataType::Integer,
        "bigint" => DataType::BigInt,
        "real" => DataType::Real,
        "double precision" => DataType::Double,
        "numeric" => numeric(&size),
        "text" | "character varying" | "character" | "name" | "citext" => {
            DataType::Text(size.first().copied())
        }
        "bytea" => DataType::Bytes,
        "uuid" => DataType::Uuid,
        "date" => DataType::Date,
        "time without time zone" => DataType::Time,
        "timestamp without time zone" => DataType::DateTime,
        "timestamp with time zone" => DataType::Timestamp,
        "json" | "jsonb" => DataType::Json,
        _ => DataType::Any,
    }
}
