//! `cargo xtask bench`: the same work by the raw drivers, aludel and its peers, in one run; one table.
//!
//! Each peer is a package with a lock file of its own in `benches/`, since they link different versions of
//! SQLite's library. They are built first; then all run in turn, several times over, so that a slow minute of
//! the machine falls on each. A cell is the median of all rounds of all passes, as nanoseconds a row and
//! as a multiple of the raw driver's.

mod attributes;
mod compile;
mod counts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use serde_json::Value as Json;

use crate::servers::{Servers, Want};
use crate::{report, run};

struct Peer {
    /// The name on the command line, in the output and of the folder.
    name: &'static str,
    databases: &'static [Database],
    /// The cargo feature that PostgreSQL needs.
    postgres_feature: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Database {
    Sqlite,
    Postgres,
}

use Database::{Postgres, Sqlite};

const BOTH: &[Database] = &[Sqlite, Postgres];

/// The limits first, then ourselves.
const PEERS: &[Peer] = &[
    Peer { name: "raw-rusqlite", databases: &[Sqlite], postgres_feature: None },
    Peer { name: "raw-postgres", databases: &[Postgres], postgres_feature: None },
    Peer { name: "aludel", databases: BOTH, postgres_feature: None },
    Peer { name: "diesel", databases: BOTH, postgres_feature: Some("postgres") },
    Peer { name: "sea-orm", databases: BOTH, postgres_feature: None },
    Peer { name: "sqlx", databases: BOTH, postgres_feature: None },
    Peer { name: "toasty", databases: BOTH, postgres_feature: None },
    Peer { name: "sqlalchemy", databases: BOTH, postgres_feature: None },
];

/// A case and the raw driver's case that is its limit.
const CASES: &[(&str, &str)] = &[
    ("load", "load"),
    ("load-tracked", "load"),
    ("load-million", "load-million"),
    ("load-tracked-million", "load-million"),
    ("get", "get"),
    ("get-again", "get"),
    ("insert", "insert"),
    ("update", "update"),
    ("graph-insert", "graph-insert"),
    ("graph-selectin", "graph-selectin"),
    ("graph-joined", "graph-joined"),
    ("graph-change", "graph-change"),
    ("graph-move", "graph-move"),
    ("graph-delete", "graph-delete"),
];

/// The name that stands for all cases on parents and children.
const GRAPH: &str = "graph";

struct Options {
    /// The operations on attributes, in place of rows.
    attributes: bool,
    /// The builds of applications, in place of rows.
    compile: bool,
    database: Database,
    peers: Vec<&'static Peer>,
    cases: Vec<&'static str>,
    passes: usize,
    json: Option<PathBuf>,
    /// What every peer's program is told.
    arguments: Vec<String>,
}

/// `cargo xtask bench [--quick] [--peers A,B] [--cases A,B] [--passes N] [--postgres] [--json FILE]`, or
/// `cargo xtask bench --attributes [--passes N]`, or `cargo xtask bench --compile [--passes N]`.
pub(crate) fn command(args: lexopt::Parser) -> Result<()> {
    let mut options = Options::from_args(args)?;
    if options.attributes {
        return attributes::run(options.passes);
    }
    if options.compile {
        return compile::run(options.passes);
    }
    let servers =
        Servers::start(if options.database == Postgres { Want::Required } else { Want::No })?;
    let quick = options.arguments.clone();
    let postgres = servers.postgres_url();
    if let Some(url) = &postgres {
        options.arguments.extend(["--postgres".into(), url.clone()]);
    }
    let mut programs = Vec::new();
    for peer in &options.peers {
        programs.push((*peer, build(peer, options.database)?));
    }
    let mut samples = Samples::default();
    let mut lines = String::new();
    for pass in 1..=options.passes {
        for (peer, program) in &programs {
            report::heading(&format!("pass {pass} of {}: {}", options.passes, peer.name));
            // A process for each case: none finds the memory that another has asked for.
            for case in &options.cases {
                let mut command = Command::new(&program[0]);
                command.args(&program[1..]).args(&options.arguments).args(["--cases", case]);
                let output = run::output(&mut command)
                    .with_context(|| format!("the benchmark of {}", peer.name))?;
                samples.add(&output)?;
                lines.push_str(&output);
            }
        }
    }
    if let Some(file) = &options.json {
        fs::write(file, lines).with_context(|| format!("cannot write {}", file.display()))?;
    }
    print!("{}", samples.table(options.database));
    let graph: Vec<&str> =
        options.cases.iter().copied().filter(|case| case.starts_with(GRAPH)).collect();
    if let (Some(url), false) = (postgres, graph.is_empty()) {
        print!("\n{}", align(&count(&url, &programs, &graph, &quick)?));
    }
    Ok(())
}

/// Runs each case once more through a proxy: the statements of the timed work, and its round trips.
fn count(
    url: &str,
    programs: &[(&Peer, Vec<PathBuf>)],
    cases: &[&str],
    arguments: &[String],
) -> Result<Vec<Vec<String>>> {
    let mut rows = vec![vec!["statements / round trips".to_owned()]];
    rows.extend(cases.iter().map(|case| vec![(*case).to_owned()]));
    for (peer, program) in programs {
        report::heading(&format!("counting: {}", peer.name));
        rows[0].push(peer.name.to_owned());
        for (case, row) in cases.iter().zip(&mut rows[1..]) {
            let proxy = counts::Proxy::start(url)?;
            let mut command = Command::new(&program[0]);
            command.args(&program[1..]).args(arguments).args(["--postgres", proxy.url()]);
            command.args(["--marks", "--rounds", "1", "--cases", case]);
            let output = run::output(&mut command)
                .with_context(|| format!("the benchmark of {}", peer.name))?;
            let counts::Counts { statements, round_trips } = proxy.counts();
            // A peer that cannot do it says nothing.
            row.push(match output.trim() {
                "" => "–".into(),
                _ => format!("{statements} / {round_trips}"),
            });
        }
    }
    Ok(rows)
}

impl Options {
    fn from_args(mut args: lexopt::Parser) -> Result<Self> {
        let mut database = Sqlite;
        let mut names: Option<Vec<String>> = None;
        let mut chosen: Option<Vec<String>> = None;
        let mut passes = 3;
        let (mut attributes, mut compile) = (false, false);
        let mut json = None;
        let mut arguments = Vec::new();
        while let Some(arg) = args.next()? {
            match arg {
                Long("quick") => {
                    arguments.push("--quick".into());
                    passes = 1;
                }
                Long("peers") => {
                    names = Some(args.value()?.string()?.split(',').map(str::to_owned).collect());
                }
                Long("cases") => {
                    chosen = Some(args.value()?.string()?.split(',').map(str::to_owned).collect());
                }
                Long("passes") => passes = args.value()?.parse()?,
                Long("postgres") => database = Postgres,
                Long("attributes") => attributes = true,
                Long("compile") => compile = true,
                Long("json") => json = Some(std::env::current_dir()?.join(args.value()?)),
                other => return Err(other.unexpected().into()),
            }
        }
        let all_peers: Vec<&str> = PEERS.iter().map(|peer| peer.name).collect();
        let all_cases: Vec<&str> = CASES.iter().map(|(case, _)| *case).collect();
        check_names("peer", &names, &all_peers)?;
        if let Some(at) = chosen.iter().flatten().position(|name| name == GRAPH) {
            let graph = all_cases.iter().filter(|case| case.starts_with(GRAPH));
            let names = chosen.get_or_insert_default();
            names.splice(at..=at, graph.map(|case| (*case).to_owned()));
        }
        check_names("case", &chosen, &all_cases)?;
        // The raw driver is always there: without it, there are no ratios.
        let wanted = |peer: &&Peer| {
            let named = is_chosen(&names, peer.name) || peer.name.starts_with("raw-");
            peer.databases.contains(&database) && named
        };
        let peers = PEERS.iter().filter(wanted).collect();
        // So is the raw driver's case that another is measured by.
        let is_limit = |name: &str| {
            CASES.iter().any(|(case, limit)| *limit == name && is_chosen(&chosen, case))
        };
        let cases =
            all_cases.into_iter().filter(|c| is_chosen(&chosen, c) || is_limit(c)).collect();
        Ok(Self { attributes, compile, database, peers, cases, passes, json, arguments })
    }
}

fn is_chosen(chosen: &Option<Vec<String>>, name: &str) -> bool {
    chosen.as_ref().is_none_or(|names| names.iter().any(|chosen| chosen == name))
}

fn check_names(what: &str, chosen: &Option<Vec<String>>, all: &[&str]) -> Result<()> {
    match chosen.iter().flatten().find(|name| !all.contains(&name.as_str())) {
        Some(name) => bail!("there is no {what} `{name}`; there are {}", all.join(", ")),
        None => Ok(()),
    }
}

/// Where peers are built. Their packages share what they have in common.
fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => run::root().join(dir).join("benches"),
        None => run::root().join("benches/target"),
    }
}

