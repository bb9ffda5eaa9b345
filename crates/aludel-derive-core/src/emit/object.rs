//! `impl Object`: the fields by number.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::{is_relationship, operations_of};
use crate::model::{Class, Field};

pub(super) fn write(class: &Class) -> TokenStream {
    let Class { ident, private, .. } = class;
    let fields = class.attributes().map(|field| {
        let name = &field.ident;
        arm(class, field, "get", quote!(&self.#name))
    });
    let fields_mut = class.attributes().map(|field| {
        let name = &field.ident;
        arm(class, field, "get_mut", quote!(&mut self.#name))
    });
    let (mut in_base, mut in_base_mut, mut base) = Default::default();
    let mut number = quote!(attribute);
    if let Some(Field { ident: embedded, ty, .. }) = class.base() {
        in_base = quote! {
            if attribute < __FIRST {
                return <#ty as #private::Object>::field(&self.#embedded, attribute);
            }
        };
        in_base_mut = quote! {
            if attribute < __FIRST {
                return <#ty as #private::Object>::field_mut(&mut self.#embedded, attribute);
            }
        };
        number = quote!(attribute - __FIRST);
        let object = quote_spanned!(ty.span()=> &self.#embedded);
        base = quote! {
            fn base(&self) -> #private::std::option::Option<&dyn #private::Object> {
                #private::std::option::Option::Some(#object)
            }
        };
    }
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #private::Object for #ident {
            fn field(&self, attribute: u16) -> #private::std::option::Option<&dyn #private::Field> {
                #in_base
                match #number {
                    #(#fields)*
                    _ => #private::std::option::Option::None,
                }
            }
            fn field_mut(
                &mut self,
                attribute: u16,
            ) -> #private::std::option::Option<&mut dyn #private::Field> {
                #in_base_mut
                match #number {
                    #(#fields_mut)*
                    _ => #private::std::option::Option::None,
                }
            }
            #base
            fn clone_object(&self) -> #private::std::boxed::Box<dyn #private::Object> {
                #private::clone_object(self)
            }
        }
    }
}

fn arm(class: &Class, field: &Field, method: &str, borrowed: TokenStream) -> TokenStream {
    let private = &class.private;
    let position = Literal::u16_unsuffixed(field.position);
    let value = if is_relationship(field) {
        borrowed
    } else {
        let (operations, method) = (operations_of(field), format_ident!("{method}"));
        quote!(#operations.#method(#borrowed))
    };
    quote!(#position => #private::std::option::Option::Some(#value),)
}
