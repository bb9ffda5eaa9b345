//! The constants `User::name`, and `User::ATTRS.name`.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Ident, Visibility};

use super::{attrs_struct, number};
use crate::attributes::InheritedSynonym;
use crate::model::{Class, Field};

pub(super) fn write(class: &Class) -> TokenStream {
    let Class { ident, private, vis: class_vis, .. } = class;
    let attrs = attrs_struct(class);
    let fields: Vec<_> = class.attributes().collect();
    let (vis, ty): (Vec<_>, Vec<_>) = fields.iter().map(|field| (&field.vis, &field.ty)).unzip();
    let names = fields.iter().map(|field| &field.ident);
    let constants = fields.iter().map(|field| constant(class, field));
    let others = fields.iter().flat_map(|field| others(class, field));
    let others: Vec<_> = others.chain(inherited_synonyms(class)).collect();
    let other_fields = others
        .iter()
        .map(|Other { vis, name, ty, .. }| quote!(#vis #name: #private::Attr<#ident, #ty>,));
    let other_constants = others.iter().map(|Other { vis, name, ty, attr, doc }| {
        let span = Span::call_site().located_at(name.span());
        quote_spanned! {span=>
            #[doc = #doc]
            #vis const #name: #private::Attr<#ident, #ty> = #attr;
        }
    });
    let doc = format!(
        " The attributes of `{}`, for where a method has an attribute's name.",
        class.name()
    );
    quote! {
        #[doc(hidden)]
        #[allow(non_snake_case, dead_code, missing_docs, deprecated, private_interfaces, unreachable_pub)]
        #class_vis struct #attrs {
            #(#vis #names: #private::Attr<#ident, #ty>,)*
            #(#other_fields)*
        }
        #[automatically_derived]
        #[allow(non_upper_case_globals, dead_code, deprecated, private_interfaces, unreachable_pub)]
        impl #ident {
            #(#constants)*
            #(#other_constants)*
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
    let others = class.attributes().flat_map(|field| others(class, field));
    let others = others
        .chain(inherited_synonyms(class))
        .map(|Other { name, attr, .. }| quote!(#name: #attr));
    quote!(#attrs { #(#fields,)* #(#others,)* })
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

/// A constant that a field has beside its own.
struct Other<'a> {
    vis: &'a Visibility,
    name: Ident,
    ty: TokenStream,
    attr: TokenStream,
    doc: String,
}

fn others<'a>(class: &'a Class, field: &'a Field) -> impl Iterator<Item = Other<'a>> {
    parts(class, field).chain(synonyms(class, field))
}

/// The columns of a composite that have names of their own.
fn parts<'a>(class: &'a Class, field: &'a Field) -> impl Iterator<Item = Other<'a>> {
    let (private, composite) = (&class.private, &field.ty);
    field.composite_columns().iter().enumerate().filter_map(move |(at, name)| {
        let text = &name.text;
        syn::parse_str::<Ident>(text).ok()?;
        let number = number(class, field);
        let offset = Literal::u16_unsuffixed(at as u16 + 1);
        let at = Literal::usize_unsuffixed(at);
        Some(Other {
            vis: &field.vis,
            name: Ident::new(text, name.span),
            ty: quote_spanned! {name.span=>
                <<#composite as #private::CompositeField>::Value as #private::PartAt<#at>>::Type
            },
            attr: quote!(#private::Attr::new(#number + #offset, #text)),
            doc: format!(" A column of the composite `{}`.", field.name()),
        })
    })
}

/// The other names of an attribute: the same number.
fn synonyms<'a>(class: &'a Class, field: &'a Field) -> impl Iterator<Item = Other<'a>> {
    field.synonyms.iter().map(move |name| {
        let (private, number, text) = (&class.private, number(class, field), &name.text);
        Other {
            vis: &field.vis,
            name: Ident::new(text, name.span),
            ty: field.ty.to_token_stream(),
            attr: quote!(#private::Attr::new(#number, #text)),
            doc: format!(" Another name of the attribute `{}`.", field.name()),
        }
    })
}

/// The names that the class gives to attributes of its base.
fn inherited_synonyms(class: &Class) -> impl Iterator<Item = Other<'_>> {
    let private = &class.private;
    class.options.synonyms.iter().map(move |synonym| {
        let (name, of) = (&synonym.name, inherited(class, synonym));
        let (text, attribute) = (name.unraw().to_string(), synonym.of.segments.last());
        let attribute = attribute.map(|segment| segment.ident.to_string()).unwrap_or_default();
        Other {
            vis: &class.vis,
            name: name.clone(),
            ty: synonym.ty.to_token_stream(),
            attr: quote_spanned!(synonym.of.span()=> #private::inherited(#of, #text)),
            doc: format!(" Another name of the attribute `{attribute}`."),
        }
    })
}

/// The constant of the attribute that an inherited one's synonym is of.
pub(super) fn inherited(class: &Class, synonym: &InheritedSynonym) -> TokenStream {
    let of = &synonym.of;
    match (of.get_ident(), class.base()) {
        (Some(constant), Some(base)) => {
            let ty = &base.ty;
            quote_spanned!(constant.span()=> <#ty>::#constant)
        }
        _ => of.to_token_stream(),
    }
}
