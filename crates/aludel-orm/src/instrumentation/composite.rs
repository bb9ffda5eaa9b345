//! Composites: a value of a struct type that several columns make.
//!
//! The struct itself holds the values, and there is no second copy of them: the class has an attribute for the
//! composite and one for each of its columns, and the latter are views into the former. So a change of
//! either is a change of both, and the flush, which knows nothing of composites, writes the columns that
//! changed.
//!
//! A class numbers the parts of a composite right after the composite itself, in the order of the
//! struct's fields; those of a composite within it come after that one in turn.

use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{Bad, Bind, ColumnType, DataType, Node, Row, Value, ValueRef};

use super::{Attr, AttrDef, AttrKind, Field, Filling, Mapped, NOT_IN_ROW};
use crate::Result;

/// A struct whose fields are columns of the class that has it: SQLAlchemy's composite class. Written by
/// `#[derive(Composite)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a composite",
    label = "not a struct with `#[derive(Composite)]`",
    note = "add `#[derive(Composite)]` to `{Self}` (with `Clone` and `Default`)"
)]
pub trait Composite: ColumnType + Default {
    /// The parts in the order of their numbers; those of a composite within it follow it.
    const PARTS: &'static [AttrDef];
    /// The field of a part.
    #[doc(hidden)]
    fn part(&self, part: u16) -> Option<&dyn Field>;
    /// The field of a part, to be changed.
    #[doc(hidden)]
    fn part_mut(&mut self, part: u16) -> Option<&mut dyn Field>;
    /// The value from a row that has all its columns: `at[part]` is the place of each.
    ///
    /// # Errors
    ///
    /// When a value does not fit its field.
    #[doc(hidden)]
    fn decode(row: &dyn Row, at: &[u16]) -> Result<Self>;
    /// Fills those parts that the row has.
    #[doc(hidden)]
    fn fill(&mut self, row: &mut Filling<'_>, first: u16);
    /// Whether two values are the same, part by part.
    #[doc(hidden)]
    fn equal(&self, other: &Self) -> bool;
    /// The value as expressions, one for each part.
    #[doc(hidden)]
    fn into_nodes(self) -> Vec<Node>;
}

/// A composite as a field has it: always there, or `None` when all its columns are NULL.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a composite",
    label = "neither a struct with `#[derive(Composite)]` nor an `Option` of one",
    note = "add `#[derive(Composite)]` to the struct, or leave out `#[composite]` where one column holds the value"
)]
pub trait CompositeField: ColumnType {
    /// The composite.
    type Value: Composite;
    /// All columns NULL is `None`.
    const OPTIONAL: bool;
    /// The value, where there is one.
    fn get(&self) -> Option<&Self::Value>;
    /// The value, where there is one.
    fn get_mut(&mut self) -> Option<&mut Self::Value>;
    /// The field with a value.
    fn of(value: Self::Value) -> Self;
    /// The field without a value, where it can be.
    fn none() -> Option<Self>;
}

impl<T: Composite> CompositeField for T {
    type Value = T;
    const OPTIONAL: bool = false;
    fn get(&self) -> Option<&T> {
        Some(self)
    }
    fn get_mut(&mut self) -> Option<&mut T> {
        Some(self)
    }
    fn of(value: T) -> Self {
        value
    }
    fn none() -> Option<Self> {
        None
    }
}

impl<T: Composite> CompositeField for Option<T> {
    type Value = T;
    const OPTIONAL: bool = true;
    fn get(&self) -> Option<&T> {
        self.as_ref()
    }
    fn get_mut(&mut self) -> Option<&mut T> {
        self.as_mut()
    }
    fn of(value: T) -> Self {
        Some(value)
    }
    fn none() -> Option<Self> {
        Some(None)
    }
}

/// The type of a composite's field, by its place.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no field number {N}",
    label = "more columns than the composite has fields"
)]
pub trait PartAt<const N: usize> {
    /// The field's type.
    type Type;
}

/// A part of composite `T` whose field has type `V`: `Point::x`. The derive makes one for each field.
pub struct Part<T, V> {
    number: u16,
    types: PhantomData<fn() -> (T, V)>,
}

impl<T, V> Part<T, V> {
    /// A part by its number. The derive calls this.
    #[doc(hidden)]
    pub const fn new(number: u16) -> Self {
        Self { number, types: PhantomData }
    }
}

impl<T, V> Clone for Part<T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V> Copy for Part<T, V> {}

impl<T: Composite, V> fmt::Debug for Part<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = T::PARTS.get(usize::from(self.number)).map_or("?", |part| part.name);
        let composite = std::any::type_name::<T>();
        write!(f, "{}::{name}", composite.rsplit("::").next().unwrap_or(composite))
    }
}

