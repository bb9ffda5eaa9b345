//! What a class can be mapped to: a table, or anything else that has rows.

use aludel_sql::{Alias, Cte, FromItem, Join, Node, Rewriter, Select as Sql, Table};

use crate::Result;
use crate::instrumentation::entity::AttrLeaf;
use crate::instrumentation::{ClassDef, Mapped};
use crate::loading::{Criterion, Query, QueryNode, Rows, Select, What};

/// What a class is mapped to: a table; or what else has rows, a join, a query, a common table expression, an alias.
///
/// In place of tables, classes can be spoken of: `select::<User>().join(User::addresses)` is the join of
/// their tables, and `select::<User>().columns(…)` the query of these columns.
///
/// Objects of a class that is mapped to a join are written to each of its tables. Of a query (or an alias), those
/// columns are written that show a column of a table, where they show the table's whole primary key as well;
/// all others are only read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TableSource {
    /// A table.
    Table(Table),
    /// A table that the registry knows by this name.
    Named(String),
    /// A join, a query, an alias, a common table expression; over tables or over classes.
    From(FromItem),
    /// The tables of a class, joined with those of others.
    Classes(Box<Query>),
}

impl TableSource {
    /// The classes that have to be mapped first.
    pub(super) fn classes(&self) -> Vec<&'static ClassDef> {
        let mut found = Classes::default();
        // Looking changes nothing, so that nothing fails.
        match self {
            Self::Table(_) | Self::Named(_) => {}
            Self::From(item) => drop(item.rewrite(&mut found)),
            Self::Classes(query) => {
                drop(aludel_sql::Query::from((**query).clone().into_select()).rewrite(&mut found))
            }
        }
        found.0
    }
}

/// The classes in a tree.
#[derive(Default)]
struct Classes(Vec<&'static ClassDef>);

impl Classes {
    fn add(&mut self, class: &'static ClassDef) {
        if !self.0.iter().any(|known| known.key() == class.key()) {
            self.0.push(class);
        }
    }
}

impl Rewriter for Classes {
    fn node(&mut self, node: &Node) -> aludel_sql::Result<Option<Node>> {
        if let Node::Custom(custom) = node {
            let any = custom.as_any();
            if let Some(leaf) = any.downcast_ref::<AttrLeaf>() {
                self.add(leaf.entity.class);
            } else if let Some(criterion) = any.downcast_ref::<Criterion>() {
                self.add(criterion.entity.class);
            }
        }
        Ok(None)
    }

    fn select(&mut self, select: &Sql) -> aludel_sql::Result<Option<Sql>> {
        if let Some(query) = QueryNode::of(select) {
            self.add(query.entity.class);
            for step in &query.joins {
                self.add(step.owner.class);
                self.add(step.target.class);
            }
        }
        Ok(None)
    }
}

macro_rules! sources {
    ($($of:ty => $variant:ident($convert:expr);)*) => {$(
        impl From<$of> for TableSource {
            fn from(of: $of) -> Self {
                Self::$variant($convert(of))
            }
        }
    )*};
}

sources! {
    Table => Table(std::convert::identity);
    &Table => Table(Table::clone);
    &str => Named(str::to_owned);
    FromItem => From(std::convert::identity);
    Join => From(FromItem::from);
    Alias => From(FromItem::from);
    &Alias => From(FromItem::from);
    Cte => From(FromItem::from);
    &Cte => From(FromItem::from);
}

/// The tables of the class, joined with those of others. Anything else of a query has to be said of its
/// [`columns`](Select::columns).
impl<T: Mapped> From<Select<T>> for TableSource {
    fn from(query: Select<T>) -> Self {
        Self::Classes(Box::new(query.into_query()))
    }
}

/// The query as a derived table.
impl<R> From<Rows<R>> for TableSource {
    fn from(query: Rows<R>) -> Self {
        let query = aludel_sql::Query::from(query);
        Self::From(aludel_sql::IntoQuery::subquery(query).into())
    }
}

/// The joined tables of a query, once its classes are known.
///
/// # Errors
///
/// When the query has more than joins.
pub(super) fn only_joins(query: &Query) -> Result<(), &'static str> {
    let sql = &query.sql;
    let more = !sql.filter.is_empty()
        || !sql.group_by.is_empty()
        || !sql.having.is_empty()
        || sql.limit.is_some()
        || sql.offset.is_some()
        || !matches!(sql.distinct, aludel_sql::Distinct::No);
    match more || query.what != What::Objects {
        false => Ok(()),
        true => Err("a query with more than joins needs to say its columns: `.columns((…))`"),
    }
}
