//! The other side: keeping the two attributes of a two-way relationship in step.
//!
//! Each function answers one event of one side by an operation on the other, with the same
//! [`Initiator`] passed along, so that the answer is not answered. Nothing is loaded: a collection that is
//! not loaded queues what it is told.

use super::events::{Initiator, Op};
use crate::Result;
use crate::instrumentation::Id;
use crate::mapping::{Mappers, Relationship};
use crate::session::Session;

/// One side of a relationship, with the mappers that it is of: what the operations along a two-way
/// relationship hand on to each other.
#[derive(Clone, Copy)]
pub(crate) struct Side<'m> {
    pub(crate) mappers: &'m Mappers,
    pub(crate) relationship: &'m Relationship,
}

impl std::ops::Deref for Side<'_> {
    type Target = Relationship;
    #[inline]
    fn deref(&self) -> &Relationship {
        self.relationship
    }
}

impl Mappers {
    /// The relationship of a class's attribute.
    #[inline]
    pub(crate) fn side(&self, class: u16, attribute: u16) -> Option<Side<'_>> {
        let relationship = self.at(class).relationship(attribute)?;
        Some(Side { mappers: self, relationship })
    }
}

impl Session {
    /// A reference was set: the old object lets go of the owner, and the new one takes it.
    pub(crate) fn answer_reference(
        &mut self,
        owner: Id,
        relationship: Side<'_>,
        new: Option<Id>,
        old: Option<Option<Id>>,
        initiator: Initiator,
    ) -> Result<()> {
        if relationship.reverse.is_empty() || old == Some(new) {
            return Ok(());
        }
        let mappers = relationship.mappers;
        for &(mapper, attribute) in &relationship.relationship.reverse {
            let Some(reverse) = mappers.side(mapper, attribute) else { continue };
            let (parent, own) = (reverse.parent, reverse.attribute);
            if let Some(Some(old)) = old
                && self.arena.holds(old)
                && mappers.is_a(old.class, reverse.parent)
            {
                let stop = if reverse.holder.is_collection() { Op::Remove } else { Op::Replace };
                if !initiator.is(parent, own, stop) {
                    // The token says that this side started it, whatever began the chain.
                    let token = Initiator {
                        mapper: relationship.parent,
                        attribute: relationship.attribute,
                        op: Op::Replace,
                    };
                    self.release(old, reverse, owner, token)?;
                }
            }
            if let Some(new) = new
                && mappers.is_a(new.class, reverse.parent)
                && !initiator.is(parent, own, Op::Append)
                && !initiator.is(parent, own, Op::BulkReplace)
                && (reverse.holder.is_collection() || !initiator.is(parent, own, Op::Replace))
            {
                self.accept(new, reverse, owner, initiator)?;
            }
        }
        Ok(())
    }

    /// A member was added to a collection: its reference (or collection) takes the owner.
    pub(crate) fn answer_append(
        &mut self,
        owner: Id,
        relationship: Side<'_>,
        member: Id,
        initiator: Initiator,
    ) -> Result<()> {
        if relationship.reverse.is_empty() {
            return Ok(());
        }
        let mappers = relationship.mappers;
        for &(mapper, attribute) in &relationship.relationship.reverse {
            let Some(reverse) = mappers.side(mapper, attribute) else { continue };
            if !mappers.is_a(member.class, reverse.parent) {
                continue;
            }
            let (parent, own) = (reverse.parent, reverse.attribute);
            let started_there = initiator.is(parent, own, Op::Append)
                || initiator.is(parent, own, Op::BulkReplace)
                || initiator.is(parent, own, Op::Replace);
            if !started_there {
                self.accept(member, reverse, owner, initiator)?;
            }
        }
        Ok(())
    }

    /// A member was taken out of a collection: its reference (or collection) lets go of the owner.
    pub(crate) fn answer_remove(
        &mut self,
        owner: Id,
        relationship: Side<'_>,
        member: Id,
        initiator: Initiator,
    ) -> Result<()> {
        if relationship.reverse.is_empty() {
            return Ok(());
        }
        let mappers = relationship.mappers;
        for &(mapper, attribute) in &relationship.relationship.reverse {
            let Some(reverse) = mappers.side(mapper, attribute) else { continue };
            if !mappers.is_a(member.class, reverse.parent) {
                continue;
            }
            let (parent, own) = (reverse.parent, reverse.attribute);
            let replaced =
                if reverse.holder.is_collection() { Op::BulkReplace } else { Op::Replace };
            if initiator.is(parent, own, Op::Remove) || initiator.is(parent, own, replaced) {
                continue;
            }
            // Of two occurrences in a list the last one to go takes the reference along; where the list is
            // replaced, all go.
            if !reverse.holder.is_collection()
                && !initiator.is(relationship.parent, relationship.attribute, Op::BulkReplace)
                && self.occurs_again(owner, relationship.attribute, member)
            {
                continue;
            }
            self.release(member, reverse, owner, initiator)?;
        }
        Ok(())
    }

    /// `object` takes `other` into its side of the relationship.
    fn accept(
        &mut self,
        object: Id,
        side: Side<'_>,
        other: Id,
        initiator: Initiator,
    ) -> Result<()> {
        if side.holder.is_collection() {
            self.append_member(object, side, other, None, Some(initiator))
        } else {
            self.set_reference(object, side, Some(other), Some(initiator), None)
        }
    }

    /// `object` lets go of `other` on its side of the relationship.
    fn release(
        &mut self,
        object: Id,
        side: Side<'_>,
        other: Id,
        initiator: Initiator,
    ) -> Result<()> {
        if side.holder.is_collection() {
            self.remove_member(object, side, other, None, Some(initiator))
        } else {
            self.set_reference(object, side, None, Some(initiator), Some(other))
        }
    }
}
