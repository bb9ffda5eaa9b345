//! Objects, and where a session keeps them.

use std::any::Any;

use aludel_sql::{Bad, Bind, Row, Value, ValueRef};

use super::{AttrDef, Auto, ClassDef, Field, Id, IsA};
use crate::Result;

/// An object of a mapped class as the core sees it: numbered fields.
///
/// This is the seam between the core and what an object is made of. A derived struct answers from its
/// fields, a record from its cells, and a class with a store of its own from wherever it
/// keeps its values.
pub trait Object: Any + Send + Sync {
    /// The field of an attribute; `None` where this store has no such field.
    fn field(&self, attribute: u16) -> Option<&dyn Field>;
    /// The field of an attribute, to be changed.
    fn field_mut(&mut self, attribute: u16) -> Option<&mut dyn Field>;
    /// Adds the values of attributes to a row's parameters; NULL where there is no such field.
    #[doc(hidden)]
    fn bind_fields<'a>(&'a self, attributes: &[u16], params: &mut Vec<Bind<'a>>) {
        let start = params.len();
        params.resize_with(start + attributes.len(), || NULL);
        for (slot, &attribute) in params[start..].iter_mut().zip(attributes) {
            if let Some(field) = self.field(attribute) {
                store_bind(slot, field.bind());
            }
        }
    }
    /// The object seen as its embedded base object, where the class inherits from one.
    fn base(&self) -> Option<&dyn Object> {
        None
    }
    /// Whether an object that is handed in has a value of an attribute.
    #[doc(hidden)]
    fn is_given(&self, attribute: u16) -> bool {
        self.field(attribute).is_some_and(|field| field.is_set())
    }
    /// Swaps the fields that are not mapped with those of a draft of the object, or of its embedded base object.
    #[doc(hidden)]
    fn swap_unmapped(&mut self, _draft: &mut dyn Any) {}
    /// A copy.
    fn clone_object(&self) -> Box<dyn Object>;
}

/// Adds a parameter. The frequent kinds are taken apart and written in place: a parameter that is put
/// together on the stack, byte by byte, and then copied as a whole costs a stall (measured: 30 ns a row of four).
#[inline(always)]
pub(crate) fn push_bind<'a>(params: &mut Vec<Bind<'a>>, bind: Bind<'a>) {
    params.push(NULL);
    if let Some(slot) = params.last_mut() {
        store_bind(slot, bind);
    }
}

#[inline(always)]
fn store_bind<'a>(slot: &mut Bind<'a>, bind: Bind<'a>) {
    match bind {
        Bind::Ref(ValueRef::I64(n)) => *slot = Bind::Ref(ValueRef::I64(n)),
        Bind::Ref(ValueRef::Text(text)) => *slot = Bind::Ref(ValueRef::Text(text)),
        Bind::Ref(ValueRef::Null) => *slot = NULL,
        other => *slot = other,
    }
}

/// NULL as a parameter.
pub(crate) const NULL: Bind<'static> = Bind::Ref(ValueRef::Null);

/// A struct that is a mapped class. Written by `#[derive(Mapped)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a mapped class",
    label = "not a mapped class",
    note = "add `#[derive(Mapped)]` to `{Self}` (with `Clone` and `Default`)"
)]
pub trait Mapped: Object + IsA<Self> + Clone + Default {
    /// Objects of the type are of classes that were described at run time.
    #[doc(hidden)]
    const DESCRIBED: bool = false;
    /// Objects of the type have fields that are not mapped.
    #[doc(hidden)]
    const UNMAPPED: bool = false;
    /// The attributes, the base's first, as the compiler knows them.
    #[doc(hidden)]
    const DERIVED_ATTRIBUTES: Option<&'static [AttrDef]> = None;
    /// What the derive knows of the class.
    fn class() -> &'static ClassDef;
    /// The class of this very object.
    #[doc(hidden)]
    fn own_class(&self) -> &'static ClassDef {
        Self::class()
    }
    /// An object from a row; `at[attribute]` is the column of the row, all of them present.
    ///
    /// # Errors
    ///
    /// When a value does not fit its field.
    #[doc(hidden)]
    fn decode(row: &dyn Row, at: &[u16]) -> Result<Self>;
    /// Fills those fields that the row has: `at[attribute]` is its column, or [`NOT_IN_ROW`].
    ///
    /// # Errors
    ///
    /// When a value does not fit its field.
    #[doc(hidden)]
    fn fill(&mut self, row: &dyn Row, at: &[u16]) -> Result<()>;
    /// Calls `changed` with each attribute whose fields differ.
    #[doc(hidden)]
    fn diff(&self, other: &Self, changed: &mut dyn FnMut(u16));
    /// Sets an object up that comes from a row: calls the functions that `#[mapped(reconstructor = …)]` names.
    #[doc(hidden)]
    #[inline]
    fn reconstruct(&mut self) {}
}

/// In the column positions given to [`Mapped::fill`]: the row does not have this attribute.
pub const NOT_IN_ROW: u16 = u16::MAX;

