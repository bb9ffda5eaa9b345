//! What derived code calls: the small functions that keep it thin, and what derived classes tell each other.
//!
//! Nothing here is for users; the macro reaches it by way of `__private`.

use std::any::TypeId;
use std::sync::Arc;

use aludel_sql::{ColumnType, IntoNode, Node, Row, Value};

use super::{
    Attr, AttrDef, AttrKind, Chunks, ClassDef, ColumnDef, ExpressionDef, Field, FieldType, Handle,
    Id, InstrumentationFactory, IntoField, IsA, Make, Mapped, NOT_IN_ROW, Object, Objects,
};
use crate::Result;

/// A class made by `#[derive(Mapped)]`, as a subclass that embeds it sees it at compile time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the base of a mapped class",
    label = "not a mapped class",
    note = "add `#[derive(Mapped)]` to `{Self}` (with `Clone` and `Default`)"
)]
pub trait Derived: Sized + 'static {
    /// The type of `ATTRS`.
    type Attrs: 'static;
    /// The typed attributes.
    const ATTRS: Self::Attrs;
    /// The attributes as data, those of the base first.
    const ATTRIBUTES: &'static [AttrDef];
    /// What the derive knows of the class.
    const CLASS: ClassDef;
}

/// An attribute of a base under another name, as an attribute of a subclass.
pub const fn inherited<S: IsA<C>, C, V>(of: Attr<C, V>, name: &'static str) -> Attr<S, V> {
    Attr::new(of.index(), name)
}

/// The description of a class of which nothing is said.
pub const fn class_def<T: Mapped + Derived>(name: &'static str) -> ClassDef {
    ClassDef {
        name,
        type_id: TypeId::of::<T>,
        described: None,
        attributes: T::ATTRIBUTES,
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
        store: store::<T>,
        configure: None,
    }
}

fn store<T: Mapped>() -> Box<dyn Objects> {
    Box::<Chunks<T>>::default()
}

/// What derived code does with a field of type `T` that holds a column.
///
/// Derived code has one constant of it for each type, made by [`field`], and asks nothing else of the type:
/// a type that no column can hold is one unmet bound, which the compiler reports once, and the code that
/// uses it costs the compiler little. The functions are known constants, so they are inlined.
#[derive(Clone, Copy, Debug)]
pub struct FieldOps<T: 'static> {
    /// The column of which nothing but the field's type is said.
    pub column: &'static ColumnDef,
    decode: fn(&dyn Row, u16) -> Result<T>,
    get: fn(&T) -> &dyn Field,
    get_mut: fn(&mut T) -> &mut dyn Field,
    same: fn(&T, &T) -> bool,
}

/// What derived code does with a field of type `T`.
pub const fn field<T: FieldType>() -> FieldOps<T> {
    FieldOps {
        column: &const { column::<T>() },
        decode: decode::<T>,
        get: get::<T>,
        get_mut: get_mut::<T>,
        same: same::<T>,
    }
}

impl<T> FieldOps<T> {
    /// The field from a row that has it.
    #[inline(always)]
    pub fn decode(&self, row: &dyn Row, column: u16) -> Result<T> {
        (self.decode)(row, column)
    }

    /// The field from a row that may not have it.
    #[inline(always)]
    pub fn decode_if(&self, row: &dyn Row, column: u16) -> Result<T>
    where
        T: Default,
    {
        if column == NOT_IN_ROW { Ok(T::default()) } else { (self.decode)(row, column) }
    }

    /// Fills the field, where the row has it.
    #[inline(always)]
    pub fn fill(&self, field: &mut T, row: &mut Filling<'_>, attribute: u16) {
        if let Some(column) = row.column(attribute) {
            match (self.decode)(row.row, column) {
                Ok(value) => *field = value,
                Err(error) => row.error = Some(error),
            }
        }
    }

    /// The field as the core sees it.
    #[inline(always)]
    pub fn get<'a>(&self, field: &'a T) -> &'a dyn Field {
        (self.get)(field)
    }

    /// The field as the core sees it, to be changed.
    #[inline(always)]
    pub fn get_mut<'a>(&self, field: &'a mut T) -> &'a mut dyn Field {
        (self.get_mut)(field)
    }

    /// Whether two fields hold the same value.
    pub fn same(&self, a: &T, b: &T) -> bool {
        (self.same)(a, b)
    }

    /// The value as an expression; NULL as the word, so that what is compared with it is compared with NULL.
    pub fn node(&self, field: T) -> Node {
        match (self.get)(&field).value() {
            Value::Null => Node::Null,
            value => Node::value(value, self.column.data_type),
        }
    }

    /// Calls `changed` when two fields hold different values.
    #[inline(always)]
    pub fn diff(&self, a: &T, b: &T, attribute: u16, changed: &mut dyn FnMut(u16)) {
        if !(self.same)(a, b) {
            changed(attribute);
        }
    }
}

/// Calls `changed` when two fields that hold relationships are different.
#[inline(always)]
pub fn diff<T: Field>(a: &T, b: &T, attribute: u16, changed: &mut dyn FnMut(u16)) {
    if !a.same(b) {
        changed(attribute);
    }
}

