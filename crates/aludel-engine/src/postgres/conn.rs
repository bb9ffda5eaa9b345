//! A connection to PostgreSQL: statements, transactions, and the end of its use.

use super::connect::{Connected, connect};
use super::encode::{Column, Given, Param};
use super::error::{Refused, is_lost, translate};
use super::pipeline::{Started, start};
use super::row::Shown;
use super::statements::Statements;
use super::tls::Tls;
use super::write_shape::Kept;
use crate::options::{EngineOptions, PoolOptions};
use crate::shape::Shapes;
use crate::transaction::{Access, TransactionOptions};
use crate::url::Server;
use aludel_sql::{ArrayParam, Bind, Compiled, Dialect, Error, ErrorKind, Result, RowSink};
use futures_util::TryStreamExt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};

/// A connection to PostgreSQL.
pub(crate) struct Conn {
    pub(super) client: Client,
    pub(super) dialect: Arc<Dialect>,
    pub(super) shapes: Shapes<Kept>,
    pub(super) statements: Statements,
    phase: Phase,
    /// What is to be sent before the next statement: `BEGIN`, savepoints.
    pub(super) pending: String,
    /// The end of some statement's answer was not read: the statement may have failed after what was read.
    unread: bool,
    task: JoinHandle<()>,
    tls: Tls,
    home: tokio::runtime::Id,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No transaction.
    None,
    /// One was asked for; `BEGIN` is pending.
    Wanted,
    /// One is open, or was until it failed.
    Open,
}

impl Conn {
    pub(crate) async fn connect(
        server: &Server,
        options: &EngineOptions,
        dialect: Arc<Dialect>,
    ) -> Result<Self> {
        let home = Handle::try_current().map_err(|_| {
            Error::new(
                ErrorKind::InvalidRequest,
                "PostgreSQL needs a tokio runtime: there is none here; use `Engine::block_on` and the blocking API",
            )
        })?;
        let Connected { client, task, tls } = connect(server, options).await?;
        Ok(Self {
            client,
            dialect,
            shapes: Shapes::new(options.statement_cache),
            statements: Statements::new(options.statement_cache),
            phase: Phase::None,
            pending: String::new(),
            unread: false,
            task,
            tls,
            home: home.id(),
        })
    }

    // Statements

    pub(crate) async fn query(
        &mut self,
        s: &Compiled,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        let mut seen = 0;
        let restore = self.retry_text();
        let mut result = self.try_query(s.id, &s.sql, (params, &s.arrays), sink, &mut seen).await;
        if let (Err(refused), Some(restore), 0) = (&result, restore, seen)
            && refused.is_stale()
        {
            self.again(restore).await?;
            result = self.try_query(s.id, &s.sql, (params, &s.arrays), sink, &mut seen).await;
        }
        match result {
            Ok(()) => Ok(seen),
            Err(refused) => Err(self.refuse(refused, &s.sql)),
        }
    }

