//! How a column of the statement's table is named.

use crate::expr::Expr;
use crate::tree::Node;
use crate::{Error, ErrorKind, Result, Table};

/// What names a column of the table that an INSERT or UPDATE writes: its name, its position, or
/// itself.
pub trait ColumnKey {
    /// The position in the table.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if the table has no such column.
    fn position(&self, table: &Table) -> Result<u16>;
}

impl ColumnKey for str {
    fn position(&self, table: &Table) -> Result<u16> {
        table.position(self)
    }
}

impl ColumnKey for String {
    fn position(&self, table: &Table) -> Result<u16> {
        table.position(self)
    }
}

impl ColumnKey for u16 {
    fn position(&self, table: &Table) -> Result<u16> {
        if usize::from(*self) < table.columns().len() {
            return Ok(*self);
        }
        let message = format!("table `{}` has no column #{self}", table.full_name());
        Err(Error::new(ErrorKind::Argument, message))
    }
}

impl<T> ColumnKey for Expr<T> {
    fn position(&self, table: &Table) -> Result<u16> {
        match self.node() {
            Node::Column(c) if c.source.id() == table.id() => Ok(c.column),
            _ => {
                let message =
                    format!("the expression is no column of table `{}`", table.full_name());
                Err(Error::new(ErrorKind::Argument, message))
            }
        }
    }
}

impl<K: ColumnKey + ?Sized> ColumnKey for &K {
    fn position(&self, table: &Table) -> Result<u16> {
        (**self).position(table)
    }
}
