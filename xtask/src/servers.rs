//! The servers of a run: which are wanted, which are there, and how a command learns of them.

use std::process::Command;

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::{report, run};
use test_servers::Postgres;

/// Where tests find PostgreSQL. When it is set already, that server is used and none is started.
pub(crate) const POSTGRES_URL: &str = "ALUDEL_TEST_POSTGRES";

/// What to do about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// It is an error when it cannot be had.
    Required,
    /// When it cannot be had, a warning says what was not run.
    Wanted,
    /// Not this time.
    No,
}

/// The servers of one run.
pub(crate) struct Servers {
    postgres: Source,
}

enum Source {
    Given(String),
    Started(Postgres),
    Missing(String),
    NotAsked,
}

impl Servers {
    /// Starts what is wanted.
    pub(crate) fn start(postgres: Want) -> Result<Self> {
        let source = match (postgres, std::env::var(POSTGRES_URL)) {
            (Want::No, _) => Source::NotAsked,
            (_, Ok(url)) if !url.is_empty() => Source::Given(url),
            (want, _) => match Postgres::start() {
                Ok(server) => Source::Started(server),
                Err(error) if want == Want::Required => {
                    return Err(error.context("PostgreSQL is required and cannot be had"));
                }
                Err(error) => Source::Missing(format!("{error:#}")),
            },
        };
        let servers = Self { postgres: source };
        servers.warn();
        Ok(servers)
    }

    /// Where PostgreSQL listens, when it does.
    pub(crate) fn postgres_url(&self) -> Option<String> {
        match &self.postgres {
            Source::Given(url) => Some(url.clone()),
            Source::Started(server) => Some(server.url()),
            Source::Missing(_) | Source::NotAsked => None,
        }
    }

    /// Tells a command where the servers are, and that others are not there.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self.postgres_url() {
            Some(url) => command.env(POSTGRES_URL, url),
            None => command.env_remove(POSTGRES_URL),
        }
    }

    /// One line for a summary.
    pub(crate) fn describe(&self) -> String {
        match &self.postgres {
            Source::Given(_) => format!("PostgreSQL: the one that {POSTGRES_URL} names"),
            Source::Started(server) => {
                format!("PostgreSQL: {}, started for this and thrown away", server.version())
            }
            Source::Missing(_) => "PostgreSQL: NOT RUN".to_owned(),
            Source::NotAsked => "PostgreSQL: not asked for".to_owned(),
        }
    }

    /// Says loudly what is not going to be, or was not, run.
    pub(crate) fn warn(&self) {
        if let Source::Missing(why) = &self.postgres {
            report::warning(
                "NOT RUN: everything on PostgreSQL. Only SQLite is tested.",
                &format!("{why}\n`--require postgres` makes this an error."),
            );
        }
    }
}

/// `cargo xtask servers [-- COMMAND]`.
pub(crate) fn command(mut args: lexopt::Parser) -> Result<()> {
    let mut command = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Value(first) => {
                command.push(first);
                command.extend(args.raw_args()?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let servers = Servers::start(Want::Required)?;
    let Some((program, rest)) = command.split_first() else {
        println!("export {POSTGRES_URL}={}", servers.postgres_url().unwrap_or_default());
        report::line("Ctrl-C stops the servers and removes their data.");
        loop {
            std::thread::park();
        }
    };
    let status = servers.tell(Command::new(program).args(rest)).status();
    drop(servers);
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`{}` failed: {status}", run::show(Command::new(program).args(rest))),
        Err(error) => bail!("cannot start `{}`: {error}", program.display()),
    }
}
