//! Queries of columns, expressions and aggregates.

use std::fmt;
use std::ops::ControlFlow;

use aludel_sql::{
    CaseBuilder, ColumnType, Distinct, Expr, Expression, Func, IntoExpr, IntoNode, IntoNodes, Lock,
    Node, Row, TextBuilder,
};

use super::aliased::AliasOf;
use super::composite::Shape;
use super::loader_criteria::LoaderCriteria;
use super::query::{Back, JoinStep, Query};
use super::select::{JoinAlong, Step, clauses};
use crate::Result;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, FieldType, Mapped};
use crate::session::Session;

/// A query whose rows are values of type `R`: a tuple, or a single value. [`Select::columns`](super::Select)
/// makes one.
#[must_use]
pub struct Rows<R> {
    query: Query,
    decode: fn(&dyn Row) -> Result<R>,
}

impl<R> Rows<R> {
    pub(super) fn new(query: Query, decode: fn(&dyn Row) -> Result<R>) -> Self {
        Self { query, decode }
    }
}

clauses!(Rows);

/// What a query of columns can give: an expression, or a tuple of up to twelve.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the columns of a query",
    label = "neither an SQL expression nor a tuple of expressions"
)]
pub trait Columns {
    /// What a row becomes.
    type Row;
    /// The expressions.
    #[doc(hidden)]
    fn into_columns(self) -> Vec<Node>;
    /// Reads a row.
    ///
    /// # Errors
    ///
    /// When a value does not fit its type.
    #[doc(hidden)]
    fn decode(row: &dyn Row) -> Result<Self::Row>;
}

macro_rules! single {
    ($($t:ty: $value:ty, <$($p:ident $(: $bound:path)?),*>;)*) => {$(
        impl<$($p $(: $bound)?),*> Columns for $t
        where
            $value: ColumnType,
        {
            type Row = $value;
            fn into_columns(self) -> Vec<Node> {
                vec![self.into_node()]
            }
            fn decode(row: &dyn Row) -> Result<$value> {
                aludel_sql::column(row, 0)
            }
        }
    )*};
}
single! {
    Attr<C, V>: V::Sql, <C: Mapped, V: FieldType>;
    Expr<V>: V, <V>;
    Func<V>: V, <V>;
    CaseBuilder<V>: V, <V>;
    TextBuilder<V>: V, <V>;
}

macro_rules! tuples {
    ($($name:ident $at:tt),*) => {
        impl<$($name: Expression),*> Columns for ($($name,)*)
        where
            $($name::Value: ColumnType),*
        {
            type Row = ($($name::Value,)*);
            #[allow(non_snake_case)]
            fn into_columns(self) -> Vec<Node> {
                let ($($name,)*) = self;
                vec![$($name.into_node()),*]
            }
            fn decode(row: &dyn Row) -> Result<Self::Row> {
                Ok(($(aludel_sql::column::<$name::Value>(row, $at)?,)*))
            }
        }
    };
}
tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);

impl Session {
    /// The rows that a query of columns gives.
    ///
    /// # Errors
    ///
    /// When the query makes no sense to the database, or a value does not fit its type.
    #[track_caller]
    pub fn rows<R: Send>(&mut self, query: Rows<R>) -> impl Future<Output = Result<Vec<R>>> {
        self.called();
        async move {
            let decode = query.decode;
            let shape = Shape::of(&query.query.sql.columns);
            let mut rows = Vec::new();
            let mut read = |row: &dyn Row| {
                rows.push(match &shape {
                    None => decode(row)?,
                    Some(shape) => decode(&shape.shaped(row))?,
                });
                Ok(ControlFlow::Continue(()))
            };
            self.query_rows(query.query, &mut read).await?;
            Ok(rows)
        }
    }

    /// The first row that a query of columns gives, if there is one: the value of an aggregate, say.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    #[track_caller]
    pub fn scalar<R: Send>(&mut self, query: Rows<R>) -> impl Future<Output = Result<Option<R>>> {
        self.called();
        async move {
            let decode = query.decode;
            let shape = Shape::of(&query.query.sql.columns);
            let mut first = None;
            let mut read = |row: &dyn Row| {
                first = Some(match &shape {
                    None => decode(row)?,
                    Some(shape) => decode(&shape.shaped(row))?,
                });
                Ok(ControlFlow::Break(()))
            };
            self.query_rows(query.query, &mut read).await?;
            Ok(first)
        }
    }
}
