//! Telling the listeners.
//!
//! Every operation asks [`Heard`] first, which is a branch on a bit. What happened to an object in the middle of an
//! operation is put in a queue, and told when the operation has done what it does, so that a listener finds
//! everything in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::kinds::{AttributeEvent, ObjectEvent, SessionEvent, StatementEvent};
use super::table::{Call, Entries, Heard, Registration, Table, Waiting};
use super::told::{Execution, Moment, Occasion};
use crate::attributes::delta::IdSet;
use crate::attributes::{Change, Listener};
use crate::instrumentation::{Handle, Id};
use crate::mapping::Mappers;
use crate::session::Session;
use crate::session::before::Before;
use crate::{Error, ErrorKind, Result};

/// How deep listeners may be called from listeners: what answers itself for ever is an error, not a stack overflow.
const DEEPEST: u32 = 100;

/// How deep those of operations that wait may be, which take more of the stack.
const DEEPEST_WAITING: u32 = 20;

/// The listeners that a session knows: those of its registry, and its own.
#[derive(Default)]
pub(crate) struct Listeners {
    shared: Arc<Table>,
    /// What was registered at the registry when the session was made.
    registered: Arc<Vec<Registration>>,
    pub(crate) own: Table,
    heard: Heard,
    /// Somebody could refuse an operation that does not wait.
    refusable: bool,
    /// What has happened to objects and is to be told at the end of the operation.
    queue: Vec<Noted>,
    /// The attributes that a flush has given values to.
    written: Vec<(Id, u16)>,
    /// The classes of which an object has been made.
    first_made: Vec<u16>,
    depth: Arc<AtomicU32>,
}

/// What has happened to an object, and what is put back where somebody refuses it.
struct Noted {
    told: Occasion,
    before: Vec<Before>,
}

/// Holds the depth while a listener runs; an operation that is dropped in the middle lets go of it as well.
struct Deeper(Arc<AtomicU32>);

impl Drop for Deeper {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Listeners {
    pub(crate) fn new(registered: Arc<Vec<Registration>>, shared: Arc<Table>) -> Self {
        let mut new = Self { registered, shared, ..Self::default() };
        new.listen_again();
        new
    }

    /// The session has other mappers: their listeners come along.
    pub(crate) fn learn(&mut self, mappers: &Mappers) {
        self.shared = Arc::new(Table::of(mappers, &self.registered));
        self.listen_again();
    }

    /// Notes anew what anybody listens to.
    pub(crate) fn listen_again(&mut self) {
        self.heard = self.shared.heard().or(self.own.heard());
        self.refusable =
            self.heard.attributes || self.heard.objects & ObjectEvent::refusable() != 0;
    }

    /// Whether an attribute's change, or something that happens to objects, could be refused by somebody.
    #[inline]
    pub(crate) fn may_refuse(&self) -> bool {
        self.refusable
    }

    #[inline]
    pub(crate) fn hears(&self, event: ObjectEvent) -> bool {
        self.heard.objects & event.bit() != 0
    }

    /// Whether anybody listens to what happens when an object is loaded or read again.
    #[inline]
    pub(crate) fn hears_loading(&self) -> bool {
        const LOADING: u64 = 1 << ObjectEvent::Load as u32
            | 1 << ObjectEvent::Refresh as u32
            | 1 << ObjectEvent::LoadedAsPersistent as u32;
        self.heard.objects & LOADING != 0
    }

    /// Whether anybody listens to the writing of objects.
    #[inline]
    pub(crate) fn hears_writing(&self) -> bool {
        const WRITING: u64 = 1 << ObjectEvent::BeforeInsert as u32
            | 1 << ObjectEvent::AfterInsert as u32
            | 1 << ObjectEvent::BeforeUpdate as u32
            | 1 << ObjectEvent::AfterUpdate as u32
            | 1 << ObjectEvent::BeforeDelete as u32
            | 1 << ObjectEvent::AfterDelete as u32
            | 1 << ObjectEvent::RefreshFlush as u32;
        self.heard.objects & WRITING != 0
    }

    #[inline]
    pub(crate) fn hears_session(&self, event: SessionEvent) -> bool {
        self.heard.sessions & event.bit() != 0
    }

    /// Whether anybody listens to what happens to the session as a whole.
    #[inline]
    pub(crate) fn hears_sessions(&self) -> bool {
        self.heard.sessions != 0
    }

    #[inline]
    pub(crate) fn hears_anything(&self) -> bool {
        self.heard.sessions != 0 || self.heard.objects != 0
    }

    #[inline]
    pub(crate) fn hears_statements(&self) -> bool {
        self.heard.statements
    }

    #[inline]
    pub(crate) fn listens(
        &self,
        mapper: u16,
        attribute: u16,
        event: impl Into<AttributeEvent>,
    ) -> bool {
        if !self.heard.attributes {
            return false;
        }
        let event = event.into();
        self.shared.has_attribute(mapper, attribute, event)
            || self.own.has_attribute(mapper, attribute, event)
    }

