//! Scenarios, as they stand in their files.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::failure::{Result, malformed};

/// A scenario: steps, and how the session is that they are done in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The name of its file.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// The session's options.
    #[serde(default)]
    pub session: Options,
    /// What is done.
    pub steps: Vec<Step>,
}

/// The options of a scenario's session.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Expire all objects at commit.
    pub expire_on_commit: bool,
    /// Flush before queries.
    pub autoflush: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { expire_on_commit: false, autoflush: true }
    }
}

/// A step: what to do, and with what.
#[derive(Clone, Debug)]
pub struct Step {
    /// The operation.
    pub op: String,
    args: Map<String, Value>,
    /// Of `new`: the values to be set, in their order.
    pub set: Vec<(String, Value)>,
    /// Of `listen`: what the listener does.
    pub then: Vec<Step>,
}

impl Step {
    /// An argument, if it is given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.args.get(name)
    }

    /// An argument that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn need(&self, name: &str) -> Result<&Value> {
        self.get(name).ok_or_else(|| malformed(format!("{}: `{name}` is missing", self.op)))
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// When it is not, or is no text.
    pub fn text(&self, name: &str) -> Result<&str> {
        let value = self.need(name)?;
        value
            .as_str()
            .ok_or_else(|| malformed(format!("{}: `{name}` is no text: {value}", self.op)))
    }

    /// A list that may be left out.
    ///
    /// # Errors
    /// When it is no list.
    pub fn list(&self, name: &str) -> Result<&[Value]> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(malformed(format!("{}: `{name}` is no list: {other}", self.op))),
        }
    }

    /// A list of texts that may be left out.
    ///
    /// # Errors
    /// When it is no list of texts.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>> {
        let texts = self.list(name)?.iter().map(Value::as_str).collect::<Option<_>>();
        texts.ok_or_else(|| malformed(format!("{}: `{name}` is no list of texts", self.op)))
    }

    /// A flag that may be left out.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number that must be there.
    ///
    /// # Errors
    /// When it is not, or is no whole number.
    pub fn number(&self, name: &str) -> Result<i64> {
        let value = self.need(name)?;
        value
            .as_i64()
            .ok_or_else(|| malformed(format!("{}: `{name}` is no number: {value}", self.op)))
    }
}

/// As it stands in the file, but for the order of its keys.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Map::new();
        all.insert("do".into(), Value::from(self.op.as_str()));
        all.extend(self.args.clone());
        if !self.set.is_empty() {
            all.insert("set".into(), self.set.iter().cloned().collect());
        }
        if !self.then.is_empty() {
            let then = self.then.iter().map(|s| Value::from(s.to_string()));
            all.insert("then".into(), then.collect());
        }
        write!(f, "{}", Value::Object(all))
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step: an object with a `do`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        use serde::de::Error as _;
        let mut step =
            Step { op: String::new(), args: Map::new(), set: Vec::new(), then: Vec::new() };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "do" => step.op = map.next_value()?,
                "set" => step.set = map.next_value::<Pairs>()?.0,
                "then" => step.then = map.next_value()?,
                _ => {
                    step.args.insert(key, map.next_value()?);
                }
            }
        }
        check(&step).map_err(A::Error::custom)?;
        Ok(step)
    }
}

/// The entries of an object, in their order.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

/// The operations, what each needs, and what else it may be given.
const STEPS: &[(&str, &str, &str)] = &[
    // Objects and attributes.
    ("new", "cls as", ""),
    ("get", "obj attr", ""),
    ("set", "obj attr value", ""),
    ("del", "obj attr", ""),
    ("bind", "obj attr as", "index key"),
    ("is_loaded", "obj attr", ""),
    ("instrumented", "obj attr", ""),
    ("append", "obj attr value", ""),
    ("remove", "obj attr value", ""),
    ("insert_at", "obj attr index value", ""),
    ("set_at", "obj attr index value", ""),
    ("pop_at", "obj attr index", ""),
    ("put", "obj attr key value", ""),
    ("drop", "obj attr key", ""),
    ("extend", "obj attr value", ""),
    ("clear", "obj attr", ""),
    ("mutate", "obj", "attr call args path value"),
    ("history", "obj attr", "passive"),
    ("set_committed", "obj attr value", ""),
    ("init_collection", "obj attr value", ""),
    ("flag_modified", "obj attr", ""),
    ("flag_dirty", "obj", ""),
    ("modified", "obj", ""),
    ("is_modified", "obj", ""),
    ("identical", "a b", ""),
    ("serialize", "objs as", ""),
    // Object states.
    ("state", "obj", ""),
    ("identity_key", "obj", ""),
    ("object_session", "obj", ""),
    ("make_transient", "obj", ""),
    ("make_transient_to_detached", "obj", ""),
    ("cascade_iterator", "obj type", ""),
    // The session.
    ("add", "obj", ""),
    ("add_all", "objs", ""),
    ("delete", "obj", ""),
    ("flush", "", ""),
    ("commit", "", ""),
    ("rollback", "", ""),
    ("begin_nested", "", ""),
    ("commit_nested", "", ""),
    ("rollback_nested", "", ""),
    ("close", "", ""),
    ("autoflush", "on", ""),
    ("expire", "obj", "attrs"),
    ("expire_all", "", ""),
    ("refresh", "obj", "attrs"),
    ("expunge", "obj", ""),
    ("expunge_all", "", ""),
    ("merge", "obj as", "load"),
    ("in_transaction", "", ""),
    ("session_new", "", ""),
    ("session_dirty", "", ""),
    ("session_deleted", "", ""),
    ("identity_map", "", ""),
    // Reading, and writing by criteria.
    ("load", "cls pk", "as options populate_existing"),
    (
        "query",
        "cls",
        "where order_by limit offset options join distinct mode as attrs count with_polymorphic \
         populate_existing",
    ),
    ("bulk_insert", "cls values", ""),
    ("bulk_update", "cls values", ""),
    ("update_where", "cls where values", "sync"),
    ("delete_where", "cls where", "sync"),
    // Events.
    ("listen", "target event", "retval active_history propagate"),
    ("event_log", "", ""),
    // The database and mappers.
    ("rows", "table", ""),
    ("dml", "", ""),
    ("selects", "", ""),
    ("raw", "sql", ""),
    ("external", "sql", ""),
    ("mapper", "cls", ""),
];

/// Checks a step's shape.
fn check(step: &Step) -> Result<(), String> {
    let op = step.op.as_str();
    let Some((_, needed, optional)) = STEPS.iter().find(|(name, ..)| *name == op) else {
        return Err(format!("there is no operation `{op}`"));
    };
    for name in needed.split_whitespace() {
        if step.get(name).is_none() {
            return Err(format!("{op}: `{name}` is missing"));
        }
    }
    let known =
        |key: &str| needed.split_whitespace().chain(optional.split_whitespace()).any(|n| n == key);
    if let Some(key) = step.args.keys().find(|key| !known(key)) {
        return Err(format!("{op} has no `{key}`"));
    }
    if (!step.set.is_empty() && op != "new") || (!step.then.is_empty() && op != "listen") {
        return Err(format!("{op} has neither `set` nor `then`"));
    }
    Ok(())
}
