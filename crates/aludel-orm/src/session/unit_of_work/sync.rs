//! Carrying keys from row to row, in memory.

use aludel_sql::{Bind, Value, ValueRef};

use crate::attributes::Datum;
use crate::attributes::log::Old;
use crate::instrumentation::{Id, OneCore};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::state::Flags;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// An attribute of `to` takes over the value of an attribute of `from`.
    pub(super) fn carry(&mut self, from: Id, source: u16, to: Id, dest: u16) -> Result<()> {
        if let Some(key) = self.whole_key(from, source) {
            return self.carry_whole(key, to, dest);
        }
        let known = self.is_key_known(from, source);
        if !known && self.needs_load(from, source) {
            return Err(self.not_loaded(from, source));
        }
        let value = if known { self.arena.field(from, source).value() } else { Value::Null };
        self.write_key(to, dest, value)
    }

    fn is_key_known(&self, from: Id, source: u16) -> bool {
        self.arena.is_loaded(from, source)
            || self.arena.state(from).has(Flags::HAS_KEY)
                && self.mapper_of(from).primary_key.contains(&source)
    }

    /// The value of an attribute that others take over, where it is known and a whole number, by far the most frequent.
    pub(super) fn whole_key(&self, from: Id, source: u16) -> Option<i64> {
        let field = self.is_key_known(from, source).then(|| self.arena.field(from, source))?;
        match field.bind() {
            Bind::Ref(ValueRef::I64(key)) => Some(key),
            _ => None,
        }
    }

    /// An attribute of `to` takes over a whole number.
    pub(super) fn carry_whole(&mut self, key: i64, to: Id, dest: u16) -> Result<()> {
        let refusable = self.may_refuse();
        let slab = self.arena.of_mut(to);
        let loaded = slab.is_loaded(to.slot, dest);
        let fresh = slab.states[to.slot as usize].has(Flags::FRESH);
        let object = slab.objects.get_mut(to.slot);
        let Some(field) = object.and_then(|object| object.field_mut(dest)) else {
            return Err(self.no_such_field(to, dest));
        };
        // Mostly the other side of the relationship has carried it over already.
        if loaded && matches!(field.bind(), Bind::Ref(ValueRef::I64(same)) if same == key) {
            return Ok(());
        }
        if !fresh || refusable {
            return self.write_key(to, dest, Value::I64(key));
        }
        // A new object: nothing of it is logged.
        if let Err(bad) = field.put(Value::I64(key)) {
            return Err(self.key_misfit(to, dest, bad));
        }
        slab.set_loaded(to.slot, dest, true);
        slab.set_expired(to.slot, dest, false);
        slab.states[to.slot as usize].flags.set(Flags::MODIFIED);
        Ok(())
    }

    /// Whether a new object refers to a target whose key it has.
    #[inline]
    pub(super) fn has_key_of(
        &self,
        id: Id,
        (reference, local): (u16, u16),
        (target, key): (Id, i64),
    ) -> bool {
        let slab = self.arena.of(id);
        let state = &slab.states[id.slot as usize];
        let Some(object) = slab.objects.get(id.slot).filter(|_| state.has(Flags::FRESH)) else {
            return false;
        };
        let one = object.field(reference).and_then(|field| field.one());
        let own = object.field(local).filter(|_| slab.is_loaded(id.slot, local));
        one.and_then(OneCore::known) == Some(Some(target))
            && own.is_some_and(|f| matches!(f.bind(), Bind::Ref(ValueRef::I64(n)) if n == key))
    }

    #[cold]
    fn key_misfit(&self, id: Id, attribute: u16, bad: aludel_sql::Bad) -> Error {
        let message =
            format!("{} cannot take over a key: the value {bad}", self.describe(id, attribute));
        Error::new(ErrorKind::Value, message)
    }

    /// The foreign key of an object is cleared.
    ///
    /// # Errors
    ///
    /// When it is part of the object's own key.
    pub(super) fn clear_key(
        &mut self,
        relationship: &Relationship,
        id: Id,
        attributes: impl Iterator<Item = u16>,
    ) -> Result<()> {
        for attribute in attributes {
            if self.mapper_of(id).primary_key.contains(&attribute)
                && !self.arena.field(id, attribute).bind().as_ref().is_null()
            {
                let owner = self.mappers.at(relationship.parent).class_name();
                return Err(Error::new(
                    ErrorKind::Validation,
                    format!(
                        "{owner}.{} would clear {}, which is part of its primary key: delete the object \
                         (cascade `all, delete-orphan`), or give it another owner",
                        relationship.name,
                        self.describe(id, attribute),
                    ),
                ));
            }
            self.write_key(id, attribute, Value::Null)?;
        }
        Ok(())
    }

    /// Gives a foreign key attribute a value; it is logged as any change is.
    fn write_key(&mut self, id: Id, attribute: u16, value: Value) -> Result<()> {
        let slab = self.arena.of(id);
        let loaded = slab.is_loaded(id.slot, attribute);
        let fresh = slab.states[id.slot as usize].has(Flags::FRESH);
        if loaded && self.same_value(id, attribute, &value) {
            return Ok(());
        }
        if self.may_refuse() && self.is_heard(self.declaring(id, attribute), attribute) {
            return self.set_datum(id, attribute, Datum::Value(value));
        }
        if !fresh && self.log.find(self.arena.state(id).head, attribute).is_none() {
            let is_key = self.arena.state(id).has(Flags::HAS_KEY)
                && self.mapper_of(id).primary_key.contains(&attribute);
            let old = if loaded || is_key {
                Old::Value(self.arena.field(id, attribute).value())
            } else {
                Old::Absent
            };
            self.write_log(id, attribute, old);
        }
        let null = value.is_null();
        let slab = self.arena.of_mut(id);
        let put = match slab.objects.get_mut(id.slot).and_then(|o| o.field_mut(attribute)) {
            Some(field) => field.put(value),
            None => return Err(self.no_such_field(id, attribute)),
        };
        // A field that cannot hold NULL is left without a value: the database says what it thinks of that.
        let absent = put.is_err() && null;
        if let (Err(bad), false) = (put, absent) {
            return Err(self.key_misfit(id, attribute, bad));
        }
        let slab = self.arena.of_mut(id);
        slab.set_loaded(id.slot, attribute, !absent);
        slab.set_expired(id.slot, attribute, false);
        self.touch(id);
        Ok(())
    }
}
