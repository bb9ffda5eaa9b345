//! Reading a large result in batches.
//!
//! ```text
//! keys of the rows, 16,384 at a time ──▶ objects by their keys, a batch at a time ──▶ what their options load along
//!   WHERE (order, key) > those of the last one
//! ```
//!
//! Nothing is held open between batches, neither a cursor nor a statement: the session may flush, write, commit and
//! roll back meanwhile, which would end a cursor of PostgreSQL and disturb a statement of SQLite. The price is a
//! search for the place where the last keys ended, once for as many rows as there are keys at a time.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;

use aludel_sql::{DialectKind, Distinct, Node, Row, Value};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::link::among;
use super::page::{Key, beyond, total_order};
use super::query::{Query, What};
use super::select::Select;
use crate::Result;
use crate::instrumentation::entity::AttrLeaf;
use crate::instrumentation::{AnyClass, Handle, Id, Mapped};
use crate::session::Session;

/// How many keys are read at once, where a batch is not larger.
const KEYS: usize = 16_384;

type KeyOfRow = SmallVec<[Value; 2]>;

/// A query that is read in batches; [`Session::stream`] makes one.
///
/// What it keeps are the keys of some rows ahead (16,384, or a batch), whatever the size of the result. The objects
/// belong to the session, which keeps them until they are expunged.
///
/// The objects come in the order of the query, each once. Eager options load what they say for each batch, joined
/// collections too. Between batches the session may do anything, commit included. What changes meanwhile, by
/// whomever the transaction lets it see: a row that is deleted before its batch is left out; one that is
/// inserted, or moves in the order, comes if its place is still ahead. Within one transaction of isolation
/// `REPEATABLE READ` (SQLite's always is), only the session's own changes count.
///
/// The keys of a query that has groups or `DISTINCT ON`, or is ordered by other things than attributes, are all read
/// first: no condition says where one has been.
#[derive(Debug)]
pub struct Stream<T> {
    query: Query,
    keys: std::vec::IntoIter<KeyOfRow>,
    size: usize,
    rest: Rest,
    class: PhantomData<fn() -> T>,
}

/// The keys that have not been read.
#[derive(Debug)]
enum Rest {
    /// None.
    Nothing,
    /// All of them, with one query.
    Everything,
    /// Those after these values of the order, and so many rows at most.
    After { edge: Option<Vec<Value>>, rows: Option<u64> },
}

impl Session {
    /// Begins to read the objects that a query gives in batches of at most `size`: SQLAlchemy's `yield_per`.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let mut users = session.stream(select::<User>().order_by(User::name).options(selectin(User::addresses)), 1000).await?;
    /// while let Some(batch) = users.next(session).await? {
    ///     for user in batch {
    ///         println!("{} has {}", session[user].name, session[user].addresses.len());
    ///     }
    ///     session.expunge_all()?; // where they are not needed any more
    /// }
    /// # Ok(())
    /// # }
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
        async move { self.stream_ids(query.into_query(), size).await }
    }

    /// As [`stream`](Self::stream), of a query without types.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream).
    #[track_caller]
    pub fn stream_of(
        &mut self,
        query: Query,
        size: usize,
    ) -> impl Future<Output = Result<Stream<AnyClass>>> {
        self.called();
        self.stream_ids(query, size)
    }

    async fn stream_ids<T>(&mut self, query: Query, size: usize) -> Result<Stream<T>> {
        let class = self.learn(query.entity.class)?;
        let rows = match &query.sql.limit {
            None => Some(None),
            Some(Node::Literal(literal)) => match literal.value {
                Value::I64(rows) => Some(u64::try_from(rows).ok()),
                _ => None,
            },
            Some(_) => None,
        };
        let by_attributes = query.sql.order_by.iter().all(|node| {
            AttrLeaf::of(if let Node::Order(of, _) = node { of } else { node }).is_some()
        });
        let plain = by_attributes
            && query.sql.group_by.is_empty()
            && !matches!(query.sql.distinct, Distinct::On(_))
            && query.statement.is_none()
            && total_order(&query, self.mappers.at(class)).is_ok();
        let rest = match rows.filter(|_| plain) {
            Some(rows) => Rest::After { edge: None, rows },
            None => Rest::Everything,
        };
        let keys = Vec::new().into_iter();
        let mut stream = Stream { query, keys, size: size.max(1), rest, class: PhantomData };
        stream.read_keys(self).await?;
        Ok(stream)
    }
}

