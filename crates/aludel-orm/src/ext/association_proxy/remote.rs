//! What a proxy may lead to.

use std::fmt;

use aludel_sql::{Expr, Expression};

use super::AssociationProxy;
use crate::instrumentation::{Attr, Field, FieldType, Handle, IntoField, Mapped, One};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// What a proxy reads of the related objects: an attribute that is a column, a reference, or another proxy (over a
/// reference).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that an association proxy can lead to",
    label = "neither a column, nor a reference, nor a proxy over a reference"
)]
pub trait RemoteAttr: Copy + fmt::Debug + Send + Sync + 'static {
    /// The class of the related objects.
    type Owner: Mapped;
    /// The type of the field, as it is put in.
    type Field: Field;
    /// The value, as it is read.
    type Value<'s>;

    /// The value of a related object. Nothing is loaded.
    ///
    /// # Errors
    ///
    /// When it is not loaded, or the object is not here.
    fn read(self, session: &Session, of: Handle<Self::Owner>) -> Result<Self::Value<'_>>;

    /// Sets the value of a related object.
    ///
    /// # Errors
    ///
    /// As [`Session::set`].
    fn write(
        self,
        session: &mut Session,
        of: Handle<Self::Owner>,
        value: Self::Field,
    ) -> Result<()>;

    /// Deletes the value of a related object.
    ///
    /// # Errors
    ///
    /// As [`Session::del`].
    fn delete(self, session: &mut Session, of: Handle<Self::Owner>) -> Result<()>;

    /// Whether a related object has this value.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn has_value(
        self,
        session: &Session,
        of: Handle<Self::Owner>,
        value: &Self::Field,
    ) -> Result<bool>;

    /// Whether a value is none: NULL, or a reference to nothing.
    fn is_none(value: &Self::Field) -> bool;

    /// A condition that speaks of what the value refers to, as one on the related object.
    fn inside(self, condition: Expr<bool>) -> Expr<bool>;

    /// The condition that a related object has no value.
    fn is_null(self) -> Expr<bool>;

    /// Loads the values of related objects.
    ///
    /// # Errors
    ///
    /// As [`Session::load`].
    fn load(
        self,
        session: &mut Session,
        of: &[Handle<Self::Owner>],
    ) -> impl Future<Output = Result<()>> + Send;
}

impl<T: Mapped, F: FieldType + IntoField<F>> RemoteAttr for Attr<T, F> {
    type Owner = T;
    type Field = F;
    type Value<'s> = &'s F;

    fn read(self, session: &Session, of: Handle<T>) -> Result<&F> {
        session.value(of, self)
    }

    fn write(self, session: &mut Session, of: Handle<T>, value: F) -> Result<()> {
        session.set(of, self, value)
    }

    fn delete(self, session: &mut Session, of: Handle<T>) -> Result<()> {
        session.del(of, self)
    }

    fn has_value(self, session: &Session, of: Handle<T>, value: &F) -> Result<bool> {
        Ok(session.value(of, self)?.same(value))
    }

    fn is_none(value: &F) -> bool {
        let field: &dyn Field = value;
        field.value().is_null()
    }

    fn inside(self, condition: Expr<bool>) -> Expr<bool> {
        condition
    }

    fn is_null(self) -> Expr<bool> {
        Expression::is_null(self)
    }

    async fn load(self, session: &mut Session, of: &[Handle<T>]) -> Result<()> {
        session.load_all(of, self).await
    }
}

impl<T: Mapped, X: Mapped> RemoteAttr for Attr<T, One<X>> {
    type Owner = T;
    type Field = One<X>;
    type Value<'s> = Option<Handle<X>>;

    fn read(self, session: &Session, of: Handle<T>) -> Result<Option<Handle<X>>> {
        let reference = session.value(of, self)?;
        reference.try_get().ok_or_else(|| {
            let what = format!("{self:?} is not loaded: load it first, or the proxy that reads it");
            Error::new(ErrorKind::NotLoaded, what)
        })
    }

    fn write(self, session: &mut Session, of: Handle<T>, value: One<X>) -> Result<()> {
        session.set(of, self, value)
    }

    fn delete(self, session: &mut Session, of: Handle<T>) -> Result<()> {
        session.del(of, self)
    }

    fn has_value(self, session: &Session, of: Handle<T>, value: &One<X>) -> Result<bool> {
        // A new object is nobody's yet.
        Ok(value.is_loaded() && value.try_get() == Some(self.read(session, of)?))
    }

    fn is_none(value: &One<X>) -> bool {
        value.try_get() == Some(None)
    }

    fn inside(self, condition: Expr<bool>) -> Expr<bool> {
        self.has(condition)
    }

    fn is_null(self) -> Expr<bool> {
        self.is_none()
    }

    async fn load(self, session: &mut Session, of: &[Handle<T>]) -> Result<()> {
        session.load_all(of, self).await
    }
}

impl<T: Mapped, X: Mapped, R: RemoteAttr<Owner = X>> RemoteAttr for AssociationProxy<T, One<X>, R> {
    type Owner = T;
    type Field = R::Field;
    type Value<'s> = Option<R::Value<'s>>;

    fn read(self, session: &Session, of: Handle<T>) -> Result<Option<R::Value<'_>>> {
        self.of(session, of).into_value()
    }

    fn write(self, session: &mut Session, of: Handle<T>, value: R::Field) -> Result<()> {
        self.of_mut(session, of).set_field(value)
    }

    fn delete(self, session: &mut Session, of: Handle<T>) -> Result<()> {
        self.of_mut(session, of).del()
    }

    fn has_value(self, session: &Session, of: Handle<T>, value: &R::Field) -> Result<bool> {
        match self.local().read(session, of)? {
            Some(related) => self.remote().has_value(session, related, value),
            None => Ok(R::is_none(value)),
        }
    }

    fn is_none(value: &R::Field) -> bool {
        R::is_none(value)
    }

    fn inside(self, condition: Expr<bool>) -> Expr<bool> {
        self.has(condition)
    }

    fn is_null(self) -> Expr<bool> {
        self.is_none()
    }

    async fn load(self, session: &mut Session, of: &[Handle<T>]) -> Result<()> {
        session.load_all(of, self.local()).await?;
        let related: Result<Vec<_>> = of.iter().map(|of| self.local().read(session, *of)).collect();
        let related: Vec<_> = related?.into_iter().flatten().collect();
        Box::pin(self.remote().load(session, &related)).await
    }
}
