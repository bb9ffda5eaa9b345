//! Objects of classes that were described at run time.
//!
//! A [`Record`] is an object without a struct of its own: an *instance* (of any type, [`InstanceDict`] unless the
//! class says otherwise), and a dictionary of values that the class's
//! [`InstrumentationManager`](super::InstrumentationManager) finds for it. To the core it is an
//! [`Object`] as any other: it has numbered fields, each of its declared Rust type.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use aludel_sql::{Row, Value};

use super::class_manager::ClassManager;
use super::many::MemberCore;
use super::{
    AttrKind, ClassDef, Field, InstanceDict, InstanceState, IsA, Mapped, Object, Objects, ValueType,
};
use crate::{Error, ErrorKind, Result};

/// What is known of a class that was described at run time, beside its attributes.
#[doc(hidden)]
pub struct Described {
    /// The class's number in the process.
    pub(crate) number: u32,
    /// The types of the attributes, by number.
    pub(crate) types: Vec<ValueType>,
    /// How the class is instrumented.
    pub(crate) manager: Arc<ClassManager>,
    /// Makes an instance with nothing in it.
    pub(crate) instance: fn() -> Box<dyn Instance>,
    /// What is called of a record that comes from a row; the base's functions first.
    pub(crate) reconstructors: Vec<fn(&mut Record)>,
}

impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Described#{}", self.number)
    }
}

/// What the objects of a class described at run time are made of: any type that can be copied.
///
/// It is the [`InstanceDict`] itself, unless the class has
/// [instances of another type](crate::mapping::RecordClassBuilder::instances).
pub trait Instance: Any + Send + Sync {
    /// A copy.
    #[doc(hidden)]
    fn copy(&self) -> Box<dyn Instance>;
}

impl<T: Any + Clone + Send + Sync> Instance for T {
    fn copy(&self) -> Box<dyn Instance> {
        Box::new(self.clone())
    }
}

impl dyn Instance {
    /// The instance as what it is.
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        let any: &dyn Any = self;
        any.downcast_ref()
    }

    /// The instance as what it is, to be changed.
    pub fn downcast_mut<T: Any>(&mut self) -> Option<&mut T> {
        let any: &mut dyn Any = self;
        any.downcast_mut()
    }
}

/// An object of a class that was described at run time: of a [`RecordClass`](super::RecordClass).
///
/// Outside of a session it is a plain value, filled by [`with`](Self::with) and its kin; `session.add` takes it in,
/// and `session[handle]` is the record. What was never given is not set, and takes the column's default.
pub struct Record {
    class: &'static ClassDef,
    instance: Box<dyn Instance>,
}

impl Record {
    /// A new instance, set up by the class's manager.
    pub(crate) fn blank(class: &'static ClassDef) -> Self {
        let Some(described) = class.described else { return Self::default() };
        let mut instance = (described.instance)();
        let manager = &described.manager;
        let dict = InstanceDict::blank(class);
        manager.manager().initialize_instance_dict(manager, &mut *instance, dict);
        Self { class, instance }
    }

