//! Foreign keys.

use super::Table;

/// What the database does with a row whose target is deleted, or whose target's key changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The same to the row.
    Cascade,
    /// Sets the columns to NULL.
    SetNull,
    /// Sets the columns to their defaults.
    SetDefault,
    /// Refuses, at once.
    Restrict,
    /// Refuses, where the constraint is checked.
    NoAction,
}

impl Action {
    /// As SQL has it.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
            Self::Restrict => "RESTRICT",
            Self::NoAction => "NO ACTION",
        }
    }
}

/// A foreign key of one or several columns, to a table that is known by name only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignKey {
    /// The constraint's name, if it was given one.
    pub name: Option<Box<str>>,
    /// The columns of this table, by position.
    pub columns: Vec<u16>,
    /// The columns of this table, by name.
    pub column_names: Vec<Box<str>>,
    /// The table that is referred to: its name, or `schema.name`.
    pub target_table: Box<str>,
    /// The columns that are referred to, in the order of `columns`.
    pub target_columns: Vec<Box<str>>,
    /// What happens when the target is deleted.
    pub on_delete: Option<Action>,
    /// What happens when the target's key changes.
    pub on_update: Option<Action>,
    /// Whether the check may be put off to the end of the transaction.
    pub deferrable: bool,
    /// Whether it is put off unless the transaction says otherwise.
    pub initially_deferred: bool,
    /// Made by ALTER TABLE when all tables are there, and not counted in their order.
    pub use_alter: bool,
}

impl ForeignKey {
    /// A foreign key from columns of the table that is being built to those of another.
    pub fn new<A: Into<Box<str>>, B: Into<Box<str>>>(
        columns: impl IntoIterator<Item = A>,
        target_table: impl Into<Box<str>>,
        target_columns: impl IntoIterator<Item = B>,
    ) -> Self {
        Self {
            name: None,
            columns: Vec::new(),
            column_names: columns.into_iter().map(Into::into).collect(),
            target_table: target_table.into(),
            target_columns: target_columns.into_iter().map(Into::into).collect(),
            on_delete: None,
            on_update: None,
            deferrable: false,
            initially_deferred: false,
            use_alter: false,
        }
    }

    /// Names the constraint.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What happens when the target is deleted.
    #[must_use]
    pub fn on_delete(mut self, action: Action) -> Self {
        self.on_delete = Some(action);
        self
    }

    /// What happens when the target's key changes.
    #[must_use]
    pub fn on_update(mut self, action: Action) -> Self {
        self.on_update = Some(action);
        self
    }

    /// The check may be put off to the end of the transaction.
    #[must_use]
    pub fn deferrable(mut self) -> Self {
        self.deferrable = true;
        self
    }

    /// The check is put off to the end of the transaction.
    #[must_use]
    pub fn initially_deferred(mut self) -> Self {
        self.deferrable = true;
        self.initially_deferred = true;
        self
    }

    /// Made by ALTER TABLE when all tables are there.
    #[must_use]
    pub fn use_alter(mut self) -> Self {
        self.use_alter = true;
        self
    }

    /// Whether it refers to this table.
    pub fn refers_to(&self, table: &Table) -> bool {
        *self.target_table == *table.full_name()
    }

    /// The positions of the target's columns in a table that it refers to; `None` where it does
    /// not refer to it, or where the table lacks one of them.
    pub fn target_positions(&self, table: &Table) -> Option<Vec<u16>> {
        if !self.refers_to(table) {
            return None;
        }
        self.target_columns.iter().map(|name| table.column(name)).collect()
    }
}
