//! One statement for many rows of parameters, or many rows in a statement.

use aludel_sql::{Bind, Result, Row, WriteSink};

use super::apart::Part;
use super::conn::{Conn, Stop, wrong_count};
use super::value::{Refused, Shown, bind_all};
use super::write::placed;
use crate::each::{Each, Together};
use crate::transaction::TransactionOptions;

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
        let result = self.patiently(|c| c.try_each(each, sink)).await;
        if own { self.end_own(result).await } else { result }
    }

    fn try_each(&mut self, each: &Each<'_>, sink: &mut dyn WriteSink) -> Result<(), Stop> {
        self.begin_now()?;
        let mut row = 0;
        let written = self.each_row(each, sink, &mut row);
        let stopped = |refused| self.stop(refused, &each.statement.sql, row > 0);
        let matched = written.map_err(|refused| placed(stopped(refused), 0, row, each.rows))?;
        sink.done(0, matched).map_err(Stop::Failed)
    }

    fn each_row(
        &self,
        each: &Each<'_>,
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let mut matched = match each.many {
            Some(many) => self.rows_together(each, &many, sink, row)?,
            None => 0,
        };
        let mut statement = self.db.prepare_cached(&each.statement.sql)?;
        if statement.parameter_count() != each.width() {
            return Err(wrong_count(statement.parameter_count(), each.width()).into());
        }
        while *row < each.rows {
            bind_all(&mut statement, each.row(*row))?;
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

    /// Writes the first rows, as many as fill whole statements and are not refused; says how many were written.
    fn rows_together(
        &self,
        each: &Each<'_>,
        many: &Together<'_>,
        sink: &mut dyn WriteSink,
        row: &mut usize,
    ) -> Result<u64, Refused> {
        let Some(rows) = many.rows.filter(|&rows| rows > 0 && rows <= each.rows) else {
            return Ok(0);
        };
        let mut statement = self.db.prepare_cached(&many.statement.sql)?;
        let mut written = 0;
        let mut params: Vec<Bind<'_>> = Vec::with_capacity(statement.parameter_count());
        while *row + rows <= each.rows {
            params.clear();
            for row in *row..*row + rows {
                params.extend_from_slice(&each.row(row)[..many.own]);
            }
            params.extend_from_slice(&each.row(*row)[many.own..]);
            if statement.parameter_count() != params.len() {
                return Err(wrong_count(statement.parameter_count(), params.len()).into());
            }
            bind_all(&mut statement, &params)?;
            let before = self.db.total_changes();
            let done = match many.statement.returns_rows {
                false => statement.raw_execute().map(|_| true),
                true => {
                    let part = Part {
                        params: &each.params[*row * each.width()..][..rows * each.width()],
                        rows,
                        matched: many.matched,
                        all: false,
                    };
                    let mut show =
                        |at: usize, values: &dyn Row| sink.returned(0, *row + at, values);
                    match self.rows_told_apart(&mut statement, &part, &mut show) {
                        Err(Refused::Value(error)) => return Err(error.into()),
                        Err(Refused::Sqlite(error)) => Err(error),
                        Ok(done) => Ok(done),
                    }
                }
            };
            match done {
                Ok(true) if self.db.total_changes() == before => {}
                Ok(true) => written += self.db.changes(),
                // SQLite has rolled everything back.
                Err(error) if self.db.is_autocommit() => return Err(error.into()),
                Ok(false) | Err(_) => break,
            }
            *row += rows;
        }
        Ok(written)
    }
}
