//! Writes the code of a class.
//!
//! Everything stands in one `const _: () = { … }`, so that the names made here meet none of the user's.
//!
//! | file | writes |
//! |---|---|
//! | `class_def` | `impl Derived`: the description of the class, and its attributes |
//! | `attributes` | the constants `User::name` and `User::ATTRS` |
//! | `object` | `impl Object`: the fields by number |
//! | `mapped` | `impl Mapped`: objects from rows, and the difference of two |
//! | `inheritance` | `impl IsA`, and the way to the embedded base object |

mod attributes;
mod class_def;
mod inheritance;
mod mapped;
mod object;

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned as _;

use crate::model::{Class, Field, Kind};

/// All code of a class.
pub(crate) fn class(class: &Class) -> TokenStream {
    let operations = operations(class);
    let first = inheritance::first(class);
    let attributes = attributes::write(class);
    let class_def = class_def::write(class);
    let mapped = mapped::write(class);
    let object = object::write(class);
    let inheritance = inheritance::write(class);
    quote! {
        const _: () = {
            #first
            #operations
            #attributes
            #class_def
            #mapped
            #object
            #inheritance
        };
    }
}

/// The number of an attribute, as an expression. In a subclass it counts from the base's attributes.
fn number(class: &Class, field: &Field) -> TokenStream {
    let position = Literal::u16_unsuffixed(field.position);
    if class.base().is_some() { quote!(__FIRST + #position) } else { quote!(#position) }
}

/// The struct of the class's attributes.
fn attrs_struct(class: &Class) -> Ident {
    format_ident!("__{}Attrs", class.name())
}

/// A constant for each type of column field: what the library can do with it.
fn operations(class: &Class) -> TokenStream {
    let private = &class.private;
    let mut seen: Vec<u16> = Vec::new();
    let columns = class.attributes().filter(|field| !is_relationship(field));
    columns
        .filter(|field| {
            let new = !seen.contains(&field.same_type);
            seen.push(field.same_type);
            new
        })
        .map(|field| {
            let (name, ty) = (operations_of(field), &field.ty);
            quote!(const #name: #private::FieldOps<#ty> = #private::field::<#ty>();)
        })
        .collect()
}

/// The constant for the type of a column field.
fn operations_of(field: &Field) -> Ident {
    format_ident!("__T{}", field.same_type)
}

/// Whether the field holds a relationship, whose type is one of ours and needs no operations.
fn is_relationship(field: &Field) -> bool {
    matches!(field.kind, Kind::Relationship(_))
}

/// The base class as a class that was derived. Errors point at the field's type.
fn as_derived(class: &Class, base: &Field) -> TokenStream {
    let (private, ty) = (&class.private, &base.ty);
    quote_spanned!(ty.span()=> <#ty as #private::Derived>)
}
