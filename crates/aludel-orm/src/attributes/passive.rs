//! Values and histories that may have to be found out first, and how far one may go for that.

use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;

use super::{Datum, Historic, History, HistoryItem};
use crate::Result;
use crate::instrumentation::{Attr, Field, Handle, Id, IsA, ManyCore, Mapped};
use crate::loading::Asker;
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::state::Flags;

/// What may be done to find out a value that is not there: SQLAlchemy's `PassiveFlag`.
///
/// The constants in capital letters of several words are its `PASSIVE_…` symbols; the single flags they are
/// made of are there, too.
///
/// ```
/// use aludel_orm::attributes::Passive;
/// assert!(Passive::NO_FETCH.allows(Passive::CALLABLES_OK));
/// assert!(!Passive::NO_FETCH.allows(Passive::SQL_OK));
/// assert_eq!(Passive::NO_FETCH | Passive::SQL_OK, Passive::OFF);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Passive(u16);

impl Passive {
    /// Anything may be asked for a value that is not there: the session, the database.
    pub const CALLABLES_OK: Self = Self(1);
    /// The database may be asked.
    pub const SQL_OK: Self = Self(2);
    /// The database may be asked for the object of a reference by its key.
    pub const RELATED_OBJECT_OK: Self = Self(4);
    /// A value that was never set counts as its default: a collection, as empty. Reading changes nothing here, so
    /// that it makes no difference to what an object has.
    pub const INIT_OK: Self = Self(8);
    /// Also for objects that have no row.
    pub const NON_PERSISTENT_OK: Self = Self(16);
    /// By the foreign keys that the row has, not by those that were set since.
    pub const LOAD_AGAINST_COMMITTED: Self = Self(32);
    /// Nothing is flushed before the database is asked.
    pub const NO_AUTOFLUSH: Self = Self(64);
    /// Options that forbid the load are ignored.
    pub const NO_RAISE: Self = Self(128);
    /// The changes that wait for a collection that is not loaded count.
    pub const INCLUDE_PENDING_MUTATIONS: Self = Self(256);

    /// Whatever is missing is loaded: `PASSIVE_OFF`.
    pub const OFF: Self = Self(1 | 2 | 4 | 8 | 16);
    /// The same, but what was never set has no value: `PASSIVE_RETURN_NO_VALUE`.
    pub const RETURN_NO_VALUE: Self = Self(1 | 2 | 4 | 16);
    /// Only what the object has itself: `PASSIVE_NO_INITIALIZE`.
    pub const NO_INITIALIZE: Self = Self(2 | 4 | 16);
    /// Only what is in the session: `PASSIVE_NO_FETCH`.
    pub const NO_FETCH: Self = Self(1 | 4 | 8 | 16);
    /// Whatever is missing, but not the objects of references by key: `PASSIVE_NO_FETCH_RELATED`.
    pub const NO_FETCH_RELATED: Self = Self(1 | 2 | 8 | 16);
    /// Whatever is missing of objects that have rows: `PASSIVE_ONLY_PERSISTENT`.
    pub const ONLY_PERSISTENT: Self = Self(1 | 2 | 4 | 8);
    /// Whatever is missing, also where an option forbids it: `PASSIVE_MERGE`.
    pub const MERGE: Self = Self(1 | 2 | 4 | 8 | 16 | 128);

    /// Whether all of `flags` are set.
    pub const fn allows(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags without others.
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    fn any(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }
}

impl BitOr for Passive {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Passive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 9] = [
            "CALLABLES_OK",
            "SQL_OK",
            "RELATED_OBJECT_OK",
            "INIT_OK",
            "NON_PERSISTENT_OK",
            "LOAD_AGAINST_COMMITTED",
            "NO_AUTOFLUSH",
            "NO_RAISE",
            "INCLUDE_PENDING_MUTATIONS",
        ];
        let set = NAMES.iter().enumerate().filter(|(bit, _)| self.0 & 1 << bit != 0);
        let names: Vec<&str> = set.map(|(_, name)| *name).collect();
        f.write_str(if names.is_empty() { "NO_CHANGE" } else { "" })?;
        f.write_str(&names.join(" | "))
    }
}