    pub(crate) fn wants_old(&self, mapper: u16, attribute: u16, id: Id, session: &Session) -> bool {
        self.heard.attributes
            && [&self.shared, &self.own]
                .iter()
                .any(|table| table.wants_old(mapper, attribute, id.class, &session.mappers))
    }

    /// Something has happened to an object: it is told at the end of the operation.
    #[inline]
    pub(crate) fn note(&mut self, event: ObjectEvent, id: Id) {
        if self.hears(event) {
            let told = Occasion { event, object: Handle::new(id), attributes: None };
            self.queue.push(Noted { told, before: Vec::new() });
        }
    }

    /// Attributes of an object have been read again.
    pub(crate) fn note_refresh(&mut self, id: Id, attributes: Vec<String>, before: Vec<Before>) {
        let (event, attributes) = (ObjectEvent::Refresh, Some(attributes));
        let told = Occasion { event, object: Handle::new(id), attributes };
        self.queue.push(Noted { told, before });
    }

    pub(crate) fn noted_so_far(&self) -> usize {
        self.queue.len()
    }

    /// What was noted from there on has been taken back.
    pub(crate) fn forget_noted_since(&mut self, mark: usize) {
        self.queue.truncate(mark);
    }

    #[inline]
    pub(crate) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether an object is the first of its class that is made.
    pub(crate) fn is_first_made(&mut self, class: u16) -> bool {
        let first = !self.first_made.contains(&class);
        if first {
            self.first_made.push(class);
        }
        first
    }

    /// A flush has given an attribute a value.
    pub(crate) fn note_written(&mut self, id: Id, attribute: u16) {
        self.written.push((id, attribute));
    }

    /// Whether a listener is being called.
    pub(crate) fn is_telling(&self) -> bool {
        self.depth.load(Ordering::Relaxed) > 0
    }

    fn deeper(&self, deepest: u32, what: &dyn Fn() -> String) -> Result<Deeper> {
        if self.depth.fetch_add(1, Ordering::Relaxed) >= deepest {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{}: listeners call each other more than {deepest} deep", what()),
            ));
        }
        Ok(Deeper(Arc::clone(&self.depth)))
    }
}

impl Session {
    /// Tells the listeners of an attribute of a change, under another event than that of its operation.
    pub(crate) fn notify_of(
        &mut self,
        event: AttributeEvent,
        mapper: u16,
        change: &mut Change<'_>,
    ) -> Result<()> {
        if !self.listeners.listens(mapper, change.attribute, event) {
            return Ok(());
        }
        let key = (mapper, change.attribute, event);
        let mut entries = Entries::<Listener>::new();
        let class = change.target.class;
        self.listeners.shared.of_attribute(key, class, &self.mappers, &mut entries);
        self.listeners.own.of_attribute(key, class, &self.mappers, &mut entries);
        let list: Vec<Listener> = entries.iter().filter_map(|e| e.take().cloned()).collect();
        self.call_attribute(&list, change)
    }

    /// Calls listeners of an attribute.
    pub(crate) fn call_attribute(
        &mut self,
        list: &[Listener],
        change: &mut Change<'_>,
    ) -> Result<()> {
        let (id, attribute) = (change.target, change.attribute);
        let _deeper = self.listeners.deeper(DEEPEST, &|| self.describe(id, attribute))?;
        list.iter().try_for_each(|listener| {
            listener(self, change)?;
            self.arena.check(id)
        })
    }

    fn listeners_of(&self, event: ObjectEvent, class: u16) -> Entries<Call<Occasion>> {
        let mut entries = Entries::new();
        self.listeners.shared.of_object(event, class, &self.mappers, &mut entries);
        self.listeners.own.of_object(event, class, &self.mappers, &mut entries);
        entries
    }

    /// Tells of something that happens to an object, within an operation that does not wait.
    #[inline]
    pub(crate) fn tell(&mut self, event: ObjectEvent, id: Id) -> Result<()> {
        if !self.listeners.hears(event) {
            return Ok(());
        }
        self.tell_now(&mut Occasion { event, object: Handle::new(id), attributes: None })
    }

    /// As [`tell`](Self::tell), of some attributes of the object.
    pub(crate) fn tell_of_attributes(
        &mut self,
        event: ObjectEvent,
        id: Id,
        attributes: Vec<String>,
    ) -> Result<()> {
        let attributes = Some(attributes);
        self.tell_now(&mut Occasion { event, object: Handle::new(id), attributes })
    }

    fn tell_now(&mut self, told: &mut Occasion) -> Result<()> {
        let id = told.object.id;
        let event = told.event;
        let _deeper = self
            .listeners
            .deeper(DEEPEST, &|| format!("{event:?} of {}", self.describe_object(id)))?;
        for entry in self.listeners_of(event, id.class) {
            if let Some(Call::Now(call)) = entry.take() {
                call(self, told)?;
                self.arena.check(id)?;
            }
        }
        Ok(())
    }

    /// Tells of something that happens to an object, within an operation that waits.
    pub(crate) async fn tell_waiting(&mut self, event: ObjectEvent, id: Id) -> Result<()> {
        if !self.listeners.hears(event) {
            return Ok(());
        }
        self.tell_later(Occasion { event, object: Handle::new(id), attributes: None }).await
    }

