//! Values that tell by themselves that they were changed: `Mutable`.

use super::events::{Change, Incoming, Initiator, Op};
use super::journal::Undo;
use super::log::Old;
use crate::Result;
use crate::instrumentation::{Field, Id};
use crate::session::Session;
use crate::session::state::Flags;

impl Session {
    /// Takes over a tracked value that was changed in place: validators see it, and listeners of
    /// [`Op::Modified`]. What it was is not remembered, unless it was replaced before.
    pub(crate) fn change_in_place(
        &mut self,
        id: Id,
        attribute: u16,
        new: &mut dyn Field,
    ) -> Result<()> {
        self.arena.check(id)?;
        self.guarded(false, |s| {
            if s.may_refuse() {
                let mapper = s.declaring(id, attribute);
                let initiator = Initiator { mapper, attribute, op: Op::Modified };
                let mut change = Change {
                    target: id,
                    attribute,
                    op: Op::Modified,
                    initiator,
                    new: Incoming::Field(new),
                    old: None,
                };
                s.validate(mapper, &mut change)?;
                s.notify(mapper, &mut change)?;
            }
            let slab = s.arena.of(id);
            let bits = (
                attribute,
                slab.is_loaded(id.slot, attribute),
                slab.is_expired(id.slot, attribute),
            );
            let fresh = slab.states[id.slot as usize].has(Flags::FRESH);
            if !s.arena.field_mut(id, attribute).swap(new) {
                return Err(s.wrong_type(id, attribute));
            }
            s.journal.write(|| Undo::Composite {
                id,
                attribute,
                old: new.clone_field(),
                bits: vec![bits],
            });
            let slab = s.arena.of_mut(id);
            slab.set_loaded(id.slot, attribute, true);
            slab.set_expired(id.slot, attribute, false);
            if !fresh && s.log.find(s.arena.state(id).head, attribute).is_none() {
                s.write_log(id, attribute, Old::Absent);
            }
            s.touch(id);
            Ok(())
        })
    }
}
