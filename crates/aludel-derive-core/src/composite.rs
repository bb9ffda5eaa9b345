//! `#[derive(Composite)]`: a struct that several columns of a class make.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::DeriveInput;
use syn::spanned::Spanned as _;

use crate::emit;
use crate::errors::Errors;
use crate::model::{Class, Field, Kind};
use crate::options;

/// Reads the struct; nothing when it cannot be a composite at all.
pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Class> {
    let mut krate = None;
    for option in options::read(&input.attrs, "composite", &[], errors) {
        match option.name().as_str() {
            "crate" => krate = option.path(errors),
            _ => option.unknown("composite", &["crate"], &[], errors),
        }
    }
    let class = Class::read_composite(input, krate, errors)?;
    let mut good = true;
    for field in &class.fields {
        let what = match &field.kind {
            Kind::Relationship(_) => "a composite is made of columns, and has no relationships",
            Kind::Expression(_) => {
                "a composite is made of columns; the expression is the class's affair"
            }
            Kind::Base => "a composite inherits from nothing",
            _ if !field.synonyms.is_empty() => "the parts of a composite have no synonyms",
            _ => continue,
        };
        errors.at(&field.ident, what);
        good = false;
    }
    if class.attributes().next().is_none() {
        errors.at(&input.ident, "a composite has at least one field");
        return None;
    }
    good.then_some(class)
}

/// What the derive adds to the struct.
pub(crate) fn emit(class: &Class) -> TokenStream {
    let Class { ident, private, .. } = class;
    let (operations, parts) = (emit::operations(class), emit::attribute_defs(class));
    let constants = class.attributes().map(|field| constant(class, field));
    let fields = emit::arms(class, "get", |name| quote!(&self.#name));
    let fields_mut = emit::arms(class, "get_mut", |name| quote!(&mut self.#name));
    let decoded = class.fields.iter().map(|field| {
        let (name, value) = (&field.ident, emit::decoded(class, field));
        quote!(#name: #value,)
    });
    let each: Vec<_> = class
        .attributes()
        .map(|field| (&field.ident, emit::number(class, field), emit::operations_of(field)))
        .collect();
    let filled = each
        .iter()
        .map(|(name, number, ops)| quote!(#ops.fill(&mut self.#name, row, first + (#number));));
    let equal = each.iter().map(|(name, _, ops)| quote!(#ops.same(&self.#name, &other.#name)));
    let nodes = each.iter().map(|(name, _, ops)| quote!(#ops.node(self.#name)));
    let coercions = coercions(class);
    quote! {
        const _: () = {
            #operations
            #[automatically_derived]
            #[allow(non_upper_case_globals, dead_code, deprecated, private_interfaces, unreachable_pub)]
            impl #ident {
                #(#constants)*
            }
            #[automatically_derived]
            #[allow(unused_variables, deprecated)]
            impl #private::Composite for #ident {
                const PARTS: &'static [#private::AttrDef] = #parts;
                fn part(&self, attribute: u16) -> #private::std::option::Option<&dyn #private::Field> {
                    match attribute {
                        #fields
                        _ => #private::std::option::Option::None,
                    }
                }
                fn part_mut(
                    &mut self,
                    attribute: u16,
                ) -> #private::std::option::Option<&mut dyn #private::Field> {
                    match attribute {
                        #fields_mut
                        _ => #private::std::option::Option::None,
                    }
                }
                fn decode(row: &dyn #private::Row, at: &[u16]) -> #private::Result<Self> {
                    #private::std::result::Result::Ok(Self { #(#decoded)* })
                }
                fn fill(&mut self, row: &mut #private::Filling<'_>, first: u16) {
                    #(#filled)*
                }
                fn equal(&self, other: &Self) -> bool {
                    #(#equal)&&*
                }
                fn into_nodes(self) -> #private::std::vec::Vec<#private::Node> {
                    #private::std::vec![#(#nodes),*]
                }
            }
            #[automatically_derived]
            impl #private::ColumnType for #ident {
                const TYPE: #private::DataType = #private::TUPLE;
                fn bind(&self) -> #private::Bind<'_> {
                    #private::bind_composite(self)
                }
                fn from_ref(
                    value: #private::ValueRef<'_>,
                ) -> #private::std::result::Result<Self, #private::Bad> {
                    #private::composite_from_ref(value)
                }
                fn into_literal(self) -> #private::Node {
                    #private::composite_literal(self)
                }
                fn same(&self, other: &Self) -> bool {
                    <Self as #private::Composite>::equal(self, other)
                }
            }
            #[automatically_derived]
            impl #private::std::convert::From<#ident> for #private::Value {
                fn from(value: #ident) -> Self {
                    #private::ColumnType::into_value(value)
                }
            }
            #coercions
        };
    }
}

/// `Point::x`.
fn constant(class: &Class, field: &Field) -> TokenStream {
    let Class { ident, private, .. } = class;
    let Field { vis, ty, constant, docs, .. } = field;
    let number = emit::number(class, field);
    let span = proc_macro2::Span::call_site().located_at(field.ident.span());
    let doc = match docs.is_empty() {
        true => {
            let doc = format!(" The part `{}`.", field.name());
            quote!(#[doc = #doc])
        }
        false => quote!(#(#docs)*),
    };
    quote_spanned! {span=>
        #doc
        #vis const #constant: #private::Part<#ident, #ty> = #private::Part::new(#number);
    }
}

/// A tuple of the parts stands for the composite: `session.set(vertex, Vertex::start, (1, 2))`.
fn coercions(class: &Class) -> TokenStream {
    let Class { ident, private, .. } = class;
    let parts: Vec<_> = class.attributes().collect();
    let types: Vec<_> = parts.iter().map(|field| &field.ty).collect();
    let typed = types.iter().enumerate().map(|(at, ty)| {
        let at = Literal::usize_unsuffixed(at);
        quote_spanned! {ty.span()=>
            #[automatically_derived]
            impl #private::PartAt<#at> for #ident {
                type Type = #ty;
            }
        }
    });
    let typed: TokenStream = typed.collect();
    if !(2..=10).contains(&parts.len()) {
        return typed;
    }
    let names = parts.iter().map(|field| &field.ident);
    let at = (0..parts.len()).map(Literal::usize_unsuffixed);
    let skipped = class.fields.iter().filter(|field| matches!(field.kind, Kind::Skipped));
    let skipped = skipped.map(|field| &field.ident);
    let tuple = quote!((#(#types),*));
    quote! {
        #typed
        #[automatically_derived]
        impl #private::IntoField<#ident> for #tuple {
            fn into_field(self) -> #ident {
                #ident {
                    #(#names: self.#at,)*
                    #(#skipped: #private::std::default::Default::default(),)*
                }
            }
        }
        #[automatically_derived]
        impl #private::IntoExpr<#ident> for #tuple {}
    }
}
