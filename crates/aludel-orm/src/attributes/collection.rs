//! Collection attributes: the members of a relationship to many.

use std::sync::Arc;

use aludel_sql::{Error, ErrorKind, Value};

use super::backref::Side;
use super::events::{Change, Incoming, Initiator, Op};
use crate::Result;
use crate::events::AttributeEvent;
use crate::instrumentation::{Id, ManyCore, Members};
use crate::mapping::{Holder, Relationship};
use crate::session::Session;

impl Session {
    /// Adds a member: at the end, or at a place where the members are known.
    pub(crate) fn append_member(
        &mut self,
        id: Id,
        relationship: Side<'_>,
        member: Id,
        at: Option<usize>,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        if initiator.is_none() && at.is_none() && self.append_in_step(id, relationship, member) {
            return Ok(());
        }
        let attribute = relationship.attribute;
        if relationship.holder == Holder::Set && self.is_member(id, attribute, member) {
            let event = AttributeEvent::AppendWithoutMutation;
            return self.tell_collection(event, id, &relationship, &[member]);
        }
        let risky = relationship.position.is_some() || self.takes_along(id, member);
        self.guarded(risky, |s| {
            if !s.may_have_members(id) && !s.arena.field(id, attribute).is_set() {
                s.tell_collection(AttributeEvent::InitCollection, id, &relationship, &[])?;
            }
            if let Holder::Keyed(key) = relationship.holder
                && !s.waits_for_members(id, attribute)
            {
                s.check_key(&relationship, member, key)?;
                let key = s.key_of(member, key);
                if let Some(occupant) = s.member_under(id, attribute, &key) {
                    if occupant == member {
                        return Ok(());
                    }
                    s.remove_member(id, relationship, occupant, None, initiator)?;
                }
            }
            let member = s.fire_append(id, relationship, member, initiator)?;
            s.put_member(id, &relationship, member, at);
            s.renumber(id, &relationship, at)
        })
    }

    /// Tells of a member that comes, in the order that all operations have; gives the member to be added.
    fn fire_append(
        &mut self,
        id: Id,
        relationship: Side<'_>,
        member: Id,
        initiator: Option<Initiator>,
    ) -> Result<Id> {
        let attribute = relationship.attribute;
        let mapper = relationship.parent;
        let initiator = initiator.unwrap_or(Initiator { mapper, attribute, op: Op::Append });
        self.check_single_parent(&relationship, member, initiator)?;
        let mut slot = Some(member);
        let mut member = member;
        if self.may_refuse() && !initiator.is(mapper, attribute, Op::BulkReplace) {
            member = self.validated_member(id, &relationship, member, initiator)?;
            slot = Some(member);
        }
        self.cascade_append(id, &relationship, member, initiator)?;
        self.answer_append(id, relationship, member, initiator)?;
        if self.listeners.listens(mapper, attribute, Op::Append) {
            let new = Incoming::Object(&mut slot);
            let mut change =
                Change { target: id, attribute, op: Op::Append, initiator, new, old: None };
            self.notify(mapper, &mut change)?;
            member = self.checked_member(&relationship, slot)?;
        }
        self.set_parent(member, &relationship, id, true);
        Ok(member)
    }

    /// Asks the validators of a collection about a member; they may put another one in its place.
    fn validated_member(
        &mut self,
        id: Id,
        relationship: &Relationship,
        member: Id,
        initiator: Initiator,
    ) -> Result<Id> {
        let mut slot = Some(member);
        let new = Incoming::Object(&mut slot);
        let (attribute, op) = (relationship.attribute, Op::Append);
        let mut change = Change { target: id, attribute, op, initiator, new, old: None };
        self.validate(relationship.parent, &mut change)?;
        self.checked_member(relationship, slot)
    }

    fn checked_member(&self, relationship: &Relationship, member: Option<Id>) -> Result<Id> {
        let Some(member) = member else {
            return Err(Error::new(
                ErrorKind::Validation,
                format!("`{}`: a listener put nothing in the place of a member", relationship.name),
            ));
        };
        self.check_target(relationship, member)?;
        Ok(member)
    }

    /// Takes a member away; with `at`, the one at that place.
    pub(crate) fn remove_member(
        &mut self,
        id: Id,
        relationship: Side<'_>,
        member: Id,
        at: Option<usize>,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        self.guarded(relationship.position.is_some(), |s| {
            s.fire_remove(id, relationship, member, initiator)?;
            s.take_member(id, &relationship, member, at);
            s.renumber(id, &relationship, Some(0))
        })
    }

    fn fire_remove(
        &mut self,
        id: Id,
        relationship: Side<'_>,
        member: Id,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let attribute = relationship.attribute;
        let mapper = relationship.parent;
        let initiator = initiator.unwrap_or(Initiator { mapper, attribute, op: Op::Remove });
        if self.may_refuse() {
            let mut slot = Some(member);
            let new = Incoming::Object(&mut slot);
            let op = Op::Remove;
            let mut change = Change { target: id, attribute, op, initiator, new, old: None };
            self.validate(mapper, &mut change)?;
        }
        self.set_parent(member, &relationship, id, false);
        self.cascade_remove(id, &relationship, member)?;
        self.answer_remove(id, relationship, member, initiator)?;
        if self.listeners.listens(mapper, attribute, Op::Remove) {
            let mut slot = Some(member);
            let new = Incoming::Object(&mut slot);
            let mut change =
                Change { target: id, attribute, op: Op::Remove, initiator, new, old: None };
            self.notify(mapper, &mut change)?;
        }
        Ok(())
    }

