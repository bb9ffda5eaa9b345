//! Objects whose rows are locked: `get` and `refresh` with `FOR UPDATE` and its kin.

use std::sync::Arc;

use aludel_sql::Lock;

use super::key::{IntoKey, KeyValues};
use super::link::among;
use super::query::{Query, What};
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Handle, Id, Mapped};
use crate::session::Session;
use crate::session::identity::Key;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// The object of a class with a primary key, if there is one, with its row locked: the database is asked in any
    /// case, and what the object has is replaced by what the row has. What is pending is flushed first, where the
    /// session does that. SQLAlchemy's `get(…, with_for_update=…)`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); and when another transaction has the row, and the lock does not wait.
    #[track_caller]
    pub fn get_locked<T: Mapped>(
        &mut self,
        key: impl IntoKey,
        lock: Lock,
    ) -> impl Future<Output = Result<Option<Handle<T>>>> {
        self.called();
        async move {
            let class = self.class_of::<T>()?;
            let mut values = KeyValues::default();
            key.into_key(&mut values);
            let Some(key) = self.key_given(class, &values)? else { return Ok(None) };
            Ok(self.select_locked(class, &key, lock).await?.map(Handle::new))
        }
    }

    /// Reads an object's row again and locks it: what is loaded is replaced, and pending changes of the object are
    /// lost. SQLAlchemy's `refresh(…, with_for_update=…)`.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh); and when another transaction has the row, and the lock does not wait.
    #[track_caller]
    pub fn refresh_locked(
        &mut self,
        object: impl Into<Id>,
        lock: Lock,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        let id = object.into();
        async move {
            self.check_persistent(id)?;
            let Some(key) = self.identity_key(id) else { return Ok(()) };
            self.expire_at(id)?;
            match self.select_locked(id.class, &key, lock).await? {
                Some(_) => Ok(()),
                None => Err(Error::new(
                    ErrorKind::InvalidRequest,
                    format!(
                        "{} cannot be refreshed: its row is gone, or locked by another transaction",
                        self.describe_object(id)
                    ),
                )),
            }
        }
    }

    async fn select_locked(&mut self, class: u16, key: &Key, lock: Lock) -> Result<Option<Id>> {
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        let entity = Entity::of(mapper.def);
        let operands: Vec<_> = mapper.primary_key.iter().map(|a| entity.leaf(*a)).collect();
        let mut query = Query::new(entity, What::Objects);
        query.sql.filter.push(among(&operands, mapper, &mapper.primary_key, &[key.values()]));
        query.sql.lock = Some(lock);
        query.populate_existing = true;
        Ok(self.query_ids(query).await?.first().copied())
    }
}
