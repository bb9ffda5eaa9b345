//! Columns of subclasses that are read along with those of their base, by joining their tables: SQLAlchemy's
//! `with_polymorphic`, of a query and of the objects that an option leads to.

use std::sync::Arc;

use aludel_sql::{Selectable, Source};

use super::options::LoadOption;
use super::resolve::Resolver;
use super::sources::Sources;
use crate::Result;
use crate::instrumentation::ClassDef;
use crate::mapping::Mapper;

/// Whether all tables of a class are there.
pub(super) fn shown(mapper: &Mapper, sources: &Sources) -> bool {
    mapper.tables.iter().all(|table| sources.of(table).is_some())
}

impl Resolver<'_> {
    /// The subclasses whose columns are to be read along with those of a class.
    pub(super) fn classes_along(
        &mut self,
        class: u16,
        said: &[&'static ClassDef],
        options: &[LoadOption],
    ) -> Result<Vec<u16>> {
        let by_options = options.iter().filter_map(|option| match option {
            LoadOption::Along(class) => Some(class),
            _ => None,
        });
        let mut classes = Vec::new();
        for def in said.iter().chain(by_options) {
            let sub = self.class(def)?;
            if sub != class && self.mappers.is_a(sub, class) && !classes.contains(&sub) {
                classes.push(sub);
            }
        }
        Ok(classes)
    }

    /// Those of them whose tables are there.
    pub(super) fn along(
        &mut self,
        sources: &Sources,
        said: &[&'static ClassDef],
        options: &[LoadOption],
    ) -> Result<Vec<u16>> {
        let mut classes = self.classes_along(sources.class, said, options)?;
        classes.retain(|class| shown(self.mappers.at(*class), sources));
        Ok(classes)
    }

    /// What stands for a class, with the tables of subclasses. A concrete one has no table in common with its base.
    pub(super) fn with_along(
        &self,
        mut sources: Arc<Sources>,
        classes: &[u16],
        name: impl Fn(&dyn Fn() -> Source) -> Source,
    ) -> Arc<Sources> {
        let base = &self.mappers.at(sources.class).tables;
        for class in classes {
            let tables = &self.mappers.at(*class).tables;
            if sources.is_union || !tables.starts_with(base) {
                continue;
            }
            for table in tables {
                if sources.of(table).is_none() {
                    let table = (table.clone(), name(&|| table.to_source()));
                    match Arc::get_mut(&mut sources) {
                        Some(sources) => sources.tables.push(table),
                        None => sources = Arc::new(sources.with(table)),
                    }
                }
            }
        }
        sources
    }
}
