//! The constants `User::name`, and `User::ATTRS.name`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Visibility;

use super::{attrs_struct, number};
use crate::model::{Class, Field};

pub(super) fn write(class: &Class) -> TokenStream {
    let Class { ident, private, vis: class_vis, .. } = class;
    let attrs = attrs_struct(class);
    let fields: Vec<_> = class.attributes().collect();
    let (vis, ty): (Vec<_>, Vec<_>) = fields.iter().map(|field| (&field.vis, &field.ty)).unzip();
    let names = fields.iter().map(|field| &field.ident);
    let constants = fields.iter().map(|field| constant(class, field));
    let doc = format!(
        " The attributes of `{}`, for where a method has an attribute's name.",
        class.name()
    );
    quote! {
        #[doc(hidden)]
        #[allow(non_snake_case, dead_code, missing_docs, deprecated, private_interfaces, unreachable_pub)]
        #class_vis struct #attrs {
            #(#vis #names: #private::Attr<#ident, #ty>,)*
        }
        #[automatically_derived]
        #[allow(non_upper_case_globals, dead_code, deprecated, private_interfaces, unreachable_pub)]
        impl #ident {
            #(#constants)*
            #[doc = #doc]
            #class_vis const ATTRS: #attrs = <#ident as #private::Derived>::ATTRS;
        }
    }
}

/// The value of `ATTRS`.
pub(super) fn value(class: &Class) -> TokenStream {
    let attrs = attrs_struct(class);
    let fields = class.attributes().map(|field| {
        let (ident, attr) = (&field.ident, attr(class, field));
        quote!(#ident: #attr)
    });
    quote!(#attrs { #(#fields,)* })
}

fn constant(class: &Class, field: &Field) -> TokenStream {
    let Class { ident, private, .. } = class;
    let Field { vis, ty, constant, docs, .. } = field;
    let attr = attr(class, field);
    let doc = if docs.is_empty() && !matches!(vis, Visibility::Inherited) {
        let doc = format!(" The attribute `{}`.", field.name());
        quote!(#[doc = #doc])
    } else {
        docs.iter().map(ToTokens::to_token_stream).collect()
    };
    // Messages about the constant point at the field.
    let span = Span::call_site().located_at(field.ident.span());
    quote_spanned! {span=>
        #doc
        #vis const #constant: #private::Attr<#ident, #ty> = #attr;
    }
}

fn attr(class: &Class, field: &Field) -> TokenStream {
    let private = &class.private;
    let (number, name) = (number(class, field), field.name());
    quote!(#private::Attr::new(#number, #name))
}
