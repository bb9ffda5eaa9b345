//! Queries of objects.

use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{Distinct, IntoExpr, IntoNodes, Lock, Node};

use super::aliased::AliasOf;
use super::attribute::RelationshipOf;
use super::loader_criteria::LoaderCriteria;
use super::objects::ObjectOf;
use super::options::{IntoOptions, Options};
use super::query::{Back, JoinStep, Query, What};
use super::rows::{Columns, Rows};
use crate::Result;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, ClassDef, Handle, IsA, Mapped, RecordClass, RelationshipField};
use crate::session::Session;
use crate::{Error, ErrorKind};

/// A query of objects of class `T`: SQLAlchemy's `select(T)`.
///
/// It is data: nothing happens before a session runs it, by [`Session::all`], [`first`](Session::first),
/// [`one`](Session::one), [`count`](Session::count) and their kin. It can be cloned, and run again.
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # fn example() {
/// let query = select::<User>()
///     .filter(User::name.like("s%") & User::addresses.any(Address::email.ends_with("example.org")))
///     .order_by(User::id.desc())
///     .options(selectin(User::addresses));
/// # drop(query);
/// # }
/// ```
#[must_use]
pub struct Select<T> {
    pub(super) query: Query,
    class: PhantomData<fn() -> T>,
}

/// A query of the objects of a class.
pub fn select<T: Mapped>() -> Select<T> {
    Select { query: Query::new(Entity::of(T::class()), What::Objects), class: PhantomData }
}

impl<T> Select<T> {
    pub(super) fn of(query: Query) -> Self {
        Self { query, class: PhantomData }
    }
}

impl RecordClass {
    /// A query of the objects of the class.
    pub fn select(self) -> Select<crate::instrumentation::Record> {
        Select { query: Query::new(Entity::of(self.def()), What::Objects), class: PhantomData }
    }
}

impl<T: Mapped> AliasOf<T> {
    /// A query of the objects of the class under this name.
    pub fn select(&self) -> Select<T> {
        Select { query: Query::new(self.entity.clone(), What::Objects), class: PhantomData }
    }
}

/// What a join follows: a relationship of a class, or of a class under another name.
pub trait JoinAlong {
    /// The class that it leads to.
    type Target: Mapped;
    /// The step.
    #[doc(hidden)]
    fn step(self) -> Step;
}

/// Where a join begins.
#[doc(hidden)]
#[derive(Debug)]
pub struct Step {
    pub(super) entity: Entity,
    pub(super) attribute: u16,
    pub(super) target: &'static ClassDef,
}

impl<C: Mapped, V: RelationshipField> JoinAlong for Attr<C, V> {
    type Target = V::Target;
    fn step(self) -> Step {
        let target = self.target();
        Step { entity: Entity::of(self.class()), attribute: self.index(), target }
    }
}

impl<T: Mapped> JoinAlong for RelationshipOf<T> {
    type Target = T;
    fn step(self) -> Step {
        let target = self.of_type.or_else(|| self.entity.class.target_of(self.attribute));
        let target = target.unwrap_or_else(T::class);
        Step { entity: self.entity, attribute: self.attribute, target }
    }
}

