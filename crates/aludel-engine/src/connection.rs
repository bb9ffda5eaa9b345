//! A connection in use: statements, writes, transactions and savepoints, the same on every database.

use crate::driver::{Driver, Way};
use crate::each::Each;
use crate::engine::Inner;
use crate::observe::{Event, WatchedWrites};
use crate::pool::Permit;
use crate::transaction::{State, TransactionOptions};
use aludel_sql::{
    Bind, Compiled, Dialect, Error, ErrorKind, Result, RowSink, StatementKind, Write, WriteSink,
};
use std::sync::{Arc, Mutex, PoisonError};

/// A connection from the pool; it goes back when it is dropped, rolled back if a transaction was open.
///
/// The methods take `&mut self`: one thing at a time. When one of their futures is dropped before its end inside a
/// transaction, the connection is *in flight*: everything but [`rollback`](Self::rollback) is refused, since nobody
/// knows what was done. (SQLite's futures end at their first poll, but for waiting for a lock.)
pub struct Connection {
    /// Taken when the connection is dropped. The mutex is never locked: it lets threads share what holds a connection
    /// without using it, since SQLite's may be used by one at a time.
    lease: Option<(Mutex<Driver>, Permit)>,
    engine: Arc<Inner>,
    state: State,
}

impl Connection {
    pub(crate) fn new(driver: Driver, permit: Permit, engine: Arc<Inner>) -> Self {
        Self { lease: Some((Mutex::new(driver), permit)), engine, state: State::default() }
    }

    fn driver(&mut self) -> &mut Driver {
        match &mut self.lease {
            Some((driver, _)) => driver.get_mut().unwrap_or_else(PoisonError::into_inner),
            None => unreachable!("the lease is taken when the connection is dropped"),
        }
    }

    /// The engine's dialect.
    pub fn dialect(&self) -> &Dialect {
        &self.engine.dialect
    }

    /// Whether `begin` was called, and neither `commit` nor `rollback` since.
    pub fn in_transaction(&self) -> bool {
        self.state.open
    }

    /// Whether the transaction can only be rolled back, as a whole or to a savepoint.
    pub fn is_failed(&self) -> bool {
        self.state.failed.is_some() || (self.state.in_flight && self.state.open)
    }

    /// Runs a statement and shows its rows to the sink; gives the number of rows shown.
    pub async fn query(
        &mut self,
        statement: &Compiled,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        self.ready()?;
        let event = of(statement, params);
        let watch = self.engine.observers.start(&event);
        self.state.in_flight = true;
        let result = self.driver().query(statement, params, sink).await;
        self.landed(&result);
        if let Some(watch) = watch {
            watch.finish(&event, *result.as_ref().unwrap_or(&0), result.as_ref().err());
        }
        result
    }

