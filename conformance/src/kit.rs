//! Folders of scenarios.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::scenario::Scenario;

/// A folder with scenarios, and one beside it with what SQLAlchemy gave.
#[derive(Debug)]
pub struct Kit {
    scenarios: PathBuf,
    expected: PathBuf,
}

/// The outputs of a scenario.
#[derive(Deserialize)]
struct Expected {
    outputs: Vec<Json>,
}

impl Kit {
    /// The kit in a folder: one with `scenarios/` and `expected/` in it, or the folder of the scenarios itself.
    ///
    /// # Errors
    /// When there is no scenario.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let inside = folder.join("scenarios");
        let scenarios = if inside.is_dir() { inside } else { folder.to_owned() };
        let absolute =
            scenarios.canonicalize().map_err(|e| format!("{}: {e}", scenarios.display()))?;
        let beside = absolute.parent().map(|p| p.join("expected")).unwrap_or_default();
        let expected = if beside.is_dir() { beside } else { scenarios.join("expected") };
        let kit = Self { scenarios, expected };
        match kit.names()?.is_empty() {
            true => Err(format!("{}: there are no scenarios", kit.scenarios.display())),
            false => Ok(kit),
        }
    }

    /// The names of the scenarios, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, String> {
        let wrong = |e: std::io::Error| format!("{}: {e}", self.scenarios.display());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.scenarios).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|e| e == "json") {
                names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        names.sort();
        Ok(names)
    }

    /// A scenario, and the outputs it should give.
    ///
    /// # Errors
    /// When a file is not there, or is malformed.
    pub fn load(&self, name: &str) -> Result<(Scenario, Vec<Json>), String> {
        let file = format!("{name}.json");
        let scenario: Scenario = read(&self.scenarios.join(&file))?;
        if scenario.name != name {
            return Err(format!(
                "malformed: the name is `{}`, the file is `{file}`",
                scenario.name
            ));
        }
        let expected: Expected = read(&self.expected.join(&file))?;
        if expected.outputs.len() != scenario.steps.len() {
            let (outputs, steps) = (expected.outputs.len(), scenario.steps.len());
            return Err(format!("malformed: {steps} steps, and {outputs} outputs are expected"));
        }
        Ok((scenario, expected.outputs))
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("malformed: {}: {e}", path.display()))
}

/// The scenarios that need what is not there yet, each with the reason.
pub fn out_of_scope() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../out_of_scope.txt").lines();
    let listed = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    listed
        .map(|line| line.split_once(':').unwrap_or((line, "")))
        .map(|(n, why)| (n.trim(), why.trim()))
        .collect()
}
