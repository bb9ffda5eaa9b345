//! Scalar attributes: the value of a column.

use aludel_sql::{Error, ErrorKind, Value};

use super::Datum;
use super::events::{Change, Incoming, Initiator, Op};
use super::journal::Undo;
use super::log::{Entry, Old};
use crate::Result;
use crate::instrumentation::{Field, Id};
use crate::session::Session;
use crate::session::state::Flags;

impl Session {
    /// Sets a column attribute from a field of its own type; afterwards `new` holds any value.
    pub(crate) fn set_column(
        &mut self,
        id: Id,
        attribute: u16,
        new: &mut dyn Field,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        if self.may_refuse() && self.is_heard(self.declaring(id, attribute), attribute) {
            return self.scope(|s| {
                let mapper = s.declaring(id, attribute);
                let initiator =
                    initiator.unwrap_or(Initiator { mapper, attribute, op: Op::Replace });
                let old = s.datum(id, attribute);
                let mut change = Change {
                    target: id,
                    attribute,
                    op: Op::Replace,
                    initiator,
                    new: Incoming::Field(new),
                    old,
                };
                s.validate(mapper, &mut change)?;
                s.notify(mapper, &mut change)?;
                s.put_column(id, attribute, new)
            });
        }
        self.put_column(id, attribute, new)
    }

    /// The change itself: no events.
    pub(crate) fn put_column(&mut self, id: Id, attribute: u16, new: &mut dyn Field) -> Result<()> {
        let slab = self.arena.of_mut(id);
        let loaded = slab.is_loaded(id.slot, attribute);
        let expired = slab.is_expired(id.slot, attribute);
        let fresh = slab.states[id.slot as usize].has(Flags::FRESH);
        let present = new.is_set();
        let Some(field) = slab.objects.get_mut(id.slot).and_then(|o| o.field_mut(attribute)) else {
            return Err(self.no_such_field(id, attribute));
        };
        if !field.swap(new) {
            return Err(self.not_of_type(id, attribute));
        }
        slab.set_loaded(id.slot, attribute, present);
        if expired {
            slab.set_expired(id.slot, attribute, false);
        }
        if !present {
            self.drop_expression(id, attribute);
        }
        // `new` holds the old value from here on.
        if !fresh && self.log.find(self.arena.state(id).head, attribute).is_none() {
            // The key of an object that has a row is known even where it is expired.
            let known = loaded
                || self.arena.state(id).has(Flags::HAS_KEY)
                    && self.mapper_of(id).primary_key.contains(&attribute);
            let old = if known { Old::Value(new.value()) } else { Old::Absent };
            self.write_log(id, attribute, old);
        }
        if self.journal.is_open() {
            let old = new.take_value();
            self.journal.write(|| Undo::Column { id, attribute, old, loaded, expired });
        }
        self.touch(id);
        Ok(())
    }

    /// A field of another type than the attribute's, or a part of a composite that is not there.
    #[cold]
    pub(crate) fn not_of_type(&self, id: Id, attribute: u16) -> Error {
        match self.mapper_of(id).def.composite_over(attribute) {
            Some((composite, def)) if def.optional => Error::new(
                ErrorKind::Value,
                format!(
                    "{} cannot be set, since {} is None: set that as a whole",
                    self.describe(id, attribute),
                    self.mapper_of(id).property(composite).name(),
                ),
            ),
            _ => self.wrong_type(id, attribute),
        }
    }

    /// Deletes a column attribute's value.
    pub(crate) fn delete_column(
        &mut self,
        id: Id,
        attribute: u16,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let loaded = self.arena.is_loaded(id, attribute);
        if !loaded && self.expression(id, attribute).is_none() {
            return Err(Error::new(
                ErrorKind::NoValue,
                format!("{} has no value to delete", self.describe(id, attribute)),
            ));
        }
        self.guarded(false, |s| {
            let mapper = s.declaring(id, attribute);
            if s.is_removal_heard(mapper, attribute) {
                let old = s.datum(id, attribute);
                let initiator =
                    initiator.unwrap_or(Initiator { mapper, attribute, op: Op::Remove });
                let mut change = Change {
                    target: id,
                    attribute,
                    op: Op::Remove,
                    initiator,
                    new: Incoming::None,
                    old,
                };
                s.validate(mapper, &mut change)?;
                s.notify(mapper, &mut change)?;
            }
            let old = s.arena.field(id, attribute).value();
            let state = s.arena.state(id);
            if !state.has(Flags::FRESH) && s.log.find(state.head, attribute).is_none() {
                s.write_log(id, attribute, Old::Value(old.clone()));
            }
            s.drop_expression(id, attribute);
            s.journal.write(|| Undo::Column { id, attribute, old, loaded, expired: false });
            s.arena.field_mut(id, attribute).clear();
            s.arena.of_mut(id).set_loaded(id.slot, attribute, false);
            s.touch(id);
            Ok(())
        })
    }

