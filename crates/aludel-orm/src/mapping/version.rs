//! What makes the versions of rows.

use std::fmt;
use std::sync::Arc;

use aludel_sql::Value;

use crate::instrumentation::VersionDef;

/// What makes the versions by which a flush finds out that somebody else has changed a row: SQLAlchemy's
/// `version_id_generator`.
#[derive(Clone, Default)]
pub enum VersionGenerator {
    /// Integers, counted from one.
    #[default]
    Counter,
    /// A function of the old version, which is `None` for a new row. A version must not come again.
    Call(Arc<NextVersion>),
    /// The database, by a default, a trigger or a system column such as PostgreSQL's `xmin`; or the program, by setting
    /// the attribute. What the database made is read back with each INSERT and UPDATE.
    Database,
}

/// The version after another.
type NextVersion = dyn Fn(Option<&Value>) -> Value + Send + Sync;

impl VersionGenerator {
    /// A function of the old version, which is `None` for a new row.
    pub fn call(make: impl Fn(Option<&Value>) -> Value + Send + Sync + 'static) -> Self {
        Self::Call(Arc::new(make))
    }

    /// The version after another; `None` where the database makes it, and an error where nothing counts on from there.
    pub(crate) fn next(&self, old: Option<&Value>) -> Result<Option<Value>, NoCounter> {
        match (self, old) {
            (Self::Database, _) => Ok(None),
            (Self::Call(make), old) => Ok(Some(make(old))),
            (Self::Counter, Some(Value::I64(n))) => Ok(Some(Value::I64(n.wrapping_add(1)))),
            (Self::Counter, None | Some(Value::Null)) => Ok(Some(Value::I64(1))),
            (Self::Counter, Some(_)) => Err(NoCounter),
        }
    }

    pub(crate) fn is_database(&self) -> bool {
        matches!(self, Self::Database)
    }
}

/// The version is no integer.
#[derive(Debug)]
pub(crate) struct NoCounter;

impl From<VersionDef> for VersionGenerator {
    fn from(def: VersionDef) -> Self {
        match def {
            VersionDef::Call(make) => Self::call(make),
            VersionDef::Database => Self::Database,
        }
    }
}

impl fmt::Debug for VersionGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "Counter",
            Self::Call(_) => "Call",
            Self::Database => "Database",
        })
    }
}
