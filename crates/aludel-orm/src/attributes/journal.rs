//! The journal: what to do to take operations back.
//!
//! It is written only inside a [scope](Session::scope), and read backwards when the scope fails. A scope that waits for
//! the database is [suspended](Scope::suspend) meanwhile, so that loads stay: entries name what they are about, since
//! other things may have come after it.

use std::ops::{Deref, DerefMut};

use aludel_sql::Value;

use super::delta::Delta;
use super::log::Old;
use crate::instrumentation::{Field, Id, OneCore};
use crate::session::Session;
use crate::session::before::Before;
use crate::session::owners::Owner;
use crate::session::state::{Flags, ObjectState};
use crate::{Error, ErrorKind, Result};

pub(crate) enum Undo {
    /// A column had this value and these bits.
    Column {
        id: Id,
        attribute: u16,
        old: Value,
        loaded: bool,
        expired: bool,
    },
    /// A composite, or a value changed in place, was this, and its columns had these bits: (attribute, loaded,
    /// expired).
    Composite {
        id: Id,
        attribute: u16,
        old: Box<dyn Field>,
        bits: Vec<(u16, bool, bool)>,
    },
    /// A reference was this.
    One {
        id: Id,
        attribute: u16,
        old: OneCore,
    },
    /// A collection was this.
    Many {
        id: Id,
        attribute: u16,
        old: crate::instrumentation::ManyCore,
    },
    /// A member was put into this slot; those after it have moved, or there were none.
    Inserted {
        id: Id,
        attribute: u16,
        slot: usize,
        moved: bool,
    },
    /// A member was taken from this slot.
    Removed {
        id: Id,
        attribute: u16,
        slot: usize,
        member: Id,
        key: Option<Value>,
    },
    /// The difference of a collection was this.
    Delta {
        id: Id,
        attribute: u16,
        old: Option<Box<Delta>>,
    },
    /// The difference gained, or lost, a member.
    DeltaAdded {
        id: Id,
        attribute: u16,
        member: Id,
        /// It had gone before, from this slot.
        cancelled: Option<u32>,
    },
    DeltaRemoved {
        id: Id,
        attribute: u16,
        member: Id,
        /// It had come before.
        cancelled: bool,
    },
    /// An entry was added to the log.
    Logged {
        id: Id,
        attribute: u16,
    },
    /// What an attribute was is not known any more; it was this.
    Forgotten {
        id: Id,
        attribute: u16,
        old: Old,
    },
    /// The key is kept aside.
    KeyPutAside {
        id: Id,
    },
    /// What was known of an object's owner in a relationship.
    Owner {
        id: Id,
        relationship: usize,
        old: Owner,
    },
    /// The flags and the life of an object.
    Life {
        id: Id,
        flags: Flags,
        life: ObjectState,
    },
    /// New objects have become pending: those on the list of objects to be inserted, from this place on.
    BecamePending {
        from: usize,
    },
    /// An object was added to the list of those to be inserted, or of the changed ones.
    PendingPushed {
        id: Id,
    },
    ChangedPushed {
        id: Id,
    },
    /// An object was taken into the arena.
    Made {
        id: Id,
    },
    /// A detached object came to stand for its row again.
    Attached {
        id: Id,
    },
}

impl Undo {
    /// The object that it is about.
    fn object(&self) -> Option<Id> {
        match self {
            Self::Column { id, .. }
            | Self::Composite { id, .. }
            | Self::One { id, .. }
            | Self::Many { id, .. }
            | Self::Inserted { id, .. }
            | Self::Removed { id, .. }
            | Self::Delta { id, .. }
            | Self::DeltaAdded { id, .. }
            | Self::DeltaRemoved { id, .. }
            | Self::Logged { id, .. }
            | Self::Forgotten { id, .. }
            | Self::KeyPutAside { id }
            | Self::Owner { id, .. }
            | Self::Life { id, .. }
            | Self::Made { id }
            | Self::Attached { id } => Some(*id),
            Self::BecamePending { .. }
            | Self::PendingPushed { .. }
            | Self::ChangedPushed { .. } => None,
        }
    }
}

#[derive(Default)]
pub(crate) struct Journal {
    entries: Vec<Undo>,
    depth: u32,
}

impl Journal {
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.depth > 0
    }

    #[inline]
    pub(crate) fn write(&mut self, entry: impl FnOnce() -> Undo) {
        if self.depth > 0 {
            self.entries.push(entry());
        }
    }
}

