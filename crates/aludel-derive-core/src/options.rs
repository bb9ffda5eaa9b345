//! The grammar that all attributes share: `name`, `name = value`, `name(…)`, separated by commas.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token, parenthesized};

use crate::errors::Errors;
use crate::names;

/// One option of an attribute.
pub(crate) struct Opt {
    name: Ident,
    given: Given,
}

enum Given {
    Nothing,
    Value(Box<Expr>),
    List(TokenStream),
}

/// A name that the user wrote as a word or as a text.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
    /// It was written as a word, so it names a field.
    pub(crate) is_word: bool,
}

impl ToTokens for Name {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        LitStr::new(&self.text, self.span).to_tokens(tokens);
    }
}

/// The options of all attributes called `path`. Those that may be given more than once are `repeatable`.
pub(crate) fn read(
    attributes: &[Attribute],
    path: &str,
    repeatable: &[&str],
    errors: &mut Errors,
) -> Vec<Opt> {
    let mut options = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(path)) {
        match &attribute.meta {
            Meta::Path(_) => {}
            Meta::List(list) => options.extend(read_list(list.tokens.clone(), errors)),
            Meta::NameValue(_) => {
                errors.at(attribute, format!("write the options in parentheses: `#[{path}(…)]`"));
            }
        }
    }
    drop_repeated(&mut options, repeatable, errors);
    options
}

/// The options of an attribute macro.
pub(crate) fn read_tokens(tokens: TokenStream, errors: &mut Errors) -> Vec<Opt> {
    let mut options = read_list(tokens, errors);
    drop_repeated(&mut options, &[], errors);
    options
}

