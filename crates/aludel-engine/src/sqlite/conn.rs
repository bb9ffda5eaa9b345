//! A connection to SQLite: statements, transactions, and waiting for locks.

use super::connect::open;
use super::error::{is_busy, translate};
use super::value::{Refused, Remembered, Shown, bind_all};
use crate::blocker::may_block;
use crate::options::{EngineOptions, Open};
use crate::shape::Shapes;
use crate::timer::sleep;
use crate::transaction::{Access, TransactionOptions};
use crate::url::Place;
use aludel_sql::{Bind, Dialect, Error, ErrorKind, Result, RowSink};
use rusqlite::fallible_iterator::FallibleIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A connection to SQLite.
pub(crate) struct Conn {
    pub(super) db: rusqlite::Connection,
    pub(super) dialect: Arc<Dialect>,
    pub(super) shapes: Shapes<Arc<super::write::Held>>,
    phase: Phase,
    read_only: bool,
    busy_timeout: Duration,
    /// SQLite's own busy handler is on.
    waits: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No transaction.
    None,
    /// One was asked for; it begins with the first statement.
    Wanted(Access),
    /// One is open. A reading one is made so by a pragma, which is to be undone.
    Open { query_only: bool },
}

/// Why something did not happen.
pub(super) enum Stop {
    /// A lock was in the way before anything was done: it may be tried again.
    Busy(Error),
    /// Anything else.
    Failed(Error),
}

impl Stop {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Busy(e) | Self::Failed(e) => e,
        }
    }
}

impl Conn {
    pub(crate) fn open(
        place: &Place,
        options: &EngineOptions,
        dialect: Arc<Dialect>,
    ) -> Result<Self> {
        Ok(Self {
            db: open(place, options)?,
            dialect,
            shapes: Shapes::new(1024),
            phase: Phase::None,
            read_only: options.sqlite.open == Open::ReadOnly,
            busy_timeout: options.sqlite.busy_timeout,
            waits: true,
        })
    }

    /// What is to be said of a refused statement; `begun` when something was done already.
    #[cold]
    pub(super) fn stop(&self, refused: Refused, sql: &str, begun: bool) -> Stop {
        match refused {
            Refused::Value(mut error) => {
                let detail = error.database_mut();
                detail.statement.get_or_insert_with(|| sql.to_owned());
                Stop::Failed(error)
            }
            Refused::Sqlite(error) => {
                let busy = is_busy(&error);
                let mut error = translate(error, Some(sql));
                if busy {
                    error =
                        error.context(format_args!("waited {:?} for a lock", self.busy_timeout));
                }
                if busy && !begun && !self.waits { Stop::Busy(error) } else { Stop::Failed(error) }
            }
        }
    }

