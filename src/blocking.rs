//! The session for programs without an async runtime.
//!
//! It is the same implementation as the async one: SQLite's work is done where it is asked for, and a server is
//! talked to on a runtime that the engine keeps for itself.

mod sharded;

use std::borrow::{Borrow, BorrowMut};
use std::ops::{ControlFlow, Deref, DerefMut};

use aludel_engine::{Engine, RetryPolicy};
use aludel_orm::__private::Attempts;
use aludel_orm::attributes::{Historic, HistoryItem, Passive};
use aludel_orm::session::{Cascade, MergeLoad, NoAutoflush, RolledBack};
use aludel_orm::{
    AnyClass, Attr, AttributeKey, ByCriteria, Datum, Delete, Field, Handle, History, Id, Insert,
    InsertInto, IntoField, IntoKey, IntoObject, IsA, Loadable, Mapped, Page, PageOf, Query,
    Registry, RelationshipField, Result, Rows, Select, Session as Async, SessionMaker, Stream,
    Update,
};
use aludel_sql::{Lock, Value};

pub use sharded::ShardedSession;

/// A session whose operations block until they are done.
///
/// What does no I/O (`add`, `edit`, `set`, `append`, indexing by a handle, …) is the async
/// [`Session`](crate::Session)'s own, by `Deref`; what does is here, under the same names.
///
/// # Errors
///
/// On a server, every method fails inside an async runtime, which must not be blocked: use
/// [`aludel::Session`](crate::Session) there.
pub struct Session {
    inner: Async,
    engine: Engine,
}

impl Deref for Session {
    type Target = Async;
    fn deref(&self) -> &Async {
        &self.inner
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Async {
        &mut self.inner
    }
}

impl Borrow<Async> for Session {
    fn borrow(&self) -> &Async {
        &self.inner
    }
}

impl BorrowMut<Async> for Session {
    fn borrow_mut(&mut self) -> &mut Async {
        &mut self.inner
    }
}

/// Writes blocking methods that wait for the async ones of the same name.
macro_rules! wait {
    ($($(#[$doc:meta])* fn $name:ident $(<$($g:ident $(: $b:ident $(<$c:ident>)?)?),*>)? ($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {
        impl Session {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                #[doc = concat!("As [`aludel::Session::", stringify!($name), "`](crate::Session::", stringify!($name), ").")]
                #[track_caller]
                pub fn $name $(<$($g $(: $b $(<$c>)?)?),*>)? (&mut self, $($arg: $ty),*) -> Result<$out> {
                    self.engine.block_on(self.inner.$name($($arg),*))
                }
            )*
        }
    };
}

impl Session {
    /// A session on an engine, with the classes of the [global registry](Registry::global).
    pub fn new(engine: &Engine) -> Self {
        Self { inner: Async::new(engine), engine: engine.clone() }
    }

    /// A session on an engine, with the classes of a registry.
    pub fn with_registry(engine: &Engine, registry: &Registry) -> Self {
        Self { inner: Async::with_registry(engine, registry), engine: engine.clone() }
    }

    /// The session with queries that do not flush, until what is given is dropped.
    pub fn no_autoflush(&mut self) -> NoAutoflush<'_, Self> {
        NoAutoflush::new(self)
    }

    /// A session such as a [`SessionMaker`] makes.
    ///
    /// # Errors
    ///
    /// As [`SessionMaker::session`].
    pub fn made_by(sessions: &SessionMaker) -> Result<Self> {
        Ok(Self { inner: sessions.session()?, engine: sessions.engine().clone() })
    }
}

/// `engine.transaction_blocking(…)`, and the same of a [`SessionMaker`]: a unit of work that is run until it succeeds.
pub trait RunTransaction {
    /// [`SessionMaker::transaction`] for programs without an async runtime.
    ///
    /// # Errors
    ///
    /// As there.
    fn transaction_blocking<T>(
        &self,
        policy: &RetryPolicy,
        body: impl FnMut(&mut Session) -> Result<T>,
    ) -> Result<T>;
}

impl RunTransaction for SessionMaker {
    fn transaction_blocking<T>(
        &self,
        policy: &RetryPolicy,
        mut body: impl FnMut(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let engine = self.engine();
        let mut attempts = Attempts::new(self, policy);
        loop {
            let mut session = Session { inner: attempts.session()?, engine: engine.clone() };
            let done = body(&mut session);
            let ended = engine.block_on(attempts.end(&mut session.inner, done))?;
            if let ControlFlow::Break(value) = ended {
                return Ok(value);
            }
        }
    }
}

impl RunTransaction for Engine {
    fn transaction_blocking<T>(
        &self,
        policy: &RetryPolicy,
        body: impl FnMut(&mut Session) -> Result<T>,
    ) -> Result<T> {
        SessionMaker::new(self).transaction_blocking(policy, body)
    }
}

impl Session {
    /// The object of a key.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::get`](crate::Session::get).
    #[track_caller]
    pub fn get<T: Mapped>(&mut self, key: impl IntoKey) -> Result<Option<Handle<T>>> {
        // What the identity map has needs no future.
        match self.present(&key)? {
            Some(object) => Ok(Some(object)),
            None => self.engine.block_on(self.inner.get(key)),
        }
    }

