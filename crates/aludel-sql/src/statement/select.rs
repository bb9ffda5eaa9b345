//! SELECT.

use crate::Result;
use crate::expr::{IntoExpr, IntoNodes};
use crate::tree::{FromItem, Node, Rewriter, Source, Walk};

/// A SELECT. Its parts are plain data; the methods of the same names add to them.
///
/// FROM is made of what `from` says and of every table of which a column stands in the result or
/// in WHERE, unless it is in `from` already. In a subquery, tables of the enclosing statement are
/// left out (they are *correlated*) as long as something is left.
///
/// ```
/// use aludel_sql::{Column, Dialect, Expression, Selectable, Statement, Table, select};
///
/// let user = Table::build("user")
///     .column(Column::of::<i64>("id").primary_key())
///     .column(Column::of::<String>("name"))
///     .finish()?;
/// let query = select((user.col::<i64>("id"), user.col::<String>("name")))
///     .filter(user.col::<String>("name").starts_with("s"))
///     .order_by(user.col::<i64>("id").desc())
///     .limit(10);
/// let compiled = Statement::from(query).render(&Dialect::sqlite())?;
/// assert_eq!(
///     &*compiled.sql,
///     r#"SELECT "user"."id", "user"."name" FROM "user" WHERE "user"."name" LIKE ?1 ESCAPE '/' ORDER BY "user"."id" DESC LIMIT ?2"#
/// );
/// # Ok::<(), aludel_sql::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Select {
    /// The result.
    pub columns: Vec<Node>,
    /// FROM, as far as it is given.
    pub from: Vec<FromItem>,
    /// WHERE: all must hold.
    pub filter: Vec<Node>,
    /// GROUP BY.
    pub group_by: Vec<Node>,
    /// HAVING: all must hold.
    pub having: Vec<Node>,
    /// ORDER BY.
    pub order_by: Vec<Node>,
    /// LIMIT.
    pub limit: Option<Node>,
    /// OFFSET.
    pub offset: Option<Node>,
    /// DISTINCT.
    pub distinct: Distinct,
    /// FOR UPDATE and its relatives.
    pub lock: Option<Lock>,
    /// What is left out of FROM since the enclosing statement has it.
    pub correlate: Correlate,
    /// Nodes of a layer above that say how the statement is to be rewritten. They are in its key
    /// and are rewritten with it, but are not rendered.
    pub carried: Vec<Node>,
}

/// Which rows are left out since they are there already.
#[derive(Clone, Debug, Default)]
pub enum Distinct {
    /// None.
    #[default]
    No,
    /// Those that are equal to another.
    Rows,
    /// Those in which these are equal to another's: PostgreSQL's DISTINCT ON.
    On(Vec<Node>),
}

/// Locking of the rows that are read.
#[derive(Clone, Debug)]
pub struct Lock {
    /// How strong it is.
    pub strength: LockStrength,
    /// What happens where another transaction has them.
    pub wait: LockWait,
    /// Whose rows are locked; all, if empty.
    pub of: Vec<Source>,
}

/// How strong a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockStrength {
    /// `FOR UPDATE`.
    Update,
    /// `FOR NO KEY UPDATE`: others may refer to the row meanwhile. Where a database does not have it, it is
    /// `FOR UPDATE`.
    NoKeyUpdate,
    /// `FOR SHARE`.
    Share,
    /// `FOR KEY SHARE`: the row stays, and keeps its key. Where a database does not have it, it is `FOR SHARE`.
    KeyShare,
}

impl Lock {
    const fn new(strength: LockStrength) -> Self {
        Self { strength, wait: LockWait::Wait, of: Vec::new() }
    }

    /// `FOR UPDATE`.
    pub const fn update() -> Self {
        Self::new(LockStrength::Update)
    }

    /// `FOR NO KEY UPDATE`.
    pub const fn no_key_update() -> Self {
        Self::new(LockStrength::NoKeyUpdate)
    }

    /// `FOR SHARE`.
    pub const fn share() -> Self {
        Self::new(LockStrength::Share)
    }

    /// `FOR KEY SHARE`.
    pub const fn key_share() -> Self {
        Self::new(LockStrength::KeyShare)
    }

    /// It is an error where another transaction has the lock.
    #[must_use]
    pub fn nowait(self) -> Self {
        Self { wait: LockWait::NoWait, ..self }
    }

