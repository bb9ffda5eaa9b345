//! Classes that are mapped to something else than a table.

use std::sync::Arc;

use aludel_sql::{FromItem, Table};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::Build;
use super::hierarchy::Shape;
use super::table_builder::column_name;
use super::tables::Tables;
use crate::instrumentation::{AttrKind, ClassKey, ColumnDef};
use crate::loading::Resolver;
use crate::mapping::builder::ClassSpec;
use crate::mapping::selected::{At, Columns, Selected};
use crate::mapping::source::{TableSource, only_joins};
use crate::mapping::{ColumnProperty, ColumnRef, Mappers, PropertyKind};

/// What classes are mapped to, where that is no table: by number, with what is wrong with it.
pub(super) type Sources = HashMap<u16, Result<FromItem, String>>;

/// A class that is mapped to something else than a table.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    columns: Columns,
    pub(super) selected: Arc<Selected>,
    /// The attributes, with the columns that they stand for.
    mapped: Vec<(u16, SmallVec<[At; 2]>)>,
}

/// What classes are mapped to that are mapped to something else than a table. What is made of other classes is
/// resolved with the mappers of those, which are made for that alone.
pub(super) fn sources(
    specs: &[Arc<ClassSpec>],
    before: &Mappers,
    tables: &mut Tables,
    changed: &[ClassKey],
) -> Sources {
    let mut sources = Sources::new();
    let mut waiting: Vec<u16> = Vec::new();
    for (class, spec) in (0..).zip(specs) {
        match &spec.said.table {
            Some(TableSource::From(item)) if spec.needs().is_empty() => {
                sources.insert(class, Ok(item.clone()));
            }
            Some(TableSource::From(_) | TableSource::Classes(_)) => waiting.push(class),
            _ => {}
        }
    }
    while !waiting.is_empty() {
        let mut build = Build::new(specs, before, std::mem::take(tables), changed, sources);
        build.steps();
        let Built { mappers, by_type, tables: made, sources: so_far } = build.into_parts();
        (*tables, sources) = (made, so_far);
        let mappers = Mappers { list: mappers, by_type, ..Mappers::default() };
        let ready = |class: &u16| {
            let needs = specs[usize::from(*class)].needs();
            let mut needs = needs.iter().map(|def| mappers.by_type.get(&def.key()));
            needs.all(|needed| needed.is_some_and(|needed| !waiting.contains(needed)))
        };
        let (ready, rest): (Vec<u16>, Vec<u16>) = waiting.iter().partition(|class| ready(class));
        if ready.is_empty() {
            let what = "it is mapped to a query of itself, or of classes that wait for it: name the tables there, or other classes";
            sources.extend(rest.iter().map(|class| (*class, Err(what.to_owned()))));
            return sources;
        }
        for class in ready {
            let source = resolve(&mappers, &specs[usize::from(class)]);
            sources.insert(class, source.map_err(|error| error.message().to_owned()));
        }
        waiting = rest;
    }
    sources
}

/// What was made on the way to what classes are mapped to.
pub(super) struct Built {
    pub(super) mappers: Vec<Arc<crate::mapping::Mapper>>,
    pub(super) by_type: HashMap<ClassKey, u16>,
    pub(super) tables: Tables,
    pub(super) sources: Sources,
}

/// What a class is mapped to, as tables.
fn resolve(mappers: &Mappers, spec: &ClassSpec) -> crate::Result<FromItem> {
    let mut resolver = Resolver::new(mappers);
    match &spec.said.table {
        Some(TableSource::From(item)) => Ok(item.rewrite(&mut resolver)?),
        Some(TableSource::Classes(query)) => {
            only_joins(query)
                .map_err(|what| crate::Error::new(crate::ErrorKind::Configuration, what))?;
            resolver.joined_tables(query)
        }
        _ => Err(crate::Error::new(crate::ErrorKind::Configuration, "it is mapped to a table")),
    }
}

