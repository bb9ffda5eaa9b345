//! Mapped classes as Rust source.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aludel::DataType;
use aludel::ext::{AutoClass, AutoModel, AutoRelationship, AutomapRules};
use aludel::sql::{
    Action, AutoIncrement, Column, ForeignKey, Index, MetaData, ServerDefault, Table, Unique,
};

/// The classes of tables as Rust source, with names by rules ([`RustNames`](crate::RustNames), if there are no better
/// ones).
///
/// ```
/// use aludel::sql::{Column, MetaData, Table};
/// use aludel_cli::{RustNames, rust_source};
///
/// # fn main() -> aludel::Result<()> {
/// let mut tables = MetaData::new();
/// tables.add(Table::build("notes").column(Column::of::<i64>("id").primary_key()).finish()?)?;
/// assert!(rust_source(&tables, &RustNames).contains("pub struct Notes {"));
/// # Ok(())
/// # }
/// ```
pub fn rust_source(tables: &MetaData, rules: &dyn AutomapRules) -> String {
    let model = AutoModel::of(tables, rules);
    let mut classes = String::new();
    for class in model.classes() {
        Source { model: &model, class, out: &mut classes }.write();
    }
    let columns = || model.classes().iter().flat_map(|class| class.table.columns());
    let features: BTreeSet<&str> = columns().filter_map(|c| c.data_type.feature()).collect();
    let mut out = String::from("// Made by `aludel reflect` from the tables of a database.\n");
    if !features.is_empty() {
        let list: Vec<String> = features.iter().map(|feature| format!("`{feature}`")).collect();
        let _ = writeln!(out, "// It takes these features of aludel: {}.", list.join(", "));
    }
    let without: Vec<String> = model
        .unmapped()
        .iter()
        .filter(|table| table.primary_key().is_empty() && !table.is_view())
        .map(|table| code(table.full_name()))
        .collect();
    if !without.is_empty() {
        let _ =
            writeln!(out, "// No classes, since they have no primary key: {}.", without.join(", "));
    }
    out.push_str("\nuse aludel::prelude::*;\n");
    out.push_str(&classes);
    out
}

struct Source<'a> {
    model: &'a AutoModel,
    class: &'a AutoClass,
    out: &'a mut String,
}

