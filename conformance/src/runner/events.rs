//! Listeners.

use std::task::{Context, Poll, Waker};

use aludel::orm::Datum;
use aludel::orm::attributes::{Change, Incoming};
use aludel::orm::events::{AttributeEvent, Event, ObjectEvent, Occasion, SessionEvent};
use aludel::{Error, ErrorKind, Id, Session, Value};
use serde_json::{Value as Json, json};

use super::{Act, World};
use crate::failure::{Failure, Result, malformed};
use crate::scenario::Step;
use crate::value::encode;
use crate::zoo;

/// What a listener of a scenario does.
struct Listener {
    world: World,
    event: &'static str,
    attribute: String,
    retval: Option<Json>,
    then: Vec<Step>,
}

impl Act<'_> {
    pub(super) fn listen(&mut self, step: &Step) -> Result<Json> {
        let (target, event) = (step.text("target")?, step.text("event")?);
        let mut listener = Listener {
            world: self.world.clone(),
            event: "",
            attribute: String::new(),
            retval: step.get("retval").cloned(),
            then: step.then.clone(),
        };
        if target == "session" {
            if let Some((name, moment)) = session_event(event) {
                listener.event = name;
                self.session.on(moment, move |session, _| {
                    listener.world.log().push(json!([name]));
                    listener.afterwards(session, None)
                })?;
                return Ok(Json::Null);
            }
            let (name, moment) = object_event(event)?;
            listener.event = name;
            self.session.on(moment, move |session, told| listener.happens(session, told))?;
            return Ok(Json::Null);
        }
        let propagate = step.flag("propagate");
        let Some((class, attribute)) = target.split_once('.') else {
            let (name, moment) = object_event(event)?;
            listener.event = name;
            let moment = moment.of_named(target);
            let call =
                move |session: &mut Session, told: &mut Occasion| listener.happens(session, told);
            match propagate {
                true => self.session.on(moment.propagate(), call)?,
                false => self.session.on(moment, call)?,
            };
            return Ok(Json::Null);
        };
        let (name, moment) = attribute_event(event)?;
        (listener.event, listener.attribute) = (name, attribute.to_owned());
        let moment = moment.of_named(class, attribute);
        let call = move |session: &mut Session, change: &mut Change<'_>| {
            listener.attribute_changes(session, change)
        };
        match (propagate, step.flag("active_history")) {
            (false, false) => self.session.on(moment, call)?,
            (true, false) => self.session.on(moment.propagate(), call)?,
            (false, true) => self.session.on(moment.active_history(), call)?,
            (true, true) => self.session.on(moment.active_history().propagate(), call)?,
        };
        Ok(Json::Null)
    }

    fn encode_old(&self, old: Option<&Datum>, attribute: &str) -> Result<Json> {
        Ok(match old {
            None => json!({ "$sym": "no_value" }),
            Some(Datum::Value(value)) => encode(value, zoo::kind(attribute)),
            Some(Datum::One(None)) => Json::Null,
            Some(Datum::One(Some(id))) => Json::from(self.name_of(*id)?),
            Some(Datum::Many(ids)) => self.names_of(ids)?,
            Some(Datum::Map(entries)) => {
                self.names_of(&entries.iter().map(|(_, id)| *id).collect::<Vec<_>>())?
            }
        })
    }

    fn names_of(&self, ids: &[Id]) -> Result<Json> {
        ids.iter().map(|id| Ok(Json::from(self.name_of(*id)?))).collect()
    }
}

impl Listener {
    /// Logs what happens to an object, and does what else is to be done.
    fn happens(&self, session: &mut Session, told: &Occasion) -> aludel::Result<()> {
        let id = told.object.id();
        let entry = {
            let act = Act { session: &mut *session, world: self.world.clone() };
            match self.event {
                "init" => json!(["init", act.session.class_name(id)?]),
                "load" => json!(["load", act.plain_name(id).map_err(into_error)?]),
                "expire" => {
                    let name = act.name_of(id).map_err(into_error)?;
                    json!(["expire", name, told.attributes])
                }
                event => json!([event, act.name_of(id).map_err(into_error)?]),
            }
        };
        self.world.log().push(entry);
        self.afterwards(session, Some(id))
    }

