//! Tables from descriptions.

use aludel_sql::{
    Action, AutoIncrement, Check, ClientDefault, Column, DataType, ForeignKey, Index, Table,
    TableBuilder, Unique,
};

use super::Build;
use super::hierarchy::Shape;
use crate::instrumentation::{AttrKind, ClassDef, ColumnDef, ConstraintDef};
use crate::mapping::builder::ClassSpec;
use crate::mapping::problems::Wrong;

/// The parts of a table that is being made.
#[derive(Default)]
struct Parts {
    columns: Vec<Column>,
    foreign_keys: Vec<ForeignKey>,
}

impl Build<'_> {
    /// The columns of a class's own attributes (with concrete inheritance, all attributes), by name.
    pub(super) fn columns_of(
        &self,
        class: u16,
    ) -> impl Iterator<Item = (&'static str, &'static ColumnDef)> {
        let spec = self.spec(class);
        let from = match self.shape(class) {
            Shape::Alone => 0,
            Shape::Joined | Shape::Single => self.own_attributes(class).start,
        };
        spec.def.attributes[usize::from(from)..].iter().filter_map(|attribute| {
            match &attribute.kind {
                AttrKind::Column(column) => {
                    Some((column_name(spec, attribute.name, column), column))
                }
                _ => None,
            }
        })
    }

    /// The table of a class (the first) and of the subclasses that have none of their own.
    pub(super) fn table_of(&self, classes: &[u16], full_name: &str) -> Result<TableBuilder, Wrong> {
        let mut wrong = Wrong::default();
        let owner = classes[0];
        let def = self.spec(owner).def;
        let name = def.table.unwrap_or(full_name);
        let mut parts = Parts::default();
        if self.shape(owner) == Shape::Joined {
            wrong.note(self.inherited_key(owner, &mut parts));
        }
        for &class in classes {
            for (column, def) in self.columns_of(class) {
                wrong.note(self.add_column(class, owner, name, column, def, &mut parts));
            }
        }
        if !parts.columns.iter().any(|c| c.primary_key) {
            wrong.0.push(no_primary_key(def));
        }
        if parts.columns.iter().filter(|c| c.primary_key).count() > 1 {
            for column in &mut parts.columns {
                if column.autoincrement == AutoIncrement::Auto {
                    column.autoincrement = AutoIncrement::Always;
                }
            }
        }
        let mut table = Table::build(name).columns(parts.columns);
        if let Some(schema) = def.schema {
            table = table.schema(schema);
        }
        if self.spec(owner).said.view {
            table = table.view();
        }
        for key in parts.foreign_keys {
            table = table.foreign_key(key);
        }
        for class in classes.iter().flat_map(|class| self.with_abstract_bases(*class)) {
            let spec = self.spec(class);
            let is_own = classes.contains(&class);
            for constraint in spec.def.constraints {
                let constraint = match constraint {
                    ConstraintDef::Named(_, of) if !is_own => of,
                    constraint => constraint,
                };
                let with = wrong.note(add_constraint(table.clone(), spec, name, constraint));
                table = with.unwrap_or(table);
            }
        }
        wrong.or(table)
    }

    /// The primary key of a joined subclass's table, where no attribute of its own says it: columns named
    /// and typed as those of the base's table, that refer to them.
    fn inherited_key(&self, class: u16, parts: &mut Parts) -> Result<(), String> {
        let base = self.mapper(class).base;
        let above = base.and_then(|base| self.mapper(base).local_table().cloned());
        let Some(above) = above else { return Ok(()) };
        let key = above.primary_key();
        let own: Vec<&str> = self
            .columns_of(class)
            .filter(|(_, def)| def.primary_key)
            .map(|(name, _)| name)
            .collect();
        let names: Vec<&str> =
            key.iter().map(|at| &*above.columns()[usize::from(*at)].name).collect();
        if !own.is_empty() {
            let names_above = |target: &str| {
                target.rsplit_once('.').is_some_and(|(table, _)| table == above.full_name())
            };
            let refers = |(_, def): (&str, &ColumnDef)| {
                // A key of its own is counted; another column refers to the base then.
                let refers = def.foreign_key.is_some_and(names_above);
                def.primary_key && def.foreign_key.is_some() || refers && generates(self, class)
            };
            let by = !self.spec(class).said.inherits_by.is_empty();
            if !by && !self.columns_of(class).any(refers) {
                if own.len() != names.len() {
                    return Err(format!(
                        "its primary key has {} columns, that of its base class {}",
                        own.len(),
                        names.len()
                    ));
                }
                parts.foreign_keys.push(ForeignKey::new(own, above.full_name(), names));
            }
            return Ok(());
        }
        for at in key {
            let column = &above.columns()[usize::from(*at)];
            parts.columns.push(
                Column::new(&*column.name, column.data_type)
                    .primary_key()
                    .autoincrement(AutoIncrement::Never),
            );
        }
        parts.foreign_keys.push(ForeignKey::new(
            names.iter().copied(),
            above.full_name(),
            names.iter().copied(),
        ));
        Ok(())
    }

    fn add_column(
        &self,
        class: u16,
        owner: u16,
        table: &str,
        name: &'static str,
        def: &'static ColumnDef,
        parts: &mut Parts,
    ) -> Result<(), String> {
        let mut column = column(name, def);
        if class != owner {
            // Rows of the other classes of the table have nothing there.
            column.nullable = true;
            column.primary_key = false;
        }
        if let Some(at) = parts.columns.iter().position(|c| &*c.name == name) {
            // Two subclasses in one table may share a column.
            if class != owner && parts.columns[at].data_type == def.data_type {
                return Ok(());
            }
            return Err(format!(
                "column `{name}` of table `{table}` would be there twice; give one of them another name \
                 by `#[column(name = \"…\")]`"
            ));
        }
        if let Some(target) = def.foreign_key {
            parts.foreign_keys.push(foreign_key(name, target, table, def)?);
        }
        parts.columns.push(column);
        Ok(())
    }
}