impl<T> Stream<T> {
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
            let mut keys: Vec<_> = self.keys.by_ref().take(self.size).collect();
            while keys.len() < self.size && !matches!(self.rest, Rest::Nothing) {
                self.read_keys(session).await?;
                let wanted = self.size - keys.len();
                keys.extend(self.keys.by_ref().take(wanted));
            }
            if keys.is_empty() {
                return Ok(None);
            }
            let ids = self.load(session, &keys).await?;
            if !ids.is_empty() {
                return Ok(Some(ids.into_iter().map(Handle::new).collect()));
            }
        }
    }

    /// Reads the keys that come next.
    async fn read_keys(&mut self, session: &mut Session) -> Result<()> {
        let class = session.learn(self.query.entity.class)?;
        let mappers = Arc::clone(&session.mappers);
        let mapper = mappers.at(class);
        let mut query = self.query.clone();
        query.what = What::Keys;
        query.options.clear();
        // Rows are locked when their objects are loaded.
        query.sql.lock = None;
        let width = mapper.primary_key.len();
        let mut read = Read { width, keys: Vec::new(), rows: 0, last: Vec::new() };
        let Rest::After { edge, rows } = &self.rest else {
            if matches!(std::mem::replace(&mut self.rest, Rest::Nothing), Rest::Everything) {
                session.query_rows(query, &mut |row| read.row(row)).await?;
                self.keys = read.keys.into_iter();
            }
            return Ok(());
        };
        let mut order = total_order(&query, mapper)?;
        // As the database has it, so that the objects come as `all` gives them.
        let nulls_are_large = session.engine()?.dialect().kind == DialectKind::Postgres;
        order.iter_mut().for_each(|key| key.nulls_by_default(nulls_are_large));
        if let Some(edge) = edge {
            query.sql.filter.push(beyond(&order, edge));
            query.sql.offset = None;
        }
        let most = self.size.max(KEYS) as u64;
        let wanted = rows.map_or(most, |rows| rows.min(most));
        query.sql.order_by = order.iter().map(Key::order).collect();
        query.sql.columns = order.iter().map(|key| key.operand().clone()).collect();
        query.sql.limit = Some(Node::literal(i64::try_from(wanted).unwrap_or(i64::MAX)));
        drop(order);
        let rows = *rows;
        if wanted > 0 {
            session.query_rows(query, &mut |row| read.row(row)).await?;
        }
        let left = rows.map(|rows| rows - read.rows.min(rows));
        self.rest = match read.rows == wanted && wanted > 0 && left != Some(0) {
            true => Rest::After { edge: Some(read.last), rows: left },
            false => Rest::Nothing,
        };
        self.keys = read.keys.into_iter();
        Ok(())
    }

    async fn load(&self, session: &mut Session, keys: &[KeyOfRow]) -> Result<Vec<Id>> {
        let mut query = self.query.clone();
        session.ready_for(&mut query).await?;
        let (lock, populate_existing) = (query.sql.lock.take(), query.populate_existing);
        let mut batch = Query::new(query.entity.clone(), What::Objects);
        batch.options = query.options;
        batch.criteria = query.criteria;
        batch.along = query.along;
        batch.sql.lock = lock;
        batch.lock_of = query.lock_of;
        let class = session.learn(batch.entity.class)?;
        let mappers = Arc::clone(&session.mappers);
        let mapper = mappers.at(class);
        let operands: Vec<_> = mapper.primary_key.iter().map(|a| batch.entity.leaf(*a)).collect();
        batch.sql.filter.push(among(&operands, mapper, &mapper.primary_key, keys));
        batch.sql.columns.clone_from(&operands);
        let select = batch.into_select();
        let place: HashMap<String, usize> =
            keys.iter().enumerate().map(|(at, key)| (format!("{key:?}"), at)).collect();
        let mut found: Vec<(usize, Id)> = Vec::with_capacity(keys.len());
        let mut extra = |id: Id, row: &dyn Row, at: usize| {
            let place = place.get(&format!("{:?}", key_of(row, at, operands.len())));
            if let Some(place) = place
                && found.last() != Some(&(*place, id))
            {
                found.push((*place, id));
            }
            Ok(())
        };
        let fetched = session.fetch_objects(&select, populate_existing, None, Some(&mut extra));
        Box::pin(fetched).await?;
        found.sort_unstable_by_key(|(place, _)| *place);
        found.dedup();
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }
}

fn key_of(row: &dyn Row, from: usize, width: usize) -> KeyOfRow {
    let value = |at| row.get(at).map_or(Value::Null, |value| value.to_owned());
    (from..from + width).map(value).collect()
}

/// Keys that are being read: of rows that follow each other and are of one object, one.
struct Read {
    width: usize,
    keys: Vec<KeyOfRow>,
    rows: u64,
    /// The values of the order in the last row.
    last: Vec<Value>,
}

impl Read {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let key = key_of(row, 0, self.width);
        self.rows += 1;
        self.last = key_of(row, self.width, row.len() - self.width).into_vec();
        if self.keys.last() != Some(&key) {
            self.keys.push(key);
        }
        Ok(ControlFlow::Continue(()))
    }
}
