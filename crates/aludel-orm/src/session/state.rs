//! What a session knows of each object beside its values: SQLAlchemy's `InstanceState`.

/// Where an object stands between the program and the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectState {
    /// Not in the session, and without a row: made, but not added.
    Transient,
    /// Added; its row is inserted by the next flush.
    Pending,
    /// In the session, with a row.
    Persistent,
    /// Its row has been deleted in this transaction.
    Deleted,
    /// It has (or had) a row, but is not in the session.
    Detached,
}

/// The state of one slot of the arena.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Column attributes that have a value (the first 64; a slab keeps the rest).
    pub(crate) loaded: u64,
    /// Column attributes that have none because they were expired.
    pub(crate) expired: u64,
    /// The newest entry of the change log that concerns this object, plus one; 0 is none.
    pub(crate) head: u32,
    /// The generation of the slot; ids of another one are stale.
    pub(crate) generation: u32,
    pub(crate) flags: Flags,
    pub(crate) life: ObjectState,
}

/// Flags of an object's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// The slot holds an object.
    pub(crate) const TAKEN: Flags = Flags(1);
    /// Changed since the last flush (also when the changes cancel out).
    pub(crate) const MODIFIED: Flags = Flags(2);
    /// Every value present counts as set by the program: an object that has never had a row, and whose
    /// changes are therefore not logged.
    pub(crate) const FRESH: Flags = Flags(4);
    /// It has an identity: a key under which the database knows it.
    pub(crate) const HAS_KEY: Flags = Flags(8);
    /// Marked by `delete`, to be deleted by the next flush.
    pub(crate) const DELETING: Flags = Flags(16);
    /// It lost its owner while the owner was in no session: not inserted when it comes in by a cascade.
    pub(crate) const ORPHANED: Flags = Flags(32);
    /// Its row was inserted in this transaction.
    pub(crate) const INSERTED: Flags = Flags(64);
    /// Its identity key is kept in the side table, since the key attributes say something else.
    pub(crate) const KEY_ASIDE: Flags = Flags(256);
    /// It is listed in the session's list of changed objects.
    pub(crate) const LISTED: Flags = Flags(512);
    /// It has left the list of pending objects, where it may still stand.
    pub(crate) const LEFT: Flags = Flags(1024);
    /// It has left the session as a deleted one: it stands for no row, and cannot come in again as it is.
    pub(crate) const GONE: Flags = Flags(2048);

    #[inline]
    pub(crate) fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }
    #[inline]
    pub(crate) fn set(&mut self, flag: Flags) {
        self.0 |= flag.0;
    }
    #[inline]
    pub(crate) fn unset(&mut self, flag: Flags) {
        self.0 &= !flag.0;
    }
}

impl State {
    pub(crate) fn free(generation: u32) -> Self {
        Self {
            loaded: 0,
            expired: 0,
            head: 0,
            generation,
            flags: Flags::default(),
            life: ObjectState::Transient,
        }
    }

    /// Whether the object belongs to the session: pending or persistent.
    #[inline]
    pub(crate) fn in_session(&self) -> bool {
        matches!(self.life, ObjectState::Pending | ObjectState::Persistent)
    }

    /// Whether the session can load what belongs to the object, and takes in what comes to it: also where its row
    /// was deleted by a flush of this transaction.
    #[inline]
    pub(crate) fn is_attached(&self) -> bool {
        self.in_session() || self.life == ObjectState::Deleted
    }

    #[inline]
    pub(crate) fn has(&self, flag: Flags) -> bool {
        self.flags.has(flag)
    }
}
