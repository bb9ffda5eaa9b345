//! What gives rows: a SELECT, or a set operation.

use std::sync::Arc;

use super::{Select, SetOp, SetQuery};
use crate::DataType;
use crate::expr::Expr;
use crate::tree::{Alias, Aliased, Cte, Derived, Node};

/// What gives rows: a cheap handle to a SELECT or a set operation.
#[derive(Clone, Debug)]
pub enum Query {
    /// A SELECT.
    Select(Arc<Select>),
    /// A set operation.
    Set(Arc<SetQuery>),
}

impl Query {
    /// The SELECT that names the columns: itself, or the first of a set operation.
    pub fn first(&self) -> &Select {
        match self {
            Self::Select(select) => select,
            Self::Set(set) => match set.parts.first() {
                Some(query) => query.first(),
                None => {
                    static NOTHING: std::sync::LazyLock<Select> =
                        std::sync::LazyLock::new(Select::default);
                    &NOTHING
                }
            },
        }
    }

    pub(crate) fn first_type(&self) -> Option<DataType> {
        self.first().columns.first().and_then(Node::data_type)
    }

    /// The columns that it gives: their names, each once; types; and what they show. A column of a set
    /// operation shows what those of its parts show.
    pub fn outputs(&self) -> Vec<Derived> {
        match self {
            Self::Select(select) => select.outputs(),
            Self::Set(set) => {
                let mut parts = set.parts.iter().map(Self::outputs);
                let mut all = parts.next().unwrap_or_default();
                for part in parts {
                    for (column, other) in all.iter_mut().zip(part) {
                        column.data_type = column.data_type.or(other.data_type);
                        let new = other.origins.into_iter().filter(|o| !column.origins.contains(o));
                        column.origins.extend(new.collect::<Vec<_>>());
                    }
                }
                all
            }
        }
    }
}

impl Select {
    /// The columns that it gives.
    fn outputs(&self) -> Vec<Derived> {
        let mut all: Vec<Derived> = Vec::new();
        for (i, node) in self.columns.iter().enumerate() {
            let wanted: Box<str> = match node.name() {
                Some(name) => name.into(),
                None => format!("column_{}", i + 1).into(),
            };
            let mut name = wanted.clone();
            let mut n = 0;
            while all.iter().any(|d| d.name == name) {
                n += 1;
                name = format!("{wanted}_{n}").into();
            }
            let mut inner = node;
            while let Node::Label(of, _) = inner {
                inner = of;
            }
            let mut origins = Vec::new();
            if let Node::Column(c) = inner {
                origins.push((c.source.id(), c.column));
                origins.extend(c.source.origins(c.column));
            }
            all.push(Derived { name, data_type: node.data_type(), origins });
        }
        all
    }
}

impl From<Select> for Query {
    fn from(value: Select) -> Self {
        Self::Select(Arc::new(value))
    }
}

impl From<&Select> for Query {
    fn from(value: &Select) -> Self {
        Self::Select(Arc::new(value.clone()))
    }
}

impl From<SetQuery> for Query {
    fn from(value: SetQuery) -> Self {
        Self::Set(Arc::new(value))
    }
}

impl From<&Query> for Query {
    fn from(value: &Query) -> Self {
        value.clone()
    }
}

/// What a query can become: a derived table, a common table expression, a value, a condition, or
/// a part of a set operation.
pub trait IntoQuery: Into<Query> + Sized {
    /// A derived table, whose name is made when the statement is rendered.
    fn subquery(self) -> Alias {
        Alias::new(Aliased::Query(self.into()))
    }

    /// A derived table with a name.
    fn subquery_as(self, name: &str) -> Alias {
        Alias::named(name, Aliased::Query(self.into()))
    }

    /// A derived table that may refer to what stands before it in FROM.
    fn lateral(self) -> Alias {
        Alias::new(Aliased::Lateral(self.into()))
    }

    /// A common table expression.
    fn cte(self, name: &str) -> Cte {
        Cte::new(name, self)
    }

    /// The value of its one column in its one row; NULL if it gives no row.
    fn scalar<T>(self) -> Expr<Option<T>> {
        Expr::from_node(Node::Subquery(self.into()))
    }

    /// Whether it gives any row.
    fn exists(self) -> Expr<bool> {
        Expr::from_node(Node::Exists(self.into()))
    }

    /// Rows of either, each once.
    fn union(self, other: impl Into<Query>) -> SetQuery {
        SetQuery::of(SetOp::Union, self.into(), other.into())
    }

    /// Rows of either.
    fn union_all(self, other: impl Into<Query>) -> SetQuery {
        SetQuery::of(SetOp::UnionAll, self.into(), other.into())
    }

    /// Rows of this that the other does not have, each once.
    fn except(self, other: impl Into<Query>) -> SetQuery {
        SetQuery::of(SetOp::Except, self.into(), other.into())
    }

    /// Rows that both have, each once.
    fn intersect(self, other: impl Into<Query>) -> SetQuery {
        SetQuery::of(SetOp::Intersect, self.into(), other.into())
    }
}

impl<Q: Into<Query>> IntoQuery for Q {}
