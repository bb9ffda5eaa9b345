//! SQLite's catalogue: its pragmas, and the text of CREATE TABLE for what they do not tell.

use aludel_sql::{AutoIncrement, Column, DataType, ForeignKey, Index, Result, Unique};

use super::definition::{
    Part, after, bracketed_after, checks, deferred, first_name, name_of, parts,
};
use super::names::{numeric, sized};
use super::{Found, action};
use crate::connection::Connection;

/// The name of the attached database's catalogue.
fn catalogue(schema: Option<&str>) -> String {
    match schema {
        None => "sqlite_schema".to_owned(),
        Some(schema) => format!("\"{}\".sqlite_schema", schema.replace('"', "\"\"")),
    }
}

pub(super) async fn relations(
    connection: &mut Connection,
    schema: Option<&str>,
    views: bool,
) -> Result<Vec<String>> {
    let kinds = if views { "('table', 'view')" } else { "('table')" };
    let sql = format!(
        "SELECT name FROM {} WHERE type IN {kinds} AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY rowid",
        catalogue(schema)
    );
    let lines = connection.catalogue(&sql, &[]).await?;
    Ok(lines.iter().map(|line| line.text(0).to_owned()).collect())
}

pub(super) async fn relation(
    connection: &mut Connection,
    name: &str,
    schema: Option<&str>,
) -> Result<Found> {
    let place = [Some(name), Some(schema.unwrap_or("main"))];
    let sql = format!("SELECT sql, type FROM {} WHERE name = ?1", catalogue(schema));
    let created = connection.catalogue(&sql, &[Some(name)]).await?;
    let is_view = created.first().is_some_and(|line| line.text(1) == "view");
    let created = created.first().map_or("", |line| line.text(0)).to_owned();
    let parts = parts(&created);
    let mut found = Found {
        columns: columns(connection, place, &created, &parts).await?,
        foreign_keys: foreign_keys(connection, place, schema, &parts).await?,
        is_view,
        ..Found::default()
    };
    indexes(connection, place, schema, &parts, &mut found).await?;
    found.checks = parts.iter().flat_map(|part| checks(part)).collect();
    Ok(found)
}

async fn columns(
    connection: &mut Connection,
    place: [Option<&str>; 2],
    created: &str,
    parts: &[Part<'_>],
) -> Result<Vec<Column>> {
    let sql = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, ?2) \
               WHERE hidden <> 1 ORDER BY cid";
    let lines = connection.catalogue(sql, &place).await?;
    let single = lines.iter().filter(|line| line.is(4)).count() == 1;
    let options = created.rsplit(')').next().unwrap_or_default().to_ascii_uppercase();
    let with_rowid = !options.contains("WITHOUT");
    let mut columns = Vec::new();
    for line in &lines {
        let (name, kind, key) = (line.text(0), line.text(1), line.is(4));
        let mut column = Column::new(name, data_type(kind));
        column.nullable = !line.is(2) && !key;
        if key {
            // Only an `INTEGER PRIMARY KEY` is the row's number, which SQLite counts up.
            let counted = single && with_rowid && kind.eq_ignore_ascii_case("integer");
            let how = if counted { AutoIncrement::Auto } else { AutoIncrement::Never };
            column = column.primary_key().autoincrement(how);
        }
        if let Some(default) = line.maybe(3) {
            column = column.server_default(default);
        }
        let hidden = line.number(5);
        if hidden == 2 || hidden == 3 {
            let own = parts.iter().find(|part| first_name(part).eq_ignore_ascii_case(name));
            let sql = own.and_then(|part| bracketed_after(part, "AS")).unwrap_or_default();
            column = match hidden {
                2 => column.computed_virtual(sql),
                _ => column.computed(sql),
            };
        }
        columns.push(column);
    }
    Ok(columns)
}

