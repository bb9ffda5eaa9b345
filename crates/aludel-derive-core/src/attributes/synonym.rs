//! Names that a subclass gives to attributes of its base: `#[mapped(synonym(chief: bool = active))]`.

use syn::parse::{Parse, ParseStream};
use syn::{Ident, Path, Token, Type};

/// A synonym of an attribute that another struct has.
pub(crate) struct InheritedSynonym {
    pub(crate) name: Ident,
    /// The type of the attribute, which the derive of this struct cannot see.
    pub(crate) ty: Type,
    /// The attribute's constant: a word for one of the base, a path for one further up.
    pub(crate) of: Path,
}

impl Parse for InheritedSynonym {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        if !input.peek(Token![:]) {
            let form =
                format!("say the attribute's type as well: `synonym({name}: Type = attribute)`");
            return Err(syn::Error::new(name.span(), form));
        }
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Self { name, ty, of: input.parse()? })
    }
}
