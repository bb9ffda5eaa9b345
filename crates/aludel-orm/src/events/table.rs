//! The tables of listeners: who is to be called for what.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hashbrown::HashMap;

use super::kinds::{AttributeEvent, ObjectEvent, SessionEvent, StatementEvent};
use super::of::{AttributeRef, How};
use super::told::{Execution, Moment, Occasion};
use crate::attributes::Listener;
use crate::instrumentation::ClassDef;
use crate::mapping::Mappers;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// What an asynchronous listener gives: `Box::pin(async move { … })`.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// A registered listener, by which it is removed again: [`Session::off`](crate::Session::off),
/// [`Registry::off`](crate::Registry::off).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

impl ListenerId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

type Now<T> = dyn Fn(&mut Session, &mut T) -> Result<()> + Send + Sync;
type Later<T> = dyn for<'a> Fn(&'a mut Session, &'a mut T) -> Waiting<'a> + Send + Sync;

/// A listener: one that is done when it returns, or one that may wait for the database.
pub(crate) enum Call<T: 'static> {
    Now(Arc<Now<T>>),
    Later(Arc<Later<T>>),
}

impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Now(call) => Self::Now(Arc::clone(call)),
            Self::Later(call) => Self::Later(Arc::clone(call)),
        }
    }
}

/// A class that may not be known yet.
#[derive(Clone, Debug)]
pub(crate) enum ClassRef {
    Def(&'static ClassDef),
    Named(String),
}

impl ClassRef {
    pub(crate) fn resolve(&self, mappers: &Mappers) -> Result<u16> {
        let (found, name) = match self {
            Self::Def(def) => (mappers.by_type.get(&def.key()), def.name),
            Self::Named(name) => (mappers.by_name.get(name.as_str()), name.as_str()),
        };
        found.copied().ok_or_else(|| {
            let hint = aludel_sql::did_you_mean(name, mappers.iter().map(|m| m.class_name()));
            Error::new(ErrorKind::Unmapped, format!("no class `{name}` is mapped{hint}"))
        })
    }
}

/// What a listener listens to, before the classes are looked up.
#[derive(Clone)]
pub(crate) enum Subject {
    Attribute {
        class: ClassRef,
        attribute: AttributeRef,
        event: AttributeEvent,
        listener: Listener,
    },
    Object {
        class: Option<ClassRef>,
        event: ObjectEvent,
        call: Call<Occasion>,
    },
    Session {
        event: SessionEvent,
        call: Call<Moment>,
    },
    Statement {
        event: StatementEvent,
        call: Call<Execution>,
    },
}

/// A listener with what it is for.
#[doc(hidden)]
#[derive(Clone)]
pub struct Registration {
    pub(crate) subject: Subject,
    pub(crate) how: How,
    pub(crate) id: ListenerId,
    over: Arc<AtomicBool>,
}

impl Registration {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, how: How::default(), id: ListenerId::next(), over: Arc::default() }
    }

    /// The class that it is about.
    pub(crate) fn class(&self) -> Option<&ClassRef> {
        match &self.subject {
            Subject::Attribute { class, .. } => Some(class),
            Subject::Object { class, .. } => class.as_ref(),
            _ => None,
        }
    }

    /// The listener is not called any more, whoever shares it.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// The objects that a listener is about.
#[derive(Clone, Copy, Debug)]
enum Scope {
    Any,
    Class(u16),
    Below(u16),
}

impl Scope {
    fn has(self, class: u16, mappers: &Mappers) -> bool {
        match self {
            Self::Any => true,
            Self::Class(own) => own == class,
            Self::Below(base) => mappers.is_a(class, base),
        }
    }
}

/// A listener in a table.
pub(crate) struct Entry<L> {
    id: ListenerId,
    scope: Scope,
    once: bool,
    active_history: bool,
    over: Arc<AtomicBool>,
    listener: L,
}

impl<L> Entry<L> {
    /// The listener, where it is still to be called; one that is called once is not given again.
    pub(crate) fn take(&self) -> Option<&L> {
        let over = match self.once {
            true => self.over.swap(true, Ordering::Relaxed),
            false => self.over.load(Ordering::Relaxed),
        };
        (!over).then_some(&self.listener)
    }
}

/// The listeners of an event, in the order in which they are called.
pub(crate) type Entries<L> = Vec<Arc<Entry<L>>>;

type AttributeKey = (u16, u16, AttributeEvent);

/// Who is to be called for what.
#[derive(Default)]
pub(crate) struct Table {
    /// By the mapper that declares the attribute, the attribute, and the event.
    attributes: HashMap<AttributeKey, Entries<Listener>>,
    objects: HashMap<ObjectEvent, Entries<Call<Occasion>>>,
    sessions: HashMap<SessionEvent, Entries<Call<Moment>>>,
    statements: HashMap<StatementEvent, Entries<Call<Execution>>>,
}

/// What anybody listens to, to be asked before anything else is done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) attributes: bool,
    pub(crate) objects: u64,
    pub(crate) sessions: u32,
    pub(crate) statements: bool,
}

impl Heard {
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            attributes: self.attributes || other.attributes,
            objects: self.objects | other.objects,
            sessions: self.sessions | other.sessions,
            statements: self.statements || other.statements,
        }
    }
}

fn put<K: std::hash::Hash + Eq, L>(
    map: &mut HashMap<K, Entries<L>>,
    key: K,
    scope: Scope,
    from: &Registration,
    listener: L,
) {
    let list = map.entry(key).or_default();
    let at = if from.how.first { 0 } else { list.len() };
    let entry = Entry {
        id: from.id,
        scope,
        once: from.how.once,
        active_history: from.how.active_history,
        over: Arc::clone(&from.over),
        listener,
    };
    list.insert(at, Arc::new(entry));
}

