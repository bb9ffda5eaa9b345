//! Events: who is told of what happens, when, and what may be done then.
//!
//! There is one concept of listener. An *event* is one of [`AttributeEvent`], [`ObjectEvent`], [`SessionEvent`] and
//! [`StatementEvent`], said of something (`.of(User::name)`, `.of::<User>()`), and said how
//! ([`once`](Event::once), [`first`](Event::first), [`propagate`](Event::propagate),
//! [`active_history`](OfAttribute::active_history)). A listener is registered with `on` or `on_async`, and removed by
//! its [`ListenerId`] with `off`:
//!
//! * for one session: [`Session::on`](crate::Session::on);
//! * for every session made from there on: [`Registry::on`](crate::Registry::on);
//! * as part of a mapping: [`MapperBuilder::on`](crate::mapping::MapperBuilder::on).
//!
//! Listeners are called in that order reversed: those of the mappings, of the registry, of the session, each in the
//! order of their registration. A listener of a class is not called for objects of its subclasses unless it is
//! registered with [`propagate`](Event::propagate). Nobody listening costs a branch.
//!
//! A listener's error stops the operation. An operation that does not wait (`set`, `append`, `add`, `make`) is
//! undone as a whole, with all that listeners have done in it. A flush is rolled back like one that the
//! database refused. What comes *after* something that cannot be undone is told all the same: every listener is
//! called, and the operation gives the first error. Listeners that answer each other without end are an error, at a
//! depth of 100, or of 20 in operations that wait.
//!
//! # Attributes
//!
//! A listener is told a [`Change`](crate::attributes::Change). It may put another value in the place of the new
//! one, change other attributes and objects, and refuse. It comes before the change: the object still has its old
//! value. The order is: validators, the cascade into the session, the other side of the relationship, listeners.
//!
//! | event | comes | the new value |
//! |---|---|---|
//! | [`Set`](AttributeEvent::Set) | before a column or reference is set | may be replaced |
//! | [`Append`](AttributeEvent::Append) | before a member is added | may be replaced |
//! | [`AppendWithoutMutation`](AttributeEvent::AppendWithoutMutation) | when a member is added to a set that has it | the member |
//! | [`Remove`](AttributeEvent::Remove) | before a member goes, or a value is deleted | the member that goes; none for a column |
//! | [`BulkReplace`](AttributeEvent::BulkReplace) | before a collection is replaced, and before the events of its members | all members; may be replaced |
//! | [`Modified`](AttributeEvent::Modified) | after a change in place, or `flag_modified` | none |
//! | [`InitScalar`](AttributeEvent::InitScalar) | when the program makes an object that has no value for the column | the blank value; what is put in its place is the object's, and is inserted |
//! | [`InitCollection`](AttributeEvent::InitCollection) | when the program begins a collection, by a first member or by replacing it; not when one is loaded | none |
//! | [`DisposeCollection`](AttributeEvent::DisposeCollection) | after a collection was replaced | the members that it had |
//!
//! # Objects
//!
//! A listener is told an [`Occasion`]. *Waits* says that it may be asynchronous and use the database.
//!
//! | event | comes | waits |
//! |---|---|---|
//! | [`FirstInit`](ObjectEvent::FirstInit), [`Init`](ObjectEvent::Init) | when the program has made an object, before related objects are looked at; may refuse | |
//! | [`Load`](ObjectEvent::Load), [`LoadedAsPersistent`](ObjectEvent::LoadedAsPersistent) | when the statement that brought the row is done | yes |
//! | [`Refresh`](ObjectEvent::Refresh) | likewise, for an object that was there; tells the attributes | yes |
//! | [`RefreshFlush`](ObjectEvent::RefreshFlush) | after the INSERTs or UPDATEs of a hierarchy, before `AfterInsert`; tells the attributes | yes |
//! | [`Expire`](ObjectEvent::Expire) | before `expire` and `refresh` expire attributes, which it may refuse; after a commit or a rollback has; tells which, or all | |
//! | [`BeforeInsert`](ObjectEvent::BeforeInsert), [`BeforeUpdate`](ObjectEvent::BeforeUpdate) | in a flush, before the statements of a hierarchy; column attributes of the object may be set, and are written | yes |
//! | [`AfterInsert`](ObjectEvent::AfterInsert), [`AfterUpdate`](ObjectEvent::AfterUpdate) | after them; SQL may be run. An object without a net change has both, and no UPDATE | yes |
//! | [`BeforeDelete`](ObjectEvent::BeforeDelete), [`AfterDelete`](ObjectEvent::AfterDelete) | around the DELETEs of a hierarchy | yes |
//! | [`BeforeAttach`](ObjectEvent::BeforeAttach) | before an object comes into the session; may refuse | |
//! | [`AfterAttach`](ObjectEvent::AfterAttach), then [`TransientToPending`](ObjectEvent::TransientToPending) or [`DetachedToPersistent`](ObjectEvent::DetachedToPersistent) | when it is in | |
//! | [`PersistentToDeleted`](ObjectEvent::PersistentToDeleted), then [`PendingToPersistent`](ObjectEvent::PendingToPersistent) | when a flush has registered its objects | |
//! | [`DeletedToDetached`](ObjectEvent::DeletedToDetached) | after a commit | |
//! | [`PendingToTransient`](ObjectEvent::PendingToTransient), [`PersistentToTransient`](ObjectEvent::PersistentToTransient), [`DeletedToPersistent`](ObjectEvent::DeletedToPersistent) | after a rollback has put the objects back | |
//! | [`PersistentToDetached`](ObjectEvent::PersistentToDetached), [`PendingToTransient`](ObjectEvent::PendingToTransient) | after `expunge`, `make_transient`, `close` | |
//!
//! # The session
//!
//! A listener is told a [`Moment`]; all may wait. A savepoint has the events of a transaction, with its depth.
//!
//! | event | comes | the database |
//! |---|---|---|
//! | [`BeforeFlush`](SessionEvent::BeforeFlush) | before a flush that has something to do; the graph may be changed, and an error leaves it as the listener left it | may be used, without a flush |
//! | [`AfterFlush`](SessionEvent::AfterFlush) | after its statements; the objects still have their history | may be used |
//! | [`AfterFlushPostexec`](SessionEvent::AfterFlushPostexec) | when its objects are registered; a commit flushes again what is changed here | may be used |
//! | [`BeforeCommit`](SessionEvent::BeforeCommit) | before a commit flushes | may be used |
//! | [`AfterCommit`](SessionEvent::AfterCommit) | when the database has committed, before objects expire | not to be used |
//! | [`AfterRollback`](SessionEvent::AfterRollback) | when the database was rolled back, before objects are put back | not to be used |
//! | [`AfterSoftRollback`](SessionEvent::AfterSoftRollback) | after every rollback | may be used, where the transaction was not failed |
//! | [`AfterBegin`](SessionEvent::AfterBegin) | when a transaction has begun on its connection, with the first statement | may be used |
//! | [`AfterTransactionCreate`](SessionEvent::AfterTransactionCreate), [`AfterTransactionEnd`](SessionEvent::AfterTransactionEnd) | before the first statement, or after a savepoint was set; when either has ended | not to be used |
//!
//! # Configuration
//!
//! [`Registry::on_configure`](crate::Registry::on_configure) listens to [`ConfigureEvent`]s, which come without a session,
//! when the registry learns classes: `BeforeConfigured`, `BeforeMapperConfigured` for each class; then
//! `MapperConfigured` for each, `AfterConfigured`.
//!
//! # Statements
//!
//! A listener is told an [`Execution`]; all may wait.
//!
//! | event | comes |
//! |---|---|
//! | [`DoOrmExecute`](StatementEvent::DoOrmExecute) | before a query, the load of a relationship or of columns, an UPDATE or DELETE by criteria; conditions and options may be added |
//! | [`AfterBulkUpdate`](StatementEvent::AfterBulkUpdate), [`AfterBulkDelete`](StatementEvent::AfterBulkDelete) | after one by criteria; tells the rows |

mod configure;
mod kinds;
mod listen;
pub(crate) mod of;
pub(crate) mod table;
pub(crate) mod tell;
mod told;

pub(crate) use configure::ConfigureListener;
pub use configure::{Configuration, ConfigureEvent};
pub use kinds::{AttributeEvent, ObjectEvent, SessionEvent, StatementEvent};
pub use of::{AsyncEvent, Event, OfAttribute, OfClass, With};
pub use table::{ListenerId, Waiting};
pub use told::{Executed, Execution, Moment, Occasion};
