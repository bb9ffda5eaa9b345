//! What most programs need: `use aludel::prelude::*;`.

pub use crate::blocking::RunTransaction as _;
pub use crate::events::{AttributeEvent, Event as _, ObjectEvent, SessionEvent, StatementEvent};
pub use crate::{
    Attr, Auto, Collected, CollectionClass, ColumnEnum, Composite, Deferred, Engine, Handle, Many,
    ManyMap, ManySet, Mapped, ObjectState, One, Registry, Session, WriteOnly, blocking, count_star,
    hybrids, joined, many, select, selectin,
};
pub use crate::{RetryPolicy, RunTransaction as _, SessionMaker};
pub use aludel_sql::Expression;
