//! What is written: the trait of the methods, the constants and functions of the class, their description.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Ident, ImplItemFn};

use super::read::{Hybrid, Hybrids, ParamKind};
use super::translate;
use crate::errors::Errors;

pub(super) fn write(hybrids: &Hybrids, errors: &mut Errors) -> TokenStream {
    let Hybrids { class, private, name, vis, rest, .. } = hybrids;
    let declared = hybrids.hybrids.iter().map(|hybrid| {
        let (docs, sig) = (&hybrid.docs, &hybrid.method.sig);
        let of_callers = hybrid.method.attrs.iter().filter(|attribute| is_of_callers(attribute));
        quote!(#(#docs)* #(#of_callers)* #sig;)
    });
    let methods = hybrids.hybrids.iter().map(|hybrid| {
        let ImplItemFn { attrs, sig, block, .. } = &hybrid.method;
        let attrs = attrs.iter().filter(|attribute| !is_of_callers(attribute));
        quote!(#(#attrs)* #sig #block)
    });
    let expressions: Vec<_> =
        hybrids.hybrids.iter().map(|hybrid| expression(hybrids, hybrid, errors)).collect();
    let named = hybrids.hybrids.iter().filter(|hybrid| hybrid.params.is_empty()).map(|h| &h.name);
    let rest = (!rest.items.is_empty()).then_some(rest);
    let doc = " The hybrids of the class, as methods of its objects.";
    quote! {
        #rest
        #[doc = #doc]
        #[allow(dead_code, missing_docs, unreachable_pub, private_interfaces)]
        #vis trait #name {
            #(#declared)*
        }
        impl #name for #class {
            #(#methods)*
        }
        #[automatically_derived]
        #[allow(non_upper_case_globals, dead_code, unreachable_pub, private_interfaces)]
        #[allow(clippy::redundant_closure_call, clippy::clone_on_copy, clippy::redundant_clone)]
        impl #class {
            #(#expressions)*
            #[doc(hidden)]
            #vis const __HYBRIDS: &'static [&'static #private::HybridDef] = &[#(Self::#named.def()),*];
        }
    }
}

/// Whether an attribute of a method is for those who call it.
fn is_of_callers(attribute: &Attribute) -> bool {
    attribute.path().is_ident("must_use") || attribute.path().is_ident("deprecated")
}

/// What the hybrid is on the class: a constant, or a function of its parameters.
fn expression(hybrids: &Hybrids, hybrid: &Hybrid, errors: &mut Errors) -> TokenStream {
    let private = &hybrids.private;
    let Hybrid { name, vis, docs, value, .. } = hybrid;
    let body = match &hybrid.expression {
        Some(expression) => {
            quote_spanned!(expression.span()=> #private::hybrid_expression::<#value>(#expression))
        }
        None => match translate::body(hybrids, hybrid) {
            Ok(twin) => {
                let params = hybrid.params.iter().filter_map(|param| {
                    let ParamKind::Value(ty) = &param.kind else { return None };
                    let name = &param.name;
                    Some(quote!(let #name = #private::Twin::param::<#ty>(#name);))
                });
                quote!({ #(#params)* #private::Twin::expr::<#value>(#twin) })
            }
            // The rest is written all the same, so that what uses the hybrid says nothing more.
            Err(error) => {
                errors.push(error);
                quote!(#private::Expr::<#value>::from_node(#private::Node::Null))
            }
        },
    };
    // Messages about the constant point at the method.
    let span = proc_macro2::Span::call_site().located_at(name.span());
    if hybrid.params.is_empty() {
        let def = definition(hybrids, hybrid, &body);
        return quote_spanned! {span=>
            #(#docs)*
            #vis const #name: #private::Hybrid<Self, #value> = #private::Hybrid::new(#def);
        };
    }
    let params = hybrid.params.iter().map(|param| {
        let name = &param.name;
        match &param.kind {
            ParamKind::Value(ty) => quote!(#name: impl #private::IntoExpr<#ty>),
            ParamKind::Object => quote!(#name: &#private::AliasOf<Self>),
        }
    });
    quote_spanned! {span=>
        #(#docs)*
        #vis fn #name(#(#params),*) -> #private::Expr<#value> {
            #body
        }
    }
}

/// The hybrid as data.
fn definition(hybrids: &Hybrids, hybrid: &Hybrid, body: &TokenStream) -> TokenStream {
    let (private, methods) = (&hybrids.private, &hybrids.name);
    let Hybrid { name, value, .. } = hybrid;
    let text = syn::ext::IdentExt::unraw(name).to_string();
    let mut said = TokenStream::new();
    let mut say = |field: &str, value: TokenStream| {
        let field: Ident = format_ident!("{field}");
        said.extend(quote!(#field: #private::std::option::Option::Some(#value),));
    };
    if let Some(path) = &hybrid.comparator {
        say("comparator", quote!(#path));
    }
    if let Some(set) = &hybrid.set {
        say(
            "set",
            quote_spanned! {set.span()=>
                &|session, id, value| {
                    #private::set_hybrid::<Self, #value, _>(session, id, (#text, value), #set)
                }
            },
        );
    }
    if let Some(update) = &hybrid.update {
        say(
            "update",
            quote_spanned! {update.span()=>
                &|update, value| #private::update_hybrid::<Self, #value>(update, value, #update)
            },
        );
    }
    let default = quote! {
        #private::hybrid_def::<#value>(
            #text,
            || #private::IntoNode::into_node(#body),
            &|session, id| #private::get_hybrid::<Self, #value>(session, id, |object| {
                #private::HybridValue::<#value>::owned(<Self as #methods>::#name(object))
            }),
        )
    };
    if said.is_empty() {
        quote!(&#default)
    } else {
        quote!(&#private::HybridDef { #said ..#default })
    }
}
