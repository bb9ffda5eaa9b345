//! Where a record keeps its values, and where the values may be kept instead.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aludel_sql::{Bad, Bind, Row, Value, ValueRef};

use super::{
    AttrKind, ClassDef, ColumnDef, Composite, CompositeField, Field, FieldType, Filling, Handle,
    Id, NOT_IN_ROW, Record, composite,
};
use crate::Result;
use crate::session::Session;

/// The Rust type of an attribute of a class described at run time.
#[derive(Clone, Copy)]
pub struct ValueType {
    name: fn() -> &'static str,
    type_id: fn() -> TypeId,
    blank: fn() -> Box<dyn Field>,
    load: fn(&mut dyn Field, &dyn Row, usize) -> Result<()>,
    pub(crate) column: Option<ColumnDef>,
    /// What is done with the parts of a composite.
    parts: Option<PartsOf>,
    /// It is the type of this part of the composite, and not of the composite itself.
    part: Option<u16>,
}

impl fmt::Debug for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str((self.name)())
    }
}

impl ValueType {
    /// A type that a column can hold.
    pub fn of<V: FieldType + Default>() -> Self {
        Self { load: load::<V>, column: Some(super::derived::column::<V>()), ..Self::holder::<V>() }
    }

    /// A type that holds objects.
    pub(crate) fn holder<V: Field + Default>() -> Self {
        Self {
            name: std::any::type_name::<V>,
            type_id: TypeId::of::<V>,
            blank: || Box::new(V::default()),
            load: |_, _, _| Ok(()),
            column: None,
            parts: None,
            part: None,
        }
    }

    /// A composite.
    pub(crate) fn composite<F: CompositeField + FieldType + Default>() -> Self {
        Self { parts: Some(PartsOf::new::<F>()), ..Self::holder::<F>() }
    }

    /// A part of this composite.
    pub(crate) fn part(self, part: u16) -> Self {
        Self { part: Some(part), ..self }
    }

    /// Whether it is the type of a part of a composite, which holds the value.
    pub(crate) fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// Whether this is the type.
    pub(crate) fn is<V: 'static>(&self) -> bool {
        match (self.part, self.parts) {
            (Some(part), Some(parts)) => (parts.is)(part, TypeId::of::<V>()),
            _ => (self.type_id)() == TypeId::of::<V>(),
        }
    }

    /// The type's name, without the path.
    pub(crate) fn short_name(&self) -> String {
        let name = short((self.name)());
        if self.is_part() { format!("a part of {name}") } else { name }
    }

    pub(crate) fn blank(&self) -> Box<dyn Field> {
        (self.blank)()
    }

    /// Fills an attribute of a dictionary from a row, where the row has it; `at` is where each attribute is.
    pub(crate) fn load(
        &self,
        dict: &mut InstanceDict,
        attribute: u16,
        row: &dyn Row,
        at: &[u16],
    ) -> Result<()> {
        let column = at[usize::from(attribute)];
        let Some(parts) = self.parts else {
            return match dict.field_mut(attribute) {
                Some(field) if column != NOT_IN_ROW => (self.load)(field, row, column.into()),
                _ => Ok(()),
            };
        };
        if self.is_part() {
            return Ok(());
        }
        let first = attribute + 1;
        let places = &at[usize::from(first)..usize::from(first + parts.count)];
        if places.iter().all(|at| *at == NOT_IN_ROW) {
            return Ok(());
        }
        let mut filling = Filling::new(row, at);
        if let Some(field) = dict.field_mut(attribute) {
            (parts.fill)(field, &mut filling, first);
        }
        filling.end()
    }
}

