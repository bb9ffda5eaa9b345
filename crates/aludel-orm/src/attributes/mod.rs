//! Attributes of objects: how a value is read and changed, what is remembered of the change, and who is
//! told.
//!
//! Every change of a tracked object goes through the few operations here, whatever its origin: a `set`, an
//! `edit`, a backref, a listener. An operation runs in one order: validators, the cascade into the session,
//! the other side of the relationship, the listeners of the program, and then the change itself, so that
//! whoever refuses finds the object as it was. Where an inner step has changed something already, the
//! journal takes it back.
//!
//! * `column`, `reference`, `collection`: the three kinds of attributes.
//! * `collected`: collections of the user's kind, which show the members.
//! * `composite`: values over several column attributes.
//! * `expression`: SQL expressions in place of values.
//! * `backref`: keeping the two sides of a relationship in step; `in_step`: the frequent case of that at once.
//! * `ordering`: the positions of the members of ordered lists.
//! * `log`: committed values of what changed, the source of `history`.
//! * `journal`: undoing operations that fail half-way.
//! * `events`: listeners and the token that travels along a chain of events.

pub(crate) mod active_history;
pub(crate) mod adapter;
pub(crate) mod backref;
pub(crate) mod collected;
pub(crate) mod collection;
pub(crate) mod column;
pub(crate) mod committed;
pub(crate) mod composite;
pub(crate) mod contents;
pub(crate) mod datum;
pub(crate) mod delta;
mod edit;
pub(crate) mod events;
mod expression;
pub(crate) mod history;
mod in_step;
pub(crate) mod journal;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod members;
mod ordering;
pub(crate) mod parents;
pub(crate) mod passive;
pub(crate) mod read;
pub(crate) mod reference;
pub(crate) mod tracked;

pub use adapter::CollectionAdapter;
pub use datum::Datum;
pub use edit::Assignable;
pub use events::{Change, Incoming, Initiator, Listener, Op};
pub use history::{Historic, History, HistoryItem};
pub use listen::{Validated, Validates};
pub use members::{CollectionField, ObjectField, ReadableCollection};
pub use passive::Passive;