    async fn try_query(
        &mut self,
        id: u64,
        sql: &str,
        (params, arrays): (&[Bind<'_>], &[ArrayParam]),
        sink: &mut dyn RowSink,
        seen: &mut u64,
    ) -> Result<(), Refused> {
        let before_unread = self.unread;
        let pending = self.take_pending();
        let (statement, before) =
            prepared(&self.client, &mut self.statements, pending, id, sql).await?;
        let params = given(&statement, params, arrays)?;
        let request = start(self.client.query_raw(&statement, params)).await;
        finish(before).await?;
        let mut rows = pin!(request.finish().await?);
        self.unread = true;
        while let Some(row) = rows.try_next().await? {
            *seen += 1;
            if sink.row(&Shown::new(&row, 0))?.is_break() {
                return Ok(());
            }
        }
        self.unread = before_unread;
        Ok(())
    }

    pub(crate) async fn execute(&mut self, s: &Compiled, params: &[Bind<'_>]) -> Result<u64> {
        let restore = self.retry_text();
        let mut result = self.try_execute(s, params).await;
        if let (Err(refused), Some(restore)) = (&result, restore)
            && refused.is_stale()
        {
            self.again(restore).await?;
            result = self.try_execute(s, params).await;
        }
        result.map_err(|refused| self.refuse(refused, &s.sql))
    }

    async fn try_execute(&mut self, s: &Compiled, params: &[Bind<'_>]) -> Result<u64, Refused> {
        let pending = self.take_pending();
        let (statement, before) =
            prepared(&self.client, &mut self.statements, pending, s.id, &s.sql).await?;
        let params = given(&statement, params, &s.arrays)?;
        let request = start(self.client.execute_raw(&statement, params)).await;
        finish(before).await?;
        Ok(request.finish().await?)
    }

    /// A query that is prepared for this once.
    pub(crate) async fn query_raw(
        &mut self,
        sql: &str,
        params: &[Bind<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<u64> {
        let mut seen = 0;
        match self.try_query(0, sql, (params, &[]), sink, &mut seen).await {
            Ok(()) => Ok(seen),
            Err(refused) => Err(self.refuse(refused, sql)),
        }
    }

    /// Runs a script: a message of its own, which outside a transaction is one as a whole.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<()> {
        let text = self.with_pending(sql);
        self.client.batch_execute(&text).await.map_err(|e| translate(&e, Some(sql)))
    }

    #[cold]
    pub(super) fn refuse(&mut self, refused: Refused, sql: &str) -> Error {
        if refused.is_stale() {
            self.forget();
        }
        refused.translate(sql)
    }

    /// Forgets the prepared statements: the tables they were made for have changed.
    #[cold]
    pub(super) fn forget(&mut self) {
        self.statements.clear();
        self.shapes.clear();
        self.client.clear_type_cache();
    }

    /// What to send first when the next statement is tried a second time; `None` when it must not be, since
    /// something was done in the transaction before.
    pub(super) fn retry_text(&self) -> Option<String> {
        (self.phase != Phase::Open).then(|| self.pending.clone())
    }

    /// Makes ready for a second try.
    #[cold]
    pub(super) async fn again(&mut self, pending: String) -> Result<()> {
        self.forget();
        if self.phase == Phase::Open {
            self.client
                .batch_execute("ROLLBACK")
                .await
                .map_err(|e| translate(&e, Some("ROLLBACK")))?;
            self.phase = Phase::Wanted;
            self.pending = pending;
        }
        Ok(())
    }

    // Transactions

    pub(crate) fn begin(&mut self, how: &TransactionOptions) {
        self.phase = Phase::Wanted;
        self.pending.clear();
        self.pending.push_str("BEGIN");
        if let Some(isolation) = how.isolation {
            self.pending.push_str(" ISOLATION LEVEL ");
            self.pending.push_str(isolation.sql());
        }
        if how.access == Some(Access::Read) {
            self.pending.push_str(" READ ONLY");
        }
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.phase != Phase::None
    }

    /// Takes what is pending; from now on the transaction is open.
    pub(super) fn take_pending(&mut self) -> String {
        if self.phase == Phase::Wanted {
            self.phase = Phase::Open;
        }
        std::mem::take(&mut self.pending)
    }

    fn with_pending(&mut self, sql: &str) -> String {
        let mut text = self.take_pending();
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(sql);
        text
    }

    /// Commits. A transaction that is known to have failed never comes here: to a COMMIT of it PostgreSQL answers
    /// with success, having rolled it back. Where it may have failed without our knowing, a statement that a failed
    /// transaction refuses goes before.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        if self.phase == Phase::Open {
            let sql = if self.unread { "SELECT 1; COMMIT" } else { "COMMIT" };
            self.client.batch_execute(sql).await.map_err(|e| {
                let error = translate(&e, Some(sql));
                if !is_lost(&e) {
                    return error;
                }
                let detail = error.database().cloned().unwrap_or_default();
                Error::new(
                    ErrorKind::OutcomeUnknown,
                    format!("the connection was lost while committing; whether it took effect is not known: {}", error.message()),
                )
                .with_database(detail)
            })?;
        }
        self.ended();
        Ok(())
    }

    /// Rolls back; on a lost connection the server has done so.
    pub(crate) async fn rollback(&mut self) -> Result<()> {
        if self.phase == Phase::Open
            && let Err(e) = self.client.batch_execute("ROLLBACK").await
            && !is_lost(&e)
        {
            return Err(translate(&e, Some("ROLLBACK")));
        }
        self.ended();
        Ok(())
    }

    fn ended(&mut self) {
        self.phase = Phase::None;
        self.pending.clear();
        self.unread = false;
    }

    /// Notes that the end of an answer was not read.
    pub(super) fn left_unread(&mut self) {
        self.unread = true;
    }

    /// Runs a statement about a savepoint. Making one needs no answer: it goes with the next statement.
    pub(crate) async fn savepoint(&mut self, sql: &str) -> Result<()> {
        if sql.starts_with("SAVEPOINT") {
            self.after(sql);
            return Ok(());
        }
        self.script(sql).await
    }

    /// Notes what is to be sent with the next statement, after all that was noted before.
    pub(super) fn after(&mut self, sql: &str) {
        if !self.pending.is_empty() {
            self.pending.push_str("; ");
        }
        self.pending.push_str(sql);
    }

    // Its life

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether we are in the runtime that drives the connection.
    pub(crate) fn fits(&self) -> bool {
        Handle::try_current().is_ok_and(|h| h.id() == self.home)
    }

    /// Whether the connection still lives: by its socket, and after a time by asking the server.
    ///
    /// In blocking use nobody looks at the socket between two calls, so the server is asked after a second.
    pub(crate) async fn alive(&mut self, idle: Duration, pool: &PoolOptions) -> bool {
        if self.client.is_closed() {
            return false;
        }
        let limit = if crate::blocker::may_block() {
            pool.ping_after.min(Duration::from_secs(1))
        } else {
            pool.ping_after
        };
        if idle < limit {
            return true;
        }
        let ask = self.client.check_connection();
        matches!(tokio::time::timeout(pool.acquire_timeout, ask).await, Ok(Ok(())))
    }

    /// Makes the connection fit for another: a transaction is rolled back, without waiting for the answer, which
    /// comes before all later ones. One whose statement was abandoned is thrown away, and the statement cancelled.
    pub(crate) fn recycle(&mut self, in_flight: bool) -> bool {
        if self.client.is_closed() {
            return false;
        }
        if in_flight {
            self.cancel();
            return false;
        }
        if self.phase == Phase::Open {
            let mut rollback = pin!(self.client.batch_execute("ROLLBACK"));
            let sent = rollback.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if matches!(sent, std::task::Poll::Ready(Err(_))) {
                return false;
            }
            crate::blocker::mark_unsent();
        }
        self.ended();
        true
    }

    /// Asks the server to cancel what runs; the connection is closed then, which rolls back.
    #[cold]
    fn cancel(&self) {
        let token = self.client.cancel_token();
        let task = self.task.abort_handle();
        let Ok(runtime) = Handle::try_current() else {
            task.abort();
            return;
        };
        let tls = self.tls.clone();
        runtime.spawn(async move {
            // When it cannot be asked, the closed connection must do.
            let _ = match tls {
                Tls::Plain => token.cancel_query(tokio_postgres::NoTls).await,
                #[cfg(feature = "postgres-tls")]
                Tls::Rustls(tls) => token.cancel_query(tls).await,
            };
            task.abort();
        });
    }
}

/// The prepared statement, and what was sent before it and is still to be awaited. An id of zero is not kept.
pub(super) async fn prepared<'c>(
    client: &'c Client,
    statements: &mut Statements,
    pending: String,
    id: u64,
    sql: &str,
) -> Result<(Statement, Before<'c>), Refused> {
    let kept = if id == 0 { None } else { statements.get(id) };
    let before = send(client, pending).await;
    if let Some(kept) = kept {
        return Ok((kept, before));
    }
    let preparing = start(client.prepare(sql)).await;
    finish(before).await?;
    let statement = preparing.finish().await?;
    if id != 0 {
        statements.put(id, statement.clone());
    }
    Ok((statement, None))
}

/// What was sent before a statement.
pub(super) type Before<'a> = Option<Started<'a, Result<(), tokio_postgres::Error>>>;

/// Sends what is to come before a statement.
pub(super) async fn send(client: &Client, text: String) -> Before<'_> {
    if text.is_empty() {
        return None;
    }
    Some(start(async move { client.batch_execute(&text).await }).await)
}

pub(super) async fn finish(before: Before<'_>) -> Result<(), Refused> {
    match before {
        None => Ok(()),
        Some(before) => Ok(before.finish().await?),
    }
}

/// What goes to the placeholders, if there are as many parameters as the statement wants.
pub(super) fn given<'a>(
    statement: &Statement,
    params: &'a [Bind<'a>],
    arrays: &[ArrayParam],
) -> Result<Vec<Given<'a>>, Error> {
    let wanted = statement.params().len();
    let wanted = wanted + arrays.iter().map(|array| array.len as usize - 1).sum::<usize>();
    if wanted != params.len() {
        let given = params.len();
        let message = format!("the statement has {wanted} parameters, and {given} are given");
        return Err(Error::new(ErrorKind::Argument, message));
    }
    if arrays.is_empty() {
        return Ok(params.iter().map(|p| Given::One(Param(p.as_ref()))).collect());
    }
    let mut all = Vec::with_capacity(statement.params().len());
    let mut rest = params;
    for array in arrays {
        let (before, at) = rest.split_at(array.first as usize - (params.len() - rest.len()));
        let (values, after) = at.split_at(array.len as usize);
        all.extend(before.iter().map(|p| Given::One(Param(p.as_ref()))));
        all.push(Given::Array(Column { params: values, at: 0, width: 1 }));
        rest = after;
    }
    all.extend(rest.iter().map(|p| Given::One(Param(p.as_ref()))));
    Ok(all)
}

pub(super) fn params<'a>(params: &'a [Bind<'a>]) -> Vec<Param<'a>> {
    params.iter().map(|p| Param(p.as_ref())).collect()
}