/// A row from which the fields of an object are filled, until one of its values does not fit.
pub struct Filling<'a> {
    row: &'a dyn Row,
    at: &'a [u16],
    error: Option<crate::Error>,
}

impl<'a> Filling<'a> {
    /// A row, and where in it each attribute is.
    pub fn new(row: &'a dyn Row, at: &'a [u16]) -> Self {
        Self { row, at, error: None }
    }

    /// The row, and where in it so many attributes are.
    pub(super) fn places(&self, first: u16, count: usize) -> (&'a dyn Row, &'a [u16]) {
        let first = usize::from(first);
        (self.row, &self.at[first..first + count])
    }

    pub(super) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    pub(super) fn fail(&mut self, error: crate::Error) {
        self.error = Some(error);
    }

    #[inline]
    fn column(&self, attribute: u16) -> Option<u16> {
        let column = self.at[attribute as usize];
        (column != NOT_IN_ROW && self.error.is_none()).then_some(column)
    }

    /// Whether all values fitted.
    ///
    /// # Errors
    ///
    /// When one did not; the error names its column.
    pub fn end(self) -> Result<()> {
        self.error.map_or(Ok(()), Err)
    }
}

/// What derived code does with a field of type `T` of a composite.
pub const fn part_field<T: FieldType>() -> FieldOps<T> {
    assert!(
        !T::GENERATED && !T::DEFERRED,
        "the parts of a composite come and go together: none is `Auto` or `Deferred`"
    );
    field::<T>()
}

pub(crate) const fn column<T: FieldType>() -> ColumnDef {
    assert!(
        !matches!(<T::Sql as ColumnType>::TYPE, aludel_sql::DataType::Tuple),
        "the field's type is a composite: say so with `#[composite]`"
    );
    let mut column = ColumnDef::new(<T::Sql as ColumnType>::TYPE, <T::Sql as ColumnType>::NULLABLE);
    column.generated = T::GENERATED;
    column.deferred = T::DEFERRED;
    column
}

#[inline]
fn decode<T: FieldType>(row: &dyn Row, column: u16) -> Result<T> {
    T::decode(row, column as usize)
}

#[inline]
fn get<T: FieldType>(field: &T) -> &dyn Field {
    field
}

#[inline]
fn get_mut<T: FieldType>(field: &mut T) -> &mut dyn Field {
    field
}

#[inline]
fn same<T: FieldType>(a: &T, b: &T) -> bool {
    Field::same(a, b)
}

/// The description of an attribute that reads an expression; `column` is what the field's type says.
pub const fn expression_def(column: &ColumnDef, expression: fn() -> Node) -> ExpressionDef {
    let expression = Make::Call(expression);
    ExpressionDef { data_type: column.data_type, expression, deferred: column.deferred }
}

/// The attributes of a base class, followed by those of the subclass.
pub const fn concat<const N: usize>(base: &[AttrDef], own: &[AttrDef]) -> [AttrDef; N] {
    assert!(
        N == base.len() + own.len() && N > 0,
        "a subclass has its base's attributes and its own"
    );
    let mut all = [if base.is_empty() { own[0] } else { base[0] }; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < base.len() { base[at] } else { own[at - base.len()] };
        at += 1;
    }
    all
}

/// Fails at compile time where a class has no relationship of the name.
#[track_caller]
pub const fn expect_relationship<T: Mapped>(name: &str, otherwise: &str) {
    if !has::<T>(name, true) {
        panic!("{}", otherwise);
    }
}

/// Fails at compile time where a class has no attribute of the name that reads a column or an expression.
#[track_caller]
pub const fn expect_column<T: Mapped>(name: &str, otherwise: &str) {
    if !has::<T>(name, false) {
        panic!("{}", otherwise);
    }
}

const fn has<T: Mapped>(name: &str, relationship: bool) -> bool {
    // What classes have that are described at run time is known then.
    let Some(attributes) = T::DERIVED_ATTRIBUTES else { return true };
    let mut at = 0;
    while at < attributes.len() {
        let is_one = match attributes[at].kind {
            AttrKind::Relationship(_) => relationship,
            AttrKind::Column(_) | AttrKind::Expression(_) => !relationship,
            _ => false,
        };
        if is_one && is_same(attributes[at].name, name) {
            return true;
        }
        at += 1;
    }
    false
}

/// `==` of texts, which constants have not.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// What an attribute reads, written as any expression.
pub fn node(expression: impl IntoNode) -> Node {
    expression.into_node()
}

/// What a default written as any value is as a value of the column.
pub fn value_of<T: FieldType>(value: impl IntoField<T::Sql>) -> Value {
    value.into_field().into_value()
}

/// The class's own choice of how it is instrumented.
pub fn instrumentation(factory: impl InstrumentationFactory) -> Arc<dyn InstrumentationFactory> {
    Arc::new(factory)
}

/// A handle of an object that is known to be of the class.
pub const fn handle<T>(id: Id) -> Handle<T> {
    Handle::new(id)
}

/// A copy of an object, boxed.
pub fn clone_object<T: Mapped>(object: &T) -> Box<dyn Object> {
    Box::new(object.clone())
}
