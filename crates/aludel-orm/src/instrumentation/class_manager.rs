//! How a class is instrumented, and how that can be replaced: SQLAlchemy's `ext.instrumentation`.
//!
//! ```text
//!   a class is described ── finders, in their order ─▶ InstrumentationFactory ─▶ InstrumentationManager
//!                                                                                      │ hooks
//!                                        ClassManager: the class, its manager, its members
//! ```
//!
//! The seam is where an object keeps its values. A derived struct keeps them in its fields, and its manager is told
//! of the class and its attributes alone. A record keeps them in the dictionary that its manager finds.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

use super::{
    AttrDef, AttrKind, ClassDef, Collection, Instance, InstanceDict, InstanceState, Record,
};

/// What finds the state of an instance: what [`InstrumentationManager::state_getter`] gives.
pub type StateGetter =
    Arc<dyn Fn(&ClassManager, &dyn Instance) -> Option<InstanceState> + Send + Sync>;

/// Something that a manager installs on a class.
#[derive(Clone)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "descriptions are `Copy`, and members few")]
pub enum ClassMember {
    /// An attribute.
    Descriptor(AttrDef),
    /// What makes objects of the class.
    Constructor(Constructor),
    /// Anything else.
    Other(Arc<dyn Any + Send + Sync>),
}

/// What makes objects of a class.
pub type Constructor = Arc<dyn Fn(&ClassManager) -> Record + Send + Sync>;

impl fmt::Debug for ClassMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptor(attribute) => write!(f, "Descriptor({})", attribute.name),
            Self::Constructor(_) => f.write_str("Constructor(..)"),
            Self::Other(_) => f.write_str("Other(..)"),
        }
    }
}

