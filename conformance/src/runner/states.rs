//! The states of objects, and the session.

use aludel::ObjectState;
use aludel::orm::serialize::Serialized;
use serde_json::{Value as Json, json};

use super::Act;
use crate::api;
use crate::failure::{Result, malformed};
use crate::scenario::Step;
use crate::value::encode;
use crate::zoo::Kind;

impl Act<'_> {
    pub(super) fn state(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        Ok(Json::from(match self.session.state(id.handle())? {
            ObjectState::Transient => "transient",
            ObjectState::Pending => "pending",
            ObjectState::Persistent => "persistent",
            ObjectState::Deleted => "deleted",
            ObjectState::Detached => "detached",
        }))
    }

    pub(super) fn identity_key(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        Ok(match api::key(self.session, id)? {
            None => Json::Null,
            Some((class, key)) => {
                let key: Vec<Json> = key.iter().map(|v| encode(v, Kind::Plain)).collect();
                json!([class, key])
            }
        })
    }

    pub(super) fn object_session(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        Ok(Json::Bool(match self.session.state(id.handle())? {
            ObjectState::Pending | ObjectState::Persistent | ObjectState::Deleted => true,
            ObjectState::Transient | ObjectState::Detached => false,
        }))
    }

    pub(super) fn make_transient(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        self.session.make_transient(id.handle())?;
        Ok(Json::Null)
    }

    pub(super) fn make_transient_to_detached(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        self.session.make_transient_to_detached(id.handle())?;
        Ok(Json::Null)
    }

    /// By way of both forms, so that either has to keep everything.
    pub(super) fn serialize(&mut self, step: &Step) -> Result<Json> {
        let ids =
            step.texts("objs")?.into_iter().map(|o| self.named(o)).collect::<Result<Vec<_>>>()?;
        let json = self.session.serialize(ids)?.to_json()?;
        let bytes = Serialized::from_json(&json)?.to_bytes()?;
        let copies = self.session.deserialize(&Serialized::from_bytes(&bytes)?)?;
        for (alias, copy) in step.texts("as")?.into_iter().zip(copies) {
            self.bind_alias(alias, copy);
        }
        Ok(Json::Null)
    }

    pub(super) async fn cascade_iterator(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        let name = step.text("type")?;
        let cascade =
            api::cascade(name).ok_or_else(|| malformed(format!("no cascade `{name}`")))?;
        let reached = self.session.load_cascade(id, cascade).await?;
        self.listing(reached)
    }

    pub(super) fn add(&mut self, step: &Step) -> Result<Json> {
        if step.op == "add" {
            let id = self.object(step, "obj")?;
            self.session.add(id.handle())?;
            return Ok(Json::Null);
        }
        for alias in step.texts("objs")? {
            let id = self.named(alias)?;
            self.session.add(id.handle())?;
        }
        Ok(Json::Null)
    }

    pub(super) async fn delete(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        self.session.delete(id.handle()).await?;
        Ok(Json::Null)
    }

    pub(super) async fn flush(&mut self) -> Result<Json> {
        self.session.flush().await?;
        Ok(Json::Null)
    }

    pub(super) async fn commit(&mut self) -> Result<Json> {
        self.world.names().nested = 0;
        self.session.commit().await?;
        Ok(Json::Null)
    }

    pub(super) async fn rollback(&mut self) -> Result<Json> {
        self.world.names().nested = 0;
        self.session.rollback().await?;
        Ok(Json::Null)
    }

    pub(super) async fn begin_nested(&mut self) -> Result<Json> {
        self.session.begin_nested().await?;
        self.world.names().nested += 1;
        Ok(Json::Null)
    }

    pub(super) async fn commit_nested(&mut self) -> Result<Json> {
        self.pop_nested()?;
        self.session.commit_nested().await?;
        Ok(Json::Null)
    }

    pub(super) async fn rollback_nested(&mut self) -> Result<Json> {
        self.pop_nested()?;
        self.session.rollback_nested().await?;
        Ok(Json::Null)
    }

    fn pop_nested(&mut self) -> Result<()> {
        let mut names = self.world.names();
        names.nested =
            names.nested.checked_sub(1).ok_or_else(|| malformed("no savepoint is open"))?;
        Ok(())
    }

    pub(super) async fn close(&mut self) -> Result<Json> {
        self.world.names().nested = 0;
        self.session.close().await?;
        Ok(Json::Null)
    }

    pub(super) fn autoflush(&mut self, step: &Step) -> Result<Json> {
        self.session.options_mut().autoflush = step.flag("on");
        Ok(Json::Null)
    }

    pub(super) fn expire(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        match step.get("attrs") {
            None | Some(Json::Null) => self.session.expire(id.handle())?,
            Some(_) => self.session.expire_named(id, &step.texts("attrs")?)?,
        }
        Ok(Json::Null)
    }

    pub(super) fn expire_all(&mut self) -> Result<Json> {
        self.session.expire_all()?;
        Ok(Json::Null)
    }

    pub(super) async fn refresh(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        match step.get("attrs") {
            None | Some(Json::Null) => self.session.refresh(id.handle()).await?,
            Some(_) => self.session.refresh_named(id, Some(&step.texts("attrs")?)).await?,
        }
        Ok(Json::Null)
    }

    pub(super) fn expunge(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        self.session.expunge(id.handle())?;
        Ok(Json::Null)
    }

    pub(super) fn expunge_all(&mut self) -> Result<Json> {
        self.session.expunge_all()?;
        Ok(Json::Null)
    }

    pub(super) async fn merge(&mut self, step: &Step) -> Result<Json> {
        let id = self.object(step, "obj")?;
        let load = step.get("load").and_then(Json::as_bool).unwrap_or(true);
        let merged = api::merge(self.session, id, load).await?;
        self.bind_alias(step.text("as")?, merged);
        Ok(Json::from(self.name_of(merged)?))
    }
}
