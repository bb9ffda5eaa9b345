//! The collection adapter: a collection as its members, with events or without.

use std::sync::Arc;

use super::events::Initiator;
use super::members::ReadableCollection;
use crate::Result;
use crate::instrumentation::{Attr, Handle, Id, IsA, ManyCore, Mapped};
use crate::mapping::Mappers;
use crate::session::Session;

/// A collection of an object, whatever holds its members: SQLAlchemy's `CollectionAdapter`.
///
/// Made by [`Session::collection_adapter`] and [`Session::init_collection`].
pub struct CollectionAdapter<'s, T> {
    session: &'s mut Session,
    mappers: Arc<Mappers>,
    owner: Id,
    attribute: u16,
    class: std::marker::PhantomData<fn() -> T>,
}

impl Session {
    /// The adapter of a collection.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn collection_adapter<S: IsA<C>, C: Mapped, T, V: ReadableCollection<T>>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<CollectionAdapter<'_, T>> {
        self.arena.check(object.id)?;
        let attribute = self.number(object.id, attribute)?;
        Ok(CollectionAdapter {
            mappers: Arc::clone(&self.mappers),
            session: self,
            owner: object.id,
            attribute,
            class: std::marker::PhantomData,
        })
    }

    /// Starts an empty collection that counts as loaded, whatever was there, and gives its adapter: members are
    /// then added with [`append_without_event`](CollectionAdapter::append_without_event). SQLAlchemy's
    /// `init_collection`. [`set_committed`](Self::set_committed) does both in one.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn init_collection<S: IsA<C>, C: Mapped, T, V: ReadableCollection<T>>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<CollectionAdapter<'_, T>> {
        let adapter = self.collection_adapter(object, attribute)?;
        adapter.session.collection(&adapter.mappers, adapter.owner, adapter.attribute)?;
        let (id, attribute) = (adapter.owner, adapter.attribute);
        let session = &mut *adapter.session;
        session.unfreshen(id);
        session.forget_change(id, attribute);
        if let Some(core) = session.arena.field_mut(id, attribute).many_mut() {
            *core = ManyCore::Loaded(Arc::default());
        }
        Ok(adapter)
    }
}

impl<T> CollectionAdapter<'_, T> {
    /// Adds a member as any program does, as a part of the chain of events of `initiator` where there is one.
    ///
    /// # Errors
    ///
    /// As [`append`](Session::append).
    pub fn append_with_event<M: IsA<T>>(
        &mut self,
        member: Handle<M>,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let side = self.session.collection(&self.mappers, self.owner, self.attribute)?;
        self.session.check_target(&side, member.id)?;
        self.session.append_member(self.owner, side, member.id, None, initiator)
    }

    /// Adds a member as if it had been loaded: no events, no history, and nothing on the other side.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded (a collection never touched is started), or the object belongs to another
    /// session.
    pub fn append_without_event<M: IsA<T>>(&mut self, member: Handle<M>) -> Result<()> {
        let side = self.session.collection(&self.mappers, self.owner, self.attribute)?;
        self.session.check_target(&side, member.id)?;
        self.session.insert_committed(self.owner, &side, member.id)
    }

    /// Takes a member out as any program does, as a part of the chain of events of `initiator` where there is one.
    ///
    /// # Errors
    ///
    /// As [`remove`](Session::remove).
    pub fn remove_with_event<M: IsA<T>>(
        &mut self,
        member: Handle<M>,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        self.session.check_member(self.owner, self.attribute, member.id)?;
        let side = self.session.collection(&self.mappers, self.owner, self.attribute)?;
        self.session.remove_member(self.owner, side, member.id, None, initiator)
    }

    /// Takes a member out as if it had never been loaded: no events, no history, and nothing on the other side.
    ///
    /// # Errors
    ///
    /// When it is not there, or the collection is not loaded.
    pub fn remove_without_event<M: IsA<T>>(&mut self, member: Handle<M>) -> Result<()> {
        self.session.check_member(self.owner, self.attribute, member.id)?;
        self.session.loaded_members(self.owner, self.attribute)?;
        let side = self.session.collection(&self.mappers, self.owner, self.attribute)?;
        self.session.remove_committed(self.owner, &side, member.id);
        Ok(())
    }

    /// How many members there are.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded.
    pub fn len(&self) -> Result<usize> {
        Ok(self.session.read_members(self.owner, self.attribute)?.len())
    }

    /// Whether there is no member.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The members in their order.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded.
    pub fn iter(&self) -> Result<impl ExactSizeIterator<Item = Handle<T>> + use<T>> {
        let members = self.session.read_members(self.owner, self.attribute)?;
        Ok(members.shared().map(Handle::new))
    }
}
