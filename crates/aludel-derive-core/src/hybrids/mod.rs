//! What `#[hybrids]` writes for an `impl` block: methods, class-level expressions, and their description.
//!
//! ```text
//! impl block ──read──▶ Hybrids ──translate──▶ the SQL twin of each body ──emit──▶ tokens
//!                         └──────────────────────────▶ Errors
//! ```
//!
//! A method and a constant of one name live side by side, as the method is one of a trait.

mod emit;
mod read;
mod translate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// What `#[hybrids]` makes of an `impl` block.
pub fn hybrids(options: TokenStream, input: TokenStream) -> TokenStream {
    let block = match syn::parse2::<syn::ItemImpl>(input.clone()) {
        Ok(block) => block,
        Err(_) => {
            let message = "`#[hybrids]` stands before the `impl` block of a mapped class: `#[hybrids] impl User { … }`";
            let mut written = syn::Error::new_spanned(&input, message).into_compile_error();
            written.extend(input);
            return written;
        }
    };
    let mut errors = Errors::default();
    let mut written = match read::Hybrids::read(options, block, &mut errors) {
        Some(hybrids) => emit::write(&hybrids, &mut errors),
        None => TokenStream::new(),
    };
    written.extend(errors.into_tokens());
    written
}
