//! Horizontal sharding: one unit of work over several databases, which hold the same tables and rows of their own.
//! SQLAlchemy's `sqlalchemy.ext.horizontal_shard`.
//!
//! ```text
//!   ShardedSession ── Sharding: which shard, for an object, a key, a query
//!     ├─ "asia"   ─ Session ─ Engine        a handle is of one session, and so of one shard:
//!     └─ "europe" ─ Session ─ Engine        objects with one key on two shards are two objects
//! ```
//!
//! * `choose`: what decides, and what it is told.
//! * `methods`: what is done on several shards, for both faces of a session.

mod choose;
mod methods;

use std::borrow::{Borrow, BorrowMut};
use std::ops::Index;
use std::sync::Arc;

use aludel_engine::Engine;
use aludel_sql::did_you_mean;

pub use choose::{ShardedObject, Sharding, Shards};

use crate::instrumentation::{Handle, Mapped};
use crate::loading::Query;
use crate::mapping::Registry;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// A session over several databases: SQLAlchemy's `ShardedSession`.
///
/// Each shard has a [`Session`] of its own, and each object is in one of them: its handle tells in which. What is done
/// with an object is done with [its session](Self::session_of_mut); what has to find objects, or a place for new ones, is
/// done here, as the [`Sharding`] says.
///
/// Related objects are on one shard: what hangs on an object that is added goes where that goes.
///
/// ```
/// # include!("../../fixtures/doc_models.rs");
/// # fn main() {}
/// use aludel_orm::ext::{ShardedObject, ShardedSession, Sharding, Shards};
/// use aludel_sql::Value;
///
/// /// Users by the first letter of their names; their keys do not tell where they are.
/// struct ByLetter;
///
/// impl Sharding for ByLetter {
///     fn for_object(&self, object: &ShardedObject<'_>) -> Result<String> {
///         let early = match object.value("name") {
///             Some(Value::Text(name)) => name.as_str() < "m",
///             _ => true,
///         };
///         Ok(if early { "early" } else { "late" }.to_owned())
///     }
/// }
///
/// # async fn example(early: &aludel_engine::Engine, late: &aludel_engine::Engine) -> Result<()> {
/// let shards = [("early", early), ("late", late)];
/// let mut session = ShardedSession::new(shards, &Registry::global(), ByLetter);
/// let user = session.add(User { name: "sandy".into(), ..User::default() })?;
/// assert_eq!(session.shard_of(user), Some("late"));
/// session.commit().await?;
/// // In all shards, one after the other.
/// for user in session.all(select::<User>().filter(User::age.gt(30))).await? {
///     session.session_of_mut(user)?.load(user, User::addresses).await?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct ShardedSession<S = Session> {
    shards: Vec<(String, S)>,
    sharding: Arc<dyn Sharding>,
}

impl<S> std::fmt::Debug for ShardedSession<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.shards.iter().map(|(name, _)| name)).finish()
    }
}

impl<S: BorrowMut<Session>> ShardedSession<S> {
    /// A session over sessions that are there, each for one shard: made by a [`SessionMaker`](crate::SessionMaker), or
    /// blocking ones.
    pub fn of<N: Into<String>>(
        shards: impl IntoIterator<Item = (N, S)>,
        sharding: impl Sharding,
    ) -> Self {
        let shards = shards.into_iter().map(|(name, session)| (name.into(), session)).collect();
        Self { shards, sharding: Arc::new(sharding) }
    }

