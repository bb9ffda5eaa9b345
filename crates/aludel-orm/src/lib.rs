//! The object layer of aludel: instrumentation, attributes, mapping, session and loading.

pub mod attributes;
pub mod events;
pub mod ext;
pub mod instrumentation;
pub mod loading;
pub mod mapping;
#[cfg(feature = "serde")]
pub mod serialize;
pub mod session;

pub use aludel_sql::{Error, ErrorKind, Result};
pub use attributes::{Assignable, Datum, History, Validated, Validates};
pub use instrumentation::*;
pub use loading::*;
pub use mapping::Registry;
pub use session::{ObjectState, RunTransaction, Session, SessionMaker, SessionOptions};

/// What the derive's code refers to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::instrumentation::composite::{
        CompositeOps, TYPE as TUPLE, bind as bind_composite, composite,
        from_ref as composite_from_ref, into_literal as composite_literal,
    };
    pub use crate::instrumentation::derived::*;
    pub use crate::instrumentation::hybrid::*;
    pub use crate::instrumentation::parts::*;
    pub use crate::instrumentation::twin::Twin;
    pub use crate::instrumentation::*;
    pub use crate::loading::{AliasOf, Comparator};
    pub use crate::mapping::{EagerDefaults, PassiveDeletes, PolymorphicLoad};
    pub use crate::session::Attempts;
    pub use aludel_sql::{
        Bad, Bind, ColumnType, DataType, Expr, IntoExpr, IntoNode, Node, Result, Row, Value,
        ValueRef,
    };
    pub use std;
}
