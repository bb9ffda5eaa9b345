//! Values between JSON and the library; see "Values" in the kit's `FORMAT.md`.

use aludel::{Id, Value};
use serde_json::{Map, Value as Json, json};

use crate::failure::{Result, malformed};
use crate::zoo::Kind;

/// A value that a scenario gives.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Value(Value),
    Object(Id),
    List(Vec<Given>),
    Map(Vec<(String, Given)>),
    Set(Vec<Given>),
}

/// Reads a value; `object` finds the object of an alias.
pub(crate) fn decode(json: &Json, object: &dyn Fn(&str) -> Result<Id>) -> Result<Given> {
    Ok(match json {
        Json::Null => Given::Value(Value::Null),
        Json::Bool(b) => Given::Value(Value::Bool(*b)),
        Json::Number(n) => Given::Value(match n.as_i64() {
            Some(n) => Value::I64(n),
            None => Value::F64(n.as_f64().unwrap_or(f64::NAN)),
        }),
        Json::String(text) => match text.strip_prefix('$') {
            Some(rest) if rest.starts_with('$') => Given::Value(Value::Text(rest.to_owned())),
            Some(alias) => Given::Object(object(alias)?),
            None => Given::Value(Value::Text(text.clone())),
        },
        Json::Array(list) => Given::List(decode_all(list, object)?),
        Json::Object(map) => match tagged(map) {
            Some((tag, arg)) => decode_tagged(tag, arg, object)?,
            None => {
                let entry = |(k, v): (&String, &Json)| Ok((k.clone(), decode(v, object)?));
                Given::Map(map.iter().map(entry).collect::<Result<_>>()?)
            }
        },
    })
}

fn decode_all(list: &[Json], object: &dyn Fn(&str) -> Result<Id>) -> Result<Vec<Given>> {
    list.iter().map(|v| decode(v, object)).collect()
}

fn tagged(map: &Map<String, Json>) -> Option<(&str, &Json)> {
    let (tag, arg) = map.iter().next()?;
    Some((tag.strip_prefix('$').filter(|_| map.len() == 1)?, arg))
}

fn decode_tagged(tag: &str, arg: &Json, object: &dyn Fn(&str) -> Result<Id>) -> Result<Given> {
    let text = || arg.as_str().ok_or_else(|| malformed(format!("${tag} takes a text, not {arg}")));
    Ok(match tag {
        "date" => match text()?.parse() {
            Ok(date) => Given::Value(Value::Date(date)),
            Err(error) => return Err(malformed(format!("{arg} is no date: {error}"))),
        },
        "decimal" => Given::Value(Value::Text(text()?.to_owned())),
        "bytes" => match from_base64(text()?) {
            Some(bytes) => Given::Value(Value::Bytes(bytes)),
            None => return Err(malformed(format!("{arg} is not base64"))),
        },
        "set" => Given::Set(decode_all(arg.as_array().map_or(&[], Vec::as_slice), object)?),
        "point" => Given::List(decode_all(arg.as_array().map_or(&[], Vec::as_slice), object)?),
        _ => return Err(malformed(format!("there are no values tagged ${tag}"))),
    })
}

impl Given {
    /// As the value of a column of a kind.
    pub(crate) fn into_value(self, kind: Kind) -> Result<Value> {
        Ok(match self {
            Self::Value(value) => value,
            Self::Set(items) if kind == Kind::Set => {
                let mut items =
                    items.into_iter().map(Self::into_json).collect::<Result<Vec<_>>>()?;
                items.sort_by_key(Json::to_string);
                Value::Text(Json::Array(items).to_string())
            }
            Self::List(parts) if kind == Kind::Point => {
                let parts = parts.into_iter().map(|part| part.into_value(Kind::Plain));
                Value::Tuple(parts.collect::<Result<_>>()?)
            }
            Self::List(_) | Self::Map(_) | Self::Set(_) => Value::Json(Box::new(self.into_json()?)),
            Self::Object(_) => return Err(malformed("an object as the value of a column")),
        })
    }

