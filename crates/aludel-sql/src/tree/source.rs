//! What columns belong to: tables, aliases, common table expressions.

use std::fmt;
use std::sync::Arc;

use super::{ColumnRef, FromItem, Node};
use crate::schema::next_id;
use crate::statement::{IntoQuery, Query};
use crate::{DataType, Error, ErrorKind, Expr, Result, Table, did_you_mean};

/// What a column can be of.
#[derive(Clone)]
pub enum Source {
    /// A table.
    Table(Table),
    /// A table, a query or a common table expression under another name.
    Alias(Alias),
    /// A common table expression.
    Cte(Cte),
}

/// A table, a query or a common table expression under another name: a cheap handle with an
/// identity of its own. One without a name gets one when the statement is rendered.
#[derive(Clone)]
pub struct Alias(pub(super) Arc<AliasInner>);

pub(super) struct AliasInner {
    pub(super) id: u32,
    pub(super) name: Option<Box<str>>,
    pub(super) of: Aliased,
    pub(super) columns: Arc<[Derived]>,
}

/// What an [`Alias`] is of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Aliased {
    /// A table.
    Table(Table),
    /// A common table expression.
    Cte(Cte),
    /// A query: a derived table.
    Query(Query),
    /// A query that may refer to what stands before it in FROM.
    Lateral(Query),
}

/// A common table expression: a cheap handle. It is put into WITH by being used.
#[derive(Clone)]
pub struct Cte {
    pub(super) head: Arc<CteHead>,
    /// `None` for the reference to itself within a recursive one.
    pub(super) body: Option<Query>,
}

pub(super) struct CteHead {
    pub(super) id: u32,
    pub(super) name: Box<str>,
    pub(super) recursive: bool,
    pub(super) columns: Arc<[Derived]>,
}

/// A column of a derived table.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The name; unique in the derived table.
    pub name: Box<str>,
    /// The type, where it is known.
    pub data_type: Option<DataType>,
    /// The columns that it shows, as ids of sources and positions; the nearest first.
    pub origins: Vec<(u32, u16)>,
}

impl Alias {
    /// An alias without a name.
    pub fn new(of: Aliased) -> Self {
        Self::build(None, of)
    }

    /// An alias with a name.
    pub fn named(name: impl Into<Box<str>>, of: Aliased) -> Self {
        Self::build(Some(name.into()), of)
    }

    fn build(name: Option<Box<str>>, of: Aliased) -> Self {
        let columns = match &of {
            Aliased::Table(_) => Arc::default(),
            Aliased::Cte(cte) => cte.head.columns.clone(),
            Aliased::Query(query) | Aliased::Lateral(query) => query.outputs().into(),
        };
        Self(Arc::new(AliasInner { id: next_id(), name, of, columns }))
    }

    /// Unique in the process among tables, aliases and common table expressions.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// The name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// What it is an alias of.
    pub fn of(&self) -> &Aliased {
        &self.0.of
    }

    /// The columns, of an alias of a query.
    pub(crate) fn derived(&self) -> &[Derived] {
        &self.0.columns
    }

    /// The same alias of something else with the same columns.
    pub(super) fn with(&self, of: Aliased) -> Self {
        let inner = &self.0;
        let name = inner.name.clone();
        let columns = match &of {
            Aliased::Query(query) | Aliased::Lateral(query) => seen_anew(&inner.columns, query),
            _ => inner.columns.clone(),
        };
        Self(Arc::new(AliasInner { id: inner.id, name, of, columns }))
    }
}

/// The columns of a query that has been rewritten: under the names that they have, and showing what it shows now.
fn seen_anew(columns: &Arc<[Derived]>, query: &Query) -> Arc<[Derived]> {
    let now = query.outputs();
    let same = now.len() == columns.len()
        && now.iter().zip(&**columns).all(|(new, old)| new.origins == old.origins);
    if same || now.len() != columns.len() {
        return columns.clone();
    }
    let named = |(new, old): (Derived, &Derived)| Derived {
        name: old.name.clone(),
        data_type: old.data_type.or(new.data_type),
        origins: new.origins,
    };
    now.into_iter().zip(&**columns).map(named).collect()
}

