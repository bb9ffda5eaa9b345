//! Collections of the user's own kind.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{PoisonError, RwLock};

use super::{Collected, Handle, Id, ManyCore, Mapped, Members};
use crate::session::Session;

/// What shows the members of a relationship: SQLAlchemy's `collection_class`. The relationship's field is a
/// [`Collected`] of it, and gives its methods.
///
/// The session keeps the members in the order in which they came, with history, events and rollback as of any
/// collection. It tells the collection of every one that comes and goes, also of those that a load brings, and makes it
/// anew from all of them, in their order, where the whole collection is replaced, loaded, or put back: so what it
/// shows has to follow from that order alone. It is told of a change after validators and listeners, which are the
/// place to refuse a member; and it is not told of what changes in a member.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use aludel_orm::{CollectionClass, Handle, Record, Session};
///
/// /// The songs of an album, by their length.
/// #[derive(Clone, Default)]
/// struct ByLength(BTreeMap<i64, Vec<Handle<Record>>>);
///
/// impl CollectionClass for ByLength {
///     type Member = Record;
///     fn append(&mut self, song: Handle<Record>, session: &Session) {
///         let length = session[song].get::<i64>("length").copied().unwrap_or_default();
///         self.0.entry(length).or_default().push(song);
///     }
///     fn remove(&mut self, song: Handle<Record>, _: &Session) {
///         self.0.values_mut().for_each(|songs| songs.retain(|other| *other != song));
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a collection class",
    label = "does not say how it takes members",
    note = "implement `aludel::CollectionClass` for it, or use `Many`, `ManySet` or `ManyMap`"
)]
pub trait CollectionClass: Clone + Default + Send + Sync + 'static {
    /// The class of the members.
    type Member: Mapped;
    /// A member is there at most once: SQLAlchemy's `__emulates__ = set`.
    const UNIQUE: bool = false;
    /// A member has come: `@collection.appender`.
    fn append(&mut self, member: Handle<Self::Member>, session: &Session);
    /// A member has gone: `@collection.remover`. Of one that was there twice it is the first.
    fn remove(&mut self, member: Handle<Self::Member>, session: &Session);
}

/// A [`CollectionClass`] whose class is not said.
pub(crate) trait Collects: Any + Send + Sync {
    fn append(&mut self, member: Id, session: &Session);
    fn remove(&mut self, member: Id, session: &Session);
    fn copy(&self) -> Box<dyn Collects>;
}

impl<C: CollectionClass> Collects for C {
    fn append(&mut self, member: Id, session: &Session) {
        CollectionClass::append(self, Handle::new(member), session);
    }
    fn remove(&mut self, member: Id, session: &Session) {
        CollectionClass::remove(self, Handle::new(member), session);
    }
    fn copy(&self) -> Box<dyn Collects> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Collects> {
    fn clone(&self) -> Self {
        (**self).copy()
    }
}

/// Makes an empty collection of a class of the user's.
#[derive(Clone, Copy, Debug)]
pub struct NewCollection(fn() -> Box<dyn Collects>);

impl NewCollection {
    pub(crate) const fn of<C: CollectionClass>() -> Self {
        Self(|| Box::new(C::default()))
    }

    /// A collection of these members.
    pub(crate) fn with(self, members: &Members, session: &Session) -> Box<dyn Collects> {
        let mut shown = (self.0)();
        for member in members.iter() {
            shown.append(member, session);
        }
        shown
    }
}

impl<C: CollectionClass> Collected<C> {
    /// From members that are handed in.
    pub fn new<M: super::IntoMember<C::Member>>(members: impl IntoIterator<Item = M>) -> Self {
        let members = members.into_iter().map(|m| m.into_member().core).collect();
        Self::from_core(ManyCore::New(Box::new(members)))
    }
}

/// The collection, as its class shows it. One that was never touched is empty.
///
/// # Panics
///
/// Panics when the collection is not loaded.
impl<C: CollectionClass> Deref for Collected<C> {
    type Target = C;
    #[track_caller]
    fn deref(&self) -> &C {
        let shown: Option<&dyn Any> = self.core.members().shown().map(|shown| shown as &dyn Any);
        match shown.and_then(|shown| shown.downcast_ref()) {
            Some(shown) => shown,
            None => empty(),
        }
    }
}

/// What an empty collection shows: one for each class, for the rest of the program.
fn empty<C: CollectionClass>() -> &'static C {
    type Empty = &'static (dyn Any + Send + Sync);
    static EMPTY: RwLock<BTreeMap<TypeId, Empty>> = RwLock::new(BTreeMap::new());
    let of = TypeId::of::<C>();
    let known = EMPTY.read().unwrap_or_else(PoisonError::into_inner).get(&of).copied();
    let known = known.and_then(|empty| empty.downcast_ref());
    known.unwrap_or_else(|| {
        let made: &'static C = Box::leak(Box::default());
        EMPTY.write().unwrap_or_else(PoisonError::into_inner).insert(of, made);
        made
    })
}
