//! The collection of tables that belong together.

use hashbrown::HashMap;

use super::{ForeignKey, Table};
use crate::{Error, ErrorKind, Result, did_you_mean};

/// Tables that belong together, by name, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct MetaData {
    tables: Vec<Table>,
    by_name: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
}

impl MetaData {
    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table. The same table may be added again.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is another table of its name.
    pub fn add(&mut self, table: Table) -> Result<()> {
        match self.get(table.full_name()) {
            Some(there) if *there == table => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::Argument,
                format!("there is a table `{}` already; remove it first", table.full_name()),
            )),
            None => {
                self.by_name.insert(table.full_name().into(), self.tables.len());
                self.tables.push(table);
                Ok(())
            }
        }
    }

    /// The table of a name (`schema.name` where it has a schema).
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.by_name.get(name).map(|&i| &self.tables[i])
    }

    /// The table of a name.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is none; it says which one may be meant.
    pub fn table(&self, name: &str) -> Result<&Table> {
        self.get(name).ok_or_else(|| {
            let near = did_you_mean(name, self.by_name.keys().map(|n| &**n));
            Error::new(ErrorKind::Argument, format!("there is no table `{name}`{near}"))
        })
    }

    /// Takes a table out, and gives it.
    pub fn remove(&mut self, name: &str) -> Option<Table> {
        let at = self.by_name.remove(name)?;
        for i in self.by_name.values_mut() {
            *i -= usize::from(*i > at);
        }
        Some(self.tables.remove(at))
    }

    /// The tables, in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Table> {
        self.tables.iter()
    }

    /// How many tables there are.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether there is no table.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The table that a foreign key refers to, and the positions of the target's columns.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is no such table or column; it names both ends and says
    /// which name may be meant.
    pub fn resolve(&self, table: &Table, key: &ForeignKey) -> Result<(&Table, Vec<u16>)> {
        let context = || {
            let columns = key.column_names.join(", ");
            format!("foreign key of `{}` ({columns}) to `{}`", table.full_name(), key.target_table)
        };
        let target = self.table(&key.target_table).map_err(|e| e.context(context()))?;
        let columns = key.target_columns.iter().map(|name| target.position(name));
        let columns = columns.collect::<Result<_>>().map_err(|e| e.context(context()))?;
        Ok((target, columns))
    }
}

impl<'a> IntoIterator for &'a MetaData {
    type Item = &'a Table;
    type IntoIter = std::slice::Iter<'a, Table>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
