//! The session: an arena of objects, an identity map, and a unit of work over one transaction.
//!
//! * `arena`, `state`, `identity`: where objects are, what is known of them, and which object
//!   stands for which row.
//! * `make`, `lifecycle`, `cascade`: how objects are made, come in, go out, and take others along.
//! * `transaction`: begin, commit, rollback, savepoints, and what they do to objects.
//! * `session_maker`: sessions that are alike, and units of work that are run until they succeed.
//! * `unit_of_work`: from what has changed to a plan, and from the plan to statements.

pub(crate) mod access;
pub(crate) mod arena;
pub(crate) mod before;
pub(crate) mod cascade;
pub(crate) mod delete;
mod discard;
pub(crate) mod expire;
pub(crate) mod identity;
pub(crate) mod inspect;
pub(crate) mod lifecycle;
mod make;
pub(crate) mod merge;
pub(crate) mod named;
mod no_autoflush;
pub(crate) mod owners;
pub(crate) mod raw;
mod reached;
mod restore;
mod schema;
mod session_maker;
pub(crate) mod state;
pub(crate) mod transaction;
pub(crate) mod unit_of_work;

use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use hashbrown::HashMap;

use crate::attributes::delta::Delta;
use crate::attributes::journal::Journal;
use crate::attributes::log::Log;
use crate::events::tell::Listeners;
use crate::instrumentation::{Attr, ClassDef, ClassKey, Id, Lazy, Mapped, Records};
use crate::mapping::{Mapper, Mappers, Registry};
use crate::{Error, ErrorKind, Result};

use arena::{Arena, Slab};
pub use cascade::Cascade;
use identity::{IdentityMap, Key};
pub use inspect::{
    AttributeState, AttributeStateMut, InstanceState, InstanceStateMut, NamedAttributeState,
};
pub use merge::MergeLoad;
pub use no_autoflush::NoAutoflush;
#[doc(hidden)]
pub use session_maker::Attempts;
pub use session_maker::{RunTransaction, SessionMaker};
pub use state::ObjectState;
pub use transaction::RolledBack;
pub use unit_of_work::{Because, Plan, PlanStep, StaleRow};

pub(crate) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A unit of work: objects, their identity, and one transaction on a database.
///
/// See the [module](self) for its parts. A session is `Send + Sync`; what changes it takes `&mut self`.
pub struct Session {
    pub(crate) registry: Registry,
    pub(crate) mappers: Arc<Mappers>,
    pub(crate) arena: Arena,
    /// By the number of the hierarchy's root mapper.
    pub(crate) identity: Vec<IdentityMap>,
    /// The identity keys of objects whose key attributes do not tell them any more.
    pub(crate) keys_aside: FastMap<Id, Key>,
    /// The class that was last asked for by its type, and its number.
    recent: Option<(TypeId, u16)>,
    pub(crate) log: Log,
    pub(crate) deltas: FastMap<(Id, u16), Box<Delta>>,
    pub(crate) journal: Journal,
    pub(crate) listeners: Listeners,
    /// Objects to be inserted, in the order in which they came. Some may have left again.
    pub(crate) pending: Vec<Id>,
    /// Some pending objects may be listed twice, since they had left: the last place counts.
    pub(crate) came_again: bool,
    /// Persistent objects that have changed. Some may be unchanged again.
    pub(crate) changed: Vec<Id>,
    /// Objects marked by `delete`. Some may be so no more.
    pub(crate) deleting: Vec<Id>,
    pub(crate) options: SessionOptions,
    /// A transaction has begun, as far as the program sees it; the database may not know of it yet.
    pub(crate) begun: bool,
    pub(crate) transaction: transaction::Transaction,
    pub(crate) loading: crate::loading::Loading,
}

/// How a session behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Flush before queries. On unless said otherwise.
    pub autoflush: bool,
    /// Expire all objects at commit, so that the next transaction reads them anew. Off unless said
    /// otherwise: nothing is loaded behind one's back, so that an expired object has to be refreshed.
    pub expire_on_commit: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { autoflush: true, expire_on_commit: false }
    }
}

