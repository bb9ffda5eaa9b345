//! The SQL layer of aludel: values, types, tables, the expression tree, statements, and their
//! rendering for each dialect. It knows nothing of objects and nothing of connections.
//!
//! # The tour
//!
//! **Values.** A [`Value`] is owned, a [`ValueRef`] borrowed, a [`Bind`] a parameter; a driver shows
//! a [`Row`]. A [`ColumnType`] is a Rust type that a column can hold.
//!
//! **Schema.** A [`Table`] is a cheap handle with an id that is unique in the process; its columns
//! have positions. [`MetaData`] is a collection of tables, which makes DDL in the right order.
//!
//! ```
//! use aludel_sql::*;
//!
//! let user = Table::build("user")
//!     .column(Column::of::<i64>("id").primary_key())
//!     .column(Column::of::<String>("name"))
//!     .column(Column::of::<Option<i64>>("age"))
//!     .finish()?;
//! let address = Table::build("address")
//!     .column(Column::of::<i64>("id").primary_key())
//!     .column(Column::of::<String>("email").unique())
//!     .column(Column::of::<i64>("user_id").references_on_delete("user.id", Action::Cascade))
//!     .finish()?;
//! let mut metadata = MetaData::new();
//! metadata.add(address.clone())?;
//! metadata.add(user.clone())?;
//! let ddl = metadata.create_all(&Dialect::sqlite())?;
//! assert!(ddl[0].starts_with(r#"CREATE TABLE "user""#)); // the target comes first
//! # Ok::<(), Error>(())
//! ```
//!
//! **Expressions.** [`Expr<T>`] is typed, [`Node`] is what it holds. The methods are those of
//! [`Expression`]; an operand is whatever is [`IntoExpr<T>`]: an expression, or a value, which
//! becomes a parameter. Conditions combine with `&`, `|` and `!`.
//!
//! ```
//! # use aludel_sql::*;
//! # let user = Table::build("user").column(Column::of::<i64>("id").primary_key())
//! #     .column(Column::of::<String>("name")).column(Column::of::<Option<i64>>("age")).finish()?;
//! # let address = Table::build("address").column(Column::of::<i64>("id").primary_key())
//! #     .column(Column::of::<String>("email")).column(Column::of::<i64>("user_id").references("user.id")).finish()?;
//! let (id, name) = (user.col::<i64>("id"), user.col::<String>("name"));
//! let age = user.col::<Option<i64>>("age");
//! let user_id = address.col::<i64>("user_id");
//!
//! let has_address = select(()).from(&address).filter(user_id.clone().eq(&id)).exists();
//! let query = select((name.clone(), age.unwrap_or(0)))
//!     .filter((name.clone().starts_with("s") | id.clone().in_([1, 2, 3])) & has_address)
//!     .order_by(id.desc())
//!     .limit(10);
//! assert_eq!(
//!     &*Statement::from(query).render(&Dialect::postgres())?.sql,
//!     "SELECT \"user\".\"name\", coalesce(\"user\".\"age\", CAST($1 AS BIGINT)) FROM \"user\" \
//!      WHERE (\"user\".\"name\" LIKE $2 ESCAPE '/' OR \"user\".\"id\" IN ($3, $4, $5)) \
//!      AND EXISTS (SELECT 1 FROM \"address\" WHERE \"address\".\"user_id\" = \"user\".\"id\") \
//!      ORDER BY \"user\".\"id\" DESC LIMIT $6"
//! );
//!
//! let counts = select((user_id.clone(), count_star().label("n"))).group_by(user_id).subquery();
//! let other = user.alias();
//! let from = other.left_join_on(&counts, other.col::<i64>("id").eq(counts.col::<i64>("user_id")));
//! let query = select((other.col::<String>("name"), counts.col::<i64>("n"))).from(from);
//! # let _ = query;
//! # Ok::<(), Error>(())
//! ```
//!
//! **Statements.** [`select`], [`Insert`], [`Update`], [`Delete`], [`Statement::text`]. A statement
//! is plain data. [`Statement::render`] makes it text, for those that are rendered once and held
//! (with [`param`]s of the caller); a [`StatementCache`] does so for each shape once.
//!
//! ```
//! # use aludel_sql::*;
//! # let user = Table::build("user").column(Column::of::<i64>("id").primary_key())
//! #     .column(Column::of::<String>("name")).finish()?;
//! let cache = StatementCache::new(Dialect::sqlite(), 1024);
//! let query = |n: &str| select(user.col::<i64>("id")).filter(user.col::<String>("name").eq(n));
//! let (sandy, patrick) = (query("sandy"), query("patrick"));
//! let mut params = Vec::new();
//! let first = cache.compile_plain(&sandy, &mut params)?;
//! assert_eq!(params[0].as_ref(), ValueRef::Text("sandy"));
//! let mut params = Vec::new();
//! let second = cache.compile_plain(&patrick, &mut params)?;
//! assert_eq!(params[0].as_ref(), ValueRef::Text("patrick"));
//! assert_eq!(first.id, second.id); // drivers keep prepared statements by the id
//! # Ok::<(), Error>(())
//! ```
//!
//! **Layers above** put leaves of their own into the tree as [`CustomNode`]s, whether in
//! expressions ([`Node::Custom`]) or in FROM ([`FromItem::Custom`]), give their expression types the
//! methods by three small impls ([`IntoNode`], [`IntoExpr`], [`Expression`]), and resolve the leaves
//! by a [`Rewriter`] that the cache calls for a new shape only ([`StatementCache::compile`]). Literals
//! keep their places among the parameters whatever the rewriting does. An [`Adapter`] replaces the
//! columns of a table by those of an alias or a derived table.
//!
//! **Writes.** A flush hands [`Write`]s to a connection; the statements with which they are sent are
//! made by [`insert_row_sql`] and its relatives.

