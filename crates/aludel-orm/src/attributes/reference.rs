//! Scalar object attributes: a reference to one object.

use super::Datum;
use super::backref::Side;
use super::events::{Change, Incoming, Initiator, Op};
use super::journal::Undo;
use super::log::Old;
use crate::Result;
use crate::instrumentation::{Id, OneCore};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::state::Flags;

impl Session {
    /// Sets a reference. With `only_if`, the request is to let go of that object, and does nothing when
    /// the reference is known to be to another.
    pub(crate) fn set_reference(
        &mut self,
        id: Id,
        relationship: Side<'_>,
        new: Option<Id>,
        initiator: Option<Initiator>,
        only_if: Option<Id>,
    ) -> Result<()> {
        if initiator.is_none() && only_if.is_none() && self.refer_in_step(id, relationship, new) {
            return Ok(());
        }
        let attribute = relationship.attribute;
        let (mapper, own) = (relationship.parent, attribute);
        let old = self.peek_reference(id, &relationship);
        // What cannot be loaded either is none.
        let empty =
            || !self.arena.state(id).has(Flags::HAS_KEY) || self.is_never_set(id, attribute);
        if let Some(check) = only_if
            && old.map_or_else(empty, |known| known != Some(check))
        {
            if let Some(found) = old
                && self.is_open(id, attribute)
            {
                self.fill_relationship(id, attribute, found.into_iter().collect());
            }
            return Ok(());
        }
        let token = initiator.unwrap_or(Initiator { mapper, attribute: own, op: Op::Replace });
        if let Some(new) = new.filter(|new| old.flatten() != Some(*new)) {
            self.check_single_parent(&relationship, new, token)?;
        }
        self.guarded(new.is_some_and(|new| self.takes_along(id, new)), |s| {
            let mut new = new;
            if s.may_refuse() {
                let mut change = Change {
                    target: id,
                    attribute,
                    op: Op::Replace,
                    initiator: token,
                    new: Incoming::Object(&mut new),
                    old: old.map(Datum::One),
                };
                s.validate(mapper, &mut change)?;
                if let Some(new) = new {
                    s.check_target(&relationship, new)?;
                }
            }
            let before = old.flatten();
            if let Some(before) = before
                && Some(before) != new
            {
                s.set_parent(before, &relationship, id, false);
            }
            s.cascade_reference(id, &relationship, new, before, token)?;
            s.answer_reference(id, relationship, new, old, token)?;
            if s.may_refuse() {
                let mut change = Change {
                    target: id,
                    attribute,
                    op: Op::Replace,
                    initiator: token,
                    new: Incoming::Object(&mut new),
                    old: old.map(Datum::One),
                };
                s.notify(mapper, &mut change)?;
            }
            if let Some(new) = new {
                s.set_parent(new, &relationship, id, true);
            }
            s.put_reference(id, attribute, OneCore::Loaded(new), old);
            Ok(())
        })
    }

    /// The change itself: no events. `known` is what the reference was, where that is known without
    /// the field saying so.
    pub(crate) fn put_reference(
        &mut self,
        id: Id,
        attribute: u16,
        new: OneCore,
        known: Option<Option<Id>>,
    ) {
        let fresh = self.arena.state(id).has(Flags::FRESH);
        let Some(core) = self.arena.field_mut(id, attribute).one_mut() else { return };
        let old = std::mem::replace(core, new);
        if !fresh && self.log.find(self.arena.state(id).head, attribute).is_none() {
            let committed = match (&old, known) {
                (OneCore::Loaded(_), _) | (_, None) => old.clone(),
                (_, Some(known)) => OneCore::Loaded(known),
            };
            self.write_log(id, attribute, Old::One(committed));
        }
        self.journal.write(|| Undo::One { id, attribute, old });
        self.touch(id);
    }

    /// What a reference refers to, as far as it is known without loading: from the field, or from the
    /// identity map by the foreign key as the database has it.
    pub(crate) fn peek_reference(&self, id: Id, relationship: &Relationship) -> Option<Option<Id>> {
        let core = self.arena.object(id).field(relationship.attribute)?.one()?;
        if let Some(known) = core.known() {
            return Some(known);
        }
        let state = self.arena.state(id);
        if state.has(Flags::FRESH) {
            return None;
        }
        if matches!(core, OneCore::Unset)
            && self.log.find(state.head, relationship.attribute).is_some()
        {
            // Deleted since the last flush.
            return Some(None);
        }
        if !state.has(Flags::HAS_KEY) || !state.is_attached() {
            return None;
        }
        self.peek_by_key(id, relationship, true)
    }

    /// Deletes a reference: like setting it to none, but told as a removal.
    pub(crate) fn delete_reference(
        &mut self,
        id: Id,
        relationship: Side<'_>,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let attribute = relationship.attribute;
        let mapper = relationship.parent;
        let old = self.peek_reference(id, &relationship);
        let token = initiator.unwrap_or(Initiator { mapper, attribute, op: Op::Remove });
        self.guarded(false, |s| {
            let before = old.flatten();
            if s.may_refuse() {
                let mut removed = before;
                let (new, old) = (Incoming::Object(&mut removed), old.map(Datum::One));
                let op = Op::Remove;
                let mut change = Change { target: id, attribute, op, initiator: token, new, old };
                s.validate(mapper, &mut change)?;
            }
            if let Some(before) = before {
                s.set_parent(before, &relationship, id, false);
            }
            if let Some(before) = before {
                s.cascade_remove(id, &relationship, before)?;
                s.answer_remove(id, relationship, before, token)?;
            }
            if s.listeners.listens(mapper, attribute, Op::Remove) {
                let mut removed = before;
                let mut change = Change {
                    target: id,
                    attribute,
                    op: Op::Remove,
                    initiator: token,
                    new: Incoming::Object(&mut removed),
                    old: old.map(Datum::One),
                };
                s.notify(mapper, &mut change)?;
            }
            let state = s.arena.state(id);
            if s.log.find(state.head, attribute).is_none()
                && (state.has(Flags::FRESH) || s.is_never_set(id, attribute))
            {
                // There was nothing, so that nothing has changed; of a new object, only that somebody has said so.
                s.write_log(id, attribute, Old::One(OneCore::Unset));
            }
            s.put_reference(id, attribute, OneCore::Unset, old);
            Ok(())
        })
    }

    /// Sets a reference as if it had been loaded: no events, no history.
    pub(crate) fn set_committed_reference(&mut self, id: Id, attribute: u16, target: Option<Id>) {
        self.unfreshen(id);
        if let Some(core) = self.arena.field_mut(id, attribute).one_mut() {
            *core = OneCore::Loaded(target);
        }
        self.forget_change(id, attribute);
    }
}
