//! Which implementation instruments a class, and who is told of it.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

use super::problems::Problems;
use crate::instrumentation::{
    AttrDef, ClassDef, ClassKey, ClassManager, DefaultInstrumentation, InstrumentationFactory,
    InstrumentationManager, ManagerGetter,
};

/// What is asked which implementation instruments a class: a link of the chain of `instrumentation_finders`. It is
/// given the class's name, and the class's own choice.
pub type InstrumentationFinder = Arc<
    dyn Fn(
            &str,
            Option<&Arc<dyn InstrumentationFactory>>,
        ) -> Option<Arc<dyn InstrumentationFactory>>
        + Send
        + Sync,
>;

/// What has happened to a class: SQLAlchemy's `InstrumentationEvents`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassEvent {
    /// It has come under instrumentation.
    ClassInstrument,
    /// It has left it.
    ClassUninstrument,
    /// An attribute of it is instrumented.
    AttributeInstrument,
}

type Told = Arc<dyn Fn(&ClassManager, Option<&AttrDef>) + Send + Sync>;

/// The instrumentation of a registry's classes: SQLAlchemy's `ExtendedInstrumentationRegistry`, with several kinds
/// of managers side by side.
#[derive(Default)]
pub struct ExtendedInstrumentationRegistry {
    /// None while only the class's own choice counts.
    finders: RwLock<Option<Vec<InstrumentationFinder>>>,
    managers: RwLock<HashMap<ClassKey, Managed>>,
    listeners: RwLock<Vec<(ClassEvent, Told)>>,
}

/// The manager of a class, and what gives it to those who ask.
#[derive(Clone)]
struct Managed {
    manager: Arc<ClassManager>,
    getter: Option<ManagerGetter>,
}

impl fmt::Debug for ExtendedInstrumentationRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtendedInstrumentationRegistry").finish_non_exhaustive()
    }
}

/// The finder that is there by default: the class's own choice.
fn find_native_user_instrumentation_hook() -> InstrumentationFinder {
    Arc::new(|_, own| own.cloned())
}

impl ExtendedInstrumentationRegistry {
    /// Puts a finder before those that are there: the first one that finds an implementation decides.
    pub fn prepend_finder(
        &self,
        finder: impl Fn(
            &str,
            Option<&Arc<dyn InstrumentationFactory>>,
        ) -> Option<Arc<dyn InstrumentationFactory>>
        + Send
        + Sync
        + 'static,
    ) {
        self.finders_mut(|finders| finders.insert(0, Arc::new(finder)));
    }

    /// Changes the chain of finders. At first it has one: the class's own choice.
    pub fn finders_mut(&self, change: impl FnOnce(&mut Vec<InstrumentationFinder>)) {
        let mut finders = self.finders.write().unwrap_or_else(PoisonError::into_inner);
        change(finders.get_or_insert_with(|| vec![find_native_user_instrumentation_hook()]));
    }

    /// The manager of a class that is under instrumentation.
    pub fn manager_of_class(&self, class: &'static ClassDef) -> Option<Arc<ClassManager>> {
        let managed = self.managers.read().unwrap_or_else(PoisonError::into_inner);
        let managed = managed.get(&class.key()).cloned()?;
        match managed.getter {
            Some(getter) => getter(class),
            None => Some(managed.manager),
        }
    }

    /// Calls a function whenever this happens to a class. The attribute is given where it is about one.
    pub fn listen(
        &self,
        event: ClassEvent,
        listener: impl Fn(&ClassManager, Option<&AttrDef>) + Send + Sync + 'static,
    ) {
        let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.push((event, Arc::new(listener)));
    }

    /// The implementation of a class: what the first finder says that says anything.
    ///
    /// # Errors
    ///
    /// When a base class has another one: what is wrong with the class.
    pub(super) fn factory_for(
        &self,
        name: &str,
        own: Option<Arc<dyn InstrumentationFactory>>,
        base: Option<Arc<ClassManager>>,
    ) -> Result<Option<Arc<dyn InstrumentationFactory>>, String> {
        let finders = self.finders.read().unwrap_or_else(PoisonError::into_inner).clone();
        let finders = finders.unwrap_or_else(|| vec![find_native_user_instrumentation_hook()]);
        let found = finders.iter().find_map(|finder| finder(name, own.as_ref()));
        let Some(base) = base else { return Ok(found) };
        match (found, base.implementation()) {
            (None, None) => Ok(None),
            (Some(found), Some(above)) if found.name() == above => Ok(Some(found)),
            // A subclass has its base's choice.
            (None, Some(above)) => Ok(Some(Arc::new(Inherited(base, above)))),
            (Some(found), above) => Err(format!(
                "there are several instrumentation implementations in its hierarchy: `{}`, and {} of class `{}`; a \
                 hierarchy has one",
                found.name(),
                above.map_or("the default one".to_owned(), |above| format!("`{above}`")),
                base.class_name()
            )),
        }
    }

