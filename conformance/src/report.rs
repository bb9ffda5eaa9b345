//! Running scenarios, and telling what differs.

use serde_json::{Value as Json, json};

use crate::database::Databases;
use crate::failure::Failure;
use crate::kit::Kit;
use crate::listed::reason;
use crate::runner::Runner;

/// What became of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The names of the scenarios that are equal.
    pub passed: Vec<String>,
    /// The first difference of each of the others.
    pub failed: Vec<Difference>,
}

/// The first difference of a scenario.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The scenario.
    pub name: String,
    /// The number and the text of the step; none where the scenario could not be run at all.
    pub step: Option<(usize, String)>,
    /// The output that should be.
    pub expected: Json,
    /// The output that is.
    pub actual: Json,
    /// More of why.
    pub note: String,
    /// What was sent to the database so far, where it was asked for.
    pub statements: Vec<String>,
    /// Words of the row of `docs/differences.md` that says why, where it is listed.
    pub listed: Option<&'static str>,
}

impl Report {
    /// How many differ for reasons that are listed, by the row; those of the most first.
    pub fn listed(&self) -> Vec<(&'static str, usize)> {
        let mut rows: Vec<(&'static str, usize)> = Vec::new();
        for row in self.failed.iter().filter_map(|d| d.listed) {
            match rows.iter_mut().find(|(known, _)| *known == row) {
                Some((_, count)) => *count += 1,
                None => rows.push((row, 1)),
            }
        }
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows
    }

    /// How many differ, and nobody has said why.
    pub fn unlisted(&self) -> usize {
        self.failed.iter().filter(|d| d.listed.is_none()).count()
    }

    /// As one JSON object.
    pub fn to_json(&self) -> Json {
        let failed = self.failed.iter().map(|d| {
            json!({
                "name": d.name,
                "step": d.step.as_ref().map(|(n, _)| n),
                "do": d.step.as_ref().map(|(_, text)| text),
                "expected": d.expected,
                "actual": d.actual,
                "note": d.note,
                "listed": d.listed,
            })
        });
        // Nothing is ever skipped; the key says so.
        json!({ "passed": self.passed, "failed": failed.collect::<Vec<_>>(), "skipped": [] })
    }
}

/// Runs a scenario of a kit, and gives the first difference; `verbose` collects the statements.
pub fn compare(
    kit: &Kit,
    databases: &Databases,
    name: &str,
    verbose: bool,
) -> Result<(), Box<Difference>> {
    let difference = |step, expected: &Json, actual, note: String| Difference {
        name: name.to_owned(),
        step,
        expected: expected.clone(),
        actual,
        note,
        statements: Vec::new(),
        listed: reason(name, databases.is_server()),
    };
    let whole = |note: String| Box::new(difference(None, &Json::Null, Json::Null, note));
    let (scenario, expected) = kit.load(name).map_err(whole)?;
    let mut runner =
        Runner::new(databases, &scenario.session, verbose).map_err(|e| whole(format!("{e:?}")))?;
    for (number, (step, wanted)) in scenario.steps.iter().zip(&expected).enumerate() {
        let (actual, note) = output(runner.step(step));
        if actual != *wanted {
            let step = Some((number, step.to_string()));
            let found = difference(step, wanted, actual, note);
            return Err(Box::new(Difference { statements: runner.statements(), ..found }));
        }
    }
    Ok(())
}

/// Runs a scenario to its end, and writes each step with its output; what SQLAlchemy gave is beside it where that
/// differs.
///
/// # Errors
/// When it could not be run at all.
pub fn show(kit: &Kit, databases: &Databases, name: &str) -> Result<String, String> {
    let (scenario, expected) = kit.load(name)?;
    let mut runner =
        Runner::new(databases, &scenario.session, true).map_err(|e| format!("{e:?}"))?;
    let mut text = format!("{name}: {}\n", scenario.about);
    let mut sent = 0;
    for (number, (step, wanted)) in scenario.steps.iter().zip(&expected).enumerate() {
        let (actual, note) = output(runner.step(step));
        let statements = runner.statements();
        let mut line = |what: &str| {
            text.push_str(what);
            text.push('\n');
        };
        line(&format!("{number:4}  {step}"));
        statements[sent..].iter().for_each(|s| line(&format!("      | {s}")));
        sent = statements.len();
        line(&format!("      {actual}  {note}"));
        if actual != *wanted {
            line(&format!("   != {wanted}"));
        }
    }
    Ok(text)
}

/// What a step comes to in JSON, with more of why where it failed.
fn output(result: crate::failure::Result<Json>) -> (Json, String) {
    match result {
        Ok(output) => (output, String::new()),
        Err(Failure::Refused(error)) => {
            (json!({ "error": crate::failure::kind(&error) }), format!("{error:?}"))
        }
        Err(Failure::Outcome(kind)) => (json!({ "error": kind }), String::new()),
        Err(Failure::OutOfScope(what)) => {
            (json!({ "out_of_scope": what }), format!("out of scope: {what}"))
        }
        Err(Failure::Malformed(what)) => {
            (json!({ "malformed": what }), format!("malformed: {what}"))
        }
    }
}