    /// As a part of a JSON document.
    pub(crate) fn into_json(self) -> Result<Json> {
        Ok(match self {
            Self::Value(Value::Null) => Json::Null,
            Self::Value(Value::Bool(b)) => json!(b),
            Self::Value(Value::I64(n)) => json!(n),
            Self::Value(Value::F64(n)) => json!(n),
            Self::Value(Value::Text(text)) => json!(text),
            Self::List(items) | Self::Set(items) => {
                Json::Array(items.into_iter().map(Self::into_json).collect::<Result<_>>()?)
            }
            Self::Map(entries) => {
                let entry = |(k, v): (String, Self)| Ok((k, v.into_json()?));
                Json::Object(entries.into_iter().map(entry).collect::<Result<_>>()?)
            }
            other => return Err(malformed(format!("{other:?} in a JSON document"))),
        })
    }

    /// As objects: the members of a list, a set or a keyed collection.
    pub(crate) fn into_objects(self) -> Result<Vec<Id>> {
        match self {
            Self::List(items) | Self::Set(items) => {
                items.into_iter().map(Self::into_object).collect()
            }
            Self::Map(entries) => entries.into_iter().map(|(_, v)| v.into_object()).collect(),
            other => Err(malformed(format!("{other:?} in place of a collection"))),
        }
    }

    /// As an object.
    pub(crate) fn into_object(self) -> Result<Id> {
        match self {
            Self::Object(id) => Ok(id),
            other => Err(malformed(format!("{other:?} in place of an object"))),
        }
    }

    /// As an object, or none.
    pub(crate) fn into_reference(self) -> Result<Option<Id>> {
        match self {
            Self::Value(Value::Null) => Ok(None),
            other => other.into_object().map(Some),
        }
    }
}

/// The value of a column of a kind, as outputs have it.
pub(crate) fn encode(value: &Value, kind: Kind) -> Json {
    match (value, kind) {
        (Value::Text(text), Kind::Set) => match serde_json::from_str(text) {
            Ok(Json::Array(mut items)) => {
                items.iter_mut().for_each(escape);
                items.sort_by_key(Json::to_string);
                json!({ "$set": items })
            }
            _ => json!(text),
        },
        (Value::Text(text), Kind::Decimal) => json!({ "$decimal": text }),
        (Value::Text(text), _) => encode_text(text),
        (Value::Tuple(parts), _) => {
            let parts: Vec<Json> = parts.iter().map(|part| encode(part, Kind::Plain)).collect();
            json!({ "$point": parts })
        }
        (Value::Null, _) => Json::Null,
        (Value::Bool(b), _) => json!(b),
        (Value::I64(n), _) => json!(n),
        (Value::F64(n), _) => json!(n),
        (Value::Bytes(bytes), _) => json!({ "$bytes": to_base64(bytes) }),
        (Value::Date(date), _) => json!({ "$date": date.to_string() }),
        (Value::Json(document), _) => {
            let mut document = (**document).clone();
            escape(&mut document);
            document
        }
        (other, _) => json!(other.to_string()),
    }
}

/// A text, as outputs have it.
pub(crate) fn encode_text(text: &str) -> Json {
    if text.starts_with('$') { json!(format!("${text}")) } else { json!(text) }
}

fn escape(document: &mut Json) {
    match document {
        Json::String(text) if text.starts_with('$') => text.insert(0, '$'),
        Json::Array(items) => items.iter_mut().for_each(escape),
        Json::Object(entries) => entries.values_mut().for_each(escape),
        _ => {}
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0;
        for i in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(i).copied().unwrap_or(0));
        }
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut have) = (Vec::new(), 0u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = DIGITS.iter().position(|d| *d == digit)? as u32;
        bits = (bits << 6 | value) & 0xffff;
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push((bits >> have) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_back_and_forth() {
        for bytes in [&b""[..], b"a", b"ab", b"abc", b"\x00\x01\xff\xfe"] {
            assert_eq!(from_base64(&to_base64(bytes)).as_deref(), Some(bytes));
        }
        assert_eq!(to_base64(b"\x00\x01\xff"), "AAH/");
    }

    #[test]
    fn texts_that_look_like_aliases_are_escaped() {
        let none = |alias: &str| Err(malformed(alias));
        let Ok(Given::Value(value)) = decode(&json!("$$x"), &none) else { panic!("a text") };
        assert_eq!(value, Value::Text("$x".into()));
        assert_eq!(encode(&value, Kind::Plain), json!("$$x"));
    }
}
