//! A class as the derive understands it: the struct and its options, checked against each other.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Attribute, Data, DeriveInput, Fields, GenericParam, Ident, Type, Visibility};

use crate::attributes::{
    ClassOptions, Column, Composite, ConstraintKind, Expression, FieldOptions, Relationship, Role,
    holder,
};
use crate::emit::variant;
use crate::errors::Errors;
use crate::names;
use crate::options::Name;

/// A struct that is to be a mapped class.
pub(crate) struct Class {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The path of the module that written code calls into.
    pub(crate) private: TokenStream,
    pub(crate) options: ClassOptions,
    /// It is a composite, whose fields are columns of the classes that have it.
    pub(crate) is_composite: bool,
    pub(crate) fields: Vec<Field>,
}

/// A field of the struct.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
    pub(crate) docs: Vec<Attribute>,
    /// The name of the attribute's constant.
    pub(crate) constant: Ident,
    /// Other names of the attribute.
    pub(crate) synonyms: Vec<Name>,
    /// What checks its values.
    pub(crate) validate: Option<syn::Expr>,
    /// The attribute's place among the class's own.
    pub(crate) position: u16,
    /// The position of the first attribute that has the same type.
    pub(crate) same_type: u16,
    /// The position of the last composite before it, whose parts are numbered in between.
    pub(crate) composite_before: Option<u16>,
    pub(crate) kind: Kind,
}

/// What a field is to the class.
pub(crate) enum Kind {
    Column(Box<Column>),
    Expression(Box<Expression>),
    Composite(Box<Composite>),
    Relationship(Box<Relationship>),
    /// The embedded object of the base class.
    Base,
    /// Nothing.
    Skipped,
}

impl Field {
    /// The attribute's name.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// Whether the field is an attribute of the class's own.
    fn is_attribute(&self) -> bool {
        !matches!(self.kind, Kind::Base | Kind::Skipped)
    }

    fn is_column(&self) -> bool {
        matches!(self.kind, Kind::Column(_))
    }

    /// The names of the columns of a composite, where they are given.
    pub(crate) fn composite_columns(&self) -> &[Name] {
        match &self.kind {
            Kind::Composite(composite) => &composite.columns,
            _ => &[],
        }
    }

    /// The column's name, where the field is one.
    pub(crate) fn column_name(&self) -> Option<String> {
        match &self.kind {
            Kind::Column(column) => {
                Some(column.name.as_ref().map_or_else(|| self.name(), syn::LitStr::value))
            }
            _ => None,
        }
    }
}

impl Class {
    /// Reads the struct; nothing when it cannot be a class at all.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let fields = named_fields(input, errors)?;
        let options = ClassOptions::read(input, errors);
        let private = match &options.krate {
            Some(path) => quote!(#path::__private),
            None => quote!(::aludel::__private),
        };
        let fields = fields.filter_map(|field| read_field(field, errors)).collect();
        let (ident, vis) = (input.ident.clone(), input.vis.clone());
        let mut class = Self { ident, vis, private, options, is_composite: false, fields };
        class.check_constants(errors);
        class.check_base(errors);
        class.check_synonyms(errors);
        class.number();
        class.check_polymorphic_on(errors);
        class.check_hierarchy(errors);
        class.find_version(errors);
        class.find_constraint_columns(errors);
        class.check_table(errors);
        class.check_columns(errors);
        Some(class)
    }

    /// Reads the struct of a composite; nothing when it cannot be one at all.
    pub(crate) fn read_composite(
        input: &DeriveInput,
        krate: Option<syn::Path>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let fields = named_fields(input, errors)?;
        let private = match krate {
            Some(path) => quote!(#path::__private),
            None => quote!(::aludel::__private),
        };
        let fields = fields.filter_map(|field| read_field(field, errors)).collect();
        let (ident, vis) = (input.ident.clone(), input.vis.clone());
        let options = ClassOptions::default();
        let mut class = Self { ident, vis, private, options, is_composite: true, fields };
        class.check_constants(errors);
        class.number();
        Some(class)
    }

    /// The class's name.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The field that embeds the base class.
    pub(crate) fn base(&self) -> Option<&Field> {
        self.fields.iter().find(|field| matches!(field.kind, Kind::Base))
    }

    /// The attributes of the class's own, in the order of their numbers.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.is_attribute())
    }