    /// Runs a statement whose rows, if there are any, nobody wants; gives the number of rows that it wrote.
    pub async fn execute(&mut self, statement: &Compiled, params: &[Bind<'_>]) -> Result<u64> {
        self.ready()?;
        let event = of(statement, params);
        let watch = self.engine.observers.start(&event);
        self.state.in_flight = true;
        let result = self.driver().execute(statement, params).await;
        self.landed(&result);
        if let Some(watch) = watch {
            watch.finish(&event, *result.as_ref().unwrap_or(&0), result.as_ref().err());
        }
        result
    }

    /// Runs a query given as text, with the database's own placeholders. It is not kept prepared.
    pub async fn query_raw(
        &mut self,
        sql: &str,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        self.ready()?;
        let event = Event::Statement { id: 0, sql, kind: kind_of(sql), params };
        let watch = self.engine.observers.start(&event);
        self.state.in_flight = true;
        let result = self.driver().query_raw(sql, params, sink).await;
        self.landed(&result);
        if let Some(watch) = watch {
            watch.finish(&event, *result.as_ref().unwrap_or(&0), result.as_ref().err());
        }
        result
    }

    /// Runs a script of statements without parameters and without rows worth seeing, such as DDL.
    ///
    /// It must not hold `BEGIN`, `COMMIT` or `ROLLBACK`: the connection keeps account of transactions itself.
    pub async fn execute_raw(&mut self, sql: &str) -> Result<()> {
        self.ready()?;
        let event = Event::Script(sql);
        let watch = self.engine.observers.start(&event);
        self.state.in_flight = true;
        let result = self.driver().script(sql).await;
        self.landed(&result);
        if let Some(watch) = watch {
            watch.finish(&event, 0, result.as_ref().err());
        }
        result
    }

    /// Writes batches of rows, in the order of the list. Outside a transaction the whole list is one.
    ///
    /// How the rows are sent is the driver's business; what is promised is that the values given back as row *i* of
    /// a write belong to its parameters of row *i*. After an error inside a transaction some of the rows may be there.
    pub async fn write(&mut self, writes: &[Write<'_>], sink: &mut dyn WriteSink) -> Result<()> {
        self.send_writes(writes, sink, Way::Write).await
    }

    /// As [`write`](Self::write), for rows that come in great numbers. On PostgreSQL, rows of which nothing is wanted
    /// back go by COPY, where that does to the table what INSERT does (it has neither rules nor row security); an
    /// error says which row it was. COPY gives keys that the server always generates the values that the rows have.
    pub async fn copy(&mut self, writes: &[Write<'_>], sink: &mut dyn WriteSink) -> Result<()> {
        self.send_writes(writes, sink, Way::Copy).await
    }

    async fn send_writes(
        &mut self,
        writes: &[Write<'_>],
        sink: &mut dyn WriteSink,
        way: Way,
    ) -> Result<()> {
        self.ready()?;
        for write in writes {
            check(write)?;
        }
        if self.engine.observers.any() {
            return self.write_watched(writes, sink, way).await;
        }
        self.state.in_flight = true;
        let result = self.driver().write_by(way, writes, sink).await;
        self.landed(&result);
        result
    }

    /// Runs one statement for many rows of parameters, in their order: DB-API's `executemany`. Where another statement does
    /// the same to many rows at once, and the driver can have it, that one is run; it is undone, and the rows are sent
    /// one by one, where the database refuses one of them, so that it is known which.
    ///
    /// What comes back for row *i* is given to the sink as row *i* of write 0; a statement may give a row nothing (an
    /// upsert that leaves it out). Outside a transaction all is one. After an error inside a transaction some of the
    /// rows may be there; the error says at which row it was.
    pub async fn execute_each(&mut self, each: &Each<'_>, sink: &mut dyn WriteSink) -> Result<()> {
        self.ready()?;
        each.check()?;
        if each.rows == 0 {
            return sink.done(0, 0);
        }
        let event = Event::Each {
            id: each.statement.id,
            sql: &each.statement.sql,
            kind: each.statement.kind,
            rows: each.rows,
            params: each.params,
        };
        let watch = self.engine.observers.start(&event);
        let mut counted = Counted { sink, matched: 0 };
        self.state.in_flight = true;
        let result = self.driver().execute_each(each, &mut counted).await;
        let matched = counted.matched;
        self.landed(&result);
        if let Some(watch) = watch {
            watch.finish(&event, matched, result.as_ref().err());
        }
        result
    }

    async fn write_watched(
        &mut self,
        writes: &[Write<'_>],
        sink: &mut dyn WriteSink,
        way: Way,
    ) -> Result<()> {
        let engine = self.engine.clone();
        let sql = writes
            .iter()
            .map(|w| crate::shape::row_sql(w, &engine.dialect))
            .collect::<Result<Vec<_>>>()?;
        let mut watched = WatchedWrites::new(sink, &engine.observers, writes, sql);
        self.state.in_flight = true;
        let result = self.driver().write_by(way, writes, &mut watched).await;
        self.landed(&result);
        if let Err(error) = &result {
            watched.failed(error);
        }
        result
    }

    /// Begins a transaction. Nothing is sent yet: it begins with the first statement.
    pub async fn begin(&mut self, how: &TransactionOptions) -> Result<()> {
        if self.state.open {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "a transaction is open already; use a savepoint for one inside of it",
            ));
        }
        let how = how.or(&self.engine.transaction);
        let event = Event::Begin(&how);
        let watch = self.engine.observers.start(&event);
        self.driver().begin(&how);
        self.state = State { open: true, ..State::default() };
        if let Some(watch) = watch {
            watch.finish(&event, 0, None);
        }
        Ok(())
    }

    /// Commits the transaction.
    ///
    /// A transaction in which a statement failed so that the database has given it up is rolled back, with an error
    /// of kind `PendingRollback`. When the connection is lost meanwhile nobody knows whether the transaction took
    /// effect: the error is of kind `OutcomeUnknown`. It is never sent twice.
    pub async fn commit(&mut self) -> Result<()> {
        if !self.state.open {
            return Err(no_transaction("commit"));
        }
        if self.is_failed() {
            let why = self.ready().err();
            self.rollback().await?;
            return Err(why
                .unwrap_or_else(|| no_transaction("commit"))
                .context("nothing was committed"));
        }
        let watch = self.engine.observers.start(&Event::Commit);
        self.state.in_flight = true;
        let result = self.driver().commit().await;
        self.state.in_flight = false;
        match &result {
            Ok(()) => self.state = State::default(),
            // A refused COMMIT (a deferred constraint, a full disk) leaves a transaction to be rolled back.
            Err(error) => self.state.failed = Some(Box::new(error.into())),
        }
        if let Some(watch) = watch {
            watch.finish(&Event::Commit, 0, result.as_ref().err());
        }
        result
    }

    /// Rolls the transaction back; does nothing when there is none.
    pub async fn rollback(&mut self) -> Result<()> {
        if !self.state.open {
            return Ok(());
        }
        let watch = self.engine.observers.start(&Event::Rollback);
        self.state.in_flight = true;
        let result = self.driver().rollback().await;
        if result.is_ok() {
            self.state = State::default();
        }
        if let Some(watch) = watch {
            watch.finish(&Event::Rollback, 0, result.as_ref().err());
        }
        result
    }

    /// Makes a savepoint inside of the transaction, and gives its number.
    pub async fn savepoint(&mut self) -> Result<u32> {
        self.ready()?;
        if !self.state.open {
            return Err(no_transaction("make a savepoint"));
        }
        let number = self.state.next + 1;
        self.about_savepoint(Event::Savepoint(number), &format!("SAVEPOINT sa_{number}")).await?;
        self.state.next = number;
        self.state.savepoints.push(number);
        Ok(number)
    }

    /// Releases a savepoint, and those inside of it: what was done since belongs to what is around it.
    pub async fn release(&mut self, savepoint: u32) -> Result<()> {
        self.ready()?;
        let at = self.savepoint_at(savepoint)?;
        self.about_savepoint(
            Event::Release(savepoint),
            &format!("RELEASE SAVEPOINT sa_{savepoint}"),
        )
        .await?;
        self.state.savepoints.truncate(at);
        Ok(())
    }

    /// Undoes what was done since a savepoint; it stays, those inside of it are gone. A failed transaction can go on.
    pub async fn rollback_to(&mut self, savepoint: u32) -> Result<()> {
        let at = self.savepoint_at(savepoint)?;
        if let Some(failure) = &self.state.failed {
            let refusal = failure.refusal();
            if self.driver().lost_transaction(false) {
                return Err(refusal);
            }
        }
        self.about_savepoint(
            Event::RollbackTo(savepoint),
            &format!("ROLLBACK TO SAVEPOINT sa_{savepoint}"),
        )
        .await?;
        self.state.savepoints.truncate(at + 1);
        self.state.failed = None;
        Ok(())
    }

    async fn about_savepoint(&mut self, event: Event<'_>, sql: &str) -> Result<()> {
        let watch = self.engine.observers.start(&event);
        self.state.in_flight = true;
        let result = self.driver().savepoint(sql).await;
        self.landed(&result);
        if let Some(watch) = watch {
            watch.finish(&event, 0, result.as_ref().err());
        }
        result
    }

    fn savepoint_at(&self, savepoint: u32) -> Result<usize> {
        self.state.savepoints.iter().position(|&s| s == savepoint).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                format!("there is no savepoint {savepoint}: it is released, rolled back, or of another transaction"),
            )
        })
    }