    /// Remembers what an attribute was; it must not be in the log yet.
    pub(crate) fn write_log(&mut self, id: Id, attribute: u16, old: Old) {
        let previous = self.arena.state(id).head;
        let head = self.log.push(Entry { attribute, previous, old });
        self.arena.state_mut(id).head = head;
        self.journal.write(|| Undo::Logged { id, attribute });
    }

    /// Flags an object as changed.
    #[inline]
    pub(crate) fn touch(&mut self, id: Id) {
        let state = self.arena.state_mut(id);
        if state.has(Flags::MODIFIED) && state.has(Flags::LISTED) {
            return;
        }
        let (flags, life) = (state.flags, state.life);
        let list =
            !flags.has(Flags::LISTED) && life == super::super::session::ObjectState::Persistent;
        state.flags.set(Flags::MODIFIED);
        if list {
            state.flags.set(Flags::LISTED);
        }
        if flags == self.arena.state(id).flags {
            return;
        }
        self.journal.write(|| Undo::Life { id, flags, life });
        if list {
            self.changed.push(id);
            self.journal.write(|| Undo::ChangedPushed { id });
            self.note_change();
        }
    }

    /// Whether an attribute has a value that is known.
    pub(crate) fn is_known(&self, id: Id, attribute: u16) -> bool {
        let Some(field) = self.arena.object(id).field(attribute) else { return false };
        match (field.many(), field.one()) {
            (Some(many), _) => many.loaded().is_some(),
            (None, Some(one)) => one.known().is_some(),
            (None, None) => {
                self.arena.is_loaded(id, attribute)
                    || self
                        .columns_of_composite(id, attribute)
                        .is_some_and(|columns| self.composite_datum(id, columns).is_some())
            }
        }
    }

    /// The present value of an attribute, whatever its kind; `None` where there is none.
    pub(crate) fn datum(&self, id: Id, attribute: u16) -> Option<Datum> {
        let field = self.arena.object(id).field(attribute)?;
        if let Some(many) = field.many() {
            let members = many.loaded()?;
            return Some(if self.is_keyed(id, attribute) {
                Datum::Map(members.entries().map(|(key, id)| (key.clone(), id)).collect())
            } else {
                Datum::Many(members.to_vec())
            });
        }
        if let Some(one) = field.one() {
            return one.known().map(Datum::One);
        }
        if self.arena.is_loaded(id, attribute) {
            return Some(Datum::Value(field.value()));
        }
        self.composite_datum(id, self.columns_of_composite(id, attribute)?)
    }

    /// Sets a value as if it had come from the database: no events, no history.
    pub(crate) fn set_committed_column(
        &mut self,
        id: Id,
        attribute: u16,
        value: Value,
    ) -> Result<()> {
        self.unfreshen(id);
        let slab = self.arena.of_mut(id);
        let result = match slab.objects.get_mut(id.slot).and_then(|o| o.field_mut(attribute)) {
            Some(field) => field.put(value),
            None => return Err(self.no_such_field(id, attribute)),
        };
        if let Err(bad) = result {
            return Err(Error::new(
                ErrorKind::Value,
                format!("{}: the value {bad}", self.describe(id, attribute)),
            ));
        }
        let slab = self.arena.of_mut(id);
        slab.set_loaded(id.slot, attribute, true);
        slab.set_expired(id.slot, attribute, false);
        self.forget_change(id, attribute);
        Ok(())
    }

    /// Drops what is remembered of an attribute's change.
    pub(crate) fn forget_change(&mut self, id: Id, attribute: u16) {
        let head = self.arena.state(id).head;
        let head = self.log.remove(head, attribute);
        self.arena.state_mut(id).head = head;
        self.deltas.remove(&(id, attribute));
    }

    /// From here on the object's changes are logged one by one: what it has now is logged as set.
    pub(crate) fn unfreshen(&mut self, id: Id) {
        if !self.arena.state(id).has(Flags::FRESH) {
            return;
        }
        let mappers = std::sync::Arc::clone(&self.mappers);
        let mapper = mappers.at(id.class);
        for attribute in 0..mapper.properties.len() as u16 {
            let Some(field) = self.arena.object(id).field(attribute) else { continue };
            if let Some(many) = field.many() {
                if let Some(members) = many.loaded() {
                    let mut delta = super::delta::Delta::default();
                    members.iter().for_each(|member| {
                        delta.add(member, None);
                    });
                    let old = self.deltas.insert((id, attribute), Box::new(delta));
                    self.journal.write(|| Undo::Delta { id, attribute, old });
                }
                continue;
            }
            let old = if field.one().is_some() {
                if !field.is_set() {
                    continue;
                }
                Old::One(crate::instrumentation::OneCore::Unset)
            } else if self.arena.is_loaded(id, attribute) {
                Old::Absent
            } else {
                continue;
            };
            self.write_log(id, attribute, old);
        }
        let state = self.arena.state_mut(id);
        let (flags, life) = (state.flags, state.life);
        state.flags.unset(Flags::FRESH);
        self.journal.write(|| Undo::Life { id, flags, life });
    }
}
