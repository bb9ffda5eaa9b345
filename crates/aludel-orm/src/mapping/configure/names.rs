//! Columns by the names that users give them.

use aludel_sql::{Table, did_you_mean};

use super::Build;
use crate::mapping::Mapper;

/// A column of a table.
pub(super) type TableColumn = (Table, u16);

impl Build<'_> {
    /// A column by its name, or by that of its attribute, in one of the mapper's tables; the own table
    /// first.
    pub(super) fn column_of(&self, mapper: &Mapper, name: &str) -> Option<TableColumn> {
        let by_column = mapper.tables.iter().rev().find_map(|t| Some((t.clone(), t.column(name)?)));
        by_column.or_else(|| self.attribute_column(mapper, name))
    }

    fn attribute_column(&self, mapper: &Mapper, name: &str) -> Option<TableColumn> {
        let column = mapper.column(mapper.attribute(name)?)?;
        let at = *column.columns.last()?;
        Some((mapper.table_of(at).clone(), at.column))
    }

    /// All columns that a name means: `column` (or `attribute`) of one of the mappers, `table.column`,
    /// or `Class.attribute`.
    ///
    /// # Errors
    ///
    /// What is wrong with the name.
    pub(super) fn columns_named(
        &self,
        name: &str,
        mappers: &[&Mapper],
    ) -> Result<Vec<TableColumn>, String> {
        if let Some((of, column)) = name.rsplit_once('.') {
            if let Some(table) = self.tables.get(of) {
                return match table.column(column) {
                    Some(at) => Ok(vec![(table.clone(), at)]),
                    None => Err(no_column(table, column)),
                };
            }
            if let Some(mapper) = self.mappers.iter().find(|m| &*m.name == of) {
                return self.column_of(mapper, column).map(|c| vec![c]).ok_or_else(|| {
                    let near = did_you_mean(column, column_names(mapper));
                    format!("class `{of}` has no column `{column}`{near}")
                });
            }
            let classes = self.mappers.iter().map(|m| &*m.name);
            let near = did_you_mean(of, self.tables.names().chain(classes));
            return Err(format!("`{name}`: there is no table `{of}`{near}"));
        }
        let mut found = Vec::new();
        for mapper in mappers {
            if let Some(column) = self.column_of(mapper, name)
                && !found.contains(&column)
            {
                found.push(column);
            }
        }
        if found.is_empty() {
            let near = did_you_mean(name, mappers.iter().flat_map(|m| column_names(m)));
            let mut classes: Vec<&str> = mappers.iter().map(|m| &*m.name).collect();
            classes.dedup();
            let classes = crate::mapping::problems::quoted(classes);
            return Err(format!("there is no column `{name}` in {classes}{near}"));
        }
        Ok(found)
    }
}

/// The names of a mapper's columns and attributes.
fn column_names(mapper: &Mapper) -> impl Iterator<Item = &str> {
    let columns = mapper.tables.iter().flat_map(|t| t.columns()).map(|c| &*c.name);
    columns.chain(mapper.columns.iter().map(|a| &*mapper.property(*a).name))
}

/// That a table lacks a column.
pub(super) fn no_column(table: &Table, column: &str) -> String {
    let near = did_you_mean(column, table.columns().iter().map(|c| &*c.name));
    format!("table `{}` has no column `{column}`{near}", table.full_name())
}
