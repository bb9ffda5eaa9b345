//! One statement for many rows of parameters: many rows by arrays where that can be had, and else all sent behind each
//! other, without waiting for the answers.

use super::conn::{Before, Conn, finish, given, prepared};
use super::error::Refused;
use super::pipeline::{Started, start};
use super::row::Shown;
use super::write::{Sent, Told, WINDOW, answer};
use crate::each::Each;
use crate::transaction::TransactionOptions;
use aludel_sql::{Error, Result, WriteSink};
use std::collections::VecDeque;

/// What was refused, and at which row.
pub(super) type Stopped = (Refused, Option<usize>);

impl Conn {
    pub(crate) async fn execute_each(
        &mut self,
        each: &Each<'_>,
        sink: &mut dyn WriteSink,
    ) -> Result<()> {
        let own = !self.in_transaction() && each.rows > 1;
        if own {
            self.begin(&TransactionOptions::new());
        }
        let restore = self.retry_text();
        let mut told = Told { sink, anything: false, matched: 0 };
        let mut result = self.try_rows(each, &mut told).await;
        if let (Err((refused, _)), Some(restore), false) = (&result, restore, told.anything)
            && refused.is_stale()
        {
            self.again(restore).await?;
            result = self.try_rows(each, &mut told).await;
        }
        let result = match result {
            Ok(()) => told.sink.done(0, told.matched),
            Err((refused, row)) => {
                // What was sent behind it is not listened to.
                self.left_unread();
                Err(self.refused_row(refused, &each.statement.sql, row, each.rows))
            }
        };
        if own { self.end_own(result).await } else { result }
    }

    async fn try_rows(&mut self, each: &Each<'_>, told: &mut Told<'_>) -> Result<(), Stopped> {
        match each.many {
            Some(many) => self.try_together(each, &many, told).await,
            None => self.try_each(each, 0..each.rows, told).await,
        }
    }

    pub(super) async fn try_each(
        &mut self,
        each: &Each<'_>,
        rows: impl ExactSizeIterator<Item = usize>,
        told: &mut Told<'_>,
    ) -> Result<(), Stopped> {
        let pending = self.take_pending();
        let (client, sql) = (&self.client, &*each.statement.sql);
        let (statement, mut before) =
            prepared(client, &mut self.statements, pending, each.statement.id, sql)
                .await
                .map_err(|refused| (refused, None))?;
        let mut under_way = VecDeque::with_capacity(rows.len().min(WINDOW));
        for row in rows {
            if under_way.len() == WINDOW {
                told.next_row(&mut before, &mut under_way).await?;
            }
            let statement = statement.clone();
            let sent: Sent<'_> = match given(&statement, each.row(row), &each.statement.arrays) {
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
        // Without rows nothing was sent behind it.
        finish(before).await.map_err(|refused| (refused, None))
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
            let shown = Shown::new(values, 0);
            self.sink.returned(0, row, &shown).map_err(|error| at(error.into()))?;
        }
        Ok(())
    }
}
