//! The members of collections, as the program changes and reads them.

use std::sync::Arc;

use aludel_sql::Value;

use super::backref::Side;
use super::events::Initiator;
use crate::Result;
use crate::instrumentation::{
    Attr, Collected, CollectionClass, Field, Handle, Id, IntoMember, IsA, Loadable, Many, ManyCore,
    ManyMap, ManySet, Mapped, Member, MemberCore, Members, One, WriteOnly,
};
use crate::session::Session;

/// The holders of relationships to many.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a collection of `{T}`",
    label = "not a collection",
    note = "members are added to and taken from `Many`, `ManySet`, `ManyMap`, `WriteOnly` and `Collected`; use `set` for anything else"
)]
pub trait CollectionField<T>: Field + Sized {}
impl<T: 'static> CollectionField<T> for Many<T> {}
impl<T: 'static> CollectionField<T> for ManySet<T> {}
impl<K: 'static, T: 'static> CollectionField<T> for ManyMap<K, T> {}
impl<C: CollectionClass> CollectionField<C::Member> for Collected<C> {}
impl<T: 'static> CollectionField<T> for WriteOnly<T> {}

/// The holders of relationships to many that can be read: all but [`WriteOnly`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no members to be read",
    label = "no collection that can be read",
    note = "the members of a `WriteOnly` are read by a query: `session.members_query(owner, attribute)`"
)]
pub trait ReadableCollection<T>: CollectionField<T> + Loadable {}
#[diagnostic::do_not_recommend]
impl<T, V: CollectionField<T> + Loadable> ReadableCollection<T> for V {}

/// The fields that hold objects of a class: references and collections.
pub trait ObjectField<T>: Field + Sized {}
impl<T: 'static> ObjectField<T> for One<T> {}
impl<T: 'static> ObjectField<T> for Many<T> {}
impl<T: 'static> ObjectField<T> for ManySet<T> {}
impl<K: 'static, T: 'static> ObjectField<T> for ManyMap<K, T> {}
impl<C: CollectionClass> ObjectField<C::Member> for Collected<C> {}
impl<T: 'static> ObjectField<T> for WriteOnly<T> {}

