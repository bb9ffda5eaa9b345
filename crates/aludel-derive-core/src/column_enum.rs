//! `#[derive(ColumnEnum)]`: an enum without data that a column holds, as text or as an integer.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Ident, Lit, LitInt, LitStr, Path};

use crate::errors::Errors;
use crate::names;
use crate::options;

/// An enum that a column is to hold.
pub(crate) struct ColumnEnum {
    ident: Ident,
    private: TokenStream,
    stored: Stored,
    variants: Vec<Variant>,
}

/// How the values are stored.
enum Stored {
    /// As text, of at most so many characters where that is said.
    Text(Option<LitInt>),
    /// As an integer of this `DataType`.
    Integer(&'static str),
}

struct Variant {
    ident: Ident,
    text: LitStr,
}

const KNOWN: &[&str] = &["integer", "rename_all", "length", "crate"];
const KNOWN_OF_VARIANT: &[&str] = &["rename"];

impl ColumnEnum {
    /// Reads the enum; nothing when its values cannot be stored in a column.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let Data::Enum(data) = &input.data else {
            errors.at(
                &input.ident,
                "`ColumnEnum` is for an enum; a struct that a column holds implements `ColumnType` by hand",
            );
            return None;
        };
        if !input.generics.params.is_empty() {
            errors.at(&input.generics, "an enum that a column holds has no generic parameters");
            return None;
        }
        if data.variants.is_empty() {
            errors.at(&input.ident, "an enum that a column holds has at least one variant");
            return None;
        }
        let options = EnumOptions::read(input, errors);
        let mut good = true;
        let mut variants: Vec<Variant> = Vec::new();
        for variant in &data.variants {
            if !matches!(variant.fields, Fields::Unit) {
                errors.at(
                    &variant.fields,
                    "the variants of an enum that a column holds have no data; \
                     to store data as well, make a column of it or store a JSON document",
                );
                good = false;
            }
            let text = variant_text(variant, &options, errors);
            if let Some(other) = variants.iter().find(|other| other.text.value() == text.value()) {
                let message = format!("`{}` is stored as `{}` too", other.ident, text.value());
                errors.at(&variant.ident, message);
                good = false;
            }
            variants.push(Variant { ident: variant.ident.clone(), text });
        }
        let stored = match options.integer {
            true => Stored::Integer(integer_type(&input.attrs)),
            false => Stored::Text(options.length),
        };
        let private = match options.krate {
            Some(path) => quote!(#path::__private),
            None => quote!(::aludel::__private),
        };
        good.then(|| Self { ident: input.ident.clone(), private, stored, variants })
    }