/// What is done with the parts of a composite whose type is not said.
#[derive(Clone, Copy)]
struct PartsOf {
    count: u16,
    get: fn(&dyn Field, u16) -> Option<&dyn Field>,
    get_mut: fn(&mut dyn Field, u16) -> Option<&mut dyn Field>,
    fill: fn(&mut dyn Field, &mut Filling<'_>, u16),
    is: fn(u16, TypeId) -> bool,
}

impl PartsOf {
    fn new<F: CompositeField + FieldType + Default>() -> Self {
        fn of<F: Any>(field: &dyn Field) -> Option<&F> {
            (field as &dyn Any).downcast_ref()
        }
        fn of_mut<F: Any>(field: &mut dyn Field) -> Option<&mut F> {
            (field as &mut dyn Any).downcast_mut()
        }
        Self {
            count: <F::Value as Composite>::PARTS.len() as u16,
            get: |field, part| composite::part(of::<F>(field)?, part),
            get_mut: |field, part| composite::part_mut(of_mut::<F>(field)?, part),
            fill: |field, row, first| {
                if let Some(field) = of_mut::<F>(field) {
                    composite::fill(field, row, first);
                }
            },
            is: |part, wanted| {
                let blank = F::of(Default::default());
                let part: Option<&dyn Any> = composite::part(&blank, part).map(|p| p as &dyn Any);
                part.is_some_and(|part| part.type_id() == wanted)
            },
        }
    }
}

fn load<V: FieldType>(field: &mut dyn Field, row: &dyn Row, column: usize) -> Result<()> {
    let mut value = V::decode(row, column)?;
    // A field that keeps its value elsewhere is of another type.
    field.swap(&mut value);
    Ok(())
}

/// A type's name without the paths of its parts.
pub(crate) fn short(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut word = 0;
    let mut at = 0;
    let bytes = name.as_bytes();
    while at < bytes.len() {
        if bytes[at..].starts_with(b"::") {
            out.truncate(word);
            at += 2;
            continue;
        }
        let c = bytes[at] as char;
        out.push(c);
        if !(c.is_ascii_alphanumeric() || c == '_') {
            word = out.len();
        }
        at += 1;
    }
    out
}

/// Where the session keeps what it knows of a record: what
/// [`install_state`](super::InstrumentationManager::install_state) is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InstanceState {
    pub(crate) session: u16,
    pub(crate) class: u16,
    pub(crate) slot: u32,
}

impl Session {
    /// The handle of a record by its state: SQLAlchemy's way from an instance to what the session knows of it.
    ///
    /// # Errors
    ///
    /// When the state is of another session, or its object has left.
    pub fn record_of(&self, state: InstanceState) -> Result<Handle<Record>> {
        let slab = self.arena.slab(state.class).and_then(|s| s.states.get(state.slot as usize));
        let generation = slab.and_then(|s| std::num::NonZeroU32::new(s.generation));
        let InstanceState { session, class, slot } = state;
        let generation = generation.unwrap_or(std::num::NonZeroU32::MIN);
        let id = Id { slot, generation, class, session };
        self.arena.check(id)?;
        Ok(Handle::new(id))
    }
}

/// The values of a record, by attribute: what SQLAlchemy calls an instance's dictionary.
///
/// It has a field for each attribute of the class, of the attribute's declared type, and knows which of them were
/// ever given a value. A place for the instance's state is in it, too.
pub struct InstanceDict {
    class: Option<&'static ClassDef>,
    cells: Vec<Cell>,
    state: Option<InstanceState>,
    kept: Option<Arc<Ticket>>,
}

/// The place of an attribute.
enum Cell {
    Own {
        field: Box<dyn Field>,
        given: bool,
    },
    /// A part of the composite of this number.
    Part {
        of: u16,
        part: u16,
    },
}

/// A dictionary of no class, with nothing in it.
impl Default for InstanceDict {
    fn default() -> Self {
        Self { class: None, cells: Vec::new(), state: None, kept: None }
    }
}

impl InstanceDict {
    /// A dictionary for an object of a class, with nothing given.
    pub(crate) fn blank(class: &'static ClassDef) -> Self {
        let types = class.described.map(|described| described.types.as_slice()).unwrap_or_default();
        let cell = |(at, of): (u16, &ValueType)| match of.part {
            Some(part) => Cell::Part { of: at - 1 - part, part },
            None => Cell::Own { field: of.blank(), given: false },
        };
        let cells = (0..).zip(types).map(cell).collect();
        Self { class: Some(class), cells, state: None, kept: None }
    }

