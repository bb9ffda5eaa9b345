//! What a database consists of: tables with columns and constraints, and the collection of them.
//!
//! ```text
//! MetaData ── Table ─┬─ Column       name, type, defaults
//!  (by name)         ├─ ForeignKey   to another table, by name: tables may refer in circles
//!                    ├─ Unique, Check, Index
//!                    └─ primary key  positions of columns
//! ```
//!
//! A [`Table`] is finished when it is built and never changes. Foreign keys name their target, so
//! that tables which refer to each other can be built in any order; [`MetaData`] resolves them.

mod column;
mod constraint;
mod foreign_key;
mod metadata;
mod sort;
mod table;

pub use column::{AutoIncrement, ClientDefault, Column, Computed, ServerDefault};
pub use constraint::{Check, Index, Unique};
pub use foreign_key::{Action, ForeignKey};
pub use metadata::MetaData;
pub use sort::Sorted;
pub(crate) use table::next_id;
pub use table::{Table, TableBuilder};
