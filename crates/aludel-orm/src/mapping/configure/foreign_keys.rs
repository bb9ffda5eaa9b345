//! Whether foreign keys refer to something.

use std::sync::Arc;

use aludel_sql::{MetaData, did_you_mean};

use super::Build;
use super::names::no_column;
use crate::mapping::Mapper;
use crate::mapping::problems::Problems;

impl Build<'_> {
    /// Foreign keys to columns that tables do not have. A foreign key to a table that is not known yet
    /// may be one to a class that is not registered yet; [`check`] is for those.
    pub(super) fn foreign_keys(&mut self) {
        let mut wrong = Vec::new();
        for mapper in &self.mappers {
            for table in &mapper.tables {
                for key in table.foreign_keys() {
                    let Some(target) = self.tables.get(&key.target_table) else { continue };
                    for column in &key.target_columns {
                        if target.column(column).is_none() {
                            let (from, of) = (key.column_names.join(", "), table.full_name());
                            let what = no_column(target, column);
                            wrong.push((
                                mapper.index,
                                format!("foreign key of `{of}.{from}`: {what}"),
                            ));
                        }
                    }
                }
            }
        }
        for (class, what) in wrong {
            self.problem(class, what);
        }
    }
}

/// The foreign keys that refer to a table that does not exist.
pub(in crate::mapping) fn check(mappers: &[Arc<Mapper>], tables: &MetaData) -> Problems {
    let mut problems = Problems::default();
    for table in tables {
        for key in table.foreign_keys() {
            if tables.get(&key.target_table).is_some() {
                continue;
            }
            let (name, to) = (table.full_name(), &key.target_table);
            let columns = key.column_names.join(", ");
            let class = mappers.iter().find(|m| *m.name == **to);
            let near = match class {
                Some(mapper) => {
                    let meant = mapper.local_table().map_or("", |table| table.full_name());
                    format!("; `{to}` is a class, its table is `{meant}`")
                }
                None => {
                    let near = did_you_mean(to, tables.iter().map(|t| t.full_name()));
                    match near.is_empty() {
                        true => {
                            "; register the class that is mapped to it, or add the table".to_owned()
                        }
                        false => near,
                    }
                }
            };
            let what = format!("foreign key of `{name}.{columns}`: there is no table `{to}`{near}");
            let owner = mappers.iter().find(|m| m.tables.contains(table));
            match owner {
                Some(mapper) => problems.class(&mapper.name, what),
                None => problems.add(what),
            }
        }
    }
    problems
}