    /// Whether a statement may be sent.
    #[inline]
    fn ready(&self) -> Result<()> {
        if self.is_failed() { Err(self.refusal()) } else { Ok(()) }
    }

    #[cold]
    fn refusal(&self) -> Error {
        if let Some(failure) = &self.state.failed {
            return failure.refusal();
        }
        Error::new(
            ErrorKind::PendingRollback,
            "a statement was abandoned (its future was dropped) and may have been done or not: roll back first",
        )
    }

    /// Notes that a statement has ended.
    #[inline]
    fn landed<T>(&mut self, result: &Result<T>) {
        self.state.in_flight = false;
        if let Err(error) = result {
            self.failed(error);
        }
    }

    #[cold]
    fn failed(&mut self, error: &Error) {
        let told = error.database().is_some_and(|d| d.code.is_some());
        if self.state.open && self.state.failed.is_none() && self.driver().lost_transaction(told) {
            self.state.failed = Some(Box::new(error.into()));
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some((driver, permit)) = self.lease.take() {
            // Without any driver there is nothing to be changed.
            #[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), allow(unused_mut))]
            let mut driver = driver.into_inner().unwrap_or_else(PoisonError::into_inner);
            if driver.recycle(self.state.in_flight) && !self.engine.is_closed() {
                permit.pool().put(driver);
            }
            // The permit goes last: who waits for it finds the connection.
            drop(permit);
            #[cfg(feature = "postgres")]
            self.engine.nudge();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("engine", &self.engine.shown)
            .field("state", &self.state)
            .finish()
    }
}

/// A sink that is asked afterwards how many rows were matched.
struct Counted<'a> {
    sink: &'a mut dyn WriteSink,
    matched: u64,
}

impl WriteSink for Counted<'_> {
    fn returned(&mut self, write: usize, row: usize, values: &dyn aludel_sql::Row) -> Result<()> {
        self.sink.returned(write, row, values)
    }