impl<C: Mapped, F: CompositeField> Attr<C, F> {
    /// A part of the composite as an attribute of the class: `Vertex::start.part(Point::x)` is an
    /// expression, and names a value that can be read and set.
    ///
    /// A part of a composite that is `None` has no value, and is set with the composite as a whole.
    pub fn part<V>(self, part: Part<F::Value, V>) -> Attr<C, V> {
        let index = self.index() + 1 + part.number;
        let name = self.class().attributes.get(usize::from(index)).map_or("", |def| def.name);
        match self.described {
            Some(class) => Attr::of(class, index, name),
            None => Attr::new(index, name),
        }
    }
}

/// Stands for the parts of a composite that is `None`: they are NULL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoComposite;

impl Field for NoComposite {
    fn put(&mut self, value: Value) -> std::result::Result<(), Bad> {
        if value.is_null() { Ok(()) } else { Err(Bad::NoComposite) }
    }
    fn with_value(&self, value: Value) -> std::result::Result<Box<dyn Field>, Bad> {
        if value.is_null() { Ok(Box::new(Self)) } else { Err(Bad::NoComposite) }
    }
    fn same(&self, other: &dyn Field) -> bool {
        other.bind().as_ref().is_null()
    }
    fn swap(&mut self, other: &mut dyn Field) -> bool {
        (other as &dyn std::any::Any).is::<Self>()
    }
    fn take_value(&mut self) -> Value {
        Value::Null
    }
    fn clone_field(&self) -> Box<dyn Field> {
        Box::new(Self)
    }
}

/// The field of a part, in a field that may have no value.
pub fn part<F: CompositeField>(field: &F, part: u16) -> Option<&dyn Field> {
    match field.get() {
        Some(value) => value.part(part),
        None => Some(&NoComposite),
    }
}

/// The field of a part, to be changed.
pub fn part_mut<F: CompositeField>(field: &mut F, part: u16) -> Option<&mut dyn Field> {
    match field.get_mut() {
        Some(value) => value.part_mut(part),
        // A type without size: nothing is allocated, and nothing leaks.
        None => Some(Box::leak(Box::new(NoComposite))),
    }
}

/// The places in the row of the columns among parts.
fn places(parts: &'static [AttrDef], at: &[u16]) -> impl Iterator<Item = u16> {
    let columns = parts.iter().zip(at).filter(|(part, _)| is_column(part));
    columns.map(|(_, at)| *at)
}

fn is_column(part: &AttrDef) -> bool {
    matches!(part.kind, AttrKind::Column(_))
}

/// A field from a row that has all columns of the composite.
///
/// # Errors
///
/// When a value does not fit its part.
pub fn decode<F: CompositeField>(row: &dyn Row, at: &[u16]) -> Result<F> {
    if let Some(none) = F::none()
        && places(F::Value::PARTS, at).all(|at| is_null(row, at))
    {
        return Ok(none);
    }
    F::Value::decode(row, at).map(F::of)
}

/// A field from a row that may not have all columns of the composite.
///
/// # Errors
///
/// When a value does not fit its part.
pub fn decode_if<F: CompositeField + Default>(row: &dyn Row, at: &[u16]) -> Result<F> {
    if places(F::Value::PARTS, at).all(|at| at != NOT_IN_ROW) {
        return decode(row, at);
    }
    let mut field = F::default();
    let mut filling = Filling::new(row, at);
    fill(&mut field, &mut filling, 0);
    filling.end()?;
    Ok(field)
}

fn is_null(row: &dyn Row, at: u16) -> bool {
    at == NOT_IN_ROW || row.get(usize::from(at)).is_ok_and(ValueRef::is_null)
}

/// Fills those parts of a field that the row has; `first` is the number of the first one.
pub fn fill<F: CompositeField>(field: &mut F, row: &mut Filling<'_>, first: u16) {
    let parts = F::Value::PARTS;
    let (inner, at) = row.places(first, parts.len());
    let given = places(parts, at).filter(|at| *at != NOT_IN_ROW).count();
    if given == 0 || row.has_failed() {
        return;
    }
    if given == places(parts, at).count() {
        match decode(inner, at) {
            Ok(value) => *field = value,
            Err(error) => row.fail(error),
        }
        return;
    }
    if field.get().is_none() {
        if places(parts, at).all(|at| is_null(inner, at)) {
            return;
        }
        // The other parts are not loaded, so that it does not matter what they hold.
        *field = F::of(F::Value::default());
    }
    if let Some(value) = field.get_mut() {
        value.fill(row, first);
    }
}

/// The values of the columns among the parts.
pub fn values<T: Composite>(value: &T) -> Box<[Value]> {
    let columns = (0..).zip(T::PARTS).filter(|(_, part)| is_column(part));
    columns.map(|(number, _)| value.part(number).map_or(Value::Null, <dyn Field>::value)).collect()
}

/// What `ColumnType::bind` does for a composite.
pub fn bind<T: Composite>(value: &T) -> Bind<'static> {
    Bind::Owned(Value::Tuple(values(value)))
}