async fn foreign_keys(
    connection: &mut Connection,
    place: [Option<&str>; 2],
    schema: Option<&str>,
    parts: &[Part<'_>],
) -> Result<Vec<ForeignKey>> {
    let sql = "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1, ?2) \
               ORDER BY id DESC, seq";
    let lines = connection.catalogue(sql, &place).await?;
    let mut keys = Vec::new();
    for group in lines.chunk_by(|a, b| a.number(0) == b.number(0)) {
        let first = &group[0];
        // SQL takes capitals for small letters: the names are those of the table that is meant.
        let sql = format!(
            "SELECT t.name, c.name, c.pk FROM {} t, pragma_table_info(t.name, ?2) c \
             WHERE t.name = ?1 COLLATE NOCASE AND t.type = 'table' ORDER BY c.pk, c.cid",
            catalogue(schema)
        );
        let there = connection.catalogue(&sql, &[Some(first.text(1)), place[1]]).await?;
        let Some(target) = there.first().map(|line| line.text(0)) else {
            continue;
        };
        let from: Vec<&str> = group.iter().map(|line| line.text(2)).collect();
        let column =
            |said: &str| there.iter().map(|c| c.text(1)).find(|c| c.eq_ignore_ascii_case(said));
        let said = group.iter().filter_map(|line| line.maybe(3));
        let mut to: Vec<&str> = said.map(|said| column(said).unwrap_or(said)).collect();
        if to.is_empty() {
            // It refers to the target's primary key, without saying so.
            to = there.iter().filter(|c| c.is(2)).map(|c| c.text(1)).collect();
        }
        let full = match schema {
            None => target.to_owned(),
            Some(schema) => format!("{schema}.{target}"),
        };
        let mut key = ForeignKey::new(from.iter().copied(), full, to);
        key.name = name_of(parts, "FOREIGN", &from).map(Into::into);
        key.on_update = action(first.text(4));
        key.on_delete = action(first.text(5));
        if let Some(initially) = deferred(parts, &from, target) {
            (key.deferrable, key.initially_deferred) = (true, initially);
        }
        keys.push(key);
    }
    Ok(keys)
}

async fn indexes(
    connection: &mut Connection,
    place: [Option<&str>; 2],
    schema: Option<&str>,
    parts: &[Part<'_>],
    found: &mut Found,
) -> Result<()> {
    let sql =
        "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, ?2) ORDER BY seq DESC";
    for line in connection.catalogue(sql, &place).await? {
        let (name, origin) = (line.text(0), line.text(2));
        if origin == "pk" {
            continue;
        }
        let sql = "SELECT name FROM pragma_index_info(?1, ?2) ORDER BY seqno";
        let columns = connection.catalogue(sql, &[Some(name), place[1]]).await?;
        let Some(columns): Option<Vec<String>> =
            columns.iter().map(|line| line.maybe(0).map(str::to_owned)).collect()
        else {
            // It is over an expression.
            continue;
        };
        if origin == "u" {
            let names: Vec<&str> = columns.iter().map(String::as_str).collect();
            let named = name_of(parts, "UNIQUE", &names);
            let unique = Unique::on(columns);
            found.uniques.push(named.into_iter().fold(unique, Unique::name));
            continue;
        }
        let mut index = Index::on(columns).name(name);
        index.unique = line.is(1);
        if line.is(3) {
            let sql = format!("SELECT sql FROM {} WHERE name = ?1", catalogue(schema));
            let created = connection.catalogue(&sql, &[Some(name)]).await?;
            let created = created.first().map_or("", |line| line.text(0));
            if let Some(filter) = after(created, "WHERE") {
                index = index.filter(filter);
            }
        }
        found.indexes.push(index);
    }
    Ok(())
}

/// The type that a declared type stands for: its name, as this library writes it, or SQLite's rules of affinity.
fn data_type(declared: &str) -> DataType {
    let (name, size) = sized(declared);
    match name.as_str() {
        "" => return DataType::Any,
        "boolean" | "bool" => return DataType::Boolean,
        "date" => return DataType::Date,
        "time" => return DataType::Time,
        "datetime" => return DataType::DateTime,
        "timestamp" => return DataType::Timestamp,
        "numeric" | "decimal" => return numeric(&size),
        _ => {}
    }
    let has = |part: &str| name.contains(part);
    if has("json") {
        DataType::Json
    } else if has("int") {
        DataType::BigInt
    } else if has("char") || has("clob") || has("text") {
        DataType::Text(size.first().copied())
    } else if has("blob") {
        DataType::Bytes
    } else if has("real") || has("floa") || has("doub") {
        DataType::Double
    } else {
        DataType::Any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_are_understood() {
        assert_eq!(data_type("VARCHAR(20)"), DataType::Text(Some(20)));
        assert_eq!(data_type("unsigned big int"), DataType::BigInt);
        assert_eq!(data_type("JSON TEXT"), DataType::Json);
        assert_eq!(data_type("DECIMAL(8,3)"), DataType::Numeric(Some((8, 3))));
        assert_eq!(data_type("whatever"), DataType::Any);
    }
}
