//! The registry: which classes are mapped, and how.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use aludel_sql::{Dialect, MetaData};
use hashbrown::HashMap;

use super::builder::{ClassSpec, MapperBuilder};
use super::configure::{self, Made};
use super::describe::Expected;
use super::problems::Problems;
use super::{ExtendedInstrumentationRegistry, Mapper, Mappers};
use crate::events::table::{ClassRef, Registration, Table};
use crate::events::{ConfigureEvent, ConfigureListener, ListenerId};
use crate::instrumentation::{ClassDef, ClassKey, Mapped, Record, RecordClass};
use crate::{Error, ErrorKind, Result};

/// Which classes are mapped, and how: SQLAlchemy's `registry`, with its `MetaData`.
///
/// A registry is a cheap handle. It learns a class when the class is first needed, together with all
/// classes that it refers to, or by [`register`](Self::register); it learns everything about a class or
/// nothing. What it knows at a moment is a [`Mappers`], which never changes; a mapper keeps its number
/// for ever.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    mappers: RwLock<Arc<Mappers>>,
    known: Mutex<Known>,
    listening: Mutex<Listening>,
    /// The classes described at run time, by name; also those that are not configured yet.
    described: RwLock<HashMap<&'static str, RecordClass>>,
    /// The attributes that classes get when they are described.
    expected: Mutex<Vec<Expected>>,
    instrumentation: ExtendedInstrumentationRegistry,
}

/// Who listens to every session, and to the registry itself.
#[derive(Default)]
pub(crate) struct Listening {
    pub(crate) configuring: Vec<(ListenerId, ConfigureEvent, ConfigureListener)>,
    pub(crate) depth: u32,
    registered: Arc<Vec<Registration>>,
    /// The table of all listeners, and the mappers that it is for.
    table: Option<(Arc<Mappers>, Arc<Table>)>,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listening({})", self.registered.len())
    }
}

/// What the mappers are made from.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) specs: Vec<Arc<ClassSpec>>,
    /// Mapped by hand, and not configured yet.
    pub(super) queue: Vec<Arc<ClassSpec>>,
    /// The tables made by hand.
    pub(super) tables: MetaData,
    /// The tables made for classes.
    made: Made,
}

impl Registry {
    /// A registry that knows no class.
    pub fn new() -> Self {
        Self::default()
    }

    /// The registry that sessions use unless they are given another.
    pub fn global() -> Self {
        static GLOBAL: OnceLock<Registry> = OnceLock::new();
        GLOBAL.get_or_init(Self::new).clone()
    }

    /// What the registry knows now.
    pub fn mappers(&self) -> Arc<Mappers> {
        Arc::clone(&self.0.mappers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Learns a class, and every class that it refers to: its base, its subclasses as far as it names
    /// them, the targets of its relationships.
    ///
    /// # Errors
    ///
    /// For all that is wrong with the mappings of these classes; the registry is as it was.
    pub fn register<T: Mapped>(&self) -> Result<()> {
        self.ensure(T::class()).map(|_| ())
    }

    /// The mapper of a class, which is learned if it is not known yet.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub fn mapper<T: Mapped>(&self) -> Result<Arc<Mapper>> {
        let (mappers, index) = self.ensure(T::class())?;
        Ok(Arc::clone(mappers.at(index)))
    }

    /// Maps a class by hand.
    pub fn map<T: Mapped>(&self) -> MapperBuilder {
        self.map_class(T::class())
    }

    /// Maps a class by hand, by its description.
    pub fn map_class(&self, class: &'static ClassDef) -> MapperBuilder {
        MapperBuilder::by_hand(class, self.clone())
    }

    /// The number of a class's mapper, and a snapshot that has it; learns the class if it is not known yet.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub fn ensure(&self, class: &'static ClassDef) -> Result<(Arc<Mappers>, u16)> {
        let id = class.key();
        let mappers = self.mappers();
        if let Some(&index) = mappers.by_type.get(&id) {
            return Ok((mappers, index));
        }
        let mappers = self.learn(&[class])?;
        match mappers.by_type.get(&id) {
            Some(&index) => Ok((mappers, index)),
            None => Err(unmapped(class)),
        }
    }

    /// Configures the classes that were mapped by hand and not configured yet, and checks that every
    /// foreign key of every table refers to a column that exists.
    ///
    /// # Errors
    ///
    /// For all that is wrong, at once.
    pub fn configure(&self) -> Result<()> {
        let mappers = self.learn_whole(&[], true)?;
        configure::check_foreign_keys(&mappers.list, &self.metadata()).into_result()
    }

    /// The statements that create all tables that are not there yet, in the order in which they have to run.
    ///
    /// # Errors
    ///
    /// As [`configure`](Self::configure).
    pub fn create_statements(&self, dialect: &Dialect) -> Result<Vec<String>> {
        self.configure()?;
        self.metadata().create_missing(dialect)
    }

