//! `cargo xtask data DIR`: cuts the example's data from the full nycflights13 CSV files.
//!
//! The small tables are taken whole, flights and weather of January only; each is compressed by gzip
//! without a name or a time in it, so that the same input gives the same bytes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use lexopt::prelude::*;

use crate::flights::DATA;
use crate::{report, run};

/// The tables, and whether only January is kept of them.
const TABLES: &[(&str, bool)] = &[
    ("airlines", false),
    ("airports", false),
    ("planes", false),
    ("flights", true),
    ("weather", true),
];

/// `cargo xtask data DIR`.
pub(crate) fn command(mut args: lexopt::Parser) -> Result<()> {
    let mut from = None;
    while let Some(arg) = args.next()? {
        match arg {
            Value(dir) if from.is_none() => from = Some(PathBuf::from(dir)),
            other => return Err(other.unexpected().into()),
        }
    }
    let from = from.context("where are the full CSV files? `cargo xtask data DIR`")?;
    let to = run::root().join(DATA);
    fs::create_dir_all(&to)?;
    for &(table, january_only) in TABLES {
        cut(&from.join(format!("{table}.csv")), &to.join(format!("{table}.csv.gz")), january_only)?;
    }
    Ok(())
}

fn cut(from: &Path, to: &Path, january_only: bool) -> Result<()> {
    let file = fs::File::open(from).with_context(|| format!("cannot open {}", from.display()))?;
    let mut lines = BufReader::new(file).lines();
    let header = lines.next().context("an empty file")??;
    let month = header.split(',').position(|name| name == "month");
    if january_only && month.is_none() {
        bail!("{} has no column `month`", from.display());
    }
    let mut gzip = GzBuilder::new().write(fs::File::create(to)?, Compression::best());
    writeln!(gzip, "{header}")?;
    let mut rows = 0;
    for line in lines {
        let line = line?;
        if line.contains('"') {
            bail!("{}: a quoted value, which this program does not know: {line}", from.display());
        }
        let kept = !january_only || line.split(',').nth(month.unwrap_or(0)) == Some("1");
        if kept {
            writeln!(gzip, "{line}")?;
            rows += 1;
        }
    }
    let bytes = gzip.finish()?.metadata()?.len();
    report::line(&format!("{}: {rows} rows, {bytes} bytes", to.display()));
    Ok(())
}
