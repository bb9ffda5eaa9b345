//! The example on real data, held against answers that another program computed from the same files.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{report, run};

/// Where the example's data and its expected answers are.
pub(crate) const DATA: &str = "examples/data/nycflights13";

/// Runs the example on SQLite and, when there is one, on PostgreSQL.
pub(crate) fn check(postgres_url: Option<&str>) -> Result<()> {
    let file = run::root().join(DATA).join("expected.json");
    let expected: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    compare("SQLite", &expected, None)?;
    match postgres_url {
        Some(url) => compare("PostgreSQL", &expected, Some(url)),
        None => Ok(()),
    }
}

fn compare(database: &str, expected: &Value, url: Option<&str>) -> Result<()> {
    let mut cargo =
        run::cargo(["run", "--release", "--quiet", "--all-features", "--example", "flights"]);
    cargo.args(["--", "--json"]);
    if let Some(url) = url {
        cargo.args(["--database", url]);
    }
    cargo.stderr(std::process::Stdio::inherit());
    let output = run::output(&mut cargo)?;
    let found: Value = serde_json::from_str(&output).context("the example's output is not JSON")?;
    let wrong = differences(expected, &found);
    if !wrong.is_empty() {
        bail!("the flights example on {database} gives other answers:\n  {}", wrong.join("\n  "));
    }
    for key in ["statements", "seconds"] {
        if !found[key].is_object() {
            bail!("the flights example on {database} does not print `{key}`");
        }
    }
    report::line(&format!("flights on {database}: every answer as expected"));
    Ok(())
}

/// Every key of `expected` whose value is another in `found`.
fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (key, value) in expected.as_object().into_iter().flatten() {
        if !equal(value, &found[key]) {
            wrong.push(format!("{key}: expected {value}, found {}", found[key]));
        }
    }
    wrong
}

/// Numbers are equal by value (`3` is `3.0`, half a unit in the third decimal aside); objects whatever
/// the order of their keys.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() < 0.000_6,
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn answers_are_compared_by_value() {
        let expected = json!({"a": {"x": 1, "y": 2.5}, "b": [["JFK", "LAX", 3]]});
        let found = json!({"b": [["JFK", "LAX", 3.0]], "a": {"y": 2.5, "x": 1}, "seconds": {}});
        assert!(differences(&expected, &found).is_empty());
        let found = json!({"a": {"x": 1, "y": 2.6}, "b": [["JFK", "LAX", 3]]});
        assert_eq!(differences(&expected, &found).len(), 1);
    }
}
