//! `cargo xtask bench --attributes`: what an operation on an attribute costs, without a database; SQLAlchemy's figures for
//! the same operations beside ours, both measured in turn in one run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::{align, python, target_dir};
use crate::{report, run as process};

/// Runs both programs so many times, and prints the best of all rounds of each operation.
pub(super) fn run(passes: usize) -> Result<()> {
    let programs = [("aludel", vec![build()?]), ("sqlalchemy", sqlalchemy()?)];
    let mut best = Best::default();
    for pass in 1..=passes {
        for (peer, program) in &programs {
            report::heading(&format!("pass {pass} of {passes}: {peer}"));
            let mut command = Command::new(&program[0]);
            let output = process::output(command.args(&program[1..]));
            best.add(&output.with_context(|| format!("the benchmark of {peer}"))?)?;
        }
    }
    print!("{}", best.table());
    Ok(())
}

fn build() -> Result<PathBuf> {
    report::heading("building the operations");
    let target = target_dir();
    let mut cargo = process::cargo(["build", "--release", "--quiet", "--bin", "attributes"]);
    cargo.arg("--target-dir").arg(&target).current_dir(process::root().join("benches/aludel"));
    process::run(&mut cargo)?;
    Ok(target.join("release/attributes"))
}

fn sqlalchemy() -> Result<Vec<PathBuf>> {
    let folder = process::root().join("benches/sqlalchemy");
    Ok(vec![python(&folder)?, folder.join("attributes.py")])
}

/// The shortest time of each operation, in nanoseconds: ours, and SQLAlchemy's.
#[derive(Default)]
struct Best {
    cases: Vec<String>,
    ns: BTreeMap<(String, String), f64>,
}

impl Best {
    /// Takes the lines that a program printed.
    fn add(&mut self, output: &str) -> Result<()> {
        for line in output.lines() {
            let line: Json =
                serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let (case, ns) = (text("case"), line["ns"].as_f64().context("`ns`")?);
            if !self.cases.contains(&case) {
                self.cases.push(case.clone());
            }
            let known = self.ns.entry((case, text("peer"))).or_insert(ns);
            *known = known.min(ns);
        }
        Ok(())
    }

    fn table(&self) -> String {
        let heads = ["ns an operation", "aludel", "sqlalchemy"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for case in &self.cases {
            let of = |peer: &str| self.ns.get(&(case.clone(), peer.to_owned())).copied();
            let ours = of("aludel");
            let theirs = match (of("sqlalchemy"), ours) {
                (Some(theirs), Some(ours)) => format!("{theirs:.0} ({:.1}×)", theirs / ours),
                (Some(theirs), None) => format!("{theirs:.0}"),
                (None, _) => "–".into(),
            };
            rows.push(vec![case.clone(), ours.map_or("–".into(), |ns| format!("{ns:.1}")), theirs]);
        }
        align(&rows)
    }
}

#[cfg(test)]
mod tests {
    use super::Best;

    #[test]
    fn the_table_has_the_best_of_both() {
        let mut best = Best::default();
        let line = |peer: &str, case: &str, ns: f64| {
            format!(r#"{{"peer":"{peer}","case":"{case}","ns":{ns}}}"#)
        };
        for (peer, case, ns) in
            [("aludel", "edit", 50.0), ("sqlalchemy", "edit", 900.0), ("sqlalchemy", "edit", 500.0)]
        {
            best.add(&line(peer, case, ns)).unwrap();
        }
        best.add(&line("aludel", "only-ours", 2.5)).unwrap();
        let table = best.table();
        let rows: Vec<&str> = table.lines().collect();
        assert!(rows[2].contains("50.0") && rows[2].contains("500 (10.0×)"), "{table}");
        assert!(rows[3].contains("2.5") && rows[3].contains('–'), "{table}");
    }
}
