//! `impl Mapped`: objects from rows, and the difference of two objects.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Type, TypePath};

use super::{is_literal, is_relationship, number, operations_of};
use crate::model::{Class, Field, Kind};

pub(super) fn write(class: &Class) -> TokenStream {
    let Class { ident, private, .. } = class;
    let decoded = class.fields.iter().map(|field| {
        let (name, value) = (&field.ident, decoded(class, field));
        quote!(#name: #value,)
    });
    let filled = class.attributes().filter_map(|field| filled(class, field));
    let changed = class.attributes().map(|field| changed(class, field));
    let (mut fill_base, mut diff_base) = Default::default();
    if let Some(Field { ident: base, ty, .. }) = class.base() {
        fill_base = quote!(<#ty as #private::Mapped>::fill(&mut self.#base, row, at)?;);
        diff_base = quote!(<#ty as #private::Mapped>::diff(&self.#base, &other.#base, changed););
    }
    let reconstruct = reconstruct(class);
    let own = class.skipped().next().is_some();
    let unmapped = match class.base() {
        None => own.then(|| {
            quote!(
                const UNMAPPED: bool = true;
            )
        }),
        Some(Field { ty, .. }) => {
            Some(quote!(const UNMAPPED: bool = #own || <#ty as #private::Mapped>::UNMAPPED;))
        }
    };
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, unused_mut, deprecated)]
        impl #private::Mapped for #ident {
            const DERIVED_ATTRIBUTES: #private::std::option::Option<&'static [#private::AttrDef]> =
                #private::std::option::Option::Some(<#ident as #private::Derived>::ATTRIBUTES);
            #unmapped
            fn class() -> &'static #private::ClassDef {
                static CLASS: #private::ClassDef = <#ident as #private::Derived>::CLASS;
                &CLASS
            }
            fn decode(row: &dyn #private::Row, at: &[u16]) -> #private::Result<Self> {
                #private::std::result::Result::Ok(Self { #(#decoded)* })
            }
            fn fill(&mut self, row: &dyn #private::Row, at: &[u16]) -> #private::Result<()> {
                #fill_base
                let mut row = #private::Filling::new(row, at);
                #(#filled)*
                row.end()
            }
            fn diff(&self, other: &Self, changed: &mut dyn #private::std::ops::FnMut(u16)) {
                #diff_base
                #(#changed)*
            }
            #reconstruct
        }
    }
}

/// What is called of an object that comes from a row: the base's function, then the class's own.
fn reconstruct(class: &Class) -> Option<TokenStream> {
    let private = &class.private;
    let base = class.base().map(|Field { ident: base, ty, .. }| {
        quote!(<#ty as #private::Mapped>::reconstruct(&mut self.#base);)
    });
    let own = class.options.reconstructor.as_ref().map(|path| quote!(#path(self);));
    let any = base.is_some() || own.is_some();
    any.then(|| quote!(#[inline] fn reconstruct(&mut self) { #base #own }))
}

/// The value of a field of a new object.
pub(crate) fn decoded(class: &Class, field: &Field) -> TokenStream {
    let (private, ty) = (&class.private, &field.ty);
    let may_be_left_out = match &field.kind {
        Kind::Base => return quote!(<#ty as #private::Mapped>::decode(row, at)?),
        Kind::Skipped => return quote!(#private::std::default::Default::default()),
        Kind::Relationship(_) => return quote!(<#ty>::not_loaded()),
        Kind::Composite(_) => {
            let (operations, number) = (operations_of(field), number(class, field));
            return quote!(#operations.decode(row, &at[(#number) as usize..])?);
        }
        Kind::Expression(_) => true,
        Kind::Column(column) => column.deferred || is_deferred(ty),
    };
    let (column, operations) = (column(class, field), operations_of(field));
    let method = if may_be_left_out { quote!(decode_if) } else { quote!(decode) };
    quote!(#operations.#method(row, #column)?)
}

/// What fills a field where the row has it; nothing for a relationship.
fn filled(class: &Class, field: &Field) -> Option<TokenStream> {
    if is_relationship(field) {
        return None;
    }
    let (name, number, operations) = (&field.ident, number(class, field), operations_of(field));
    Some(quote!(#operations.fill(&mut self.#name, &mut row, #number);))
}

/// Where in the row the attribute of a field is.
fn column(class: &Class, field: &Field) -> TokenStream {
    let number = number(class, field);
    if is_literal(class, field) { quote!(at[#number]) } else { quote!(at[(#number) as usize]) }
}

/// What tells of a field that is not the same in both objects.
fn changed(class: &Class, field: &Field) -> TokenStream {
    let (private, name, number) = (&class.private, &field.ident, number(class, field));
    let diff = if is_relationship(field) {
        quote!(#private::diff)
    } else {
        let operations = operations_of(field);
        quote!(#operations.diff)
    };
    quote!(#diff(&self.#name, &other.#name, #number, changed);)
}

/// Whether a type is written as `Deferred<…>`.
pub(crate) fn is_deferred(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_deferred(&group.elem),
        Type::Paren(paren) => is_deferred(&paren.elem),
        Type::Path(TypePath { path, .. }) => {
            path.segments.last().is_some_and(|last| last.ident == "Deferred")
        }
        _ => false,
    }
}
