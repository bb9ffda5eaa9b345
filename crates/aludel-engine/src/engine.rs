//! The engine: a database, its pool and its observers.

use crate::connection::Connection;
use crate::driver::Driver;
use crate::observe::{Observer, Observers};
use crate::offload::Workers;
use crate::options::EngineOptions;
use crate::pool::Pool;
use crate::transaction::TransactionOptions;
use crate::url::{Place, Url};
use aludel_sql::{Dialect, Error, ErrorKind, Result, StatementCache};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A database, as a program knows it: made once, cloned freely (a clone is the same engine).
///
/// ```
/// # use aludel_engine::Engine;
/// # fn main() -> aludel_sql::Result<()> {
/// # #[cfg(feature = "sqlite")] {
/// let engine = Engine::connect_blocking("sqlite::memory:")?;
/// engine.block_on(async {
///     let mut connection = engine.acquire().await?;
///     connection.execute_raw("CREATE TABLE t (x INTEGER)").await
/// })?;
/// # }
/// # Ok(()) }
/// ```
///
/// # When a server restarts
///
/// Connections that are in use fail with `ConnectionLost` (at COMMIT with `OutcomeUnknown`) and are thrown away. Idle
/// ones are found out when they are next asked for, by their closed socket or, when they were idle for longer than
/// [`ping_after`](EngineOptions::ping_after), by a question to the server; they are replaced by new ones without the
/// caller's notice. A statement is never sent a second time on another connection.
///
/// # Keeping async threads free
///
/// SQLite is called where the future is polled. A short statement (a microsecond to read a row) is best run there; a
/// long one keeps the thread from its other tasks. [`offload`](Self::offload) runs a future on a thread of the
/// engine's own.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

/// How many compiled statements are kept.
const COMPILED: usize = 2048;

/// What all clones of an engine share.
pub(crate) struct Inner {
    pub(crate) dialect: Arc<Dialect>,
    statements: StatementCache,
    pub(crate) observers: Observers,
    pub(crate) transaction: TransactionOptions,
    /// The URL without the password.
    pub(crate) shown: String,
    pub(crate) pool: Arc<Pool>,
    pub(crate) workers: Workers,
    url: Url,
    options: EngineOptions,
    closed: AtomicBool,
    #[cfg(feature = "postgres")]
    runtime: crate::blocker::OwnRuntime,
}