    /// Its `ColumnType`, and the value of any type that it converts into.
    pub(crate) fn emit(&self) -> TokenStream {
        let Self { ident, private, .. } = self;
        let body = match &self.stored {
            Stored::Text(length) => self.as_text(length.as_ref()),
            Stored::Integer(data_type) => self.as_integer(data_type),
        };
        quote! {
            const _: () = {
                #[automatically_derived]
                #[allow(deprecated)]
                impl #private::ColumnType for #ident {
                    #body
                }
                #[automatically_derived]
                impl #private::std::convert::From<#ident> for #private::Value {
                    fn from(value: #ident) -> Self {
                        #private::ColumnType::into_value(value)
                    }
                }
            };
        }
    }

    fn as_text(&self, length: Option<&LitInt>) -> TokenStream {
        let private = &self.private;
        let (variants, texts) = self.columns();
        let option = quote!(#private::std::option::Option);
        let length = length.map_or_else(|| quote!(#option::None), |n| quote!(#option::Some(#n)));
        let names: Vec<_> = self.variants.iter().map(|variant| variant.text.value()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let invalid = format!("{}: known are {}", self.ident.unraw(), names::list(&names));
        let result = quote!(#private::std::result::Result);
        quote! {
            const TYPE: #private::DataType = #private::DataType::Text(#length);
            fn bind(&self) -> #private::Bind<'_> {
                #private::Bind::Ref(#private::ValueRef::Text(match self {
                    #(Self::#variants => #texts,)*
                }))
            }
            fn from_ref(value: #private::ValueRef<'_>) -> #result<Self, #private::Bad> {
                match value {
                    #(#private::ValueRef::Text(#texts) => #result::Ok(Self::#variants),)*
                    #private::ValueRef::Text(_) => #result::Err(#private::Bad::Invalid(#invalid)),
                    #private::ValueRef::Null => #result::Err(#private::Bad::Null),
                    _ => #result::Err(#private::Bad::Type("a text")),
                }
            }
        }
    }

    fn as_integer(&self, data_type: &str) -> TokenStream {
        let private = &self.private;
        let (variants, _) = self.columns();
        let data_type = quote::format_ident!("{data_type}");
        let invalid = self.ident.unraw().to_string();
        let result = quote!(#private::std::result::Result);
        quote! {
            const TYPE: #private::DataType = #private::DataType::#data_type;
            fn bind(&self) -> #private::Bind<'_> {
                #private::Bind::Ref(#private::ValueRef::I64(match self {
                    #(Self::#variants => Self::#variants as i64,)*
                }))
            }
            fn from_ref(value: #private::ValueRef<'_>) -> #result<Self, #private::Bad> {
                match value {
                    #(
                        #private::ValueRef::I64(number) if number == Self::#variants as i64 => {
                            #result::Ok(Self::#variants)
                        }
                    )*
                    #private::ValueRef::I64(_) => #result::Err(#private::Bad::Invalid(#invalid)),
                    #private::ValueRef::Null => #result::Err(#private::Bad::Null),
                    _ => #result::Err(#private::Bad::Type("an integer")),
                }
            }
        }
    }

    fn columns(&self) -> (Vec<&Ident>, Vec<&LitStr>) {
        self.variants.iter().map(|variant| (&variant.ident, &variant.text)).unzip()
    }
}

#[derive(Default)]
struct EnumOptions {
    integer: bool,
    case: Option<String>,
    length: Option<LitInt>,
    krate: Option<Path>,
}

impl EnumOptions {
    fn read(input: &DeriveInput, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        for option in options::read(&input.attrs, "column_enum", &[], errors) {
            match option.name().as_str() {
                "integer" => read.integer = option.flag(errors),
                "rename_all" => {
                    if let Some(text) = option.text(errors) {
                        if names::CASES.contains(&text.value().as_str()) {
                            read.case = Some(text.value());
                        } else {
                            let suggestion = names::suggestion(&text.value(), names::CASES);
                            errors.at(&text, format!("there is no such spelling{suggestion}"));
                        }
                    }
                }
                "length" => match option.value(errors) {
                    Some(Expr::Lit(ExprLit { lit: Lit::Int(length), .. })) => {
                        read.length = Some(length.clone());
                    }
                    Some(other) => errors.at(other, "`length` is a number of characters"),
                    None => {}
                },
                "crate" => read.krate = option.path(errors),
                "text" | "string" => option.refuse("text is the default: leave it out", errors),
                _ => option.unknown("column_enum", KNOWN, &[], errors),
            }
        }
        read
    }
}

fn variant_text(variant: &syn::Variant, options: &EnumOptions, errors: &mut Errors) -> LitStr {
    let case = options.case.as_deref().unwrap_or("snake_case");
    let mut text = None;
    for option in options::read(&variant.attrs, "column_enum", &[], errors) {
        match option.name().as_str() {
            "rename" if options.integer => {
                option.refuse("the variants are stored as integers and have no text", errors);
            }
            "rename" => text = option.text(errors),
            _ => option.unknown(
                "column_enum",
                KNOWN_OF_VARIANT,
                &[("name", "write `rename`")],
                errors,
            ),
        }
    }
    text.unwrap_or_else(|| {
        LitStr::new(&names::spell(&variant.ident.unraw().to_string(), case), variant.ident.span())
    })
}

/// The narrowest integer that holds what `#[repr(…)]` can.
fn integer_type(attributes: &[Attribute]) -> &'static str {
    let repr = attributes
        .iter()
        .find(|attribute| attribute.path().is_ident("repr"))
        .and_then(|attribute| attribute.parse_args::<Ident>().ok())
        .map(|repr| repr.to_string());
    match repr.as_deref() {
        Some("i8" | "u8" | "i16") => "SmallInt",
        Some("i64" | "u64" | "u32" | "isize" | "usize") => "BigInt",
        _ => "Integer",
    }
}
