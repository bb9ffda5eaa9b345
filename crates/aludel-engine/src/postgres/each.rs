//! One statement for many rows of parameters: all sent behind each other, without waiting for the answers.

use super::conn::{Before, Conn, finish, given, prepared};
use super::error::Refused;
use super::pipeline::{Started, start};
use super::row::Shown;
use super::write::{Sent, Told, WINDOW, answer};
use crate::transaction::TransactionOptions;
use aludel_sql::{Bind, Compiled, Error, Result, WriteSink};
use std::collections::VecDeque;

/// What was refused, and at which row.
type Stopped = (Refused, Option<usize>);

impl Conn {
    pub(crate) async fn execute_each(
        &mut self,
        statement: &Compiled,
        rows: usize,
        params: &[Bind<'_>],
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        let own = !self.in_transaction() && rows > 1;
        if own {
            self.begin(&TransactionOptions::new());
        }
        let restore = self.retry_text();
        let mut told = Told { sink, anything: false, matched: 0 };
        let mut result = self.try_each(statement, rows, params, &mut told).await;
        if let (Err((refused, _)), Some(restore), false) = (&result, restore, told.anything)
            && refused.is_stale()
        {
            self.again(restore).await?;
            result = self.try_each(statement, rows, params, &mut told).await;
        }
        let result = match result {
            Ok(()) => told.sink.done(0, told.matched),
            Err((refused, row)) => {
                // What was sent behind it is not listened to.
                self.left_unread();
                Err(self.refused_row(refused, &statement.sql, row, rows))
            }
        };
        if own { self.end_own(result).await } else { result }
    }

    async fn try_each(
        &mut self,
        statement: &Compiled,
        rows: usize,
        params: &[Bind<'_>],
        told: &mut Told<'_>,
    ) -> Result<(), Stopped> {
        let pending = self.take_pending();
        let (client, sql) = (&self.client, &*statement.sql);
        let (statement, mut before) =
            prepared(client, &mut self.statements, pending, statement.id, sql)
                .await
                .map_err(|refused| (refused, None))?;
        let mut under_way = VecDeque::with_capacity(rows.min(WINDOW));
        let width = params.len() / rows;
        for row in 0..rows {
            if under_way.len() == WINDOW {
                told.next_row(&mut before, &mut under_way).await?;
            }
            let statement = statement.clone();
            let sent: Sent<'_> = match given(&statement, &params[row * width..][..width]) {
                Ok(params) => {
                    start(async move { answer(client.query_raw(&statement, params).await?).await })
                        .await
                }
                Err(error) => Started::Done(Err(error.into())),
            };
            under_way.push_back((row, sent));
        }
        while !under_way.is_empty() {
            told.next_row(&mut before, &mut under_way).await?;
        }
        Ok(())
    }

    #[cold]
    fn refused_row(
        &mut self,
        refused: Refused,
        sql: &str,
        row: Option<usize>,
        rows: usize,
    ) -> Error {
        let mut error = self.refuse(refused, sql);
        if let Some(row) = row.filter(|_| rows > 1) {
            error = error.context(format_args!("row {} of {rows}", row + 1));
        }
        let detail = error.database_mut();
        detail.write = Some(0);
        detail.row = row;
        error
    }
}

impl Told<'_> {
    /// Awaits the answer for the row that was sent first, and tells of it.
    async fn next_row<'a>(
        &mut self,
        before: &mut Before<'a>,
        under_way: &mut VecDeque<(usize, Sent<'a>)>,
    ) -> Result<(), Stopped> {
        let Some((row, sent)) = under_way.pop_front() else { return Ok(()) };
        finish(before.take()).await.map_err(|refused| (refused, None))?;
        let at = |refused| (refused, Some(row));
        let (values, count) = sent.finish().await.map_err(at)?;
        self.anything = true;
        self.matched += count;
        for values in &values {
            let shown = Shown { row: values, skip: 0 };
            self.sink.returned(0, row, &shown).map_err(|error| at(error.into()))?;
        }
        Ok(())
    }
}
