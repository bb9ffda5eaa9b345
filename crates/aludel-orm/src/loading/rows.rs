//! Queries of columns, expressions and aggregates.

use std::fmt;
use std::ops::ControlFlow;

use aludel_sql::{
    CaseBuilder, ColumnType, Distinct, Expr, Expression, Func, IntoExpr, IntoNodes, Lock, Node,
    Row, TextBuilder,
};

use super::aliased::AliasOf;
use super::composite::Shape;
use super::loader_criteria::LoaderCriteria;
use super::objects::{ObjectOf, OptionalObject};
use super::options::{IntoOptions, Options};
use super::query::{Back, JoinStep, Query};
use super::select::{JoinAlong, Step, clauses};
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, FieldType, Handle, Hybrid, Id, Mapped};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// A query whose rows are values of type `R`: a tuple, or a single value. [`Select::columns`](super::Select)
/// makes one.
#[must_use]
pub struct Rows<R> {
    query: Query,
    decode: fn(&mut ResultRow<'_>) -> Result<R>,
}

impl<R> Rows<R> {
    pub(super) fn new(query: Query, decode: fn(&mut ResultRow<'_>) -> Result<R>) -> Self {
        Self { query, decode }
    }
}

clauses!(Rows);

/// A row whose results are being read, one after the other.
#[doc(hidden)]
pub struct ResultRow<'r> {
    row: &'r dyn Row,
    next: usize,
    objects: std::slice::Iter<'r, Option<Id>>,
}

impl<'r> ResultRow<'r> {
    fn new(row: &'r dyn Row, objects: &'r [Option<Id>]) -> Self {
        Self { row, next: 0, objects: objects.iter() }
    }
}

impl fmt::Debug for ResultRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResultRow({} of {})", self.next, self.row.len())
    }
}

/// What can be one of the columns of a query: an expression, or an [`object`](super::object).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column of a query",
    label = "neither an SQL expression nor an `object`"
)]
pub trait ResultColumn {
    /// What it becomes in a row.
    type Value;
    /// The expression.
    #[doc(hidden)]
    fn into_result(self) -> Node;
    /// Reads the next result of a row.
    ///
    /// # Errors
    ///
    /// When a value does not fit its type.
    #[doc(hidden)]
    fn read(row: &mut ResultRow<'_>) -> Result<Self::Value>;
}

impl<E: Expression> ResultColumn for E
where
    E::Value: ColumnType,
{
    type Value = E::Value;
    fn into_result(self) -> Node {
        self.into_node()
    }
    fn read(row: &mut ResultRow<'_>) -> Result<E::Value> {
        row.next += 1;
        aludel_sql::column(row.row, row.next - 1)
    }
}

impl<T: Mapped> ResultColumn for ObjectOf<T> {
    type Value = Handle<T>;
    fn into_result(self) -> Node {
        self.into_node()
    }
    fn read(row: &mut ResultRow<'_>) -> Result<Handle<T>> {
        match row.objects.next() {
            Some(Some(id)) => Ok(Handle::new(*id)),
            _ => Err(lacks_object(T::class().name)),
        }
    }
}

impl<T: Mapped> ResultColumn for OptionalObject<T> {
    type Value = Option<Handle<T>>;
    fn into_result(self) -> Node {
        self.0.into_node()
    }
    fn read(row: &mut ResultRow<'_>) -> Result<Option<Handle<T>>> {
        Ok(row.objects.next().copied().flatten().map(Handle::new))
    }
}

#[cold]
fn lacks_object(class: &str) -> Error {
    Error::new(
        ErrorKind::NoResult,
        format!(
            "a row has no {class}, since it comes from an outer join: ask for `object::<{class}>().optional()`"
        ),
    )
}

/// What a query of columns can give: an expression, an [`object`](super::object), or a tuple of up to twelve.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the columns of a query",
    label = "neither an SQL expression, nor an `object`, nor a tuple of these"
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
    fn decode(row: &mut ResultRow<'_>) -> Result<Self::Row>;
}

macro_rules! single {
    ($($t:ty, <$($p:ident $(: $bound:path)?),*>;)*) => {$(
        impl<$($p $(: $bound)?),*> Columns for $t
        where
            $t: ResultColumn,
        {
            type Row = <$t as ResultColumn>::Value;
            fn into_columns(self) -> Vec<Node> {
                vec![self.into_result()]
            }
            fn decode(row: &mut ResultRow<'_>) -> Result<Self::Row> {
                <$t as ResultColumn>::read(row)
            }
        }
    )*};
}
single! {
    Attr<C, V>, <C: Mapped, V: FieldType>;
    Hybrid<C, V>, <C: Mapped, V>;
    Expr<V>, <V>;
    Func<V>, <V>;
    CaseBuilder<V>, <V>;
    TextBuilder<V>, <V>;
    ObjectOf<T>, <T: Mapped>;
    OptionalObject<T>, <T: Mapped>;
}

macro_rules! tuples {
    ($($name:ident),*) => {
        impl<$($name: ResultColumn),*> Columns for ($($name,)*) {
            type Row = ($($name::Value,)*);
            #[allow(non_snake_case)]
            fn into_columns(self) -> Vec<Node> {
                let ($($name,)*) = self;
                vec![$($name.into_result()),*]
            }
            fn decode(row: &mut ResultRow<'_>) -> Result<Self::Row> {
                Ok(($($name::read(row)?,)*))
            }
        }
    };
}
tuples!(A);
tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);
tuples!(A, B, C, D, E);
tuples!(A, B, C, D, E, F);
tuples!(A, B, C, D, E, F, G);
tuples!(A, B, C, D, E, F, G, H);
tuples!(A, B, C, D, E, F, G, H, I);
tuples!(A, B, C, D, E, F, G, H, I, J);
tuples!(A, B, C, D, E, F, G, H, I, J, K);
tuples!(A, B, C, D, E, F, G, H, I, J, K, L);

