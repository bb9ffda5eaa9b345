//! Properties that hold columns.

use std::sync::Arc;

use aludel_sql::did_you_mean;
use smallvec::SmallVec;

use super::Build;
use super::hierarchy::Shape;
use super::names::no_column;
use crate::instrumentation::{AttrDef, AttrKind, ColumnDef};
use crate::mapping::problems::quoted;
use crate::mapping::{ColumnProperty, ColumnRef, Property, PropertyKind};

impl Build<'_> {
    /// Makes the properties of all classes; relationships are left for later.
    pub(super) fn properties(&mut self) {
        for class in self.classes() {
            self.check_names(class);
            self.inherit(class);
            for attribute in
                self.mapper(class).properties.len()..self.spec(class).def.attributes.len()
            {
                let def = &self.spec(class).def.attributes[attribute];
                let kind = match self.is_broken(class) {
                    true => PropertyKind::Unmapped,
                    false => self.kind(class, attribute as u16, def),
                };
                let name: Arc<str> = def.name.into();
                let declared_by = self.declared_by(class, attribute as u16);
                let mapper = self.mapper_mut(class);
                if !matches!(def.kind, AttrKind::Unregistered) {
                    mapper.by_name.insert(Arc::clone(&name), attribute as u16);
                }
                if matches!(kind, PropertyKind::Column(_)) {
                    mapper.columns.push(attribute as u16);
                }
                mapper.properties.push(Property { name, declared_by, kind });
            }
            self.synonyms(class);
            if !self.is_broken(class) {
                self.composites(class);
                self.equate_keys(class);
                self.check_columns(class);
                self.keys(class);
            }
        }
    }

    /// A subclass has what its base has, except with concrete inheritance.
    fn inherit(&mut self, class: u16) {
        let Some(base) = self.mapper(class).base else { return };
        if self.shape(class) == Shape::Alone {
            return;
        }
        let base = self.mapper(base);
        let (properties, by_name) = (base.properties.clone(), base.by_name.clone());
        let (columns, copies) = (base.columns.clone(), base.key_copies.clone());
        let mapper = self.mapper_mut(class);
        mapper.key_copies = copies;
        mapper.properties = properties;
        mapper.by_name = by_name;
        mapper.columns = columns;
    }

    fn declared_by(&self, class: u16, attribute: u16) -> u16 {
        match self.mapper(class).base {
            Some(base) if attribute < self.own_attributes(class).start => {
                self.mapper(base).property(attribute).declared_by
            }
            _ => class,
        }
    }

    /// Names that occur twice, and names that were said and do not exist.
    fn check_names(&mut self, class: u16) {
        let spec = self.spec(class);
        let names: Vec<&str> = spec.def.attributes.iter().map(|a| a.name).collect();
        for at in self.own_attributes(class) {
            let name = names[usize::from(at)];
            if names[..usize::from(at)].contains(&name) {
                let what = match self.mapper(class).base {
                    Some(_) => "the class has (or inherits) an attribute of this name already",
                    None => "the class has an attribute of this name already",
                };
                self.attribute_problem(class, name, what);
            }
        }
        for (name, what) in &spec.said.wrong {
            self.attribute_problem(class, name, what);
        }
        for (name, _) in &spec.said.properties {
            let found = spec.def.attributes.iter().find(|a| a.name == name);
            match found.map(|a| &a.kind) {
                Some(AttrKind::Column(_)) => {}
                Some(_) => self.attribute_problem(class, name, "it does not hold a column"),
                None => {
                    let near = did_you_mean(name, names.iter().copied());
                    self.attribute_problem(
                        class,
                        name,
                        format!("there is no such attribute{near}"),
                    );
                }
            }
        }
        if self.is_broken(class) {
            return;
        }
        for name in spec.said.include.iter().flatten().chain(&spec.said.exclude) {
            let tables = &self.mapper(class).tables;
            let selected = self.selection(class).map(|s| s.names()).into_iter().flatten();
            let all = tables.iter().flat_map(|t| t.columns()).map(|c| &*c.name);
            let known: Vec<&str> = all.chain(selected).collect();
            let qualified = name.rsplit_once('.').is_some_and(|(table, column)| {
                let tables = tables.iter().any(|t| t.full_name() == table);
                known.contains(&column) && (tables || self.selection(class).is_some())
            });
            if !names.contains(&name.as_str()) && !known.contains(&name.as_str()) && !qualified {
                let full = tables.iter().flat_map(|t| {
                    t.columns().iter().map(|c| format!("{}.{}", t.full_name(), c.name))
                });
                let full: Vec<String> = full.filter(|_| name.contains('.')).collect();
                let all =
                    names.iter().chain(&known).copied().chain(full.iter().map(String::as_str));
                let near = did_you_mean(name, all);
                self.problem(
                    class,
                    format!("`{name}` is to be included or excluded, but is no attribute or column{near}"),
                );
            }
        }
    }

    fn kind(&mut self, class: u16, attribute: u16, def: &'static AttrDef) -> PropertyKind {
        match &def.kind {
            AttrKind::Column(column) if self.selection(class).is_some() => {
                self.kind_selected(class, attribute, column).unwrap_or(PropertyKind::Unmapped)
            }
            AttrKind::Column(column) => match self.column_property(class, def.name, column) {
                Ok(Some(property)) => PropertyKind::Column(property),
                Ok(None) => PropertyKind::Unmapped,
                Err(what) => {
                    self.attribute_problem(class, def.name, what);
                    PropertyKind::Unmapped
                }
            },
            AttrKind::Expression(expression) => PropertyKind::Expression {
                node: expression.expression.call(),
                deferred: expression.deferred,
            },
            AttrKind::Composite(_) => PropertyKind::Composite {
                attributes: self.spec(class).def.columns_of_composite(attribute).collect(),
            },
            AttrKind::Relationship(_) | AttrKind::Plain | AttrKind::Unregistered => {
                PropertyKind::Unmapped
            }
        }
    }

    /// The column, or the columns, of an attribute; none where the mapping leaves it out.
    fn column_property(
        &self,
        class: u16,
        attribute: &'static str,
        def: &'static ColumnDef,
    ) -> Result<Option<ColumnProperty>, String> {
        let names = self.names_of(class, attribute, def);
        if self.is_left_out(class, attribute, &names) {
            return Ok(None);
        }
        let columns = names.iter().map(|name| self.find_column(class, name));
        let mut columns: SmallVec<[ColumnRef; 1]> = columns.collect::<Result<_, _>>()?;
        columns.sort_by_key(|at| (at.table, at.column));
        columns.dedup();
        Ok(Some(ColumnProperty {
            columns,
            deferred: def.deferred,
            group: def.group.map(Into::into),
            active_history: self.has_active_history(class, attribute, def),
            json_paths: def.json_paths,
        }))
    }

    /// Whether the old value is to be known.
    pub(super) fn has_active_history(&self, class: u16, attribute: &str, def: &ColumnDef) -> bool {
        let said = &self.spec(class).said.active_history;
        def.active_history || def.primary_key || said.iter().any(|name| name == attribute)
    }

    /// A column by its name in the class's own table, or by `table.name` in any of its tables.
    fn find_column(&self, class: u16, name: &str) -> Result<ColumnRef, String> {
        let tables = &self.mapper(class).tables;
        let own = tables.len() - 1;
        let (at, column) = match name.rsplit_once('.') {
            None => (own, name),
            Some((table, column)) => match tables.iter().position(|t| t.full_name() == table) {
                Some(at) => (at, column),
                None => {
                    let there = quoted(tables.iter().map(|t| t.full_name()));
                    return Err(format!(
                        "`{name}`: the class is not mapped to a table `{table}`, but to {there}"
                    ));
                }
            },
        };
        match tables[at].column(column) {
            Some(position) => Ok(ColumnRef { table: at as u16, column: position }),
            None => Err(no_column(&tables[at], column)),
        }
    }

    /// A composite is mapped as a whole, or left out as a whole.
    fn composites(&mut self, class: u16) {
        let mapper = self.mapper(class);
        let is_left_out = |a: &u16| matches!(mapper.property(*a).kind, PropertyKind::Unmapped);
        let mut left_out = Vec::new();
        let mut torn = Vec::new();
        for at in self.own_attributes(class) {
            let property = mapper.property(at);
            let PropertyKind::Composite { attributes } = &property.kind else { continue };
            match attributes.iter().find(|a| is_left_out(a)) {
                None => {}
                Some(_) if attributes.iter().all(is_left_out) => left_out.push(at),
                Some(part) => torn.push((
                    Arc::clone(&property.name),
                    format!("its part `{}` is not mapped", mapper.property(*part).name),
                )),
            }
        }
        for at in left_out {
            self.mapper_mut(class).properties[usize::from(at)].kind = PropertyKind::Unmapped;
        }
        for (name, what) in torn {
            self.attribute_problem(class, &name, what);
        }
    }
}
