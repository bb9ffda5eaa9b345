//! `cargo xtask conformance [DIR]`: the scenarios that were run on SQLAlchemy itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::run;

/// `cargo xtask conformance [DIR] [-- ARGS]`.
pub(crate) fn command(mut args: lexopt::Parser) -> Result<()> {
    let mut dir = None;
    let mut extra = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Value(value) if dir.is_none() => {
                dir = Some(std::env::current_dir()?.join(value));
                extra = args.raw_args()?.collect();
            }
            other => return Err(other.unexpected().into()),
        }
    }
    match dir.or_else(kit) {
        Some(dir) => run_kit(&dir, &extra),
        None => {
            bail!("there is no ../shared/conformance beside the repository: name the kit's folder")
        }
    }
}

/// The shared kit, where it is there.
pub(crate) fn kit() -> Option<PathBuf> {
    let dir = run::root().parent()?.join("shared/conformance");
    dir.join("scenarios").is_dir().then_some(dir)
}

/// Runs the scenarios of a folder.
pub(crate) fn run_kit(dir: &Path, extra: &[OsString]) -> Result<()> {
    let mut cargo = run::cargo(["run", "--release", "--quiet", "-p", "conformance", "--"]);
    run::run(cargo.arg(dir).args(extra))
}
