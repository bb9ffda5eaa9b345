//! The events by name, family by family.

use super::of::{OfAttribute, OfClass};
use crate::attributes::Op;
use crate::instrumentation::{AnyClass, Attr, Field, Mapped, Record, RecordClass};

/// What can happen to an attribute: SQLAlchemy's `AttributeEvents`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeEvent {
    /// A column's value or a reference is set.
    Set,
    /// A member is added to a collection.
    Append,
    /// A member was added to a set that has it already: nothing changes.
    AppendWithoutMutation,
    /// A member is taken away, or a value deleted.
    Remove,
    /// A whole collection is replaced.
    BulkReplace,
    /// A value was changed in place, or flagged as changed.
    Modified,
    /// An object is made without a value for a column: a listener may give one.
    InitScalar,
    /// The program begins a collection, by a first member or by replacing it.
    InitCollection,
    /// A collection has been replaced by another.
    DisposeCollection,
}

impl From<Op> for AttributeEvent {
    fn from(op: Op) -> Self {
        match op {
            Op::Append => Self::Append,
            Op::Remove => Self::Remove,
            Op::Replace => Self::Set,
            Op::BulkReplace => Self::BulkReplace,
            Op::Modified => Self::Modified,
        }
    }
}

impl AttributeEvent {
    /// The event of an attribute of a class.
    pub fn of<C: Mapped, V: Field>(self, attribute: Attr<C, V>) -> OfAttribute {
        OfAttribute::typed(self, attribute.class(), attribute.index())
    }

    /// The event of an attribute, by the names of class and attribute.
    pub fn of_named(self, class: impl Into<String>, attribute: impl Into<String>) -> OfAttribute {
        OfAttribute::named(self, class.into(), attribute.into())
    }
}

/// Writes an enum whose values are bits of a set.
macro_rules! object_events {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What can happen to an object: SQLAlchemy's `InstanceEvents`, its `MapperEvents` around the writing of
        /// rows, and those of its `SessionEvents` that are about one object.
        ///
        /// As it stands it is the event of objects of any class; [`of`](Self::of) is that of one class.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ObjectEvent {
            $($(#[$doc])* $name,)*
        }

        impl ObjectEvent {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

object_events! {
    /// The first object of a class is made by the program in this session.
    FirstInit,
    /// An object is made by the program.
    Init,
    /// An object was made from a row.
    Load,
    /// Attributes of an object that was there were read again.
    Refresh,
    /// A flush has given attributes values that the program did not set: defaults, versions, what the database
    /// generated beside the key.
    RefreshFlush,
    /// Attributes were expired.
    Expire,
    /// The object is about to be serialized.
    Serialize,
    /// The object was made by deserializing.
    Deserialize,
    /// The row of a new object is about to be inserted.
    BeforeInsert,
    /// The row was inserted.
    AfterInsert,
    /// A changed object is about to be updated, if it has a net change.
    BeforeUpdate,
    /// The object was updated, if it had a net change.
    AfterUpdate,
    /// The row is about to be deleted.
    BeforeDelete,
    /// The row was deleted.
    AfterDelete,
    /// The object is about to come into the session.
    BeforeAttach,
    /// The object is in the session.
    AfterAttach,
    /// It was added.
    TransientToPending,
    /// Its row was inserted by a flush.
    PendingToPersistent,
    /// It left before it was inserted, or its transaction was rolled back.
    PendingToTransient,
    /// The transaction that inserted it was rolled back.
    PersistentToTransient,
    /// Its row was deleted by a flush.
    PersistentToDeleted,
    /// The transaction that deleted it was rolled back.
    DeletedToPersistent,
    /// The transaction that deleted it was committed.
    DeletedToDetached,
    /// It left the session.
    PersistentToDetached,
    /// It came back into the session.
    DetachedToPersistent,
    /// It was loaded.
    LoadedAsPersistent,
}

impl ObjectEvent {
    /// The event for objects of a class; of its subclasses as well with [`propagate`](super::Event::propagate).
    pub fn of<T: Mapped>(self) -> OfClass<T> {
        OfClass::typed(self, T::class())
    }

    /// The event of the records of a class.
    pub fn of_record(self, class: RecordClass) -> OfClass<Record> {
        OfClass::typed(self, class.def())
    }

    /// The event for objects of a class by name.
    pub fn of_named(self, class: impl Into<String>) -> OfClass<AnyClass> {
        OfClass::named(self, class.into())
    }

    /// Whether it comes while an operation waits for the database, so that its listeners may wait as well.
    pub fn waits(self) -> bool {
        matches!(
            self,
            Self::Load
                | Self::Refresh
                | Self::RefreshFlush
                | Self::LoadedAsPersistent
                | Self::BeforeInsert
                | Self::AfterInsert
                | Self::BeforeUpdate
                | Self::AfterUpdate
                | Self::BeforeDelete
                | Self::AfterDelete
        )
    }

    /// Whether a listener's refusal has to be undone by the journal.
    pub(super) fn refusable() -> u64 {
        Self::ALL.iter().filter(|event| !event.waits()).fold(0, |bits, event| bits | event.bit())
    }

    pub(super) fn bit(self) -> u64 {
        1 << self as u32
    }
}

/// What can happen to a session: SQLAlchemy's `SessionEvents`, but for those about one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionEvent {
    /// Before a flush collects what is to be done: what a listener changes is part of it.
    BeforeFlush,
    /// After a flush has written, before its objects are registered as flushed.
    AfterFlush,
    /// After a flush is done.
    AfterFlushPostexec,
    /// Before a commit flushes.
    BeforeCommit,
    /// The database has committed.
    AfterCommit,
    /// The database was rolled back; the objects are not put back yet.
    AfterRollback,
    /// After any rollback, that of a savepoint and of a failed flush included; the objects are put back.
    AfterSoftRollback,
    /// The transaction has begun on a connection.
    AfterBegin,
    /// A transaction is about to begin, or a savepoint was set.
    AfterTransactionCreate,
    /// A transaction or a savepoint has ended.
    AfterTransactionEnd,
}

impl SessionEvent {
    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// What can happen to a statement: the `SessionEvents` that are about statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementEvent {
    /// A query, an UPDATE or a DELETE by criteria is about to run: SQLAlchemy's `do_orm_execute`.
    DoOrmExecute,
    /// An UPDATE by criteria is done.
    AfterBulkUpdate,
    /// A DELETE by criteria is done.
    AfterBulkDelete,
}