    /// The object of a key, which must be there.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::get_one`](crate::Session::get_one).
    #[track_caller]
    pub fn get_one<T: Mapped>(&mut self, key: impl IntoKey) -> Result<Handle<T>> {
        match self.present(&key)? {
            Some(object) => Ok(object),
            None => self.engine.block_on(self.inner.get_one(key)),
        }
    }

    #[inline]
    fn present<T: Mapped>(&mut self, key: &impl IntoKey) -> Result<Option<Handle<T>>> {
        key.integer().map_or(Ok(None), |key| self.inner.peek(key))
    }

    /// Loads an attribute of an object, and gives it.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::load`](crate::Session::load).
    #[track_caller]
    pub fn load<S: IsA<C>, C: Mapped, V: Loadable>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<&V> {
        self.engine.block_on(self.inner.load(object, attribute))
    }

    /// Loads a relationship of an object that has no row yet, by the values that it has.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::load_unsaved`](crate::Session::load_unsaved).
    #[track_caller]
    pub fn load_unsaved<S: IsA<C>, C: Mapped, V: Loadable>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<()> {
        self.engine.block_on(self.inner.load_unsaved(object, attribute))
    }

    /// As [`load_unsaved`](Self::load_unsaved), by the attribute's name.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::load_unsaved_named`](crate::Session::load_unsaved_named).
    #[track_caller]
    pub fn load_unsaved_named(&mut self, object: impl Into<Id>, name: &str) -> Result<()> {
        self.engine.block_on(self.inner.load_unsaved_named(object, name))
    }

    /// The history of an attribute; what is not there is found out as far as `passive` allows.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::get_history`](crate::Session::get_history).
    #[track_caller]
    pub fn get_history<S: IsA<C>, C: Mapped, V: Historic>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        passive: Passive,
    ) -> Result<History<V::Item>> {
        self.engine.block_on(self.inner.get_history(object, attribute, passive))
    }

    /// The value of an attribute; what is not there is found out as far as `passive` allows.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::get_attribute`](crate::Session::get_attribute).
    #[track_caller]
    pub fn get_attribute<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        passive: Passive,
    ) -> Result<Option<&V>> {
        self.engine.block_on(self.inner.get_attribute(object, attribute, passive))
    }

    /// Sets an attribute, and loads its old value before that where the attribute has active history.
    ///
    /// # Errors
    ///
    /// As [`aludel::Session::set_with_history`](crate::Session::set_with_history).
    #[track_caller]
    pub fn set_with_history<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        value: impl IntoField<V>,
    ) -> Result<()> {
        self.engine.block_on(self.inner.set_with_history(object, attribute, value))
    }

    /// The next batch of a stream; `None` at its end.
    ///
    /// # Errors
    ///
    /// As [`Stream::next`].
    #[track_caller]
    pub fn next_batch<T>(&mut self, stream: &mut Stream<T>) -> Result<Option<Vec<Handle<T>>>> {
        self.engine.block_on(stream.next(&mut self.inner))
    }
}

