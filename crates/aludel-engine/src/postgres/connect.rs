//! Connecting to a server.

use super::error::translate;
use super::tls::{Tls, tls};
use crate::options::{EngineOptions, PostgresOptions, SslMode};
use crate::url::Server;
use aludel_sql::{Error, ErrorKind, Result};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, Socket};

/// A client, the task that drives its connection, and how it is encrypted.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) task: JoinHandle<()>,
    pub(super) tls: Tls,
}

/// Connects. What the URL does not say comes from `PGUSER` (or `USER`) and `PGPASSWORD`; the host is `localhost`,
/// and the database has the user's name.
pub(super) async fn connect(server: &Server, options: &EngineOptions) -> Result<Connected> {
    let tls = tls(&options.postgres)?;
    let config = config(server, &options.postgres, options.pool.acquire_timeout)?;
    let (client, task) = match &tls {
        Tls::Plain => with(&config, NoTls).await?,
        #[cfg(feature = "postgres-tls")]
        Tls::Rustls(tls) => with(&config, tls.clone()).await?,
    };
    Ok(Connected { client, task, tls })
}

async fn with<T>(config: &Config, tls: T) -> Result<(Client, JoinHandle<()>)>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await.map_err(|e| refused(&e))?;
    let task = tokio::spawn(async move {
        // What goes wrong here is told to whoever waits for an answer.
        let _ = connection.await;
    });
    Ok((client, task))
}

/// Whatever the reason, there is no connection; but too many of them is another matter than none.
#[cold]
fn refused(error: &tokio_postgres::Error) -> Error {
    let error = translate(error, None);
    if error.kind() == ErrorKind::Resources {
        return error;
    }
    let detail = error.database().cloned().unwrap_or_default();
    Error::new(ErrorKind::ConnectionLost, error.message()).with_database(detail)
}

fn config(server: &Server, options: &PostgresOptions, patience: Duration) -> Result<Config> {
    let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let mut config = Config::new();
    let Some(user) = server.user.clone().or_else(|| env("PGUSER")).or_else(|| env("USER")) else {
        return Err(Error::new(
            ErrorKind::Argument,
            "database URL: there is no user; write postgres://user@host/database",
        ));
    };
    config.user(&user).dbname(server.database.as_deref().unwrap_or(&user));
    if let Some(password) = server.password.clone().or_else(|| env("PGPASSWORD")) {
        config.password(password);
    }
    config.host(options.host.as_deref().or(server.host.as_deref()).unwrap_or("localhost"));
    config.port(server.port.unwrap_or(5432));
    config.application_name(options.application_name.as_deref().unwrap_or("aludel"));
    config.connect_timeout(options.connect_timeout.unwrap_or(patience));
    if let Some(options) = &options.options {
        config.options(options);
    }
    config.ssl_mode(match options.ssl {
        SslMode::Disable => tokio_postgres::config::SslMode::Disable,
        SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
        SslMode::Verify => tokio_postgres::config::SslMode::Require,
    });
    Ok(config)
}