impl Session {
    /// Runs operations of which all or none take effect: when `run` fails, what it did to objects is undone. That
    /// is what changes attributes, makes objects and adds them; what takes objects out of the session is not undone.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(session: &mut Session, user: Handle<User>) -> Result<()> {
    /// session.atomic(|session| {
    ///     session.set(user, User::age, 30)?;
    ///     // Should this be refused, the age is as it was.
    ///     session.append(user, User::addresses, Address::default())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever `run` fails with.
    pub fn atomic<R>(&mut self, run: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        self.scope(run)
    }

    /// Runs operations of which all or none take effect.
    ///
    /// # Errors
    ///
    /// Whatever `run` fails with; everything it did to objects is then undone.
    pub(crate) fn scope<R>(&mut self, run: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let mut scope = self.open_scope();
        let result = run(&mut scope)?;
        scope.keep();
        Ok(result)
    }

    /// Begins operations of which all or none take effect.
    pub(crate) fn open_scope(&mut self) -> Scope<'_> {
        self.resume_scope(Suspended::default())
    }

    /// Goes on with operations of which all or none take effect.
    pub(crate) fn resume_scope(&mut self, suspended: Suspended) -> Scope<'_> {
        let mark = self.journal.entries.len();
        let (begun, noted) = (self.begun, self.listeners.noted_so_far());
        self.journal.entries.extend(suspended.0);
        self.journal.depth += 1;
        Scope { session: self, mark, begun, noted, before: Vec::new(), kept: false }
    }

    /// Whether a flush may begin, and the transaction may end.
    ///
    /// # Errors
    ///
    /// When an operation is under way that may be taken back: the database would not know of that.
    pub(crate) fn check_no_scope(&self) -> Result<()> {
        match self.journal.is_open() {
            true => Err(Error::new(
                ErrorKind::InvalidRequest,
                "an operation is under way that its listeners may refuse: they can neither flush nor end the \
                 transaction",
            )),
            false => Ok(()),
        }
    }

    /// As [`scope`](Self::scope), where the operation may fail half-way: somebody listens and may refuse, or
    /// the operation is `risky` by itself; else just runs.
    pub(crate) fn guarded<R>(
        &mut self,
        risky: bool,
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        if risky || self.may_refuse() { self.scope(run) } else { run(self) }
    }

    fn take_back(&mut self, mark: usize) {
        let depth = std::mem::take(&mut self.journal.depth);
        let mut shown = Vec::new();
        while self.journal.entries.len() > mark {
            if let Some(entry) = self.journal.entries.pop() {
                if let Undo::Inserted { id, attribute, .. } | Undo::Removed { id, attribute, .. } =
                    &entry
                {
                    shown.push((*id, *attribute));
                }
                self.undo(entry);
            }
        }
        self.journal.depth = depth;
        self.show_again(shown);
    }

    /// Members were put back: the collections of the user's kind that show them are made anew.
    fn show_again(&mut self, mut shown: Vec<(Id, u16)>) {
        let mappers = std::sync::Arc::clone(&self.mappers);
        shown.retain(|(id, attribute)| {
            let relationship = mappers.at(id.class).relationship(*attribute);
            relationship.is_some_and(|r| r.shown.is_some()) && self.arena.holds(*id)
        });
        let seen: hashbrown::HashSet<(Id, u16), foldhash::fast::RandomState> =
            shown.into_iter().collect();
        for (id, attribute) in seen {
            if let Some(relationship) = mappers.at(id.class).relationship(attribute) {
                self.show_all(id, relationship);
            }
        }
    }

    fn undo(&mut self, entry: Undo) {
        if entry.object().is_some_and(|id| !self.arena.holds(id)) {
            // A listener has taken the object out of the arena, with all that was known of it.
            return;
        }
        match entry {
            Undo::Column { id, attribute, old, loaded, expired } => {
                // The value came from this field, so that it fits.
                let _ = self.arena.field_mut(id, attribute).put(old);
                if !loaded {
                    self.arena.field_mut(id, attribute).clear();
                }
                let slab = self.arena.of_mut(id);
                slab.set_loaded(id.slot, attribute, loaded);
                slab.set_expired(id.slot, attribute, expired);
            }
            Undo::Composite { id, attribute, mut old, bits } => {
                self.arena.field_mut(id, attribute).swap(&mut *old);
                let slab = self.arena.of_mut(id);
                for (column, loaded, expired) in bits {
                    slab.set_loaded(id.slot, column, loaded);
                    slab.set_expired(id.slot, column, expired);
                }
            }
            Undo::One { id, attribute, old } => {
                if let Some(core) = self.arena.field_mut(id, attribute).one_mut() {
                    *core = old;
                }
            }
            Undo::Many { id, attribute, old } => {
                if let Some(core) = self.arena.field_mut(id, attribute).many_mut() {
                    *core = old;
                }
            }
            Undo::Inserted { id, attribute, slot, moved } => {
                if let Some(members) = self.members_mut(id, attribute) {
                    members.uninsert(slot);
                }
                if moved && let Some(delta) = self.deltas.get_mut(&(id, attribute)) {
                    delta.closed(slot);
                }
            }
            Undo::Removed { id, attribute, slot, member, key } => {
                if let Some(members) = self.members_mut(id, attribute) {
                    members.unremove(slot, member, key);
                }
            }
            Undo::Delta { id, attribute, old } => match old {
                Some(old) => {
                    self.deltas.insert((id, attribute), old);
                }
                None => {
                    self.deltas.remove(&(id, attribute));
                }
            },
            Undo::DeltaAdded { id, attribute, member, cancelled } => {
                if let Some(delta) = self.deltas.get_mut(&(id, attribute)) {
                    delta.unadd(member, cancelled);
                }
            }
            Undo::DeltaRemoved { id, attribute, member, cancelled } => {
                if let Some(delta) = self.deltas.get_mut(&(id, attribute)) {
                    delta.unremove(member, cancelled);
                }
            }
            Undo::Logged { id, attribute } => {
                let head = self.arena.state(id).head;
                let head = self.log.take_back(head, attribute);
                self.arena.state_mut(id).head = head;
            }
            Undo::Forgotten { id, attribute, old } => {
                let head = self.arena.state(id).head;
                if let Some(entry) = self.log.find_mut(head, attribute) {
                    entry.old = old;
                }
            }
            Undo::KeyPutAside { id } => self.forget_key_aside(id),
            Undo::Owner { id, relationship, old } => {
                self.arena.of_mut(id).owners.set(id.slot, relationship, old);
            }
            Undo::Life { id, flags, life } => {
                let state = self.arena.state_mut(id);
                state.flags = flags;
                state.life = life;
            }
            Undo::BecamePending { from } => {
                for id in self.pending.split_off(from.min(self.pending.len())) {
                    if self.arena.holds(id) {
                        self.arena.state_mut(id).life = ObjectState::Transient;
                    }
                }
            }
            Undo::PendingPushed { id } => take_last(&mut self.pending, id),
            Undo::ChangedPushed { id } => take_last(&mut self.changed, id),
            Undo::Made { id } => {
                self.arena.of_mut(id).release(id.slot);
            }
            Undo::Attached { id } => self.drop_identity(id),
        }
    }
}

