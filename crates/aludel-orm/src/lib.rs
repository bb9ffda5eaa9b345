//! The object layer of aludel: instrumentation, attributes, mapping, session and loading.

pub mod attributes;
pub mod events;
pub mod instrumentation;
pub mod loading;
pub mod mapping;
pub mod session;

pub use aludel_sql::{Error, ErrorKind, Result};
pub use attributes::{Datum, History};
pub use instrumentation::*;
pub use loading::*;
pub use mapping::Registry;
pub use session::{ObjectState, Session, SessionOptions};

/// What the derive's code refers to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::instrumentation::derived::*;
    pub use crate::instrumentation::*;
    pub use aludel_sql::{Bad, Bind, ColumnType, DataType, Result, Row, Value, ValueRef};
    pub use std;
}