/// Whether the database generates a part of the primary key of a class's own table.
fn generates(build: &Build<'_>, class: u16) -> bool {
    build.columns_of(class).any(|(_, def)| def.primary_key && def.generated)
}

/// The name of an attribute's column in its default mapping.
pub(super) fn column_name(
    spec: &ClassSpec,
    attribute: &'static str,
    def: &ColumnDef,
) -> &'static str {
    let stripped = spec.said.column_prefix.as_deref().and_then(|p| attribute.strip_prefix(p));
    def.name.or(stripped.filter(|name| !name.is_empty())).unwrap_or(attribute)
}

fn column(name: &str, def: &'static ColumnDef) -> Column {
    let mut column = Column::new(name, def.data_type);
    column.nullable = def.nullable && !def.primary_key;
    column.primary_key = def.primary_key;
    column.unique = def.unique;
    column.index = def.index;
    column.client_default = def.default.map(call);
    column.on_update = def.on_update.map(call);
    if let Some(sql) = def.server_default {
        column = column.server_default(sql);
    }
    if def.server_generated && def.server_default.is_none() {
        column = column.server_generated();
    }
    column.server_on_update = def.server_on_update;
    if def.system {
        column = column.system();
    }
    if let Some(sql) = def.computed {
        column = column.computed(sql);
    }
    column.autoincrement = AutoIncrement::Never;
    let given = column.has_server_value() || column.client_default.is_some();
    if def.generated && !given {
        let integer =
            matches!(def.data_type, DataType::SmallInt | DataType::Integer | DataType::BigInt);
        if integer && def.primary_key {
            column.autoincrement = AutoIncrement::Auto;
        } else {
            column = column.server_generated();
        }
    }
    column
}

fn call(make: fn() -> aludel_sql::Value) -> ClientDefault {
    ClientDefault::Call(std::sync::Arc::new(make))
}

