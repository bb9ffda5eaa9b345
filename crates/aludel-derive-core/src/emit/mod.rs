//! Writes the code of a class.
//!
//! Everything stands in one `const _: () = { … }`, so that the names made here meet none of the user's; but for the
//! enum that the user gives a name to.
//!
//! | file | writes |
//! |---|---|
//! | `class_def` | `impl Derived`: the description of the class, and its attributes |
//! | `attributes` | the constants `User::name` and `User::ATTRS` |
//! | `object` | `impl Object`: the fields by number |
//! | `mapped` | `impl Mapped`: objects from rows, and the difference of two |
//! | `inheritance` | `impl IsA`, and the way to the embedded base object |
//! | `narrow` | the enum of a base class's subclasses |
//! | `targets` | what relationships say of their targets, to be looked up there |

mod attributes;
mod class_def;
mod inheritance;
mod mapped;
mod narrow;
mod object;
mod targets;

pub(crate) use class_def::attribute_defs;
pub(crate) use mapped::{decoded, is_deferred};
pub(crate) use narrow::variant;
pub(crate) use object::arms;
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
    let targets = targets::write(class);
    let (narrowed, narrow) = narrow::write(class).unzip();
    quote! {
        #narrowed
        const _: () = {
            #first
            #operations
            #attributes
            #class_def
            #mapped
            #object
            #inheritance
            #narrow
            #targets
        };
    }
}

/// The number of an attribute, as an expression. In a subclass it counts from the base's attributes.
pub(crate) fn number(class: &Class, field: &Field) -> TokenStream {
    let own = own_number(field);
    if class.base().is_some() { quote!(__FIRST + #own) } else { own }
}

/// The number of an attribute among the class's own.
fn own_number(field: &Field) -> TokenStream {
    let position = Literal::u16_unsuffixed(field.position);
    match field.composite_before {
        Some(before) => {
            let parts = format_ident!("__P{before}");
            quote!(#position + #parts)
        }
        None => quote!(#position),
    }
}

/// Whether the number of an attribute is written as a literal.
fn is_literal(class: &Class, field: &Field) -> bool {
    class.base().is_none() && field.composite_before.is_none()
}

/// The struct of the class's attributes.
fn attrs_struct(class: &Class) -> Ident {
    format_ident!("__{}Attrs", class.name())
}

/// A constant for each type of column field: what the library can do with it.
pub(crate) fn operations(class: &Class) -> TokenStream {
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
            if is_composite(field) {
                return quote_spanned! {ty.span()=>
                    const #name: #private::CompositeOps<#ty> = #private::composite::<#ty>();
                };
            }
            let make = if class.is_composite { quote!(part_field) } else { quote!(field) };
            quote!(const #name: #private::FieldOps<#ty> = #private::#make::<#ty>();)
        })
        .chain(class.attributes().filter_map(numbers))
        .collect()
}

/// What a match over numbers needs of an attribute whose number is no literal, and how many parts the
/// composites up to here have.
fn numbers(field: &Field) -> Option<TokenStream> {
    if !is_composite(field) && field.composite_before.is_none() {
        return None;
    }
    let (at, number) = (format_ident!("__N{}", field.position), own_number(field));
    let mut written = quote!(const #at: u16 = #number;);
    if is_composite(field) {
        let (end, parts) =
            (format_ident!("__E{}", field.position), format_ident!("__P{}", field.position));
        let operations = operations_of(field);
        let before = field.composite_before.map(|before| {
            let before = format_ident!("__P{before}");
            quote!(#before +)
        });
        written.extend(quote! {
            const #parts: u16 = #before #operations.parts;
            const #end: u16 = #at + #operations.parts;
        });
    }
    Some(written)
}

/// Whether the field holds a composite.
fn is_composite(field: &Field) -> bool {
    matches!(field.kind, Kind::Composite(_))
}

/// The constant for the type of a column field.
pub(crate) fn operations_of(field: &Field) -> Ident {
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
