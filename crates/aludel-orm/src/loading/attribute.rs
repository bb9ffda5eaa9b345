//! Class-level attributes as SQL expressions.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use aludel_sql::{BinaryOp, Node, UnaryOp};
use aludel_sql::{ColumnType, Expr, Expression, IntoExpr, IntoNode, IntoNodes, NumberType};

use super::criterion::{Ask, Criterion};
use super::hybrids::ClassExpression;
use crate::instrumentation::entity::{AttrLeaf, Entity};
use crate::instrumentation::{
    Attr, Auto, ClassDef, Collected, CollectionClass, Deferred, FieldType, Handle, Id, IsA, Many,
    ManyMap, ManySet, Mapped, One, RelationshipField, WriteOnly,
};

fn leaf<C: Mapped, V: FieldType>(attribute: Attr<C, V>, entity: Entity, remote: bool) -> Node {
    AttrLeaf {
        entity,
        attribute: attribute.index(),
        name: attribute.name(),
        data_type: Some(<V::Sql as ColumnType>::TYPE),
        remote,
        bare: false,
    }
    .into_node()
}

/// An attribute of an entity as a typed expression.
pub(super) fn expression<C: Mapped, V: FieldType>(
    attribute: Attr<C, V>,
    entity: Entity,
) -> Expr<V::Sql> {
    Expr::from_node(leaf(attribute, entity, false))
}

/// In the condition of a relationship from a class to itself: the attribute of the far side.
///
/// `Node::id.eq(remote(Node::parent_id))` leads from a node to its children.
pub fn remote<C: Mapped, V: FieldType>(attribute: Attr<C, V>) -> Expr<V::Sql> {
    Expr::from_node(leaf(attribute, Entity::of(attribute.class()), true))
}

impl<C: Mapped, V: FieldType> IntoNode for Attr<C, V> {
    fn into_node(self) -> Node {
        leaf(self, Entity::of(self.class()), false)
    }
}

impl<C: Mapped, V: FieldType> IntoNodes for Attr<C, V> {
    fn into_nodes(self) -> Vec<Node> {
        vec![self.into_node()]
    }
}

impl<C: Mapped, V: FieldType> Expression for Attr<C, V> {
    type Value = V::Sql;
}

impl<C: Mapped, V: FieldType> ClassExpression for Attr<C, V> {
    type Class = C;
    type Value = V::Sql;

    fn under<T>(self, alias: &super::AliasOf<T>) -> Expr<V::Sql> {
        expression(self, alias.entity.clone())
    }
}

// What an attribute may be compared with: expressions of its type, of it as an `Option`, and the other
// way round.
impl<C: Mapped, V: ColumnType> IntoExpr<V> for Attr<C, V> {}
impl<C: Mapped, V: ColumnType> IntoExpr<Option<V>> for Attr<C, V> {}
impl<C: Mapped, V: ColumnType> IntoExpr<V> for Attr<C, Option<V>> where Option<V>: ColumnType {}
impl<C: Mapped, V: ColumnType> IntoExpr<V> for Attr<C, Auto<V>> {}
impl<C: Mapped, V: ColumnType> IntoExpr<Option<V>> for Attr<C, Auto<V>> {}
impl<C: Mapped, V: ColumnType> IntoExpr<V> for Attr<C, Deferred<V>> {}
impl<C: Mapped, V: ColumnType> IntoExpr<Option<V>> for Attr<C, Deferred<V>> {}
impl<C: Mapped, V: ColumnType> IntoExpr<V> for Attr<C, Deferred<Option<V>>> where
    Option<V>: ColumnType
{
}

macro_rules! arithmetic {
    ($($t:ident $method:ident),*) => {$(
        impl<C: Mapped, V: FieldType, R: IntoExpr<V::Sql>> $t<R> for Attr<C, V>
        where
            V::Sql: NumberType,
        {
            type Output = Expr<V::Sql>;

            fn $method(self, other: R) -> Expr<V::Sql> {
                Expr::from_node(Node::binary(BinaryOp::$t, self.into_node(), other.into_node()))
            }
        }
    )*};
}
arithmetic!(Add add, Sub sub, Mul mul, Div div, Rem rem);

impl<C: Mapped, V: FieldType> Neg for Attr<C, V>
where
    V::Sql: NumberType,
{
    type Output = Expr<V::Sql>;

    fn neg(self) -> Expr<V::Sql> {
        Expr::from_node(Node::Unary(UnaryOp::Neg, Box::new(self.into_node())))
    }
}

/// A relationship of an entity, as criteria ask about it.
fn ask(entity: Entity, attribute: u16, ask: Ask, object: Option<Id>) -> Expr<bool> {
    Expr::from_node(Criterion { object, ..Criterion::new(entity, attribute, ask) }.into_node())
}

fn exists(entity: Entity, attribute: u16, inner: Vec<Node>) -> Expr<bool> {
    Expr::from_node(
        Criterion { inner, ..Criterion::new(entity, attribute, Ask::Exists) }.into_node(),
    )
}

impl<C: Mapped, V: RelationshipField> Attr<C, V> {
    /// The class of the related objects.
    pub(super) fn target(self) -> &'static ClassDef {
        self.class().target_of(self.index()).unwrap_or_else(<V::Target as Mapped>::class)
    }
}