/// The methods that queries of objects and of columns share.
macro_rules! clauses {
    ($name:ident) => {
        impl<T> $name<T> {
            /// Adds a condition. Several must all hold.
            pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
                self.query.sql.filter.push(condition.into_node());
                self
            }

            /// Adds to the order.
            pub fn order_by(mut self, by: impl IntoNodes) -> Self {
                self.query.sql.order_by.extend(by.into_nodes());
                self
            }

            /// Adds to GROUP BY.
            pub fn group_by(mut self, by: impl IntoNodes) -> Self {
                self.query.sql.group_by.extend(by.into_nodes());
                self
            }

            /// Adds a condition for groups.
            pub fn having(mut self, condition: impl IntoExpr<bool>) -> Self {
                self.query.sql.having.push(condition.into_node());
                self
            }

            /// At most so many: of objects, whatever is joined eagerly.
            pub fn limit(mut self, rows: impl IntoExpr<i64>) -> Self {
                self.query.sql.limit = Some(rows.into_node());
                self
            }

            /// Without the first ones.
            pub fn offset(mut self, rows: impl IntoExpr<i64>) -> Self {
                self.query.sql.offset = Some(rows.into_node());
                self
            }

            /// Without rows that are equal to another.
            pub fn distinct(mut self) -> Self {
                self.query.sql.distinct = Distinct::Rows;
                self
            }

            /// Joins the objects that a relationship leads to, under their class's own name.
            pub fn join<J: JoinAlong>(self, along: J) -> Self {
                let step = along.step();
                let target = Entity::of(step.target);
                self.join_step(step, target, false)
            }

            /// As [`join`](Self::join); what has no such object stays, with NULLs in its place.
            pub fn outer_join<J: JoinAlong>(self, along: J) -> Self {
                let step = along.step();
                let target = Entity::of(step.target);
                self.join_step(step, target, true)
            }

            /// Joins the objects that a relationship leads to, under another name.
            pub fn join_as<J: JoinAlong>(self, along: J, target: &AliasOf<J::Target>) -> Self {
                self.join_step(along.step(), target.entity.clone(), false)
            }

            /// As [`join_as`](Self::join_as); what has no such object stays, with NULLs in its place.
            pub fn outer_join_as<J: JoinAlong>(
                self,
                along: J,
                target: &AliasOf<J::Target>,
            ) -> Self {
                self.join_step(along.step(), target.entity.clone(), true)
            }

            /// Joins a class on a condition.
            pub fn join_on<C: Mapped>(self, on: impl IntoExpr<bool>) -> Self {
                self.join_class(Entity::of(C::class()), on.into_node(), false)
            }

            /// Joins a class on a condition; what has no such object stays, with NULLs in its place.
            pub fn outer_join_on<C: Mapped>(self, on: impl IntoExpr<bool>) -> Self {
                self.join_class(Entity::of(C::class()), on.into_node(), true)
            }

            /// Joins a class under another name on a condition.
            pub fn join_alias_on<C: Mapped>(
                self,
                target: &AliasOf<C>,
                on: impl IntoExpr<bool>,
            ) -> Self {
                self.join_class(target.entity.clone(), on.into_node(), false)
            }

            /// Joins a class under another name on a condition; what has no such object stays.
            pub fn outer_join_alias_on<C: Mapped>(
                self,
                target: &AliasOf<C>,
                on: impl IntoExpr<bool>,
            ) -> Self {
                self.join_class(target.entity.clone(), on.into_node(), true)
            }

            fn join_step(mut self, step: Step, target: Entity, outer: bool) -> Self {
                let Step { entity: owner, attribute, .. } = step;
                self.query.joins.push(JoinStep {
                    owner,
                    attribute: Some(attribute),
                    target,
                    outer,
                    on: Vec::new(),
                    back: Back::No,
                });
                self
            }

            fn join_class(mut self, target: Entity, on: Node, outer: bool) -> Self {
                let owner = self.query.entity.clone();
                self.query.joins.push(JoinStep {
                    owner,
                    attribute: None,
                    target,
                    outer,
                    on: vec![on],
                    back: Back::No,
                });
                self
            }

            /// Adds criteria for a class, wherever the query has it, and for what is loaded with the query's
            /// objects, along or later: SQLAlchemy's `with_loader_criteria`.
            pub fn with_criteria(mut self, criteria: LoaderCriteria) -> Self {
                criteria.put_on(&mut self.query);
                self
            }

            /// Leaves out the session's [criteria](Session::add_criteria).
            pub fn without_criteria(mut self) -> Self {
                self.query.without_criteria = true;
                self
            }

            /// Locks the rows for writing. On SQLite, which locks as a whole, it says nothing.
            pub fn for_update(mut self) -> Self {
                self.query.sql = self.query.sql.for_update();
                self
            }

            /// Locks the rows: `Lock::share().nowait()`, say. With joins, the rows of all tables, unless
            /// [`lock_of`](Self::lock_of) says of which.
            pub fn lock(mut self, lock: Lock) -> Self {
                self.query.sql.lock = Some(lock);
                self
            }

            /// Of the classes of the query, locks the rows of this one only (for writing, unless
            /// [`lock`](Self::lock) says otherwise), and of others that are named so.
            pub fn lock_of<C>(mut self, object: ObjectOf<C>) -> Self {
                self.query.sql.lock.get_or_insert(Lock::update());
                self.query.lock_of.push(object.entity);
                self
            }

            /// The query without its types.
            pub fn into_query(self) -> Query {
                self.query
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self { query: self.query.clone(), ..*self }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.query.fmt(f)
            }
        }

        impl<T> From<$name<T>> for Query {
            fn from(query: $name<T>) -> Self {
                query.query
            }
        }

        /// As a subquery: in `in_query`, `exists`, `union` and wherever the SQL layer takes a query.
        impl<T> From<$name<T>> for aludel_sql::Query {
            fn from(query: $name<T>) -> Self {
                query.query.into_subquery().into()
            }
        }
    };
}
clauses!(Select);
pub(super) use clauses;

impl<T: Mapped> Select<T> {
    /// Loader options: how related objects and columns are loaded.
    pub fn options(mut self, options: impl IntoOptions<T>) -> Self {
        let mut list = Options(Vec::new());
        options.into_options(&mut list);
        self.query.options.append(&mut list.0);
        self
    }