impl Build<'_> {
    /// The tables of a class that is mapped to something else than a table; `None` where it is mapped to one.
    pub(super) fn tables_selected(&mut self, class: u16) -> Result<Option<Vec<Table>>, String> {
        let Some(source) = self.sources.get(&class) else { return Ok(None) };
        if self.shape(class) != Shape::Alone {
            return Err("a subclass is mapped to a table, or to that of its base".to_owned());
        }
        let columns = Columns::of(source.clone()?);
        let mut selection =
            Selection { selected: Arc::new(columns.selected(&[])), columns, mapped: Vec::new() };
        let spec = self.spec(class);
        let mut wrong = Vec::new();
        for (attribute, def) in (0..).zip(spec.def.attributes) {
            let AttrKind::Column(column) = &def.kind else { continue };
            let names = self.names_of(class, def.name, column);
            if self.is_left_out(class, def.name, &names) {
                continue;
            }
            let found: Result<SmallVec<[At; 2]>, String> =
                names.iter().map(|name| selection.columns.find(name)).collect();
            match found {
                Ok(found) => selection.mapped.push((attribute, found)),
                Err(what) => wrong.push((def.name, what)),
            }
        }
        for (name, what) in wrong {
            self.attribute_problem(class, name, what);
        }
        selection.equate();
        let all: Vec<At> =
            selection.mapped.iter().flat_map(|(_, columns)| columns.clone()).collect();
        let selected = selection.columns.selected(&all);
        let tables: Vec<Table> = selected.shows.iter().map(|(table, _)| table.clone()).collect();
        for table in &tables {
            if self.tables.get(table.full_name()) != Some(table) {
                self.tables.take(table)?;
            }
        }
        selection.selected = Arc::new(selected);
        self.mapper_mut(class).selected = Some(Arc::clone(&selection.selected));
        self.selections.insert(class, selection);
        Ok(Some(tables))
    }

    /// What a class is mapped to, where it is no table; also of a class in the tables of its base.
    pub(super) fn selection(&self, class: u16) -> Option<&Selection> {
        self.selections.get(&self.keeper(class))
    }

    /// The column names that are said of an attribute.
    pub(super) fn names_of(
        &self,
        class: u16,
        attribute: &'static str,
        def: &'static ColumnDef,
    ) -> Vec<&str> {
        let spec = self.spec(class);
        let given = spec.said.properties.iter().find(|(name, _)| name == attribute);
        match given {
            Some((_, names)) => names.iter().map(String::as_str).collect(),
            None => {
                let own = column_name(spec, attribute, def);
                std::iter::once(own).chain(def.equal_to.iter().copied()).collect()
            }
        }
    }

    /// Whether the mapping leaves an attribute out.
    pub(super) fn is_left_out(&self, class: u16, attribute: &str, names: &[&str]) -> bool {
        let said = &self.spec(class).said;
        // `table.name` is said of the class's own table, or of what else it is mapped to.
        let own = self.mapper(class).tables.last().map(Table::full_name);
        let meant = |name: &str| match name.rsplit_once('.') {
            Some((table, column)) => own.is_none_or(|own| own == table) && names.contains(&column),
            None => false,
        };
        let is = |n: &str| n == attribute || names.contains(&n) || meant(n);
        let named = |list: &[String]| list.iter().any(|name| is(name));
        said.include.as_ref().is_some_and(|list| !named(list)) || named(&said.exclude)
    }

    /// An attribute of a class that is mapped to something else than a table.
    pub(super) fn kind_selected(
        &self,
        class: u16,
        attribute: u16,
        def: &'static ColumnDef,
    ) -> Option<PropertyKind> {
        let selection = self.selection(class)?;
        let own = self.selections.contains_key(&class);
        let name = self.spec(class).def.attributes[usize::from(attribute)].name;
        let columns: SmallVec<[At; 2]> =
            match selection.mapped.iter().find(|(a, _)| own && *a == attribute) {
                Some((_, columns)) => columns.clone(),
                None if own => return Some(PropertyKind::Unmapped),
                None => {
                    let names = self.names_of(class, name, def);
                    names
                        .iter()
                        .map(|name| selection.columns.find(name))
                        .collect::<Result<_, _>>()
                        .ok()?
                }
            };
        let mut written: SmallVec<[ColumnRef; 1]> = SmallVec::new();
        for at in &columns {
            for (table, (shown, source)) in (0..).zip(&selection.selected.shows) {
                if source == selection.columns.source(*at)
                    && let Some(column) = selection.columns.shown(*at, shown)
                {
                    written.push(ColumnRef { table, column });
                }
            }
        }
        written.sort_by_key(|at| (at.table, at.column));
        written.dedup();
        if written.is_empty() {
            let node = selection.columns.node(*columns.first()?);
            return Some(PropertyKind::Expression { node, deferred: def.deferred });
        }
        Some(PropertyKind::Column(ColumnProperty {
            columns: written,
            deferred: def.deferred,
            group: def.group.map(Into::into),
            active_history: self.has_active_history(class, name, def),
            json_paths: def.json_paths,
        }))
    }

    /// The primary key of a class that is mapped to something else than a table: what the class says, or what the
    /// tables' keys tell.
    pub(super) fn key_selected(&self, class: u16) -> Option<Result<Vec<u16>, String>> {
        let selection = self.selections.get(&class)?;
        let attributes = (0..).zip(self.spec(class).def.attributes);
        let marked = |(at, def): (u16, &crate::instrumentation::AttrDef)| match &def.kind {
            AttrKind::Column(column) if column.primary_key => Some(at),
            _ => None,
        };
        let marked: Vec<u16> = attributes.filter_map(marked).collect();
        if !marked.is_empty() {
            return Some(Ok(marked));
        }
        let key = selection.columns.primary_key();
        if key.is_empty() {
            return Some(Err(
                "nothing that it is mapped to has a primary key: say which attributes identify an \
                             object, by `#[column(primary_key)]` or `primary_key([…])`"
                    .to_owned(),
            ));
        }
        let attribute = |at: At| {
            let equal = selection.columns.equals(at);
            let stands = |(_, columns): &&(u16, SmallVec<[At; 2]>)| {
                columns.iter().any(|c| equal.contains(c))
            };
            let found = selection.mapped.iter().find(stands).map(|(attribute, _)| *attribute);
            found.ok_or_else(|| {
                let name = selection.columns.qualified(at);
                format!(
                    "no attribute stands for the primary key column `{name}`: add a field for it, or say which \
                     attributes identify an object, by `#[column(primary_key)]` or `primary_key([…])`"
                )
            })
        };
        Some(key.into_iter().map(attribute).collect())
    }
}

impl Selection {
    /// The attribute of a column, by the column's name.
    pub(super) fn attribute_of(&self, name: &str) -> Option<u16> {
        let at = self.columns.find(name).ok()?;
        let found = self.mapped.iter().find(|(_, columns)| columns.contains(&at));
        found.map(|(attribute, _)| *attribute)
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.names()
    }

    /// Columns of which nothing was said belong to the attribute of a column that a join makes equal to them.
    fn equate(&mut self) {
        let taken: Vec<At> = self.mapped.iter().flat_map(|(_, columns)| columns.clone()).collect();
        for (_, columns) in &mut self.mapped {
            let mut equal: Vec<At> = Vec::new();
            for at in columns.iter() {
                equal.extend(self.columns.equals(*at).into_iter().filter(|at| !taken.contains(at)));
            }
            for at in equal {
                if !columns.contains(&at) {
                    columns.push(at);
                }
            }
        }
    }
}
