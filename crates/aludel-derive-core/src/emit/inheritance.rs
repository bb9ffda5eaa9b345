//! What a subclass has of its base, and the hierarchy's part of the description.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::{as_derived, attrs_struct};
use crate::attributes::{Load, With};
use crate::model::Class;

/// The number of the first attribute of the class's own.
pub(super) fn first(class: &Class) -> Option<TokenStream> {
    let derived = as_derived(class, class.base()?);
    Some(quote! {
        const __FIRST: u16 = #derived::ATTRIBUTES.len() as u16;
    })
}

/// `impl IsA`; for a subclass also the way to the base.
///
/// That a class is whatever its base is takes no list of the bases: the compiler sees that no class is
/// its own base, so the second implementation never meets the first.
pub(super) fn write(class: &Class) -> TokenStream {
    let Class { ident, private, .. } = class;
    let itself = quote! {
        #[automatically_derived]
        impl #private::IsA<#ident> for #ident {}
    };
    let Some(base) = class.base() else { return itself };
    let (field, ty) = (&base.ident, &base.ty);
    let (attrs, derived) = (attrs_struct(class), as_derived(class, base));
    quote! {
        #itself
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<__B> #private::IsA<__B> for #ident where #ty: #private::IsA<__B> {}
        #[automatically_derived]
        impl #private::std::ops::Deref for #ident {
            type Target = #ty;
            fn deref(&self) -> &#ty {
                &self.#field
            }
        }
        #[automatically_derived]
        impl #private::std::ops::DerefMut for #ident {
            fn deref_mut(&mut self) -> &mut #ty {
                &mut self.#field
            }
        }
        #[automatically_derived]
        impl #private::std::ops::Deref for #attrs {
            type Target = #derived::Attrs;
            fn deref(&self) -> &#derived::Attrs {
                &#derived::ATTRS
            }
        }
    }
}

/// The fields of the class's description that speak of a hierarchy.
pub(super) fn described(class: &Class) -> TokenStream {
    let (private, options) = (&class.private, &class.options);
    let identity = match &options.polymorphic_identity {
        Some(value) => {
            quote!(#private::std::option::Option::Some(|| #private::std::convert::From::from(#value)))
        }
        None => quote!(#private::std::option::Option::None),
    };
    let mut described = TokenStream::new();
    let own_identity = match class.base() {
        Some(base) => {
            let (ty, concrete) = (&base.ty, options.concrete.is_some());
            described.extend(quote! {
                inheritance: #private::std::option::Option::Some(#private::InheritanceDef {
                    base: <#ty as #private::Mapped>::class,
                    described: #private::std::option::Option::None,
                    identity: #identity,
                    concrete: #concrete,
                }),
            });
            quote!(#private::std::option::Option::None)
        }
        None => identity,
    };
    let identity_of_base = class.base().is_none() && options.polymorphic_identity.is_some();
    if options.polymorphic_on.is_some() || identity_of_base {
        let on = match &options.polymorphic_on {
            Some(on) => quote!(#private::std::option::Option::Some(#on)),
            None => quote!(#private::std::option::Option::None),
        };
        described.extend(quote! {
            polymorphic: #private::std::option::Option::Some(#private::PolymorphicDef {
                on: #on,
                identity: #own_identity,
            }),
        });
    }
    if !options.subclasses.is_empty() {
        let subclasses = options.subclasses.iter().map(|path| subclass(class, path));
        described.extend(quote!(subclasses: &[#(#subclasses),*],));
    }
    described
}

/// A class that is listed as a subclass. Errors point at its path.
fn subclass(class: &Class, path: &syn::Path) -> TokenStream {
    let (private, ident) = (&class.private, &class.ident);
    quote_spanned!(path.span()=> #private::subclass::<#ident, #path>())
}

/// What the class says to the builder of its mapper.
pub(super) fn said(class: &Class) -> TokenStream {
    let (private, options) = (&class.private, &class.options);
    let mut said = TokenStream::new();
    if options.polymorphic_abstract {
        said.extend(quote!(mapper.polymorphic_abstract();));
    }
    if let Some(load) = options.polymorphic_load {
        let how = match load {
            Load::Inline => quote!(Inline),
            Load::SelectIn => quote!(SelectIn),
        };
        said.extend(quote!(mapper.polymorphic_load(#private::PolymorphicLoad::#how);));
    }
    match &options.with_polymorphic {
        Some(With::All) => said.extend(quote!(mapper.with_polymorphic_all();)),
        Some(With::Classes(classes)) => {
            let classes = classes.iter().map(|path| subclass(class, path));
            said.extend(quote!(mapper.with_polymorphic([#((#classes)().name),*]);));
        }
        None => {}
    }
    said
}
