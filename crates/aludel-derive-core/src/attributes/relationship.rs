//! `#[relationship(…)]`, and the types that hold relationships.

use proc_macro2::Ident;
use syn::{Expr, Field, GenericArgument, LitStr, Path, PathArguments, Type};

use crate::errors::Errors;
use crate::names;
use crate::options::{self, Name, Opt};

/// What holds the other objects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    One,
    Many,
    ManySet,
    ManyMap,
    Collected,
    WriteOnly,
}

/// The holder and the class that it holds, or the collection class, where a type is one of the holders.
pub(crate) fn holder(ty: &Type) -> Option<(Holder, &Type)> {
    let path = match ty {
        Type::Group(group) => return holder(&group.elem),
        Type::Paren(paren) => return holder(&paren.elem),
        Type::Path(path) => &path.path,
        _ => return None,
    };
    let last = path.segments.last()?;
    let holder = match last.ident.to_string().as_str() {
        "One" => Holder::One,
        "Many" => Holder::Many,
        "ManySet" => Holder::ManySet,
        "ManyMap" => Holder::ManyMap,
        "Collected" => Holder::Collected,
        "WriteOnly" => Holder::WriteOnly,
        _ => return None,
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let target = arguments.args.iter().rev().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })?;
    Some((holder, target))
}

/// What `#[relationship]` and the field's type say.
pub(crate) struct Relationship {
    pub(crate) holder: Holder,
    /// The class of the objects; of a `Collected`, the collection class, which knows it.
    pub(crate) target: Type,
    pub(crate) back_populates: Option<Name>,
    pub(crate) cascade: Option<LitStr>,
    pub(crate) secondary: Option<LitStr>,
    pub(crate) foreign_keys: Vec<Name>,
    pub(crate) remote_side: Vec<Name>,
    pub(crate) order_by: Vec<Name>,
    pub(crate) primaryjoin: Option<Expr>,
    pub(crate) secondaryjoin: Option<Expr>,
    pub(crate) viewonly: bool,
    /// The variant of `PassiveDeletes`.
    pub(crate) passive_deletes: Option<Ident>,
    pub(crate) passive_updates: bool,
    pub(crate) post_update: bool,
    pub(crate) single_parent: bool,
    pub(crate) active_history: bool,
    pub(crate) key: Option<Name>,
    pub(crate) position: Option<Name>,
    /// Which positions those are.
    pub(crate) numbering: Option<Expr>,
    /// The variant of `Lazy`.
    pub(crate) lazy: Option<Ident>,
    /// What it is compared with an object by in queries.
    pub(crate) comparator: Option<Path>,
}

const KNOWN: &[&str] = &[
    "back_populates",
    "cascade",
    "secondary",
    "foreign_keys",
    "remote_side",
    "order_by",
    "primaryjoin",
    "secondaryjoin",
    "viewonly",
    "passive_deletes",
    "passive_updates",
    "post_update",
    "single_parent",
    "active_history",
    "key",
    "position",
    "numbering",
    "lazy",
    "comparator",
];

const HINTS: &[(&str, &str)] = &[
    ("backref", "write `back_populates = \"…\"` on both sides"),
    (
        "foreign_key",
        "write `foreign_keys = \"…\"` here, or `#[column(foreign_key = \"table.column\")]` on the column",
    ),
    ("uselist", "the field's type says it: `One<…>` or `Many<…>`"),
    (
        "collection_class",
        "the field's type says it: `Many<…>`, `ManySet<…>`, `ManyMap<…, …>`, `WriteOnly<…>` or `Collected<…>`",
    ),
    ("comparator_factory", "write `comparator = some::function`"),
    ("target", "the field's type says it: `Many<Target>`"),
    (
        "ordering",
        "write `order_by` for the order of a query, `position` for an attribute that holds it",
    ),
];

const CASCADES: &[&str] = &[
    "save-update",
    "merge",
    "refresh-expire",
    "expunge",
    "delete",
    "delete-orphan",
    "all",
    "none",
];

impl Relationship {
    /// A relationship with nothing but its target.
    fn new(holder: Holder, target: Type) -> Self {
        Self {
            holder,
            target,
            back_populates: None,
            cascade: None,
            secondary: None,
            foreign_keys: Vec::new(),
            remote_side: Vec::new(),
            order_by: Vec::new(),
            primaryjoin: None,
            secondaryjoin: None,
            viewonly: false,
            passive_deletes: None,
            passive_updates: true,
            post_update: false,
            single_parent: false,
            active_history: false,
            key: None,
            position: None,
            numbering: None,
            lazy: None,
            comparator: None,
        }
    }

