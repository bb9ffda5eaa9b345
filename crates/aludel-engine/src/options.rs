//! What can be set on an engine before it connects.

use crate::engine::Engine;
use crate::observe::{Echo, Observer};
use crate::transaction::TransactionOptions;
use crate::url::{Place, Url};
use aludel_sql::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

/// The options of an engine; made by [`Engine::options`], finished by [`connect`](Self::connect).
#[derive(Clone)]
pub struct EngineOptions {
    pub(crate) url: Result<Url, Arc<Error>>,
    pub(crate) pool: PoolOptions,
    pub(crate) transaction: TransactionOptions,
    pub(crate) statement_cache: usize,
    pub(crate) sqlite: SqliteOptions,
    pub(crate) postgres: PostgresOptions,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
}

/// How the pool of connections behaves.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    pub(crate) max: Option<usize>,
    pub(crate) acquire_timeout: Duration,
    pub(crate) ping_after: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max: None,
            acquire_timeout: Duration::from_secs(30),
            ping_after: Duration::from_secs(10),
        }
    }
}

/// What is particular to SQLite.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    pub(crate) busy_timeout: Duration,
    pub(crate) journal: Option<Journal>,
    pub(crate) synchronous: Option<Synchronous>,
    pub(crate) cache_kib: u32,
    pub(crate) open: Open,
    pub(crate) foreign_keys: ForeignKeys,
}

/// How SQLite keeps what has to be undone or repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// A write-ahead log: readers do not wait for the writer. It stays with the file. The default for files.
    Wal,
    /// A journal that is deleted at the end of each transaction: SQLite's own default.
    Delete,
    /// Whatever the file has.
    AsIs,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// At every commit: nothing committed is lost when the power fails. SQLite's own default.
    Full,
    /// At checkpoints: in WAL mode the last commits may be lost when the power fails; the file stays sound.
    Normal,
    /// Never: the file may be destroyed when the power fails.
    Off,
}

/// How an SQLite file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// To read and write; it is created when it does not exist.
    Create,
    /// To read and write; it must exist.
    Existing,
    /// To read only; it must exist.
    ReadOnly,
}

/// Whether SQLite enforces foreign keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKeys {
    /// Enforced; the default here.
    Enforced,
    /// Not enforced, as in SQLite without the pragma.
    Ignored,
}

impl Default for SqliteOptions {
    /// Foreign keys enforced, WAL for files, five seconds' wait for a lock, 64 MiB of page cache, and
    /// `synchronous` as SQLite has it (full).
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            journal: None,
            synchronous: None,
            cache_kib: 65_536,
            open: Open::Create,
            foreign_keys: ForeignKeys::Enforced,
        }
    }
}

impl SqliteOptions {
    /// WAL and `synchronous = NORMAL`: a one-row transaction costs 8 µs instead of 124 (or 379 with SQLite's
    /// own defaults). The file stays sound when the power fails, but the last commits may be lost.
    pub fn fast() -> Self {
        Self {
            journal: Some(Journal::Wal),
            synchronous: Some(Synchronous::Normal),
            ..Self::default()
        }
    }

    /// How long a statement waits for a lock before it fails with `Timeout`. In blocking use SQLite itself
    /// waits; in async use the task sleeps and tries again, and the thread is free.
    #[must_use]
    pub fn busy_timeout(mut self, time: Duration) -> Self {
        self.busy_timeout = time;
        self
    }

    /// Sets the journal of a file.
    #[must_use]
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Sets when SQLite waits for the disk.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = Some(synchronous);
        self
    }

    /// Sets the size of the page cache of each connection.
    #[must_use]
    pub fn cache_kib(mut self, kib: u32) -> Self {
        self.cache_kib = kib;
        self
    }

    /// Sets how the file is opened.
    #[must_use]
    pub fn open(mut self, open: Open) -> Self {
        self.open = open;
        self
    }

    /// Sets whether foreign keys are enforced.
    #[must_use]
    pub fn foreign_keys(mut self, foreign_keys: ForeignKeys) -> Self {
        self.foreign_keys = foreign_keys;
        self
    }
}

/// What is particular to PostgreSQL.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    pub(crate) ssl: SslMode,
    pub(crate) root_certificate: Option<String>,
    pub(crate) application_name: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) options: Option<String>,
    pub(crate) host: Option<String>,
}

/// Whether the connection to a server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// When the server can, without looking at its certificate: against listeners, not against impostors.
    /// Without the feature `postgres-tls` it is not encrypted.
    #[default]
    Prefer,
    /// Always, and the server's certificate must be good for the host. (`require`, `verify-ca` and
    /// `verify-full` all mean this: a certificate that nobody looks at protects from little.)
    Verify,
}

impl EngineOptions {
    pub(crate) fn new(url: &str) -> Self {
        let mut options = Self {
            url: Url::parse(url).map_err(Arc::new),
            pool: PoolOptions::default(),
            transaction: TransactionOptions::default(),
            statement_cache: 256,
            sqlite: SqliteOptions::default(),
            postgres: PostgresOptions::default(),
            observers: Vec::new(),
        };
        if let Err(error) = options.take_query() {
            options.url = Err(Arc::new(error));
        }
        options
    }

    /// The most connections at a time. The default is 10; a database in memory has always one.
    #[must_use]
    pub fn max_connections(mut self, max: usize) -> Self {
        self.pool.max = Some(max.max(1));
        self
    }

    /// How long [`Engine::acquire`] waits for a connection when all are in use; the default is 30 s.
    #[must_use]
    pub fn acquire_timeout(mut self, time: Duration) -> Self {
        self.pool.acquire_timeout = time;
        self
    }