/// Changes how classes are instrumented: SQLAlchemy's `InstrumentationManager`.
///
/// Every hook has a default, which is what SQLAlchemy's does. Those of the class are called for every class. Those that
/// speak of an instance are called for records; a derived struct has its values in its fields, which nothing can
/// replace.
///
/// ```
/// use aludel_orm::{ClassManager, Instance, InstanceDict, InstrumentationManager};
///
/// /// Objects that keep their values in a dictionary of their own.
/// #[derive(Clone, Default)]
/// struct MyClass {
///     goofy_dict: InstanceDict,
/// }
///
/// struct MyClassState;
///
/// impl InstrumentationManager for MyClassState {
///     fn get_instance_dict<'i>(
///         &self,
///         _: &ClassManager,
///         instance: &'i dyn Instance,
///     ) -> Option<&'i InstanceDict> {
///         instance.downcast_ref::<MyClass>().map(|it| &it.goofy_dict)
///     }
///     fn get_instance_dict_mut<'i>(
///         &self,
///         _: &ClassManager,
///         instance: &'i mut dyn Instance,
///     ) -> Option<&'i mut InstanceDict> {
///         instance.downcast_mut::<MyClass>().map(|it| &mut it.goofy_dict)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an instrumentation manager",
    label = "does not instrument classes",
    note = "implement `aludel::InstrumentationManager` for it: every hook has a default"
)]
pub trait InstrumentationManager: Send + Sync + 'static {
    /// The class comes under this manager.
    fn manage(&self, class: &ClassManager) {
        let _ = class;
    }

    /// The class leaves this manager: SQLAlchemy's `dispose` (in its later releases `unregister`).
    fn dispose(&self, class: &ClassManager) {
        let _ = class;
    }

    /// What gives the manager of the class to those who ask for it; the registry's own bookkeeping without one.
    fn manager_getter(&self, class: &'static ClassDef) -> Option<ManagerGetter> {
        let _ = class;
        None
    }

    /// The class has an attribute, which has been installed.
    fn instrument_attribute(&self, class: &ClassManager, key: &str, attribute: &AttrDef) {
        let _ = (class, key, attribute);
    }

    /// The attribute's property is configured.
    fn post_configure_attribute(&self, class: &ClassManager, key: &str, attribute: &AttrDef) {
        let _ = (class, key, attribute);
    }

    /// Installs an attribute on the class.
    fn install_descriptor(&self, class: &ClassManager, key: &str, attribute: &AttrDef) {
        class.set_member(key, ClassMember::Descriptor(*attribute));
    }

    /// Takes an attribute from the class.
    fn uninstall_descriptor(&self, class: &ClassManager, key: &str) {
        class.remove_member(key);
    }

    /// Installs something that is not an attribute on the class: its constructor, under the name `new`.
    fn install_member(&self, class: &ClassManager, key: &str, member: ClassMember) {
        class.set_member(key, member);
    }

    /// Takes it from the class.
    fn uninstall_member(&self, class: &ClassManager, key: &str) {
        class.remove_member(key);
    }

    /// What holds the members of a collection; another kind than asked for, where the manager says so (of a
    /// class described at run time).
    fn instrument_collection_class(
        &self,
        class: &'static str,
        key: &str,
        collection: Collection,
    ) -> Collection {
        let _ = (class, key);
        collection
    }

    /// The dictionary of an instance.
    fn get_instance_dict<'i>(
        &self,
        class: &ClassManager,
        instance: &'i dyn Instance,
    ) -> Option<&'i InstanceDict> {
        let _ = class;
        instance.downcast_ref()
    }

    /// The dictionary of an instance, to be changed: the same one.
    fn get_instance_dict_mut<'i>(
        &self,
        class: &ClassManager,
        instance: &'i mut dyn Instance,
    ) -> Option<&'i mut InstanceDict> {
        let _ = class;
        instance.downcast_mut()
    }

    /// A new instance gets its dictionary, which has a field for each attribute and no value yet.
    fn initialize_instance_dict(
        &self,
        class: &ClassManager,
        instance: &mut dyn Instance,
        dict: InstanceDict,
    ) {
        if let Some(place) = self.get_instance_dict_mut(class, instance) {
            *place = dict;
        }
    }

    /// An instance has come into a session's arena: it gets its state.
    fn install_state(
        &self,
        class: &ClassManager,
        instance: &mut dyn Instance,
        state: InstanceState,
    ) {
        if let Some(dict) = self.get_instance_dict_mut(class, instance) {
            dict.set_state(Some(state));
        }
    }

    /// An instance has left a session's arena.
    fn remove_state(&self, class: &ClassManager, instance: &mut dyn Instance) {
        if let Some(dict) = self.get_instance_dict_mut(class, instance) {
            dict.set_state(None);
        }
    }

    /// What finds the state of an instance: asked for once, when the class is instrumented.
    fn state_getter(&self, class: &'static str) -> StateGetter {
        let _ = class;
        Arc::new(|class, instance| {
            class.manager().get_instance_dict(class, instance).and_then(InstanceDict::state)
        })
    }
}

/// What gives the manager of a class: what [`InstrumentationManager::manager_getter`] gives.
pub type ManagerGetter = Arc<dyn Fn(&'static ClassDef) -> Option<Arc<ClassManager>> + Send + Sync>;

/// The way in which SQLAlchemy instruments when nothing else is said: SQLAlchemy's plain `ClassManager`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultInstrumentation;

impl InstrumentationManager for DefaultInstrumentation {}

/// Makes the managers of classes: SQLAlchemy's `InstrumentationFactory`, and what `__sa_instrumentation_manager__`
/// holds.
///
/// A function from a class's name to a manager is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how a class is instrumented",
    label = "not an instrumentation factory",
    note = "write a function from the class's name (`&'static str`) to an `InstrumentationManager`, or implement \
            `InstrumentationFactory`"
)]
pub trait InstrumentationFactory: Send + Sync + 'static {
    /// The manager of a class.
    fn manager(&self, class: &'static str) -> Arc<dyn InstrumentationManager>;
    /// What the factory is called in messages; two of one name are one implementation.
    fn name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

impl<M: InstrumentationManager, F: Fn(&'static str) -> M + Send + Sync + 'static>
    InstrumentationFactory for F
{
    fn manager(&self, class: &'static str) -> Arc<dyn InstrumentationManager> {
        Arc::new(self(class))
    }
}

/// A class under instrumentation: SQLAlchemy's `ClassManager`.
pub struct ClassManager {
    class: RwLock<&'static ClassDef>,
    manager: Arc<dyn InstrumentationManager>,
    factory: Option<&'static str>,
    state_getter: StateGetter,
    members: RwLock<HashMap<String, ClassMember>>,
}

impl fmt::Debug for ClassManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassManager")
            .field("class", &self.class_name())
            .field("implementation", &self.implementation())
            .finish_non_exhaustive()
    }
}

