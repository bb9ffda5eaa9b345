//! Other programs: where the repository is, how cargo is called, what a failure says.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
pub(crate) use test_servers::run::{in_path, output, run, show};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// `cargo`, the one that runs this program, in the root of the repository.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    command
}

/// `cargo metadata` of the root workspace; with `deps`, of everything it is built from.
pub(crate) fn metadata(deps: bool) -> Result<serde_json::Value> {
    let mut command = cargo(["metadata", "--format-version=1", "--all-features"]);
    if !deps {
        command.arg("--no-deps");
    }
    Ok(serde_json::from_str(&output(&mut command)?)?)
}