    /// The statements that drop all tables that are there, in the order in which they have to run.
    ///
    /// # Errors
    ///
    /// As [`configure`](Self::configure).
    pub fn drop_statements(&self, dialect: &Dialect) -> Result<Vec<String>> {
        self.configure()?;
        self.metadata().drop_existing(dialect)
    }

    /// All tables: those of the classes, the association tables, and those made by hand.
    pub fn metadata(&self) -> MetaData {
        let known = self.known();
        let mut all = known.tables.clone();
        for table in &self.mappers().tables {
            // Tables of one name are one table here: the classes' were looked up by name first.
            let _ = all.add(table.clone());
        }
        all
    }

    /// Adds a table made by hand: classes and association tables of its name will use it.
    ///
    /// # Errors
    ///
    /// When there is another table of its name.
    pub fn add_table(&self, table: aludel_sql::Table) -> Result<()> {
        let mut known = self.known();
        let name = table.full_name();
        if self.mappers().tables.iter().any(|t| t.full_name() == name && *t != table) {
            let message = format!(
                "a class is mapped to another table `{name}` already: add the table before the class \
                 is registered"
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        known.tables.add(table)
    }

    /// Puts a class on the list of those to be configured.
    pub(super) fn enqueue(&self, spec: Arc<ClassSpec>) -> Result<()> {
        let mut known = self.known();
        let id = spec.def.key();
        if known.specs.iter().chain(&known.queue).any(|s| s.def.key() == id) {
            let message = format!(
                "class `{}` is mapped already in this registry: map it before it is first used, or in \
                 a registry of its own",
                spec.def.name
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        known.queue.push(spec);
        Ok(())
    }

    /// Learns classes, those on the list, and all that they refer to.
    pub(super) fn learn(&self, classes: &[&'static ClassDef]) -> Result<Arc<Mappers>> {
        self.learn_whole(classes, false)
    }

    /// The same; where the mapping is `whole`, it is told with all else that is wrong what refers to no table.
    fn learn_whole(&self, classes: &[&'static ClassDef], whole: bool) -> Result<Arc<Mappers>> {
        if classes.iter().any(|class| class.key() == ClassKey::of::<Record>()) {
            return Err(Record::of_no_class());
        }
        let queued = self.known().queue.clone();
        self.find_named(&queued);
        // The classes' own functions are called here, while nothing is locked.
        let mut found: Vec<Arc<ClassSpec>> = Vec::new();
        let mut wanted: Vec<_> = queued.iter().flat_map(|s| s.needs()).collect();
        wanted.extend(queued.iter().map(|s| s.def).chain(classes.iter().copied()));
        while !wanted.is_empty() {
            let is_new = |def: &&'static ClassDef| {
                let id = def.key();
                !self.knows(id) && !queued.iter().chain(&found).any(|spec| spec.def.key() == id)
            };
            let new: Vec<_> = configure::closure(wanted).into_iter().filter(is_new).collect();
            let new = new.into_iter().map(|def| Arc::new(MapperBuilder::of(def).into_spec()));
            let new: Vec<_> = new.collect();
            wanted = new.iter().flat_map(|spec| spec.needs()).collect();
            found.extend(new);
        }
        if !(queued.is_empty() && found.is_empty()) {
            self.tell_configure(ConfigureEvent::BeforeConfigured, None, None)?;
            for spec in queued.iter().chain(&found) {
                let class = Some(spec.def.name);
                self.tell_configure(ConfigureEvent::BeforeMapperConfigured, class, None)?;
            }
        }
        let mut prepared: Vec<_> = queued.iter().chain(&found).map(|spec| spec.def).collect();
        prepared.sort_by_key(|def| configure::depth(def));
        let mut problems = Problems::default();
        let managers = self.0.instrumentation.prepare(&prepared, &mut problems);
        let mut known = self.known();
        known.queue.retain(|spec| !queued.iter().any(|q| Arc::ptr_eq(q, spec)));
        let mut specs = known.specs.clone();
        let before = specs.len();
        for spec in queued.iter().cloned().chain(found) {
            let id = spec.def.key();
            if !specs.iter().any(|s| s.def.key() == id) {
                specs.push(spec);
            }
        }
        if specs.len() == before {
            problems.into_result()?;
            return Ok(self.mappers());
        }
        // A base comes before its subclasses.
        specs[before..].sort_by_key(|spec| configure::depth(spec.def));
        let new: Vec<_> = specs[before..].iter().map(|spec| spec.def).collect();
        let mappers = match self.build(&mut known, specs, &[], whole, problems) {
            Ok(mappers) => mappers,
            Err(error) => {
                // What was described at run time may refer to classes that are described later.
                let described = |spec: &Arc<ClassSpec>| spec.def.described.is_some();
                let waiting = queued.into_iter().filter(described).collect::<Vec<_>>();
                let there = known.queue.clone();
                let missing = |spec: &Arc<ClassSpec>| !there.iter().any(|q| Arc::ptr_eq(q, spec));
                known.queue.splice(0..0, waiting.into_iter().filter(missing));
                return Err(error);
            }
        };
        drop(known);
        // Another thread may have been quicker with some.
        for manager in managers.iter().filter(|m| new.iter().any(|c| c.key() == m.class().key())) {
            self.0.instrumentation.instrument(manager);
        }
        for class in new {
            self.0.instrumentation.configured(class);
        }
        for mapper in &mappers.list[before..] {
            let class = Some(mapper.def.name);
            self.tell_configure(ConfigureEvent::MapperConfigured, class, Some(mapper))?;
        }
        self.tell_configure(ConfigureEvent::AfterConfigured, None, None)?;
        Ok(mappers)
    }

    /// Makes mappers of specs, and takes them over.
    pub(super) fn build(
        &self,
        known: &mut Known,
        specs: Vec<Arc<ClassSpec>>,
        changed: &[ClassKey],
        whole: bool,
        problems: Problems,
    ) -> Result<Arc<Mappers>> {
        let there = self.mappers();
        let tables = (&known.tables, &known.made);
        let built = configure::build(&specs, &there, tables, changed, whole, problems)?;
        let mappers = Arc::new(built.mappers);
        known.specs = specs;
        known.tables = built.by_hand;
        known.made = built.made;
        *self.0.mappers.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&mappers);
        Ok(mappers)
    }

    /// Adds a listener for the sessions that are made from here on.
    pub(crate) fn listen(&self, registration: Registration) -> Result<ListenerId> {
        if let Some(ClassRef::Def(def)) = registration.class() {
            self.ensure(def)?;
        }
        // What is not there is found out now.
        Table::default().add(&registration, &self.mappers())?;
        let id = registration.id;
        let mut listening = self.listening();
        Arc::make_mut(&mut listening.registered).push(registration);
        listening.table = None;
        Ok(id)
    }

    /// Removes a listener that was registered here, from all sessions; says whether it was there.
    pub fn off(&self, listener: ListenerId) -> bool {
        let mut listening = self.listening();
        let before = listening.configuring.len();
        listening.configuring.retain(|(id, _, _)| *id != listener);
        if listening.configuring.len() != before {
            return true;
        }
        let Some(at) = listening.registered.iter().position(|r| r.id == listener) else {
            return false;
        };
        Arc::make_mut(&mut listening.registered).remove(at).end();
        listening.table = None;
        true
    }

    /// The listeners that were registered here, and the table of all that listen to every session.
    pub(crate) fn listeners(&self, mappers: &Arc<Mappers>) -> (Arc<Vec<Registration>>, Arc<Table>) {
        let mut listening = self.listening();
        let registered = Arc::clone(&listening.registered);
        if let Some((of, table)) = &listening.table
            && Arc::ptr_eq(of, mappers)
        {
            return (registered, Arc::clone(table));
        }
        let table = Arc::new(Table::of(mappers, &registered));
        listening.table = Some((Arc::clone(mappers), Arc::clone(&table)));
        (registered, table)
    }

    pub(crate) fn listening(&self) -> MutexGuard<'_, Listening> {
        self.0.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn knows(&self, id: ClassKey) -> bool {
        self.mappers().by_type.contains_key(&id)
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the files beside this one look into.
impl Registry {
    /// Knows no class any more.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        *known = Known::default();
        *self.0.mappers.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    pub(super) fn classes_described(
        &self,
    ) -> std::sync::RwLockReadGuard<'_, HashMap<&'static str, RecordClass>> {
        self.0.described.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn classes_described_mut(
        &self,
    ) -> std::sync::RwLockWriteGuard<'_, HashMap<&'static str, RecordClass>> {
        self.0.described.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The attributes that a class gets when it is described.
    pub(super) fn expected_of(&self, class: &str) -> Vec<Expected> {
        let expected = self.0.expected.lock().unwrap_or_else(PoisonError::into_inner);
        expected.iter().filter(|expected| expected.class == class).cloned().collect()
    }

    /// A class has been described: it has got what was expected of it, and expects this of others.
    pub(super) fn expect(&self, class: &str, more: Vec<Expected>) {
        let mut expected = self.0.expected.lock().unwrap_or_else(PoisonError::into_inner);
        expected.retain(|expected| expected.class != class);
        expected.extend(more);
    }

    /// How the registry's classes are instrumented, and who is told of it.
    pub fn instrumentation(&self) -> &ExtendedInstrumentationRegistry {
        &self.0.instrumentation
    }
}

fn unmapped(class: &ClassDef) -> Error {
    let message = format!("class `{}` is not mapped in this registry", class.name);
    Error::new(ErrorKind::Unmapped, message)
}
