//! A table, and what builds one.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;

use super::{AutoIncrement, Check, Column, ForeignKey, Index, Unique};
use crate::{DataType, Error, ErrorKind, Result, did_you_mean};

/// An id for a table, alias or common table expression: unique in the process, never used again.
pub(crate) fn next_id() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A table: a cheap handle to columns and constraints that never change. Two handles are equal if
/// they are of the same table; a table of the same name that was built another time is another.
///
/// ```
/// use aludel_sql::{Column, Table};
///
/// let address = Table::build("address")
///     .column(Column::of::<i64>("id").primary_key())
///     .column(Column::of::<String>("email"))
///     .column(Column::of::<Option<i64>>("user_id").references("user_account.id"))
///     .finish()?;
/// assert_eq!(address.primary_key(), [0]);
/// assert_eq!(address.column("email"), Some(1));
/// assert_eq!(&*address.foreign_keys()[0].target_table, "user_account");
/// # Ok::<(), aludel_sql::Error>(())
/// ```
#[derive(Clone)]
pub struct Table(Arc<Inner>);

struct Inner {
    id: u32,
    name: Box<str>,
    schema: Option<Box<str>>,
    full_name: Box<str>,
    columns: Vec<Column>,
    by_name: HashMap<Box<str>, u16, foldhash::fast::RandomState>,
    primary_key: Vec<u16>,
    autoincrement: Option<u16>,
    foreign_keys: Vec<ForeignKey>,
    uniques: Vec<Unique>,
    checks: Vec<Check>,
    indexes: Vec<Index>,
    comment: Option<Box<str>>,
    is_view: bool,
}

impl Table {
    /// Begins a table.
    pub fn build(name: impl Into<Box<str>>) -> TableBuilder {
        TableBuilder {
            name: name.into(),
            schema: None,
            columns: Vec::new(),
            foreign_keys: Vec::new(),
            uniques: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            comment: None,
            is_view: false,
        }
    }

    /// Unique in the process, and never used again.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// The name, without the schema.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The name of the schema, if it has one.
    pub fn schema(&self) -> Option<&str> {
        self.0.schema.as_deref()
    }

