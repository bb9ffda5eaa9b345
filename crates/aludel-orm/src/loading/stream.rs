//! Reading a large result in batches.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use aludel_sql::{Row, Value};
use smallvec::SmallVec;

use super::link::among;
use super::query::{Query, What};
use super::select::Select;
use crate::Result;
use crate::instrumentation::{Handle, Id, Mapped};
use crate::session::Session;

/// A query that is read in batches. The keys of all rows are read first, and then the objects by their keys, so
/// that nothing is held open between batches: the session may do anything meanwhile, eager options work as ever,
/// and a row deleted meanwhile is left out.
#[derive(Debug)]
pub struct Stream<T> {
    query: Query,
    keys: std::vec::IntoIter<SmallVec<[Value; 2]>>,
    size: usize,
    class: PhantomData<fn() -> T>,
}

impl Session {
    /// Begins to read the objects that a query gives in batches of at most `size`.
    ///
    /// ```text
    /// let mut flights = session.stream(select::<Flight>().order_by(Flight::id), 1000).await?;
    /// while let Some(batch) = flights.next(&mut session).await? {
    ///     …
    ///     session.expunge_all()?; // where they are not needed any more
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn stream<T: Mapped>(
        &mut self,
        query: Select<T>,
        size: usize,
    ) -> impl Future<Output = Result<Stream<T>>> {
        self.called();
        async move {
            let query = query.into_query();
            let mut keys = query.clone();
            keys.what = What::Keys;
            keys.options.clear();
            let mut found: Vec<SmallVec<[Value; 2]>> = Vec::new();
            let mut read = |row: &dyn Row| {
                let values = (0..row.len()).map(|i| match row.get(i) {
                    Ok(value) => value.to_owned(),
                    Err(_) => Value::Null,
                });
                let key: SmallVec<[Value; 2]> = values.collect();
                if found.last() != Some(&key) {
                    found.push(key);
                }
                Ok(ControlFlow::Continue(()))
            };
            self.query_rows(keys, &mut read).await?;
            Ok(Stream { query, keys: found.into_iter(), size: size.max(1), class: PhantomData })
        }
    }
}

impl<T: Mapped> Stream<T> {
    /// The next batch; `None` at the end.
    ///
    /// # Errors
    ///
    /// As [`Session::all`].
    #[track_caller]
    pub fn next(
        &mut self,
        session: &mut Session,
    ) -> impl Future<Output = Result<Option<Vec<Handle<T>>>>> {
        session.called();
        self.next_batch(session)
    }

    async fn next_batch(&mut self, session: &mut Session) -> Result<Option<Vec<Handle<T>>>> {
        loop {
            let keys: Vec<_> = self.keys.by_ref().take(self.size).collect();
            if keys.is_empty() {
                return Ok(None);
            }
            let ids = self.load(session, &keys).await?;
            if !ids.is_empty() {
                return Ok(Some(ids.into_iter().map(Handle::new).collect()));
            }
        }
    }

    /// How many objects are still to come, at most.
    pub fn remaining(&self) -> usize {
        self.keys.len()
    }

    async fn load(&self, session: &mut Session, keys: &[SmallVec<[Value; 2]>]) -> Result<Vec<Id>> {
        let mut query = self.query.clone();
        session.ready_for(&mut query).await?;
        let (lock, populate_existing) = (query.sql.lock.take(), query.populate_existing);
        let mut batch = Query::new(query.entity.clone(), What::Objects);
        batch.options = query.options;
        batch.criteria = query.criteria;
        batch.along = query.along;
        batch.sql.lock = lock;
        batch.lock_of = query.lock_of;
        let mappers = std::sync::Arc::clone(&session.mappers);
        let class = session.class_of::<T>()?;
        let mapper = mappers.at(class);
        let operands: Vec<_> = mapper.primary_key.iter().map(|a| batch.entity.leaf(*a)).collect();
        batch.sql.filter.push(among(&operands, mapper, &mapper.primary_key, keys));
        let select = batch.into_select();
        let mut found = session.fetch_objects(&select, populate_existing, None, None).await?;
        let place: hashbrown::HashMap<String, usize> =
            keys.iter().enumerate().map(|(i, key)| (format!("{key:?}"), i)).collect();
        let order = |id: &Id| {
            let key = session.identity_key(*id).map(|key| key.values());
            key.and_then(|key| place.get(&format!("{key:?}")).copied()).unwrap_or(usize::MAX)
        };
        found.sort_by_cached_key(order);
        Ok(found)
    }
}