    /// The names of the shards, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().map(|(name, _)| name.as_str())
    }

    /// The session of a shard: for what concerns this one alone, such as a query that is only for it.
    ///
    /// # Errors
    ///
    /// When there is no such shard.
    pub fn shard_mut(&mut self, name: &str) -> Result<&mut S> {
        let at = self.place(name)?;
        Ok(&mut self.shards[at].1)
    }

    /// The shard that an object is on: SQLAlchemy's `identity_token`.
    pub fn shard_of<T>(&self, object: Handle<T>) -> Option<&str> {
        let mut shards = self.shards.iter();
        shards.find(|(_, session)| session.borrow().holds(object)).map(|(name, _)| name.as_str())
    }

    /// The session that an object is in.
    ///
    /// # Errors
    ///
    /// When it is in none.
    pub fn session_of<T>(&self, object: Handle<T>) -> Result<&S> {
        let mut shards = self.shards.iter();
        let found = shards.find(|(_, session)| session.borrow().holds(object));
        found.map(|(_, session)| session).ok_or_else(|| nowhere(object))
    }

    /// The session that an object is in, to do something with the object.
    ///
    /// # Errors
    ///
    /// When it is in none.
    pub fn session_of_mut<T>(&mut self, object: Handle<T>) -> Result<&mut S> {
        let mut shards = self.shards.iter_mut();
        let found = shards.find(|(_, session)| (*session).borrow().holds(object));
        found.map(|(_, session)| session).ok_or_else(|| nowhere(object))
    }

    /// Adds a new object, and what hangs on it, to the shard that [`Sharding::for_object`] chooses.
    ///
    /// # Errors
    ///
    /// As [`Session::add`]; when no shard is found for it.
    pub fn add<T: Mapped>(&mut self, object: T) -> Result<Handle<T>> {
        let name = self.sharding.for_object(&ShardedObject::new(object.own_class(), &object))?;
        let at = self.place(&name)?;
        self.shards[at].1.borrow_mut().add(object)
    }

    /// The sessions of the shards that a query is for, in their order.
    ///
    /// # Errors
    ///
    /// When [`Sharding::for_query`] names a shard that there is not.
    pub fn for_query(&mut self, query: &Query) -> Result<Vec<&mut S>> {
        let chosen = self.sharding.for_query(query);
        self.chosen(chosen)
    }

    /// The sessions of the shards that a key may be on, in the order in which they are asked.
    ///
    /// # Errors
    ///
    /// When [`Sharding::for_key`] names a shard that there is not.
    pub fn for_key<T: Mapped>(&mut self, key: &[aludel_sql::Value]) -> Result<Vec<&mut S>> {
        let chosen = self.sharding.for_key(T::class().name, key);
        self.chosen(chosen)
    }

    /// All sessions, in the order of the shards.
    pub fn sessions_mut(&mut self) -> impl Iterator<Item = (&str, &mut S)> {
        self.shards.iter_mut().map(|(name, session)| (name.as_str(), session))
    }

    fn chosen(&mut self, chosen: Shards) -> Result<Vec<&mut S>> {
        let Shards::Named(names) = chosen else {
            return Ok(self.shards.iter_mut().map(|(_, session)| session).collect());
        };
        let places: Result<Vec<usize>> = names.iter().map(|name| self.place(name)).collect();
        let places = places?;
        let mut found: Vec<(usize, &mut S)> = Vec::new();
        for (at, (_, session)) in self.shards.iter_mut().enumerate() {
            if let Some(place) = places.iter().position(|place| *place == at) {
                found.push((place, session));
            }
        }
        found.sort_by_key(|(place, _)| *place);
        Ok(found.into_iter().map(|(_, session)| session).collect())
    }

    fn place(&self, name: &str) -> Result<usize> {
        let place = self.shards.iter().position(|(shard, _)| shard == name);
        place.ok_or_else(|| {
            let near = did_you_mean(name, self.names());
            Error::new(ErrorKind::Argument, format!("there is no shard `{name}`{near}"))
        })
    }
}

impl<T: Mapped, S: Borrow<Session>> Index<Handle<T>> for ShardedSession<S> {
    type Output = T;

    /// The object.
    ///
    /// # Panics
    ///
    /// As the index of a [`Session`]; and when the object is in none of the sessions.
    #[track_caller]
    fn index(&self, object: Handle<T>) -> &T {
        let mut sessions = self.shards.iter().map(|(_, session)| session.borrow());
        match sessions.find(|session| session.holds(object)) {
            Some(session) => &session[object],
            None => panic!("{}", nowhere(object)),
        }
    }
}

#[cold]
fn nowhere<T>(object: Handle<T>) -> Error {
    let what = format!("the object of {object:?} is in none of the shards' sessions");
    Error::new(ErrorKind::Detached, what)
}

impl ShardedSession {
    /// A session over databases, each under the name of its shard, with the classes of a registry.
    pub fn new<'e, N: Into<String>>(
        shards: impl IntoIterator<Item = (N, &'e Engine)>,
        registry: &Registry,
        sharding: impl Sharding,
    ) -> Self {
        let with = |(name, engine)| (name, Session::with_registry(engine, registry));
        Self::of(shards.into_iter().map(with), sharding)
    }
}

crate::sharded_methods!(ShardedSession, { async }, { .await });
