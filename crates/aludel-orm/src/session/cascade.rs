//! Cascades: which objects an operation on one object reaches.

use super::Session;
use super::reached::Reached;
use super::state::{Flags, ObjectState};
use crate::Result;
use crate::attributes::events::Initiator;
use crate::attributes::log::Old;
use crate::instrumentation::{Id, ManyCore};
use crate::mapping::{Cascades, Relationship};

/// An operation that cascades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cascade {
    /// `add`.
    SaveUpdate,
    /// `merge`.
    Merge,
    /// `refresh` and `expire`.
    RefreshExpire,
    /// `expunge`.
    Expunge,
    /// `delete`.
    Delete,
}

impl Cascades {
    /// Whether an operation cascades.
    pub fn has(&self, cascade: Cascade) -> bool {
        match cascade {
            Cascade::SaveUpdate => self.save_update,
            Cascade::Merge => self.merge,
            Cascade::RefreshExpire => self.refresh_expire,
            Cascade::Expunge => self.expunge,
            Cascade::Delete => self.delete,
        }
    }
}

impl Relationship {
    /// Whether it is remembered of the members which owner they have.
    pub(crate) fn tracks_parents(&self) -> bool {
        !self.viewonly
            && (self.single_parent
                || self.cascades.delete_orphan
                || self.direction == crate::mapping::Direction::OneToMany)
    }
}

impl Session {
    /// The objects that an operation on `id` reaches, as far as they are known without loading: depth
    /// first, along the relationships in their order. Objects for which `halt` holds are not entered.
    pub(crate) fn cascade(
        &self,
        id: Id,
        cascade: Cascade,
        halt: impl Fn(&Self, Id) -> bool,
    ) -> Vec<Id> {
        // The next one is at the end.
        let mut stack = Vec::new();
        self.next_of(id, cascade, &mut stack);
        stack.reverse();
        let mut reached = Reached::with_capacity(stack.len());
        while let Some(next) = stack.pop() {
            if !self.arena.holds(next) || halt(self, next) || !reached.insert(next) {
                continue;
            }
            let below = stack.len();
            self.next_of(next, cascade, &mut stack);
            stack[below..].reverse();
        }
        reached.into_ids()
    }

    /// Adds the objects that one step of a cascade leads to.
    pub(crate) fn next_of(&self, id: Id, cascade: Cascade, next: &mut Vec<Id>) {
        let mapper = self.mapper_of(id);
        for &attribute in &mapper.relationships {
            let Some(relationship) = mapper.relationship(attribute) else { continue };
            if !relationship.cascades.has(cascade) {
                continue;
            }
            let before = next.len();
            self.reachable(id, attribute, cascade, next);
            if cascade == Cascade::RefreshExpire && !relationship.cascades.delete_orphan {
                // What is not in the database stays out of it.
                let kept: Vec<Id> = next
                    .drain(before..)
                    .filter(|m| self.arena.holds(*m) && self.arena.state(*m).has(Flags::HAS_KEY))
                    .collect();
                next.extend(kept);
            }
        }
    }

    /// The members of one relationship, as far as they are known; for `add` also those that have just
    /// gone, since their rows need a change, too.
    fn reachable(&self, id: Id, attribute: u16, cascade: Cascade, next: &mut Vec<Id>) {
        let field = self.arena.field(id, attribute);
        if let Some(ManyCore::Loaded(members)) = field.many() {
            match self.deltas.get(&(id, attribute)).filter(|_| cascade == Cascade::SaveUpdate) {
                None => next.extend(members.iter()),
                Some(delta) => {
                    let new = |m: &Id| delta.added.contains(*m);
                    next.extend(members.iter().filter(new));
                    next.extend(members.iter().filter(|m| !new(m)));
                    next.extend(delta.removed.iter());
                }
            }
        } else if let Some(one) = field.one() {
            let Some(now) = one.known() else { return };
            next.extend(now);
            if cascade == Cascade::SaveUpdate
                && let Some(entry) = self.log.find(self.arena.state(id).head, attribute)
                && let Old::One(old) = &entry.old
                && let Some(Some(old)) = old.known()
                && now != Some(old)
            {
                next.push(old);
            }
        }
    }

    /// Whether an object that comes to an owner joins the session with it, which may be refused: another object
    /// stands for its row.
    #[inline]
    pub(crate) fn takes_along(&self, owner: Id, member: Id) -> bool {
        !self.arena.state(member).in_session() && self.arena.state(owner).is_attached()
    }

    /// A member was added to a collection: it joins the owner's session.
    pub(crate) fn cascade_append(
        &mut self,
        owner: Id,
        relationship: &Relationship,
        member: Id,
        initiator: Initiator,
    ) -> Result<()> {
        let own = initiator.mapper == relationship.parent
            && initiator.attribute == relationship.attribute;
        if own && relationship.cascades.save_update && self.takes_along(owner, member) {
            self.save_or_update(member)?;
        }
        Ok(())
    }

    /// A member was taken out: a pending one that must not be without an owner leaves the session.
    pub(crate) fn cascade_remove(
        &mut self,
        owner: Id,
        relationship: &Relationship,
        member: Id,
    ) -> Result<()> {
        if !relationship.cascades.delete_orphan || !self.is_orphan(member) {
            return Ok(());
        }
        let state = self.arena.state(member);
        if state.life == ObjectState::Pending && self.arena.state(owner).in_session() {
            self.expunge_pending(member);
            self.tell_noted()?;
        } else if !state.has(Flags::ORPHANED) {
            // The owner is in no session, so that the member may get another one before it matters.
            let (flags, life) = (state.flags, state.life);
            self.journal.write(|| crate::attributes::journal::Undo::Life {
                id: member,
                flags,
                life,
            });
            self.arena.state_mut(member).flags.set(Flags::ORPHANED);
        }
        Ok(())
    }

    /// A reference was set: the new object joins the session, and a pending one left without an owner
    /// leaves it.
    pub(crate) fn cascade_reference(
        &mut self,
        owner: Id,
        relationship: &Relationship,
        new: Option<Id>,
        old: Option<Id>,
        initiator: Initiator,
    ) -> Result<()> {
        if new == old {
            return Ok(());
        }
        if let Some(new) = new {
            self.cascade_append(owner, relationship, new, initiator)?;
        }
        if let Some(old) = old
            && relationship.cascades.delete_orphan
            && self.arena.state(owner).in_session()
            && self.arena.state(old).life == ObjectState::Pending
            && self.is_orphan(old)
        {
            self.expunge_pending(old);
            self.tell_noted()?;
        }
        Ok(())
    }

    /// Whether an object lacks an owner that it must have.
    pub(crate) fn is_orphan(&self, id: Id) -> bool {
        let optimistic = self.arena.state(id).has(Flags::HAS_KEY);
        self.mapper_of(id)
            .delete_orphans
            .iter()
            .any(|(parent, attribute)| !self.has_parent_at(id, *parent, *attribute, optimistic))
    }
}
