//! What the command `aludel` does: the source of mapped classes from the tables of a database.
//!
//! * `names`: from names in a database to names in Rust.
//! * `source`: the classes as source.

mod names;
mod source;

pub use names::RustNames;
pub use source::rust_source;