impl Engine {
    /// Connects, with the options of the URL; see [`Url::parse`] for what it may be.
    ///
    /// The first connection is made at once, so that what is wrong is told here.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::options(url).connect().await
    }

    /// The same for programs without a runtime; see [`block_on`](Self::block_on).
    pub fn connect_blocking(url: &str) -> Result<Self> {
        Self::options(url).connect_blocking()
    }

    /// Options to be set before connecting.
    pub fn options(url: &str) -> EngineOptions {
        EngineOptions::new(url)
    }

    pub(crate) async fn with_options(options: EngineOptions) -> Result<Self> {
        let engine = Self::new(options)?;
        engine.acquire().await?;
        Ok(engine)
    }

    pub(crate) fn with_options_blocking(options: EngineOptions) -> Result<Self> {
        let engine = Self::new(options)?;
        engine.block_on(async { engine.acquire().await.map(drop) })?;
        Ok(engine)
    }

    fn new(options: EngineOptions) -> Result<Self> {
        let url = options.url()?.clone();
        let dialect = dialect(&url.place)?;
        let max = match url.place {
            // Each connection in memory would be a database of its own.
            Place::Memory => 1,
            _ => options.pool.max.unwrap_or(10),
        };
        Ok(Self(Arc::new(Inner {
            statements: StatementCache::new(dialect.clone(), COMPILED),
            dialect: Arc::new(dialect),
            observers: Observers::new(options.observers.clone()),
            transaction: options.transaction,
            shown: url.to_string(),
            pool: Pool::new(options.pool.clone(), max),
            workers: Workers::new(max),
            url,
            options,
            closed: AtomicBool::new(false),
            #[cfg(feature = "postgres")]
            runtime: crate::blocker::OwnRuntime::default(),
        })))
    }

    /// A connection from the pool, or a new one; waits when the most are in use, until the time-out.
    pub async fn acquire(&self) -> Result<Connection> {
        let inner = &self.0;
        if inner.is_closed() {
            return Err(closed());
        }
        let (permit, mut idle) = inner.pool.take().await?;
        if inner.is_closed() {
            return Err(closed());
        }
        while let Some((mut driver, since)) = idle {
            if driver.alive(since, &inner.pool.options).await {
                return Ok(Connection::new(driver, permit, inner.clone()));
            }
            drop(driver);
            idle = inner.pool.idle();
        }
        drop(inner.pool.evict());
        let driver = inner.open().await?;
        Ok(Connection::new(driver, permit, inner.clone()))
    }

    /// How this database speaks SQL.
    pub fn dialect(&self) -> &Dialect {
        &self.0.dialect
    }

    /// The compiled statements, shared by all that use the engine.
    pub fn statements(&self) -> &StatementCache {
        &self.0.statements
    }

    /// The URL, without the password and the options.
    pub fn url(&self) -> &str {
        &self.0.shown
    }

    /// Adds an observer; it is told of everything from now on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.0.observers.add(observer);
    }

    /// Warns the observers of something that is no error, and hardly what was meant. The message is made where somebody
    /// observes.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use aludel_engine::{Echo, Engine};
    /// # fn example(engine: &Engine) {
    /// engine.observe(Arc::new(Echo::new()));
    /// engine.warn(|| "the row was gone already".to_owned()); // prints it
    /// # }
    /// ```
    pub fn warn(&self, message: impl FnOnce() -> String) {
        self.0.observers.warn(message);
    }

    /// How the pool stands: connections in use, idle ones, and the most there may be.
    pub fn pool_status(&self) -> PoolStatus {
        let (in_use, idle) = self.0.pool.counts();
        PoolStatus { in_use, idle, max: self.0.pool.max() }
    }

    /// Closes the idle connections, and those in use when they come back; no others are given out.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        drop(self.0.pool.drain());
    }

    /// Runs a future to its end on this thread: how programs without a runtime use the async API.
    ///
    /// SQLite needs no runtime: the future is ready at its first poll, and when it is not (the pool is empty), the
    /// thread parks. A server's engine has a small runtime of its own for this, which also drives its connections;
    /// inside of another runtime it is an error, since it would stop that one's other tasks.
    pub fn block_on<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        match self.0.url.place {
            Place::Memory | Place::File(_) => crate::blocker::inline(future),
            #[cfg(feature = "postgres")]
            Place::Server(_) => self.0.runtime.block_on(future)?,
            #[cfg(not(feature = "postgres"))]
            Place::Server(_) => Err(no_driver("postgres")),
        }
    }

    /// Runs a future on a thread of the engine's own, so that this one stays free for other tasks.
    ///
    /// It costs about 15 µs, so it is for whole units of work on SQLite that take longer than that: a report, an
    /// import, a flush of thousands of rows. There are at most as many threads as connections; they end when they
    /// have had nothing to do for a while. A future dropped before its end still runs to its end there.
    /// On a server, whose futures wait without holding the thread, the future is run where it is.
    ///
    /// ```
    /// # use aludel_engine::Engine;
    /// # async fn long(engine: &Engine) -> aludel_sql::Result<()> {
    /// let its = engine.clone();
    /// engine.offload(async move {
    ///     let mut connection = its.acquire().await?;
    ///     connection.execute_raw("VACUUM").await
    /// }).await
    /// # }
    /// ```
    pub async fn offload<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match self.0.url.place {
            Place::Memory | Place::File(_) => self.0.workers.run(future).await,
            Place::Server(_) => future.await,
        }
    }
}

/// How a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Connections in use.
    pub in_use: usize,
    /// Connections waiting for use.
    pub idle: usize,
    /// The most connections there may be.
    pub max: usize,
}

impl Inner {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Sends what a dropped connection left to be sent.
    #[cfg(feature = "postgres")]
    pub(crate) fn nudge(&self) {
        self.runtime.nudge();
    }

    async fn open(&self) -> Result<Driver> {
        match &self.url.place {
            #[cfg(feature = "sqlite")]
            place @ (Place::Memory | Place::File(_)) => {
                let conn = crate::sqlite::Conn::open(place, &self.options, self.dialect.clone())?;
                Ok(Driver::Sqlite(Box::new(conn)))
            }
            #[cfg(not(feature = "sqlite"))]
            Place::Memory | Place::File(_) => Err(no_driver("sqlite")),
            #[cfg(feature = "postgres")]
            Place::Server(server) => {
                let connect =
                    crate::postgres::Conn::connect(server, &self.options, self.dialect.clone());
                let conn = Box::pin(connect)
                    .await
                    .map_err(|e| e.context(format_args!("connecting to {}", self.shown)))?;
                Ok(Driver::Postgres(Box::new(conn)))
            }
            #[cfg(not(feature = "postgres"))]
            Place::Server(_) => Err(no_driver("postgres")),
        }
    }
}

fn dialect(place: &Place) -> Result<Dialect> {
    match place {
        Place::Memory | Place::File(_) if cfg!(feature = "sqlite") => Ok(Dialect::sqlite()),
        Place::Server(_) if cfg!(feature = "postgres") => Ok(Dialect::postgres()),
        Place::Memory | Place::File(_) => Err(no_driver("sqlite")),
        Place::Server(_) => Err(no_driver("postgres")),
    }
}

#[cold]
fn closed() -> Error {
    Error::new(ErrorKind::InvalidRequest, "the engine is closed")
}

#[cold]
fn no_driver(feature: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("aludel is built without its feature `{feature}`, which has this driver"),
    )
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.0.shown)
    }
}
