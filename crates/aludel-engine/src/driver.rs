//! The drivers, as one concrete type: an enum, so that nothing above is generic over the database.

use crate::each::Each;
use crate::options::PoolOptions;
#[cfg(feature = "postgres")]
use crate::postgres;
#[cfg(feature = "sqlite")]
use crate::sqlite;
use crate::transaction::TransactionOptions;
use aludel_sql::{Bind, Compiled, Result, RowSink, Write, WriteSink};
use std::time::Instant;

/// A connection to one of the databases. The futures of a server's driver are boxed: this keeps those of the
/// callers small (264 bytes rather than 1,352), and costs nothing beside a round trip.
pub(crate) enum Driver {
    #[cfg(feature = "sqlite")]
    Sqlite(Box<sqlite::Conn>),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Conn>),
}

/// How batches of rows are sent.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// As is best for a flush.
    Write,
    /// As is best for rows in great numbers.
    Copy,
}

impl Driver {
    pub(crate) async fn query(
        &mut self,
        statement: &Compiled,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.query(&statement.sql, params, sink).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.query(statement, params, sink)).await,
        }
    }

    pub(crate) async fn execute(
        &mut self,
        statement: &Compiled,
        params: &[Bind<'_>],
    ) -> Result<u64> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.execute(&statement.sql, params).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.execute(statement, params)).await,
        }
    }

    /// A query of a text that is not kept.
    pub(crate) async fn query_raw(
        &mut self,
        sql: &str,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.query(sql, params, sink).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.query_raw(sql, params, sink)).await,
        }
    }

    pub(crate) async fn write_by(
        &mut self,
        way: Way,
        writes: &[Write<'_>],
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => match way {
                Way::Write | Way::Copy => c.write(writes, sink).await,
            },
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => match way {
                Way::Write => Box::pin(c.write(writes, sink)).await,
                Way::Copy => Box::pin(c.copy(writes, sink)).await,
            },
        }
    }

    /// One statement for many rows of parameters.
    pub(crate) async fn execute_each(
        &mut self,
        each: &Each<'_>,
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.execute_each(each, sink).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.execute_each(each, sink)).await,
        }
    }

    pub(crate) async fn script(&mut self, sql: &str) -> Result<()> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.script(sql).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.script(sql)).await,
        }
    }

    /// Notes that a transaction is wanted; it begins with the first statement.
    pub(crate) fn begin(&mut self, how: &TransactionOptions) {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.begin(how),
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => c.begin(how),
        }
    }

    pub(crate) async fn commit(&mut self) -> Result<()> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.commit().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.commit()).await,
        }
    }

    pub(crate) async fn rollback(&mut self) -> Result<()> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.rollback(),
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.rollback()).await,
        }
    }

    /// Runs a statement about a savepoint; `SAVEPOINT` itself may be sent with the next statement.
    pub(crate) async fn savepoint(&mut self, sql: &str) -> Result<()> {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.savepoint(sql).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.savepoint(sql)).await,
        }
    }

    /// Whether an error leaves a transaction in which nothing but a rollback is possible.
    pub(crate) fn lost_transaction(&self, told_by_database: bool) -> bool {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref c) => c.lost_transaction(),
            #[cfg(feature = "postgres")]
            Self::Postgres(ref c) => told_by_database || c.is_closed(),
        }
    }

    /// Whether the connection can be used where we are: a server's belongs to the runtime that drives it.
    pub(crate) fn fits(&self) -> bool {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref c) => c.fits(),
        }
    }

    /// Whether a connection that is idle since then still lives.
    pub(crate) async fn alive(&mut self, since: Instant, pool: &PoolOptions) -> bool {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => Box::pin(c.alive(since.elapsed(), pool)).await,
        }
    }

    /// Makes the connection fit for another user, or says that it is not.
    pub(crate) fn recycle(&mut self, in_flight: bool) -> bool {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref mut c) => c.recycle(),
            #[cfg(feature = "postgres")]
            Self::Postgres(ref mut c) => c.recycle(in_flight),
        }
    }
}
