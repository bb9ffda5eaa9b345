//! `#[mapped(…)]` on a struct.

use proc_macro2::Span;
use syn::{DeriveInput, Expr, Ident, LitStr, Path};

use super::{InheritedSynonym, reference};
use crate::errors::Errors;
use crate::options::{self, Name, Opt};

/// What `#[mapped]` says of a class.
#[derive(Default)]
pub(crate) struct ClassOptions {
    pub(crate) table: Option<LitStr>,
    /// The function that gives what else the class is mapped to.
    pub(crate) source: Option<Path>,
    pub(crate) schema: Option<LitStr>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) version: Option<Name>,
    /// Other names of attributes of the base.
    pub(crate) synonyms: Vec<InheritedSynonym>,
    /// `Auto`, `Always` or `Never`.
    pub(crate) eager_defaults: Option<Ident>,
    pub(crate) confirm_deleted_rows: Option<bool>,
    pub(crate) batch: Option<bool>,
    pub(crate) allow_partial_pks: Option<bool>,
    pub(crate) polymorphic_on: Option<Name>,
    pub(crate) polymorphic_identity: Option<Expr>,
    pub(crate) subclasses: Vec<Path>,
    /// The enum of the subclasses.
    pub(crate) narrow: Option<Ident>,
    /// No object is of the class itself.
    pub(crate) polymorphic_abstract: bool,
    pub(crate) polymorphic_load: Option<Load>,
    pub(crate) with_polymorphic: Option<With>,
    pub(crate) reconstructor: Option<Path>,
    pub(crate) view: bool,
    /// Its columns are added to the table of another class.
    pub(crate) extend_existing: bool,
    pub(crate) concrete: Option<Span>,
    pub(crate) configure: Option<Path>,
    pub(crate) instrumentation: Option<Path>,
    pub(crate) krate: Option<Path>,
}

/// How queries of the base load what a subclass adds.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    Inline,
    SelectIn,
}

/// The subclasses whose columns queries of a base read.
pub(crate) enum With {
    All,
    Classes(Vec<Path>),
}

/// A constraint over several columns.
pub(crate) struct Constraint {
    pub(crate) name: Option<LitStr>,
    pub(crate) kind: ConstraintKind,
}

/// What a constraint says.
pub(crate) enum ConstraintKind {
    Unique(Vec<Name>),
    Index {
        columns: Vec<Name>,
        unique: bool,
        filter: Option<LitStr>,
    },
    Check(LitStr),
    ForeignKey {
        columns: Vec<Name>,
        references: Vec<String>,
        on_delete: Option<LitStr>,
        on_update: Option<LitStr>,
    },
}

const KNOWN: &[&str] = &[
    "table",
    "source",
    "schema",
    "unique",
    "index",
    "check",
    "foreign_key",
    "version",
    "synonym",
    "eager_defaults",
    "confirm_deleted_rows",
    "batch",
    "allow_partial_pks",
    "polymorphic_on",
    "polymorphic_identity",
    "polymorphic_abstract",
    "polymorphic_load",
    "with_polymorphic",
    "subclasses",
    "narrow",
    "concrete",
    "reconstructor",
    "view",
    "extend_existing",
    "configure",
    "instrumentation",
    "crate",
];

const REPEATABLE: &[&str] = &["unique", "index", "check", "foreign_key", "synonym"];

const HINTS: &[(&str, &str)] = &[
    ("tablename", "write `table = \"…\"`"),
    ("table_name", "write `table = \"…\"`"),
    ("name", "write `table = \"…\"`"),
    ("select", "write `source = …`, the function that gives the query"),
    ("join", "write `source = …`, the function that gives the join"),
    ("base", "write `#[mapped(base)]` on the field that embeds the base class"),
    ("inherits", "write `#[mapped(base)]` on the field that embeds the base class"),
    ("skip", "that goes on a field"),
    ("abstract", "write `polymorphic_abstract`"),
    ("entity_name", "embed an abstract base in a struct for each table, by `#[mapped(base)]`"),
    ("enum", "write `narrow = …`, the name of the enum"),
    ("create", "write `view`, for what `create_all` is to leave alone"),
    ("reconstruct", "write `reconstructor = …`"),
    ("primary_key", "write `#[column(primary_key)]` on the fields"),
    ("validate", "register validators in the function that `configure = …` names"),
];

const FOREIGN_KEY: &[&str] = &["columns", "references", "on_delete", "on_update", "name"];

