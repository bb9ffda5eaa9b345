//! PostgreSQL: found, if need be installed, started.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::account::Account;
use super::scratch::Scratch;
use crate::run;

/// The one role and the way in; there is no password, and nobody else's data.
const ROLE: &str = "aludel";

/// A server that lives as long as this value.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    account: Account,
    scratch: Scratch,
    port: u16,
    settings: Vec<String>,
}

/// Fast, and as safe as a server needs to be whose machine does not crash.
const SETTINGS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "max_prepared_transactions=20",
];

impl Postgres {
    /// Starts one; on Debian, for root, after installing it when it is not there.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not to be had, or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts one with settings of `postgresql.conf`, each `name=value`.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not to be had, or does not start.
    pub fn start_with(settings: &[&str]) -> Result<Self> {
        let bin = match find() {
            Some(bin) => bin,
            None => {
                install()?;
                find().context("PostgreSQL was installed, but its `initdb` is not to be found")?
            }
        };
        let account = Account::for_server("postgres")?;
        let scratch = Scratch::new("pg", &account)?;
        let settings = SETTINGS.iter().chain(settings).map(|s| (*s).to_owned()).collect();
        let mut server = Self { bin, account, scratch, port: 0, settings };
        let mut initdb = Command::new(server.bin.join("initdb"));
        initdb.arg("-D").arg(server.data());
        initdb.args(["-U", ROLE, "-E", "UTF8", "--locale=C", "-A", "trust", "--no-sync"]);
        initdb.current_dir(server.scratch.path());
        server.account.apply(&mut initdb);
        run::output(&mut initdb)?;

        // Another program may take the port between our asking and the server's: hence the attempts.
        for _ in 0..3 {
            server.port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            if server.run()? {
                return Ok(server);
            }
            if !server.scratch.log_tail().contains("in use") {
                break;
            }
        }
        bail!("PostgreSQL does not start:\n{}", server.scratch.log_tail())
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/postgres", self.port)
    }

    /// Which it is.
    pub fn version(&self) -> String {
        let version = fs::read_to_string(self.data().join("PG_VERSION")).unwrap_or_default();
        format!("{} on port {}", version.trim(), self.port)
    }

    /// Kills all of its processes at once, as the loss of the machine's power would: nothing is said to anybody, and
    /// nothing written. It is down afterwards.
    ///
    /// # Errors
    ///
    /// When the system's `ps` or `kill` cannot be run.
    pub fn kill(&self) -> Result<()> {
        self.scratch.kill()
    }

    /// Starts it again, with its data and at its port, after [`kill`](Self::kill). It ends with the thread that calls.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&self) -> Result<()> {
        match self.run()? {
            true => Ok(()),
            false => bail!("PostgreSQL does not start again:\n{}", self.scratch.log_tail()),
        }
    }

    fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    /// Starts the server's process; says whether it has come up.
    fn run(&self) -> Result<bool> {
        let mut server = server_command(&self.bin.join("postgres"), &self.account);
        server.arg("-D").arg(self.data()).arg("-k").arg(self.scratch.path());
        server.args(["-p", &self.port.to_string()]);
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        let process = self.scratch.start(&mut server)?;
        wait_until_ready(&self.scratch, &self.data(), process)
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

/// The server writes its number into the first line of its `postmaster.pid`, and `ready` into the eighth; `pg_ctl`
/// looks there, too.
fn wait_until_ready(scratch: &Scratch, data: &Path, process: u32) -> Result<bool> {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        let pid_file = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        let line = |at| pid_file.lines().nth(at).map(str::trim);
        if line(0) == Some(&process.to_string()) && line(7) == Some("ready") {
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
    eprintln!("── no PostgreSQL here: installing Debian's package");
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