fn read_list(tokens: TokenStream, errors: &mut Errors) -> Vec<Opt> {
    let parse = |input: ParseStream<'_>| {
        let mut options = Vec::new();
        while !input.is_empty() {
            match Opt::parse(input) {
                Ok(option) => options.push(option),
                Err(error) => {
                    errors.push(error);
                    skip_to_comma(input)?;
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    };
    match parse.parse2(tokens) {
        Ok(options) => options,
        Err(error) => {
            errors.push(error);
            Vec::new()
        }
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn drop_repeated(options: &mut Vec<Opt>, repeatable: &[&str], errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    options.retain(|option| {
        let name = option.name();
        if seen.contains(&name) {
            errors.at(&option.name, format!("`{name}` is given twice"));
            return false;
        }
        if !repeatable.contains(&name.as_str()) {
            seen.push(name);
        }
        true
    });
}

impl Opt {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = Ident::parse_any(input)
            .map_err(|error| syn::Error::new(error.span(), "expected the name of an option"))?;
        let given = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            if input.is_empty() || input.peek(Token![,]) {
                return Err(syn::Error::new_spanned(
                    &name,
                    format!("`{name}` has no value: write `{name} = …`"),
                ));
            }
            Given::Value(Box::new(ungrouped(input.parse()?)))
        } else if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            Given::List(content.parse()?)
        } else {
            Given::Nothing
        };
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error("expected a comma before the next option"));
        }
        Ok(Self { name, given })
    }

    /// The option's name.
    pub(crate) fn name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Where the option's name stands.
    pub(crate) fn span(&self) -> Span {
        self.name.span()
    }

    /// Adds an error about the option's name.
    pub(crate) fn refuse(&self, message: impl std::fmt::Display, errors: &mut Errors) {
        errors.at(&self.name, message);
    }

    /// Adds an error: nobody knows the option. `hints` say what to write for names that other systems have.
    pub(crate) fn unknown(
        &self,
        attribute: &str,
        known: &[&str],
        hints: &[(&str, &str)],
        errors: &mut Errors,
    ) {
        let name = self.name();
        let message = match hints.iter().find(|(hinted, _)| *hinted == name) {
            Some((_, hint)) => format!("`#[{attribute}]` has no option `{name}`; {hint}"),
            None => {
                let suggestion = names::suggestion(&name, known);
                format!("`#[{attribute}]` has no option `{name}`{suggestion}")
            }
        };
        self.refuse(message, errors);
    }

    /// `name`, `name = true` or `name = false`.
    pub(crate) fn flag(&self, errors: &mut Errors) -> bool {
        match &self.given {
            Given::Nothing => true,
            Given::Value(value) => match &**value {
                Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => flag.value,
                _ => {
                    let name = self.name();
                    errors.at(
                        value,
                        format!("`{name}` is a flag: write `{name}` or `{name} = false`"),
                    );
                    true
                }
            },
            Given::List(_) => {
                let name = self.name();
                self.refuse(format!("`{name}` is a flag and takes nothing in parentheses"), errors);
                true
            }
        }
    }

    /// `name = expression`.
    pub(crate) fn value(&self, errors: &mut Errors) -> Option<&Expr> {
        let Given::Value(value) = &self.given else {
            let name = self.name();
            self.refuse(format!("`{name}` needs a value: write `{name} = …`"), errors);
            return None;
        };
        Some(value)
    }

    /// `name = "text"`, not empty.
    pub(crate) fn text(&self, errors: &mut Errors) -> Option<LitStr> {
        let name = self.name();
        let Given::Value(value) = &self.given else {
            self.refuse(format!("`{name}` needs a text: write `{name} = \"…\"`"), errors);
            return None;
        };
        match &**value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty() => {
                Some(text.clone())
            }
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                errors.at(text, format!("`{name}` is empty"));
                None
            }
            other => {
                errors.at(other, format!("`{name}` is a text: write `{name} = \"…\"`"));
                None
            }
        }
    }

    /// `name = some::path`.
    pub(crate) fn path(&self, errors: &mut Errors) -> Option<Path> {
        match self.value(errors)? {
            Expr::Path(path) => Some(path.path.clone()),
            other => {
                let name = self.name();
                errors.at(other, format!("`{name}` is a path: write `{name} = some::path`"));
                None
            }
        }
    }

    /// `name = Word`.
    pub(crate) fn ident(&self, errors: &mut Errors) -> Option<Ident> {
        let path = self.path(errors)?;
        let ident = path.get_ident().cloned();
        if ident.is_none() {
            let name = self.name();
            errors.at(&path, format!("`{name}` is one word: write `{name} = Name`"));
        }
        ident
    }

    /// Whether a text was given.
    pub(crate) fn is_text(&self) -> bool {
        let Given::Value(value) = &self.given else { return false };
        matches!(&**value, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }))
    }

    /// Whether something stands in parentheses.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.given, Given::List(_))
    }

    /// Whether what stands in parentheses begins with a list of this name: `name(columns(…), …)`.
    pub(crate) fn begins_with(&self, name: &str) -> bool {
        let Given::List(tokens) = &self.given else { return false };
        let mut tokens = tokens.clone().into_iter();
        let word = matches!(tokens.next(), Some(TokenTree::Ident(word)) if word == name);
        word && matches!(tokens.next(), Some(TokenTree::Group(_)))
    }

    /// `name = "a"`, `name = a`, `name = ["a", b]` or `name(a, "b")`.
    pub(crate) fn names(&self, errors: &mut Errors) -> Vec<Name> {
        let elements: Vec<Expr> = match &self.given {
            Given::Value(value) => match &**value {
                Expr::Array(array) => array.elems.iter().cloned().collect(),
                one => vec![one.clone()],
            },
            Given::List(tokens) => {
                let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
                let Some(list) = errors.take(parse.parse2(tokens.clone())) else {
                    return Vec::new();
                };
                list.into_iter().collect()
            }
            Given::Nothing => Vec::new(),
        };
        if elements.is_empty() {
            let name = self.name();
            self.refuse(format!("`{name}` needs names: write `{name}(…, …)`"), errors);
        }
        elements.iter().filter_map(|element| name_of(element, errors)).collect()
    }

    /// `name = "a"` or `name = a`.
    pub(crate) fn one_name(&self, errors: &mut Errors) -> Option<Name> {
        let names = self.names(errors);
        if names.len() > 1 {
            self.refuse(format!("`{}` is one name", self.name()), errors);
        }
        names.into_iter().next()
    }

    /// `name(A, path::B)`.
    pub(crate) fn paths(&self, errors: &mut Errors) -> Vec<Path> {
        self.list(&format!("{}(A, B)", self.name()), errors)
    }

    /// What stands in parentheses, separated by commas; `form` is how that is written.
    pub(crate) fn list<T: Parse>(&self, form: &str, errors: &mut Errors) -> Vec<T> {
        let Given::List(tokens) = &self.given else {
            self.refuse(format!("`{}` needs a list: write `{form}`", self.name()), errors);
            return Vec::new();
        };
        let parse = Punctuated::<T, Token![,]>::parse_terminated;
        errors.take(parse.parse2(tokens.clone())).into_iter().flatten().collect()
    }

    /// `name(option, option = value)`.
    pub(crate) fn options(&self, errors: &mut Errors) -> Option<Vec<Self>> {
        let Given::List(tokens) = &self.given else {
            let name = self.name();
            self.refuse(format!("`{name}` needs options: write `{name}(…)`"), errors);
            return None;
        };
        let mut options = read_list(tokens.clone(), errors);
        drop_repeated(&mut options, &[], errors);
        Some(options)
    }
}

/// What a macro's fragment (`$name:literal`) stands for.
fn ungrouped(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

fn name_of(element: &Expr, errors: &mut Errors) -> Option<Name> {
    match element {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty() => {
            Some(Name { text: text.value().trim().to_owned(), span: text.span(), is_word: false })
        }
        Expr::Path(path) if path.path.get_ident().is_some() => {
            let word = path.path.get_ident()?;
            Some(Name { text: word.unraw().to_string(), span: word.span(), is_word: true })
        }
        other => {
            errors.at(other, "expected a name, as a word or as a text");
            None
        }
    }
}