/// What `ColumnType::from_ref` does for a composite: from the values of its columns, or from NULL, which
/// stands for a NULL in each of them.
///
/// # Errors
///
/// When it is another kind of value, another number of values, or one does not fit its part.
pub fn from_ref<T: Composite>(value: ValueRef<'_>) -> std::result::Result<T, Bad> {
    let columns = T::PARTS.iter().filter(|part| is_column(part)).count();
    let nulls;
    let values = match value {
        ValueRef::Tuple(values) if values.len() == columns => values,
        ValueRef::Null => {
            nulls = vec![Value::Null; columns];
            &nulls
        }
        _ => return Err(Bad::Type("a composite, or a tuple with a value for each of its columns")),
    };
    let mut next = 0;
    let at: Vec<u16> = T::PARTS
        .iter()
        .map(|part| {
            let at = if is_column(part) { next } else { NOT_IN_ROW };
            next += u16::from(is_column(part));
            at
        })
        .collect();
    match T::decode(&Values(values), &at) {
        Ok(made) => Ok(made),
        Err(_) if value.is_null() => Err(Bad::Null),
        Err(_) => Err(Bad::Invalid("composite: a value does not fit its part")),
    }
}

/// What `ColumnType::into_literal` does for a composite.
pub fn into_literal<T: Composite>(value: T) -> Node {
    Node::Tuple(value.into_nodes())
}

/// What `ColumnType::TYPE` is for a composite.
pub const TYPE: DataType = DataType::Tuple;

/// Values that are read as a row.
struct Values<'a>(pub(crate) &'a [Value]);

impl Row for Values<'_> {
    fn get(&self, index: usize) -> std::result::Result<ValueRef<'_>, Bad> {
        self.0.get(index).map(Value::as_ref).ok_or(Bad::Index)
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn name(&self, index: usize) -> String {
        format!("#{index}")
    }
}

fn node<F: CompositeField>(field: F) -> Node {
    match field.get() {
        Some(_) => field.into_literal(),
        None => {
            let columns = F::Value::PARTS.iter().filter(|part| is_column(part));
            Node::Tuple(columns.map(|_| Node::Null).collect())
        }
    }
}

/// What derived code does with a field that holds a composite, as [`FieldOps`](super::derived::FieldOps) is for
/// columns.
#[derive(Clone, Copy, Debug)]
pub struct CompositeOps<F: 'static> {
    /// How many attributes the composite brings, besides its own.
    pub parts: u16,
    part: fn(&F, u16) -> Option<&dyn Field>,
    part_mut: fn(&mut F, u16) -> Option<&mut dyn Field>,
    decode: fn(&dyn Row, &[u16]) -> Result<F>,
    fill: fn(&mut F, &mut Filling<'_>, u16),
    same: fn(&F, &F) -> bool,
    node: fn(F) -> Node,
}

/// What derived code does with a composite of type `F`.
pub const fn composite<F: CompositeField + Default>() -> CompositeOps<F> {
    CompositeOps {
        parts: <F::Value as Composite>::PARTS.len() as u16,
        part: part::<F>,
        part_mut: part_mut::<F>,
        decode: decode_if::<F>,
        fill: fill::<F>,
        same: <F as ColumnType>::same,
        node: node::<F>,
    }
}

impl<F: Field> CompositeOps<F> {
    /// The composite or a part of it, by the distance from the composite's own number.
    pub fn get<'a>(&self, field: &'a F, from: u16) -> Option<&'a dyn Field> {
        if from == 0 { Some(field) } else { (self.part)(field, from - 1) }
    }

    /// The composite or a part of it, to be changed.
    pub fn get_mut<'a>(&self, field: &'a mut F, from: u16) -> Option<&'a mut dyn Field> {
        if from == 0 { Some(field) } else { (self.part_mut)(field, from - 1) }
    }

    /// The field from a row; `at` begins with the composite itself, which no column of the row is.
    ///
    /// # Errors
    ///
    /// When a value does not fit its part.
    pub fn decode(&self, row: &dyn Row, at: &[u16]) -> Result<F> {
        (self.decode)(row, &at[1..=usize::from(self.parts)])
    }

    /// Fills those parts that the row has.
    pub fn fill(&self, field: &mut F, row: &mut Filling<'_>, attribute: u16) {
        (self.fill)(field, row, attribute + 1);
    }

    /// Calls `changed` when two fields hold different values.
    pub fn diff(&self, a: &F, b: &F, attribute: u16, changed: &mut dyn FnMut(u16)) {
        if !(self.same)(a, b) {
            changed(attribute);
        }
    }

    /// The value as an expression.
    pub fn node(&self, field: F) -> Node {
        (self.node)(field)
    }

    /// Whether two fields hold the same values.
    pub fn same(&self, a: &F, b: &F) -> bool {
        (self.same)(a, b)
    }
}