    /// Rows that another transaction has locked are left out.
    #[must_use]
    pub fn skip_locked(self) -> Self {
        Self { wait: LockWait::SkipLocked, ..self }
    }
}

/// What happens where another transaction has the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockWait {
    /// It is waited for.
    Wait,
    /// It is an error.
    NoWait,
    /// The row is left out.
    SkipLocked,
}

/// What a subquery leaves out of its FROM since the enclosing statement has it.
#[derive(Clone, Debug, Default)]
pub enum Correlate {
    /// What the next enclosing statement has in its FROM, if something else is left.
    #[default]
    Auto,
    /// These, if an enclosing statement has them.
    Only(Vec<Source>),
    /// All that an enclosing statement has but these.
    Except(Vec<Source>),
}

/// A SELECT of columns.
pub fn select(columns: impl IntoNodes) -> Select {
    Select { columns: columns.into_nodes(), ..Select::default() }
}

impl Select {
    /// A SELECT of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds columns to the result.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoNodes) -> Self {
        self.columns.extend(columns.into_nodes());
        self
    }

    /// Adds an item to FROM.
    #[must_use]
    pub fn from(mut self, item: impl Into<FromItem>) -> Self {
        self.from.push(item.into());
        self
    }

    /// Adds a condition to WHERE.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.filter.push(condition.into_node());
        self
    }

    /// Adds to GROUP BY.
    #[must_use]
    pub fn group_by(mut self, by: impl IntoNodes) -> Self {
        self.group_by.extend(by.into_nodes());
        self
    }

    /// Adds a condition to HAVING.
    #[must_use]
    pub fn having(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.having.push(condition.into_node());
        self
    }

    /// Adds to ORDER BY.
    #[must_use]
    pub fn order_by(mut self, by: impl IntoNodes) -> Self {
        self.order_by.extend(by.into_nodes());
        self
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: impl IntoExpr<i64>) -> Self {
        self.limit = Some(rows.into_node());
        self
    }

    /// Without the first rows.
    #[must_use]
    pub fn offset(mut self, rows: impl IntoExpr<i64>) -> Self {
        self.offset = Some(rows.into_node());
        self
    }

    /// Without rows that are equal to another.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.distinct = Distinct::Rows;
        self
    }

    /// The first row of those in which these are equal: PostgreSQL only.
    #[must_use]
    pub fn distinct_on(mut self, by: impl IntoNodes) -> Self {
        self.distinct = Distinct::On(by.into_nodes());
        self
    }

    /// Locks the rows for writing. SQLite locks as a whole: there it says nothing.
    #[must_use]
    pub fn for_update(self) -> Self {
        self.lock(Lock::update())
    }

    /// Locks the rows.
    #[must_use]
    pub fn lock(mut self, lock: Lock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Leaves these out of FROM where an enclosing statement has them, and nothing else.
    #[must_use]
    pub fn correlate<S: Into<Source>>(mut self, sources: impl IntoIterator<Item = S>) -> Self {
        self.correlate = Correlate::Only(sources.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves out of FROM all that an enclosing statement has, but these.
    #[must_use]
    pub fn correlate_except<S: Into<Source>>(
        mut self,
        sources: impl IntoIterator<Item = S>,
    ) -> Self {
        self.correlate = Correlate::Except(sources.into_iter().map(Into::into).collect());
        self
    }

    /// Carries a node for a layer above; see [`carried`](Self::carried).
    #[must_use]
    pub fn carry(mut self, node: Node) -> Self {
        self.carried.push(node);
        self
    }

    /// The statement with its nodes rewritten; see [`Rewriter`].
    ///
    /// # Errors
    /// Those of the rewriter.
    pub fn rewrite(&self, rewriter: &mut dyn Rewriter) -> Result<Self> {
        Walk::new(rewriter).select(self)
    }

    /// As [`rewrite`](Self::rewrite), without asking the rewriter for this SELECT itself: for a
    /// rewriter's own [`select`](Rewriter::select), to go on with the parts.
    ///
    /// # Errors
    /// Those of the rewriter.
    pub fn rewrite_parts(&self, rewriter: &mut dyn Rewriter) -> Result<Self> {
        Walk::new(rewriter).select_parts(self)
    }
}