impl Source<'_> {
    fn write(mut self) {
        let table = &self.class.table;
        self.line("");
        match table.comment() {
            Some(comment) => self.comment("", comment),
            None => self.line(&format!("/// The table {}.", code(table.full_name()))),
        }
        let elsewhere = table.foreign_keys().iter().filter(|key| !self.is_there(key));
        let elsewhere: Vec<String> = elsewhere
            .map(|key| {
                let (here, there) = (key.column_names.join(", "), key.target_columns.join(", "));
                format!("// {here} refers to {}({there}), which is no class.", key.target_table)
            })
            .collect();
        elsewhere.iter().for_each(|line| self.line(line));
        self.line("#[derive(Mapped, Clone, Debug, Default)]");
        let mut said = vec![format!("table = {:?}", table.name())];
        said.extend(table.schema().map(|schema| format!("schema = {schema:?}")));
        self.line(&format!("#[mapped({})]", said.join(", ")));
        for said in self.constraints() {
            self.line(&format!("#[mapped({said})]"));
        }
        self.line(&format!("pub struct {} {{", self.class.name));
        for (at, column) in table.columns().iter().enumerate() {
            self.column(at as u16, column);
        }
        for relationship in &self.class.relationships {
            self.relationship(relationship);
        }
        self.line("}");
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn comment(&mut self, indent: &str, text: &str) {
        // What is indented would be an example.
        for line in text.lines().flat_map(|line| line.split('\r')).map(str::trim) {
            self.line(format!("{indent}/// {line}").trim_end());
        }
    }

    /// Whether the table that a foreign key refers to is one of those that the classes make.
    fn is_there(&self, key: &ForeignKey) -> bool {
        let classes = self.model.classes();
        let associations = classes.iter().flat_map(|class| &class.relationships);
        let mut associations = associations.filter_map(|r| r.secondary.as_deref()?.split_once('('));
        classes.iter().any(|class| key.refers_to(&class.table))
            || associations.any(|(table, _)| *table == *key.target_table)
    }

    /// What the class says of its columns, several of them or under a name.
    fn constraints(&self) -> Vec<String> {
        let table = &self.class.table;
        let names = |columns: &[u16]| {
            let name = |at: &u16| self.class.attributes[usize::from(*at)].clone();
            columns.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        let mut said = Vec::new();
        for unique in table.uniques().iter().filter(|unique| !is_of_column(table, unique)) {
            let columns = names(&unique.columns);
            said.push(match own_name(table, unique.name.as_deref(), &unique.columns, "key") {
                Some(name) => format!("unique(columns({columns}), name = {name:?})"),
                None => format!("unique({columns})"),
            });
        }
        for index in table.indexes().iter().filter(|index| !is_index_of_column(table, index)) {
            let mut parts = Vec::new();
            parts.extend(index.unique.then(|| "unique".to_owned()));
            parts.extend(index.filter.as_deref().map(|sql| format!("filter = {:?}", bare(sql))));
            parts.extend(index_name(table, index).map(|name| format!("name = {name:?}")));
            let columns = names(&index.columns);
            said.push(match parts.is_empty() {
                true => format!("index({columns})"),
                false => format!("index(columns({columns}), {})", parts.join(", ")),
            });
        }
        let keys = table.foreign_keys().iter().filter(|key| !is_key_of_column(table, key));
        for key in keys.filter(|key| self.is_there(key)) {
            let mut parts = vec![
                format!("columns({})", names(&key.columns)),
                format!(
                    "references = {:?}",
                    format!("{}({})", key.target_table, key.target_columns.join(", "))
                ),
            ];
            parts.extend(actions(key));
            let name = own_name(table, key.name.as_deref(), &key.columns, "fkey");
            parts.extend(name.map(|name| format!("name = {name:?}")));
            said.push(format!("foreign_key({})", parts.join(", ")));
        }
        said.extend(table.checks().iter().map(|check| {
            let name = check.name.as_deref().filter(|name| !is_given_to_check(table, name));
            match name {
                Some(name) => format!("check(sql = {:?}, name = {name:?})", bare(&check.sql)),
                None => format!("check = {:?}", bare(&check.sql)),
            }
        }));
        said
    }

    fn column(&mut self, at: u16, column: &Column) {
        let table = &self.class.table;
        let name = &self.class.attributes[usize::from(at)];
        if let Some(comment) = &column.comment {
            self.comment("    ", comment);
        }
        let mut said = Vec::new();
        if **name != *column.name {
            said.push(format!("name = {:?}", column.name));
        }
        let (rust, own) = rust_type(column.data_type);
        if own != column.data_type {
            said.push(format!("type = {}", type_source(column.data_type)));
        }
        if column.primary_key {
            said.push("primary_key".to_owned());
        }
        let only = |columns: &[u16]| columns == [at];
        let mut uniques = table.uniques().iter().filter(|unique| is_of_column(table, unique));
        let mut indexes = table.indexes().iter().filter(|index| is_index_of_column(table, index));
        if uniques.any(|unique| only(&unique.columns)) {
            said.push("unique".to_owned());
        }
        if indexes.any(|index| only(&index.columns)) {
            said.push("index".to_owned());
        }
        let keys = table.foreign_keys().iter().filter(|key| is_key_of_column(table, key));
        for key in keys.filter(|key| only(&key.columns) && self.is_there(key)) {
            let target = format!("{}.{}", key.target_table, key.target_columns[0]);
            said.push(format!("foreign_key = {target:?}"));
            said.extend(actions(key));
            if key.deferrable {
                said.push("deferrable".to_owned());
            }
        }
        match (&column.computed, &column.server_default) {
            (Some(computed), _) => said.push(format!("computed = {:?}", bare(&computed.sql))),
            (None, Some(ServerDefault::Sql(sql))) => said.push(format!("server_default = {sql:?}")),
            (None, Some(_)) => said.push("server_generated".to_owned()),
            (None, None) => {}
        }
        if !said.is_empty() {
            self.line(&format!("    #[column({})]", said.join(", ")));
        }
        let counted = table.autoincrement() == Some(at)
            || (column.primary_key && column.autoincrement == AutoIncrement::Always);
        // What is left out has the database's value.
        let given = column.computed.is_some() || column.server_default.is_some();
        let field = match (counted || (given && !column.nullable), column.nullable) {
            (true, _) => format!("Auto<{rust}>"),
            (false, true) => format!("Option<{rust}>"),
            (false, false) => rust.to_owned(),
        };
        self.line(&format!("    pub {name}: {field},"));
    }

    fn relationship(&mut self, relationship: &AutoRelationship) {
        let mut said = Vec::new();
        if let Some(other) = &relationship.back_populates {
            said.push(format!("back_populates = {other:?}"));
        }
        if let Some(secondary) = &relationship.secondary {
            said.push(format!("secondary = {secondary:?}"));
        } else {
            if self.is_ambiguous(relationship) {
                said.push(format!("foreign_keys = {}", list(&relationship.foreign_keys)));
            }
            if relationship.target == self.class.name {
                said.push(format!("remote_side = {}", list(&relationship.remote_side)));
            }
        }
        if let Some(cascade) = &relationship.cascade {
            said.push(format!("cascade = {cascade:?}"));
        }
        if relationship.passive_deletes {
            said.push("passive_deletes".to_owned());
        }
        if !said.is_empty() {
            self.line(&format!("    #[relationship({})]", said.join(", ")));
        }
        let holder = if relationship.many { "Many" } else { "One" };
        self.line(&format!("    pub {}: {holder}<{}>,", relationship.name, relationship.target));
    }

    /// Whether there are several foreign keys between the two classes.
    fn is_ambiguous(&self, relationship: &AutoRelationship) -> bool {
        let here = &self.class.table;
        let Some(there) = self.model.class(&relationship.target).map(|class| &class.table) else {
            return false;
        };
        let between = |from: &Table, to: &Table| {
            from.foreign_keys().iter().filter(|key| &*key.target_table == to.full_name()).count()
        };
        let back = if here == there { 0 } else { between(there, here) };
        between(here, there) + back > 1
    }
}

/// The name of a constraint, where it is not what a database gives by itself, such as `table_column_key`.
fn own_name<'n>(
    table: &Table,
    name: Option<&'n str>,
    columns: &[u16],
    end: &str,
) -> Option<&'n str> {
    let columns = columns.iter().map(|at| &*table.columns()[usize::from(*at)].name);
    let given = format!("{}_{}_{end}", table.name(), columns.collect::<Vec<_>>().join("_"));
    name.filter(|name| !is_numbered(name, &given))
}