impl Cte {
    /// A query under a name.
    pub fn new(name: impl Into<Box<str>>, query: impl Into<Query>) -> Self {
        let query = query.into();
        let columns = query.outputs().into();
        let head = CteHead { id: next_id(), name: name.into(), recursive: false, columns };
        Self { head: Arc::new(head), body: Some(query) }
    }

    /// A recursive one: the rows of `base`, and those that `step` makes of the rows so far, to
    /// which it refers by the handle it is given. `UNION ALL` of both.
    pub fn recursive<Q: Into<Query>>(
        name: impl Into<Box<str>>,
        base: impl Into<Query>,
        step: impl FnOnce(&Cte) -> Q,
    ) -> Self {
        let base = base.into();
        let columns = base.outputs().into();
        let head = CteHead { id: next_id(), name: name.into(), recursive: true, columns };
        let itself = Self { head: Arc::new(head), body: None };
        let step = step(&itself).into();
        Self { body: Some(base.union_all(step).into()), ..itself }
    }

    /// Unique in the process among tables, aliases and common table expressions.
    pub fn id(&self) -> u32 {
        self.head.id
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// Whether it refers to itself.
    pub fn is_recursive(&self) -> bool {
        self.head.recursive
    }

    /// The query; `None` for the reference to itself within a recursive one.
    pub fn body(&self) -> Option<&Query> {
        self.body.as_ref()
    }

    pub(crate) fn derived(&self) -> &[Derived] {
        &self.head.columns
    }

    /// The same common table expression of another query with the same columns.
    pub(super) fn with(&self, body: Query) -> Self {
        let columns = seen_anew(&self.head.columns, &body);
        let head = match Arc::ptr_eq(&columns, &self.head.columns) {
            true => self.head.clone(),
            false => Arc::new(CteHead {
                id: self.head.id,
                name: self.head.name.clone(),
                recursive: self.head.recursive,
                columns,
            }),
        };
        Self { head, body: Some(body) }
    }
}

impl Source {
    /// Unique in the process.
    pub fn id(&self) -> u32 {
        match self {
            Self::Table(t) => t.id(),
            Self::Alias(a) => a.id(),
            Self::Cte(c) => c.id(),
        }
    }

    /// The table, of a table or an alias of one.
    pub fn table(&self) -> Option<&Table> {
        match self {
            Self::Table(t) => Some(t),
            Self::Alias(a) => match &a.0.of {
                Aliased::Table(t) => Some(t),
                _ => None,
            },
            Self::Cte(_) => None,
        }
    }

    fn derived(&self) -> &[Derived] {
        match self {
            Self::Table(_) => &[],
            Self::Alias(a) => a.derived(),
            Self::Cte(c) => c.derived(),
        }
    }

    /// How many columns it has.
    pub fn width(&self) -> u16 {
        self.table().map_or(self.derived().len(), |t| t.columns().len()) as u16
    }

    /// The name of a column.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column_name(&self, column: u16) -> &str {
        match self.table() {
            Some(t) => &t.columns()[usize::from(column)].name,
            None => &self.derived()[usize::from(column)].name,
        }
    }

    /// The type of a column, where it is known.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column_type(&self, column: u16) -> Option<DataType> {
        match self.table() {
            Some(t) => Some(t.columns()[usize::from(column)].data_type),
            None => self.derived()[usize::from(column)].data_type,
        }
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<u16> {
        match self.table() {
            Some(t) => t.column(name),
            None => self.derived().iter().position(|d| &*d.name == name).map(|i| i as u16),
        }
    }

    /// A name for messages.
    pub fn describe(&self) -> &str {
        match self {
            Self::Table(t) => t.full_name(),
            Self::Alias(a) => match (&a.0.name, &a.0.of) {
                (Some(name), _) => name,
                (None, Aliased::Table(t)) => t.full_name(),
                (None, Aliased::Cte(c)) => c.name(),
                (None, _) => "a derived table",
            },
            Self::Cte(c) => c.name(),
        }
    }

