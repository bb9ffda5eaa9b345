//! What a machine does, as steps of the conformance kit, with what came out of them.

use std::path::PathBuf;

use aludel::ErrorKind;
use conformance::{Databases, Failure, Runner, Step};
use serde_json::{Value as Json, json};

/// A session, and what was done with it.
pub(crate) struct Steps {
    runner: Runner,
    done: Vec<Json>,
    outputs: Vec<Json>,
}

/// What the session and the model do not agree about.
pub(crate) struct Disagreement {
    pub(crate) expected: Json,
    pub(crate) actual: Json,
}

pub(crate) type Done = Result<(), Disagreement>;

impl Steps {
    pub(crate) fn new(databases: &Databases) -> Self {
        let options = serde_json::from_value(options()).unwrap();
        let runner = Runner::new(databases, &options, false).unwrap();
        Self { runner, done: Vec::new(), outputs: Vec::new() }
    }

    /// Does a step, of which the model knows the outcome.
    pub(crate) fn check(&mut self, step: Json, expected: Json) -> Done {
        let actual = self.run(&step);
        if in_any_order(&actual) != in_any_order(&expected) {
            return Err(Disagreement { expected, actual });
        }
        self.outputs.push(actual);
        Ok(())
    }

    /// Does a step that has to be refused; the kit's name of the kind of error is told as well.
    pub(crate) fn check_refused(&mut self, step: Json, kind: ErrorKind, name: &str) -> Done {
        self.done.push(step.clone());
        let expected = json!({ "error": name });
        match self.runner.step(&serde_json::from_value(step).unwrap()) {
            Err(Failure::Refused(error)) if error.kind() == kind => {
                self.outputs.push(expected);
                Ok(())
            }
            other => Err(Disagreement { expected, actual: json!(format!("{other:?}")) }),
        }
    }

    /// The key that the database has chosen for an object: one that is free.
    pub(crate) fn learn_key(
        &mut self,
        object: usize,
        class: &str,
        is_free: impl Fn(i64) -> bool,
    ) -> Result<i64, Disagreement> {
        let output = self.run(&json!({ "do": "identity_key", "obj": alias(object) }));
        let Some(key) = output[1][0].as_i64().filter(|key| is_free(*key)) else {
            return Err(Disagreement { expected: json!([class, ["a new key"]]), actual: output });
        };
        self.outputs.push(output);
        Ok(key)
    }

    fn run(&mut self, step: &Json) -> Json {
        let parsed: Step = serde_json::from_value(step.clone()).unwrap();
        self.done.push(step.clone());
        match self.runner.step(&parsed) {
            Ok(output) => output,
            Err(Failure::Refused(error)) => json!({ "error": error.to_string() }),
            Err(other) => json!({ "error": format!("{other:?}") }),
        }
    }

    /// Writes what was done as a scenario that ends with a disagreement, and says so.
    pub(crate) fn write(&self, name: &str, disagreement: &Disagreement) -> String {
        let mut outputs = self.outputs.clone();
        outputs.push(disagreement.expected.clone());
        let scenario = json!({
            "name": name,
            "about": "random operations, where the session and the model of it disagree",
            "session": options(),
            "steps": self.done,
        });
        let expected = json!({ "name": name, "outputs": outputs });
        let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("state_machine");
        for (kind, json) in [("scenarios", scenario), ("expected", expected)] {
            let folder = to.join(kind);
            std::fs::create_dir_all(&folder).unwrap();
            let text = serde_json::to_string_pretty(&json).unwrap();
            std::fs::write(folder.join(format!("{name}.json")), text).unwrap();
        }
        let Disagreement { expected, actual } = disagreement;
        let step = self.done.last().unwrap();
        format!(
            "{step}\n  the model says    {expected}\n  the session says  {actual}\n  `cargo run -p conformance -- {} \
             --scenario {name} --verbose` does it again",
            to.display()
        )
    }
}

/// The options of the session: what is flushed when is the model's to say.
fn options() -> Json {
    json!({ "autoflush": false })
}

pub(crate) fn alias(object: usize) -> String {
    format!("$o{object}")
}

/// The name under which a scenario knows an object.
pub(crate) fn name(object: usize) -> String {
    format!("o{object}")
}

/// The model's collections have no order.
fn in_any_order(json: &Json) -> Json {
    let mut json = json.clone();
    if let Some(list) = json.as_array_mut()
        && list.iter().all(Json::is_string)
    {
        list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
    json
}
