//! What turns one JSON document into another: the paths that changed, and the expression that changes them.

use serde_json::Value as Json;

use super::{IntoNode, text};
use crate::DialectKind;
use crate::tree::Node;

/// With more changes than this, the document is sent as a whole.
const MOST: usize = 16;

/// The changes that turn one JSON document into another: members of objects and elements of arrays that are set,
/// and members that are removed. An array of another length is set as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPatch {
    dialect: DialectKind,
    removed: Vec<String>,
    set: Vec<(String, String)>,
}

/// A step of a path.
#[derive(Clone)]
enum Step<'d> {
    Key(&'d str),
    Index(usize),
}

/// This value has to be set as a whole.
struct Whole;

/// Changes on the way from the root.
struct Changes<'d> {
    dialect: DialectKind,
    path: Vec<Step<'d>>,
    removed: Vec<Vec<Step<'d>>>,
    set: Vec<(Vec<Step<'d>>, &'d Json)>,
}

impl JsonPatch {
    /// The changes from one document to another, for a database that has functions for them; `None` where it
    /// takes the whole document to say them, or is no longer to send it.
    pub fn between(old: &Json, new: &Json, dialect: DialectKind) -> Option<Self> {
        let mut changes =
            Changes { dialect, path: Vec::new(), removed: Vec::new(), set: Vec::new() };
        changes.inside(old, new).ok()?;
        if changes.removed.len() + changes.set.len() > MOST {
            return None;
        }
        let path = |steps: &[Step<'_>]| match dialect {
            DialectKind::Postgres => array(steps),
            _ => dollar(steps),
        };
        let patch = Self {
            dialect,
            removed: changes.removed.iter().map(|steps| path(steps)).collect(),
            set: changes.set.iter().map(|(steps, new)| (path(steps), new.to_string())).collect(),
        };
        let length: usize = patch.removed.iter().map(String::len).sum::<usize>()
            + patch.set.iter().map(|(path, value)| path.len() + value.len()).sum::<usize>();
        (length < new.to_string().len()).then_some(patch)
    }

    /// The document with the changes, as an expression. Paths and values are parameters.
    pub fn apply(&self, document: Node) -> Node {
        let (remove, set) = match self.dialect {
            DialectKind::Sqlite => ("json_remove(?, ?)", "json_set(?, ?, json(?))"),
            DialectKind::Postgres => (
                "(? #- CAST(CAST(? AS text) AS text[]))",
                "jsonb_set(?, CAST(CAST(? AS text) AS text[]), CAST(CAST(? AS text) AS jsonb))",
            ),
            DialectKind::MySql => ("JSON_REMOVE(?, ?)", "JSON_SET(?, ?, JSON_EXTRACT(?, '$'))"),
        };
        let literal = |text: &String| Node::literal(text.clone());
        let document = self.removed.iter().fold(document, |document, path| {
            text::<Json>(remove).binds(vec![document, literal(path)]).into_node()
        });
        self.set.iter().fold(document, |document, (path, value)| {
            text::<Json>(set).binds(vec![document, literal(path), literal(value)]).into_node()
        })
    }
}