impl Session {
    /// A session without a database, over the classes of a registry: the object model alone.
    pub fn detached(registry: &Registry) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        let tag = NEXT.fetch_add(1, Ordering::Relaxed);
        let mappers = registry.mappers_now();
        let (registered, table) = registry.listeners(&mappers);
        Self {
            mappers,
            registry: registry.clone(),
            arena: Arena::new(tag),
            identity: Vec::new(),
            keys_aside: FastMap::default(),
            recent: None,
            log: Log::default(),
            deltas: FastMap::default(),
            journal: Journal::default(),
            listeners: Listeners::new(registered, table),
            pending: Vec::new(),
            came_again: false,
            changed: Vec::new(),
            deleting: Vec::new(),
            options: SessionOptions::default(),
            begun: false,
            transaction: transaction::Transaction::default(),
            loading: crate::loading::Loading::default(),
        }
    }

    /// The number of a class's mapper; the class is registered where it was not known.
    #[inline]
    pub(crate) fn class_of<T: Mapped>(&mut self) -> Result<u16> {
        let class = TypeId::of::<T>();
        if let Some((recent, index)) = self.recent
            && recent == class
        {
            return Ok(index);
        }
        let index = match self.mappers.by_type.get(&ClassKey::Type(class)) {
            Some(index) => *index,
            None => self.learn(T::class())?,
        };
        self.recent = Some((class, index));
        Ok(index)
    }

    /// Registers a class, and the classes that it refers to.
    #[cold]
    pub(crate) fn learn(&mut self, class: &'static ClassDef) -> Result<u16> {
        if let Some(index) = self.mappers.by_type.get(&class.key()) {
            return Ok(*index);
        }
        let (mappers, index) = self.registry.ensure(class)?;
        // A class that has changed since is another one to the objects that are here.
        let changed = |at: &usize| {
            let before = self.mappers.list.get(*at);
            before.is_some_and(|before| !std::ptr::eq(before.def, mappers.list[*at].def))
        };
        let held = (0..self.arena.slabs.len()).filter(|at| self.arena.slabs[*at].is_some());
        if let Some(at) = held.clone().find(|at| {
            changed(at)
                && self.arena.slabs[*at].as_ref().is_some_and(|s| s.taken().next().is_some())
        }) {
            return Err(self.changed_since(mappers.list[at].class_name()));
        }
        for at in held.filter(changed).collect::<Vec<_>>() {
            self.arena.slabs[at] = None;
        }
        self.listeners.learn(&mappers);
        self.mappers = mappers;
        Ok(index)
    }

    /// The number of the mapper of a class whose objects are records, as the class is now.
    pub(crate) fn class_of_record(&mut self, class: &'static ClassDef) -> Result<u16> {
        let index = self.learn(class)?;
        match std::ptr::eq(self.mappers.at(index).def, class) {
            true => Ok(index),
            // Known, and changed since: the session keeps to what it knows.
            false => Err(self.changed_since(class.name)),
        }
    }

    #[cold]
    fn changed_since(&self, class: &str) -> Error {
        let message = format!(
            "class {class} has been changed since this session came to know it: use a new session for what the \
             class has now, and make its new records anew"
        );
        Error::new(ErrorKind::InvalidRequest, message)
    }

    /// The slab of a class, made where it has no object yet.
    #[inline]
    pub(crate) fn slab_for(&mut self, class: u16) -> &mut Slab {
        let at = class as usize;
        if self.arena.slabs.get(at).is_none_or(Option::is_none) {
            self.make_slab(class);
        }
        self.arena.slabs[at].as_mut().expect("it was just made")
    }

    #[cold]
    fn make_slab(&mut self, class: u16) {
        let at = class as usize;
        if self.arena.slabs.len() <= at {
            self.arena.slabs.resize_with(at + 1, || None);
        }
        let mapper = Arc::clone(self.mappers.at(class));
        if mapper.def.described.is_some() {
            let records = Records::of_session(mapper.def, self.arena.session, class);
            let whole = mapper.columns.iter().filter(|a| **a < 64);
            let whole = whole.filter(|a| !mapper.column(**a).is_some_and(|c| c.deferred));
            let whole = whole.fold(0, |bits, attribute| bits | 1 << attribute);
            self.arena.put(class, Slab::new(Box::new(records), whole, &mapper));
            return;
        }
        let mut objects = mapper.def.objects();
        // What a whole object has: every column whose field has no state of its own for "absent".
        objects.put_default(0);
        let mut whole = 0;
        if let Some(blank) = objects.get(0) {
            for &attribute in &mapper.columns {
                let always = blank.field(attribute).is_some_and(|field| field.is_set());
                if always && attribute < 64 && !mapper.column(attribute).is_some_and(|c| c.deferred)
                {
                    whole |= 1 << attribute;
                }
            }
        }
        objects.take(0);
        self.arena.put(class, Slab::new(objects, whole, &mapper));
    }

    /// The identity map of a class's hierarchy.
    #[inline]
    pub(crate) fn identity_mut(&mut self, class: u16) -> &mut IdentityMap {
        let root = self.mappers.at(class).root as usize;
        if self.identity.len() <= root {
            self.identity.resize_with(root + 1, IdentityMap::default);
        }
        &mut self.identity[root]
    }

    #[inline]
    pub(crate) fn identity_of(&self, class: u16) -> Option<&IdentityMap> {
        self.identity.get(self.mappers.at(class).root as usize)
    }

    /// The mapper of an object that is known to be here.
    #[inline]
    pub(crate) fn mapper_of(&self, id: Id) -> &Arc<Mapper> {
        self.mappers.at(id.class)
    }

    /// The mapper that declares an attribute of an object's class.
    #[inline]
    pub(crate) fn declaring(&self, id: Id, attribute: u16) -> u16 {
        self.mappers.at(id.class).property(attribute).declared_by
    }

    /// A change to what the session holds begins a transaction, as far as the program sees it.
    #[inline]
    pub(crate) fn note_change(&mut self) {
        self.begun = true;
    }

    /// The options, to be changed.
    pub fn options_mut(&mut self) -> &mut SessionOptions {
        &mut self.options
    }

    /// `Class.attribute of Class(key)`, for messages.
    pub(crate) fn describe(&self, id: Id, attribute: u16) -> String {
        let mapper = self.mappers.at(id.class);
        let name = mapper.properties.get(attribute as usize).map_or("?", |p| p.name());
        format!("{}.{name} of {}", mapper.class_name(), self.describe_object(id))
    }

    /// `Class(key)`, or `a new Class`, for messages.
    pub(crate) fn describe_object(&self, id: Id) -> String {
        let name = self.mappers.at(id.class).class_name();
        if !self.arena.holds(id) {
            return format!("a {name} that has left the session");
        }
        match self.identity_key(id) {
            Some(key) => format!("{name}({key})"),
            None => {
                let given = |a: &u16| self.arena.is_loaded(id, *a);
                let given = self.mapper_of(id).primary_key.iter().all(given);
                match self.current_key(id).filter(|_| given) {
                    Some(key) => format!("a new {name}({key})"),
                    None => format!("a new {name}"),
                }
            }
        }
    }

    #[cold]
    pub(crate) fn not_loaded(&self, id: Id, attribute: u16) -> Error {
        if self.expression(id, attribute).is_some() {
            return self.not_flushed(id, attribute);
        }
        let lazy = self.mapper_of(id).relationship(attribute).map(|r| r.lazy);
        if lazy == Some(Lazy::WriteOnly) {
            return self.write_only(id, attribute);
        }
        let (kind, todo) = if self.arena.state(id).is_attached() {
            (ErrorKind::NotLoaded, "load it with `session.load` or refresh the object first")
        } else {
            (ErrorKind::Detached, "the object is not in the session, so that it cannot be loaded")
        };
        Error::new(kind, format!("{} is not loaded: {todo}", self.describe(id, attribute)))
    }

    /// The members of a collection that is never loaded are wanted.
    #[cold]
    pub(crate) fn write_only(&self, id: Id, attribute: u16) -> Error {
        let what = format!(
            "{} is a write-only collection, which is never loaded: query its members, with \
             `session.members_query`",
            self.describe(id, attribute)
        );
        Error::new(ErrorKind::NotLoaded, what)
    }

    /// The number of a typed attribute, of an object. That of a struct is sure to be one of its class's; that of a
    /// record is looked at.
    #[inline]
    pub(crate) fn number<C, V>(&self, id: Id, attribute: Attr<C, V>) -> Result<u16> {
        match attribute.described {
            None => Ok(attribute.index()),
            Some(class) => self.number_in(id, class, attribute.index()),
        }
    }

    fn number_in(&self, id: Id, class: &'static ClassDef, attribute: u16) -> Result<u16> {
        self.arena.check(id)?;
        let name = class.attributes.get(usize::from(attribute)).map_or("?", |a| a.name);
        let of_class = self.mappers.by_type.get(&class.key());
        if !of_class.is_some_and(|class| self.mappers.is_a(id.class, *class)) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{}.{name} is no attribute of {}", class.name, self.describe_object(id)),
            ));
        }
        match self.mapper_of(id).properties.get(usize::from(attribute)) {
            Some(property) if property.name() == name => Ok(attribute),
            _ => Err(self.changed_since(class.name)),
        }
    }

    #[cold]
    pub(crate) fn no_such_field(&self, id: Id, attribute: u16) -> Error {
        Error::new(
            ErrorKind::Unmapped,
            format!(
                "class {} has no attribute {attribute}",
                self.mappers.at(id.class).class_name()
            ),
        )
    }

    #[cold]
    pub(crate) fn wrong_type(&self, id: Id, attribute: u16) -> Error {
        Error::new(
            ErrorKind::Value,
            format!("{} cannot hold a value of that kind", self.describe(id, attribute)),
        )
    }

    #[cold]
    pub(crate) fn absent(&self, id: Id, attribute: u16, what: &str) -> Error {
        Error::new(
            ErrorKind::Absent,
            format!("{} does not have {what}", self.describe(id, attribute)),
        )
    }
}
