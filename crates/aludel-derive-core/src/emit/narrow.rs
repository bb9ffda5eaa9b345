//! The enum of a base class's subclasses, and `impl Narrow`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Path;

use crate::model::Class;

/// The enum, which stands beside the class, and what makes it.
pub(super) fn write(class: &Class) -> Option<(TokenStream, TokenStream)> {
    let Class { ident, vis, private, options, .. } = class;
    let name = options.narrow.as_ref()?;
    let listed: Vec<(&Ident, &Path)> =
        options.subclasses.iter().filter_map(|path| Some((variant(path)?, path))).collect();
    let (variants, classes): (Vec<_>, Vec<_>) = listed.iter().copied().unzip();
    let numbers = 0..variants.len();
    let doc = format!(
        " A handle of an object of `{ident}`, as one of its own class: what `session.narrow` gives."
    );
    let of_base = format!(" Of `{ident}` itself, or of a subclass that is not listed.");
    let docs = variants.iter().map(|variant| format!(" Of `{variant}`, or of a subclass of it."));
    let written = quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(private_interfaces, dead_code)]
        #vis enum #name {
            #[doc = #of_base]
            #ident(#private::Handle<#ident>),
            #(#[doc = #docs] #variants(#private::Handle<#classes>),)*
        }
    };
    let implemented = quote! {
        #[automatically_derived]
        impl #private::Narrow for #ident {
            type Narrowed = #name;
            fn narrowed(id: #private::Id, listed: #private::std::option::Option<usize>) -> #name {
                match listed {
                    #(#private::std::option::Option::Some(#numbers) => {
                        #name::#variants(#private::handle(id))
                    })*
                    _ => #name::#ident(#private::handle(id)),
                }
            }
        }
        #[automatically_derived]
        impl #private::std::convert::From<#name> for #private::Handle<#ident> {
            fn from(narrowed: #name) -> Self {
                match narrowed {
                    #name::#ident(handle) => handle,
                    #(#name::#variants(handle) => handle.up(),)*
                }
            }
        }
    };
    Some((written, implemented))
}

/// The name of the variant of a class: the last word of its path.
pub(crate) fn variant(path: &Path) -> Option<&Ident> {
    path.segments.last().map(|segment| &segment.ident)
}