impl ClassOptions {
    /// Reads the struct's `#[mapped]` attributes.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        let mut source = None;
        for option in options::read(&input.attrs, "mapped", REPEATABLE, errors) {
            match option.name().as_str() {
                "table" => read.table = option.text(errors),
                "source" => {
                    read.source = option.path(errors);
                    source = Some(option);
                }
                "schema" => read.schema = option.text(errors),
                "unique" | "index" => read.constraints.extend(columns(&option, errors)),
                "check" => read.constraints.extend(check(&option, errors)),
                "foreign_key" => read.constraints.extend(foreign_key(&option, errors)),
                "version" => read.version = option.one_name(errors),
                "synonym" => {
                    let form = "synonym(name: Type = attribute)";
                    read.synonyms.extend(option.list(form, errors));
                }
                "eager_defaults" => read.eager_defaults = eager_defaults(&option, errors),
                "confirm_deleted_rows" => read.confirm_deleted_rows = Some(option.flag(errors)),
                "batch" => read.batch = Some(option.flag(errors)),
                "allow_partial_pks" => read.allow_partial_pks = Some(option.flag(errors)),
                "polymorphic_on" => read.polymorphic_on = option.one_name(errors),
                "polymorphic_identity" => read.polymorphic_identity = option.value(errors).cloned(),
                "subclasses" => read.subclasses = option.paths(errors),
                "narrow" => read.narrow = option.ident(errors),
                "polymorphic_abstract" => read.polymorphic_abstract = option.flag(errors),
                "polymorphic_load" => read.polymorphic_load = load(&option, errors),
                "with_polymorphic" => read.with_polymorphic = with(&option, errors),
                "reconstructor" => read.reconstructor = option.path(errors),
                "view" => read.view = option.flag(errors),
                "extend_existing" => read.extend_existing = option.flag(errors),
                "concrete" => read.concrete = option.flag(errors).then(|| option.span()),
                "configure" => read.configure = option.path(errors),
                "instrumentation" => read.instrumentation = option.path(errors),
                "crate" => read.krate = option.path(errors),
                _ => option.unknown("mapped", KNOWN, HINTS, errors),
            }
        }
        if let (Some(_), Some(source)) = (&read.table, source) {
            source.refuse(
                "a class is mapped to a table or to a source: leave one of them out",
                errors,
            );
        }
        read
    }
}

fn eager_defaults(option: &Opt, errors: &mut Errors) -> Option<Ident> {
    let text = option.text(errors)?;
    let when = match text.value().as_str() {
        "auto" => "Auto",
        "always" => "Always",
        "never" => "Never",
        _ => {
            errors.at(&text, "`eager_defaults` is `\"auto\"`, `\"always\"` or `\"never\"`");
            return None;
        }
    };
    Some(Ident::new(when, text.span()))
}

fn load(option: &Opt, errors: &mut Errors) -> Option<Load> {
    let text = option.text(errors)?;
    match text.value().as_str() {
        "inline" => Some(Load::Inline),
        "selectin" => Some(Load::SelectIn),
        _ => {
            errors.at(&text, "`polymorphic_load` is `\"inline\"` or `\"selectin\"`");
            None
        }
    }
}

fn with(option: &Opt, errors: &mut Errors) -> Option<With> {
    if option.is_list() {
        return Some(With::Classes(option.paths(errors)));
    }
    let text = option.text(errors)?;
    if text.value() == "*" {
        return Some(With::All);
    }
    errors.at(&text, "write `with_polymorphic = \"*\"`, or `with_polymorphic(A, B)`");
    None
}

/// `unique(a, b)` and `index(a, b)`, or `unique(columns(a, b), name = "…")`.
fn columns(option: &Opt, errors: &mut Errors) -> Option<Constraint> {
    let is_index = option.name() == "index";
    let (mut name, mut unique, mut filter) = (None, false, None);
    let columns = if option.begins_with("columns") {
        let mut columns = Vec::new();
        for inner in option.options(errors)? {
            match inner.name().as_str() {
                "columns" => columns = inner.names(errors),
                "name" => name = inner.text(errors),
                "unique" if is_index => unique = inner.flag(errors),
                "filter" if is_index => filter = inner.text(errors),
                _ if is_index => {
                    let known = &["columns", "unique", "filter", "name"];
                    inner.unknown("mapped(index)", known, &[], errors);
                }
                _ => inner.unknown("mapped(unique)", &["columns", "name"], &[], errors),
            }
        }
        columns
    } else {
        option.names(errors)
    };
    let kind = match is_index {
        true => ConstraintKind::Index { columns, unique, filter },
        false => ConstraintKind::Unique(columns),
    };
    Some(Constraint { name, kind })
}

/// `check = "…"`, or `check(sql = "…", name = "…")`.
fn check(option: &Opt, errors: &mut Errors) -> Option<Constraint> {
    if !option.is_list() {
        let kind = ConstraintKind::Check(option.text(errors)?);
        return Some(Constraint { name: None, kind });
    }
    let (mut sql, mut name) = (None, None);
    for inner in option.options(errors)? {
        match inner.name().as_str() {
            "sql" => sql = inner.text(errors),
            "name" => name = inner.text(errors),
            _ => inner.unknown("mapped(check)", &["sql", "name"], &[], errors),
        }
    }
    let Some(sql) = sql else {
        option.refuse("write `check(sql = \"…\", name = \"…\")`", errors);
        return None;
    };
    Some(Constraint { name, kind: ConstraintKind::Check(sql) })
}

fn foreign_key(option: &Opt, errors: &mut Errors) -> Option<Constraint> {
    let (mut columns, mut references, mut name) = (Vec::new(), None, None);
    let (mut on_delete, mut on_update) = (None, None);
    for inner in option.options(errors)? {
        match inner.name().as_str() {
            "columns" => columns = inner.names(errors),
            "references" => references = reference::columns(&inner, errors),
            "on_delete" => on_delete = reference::action(&inner, errors),
            "on_update" => on_update = reference::action(&inner, errors),
            "name" => name = inner.text(errors),
            _ => inner.unknown("mapped(foreign_key)", FOREIGN_KEY, &[], errors),
        }
    }
    let Some((text, references)) = references.filter(|_| !columns.is_empty()) else {
        option.refuse("write `foreign_key(columns(a, b), references = \"table(x, y)\")`", errors);
        return None;
    };
    if columns.len() != references.len() {
        let (here, there) = (columns.len(), references.len());
        errors.at(&text, format!("columns go in pairs: {here} here, {there} there"));
        return None;
    }
    let kind = ConstraintKind::ForeignKey { columns, references, on_delete, on_update };
    Some(Constraint { name, kind })
}
