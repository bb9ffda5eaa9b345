//! `#[expression(…)]`

use syn::parse::{Parse, ParseStream};
use syn::{Expr, Field, Ident, Token};

use crate::errors::Errors;

/// What `#[expression]` says: the expression, and whether it is loaded only when asked for.
pub(crate) struct Expression {
    /// Nothing where each query says it: `#[expression(query)]`.
    pub(crate) expression: Option<Expr>,
    pub(crate) deferred: bool,
}

impl Parse for Expression {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expression: Expr = input.parse()?;
        if matches!(&expression, Expr::Path(path) if path.path.is_ident("query"))
            && input.is_empty()
        {
            return Ok(Self { expression: None, deferred: true });
        }
        let mut deferred = false;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        if !input.is_empty() {
            let option: Ident = input.parse()?;
            if option != "deferred" {
                let message =
                    format!("`#[expression]` has no option `{option}`; known is `deferred`");
                return Err(syn::Error::new_spanned(option, message));
            }
            deferred = true;
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(Self { expression: Some(expression), deferred })
    }
}

impl Expression {
    /// Reads the field's `#[expression]` attribute.
    pub(crate) fn read(field: &Field, errors: &mut Errors) -> Option<Self> {
        let attribute =
            field.attrs.iter().find(|attribute| attribute.path().is_ident("expression"))?;
        if attribute.meta.require_list().is_err() {
            errors.at(
                attribute,
                "say what the field reads: `#[expression(Self::price * Self::quantity)]`",
            );
            return None;
        }
        errors.take(attribute.parse_args())
    }
}
