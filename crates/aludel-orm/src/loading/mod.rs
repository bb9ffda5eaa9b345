//! Loading: from queries to objects.
//!
//! ```text
//!  select::<User>() …            typed faces: Select, Rows, Load, AliasOf, attributes as expressions
//!        │
//!      Query                     untyped: a class, joins, conditions, loader options     (query, options)
//!        │ into_select           an SQL tree with leaves that name attributes            (entity, criterion)
//!        │ prepare               key → compiled statement and plan, from the cache        (cache)
//!        │   └ of a new shape:   leaves become columns, options become joins              (resolve, build, columns)
//!        │ fetch                 rows → identity map → arena                              (hydrate)
//!        └ load_after            selectin, subquery, immediate                            (after, relation)
//!
//!  get, load, refresh            one object: by key, an attribute, again                  (get, lazy, refresh)
//!
//!  insert, update, delete        many rows at once, by rows or by criteria                (bulk, dml, by_criteria,
//!                                                                                      returning)
//! ```
//!
//! Everything below the typed faces deals in numbers of classes and attributes. A statement of a shape that was
//! seen before is neither resolved nor rendered again; what its rows mean (its plan) is kept with
//! it.

mod after;
mod aliased;
mod along;
mod attribute;
mod build;
mod bulk;
mod by_criteria;
mod cache;
mod columns;
mod committed;
mod compare;
mod comparisons;
mod composite;
mod criterion;
mod cursor;
mod defaults;
mod dml;
mod eager;
mod evaluate;
mod exists;
mod get;
mod guard;
pub(crate) mod hybrids;
mod hydrate;
mod key;
mod lazy;
mod link;
mod lists;
mod load_columns;
mod loader_criteria;
mod locked;
mod members;
mod memory;
mod named;
mod named_query;
mod names;
mod object;
mod objects;
mod options;
mod page;
mod per_query;
mod plan;
mod query;
mod refresh;
mod relation;
mod resolve;
mod returning;
mod row_keys;
mod rows;
mod run;
mod select;
mod sources;
mod statement;
mod stream;
mod unsaved;
mod untracked;

pub use aliased::{AliasOf, aliased};
pub use attribute::{RelationshipOf, remote};
pub use bulk::{Insert, InsertInto, excluded, insert};
pub(crate) use cache::Caches;
pub use compare::Comparator;
pub use comparisons::Comparison;
pub(crate) use criterion::Criterion;
pub use cursor::Cursor;
pub use dml::{ByCriteria, Delete, Settable, Synchronize, Update, delete, update};
pub use guard::{LoadCount, LoadGuard, LoadLimit, LoadReport};
pub use hybrids::ClassExpression;
pub use key::{By, IntoKey, KeyValues};
pub use loader_criteria::{CriteriaId, LoaderCriteria, loader_criteria, loader_criteria_for_each};
#[cfg(feature = "serde")]
pub(crate) use memory::Allowed;
pub(crate) use memory::{Loading, Restriction};
pub use named::EntityRef;
pub use named_query::{LoadKind, Raise};
pub use objects::{ObjectOf, OptionalObject, object};
pub use options::{
    ColumnOption, IntoOptions, Load, Options, along, contains_eager, contains_eager_as, defer,
    defer_raise, immediate, joined, lazy as lazy_load, load_only, others, raise, raise_on_sql,
    selectin, selectin_polymorphic, subquery, undefer, undefer_group,
};
pub use page::{Page, PageOf};
pub use query::Query;
pub(crate) use query::{QueryNode, What};
pub(crate) use relation::Asker;
pub(crate) use resolve::Resolver;
pub use rows::{Columns, ResultColumn, ResultRow, Rows};
pub use select::{JoinAlong, Select, select};
pub use stream::Stream;