impl Session {
    /// Adds a member to a collection. A collection that is not loaded stays so: the member waits for it.
    ///
    /// # Errors
    ///
    /// When a validator or listener refuses the member, or it belongs to another session.
    pub fn append<S: IsA<C>, C: Mapped, T, V: CollectionField<T>>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        member: impl IntoMember<T>,
    ) -> Result<()> {
        let attribute = self.number(object.id, attribute)?;
        self.append_new(object.id, attribute, member.into_member(), None)
    }

    /// Adds a member to a list at a place; the members from there on move up.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); and when the collection is not loaded or has no such place.
    pub fn insert_at<S: IsA<C>, C: Mapped, T: 'static>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, Many<T>>,
        index: usize,
        member: impl IntoMember<T>,
    ) -> Result<()> {
        let attribute = self.number(object.id, attribute)?;
        self.append_new(object.id, attribute, member.into_member(), Some(index))
    }

    fn append_new<T>(
        &mut self,
        id: Id,
        attribute: u16,
        member: Member<T>,
        at: Option<usize>,
    ) -> Result<()> {
        self.arena.check(id)?;
        match member.core {
            MemberCore::Object(member) => self.append_to(id, attribute, member, at),
            MemberCore::New(value) => self.scope(|s| {
                let member = value.adopt(s)?;
                s.append_to(id, attribute, member, at)
            }),
        }
    }

    /// Adds an object to a collection by numbers.
    pub(crate) fn append_to(
        &mut self,
        id: Id,
        attribute: u16,
        member: Id,
        at: Option<usize>,
    ) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        self.check_target(&relationship, member)?;
        if let Some(at) = at {
            match self.arena.field(id, attribute).many() {
                Some(ManyCore::Loaded(members)) if at > members.len() => {
                    return Err(self.absent(id, attribute, &format!("place {at}")));
                }
                Some(ManyCore::NotLoaded) => return Err(self.not_loaded(id, attribute)),
                _ => {}
            }
        }
        self.append_member(id, relationship, member, at, None)
    }

    /// Takes a member out of a collection.
    ///
    /// # Errors
    ///
    /// When it is known not to be a member, or when a listener refuses.
    pub fn remove<S: IsA<C>, C: Mapped, T, M: IsA<T>, V: CollectionField<T>>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        member: Handle<M>,
    ) -> Result<()> {
        let attribute = self.number(object.id, attribute)?;
        self.remove_from(object.id, attribute, member.id)
    }

    pub(crate) fn remove_from(&mut self, id: Id, attribute: u16, member: Id) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        self.check_member(id, attribute, member)?;
        self.check_target(&relationship, member)?;
        self.remove_member(id, relationship, member, None, None)
    }

    /// Checks that an object may be a member.
    pub(super) fn check_member(&self, id: Id, attribute: u16, member: Id) -> Result<()> {
        let known = match self.arena.field(id, attribute).many() {
            Some(ManyCore::Loaded(members)) => members.contains(member),
            Some(ManyCore::NotLoaded) => true,
            _ => false,
        };
        if known { Ok(()) } else { Err(self.absent(id, attribute, "that member")) }
    }

    /// Takes the member at a place out of a list, and gives it.
    pub(crate) fn remove_at(&mut self, id: Id, attribute: u16, at: usize) -> Result<Id> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        let members = self.loaded_members(id, attribute)?;
        let Some(member) = members.at(at) else {
            return Err(self.absent(id, attribute, &format!("place {at}")));
        };
        drop(members);
        self.remove_member(id, relationship, member, Some(at), None)?;
        Ok(member)
    }

    /// Puts another member at a place of a list: a removal and an addition.
    pub(crate) fn replace_at(
        &mut self,
        id: Id,
        attribute: u16,
        at: usize,
        member: Id,
    ) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        self.check_target(&relationship, member)?;
        let members = self.loaded_members(id, attribute)?;
        let Some(before) = members.at(at) else {
            return Err(self.absent(id, attribute, &format!("place {at}")));
        };
        drop(members);
        self.scope(|s| {
            s.remove_member(id, relationship, before, Some(at), None)?;
            s.append_member(id, relationship, member, Some(at), None)
        })
    }

    /// Takes out the member under a key.
    pub(crate) fn remove_key(&mut self, id: Id, attribute: u16, key: &Value) -> Result<Id> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        let members = self.loaded_members(id, attribute)?;
        let Some(member) = members.under(key.as_ref()) else {
            return Err(self.absent(id, attribute, "that key"));
        };
        drop(members);
        self.remove_member(id, relationship, member, None, None)?;
        Ok(member)
    }

    /// Takes out every member.
    pub(crate) fn clear_members(
        &mut self,
        id: Id,
        attribute: u16,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        let members = self.loaded_members(id, attribute)?;
        self.scope(|s| {
            let mut members = members.iter();
            members.try_for_each(|m| s.remove_member(id, relationship, m, None, initiator))
        })
    }

    /// The members of a collection: the form for loops that change the session, since nothing of it stays
    /// borrowed. A collection never touched is empty.
    ///
    /// # Panics
    ///
    /// Panics when the collection is not loaded, or the handle's object is not here.
    #[track_caller]
    pub fn members<S: IsA<C>, C: Mapped, T, V: ReadableCollection<T>>(
        &self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> impl ExactSizeIterator<Item = Handle<T>> + use<S, C, T, V> {
        match self.try_members(object, attribute) {
            Ok(members) => members,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`members`](Self::members), where the collection may not be loaded.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded, or the handle's object is not here.
    pub fn try_members<S: IsA<C>, C: Mapped, T, V: ReadableCollection<T>>(
        &self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<impl ExactSizeIterator<Item = Handle<T>> + use<S, C, T, V>> {
        let attribute = self.number(object.id, attribute)?;
        Ok(self.read_members(object.id, attribute)?.shared().map(Handle::new))
    }

    pub(super) fn read_members(&self, id: Id, attribute: u16) -> Result<Arc<Members>> {
        self.arena.check(id)?;
        match self.arena.object(id).field(attribute).and_then(Field::many) {
            Some(ManyCore::Unset) => Ok(Arc::default()),
            _ => self.loaded_members(id, attribute),
        }
    }

    pub(crate) fn loaded_members(&self, id: Id, attribute: u16) -> Result<Arc<Members>> {
        match self.arena.object(id).field(attribute).and_then(Field::many) {
            Some(ManyCore::Loaded(members)) => Ok(Arc::clone(members)),
            Some(ManyCore::Unset) if !self.may_have_members(id) => Ok(Arc::default()),
            Some(_) => Err(self.not_loaded(id, attribute)),
            None => Err(self.no_such_field(id, attribute)),
        }
    }

    pub(super) fn collection<'m>(
        &self,
        mappers: &'m crate::mapping::Mappers,
        id: Id,
        attribute: u16,
    ) -> Result<Side<'m>> {
        mappers
            .side(id.class, attribute)
            .filter(|side| side.holder.is_collection())
            .ok_or_else(|| self.wrong_type(id, attribute))
    }
}