impl Session {
    /// The value of an attribute; what is not there is found out as far as `passive` allows. `None` where there is
    /// none, or none that may be found out. SQLAlchemy's `get_attribute`.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    #[track_caller]
    pub fn get_attribute<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        passive: Passive,
    ) -> impl Future<Output = Result<Option<&V>>> {
        self.called();
        async move {
            let (id, index) = (object.id, self.number(object.id, attribute)?);
            self.find_out(id, index, passive).await?;
            if !self.is_known(id, index) {
                return Ok(None);
            }
            self.value(object, attribute).map(Some)
        }
    }

    /// As [`get_attribute`](Self::get_attribute), by the attribute's name.
    ///
    /// # Errors
    ///
    /// As [`get_attribute`](Self::get_attribute); and when there is no such attribute.
    #[track_caller]
    pub fn get_attribute_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        passive: Passive,
    ) -> impl Future<Output = Result<Option<Datum>>> {
        self.called();
        async move {
            let id = object.into();
            let attribute = self.attribute_named(id, name)?;
            self.find_out(id, attribute, passive).await?;
            Ok(self.datum(id, attribute))
        }
    }

    /// The history of an attribute; what is not there is found out as far as `passive` allows. SQLAlchemy's
    /// `get_history`.
    ///
    /// With [`Passive::NO_INITIALIZE`] it is [`history`](Self::history), which needs no `await`; with
    /// [`Passive::OFF`], [`load_history`](Self::load_history).
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    #[track_caller]
    pub fn get_history<S: IsA<C>, C: Mapped, V: Historic>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        passive: Passive,
    ) -> impl Future<Output = Result<History<V::Item>>> {
        self.called();
        async move {
            let index = self.number(object.id, attribute)?;
            let history = self.get_history_at(object.id, index, passive).await?;
            Ok(history.map(V::item))
        }
    }

    /// As [`get_history`](Self::get_history), by the attribute's name: `get_state_history` in SQLAlchemy.
    ///
    /// # Errors
    ///
    /// As [`get_history`](Self::get_history); and when there is no such attribute.
    #[track_caller]
    pub fn get_history_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        passive: Passive,
    ) -> impl Future<Output = Result<History<HistoryItem>>> {
        self.called();
        async move {
            let id = object.into();
            let attribute = self.attribute_named(id, name)?;
            self.get_history_at(id, attribute, passive).await
        }
    }

    /// The history of an attribute, which is loaded for it; the old object of a reference as well.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    #[track_caller]
    pub fn load_history<S: IsA<C>, C: Mapped, V: Historic>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> impl Future<Output = Result<History<V::Item>>> {
        self.get_history(object, attribute, Passive::OFF)
    }

    pub(crate) async fn get_history_at(
        &mut self,
        id: Id,
        attribute: u16,
        passive: Passive,
    ) -> Result<History<HistoryItem>> {
        self.find_out(id, attribute, passive).await?;
        let refers = |r: &Relationship| r.is_by_key() && !r.has_active_history();
        let replaced = !self.mapper_of(id).relationship(attribute).is_some_and(refers);
        if replaced && passive.allows(Passive::CALLABLES_OK | Passive::SQL_OK) {
            self.load_committed_references(&[id], attribute).await?;
        }
        if passive.allows(Passive::INCLUDE_PENDING_MUTATIONS)
            && let Some(ManyCore::Unset | ManyCore::NotLoaded) =
                self.arena.field(id, attribute).many()
        {
            let waiting = self.waiting_members(id, attribute);
            return Ok(waiting.map(|id| Some(HistoryItem::Object(Some(id)))));
        }
        if passive.allows(Passive::CALLABLES_OK) && self.is_said_to_be_none(id, attribute) {
            return Ok(History::new(vec![HistoryItem::Object(None)], Vec::new(), Vec::new()));
        }
        self.history_of(id, attribute)
    }

    /// Whether a reference of a new object was deleted: it has no value, and nothing to load one from.
    fn is_said_to_be_none(&self, id: Id, attribute: u16) -> bool {
        let state = self.arena.state(id);
        state.has(Flags::FRESH)
            && state.head != 0
            && self.arena.field(id, attribute).one().is_some_and(|one| one.known().is_none())
            && self.log.find(state.head, attribute).is_some()
    }

    /// Whether a relationship would have to be loaded, of an object that has a row and no session: not even its
    /// foreign key tells then, for whom it means is a session's to say.
    fn is_out_of_reach(&self, id: Id, attribute: u16, passive: Passive) -> bool {
        let Some(relationship) = self.mapper_of(id).relationship(attribute) else { return false };
        !self.arena.state(id).is_attached()
            && (passive.allows(Passive::SQL_OK) || relationship.is_by_key())
            && self.must_load(id, attribute)
    }

    /// Finds out a value that is not there, as far as that is allowed.
    async fn find_out(&mut self, id: Id, attribute: u16, passive: Passive) -> Result<()> {
        self.arena.check(id)?;
        if passive.allows(Passive::CALLABLES_OK) && self.is_out_of_reach(id, attribute, passive) {
            return match passive.any(Passive::NO_RAISE) {
                true => Ok(()),
                false => Err(self.not_loaded(id, attribute)),
            };
        }
        if !passive.allows(Passive::CALLABLES_OK)
            || self.is_known(id, attribute)
            || self.is_never_set(id, attribute)
            || !passive.allows(Passive::NON_PERSISTENT_OK) && !self.arena.state(id).is_attached()
        {
            return Ok(());
        }
        let mappers = Arc::clone(&self.mappers);
        let relationship = mappers.at(id.class).relationship(attribute);
        let committed = passive.allows(Passive::LOAD_AGAINST_COMMITTED);
        if let Some(relationship) = relationship
            && self.is_open(id, attribute)
            && self.must_load(id, attribute)
        {
            if let Some(found) = self.peek_by_key(id, relationship, committed) {
                self.fill_relationship(id, attribute, found.into_iter().collect());
                return Ok(());
            }
            if relationship.is_by_key() && !passive.allows(Passive::RELATED_OBJECT_OK) {
                return Ok(());
            }
        }
        if !passive.allows(Passive::SQL_OK) {
            return Ok(());
        }
        if !passive.any(Passive::LOAD_AGAINST_COMMITTED | Passive::NO_AUTOFLUSH | Passive::NO_RAISE)
        {
            return self.load_attribute(id, attribute, Asker::Program).await;
        }
        if !self.must_load(id, attribute) || !self.arena.state(id).is_attached() {
            return Ok(());
        }
        if !passive.allows(Passive::NO_AUTOFLUSH) {
            self.autoflush().await?;
        }
        match relationship {
            Some(_) if committed => self.load_committed(&[id], attribute).await,
            Some(_) => self.load_as_is(id, attribute).await,
            None => {
                let mut wanted = self.expired_columns(id);
                if !wanted.contains(&attribute) {
                    wanted.push(attribute);
                }
                self.load_columns_for(id, &wanted, Asker::Program).await
            }
        }
    }
}
