//! `cargo xtask tidy`: the house rules that the compiler does not know.
//!
//! [`source`] tells code from comments and strings, [`rules`] holds one function a rule, [`blocking`] compares the two
//! faces of a session. A line that has to break a rule says so with `tidy: allow` in a comment on it, and why.

mod blocking;
mod rules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{report, run};
use rules::Finding;

/// `cargo xtask tidy`.
pub(crate) fn command(mut args: lexopt::Parser) -> Result<()> {
    if let Some(arg) = args.next()? {
        return Err(arg.unexpected().into());
    }
    check()
}

/// Checks every file that is, or would be, in the repository.
pub(crate) fn check() -> Result<()> {
    let mut errors = 0;
    let mut say = |path: &str, finding: &Finding| {
        let kind = if finding.fatal { "error" } else { "warning" };
        eprintln!("{kind}: {path}:{}: {}", finding.line, finding.what);
        errors += usize::from(finding.fatal);
    };
    let files = files()?;
    let face = fs::read_to_string(run::root().join(blocking::FACE))?;
    for path in &files {
        let Ok(text) = fs::read_to_string(run::root().join(path)) else {
            continue; // not text, or deleted and not yet committed
        };
        for finding in rules::of_any_file(&text) {
            say(path, &finding);
        }
        if Path::new(path).extension().is_some_and(|ext| ext == "rs") {
            for finding in rules::of_rust(path, &text) {
                say(path, &finding);
            }
        }
        if blocking::may_have_methods(path) {
            for finding in blocking::missing(&face, &text) {
                say(path, &finding);
            }
        }
    }
    for wanted in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "docs/design.md"] {
        if !files.contains(wanted) {
            say(wanted, &Finding { line: 1, what: "is missing".into(), fatal: true });
        }
    }
    if let Ok(text) = fs::read_to_string(run::root().join("CHANGELOG.md"))
        && !text.contains("## [Unreleased]")
    {
        let what = "has no `## [Unreleased]`".into();
        say("CHANGELOG.md", &Finding { line: 1, what, fatal: true });
    }
    if errors > 0 {
        bail!("tidy: {errors} errors in {} files", files.len());
    }
    report::line(&format!("tidy: {} files", files.len()));
    Ok(())
}

fn files() -> Result<BTreeSet<String>> {
    let mut git = Command::new("git");
    git.current_dir(run::root());
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let all = run::output(&mut git)?;
    Ok(all.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}