fn take<K: std::hash::Hash + Eq, L>(map: &mut HashMap<K, Entries<L>>, id: ListenerId) -> bool {
    let mut found = false;
    map.retain(|_, list| {
        let before = list.len();
        list.retain(|entry| entry.id != id);
        found |= list.len() != before;
        !list.is_empty()
    });
    found
}

fn within<L>(list: Option<&Entries<L>>, class: u16, mappers: &Mappers, to: &mut Entries<L>) {
    let entries = list.into_iter().flatten().filter(|entry| entry.scope.has(class, mappers));
    to.extend(entries.cloned());
}

impl Table {
    /// The listeners of the mappings, and those that were registered at their registry.
    pub(crate) fn of(mappers: &Mappers, registered: &[Registration]) -> Self {
        let mut table = Self::default();
        for mapper in mappers.iter() {
            for registration in mapper.attachments::<Registration>() {
                // Its class and attribute were looked at when it was hung on the mapping.
                let _ = table.add(registration, mappers);
            }
        }
        for registration in registered {
            let _ = table.add(registration, mappers);
        }
        table
    }

    /// Adds a listener.
    ///
    /// # Errors
    ///
    /// When there is no such class or attribute.
    pub(crate) fn add(&mut self, from: &Registration, mappers: &Mappers) -> Result<()> {
        let scope_of = |class: u16| match from.how.propagate {
            true => Scope::Below(class),
            false => Scope::Class(class),
        };
        match &from.subject {
            Subject::Attribute { class, attribute, event, listener } => {
                let class = class.resolve(mappers)?;
                let mapper = mappers.at(class);
                let found = match attribute {
                    AttributeRef::Number(number) => Some(*number),
                    AttributeRef::Named(name) => mapper.attribute(name),
                };
                let found = found.filter(|a| usize::from(*a) < mapper.properties.len());
                let Some(number) = found else {
                    return Err(no_attribute(attribute, mapper));
                };
                let declared = mapper.property(number).declared_by;
                let key = (declared, number, *event);
                put(&mut self.attributes, key, scope_of(class), from, Arc::clone(listener));
            }
            Subject::Object { class, event, call } => {
                let scope = match class {
                    None => Scope::Any,
                    Some(class) => scope_of(class.resolve(mappers)?),
                };
                put(&mut self.objects, *event, scope, from, call.clone());
            }
            Subject::Session { event, call } => {
                put(&mut self.sessions, *event, Scope::Any, from, call.clone());
            }
            Subject::Statement { event, call } => {
                put(&mut self.statements, *event, Scope::Any, from, call.clone());
            }
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: ListenerId) -> bool {
        take(&mut self.attributes, id)
            | take(&mut self.objects, id)
            | take(&mut self.sessions, id)
            | take(&mut self.statements, id)
    }

    pub(crate) fn heard(&self) -> Heard {
        Heard {
            attributes: !self.attributes.is_empty(),
            objects: self.objects.keys().fold(0, |bits, event| bits | event.bit()),
            sessions: self.sessions.keys().fold(0, |bits, event| bits | event.bit()),
            statements: !self.statements.is_empty(),
        }
    }

    pub(crate) fn has_attribute(&self, mapper: u16, attribute: u16, event: AttributeEvent) -> bool {
        !self.attributes.is_empty() && self.attributes.contains_key(&(mapper, attribute, event))
    }

    /// Whether a listener wants the old value of an attribute of objects of a class.
    pub(crate) fn wants_old(
        &self,
        declared: u16,
        attribute: u16,
        class: u16,
        mappers: &Mappers,
    ) -> bool {
        self.attributes.iter().any(|((mapper, number, _), list)| {
            (*mapper, *number) == (declared, attribute)
                && list.iter().any(|entry| {
                    entry.active_history
                        && entry.scope.has(class, mappers)
                        && !entry.over.load(Ordering::Relaxed)
                })
        })
    }

    pub(crate) fn of_attribute(
        &self,
        key: AttributeKey,
        class: u16,
        mappers: &Mappers,
        to: &mut Entries<Listener>,
    ) {
        within(self.attributes.get(&key), class, mappers, to);
    }

    pub(crate) fn of_object(
        &self,
        event: ObjectEvent,
        class: u16,
        mappers: &Mappers,
        to: &mut Entries<Call<Occasion>>,
    ) {
        within(self.objects.get(&event), class, mappers, to);
    }

    pub(crate) fn of_session(
        &self,
        event: SessionEvent,
        mappers: &Mappers,
        to: &mut Entries<Call<Moment>>,
    ) {
        within(self.sessions.get(&event), 0, mappers, to);
    }

    pub(crate) fn of_statement(
        &self,
        event: StatementEvent,
        mappers: &Mappers,
        to: &mut Entries<Call<Execution>>,
    ) {
        within(self.statements.get(&event), 0, mappers, to);
    }
}

#[cold]
fn no_attribute(attribute: &AttributeRef, mapper: &crate::mapping::Mapper) -> Error {
    let class = mapper.class_name();
    let what = match attribute {
        AttributeRef::Number(number) => format!("class {class} has no attribute {number}"),
        AttributeRef::Named(name) => {
            let hint = aludel_sql::did_you_mean(name, mapper.properties.iter().map(|p| p.name()));
            format!("class {class} has no attribute `{name}`{hint}")
        }
    };
    Error::new(ErrorKind::Unmapped, what)
}