impl<R> Rows<R> {
    /// Loader options for the objects of a class among the columns. Collections that are to be joined are loaded by
    /// their keys: a join would multiply the rows.
    pub fn options_of<T: Mapped>(mut self, options: impl IntoOptions<T>) -> Self {
        let mut list = Options(Vec::new());
        options.into_options(&mut list);
        self.query.options.append(&mut list.0);
        self
    }

    /// Overwrites what is loaded, pending changes included, of the objects that the query gives.
    pub fn populate_existing(mut self) -> Self {
        self.query.populate_existing = true;
        self
    }
}

impl Session {
    /// The rows that a query of columns gives, each as often as the database gives it.
    ///
    /// # Errors
    ///
    /// When the query makes no sense to the database, a value does not fit its type, or a row lacks an object that
    /// is not [optional](super::ObjectOf::optional).
    #[track_caller]
    pub fn rows<R: Send>(&mut self, query: Rows<R>) -> impl Future<Output = Result<Vec<R>>> {
        self.called();
        async move {
            let mut rows = Vec::new();
            let mut each = |row| {
                rows.push(row);
                ControlFlow::Continue(())
            };
            self.each_row(query, &mut each).await?;
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
            let mut first = None;
            let mut each = |row| {
                first.get_or_insert(row);
                ControlFlow::Break(())
            };
            self.each_row(query, &mut each).await?;
            Ok(first)
        }
    }

    async fn each_row<R>(
        &mut self,
        query: Rows<R>,
        each: &mut (dyn FnMut(R) -> ControlFlow<()> + Send),
    ) -> Result<()> {
        let Rows { query, decode } = query;
        if query.has_objects() {
            let mut shape = Shape::after_objects(&query.sql.columns);
            let mut read = |row: &dyn Row, first: usize, objects: &[Option<Id>]| {
                shape.begin_at(first);
                let _ = each(decode(&mut ResultRow::new(&shape.shaped(row), objects))?);
                Ok(())
            };
            return self.query_object_rows(query, &mut read).await;
        }
        let shape = Shape::of(&query.sql.columns);
        let mut read = |row: &dyn Row| {
            Ok(each(match &shape {
                None => decode(&mut ResultRow::new(row, &[]))?,
                Some(shape) => decode(&mut ResultRow::new(&shape.shaped(row), &[]))?,
            }))
        };
        self.query_rows(query, &mut read).await?;
        Ok(())
    }
}