    /// Logs a change, does what else is to be done, and changes the value.
    fn attribute_changes(
        &self,
        session: &mut Session,
        change: &mut Change<'_>,
    ) -> aludel::Result<()> {
        let act = Act { session: &mut *session, world: self.world.clone() };
        let entry = self.entry(&act, change).map_err(into_error)?;
        self.world.log().push(entry);
        self.afterwards(session, Some(change.target))?;
        match &self.retval {
            Some(rule) => self.transform(session, rule, change).map_err(into_error),
            None => Ok(()),
        }
    }

    fn entry(&self, act: &Act<'_>, change: &Change<'_>) -> Result<Json> {
        let (target, attribute) = (act.name_of(change.target)?, self.attribute.as_str());
        let new = match &change.new {
            Incoming::None => Json::Null,
            Incoming::Field(field) => encode(&field.value(), zoo::kind(attribute)),
            Incoming::Object(None) => Json::Null,
            Incoming::Object(Some(id)) => Json::from(act.name_of(*id)?),
            Incoming::Objects(ids) => act.names_of(ids)?,
            _ => return Err(malformed("an unknown kind of value")),
        };
        Ok(match self.event {
            "set" => {
                let old = act.encode_old(change.old.as_ref(), attribute)?;
                json!(["set", target, attribute, new, old])
            }
            "modified" => json!(["modified", target, attribute]),
            // The value that is deleted, where it is no member that goes.
            "remove" if matches!(change.new, Incoming::None) => {
                json!([
                    "remove",
                    target,
                    attribute,
                    act.encode_old(change.old.as_ref(), attribute)?
                ])
            }
            event => json!([event, target, attribute, new]),
        })
    }

    fn afterwards(&self, session: &mut Session, target: Option<Id>) -> aludel::Result<()> {
        if self.then.is_empty() {
            return Ok(());
        }
        let before = {
            let mut names = self.world.names();
            if names.depth > 3 {
                return Err(Error::new(
                    ErrorKind::Argument,
                    "listeners call each other without end",
                ));
            }
            names.depth += 1;
            target.map(|target| names.objects.insert("target".to_owned(), target))
        };
        let engine = session.engine()?.clone();
        let mut act = Act { session, world: self.world.clone() };
        let mut result = Ok(());
        for step in &self.then {
            let mut done = Box::pin(async { act.call(step).await.map_err(into_error) });
            // What does not wait is done at once; within the runtime of a server's driver one may not block.
            let at_once = done.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let done = match at_once {
                Poll::Ready(done) => done,
                Poll::Pending => engine.block_on(done),
            };
            if let Err(error) = done {
                result = Err(error);
                break;
            }
        }
        let mut names = self.world.names();
        names.depth -= 1;
        if let Some(before) = before {
            names.objects.remove("target");
            names.objects.extend(before.map(|id| ("target".to_owned(), id)));
        }
        result
    }

    fn transform(&self, session: &mut Session, rule: &Json, change: &mut Change<'_>) -> Result<()> {
        let act = Act { session, world: self.world.clone() };
        if let Some((name, arg)) = rule.as_object().and_then(|rule| rule.iter().next()) {
            let arg = act.decode(arg)?;
            return match (name.as_str(), &mut change.new) {
                ("use", Incoming::Field(field)) => {
                    put(&mut **field, arg.into_value(zoo::kind(&self.attribute))?)
                }
                ("use", Incoming::Object(slot)) => {
                    **slot = arg.into_reference()?;
                    Ok(())
                }
                ("reject", Incoming::Field(field)) => {
                    let refused = field.value() == arg.into_value(zoo::kind(&self.attribute))?;
                    if refused { Err(Failure::Outcome("validation")) } else { Ok(()) }
                }
                ("reject", Incoming::Object(slot)) => {
                    let refused = **slot == arg.into_reference()?;
                    if refused { Err(Failure::Outcome("validation")) } else { Ok(()) }
                }
                _ => Err(malformed(format!("retval {rule}"))),
            };
        }
        let Incoming::Field(field) = &mut change.new else {
            return Err(malformed(format!("retval {rule}")));
        };
        let value = match (field.value(), rule.as_str()) {
            (Value::Null, _) => return Ok(()),
            (Value::Text(text), Some("upper")) => Value::Text(text.to_uppercase()),
            (Value::Text(text), Some("strip")) => Value::Text(text.trim().to_owned()),
            (Value::Text(text), Some("double")) => Value::Text(text.repeat(2)),
            (Value::I64(n), Some("double")) => Value::I64(n * 2),
            _ => return Err(malformed(format!("retval {rule}"))),
        };
        put(&mut **field, value)
    }
}