    /// The name of the record's class.
    pub fn class_name(&self) -> &'static str {
        self.class.name
    }

    /// What the record is made of, where it is of this type.
    pub fn instance<T: Any>(&self) -> Option<&T> {
        self.instance.downcast_ref()
    }

    /// What the record is made of, to be changed: for what the mapper knows nothing of.
    pub fn instance_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.instance.downcast_mut()
    }

    /// The record with the value of an attribute that holds a column.
    ///
    /// # Errors
    ///
    /// When there is no such attribute, or the value is not of its type.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Result<Self> {
        self.set(name, value)?;
        Ok(self)
    }

    /// The record with a related object: a handle, or a new one.
    ///
    /// # Errors
    ///
    /// When there is no such attribute, or it does not refer to one object.
    pub fn with_one(mut self, name: &str, related: impl IntoRelated) -> Result<Self> {
        let (at, _) = self.position(name)?;
        let core = match related.into_related().0 {
            MemberCore::Object(id) => super::OneCore::Loaded(Some(id)),
            MemberCore::New(value) => super::OneCore::New(Box::new(value)),
        };
        match self.field_mut(at).and_then(|field| field.one_mut()) {
            Some(one) => *one = core,
            None => return Err(self.not_that(name, "a reference to one object")),
        }
        Ok(self)
    }

    /// The record with the members of a collection: handles, or new objects.
    ///
    /// # Errors
    ///
    /// When there is no such attribute, or it does not hold many objects.
    pub fn with_many<M: IntoRelated>(
        mut self,
        name: &str,
        members: impl IntoIterator<Item = M>,
    ) -> Result<Self> {
        let (at, _) = self.position(name)?;
        let members = members.into_iter().map(|m| m.into_related().0).collect();
        match self.field_mut(at).and_then(|field| field.many_mut()) {
            Some(many) => *many = super::ManyCore::New(Box::new(members)),
            None => return Err(self.not_that(name, "a collection")),
        }
        Ok(self)
    }

    /// Sets the value of an attribute that holds a column: of a record outside of a session, or of the draft
    /// that `session.edit` gives.
    ///
    /// # Errors
    ///
    /// When there is no such attribute, or the value is not of its type; the record is as it was.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        let (at, kind) = self.position(name)?;
        if let AttrKind::Relationship(_) = kind {
            return Err(self.not_that(name, "a column"));
        }
        let class = self.class.name;
        let Some(field) = self.field(at) else { return Err(self.not_that(name, "a column")) };
        let mut made = field.with_value(value.into()).map_err(|bad| {
            Error::new(ErrorKind::Value, format!("{class}.{name}: the value {bad}"))
        })?;
        match self.field_mut(at).is_some_and(|field| field.swap(&mut *made)) {
            true => Ok(()),
            false => Err(self.not_that(name, "a column")),
        }
    }

    /// The value of an attribute as its Rust type; `None` where it was never given one, and where it is of
    /// another type.
    pub fn get<V: Field>(&self, name: &str) -> Option<&V> {
        let (at, _) = self.position(name).ok()?;
        if !self.is_given(at) {
            return None;
        }
        let any: &dyn Any = self.field(at)?;
        any.downcast_ref()
    }

    /// The value of an attribute that holds a column, as the database sees it; NULL where it was never given one.
    ///
    /// # Errors
    ///
    /// When there is no such attribute.
    pub fn value(&self, name: &str) -> Result<Value> {
        let (at, _) = self.position(name)?;
        let field = self.field(at).filter(|_| self.is_given(at));
        Ok(field.map_or(Value::Null, |field| field.value()))
    }

    /// Where the session keeps what it knows of the record, while the record is in a session: what the class's
    /// `state_getter` finds.
    pub fn state(&self) -> Option<InstanceState> {
        let manager = &self.class.described?.manager;
        manager.state_of(&*self.instance)
    }

    fn position(&self, name: &str) -> Result<(u16, AttrKind)> {
        match self.class.attribute(name) {
            Some(at) => Ok((at, self.class.attributes[usize::from(at)].kind)),
            None => Err(self.class.no_attribute(name)),
        }
    }

    #[cold]
    fn not_that(&self, name: &str, what: &str) -> Error {
        Error::new(ErrorKind::Argument, format!("{}.{name} is not {what}", self.class.name))
    }

    pub(crate) fn dict(&self) -> Option<&InstanceDict> {
        let manager = &self.class.described?.manager;
        manager.manager().get_instance_dict(manager, &*self.instance)
    }

    fn dict_mut(&mut self) -> Option<&mut InstanceDict> {
        let manager = &self.class.described?.manager;
        manager.manager().get_instance_dict_mut(manager, &mut *self.instance)
    }
}

impl Object for Record {
    fn field(&self, attribute: u16) -> Option<&dyn Field> {
        self.dict()?.field(attribute)
    }
    fn field_mut(&mut self, attribute: u16) -> Option<&mut dyn Field> {
        self.dict_mut()?.field_mut(attribute)
    }
    fn is_given(&self, attribute: u16) -> bool {
        self.dict().is_some_and(|dict| dict.is_given(attribute))
    }
    fn clone_object(&self) -> Box<dyn Object> {
        Box::new(self.clone())
    }
}

/// A copy is an instance of its own, in no session.
impl Clone for Record {
    fn clone(&self) -> Self {
        let mut copy = Self { class: self.class, instance: (*self.instance).copy() };
        if let Some(described) = self.class.described {
            let manager = &described.manager;
            if manager.state_of(&*copy.instance).is_some() {
                manager.manager().remove_state(manager, &mut *copy.instance);
            }
        }
        copy
    }
}

/// A record of no class: it has no attributes, and no session takes it in.
impl Default for Record {
    fn default() -> Self {
        Self { class: Self::class(), instance: Box::new(()) }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(self.class.name);
        for (at, attribute) in self.class.attributes.iter().enumerate() {
            if let Some(field) = self.field(at as u16)
                && self.is_given(at as u16)
                && field.many().is_none()
                && field.one().is_none()
            {
                shown.field(attribute.name, &field.value());
            }
        }
        shown.finish_non_exhaustive()
    }
}

impl IsA<Record> for Record {}

fn no_records() -> Box<dyn Objects> {
    Box::new(Records::new(Record::class()))
}

impl Record {
    /// `Record` was named where a class was wanted.
    #[cold]
    pub(crate) fn of_no_class() -> Error {
        let message = "`Record` is the type of the objects of many classes, and none itself: name the class by its \
                   `RecordClass` (`class.select()`, `session.create_named`, `session.add(class.record())`)";
        Error::new(ErrorKind::Argument, message)
    }
}

impl Mapped for Record {
    const DESCRIBED: bool = true;