/// The objects of one class in a session, whatever their type.
#[doc(hidden)]
pub trait Objects: Any + Send + Sync {
    fn get(&self, slot: u32) -> Option<&dyn Object>;
    fn get_mut(&mut self, slot: u32) -> Option<&mut dyn Object>;
    /// Puts an object that comes from a row into a slot.
    fn load(&mut self, slot: u32, row: &dyn Row, at: &[u16], whole: bool) -> Result<()>;
    /// Fills fields of the object in a slot from a row.
    fn refresh(&mut self, slot: u32, row: &dyn Row, at: &[u16]) -> Result<()>;
    /// Adds the whole numbers that objects have in an attribute, up to the first that has something else.
    fn integers(&self, attribute: u16, ids: &[Id], into: &mut Vec<i64>) {
        for id in ids {
            match self.get(id.slot).and_then(|o| o.field(attribute)).map(|field| field.bind()) {
                Some(Bind::Ref(ValueRef::I64(n))) => into.push(n),
                _ => return,
            }
        }
    }
    /// Puts generated keys into an attribute of objects; at the first that does not fit, its slot is given.
    fn put_keys(
        &mut self,
        attribute: u16,
        keys: &[(u32, i64)],
    ) -> std::result::Result<(), (u32, Bad)> {
        for &(slot, key) in keys {
            let Some(field) = self.get_mut(slot).and_then(|o| o.field_mut(attribute)) else {
                continue;
            };
            let any: &mut dyn Any = field;
            match any.downcast_mut::<Auto<i64>>() {
                // Nearly always.
                Some(auto) => *auto = Auto::Set(key),
                None => self.put_key(slot, attribute, key).map_err(|bad| (slot, bad))?,
            }
        }
        Ok(())
    }
    /// Puts a generated key, whatever the type of its field.
    fn put_key(&mut self, slot: u32, attribute: u16, key: i64) -> std::result::Result<(), Bad> {
        match self.get_mut(slot).and_then(|o| o.field_mut(attribute)) {
            Some(field) => field.put(Value::I64(key)),
            None => Ok(()),
        }
    }
    /// Puts an object with nothing set into a slot.
    fn put_default(&mut self, slot: u32);
    /// Puts an object into a slot; gives it back when it is of another type.
    fn put(
        &mut self,
        slot: u32,
        object: Box<dyn Object>,
    ) -> std::result::Result<(), Box<dyn Object>>;
    /// Empties a slot.
    fn take(&mut self, slot: u32) -> Option<Box<dyn Object>>;
    /// How many bytes the slots take.
    fn bytes(&self) -> usize;
}

const CHUNK: usize = 1024;

/// The objects of a struct type, in chunks that never move.
#[derive(Debug)]
pub struct Chunks<T> {
    chunks: Vec<Vec<Option<T>>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Chunks<T> {
    #[inline]
    pub(crate) fn at(&self, slot: u32) -> Option<&T> {
        let slot = slot as usize;
        self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)?.as_ref()
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        let slot = slot as usize;
        self.chunks.get_mut(slot / CHUNK)?.get_mut(slot % CHUNK)?.as_mut()
    }

    #[inline]
    pub(crate) fn set(&mut self, slot: u32, value: T) {
        let slot = slot as usize;
        while self.chunks.len() <= slot / CHUNK {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = &mut self.chunks[slot / CHUNK];
        let at = slot % CHUNK;
        if at == chunk.len() {
            chunk.push(Some(value));
        } else {
            while chunk.len() <= at {
                chunk.push(None);
            }
            chunk[at] = Some(value);
        }
    }
}

impl<T: Mapped> Objects for Chunks<T> {
    fn get(&self, slot: u32) -> Option<&dyn Object> {
        self.at(slot).map(|o| o as &dyn Object)
    }
    fn get_mut(&mut self, slot: u32) -> Option<&mut dyn Object> {
        self.at_mut(slot).map(|o| o as &mut dyn Object)
    }
    fn load(&mut self, slot: u32, row: &dyn Row, at: &[u16], whole: bool) -> Result<()> {
        let mut object = if whole {
            T::decode(row, at)?
        } else {
            let mut object = T::default();
            for attribute in 0..T::class().attributes.len() as u16 {
                if let Some(field) = object.field_mut(attribute)
                    && (field.many().is_some() || field.one().is_some())
                {
                    field.clear();
                }
            }
            object.fill(row, at)?;
            object
        };
        object.reconstruct();
        self.set(slot, object);
        Ok(())
    }
    fn refresh(&mut self, slot: u32, row: &dyn Row, at: &[u16]) -> Result<()> {
        match self.at_mut(slot) {
            Some(object) => object.fill(row, at),
            None => Ok(()),
        }
    }
    fn put_default(&mut self, slot: u32) {
        self.set(slot, T::default());
    }
    fn put(
        &mut self,
        slot: u32,
        object: Box<dyn Object>,
    ) -> std::result::Result<(), Box<dyn Object>> {
        let any: Box<dyn Any> = object;
        match any.downcast::<T>() {
            Ok(value) => {
                self.set(slot, *value);
                Ok(())
            }
            // The caller has checked the class; an object of another type is dropped here.
            Err(_) => Err(Box::new(T::default())),
        }
    }
    fn take(&mut self, slot: u32) -> Option<Box<dyn Object>> {
        let slot = slot as usize;
        let value = self.chunks.get_mut(slot / CHUNK)?.get_mut(slot % CHUNK)?.take()?;
        Some(Box::new(value))
    }
    fn bytes(&self) -> usize {
        self.chunks.iter().map(|c| c.capacity() * size_of::<Option<T>>()).sum()
    }
}
