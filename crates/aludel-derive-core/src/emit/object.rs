//! `impl Object`: the fields by number.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned as _;

use super::{is_composite, is_relationship, operations_of};
use crate::model::{Class, Field};

pub(super) fn write(class: &Class) -> TokenStream {
    let Class { ident, private, .. } = class;
    let fields = arms(class, "get", |name| quote!(&self.#name));
    let fields_mut = arms(class, "get_mut", |name| quote!(&mut self.#name));
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
    let swap_unmapped = swap_unmapped(class);
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #private::Object for #ident {
            fn field(&self, attribute: u16) -> #private::std::option::Option<&dyn #private::Field> {
                #in_base
                match #number {
                    #fields
                    _ => #private::std::option::Option::None,
                }
            }
            fn field_mut(
                &mut self,
                attribute: u16,
            ) -> #private::std::option::Option<&mut dyn #private::Field> {
                #in_base_mut
                match #number {
                    #fields_mut
                    _ => #private::std::option::Option::None,
                }
            }
            #base
            #swap_unmapped
            fn clone_object(&self) -> #private::std::boxed::Box<dyn #private::Object> {
                #private::clone_object(self)
            }
        }
    }
}

/// What takes the fields over that are not mapped.
fn swap_unmapped(class: &Class) -> Option<TokenStream> {
    let private = &class.private;
    let skipped: Vec<_> = class.skipped().map(|field| &field.ident).collect();
    let base = class.base().map(|base| &base.ident);
    if skipped.is_empty() && base.is_none() {
        return None;
    }
    let in_base = base.map(|base| {
        quote! {
            None => #private::Object::swap_unmapped(&mut self.#base, draft),
        }
    });
    let with_base = base
        .map(|base| quote!(#private::Object::swap_unmapped(&mut self.#base, &mut draft.#base);));
    let other = in_base.is_none().then(|| quote!(None => {}));
    Some(quote! {
        fn swap_unmapped(&mut self, draft: &mut dyn #private::std::any::Any) {
            use #private::std::option::Option::{None, Some};
            match draft.downcast_mut::<Self>() {
                Some(draft) => {
                    #(#private::std::mem::swap(&mut self.#skipped, &mut draft.#skipped);)*
                    #with_base
                }
                #in_base
                #other
            }
        }
    })
}

/// What a match over the numbers of the class's own attributes has for each field.
pub(crate) fn arms(
    class: &Class,
    method: &str,
    borrowed: impl Fn(&Ident) -> TokenStream,
) -> TokenStream {
    class.attributes().map(|field| arm(class, field, method, borrowed(&field.ident))).collect()
}

fn arm(class: &Class, field: &Field, method: &str, borrowed: TokenStream) -> TokenStream {
    let private = &class.private;
    let (operations, method) = (operations_of(field), format_ident!("{method}"));
    let at = format_ident!("__N{}", field.position);
    if is_composite(field) {
        let end = format_ident!("__E{}", field.position);
        return quote!(from @ #at..=#end => #operations.#method(#borrowed, from - #at),);
    }
    let at = match field.composite_before {
        Some(_) => quote!(#at),
        None => Literal::u16_unsuffixed(field.position).into_token_stream(),
    };
    let value = match is_relationship(field) {
        true => borrowed,
        false => quote!(#operations.#method(#borrowed)),
    };
    quote!(#at => #private::std::option::Option::Some(#value),)
}