    /// Tries something until no lock is in the way, or the time is up.
    pub(super) async fn patiently<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<T, Stop> + Send,
    ) -> Result<T> {
        let block = may_block();
        if block != self.waits {
            let time = if block { self.busy_timeout } else { Duration::ZERO };
            self.db.busy_timeout(time).map_err(|e| translate(e, None))?;
            self.waits = block;
        }
        let busy = match attempt(self) {
            Ok(done) => return Ok(done),
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Busy(error)) => error,
        };
        // The rare case is kept out of the common future's size.
        let patience = self.busy_timeout;
        Box::pin(async move {
            let until = Instant::now() + patience;
            let (mut busy, mut pause) = (busy, Duration::from_millis(1));
            while Instant::now() < until {
                sleep(pause.min(until.saturating_duration_since(Instant::now()))).await;
                pause = (pause * 2).min(Duration::from_millis(25));
                busy = match attempt(self) {
                    Ok(done) => return Ok(done),
                    Err(Stop::Failed(error)) => return Err(error),
                    Err(Stop::Busy(error)) => error,
                };
            }
            Err(busy)
        })
        .await
    }

    pub(crate) async fn query(
        &mut self,
        sql: &str,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        self.patiently(|c| c.try_query(sql, params, sink)).await
    }

    fn try_query(
        &mut self,
        sql: &str,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64, Stop> {
        self.begin_now()?;
        let mut seen = 0;
        self.rows(sql, params, sink, &mut seen).map_err(|e| self.stop(e, sql, seen > 0))?;
        Ok(seen)
    }

    fn rows(
        &self,
        sql: &str,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
        seen: &mut u64,
    ) -> Result<(), Refused> {
        let mut statement = self.db.prepare_cached(sql)?;
        check_count(statement.parameter_count(), params.len())?;
        bind_all(&mut statement, params)?;
        let mut rows = statement.raw_query();
        let once = sink.reads_once();
        while let Some(row) = rows.next()? {
            *seen += 1;
            let row = Shown(row);
            let taken = if once { sink.row(&row)? } else { sink.row(&Remembered::new(row))? };
            if taken.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Bind<'_>]) -> Result<u64> {
        self.patiently(|c| {
            c.begin_now()?;
            c.try_execute(sql, params).map_err(|e| c.stop(e, sql, false))
        })
        .await
    }

    fn try_execute(&self, sql: &str, params: &[Bind<'_>]) -> Result<u64, Refused> {
        let mut statement = self.db.prepare_cached(sql)?;
        check_count(statement.parameter_count(), params.len())?;
        bind_all(&mut statement, params)?;
        // What changes nothing leaves the count of the statement before it.
        let before = self.db.total_changes();
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(if self.db.total_changes() == before { 0 } else { self.db.changes() })
    }

    /// Runs a script. Only before its first statement is done can it be tried again; after that a lock is waited for
    /// by SQLite's own handler, also in async use.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<()> {
        self.patiently(|c| {
            c.begin_now()?;
            let mut begun = false;
            c.statements_of(sql, &mut begun).map_err(|e| c.stop(e, sql, begun))
        })
        .await
    }

    fn statements_of(&mut self, sql: &str, begun: &mut bool) -> Result<(), Refused> {
        let mut batch = rusqlite::Batch::new(&self.db, sql);
        while let Some(mut statement) = batch.next()? {
            let mut rows = statement.raw_query();
            while rows.next()?.is_some() {}
            if !*begun {
                *begun = true;
                self.db.busy_timeout(self.busy_timeout)?;
                self.waits = true;
            }
        }
        Ok(())
    }

    // Transactions

    pub(crate) fn begin(&mut self, how: &TransactionOptions) {
        self.phase = Phase::Wanted(how.access.unwrap_or_default());
    }

    /// Begins the transaction that was asked for.
    #[inline]
    pub(super) fn begin_now(&mut self) -> Result<(), Stop> {
        match self.phase {
            Phase::Wanted(access) => self.begin_as(access),
            _ => Ok(()),
        }
    }

    fn begin_as(&mut self, access: Access) -> Result<(), Stop> {
        let sql = match access {
            Access::Write if !self.read_only => "BEGIN IMMEDIATE",
            _ => "BEGIN DEFERRED",
        };
        self.run(sql).map_err(|e| self.stop(e, sql, false))?;
        let query_only = access == Access::Read;
        self.phase = Phase::Open { query_only };
        if query_only {
            self.run("PRAGMA query_only = ON").map_err(|e| self.stop(e, sql, true))?;
        }
        Ok(())
    }

    /// Runs a statement of our own that has neither parameters nor rows worth seeing.
    pub(super) fn run(&self, sql: &str) -> Result<(), Refused> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.phase != Phase::None
    }

    /// SQLite itself rolled the transaction back: after a full disk or an I/O error it may.
    pub(crate) fn lost_transaction(&self) -> bool {
        matches!(self.phase, Phase::Open { .. }) && self.db.is_autocommit()
    }

    /// Commits. When a lock is in the way nothing is committed, and SQLite itself says to try again.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        if let Phase::Open { .. } = self.phase {
            self.patiently(|c| c.run("COMMIT").map_err(|e| c.stop(e, "COMMIT", false))).await?;
        }
        self.end()
    }

    pub(crate) fn rollback(&mut self) -> Result<()> {
        if matches!(self.phase, Phase::Open { .. }) && !self.db.is_autocommit() {
            self.run("ROLLBACK").map_err(|e| self.stop(e, "ROLLBACK", true).into_error())?;
        }
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        let query_only = self.phase == Phase::Open { query_only: true };
        self.phase = Phase::None;
        if query_only {
            self.run("PRAGMA query_only = OFF")
                .map_err(|e| self.stop(e, "PRAGMA query_only", true).into_error())?;
        }
        Ok(())
    }

    /// Runs `SAVEPOINT n`, `RELEASE n` or `ROLLBACK TO n`.
    pub(crate) async fn savepoint(&mut self, sql: &str) -> Result<()> {
        self.patiently(|c| {
            c.begin_now()?;
            c.run(sql).map_err(|e| c.stop(e, sql, false))
        })
        .await
    }

    /// Whether the connection may be used again by another, after a rollback.
    pub(crate) fn recycle(&mut self) -> bool {
        self.rollback().is_ok() && self.db.is_autocommit()
    }
}

#[inline]
fn check_count(wanted: usize, given: usize) -> Result<(), Error> {
    if wanted == given { Ok(()) } else { Err(wrong_count(wanted, given)) }
}

#[cold]
pub(crate) fn wrong_count(wanted: usize, given: usize) -> Error {
    Error::new(
        ErrorKind::Argument,
        format!("the statement has {wanted} parameters, and {given} are given"),
    )
}