    /// Reads the field's `#[relationship]` attributes and its type.
    pub(crate) fn read(field: &Field, errors: &mut Errors) -> Option<Self> {
        let Some((holder, target)) = holder(&field.ty) else {
            errors.at(
                &field.ty,
                "the field of a relationship is a `One<Class>`, `Many<Class>`, `ManySet<Class>`, \
                 `ManyMap<Key, Class>`, `WriteOnly<Class>` or `Collected<CollectionClass>`",
            );
            return None;
        };
        let mut read = Self::new(holder, target.clone());
        let mut numbered = None;
        for option in options::read(&field.attrs, "relationship", &[], errors) {
            match option.name().as_str() {
                "back_populates" => read.back_populates = option.one_name(errors),
                "cascade" => read.cascade = cascade(&option, errors),
                "secondary" => read.secondary = secondary(&option, errors),
                "foreign_keys" => read.foreign_keys = option.names(errors),
                "remote_side" => read.remote_side = option.names(errors),
                "order_by" => {
                    read.order_by = option.names(errors);
                    if holder == Holder::One {
                        option.refuse("`One` has no order: leave out `order_by`", errors);
                    }
                }
                "primaryjoin" => read.primaryjoin = option.value(errors).cloned(),
                "secondaryjoin" => read.secondaryjoin = option.value(errors).cloned(),
                "viewonly" => read.viewonly = option.flag(errors),
                "passive_deletes" => read.passive_deletes = passive_deletes(&option, errors),
                "passive_updates" => read.passive_updates = option.flag(errors),
                "post_update" => read.post_update = option.flag(errors),
                "single_parent" => read.single_parent = option.flag(errors),
                "active_history" => read.active_history = option.flag(errors),
                "key" => {
                    read.key = option.one_name(errors);
                    if holder != Holder::ManyMap {
                        option.refuse("only a `ManyMap` has a `key`", errors);
                    }
                }
                "position" => {
                    read.position = option.one_name(errors);
                    if holder != Holder::Many {
                        option.refuse("only a `Many` keeps the `position` of its members", errors);
                        read.position = None;
                    }
                }
                "numbering" => {
                    read.numbering = option.value(errors).cloned();
                    numbered = Some(option);
                }
                "comparator" => read.comparator = option.path(errors),
                "lazy" => read.lazy = lazy(&option, holder, errors),
                _ => option.unknown("relationship", KNOWN, HINTS, errors),
            }
        }
        if let Some(cascade) = read.cascade.as_ref().filter(|_| read.viewonly) {
            let text = cascade.value();
            let writes = ["save-update", "merge", "delete", "delete-orphan", "all"];
            if let Some(word) = text.split(", ").find(|word| writes.contains(word)) {
                let what = format!(
                    "a `viewonly` relationship is only read, so it cannot cascade `{word}`: leave `cascade` out"
                );
                errors.at(cascade, what);
            }
        }
        if read.secondary.is_none()
            && let Some(join) = &read.secondaryjoin
        {
            errors.at(
                join,
                "`secondaryjoin` joins an association table: write `secondary = \"…\"` as well",
            );
        }
        if let (Some(option), None) = (numbered, &read.position) {
            let what = "what is numbered is the `position`: write `position = \"…\"` as well";
            option.refuse(what, errors);
        }
        if holder == Holder::ManyMap && read.key.is_none() {
            errors.at(
                &field.ty,
                "a `ManyMap` needs the attribute of its members that is their key: write \
                 `#[relationship(key = \"…\")]`",
            );
        }
        Some(read)
    }
}

/// How a relationship is loaded where a query does not say it: what is written, and the variant of `Lazy`.
const LAZY: &[(&str, &str)] = &[
    ("select", "Select"),
    ("selectin", "SelectIn"),
    ("joined", "Joined"),
    ("subquery", "Subquery"),
    ("immediate", "Immediate"),
    ("raise", "Raise"),
    ("raise_on_sql", "RaiseOnSql"),
];

fn lazy(option: &Opt, holder: Holder, errors: &mut Errors) -> Option<Ident> {
    let text = option.text(errors)?;
    let value = text.value();
    let Some((_, variant)) = LAZY.iter().find(|(name, _)| *name == value) else {
        let names: Vec<&str> = LAZY.iter().map(|(name, _)| *name).collect();
        let hint = match value.as_str() {
            "write_only" | "dynamic" => {
                ": the field's type says it: `WriteOnly<…>`, whose members are queried".to_owned()
            }
            "noload" => ": write `lazy = \"raise\"`".to_owned(),
            _ => match names::suggestion(&value, &names) {
                near if near.is_empty() => format!(": there are `{}`", names.join("`, `")),
                near => near,
            },
        };
        errors.at(&text, format!("there is no `lazy = \"{value}\"`{hint}"));
        return None;
    };
    if holder == Holder::WriteOnly {
        errors.at(&text, "a `WriteOnly` is never loaded: leave out `lazy`");
        return None;
    }
    Some(Ident::new(variant, text.span()))
}

fn cascade(option: &Opt, errors: &mut Errors) -> Option<LitStr> {
    let text = option.text(errors)?;
    let value = text.value();
    let words: Vec<&str> =
        value.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let mut good = true;
    for word in &words {
        if !CASCADES.contains(word) {
            let suggestion = names::suggestion(word, CASCADES);
            errors.at(&text, format!("there is no cascade `{word}`{suggestion}"));
            good = false;
        }
    }
    if words.contains(&"none") && words.len() > 1 {
        errors.at(&text, "the cascade `none` stands alone");
        good = false;
    }
    good.then(|| LitStr::new(&words.join(", "), text.span()))
}

fn secondary(option: &Opt, errors: &mut Errors) -> Option<LitStr> {
    let text = option.text(errors)?;
    let value = text.value();
    let good = match value.split_once('(') {
        None => !value.contains([')', ';', ',']),
        Some((table, columns)) => columns.strip_suffix(')').is_some_and(|columns| {
            let sides: Vec<_> = columns.split(';').map(str::trim).collect();
            !table.trim().is_empty()
                && sides.len() == 2
                && sides.iter().all(|side| !side.is_empty())
        }),
    };
    if !good {
        errors.at(
            &text,
            "write the association table as `\"table\"`, or with its columns as \
             `\"table(columns to this class; columns to the other)\"`",
        );
        return None;
    }
    Some(text)
}

/// `passive_deletes`, `passive_deletes = false` or `passive_deletes = "all"`.
fn passive_deletes(option: &Opt, errors: &mut Errors) -> Option<Ident> {
    let how = if option.is_text() {
        let text = option.text(errors)?;
        if text.value() != "all" {
            errors.at(&text, "write `passive_deletes`, or `passive_deletes = \"all\"`");
            return None;
        }
        "All"
    } else if option.flag(errors) {
        "Yes"
    } else {
        "No"
    };
    Some(Ident::new(how, option.span()))
}