wait! {
    /// Writes what has changed.
    fn flush() -> ();
    /// Flushes, and commits the transaction.
    fn commit() -> ();
    /// Rolls the whole transaction back.
    fn rollback() -> RolledBack;
    /// Begins a savepoint.
    fn begin_nested() -> ();
    /// Ends the innermost savepoint.
    fn commit_nested() -> ();
    /// Rolls back to the innermost savepoint.
    fn rollback_nested() -> RolledBack;
    /// Rolls back what is open, and takes every object out.
    fn close() -> ();
    /// Marks an object to be deleted by the next flush.
    fn delete<T>(object: Handle<T>) -> ();
    /// The objects that an operation reaches, loaded for that where it is a deletion.
    fn load_cascade(object: Id, cascade: Cascade) -> Vec<Id>;
    /// Copies the state of an object onto the session's own.
    fn merge<O: IntoObject>(object: O) -> Handle<O::Class>;
    /// The objects that a query finds.
    fn all<T: Mapped>(query: Select<T>) -> Vec<Handle<T>>;
    /// The first object that a query finds.
    fn first<T: Mapped>(query: Select<T>) -> Option<Handle<T>>;
    /// The one object that a query finds.
    fn one<T: Mapped>(query: Select<T>) -> Handle<T>;
    /// The one object that a query finds, if any.
    fn one_or_none<T: Mapped>(query: Select<T>) -> Option<Handle<T>>;
    /// The rows of a query of columns.
    fn rows<R: Send>(query: Rows<R>) -> Vec<R>;
    /// The first value of a query of columns.
    fn scalar<R: Send>(query: Rows<R>) -> Option<R>;
    /// How many objects a query finds.
    fn count(query: impl Into<Query>) -> u64;
    /// Whether a query finds anything.
    fn exists(query: impl Into<Query>) -> bool;
    /// The objects that a query finds, as plain values that no session knows.
    fn all_untracked<T: Mapped>(query: Select<T>) -> Vec<T>;
    /// Reads an object anew.
    fn refresh<T>(object: Handle<T>) -> ();
    /// Loads an attribute of many objects in few queries.
    fn load_all<S: IsA<C>, C: Mapped, V: Loadable>(objects: &[Handle<S>], attribute: Attr<C, V>) -> ();
    /// Loads attributes of many objects in few queries.
    fn load_attributes<S: IsA<C>, C: Mapped>(objects: &[Handle<S>], attributes: impl IntoIterator<Item = impl Into<AttributeKey<C>>>) -> ();
    /// A page of the objects that a query gives.
    fn page<T: Mapped>(query: Select<T>, page: Page) -> PageOf<Handle<T>>;
    /// Runs an UPDATE by criteria.
    fn execute_update<T: Mapped>(update: Update<T>) -> u64;
    /// Runs a DELETE by criteria.
    fn execute_delete<T: Mapped>(delete: Delete<T>) -> u64;
    /// Runs an UPDATE by criteria, and gives the objects of its rows.
    fn update_returning<T: Mapped>(update: Update<T>) -> Vec<Handle<T>>;
    /// Runs an UPDATE by criteria of a named class, and gives the objects of its rows.
    fn update_by_returning(update: ByCriteria) -> Vec<Id>;
    /// Runs a DELETE by criteria, and gives what its rows had.
    fn delete_returning<T: Mapped>(delete: Delete<T>) -> Vec<T>;
    /// Inserts rows.
    fn execute_insert<T: Mapped>(insert: Insert<'_, T>) -> u64;
    /// Inserts rows, and gives their objects.
    fn insert_returning<T: Mapped>(insert: Insert<'_, T>) -> Vec<Handle<T>>;
    /// Inserts rows, and gives for each its object, if it was written.
    fn insert_returning_each<T: Mapped>(insert: Insert<'_, T>) -> Vec<Option<Handle<T>>>;
    /// Inserts rows of named values.
    fn insert_by(insert: InsertInto) -> u64;
    /// Inserts rows of named values, and gives for each its object, if it was written.
    fn insert_by_returning(insert: InsertInto) -> Vec<Option<Id>>;
    /// Inserts rows from plain structs.
    fn bulk_insert<T: Mapped>(rows: &[T]) -> ();
    /// Inserts rows from values by attribute name.
    fn bulk_insert_named(class: &str, rows: Vec<Vec<(&str, Value)>>) -> ();
    /// Updates rows from plain structs.
    fn bulk_update<T: Mapped>(rows: &[T], attributes: impl IntoIterator<Item = impl Into<AttributeKey<T>>>) -> ();
    /// Updates rows from values by attribute name.
    fn bulk_update_named(class: &str, rows: Vec<Vec<(&str, Value)>>) -> ();
    /// The object of a key, with its row locked.
    fn get_locked<T: Mapped>(key: impl IntoKey, lock: Lock) -> Option<Handle<T>>;
    /// Reads an object anew, and locks its row.
    fn refresh_locked(object: impl Into<Id>, lock: Lock) -> ();
    /// Inserts many new members of a collection.
    fn insert_members<S: IsA<C>, C: Mapped, V: RelationshipField>(owner: Handle<S>, attribute: Attr<C, V>, members: Vec<V::Target>) -> ();
    /// Begins to read what a query finds in batches.
    fn stream<T: Mapped>(query: Select<T>, size: usize) -> Stream<T>;
    /// Begins to read what a query without types finds in batches.
    fn stream_of(query: Query, size: usize) -> Stream<AnyClass>;
    /// Copies the state of an object onto the session's own, taking it as what the database has.
    fn merge_without_load<O: IntoObject>(object: O) -> Handle<O::Class>;
    /// Copies the state of an object of any class onto the session's own.
    fn merge_at(given: Id, load: MergeLoad) -> Id;
    /// The history of an attribute, which is loaded for it.
    fn load_history<S: IsA<C>, C: Mapped, V: Historic>(object: Handle<S>, attribute: Attr<C, V>) -> History<V::Item>;
    /// Reads some attributes of an object anew.
    fn refresh_attributes<T: Mapped>(object: Handle<T>, attributes: impl IntoIterator<Item = impl Into<AttributeKey<T>>>) -> ();
    /// Reads an object, or some of its attributes by name, anew.
    fn refresh_named(object: impl Into<Id>, names: Option<&[&str]>) -> ();
    /// Loads a named attribute of an object.
    fn load_named(object: impl Into<Id>, name: &str) -> ();
    /// Loads a named attribute of many objects of one class.
    fn load_all_named(objects: &[Id], name: &str) -> ();
    /// The history of a named attribute, which is loaded for it.
    fn load_history_named(object: impl Into<Id>, name: &str) -> History<HistoryItem>;
    /// The history of a named attribute; what is not there is found out as far as `passive` allows.
    fn get_history_named(object: impl Into<Id>, name: &str, passive: Passive) -> History<HistoryItem>;
    /// The value of a named attribute, as far as `passive` allows.
    fn get_attribute_named(object: impl Into<Id>, name: &str, passive: Passive) -> Option<Datum>;
    /// Sets a named attribute, and loads its old value before that where the attribute has active history.
    fn set_with_history_named(object: impl Into<Id>, name: &str, value: impl Into<Datum>) -> ();
    /// The object of a named class with a primary key.
    fn get_by_name(class: &str, key: impl IntoKey) -> Option<Id>;
    /// The object of a query's class with a key, loaded as the query's options say.
    fn get_of(query: Query, key: Vec<Value>) -> Option<Id>;
    /// The objects that a query without types finds.
    fn all_of(query: Query) -> Vec<Id>;
    /// The first object that a query without types finds.
    fn first_of(query: Query) -> Option<Id>;
    /// The one object that a query without types finds.
    fn one_of(query: Query) -> Id;
    /// The one object that a query without types finds, if any.
    fn one_or_none_of(query: Query) -> Option<Id>;
    /// The rows of values of a query without types.
    fn values_of(query: Query) -> Vec<Vec<Value>>;
    /// The rows of a query without types, with objects among them.
    fn data_of(query: Query) -> Vec<Vec<Datum>>;
    /// A page of the objects that a query without types gives.
    fn page_of(query: Query, page: Page) -> PageOf<Id>;
    /// Runs an UPDATE by criteria of a named class.
    fn update_by(update: ByCriteria) -> u64;
    /// Runs a DELETE by criteria of a named class.
    fn delete_by(delete: ByCriteria) -> u64;
    /// Runs statements written by hand, without parameters, in the session's transaction.
    fn execute_raw(sql: &str) -> ();
    /// The rows of a query written by hand, in the session's transaction.
    fn query_raw(sql: &str, params: &[Value]) -> Vec<Vec<Value>>;
}
