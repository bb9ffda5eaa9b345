//! What the options of a class say together.

use crate::errors::Errors;
use crate::model::{Class, Kind};

impl Class {
    /// What is said of a table needs one.
    pub(crate) fn check_table(&mut self, errors: &mut Errors) {
        if self.options.table.is_some() {
            return;
        }
        let said = [
            (self.options.view, "view"),
            (self.options.extend_existing, "extend_existing"),
            (self.options.schema.is_some(), "schema"),
        ];
        for (_, name) in said.into_iter().filter(|(said, _)| *said) {
            let what = format!("`{name}` is said of a table: write `table = \"…\"` as well");
            errors.at(&self.ident, what);
        }
    }

    /// Each column is there once, and what makes versions is of the version counter.
    pub(crate) fn check_columns(&self, errors: &mut Errors) {
        let mut seen: Vec<String> = Vec::new();
        for field in &self.fields {
            let Kind::Column(column) = &field.kind else { continue };
            if let Some(generator) = column.version_generator.as_ref().filter(|_| !column.version) {
                errors.at(generator, "it makes the versions of a row: write `version` beside it");
            }
            // What else a class is mapped to may have the names of several tables.
            let Some(name) = field.column_name().filter(|_| self.options.source.is_none()) else {
                continue;
            };
            if seen.contains(&name) {
                let what = format!(
                    "two attributes are of the column `{name}`: give one of them another, or make a synonym of it, \
                     `#[mapped(synonym = …)]` on the other"
                );
                match &column.name {
                    Some(at) => errors.at(at, what),
                    None => errors.at(&field.ident, what),
                }
            }
            seen.push(name);
        }
    }
}
