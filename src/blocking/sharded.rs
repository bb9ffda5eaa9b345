//! The session over several databases for programs without an async runtime.

use std::ops::{Deref, DerefMut};

use aludel_engine::Engine;
use aludel_orm::Registry;
use aludel_orm::ext::{ShardedSession as Shards, Sharding};

use super::Session;

/// [`ext::ShardedSession`](crate::ext::ShardedSession) with operations that block until they are done. What does no I/O is
/// that one's own, by `Deref`.
#[derive(Debug)]
pub struct ShardedSession(Shards<Session>);

impl ShardedSession {
    /// A session over databases, each under the name of its shard, with the classes of a registry.
    pub fn new<'e, N: Into<String>>(
        shards: impl IntoIterator<Item = (N, &'e Engine)>,
        registry: &Registry,
        sharding: impl Sharding,
    ) -> Self {
        let with = |(name, engine)| (name, Session::with_registry(engine, registry));
        Self(Shards::of(shards.into_iter().map(with), sharding))
    }
}

impl Deref for ShardedSession {
    type Target = Shards<Session>;
    fn deref(&self) -> &Shards<Session> {
        &self.0
    }
}

impl DerefMut for ShardedSession {
    fn deref_mut(&mut self) -> &mut Shards<Session> {
        &mut self.0
    }
}

aludel_orm::sharded_methods!(ShardedSession, {}, {});