    pub(crate) fn tell_later(&mut self, mut told: Occasion) -> Waiting<'_> {
        Box::pin(async move {
            let id = told.object.id;
            let event = told.event;
            let _deeper = self.listeners.deeper(DEEPEST_WAITING, &|| {
                format!("{event:?} of {}", self.describe_object(id))
            })?;
            for entry in self.listeners_of(event, id.class) {
                match entry.take() {
                    Some(Call::Now(call)) => call(self, &mut told)?,
                    Some(Call::Later(call)) => call(self, &mut told).await?,
                    None => continue,
                }
                self.arena.check(id)?;
            }
            Ok(())
        })
    }

    /// Tells what has been noted. All are told; the first error is given.
    pub(crate) fn tell_noted(&mut self) -> Result<()> {
        let mut result = Ok(());
        for Noted { mut told, .. } in self.noted() {
            if self.arena.holds(told.object.id) {
                result = result.and(self.tell_now(&mut told));
            }
        }
        result
    }

    /// As [`tell_noted`](Self::tell_noted), within an operation that waits. What was loaded, and is refused, is as it
    /// was before.
    pub(crate) async fn tell_noted_waiting(&mut self) -> Result<()> {
        let mut result = Ok(());
        if !self.listeners.has_queue() {
            return result;
        }
        let mut unwanted = IdSet::default();
        for Noted { told, before } in self.noted() {
            let (event, id) = (told.event, told.object.id);
            if !self.arena.holds(id) || unwanted.contains(&id) {
                continue;
            }
            let heard = self.tell_later(told).await;
            if heard.is_err() {
                if matches!(event, ObjectEvent::Load | ObjectEvent::LoadedAsPersistent) {
                    unwanted.insert(id);
                }
                before.into_iter().for_each(|before| self.put_back(before));
            }
            result = result.and(heard);
        }
        if !unwanted.is_empty() {
            self.unload(&unwanted);
        }
        result
    }

    /// What has been noted, each once.
    fn noted(&mut self) -> Vec<Noted> {
        if !self.listeners.has_queue() {
            return Vec::new();
        }
        let mut seen = hashbrown::HashSet::<_, foldhash::fast::RandomState>::default();
        let mut noted = std::mem::take(&mut self.listeners.queue);
        noted.retain(|Noted { told, .. }| {
            told.event == ObjectEvent::Expire || seen.insert((told.event, told.object.id))
        });
        noted
    }

    /// The attributes that a flush has given values to, by object.
    pub(crate) fn written(&mut self) -> Vec<Occasion> {
        let mut occasions: Vec<Occasion> = Vec::new();
        for (id, attribute) in std::mem::take(&mut self.listeners.written) {
            let name = self.mapper_of(id).property(attribute).name().to_owned();
            let known = occasions.iter_mut().rev().find(|told| told.object.id == id);
            match known.and_then(|told| told.attributes.as_mut()) {
                Some(names) if names.contains(&name) => {}
                Some(names) => names.push(name),
                None => occasions.push(Occasion {
                    event: ObjectEvent::RefreshFlush,
                    object: Handle::new(id),
                    attributes: Some(vec![name]),
                }),
            }
        }
        occasions
    }

    /// Tells of something that happens to the session. `depth` is the number of savepoints that are open.
    pub(crate) async fn emit(&mut self, event: SessionEvent, depth: usize) -> Result<()> {
        if !self.listeners.hears_session(event) {
            return Ok(());
        }
        self.emit_heard(Moment { event, depth }).await
    }

    fn emit_heard(&mut self, mut moment: Moment) -> Waiting<'_> {
        Box::pin(async move {
            let event = moment.event;
            let _deeper =
                self.listeners.deeper(DEEPEST_WAITING, &|| format!("{event:?} of the session"))?;
            let mut entries = Entries::new();
            self.listeners.shared.of_session(event, &self.mappers, &mut entries);
            self.listeners.own.of_session(event, &self.mappers, &mut entries);
            for entry in entries {
                match entry.take() {
                    Some(Call::Now(call)) => call(self, &mut moment)?,
                    Some(Call::Later(call)) => call(self, &mut moment).await?,
                    None => {}
                }
            }
            Ok(())
        })
    }

    /// Tells of a statement.
    pub(crate) fn execute_heard<'a>(
        &'a mut self,
        event: StatementEvent,
        told: &'a mut Execution,
    ) -> Waiting<'a> {
        Box::pin(async move {
            let _deeper = self
                .listeners
                .deeper(DEEPEST_WAITING, &|| format!("{event:?} of {}", told.class))?;
            let mut entries = Entries::new();
            self.listeners.shared.of_statement(event, &self.mappers, &mut entries);
            self.listeners.own.of_statement(event, &self.mappers, &mut entries);
            for entry in entries {
                match entry.take() {
                    Some(Call::Now(call)) => call(self, told)?,
                    Some(Call::Later(call)) => call(self, told).await?,
                    None => {}
                }
            }
            Ok(())
        })
    }
}
