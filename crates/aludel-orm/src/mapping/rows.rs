//! What a mapping says of how its rows are written and found: options of SQLAlchemy's `mapper()`.

use aludel_sql::Bind;

use super::builder::MapperBuilder;
use super::mapper::Mapper;
use crate::session::identity::Key;

/// When the flush learns what the database has made of a row (defaults of the server, computed columns, what triggers
/// write): SQLAlchemy's `eager_defaults`.
///
/// Keys and [versions](super::VersionGenerator) are always learned. What is not is expired, so that it is read when it
/// is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EagerDefaults {
    /// What comes back with the INSERT or UPDATE itself (`RETURNING`). That is everything, but for what triggers write
    /// on SQLite, whose `RETURNING` does not see them.
    #[default]
    Auto,
    /// All of it: what does not come back with the statement is read right after it.
    Always,
    /// None of it.
    Never,
}

/// What was said by hand; the rest is as the base class has it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SaidOfRows {
    eager_defaults: Option<EagerDefaults>,
    confirm_deleted_rows: Option<bool>,
    batch: Option<bool>,
    allow_partial_pks: Option<bool>,
}

/// How the rows of a class are written and found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowOptions {
    pub(crate) eager_defaults: EagerDefaults,
    pub(crate) confirm_deleted_rows: bool,
    pub(crate) batch: bool,
    pub(crate) allow_partial_pks: bool,
}

impl Default for RowOptions {
    fn default() -> Self {
        Self {
            eager_defaults: EagerDefaults::Auto,
            confirm_deleted_rows: true,
            batch: true,
            allow_partial_pks: true,
        }
    }
}

impl SaidOfRows {
    /// What was said, over what the base class has.
    pub(super) fn over(self, base: RowOptions) -> RowOptions {
        RowOptions {
            eager_defaults: self.eager_defaults.unwrap_or(base.eager_defaults),
            confirm_deleted_rows: self.confirm_deleted_rows.unwrap_or(base.confirm_deleted_rows),
            batch: self.batch.unwrap_or(base.batch),
            allow_partial_pks: self.allow_partial_pks.unwrap_or(base.allow_partial_pks),
        }
    }
}

impl MapperBuilder {
    /// When the flush learns what the database has made of a row: SQLAlchemy's `eager_defaults`.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// use aludel_orm::mapping::EagerDefaults;
    ///
    /// # fn example(registry: &Registry, users: aludel_sql::Table) -> Result<()> {
    /// registry.map::<User>().table(users).eager_defaults(EagerDefaults::Never).finish()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn eager_defaults(&mut self, when: EagerDefaults) -> &mut Self {
        self.said.rows.eager_defaults = Some(when);
        self
    }

    /// Whether a DELETE must find all its rows (it must, unless this says otherwise): SQLAlchemy's
    /// `confirm_deleted_rows`. One that does not is an error where the class has versions, and else a warning to the
    /// engine's [observers](aludel_engine::Observer::warn).
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(registry: &Registry, users: aludel_sql::Table) -> Result<()> {
    /// // Rows go with those that they refer to: ON DELETE CASCADE.
    /// registry.map::<User>().table(users).confirm_deleted_rows(false).finish()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn confirm_deleted_rows(&mut self, confirm: bool) -> &mut Self {
        self.said.rows.confirm_deleted_rows = Some(confirm);
        self
    }

    /// Whether objects are saved together (they are, unless this says otherwise): SQLAlchemy's `batch`. Where they are
    /// not, the events before an INSERT or UPDATE, the statement, and the events after it come for one object after
    /// the other: new objects in the order in which they were added, then those that have rows, by key.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(registry: &Registry, users: aludel_sql::Table) -> Result<()> {
    /// registry.map::<User>().table(users).batch(false).finish()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch(&mut self, batch: bool) -> &mut Self {
        self.said.rows.batch = Some(batch);
        self
    }

    /// Whether a row is an object of the class when a part of its key, of several columns, is NULL (it is, unless this
    /// says otherwise): SQLAlchemy's `allow_partial_pks`. That is so of an outer join which found nothing; the field
    /// must be able to hold it, an `Option`. A row whose whole key is NULL is never an object.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(registry: &Registry, users: aludel_sql::Table) -> Result<()> {
    /// registry.map::<User>().table(users).allow_partial_pks(false).finish()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_partial_pks(&mut self, allow: bool) -> &mut Self {
        self.said.rows.allow_partial_pks = Some(allow);
        self
    }
}

impl Mapper {
    /// When the flush learns what the database has made of a row: SQLAlchemy's `mapper.eager_defaults`.
    pub fn eager_defaults(&self) -> EagerDefaults {
        self.rows.eager_defaults
    }

    /// Whether a DELETE must find all its rows: SQLAlchemy's `mapper.confirm_deleted_rows`.
    pub fn confirm_deleted_rows(&self) -> bool {
        self.rows.confirm_deleted_rows
    }

    /// Whether objects are saved together: SQLAlchemy's `mapper.batch`.
    pub fn batch(&self) -> bool {
        self.rows.batch
    }

    /// Whether a row is an object when a part of its key is NULL: SQLAlchemy's `mapper.allow_partial_pks`.
    pub fn allow_partial_pks(&self) -> bool {
        self.rows.allow_partial_pks
    }

    /// The key of some values; `None` where a part of it is NULL that must not be, or all of it is.
    #[inline]
    pub(crate) fn key_of(&self, values: &[Bind<'_>]) -> Option<Key> {
        Key::from_values(values, self.nullable_key)
    }
}
