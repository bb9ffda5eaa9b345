//! What has come to and gone from a relationship, as the flush needs it: nothing is loaded, and as little as
//! possible is copied.

use aludel_sql::{Bind, Value, ValueRef};
use smallvec::SmallVec;

use crate::attributes::log::Old;
use crate::instrumentation::{Id, ManyCore, OneCore};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::state::Flags;

/// The changes of one relationship of one object. The lists are used again for the next object.
#[derive(Default)]
pub(super) struct Links {
    pub(super) added: Vec<Id>,
    pub(super) unchanged: Vec<Id>,
    pub(super) deleted: Vec<Id>,
    /// A reference was set to nothing, or deleted.
    pub(super) cleared: bool,
}

impl Links {
    fn reset(&mut self) {
        self.added.clear();
        self.unchanged.clear();
        self.deleted.clear();
        self.cleared = false;
    }
}

/// Which members are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that came or went.
    Changes,
    /// Those that stayed as well.
    All,
}

impl Session {
    /// The changes of a relationship.
    pub(super) fn links(
        &self,
        id: Id,
        relationship: &Relationship,
        wanted: Wanted,
        into: &mut Links,
    ) {
        into.reset();
        let attribute = relationship.attribute;
        let Some(field) = self.arena.object(id).field(attribute) else { return };
        let fresh = self.arena.state(id).has(Flags::FRESH);
        if let Some(many) = field.many() {
            match many {
                ManyCore::Loaded(members) if fresh => into.added.extend(members.iter()),
                _ if fresh => {}
                many => {
                    let delta = self.deltas.get(&(id, attribute));
                    if let Some(delta) = delta {
                        into.added.extend(delta.added.iter());
                        into.deleted.extend(delta.removed.iter());
                    }
                    if wanted == Wanted::All
                        && let ManyCore::Loaded(members) = many
                    {
                        let stayed = |m: &Id| delta.is_none_or(|d| !d.added.contains(*m));
                        into.unchanged.extend(members.iter().filter(stayed));
                    }
                }
            }
        } else if let Some(one) = field.one() {
            self.reference_links(id, attribute, one, fresh, into);
        }
    }

    fn reference_links(
        &self,
        id: Id,
        attribute: u16,
        one: &OneCore,
        fresh: bool,
        into: &mut Links,
    ) {
        let current = one.known();
        if fresh {
            match current {
                Some(Some(target)) => into.added.push(target),
                Some(None) => into.cleared = true,
                None => {}
            }
            return;
        }
        let Some(entry) = self.log.find(self.arena.state(id).head, attribute) else {
            into.unchanged.extend(current.flatten());
            return;
        };
        let old = match &entry.old {
            Old::One(old) => old.known(),
            _ => None,
        };
        if let (Some(current), Some(old)) = (current, old)
            && current == old
        {
            into.unchanged.extend(current);
            return;
        }
        into.deleted.extend(old.flatten());
        match current {
            Some(Some(target)) => into.added.push(target),
            None if entry.old.was_never_set() => {}
            _ => into.cleared = true,
        }
    }

    /// Whether a relationship says anything: it was set, is loaded, or has changed.
    pub(super) fn has_links(&self, id: Id, relationship: &Relationship) -> bool {
        let attribute = relationship.attribute;
        let Some(field) = self.arena.object(id).field(attribute) else { return false };
        if let Some(many) = field.many() {
            return many.loaded().is_some_and(|m| !m.is_empty())
                || self.deltas.get(&(id, attribute)).is_some_and(|d| !d.is_empty());
        }
        field.one().is_some_and(|one| one.known().is_some())
            || self.log.find(self.arena.state(id).head, attribute).is_some()
    }

    /// Whether one of these column attributes of a persistent object has another value than its row.
    pub(super) fn any_changed(&self, id: Id, wanted: impl Fn(u16) -> bool) -> bool {
        let state = self.arena.state(id);
        if state.head == 0 || state.has(Flags::FRESH) {
            return false;
        }
        self.log.chain(state.head).any(|entry| {
            wanted(entry.attribute)
                && entry.old.value().is_some_and(|old| self.differs(id, entry.attribute, old))
        })
    }

    /// Whether a part of the primary key of a persistent object has another value than its row.
    #[inline]
    pub(super) fn is_rekeyed(&self, id: Id) -> bool {
        if self.arena.state(id).has(Flags::KEY_ASIDE) {
            return self.current_key(id) != self.identity_key(id);
        }
        let key = &self.mapper_of(id).primary_key;
        self.any_changed(id, |attribute| key.contains(&attribute))
    }

    /// Whether an attribute is of the key, which is kept aside, and has the value that it has there.
    fn is_key_as_it_was(&self, id: Id, attribute: u16) -> bool {
        let Some(key) = self.keys_aside.get(&id) else { return false };
        let parts = self.mapper_of(id).primary_key.iter().zip(key.values());
        parts
            .into_iter()
            .any(|(part, old)| *part == attribute && self.same_value(id, attribute, &old))
    }

    /// Whether an attribute has another value than this one, or none.
    fn differs(&self, id: Id, attribute: u16, old: &Value) -> bool {
        let slab = self.arena.of(id);
        if !slab.is_loaded(id.slot, attribute) {
            return true;
        }
        // What is equal as a number is equal whatever the type.
        if let Value::I64(old) = old
            && let Some(field) = slab.objects.get(id.slot).and_then(|o| o.field(attribute))
            && let Bind::Ref(ValueRef::I64(new)) = field.bind()
        {
            return new != *old;
        }
        !self.same_value(id, attribute, old)
    }

    /// The column attributes whose values differ from the row's.
    pub(super) fn net_changes(&self, id: Id) -> SmallVec<[u16; 8]> {
        let state = self.arena.state(id);
        let mut changed = SmallVec::new();
        if state.has(Flags::FRESH) {
            let slab = self.arena.of(id);
            let columns = &self.mapper_of(id).columns;
            changed.extend(columns.iter().copied().filter(|a| slab.is_loaded(id.slot, *a)));
            return changed;
        }
        for entry in self.log.chain(state.head) {
            let differs = match &entry.old {
                Old::Value(old) => self.differs(id, entry.attribute, old),
                Old::Absent => {
                    self.arena.is_loaded(id, entry.attribute)
                        && !self.is_key_as_it_was(id, entry.attribute)
                }
                Old::Expression(replaced) => match &replaced.old {
                    Some(old) => self.differs(id, entry.attribute, old),
                    None => true,
                },
                Old::One(_) => false,
            };
            if differs {
                changed.push(entry.attribute);
            }
        }
        changed
    }

    /// Whether the object is expired, and its row is to be changed all the same.
    pub(super) fn changes_row(&self, id: Id) -> bool {
        self.is_wholly_expired(id) && !self.net_changes(id).is_empty()
    }

    /// The value that an attribute has in the row, as far as it is known.
    pub(super) fn committed_value(&self, id: Id, attribute: u16) -> Option<Value> {
        let state = self.arena.state(id);
        match self.log.find(state.head, attribute).map(|e| &e.old) {
            Some(old) => old.value().cloned(),
            None if self.arena.is_loaded(id, attribute) => {
                Some(self.arena.field(id, attribute).value())
            }
            None => None,
        }
    }
}