    /// The fields that are not mapped.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| matches!(field.kind, Kind::Skipped))
    }

    fn number(&mut self) {
        let attributes = self.fields.iter_mut().filter(|field| field.is_attribute());
        let mut types = HashMap::new();
        let mut composite = None;
        for (position, field) in (0..).zip(attributes) {
            field.position = position;
            let is_composite = matches!(field.kind, Kind::Composite(_));
            let ty = (field.ty.to_token_stream().to_string(), is_composite);
            field.same_type = *types.entry(ty).or_insert(position);
            field.composite_before = composite;
            composite = if is_composite { Some(position) } else { composite };
        }
    }

    /// Each constant is there once. A synonym that is not is left out, so that the compiler says nothing more of it.
    fn check_constants(&mut self, errors: &mut Errors) {
        let mut seen: Vec<String> = Vec::new();
        let mut is_new = |name: String, span| {
            let new = !seen.contains(&name);
            if !new {
                let message = format!("two attributes have the constant `{name}`");
                errors.push(syn::Error::new(span, message));
            }
            seen.push(name);
            new
        };
        for field in self.attributes() {
            is_new(field.constant.unraw().to_string(), field.constant.span());
            for name in field.composite_columns() {
                is_new(name.text.clone(), name.span);
            }
        }
        for field in self.fields.iter_mut().filter(|field| field.is_attribute()) {
            field.synonyms.retain(|name| is_new(name.text.clone(), name.span));
        }
        let synonyms = &mut self.options.synonyms;
        synonyms.retain(|synonym| is_new(synonym.name.unraw().to_string(), synonym.name.span()));
    }

    /// A synonym that is said of the class is of an attribute of its base.
    fn check_synonyms(&mut self, errors: &mut Errors) {
        let own: Vec<Ident> = self.attributes().map(|field| field.constant.clone()).collect();
        let has_base = self.base().is_some();
        self.options.synonyms.retain(|synonym| {
            let of_own = synonym.of.get_ident().is_some_and(|of| own.contains(of));
            let name = &synonym.name;
            if of_own {
                let message = format!(
                    "it is of an attribute of the class's own: write `#[mapped(synonym = {name})]` on the field"
                );
                errors.at(&synonym.of, message);
            } else if !has_base {
                errors.at(
                    name,
                    "the class has no base whose attribute it could be; of an attribute of its own a synonym is said on \
                     the field",
                );
            }
            has_base && !of_own
        });
    }

    fn check_base(&mut self, errors: &mut Errors) {
        let bases = self.fields.iter_mut().filter(|field| matches!(field.kind, Kind::Base));
        for second in bases.skip(1) {
            errors.at(&second.ident, "a class has one base class");
            second.kind = Kind::Skipped;
        }
        if self.base().is_some() {
            return;
        }
        let base = "embed the base class: `#[mapped(base)] base: Base`";
        if let Some(span) = self.options.concrete.take() {
            errors.push(syn::Error::new(span, format!("`concrete` is for a subclass; {base}")));
        }
        // Of a hierarchy of tables with all columns, the table tells the class.
        if self.options.polymorphic_on.is_none()
            && self.options.subclasses.is_empty()
            && let Some(identity) = self.options.polymorphic_identity.take()
        {
            let on = "name the attribute that holds it: `polymorphic_on = \"…\"`";
            errors.at(
                identity,
                format!("`polymorphic_identity` belongs to a hierarchy; {on}, or {base}"),
            );
        }
    }

    fn check_polymorphic_on(&self, errors: &mut Errors) {
        if let Some(on) = &self.options.polymorphic_on {
            let of_name = self.fields.iter().find(|field| field.name() == on.text);
            if !of_name.is_some_and(|field| matches!(field.kind, Kind::Expression(_))) {
                self.find_column(on, errors);
            }
        }
    }

    /// What is said of a hierarchy makes sense for a class in that place of it.
    fn check_hierarchy(&mut self, errors: &mut Errors) {
        let has_base = self.base().is_some();
        let options = &mut self.options;
        if options.polymorphic_load.is_some() && !has_base {
            options.polymorphic_load = None;
            errors.at(
                &self.ident,
                "`polymorphic_load` says how queries of the base read a subclass: \
                 embed the base class, `#[mapped(base)] base: Base`; for the base itself there is `with_polymorphic`",
            );
        }
        if options.polymorphic_abstract
            && let Some(identity) = options.polymorphic_identity.take()
        {
            errors.at(
                identity,
                "no object is of a class with `polymorphic_abstract`, so it has no identity",
            );
        }
        if let Some(name) = &options.narrow
            && options.subclasses.is_empty()
        {
            errors.at(name, "`narrow` names the enum of the classes in `subclasses(…)`: list them");
            options.narrow = None;
        }
        if options.narrow.is_some() {
            let mut seen = vec![self.ident.clone()];
            options.subclasses.retain(|path| {
                let Some(variant) = variant(path) else { return true };
                let is_new = !seen.contains(variant);
                if !is_new {
                    let message = format!(
                        "two classes of the enum are called `{variant}`: import one under another name"
                    );
                    errors.at(path, message);
                }
                seen.push(variant.clone());
                is_new
            });
        }
    }

    fn find_version(&mut self, errors: &mut Errors) {
        let has_base = self.base().is_some();
        if let Some(version) = self.options.version.take() {
            let at = self.find_column(&version, errors).map(Field::name);
            let field = self.fields.iter_mut().find(|field| Some(field.name()) == at);
            match field.map(|field| &mut field.kind) {
                Some(Kind::Column(column)) => column.version = true,
                // A field of the base class has to say so there.
                None if has_base => {
                    errors.at(&version, "say it at the field itself: `#[column(version)]`");
                }
                _ => {}
            }
        }
        let is_version =
            |field: &&Field| matches!(&field.kind, Kind::Column(column) if column.version);
        for second in self.fields.iter().filter(is_version).skip(1) {
            errors.at(&second.ident, "a class has one version counter");
        }
    }

    /// The column field of a name. A class with a base may also mean one of the base's.
    fn find_column(&self, name: &Name, errors: &mut Errors) -> Option<&Field> {
        let found = self.fields.iter().find(|field| field.name() == name.text);
        match found {
            Some(field) if field.is_column() => Some(field),
            Some(_) => {
                errors.at(name, format!("`{}` is not a column", name.text));
                None
            }
            None if self.base().is_some() => None,
            None => {
                let columns = self.fields.iter().filter(|field| field.is_column());
                let columns: Vec<_> = columns.map(Field::name).collect();
                let columns: Vec<_> = columns.iter().map(String::as_str).collect();
                let suggestion = names::suggestion(&name.text, &columns);
                errors.at(
                    name,
                    format!("`{}` has no column `{}`{suggestion}", self.ident, name.text),
                );
                None
            }
        }
    }

    /// Words in constraints name fields: puts the names of their columns in their place.
    fn find_constraint_columns(&mut self, errors: &mut Errors) {
        let mut constraints = std::mem::take(&mut self.options.constraints);
        for constraint in &mut constraints {
            let names = match &mut constraint.kind {
                ConstraintKind::Unique(columns)
                | ConstraintKind::Index { columns, .. }
                | ConstraintKind::ForeignKey { columns, .. } => columns,
                ConstraintKind::Check(_) => continue,
            };
            let fields = &self.fields;
            let is_part = |name: &Name| {
                fields.iter().any(|f| f.composite_columns().iter().any(|c| c.text == name.text))
            };
            for name in names.iter_mut().filter(|name| name.is_word && !is_part(name)) {
                if let Some(column) = self.find_column(name, errors).and_then(Field::column_name) {
                    name.text = column;
                }
            }
        }
        constraints.retain(|constraint| match &constraint.kind {
            ConstraintKind::Unique(columns) | ConstraintKind::Index { columns, .. } => {
                !columns.is_empty()
            }
            _ => true,
        });
        self.options.constraints = constraints;
    }
}