/// Whether a name is another one, or that with a number behind it.
fn is_numbered(name: &str, given: &str) -> bool {
    name.strip_prefix(given).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
}

/// Whether a database gives a check this name by itself.
fn is_given_to_check(table: &Table, name: &str) -> bool {
    let columns = table.columns().iter().map(|c| format!("{}_{}_check", table.name(), c.name));
    let mut given = columns.chain([format!("{}_check", table.name())]);
    given.any(|given| is_numbered(name, &given))
}

/// The name of an index, where it is not the one that it gets.
fn index_name<'i>(table: &Table, index: &'i Index) -> Option<&'i str> {
    let columns = index.columns.iter().map(|at| &*table.columns()[usize::from(*at)].name);
    let given = format!("ix_{}_{}", table.name(), columns.collect::<Vec<_>>().join("_"));
    Some(&*index.name).filter(|name| **name != given)
}

/// Whether `#[column(unique)]` says it all.
fn is_of_column(table: &Table, unique: &Unique) -> bool {
    unique.columns.len() == 1
        && own_name(table, unique.name.as_deref(), &unique.columns, "key").is_none()
}

/// Whether `#[column(index)]` says it all.
fn is_index_of_column(table: &Table, index: &Index) -> bool {
    let plain = !index.unique && index.filter.is_none();
    index.columns.len() == 1 && plain && index_name(table, index).is_none()
}

/// Whether `#[column(foreign_key = "…")]` says it all, as of one key of a column. What may be put off is said there
/// alone, without a name.
fn is_key_of_column(table: &Table, key: &ForeignKey) -> bool {
    let first = table.foreign_keys().iter().find(|other| other.columns == key.columns);
    key.columns.len() == 1
        && first == Some(key)
        && (key.deferrable || own_name(table, key.name.as_deref(), &key.columns, "fkey").is_none())
}

/// An expression without the brackets around it, which some databases add.
fn bare(sql: &str) -> &str {
    let Some(inner) = sql.strip_prefix('(').and_then(|sql| sql.strip_suffix(')')) else {
        return sql;
    };
    let (mut depth, mut quote) = (0i32, None);
    for c in inner.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
        if depth < 0 {
            return sql;
        }
    }
    inner
}

fn list(names: &[String]) -> String {
    match names {
        [one] => format!("{one:?}"),
        several => format!("{several:?}"),
    }
}

fn code(name: &str) -> String {
    format!("`{}`", name.replace('`', "'"))
}

fn actions(key: &ForeignKey) -> Vec<String> {
    let action = |name: &str, action: Option<Action>| {
        action.map(|action| format!("{name} = {:?}", action.sql().to_lowercase()))
    };
    [action("on_delete", key.on_delete), action("on_update", key.on_update)]
        .into_iter()
        .flatten()
        .collect()
}

/// The Rust type for a column, and the type of a column that it has by itself.
fn rust_type(data_type: DataType) -> (&'static str, DataType) {
    match data_type {
        DataType::Boolean => ("bool", data_type),
        DataType::SmallInt => ("i16", data_type),
        DataType::Integer => ("i32", data_type),
        DataType::BigInt => ("i64", data_type),
        DataType::Real => ("f32", data_type),
        DataType::Double => ("f64", data_type),
        DataType::Numeric(_) => ("rust_decimal::Decimal", DataType::Numeric(None)),
        DataType::Text(_) => ("String", DataType::Text(None)),
        DataType::Bytes => ("Vec<u8>", data_type),
        DataType::Uuid => ("uuid::Uuid", data_type),
        DataType::Date => ("jiff::civil::Date", data_type),
        DataType::Time => ("jiff::civil::Time", data_type),
        DataType::DateTime => ("jiff::civil::DateTime", data_type),
        DataType::Timestamp => ("jiff::Timestamp", data_type),
        DataType::Json => ("serde_json::Value", data_type),
        _ => ("aludel::Value", data_type),
    }
}

fn type_source(data_type: DataType) -> String {
    format!("aludel::DataType::{data_type:?}")
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn brackets_around_an_expression_are_left_out() {
        let found = ["(a > 1)", "(a) + (b)", "a > 1", "('(' || a)", "(a"].map(bare);
        assert_eq!(found, ["a > 1", "(a) + (b)", "a > 1", "'(' || a", "(a"]);
    }
}
