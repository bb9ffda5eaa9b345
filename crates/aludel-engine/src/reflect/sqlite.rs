//! SQLite's catalogue: its pragmas, and the text of CREATE TABLE for what they do not tell.

use aludel_sql::{AutoIncrement, Check, Column, DataType, ForeignKey, Index, Result, Unique};

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
    found.checks = parts.iter().filter_map(|part| check(part)).collect();
    Ok(found)
}

async fn columns(
    connection: &mut Connection,
    place: [Option<&str>; 2],
    created: &str,
    parts: &[&str],
) -> Result<Vec<Column>> {
    let sql = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, ?2) \
               WHERE hidden <> 1 ORDER BY cid";
    let lines = connection.catalogue(sql, &place).await?;
    let single = lines.iter().filter(|line| line.is(4)).count() == 1;
    let with_rowid = !created.to_ascii_uppercase().trim_end().ends_with("WITHOUT ROWID");
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
            let own = parts.iter().find(|part| first_word(part).eq_ignore_ascii_case(name));
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
    parts: &[&str],
) -> Result<Vec<ForeignKey>> {
    let sql = "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1, ?2) \
               ORDER BY id DESC, seq";
    let lines = connection.catalogue(sql, &place).await?;
    let mut keys = Vec::new();
    for group in lines.chunk_by(|a, b| a.number(0) == b.number(0)) {
        let first = &group[0];
        let target = first.text(1);
        let from: Vec<&str> = group.iter().map(|line| line.text(2)).collect();
        let mut to: Vec<String> =
            group.iter().filter_map(|line| line.maybe(3)).map(str::to_owned).collect();
        if to.is_empty() {
            // It refers to the target's primary key, without saying so.
            let sql = "SELECT name FROM pragma_table_info(?1, ?2) WHERE pk > 0 ORDER BY pk";
            let lines = connection.catalogue(sql, &[Some(target), place[1]]).await?;
            to = lines.iter().map(|line| line.text(0).to_owned()).collect();
        }
        let full = match schema {
            None => target.to_owned(),
            Some(schema) => format!("{schema}.{target}"),
        };
        let mut key = ForeignKey::new(from.iter().copied(), full, to);
        key.name = name_of(parts, "FOREIGN", &from).map(Into::into);
        key.on_update = action(first.text(4));
        key.on_delete = action(first.text(5));
        let said = parts.iter().find(|part| {
            let upper = part.to_ascii_uppercase();
            upper.contains("REFERENCES")
                && upper.contains("DEFERRABLE")
                && !upper.contains("NOT DEFERRABLE")
                && from.iter().all(|column| part.contains(column))
                && part.contains(target)
        });
        if let Some(said) = said {
            key.deferrable = true;
            key.initially_deferred = said.to_ascii_uppercase().contains("INITIALLY DEFERRED");
        }
        keys.push(key);
    }
    Ok(keys)
}

async fn indexes(
    connection: &mut Connection,
    place: [Option<&str>; 2],
    schema: Option<&str>,
    parts: &[&str],
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
            let named = name_of(parts, "UNIQUE", &names).map(str::to_owned);
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
            let upper = created.to_ascii_uppercase();
            if let Some(at) = upper.find(" WHERE ") {
                index = index.filter(created[at + " WHERE ".len()..].trim());
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

/// The definitions between the brackets of a CREATE TABLE: columns and constraints.
fn parts(created: &str) -> Vec<&str> {
    let Some(open) = created.find('(') else { return Vec::new() };
    let body = &created[open + 1..];
    let (mut parts, mut depth, mut start) = (Vec::new(), 0usize, 0);
    let mut quote: Option<char> = None;
    for (at, c) in body.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => {
                parts.push(body[start..at].trim());
                return parts;
            }
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(body[start..at].trim());
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    parts
}

/// The first word of a definition, without its quotes.
fn first_word(part: &str) -> &str {
    let part = part.trim_start();
    let close = match part.chars().next() {
        Some('"') => '"',
        Some('`') => '`',
        Some('[') => ']',
        _ => return part.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default(),
    };
    part[1..].split(close).next().unwrap_or_default()
}

/// What stands in brackets after a word.
fn bracketed_after<'p>(part: &'p str, word: &str) -> Option<&'p str> {
    let upper = part.to_ascii_uppercase();
    let mut from = 0;
    while let Some(found) = upper[from..].find(word) {
        let at = from + found;
        let before = upper[..at].chars().next_back();
        let rest = upper[at + word.len()..].trim_start();
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') && rest.starts_with('(') {
            let open = upper.len() - rest.len();
            return bracketed(&part[open..]);
        }
        from = at + word.len();
    }
    None
}

