//! Composite attributes: a value over several columns, of which each is an attribute of its own.
//!
//! A composite has no state of its own. Whether it is loaded, what it was and whether it has changed is said
//! by its columns; setting it sets them, in one step, after validators and listeners of the composite and
//! then those of the columns have been asked.

use aludel_sql::{Error, ErrorKind, Value};
use smallvec::SmallVec;

use super::Datum;
use super::events::{Change, Incoming, Initiator, Op};
use super::history::History;
use super::journal::Undo;
use super::log::Old;
use crate::Result;
use crate::instrumentation::{Field, Id};
use crate::mapping::PropertyKind;
use crate::session::Session;
use crate::session::state::Flags;

/// The columns of a composite.
type Columns = SmallVec<[u16; 4]>;

/// Which columns a set of a composite is a set of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of them: the composite was replaced.
    All,
    /// Those that hold another value: it was changed in place.
    Changed,
}

impl Session {
    /// The column attributes of a composite; none where the attribute is something else.
    pub(crate) fn columns_of_composite(&self, id: Id, attribute: u16) -> Option<&[u16]> {
        match &self.mapper_of(id).property(attribute).kind {
            PropertyKind::Composite { attributes } => Some(attributes),
            _ => None,
        }
    }

    fn columns(&self, id: Id, attribute: u16) -> Columns {
        self.columns_of_composite(id, attribute).unwrap_or_default().into()
    }

    /// Whether reading a composite means loading one of its columns.
    pub(crate) fn composite_needs_load(&self, id: Id, columns: &[u16]) -> bool {
        columns.iter().any(|a| !self.arena.is_loaded(id, *a) && self.needs_load(id, *a))
    }

    /// Sets a composite from a field of its own type; afterwards `new` holds any value.
    pub(crate) fn set_composite(
        &mut self,
        id: Id,
        attribute: u16,
        new: &mut dyn Field,
        extent: Extent,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let columns = self.columns(id, attribute);
        if !self.may_refuse() {
            return self.put_composite(id, attribute, &columns, new, extent);
        }
        self.scope(|s| {
            let mapper = s.declaring(id, attribute);
            if s.is_heard(mapper, attribute) {
                let old = s.composite_datum(id, &columns);
                let token = Initiator { mapper, attribute, op: Op::Replace };
                s.announce(id, initiator.unwrap_or(token), (mapper, attribute), new, old)?;
            }
            s.announce_columns(id, attribute, &columns, new, extent)?;
            s.put_composite(id, attribute, &columns, new, extent)
        })
    }

    fn announce(
        &mut self,
        id: Id,
        initiator: Initiator,
        (mapper, attribute): (u16, u16),
        new: &mut dyn Field,
        old: Option<Datum>,
    ) -> Result<()> {
        let new = Incoming::Field(new);
        let mut change = Change { target: id, attribute, op: Op::Replace, initiator, new, old };
        self.validate(mapper, &mut change)?;
        self.notify(mapper, &mut change)
    }

    /// Asks the validators and listeners of the columns. They may put another value in place of one.
    fn announce_columns(
        &mut self,
        id: Id,
        attribute: u16,
        columns: &[u16],
        new: &mut dyn Field,
        extent: Extent,
    ) -> Result<()> {
        let heard = |s: &Self, column: u16| s.is_heard(s.declaring(id, column), column);
        if !columns.iter().any(|column| heard(self, *column)) {
            return Ok(());
        }
        // The fields of the new value, as those of an object that has it.
        let mut draft = self.arena.object(id).clone_object();
        let swap = |draft: &mut dyn crate::instrumentation::Object, new: &mut dyn Field| {
            draft.field_mut(attribute).is_some_and(|field| field.swap(new))
        };
        if !swap(&mut *draft, new) {
            return Err(self.wrong_type(id, attribute));
        }
        for &column in columns {
            let Some(field) = draft.field_mut(column) else { continue };
            let same = field.same(self.arena.field(id, column));
            if heard(self, column) && (extent == Extent::All || !same) {
                let old = self.datum(id, column);
                let mapper = self.declaring(id, column);
                let token = Initiator { mapper, attribute: column, op: Op::Replace };
                self.announce(id, token, (mapper, column), field, old)?;
            }
        }
        swap(&mut *draft, new);
        Ok(())
    }

    /// The change itself: no events.
    fn put_composite(
        &mut self,
        id: Id,
        attribute: u16,
        columns: &[u16],
        new: &mut dyn Field,
        extent: Extent,
    ) -> Result<()> {
        let slab = self.arena.of(id);
        let fresh = slab.states[id.slot as usize].has(Flags::FRESH);
        let bits: Vec<(u16, bool, bool)> = columns
            .iter()
            .map(|&a| (a, slab.is_loaded(id.slot, a), slab.is_expired(id.slot, a)))
            .collect();
        let old: SmallVec<[Value; 4]> =
            columns.iter().map(|&a| self.arena.field(id, a).value()).collect();
        if !self.arena.field_mut(id, attribute).swap(new) {
            return Err(self.wrong_type(id, attribute));
        }
        // `new` holds the old value from here on.
        if self.journal.is_open() {
            let old = new.clone_field();
            let bits = bits.clone();
            self.journal.write(|| Undo::Composite { id, attribute, old, bits });
        }
        for (&(column, loaded, expired), old) in bits.iter().zip(old) {
            let slab = self.arena.of_mut(id);
            slab.set_loaded(id.slot, column, true);
            if expired {
                slab.set_expired(id.slot, column, false);
            }
            let unchanged = loaded
                && extent == Extent::Changed
                && self.arena.field(id, column).bind().as_ref() == old.as_ref();
            if fresh || unchanged {
                continue;
            }
            if self.log.find(self.arena.state(id).head, column).is_none() {
                let old = if loaded { Old::Value(old) } else { Old::Absent };
                self.write_log(id, column, old);
            }
        }
        self.touch(id);
        Ok(())
    }

