//! Joining, with a condition that is given or derived from a foreign key.

use super::{FromItem, Join, JoinKind, Node, Source};
use crate::expr::IntoExpr;
use crate::{Error, ErrorKind, Result};

/// What can be joined: tables, aliases, common table expressions, and joins.
///
/// ```
/// use aludel_sql::{Column, Joinable, Selectable, Table};
///
/// let user = Table::build("user").column(Column::of::<i64>("id").primary_key()).finish()?;
/// let address = Table::build("address")
///     .column(Column::of::<i64>("user_id").references("user.id"))
///     .finish()?;
/// let both = user.join(&address)?; // ON user.id = address.user_id
/// # Ok::<(), aludel_sql::Error>(())
/// ```
pub trait Joinable {
    /// Itself, as an item of FROM.
    fn as_from(&self) -> FromItem;

    /// An inner join on the foreign key between the two.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is no foreign key between them, or several.
    fn join(&self, right: impl Into<FromItem>) -> Result<FromItem> {
        by_key(self.as_from(), right.into(), JoinKind::Inner)
    }

    /// A left join on the foreign key between the two.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is no foreign key between them, or several.
    fn left_join(&self, right: impl Into<FromItem>) -> Result<FromItem> {
        by_key(self.as_from(), right.into(), JoinKind::Left)
    }

    /// A full join on the foreign key between the two.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is no foreign key between them, or several.
    fn full_join(&self, right: impl Into<FromItem>) -> Result<FromItem> {
        by_key(self.as_from(), right.into(), JoinKind::Full)
    }

    /// An inner join.
    fn join_on(&self, right: impl Into<FromItem>, on: impl IntoExpr<bool>) -> FromItem {
        by_condition(self.as_from(), right.into(), JoinKind::Inner, on.into_node())
    }

    /// A left join.
    fn left_join_on(&self, right: impl Into<FromItem>, on: impl IntoExpr<bool>) -> FromItem {
        by_condition(self.as_from(), right.into(), JoinKind::Left, on.into_node())
    }

    /// A full join.
    fn full_join_on(&self, right: impl Into<FromItem>, on: impl IntoExpr<bool>) -> FromItem {
        by_condition(self.as_from(), right.into(), JoinKind::Full, on.into_node())
    }

    /// All pairs.
    fn cross_join(&self, right: impl Into<FromItem>) -> FromItem {
        let (left, right) = (self.as_from(), right.into());
        Join { left, right, kind: JoinKind::Cross, on: None }.into()
    }
}

impl<T> Joinable for T
where
    T: Clone + Into<FromItem>,
{
    fn as_from(&self) -> FromItem {
        self.clone().into()
    }
}

fn by_condition(left: FromItem, right: FromItem, kind: JoinKind, on: Node) -> FromItem {
    Join { left, right, kind, on: Some(on) }.into()
}

fn by_key(left: FromItem, right: FromItem, kind: JoinKind) -> Result<FromItem> {
    let on = join_condition(&left, &right)?;
    Ok(by_condition(left, right, kind, on))
}

/// The condition of a join by the one foreign key that there is between two sides.
pub(crate) fn join_condition(left: &FromItem, right: &FromItem) -> Result<Node> {
    let mut found: Vec<(String, Node)> = Vec::new();
    for l in left.sources() {
        for r in right.sources() {
            keys_between(l, r, &mut found);
            keys_between(r, l, &mut found);
        }
    }
    let names = |from: &FromItem| {
        let names: Vec<String> =
            from.sources().iter().map(|s| format!("`{}`", s.describe())).collect();
        names.join(", ")
    };
    match found.len() {
        1 => Ok(found.remove(0).1),
        0 => Err(Error::new(
            ErrorKind::Argument,
            format!(
                "there is no foreign key between {} and {}: give the condition of the join",
                names(left),
                names(right)
            ),
        )),
        _ => {
            let keys: Vec<String> = found.into_iter().map(|(text, _)| text).collect();
            Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "there are several foreign keys between {} and {} ({}): give the condition \
                     of the join",
                    names(left),
                    names(right),
                    keys.join("; ")
                ),
            ))
        }
    }
}

/// The conditions for the foreign keys from one source to another. (A table that refers to
/// itself, joined with an alias of itself, has its key in both directions: that is several.)
fn keys_between(from: &Source, to: &Source, found: &mut Vec<(String, Node)>) {
    let (Some(table), Some(target)) = (from.table(), to.table()) else { return };
    for key in table.foreign_keys() {
        let Some(positions) = key.target_positions(target) else { continue };
        let pairs = key.columns.iter().zip(positions);
        let on = pairs.map(|(&c, t)| Node::eq(Node::column(from, c), Node::column(to, t)));
        let text = format!(
            "{}.{} -> {}.{}",
            from.describe(),
            key.column_names.join(","),
            to.describe(),
            key.target_columns.join(",")
        );
        found.push((text, Node::and(on)));
    }
}
