//! Descriptions of classes, and what is asked of them.

use std::any::TypeId;

use aludel_orm::{
    AttrDef, AttrKind, ClassDef, Collection, ColumnDef, ConstraintDef, ErrorKind, Registry,
    RelationshipDef,
};
use aludel_sql::DataType;

/// A class of which nothing but this is said.
pub(crate) const fn class(
    name: &'static str,
    table: &'static str,
    type_id: fn() -> TypeId,
    attributes: &'static [AttrDef],
) -> ClassDef {
    ClassDef {
        name,
        type_id,
        described: None,
        attributes,
        synonyms: &[],
        hybrids: &[],
        instrumentation: None,
        table: if table.is_empty() { None } else { Some(table) },
        source: None,
        schema: None,
        constraints: NO_CONSTRAINTS,
        inheritance: None,
        polymorphic: None,
        subclasses: &[],
        store: || panic!("these classes have no objects"),
        configure: None,
    }
}

const NO_CONSTRAINTS: &[ConstraintDef] = &[];

pub(crate) const INT: ColumnDef = ColumnDef::new(DataType::BigInt, true);
pub(crate) const TEXT: ColumnDef = ColumnDef::new(DataType::Text(None), false);
pub(crate) const ID: ColumnDef =
    ColumnDef { primary_key: true, generated: true, ..ColumnDef::new(DataType::BigInt, false) };

pub(crate) const fn id() -> AttrDef {
    column("id", ID)
}

pub(crate) const fn column(name: &'static str, column: ColumnDef) -> AttrDef {
    AttrDef { name, kind: AttrKind::Column(column) }
}

pub(crate) const fn text(name: &'static str) -> AttrDef {
    column(name, TEXT)
}

pub(crate) const fn foreign_key(name: &'static str, target: &'static str) -> AttrDef {
    column(name, ColumnDef { foreign_key: Some(target), ..INT })
}

pub(crate) const fn relationship(name: &'static str, relationship: RelationshipDef) -> AttrDef {
    AttrDef { name, kind: AttrKind::Relationship(relationship) }
}

pub(crate) const fn one(target: fn() -> &'static ClassDef) -> RelationshipDef {
    RelationshipDef::new(target, None)
}

pub(crate) const fn many(target: fn() -> &'static ClassDef) -> RelationshipDef {
    RelationshipDef::new(target, Some(Collection::List))
}

/// A static class with a type of its own.
#[macro_export]
macro_rules! class {
    ($name:ident, $table:literal, [$($attribute:expr),* $(,)?] $(, $field:ident: $value:expr)* $(,)?) => {
        #[allow(non_snake_case)]
        fn $name() -> &'static aludel_orm::ClassDef {
            struct Type;
            static DEF: aludel_orm::ClassDef = aludel_orm::ClassDef {
                $($field: $value,)*
                ..$crate::class::class(
                    stringify!($name),
                    $table,
                    std::any::TypeId::of::<Type>,
                    &[$($attribute),*],
                )
            };
            &DEF
        }
    };
}

/// The mapper of a class, printed.
#[track_caller]
pub(crate) fn printed(registry: &Registry, class: fn() -> &'static ClassDef) -> String {
    let (mappers, index) = registry.ensure(class()).unwrap();
    mappers.get(index).unwrap().to_string()
}

/// What is said of a mapping that cannot be configured.
#[track_caller]
pub(crate) fn refused(registry: &Registry, class: fn() -> &'static ClassDef) -> String {
    let error = registry.ensure(class()).map(|(_, index)| index).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(registry.mappers().is_empty(), "nothing is added");
    error.message().to_owned()
}