    /// A connection that was idle for longer is asked for a sign of life before it is handed out; the default
    /// is 10 s. Zero asks every time (SQLAlchemy's `pool_pre_ping`).
    #[must_use]
    pub fn ping_after(mut self, idle: Duration) -> Self {
        self.pool.ping_after = idle;
        self
    }

    /// How many prepared statements each connection keeps; the default is 256.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements.max(16);
        self
    }

    /// How transactions begin when nothing else is said.
    #[must_use]
    pub fn transaction(mut self, how: TransactionOptions) -> Self {
        self.transaction = how;
        self
    }

    /// Prints every statement to the standard error.
    #[must_use]
    pub fn echo(self, echo: Echo) -> Self {
        self.observe(Arc::new(echo))
    }

    /// Adds an observer.
    #[must_use]
    pub fn observe(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Sets what is particular to SQLite. It replaces what the URL said.
    #[must_use]
    pub fn sqlite(mut self, options: SqliteOptions) -> Self {
        self.sqlite = options;
        self
    }

    /// Opens the first connection and makes the engine.
    pub async fn connect(self) -> Result<Engine> {
        Engine::with_options(self).await
    }

    /// The same for programs without a runtime; see [`Engine::block_on`].
    pub fn connect_blocking(self) -> Result<Engine> {
        Engine::with_options_blocking(self)
    }

    /// The URL, or what was wrong with it.
    pub(crate) fn url(&self) -> Result<&Url> {
        self.url.as_ref().map_err(|e| Error::new(e.kind(), e.message()))
    }

    /// Takes what the URL's query says.
    fn take_query(&mut self) -> Result<()> {
        let Ok(url) = &mut self.url else { return Ok(()) };
        if let Some(n) = number(url, "max_connections")? {
            self.pool.max = Some((n as usize).max(1));
        }
        if let Some(ms) = number(url, "acquire_timeout_ms")? {
            self.pool.acquire_timeout = Duration::from_millis(ms);
        }
        if let Some(n) = number(url, "statement_cache")? {
            self.statement_cache = (n as usize).max(16);
        }
        let known: &[&str] = match url.place {
            Place::Memory | Place::File(_) => {
                self.sqlite.take_query(url)?;
                &["mode", "busy_timeout_ms", "journal", "synchronous", "foreign_keys"]
            }
            Place::Server(_) => {
                self.postgres.take_query(url)?;
                &[
                    "sslmode",
                    "sslrootcert",
                    "application_name",
                    "connect_timeout",
                    "options",
                    "host",
                ]
            }
        };
        match url.query.first() {
            None => Ok(()),
            Some((name, _)) => Err(bad(format!(
                "the option `{}` is not known; the known ones are {}, max_connections, acquire_timeout_ms, \
                 statement_cache",
                name.escape_debug(),
                known.join(", ")
            ))),
        }
    }
}

impl SqliteOptions {
    fn take_query(&mut self, url: &mut Url) -> Result<()> {
        if let Some(mode) = url.take("mode") {
            self.open = match mode.as_str() {
                "rwc" => Open::Create,
                "rw" => Open::Existing,
                "ro" => Open::ReadOnly,
                "memory" => {
                    url.place = Place::Memory;
                    Open::Create
                }
                _ => return Err(bad("`mode` is one of rwc, rw, ro, memory")),
            };
        }
        if let Some(ms) = number(url, "busy_timeout_ms")? {
            self.busy_timeout = Duration::from_millis(ms);
        }
        if let Some(journal) = url.take("journal") {
            self.journal = Some(match journal.as_str() {
                "wal" => Journal::Wal,
                "delete" => Journal::Delete,
                "as-is" => Journal::AsIs,
                _ => return Err(bad("`journal` is one of wal, delete, as-is")),
            });
        }
        if let Some(synchronous) = url.take("synchronous") {
            self.synchronous = Some(match synchronous.as_str() {
                "full" => Synchronous::Full,
                "normal" => Synchronous::Normal,
                "off" => Synchronous::Off,
                _ => return Err(bad("`synchronous` is one of full, normal, off")),
            });
        }
        if let Some(keys) = url.take("foreign_keys") {
            self.foreign_keys = match keys.as_str() {
                "on" => ForeignKeys::Enforced,
                "off" => ForeignKeys::Ignored,
                _ => return Err(bad("`foreign_keys` is one of on, off")),
            };
        }
        Ok(())
    }
}

impl PostgresOptions {
    fn take_query(&mut self, url: &mut Url) -> Result<()> {
        if let Some(mode) = url.take("sslmode") {
            self.ssl = match mode.as_str() {
                "disable" => SslMode::Disable,
                "allow" | "prefer" => SslMode::Prefer,
                "require" | "verify-ca" | "verify-full" => SslMode::Verify,
                _ => return Err(bad("`sslmode` is one of disable, prefer, require, verify-full")),
            };
        }
        self.root_certificate = url.take("sslrootcert");
        self.application_name = url.take("application_name");
        self.options = url.take("options");
        self.host = url.take("host");
        self.connect_timeout = number(url, "connect_timeout")?.map(Duration::from_secs);
        Ok(())
    }
}

fn number(url: &mut Url, name: &str) -> Result<Option<u64>> {
    match url.take(name) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(n) => Ok(Some(n)),
            Err(_) => Err(bad(format!("`{name}` is not a whole number"))),
        },
    }
}

fn bad(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Argument, format!("database URL: {what}"))
}

impl std::fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("url", &self.url)
            .field("pool", &self.pool)
            .field("transaction", &self.transaction)
            .field("statement_cache", &self.statement_cache)
            .field("observers", &self.observers.len())
            .finish_non_exhaustive()
    }
}
