//! The `impl` block, and what its hybrids say.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, FnArg, GenericArgument, Ident, ImplItem, ImplItemFn, ItemImpl, Lifetime, Pat,
    Path, PathArguments, ReceiverKind, ReturnType, Safety, Type, TypePath, TypeReference,
    Visibility, parse_quote,
};

use crate::errors::Errors;
use crate::options;

/// An `impl` block with hybrids.
pub(super) struct Hybrids {
    /// The class.
    pub(super) class: Type,
    pub(super) private: TokenStream,
    /// The trait of the methods.
    pub(super) name: Ident,
    pub(super) vis: Visibility,
    pub(super) hybrids: Vec<Hybrid>,
    /// The block without the hybrids.
    pub(super) rest: ItemImpl,
}

/// A hybrid.
pub(super) struct Hybrid {
    pub(super) name: Ident,
    pub(super) vis: Visibility,
    pub(super) docs: Vec<Attribute>,
    pub(super) method: ImplItemFn,
    /// The type of its values in SQL.
    pub(super) value: Type,
    pub(super) params: Vec<Param>,
    pub(super) expression: Option<Expr>,
    pub(super) set: Option<Expr>,
    pub(super) update: Option<Expr>,
    pub(super) comparator: Option<Path>,
}

/// A parameter of a hybrid with parameters.
pub(super) struct Param {
    pub(super) name: Ident,
    pub(super) kind: ParamKind,
}

pub(super) enum ParamKind {
    /// A value of this type.
    Value(Box<Type>),
    /// Another object of the class.
    Object,
}

const KNOWN: &[&str] = &["expression", "set", "update", "comparator"];

const HINTS: &[(&str, &str)] = &[
    ("setter", "write `set = Self::set_it`, a function of the object and the value"),
    ("expr", "write `expression = …`"),
    ("update_expression", "write `update = |update, value| update.set(…, value)`"),
    ("deleter", "set it to what stands for nothing"),
];

