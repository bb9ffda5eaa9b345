//! `#[mapped(…)]` on a field.

use syn::{Expr, Field, Ident};

use crate::errors::Errors;
use crate::options::{self, Name};

/// What `#[mapped]` says of a field.
#[derive(Default)]
pub(crate) struct FieldOptions {
    /// What the field is, where it is no attribute of the class's own.
    pub(crate) role: Option<Role>,
    /// The name of the constant, where it is not the field's.
    pub(crate) constant: Option<Ident>,
    /// Other names of the attribute.
    pub(crate) synonyms: Vec<Name>,
    /// What checks its values.
    pub(crate) validate: Option<Expr>,
}

/// What a field without an attribute of its own is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Not mapped.
    Skipped,
    /// The embedded object of the base class.
    Base,
}

const KNOWN: &[&str] = &["skip", "base", "attr", "synonym", "validate"];

const HINTS: &[(&str, &str)] = &[
    ("ignore", "write `skip`"),
    ("inherit", "write `base`"),
    (
        "rename",
        "write `#[column(name = \"…\")]` for the column's name, `attr = \"…\"` for the constant's",
    ),
    (
        "name",
        "write `#[column(name = \"…\")]` for the column's name, `attr = \"…\"` for the constant's",
    ),
    ("primary_key", "write `#[column(primary_key)]`"),
    ("foreign_key", "write `#[column(foreign_key = \"table.column\")]`"),
    ("unique", "write `#[column(unique)]`"),
    ("version", "write `#[column(version)]`"),
    ("table", "that goes on the struct"),
];

impl FieldOptions {
    /// Reads the field's `#[mapped]` attributes.
    pub(crate) fn read(field: &Field, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        for option in options::read(&field.attrs, "mapped", &[], errors) {
            let role = match option.name().as_str() {
                "skip" => option.flag(errors).then_some(Role::Skipped),
                "base" => option.flag(errors).then_some(Role::Base),
                "attr" => {
                    if let Some(text) = option.text(errors) {
                        match text.parse::<Ident>() {
                            Ok(constant) => read.constant = Some(constant),
                            Err(_) => errors.at(
                                &text,
                                "`attr` is the name of a constant, such as `\"amount_\"`",
                            ),
                        }
                    }
                    None
                }
                "validate" => {
                    read.validate = option.value(errors).cloned();
                    None
                }
                "synonym" => {
                    read.synonyms = option.names(errors);
                    read.synonyms.retain(|name| {
                        let is_name = syn::parse_str::<Ident>(&name.text).is_ok();
                        if !is_name {
                            errors.at(
                                name,
                                format!("`{}` cannot be the name of an attribute", name.text),
                            );
                        }
                        is_name
                    });
                    None
                }
                _ => {
                    option.unknown("mapped", KNOWN, HINTS, errors);
                    None
                }
            };
            if role.is_some() && read.role.is_some() {
                option.refuse("a field is either `skip` or `base`", errors);
            }
            read.role = read.role.or(role);
        }
        if read.role.is_some() {
            if let Some(validate) = read.validate.take() {
                errors.at(
                    validate,
                    "the field is no attribute of the class's own, so nothing validates it",
                );
            }
            for name in std::mem::take(&mut read.synonyms) {
                errors.at(
                    &name,
                    "the field is no attribute of the class's own, so it has no synonyms",
                );
            }
        }
        read
    }
}
