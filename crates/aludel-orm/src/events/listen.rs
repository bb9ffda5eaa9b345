//! Registering listeners, and removing them.

use super::of::{AsyncEvent, Event};
use super::table::{ClassRef, ListenerId, Registration, Waiting};
use crate::instrumentation::{Handle, Id, Mapped};
use crate::mapping::{MapperBuilder, Registry};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Calls `listener` at an event, for this session.
    ///
    /// See [`events`](crate::events) for when each event comes and what may be done in it. Listeners are called in
    /// the order of their registration, those of the registry and of the mappings before those of the session.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # use aludel_orm::events::*;
    /// # fn example(session: &mut Session) -> Result<()> {
    /// session.on(AttributeEvent::Set.of(User::name), |session, change| Ok(()))?;
    /// session.on(ObjectEvent::BeforeInsert.of::<User>().propagate(), |session, told| Ok(()))?;
    /// session.on(SessionEvent::BeforeFlush.once(), |session, _| Ok(()))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no such class or attribute.
    pub fn on<E: Event>(
        &mut self,
        event: E,
        listener: impl Fn(&mut Session, &mut E::Told<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<ListenerId> {
        self.listen(event.registration(listener))
    }

    /// As [`on`](Self::on), for a listener that waits for the database: `Box::pin(async move { … })`.
    ///
    /// # Errors
    ///
    /// As [`on`](Self::on); and when the event comes from operations that do not wait
    /// ([`ObjectEvent::waits`](super::ObjectEvent::waits)).
    pub fn on_async<E: AsyncEvent>(
        &mut self,
        event: E,
        listener: impl for<'a> Fn(&'a mut Session, &'a mut E::Owned) -> Waiting<'a>
        + Send
        + Sync
        + 'static,
    ) -> Result<ListenerId> {
        self.listen(event.async_registration(listener)?)
    }

    fn listen(&mut self, registration: Registration) -> Result<ListenerId> {
        if let Some(ClassRef::Def(def)) = registration.class()
            && !self.mappers.by_type.contains_key(&def.key())
        {
            self.learn(def)?;
        }
        self.listeners.own.add(&registration, &self.mappers)?;
        self.listeners.listen_again();
        Ok(registration.id)
    }

    /// Removes a listener of this session; says whether it was there.
    pub fn off(&mut self, listener: ListenerId) -> bool {
        let found = self.listeners.own.remove(listener);
        self.listeners.listen_again();
        found
    }

    /// The handle of an object that is known by its id: for listeners, which are told ids.
    ///
    /// # Errors
    ///
    /// When the object is not here, or of another class.
    pub fn handle_of<T: Mapped>(&self, object: impl Into<Id>) -> Result<Handle<T>> {
        let id = object.into();
        self.arena.check(id)?;
        let wanted = self.mappers.by_type.get(&crate::instrumentation::ClassKey::of::<T>());
        let record = T::DESCRIBED && self.mapper_of(id).def.described.is_some();
        if record || wanted.is_some_and(|class| self.mappers.is_a(id.class, *class)) {
            return Ok(Handle::new(id));
        }
        Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("{} is not a {}", self.describe_object(id), T::class().name),
        ))
    }
}

impl Registry {
    /// Calls `listener` at an event, for every session that is made from here on.
    ///
    /// # Errors
    ///
    /// When there is no such class or attribute.
    pub fn on<E: Event>(
        &self,
        event: E,
        listener: impl Fn(&mut Session, &mut E::Told<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<ListenerId> {
        self.listen(event.registration(listener))
    }

    /// As [`on`](Self::on), for a listener that waits for the database.
    ///
    /// # Errors
    ///
    /// As [`Session::on_async`].
    pub fn on_async<E: AsyncEvent>(
        &self,
        event: E,
        listener: impl for<'a> Fn(&'a mut Session, &'a mut E::Owned) -> Waiting<'a>
        + Send
        + Sync
        + 'static,
    ) -> Result<ListenerId> {
        self.listen(event.async_registration(listener)?)
    }
}

impl MapperBuilder {
    /// Calls `listener` at an event of the class or of one of its attributes, in every session.
    ///
    /// What cannot be an event of the class is a mistake of the mapping, of which its registration tells.
    pub fn on<E: Event>(
        &mut self,
        event: E,
        listener: impl Fn(&mut Session, &mut E::Told<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        self.listen(event.registration(listener))
    }

    /// As [`on`](Self::on), for a listener that waits for the database.
    pub fn on_async<E: AsyncEvent>(
        &mut self,
        event: E,
        listener: impl for<'a> Fn(&'a mut Session, &'a mut E::Owned) -> Waiting<'a>
        + Send
        + Sync
        + 'static,
    ) -> &mut Self {
        match event.async_registration(listener) {
            Ok(registration) => self.listen(registration),
            Err(error) => self.mistake("events", error.message()),
        }
    }
}