    fn done(&mut self, write: usize, matched: u64) -> Result<()> {
        self.matched += matched;
        self.sink.done(write, matched)
    }
}

fn of<'a>(statement: &'a Compiled, params: &'a [Bind<'a>]) -> Event<'a> {
    Event::Statement { id: statement.id, sql: &statement.sql, kind: statement.kind, params }
}

/// The kind of a text, for observers: by its first word.
fn kind_of(sql: &str) -> StatementKind {
    let word =
        sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    match word.to_ascii_uppercase().as_str() {
        "SELECT" | "VALUES" | "WITH" => StatementKind::Select,
        "INSERT" => StatementKind::Insert,
        "UPDATE" => StatementKind::Update,
        "DELETE" => StatementKind::Delete,
        "CREATE" | "DROP" | "ALTER" => StatementKind::Ddl,
        _ => StatementKind::Other,
    }
}

fn check(write: &Write<'_>) -> Result<()> {
    let wanted = write.rows * write.width();
    if write.params.len() == wanted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Argument,
        format!(
            "a write to `{}` has {} rows of {} values, and {} values are given",
            write.table.full_name(),
            write.rows,
            write.width(),
            write.params.len()
        ),
    ))
}

#[cold]
fn no_transaction(what: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("cannot {what}: no transaction is open"))
}
