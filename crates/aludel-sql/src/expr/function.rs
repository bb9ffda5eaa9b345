//! Functions, aggregates and window functions.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::{Expr, IntoExpr, IntoNode, IntoNodes};
use crate::tree::{Function, Node, Window};
use crate::{ColumnType, DataType};

/// A call of a function: an expression, to which aggregates and window functions can add.
#[derive(Clone, Debug)]
#[must_use]
pub struct Func<T> {
    call: Function,
    coerce: Option<DataType>,
    of: PhantomData<fn() -> T>,
}

/// A function by its name, with any expressions or values as arguments.
///
/// The name may consist of letters, digits, `_` and `.`; another one is an error when the statement
/// is rendered. It is written as it is, with a few exceptions: `length`, `now` and `random` are
/// what the database calls them.
///
/// ```
/// use aludel_sql::{Column, Selectable, Table, func};
/// # let t = Table::build("t").column(Column::of::<String>("name")).finish()?;
/// let initial = func::<String>("substr", (t.col::<String>("name"), 1, 1));
/// # Ok::<(), aludel_sql::Error>(())
/// ```
pub fn func<T: ColumnType>(name: impl Into<Cow<'static, str>>, args: impl IntoNodes) -> Func<T> {
    Func::new(name, args.into_nodes(), Some(T::TYPE))
}

/// `count(*)`.
pub fn count_star() -> Func<i64> {
    Func::new("count", vec![Node::Star], Some(DataType::BigInt))
}

/// The time at which the transaction began, or the statement, as the database has it.
pub fn now<T: ColumnType>() -> Func<T> {
    Func::new("now", Vec::new(), Some(T::TYPE))
}

impl<T> Func<T> {
    pub(super) fn new(
        name: impl Into<Cow<'static, str>>,
        args: Vec<Node>,
        data_type: Option<DataType>,
    ) -> Self {
        let (name, distinct, filter, over) = (name.into(), false, None, None);
        let call = Function { name, args, data_type, distinct, filter, over };
        Self { call, coerce: None, of: PhantomData }
    }

    /// The result is to be of a type, which some databases must be told.
    pub(super) fn coerced(mut self, data_type: DataType) -> Self {
        self.coerce = Some(data_type);
        self
    }

    pub(super) fn retyped<U>(self) -> Func<U> {
        Func { call: self.call, coerce: self.coerce, of: PhantomData }
    }

    /// Of an aggregate: of values that are different only.
    pub fn distinct(mut self) -> Self {
        self.call.distinct = true;
        self
    }

    /// Of an aggregate: of rows that meet a condition only. Conditions add up.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        let both = self.call.filter.take().into_iter().chain([condition.into_node()]);
        self.call.filter = Some(Node::and(both));
        self
    }

    /// Over a window of rows: begun with `Over::new()`.
    pub fn over(mut self, window: Over) -> Self {
        self.call.over = Some(window.0);
        self
    }

    /// The expression.
    pub fn expr(self) -> Expr<T> {
        Expr::from_node(self.into_node())
    }
}

impl<T> IntoNode for Func<T> {
    fn into_node(self) -> Node {
        let call = Node::Function(Box::new(self.call));
        match self.coerce {
            Some(data_type) => Node::Coerce(Box::new(call), data_type),
            None => call,
        }
    }
}

/// The window of a window function.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Over(Window);

impl Over {
    /// All rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows that are equal in these.
    pub fn partition_by(mut self, by: impl IntoNodes) -> Self {
        self.0.partition_by.extend(by.into_nodes());
        self
    }

    /// In this order.
    pub fn order_by(mut self, by: impl IntoNodes) -> Self {
        self.0.order_by.extend(by.into_nodes());
        self
    }
}
