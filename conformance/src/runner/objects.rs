//! Objects, their attributes, collections and history.

use aludel::orm::Datum;
use aludel::orm::attributes::HistoryItem;
use aludel::orm::mapping::Holder;
use aludel::{Id, Value};
use serde_json::{Map, Value as Json, json};

use super::{Act, plain};
use crate::api;
use crate::failure::{Failure, Result, malformed};
use crate::scenario::Step;
use crate::value::{Given, encode};
use crate::zoo;

impl Act<'_> {
    pub(super) async fn new_object(&mut self, step: &Step) -> Result<Json> {
        let class = step.text("cls")?;
        let id = self.session.create_named(class)?;
        self.bind_alias(step.text("as")?, id);
        for (attribute, value) in &step.set {
            self.assign(id, attribute, value).await?;
        }
        Ok(Json::Null)
    }

    pub(super) async fn get(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        if let Some(output) = self.read_extra(id, attribute).await? {
            return Ok(output);
        }
        let value = api::read(self.session, id, attribute).await?;
        self.encode_datum(id, attribute, value)
    }

    /// A value of an attribute, as outputs have it.
    pub(super) fn encode_datum(
        &self,
        id: Id,
        attribute: &str,
        value: Option<Datum>,
    ) -> Result<Json> {
        let holder = api::holder(self.session, id, attribute)?;
        let value = match (value, holder) {
            (Some(value), _) => value,
            (None, Some(Holder::Keyed(_))) => Datum::Map(Vec::new()),
            (None, Some(Holder::List | Holder::Set)) => Datum::Many(Vec::new()),
            (None, _) => return Ok(Json::Null),
        };
        Ok(match value {
            Datum::Value(value) => encode(&value, zoo::kind(attribute)),
            Datum::One(None) => Json::Null,
            Datum::One(Some(id)) => Json::from(self.name_of(id)?),
            Datum::Many(ids) if holder == Some(Holder::Set) => {
                json!({ "$set": self.listing(ids)? })
            }
            Datum::Many(ids) => {
                ids.into_iter().map(|id| self.name_of(id)).collect::<Result<Vec<_>>>()?.into()
            }
            Datum::Map(entries) => {
                let entry =
                    |(key, id): (Value, Id)| Ok((plain(&key), Json::from(self.name_of(id)?)));
                Json::Object(entries.into_iter().map(entry).collect::<Result<Map<_, _>>>()?)
            }
        })
    }

    pub(super) async fn set(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        let value = step.need("value")?;
        if api::holder(self.session, id, attribute)?.is_some_and(Holder::is_collection) {
            api::load(self.session, id, attribute).await?;
        }
        self.assign(id, attribute, value).await?;
        Ok(Json::Null)
    }

    async fn assign(&mut self, id: Id, attribute: &str, value: &Json) -> Result<()> {
        let given = self.decode(value)?;
        if self.write_extra(id, attribute, &given).await? {
            return Ok(());
        }
        let datum = self.datum(id, attribute, given)?;
        match &datum {
            Datum::One(owner @ Some(_))
                if self.session.get_named(id, attribute).ok().flatten() != Some(datum.clone()) =>
            {
                self.ready(attribute, &[id], *owner).await?;
            }
            Datum::Many(members) => self.ready(attribute, members, None).await?,
            _ => {}
        }
        api::set(self.session, id, attribute, datum).await?;
        Ok(())
    }

    /// The validator of an account's cards reads their numbers, and a report has its notes by their keys: neither
    /// can load, so that it is done before. By then a new owner has joined the session of what refers to it.
    async fn ready(&mut self, attribute: &str, members: &[Id], owner: Option<Id>) -> Result<()> {
        let read = match (attribute, owner) {
            ("account" | "cards", _) => "number",
            ("notes", None) => "key",
            // Where the notes are not loaded, it waits.
            ("report", Some(owner))
                if self.session.is_loaded_named(owner, "notes")?
                    || api::key(self.session, owner)?.is_none() =>
            {
                "key"
            }
            _ => return Ok(()),
        };
        for &member in members {
            if !self.session.is_instrumented(member, read)?
                || self.session.is_loaded_named(member, read)?
            {
                continue;
            }
            if let Some(owner) = owner
                && self.session.contains(member.handle())
                && !self.session.contains(owner.handle())
            {
                self.session.add(owner.handle())?;
            }
            api::load(self.session, member, read).await?;
        }
        Ok(())
    }

    /// A given value as one of an attribute.
    pub(super) fn datum(&self, id: Id, attribute: &str, given: Given) -> Result<Datum> {
        Ok(match api::holder(self.session, id, attribute)? {
            None => Datum::Value(given.into_value(zoo::kind(attribute))?),
            Some(Holder::One) => Datum::One(given.into_reference()?),
            Some(Holder::List | Holder::Set) => Datum::Many(given.into_objects()?),
            Some(Holder::Keyed(_)) => match given {
                Given::Map(entries) => {
                    let entry =
                        |(key, v): (String, Given)| Ok((Value::Text(key), v.into_object()?));
                    Datum::Map(entries.into_iter().map(entry).collect::<Result<_>>()?)
                }
                given => Datum::Many(given.into_objects()?),
            },
        })
    }

    pub(super) async fn del(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        if api::holder(self.session, id, attribute)?.is_some() {
            api::load(self.session, id, attribute).await?;
        }
        self.session.del_named(id, attribute)?;
        Ok(Json::Null)
    }

    pub(super) async fn bind(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        let value = api::read(self.session, id, attribute).await?;
        let found = if let Some(index) = step.get("index") {
            let ids = match value {
                Some(Datum::Many(ids)) => ids,
                Some(Datum::Map(_)) => {
                    return Err(malformed("bind: a keyed collection has no index"));
                }
                _ => Vec::new(),
            };
            let at = index.as_i64().ok_or_else(|| malformed("bind: `index` is no number"))?;
            Some(
                *place(ids.len(), at)
                    .and_then(|at| ids.get(at))
                    .ok_or(Failure::Outcome("absent"))?,
            )
        } else if let Some(key) = step.get("key").and_then(Json::as_str) {
            let entries = match value {
                Some(Datum::Map(entries)) => entries,
                _ => Vec::new(),
            };
            let found = entries.into_iter().find(|(k, _)| plain(k) == key);
            Some(found.ok_or(Failure::Outcome("absent"))?.1)
        } else {
            match value {
                Some(Datum::One(one)) => one,
                _ => None,
            }
        };
        let Some(found) = found else { return Ok(Json::Null) };
        self.bind_alias(step.text("as")?, found);
        Ok(Json::from(self.name_of(found)?))
    }

    pub(super) fn is_loaded(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        Ok(Json::Bool(self.session.is_loaded_named(id, attribute)?))
    }

    pub(super) fn instrumented(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        Ok(Json::Bool(api::is_managed(self.session, id, attribute)?))
    }

    // ---- Collections.

    /// The object and the collection of a step, loaded.
    async fn collection<'a>(&mut self, step: &'a Step) -> Result<(Id, &'a str)> {
        let (id, attribute) = self.target(step)?;
        api::load(self.session, id, attribute).await?;
        Ok((id, attribute))
    }

    pub(super) async fn append(&mut self, step: &Step) -> Result<Json> {
        if self.is_extra(step)? {
            return self.change_extra(step).await;
        }
        let given = self.decode(step.need("value")?)?;
        let members = match step.op.as_str() {
            "extend" => given.into_objects()?,
            _ => vec![given.into_object()?],
        };
        self.ready(step.text("attr")?, &members, None).await?;
        let (id, attribute) = self.collection(step).await?;
        for member in members {
            self.session.append_named(id, attribute, member, None)?;
        }
        Ok(Json::Null)
    }

    pub(super) async fn remove(&mut self, step: &Step) -> Result<Json> {
        if self.is_extra(step)? {
            return self.change_extra(step).await;
        }
        let (id, attribute) = self.collection(step).await?;
        let member = self.decode(step.need("value")?)?.into_object()?;
        self.session.remove_named(id, attribute, member)?;
        Ok(Json::Null)
    }

    pub(super) async fn insert_at(&mut self, step: &Step) -> Result<Json> {
        if self.is_extra(step)? {
            return self.change_extra(step).await;
        }
        let member = self.decode(step.need("value")?)?.into_object()?;
        self.ready(step.text("attr")?, &[member], None).await?;
        let (id, attribute) = self.collection(step).await?;
        let len = api::members(self.session, id, attribute).await?.len() as i64;
        // As Python inserts: from the end where it is negative, and at the end where it is too far.
        let at = step.number("index")?;
        let at = if at < 0 { (len + at).max(0) } else { at.min(len) };
        self.session.append_named(id, attribute, member, Some(at as usize))?;
        Ok(Json::Null)
    }

    pub(super) async fn set_at(&mut self, step: &Step) -> Result<Json> {
        if self.is_extra(step)? {
            return self.change_extra(step).await;
        }
        let member = self.decode(step.need("value")?)?.into_object()?;
        self.ready(step.text("attr")?, &[member], None).await?;
        let (id, attribute) = self.collection(step).await?;
        let at = self.index(id, attribute, step).await?;
        self.session.replace_named(id, attribute, at, member)?;
        Ok(Json::Null)
    }

    pub(super) async fn pop_at(&mut self, step: &Step) -> Result<Json> {
        if self.is_extra(step)? {
            return self.change_extra(step).await;
        }
        let (id, attribute) = self.collection(step).await?;
        let at = self.index(id, attribute, step).await?;
        let member = self.session.pop_named(id, attribute, at)?;
        Ok(Json::from(self.name_of(member)?))
    }

    /// The place that a step says, which must be there.
    async fn index(&mut self, id: Id, attribute: &str, step: &Step) -> Result<usize> {
        let len = api::members(self.session, id, attribute).await?.len();
        place(len, step.number("index")?).ok_or(Failure::Outcome("absent"))
    }

    pub(super) async fn put(&mut self, step: &Step) -> Result<Json> {
        let member = self.decode(step.need("value")?)?.into_object()?;
        self.ready(step.text("attr")?, &[member], None).await?;
        let (id, attribute) = self.collection(step).await?;
        self.session.append_named(id, attribute, member, None)?;
        Ok(Json::Null)
    }

    pub(super) async fn drop_key(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.collection(step).await?;
        let key = self.decode(step.need("key")?)?.into_value(zoo::Kind::Plain)?;
        self.session.pop_key_named(id, attribute, &key)?;
        Ok(Json::Null)
    }

    pub(super) async fn clear(&mut self, step: &Step) -> Result<Json> {
        if self.is_extra(step)? {
            return self.change_extra(step).await;
        }
        let (id, attribute) = self.collection(step).await?;
        self.session.clear_named(id, attribute)?;
        Ok(Json::Null)
    }

    // ---- History.

    pub(super) async fn history(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        let history = match step.get("passive").and_then(Json::as_str) {
            None | Some("no_load") => self.session.history_named(id, attribute)?,
            Some("load") => api::load_history(self.session, id, attribute).await?,
            Some(other) => return Err(malformed(format!("history: passive is not `{other}`"))),
        };
        let items = |items: &[HistoryItem]| -> Result<Json> {
            let each = |item: &HistoryItem| {
                Ok(match item {
                    HistoryItem::Value(value) => encode(value, zoo::kind(attribute)),
                    HistoryItem::Object(None) => Json::Null,
                    HistoryItem::Object(Some(id)) => Json::from(self.name_of(*id)?),
                })
            };
            items.iter().map(each).collect()
        };
        Ok(json!({
            "added": items(history.added())?,
            "unchanged": items(history.unchanged())?,
            "deleted": items(history.deleted())?,
        }))
    }

    pub(super) fn set_committed(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        let given = self.decode(step.need("value")?)?;
        let datum = self.datum(id, attribute, given)?;
        self.session.set_committed_named(id, attribute, datum)?;
        Ok(Json::Null)
    }

    pub(super) fn flag_modified(&mut self, step: &Step) -> Result<Json> {
        let (id, attribute) = self.target(step)?;
        self.session.flag_modified_named(id, attribute)?;
        Ok(Json::Null)
    }

    pub(super) fn flag_dirty(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        self.session.flag_dirty(id.handle())?;
        Ok(Json::Null)
    }

    pub(super) fn modified(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        Ok(Json::Bool(self.session.is_dirty(id.handle())?))
    }

    pub(super) fn is_modified(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        Ok(Json::Bool(self.session.is_modified(id.handle())?))
    }
}

/// An index as Python understands it: from the end where it is negative.
fn place(len: usize, index: i64) -> Option<usize> {
    let at = if index < 0 { index + len as i64 } else { index };
    usize::try_from(at).ok().filter(|at| *at < len)
}