impl ClassManager {
    pub(crate) fn of(
        class: &'static ClassDef,
        manager: Arc<dyn InstrumentationManager>,
        factory: Option<&'static str>,
    ) -> Self {
        let state_getter = manager.state_getter(class.name);
        Self {
            class: RwLock::new(class),
            manager,
            factory,
            state_getter,
            members: RwLock::default(),
        }
    }

    /// The class.
    pub fn class(&self) -> &'static ClassDef {
        *self.class.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_class(&self, class: &'static ClassDef) {
        *self.class.write().unwrap_or_else(PoisonError::into_inner) = class;
    }

    /// The class's name.
    pub fn class_name(&self) -> &'static str {
        self.class().name
    }

    /// What instruments it.
    pub fn manager(&self) -> &dyn InstrumentationManager {
        &*self.manager
    }

    pub(crate) fn shared_manager(&self) -> Arc<dyn InstrumentationManager> {
        Arc::clone(&self.manager)
    }

    /// The name of the implementation that instruments the class; none for the default one.
    pub fn implementation(&self) -> Option<&'static str> {
        self.factory
    }

    /// Whether a name is that of an attribute of the class: SQLAlchemy's `is_instrumented`.
    pub fn is_instrumented(&self, key: &str) -> bool {
        self.class().attribute(key).is_some()
    }

    /// Something that is installed on the class.
    pub fn member(&self, key: &str) -> Option<ClassMember> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Installs something on the class, in the place of what is there under this name.
    pub fn set_member(&self, key: &str, member: ClassMember) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.insert(key.to_owned(), member);
    }

    /// What was installed on the class as it was described before.
    pub(crate) fn take_members(&self, before: &Self) {
        let members = before.members.read().unwrap_or_else(PoisonError::into_inner).clone();
        *self.members.write().unwrap_or_else(PoisonError::into_inner) = members;
    }

    /// Takes something from the class.
    pub fn remove_member(&self, key: &str) -> Option<ClassMember> {
        self.members.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    /// The state of an instance of the class.
    pub fn state_of(&self, instance: &dyn Instance) -> Option<InstanceState> {
        (self.state_getter)(self, instance)
    }

    /// The class comes under the manager, with its constructor and all its attributes.
    pub(crate) fn instrument(&self) {
        self.manager.manage(self);
        if self.class().described.is_some() {
            let new: Constructor = Arc::new(|class| Record::blank(class.class()));
            self.manager.install_member(self, "new", ClassMember::Constructor(new));
        }
        for attribute in self.class().attributes {
            self.instrument_attribute(attribute);
        }
    }

    pub(crate) fn instrument_attribute(&self, attribute: &AttrDef) {
        if !matches!(attribute.kind, AttrKind::Unregistered) {
            self.manager.install_descriptor(self, attribute.name, attribute);
            self.manager.instrument_attribute(self, attribute.name, attribute);
        }
    }

    /// The attributes' properties are configured.
    pub(crate) fn post_configure(&self, told: &mut dyn FnMut(&AttrDef)) {
        for attribute in self.class().attributes {
            if !matches!(attribute.kind, AttrKind::Unregistered) {
                self.manager.post_configure_attribute(self, attribute.name, attribute);
                told(attribute);
            }
        }
    }

    /// The class leaves the manager.
    pub(crate) fn uninstrument(&self) {
        for attribute in self.class().attributes {
            if !matches!(attribute.kind, AttrKind::Unregistered) {
                self.manager.uninstall_descriptor(self, attribute.name);
            }
        }
        if self.class().described.is_some() {
            self.manager.uninstall_member(self, "new");
        }
        self.manager.dispose(self);
    }
}