fn named_fields<'a>(
    input: &'a DeriveInput,
    errors: &mut Errors,
) -> Option<impl Iterator<Item = &'a syn::Field> + use<'a>> {
    let ident = &input.ident;
    for param in &input.generics.params {
        let message = match param {
            GenericParam::Lifetime(_) => format!(
                "`{ident}` is a mapped class, so it owns its values and has no lifetime; \
                 write `String` for `&str`, `Vec<u8>` for `&[u8]`"
            ),
            GenericParam::Type(_) | GenericParam::Const(_) => format!(
                "`{ident}` is a mapped class, so it has no generic parameters: \
                 write a struct for each class"
            ),
        };
        errors.at(param, message);
    }
    if !input.generics.params.is_empty() {
        return None;
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(fields.named.iter()),
            Fields::Unnamed(_) => errors.at(
                ident,
                "the fields of a mapped class have names: write `struct Name { id: …, … }`",
            ),
            Fields::Unit => {
                errors.at(ident, "a mapped class has fields: write `struct Name { id: …, … }`")
            }
        },
        Data::Enum(_) => errors.at(
            ident,
            "a mapped class is a struct; for an enum that a column holds, write \
             `#[derive(ColumnEnum)]`, for the classes of a hierarchy a struct each",
        ),
        Data::Union(_) => errors.at(ident, "a mapped class is a struct"),
    }
    None
}