    /// Deletes a composite's value: its columns become NULL.
    pub(crate) fn delete_composite(
        &mut self,
        id: Id,
        attribute: u16,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let columns = self.columns(id, attribute);
        let Some(old) = self.composite_datum(id, &columns) else {
            return Err(Error::new(
                ErrorKind::NoValue,
                format!("{} has no value to delete", self.describe(id, attribute)),
            ));
        };
        let mut none = self.composite_of(id, attribute, Value::Null)?;
        self.guarded(false, |s| {
            let mapper = s.declaring(id, attribute);
            if s.listeners.listens(mapper, attribute, Op::Remove) {
                let initiator =
                    initiator.unwrap_or(Initiator { mapper, attribute, op: Op::Remove });
                let (new, old) = (Incoming::None, Some(old));
                let mut change =
                    Change { target: id, attribute, op: Op::Remove, initiator, new, old };
                s.notify(mapper, &mut change)?;
            }
            s.put_composite(id, attribute, &columns, &mut *none, Extent::All)
        })
    }

    /// A field of a composite's type from a value: coercion.
    fn composite_of(&self, id: Id, attribute: u16, value: Value) -> Result<Box<dyn Field>> {
        self.arena.field(id, attribute).with_value(value).map_err(|bad| {
            Error::new(
                ErrorKind::Value,
                format!("{}: the value {bad}", self.describe(id, attribute)),
            )
        })
    }

    /// Sets a composite as if it had come from the database: no events, no history.
    pub(crate) fn set_committed_composite(
        &mut self,
        id: Id,
        attribute: u16,
        value: Value,
    ) -> Result<()> {
        let mut new = self.composite_of(id, attribute, value)?;
        self.unfreshen(id);
        if !self.arena.field_mut(id, attribute).swap(&mut *new) {
            return Err(self.wrong_type(id, attribute));
        }
        for column in self.columns(id, attribute) {
            let slab = self.arena.of_mut(id);
            slab.set_loaded(id.slot, column, true);
            slab.set_expired(id.slot, column, false);
            self.forget_change(id, column);
        }
        Ok(())
    }

    /// The present value of a composite. One whose columns have all been set to NULL reads as NULL until they
    /// are flushed, as it was set; afterwards as what the database has, a composite of NULLs.
    pub(crate) fn composite_datum(&self, id: Id, columns: &[u16]) -> Option<Datum> {
        let values = self.composite_values(id, columns)?;
        let state = self.arena.state(id);
        let is_set = || {
            let is_logged = |a: &u16| self.log.find(state.head, *a).is_some();
            state.has(Flags::FRESH) || columns.iter().any(is_logged)
        };
        Some(Datum::Value(match values.iter().all(Value::is_null) && is_set() {
            true => Value::Null,
            false => Value::Tuple(values),
        }))
    }

    /// The present values of the columns of a composite. `None` where no column has one, or one of them would
    /// have to be loaded.
    fn composite_values(&self, id: Id, columns: &[u16]) -> Option<Box<[Value]>> {
        let is_loaded = |a: &u16| self.arena.is_loaded(id, *a);
        if self.composite_needs_load(id, columns) || !columns.iter().any(is_loaded) {
            return None;
        }
        let value = |a: &u16| match is_loaded(a) {
            true => self.arena.field(id, *a).value(),
            false => Value::Null,
        };
        Some(columns.iter().map(value).collect())
    }

    /// The history of a composite, from those of its columns: a column whose old value is not known counts as
    /// NULL in the old composite.
    pub(crate) fn composite_history(&self, id: Id, columns: &[u16]) -> History<Value> {
        let Some(current) = self.composite_values(id, columns).map(Value::Tuple) else {
            return match columns.iter().any(|a| self.expression(id, *a).is_some()) {
                true => History::by_expression(Vec::new()),
                false => History::default(),
            };
        };
        if self.arena.state(id).has(Flags::FRESH) {
            return History::new(vec![current], Vec::new(), Vec::new());
        }
        let histories: Vec<History<Value>> =
            columns.iter().map(|a| self.column_history(id, *a)).collect();
        if !histories.iter().any(History::has_changes) {
            return History::new(Vec::new(), vec![current], Vec::new());
        }
        let old = histories.iter().map(|h| h.non_added().next().cloned().unwrap_or_default());
        History::new(vec![current], Vec::new(), vec![Value::Tuple(old.collect())])
    }
}