fn put(field: &mut dyn aludel::orm::Field, value: Value) -> Result<()> {
    field.put(value).map_err(|_| Failure::Outcome("validation"))
}

/// A failure inside of a listener, as the error of the step that called it.
fn into_error(failure: Failure) -> Error {
    match failure {
        Failure::Refused(error) => error,
        Failure::Outcome("validation") => Error::new(ErrorKind::Validation, "rejected"),
        Failure::Outcome("absent") => Error::new(ErrorKind::Absent, "absent"),
        Failure::Outcome(kind) => Error::new(ErrorKind::InvalidRequest, kind),
        Failure::OutOfScope(what) => {
            Error::new(ErrorKind::Unsupported, format!("out of scope: {what}"))
        }
        Failure::Malformed(what) => Error::new(ErrorKind::Argument, format!("malformed: {what}")),
    }
}

fn attribute_event(event: &str) -> Result<(&'static str, AttributeEvent)> {
    Ok(match event {
        "set" => ("set", AttributeEvent::Set),
        "append" => ("append", AttributeEvent::Append),
        "remove" => ("remove", AttributeEvent::Remove),
        "bulk_replace" => ("bulk_replace", AttributeEvent::BulkReplace),
        "modified" => ("modified", AttributeEvent::Modified),
        _ => return Err(malformed(format!("attributes have no event `{event}`"))),
    })
}

fn object_event(event: &str) -> Result<(&'static str, ObjectEvent)> {
    Ok(match event {
        "init" => ("init", ObjectEvent::Init),
        "load" => ("load", ObjectEvent::Load),
        "refresh" => ("refresh", ObjectEvent::Refresh),
        "expire" => ("expire", ObjectEvent::Expire),
        "before_insert" => ("before_insert", ObjectEvent::BeforeInsert),
        "after_insert" => ("after_insert", ObjectEvent::AfterInsert),
        "before_update" => ("before_update", ObjectEvent::BeforeUpdate),
        "after_update" => ("after_update", ObjectEvent::AfterUpdate),
        "before_delete" => ("before_delete", ObjectEvent::BeforeDelete),
        "after_delete" => ("after_delete", ObjectEvent::AfterDelete),
        "transient_to_pending" => ("transient_to_pending", ObjectEvent::TransientToPending),
        "pending_to_transient" => ("pending_to_transient", ObjectEvent::PendingToTransient),
        "pending_to_persistent" => ("pending_to_persistent", ObjectEvent::PendingToPersistent),
        "persistent_to_transient" => {
            ("persistent_to_transient", ObjectEvent::PersistentToTransient)
        }
        "persistent_to_deleted" => ("persistent_to_deleted", ObjectEvent::PersistentToDeleted),
        "deleted_to_persistent" => ("deleted_to_persistent", ObjectEvent::DeletedToPersistent),
        "deleted_to_detached" => ("deleted_to_detached", ObjectEvent::DeletedToDetached),
        "persistent_to_detached" => ("persistent_to_detached", ObjectEvent::PersistentToDetached),
        "detached_to_persistent" => ("detached_to_persistent", ObjectEvent::DetachedToPersistent),
        "loaded_as_persistent" => ("loaded_as_persistent", ObjectEvent::LoadedAsPersistent),
        _ => return Err(malformed(format!("objects have no event `{event}`"))),
    })
}

fn session_event(event: &str) -> Option<(&'static str, SessionEvent)> {
    Some(match event {
        "before_flush" => ("before_flush", SessionEvent::BeforeFlush),
        "after_flush" => ("after_flush", SessionEvent::AfterFlush),
        "after_flush_postexec" => ("after_flush_postexec", SessionEvent::AfterFlushPostexec),
        "before_commit" => ("before_commit", SessionEvent::BeforeCommit),
        "after_commit" => ("after_commit", SessionEvent::AfterCommit),
        "after_rollback" => ("after_rollback", SessionEvent::AfterRollback),
        "after_soft_rollback" => ("after_soft_rollback", SessionEvent::AfterSoftRollback),
        _ => return None,
    })
}
