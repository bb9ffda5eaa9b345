//! Extensions, which need nothing of the core that a program could not use as well.
//!
//! * `association_proxy`: attributes of related objects, as if they were the object's own.
//! * `automap`: classes from the tables of a database.
//! * `index_property`: what lies in JSON documents, as if it were attributes of their own.
//! * `mutable`: values that know by themselves that they were changed.
//! * `sharding`: one unit of work over several databases.

mod association_proxy;
mod automap;
#[cfg(feature = "json")]
mod index_property;
mod mutable;
mod sharding;

pub use association_proxy::{
    AssociationProxy, LocalField, NoKey, Proxied, RemoteAttr, RemoteIs, association_proxy,
};
pub use automap::{
    AutoClass, AutoClasses, AutoModel, AutoRelationship, AutomapRules, DefaultRules, Link, automap,
};
#[cfg(feature = "json")]
pub use index_property::{IndexProperty, JsonStep};
pub use mutable::Mutable;
#[cfg(feature = "json")]
pub use mutable::{MutableDict, MutableList, MutableSet};
pub use sharding::{ShardedObject, ShardedSession, Sharding, Shards};