    /// `schema.name`, or the name where there is no schema: what [`MetaData`](super::MetaData)
    /// and foreign keys know it by.
    pub fn full_name(&self) -> &str {
        &self.0.full_name
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.0.columns
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<u16> {
        self.0.by_name.get(name).copied()
    }

    /// The position of a column.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is none of the name; it says which one may be meant.
    pub fn position(&self, name: &str) -> Result<u16> {
        self.column(name).ok_or_else(|| {
            let near = did_you_mean(name, self.columns().iter().map(|c| &*c.name));
            let message = format!("table `{}` has no column `{name}`{near}", self.full_name());
            Error::new(ErrorKind::Argument, message)
        })
    }

    /// The positions of the primary key's columns.
    pub fn primary_key(&self) -> &[u16] {
        &self.0.primary_key
    }

    /// The column of the primary key that the database generates.
    pub fn autoincrement(&self) -> Option<u16> {
        self.0.autoincrement
    }

    /// The foreign keys.
    pub fn foreign_keys(&self) -> &[ForeignKey] {
        &self.0.foreign_keys
    }

    /// The unique constraints; those of single columns are here, too.
    pub fn uniques(&self) -> &[Unique] {
        &self.0.uniques
    }

    /// The check constraints.
    pub fn checks(&self) -> &[Check] {
        &self.0.checks
    }

    /// The indexes; those of single columns are here, too.
    pub fn indexes(&self) -> &[Index] {
        &self.0.indexes
    }

    /// Whether it is a view, which is neither created nor dropped.
    pub fn is_view(&self) -> bool {
        self.0.is_view
    }

    /// The comment.
    pub fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// Begins a table of another name with the same columns, constraints and indexes: SQLAlchemy's `to_metadata`. What
    /// constraints and indexes are called is left to the new table, and what refers to the table itself refers to the
    /// new one.
    ///
    /// ```
    /// use aludel_sql::{Column, Table};
    ///
    /// let log = Table::build("log").column(Column::of::<i64>("id").primary_key());
    /// let log = log.column(Column::of::<String>("line").index()).finish()?;
    /// let old = log.copy_as("log_2025").finish()?;
    /// assert_eq!(&*old.indexes()[0].name, "ix_log_2025_line");
    /// # Ok::<(), aludel_sql::Error>(())
    /// ```
    pub fn copy_as(&self, name: impl Into<Box<str>>) -> TableBuilder {
        let table = &*self.0;
        let mut copy = Self::build(name);
        (copy.schema, copy.comment) = (table.schema.clone(), table.comment.clone());
        (copy.columns, copy.is_view) = (table.columns.clone(), table.is_view);
        // What columns say of themselves becomes a constraint again.
        let says = |names: &[Box<str>], unique: bool, index: bool| {
            let [name] = names else { return false };
            let column = table.columns.iter().find(|c| c.name == *name);
            column.is_some_and(|c| (c.unique, c.index) == (unique, index))
        };
        for unique in table.uniques.iter().filter(|u| !says(&u.column_names, true, false)) {
            copy.uniques.push(Unique { name: None, ..unique.clone() });
        }
        for index in table.indexes.iter().filter(|i| !says(&i.column_names, i.unique, true)) {
            copy.indexes.push(Index { name: "".into(), ..index.clone() });
        }
        copy.checks.extend(table.checks.iter().map(|check| Check { name: None, ..check.clone() }));
        for key in &table.foreign_keys {
            let mut key = ForeignKey { name: None, ..key.clone() };
            if key.use_alter {
                key.name = Some(format!("fk_{}_{}", copy.name, key.column_names.join("_")).into());
            }
            if key.target_table == table.full_name {
                key.target_table = match &copy.schema {
                    Some(schema) => format!("{schema}.{}", copy.name).into(),
                    None => copy.name.clone(),
                };
            }
            copy.foreign_keys.push(key);
        }
        copy
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Table {}

impl Hash for Table {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({}#{})", self.0.full_name, self.0.id)
    }
}

/// Builds a [`Table`]; begun by [`Table::build`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TableBuilder {
    name: Box<str>,
    schema: Option<Box<str>>,
    columns: Vec<Column>,
    foreign_keys: Vec<ForeignKey>,
    uniques: Vec<Unique>,
    checks: Vec<Check>,
    indexes: Vec<Index>,
    comment: Option<Box<str>>,
    is_view: bool,
}

impl TableBuilder {
    /// Puts it into a schema.
    pub fn schema(mut self, schema: impl Into<Box<str>>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Adds a column.
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Adds columns.
    pub fn columns(mut self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.columns.extend(columns);
        self
    }

    /// Adds a foreign key.
    pub fn foreign_key(mut self, key: ForeignKey) -> Self {
        self.foreign_keys.push(key);
        self
    }

    /// Adds a unique constraint.
    pub fn unique(mut self, unique: Unique) -> Self {
        self.uniques.push(unique);
        self
    }

    /// Adds a check constraint.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds an index.
    pub fn index(mut self, index: Index) -> Self {
        self.indexes.push(index);
        self
    }

    /// A comment.
    pub fn comment(mut self, comment: impl Into<Box<str>>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// It is a view, or something else that is there by other means: [`MetaData::create_all`](super::MetaData::create_all)
    /// and its kin leave it alone. A column may say that it is the primary key, which a view has not.
    pub fn view(mut self) -> Self {
        self.is_view = true;
        self
    }

    /// The table.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], naming all that is wrong at once: no name, a column twice, a
    /// constraint on a column that does not exist, a foreign key with unequal numbers of columns
    /// or without a target.
    pub fn finish(mut self) -> Result<Table> {
        let mut wrong = Vec::new();
        if self.name.is_empty() {
            wrong.push("it has no name".to_owned());
        }
        if self.columns.len() > usize::from(u16::MAX) {
            wrong.push(format!("it has {} columns", self.columns.len()));
            self.columns.truncate(usize::from(u16::MAX));
        }
        let mut by_name = HashMap::default();
        for (i, column) in self.columns.iter().enumerate() {
            if by_name.insert(column.name.clone(), i as u16).is_some() {
                wrong.push(format!("it has two columns `{}`", column.name));
            }
        }
        self.gather();
        let resolve = |names: &[Box<str>], of: &str, wrong: &mut Vec<String>| -> Vec<u16> {
            if names.is_empty() {
                wrong.push(format!("{of} has no columns"));
            }
            let find = |name: &str, wrong: &mut Vec<String>| {
                let found = by_name.get(name).copied();
                if found.is_none() {
                    let near = did_you_mean(name, self.columns.iter().map(|c| &*c.name));
                    wrong.push(format!("{of} is on a column `{name}` that it does not have{near}"));
                }
                found
            };
            names.iter().filter_map(|name| find(name, wrong)).collect()
        };
        for key in &mut self.foreign_keys {
            let of = format!("its foreign key to `{}`", key.target_table);
            key.columns = resolve(&key.column_names, &of, &mut wrong);
            if key.column_names.len() != key.target_columns.len() {
                let (a, b) = (key.column_names.len(), key.target_columns.len());
                wrong.push(format!("{of} has {a} columns that refer to {b}"));
            }
            if key.target_table.is_empty() || key.target_columns.iter().any(|c| c.is_empty()) {
                wrong.push(format!("{of} names no column: write `table.column`"));
            }
        }
        for unique in &mut self.uniques {
            unique.columns = resolve(&unique.column_names, "its unique constraint", &mut wrong);
        }
        for index in &mut self.indexes {
            index.columns = resolve(&index.column_names, "its index", &mut wrong);
            if index.name.is_empty() {
                index.name = format!("ix_{}_{}", self.name, index.column_names.join("_")).into();
            }
        }
        if !wrong.is_empty() {
            let message = format!("table `{}` cannot be built: {}", self.name, wrong.join("; "));
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let primary_key: Vec<u16> = (0..self.columns.len() as u16)
            .filter(|&i| self.columns[usize::from(i)].primary_key)
            .collect();
        let full_name = match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name).into(),
            None => self.name.clone(),
        };
        Ok(Table(Arc::new(Inner {
            id: next_id(),
            full_name,
            autoincrement: self.generated(&primary_key),
            primary_key,
            by_name,
            name: self.name,
            schema: self.schema,
            columns: self.columns,
            foreign_keys: self.foreign_keys,
            uniques: self.uniques,
            checks: self.checks,
            indexes: self.indexes,
            comment: self.comment,
            is_view: self.is_view,
        })))
    }

    /// Makes constraints of what single columns say of themselves.
    fn gather(&mut self) {
        for column in &mut self.columns {
            self.foreign_keys.append(&mut column.references);
            match (column.unique, column.index) {
                (true, true) => self.indexes.push(Index::on([&*column.name]).unique()),
                (true, false) => self.uniques.push(Unique::on([&*column.name])),
                (false, true) => self.indexes.push(Index::on([&*column.name])),
                (false, false) => {}
            }
        }
    }

    fn generated(&self, primary_key: &[u16]) -> Option<u16> {
        let column = |i: u16| &self.columns[usize::from(i)];
        let is_integer = |i: u16| {
            let t = column(i).data_type;
            matches!(t, DataType::SmallInt | DataType::Integer | DataType::BigInt)
        };
        let always = |i: &u16| column(*i).autoincrement == AutoIncrement::Always;
        if let Some(i) = primary_key.iter().copied().find(always) {
            return Some(i);
        }
        let &[only] = primary_key else { return None };
        let c = column(only);
        (c.autoincrement == AutoIncrement::Auto
            && is_integer(only)
            && c.client_default.is_none()
            && !c.has_server_value()
            && !self.foreign_keys.iter().any(|k| k.columns.contains(&only)))
        .then_some(only)
    }
}