impl<'d> Changes<'d> {
    /// The changes within a value that both documents have.
    fn inside(&mut self, old: &'d Json, new: &'d Json) -> Result<(), Whole> {
        match (old, new) {
            (Json::Object(before), Json::Object(after)) => {
                for key in before.keys().filter(|key| !after.contains_key(*key)) {
                    self.step(Step::Key(key), |changes| {
                        changes.removed.push(changes.path.clone());
                        Ok(())
                    })?;
                }
                let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(value));
                for (key, value) in changed {
                    self.member(Step::Key(key), before.get(key), value)?;
                }
                Ok(())
            }
            (Json::Array(before), Json::Array(after)) if before.len() == after.len() => {
                let pairs = before.iter().zip(after).enumerate();
                for (index, (before, value)) in pairs.filter(|(_, (a, b))| a != b) {
                    self.member(Step::Index(index), Some(before), value)?;
                }
                Ok(())
            }
            _ => Err(Whole),
        }
    }

    /// The changes of a member: within it where that can be said, else it is set.
    fn member(
        &mut self,
        step: Step<'d>,
        old: Option<&'d Json>,
        new: &'d Json,
    ) -> Result<(), Whole> {
        self.step(step, |changes| {
            let before = (changes.removed.len(), changes.set.len());
            if old.is_none_or(|old| changes.inside(old, new).is_err()) {
                changes.removed.truncate(before.0);
                changes.set.truncate(before.1);
                changes.set.push((changes.path.clone(), new));
            }
            Ok(())
        })
    }

    /// Runs one step further down, where the database can be told of it.
    fn step(
        &mut self,
        step: Step<'d>,
        run: impl FnOnce(&mut Self) -> Result<(), Whole>,
    ) -> Result<(), Whole> {
        if let Step::Key(key) = step
            && !self.can_name(key)
        {
            return Err(Whole);
        }
        self.path.push(step);
        let result = run(self);
        self.path.pop();
        result
    }

    /// Whether a path can name a key. In the paths of SQLite and MySQL there is no safe way to write a quote.
    fn can_name(&self, key: &str) -> bool {
        let odd = |c: char| c == '"' || c == '\\' || c.is_control();
        match self.dialect {
            DialectKind::Postgres => !key.contains('\0'),
            _ => !key.is_empty() && !key.contains(odd),
        }
    }
}

/// `$."a"[0]`
fn dollar(steps: &[Step<'_>]) -> String {
    let mut path = String::from("$");
    for step in steps {
        match step {
            Step::Key(key) => path.extend([".\"", *key, "\""]),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// `{"a","0"}`
fn array(steps: &[Step<'_>]) -> String {
    let texts = steps.iter().map(|step| match step {
        Step::Key(key) => format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")),
        Step::Index(index) => format!("\"{index}\""),
    });
    format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(old: Json, new: Json) -> Option<JsonPatch> {
        JsonPatch::between(&old, &new, DialectKind::Sqlite)
    }

    #[test]
    fn only_what_changed() {
        let old =
            json!({"a": {"b.c": [1, 2, 3], "gone": 1}, "same": "a text of some length, unchanged"});
        let mut new = old.clone();
        new["a"]["b.c"][1] = json!(null);
        new["a"].as_object_mut().unwrap().remove("gone");
        new["new"] = json!(true);
        let JsonPatch { removed, set, .. } = patch(old, new).unwrap();
        assert_eq!(removed, ["$.\"a\".\"gone\""]);
        let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(set, [text("$.\"a\".\"b.c\"[1]", "null"), text("$.\"new\"", "true")]);
    }

    #[test]
    fn what_cannot_be_said_is_set_further_up() {
        let long = "a text of some length, which stays as it is";
        let old = json!({"a": {"say \"x\"": 1}, "list": [1], "long": long});
        let new = json!({"a": {"say \"x\"": 2}, "list": [1, 2], "long": long});
        let JsonPatch { removed, set, .. } = patch(old.clone(), new.clone()).unwrap();
        assert!(removed.is_empty());
        assert_eq!(set[0].0, "$.\"a\"");
        assert_eq!(set[1], ("$.\"list\"".to_owned(), "[1,2]".to_owned()));
        let postgres = JsonPatch::between(&old, &new, DialectKind::Postgres).unwrap();
        assert_eq!(postgres.set[0].0, r#"{"a","say \"x\""}"#);
        // At the root, or when it is as long: the document.
        assert_eq!(patch(json!([1]), json!([1, 2])), None);
        assert_eq!(patch(json!([1]), json!([2])), None);
        assert_eq!(patch(json!({"\"": 1, "long": long}), json!({"\"": 2, "long": long})), None);
    }
}
