//! What decides on which shard something is.

use std::any::Any;

use aludel_sql::Value;

use crate::Result;
use crate::instrumentation::{ClassDef, Object};
use crate::loading::Query;

/// Which shards there are for an object, a key, a query.
pub trait Sharding: Send + Sync + 'static {
    /// The shard of a new object: SQLAlchemy's `shard_chooser`.
    ///
    /// # Errors
    ///
    /// When there is none for it.
    fn for_object(&self, object: &ShardedObject<'_>) -> Result<String>;

    /// The shards that may have the object of a class with a key: all, if nothing is said. SQLAlchemy's
    /// `identity_chooser`.
    fn for_key(&self, _class: &str, _key: &[Value]) -> Shards {
        Shards::All
    }

    /// The shards that may have what a query finds: all, if nothing is said. What the query compares, is told by
    /// [`Query::comparisons`]. SQLAlchemy's `execute_chooser`.
    fn for_query(&self, _query: &Query) -> Shards {
        Shards::All
    }
}

/// Some of the shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shards {
    /// All of them.
    All,
    /// These, in this order.
    Named(Vec<String>),
}

impl<N: Into<String>, const COUNT: usize> From<[N; COUNT]> for Shards {
    fn from(names: [N; COUNT]) -> Self {
        Self::Named(names.into_iter().map(Into::into).collect())
    }
}

/// A new object that wants a shard.
#[derive(Clone, Copy)]
pub struct ShardedObject<'a> {
    class: &'static ClassDef,
    object: &'a dyn Object,
}

impl<'a> ShardedObject<'a> {
    pub(super) fn new(class: &'static ClassDef, object: &'a dyn Object) -> Self {
        Self { class, object }
    }

    /// The name of its class.
    pub fn class_name(&self) -> &'static str {
        self.class.name
    }

    /// The object, where it is of this type.
    pub fn downcast_ref<T: Any>(&self) -> Option<&'a T> {
        let any: &dyn Any = self.object;
        any.downcast_ref()
    }

    /// The value of a named attribute; none where there is no such column.
    pub fn value(&self, name: &str) -> Option<Value> {
        let field = self.object.field(self.class.attribute(name)?)?;
        Some(field.value())
    }
}

impl std::fmt::Debug for ShardedObject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ShardedObject({})", self.class.name)
    }
}
