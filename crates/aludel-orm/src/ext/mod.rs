//! Extensions, which need nothing of the core that a program could not use as well.
//!
//! * `association_proxy`: attributes of related objects, as if they were the object's own.
//! * `mutable`: values that know by themselves that they were changed.

mod association_proxy;
mod mutable;

pub use association_proxy::{
    AssociationProxy, LocalField, NoKey, Proxied, RemoteAttr, RemoteIs, association_proxy,
};
pub use mutable::Mutable;
#[cfg(feature = "json")]
pub use mutable::{MutableDict, MutableList, MutableSet};
