//! Where a record keeps its values, and where the values may be kept instead.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aludel_sql::{Bad, Bind, Row, Value, ValueRef};

use super::{ClassDef, ColumnDef, Field, FieldType, Handle, Id, Record};
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
        }
    }

    /// Whether this is the type.
    pub(crate) fn is<V: 'static>(&self) -> bool {
        (self.type_id)() == TypeId::of::<V>()
    }

    /// The type's name, without the path.
    pub(crate) fn short_name(&self) -> String {
        short((self.name)())
    }

    pub(crate) fn blank(&self) -> Box<dyn Field> {
        (self.blank)()
    }

    pub(crate) fn load(&self, field: &mut dyn Field, row: &dyn Row, column: u16) -> Result<()> {
        (self.load)(field, row, usize::from(column))
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

struct Cell {
    field: Box<dyn Field>,
    given: bool,
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
        let cells = types.iter().map(|of| Cell { field: of.blank(), given: false }).collect();
        Self { class: Some(class), cells, state: None, kept: None }
    }

    /// Whether it is a dictionary for objects of a class.
    pub(crate) fn is_of(&self, class: &'static ClassDef) -> bool {
        self.class.is_some_and(|own| std::ptr::eq(own, class))
    }

    /// The names of the attributes that have been given a value.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        let attributes = self.class.map(|class| class.attributes).unwrap_or_default();
        let given = attributes.iter().zip(&self.cells).filter(|(_, cell)| cell.given);
        given.map(|(attribute, _)| attribute.name)
    }

    /// The field of an attribute that has been given a value.
    pub fn get(&self, name: &str) -> Option<&dyn Field> {
        let at = self.class?.attribute(name)?;
        self.field(at).filter(|_| self.is_given(at))
    }

    /// How many attributes have been given a value.
    pub fn len(&self) -> usize {
        self.cells.iter().filter(|cell| cell.given).count()
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
            if cell.field.many().is_some() || cell.field.one().is_some() {
                continue;
            }
            let blank = std::mem::replace(&mut cell.field, Box::new(false));
            let key = attribute.name;
            let value = cell.given.then(|| blank.value());
            let mut kept = Kept { ticket: Arc::clone(&ticket), key, blank };
            if let Some(value) = value {
                kept.write(value);
            }
            cell.field = Box::new(kept);
        }
        self.kept = Some(ticket);
    }

    /// The number under which a store outside of the object knows the instance.
    pub fn kept_as(&self) -> Option<u64> {
        self.kept.as_ref().map(|ticket| ticket.instance)
    }

    pub(crate) fn field(&self, attribute: u16) -> Option<&dyn Field> {
        self.cells.get(usize::from(attribute)).map(|cell| &*cell.field)
    }

    pub(crate) fn field_mut(&mut self, attribute: u16) -> Option<&mut dyn Field> {
        let cell = self.cells.get_mut(usize::from(attribute))?;
        cell.given = true;
        Some(&mut *cell.field)
    }

    pub(crate) fn is_given(&self, attribute: u16) -> bool {
        let cell = self.cells.get(usize::from(attribute));
        cell.is_some_and(|cell| cell.given && cell.field.is_set())
    }
}

impl Clone for InstanceDict {
    fn clone(&self) -> Self {
        let copy = |cell: &Cell| Cell { field: cell.field.clone_field(), given: cell.given };
        let cells = self.cells.iter().map(copy).collect();
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
            if cell.given && cell.field.many().is_none() && cell.field.one().is_none() {
                shown.entry(&name.name, &cell.field.value());
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
