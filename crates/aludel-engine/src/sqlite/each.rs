//! One statement for many rows of parameters.

use super::conn::{Conn, Stop, wrong_count};
use super::value::{Refused, Shown, bind_all};
use super::write::placed;
use crate::transaction::TransactionOptions;
use aludel_sql::{Bind, Result, WriteSink};

impl Conn {
    pub(crate) async fn execute_each(
        &mut self,
        sql: &str,
        rows: usize,
        params: &[Bind<'_>],
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        let own = !self.in_transaction() && rows > 1;
        if own {
            self.begin(&TransactionOptions::new());
        }
        let result = self.patiently(|c| c.try_each(sql, rows, params, sink)).await;
        if own { self.end_own(result).await } else { result }
    }

    fn try_each(
        &mut self,
        sql: &str,
        rows: usize,
        params: &[Bind<'_>],
        sink: &mut dyn WriteSink,
    ) -> Result<(), Stop> {
        self.begin_now()?;
        let mut row = 0;
        let written = self.each_row(sql, rows, params, sink, &mut row);
        let matched =
            written.map_err(|refused| placed(self.stop(refused, sql, row > 0), 0, row, rows))?;
        sink.done(0, matched).map_err(Stop::Failed)
    }

    fn each_row(
        &self,
        sql: &str,
        rows: usize,
        params: &[Bind<'_>],
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let mut statement = self.db.prepare_cached(sql)?;
        let width = params.len() / rows;
        if statement.parameter_count() != width {
            return Err(wrong_count(statement.parameter_count(), width).into());
        }
        let mut matched = 0;
        while *row < rows {
            bind_all(&mut statement, &params[*row * width..][..width])?;
            // What changes nothing leaves the count of the statement before it.
            let before = self.db.total_changes();
            let mut shown = statement.raw_query();
            while let Some(values) = shown.next()? {
                sink.returned(0, *row, &Shown(values))?;
            }
            drop(shown);
            if self.db.total_changes() != before {
                matched += self.db.changes();
            }
            *row += 1;
        }
        Ok(matched)
    }
}
