//! What mappings say of how the columns of subclasses are loaded.

/// How queries of the base load what a subclass adds: SQLAlchemy's `polymorphic_load`.
///
/// What is not said is loaded when it is asked for, object by object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolymorphicLoad {
    /// In the same rows; from an outer join, where the subclass has a table of its own. It is about queries of
    /// the class that this one inherits from directly.
    Inline,
    /// By one more SELECT, where there are objects of the subclass; for queries of any class above.
    SelectIn,
}

/// The subclasses that queries of a class read along.
#[derive(Clone, Debug)]
pub(crate) enum WithPolymorphic {
    All,
    Classes(Vec<String>),
}