fn read_field(field: &syn::Field, errors: &mut Errors) -> Option<Field> {
    let ident = field.ident.clone()?;
    let options = FieldOptions::read(field, errors);
    let docs = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned();
    Some(Field {
        vis: field.vis.clone(),
        ty: field.ty.clone(),
        docs: docs.collect(),
        constant: options.constant.unwrap_or_else(|| ident.clone()),
        synonyms: options.synonyms,
        validate: options.validate,
        position: 0,
        same_type: 0,
        composite_before: None,
        kind: read_kind(field, options.role, errors),
        ident,
    })
}

fn read_kind(field: &syn::Field, role: Option<Role>, errors: &mut Errors) -> Kind {
    let given = |name: &str| field.attrs.iter().find(|attribute| attribute.path().is_ident(name));
    let kinds: Vec<_> = ["column", "relationship", "expression", "composite"]
        .into_iter()
        .filter(|name| given(name).is_some())
        .collect();
    if let Some(role) = role {
        let word = if role == Role::Base { "base" } else { "skip" };
        for kind in kinds {
            errors.at(given(kind), format!("a field with `#[mapped({word})]` has no `#[{kind}]`"));
        }
        return if role == Role::Base { Kind::Base } else { Kind::Skipped };
    }
    if let [first, .., last] = kinds.as_slice() {
        errors.at(given(last), format!("a field has either `#[{first}]` or `#[{last}]`"));
    }
    let is_holder = holder(&field.ty).is_some();
    match kinds.first() {
        Some(&"expression") => match Expression::read(field, errors) {
            Some(expression) => Kind::Expression(Box::new(expression)),
            None => Kind::Skipped,
        },
        Some(&"composite") => Kind::Composite(Box::new(Composite::read(field, errors))),
        Some(&"column") if is_holder && kinds.len() == 1 => {
            errors
                .at(given("column"), "the field holds a relationship: write `#[relationship(…)]`");
            relationship(field, errors)
        }
        Some(&"column") => Kind::Column(Box::new(Column::read(field, errors))),
        Some(_) => relationship(field, errors),
        None if is_holder => relationship(field, errors),
        None => Kind::Column(Box::default()),
    }
}

fn relationship(field: &syn::Field, errors: &mut Errors) -> Kind {
    match Relationship::read(field, errors) {
        Some(relationship) => Kind::Relationship(Box::new(relationship)),
        None => Kind::Skipped,
    }
}
