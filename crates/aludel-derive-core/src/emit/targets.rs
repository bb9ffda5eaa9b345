//! What relationships say of the attributes of their target, for the compiler to look up there.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use crate::attributes::{Holder, Relationship};
use crate::model::{Class, Kind};
use crate::options::Name;

/// A constant for each name, whose evaluation fails where the target has no such attribute. Errors point at the name.
pub(super) fn write(class: &Class) -> TokenStream {
    let relationships = class.attributes().filter_map(|field| match &field.kind {
        Kind::Relationship(relationship) => Some(relationship),
        _ => None,
    });
    relationships.flat_map(|relationship| checks(class, relationship)).collect()
}

fn checks(class: &Class, relationship: &Relationship) -> Vec<TokenStream> {
    let shown = shown(relationship);
    let mut checks = Vec::new();
    if let Some(name) = &relationship.back_populates {
        let what = format!(
            "{shown} has no relationship `{}`: add it there, or leave `back_populates` out",
            name.text
        );
        checks.push(check(class, relationship, name, "expect_relationship", &name.text, &what));
    }
    let columns = [
        ("order_by", relationship.order_by.iter().collect()),
        ("key", relationship.key.iter().collect()),
        ("position", Vec::from_iter(&relationship.position)),
    ];
    for (option, names) in columns {
        for name in names {
            // The other way round, in an order.
            let text = name.text.strip_prefix('-').unwrap_or(&name.text).trim();
            let what =
                format!("{shown} has no attribute `{text}` with a column, as `{option}` needs");
            checks.push(check(class, relationship, name, "expect_column", text, &what));
        }
    }
    checks
}

/// The target in an error.
fn shown(relationship: &Relationship) -> String {
    match (&relationship.holder, &relationship.target) {
        (Holder::Collected, _) => "the class of the members".to_owned(),
        (_, Type::Path(path)) => {
            let last = path.path.segments.last().map(|last| last.ident.to_string());
            format!("class `{}`", last.unwrap_or_default())
        }
        _ => "the class".to_owned(),
    }
}

fn check(
    class: &Class,
    relationship: &Relationship,
    name: &Name,
    expect: &str,
    text: &str,
    what: &str,
) -> TokenStream {
    let (private, target) = (&class.private, &relationship.target);
    let expect = Ident::new(expect, name.span);
    let target = match relationship.holder {
        Holder::Collected => quote!(<#target as #private::CollectionClass>::Member),
        _ => quote!(#target),
    };
    // The compiler points at where the whole call stands.
    let call = quote!(#private::#expect::<#target>(#text, #what));
    let call = call.into_iter().map(|mut token| {
        token.set_span(name.span);
        token
    });
    let call: TokenStream = call.collect();
    quote_spanned!(name.span=> const _: () = #call;)
}
