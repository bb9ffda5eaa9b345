//! The options of each attribute: what may be said, and what each of it means.
//!
//! | attribute | on | file |
//! |---|---|---|
//! | `#[mapped(table = "…", …)]` | a struct | `class` |
//! | `#[mapped(synonym(…))]` | a struct | `synonym` |
//! | `#[mapped(skip)]`, `#[mapped(base)]`, `#[mapped(attr = "…")]` | a field | `field` |
//! | `#[column(…)]` | a field | `column` |
//! | `#[relationship(…)]` | a field | `relationship` |
//! | `#[expression(…)]` | a field | `expression` |
//! | `#[composite(…)]` | a field | `composite` |

mod class;
mod column;
mod composite;
mod expression;
mod field;
mod reference;
mod relationship;
mod synonym;

pub(crate) use class::{ClassOptions, Constraint, ConstraintKind, Load, With};
pub(crate) use column::Column;
pub(crate) use composite::Composite;
pub(crate) use expression::Expression;
pub(crate) use field::{FieldOptions, Role};
pub(crate) use relationship::{Holder, Relationship, holder};
pub(crate) use synonym::InheritedSynonym;
