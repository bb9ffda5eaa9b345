//! DELETE.

use crate::expr::{IntoExpr, IntoNodes};
use crate::tree::{FromItem, Node};
use crate::{Result, Table};

/// A DELETE. Other tables of which columns stand in it are put into USING, where the database has
/// that.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delete {
    /// The table.
    pub table: Table,
    /// USING, as far as it is given.
    pub using: Vec<FromItem>,
    /// WHERE: all must hold.
    pub filter: Vec<Node>,
    /// RETURNING.
    pub returning: Vec<Node>,
}

impl Delete {
    /// A DELETE of all rows, until there is a condition.
    pub fn from(table: &Table) -> Self {
        Self { table: table.clone(), using: Vec::new(), filter: Vec::new(), returning: Vec::new() }
    }

    /// Adds an item to USING.
    #[must_use]
    pub fn using(mut self, item: impl Into<FromItem>) -> Self {
        self.using.push(item.into());
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

    pub(super) fn check(&self) -> Result<()> {
        Ok(())
    }
}
