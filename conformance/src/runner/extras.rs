//! Attributes that the kit reads and sets as attributes of objects, and that are written here by hand, over what they
//! stand for: the association proxy `Playlist.titles`, and the hybrids of `Account`, since the kit has what they are
//! made of loaded one by one. In queries the hybrids are the library's.

use aludel::orm::Datum;
use aludel::{Id, Value};
use serde_json::Value as Json;

use super::Act;
use crate::api;
use crate::failure::{Failure, Result, malformed};
use crate::scenario::Step;
use crate::value::{Given, encode};
use crate::zoo::Kind;

/// What is added to a contact's local part when it is stored.
const DOMAIN: &str = "@example.org";

impl Act<'_> {
    /// Whether a step is about the proxy.
    pub(super) fn is_extra(&self, step: &Step) -> Result<bool> {
        let (id, attribute) = self.target(step)?;
        Ok(attribute == "titles" && self.session.class_name(id)? == "Playlist")
    }

    /// The value of such an attribute; none where the attribute is the library's.
    pub(super) async fn read_extra(&mut self, id: Id, attribute: &str) -> Result<Option<Json>> {
        let class = self.session.class_name(id)?.to_owned();
        Ok(Some(match (class.as_str(), attribute) {
            ("Playlist", "titles") => {
                let mut titles = Vec::new();
                for entry in api::members(self.session, id, "entries").await? {
                    let title = api::read_value(self.session, entry, "title").await?;
                    titles.push(encode(&title, Kind::Plain));
                }
                Json::from(titles)
            }
            ("Account", "displayname") => {
                let last = api::read_value(self.session, id, "lastname").await?;
                let first = api::read_value(self.session, id, "firstname").await?;
                Json::from(format!("{}, {}", super::plain(&last), super::plain(&first)))
            }
            ("Account", "contact") => match api::read_value(self.session, id, "_contact").await? {
                Value::Text(text) => Json::from(text.strip_suffix(DOMAIN).unwrap_or(&text)),
                _ => Json::Null,
            },
            _ => return Ok(None),
        }))
    }

    /// Sets such an attribute; false where the attribute is the library's.
    pub(super) async fn write_extra(
        &mut self,
        id: Id,
        attribute: &str,
        given: &Given,
    ) -> Result<bool> {
        let class = self.session.class_name(id)?.to_owned();
        match (class.as_str(), attribute) {
            ("Playlist", "titles") => {
                let Given::List(titles) = given else {
                    return Err(malformed("titles are a list"));
                };
                api::load(self.session, id, "entries").await?;
                self.session.clear_named(id, "entries")?;
                for title in titles {
                    self.append_title(id, title.clone(), None).await?;
                }
            }
            ("Account", "displayname") => {
                let Given::Value(Value::Text(text)) = given else {
                    return Err(malformed("a display name is a text"));
                };
                let (last, first) = text.split_once(',').ok_or(Failure::Outcome("validation"))?;
                self.session.set_named(id, "lastname", Value::from(last.trim()))?;
                self.session.set_named(id, "firstname", Value::from(first.trim()))?;
            }
            ("Account", "contact") => {
                let value = match given {
                    Given::Value(Value::Text(text)) => Value::Text(format!("{text}{DOMAIN}")),
                    _ => Value::Null,
                };
                self.session.set_named(id, "_contact", value)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A new entry with a title, in the playlist.
    async fn append_title(&mut self, id: Id, title: Given, at: Option<usize>) -> Result<()> {
        let entry = self.session.create_named("Entry")?;
        self.session.set_named(entry, "title", Datum::Value(title.into_value(Kind::Plain)?))?;
        self.session.append_named(id, "entries", entry, at)?;
        Ok(())
    }

    /// A change of the proxy's list.
    pub(super) async fn change_extra(&mut self, step: &Step) -> Result<Json> {
        let (id, _) = self.target(step)?;
        let entries = api::members(self.session, id, "entries").await?;
        let value = match step.get("value") {
            Some(value) => Some(self.decode(value)?),
            None => None,
        };
        let at = || -> Result<usize> {
            let at = step.number("index")?;
            let at = if at < 0 { at + entries.len() as i64 } else { at };
            Ok(usize::try_from(at).unwrap_or(usize::MAX))
        };
        match (step.op.as_str(), value) {
            ("append", Some(title)) => self.append_title(id, title, None).await?,
            ("extend", Some(Given::List(titles))) => {
                for title in titles {
                    self.append_title(id, title, None).await?;
                }
            }
            ("insert_at", Some(title)) => {
                let at = at()?.min(entries.len());
                self.append_title(id, title, Some(at)).await?;
            }
            ("set_at", Some(title)) => {
                let entry = *entries.get(at()?).ok_or(Failure::Outcome("absent"))?;
                self.session.set_named(entry, "title", title.into_value(Kind::Plain)?)?;
            }
            ("pop_at", None) => {
                let at = at()?;
                let entry = *entries.get(at).ok_or(Failure::Outcome("absent"))?;
                let title = api::read_value(self.session, entry, "title").await?;
                self.session.pop_named(id, "entries", at)?;
                return Ok(encode(&title, Kind::Plain));
            }
            ("remove", Some(title)) => {
                let title = title.into_value(Kind::Plain)?;
                for (at, entry) in entries.iter().enumerate() {
                    if api::read_value(self.session, *entry, "title").await? == title {
                        self.session.pop_named(id, "entries", at)?;
                        return Ok(Json::Null);
                    }
                }
                return Err(Failure::Outcome("absent"));
            }
            ("clear", None) => self.session.clear_named(id, "entries")?,
            _ => return Err(malformed(format!("{}: not on titles", step.op))),
        }
        Ok(Json::Null)
    }
}
