//! INSERT.

use super::{ColumnKey, Query, complain};
use crate::expr::{Expr, IntoExpr, IntoNode, IntoNodes};
use crate::tree::Node;
use crate::{Error, ErrorKind, Result, Table};

/// An INSERT. Defaults of the program ([`ClientDefault`](crate::ClientDefault)) are not applied: a
/// statement says what it says.
///
/// ```
/// use aludel_sql::{Column, Dialect, Insert, Statement, Table};
///
/// let user = Table::build("user")
///     .column(Column::of::<i64>("id").primary_key())
///     .column(Column::of::<String>("name"))
///     .finish()?;
/// let insert = Insert::into(&user).columns(["id", "name"]).row((1, "sandy")).row((2, "patrick"));
/// assert_eq!(
///     &*Statement::from(insert).render(&Dialect::postgres())?.sql,
///     r#"INSERT INTO "user" ("id", "name") VALUES ($1, $2), ($3, $4)"#
/// );
/// # Ok::<(), aludel_sql::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Insert {
    /// The table.
    pub table: Table,
    /// The columns that are given.
    pub columns: Vec<u16>,
    /// The values.
    pub values: InsertValues,
    /// What happens where the row is there already.
    pub on_conflict: Option<OnConflict>,
    /// RETURNING.
    pub returning: Vec<Node>,
    pub(crate) wrong: Vec<String>,
}

/// The values of an INSERT.
#[derive(Clone, Debug)]
pub enum InsertValues {
    /// Rows of values. No rows, and no columns: one row of defaults.
    Rows(Vec<Vec<Node>>),
    /// The rows of a query.
    Query(Query),
    /// Any number of rows, by arrays. Only PostgreSQL has them.
    Arrays(ArrayRows),
}

/// Rows that come as arrays, one for each of the first columns; they are inserted in the order of the arrays.
#[derive(Clone, Debug, Default)]
pub struct ArrayRows {
    /// The arrays, as values with the type of an element.
    pub arrays: Vec<Node>,
    /// What the other columns get, in every row.
    pub rest: Vec<Node>,
    /// Columns by which what comes back is matched with the rows: before it comes the row's number, counted from one,
    /// or NULL where there is no such row.
    pub matched: Vec<u16>,
}

/// What happens where the row is there already.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OnConflict {
    /// The columns that must be unique; any constraint, if empty. MySQL takes any constraint.
    pub target: Vec<u16>,
    /// What happens.
    pub action: ConflictAction,
}

/// What is done about a row that is there already.
#[derive(Clone, Debug)]
pub enum ConflictAction {
    /// The new row is left out.
    Nothing,
    /// The row that is there is changed.
    Update {
        /// What is set.
        set: Vec<(u16, Node)>,
        /// Only if all of these hold.
        filter: Vec<Node>,
    },
}

/// In ON CONFLICT: the value that would have been inserted.
///
/// # Errors
/// [`ErrorKind::Argument`] if the table has no such column.
pub fn excluded<T>(table: &Table, column: impl ColumnKey) -> Result<Expr<T>> {
    let column = column.position(table)?;
    Ok(Expr::from_node(Node::Excluded(table.clone(), column)))
}

impl Insert {
    /// An INSERT of a row of defaults, until columns are given.
    pub fn into(table: &Table) -> Self {
        Self {
            table: table.clone(),
            columns: Vec::new(),
            values: InsertValues::Rows(Vec::new()),
            on_conflict: None,
            returning: Vec::new(),
            wrong: Vec::new(),
        }
    }

    fn find(&mut self, column: impl ColumnKey) -> u16 {
        column.position(&self.table).unwrap_or_else(|e| {
            self.wrong.push(e.message().to_owned());
            0
        })
    }

    /// The columns of the [`row`](Self::row)s that follow.
    #[must_use]
    pub fn columns<C: ColumnKey>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.columns = columns.into_iter().map(|c| self.find(c)).collect();
        self
    }

    /// Adds a row: a value for each of the columns.
    #[must_use]
    pub fn row(mut self, values: impl IntoNodes) -> Self {
        let row = values.into_nodes();
        if row.len() != self.columns.len() {
            let (n, m) = (row.len(), self.columns.len());
            self.wrong.push(format!("a row has {n} values for {m} columns"));
        }
        match &mut self.values {
            InsertValues::Rows(rows) => rows.push(row),
            InsertValues::Query(_) | InsertValues::Arrays(_) => {
                self.wrong.push("it takes its rows from elsewhere, and has rows of its own".into());
            }
        }
        self
    }

    /// Gives a column of the one row a value.
    #[must_use]
    pub fn set(mut self, column: impl ColumnKey, value: impl IntoNode) -> Self {
        let column = self.find(column);
        self.columns.push(column);
        match &mut self.values {
            InsertValues::Rows(rows) if rows.len() <= 1 => {
                if rows.is_empty() {
                    rows.push(Vec::new());
                }
                rows[0].push(value.into_node());
            }
            _ => self.wrong.push("a value is set, but it has not one row".into()),
        }
        self
    }

    /// Takes the rows from a query.
    #[must_use]
    pub fn from_select(mut self, query: impl Into<Query>) -> Self {
        self.values = InsertValues::Query(query.into());
        self
    }

    /// Leaves out rows that are there already, by these columns or (if there are none) by any
    /// constraint.
    #[must_use]
    pub fn on_conflict_do_nothing<C: ColumnKey>(
        mut self,
        target: impl IntoIterator<Item = C>,
    ) -> Self {
        let target = target.into_iter().map(|c| self.find(c)).collect();
        self.on_conflict = Some(OnConflict { target, action: ConflictAction::Nothing });
        self
    }

    /// Changes rows that are there already, by these columns; what is set follows with
    /// [`conflict_set`](Self::conflict_set).
    #[must_use]
    pub fn on_conflict_do_update<C: ColumnKey>(
        mut self,
        target: impl IntoIterator<Item = C>,
    ) -> Self {
        let target = target.into_iter().map(|c| self.find(c)).collect();
        let action = ConflictAction::Update { set: Vec::new(), filter: Vec::new() };
        self.on_conflict = Some(OnConflict { target, action });
        self
    }

    /// What is set in a row that is there already; see [`excluded`].
    #[must_use]
    pub fn conflict_set(mut self, column: impl ColumnKey, value: impl IntoNode) -> Self {
        let column = self.find(column);
        match self.on_conflict.as_mut().map(|c| &mut c.action) {
            Some(ConflictAction::Update { set, .. }) => set.push((column, value.into_node())),
            _ => self.wrong.push("`conflict_set` comes without `on_conflict_do_update`".into()),
        }
        self
    }

    /// Changes a row that is there already only if this holds.
    #[must_use]
    pub fn conflict_filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        match self.on_conflict.as_mut().map(|c| &mut c.action) {
            Some(ConflictAction::Update { filter, .. }) => filter.push(condition.into_node()),
            _ => self.wrong.push("`conflict_filter` comes without `on_conflict_do_update`".into()),
        }
        self
    }

    /// Gives back these of each row.
    #[must_use]
    pub fn returning(mut self, columns: impl IntoNodes) -> Self {
        self.returning.extend(columns.into_nodes());
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        complain(&self.wrong, &format!("INSERT INTO `{}`", self.table.full_name()))?;
        if let InsertValues::Rows(rows) = &self.values
            && rows.is_empty()
            && !self.columns.is_empty()
        {
            let message = format!("INSERT INTO `{}` has no rows", self.table.full_name());
            return Err(Error::new(ErrorKind::Argument, message));
        }
        Ok(())
    }
}
