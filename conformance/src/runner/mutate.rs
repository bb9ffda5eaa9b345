//! Changes in place of documents, lists and sets.

use aludel::{Id, Value};
use serde_json::{Map, Value as Json};

use super::Act;
use crate::api;
use crate::failure::{Failure, Result, malformed};
use crate::scenario::Step;
use crate::value::{Given, encode};
use crate::zoo::{self, Kind};

const ABSENT: Failure = Failure::Outcome("absent");

impl Act<'_> {
    pub(super) async fn mutate(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        if step.get("path").is_some() {
            return self.change_part(id, step).await;
        }
        let (attribute, call) = (step.text("attr")?, step.text("call")?);
        let args = step.list("args")?.iter().map(|arg| self.decode(arg)?.into_json());
        let args = args.collect::<Result<Vec<Json>>>()?;
        let kind = zoo::kind(attribute);
        let mut document = match api::read_value(self.session, id, attribute).await? {
            Value::Json(document) => *document,
            Value::Text(text) if kind == Kind::Set => {
                serde_json::from_str(&text).unwrap_or_default()
            }
            Value::Null => return Err(malformed(format!("{attribute} is null"))),
            other => {
                return Err(malformed(format!("{attribute} is not changed in place: {other}")));
            }
        };
        let output = match &mut document {
            Json::Object(map) => change_map(map, call, args)?,
            Json::Array(items) if kind == Kind::Set => change_set(items, call, args)?,
            Json::Array(items) => change_list(items, call, args)?,
            other => return Err(malformed(format!("{attribute} is {other}"))),
        };
        let given = match (document, kind) {
            (Json::Array(items), Kind::Set) => Given::Set(items.into_iter().map(text_of).collect()),
            (document, _) => Given::Value(Value::Json(Box::new(document))),
        };
        self.session.set_named(id, attribute, given.into_value(kind)?)?;
        // Whatever it was, and also where it is the same again: it was changed.
        self.session.flag_modified_named(id, attribute)?;
        Ok(encode(&Value::Json(Box::new(output)), Kind::Plain))
    }
}

impl Act<'_> {
    /// A change of one member of a composite in place: of the column that it is.
    async fn change_part(&mut self, id: Id, step: &Step) -> Result<Json> {
        let path = step.text("path")?;
        let mapper = api::mapper(self.session, id)?;
        let column = path.split_once('.').and_then(|(composite, part)| {
            let (_, columns) = mapper.composites().find(|(name, _)| *name == composite)?;
            let at = ["x", "y"].iter().position(|name| *name == part)?;
            columns.get(at).copied()
        });
        let column =
            column.ok_or_else(|| malformed(format!("`{path}` is no part of a composite")))?;
        api::load(self.session, id, column).await?;
        let value = self.decode(step.need("value")?)?.into_value(Kind::Plain)?;
        self.session.set_named(id, column, value)?;
        Ok(Json::Null)
    }
}

fn text_of(json: Json) -> Given {
    Given::Value(match json {
        Json::String(text) => Value::Text(text),
        other => Value::Text(other.to_string()),
    })
}

/// The arguments of a call, of which the last may be left out.
fn two(args: Vec<Json>) -> (Json, Option<Json>) {
    let mut args = args.into_iter();
    (args.next().unwrap_or_default(), args.next())
}

fn key(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn change_map(map: &mut Map<String, Json>, call: &str, args: Vec<Json>) -> Result<Json> {
    let (first, second) = two(args);
    Ok(match call {
        "set" => {
            map.insert(key(&first), second.unwrap_or_default());
            Json::Null
        }
        "del" => map.remove(&key(&first)).map(|_| Json::Null).ok_or(ABSENT)?,
        "pop" => map.remove(&key(&first)).or(second).ok_or(ABSENT)?,
        "popitem" => {
            let last = map.keys().next_back().cloned().ok_or(ABSENT)?;
            let value = map.remove(&last).unwrap_or_default();
            Json::from(vec![Json::from(last), value])
        }
        "setdefault" => map.entry(key(&first)).or_insert(second.unwrap_or_default()).clone(),
        "update" => {
            map.extend(first.as_object().cloned().unwrap_or_default());
            Json::Null
        }
        "clear" => {
            map.clear();
            Json::Null
        }
        _ => return Err(malformed(format!("a dictionary has no `{call}`"))),
    })
}

/// An index into a list, as Python understands it.
fn index(items: &[Json], index: &Json) -> Result<usize> {
    let at = index.as_i64().ok_or_else(|| malformed(format!("{index} is no index")))?;
    let at = if at < 0 { at + items.len() as i64 } else { at };
    usize::try_from(at).ok().filter(|at| *at < items.len()).ok_or(ABSENT)
}

fn change_list(items: &mut Vec<Json>, call: &str, args: Vec<Json>) -> Result<Json> {
    let given = args.len();
    let (first, second) = two(args);
    match call {
        "append" => items.push(first),
        "extend" => items.extend(first.as_array().cloned().unwrap_or_default()),
        "insert" => {
            let len = items.len() as i64;
            let at = first.as_i64().unwrap_or(0);
            let at = if at < 0 { (len + at).max(0) } else { at.min(len) };
            items.insert(at as usize, second.unwrap_or_default());
        }
        "pop" => {
            let last = Json::from(-1);
            let at = index(items, if given == 0 { &last } else { &first })?;
            return Ok(items.remove(at));
        }
        "remove" => {
            let at = items.iter().position(|item| *item == first).ok_or(ABSENT)?;
            items.remove(at);
        }
        "reverse" => items.reverse(),
        "sort" => items.sort_by(|a, b| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => key(a).cmp(&key(b)),
        }),
        "clear" => items.clear(),
        "set" => {
            let at = index(items, &first)?;
            items[at] = second.unwrap_or_default();
        }
        "del" => {
            let at = index(items, &first)?;
            items.remove(at);
        }
        _ => return Err(malformed(format!("a list has no `{call}`"))),
    }
    Ok(Json::Null)
}

fn change_set(items: &mut Vec<Json>, call: &str, args: Vec<Json>) -> Result<Json> {
    let (first, _) = two(args);
    let others = first.as_array().cloned().unwrap_or_default();
    match call {
        "add" if items.contains(&first) => {}
        "add" => items.push(first),
        "discard" => items.retain(|item| *item != first),
        "remove" => {
            let at = items.iter().position(|item| *item == first).ok_or(ABSENT)?;
            items.remove(at);
        }
        "clear" => items.clear(),
        "update" => {
            let new: Vec<Json> = others.into_iter().filter(|o| !items.contains(o)).collect();
            items.extend(new);
        }
        "difference_update" => items.retain(|item| !others.contains(item)),
        "intersection_update" => items.retain(|item| others.contains(item)),
        "symmetric_difference_update" => {
            let new: Vec<Json> = others.iter().filter(|o| !items.contains(o)).cloned().collect();
            items.retain(|item| !others.contains(item));
            items.extend(new);
        }
        _ => return Err(malformed(format!("a set has no `{call}`"))),
    }
    Ok(Json::Null)
}