    /// The managers of structs that are about to be mapped, bases before their subclasses; those of classes described
    /// at run time are there already. Of a hierarchy that has several implementations, those that cannot be are left out.
    pub(super) fn prepare(
        &self,
        classes: &[&'static ClassDef],
        problems: &mut Problems,
    ) -> Vec<Arc<ClassManager>> {
        let mut made: Vec<Arc<ClassManager>> = Vec::new();
        for class in classes.iter().filter(|class| class.described.is_none()) {
            let base = class.inheritance.as_ref().map(|inheritance| inheritance.base().key());
            let above = base.and_then(|base| {
                let new = made.iter().find(|manager| manager.class().key() == base).cloned();
                new.or_else(|| self.known(base))
            });
            let own = class.instrumentation.map(|choice| choice());
            let factory = match self.factory_for(class.name, own, above) {
                Ok(factory) => factory,
                Err(what) => {
                    problems.class(class.name, what);
                    continue;
                }
            };
            let manager: Arc<dyn InstrumentationManager> = match &factory {
                None => Arc::new(DefaultInstrumentation),
                Some(factory) => factory.manager(class.name),
            };
            made.push(Arc::new(ClassManager::of(class, manager, factory.map(|f| f.name()))));
        }
        made
    }

    pub(super) fn instrument(&self, manager: &Arc<ClassManager>) {
        let class = manager.class();
        let getter = manager.manager().manager_getter(class);
        manager.instrument();
        let mut managers = self.managers.write().unwrap_or_else(PoisonError::into_inner);
        managers.insert(class.key(), Managed { manager: Arc::clone(manager), getter });
        drop(managers);
        self.tell(ClassEvent::ClassInstrument, manager, None);
    }

    pub(super) fn configured(&self, class: &'static ClassDef) {
        if let Some(manager) = self.known(class.key()) {
            manager.post_configure(&mut |attribute| {
                self.tell(ClassEvent::AttributeInstrument, &manager, Some(attribute));
            });
        }
    }

    pub(super) fn uninstrument(&self, class: &'static ClassDef) {
        if let Some(manager) = self.known(class.key()) {
            self.tell(ClassEvent::ClassUninstrument, &manager, None);
            manager.uninstrument();
            let mut managers = self.managers.write().unwrap_or_else(PoisonError::into_inner);
            managers.remove(&class.key());
        }
    }

    /// The class has another description: its manager is a new one.
    pub(super) fn replace(&self, manager: &Arc<ClassManager>) {
        let class = manager.class();
        let getter = manager.manager().manager_getter(class);
        let mut managers = self.managers.write().unwrap_or_else(PoisonError::into_inner);
        managers.insert(class.key(), Managed { manager: Arc::clone(manager), getter });
    }

    pub(super) fn tell_attribute(&self, manager: &ClassManager, attribute: &AttrDef) {
        self.tell(ClassEvent::AttributeInstrument, manager, Some(attribute));
    }

    fn known(&self, class: ClassKey) -> Option<Arc<ClassManager>> {
        let managers = self.managers.read().unwrap_or_else(PoisonError::into_inner);
        managers.get(&class).map(|managed| Arc::clone(&managed.manager))
    }

    fn tell(&self, event: ClassEvent, manager: &ClassManager, attribute: Option<&AttrDef>) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (_, told) in listeners.iter().filter(|(wanted, _)| *wanted == event) {
            told(manager, attribute);
        }
    }
}

/// The implementation of a base class, for its subclasses.
struct Inherited(Arc<ClassManager>, &'static str);

impl InstrumentationFactory for Inherited {
    fn manager(&self, _: &'static str) -> Arc<dyn InstrumentationManager> {
        self.0.shared_manager()
    }
    fn name(&self) -> &'static str {
        self.1
    }
}
