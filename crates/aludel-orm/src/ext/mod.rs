//! Extensions, which need nothing of the core that a program could not use as well.
//!
//! * `mutable`: values that know by themselves that they were changed.

mod mutable;

pub use mutable::Mutable;
#[cfg(feature = "json")]
pub use mutable::{MutableDict, MutableList, MutableSet};
