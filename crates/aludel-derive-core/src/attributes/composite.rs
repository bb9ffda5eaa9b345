//! `#[composite(…)]` on a field.

use syn::{Expr, ExprLit, Field, Lit, LitStr, Path};

use crate::errors::Errors;
use crate::options::{self, Name};

/// What `#[composite]` says.
#[derive(Default)]
pub(crate) struct Composite {
    /// What stands before the names of the parts; the field's name and `_`, unless it is said.
    pub(crate) prefix: Option<LitStr>,
    /// The names of the columns, one for each field of the composite.
    pub(crate) columns: Vec<Name>,
    /// What it is compared by in queries.
    pub(crate) comparator: Option<Path>,
}

const KNOWN: &[&str] = &["prefix", "columns", "comparator"];

const HINTS: &[(&str, &str)] = &[
    ("name", "write `columns(…)` for the names of the columns"),
    ("column", "write `columns(…)`"),
    ("comparator_factory", "write `comparator = some::function`"),
    ("primary_key", "say it at the fields of the composite"),
    ("nullable", "write `Option<…>` for a composite that may be none"),
];

impl Composite {
    /// Reads the field's `#[composite]` attributes.
    pub(crate) fn read(field: &Field, errors: &mut Errors) -> Self {
        let mut composite = Self::default();
        for option in options::read(&field.attrs, "composite", &[], errors) {
            match option.name().as_str() {
                "prefix" => composite.prefix = prefix(&option, errors),
                "columns" => composite.columns = option.names(errors),
                "comparator" => composite.comparator = option.path(errors),
                _ => option.unknown("composite", KNOWN, HINTS, errors),
            }
            if composite.prefix.is_some() && !composite.columns.is_empty() {
                option.refuse("the columns have either a prefix or names of their own", errors);
                composite.prefix = None;
            }
        }
        composite
    }
}

/// A text that may be empty.
fn prefix(option: &options::Opt, errors: &mut Errors) -> Option<LitStr> {
    match option.value(errors)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        other => {
            errors.at(other, "`prefix` is a text: write `prefix = \"…\"`");
            None
        }
    }
}