    /// Whether it is a dictionary for objects of a class.
    pub(crate) fn is_of(&self, class: &'static ClassDef) -> bool {
        self.class.is_some_and(|own| std::ptr::eq(own, class))
    }

    /// The names of the attributes that have been given a value.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        let attributes = self.class.map(|class| class.attributes).unwrap_or_default();
        let given = attributes.iter().zip(&self.cells).filter(|(_, cell)| cell.own_given());
        given.map(|(attribute, _)| attribute.name)
    }

    /// The field of an attribute that has been given a value.
    pub fn get(&self, name: &str) -> Option<&dyn Field> {
        let at = self.class?.attribute(name)?;
        self.field(at).filter(|_| self.is_given(at))
    }

    /// How many attributes have been given a value.
    pub fn len(&self) -> usize {
        self.cells.iter().filter(|cell| cell.own_given()).count()
    }

    /// Whether no attribute has been given a value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state of the instance, where one is installed.
    pub fn state(&self) -> Option<InstanceState> {
        self.state
    }

    /// Keeps the instance's state, or forgets it.
    pub fn set_state(&mut self, state: Option<InstanceState>) {
        self.state = state;
    }

    /// Keeps the values of columns in a store outside of the object from here on; the dictionary then only
    /// knows which instance it is. Related objects stay with the session.
    pub fn keep_in(&mut self, store: Arc<dyn ValueStore>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let instance = NEXT.fetch_add(1, Ordering::Relaxed);
        let ticket = Arc::new(Ticket { store, instance });
        let Some(class) = self.class else { return };
        for (cell, attribute) in self.cells.iter_mut().zip(class.attributes) {
            let Cell::Own { field, given } = cell else { continue };
            if !matches!(attribute.kind, AttrKind::Column(_) | AttrKind::Plain) {
                continue;
            }
            let blank = std::mem::replace(field, Box::new(false));
            let key = attribute.name;
            let value = given.then(|| blank.value());
            let mut kept = Kept { ticket: Arc::clone(&ticket), key, blank };
            if let Some(value) = value {
                kept.write(value);
            }
            *field = Box::new(kept);
        }
        self.kept = Some(ticket);
    }

    /// The number under which a store outside of the object knows the instance.
    pub fn kept_as(&self) -> Option<u64> {
        self.kept.as_ref().map(|ticket| ticket.instance)
    }

    pub(crate) fn field(&self, attribute: u16) -> Option<&dyn Field> {
        match self.cells.get(usize::from(attribute))? {
            Cell::Own { field, .. } => Some(&**field),
            Cell::Part { of, part } => (self.parts_of(*of)?.get)(self.field(*of)?, *part),
        }
    }

    pub(crate) fn field_mut(&mut self, attribute: u16) -> Option<&mut dyn Field> {
        if let Some(&Cell::Part { of, part }) = self.cells.get(usize::from(attribute)) {
            let parts = self.parts_of(of)?;
            return (parts.get_mut)(self.field_mut(of)?, part);
        }
        match self.cells.get_mut(usize::from(attribute))? {
            Cell::Own { field, given } => {
                *given = true;
                Some(&mut **field)
            }
            Cell::Part { .. } => None,
        }
    }

    pub(crate) fn is_given(&self, attribute: u16) -> bool {
        match self.cells.get(usize::from(attribute)) {
            Some(Cell::Own { field, given }) => *given && field.is_set(),
            Some(Cell::Part { of, .. }) => self.is_given(*of),
            None => false,
        }
    }

    fn parts_of(&self, composite: u16) -> Option<PartsOf> {
        self.class?.described?.types.get(usize::from(composite))?.parts
    }
}

impl Cell {
    /// Whether a value of the attribute's own was given.
    fn own_given(&self) -> bool {
        matches!(self, Self::Own { given: true, .. })
    }
}

