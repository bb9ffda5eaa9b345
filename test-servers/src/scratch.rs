//! A temporary directory and the server that lives in it. Both end together: when the value is dropped,
//! and on Ctrl-C or a termination signal, which end the program without dropping anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::run;

/// A directory that is gone afterwards, with the server that was started in it.
#[derive(Debug)]
pub(super) struct Scratch {
    id: u64,
    path: PathBuf,
}

struct Held {
    id: u64,
    path: PathBuf,
    server: Option<Child>,
}

static HELD: Mutex<Vec<Held>> = Mutex::new(Vec::new());

fn held() -> MutexGuard<'static, Vec<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scratch {
    /// An empty directory that belongs to the account. Short, since a socket's path is at most 107 bytes.
    pub(super) fn new(name: &str, account: &Account) -> Result<Self> {
        stop_all_on_signals();
        let id = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
        let path = std::env::temp_dir().join(format!(
            "aludel-{name}-{}-{:x}",
            std::process::id(),
            id & 0xff_ffff
        ));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        held().push(Held { id, path: path.clone(), server: None });
        account.own(&path)?;
        Ok(Self { id, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts the server, with its output in `log` of this directory; gives the number of its process.
    pub(super) fn start(&self, command: &mut Command) -> Result<u32> {
        let log = fs::File::create(self.path.join("log"))?;
        let child = command
            .current_dir(&self.path)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let process = child.id();
        if let Some(held) = held().iter_mut().find(|held| held.id == self.id) {
            held.server = Some(child);
        }
        Ok(process)
    }

    /// Kills the server's process and those that it has started; they are gone afterwards.
    pub(super) fn kill(&self) -> Result<()> {
        let server =
            held().iter_mut().find(|held| held.id == self.id).and_then(|held| held.server.take());
        let Some(mut server) = server else { return Ok(()) };
        // Stopped first, it starts no others meanwhile.
        let process = server.id().to_string();
        run::output(Command::new("kill").args(["-STOP", &process]))?;
        let children = children(&process)?;
        run::output(Command::new("kill").arg("-KILL").args(&children).arg(&process))?;
        server.wait()?;
        let until = Instant::now() + Duration::from_secs(10);
        while children.iter().any(|child| is_running(child)) {
            if Instant::now() > until {
                bail!("a process of the server does not end");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Whether the server has ended by itself.
    pub(super) fn has_ended(&self) -> bool {
        held()
            .iter_mut()
            .find(|held| held.id == self.id)
            .and_then(|held| held.server.as_mut())
            .is_none_or(|server| !matches!(server.try_wait(), Ok(None)))
    }

    /// The end of what the server said.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.path.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let found = {
            let mut held = held();
            held.iter().position(|held| held.id == self.id).map(|at| held.swap_remove(at))
        };
        if let Some(held) = found {
            held.end();
        }
    }
}

impl Held {
    fn end(mut self) {
        if let Some(server) = &mut self.server {
            stop(server);
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Asks the server to end (for PostgreSQL: without waiting for its clients), then makes it.
fn stop(server: &mut Child) {
    for signal in ["-INT", "-QUIT"] {
        let asked = Command::new("kill").arg(signal).arg(server.id().to_string()).status();
        let until = Instant::now() + Duration::from_secs(10);
        while asked.is_ok() && Instant::now() < until {
            if !matches!(server.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let _ = server.kill();
    let _ = server.wait();
}

/// The processes that a process has started.
fn children(process: &str) -> Result<Vec<String>> {
    let all = run::output(Command::new("ps").args(["-A", "-o", "pid=,ppid="]))?;
    let child = |line: &str| {
        let mut words = line.split_whitespace();
        let child = words.next()?;
        (words.next()? == process).then(|| child.to_owned())
    };
    Ok(all.lines().filter_map(child).collect())
}

/// Whether a process is there, and more than what is left of one until its parent has looked.
fn is_running(process: &str) -> bool {
    let state = run::output(Command::new("ps").args(["-o", "state=", "-p", process]));
    state.is_ok_and(|state| !state.trim().is_empty() && !state.trim().starts_with('Z'))
}

fn stop_all_on_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let installed = ctrlc::set_handler(|| {
            let all = std::mem::take(&mut *held());
            all.into_iter().for_each(Held::end);
            std::process::exit(130);
        });
        if let Err(error) = installed {
            eprintln!("Ctrl-C would leave the test servers running: {error}");
        }
    });
}