#![warn(missing_docs)]

mod cache;
mod compiled;
mod ddl;
mod dialect;
mod error;
mod expr;
mod render;
mod schema;
mod statement;
mod suggest;
mod tree;
mod types;
mod value;
#[cfg(feature = "serde")]
mod value_serde;
mod write;

pub use cache::{Resolved, StatementCache};
pub use compiled::{ArrayParam, Compiled, StatementKind};
pub use dialect::{Capabilities, Conflict, Dialect, DialectKind, NullSafe};
pub use error::{DatabaseDetail, Error, ErrorKind, Result};
#[cfg(feature = "json")]
pub use expr::JsonPatch;
pub use expr::{
    CaseBuilder, Expr, Expression, Func, IntoExpr, IntoNode, IntoNodes, NumberType, Ordered, Over,
    TextBuilder, TextType, TupleOf, and_, case, count_star, func, literal, literal_of, not_, now,
    null, or_, param, text, tuple,
};
pub use schema::{
    Action, AutoIncrement, Check, ClientDefault, Column, Computed, ForeignKey, Index, MetaData,
    ServerDefault, Sorted, Table, TableBuilder, Unique,
};
pub use statement::{
    ArrayRows, ColumnKey, ConflictAction, Correlate, Delete, Distinct, Insert, InsertValues,
    IntoQuery, Keyed, Lock, LockStrength, LockWait, OnConflict, Query, Select, SetOp, SetQuery,
    Statement, Update, excluded, select,
};
pub use suggest::did_you_mean;
pub use tree::{
    Adapter, Alias, Aliased, Between, BinaryOp, Case, ColumnRef, Cte, CustomNode, Derived,
    Direction, FromItem, Function, In, InSet, Join, JoinKind, Joinable, Junction, KeyWriter, Like,
    LikeShape, Literal, Node, NullsOrder, Param, Rewriter, Selectable, Source, TextNode, TextPart,
    UnaryOp, Window, in_bucket,
};
#[cfg(feature = "json")]
pub use types::Json;
pub use types::TypeVisitor;
pub use value::{Bad, Bind, ColumnType, DataType, Row, Value, ValueRef, column};
pub use write::{
    KeyMatch, RowSink, Write, WriteOp, WriteSink, delete_in_sql, delete_range_sql, delete_row_sql,
    delete_unnest_sql, insert_many_sql, insert_row_sql, insert_unnest_sql, update_many_sql,
    update_row_sql, update_unnest_sql,
};
