//! What makes a class a mapped class: its objects, their fields, and its attributes.
//!
//! A mapped class is an ordinary struct. Seen from the core it is an [`Object`] with numbered
//! [`Field`]s, described by a [`ClassDef`]; seen by its users it has typed class-level attributes
//! ([`Attr`]) and its instances are named by [`Handle`]s. `#[derive(Mapped)]` writes both views. Nothing
//! here is generic in the class beyond a thin face: a relationship holds ids, never a `T`.

mod absent;
mod attr;
mod class;
mod class_key;
mod class_manager;
mod collected;
#[doc(hidden)]
pub mod composite;
mod convert;
#[doc(hidden)]
pub mod derived;
mod dict;
pub(crate) mod entity;
mod field;
mod handle;
mod holder;
#[doc(hidden)]
pub mod hybrid;
mod many;
mod members;
mod narrow;
mod numbering;
mod object;
mod one;
#[doc(hidden)]
pub mod parts;
mod record;
mod record_class;
#[doc(hidden)]
pub mod twin;

pub use absent::{Auto, Deferred};
pub use attr::{Attr, AttributeKey};
pub use class::{
    AttrDef, AttrKind, ClassDef, Collection, ColumnDef, CompositeDef, ConstraintDef, ExpressionDef,
    InheritanceDef, Lazy, PolymorphicDef, RelationshipDef, Subclasses, SynonymDef, VersionDef,
};
pub use class_key::{ClassKey, ClassRef, Make};
pub use class_manager::{
    ClassManager, ClassMember, Constructor, DefaultInstrumentation, InstrumentationFactory,
    InstrumentationManager, ManagerGetter, StateGetter,
};
pub(crate) use collected::Collects;
pub use collected::{CollectionClass, NewCollection};
pub use composite::{Composite, CompositeField, Part, PartAt};
pub use convert::{IntoField, IntoMember, IntoObject};
pub(crate) use derived::Filling;
pub use dict::{InstanceDict, InstanceState, ValueStore, ValueType};
pub use field::{Field, FieldType};
pub use handle::{AnyClass, Handle, Id, IsA};
pub use holder::{Loadable, RelationshipField};
pub use hybrid::{Hybrid, HybridDef};
pub use many::{Collected, Many, ManyMap, ManySet, Member, WriteOnly};
pub(crate) use many::{ManyCore, MemberCore};
pub(crate) use members::Members;
pub use narrow::Narrow;
#[doc(hidden)]
pub use narrow::subclass;
pub use numbering::Numbering;
#[doc(hidden)]
pub use object::Objects;
pub use object::{Chunks, Mapped, NOT_IN_ROW, Object};
pub(crate) use object::{NULL, push_bind};
pub use one::One;
pub(crate) use one::OneCore;
#[doc(hidden)]
pub use record::Described;
pub(crate) use record::Records;
pub use record::{Instance, IntoRelated, Record, Related};
pub use record_class::RecordClass;
