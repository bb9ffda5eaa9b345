//! aludel is an ORM: a session with an identity map and a unit of work, instrumented attributes with
//! history and events, cascades and backrefs. It is SQLAlchemy's object model for Rust.
//!
//! A session is an arena, and objects are plain structs in it. [`Session::add`] moves a value in and gives a
//! [`Handle`]; `session[handle]` is the value; changes go through [`Session::edit`], [`Session::set`] and their
//! kin, and [`Session::commit`] writes what has changed, in the right order, in few statements.
//!
//! The async [`Session`] and [`blocking::Session`] are one implementation. SQLite needs no runtime.

pub mod blocking;
pub mod prelude;

pub use aludel_derive::{ColumnEnum, Composite, Mapped, hybrids};
pub use aludel_engine as engine;
pub use aludel_orm as orm;
pub use aludel_orm::{
    Attr, Auto, Collected, CollectionClass, Composite, Deferred, Error, ErrorKind, Handle, History,
    Hybrid, Id, Many, ManyMap, ManySet, Mapped, Member, Narrow, Numbering, ObjectState, One, Part,
    Record, RecordClass, Registry, Result, Session, SessionOptions, Validated, Validates,
    WriteOnly, many,
};
pub use aludel_orm::{
    ClassManager, ClassRef, Instance, InstanceDict, InstrumentationFactory, InstrumentationManager,
    ValueStore,
};
pub use aludel_orm::{
    Comparator, Cursor, Lazy, LoadLimit, LoaderCriteria, Page, PageOf, Query, Select, aliased,
    contains_eager, defer, excluded, immediate, insert, joined, lazy_load, load_only,
    loader_criteria, loader_criteria_for_each, object, others, raise, raise_on_sql, select,
    selectin, subquery, undefer,
};
pub use aludel_sql as sql;
pub use aludel_sql::{
    ColumnType, DataType, NumberType, TextType, Value, case, count_star, func, literal, text,
};

pub use aludel_engine::{Engine, ReflectOptions, RetryPolicy};
pub use aludel_orm::events;
pub use aludel_orm::ext;
#[cfg(feature = "serde")]
pub use aludel_orm::serialize;
pub use aludel_orm::{RunTransaction, SessionMaker};

#[doc(hidden)]
pub use aludel_orm::__private;

/// The examples in the documents, compiled and run with the tests.
#[cfg(all(doctest, feature = "sqlite", feature = "json", feature = "serde"))]
mod documents {
    #[doc = include_str!("../docs/from-sqlalchemy.md")]
    struct FromSqlAlchemy;
}
