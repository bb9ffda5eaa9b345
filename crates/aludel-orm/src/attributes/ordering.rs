//! The positions of the members of ordered lists: SQLAlchemy's `sqlalchemy.ext.orderinglist`.
//!
//! A list whose relationship has a `position` keeps that attribute of its members equal to their places, with
//! whatever comes, goes and moves. What is loaded has the order of the query (`order_by`), and nothing is renumbered.

use aludel_sql::Value;

use super::Datum;
use crate::Result;
use crate::instrumentation::{Attr, Handle, Id, IsA, Many, ManyCore, Mapped, Numbering};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::{Error, ErrorKind};

impl Session {
    /// Moves a member of an ordered list to another place; the members between move up or down. It is a removal and
    /// an addition to listeners, and none to the history.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(session: &mut Session, user: Handle<User>) -> Result<()> {
    /// // The last one first.
    /// let last = session[user].addresses.len() - 1;
    /// session.move_member(user, User::addresses, last, 0)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the list is not loaded, has no such places, or a listener refuses. Everything is then as it was.
    pub fn move_member<S: IsA<C>, C: Mapped, T: Mapped>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, Many<T>>,
        from: usize,
        to: usize,
    ) -> Result<()> {
        let (id, index) = (object.id, self.number(object.id, attribute)?);
        self.arena.check(id)?;
        let members = self.loaded_members(id, index)?;
        if to >= members.len() {
            return Err(self.absent(id, index, &format!("place {to}")));
        }
        let member = members.at(from);
        let member = member.ok_or_else(|| self.absent(id, index, &format!("place {from}")))?;
        drop(members);
        self.scope(|s| {
            s.remove_at(id, index, from)?;
            s.append_to(id, index, member, Some(to))
        })
    }

    /// Gives all members of an ordered list the positions of their places: where they were given others by hand, or
    /// the whole list was replaced, which leaves the positions that members have alone. SQLAlchemy's `reorder()`.
    ///
    /// # Errors
    ///
    /// When the relationship has no `position`, the list is not loaded, or a listener refuses. Everything is then as it
    /// was.
    pub fn reorder<S: IsA<C>, C: Mapped, T: Mapped>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, Many<T>>,
    ) -> Result<()> {
        let (id, index) = (object.id, self.number(object.id, attribute)?);
        self.arena.check(id)?;
        let mappers = std::sync::Arc::clone(&self.mappers);
        let list = self.collection(&mappers, id, index)?;
        if list.position.is_none() {
            let what = format!("{} keeps no `position` of its members", self.describe(id, index));
            return Err(Error::new(ErrorKind::InvalidRequest, what));
        }
        self.loaded_members(id, index)?;
        self.scope(|s| s.renumber(id, &list, Some(0)))
    }

    /// Keeps the position attribute of the members equal to their place, where the relationship has one. A member
    /// appended at the end (without `from`) keeps the position that it has, unless the relationship says otherwise.
    pub(super) fn renumber(
        &mut self,
        id: Id,
        relationship: &Relationship,
        from: Option<usize>,
    ) -> Result<()> {
        let Some(position) = relationship.position else { return Ok(()) };
        let numbering = relationship.numbering;
        if from.is_none() {
            let members = self.arena.field(id, relationship.attribute).many();
            let Some(members) = members.and_then(ManyCore::loaded) else { return Ok(()) };
            let at = members.len().saturating_sub(1);
            let Some(member) = members.last() else { return Ok(()) };
            if numbering.reorders_on_append() || self.lacks_position(member, position) {
                self.set_position(member, position, at, numbering)?;
            }
            return Ok(());
        }
        for (at, member) in self.known_members(id, relationship.attribute).into_iter().enumerate() {
            self.set_position(member, position, at, numbering)?;
        }
        Ok(())
    }

    /// Numbers the members of a list that has replaced another: those that have no position yet.
    pub(super) fn number_unset(&mut self, id: Id, relationship: &Relationship) -> Result<()> {
        let Some(position) = relationship.position else { return Ok(()) };
        let numbering = relationship.numbering;
        for (at, member) in self.known_members(id, relationship.attribute).into_iter().enumerate() {
            if numbering.reorders_on_append() || self.lacks_position(member, position) {
                self.set_position(member, position, at, numbering)?;
            }
        }
        Ok(())
    }

    fn lacks_position(&self, member: Id, position: u16) -> bool {
        !self.arena.is_loaded(member, position)
            || self.arena.field(member, position).bind().as_ref().is_null()
    }

    fn set_position(
        &mut self,
        member: Id,
        attribute: u16,
        at: usize,
        numbering: Numbering,
    ) -> Result<()> {
        let value: Value = numbering.position(at);
        let loaded = self.arena.is_loaded(member, attribute);
        if loaded && self.arena.field(member, attribute).bind().as_ref() == value.as_ref() {
            return Ok(());
        }
        self.set_datum(member, attribute, Datum::Value(value))
    }
}