/// Builds a peer; the command line that runs it.
fn build(peer: &Peer, database: Database) -> Result<Vec<PathBuf>> {
    report::heading(&format!("building {}", peer.name));
    let folder = run::root().join("benches").join(peer.name);
    if peer.name == "sqlalchemy" {
        return Ok(vec![python(&folder)?, folder.join("bench.py")]);
    }
    let target = target_dir();
    let mut cargo = run::cargo(["build", "--release", "--quiet", "--target-dir"]);
    cargo.arg(&target).current_dir(&folder);
    if let (Postgres, Some(feature)) = (database, peer.postgres_feature) {
        cargo.args(["--features", feature]);
    }
    run::run(&mut cargo)?;
    Ok(vec![target.join("release").join(format!("bench-{}", peer.name))])
}

/// A Python of its own with the packages that the folder asks for.
fn python(folder: &Path) -> Result<PathBuf> {
    let home = target_dir().join("python");
    let python = home.join("bin/python");
    if !python.is_file() {
        run::run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    run::run(pip.arg(folder.join("requirements.txt")))?;
    Ok(python)
}

/// All rounds of all passes, by case and peer.
#[derive(Default)]
struct Samples {
    peers: Vec<String>,
    cells: BTreeMap<(String, String), Cell>,
}

#[derive(Default)]
struct Cell {
    rows: u64,
    times: Vec<u64>,
    bytes_per_row: i64,
}

impl Samples {
    /// Takes the lines that a peer printed.
    fn add(&mut self, output: &str) -> Result<()> {
        for line in output.lines() {
            let line: Json =
                serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let peer = text("peer");
            if !self.peers.contains(&peer) {
                self.peers.push(peer.clone());
            }
            let cell = self.cells.entry((text("case"), peer)).or_default();
            cell.rows = line["rows"].as_u64().context("`rows`")?;
            cell.times.extend(line["ns"].as_array().into_iter().flatten().filter_map(Json::as_u64));
            // The first pass's first round is the one that had to ask the system for memory.
            if cell.bytes_per_row == 0 {
                cell.bytes_per_row = line["bytes_per_row"].as_i64().unwrap_or(0);
            }
        }
        Ok(())
    }

    fn cell(&self, case: &str, peer: &str) -> Option<&Cell> {
        self.cells.get(&(case.to_owned(), peer.to_owned()))
    }

    fn table(&self, database: Database) -> String {
        let mut rows = vec![vec![format!("{database:?}, ns a row (× raw)")]];
        rows[0].extend(self.peers.iter().cloned());
        for (case, limit) in CASES {
            let limit = self.cell(limit, "raw").map(Cell::ns_per_row);
            let Some(count) =
                self.peers.iter().find_map(|peer| self.cell(case, peer)).map(|c| c.rows)
            else {
                continue;
            };
            let mut row = vec![format!("{case}, {count} rows")];
            row.extend(self.peers.iter().map(|peer| {
                self.cell(case, peer).map_or("–".into(), |cell| show(cell.ns_per_row(), limit))
            }));
            rows.push(row);
        }
        for case in ["load", "load-tracked", "load-million", "load-tracked-million"] {
            if !self.peers.iter().any(|peer| self.cell(case, peer).is_some()) {
                continue;
            }
            let mut row = vec![format!("{case}, bytes a row")];
            row.extend(self.peers.iter().map(|peer| {
                self.cell(case, peer).map_or("–".into(), |cell| cell.bytes_per_row.to_string())
            }));
            rows.push(row);
        }
        align(&rows)
    }
}

impl Cell {
    fn ns_per_row(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or(0);
        middle as f64 / self.rows.max(1) as f64
    }
}

fn show(ns: f64, limit: Option<f64>) -> String {
    let digits = usize::from(ns < 10.0);
    match limit {
        Some(limit) => format!("{ns:.digits$} ({:.2}×)", ns / limit),
        None => format!("{ns:.digits$}"),
    }
}

/// Columns of one width, as a table of Markdown.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows[0].len();
    let width = |n: usize| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (n, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            let (before, after) = if n == 0 { ("", &*pad) } else { (&*pad, "") };
            out.push_str(&format!("| {before}{cell}{after} "));
        }
        out.push_str("|\n");
        if at == 0 {
            let line: Vec<String> = widths.iter().map(|width| "-".repeat(width + 1)).collect();
            out.push_str(&format!("|{}:|\n", line.join(":|").replacen("-:", "--", 1)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Database, Samples};

    #[test]
    fn the_table_has_medians_and_ratios() {
        let mut samples = Samples::default();
        let line = |peer: &str, case: &str, ns: &str| {
            format!(
                r#"{{"peer":"{peer}","case":"{case}","rows":10,"ns":[{ns}],"bytes_per_row":8}}"#
            )
        };
        samples.add(&line("raw", "load", "1000,900,5000")).unwrap();
        samples.add(&line("aludel", "load-tracked", "1500,1500")).unwrap();
        samples.add(&line("aludel", "load-tracked", "1700")).unwrap();
        let table = samples.table(Database::Sqlite);
        let rows: Vec<&str> = table.lines().collect();
        assert!(
            rows[2].starts_with("| load, 10 rows") && rows[2].contains("100 (1.00×)"),
            "{table}"
        );
        assert!(rows[3].contains("–") && rows[3].contains("150 (1.50×)"), "{table}");
        assert_eq!(rows[0].chars().count(), rows[1].chars().count(), "{table}");
        assert!(rows[1].ends_with(":|"), "{table}");
    }
}
