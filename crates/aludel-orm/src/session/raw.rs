//! SQL written by hand, in the session's transaction.

use std::ops::ControlFlow;

use aludel_sql::{Bind, Row, RowSink, Value};

use super::Session;
use crate::Result;

/// The rows of a statement, copied.
pub(crate) struct Copied(pub(crate) Vec<Vec<Value>>);

impl RowSink for Copied {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let values = (0..row.len()).map(|at| aludel_sql::column::<Value>(row, at));
        self.0.push(values.collect::<Result<_>>()?);
        Ok(ControlFlow::Continue(()))
    }
}

impl Session {
    /// Runs statements written by hand, without parameters, in the session's transaction. What is pending is
    /// not flushed, and the objects of the session are not told.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn execute_raw(&mut self, sql: &str) -> Result<()> {
        let mut connection = self.checkout().await?;
        let result = connection.execute_raw(sql).await;
        self.checkin(connection);
        result
    }

    /// The rows of a query written by hand, in the session's transaction; its parameters stand in it as the
    /// database wants them. What is pending is not flushed.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn query_raw(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        let params: Vec<Bind<'_>> = params.iter().map(|value| Bind::Ref(value.as_ref())).collect();
        let mut rows = Copied(Vec::new());
        let mut connection = self.checkout().await?;
        let result = connection.query_raw(sql, &params, &mut rows).await;
        self.checkin(connection);
        result.map(|_| rows.0)
    }
}
