//! Primary keys, version counters, and columns that no attribute stands for.

use std::sync::Arc;

use aludel_sql::{ForeignKey, Table, did_you_mean};

use super::Build;
use super::hierarchy::Shape;
use super::names::no_column;
use crate::instrumentation::AttrKind;
use crate::mapping::problems::Wrong;
use crate::mapping::{ColumnRef, Mapper, PropertyKind, VersionGenerator};

impl Build<'_> {
    /// The key of a joined subclass's table is that of its base, or refers to it: the attributes stand for both.
    pub(super) fn equate_keys(&mut self, class: u16) {
        let mapper = self.mapper(class);
        let Some(base) = mapper.base.filter(|_| self.shape(class) == Shape::Joined) else { return };
        let base = self.mapper(base);
        let Some(own) = mapper.local_table().cloned() else { return };
        let last = (mapper.tables.len() - 1) as u16;
        let pairs = match self.joining_pairs(class, base, &own) {
            Ok(pairs) => pairs,
            Err(what) => return self.problem(class, what),
        };
        let own_attributes = self.own_attributes(class);
        let mapper = self.mapper_mut(class);
        for (attribute, column) in pairs {
            let at = ColumnRef { table: last, column };
            let stands = |property: &PropertyKind| match property {
                PropertyKind::Column(property) => property.columns.contains(&at),
                _ => false,
            };
            let copies = own_attributes.clone();
            let copies = copies.filter(|a| stands(&mapper.properties[usize::from(*a)].kind));
            mapper.key_copies.extend(copies.map(|copy| (copy, attribute)));
            let property = &mut mapper.properties[usize::from(attribute)];
            if let PropertyKind::Column(property) = &mut property.kind
                && !property.columns.contains(&at)
            {
                property.columns.push(at);
            }
        }
    }

    /// The base's attributes, with the columns of a joined subclass's table that have the same values: those of its
    /// primary key that refer to the base's tables, or of another foreign key that does.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to write instead.
    fn joining_pairs(
        &self,
        class: u16,
        base: &Mapper,
        own: &Table,
    ) -> Result<Vec<(u16, u16)>, String> {
        let pairs_of = |key: &ForeignKey| -> Vec<(u16, u16)> {
            let mut pairs = Vec::new();
            for table in &base.tables {
                let targets = key.target_positions(table).into_iter().flatten();
                let named = key.columns.iter().zip(targets);
                pairs.extend(named.filter_map(|(c, to)| Some((base.attribute_of(table, to)?, *c))));
            }
            pairs
        };
        let whole = |pairs: &[(u16, u16)]| {
            base.primary_key.iter().all(|part| pairs.iter().any(|(attribute, _)| attribute == part))
        };
        let said = &self.spec(class).said.inherits_by;
        if !said.is_empty() {
            let mapper = self.mapper(class);
            let column = |name: &String| {
                own.column(name).or_else(|| {
                    let of = mapper.column(mapper.attribute(name)?)?;
                    of.columns.iter().find(|c| mapper.table_of(**c) == own).map(|c| c.column)
                })
            };
            let columns = said.iter().map(|name| column(name).ok_or_else(|| no_column(own, name)));
            let columns: Vec<u16> = columns.collect::<Result<_, _>>()?;
            let key = own.foreign_keys().iter().find(|key| *key.columns == *columns);
            let by_key = key.map(pairs_of).filter(|pairs| whole(pairs));
            // The database need not know of it.
            let pairs =
                by_key.unwrap_or_else(|| base.primary_key.iter().copied().zip(columns).collect());
            return match whole(&pairs) {
                true => Ok(pairs),
                false => Err(format!(
                    "the primary key of its base class `{}` has {} columns, and it is said to inherit by {}",
                    base.name,
                    base.primary_key.len(),
                    said.len()
                )),
            };
        }
        let in_key = |key: &&ForeignKey| key.columns.iter().all(|c| own.primary_key().contains(c));
        let pairs: Vec<_> = own.foreign_keys().iter().filter(in_key).flat_map(pairs_of).collect();
        if whole(&pairs) && !pairs.is_empty() {
            return Ok(pairs);
        }
        let others = own.foreign_keys().iter().filter(|key| !in_key(key));
        let mut others = others.filter(|key| !key.columns.is_empty() && whole(&pairs_of(key)));
        let (found, another) = (others.next(), others.next());
        let above = base.local_table().map_or("?", Table::full_name);
        match (found, another) {
            (Some(key), None) => Ok(pairs_of(key)),
            (Some(one), Some(other)) => Err(format!(
                "table `{}` refers to that of its base class `{}` by several foreign keys: say which, \
                 `mapping.inherits_by([{:?}])` or `[{:?}]`",
                own.full_name(),
                base.name,
                one.column_names.join("\", \""),
                other.column_names.join("\", \""),
            )),
            (None, _) => Err(format!(
                "table `{}` does not join that of its base class `{}`: it needs a foreign key to `{above}`, or \
                 `mapping.inherits_by([…])` with the columns that have its key",
                own.full_name(),
                base.name,
            )),
        }
    }

    /// A column is written from one attribute.
    pub(super) fn check_columns(&mut self, class: u16) {
        let mapper = self.mapper(class);
        let mut twice = Vec::new();
        for at in self.own_attributes(class) {
            let Some(property) = mapper.column(at) else { continue };
            if mapper.is_key_copy(at) {
                continue;
            }
            let shares = |other: &u16| {
                let of = mapper.column(*other);
                of.is_some_and(|of| of.columns.iter().any(|c| property.columns.contains(c)))
            };
            let before = mapper.columns.iter().take_while(|other| **other < at);
            if let Some(other) = before.copied().find(shares) {
                twice.push((
                    Arc::clone(&mapper.property(at).name),
                    mapper.property(other).name.clone(),
                ));
            }
        }
        for (name, other) in twice {
            let what = format!(
                "its column is that of the attribute `{other}` already: make it another name of that one, by `synonym`"
            );
            self.attribute_problem(class, &name, what);
        }
    }

    /// The primary key, the version counter, and the columns without attribute.
    pub(super) fn keys(&mut self, class: u16) {
        let mapper = self.mapper(class);
        let inherited = mapper.base.filter(|_| self.shape(class) != Shape::Alone);
        match inherited {
            Some(base) => {
                let base = self.mapper(base);
                let (key, version) = (base.primary_key.clone(), base.version);
                let version_by = base.version_by.clone();
                let mapper = self.mapper_mut(class);
                mapper.primary_key = key;
                mapper.version = version;
                mapper.version_by = version_by;
            }
            None => match self.primary_key(class) {
                Ok(key) => {
                    let mapper = self.mapper_mut(class);
                    for attribute in &key {
                        let property = &mut mapper.properties[usize::from(*attribute)];
                        if let PropertyKind::Column(property) = &mut property.kind {
                            property.active_history = true;
                        }
                    }
                    mapper.primary_key = key;
                }
                Err(wrong) => wrong.0.iter().for_each(|what| self.problem(class, what)),
            },
        }
        self.version(class);
        self.rows(class);
        self.read_only(class);
        self.hidden(class);
    }

    /// How rows are written and found: as the base class says, where the class does not.
    fn rows(&mut self, class: u16) {
        let base = self.mapper(class).base.map(|base| self.mapper(base).rows);
        let rows = self.spec(class).said.rows.over(base.unwrap_or_default());
        self.mapper_mut(class).rows = rows;
        let mapper = self.mapper(class);
        let may_be_null = |attribute: &u16| {
            let AttrKind::Column(def) = &mapper.def.attributes[usize::from(*attribute)].kind else {
                return false;
            };
            let of = mapper.column(*attribute).map(|p| p.columns.as_slice()).unwrap_or_default();
            let not_null = |c: &ColumnRef| {
                !mapper.tables[usize::from(c.table)].columns()[usize::from(c.column)].nullable
            };
            def.nullable && (mapper.selected.is_some() || !of.iter().any(not_null))
        };
        if rows.allow_partial_pks && mapper.primary_key.len() > 1 {
            let parts = mapper.primary_key.iter().zip(0..u32::BITS);
            let bit = |(attribute, at)| if may_be_null(attribute) { 1_u32 << at } else { 0 };
            let nullable = parts.fold(0, |bits, part| bits | bit(part));
            self.mapper_mut(class).nullable_key = nullable;
        }
    }

    fn primary_key(&self, class: u16) -> Result<Vec<u16>, Wrong> {
        let said = &self.spec(class).said.primary_key;
        let mapper = self.mapper(class);
        let table = mapper.tables.last();
        if !said.is_empty() {
            let selection = self.selection(class);
            let is_column = |a: &u16| {
                matches!(self.spec(class).def.attributes[usize::from(*a)].kind, AttrKind::Column(_))
            };
            let find = |name: &String| {
                let by_name = mapper.attribute(name).filter(is_column);
                let by_column = || match selection {
                    Some(selection) => selection.attribute_of(name),
                    None => table.and_then(|t| mapper.attribute_of(t, t.column(name)?)),
                };
                by_name.or_else(by_column).ok_or_else(|| {
                    let names = mapper.columns.iter().map(|a| &*mapper.property(*a).name);
                    let near = did_you_mean(name, names);
                    format!("its primary key `{name}` is not an attribute with a column{near}")
                })
            };
            let mut wrong = Wrong::default();
            let key = said.iter().filter_map(|name| wrong.note(find(name))).collect();
            return wrong.or(key);
        }
        if let Some(key) = self.key_selected(class) {
            return Ok(key?);
        }
        let Some(table) = table else { return Ok(Vec::new()) };
        if table.primary_key().is_empty() {
            return Err(format!(
                "table `{}` has no primary key: add `#[column(primary_key)]` to the fields that identify an \
                 object, or say `primary_key([…])` where it is mapped by hand",
                table.full_name()
            )
            .into());
        }
        let attribute = |column: &u16| {
            mapper.attribute_of(table, *column).ok_or_else(|| {
                let (name, full) = (&table.columns()[usize::from(*column)].name, table.full_name());
                format!("no attribute stands for the primary key column `{full}.{name}`: add a field for it")
            })
        };
        let mut wrong = Wrong::default();
        let key = table.primary_key().iter().filter_map(|at| wrong.note(attribute(at))).collect();
        wrong.or(key)
    }

    fn version(&mut self, class: u16) {
        let spec = self.spec(class);
        let mapper = self.mapper(class);
        let by_def = |attribute: &u16| match &spec.def.attributes[usize::from(*attribute)].kind {
            AttrKind::Column(def) => def.version,
            _ => false,
        };
        let found = match &spec.said.version {
            None => mapper.columns.iter().copied().find(by_def).or(mapper.version),
            Some(name) => match mapper.attribute(name).filter(|a| mapper.column(*a).is_some()) {
                Some(attribute) => Some(attribute),
                None => {
                    let names = mapper.columns.iter().map(|a| &*mapper.property(*a).name);
                    let near = did_you_mean(name, names);
                    let near = match near.is_empty() {
                        true => "; name an attribute that has one".to_owned(),
                        false => near,
                    };
                    let what =
                        format!("the version counter `{name}` is not a column of the class{near}");
                    self.problem(class, what);
                    return;
                }
            },
        };
        let declared = found.filter(by_def).and_then(|attribute| {
            match &spec.def.attributes[usize::from(attribute)].kind {
                AttrKind::Column(def) => def.version_generator.map(VersionGenerator::from),
                _ => None,
            }
        });
        let generator = spec.said.version_by.clone().or(declared);
        let mapper = self.mapper_mut(class);
        mapper.version = found;
        if let Some(generator) = generator {
            mapper.version_by = generator;
        }
    }

    /// The attributes that a program cannot set.
    fn read_only(&mut self, class: u16) {
        let mapper = self.mapper(class);
        let is_read_only = |attribute: &u16| {
            let columns = mapper.column(*attribute).map_or(&[][..], |of| &of.columns);
            mapper.is_key_copy(*attribute)
                || columns.iter().all(|column| mapper.column_of(*column).is_read_only())
        };
        let read_only = mapper.columns.iter().copied().filter(is_read_only).collect();
        self.mapper_mut(class).read_only = read_only;
    }

    /// The columns without attribute that are given values all the same.
    fn hidden(&mut self, class: u16) {
        let mapper = self.mapper(class);
        let (mut defaults, mut updates) = (Vec::new(), Vec::new());
        for (t, table) in mapper.tables.iter().enumerate() {
            for (c, column) in table.columns().iter().enumerate() {
                if mapper.attribute_of(table, c as u16).is_some()
                    || self.is_of_another(class, table, c)
                {
                    continue;
                }
                if column.client_default.is_some() {
                    defaults.push((t as u16, c as u16));
                }
                if column.on_update.is_some() {
                    updates.push((t as u16, c as u16));
                }
            }
        }
        let mapper = self.mapper_mut(class);
        mapper.hidden_defaults = defaults;
        mapper.hidden_on_updates = updates;
    }

    /// Whether a column without attribute belongs to another class of a hierarchy in one table.
    fn is_of_another(&self, class: u16, table: &aludel_sql::Table, column: usize) -> bool {
        let name = &*table.columns()[column].name;
        self.classes().any(|other| {
            other != class
                && self.shape(other) == Shape::Single
                && self.is_a(other, self.mapper(class).root)
                && !self.is_a(class, other)
                && self.columns_of(other).any(|(c, _)| c == name)
        })
    }
}
