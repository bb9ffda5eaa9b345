//! A column of a table.

use std::fmt;
use std::sync::Arc;

use super::{Action, ForeignKey};
use crate::{ColumnType, DataType, Value};

/// Whether the database generates a primary key column's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoIncrement {
    /// A single integer primary key without a foreign key and without a default is generated.
    #[default]
    Auto,
    /// It is generated, also as one of several columns of the key.
    Always,
    /// It is not.
    Never,
}

/// A value that the program gives a column where none was set.
#[derive(Clone)]
pub enum ClientDefault {
    /// Always this one.
    Value(Value),
    /// A new one for every row.
    Call(Arc<dyn Fn() -> Value + Send + Sync>),
}

impl ClientDefault {
    /// The value for a row.
    pub fn value(&self) -> Value {
        match self {
            Self::Value(v) => v.clone(),
            Self::Call(f) => f(),
        }
    }
}

impl fmt::Debug for ClientDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(v) => write!(f, "Value({v:?})"),
            Self::Call(_) => f.write_str("Call(..)"),
        }
    }
}

/// A value that the database gives a column where the INSERT has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerDefault {
    /// An SQL expression for DDL, such as `CURRENT_TIMESTAMP`.
    Sql(Box<str>),
    /// Whatever the database does (a trigger): nothing for DDL.
    Fetched,
}

/// A column that the database computes from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The SQL expression.
    pub sql: Box<str>,
    /// Whether the value is stored, rather than computed when it is read.
    pub stored: bool,
}

/// A column: its fields are set by the methods of the same names.
///
/// ```
/// use aludel_sql::{Column, DataType};
///
/// let id = Column::new("id", DataType::BigInt).primary_key();
/// let email = Column::of::<Option<String>>("email").unique();
/// assert!(!id.nullable && email.nullable);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Column {
    /// The name.
    pub name: Box<str>,
    /// The type.
    pub data_type: DataType,
    /// Whether it may be NULL. True unless the column says otherwise or is of the primary key.
    pub nullable: bool,
    /// Whether it belongs to the primary key.
    pub primary_key: bool,
    /// Whether the database generates it.
    pub autoincrement: AutoIncrement,
    /// What the program gives on INSERT where nothing was set.
    pub client_default: Option<ClientDefault>,
    /// What the program gives on UPDATE where nothing was set.
    pub on_update: Option<ClientDefault>,
    /// What the database gives on INSERT.
    pub server_default: Option<ServerDefault>,
    /// The database gives another value on UPDATE.
    pub server_on_update: bool,
    /// The database computes it; it is never written.
    pub computed: Option<Computed>,
    /// Every table has it, as PostgreSQL's `xmin`: it is neither created nor written.
    pub system: bool,
    /// It is unique by itself.
    pub unique: bool,
    /// It has an index by itself.
    pub index: bool,
    /// A comment for DDL, where the database keeps one.
    pub comment: Option<Box<str>>,
    pub(crate) references: Vec<ForeignKey>,
}

impl Column {
    /// A column that may be NULL.
    pub fn new(name: impl Into<Box<str>>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable: true,
            primary_key: false,
            autoincrement: AutoIncrement::Auto,
            client_default: None,
            on_update: None,
            server_default: None,
            server_on_update: false,
            computed: None,
            system: false,
            unique: false,
            index: false,
            comment: None,
            references: Vec::new(),
        }
    }

    /// A column for values of a Rust type; it may be NULL if the type is an `Option`.
    pub fn of<T: ColumnType>(name: impl Into<Box<str>>) -> Self {
        Self { nullable: T::NULLABLE, ..Self::new(name, T::TYPE) }
    }

    /// It belongs to the primary key, and may not be NULL.
    #[must_use]
    pub fn primary_key(mut self) -> Self {
        self.primary_key = true;
        self.nullable = false;
        self
    }

    /// It may not be NULL.
    #[must_use]
    pub fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// It may be NULL.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Whether the database generates it.
    #[must_use]
    pub fn autoincrement(mut self, how: AutoIncrement) -> Self {
        self.autoincrement = how;
        self
    }

    /// A value for every row in which none was set.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.client_default = Some(ClientDefault::Value(value.into()));
        self
    }

    /// A function that makes a value for each row in which none was set.
    #[must_use]
    pub fn default_with(mut self, make: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        self.client_default = Some(ClientDefault::Call(Arc::new(make)));
        self
    }

    /// A value for every UPDATE in which none was set.
    #[must_use]
    pub fn on_update(mut self, value: impl Into<Value>) -> Self {
        self.on_update = Some(ClientDefault::Value(value.into()));
        self
    }

    /// A function that makes a value for each UPDATE in which none was set.
    #[must_use]
    pub fn on_update_with(mut self, make: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        self.on_update = Some(ClientDefault::Call(Arc::new(make)));
        self
    }

    /// The database's default, as SQL: `0`, `'new'`, `CURRENT_TIMESTAMP`. It goes into DDL as it is.
    #[must_use]
    pub fn server_default(mut self, sql: impl Into<Box<str>>) -> Self {
        self.server_default = Some(ServerDefault::Sql(sql.into()));
        self
    }

    /// The database gives a value on INSERT by means of its own, such as a trigger.
    #[must_use]
    pub fn server_generated(mut self) -> Self {
        self.server_default = Some(ServerDefault::Fetched);
        self
    }

    /// The database gives another value on every UPDATE by means of its own, such as a trigger.
    #[must_use]
    pub fn server_on_update(mut self) -> Self {
        self.server_on_update = true;
        self
    }

    /// The database computes it from other columns by an SQL expression, and stores the result.
    #[must_use]
    pub fn computed(mut self, sql: impl Into<Box<str>>) -> Self {
        self.computed = Some(Computed { sql: sql.into(), stored: true });
        self
    }

    /// The database computes it from other columns whenever it is read.
    #[must_use]
    pub fn computed_virtual(mut self, sql: impl Into<Box<str>>) -> Self {
        self.computed = Some(Computed { sql: sql.into(), stored: false });
        self
    }

    /// Every table has it without its being created, such as PostgreSQL's `xmin`; the database gives it with every
    /// INSERT and UPDATE.
    #[must_use]
    pub fn system(mut self) -> Self {
        self.system = true;
        self.server_on_update = true;
        self
    }

    /// It is unique by itself.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// It has an index by itself.
    #[must_use]
    pub fn index(mut self) -> Self {
        self.index = true;
        self
    }

    /// A comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<Box<str>>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// A foreign key to `table.column` (or `schema.table.column`). A target without a point is an
    /// error when the table is finished.
    #[must_use]
    pub fn references(mut self, target: &str) -> Self {
        let (table, column) = target.rsplit_once('.').unwrap_or((target, ""));
        self.references.push(ForeignKey::new([&*self.name], table, [column]));
        self
    }

    /// As [`references`](Self::references), with an action when the target is deleted.
    #[must_use]
    pub fn references_on_delete(self, target: &str, action: Action) -> Self {
        let mut column = self.references(target);
        if let Some(key) = column.references.last_mut() {
            key.on_delete = Some(action);
        }
        column
    }

    /// Whether the database may give a value on INSERT that the program does not know.
    pub fn has_server_value(&self) -> bool {
        self.server_default.is_some() || self.is_read_only()
    }

    /// Whether the program never writes it: it is computed, or of the system.
    pub fn is_read_only(&self) -> bool {
        self.computed.is_some() || self.system
    }
}