/// What stands in the brackets that a text begins with.
fn bracketed(text: &str) -> Option<&str> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(text[1..at].trim());
                }
            }
            (None, _) => {}
        }
    }
    None
}

/// The name of a constraint of columns, which SQLite tells in the table's definition only.
fn name_of<'p>(parts: &[&'p str], word: &str, columns: &[&str]) -> Option<&'p str> {
    parts.iter().find_map(|part| {
        let named = part.to_ascii_uppercase().starts_with("CONSTRAINT");
        let rest = named.then(|| part["CONSTRAINT".len()..].trim_start())?;
        let name = first_word(rest);
        let quoted = usize::from(!rest.starts_with(name)) * 2;
        let said = rest.get(name.len() + quoted..)?.trim_start();
        if !said.to_ascii_uppercase().starts_with(word) {
            return None;
        }
        let list = said.find('(').and_then(|open| bracketed(&said[open..]))?;
        list.split(',').map(first_word).eq(columns.iter().copied()).then_some(name)
    })
}

/// The check that a definition is, or that a column's definition has.
fn check(part: &str) -> Option<Check> {
    let sql = bracketed_after(part, "CHECK")?;
    let named = part.to_ascii_uppercase().starts_with("CONSTRAINT");
    let name = named.then(|| first_word(part["CONSTRAINT".len()..].trim_start()));
    let check = Check::new(sql);
    Some(match name {
        Some(name) => check.name(name),
        None => check,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_constraints() {
        let created = "CREATE TABLE t (a INTEGER, \"b\" TEXT, UNIQUE (a), CONSTRAINT \"both ü\" UNIQUE (a, \"b\"), \
                       constraint fk foreign key ([a]) references t (a), CONSTRAINT \"x\"\"y\" UNIQUE (b))";
        let parts = parts(created);
        assert_eq!(name_of(&parts, "UNIQUE", &["a", "b"]), Some("both ü"));
        assert_eq!(name_of(&parts, "FOREIGN", &["a"]), Some("fk"));
        assert_eq!(name_of(&parts, "UNIQUE", &["a"]), None);
        assert_eq!(name_of(&["CONSTRAINT \"open"], "UNIQUE", &["a"]), None);
    }

    #[test]
    fn definitions_are_told_apart() {
        let sql = "CREATE TABLE t (\"a,b\" INTEGER, [c] TEXT DEFAULT '),(', d AS (a || ')') STORED, \
                   CONSTRAINT big CHECK (a > (1 + 2)))";
        let parts = parts(sql);
        assert_eq!(parts.len(), 4);
        assert_eq!(first_word(parts[0]), "a,b");
        assert_eq!(first_word(parts[1]), "c");
        assert_eq!(bracketed_after(parts[2], "AS"), Some("a || ')'"));
        let check = check(parts[3]).unwrap();
        assert_eq!((check.name.as_deref(), &*check.sql), (Some("big"), "a > (1 + 2)"));
    }

    #[test]
    fn declared_types_are_understood() {
        assert_eq!(data_type("VARCHAR(20)"), DataType::Text(Some(20)));
        assert_eq!(data_type("unsigned big int"), DataType::BigInt);
        assert_eq!(data_type("JSON TEXT"), DataType::Json);
        assert_eq!(data_type("DECIMAL(8,3)"), DataType::Numeric(Some((8, 3))));
        assert_eq!(data_type("whatever"), DataType::Any);
    }
}
