//! The engine of aludel: connections, the pool, transactions, and the drivers for SQLite and PostgreSQL.
//!
//! It knows statements and values (`aludel-sql`), and nothing of objects.
//!
//! ```text
//!   Engine ── Pool ──▶ Connection ──▶ Driver ─┬─ sqlite::Conn    inline, ready at the first poll
//!     │                    │                  └─ postgres::Conn  pipelined
//!     └── Observers ◀──────┘  told of every statement: Echo, StatementCounter, Tracing
//! ```
//!
//! A [`Connection`] is one concrete type, and what is sent is data: a compiled statement with its parameters, or a
//! list of [`Write`](aludel_sql::Write)s. Each driver sends it the way that is fastest on its database.

// With a driver left out, what only that one asks for is not asked for.
#![cfg_attr(
    not(all(feature = "sqlite", feature = "postgres")),
    allow(dead_code, unused_variables, unused_imports, unreachable_code, clippy::drop_non_drop)
)]

mod blocker;
mod connection;
mod cursor;
mod driver;
mod each;
mod engine;
mod neighbours;
pub mod observe;
mod offload;
mod options;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
mod reflect;
mod retry;
mod schema;
mod shape;
#[cfg(feature = "sqlite")]
mod sqlite;
mod timer;
mod transaction;
mod url;

pub use connection::Connection;
pub use cursor::Cursor;
pub use each::{Each, Together};
pub use engine::{Engine, PoolStatus};
pub use observe::{Echo, Event, Observer, Outcome, StatementCounter};
pub use options::{
    EngineOptions, ForeignKeys, Journal, Open, PoolOptions, PostgresOptions, SqliteOptions,
    SslMode, Synchronous,
};
pub use reflect::ReflectOptions;
pub use retry::RetryPolicy;
pub use transaction::{Access, Isolation, TransactionOptions};
pub use url::Url;