    /// The columns that a column shows, the nearest first; see [`Derived::origins`].
    pub fn origins(&self, column: u16) -> Vec<(u32, u16)> {
        match self {
            Self::Table(_) => Vec::new(),
            Self::Alias(a) => match &a.0.of {
                Aliased::Table(t) => vec![(t.id(), column)],
                Aliased::Cte(c) => {
                    let mut all = vec![(c.id(), column)];
                    all.extend_from_slice(&c.derived()[usize::from(column)].origins);
                    all
                }
                _ => a.derived()[usize::from(column)].origins.clone(),
            },
            Self::Cte(c) => c.derived()[usize::from(column)].origins.clone(),
        }
    }

    /// The position of the column that shows another one: the nearest, where several do.
    pub fn corresponding(&self, column: &ColumnRef) -> Option<u16> {
        let want = (column.source.id(), column.column);
        let distance = |i: u16| self.origins(i).iter().position(|o| *o == want).map(|d| (d, i));
        match self {
            Self::Table(_) => None,
            // An alias of a table has the columns of the table in their order.
            Self::Alias(a) if matches!(a.0.of, Aliased::Table(_)) => {
                (self.table()?.id() == want.0).then_some(want.1)
            }
            _ => (0..self.width()).filter_map(distance).min().map(|(_, i)| i),
        }
    }
}

/// What has columns: tables, aliases, common table expressions.
pub trait Selectable {
    /// Itself, as what columns belong to.
    fn to_source(&self) -> Source;

    /// Itself, as an item of FROM.
    fn to_from(&self) -> FromItem {
        FromItem::Source(self.to_source())
    }

    /// A column by its position.
    fn at<T>(&self, column: u16) -> Expr<T> {
        Expr::from_node(Node::Column(ColumnRef { source: self.to_source(), column }))
    }

    /// A column by its name.
    ///
    /// # Panics
    /// If there is no column of that name.
    #[track_caller]
    fn col<T>(&self, name: &str) -> Expr<T> {
        self.try_col(name).unwrap_or_else(|e| panic!("{e}"))
    }

    /// A column by its name.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is no column of that name.
    fn try_col<T>(&self, name: &str) -> Result<Expr<T>> {
        let source = self.to_source();
        let Some(column) = source.column(name) else { return Err(no_column(&source, name)) };
        Ok(Expr::from_node(Node::Column(ColumnRef { source, column })))
    }

    /// Itself under another name, which is made when the statement is rendered.
    fn alias(&self) -> Alias {
        Alias::new(aliased(self.to_source()))
    }

    /// Itself under another name.
    fn alias_as(&self, name: &str) -> Alias {
        Alias::named(name, aliased(self.to_source()))
    }
}

fn aliased(source: Source) -> Aliased {
    match source {
        Source::Table(t) => Aliased::Table(t),
        Source::Alias(a) => a.0.of.clone(),
        Source::Cte(c) => Aliased::Cte(c),
    }
}

#[cold]
fn no_column(source: &Source, name: &str) -> Error {
    let names = (0..source.width()).map(|i| source.column_name(i));
    let message =
        format!("`{}` has no column `{name}`{}", source.describe(), did_you_mean(name, names));
    Error::new(ErrorKind::Argument, message)
}

macro_rules! selectable {
    ($($t:ident),*) => {$(
        impl Selectable for $t {
            fn to_source(&self) -> Source {
                Source::$t(self.clone())
            }
        }

        impl From<$t> for Source {
            fn from(value: $t) -> Self {
                Self::$t(value)
            }
        }

        impl From<&$t> for Source {
            fn from(value: &$t) -> Self {
                Self::$t(value.clone())
            }
        }
    )*};
}

selectable!(Table, Alias, Cte);

impl Selectable for Source {
    fn to_source(&self) -> Source {
        self.clone()
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Source {}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.describe(), self.id())
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alias")
            .field("id", &self.0.id)
            .field("name", &self.0.name)
            .field("of", &self.0.of)
            .finish()
    }
}

impl fmt::Debug for Cte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cte").field("name", &self.head.name).field("body", &self.body).finish()
    }
}
