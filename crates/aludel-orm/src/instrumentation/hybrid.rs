//! Hybrids: what a class computes, of an object in Rust and of a row in SQL.

use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{ColumnType, DataType, Expr, IntoExpr, Node, Value};

use super::entity::Entity;
use super::{ClassDef, Handle, Id, Make, Mapped};
use crate::loading::{ByCriteria, Comparator, Update};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// A hybrid of a class, as data. `#[hybrids]` writes it for each of a class's hybrids that have no parameters.
#[derive(Clone, Copy)]
pub struct HybridDef {
    /// The hybrid's name.
    pub name: &'static str,
    /// The type of its values.
    pub data_type: DataType,
    /// Makes the expression, in terms of the class's attributes.
    pub expression: Make<Node>,
    /// What it is compared by in queries, where that is not the default.
    pub comparator: Option<Comparator>,
    /// The value for an object.
    #[doc(hidden)]
    pub get: Get,
    /// Sets it on an object, where that can be done.
    #[doc(hidden)]
    pub set: Option<Set>,
    /// What an UPDATE by criteria sets in its place.
    #[doc(hidden)]
    pub update: Option<Assign>,
}

/// Gives the value of a hybrid for an object.
pub type Get = &'static (dyn Fn(&Session, Id) -> Result<Value> + Send + Sync);
/// Sets a hybrid on an object.
pub type Set = &'static (dyn Fn(&mut Session, Id, Value) -> Result<()> + Send + Sync);
/// Adds what an UPDATE sets in the place of a hybrid.
pub type Assign = &'static (dyn Fn(ByCriteria, Node) -> ByCriteria + Send + Sync);

impl fmt::Debug for HybridDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HybridDef");
        shown.field("name", &self.name).field("data_type", &self.data_type);
        shown.field("settable", &self.set.is_some()).finish_non_exhaustive()
    }
}

impl ClassDef {
    /// A hybrid of the class, or of one of its bases, by name.
    pub(crate) fn hybrid(&self, name: &str) -> Option<&'static HybridDef> {
        self.all_hybrids().find(|hybrid| hybrid.name == name)
    }

    /// The hybrids of the class, and of its bases.
    pub(crate) fn all_hybrids(&self) -> impl Iterator<Item = &'static HybridDef> + use<> {
        let bases = std::iter::successors(self.inheritance.as_ref().map(|i| i.base()), |above| {
            above.inheritance.as_ref().map(|i| i.base())
        });
        self.hybrids.iter().copied().chain(bases.flat_map(|base| base.hybrids.iter().copied()))
    }
}

/// A hybrid of class `C` with values of type `V`: SQLAlchemy's `hybrid_property`, as the class has it.
///
/// `#[hybrids]` makes one for each hybrid without parameters, under the method's name. On the class it is an SQL
/// expression (`Interval::length.gt(10)`), as an [`Attr`](super::Attr) is; of an object it is the method
/// (`interval.length()`). It is data, and `Copy`.
pub struct Hybrid<C, V> {
    pub(crate) def: &'static HybridDef,
    /// The class, where its objects are records; else it is known by the type.
    pub(crate) described: Option<&'static ClassDef>,
    types: PhantomData<fn() -> (C, V)>,
}

impl<C, V> Hybrid<C, V> {
    /// A hybrid by its description. `#[hybrids]` calls this.
    #[doc(hidden)]
    pub const fn new(def: &'static HybridDef) -> Self {
        Self { def, described: None, types: PhantomData }
    }

    /// A hybrid of a class that was described at run time.
    pub(crate) const fn of(class: &'static ClassDef, def: &'static HybridDef) -> Self {
        Self { def, described: Some(class), types: PhantomData }
    }

    /// The hybrid's name.
    pub const fn name(self) -> &'static str {
        self.def.name
    }

    /// What it is, as data.
    #[doc(hidden)]
    pub const fn def(self) -> &'static HybridDef {
        self.def
    }

    pub(crate) fn entity(self) -> Entity
    where
        C: Mapped,
    {
        Entity::of(self.described.unwrap_or_else(C::class))
    }
}

