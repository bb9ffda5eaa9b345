//! A proxy in conditions of queries.

use aludel_sql::{Expr, Expression, IntoExpr};

use super::{AssociationProxy, LocalField, RemoteAttr};
use crate::attributes::CollectionField;
use crate::instrumentation::{Attr, FieldType, Handle, IntoField, IsA, Mapped, One};

/// What a proxied value may be compared with: an expression of its type, or an object.
#[diagnostic::on_unimplemented(
    message = "the values of this proxy cannot be compared with `{A}`",
    label = "neither an expression of the values' type, nor a handle of the objects' class"
)]
pub trait RemoteIs<A>: RemoteAttr {
    /// The condition that a related object has this value.
    fn is_value(self, value: A) -> Expr<bool>;
}

impl<T: Mapped, F: FieldType + IntoField<F>, A: IntoExpr<F::Sql>> RemoteIs<A> for Attr<T, F> {
    fn is_value(self, value: A) -> Expr<bool> {
        Expression::eq(self, value)
    }
}

impl<T: Mapped, X: Mapped, S: IsA<X>> RemoteIs<Handle<S>> for Attr<T, One<X>> {
    fn is_value(self, value: Handle<S>) -> Expr<bool> {
        self.is(value)
    }
}

impl<T: Mapped, X: Mapped, R: RemoteIs<A> + RemoteAttr<Owner = X>, A> RemoteIs<A>
    for AssociationProxy<T, One<X>, R>
{
    fn is_value(self, value: A) -> Expr<bool> {
        self.eq(value)
    }
}

impl<C, V, R> AssociationProxy<C, V, R>
where
    C: Mapped,
    V: LocalField + CollectionField<V::Target>,
    R: RemoteAttr<Owner = V::Target>,
{
    /// There is a related object for which the condition holds: an `EXISTS` subquery. Where the proxy gives objects,
    /// the condition speaks of these; else of the related objects.
    pub fn any(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        V::related(self.local, Some(self.remote.inside(Expr::from_node(condition.into_node()))))
    }

    /// There is a related object.
    pub fn any_exists(self) -> Expr<bool> {
        V::related(self.local, None)
    }

    /// A value, or an object, is among them.
    pub fn contains<A>(self, value: A) -> Expr<bool>
    where
        R: RemoteIs<A>,
    {
        V::related(self.local, Some(self.remote.is_value(value)))
    }
}

impl<C: Mapped, T: Mapped, R: RemoteAttr<Owner = T>> AssociationProxy<C, One<T>, R> {
    /// There is a related object for which the condition holds: an `EXISTS` subquery. Where the proxy gives objects,
    /// the condition speaks of these; else of the related object.
    pub fn has(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        self.local.has(self.remote.inside(Expr::from_node(condition.into_node())))
    }

    /// The value is this one.
    pub fn eq<A>(self, value: A) -> Expr<bool>
    where
        R: RemoteIs<A>,
    {
        self.local.has(self.remote.is_value(value))
    }

    /// There is no value: no related object, or one whose value is none.
    pub fn is_none(self) -> Expr<bool> {
        self.local.has(self.remote.is_null()) | self.local.is_none()
    }

    /// There is a value.
    pub fn is_some(self) -> Expr<bool> {
        self.local.has(!self.remote.is_null())
    }
}
