//! Source text in, source text or messages out.

use proc_macro2::TokenStream;

fn written(tokens: TokenStream) -> String {
    let file = syn::parse2(tokens).expect("what a derive writes is Rust");
    prettyplease::unparse(&file)
}

/// What `#[derive(Mapped)]` writes for a struct.
pub(crate) fn mapped(source: &str) -> String {
    written(aludel_derive_core::mapped(source.parse().expect("the case is Rust")))
}

/// What `#[derive(ColumnEnum)]` writes for an enum.
pub(crate) fn column_enum(source: &str) -> String {
    written(aludel_derive_core::column_enum(source.parse().expect("the case is Rust")))
}

/// The messages in what a derive wrote, each on a line with the text that it points at.
pub(crate) fn messages(source: &str, derive: fn(TokenStream) -> TokenStream) -> String {
    let tokens = derive(source.parse().expect("the case is Rust"));
    let mut messages = String::new();
    collect(tokens, source, &mut messages);
    messages
}

fn collect(tokens: TokenStream, source: &str, messages: &mut String) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (i, token) in tokens.iter().enumerate() {
        let is_error =
            matches!(token, proc_macro2::TokenTree::Ident(ident) if ident == "compile_error");
        // compile_error ! { "message" }
        if let (true, Some(proc_macro2::TokenTree::Group(group))) = (is_error, tokens.get(i + 2)) {
            let literal: syn::LitStr = syn::parse2(group.stream()).expect("an error is one text");
            // The path carries the start of the span, the group its end.
            let start = token.span().byte_range().start;
            let end = group.span().byte_range().end;
            let at = source.get(start..end).unwrap_or_default();
            let at = at.split_whitespace().collect::<Vec<_>>().join(" ");
            messages.push_str(&format!("{at}: {}\n", literal.value()));
        }
        match token {
            proc_macro2::TokenTree::Group(group) if !is_error => {
                collect(group.stream(), source, messages);
            }
            _ => {}
        }
    }
}
