//! UPDATE.

use super::{ColumnKey, complain};
use crate::expr::{IntoExpr, IntoNode, IntoNodes};
use crate::tree::{FromItem, Node};
use crate::{Error, ErrorKind, Result, Table};

/// An UPDATE. Other tables of which columns stand in it are put into FROM.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Update {
    /// The table.
    pub table: Table,
    /// What is set.
    pub set: Vec<(u16, Node)>,
    /// FROM, as far as it is given.
    pub from: Vec<FromItem>,
    /// WHERE: all must hold.
    pub filter: Vec<Node>,
    /// RETURNING.
    pub returning: Vec<Node>,
    pub(crate) wrong: Vec<String>,
}

impl Update {
    /// An UPDATE of all rows, until there is a condition.
    pub fn table(table: &Table) -> Self {
        Self {
            table: table.clone(),
            set: Vec::new(),
            from: Vec::new(),
            filter: Vec::new(),
            returning: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Sets a column to a value or an expression.
    #[must_use]
    pub fn set(mut self, column: impl ColumnKey, value: impl IntoNode) -> Self {
        match column.position(&self.table) {
            Ok(column) => self.set.push((column, value.into_node())),
            Err(e) => self.wrong.push(e.message().to_owned()),
        }
        self
    }

    /// Adds an item to FROM.
    #[must_use]
    pub fn from(mut self, item: impl Into<FromItem>) -> Self {
        self.from.push(item.into());
        self
    }

    /// Adds a condition to WHERE.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.filter.push(condition.into_node());
        self
    }

    /// Gives back these of each row.
    #[must_use]
    pub fn returning(mut self, columns: impl IntoNodes) -> Self {
        self.returning.extend(columns.into_nodes());
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        complain(&self.wrong, &format!("UPDATE of `{}`", self.table.full_name()))?;
        if self.set.is_empty() {
            let message = format!("UPDATE of `{}` sets nothing", self.table.full_name());
            return Err(Error::new(ErrorKind::Argument, message));
        }
        Ok(())
    }
}
