//! A change of both sides of a relationship in one step: the frequent case of a list and a reference that are
//! known, and of nobody who listens or could refuse.
//!
//! What is done is what the chain of events and answers (`collection`, `reference`, `backref`) comes to then.

use super::backref::Side;
use crate::instrumentation::{Id, ManyCore, Members, OneCore};
use crate::mapping::Holder;
use crate::session::owners::Owner;
use crate::session::state::Flags;
use crate::session::{ObjectState, Session};

/// The other side of a relationship, where nobody else answers either of them.
fn only_answer(side: Side<'_>) -> Option<Side<'_>> {
    let &[(mapper, attribute)] = side.relationship.reverse.as_slice() else { return None };
    let other = side.mappers.side(mapper, attribute)?;
    (other.reverse.len() == 1).then_some(other)
}

/// Whether a list and a reference do nothing but hold objects.
fn are_plain(list: Side<'_>, reference: Side<'_>) -> bool {
    list.holder == Holder::List
        && list.position.is_none()
        && !list.single_parent
        && !reference.holder.is_collection()
        && !reference.tracks_parents()
}

impl Session {
    /// Adds a member to a list, and the owner to its reference, if that can be done in one step; says whether.
    pub(super) fn append_in_step(&mut self, owner: Id, list: Side<'_>, member: Id) -> bool {
        let Some(reference) = only_answer(list) else { return false };
        let plain = !self.may_refuse() && are_plain(list, reference);
        if !plain
            || !self.arena.state(owner).in_session()
            || !self.arena.state(member).in_session()
            || !list.mappers.is_a(member.class, reference.parent)
        {
            return false;
        }
        let one = self.arena.field(member, reference.attribute).one();
        if one.and_then(OneCore::known) != Some(None) {
            return false;
        }
        self.set_parent(member, &list, owner, true);
        let now = OneCore::Loaded(Some(owner));
        self.put_reference(member, reference.attribute, now, Some(None));
        self.put_member(owner, &list, member, None);
        true
    }

    /// Gives a new object its first list, of members that were made for it in this scope, and the object to their
    /// references, if that can be done in one step; says whether.
    pub(super) fn gather_in_step(&mut self, owner: Id, list: Side<'_>, members: &[Id]) -> bool {
        let Some(reference) = only_answer(list) else { return false };
        let is_unset =
            |s: &Self| matches!(s.arena.field(owner, list.attribute).many(), Some(ManyCore::Unset));
        let is_alone = |s: &Self, member: &Id| {
            let one = s.arena.field(*member, reference.attribute).one();
            matches!(one, Some(OneCore::Unset)) && s.is_new(*member)
        };
        if self.may_refuse()
            || !are_plain(list, reference)
            || !self.is_new(owner)
            || !is_unset(self)
            || !members.iter().all(|member| list.mappers.is_a(member.class, reference.parent))
            || !members.iter().all(|member| is_alone(self, member))
        {
            return false;
        }
        // What takes the scope back takes the members back as a whole.
        for member in members {
            let place = self.owned_by(*member, list.parent, list.attribute);
            let slab = self.arena.of_mut(*member);
            if let Some(place) = place.filter(|_| list.tracks_parents()) {
                slab.owners.set(member.slot, place, Owner::Is(owner));
            }
            let object = slab.objects.get_mut(member.slot);
            let field = object.and_then(|object| object.field_mut(reference.attribute));
            if let Some(one) = field.and_then(|field| field.one_mut()) {
                *one = OneCore::Loaded(Some(owner));
            }
            slab.states[member.slot as usize].flags.set(Flags::MODIFIED);
        }
        self.put_members(owner, &list, Members::from_ids(members.to_vec()));
        true
    }

    /// Whether an object was just made: it is in no session, and has no row.
    fn is_new(&self, id: Id) -> bool {
        let state = self.arena.state(id);
        state.life == ObjectState::Transient
            && state.has(Flags::FRESH)
            && !state.has(Flags::HAS_KEY)
    }

    /// Sets a reference, and moves its object from one list to the other, if that can be done in one step; says
    /// whether.
    pub(super) fn refer_in_step(&mut self, id: Id, reference: Side<'_>, new: Option<Id>) -> bool {
        let (Some(list), Some(new)) = (only_answer(reference), new) else { return false };
        let plain = !self.may_refuse() && are_plain(list, reference);
        if !plain
            || !self.arena.state(id).in_session()
            || !self.arena.state(new).in_session()
            || !list.mappers.is_a(new.class, list.parent)
        {
            return false;
        }
        let one = self.arena.field(id, reference.attribute).one();
        let Some(old) = one.and_then(OneCore::known) else { return false };
        if let Some(old) = old {
            // One that loses its owner may be an orphan, if only until it has the next.
            if list.cascades.delete_orphan {
                return false;
            }
            if old == new || !self.arena.holds(old) || !list.mappers.is_a(old.class, list.parent) {
                return false;
            }
            self.set_parent(id, &list, old, false);
            self.take_member(old, &list, id, None);
        }
        self.set_parent(id, &list, new, true);
        self.put_member(new, &list, id, None);
        self.put_reference(id, reference.attribute, OneCore::Loaded(Some(new)), Some(old));
        true
    }
}
