//! PostgreSQL: found, if need be installed, started.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::account::Account;
use super::scratch::Scratch;
use crate::{report, run};

/// The one role and the way in; there is no password, and nobody else's data.
const ROLE: &str = "aludel";

/// A server that lives as long as this value.
pub(crate) struct Postgres {
    url: String,
    version: String,
    _scratch: Scratch,
}

impl Postgres {
    /// Starts one; on Debian, for root, after installing it when it is not there.
    pub(crate) fn start() -> Result<Self> {
        let bin = match find() {
            Some(bin) => bin,
            None => {
                install()?;
                find().context("PostgreSQL was installed, but its `initdb` is not to be found")?
            }
        };
        let account = Account::for_server("postgres")?;
        let scratch = Scratch::new("pg", &account)?;
        let data = scratch.path().join("data");
        let mut initdb = Command::new(bin.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", ROLE, "-E", "UTF8", "--locale=C", "-A", "trust"]);
        initdb.arg("--no-sync").current_dir(scratch.path());
        account.apply(&mut initdb);
        run::output(&mut initdb)?;

        // Another program may take the port between our asking and the server's: hence the attempts.
        for _ in 0..3 {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let mut server = server_command(&bin.join("postgres"), &account);
            server
                .arg("-D")
                .arg(&data)
                .arg("-k")
                .arg(scratch.path())
                .args(["-p", &port.to_string()]);
            for setting in [
                "listen_addresses=127.0.0.1",
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "max_connections=200",
                "max_prepared_transactions=20",
            ] {
                server.args(["-c", setting]);
            }
            scratch.start(&mut server)?;
            if wait_until_ready(&scratch, &data)? {
                let version = fs::read_to_string(data.join("PG_VERSION"))?;
                return Ok(Self {
                    url: format!("postgres://{ROLE}@127.0.0.1:{port}/postgres"),
                    version: format!("{} on port {port}", version.trim()),
                    _scratch: scratch,
                });
            }
            if !scratch.log_tail().contains("in use") {
                break;
            }
        }
        bail!("PostgreSQL does not start:\n{}", scratch.log_tail())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// The server's command. Where the system can, the server ends with us even if we are killed.
fn server_command(program: &Path, account: &Account) -> Command {
    let mut command = match run::in_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "INT", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    account.apply(&mut command);
    command
}

/// The server writes `ready` into the eighth line of its `postmaster.pid`; `pg_ctl` looks there, too.
fn wait_until_ready(scratch: &Scratch, data: &Path) -> Result<bool> {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        let pid_file = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if pid_file.lines().nth(7).is_some_and(|status| status.trim() == "ready") {
            return Ok(true);
        }
        if scratch.has_ended() {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("PostgreSQL was not ready within a minute:\n{}", scratch.log_tail())
}

/// The directory that holds both `initdb` and `postgres`: PATH, what `pg_config` says, then the usual
/// places, the newest version first.
fn find() -> Option<PathBuf> {
    let in_path = run::in_path("initdb").and_then(|file| file.canonicalize().ok());
    let in_path = in_path.as_deref().and_then(Path::parent).map(Path::to_owned);
    let said = run::output(Command::new("pg_config").arg("--bindir")).ok();
    let said = said.map(|dir| PathBuf::from(dir.trim()));
    let mut usual: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/usr/local", "pgsql"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
    ] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(version) = name.strip_prefix(prefix) {
                usual.push((version.parse().unwrap_or(0), entry.path().join("bin")));
            }
        }
    }
    usual.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    (in_path.into_iter().chain(said).chain(usual.into_iter().map(|(_, dir)| dir)))
        .find(|dir| dir.join("initdb").is_file() && dir.join("postgres").is_file())
}

/// Installs Debian's package where this is Debian and we are root. Debian would make and start a server
/// for the whole machine at once; a file in the place meant for it says not to, while this runs.
fn install() -> Result<()> {
    const WHERE: &str = "looked for `initdb` in PATH, by `pg_config` and in the usual places";
    if !Path::new("/etc/debian_version").exists() || run::in_path("apt-get").is_none() {
        bail!("no PostgreSQL is installed ({WHERE})");
    }
    if !run::is_root() {
        bail!("no PostgreSQL is installed ({WHERE}); `apt-get install postgresql` brings it");
    }
    report::heading("no PostgreSQL here: installing Debian's package");
    let no_cluster = NoCluster::ask()?;
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        run::run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-qq"])?;
    apt(&["install", "-y", "-qq", "--no-install-recommends", "postgresql"])?;
    drop(no_cluster);
    Ok(())
}

/// Debian's setting that no server is made at installation; taken back when dropped.
struct NoCluster(PathBuf);

impl NoCluster {
    fn ask() -> Result<Self> {
        let dir = Path::new("/etc/postgresql-common/createcluster.d");
        fs::create_dir_all(dir)?;
        let file = dir.join("aludel-xtask.conf");
        fs::write(&file, "create_main_cluster = false\n")?;
        Ok(Self(file))
    }
}

impl Drop for NoCluster {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
