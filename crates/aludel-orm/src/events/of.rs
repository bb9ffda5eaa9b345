//! What a listener is registered for: an event, of what, and how.

use std::marker::PhantomData;
use std::sync::Arc;

use super::kinds::{AttributeEvent, ObjectEvent, SessionEvent, StatementEvent};
use super::table::{Call, ClassRef, Registration, Subject, Waiting};
use super::told::{Execution, Moment, Occasion};
use crate::attributes::Change;
use crate::instrumentation::{AnyClass, ClassDef, Handle, Mapped};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// What a listener can be registered for: an [`AttributeEvent`], [`ObjectEvent`], [`SessionEvent`] or
/// [`StatementEvent`], of what, and how.
pub trait Event: Sized {
    /// What a listener is told.
    type Told<'a>;

    #[doc(hidden)]
    fn registration<F>(self, listener: F) -> Registration
    where
        F: Fn(&mut Session, &mut Self::Told<'_>) -> Result<()> + Send + Sync + 'static;

    /// The listener is called once, and then no more.
    fn once(self) -> With<Self> {
        With { event: self, how: How { once: true, ..How::default() } }
    }

    /// The listener comes before those that are there already: SQLAlchemy's `insert=True`.
    fn first(self) -> With<Self> {
        With { event: self, how: How { first: true, ..How::default() } }
    }

    /// The listener is also called for objects of subclasses.
    fn propagate(self) -> With<Self> {
        With { event: self, how: How { propagate: true, ..How::default() } }
    }
}

/// An event of operations that wait for the database: its listeners may wait as well.
pub trait AsyncEvent: Event {
    /// What a listener is told.
    type Owned: 'static;

    #[doc(hidden)]
    fn async_registration<F>(self, listener: F) -> Result<Registration>
    where
        F: for<'a> Fn(&'a mut Session, &'a mut Self::Owned) -> Waiting<'a> + Send + Sync + 'static;
}

/// How a listener is registered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    pub(crate) once: bool,
    pub(crate) first: bool,
    pub(crate) propagate: bool,
    pub(crate) active_history: bool,
}

/// An event, and how its listener is registered.
#[derive(Clone, Debug)]
pub struct With<E> {
    event: E,
    how: How,
}

impl<E> With<E> {
    fn apply(how: How, mut to: Registration) -> Registration {
        to.how.once |= how.once;
        to.how.first |= how.first;
        to.how.propagate |= how.propagate;
        to.how.active_history |= how.active_history;
        to
    }
}

impl<E: Event> Event for With<E> {
    type Told<'a> = E::Told<'a>;

    fn registration<F>(self, listener: F) -> Registration
    where
        F: Fn(&mut Session, &mut E::Told<'_>) -> Result<()> + Send + Sync + 'static,
    {
        Self::apply(self.how, self.event.registration(listener))
    }
}

impl<E: AsyncEvent> AsyncEvent for With<E> {
    type Owned = E::Owned;

    fn async_registration<F>(self, listener: F) -> Result<Registration>
    where
        F: for<'a> Fn(&'a mut Session, &'a mut E::Owned) -> Waiting<'a> + Send + Sync + 'static,
    {
        Ok(Self::apply(self.how, self.event.async_registration(listener)?))
    }
}

/// An event of an attribute of a class.
#[derive(Clone, Debug)]
pub struct OfAttribute {
    event: AttributeEvent,
    class: ClassRef,
    attribute: AttributeRef,
}

/// An attribute of a class that may not be known yet.
#[derive(Clone, Debug)]
pub(crate) enum AttributeRef {
    Number(u16),
    Named(String),
}

impl OfAttribute {
    pub(super) fn typed(event: AttributeEvent, class: &'static ClassDef, attribute: u16) -> Self {
        let class = ClassRef::Def(class);
        Self { event, class, attribute: AttributeRef::Number(attribute) }
    }

    pub(super) fn named(event: AttributeEvent, class: String, attribute: String) -> Self {
        Self { event, class: ClassRef::Named(class), attribute: AttributeRef::Named(attribute) }
    }

    /// The inherited attribute as that of a subclass: only its objects count.
    pub fn within<S: Mapped>(mut self) -> Self {
        self.class = ClassRef::Def(S::class());
        self
    }

    /// The listener wants to know the old value: [`set_with_history`](Session::set_with_history) loads it first, as it
    /// does for attributes whose mapping says so. [`set`](Session::set) does not load.
    pub fn active_history(self) -> With<Self> {
        With { event: self, how: How { active_history: true, ..How::default() } }
    }
}

impl Event for OfAttribute {
    type Told<'a> = Change<'a>;