    /// Replaces the whole collection: removals and additions for the difference only.
    pub(crate) fn replace_members(
        &mut self,
        id: Id,
        relationship: Side<'_>,
        members: Vec<Id>,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let attribute = relationship.attribute;
        let mapper = relationship.parent;
        let initiator = initiator.unwrap_or(Initiator { mapper, attribute, op: Op::BulkReplace });
        self.guarded(true, |s| {
            let mut members = members;
            s.tell_collection(AttributeEvent::InitCollection, id, &relationship, &[])?;
            // Validators see all members, those that stay as well.
            if s.may_refuse() && initiator.is(mapper, attribute, Op::BulkReplace) {
                for member in &mut members {
                    *member = s.validated_member(id, &relationship, *member, initiator)?;
                }
            }
            if s.listeners.listens(mapper, attribute, Op::BulkReplace) {
                let old = s.datum(id, attribute);
                let new = Incoming::Objects(&mut members);
                let mut change =
                    Change { target: id, attribute, op: Op::BulkReplace, initiator, new, old };
                s.notify(mapper, &mut change)?;
                for member in &members {
                    s.check_target(&relationship, *member)?;
                }
            }
            let before = match s.arena.field(id, attribute).many() {
                Some(ManyCore::Loaded(members)) => Arc::clone(members),
                Some(ManyCore::NotLoaded) => return Err(s.not_loaded(id, attribute)),
                _ => Arc::default(),
            };
            let is: hashbrown::HashSet<Id, foldhash::fast::RandomState> =
                members.iter().copied().collect();
            let mut new = Members::default();
            for member in members {
                let member = if before.contains(member) {
                    s.cascade_append(id, &relationship, member, initiator)?;
                    member
                } else {
                    s.fire_append(id, relationship, member, Some(initiator))?
                };
                match relationship.holder {
                    Holder::Set if new.contains(member) => {}
                    Holder::Keyed(key) => {
                        s.check_key(&relationship, member, key)?;
                        new.put(member, s.key_of(member, key));
                    }
                    _ => {
                        new.push(member, None);
                    }
                }
            }
            // While the old members are told that they go, the old list is still there.
            for member in before.iter() {
                if !is.contains(&member) {
                    s.fire_remove(id, relationship, member, Some(initiator))?;
                }
            }
            s.put_members(id, &relationship, new);
            s.number_unset(id, &relationship)?;
            let event = AttributeEvent::DisposeCollection;
            s.tell_collection(event, id, &relationship, &before.to_vec())
        })
    }

    /// Whether changes of a collection are queued until it is loaded.
    fn waits_for_members(&self, id: Id, attribute: u16) -> bool {
        self.may_have_members(id)
            && self.arena.field(id, attribute).many().is_some_and(|many| many.loaded().is_none())
    }

    /// A member of a keyed collection must have its key.
    fn check_key(&self, relationship: &Relationship, member: Id, key: u16) -> Result<()> {
        if self.arena.is_loaded(member, key) {
            return Ok(());
        }
        if self.needs_load(member, key) {
            return Err(self.not_loaded(member, key));
        }
        Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{} has no value, and `{}` has its members by it: set it first",
                self.describe(member, key),
                relationship.name
            ),
        ))
    }

    /// The value of the key attribute of a member.
    pub(crate) fn key_of(&self, member: Id, attribute: u16) -> Value {
        if self.arena.is_loaded(member, attribute) {
            self.arena.field(member, attribute).value()
        } else {
            Value::Null
        }
    }

    fn member_under(&self, id: Id, attribute: u16, key: &Value) -> Option<Id> {
        let members = self.arena.field(id, attribute).many()?.loaded()?;
        members.under(key.as_ref())
    }

    pub(crate) fn is_member(&self, id: Id, attribute: u16, member: Id) -> bool {
        match self.arena.field(id, attribute).many() {
            Some(ManyCore::Loaded(members)) => members.contains(member),
            _ => self.deltas.get(&(id, attribute)).is_some_and(|d| d.added.contains(member)),
        }
    }

    /// Whether a member is in a list more than once.
    pub(crate) fn occurs_again(&self, owner: Id, attribute: u16, member: Id) -> bool {
        self.arena
            .field(owner, attribute)
            .many()
            .and_then(ManyCore::loaded)
            .is_some_and(|members| members.count(member) > 1)
    }

    pub(crate) fn is_keyed(&self, id: Id, attribute: u16) -> bool {
        self.mappers
            .at(id.class)
            .relationship(attribute)
            .is_some_and(|r| matches!(r.holder, Holder::Keyed(_)))
    }

    /// The members of a collection, where they are known.
    pub(crate) fn known_members(&self, id: Id, attribute: u16) -> Vec<Id> {
        self.arena
            .field(id, attribute)
            .many()
            .and_then(ManyCore::loaded)
            .map_or_else(Vec::new, |members| members.to_vec())
    }
}
