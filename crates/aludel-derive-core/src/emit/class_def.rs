//! `impl Derived`: the description of the class and its attributes, as constants.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit, LitBool};

use super::{as_derived, attributes, attrs_struct, inheritance, is_composite, operations_of};
use crate::attributes::{
    Column, Composite, Constraint, ConstraintKind, Expression, Holder, Relationship,
};
use crate::model::{Class, Field, Kind};

pub(super) fn write(class: &Class) -> TokenStream {
    let Class { ident, private, options, .. } = class;
    let attrs = attrs_struct(class);
    let attrs_value = attributes::value(class);
    let attribute_defs = attribute_defs(class);
    let name = class.name();
    let mut described = TokenStream::new();
    let mut say = |field: TokenStream| described.extend(quote!(#field,));
    for (field, text) in [("table", &options.table), ("schema", &options.schema)] {
        if let Some(text) = text {
            let (field, text) = (quote::format_ident!("{field}"), some(class, text));
            say(quote!(#field: #text));
        }
    }
    if !options.constraints.is_empty() {
        let constraints = options.constraints.iter().map(|given| constraint(class, given));
        say(quote!(constraints: &[#(#constraints),*]));
    }
    let synonyms = synonyms(class);
    if !synonyms.is_empty() {
        say(quote!(synonyms: &[#(#synonyms),*]));
    }
    // The constant of a block of `#[hybrids]`, or the trait's where there is none.
    say(
        quote!(hybrids: { #[allow(unused_imports)] use #private::NoHybrids as _; #ident::__HYBRIDS }),
    );
    if let Some(factory) = &options.instrumentation {
        let choice = some(class, quote!(|| #private::instrumentation(#factory)));
        say(quote!(instrumentation: #choice));
    }
    if let Some(source) = &options.source {
        let source = some(class, quote!(|| #private::std::convert::From::from(#source())));
        say(quote!(source: #source));
    }
    let mut said = inheritance::said(class);
    said.extend(rows(class));
    for field in class.attributes() {
        let Some(check) = &field.validate else { continue };
        let constant = &field.constant;
        let method = match &field.kind {
            Kind::Relationship(_) => quote!(validate_member),
            _ => quote!(validate),
        };
        said.extend(quote_spanned!(check.span()=> mapper.#method(#ident::#constant, #check);));
    }
    if options.view {
        said.extend(quote!(mapper.view();));
    }
    if options.extend_existing {
        said.extend(quote!(mapper.extend_existing();));
    }
    if !said.is_empty() {
        let configure = options.configure.iter().map(|path| quote!(#path(mapper);));
        let configure = some(class, quote!(|mapper| { #said #(#configure)* }));
        say(quote!(configure: #configure));
    } else if let Some(configure) = &options.configure {
        let configure = some(class, configure);
        say(quote!(configure: #configure));
    }
    described.extend(inheritance::described(class));
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #private::Derived for #ident {
            type Attrs = #attrs;
            const ATTRS: #attrs = #attrs_value;
            const ATTRIBUTES: &'static [#private::AttrDef] = #attribute_defs;
            const CLASS: #private::ClassDef = #private::ClassDef {
                #described
                ..#private::class_def::<#ident>(#name)
            };
        }
    }
}

/// What the class says of its rows to the builder of its mapper.
fn rows(class: &Class) -> TokenStream {
    let (private, options) = (&class.private, &class.options);
    let mut said = TokenStream::new();
    if let Some(when) = &options.eager_defaults {
        said.extend(quote!(mapper.eager_defaults(#private::EagerDefaults::#when);));
    }
    for (option, said_so) in [
        ("confirm_deleted_rows", options.confirm_deleted_rows),
        ("batch", options.batch),
        ("allow_partial_pks", options.allow_partial_pks),
    ] {
        if let Some(said_so) = said_so {
            let option = format_ident!("{option}");
            said.extend(quote!(mapper.#option(#said_so);));
        }
    }
    said
}

/// The other names of attributes: of the class's own, and of its base's.
fn synonyms(class: &Class) -> Vec<TokenStream> {
    let private = &class.private;
    let own = class.attributes().flat_map(|field| {
        let attribute = field.name();
        field
            .synonyms
            .iter()
            .map(move |name| quote!(#private::SynonymDef { name: #name, attribute: #attribute }))
    });
    let inherited = class.options.synonyms.iter().map(|synonym| {
        let name = synonym.name.unraw().to_string();
        let of = attributes::inherited(class, synonym);
        quote!(#private::SynonymDef { name: #name, attribute: #of.name() })
    });
    own.chain(inherited).collect()
}

/// The attributes: those of the base first, and those of the parts of a composite behind it.
pub(crate) fn attribute_defs(class: &Class) -> TokenStream {
    let private = &class.private;
    let own_len = Literal::usize_unsuffixed(class.attributes().count());
    let last = class.attributes().filter(|field| is_composite(field)).last();
    let Some(last) = last else {
        let own = class.attributes().map(|field| attribute_def(class, field));
        return match class.base() {
            None => quote!(&[#(#own),*]),
            Some(base) => {
                let derived = as_derived(class, base);
                quote! {
                    &#private::concat::<{ __FIRST as usize + #own_len }>(
                        #derived::ATTRIBUTES,
                        &[#(#own),*],
                    )
                }
            }
        };
    };
    let parts = format_ident!("__P{}", last.position);
    let (base, base_len) = match class.base().map(|base| as_derived(class, base)) {
        Some(derived) => (quote!(#derived::ATTRIBUTES,), quote!(__FIRST as usize +)),
        None => Default::default(),
    };
    let lists = class.attributes().map(|field| match &field.kind {
        Kind::Composite(options) => composite(class, field, options),
        _ => {
            let def = attribute_def(class, field);
            quote!(&[#def])
        }
    });
    quote! {
        &#private::concat_all::<{ #base_len #own_len + #parts as usize }>(&[#base #(#lists),*])
    }
}

/// The attribute of a composite and those of its parts.
fn composite(class: &Class, field: &Field, options: &Composite) -> TokenStream {
    let (private, ty, name) = (&class.private, &field.ty, field.name());
    let operations = operations_of(field);
    let count = quote!({ #operations.parts as usize + 1 });
    let comparator = match &options.comparator {
        Some(path) => some(class, path),
        None => quote!(#private::std::option::Option::None),
    };
    let span = field.ident.span();
    if !options.columns.is_empty() {
        let names = &options.columns;
        return quote_spanned! {span=>
            &const {
                #private::attributes_named::<#ty, #count>(#name, &[#(#names),*], #comparator)
            }
        };
    }
    let prefix = match &options.prefix {
        Some(prefix) => prefix.value(),
        None => format!("{name}_"),
    };
    quote_spanned! {span=>
        &const {
            const PARTS: &[#private::AttrDef] = #private::parts_of::<#ty>();
            const NAMES: &[u8] =
                &#private::names::<{ #private::names_len(#prefix, PARTS) }>(#prefix, PARTS);
            #private::attributes::<#ty, #count>(#name, #prefix, NAMES, #comparator)
        }
    }
}

fn attribute_def(class: &Class, field: &Field) -> TokenStream {
    let private = &class.private;
    let name = field.name();
    let kind = match &field.kind {
        Kind::Column(options) => {
            let column = column(class, field, options);
            quote!(Column(#column))
        }
        Kind::Expression(options) => {
            let expression = expression(class, field, options);
            quote!(Expression(#expression))
        }
        Kind::Relationship(options) => {
            let relationship = relationship(class, options);
            quote!(Relationship(#relationship))
        }
        Kind::Composite(_) | Kind::Base | Kind::Skipped => TokenStream::new(),
    };
    quote!(#private::AttrDef { name: #name, kind: #private::AttrKind::#kind })
}

fn column(class: &Class, field: &Field, options: &Column) -> TokenStream {
    let (private, ty, operations) = (&class.private, &field.ty, operations_of(field));
    let mut given = Given { class, tokens: TokenStream::new() };
    given.some("name", &options.name);
    if let Some(data_type) = &options.data_type {
        given.say("data_type", data_type);
    }
    if !options.equal_to.is_empty() {
        let names = &options.equal_to;
        given.say("equal_to", quote!(&[#(#names),*]));
    }
    given.flag("primary_key", options.primary_key);
    if let Some(nullable) = options.nullable {
        given.say("nullable", quote!(#nullable));
    }
    given.some("foreign_key", &options.foreign_key);
    given.some("on_delete", &options.on_delete);
    given.some("on_update_key", &options.on_update);
    given.flag("deferrable", options.deferrable);
    given.flag("use_alter", options.use_alter);
    given.flag("unique", options.unique);
    given.flag("index", options.index);
    given.some("server_default", &options.server_default);
    given.flag("server_generated", options.server_generated);
    given.flag("server_on_update", options.server_onupdate);
    given.some("computed", &options.computed);
    given.flag("deferred", options.deferred);
    given.some("group", &options.group);
    given.flag("active_history", options.active_history);
    given.flag("version", options.version);
    if let Some(generator) = &options.version_generator {
        let def = match generator {
            Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value: false, .. }), .. }) => {
                quote!(#private::VersionDef::Database)
            }
            make => {
                quote!(#private::VersionDef::Call(|old| #private::value_of::<#ty>((#make)(old))))
            }
        };
        given.say("version_generator", quote!(#private::std::option::Option::Some(#def)));
    }
    given.flag("system", options.system);
    given.flag("json_paths", options.json_paths);
    given.some("comparator", &options.comparator);
    let value = |expr| quote!(|| #private::value_of::<#ty>(#expr));
    given.some("default", &options.default.as_ref().map(value));
    given.some("on_update", &options.onupdate.as_ref().map(value));
    given.over(&quote!(ColumnDef), &quote!(*#operations.column))
}

fn expression(class: &Class, field: &Field, options: &Expression) -> TokenStream {
    let (private, operations) = (&class.private, operations_of(field));
    let expression = match &options.expression {
        Some(expression) => expression.to_token_stream(),
        None => quote!(#private::Node::Null),
    };
    let mut given = Given { class, tokens: TokenStream::new() };
    given.flag("deferred", options.deferred);
    given.over(
        &quote!(ExpressionDef),
        &quote!(#private::expression_def(#operations.column, || #private::node(#expression))),
    )
}

fn relationship(class: &Class, options: &Relationship) -> TokenStream {
    let (private, target) = (&class.private, &options.target);
    let collection = match options.holder {
        Holder::One | Holder::Collected => None,
        Holder::Many | Holder::WriteOnly => Some(quote!(#private::Collection::List)),
        Holder::ManySet => Some(quote!(#private::Collection::Set)),
        Holder::ManyMap => {
            let key = options.key.as_ref().map_or_else(|| quote!(""), ToTokens::to_token_stream);
            Some(quote!(#private::Collection::Keyed(#key)))
        }
    };
    let collection = match collection {
        Some(collection) => some(class, collection),
        None => quote!(#private::std::option::Option::None),
    };
    let mut given = Given { class, tokens: TokenStream::new() };
    given.some("back_populates", &options.back_populates);
    given.some("cascade", &options.cascade);
    given.some("secondary", &options.secondary);
    for (field, names) in [
        ("foreign_keys", &options.foreign_keys),
        ("remote_side", &options.remote_side),
        ("order_by", &options.order_by),
    ] {
        if !names.is_empty() {
            given.say(field, quote!(&[#(#names),*]));
        }
    }
    let closure = |expr| quote!(|| #expr);
    given.some("primaryjoin", &options.primaryjoin.as_ref().map(closure));
    given.some("secondaryjoin", &options.secondaryjoin.as_ref().map(closure));
    given.flag("viewonly", options.viewonly);
    if let Some(how) = &options.passive_deletes {
        given.say("passive_deletes", quote!(#private::PassiveDeletes::#how));
    }
    if !options.passive_updates {
        given.say("passive_updates", quote!(false));
    }
    given.flag("post_update", options.post_update);
    given.flag("single_parent", options.single_parent);
    given.flag("active_history", options.active_history);
    given.some("position", &options.position);
    if let Some(numbering) = &options.numbering {
        given.say("numbering", quote!(const { &#numbering }));
    }
    given.some("comparator", &options.comparator);
    if let Some(lazy) = &options.lazy {
        given.say("lazy", quote!(#private::Lazy::#lazy));
    } else if options.holder == Holder::WriteOnly {
        given.say("lazy", quote!(#private::Lazy::WriteOnly));
    }
    let default = match options.holder {
        Holder::Collected => quote!(RelationshipDef::collected::<#target>()),
        _ => quote!(RelationshipDef::new(<#target as #private::Mapped>::class, #collection)),
    };
    given.over(&quote!(RelationshipDef), &quote!(#private::#default))
}

fn constraint(class: &Class, constraint: &Constraint) -> TokenStream {
    let private = &class.private;
    let option = |text: &Option<syn::LitStr>| match text {
        Some(text) => some(class, text),
        None => quote!(#private::std::option::Option::None),
    };
    let def = match &constraint.kind {
        ConstraintKind::Unique(columns) => {
            quote!(#private::ConstraintDef::Unique(&[#(#columns),*]))
        }
        ConstraintKind::Index { columns, unique: false, filter: None } => {
            quote!(#private::ConstraintDef::Index(&[#(#columns),*]))
        }
        ConstraintKind::Index { columns, unique, filter } => {
            let filter = option(filter);
            quote! {
                #private::ConstraintDef::IndexWith {
                    columns: &[#(#columns),*],
                    unique: #unique,
                    filter: #filter,
                }
            }
        }
        ConstraintKind::Check(sql) => quote!(#private::ConstraintDef::Check(#sql)),
        ConstraintKind::ForeignKey { columns, references, on_delete, on_update } => {
            let (on_delete, on_update) = (option(on_delete), option(on_update));
            quote! {
                #private::ConstraintDef::ForeignKey {
                    columns: &[#(#columns),*],
                    references: &[#(#references),*],
                    on_delete: #on_delete,
                    on_update: #on_update,
                }
            }
        }
    };
    match &constraint.name {
        Some(name) => quote!(#private::ConstraintDef::Named(#name, &#def)),
        None => def,
    }
}

fn some(class: &Class, value: impl ToTokens) -> TokenStream {
    let private = &class.private;
    quote!(#private::std::option::Option::Some(#value))
}

/// The fields of a definition that the user spoke of; all others come from a default.
struct Given<'a> {
    class: &'a Class,
    tokens: TokenStream,
}

impl Given<'_> {
    fn say(&mut self, field: &str, value: impl ToTokens) {
        let field = quote::format_ident!("{field}");
        self.tokens.extend(quote!(#field: #value,));
    }

    fn some(&mut self, field: &str, value: &Option<impl ToTokens>) {
        if let Some(value) = value {
            self.say(field, some(self.class, value));
        }
    }

    fn flag(&mut self, field: &str, value: bool) {
        if value {
            self.say(field, quote!(true));
        }
    }

    /// The definition: what was said over what is the default.
    fn over(self, definition: &TokenStream, default: &TokenStream) -> TokenStream {
        if self.tokens.is_empty() {
            return default.clone();
        }
        let (private, tokens) = (&self.class.private, self.tokens);
        quote!(#private::#definition { #tokens ..#default })
    }
}