impl Hybrids {
    /// Reads the block; nothing when it cannot have hybrids at all.
    pub(super) fn read(
        options: TokenStream,
        mut block: ItemImpl,
        errors: &mut Errors,
    ) -> Option<Self> {
        let (mut krate, mut name) = (None, None);
        for option in options::read_tokens(options, errors) {
            match option.name().as_str() {
                "crate" => krate = option.path(errors),
                "trait" => name = option.ident(errors),
                _ => option.unknown("hybrids", &["crate", "trait"], &[], errors),
            }
        }
        let private = match krate {
            Some(path) => quote!(#path::__private),
            None => quote!(::aludel::__private),
        };
        if let Some((path, _)) = &block.trait_ {
            errors.at(path, "`#[hybrids]` stands before the class's own `impl` block, not before one of a trait");
            return None;
        }
        if !block.generics.params.is_empty() {
            errors.at(&block.generics, "a mapped class has no generic parameters");
            return None;
        }
        let class = (*block.self_ty).clone();
        let name = match (name, class_name(&class)) {
            (Some(name), _) => name,
            (None, Some(class)) => Ident::new(&format!("{class}Hybrids"), class.span()),
            (None, None) => {
                errors.at(&class, "`#[hybrids]` stands before the `impl` block of a mapped class");
                return None;
            }
        };
        let (mut hybrids, mut any) = (Vec::new(), false);
        let items = std::mem::take(&mut block.items);
        for item in items {
            match item {
                ImplItem::Fn(method) if is_hybrid(&method) => {
                    any = true;
                    hybrids.extend(Hybrid::read(method, &class, errors));
                }
                other => block.items.push(other),
            }
        }
        if !any {
            errors.at(&class, "there is no hybrid in the block: write `#[hybrid]` before a method");
        }
        let vis = visibility(&hybrids);
        Some(Self { class, private, name, vis, hybrids, rest: block })
    }

    /// Whether a method of this name is a hybrid of the block; nothing where the block does not have it.
    pub(super) fn has(&self, name: &Ident) -> Option<bool> {
        if self.hybrids.iter().any(|hybrid| hybrid.name == *name) {
            return Some(true);
        }
        let plain = self.rest.items.iter().any(|item| match item {
            ImplItem::Fn(method) => method.sig.ident == *name,
            _ => false,
        });
        plain.then_some(false)
    }
}

fn class_name(class: &Type) -> Option<&Ident> {
    match class {
        Type::Path(TypePath { qself: None, path, .. }) => Some(&path.segments.last()?.ident),
        Type::Group(group) => class_name(&group.elem),
        _ => None,
    }
}

fn is_hybrid(method: &ImplItemFn) -> bool {
    method.attrs.iter().any(|attribute| attribute.path().is_ident("hybrid"))
}

/// That of the most public hybrid: the methods of a trait are as public as it is.
fn visibility(hybrids: &[Hybrid]) -> Visibility {
    let rank = |vis: &Visibility| match vis {
        Visibility::Public(_) => 2,
        Visibility::Restricted(_) => 1,
        Visibility::Inherited => 0,
    };
    let most = hybrids.iter().map(|hybrid| &hybrid.vis).max_by_key(|vis| rank(vis));
    most.cloned().unwrap_or(Visibility::Inherited)
}

impl Hybrid {
    fn read(mut method: ImplItemFn, class: &Type, errors: &mut Errors) -> Option<Self> {
        let options = options::read(&method.attrs, "hybrid", &[], errors);
        method.attrs.retain(|attribute| !attribute.path().is_ident("hybrid"));
        let is_doc = |attribute: &Attribute| attribute.path().is_ident("doc");
        let docs = method.attrs.iter().filter(|a| is_doc(a)).cloned().collect();
        method.attrs.retain(|attribute| !is_doc(attribute));
        let (mut expression, mut set, mut update, mut comparator) = (None, None, None, None);
        for option in &options {
            match option.name().as_str() {
                "expression" => expression = option.value(errors).cloned(),
                "set" => set = option.value(errors).cloned(),
                "update" => update = option.value(errors).cloned(),
                "comparator" => comparator = option.path(errors),
                _ => option.unknown("hybrid", KNOWN, HINTS, errors),
            }
        }
        let good = check_signature(&method, errors);
        let params = params(&method, class, errors);
        let value = value_type(&method, errors);
        if params.as_ref().is_some_and(|params| !params.is_empty()) {
            for option in options.iter().filter(|option| option.name() != "expression") {
                let message = format!("a hybrid with parameters has no `{}`", option.name());
                option.refuse(message, errors);
            }
        }
        if !good {
            return None;
        }
        let (name, vis) = (method.sig.ident.clone(), method.vis.clone());
        let (params, value) = (params?, value?);
        Some(Self { name, vis, docs, method, value, params, expression, set, update, comparator })
    }
}

/// The signature of a hybrid is `fn name(&self, …) -> Type`.
fn check_signature(method: &ImplItemFn, errors: &mut Errors) -> bool {
    let sig = &method.sig;
    let mut good = true;
    let mut refuse = |tokens: &dyn ToTokens, message: &str, errors: &mut Errors| {
        errors.at(tokens, message);
        good = false;
    };
    if let Some(word) = &sig.asyncness {
        refuse(word, "a hybrid computes: it waits for nothing", errors);
    }
    if let Some(word) = &sig.constness {
        refuse(word, "a hybrid is a method of a trait, which is not `const`", errors);
    }
    if let Safety::Unsafe(word) = &sig.safety {
        refuse(word, "a hybrid is safe", errors);
    }
    if !sig.generics.params.is_empty() {
        refuse(&sig.generics, "a hybrid has no generic parameters", errors);
    }
    let by_reference =
        sig.receiver().is_some_and(|this| matches!(this.kind, ReceiverKind::Reference(_, _, None)));
    if !by_reference {
        let message = "a hybrid reads an object: `fn name(&self) -> Type`; \
                       what sets it is a method of its own, `#[hybrid(set = Self::set_name)]`";
        match sig.receiver() {
            Some(receiver) => refuse(receiver, message, errors),
            None => refuse(&sig.ident, message, errors),
        }
    }
    good
}

fn params(method: &ImplItemFn, class: &Type, errors: &mut Errors) -> Option<Vec<Param>> {
    let mut params = Vec::new();
    let mut good = true;
    for input in &method.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        let Pat::Ident(name) = &*input.pat else {
            errors.at(&input.pat, "a parameter of a hybrid has a name");
            good = false;
            continue;
        };
        let kind = if is_object(&input.ty, class) {
            ParamKind::Object
        } else {
            ParamKind::Value(Box::new(owned(&input.ty)))
        };
        params.push(Param { name: name.ident.clone(), kind });
    }
    good.then_some(params)
}

/// `&Self`, or the class by its name.
fn is_object(ty: &Type, class: &Type) -> bool {
    let Type::Reference(TypeReference { elem, .. }) = ty else { return false };
    let is_self = matches!(&**elem, Type::Path(path) if path.path.is_ident("Self"));
    is_self || **elem == *class
}

fn value_type(method: &ImplItemFn, errors: &mut Errors) -> Option<Type> {
    match &method.sig.output {
        ReturnType::Type(_, ty) => match &**ty {
            Type::ImplTrait(_) | Type::TraitObject(_) | Type::Tuple(_) | Type::Never(_) => {
                errors.at(ty, "a hybrid gives a value that a column can hold");
                None
            }
            ty => Some(owned(ty)),
        },
        ReturnType::Default => {
            errors.at(&method.sig.ident, "a hybrid gives a value: `fn name(&self) -> Type`");
            None
        }
    }
}

/// The type that a column has for values of a type: `String` for `&str`.
fn owned(ty: &Type) -> Type {
    match ty {
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => parse_quote!(::std::string::String),
            Type::Slice(slice) => {
                let elem = &slice.elem;
                parse_quote!(::std::vec::Vec<#elem>)
            }
            other => owned(other),
        },
        Type::Group(group) => owned(&group.elem),
        Type::Paren(paren) => owned(&paren.elem),
        Type::Path(path) => {
            let mut path = path.clone();
            for segment in &mut path.path.segments {
                let PathArguments::AngleBracketed(given) = &mut segment.arguments else { continue };
                for argument in &mut given.args {
                    match argument {
                        GenericArgument::Type(ty) => *ty = owned(ty),
                        GenericArgument::Lifetime(lifetime) => {
                            *lifetime = Lifetime::new("'static", lifetime.span());
                        }
                        _ => {}
                    }
                }
            }
            Type::Path(path)
        }
        other => other.clone(),
    }
}