impl Clone for Cell {
    fn clone(&self) -> Self {
        match self {
            Self::Own { field, given } => Self::Own { field: field.clone_field(), given: *given },
            Self::Part { of, part } => Self::Part { of: *of, part: *part },
        }
    }
}

impl Clone for InstanceDict {
    fn clone(&self) -> Self {
        let cells = self.cells.to_vec();
        let mut copy = Self { class: self.class, cells, state: None, kept: None };
        if let Some(ticket) = &self.kept {
            copy.keep_in(Arc::clone(&ticket.store));
        }
        copy
    }
}

impl fmt::Debug for InstanceDict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_map();
        for (name, cell) in self.class.into_iter().flat_map(|c| c.attributes).zip(&self.cells) {
            if let Cell::Own { field, given: true } = cell
                && field.many().is_none()
                && field.one().is_none()
            {
                shown.entry(&name.name, &field.value());
            }
        }
        shown.finish_non_exhaustive()
    }
}

/// A place outside of objects where their values are kept; see [`InstanceDict::keep_in`].
///
/// It is asked with the number of an instance, which is unique in the process, and the name of an attribute.
pub trait ValueStore: Send + Sync {
    /// The value that was set last.
    fn get(&self, instance: u64, key: &str) -> Option<Value>;
    /// Keeps a value.
    fn set(&self, instance: u64, key: &str, value: Value);
    /// Forgets a value.
    fn remove(&self, instance: u64, key: &str);
    /// The instance is gone: forgets all its values.
    fn dispose(&self, instance: u64);
}

/// An instance's right to its place in a store.
struct Ticket {
    store: Arc<dyn ValueStore>,
    instance: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.store.dispose(self.instance);
    }
}

/// A field whose value is in a store.
struct Kept {
    ticket: Arc<Ticket>,
    key: &'static str,
    /// A field of the declared type, which checks values.
    blank: Box<dyn Field>,
}

impl Kept {
    fn read(&self) -> Option<Value> {
        self.ticket.store.get(self.ticket.instance, self.key)
    }

    fn write(&mut self, value: Value) {
        self.ticket.store.set(self.ticket.instance, self.key, value);
    }

    /// The value; that of a blank field where none was set.
    fn present(&self) -> Value {
        self.read().unwrap_or_else(|| self.blank.value())
    }
}

impl Field for Kept {
    fn bind(&self) -> Bind<'_> {
        self.read().map_or(Bind::Ref(ValueRef::Null), Bind::Owned)
    }
    fn is_set(&self) -> bool {
        self.read().is_some()
    }
    fn clear(&mut self) {
        self.ticket.store.remove(self.ticket.instance, self.key);
    }
    fn put(&mut self, value: Value) -> std::result::Result<(), Bad> {
        let value = self.blank.with_value(value)?.value();
        self.write(value);
        Ok(())
    }
    fn with_value(&self, value: Value) -> std::result::Result<Box<dyn Field>, Bad> {
        self.blank.with_value(value)
    }
    fn same(&self, other: &dyn Field) -> bool {
        self.read().unwrap_or(Value::Null) == other.value()
    }
    fn swap(&mut self, other: &mut dyn Field) -> bool {
        let (theirs, ours): (&dyn Any, &dyn Any) = (other, &*self.blank);
        if theirs.type_id() != ours.type_id() && !theirs.is::<Self>() {
            return false;
        }
        let (set, old) = (other.is_set(), self.present());
        let new = other.take_value();
        if set {
            self.write(new);
        } else {
            self.clear();
        }
        // The old value was of this type.
        let _ = other.put(old);
        true
    }
    fn take_value(&mut self) -> Value {
        self.read().unwrap_or(Value::Null)
    }
    fn clone_field(&self) -> Box<dyn Field> {
        let copy = self.read().map(|value| self.blank.with_value(value));
        copy.and_then(std::result::Result::ok).unwrap_or_else(|| self.blank.clone_field())
    }
}
