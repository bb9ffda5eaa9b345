//! Unique and check constraints, and indexes.

/// Columns that are unique together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unique {
    /// The constraint's name, if it was given one.
    pub name: Option<Box<str>>,
    /// The columns, by position.
    pub columns: Vec<u16>,
    pub(crate) column_names: Vec<Box<str>>,
}

impl Unique {
    /// Columns that are unique together.
    pub fn on<S: Into<Box<str>>>(columns: impl IntoIterator<Item = S>) -> Self {
        let column_names = columns.into_iter().map(Into::into).collect();
        Self { name: None, columns: Vec::new(), column_names }
    }

    /// Names the constraint.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// A condition that every row must meet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The constraint's name, if it was given one.
    pub name: Option<Box<str>>,
    /// The condition, as SQL.
    pub sql: Box<str>,
}

impl Check {
    /// A condition, as SQL. It goes into DDL as it is.
    pub fn new(sql: impl Into<Box<str>>) -> Self {
        Self { name: None, sql: sql.into() }
    }

    /// Names the constraint.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// The name; `ix_<table>_<columns>` where none was given.
    pub name: Box<str>,
    /// The columns, by position.
    pub columns: Vec<u16>,
    /// Whether the columns are unique together.
    pub unique: bool,
    /// The condition of a partial index, as SQL.
    pub filter: Option<Box<str>>,
    pub(crate) column_names: Vec<Box<str>>,
}

impl Index {
    /// An index on columns.
    pub fn on<S: Into<Box<str>>>(columns: impl IntoIterator<Item = S>) -> Self {
        let column_names = columns.into_iter().map(Into::into).collect();
        Self { name: "".into(), columns: Vec::new(), unique: false, filter: None, column_names }
    }

    /// Names it.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The columns are unique together.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Only rows that meet a condition, as SQL. MySQL has no such indexes: there the index is of
    /// all rows, unless it is unique, which is an error.
    #[must_use]
    pub fn filter(mut self, sql: impl Into<Box<str>>) -> Self {
        self.filter = Some(sql.into());
        self
    }
}