fn foreign_key(
    column: &str,
    target: &str,
    table: &str,
    def: &ColumnDef,
) -> Result<ForeignKey, String> {
    let Some((to, referred)) = target.rsplit_once('.') else {
        return Err(format!(
            "the foreign key of column `{column}` is `{target}`; write the column that it refers to, too: \
             `{target}.id`"
        ));
    };
    let mut key = ForeignKey::new([column], to, [referred]);
    key.on_delete = action(def.on_delete)?;
    key.on_update = action(def.on_update_key)?;
    key.deferrable = def.deferrable;
    key.initially_deferred = def.deferrable;
    if def.use_alter {
        key = key.use_alter().name(format!("fk_{table}_{column}"));
    }
    Ok(key)
}

fn action(text: Option<&str>) -> Result<Option<Action>, String> {
    let Some(text) = text else { return Ok(None) };
    let word = text.to_ascii_lowercase().replace(['_', '-'], " ");
    Ok(Some(match word.trim() {
        "cascade" => Action::Cascade,
        "set null" => Action::SetNull,
        "set default" => Action::SetDefault,
        "restrict" => Action::Restrict,
        "no action" => Action::NoAction,
        _ => {
            return Err(format!(
                "`{text}` is not what a foreign key can do; there are `cascade`, `set null`, `set default`, \
                 `restrict` and `no action`"
            ));
        }
    }))
}

fn add_constraint(
    table: TableBuilder,
    spec: &ClassSpec,
    name: &str,
    constraint: &ConstraintDef,
) -> Result<TableBuilder, String> {
    let columns =
        |names: &[&'static str]| names.iter().map(|n| constrained(spec, n)).collect::<Vec<_>>();
    let (given, constraint) = match *constraint {
        ConstraintDef::Named(name, of) => (Some(name), *of),
        constraint => (None, constraint),
    };
    let index = |names, unique, filter: Option<&str>| {
        let mut index = Index::on(columns(names));
        (index.unique, index.filter) = (unique, filter.map(Into::into));
        given.into_iter().fold(index, Index::name)
    };
    Ok(match constraint {
        ConstraintDef::Unique(names) => {
            table.unique(given.into_iter().fold(Unique::on(columns(names)), Unique::name))
        }
        ConstraintDef::Index(names) => table.index(index(names, false, None)),
        ConstraintDef::IndexWith { columns, unique, filter } => {
            table.index(index(columns, unique, filter))
        }
        ConstraintDef::Check(sql) => {
            table.check(given.into_iter().fold(Check::new(sql), Check::name))
        }
        ConstraintDef::ForeignKey { columns: names, references, on_delete, on_update } => {
            let mut to = None;
            let mut referred = Vec::new();
            for target in references {
                let Some((table, column)) = target.rsplit_once('.') else {
                    return Err(format!(
                        "a foreign key of table `{name}` refers to `{target}`; write `table.column`"
                    ));
                };
                if *to.get_or_insert(table) != table {
                    return Err(format!(
                        "a foreign key of table `{name}` refers to columns of several tables"
                    ));
                }
                referred.push(column);
            }
            let mut key = ForeignKey::new(columns(names), to.unwrap_or_default(), referred);
            key.on_delete = action(on_delete)?;
            key.on_update = action(on_update)?;
            key.name = given.map(Into::into);
            table.foreign_key(key)
        }
        ConstraintDef::Named(..) => {
            return Err(format!("a constraint of table `{name}` has two names"));
        }
    })
}

/// A column that a constraint names: by its own name, or by its attribute's.
fn constrained(spec: &ClassSpec, name: &'static str) -> &'static str {
    let columns = || {
        spec.def.attributes.iter().filter_map(|attribute| match &attribute.kind {
            AttrKind::Column(def) => Some((attribute.name, column_name(spec, attribute.name, def))),
            _ => None,
        })
    };
    if columns().any(|(_, column)| column == name) {
        return name;
    }
    columns().find(|(attribute, _)| *attribute == name).map_or(name, |(_, column)| column)
}

fn no_primary_key(def: &ClassDef) -> String {
    let id =
        def.attributes.iter().find(|a| a.name == "id" && matches!(a.kind, AttrKind::Column(_)));
    match id {
        Some(_) => {
            "it has no primary key: add `#[column(primary_key)]` to the field `id`".to_owned()
        }
        None => {
            "it has no primary key: add `#[column(primary_key)]` to the field (or fields) that \
                 identify an object"
                .to_owned()
        }
    }
}