/// A relationship of an entity under another name, `alias.rel(User::addresses)`, or one of which the related objects are
/// taken as those of a subclass, `Company::people.of_type::<Engineer>()`. It has the criteria that the attribute itself
/// has, and joins lead along it.
#[derive(Clone, Debug)]
pub struct RelationshipOf<T> {
    pub(super) entity: Entity,
    pub(super) attribute: u16,
    /// The subclass.
    pub(super) of_type: Option<&'static ClassDef>,
    pub(super) target: std::marker::PhantomData<fn() -> T>,
}

impl<T: Mapped> RelationshipOf<T> {
    /// The related objects that are of a subclass.
    pub fn of_type<S: Mapped + IsA<T>>(self) -> RelationshipOf<S> {
        let Self { entity, attribute, .. } = self;
        RelationshipOf {
            entity,
            attribute,
            of_type: Some(S::class()),
            target: std::marker::PhantomData,
        }
    }

    fn criterion(self, ask: Ask) -> Criterion {
        let of_type = self.of_type;
        Criterion { of_type, ..Criterion::new(self.entity, self.attribute, ask) }
    }

    /// There is a related object for which the condition holds.
    pub fn any(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        let inner = vec![condition.into_node()];
        Expr::from_node(Criterion { inner, ..self.criterion(Ask::Exists) }.into_node())
    }

    /// As [`any`](Self::any): what it is called of a reference.
    pub fn has(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        self.any(condition)
    }

    /// There is a related object.
    pub fn any_exists(self) -> Expr<bool> {
        Expr::from_node(self.criterion(Ask::Exists).into_node())
    }

    /// The object is related.
    pub fn contains<S: IsA<T>>(self, object: Handle<S>) -> Expr<bool> {
        let object = Some(object.id);
        Expr::from_node(Criterion { object, ..self.criterion(Ask::Object) }.into_node())
    }
}

impl<C: Mapped, V: RelationshipField> Attr<C, V> {
    /// The relationship to those objects that are of a subclass of the related class, in criteria and joins:
    /// SQLAlchemy's `of_type`. The condition may speak of what the subclass adds. In options it is
    /// [`Load::of_type`](super::Load::of_type).
    ///
    /// ```text
    /// select::<Company>().filter(Company::people.of_type::<Engineer>().any(Engineer::language.eq("rust")))
    /// ```
    pub fn of_type<S: Mapped + IsA<V::Target>>(self) -> RelationshipOf<S> {
        RelationshipOf {
            entity: Entity::of(self.class()),
            attribute: self.index(),
            of_type: Some(S::class()),
            target: std::marker::PhantomData,
        }
    }
}

macro_rules! many_criteria {
    (<$($param:ident: $bound:path),+> $holder:ty, $target:ty) => {
        impl<C: Mapped, $($param: $bound),+> Attr<C, $holder> {
            /// There is a member for which the condition holds: an `EXISTS` subquery.
            ///
            /// In the condition the member's class stands for the member, also where a class refers to itself:
            /// `Node::children.any(Node::name.eq("x"))`.
            pub fn any(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
                exists(Entity::of(self.class()), self.index(), vec![condition.into_node()])
            }

            /// There is a member.
            pub fn any_exists(self) -> Expr<bool> {
                exists(Entity::of(self.class()), self.index(), Vec::new())
            }

            /// The object is a member, as far as the database and the object's own foreign key know.
            pub fn contains<S: IsA<$target>>(self, object: Handle<S>) -> Expr<bool> {
                ask(Entity::of(self.class()), self.index(), Ask::Object, Some(object.id))
            }
        }
    };
}
many_criteria!(<T: Mapped> Many<T>, T);
many_criteria!(<T: Mapped> ManySet<T>, T);
many_criteria!(<K: std::any::Any, T: Mapped> ManyMap<K, T>, T);
many_criteria!(<K: CollectionClass> Collected<K>, K::Member);
many_criteria!(<T: Mapped> WriteOnly<T>, T);

impl<C: Mapped, T: Mapped> Attr<C, One<T>> {
    /// It refers to an object for which the condition holds: an `EXISTS` subquery.
    pub fn has(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        exists(Entity::of(self.class()), self.index(), vec![condition.into_node()])
    }

    /// It refers to this object.
    pub fn is<S: IsA<T>>(self, object: Handle<S>) -> Expr<bool> {
        ask(Entity::of(self.class()), self.index(), Ask::Object, Some(object.id))
    }

    /// It refers to another object than this one, or to none.
    pub fn is_not<S: IsA<T>>(self, object: Handle<S>) -> Expr<bool> {
        ask(Entity::of(self.class()), self.index(), Ask::NotObject, Some(object.id))
    }

    /// It refers to nothing.
    pub fn is_none(self) -> Expr<bool> {
        ask(Entity::of(self.class()), self.index(), Ask::None, None)
    }

    /// It refers to an object.
    pub fn is_some(self) -> Expr<bool> {
        !ask(Entity::of(self.class()), self.index(), Ask::None, None)
    }
}