impl<C, V> Clone for Hybrid<C, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, V> Copy for Hybrid<C, V> {}

impl<C, V> fmt::Debug for Hybrid<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = std::any::type_name::<C>();
        write!(f, "{}::{}", class.rsplit("::").next().unwrap_or(class), self.def.name)
    }
}

/// The hybrids of a class without a block of `#[hybrids]`: such a block has a constant of this name, which goes before.
#[doc(hidden)]
pub trait NoHybrids {
    /// None.
    const __HYBRIDS: &'static [&'static HybridDef] = &[];
}

impl<T: Mapped> NoHybrids for T {}

/// What sets a hybrid may fail: nothing, or a result.
#[doc(hidden)]
pub trait Outcome {
    /// The result.
    fn outcome(self) -> Result<()>;
}

impl Outcome for () {
    fn outcome(self) -> Result<()> {
        Ok(())
    }
}

impl Outcome for Result<()> {
    fn outcome(self) -> Result<()> {
        self
    }
}

/// The description of a hybrid of which nothing is said but what every one has.
#[doc(hidden)]
pub const fn hybrid_def<V: ColumnType>(
    name: &'static str,
    expression: fn() -> Node,
    get: Get,
) -> HybridDef {
    let expression = Make::Call(expression);
    HybridDef {
        name,
        data_type: V::TYPE,
        expression,
        comparator: None,
        get,
        set: None,
        update: None,
    }
}

/// The value of a hybrid for an object.
#[doc(hidden)]
pub fn get_hybrid<C: Mapped, V: ColumnType>(
    session: &Session,
    id: Id,
    get: impl FnOnce(&C) -> V,
) -> Result<Value> {
    Ok(get(session.try_get(Handle::<C>::new(id))?).into_value())
}

/// What a hybrid gives of an object, as a value of its column type `V`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a hybrid cannot give `{Self}`",
    label = "neither a value that a column can hold nor borrowed from one"
)]
pub trait HybridValue<V> {
    /// The value, owned.
    fn owned(self) -> V;
}

impl<V: ColumnType> HybridValue<V> for V {
    fn owned(self) -> V {
        self
    }
}

impl<V: ColumnType> HybridValue<V> for &V {
    fn owned(self) -> V {
        self.clone()
    }
}

impl HybridValue<String> for &str {
    fn owned(self) -> String {
        self.to_owned()
    }
}

impl HybridValue<Option<String>> for Option<&str> {
    fn owned(self) -> Option<String> {
        self.map(str::to_owned)
    }
}

/// Sets a hybrid on an object.
#[doc(hidden)]
pub fn set_hybrid<C: Mapped, V: ColumnType, R: Outcome>(
    session: &mut Session,
    id: Id,
    (name, value): (&str, Value),
    set: impl FnOnce(&mut C, V) -> R,
) -> Result<()> {
    let value = V::from_value(value).map_err(|bad| {
        let class = C::class().name;
        Error::new(ErrorKind::Value, format!("{class}.{name}: the value {bad}"))
    })?;
    session.try_edit(Handle::<C>::new(id), |object| set(object, value).outcome())
}

/// Adds what an UPDATE sets in the place of a hybrid.
#[doc(hidden)]
pub fn update_hybrid<C: Mapped, V>(
    update: ByCriteria,
    value: Node,
    set: impl FnOnce(Update<C>, Expr<V>) -> Update<C>,
) -> ByCriteria {
    set(Update::from_core(update), Expr::from_node(value)).into_core()
}

/// An expression that was written for a hybrid, as one of its type.
#[doc(hidden)]
pub fn hybrid_expression<V>(expression: impl IntoExpr<V>) -> Expr<V> {
    Expr::from_node(expression.into_node())
}
