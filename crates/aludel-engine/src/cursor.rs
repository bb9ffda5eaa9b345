//! Reading a long result a part at a time, with the server keeping its place.

use crate::connection::Connection;
use aludel_sql::{Bind, Compiled, DialectKind, Error, ErrorKind, Result, Row, RowSink};
use std::ops::ControlFlow;

/// A query that the server holds open; made by [`Connection::cursor`].
///
/// It lives no longer than the transaction. When it is dropped without [`close`](Self::close), the server keeps it
/// until then.
pub struct Cursor<'c> {
    connection: &'c mut Connection,
    fetch: Compiled,
    close: String,
}

impl Connection {
    /// Opens a cursor: its rows come so many at a time, so that neither side holds them all. Needs a transaction.
    ///
    /// [`query`](Self::query) too shows rows as they come, but the whole result is on its way then. SQLite has no
    /// cursor of this kind (its rows are made while they are read, and no other statement should write meanwhile):
    /// there the error is `Unsupported`, and one reads the keys first, then the rows in parts.
    pub async fn cursor(
        &mut self,
        query: &Compiled,
        params: &[Bind<'_>],
        rows: u32,
    ) -> Result<Cursor<'_>> {
        if self.dialect().kind != DialectKind::Postgres {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{} has no cursors: read the keys first, then the rows in parts",
                    self.dialect().name()
                ),
            ));
        }
        if !self.in_transaction() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "a cursor lives in a transaction: call `begin` first",
            ));
        }
        let name = format!("aludel_{}", query.id);
        let declare = format!("DECLARE {name} NO SCROLL CURSOR FOR {}", query.sql);
        self.query_raw(&declare, params, &mut Nobody).await?;
        let fetch = Compiled::raw(format!("FETCH FORWARD {} FROM {name}", rows.max(1)));
        Ok(Cursor { connection: self, fetch, close: format!("CLOSE {name}") })
    }
}

impl Cursor<'_> {
    /// Shows the next rows to the sink, and gives their number; zero is the end.
    pub async fn fetch(&mut self, sink: &mut dyn RowSink) -> Result<u64> {
        self.connection.query(&self.fetch, &[], sink).await
    }

    /// Closes the cursor.
    pub async fn close(self) -> Result<()> {
        self.connection.query_raw(&self.close, &[], &mut Nobody).await.map(drop)
    }
}

/// A sink for statements that give no rows.
struct Nobody;

impl RowSink for Nobody {
    fn row(&mut self, _: &dyn Row) -> Result<ControlFlow<()>> {
        Ok(ControlFlow::Continue(()))
    }
}
