//! The tables of the classes: those made by hand, and those made from descriptions.

use std::sync::Arc;

use aludel_sql::{MetaData, Table, did_you_mean};
use hashbrown::{HashMap, HashSet};

use super::Build;
use super::hierarchy::Shape;
use crate::instrumentation::ClassDef;
use crate::mapping::Mapper;
use crate::mapping::TableSource;
use crate::mapping::problems::Wrong;

/// The tables made for a registry's classes, by name, with what they were made from. A table is made
/// again only when that has changed.
#[derive(Clone, Debug, Default)]
pub(in crate::mapping) struct Made(HashMap<String, (Recipe, Table)>);

/// What a table was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipe {
    /// A class, and the subclasses that have no table of their own.
    Classes(Vec<u16>),
    /// An association: the columns.
    Association(Vec<String>),
}

/// The tables while mappers are made.
#[derive(Default)]
pub(super) struct Tables {
    by_hand: MetaData,
    made: Made,
}

impl Tables {
    pub(super) fn new(by_hand: &MetaData, made: &Made) -> Self {
        Self { by_hand: by_hand.clone(), made: made.clone() }
    }

    /// The tables made by hand.
    pub(super) fn by_hand(&self) -> &MetaData {
        &self.by_hand
    }

    pub(super) fn get(&self, name: &str) -> Option<&Table> {
        self.by_hand.get(name).or_else(|| self.made.0.get(name).map(|(_, table)| table))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_hand.iter().map(Table::full_name).chain(self.made.0.keys().map(String::as_str))
    }

    /// Keeps a table given by hand with its class.
    pub(super) fn take(&mut self, table: &Table) -> Result<(), String> {
        self.by_hand.add(table.clone()).map_err(|e| e.message().to_owned())
    }

    /// The class that a table was made for.
    fn owner(&self, name: &str) -> Option<u16> {
        match &self.made.0.get(name)?.0 {
            Recipe::Classes(classes) => classes.first().copied(),
            Recipe::Association(_) => None,
        }
    }

    /// The table that was made before from the same recipe.
    pub(super) fn reuse(&self, name: &str, recipe: &Recipe) -> Option<Table> {
        let (before, table) = self.made.0.get(name)?;
        (before == recipe).then(|| table.clone())
    }

    /// Keeps a table that was made from a recipe.
    pub(super) fn keep(&mut self, name: &str, recipe: Recipe, table: &Table) {
        self.made.0.insert(name.to_owned(), (recipe, table.clone()));
    }

    pub(super) fn into_parts(self) -> (MetaData, Made) {
        (self.by_hand, self.made)
    }
}

/// The name of the table that a class's derive says, with its schema.
pub(super) fn table_name(def: &ClassDef) -> Option<String> {
    let name = def.table?;
    Some(match def.schema {
        Some(schema) => format!("{schema}.{name}"),
        None => name.to_owned(),
    })
}

/// Every table of every mapper, and the association tables.
pub(super) fn of_mappers(mappers: &[Arc<Mapper>]) -> Vec<Table> {
    let tables = mappers.iter().flat_map(|mapper| &mapper.tables);
    let relationships = mappers.iter().flat_map(|mapper| mapper.relationships());
    let secondary = relationships.filter_map(|r| r.secondary.as_ref()).map(|s| &s.table);
    let mut seen = HashSet::new();
    tables.chain(secondary).filter(|table| seen.insert(table.id())).cloned().collect()
}

