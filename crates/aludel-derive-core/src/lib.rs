//! What `#[derive(Mapped)]`, `#[derive(Composite)]` and `#[derive(ColumnEnum)]` write, as an ordinary library that tests can call.
//!
//! A derive goes through three steps, each in its own folder or file:
//!
//! ```text
//! tokens ──attributes──▶ options ──model──▶ Class ──emit──▶ tokens
//!                 └───────────┴──▶ Errors: all of them, each where it belongs
//! ```
//!
//! What is written holds no logic: constants, matches over the number of an attribute, and calls into
//! `aludel::__private`. An option that is wrong is reported and left out, and the class is written
//! without it, so that one mistake gives one message. Only a type that cannot be a class at all (an enum,
//! a generic struct) gives nothing but the errors.

mod attributes;
mod checks;
mod column_enum;
mod composite;
mod emit;
mod errors;
mod hybrids;
mod model;
mod names;
mod options;

use proc_macro2::TokenStream;
use syn::DeriveInput;

pub use hybrids::hybrids;

use errors::Errors;

/// What `#[derive(Mapped)]` adds to a struct.
pub fn mapped(input: TokenStream) -> TokenStream {
    derive(input, |input, errors| {
        let class = model::Class::read(input, errors)?;
        Some(emit::class(&class))
    })
}

/// What `#[derive(Composite)]` adds to a struct.
pub fn composite(input: TokenStream) -> TokenStream {
    derive(input, |input, errors| {
        let class = composite::read(input, errors)?;
        Some(composite::emit(&class))
    })
}

/// What `#[derive(ColumnEnum)]` adds to an enum.
pub fn column_enum(input: TokenStream) -> TokenStream {
    derive(input, |input, errors| {
        let column_enum = column_enum::ColumnEnum::read(input, errors)?;
        Some(column_enum.emit())
    })
}

fn derive(
    input: TokenStream,
    write: impl FnOnce(&DeriveInput, &mut Errors) -> Option<TokenStream>,
) -> TokenStream {
    let input = match syn::parse2::<DeriveInput>(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let mut written = write(&input, &mut errors).unwrap_or_default();
    written.extend(errors.into_tokens());
    written
}