    fn registration<F>(self, listener: F) -> Registration
    where
        F: Fn(&mut Session, &mut Change<'_>) -> Result<()> + Send + Sync + 'static,
    {
        let Self { event, class, attribute } = self;
        Registration::new(Subject::Attribute {
            class,
            attribute,
            event,
            listener: Arc::new(listener),
        })
    }
}

/// An event of the objects of a class.
#[derive(Clone, Debug)]
pub struct OfClass<T> {
    event: ObjectEvent,
    class: ClassRef,
    types: PhantomData<fn() -> T>,
}

impl<T> OfClass<T> {
    pub(super) fn typed(event: ObjectEvent, class: &'static ClassDef) -> Self {
        Self { event, class: ClassRef::Def(class), types: PhantomData }
    }

    pub(super) fn named(event: ObjectEvent, class: String) -> Self {
        Self { event, class: ClassRef::Named(class), types: PhantomData }
    }
}

/// The same occasion, for a listener that knows the class.
fn typed<T>(told: &Occasion) -> Occasion<T> {
    let object = Handle::new(told.object.id);
    Occasion { event: told.event, object, attributes: told.attributes.clone() }
}

impl<T: 'static> Event for OfClass<T> {
    type Told<'a> = Occasion<T>;

    fn registration<F>(self, listener: F) -> Registration
    where
        F: Fn(&mut Session, &mut Occasion<T>) -> Result<()> + Send + Sync + 'static,
    {
        let call = Call::Now(Arc::new(move |session: &mut Session, told: &mut Occasion| {
            listener(session, &mut typed(told))
        }));
        Registration::new(Subject::Object { class: Some(self.class), event: self.event, call })
    }
}

impl<T: 'static> AsyncEvent for OfClass<T> {
    type Owned = Occasion<T>;

    fn async_registration<F>(self, listener: F) -> Result<Registration>
    where
        F: for<'a> Fn(&'a mut Session, &'a mut Occasion<T>) -> Waiting<'a> + Send + Sync + 'static,
    {
        check_waits(self.event)?;
        let listener = Arc::new(listener);
        let call = later::<Occasion>(move |session, told| {
            let (listener, mut told) = (Arc::clone(&listener), typed(told));
            Box::pin(async move { listener(session, &mut told).await })
        });
        let class = Some(self.class);
        Ok(Registration::new(Subject::Object { class, event: self.event, call }))
    }
}

impl Event for ObjectEvent {
    type Told<'a> = Occasion<AnyClass>;

    fn registration<F>(self, listener: F) -> Registration
    where
        F: Fn(&mut Session, &mut Occasion) -> Result<()> + Send + Sync + 'static,
    {
        let call = Call::Now(Arc::new(listener));
        Registration::new(Subject::Object { class: None, event: self, call })
    }
}

impl AsyncEvent for ObjectEvent {
    type Owned = Occasion<AnyClass>;

    fn async_registration<F>(self, listener: F) -> Result<Registration>
    where
        F: for<'a> Fn(&'a mut Session, &'a mut Occasion) -> Waiting<'a> + Send + Sync + 'static,
    {
        check_waits(self)?;
        let call = Call::Later(Arc::new(listener));
        Ok(Registration::new(Subject::Object { class: None, event: self, call }))
    }
}

impl Event for SessionEvent {
    type Told<'a> = Moment;

    fn registration<F>(self, listener: F) -> Registration
    where
        F: Fn(&mut Session, &mut Moment) -> Result<()> + Send + Sync + 'static,
    {
        Registration::new(Subject::Session { event: self, call: Call::Now(Arc::new(listener)) })
    }
}

impl AsyncEvent for SessionEvent {
    type Owned = Moment;

    fn async_registration<F>(self, listener: F) -> Result<Registration>
    where
        F: for<'a> Fn(&'a mut Session, &'a mut Moment) -> Waiting<'a> + Send + Sync + 'static,
    {
        let call = Call::Later(Arc::new(listener));
        Ok(Registration::new(Subject::Session { event: self, call }))
    }
}

impl Event for StatementEvent {
    type Told<'a> = Execution;

    fn registration<F>(self, listener: F) -> Registration
    where
        F: Fn(&mut Session, &mut Execution) -> Result<()> + Send + Sync + 'static,
    {
        Registration::new(Subject::Statement { event: self, call: Call::Now(Arc::new(listener)) })
    }
}

impl AsyncEvent for StatementEvent {
    type Owned = Execution;

    fn async_registration<F>(self, listener: F) -> Result<Registration>
    where
        F: for<'a> Fn(&'a mut Session, &'a mut Execution) -> Waiting<'a> + Send + Sync + 'static,
    {
        let call = Call::Later(Arc::new(listener));
        Ok(Registration::new(Subject::Statement { event: self, call }))
    }
}

/// Helps the compiler to see that a closure is good for every lifetime.
fn later<T>(
    listener: impl for<'a> Fn(&'a mut Session, &'a mut T) -> Waiting<'a> + Send + Sync + 'static,
) -> Call<T> {
    Call::Later(Arc::new(listener))
}

fn check_waits(event: ObjectEvent) -> Result<()> {
    if event.waits() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Argument,
        format!(
            "{event:?} comes from operations that do not wait, so that its listeners cannot: use `on`"
        ),
    ))
}
