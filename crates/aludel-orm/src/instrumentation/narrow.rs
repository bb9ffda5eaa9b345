//! From a handle of a base class to one of the object's own class: the enum of a hierarchy.

use super::{ClassDef, Id, IsA, Mapped};

/// A base class that has an enum of its subclasses: what `#[mapped(subclasses(…), narrow = …)]` writes.
///
/// The enum has a variant with a handle for each class that is listed, and one for the base itself, called as
/// the classes are. It is what [`Session::narrow`](crate::Session::narrow) gives.
///
/// ```
/// use aludel_derive::Mapped;
/// use aludel_orm::{Auto, Handle, Session};
///
/// #[derive(Mapped, Clone, Debug, Default)]
/// #[mapped(crate = aludel_orm, table = "shapes", polymorphic_on = "kind", polymorphic_identity = "shape")]
/// #[mapped(subclasses(Circle, Square), narrow = AnyShape)]
/// struct Shape {
///     #[column(primary_key)]
///     id: Auto<i64>,
///     kind: String,
/// }
/// #[derive(Mapped, Clone, Debug, Default)]
/// #[mapped(crate = aludel_orm, polymorphic_identity = "circle")]
/// struct Circle {
///     #[mapped(base)]
///     shape: Shape,
///     radius: Option<i64>,
/// }
/// #[derive(Mapped, Clone, Debug, Default)]
/// #[mapped(crate = aludel_orm, polymorphic_identity = "square")]
/// struct Square {
///     #[mapped(base)]
///     shape: Shape,
///     side: Option<i64>,
/// }
///
/// fn width(session: &Session, shape: Handle<Shape>) -> aludel_orm::Result<Option<i64>> {
///     Ok(match session.narrow(shape)? {
///         AnyShape::Circle(circle) => session.try_get(circle)?.radius.map(|r| 2 * r),
///         AnyShape::Square(square) => session.try_get(square)?.side,
///         AnyShape::Shape(_) => None,
///     })
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no enum of its subclasses",
    label = "no enum of subclasses",
    note = "name them, and the enum, at the base class: `#[mapped(subclasses(A, B), narrow = AnyBase)]`"
)]
pub trait Narrow: Mapped {
    /// The enum.
    type Narrowed: Copy;
    /// The variant of an object, by the place of its class in the list; of the base where it is in none.
    #[doc(hidden)]
    fn narrowed(id: Id, listed: Option<usize>) -> Self::Narrowed;
}

/// A class that is listed among the subclasses of another.
pub const fn subclass<B, S: Mapped + IsA<B>>() -> fn() -> &'static ClassDef {
    S::class
}