    fn class() -> &'static ClassDef {
        static NONE: ClassDef = ClassDef {
            name: "Record",
            type_id: std::any::TypeId::of::<Record>,
            described: None,
            attributes: &[],
            synonyms: &[],
            hybrids: &[],
            instrumentation: None,
            table: None,
            source: None,
            schema: None,
            constraints: &[],
            inheritance: None,
            polymorphic: None,
            subclasses: &[],
            store: no_records,
            configure: None,
        };
        &NONE
    }
    fn own_class(&self) -> &'static ClassDef {
        self.class
    }
    fn decode(_: &dyn Row, _: &[u16]) -> Result<Self> {
        Err(Self::of_no_class())
    }
    fn fill(&mut self, row: &dyn Row, at: &[u16]) -> Result<()> {
        let Some(described) = self.class.described else { return Err(Self::of_no_class()) };
        let Some(dict) = self.dict_mut() else { return Ok(()) };
        let mut types = (0..).zip(&described.types).take(at.len());
        types.try_for_each(|(attribute, of)| of.load(dict, attribute, row, at))
    }
    fn diff(&self, other: &Self, changed: &mut dyn FnMut(u16)) {
        let types = self.class.described.map(|d| d.types.as_slice()).unwrap_or_default();
        for (attribute, of) in (0..).zip(types) {
            // A composite tells of its parts.
            if of.is_part() {
                continue;
            }
            let (Some(a), Some(b)) = (self.field(attribute), other.field(attribute)) else {
                continue;
            };
            if !a.same(b) || self.is_given(attribute) != other.is_given(attribute) {
                changed(attribute);
            }
        }
    }
}

/// The records of one class in a session.
pub(crate) struct Records {
    class: &'static ClassDef,
    /// The session's tag and the class's number in it, where it is a session's store.
    home: Option<(u16, u16)>,
    slots: Vec<Option<Record>>,
}

impl Records {
    pub(crate) fn new(class: &'static ClassDef) -> Self {
        Self { class, home: None, slots: Vec::new() }
    }

    pub(crate) fn of_session(class: &'static ClassDef, session: u16, number: u16) -> Self {
        Self { class, home: Some((session, number)), slots: Vec::new() }
    }

    fn set(&mut self, slot: u32, mut record: Record) {
        if let (Some((session, class)), Some(described)) = (self.home, record.class.described) {
            let state = InstanceState { session, class, slot };
            let manager = &described.manager;
            manager.manager().install_state(manager, &mut *record.instance, state);
        }
        let slot = slot as usize;
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot] = Some(record);
    }
}

impl Objects for Records {
    fn get(&self, slot: u32) -> Option<&dyn Object> {
        self.slots.get(slot as usize)?.as_ref().map(|record| record as &dyn Object)
    }
    fn get_mut(&mut self, slot: u32) -> Option<&mut dyn Object> {
        self.slots.get_mut(slot as usize)?.as_mut().map(|record| record as &mut dyn Object)
    }
    fn load(&mut self, slot: u32, row: &dyn Row, at: &[u16], _: bool) -> Result<()> {
        let mut record = Record::blank(self.class);
        for (attribute, def) in self.class.attributes.iter().enumerate() {
            if matches!(def.kind, AttrKind::Relationship(_))
                && let Some(field) = record.field_mut(attribute as u16)
            {
                field.clear();
            }
        }
        record.fill(row, at)?;
        for reconstruct in self.class.described.iter().flat_map(|d| &d.reconstructors) {
            reconstruct(&mut record);
        }
        self.set(slot, record);
        Ok(())
    }
    fn refresh(&mut self, slot: u32, row: &dyn Row, at: &[u16]) -> Result<()> {
        match self.slots.get_mut(slot as usize) {
            Some(Some(record)) => record.fill(row, at),
            _ => Ok(()),
        }
    }
    fn put_default(&mut self, slot: u32) {
        self.set(slot, Record::blank(self.class));
    }
    fn put(
        &mut self,
        slot: u32,
        object: Box<dyn Object>,
    ) -> std::result::Result<(), Box<dyn Object>> {
        let any: Box<dyn Any> = object;
        match any.downcast::<Record>() {
            Ok(record) => {
                self.set(slot, *record);
                Ok(())
            }
            Err(_) => Err(Box::new(Record::default())),
        }
    }
    fn take(&mut self, slot: u32) -> Option<Box<dyn Object>> {
        let mut record = self.slots.get_mut(slot as usize)?.take()?;
        if let (Some(_), Some(described)) = (self.home, record.class.described) {
            let manager = &described.manager;
            manager.manager().remove_state(manager, &mut *record.instance);
        }
        Some(Box::new(record))
    }
    fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Option<Record>>()
    }
}

/// An object to be related to a record: a handle, or a new object, of any class.
pub struct Related(pub(crate) MemberCore);

impl fmt::Debug for Related {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Related(..)")
    }
}

/// What can be related to a record; whether its class is the right one is found out by the session.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be related to a record",
    label = "neither a handle nor an object of a mapped class"
)]
pub trait IntoRelated {
    /// The related object.
    fn into_related(self) -> Related;
}

impl<T> IntoRelated for super::Handle<T> {
    fn into_related(self) -> Related {
        Related(MemberCore::Object(self.id))
    }
}

impl<T: Mapped> IntoRelated for T {
    fn into_related(self) -> Related {
        Related(MemberCore::New(super::many::NewObject::new(self)))
    }
}
