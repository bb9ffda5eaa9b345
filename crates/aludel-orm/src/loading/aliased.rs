//! A class under another name.

use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{Expr, Expression};

use super::attribute::RelationshipOf;
use super::hybrids::{ClassExpression, under};
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, IsA, Mapped, Record, RecordClass, RelationshipField};

/// A class under another name in a query: SQLAlchemy's `aliased()`. For joins of a class with itself, and
/// for two roles of one class in one query.
pub struct AliasOf<T> {
    pub(crate) entity: Entity,
    class: PhantomData<fn() -> T>,
}

/// The class under another name.
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # fn example() {
/// let boss = aliased::<Employee>();
/// let query = select::<Employee>()
///     .join_as(Employee::manager, &boss)
///     .filter(Employee::salary.gt(boss.col(Employee::salary)));
/// # drop(query);
/// # }
/// ```
pub fn aliased<T: Mapped>() -> AliasOf<T> {
    AliasOf { entity: Entity::aliased(T::class()), class: PhantomData }
}

impl RecordClass {
    /// The class under another name; see [`aliased`].
    pub fn aliased(self) -> AliasOf<Record> {
        AliasOf { entity: Entity::aliased(self.def()), class: PhantomData }
    }
}

impl<T: Mapped> AliasOf<T> {
    /// An attribute of it, or a hybrid.
    pub fn col<A: ClassExpression>(&self, attribute: A) -> Expr<A::Value>
    where
        T: IsA<A::Class>,
    {
        attribute.under(self)
    }

    /// Any expression over the class, as one over the alias: attributes of the class under its own name become those
    /// of the alias. For hybrids with parameters: `alias.expr(Interval::contains(5))`.
    pub fn expr<V>(&self, expression: impl Expression<Value = V>) -> Expr<V> {
        Expr::from_node(under(&self.entity, expression.into_node()))
    }

    /// A relationship of it, for criteria and joins.
    pub fn rel<C: Mapped, V: RelationshipField>(
        &self,
        attribute: Attr<C, V>,
    ) -> RelationshipOf<V::Target>
    where
        T: IsA<C>,
    {
        RelationshipOf {
            entity: self.entity.clone(),
            attribute: attribute.index(),
            of_type: None,
            target: PhantomData,
        }
    }
}

impl<T> Clone for AliasOf<T> {
    fn clone(&self) -> Self {
        Self { entity: self.entity.clone(), class: PhantomData }
    }
}

impl<T> fmt::Debug for AliasOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as #{}", self.entity.class.name, self.entity.number())
    }
}