/// Takes the last occurrence of an object from a list, where it most often is at the end.
fn take_last(list: &mut Vec<Id>, id: Id) {
    if let Some(at) = list.iter().rposition(|other| *other == id) {
        list.remove(at);
    }
}

/// Operations of which all or none take effect: what is done to objects is taken back when this is dropped, unless it is
/// [kept](Self::keep).
pub(crate) struct Scope<'s> {
    session: &'s mut Session,
    mark: usize,
    begun: bool,
    noted: usize,
    before: Vec<Before>,
    kept: bool,
}

/// What takes the operations of a scope back that waits.
#[derive(Default)]
pub(crate) struct Suspended(Vec<Undo>);

impl Scope<'_> {
    /// Everything has gone well.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }

    /// Has objects put back as they are now, where the operations are taken back: for what writes no journal.
    pub(crate) fn put_back_too(&mut self, before: Vec<Before>) {
        self.before.extend(before);
    }

    /// Ends the scope for now: what is done from here on is not taken back with it.
    pub(crate) fn suspend(mut self) -> Suspended {
        self.kept = true;
        let mark = self.mark;
        Suspended(self.journal.entries.split_off(mark))
    }
}

impl Deref for Scope<'_> {
    type Target = Session;
    fn deref(&self) -> &Session {
        self.session
    }
}

impl DerefMut for Scope<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.session
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        let session = &mut *self.session;
        session.journal.depth -= 1;
        if !self.kept {
            session.take_back(self.mark);
            self.before.drain(..).for_each(|before| session.put_back(before));
            session.begun = self.begun;
            session.listeners.forget_noted_since(self.noted);
        } else if session.journal.depth == 0 {
            session.journal.entries.clear();
        }
    }
}