    /// Reads the columns of a subclass along, by joining its tables: SQLAlchemy's `with_polymorphic`.
    pub fn along<S: Mapped + IsA<T>>(mut self) -> Self {
        self.query.along.push(S::class());
        self
    }

    /// Overwrites what is loaded, pending changes included, of the objects that the query gives.
    pub fn populate_existing(mut self) -> Self {
        self.query.populate_existing = true;
        self
    }

    /// The query of columns, or of anything made of them, in place of objects: one, or a tuple of up to twelve.
    /// Objects may be among them, of the class or of what is joined: see [`object`](super::object).
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let names = session.rows(select::<User>().columns((User::id, User::name))).await?; // Vec<(i64, String)>
    /// let age = session.scalar(select::<User>().columns(User::age.avg())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn columns<E: Columns>(self, columns: E) -> Rows<E::Row> {
        let mut query = self.query;
        query.what = What::Columns;
        query.sql.columns.extend(columns.into_columns());
        if !query.has_objects() {
            query.options.clear();
        }
        Rows::new(query, E::decode)
    }
}

impl Session {
    /// The objects that a query gives, in its order. An object that several rows stand for, since something is
    /// joined, comes once.
    ///
    /// What is pending is flushed first, where the session does that. An object that is in the session already
    /// is not overwritten; what is expired of it is filled.
    ///
    /// # Errors
    ///
    /// When the query makes no sense to the database, or a row does not fit its class.
    #[track_caller]
    pub fn all<T: Mapped>(
        &mut self,
        query: Select<T>,
    ) -> impl Future<Output = Result<Vec<Handle<T>>>> {
        self.called();
        async move {
            let ids = self.query_ids(query.query).await?;
            Ok(ids.into_iter().map(Handle::new).collect())
        }
    }

    /// The first object that a query gives, if there is one.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn first<T: Mapped>(
        &mut self,
        query: Select<T>,
    ) -> impl Future<Output = Result<Option<Handle<T>>>> {
        self.called();
        async move {
            let found = self.query_first(query.query).await?;
            Ok(found.map(Handle::new))
        }
    }

    /// The one object that a query gives.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoResult`] when there is none, [`ErrorKind::MultipleResults`] when there are several.
    #[track_caller]
    pub fn one<T: Mapped>(&mut self, query: Select<T>) -> impl Future<Output = Result<Handle<T>>> {
        self.called();
        async move {
            match self.query_one_or_none(query.query).await? {
                Some(id) => Ok(Handle::new(id)),
                None => Err(no_result(T::class().name)),
            }
        }
    }

    /// The one object that a query gives, if it gives any.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MultipleResults`] when there are several.
    #[track_caller]
    pub fn one_or_none<T: Mapped>(
        &mut self,
        query: Select<T>,
    ) -> impl Future<Output = Result<Option<Handle<T>>>> {
        self.called();
        async move {
            let found = self.query_one_or_none(query.query).await?;
            Ok(found.map(Handle::new))
        }
    }

    /// How many rows a query gives.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn count(&mut self, query: impl Into<Query>) -> impl Future<Output = Result<u64>> {
        self.called();
        async move { self.query_count(query.into()).await }
    }

    /// Whether a query gives any row.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn exists(&mut self, query: impl Into<Query>) -> impl Future<Output = Result<bool>> {
        self.called();
        async move {
            let mut query = query.into();
            query.what = What::Keys;
            query.options.clear();
            query.sql.order_by.clear();
            query.sql.limit = Some(Node::literal(1i64));
            let mut any = false;
            let mut read = |_: &dyn aludel_sql::Row| {
                any = true;
                Ok(std::ops::ControlFlow::Break(()))
            };
            self.query_rows(query, &mut read).await?;
            Ok(any)
        }
    }

    pub(crate) async fn query_first(&mut self, mut query: Query) -> Result<Option<crate::Id>> {
        if query.sql.limit.is_none() && query.statement.is_none() {
            query.sql.limit = Some(Node::literal(1i64));
        }
        Ok(self.query_ids(query).await?.first().copied())
    }

    pub(crate) async fn query_one_or_none(
        &mut self,
        mut query: Query,
    ) -> Result<Option<crate::Id>> {
        // Two rows are enough to know; where something is joined, they may be of one object.
        if query.sql.limit.is_none() && query.joins.is_empty() && query.statement.is_none() {
            query.sql.limit = Some(Node::literal(2i64));
        }
        let class = query.entity.class.name;
        match self.query_ids(query).await?.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(Error::new(
                ErrorKind::MultipleResults,
                format!("several {class} objects were found where one was asked for"),
            )),
        }
    }
}

#[cold]
pub(super) fn no_result(class: &str) -> Error {
    Error::new(ErrorKind::NoResult, format!("no {class} was found where one was asked for"))
}