impl Build<'_> {
    /// Finds or makes the tables of all classes.
    pub(super) fn tables(&mut self) {
        for class in self.classes() {
            if self.mapper(class).base.is_some_and(|base| self.is_broken(base)) {
                self.broken[usize::from(class)] = true;
                continue;
            }
            if self.waits(class) {
                self.broken[usize::from(class)] = true;
                continue;
            }
            match self.tables_of(class) {
                Ok(tables) => self.mapper_mut(class).tables = tables,
                Err(wrong) => {
                    wrong.0.iter().for_each(|what| self.problem(class, what));
                    self.broken[usize::from(class)] = true;
                }
            }
        }
        self.tables_of_abstract();
    }

    /// Whether a class is made of others that are not there yet.
    fn waits(&self, class: u16) -> bool {
        let source = &self.spec(class).said.table;
        matches!(source, Some(TableSource::From(_) | TableSource::Classes(_)))
            && !self.sources.contains_key(&class)
    }

    fn tables_of(&mut self, class: u16) -> Result<Vec<Table>, Wrong> {
        if let Some(tables) = self.tables_selected(class)? {
            return Ok(tables);
        }
        if self.is_abstract_concrete(class) {
            return Ok(Vec::new());
        }
        let shape = self.shape(class);
        if let Some(base) = self.mapper(class).base.filter(|_| shape != Shape::Alone)
            && self.is_abstract_concrete(base)
        {
            let base = self.spec(base).def.name;
            return Err(format!(
                "its base class `{base}` is abstract and has no table, so it has its own with all columns: say \
                 `concrete`, and `table = \"…\"`, or give `{base}` a table"
            )
            .into());
        }
        let mut tables = match self.mapper(class).base.filter(|_| shape != Shape::Alone) {
            Some(base) => self.mapper(base).tables.clone(),
            None => Vec::new(),
        };
        if shape != Shape::Single {
            tables.push(self.own_table(class)?);
        }
        if shape != Shape::Alone
            && let Some(selected) =
                self.mapper(class).base.and_then(|b| self.mapper(b).selected.clone())
        {
            let mut selected = (*selected).clone();
            selected.tables.extend(tables.iter().skip(selected.shows.len()).cloned());
            self.mapper_mut(class).selected = Some(Arc::new(selected));
        }
        Ok(tables)
    }

    fn own_table(&mut self, class: u16) -> Result<Table, Wrong> {
        let spec = self.spec(class);
        match &spec.said.table {
            Some(TableSource::Table(table)) => {
                self.tables.take(table)?;
                return Ok(table.clone());
            }
            Some(TableSource::Named(name)) => {
                return self.tables.get(name).cloned().ok_or_else(|| {
                    let near = did_you_mean(name, self.tables.names());
                    let near = match near.is_empty() {
                        true => "; add it with `registry.add_table(…)`".to_owned(),
                        false => near,
                    };
                    format!("there is no table `{name}`{near}").into()
                });
            }
            // It is not mapped to a table.
            Some(TableSource::From(_) | TableSource::Classes(_)) | None => {}
        }
        let Some(name) = table_name(spec.def) else {
            return Err(
                "it has no table: write `#[mapped(table = \"…\")]`, or map it by hand with \
                        `registry.map::<…>()` before it is used"
                    .to_owned()
                    .into(),
            );
        };
        let known = self.tables.owner(&name);
        if let (Some(there), None) = (self.tables.get(&name), known) {
            return Ok(there.clone());
        }
        let owner = self.owner_of_table(class, &name)?;
        if let Some(there) = self.tables.get(&name).cloned()
            && let Some(known) = known.filter(|known| *known != owner)
        {
            return Ok(self.shared_table(class, known, there)?);
        }
        let extending = |at: u16| {
            let spec = self.spec(at);
            spec.said.extend_existing && table_name(spec.def).as_ref() == Some(&name)
        };
        let in_it =
            |at: &u16| *at != owner && (self.keeper(*at) == owner || extending(self.keeper(*at)));
        let classes: Vec<u16> =
            std::iter::once(owner).chain(self.classes().filter(in_it)).collect();
        let recipe = Recipe::Classes(classes.clone());
        let made = match self.tables.reuse(&name, &recipe) {
            Some(table) => table,
            None => {
                let built = self.table_of(&classes, &name)?.finish();
                let table = built.map_err(|e| e.message().to_owned())?;
                self.tables.keep(&name, recipe, &table);
                table
            }
        };
        Ok(made)
    }

    /// The class that a table is made for first: the class itself, or the one whose table it extends.
    fn owner_of_table(&self, class: u16, name: &str) -> Result<u16, String> {
        if !self.spec(class).said.extend_existing {
            return Ok(class);
        }
        let is_owner = |at: &u16| {
            let spec = self.spec(*at);
            let named = table_name(spec.def).is_some_and(|of| of == name);
            named
                && !spec.said.extend_existing
                && spec.said.table.is_none()
                && self.keeper(*at) == *at
        };
        self.classes().find(is_owner).ok_or_else(|| {
            format!(
                "it extends the table `{name}`, and no class has it: leave out `extend_existing`, or register the class \
                 that has the table"
            )
        })
    }

    /// A table that was made for another class can be used if it has the columns.
    fn shared_table(&self, class: u16, owner: u16, there: Table) -> Result<Table, String> {
        let name = there.full_name();
        let lacking: Vec<&str> = self
            .columns_of(class)
            .map(|(column, _)| column)
            .filter(|c| there.column(c).is_none())
            .collect();
        let first = self.spec(owner).def.name;
        if lacking.is_empty() {
            return Ok(there);
        }
        let lacking = crate::mapping::problems::quoted(lacking);
        Err(format!(
            "table `{name}` is that of class `{first}` already, and has no {lacking}: say `extend_existing` for the \
             table to get them, or use another table, another registry, or a table with the columns of both added with \
             `registry.add_table(…)`"
        ))
    }
}
