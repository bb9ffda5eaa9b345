//! Mapping: which class stands for which table, and how.
//!
//! A [`Registry`] holds a [`Mapper`] for each class. A mapper has [`Property`]s, one for each attribute of the
//! class, under the attribute's number; a property has columns, an expression, or a [`Relationship`].
//! Mappers refer to each other by number; a [`Mappers`] is one consistent, immutable set of them, which
//! sessions share.
//!
//! ```text
//! ClassDef (the derive) ──┐
//! MapperBuilder (by hand) ┴─> specs ──┐
//! Tables made by hand ────────────────┴─ configure ─> Mappers (a snapshot) ─> sessions
//! ```

mod builder;
mod changed;
mod configure;
mod describe;
mod described;
mod diagram;
mod identity;
mod inspect;
mod instrument;
mod mapper;
mod options;
mod polymorphic_load;
mod polymorphic_union;
mod problems;
mod registry;
mod rows;
mod selected;
mod source;
mod version;

pub use builder::MapperBuilder;
pub(crate) use configure::Union;
pub use describe::RecordClassBuilder;
pub use diagram::Diagram;
pub use identity::IdentityKey;
pub use instrument::{ClassEvent, ExtendedInstrumentationRegistry, InstrumentationFinder};
pub(crate) use mapper::Synonym;
pub use mapper::{
    Cascades, ColumnProperty, ColumnRef, Direction, Holder, Mapper, Mappers, PassiveDeletes,
    Property, PropertyKind, Relationship, Secondary,
};
pub use options::RelationshipOptions;
pub use polymorphic_load::PolymorphicLoad;
pub(crate) use polymorphic_load::WithPolymorphic;
pub use polymorphic_union::polymorphic_union;
pub use registry::Registry;
pub use rows::EagerDefaults;
pub(crate) use rows::{RowOptions, SaidOfRows};
pub(crate) use selected::Selected;
pub use source::TableSource;
pub use version::VersionGenerator;
