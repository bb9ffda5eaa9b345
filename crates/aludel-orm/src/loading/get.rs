//! Getting one object by its key.

use std::sync::{Arc, PoisonError};

use aludel_sql::{Bind, Compiled, Node, Statement, Value};
use smallvec::SmallVec;

use super::guard::Loaded;
use super::hydrate::OneObject;
use super::key::{IntoKey, KeyValues};
use super::link::among;
use super::object::Populate;
use super::plan::Plan;
use super::query::{Query, What};
use super::relation::Asker;
use super::resolve::Resolver;
use crate::events::Executed;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Handle, Id, Mapped};
use crate::mapping::Mappers;
use crate::session::Session;
use crate::session::identity::Key;
use crate::session::state::ObjectState;
use crate::{Error, ErrorKind, Result};

/// How many keys one SELECT asks for.
pub(super) const KEYS_AT_ONCE: usize = 1_000;

/// The statement that gets an object of a class by its key: made once, and held.
#[derive(Debug)]
pub(crate) struct Get {
    compiled: Compiled,
    plan: Plan,
}

impl Get {
    fn new(mappers: &Mappers, class: u16, dialect: &aludel_sql::Dialect) -> Result<Self> {
        let mapper = mappers.at(class);
        let entity = Entity::of(mapper.def);
        let mut query = Query::new(entity.clone(), What::Objects);
        query.own = true;
        for (ordinal, attribute) in mapper.primary_key.iter().enumerate() {
            let param = Node::param(ordinal as u32, mapper.type_of(*attribute));
            query.sql.filter.push(Node::eq(entity.leaf(*attribute), param));
        }
        let select = query.into_select();
        let mut resolver = Resolver::new(mappers);
        let select = select.rewrite(&mut resolver)?;
        let compiled = Statement::from(select).render(dialect)?;
        Ok(Self { compiled, plan: resolver.plan })
    }
}

impl Session {
    /// The object of a class with a primary key, if there is one.
    ///
    /// The identity map is looked at first; only when the object is not there (or was expired) is the
    /// database asked, after what is pending has been flushed.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session, student: i64, course: i64) -> Result<()> {
    /// let user = session.get::<User>(5).await?;
    /// let enrollment = session.get::<Enrollment>((student, course)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped, the key has another number of parts, or the database refuses.
    #[track_caller]
    pub fn get<T: Mapped>(
        &mut self,
        key: impl IntoKey,
    ) -> impl Future<Output = Result<Option<Handle<T>>>> {
        self.called();
        async move {
            let class = self.class_of::<T>()?;
            if let Some(id) = key.integer().and_then(|key| self.present_integer(class, key)) {
                return Ok(Some(Handle::new(id)));
            }
            let mut values = KeyValues::default();
            key.into_key(&mut values);
            let Some(key) = self.key_given(class, &values)? else { return Ok(None) };
            // Boxed, so that the future of the frequent case is small.
            let found = Box::pin(self.get_at(class, &key)).await?;
            Ok(found.map(Handle::new))
        }
    }

    /// As [`get`](Self::get), or an error of kind [`ErrorKind::NoResult`].
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); and when there is no such object.
    #[track_caller]
    pub fn get_one<T: Mapped>(
        &mut self,
        key: impl IntoKey,
    ) -> impl Future<Output = Result<Handle<T>>> {
        self.called();
        async move {
            let class = self.class_of::<T>()?;
            if let Some(id) = key.integer().and_then(|key| self.present_integer(class, key)) {
                return Ok(Handle::new(id));
            }
            let mut values = KeyValues::default();
            key.into_key(&mut values);
            match Box::pin(self.get_by(class, &values)).await? {
                Some(id) => Ok(Handle::new(id)),
                None => Err(Error::new(
                    ErrorKind::NoResult,
                    format!("there is no {} with the key {values:?}", T::class().name),
                )),
            }
        }
    }

    /// The object of a class with a primary key, if the identity map has it and it is not expired. The
    /// database is never asked. SQLAlchemy's `session.identity_map.get(…)`.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped, or the key has another number of parts.
    #[inline]
    pub fn peek<T: Mapped>(&mut self, key: impl IntoKey) -> Result<Option<Handle<T>>> {
        let class = self.class_of::<T>()?;
        if let Some(key) = key.integer()
            && let Some(id) = self.present_integer(class, key)
        {
            return Ok(Some(Handle::new(id)));
        }
        let mut values = KeyValues::default();
        key.into_key(&mut values);
        let key = self.key_given(class, &values)?;
        Ok(key.and_then(|key| self.present(class, &key)).map(Handle::new))
    }

    /// As [`present`](Self::present), for a key of one integer.
    #[inline]
    fn present_integer(&self, class: u16, key: i64) -> Option<Id> {
        let place = self.identity_of(class)?.get_int(key)?;
        let id = self.id_at(place);
        let here = place.class == class || self.mappers.is_a(place.class, class);
        (here && !self.is_wholly_expired(id)).then_some(id)
    }

    /// The object of a named class with a primary key.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn get_by_name(
        &mut self,
        class: &str,
        key: impl IntoKey,
    ) -> impl Future<Output = Result<Option<Id>>> {
        self.called();
        async move {
            let class = self.mapper_named(class)?;
            let mut values = KeyValues::default();
            key.into_key(&mut values);
            self.get_by(class, &values).await
        }
    }

    pub(super) async fn get_by(&mut self, class: u16, values: &KeyValues) -> Result<Option<Id>> {
        match self.key_given(class, values)? {
            Some(key) => self.get_at(class, &key).await,
            None => Ok(None),
        }
    }

    /// The key that was given for a class; `None` when a part of it is NULL that must not be.
    pub(super) fn key_given(&self, class: u16, values: &KeyValues) -> Result<Option<Key>> {
        let mapper = self.mappers.at(class);
        let wanted = mapper.primary_key.len();
        if values.len() != wanted {
            return Err(self.wrong_key(class, wanted, values.len()));
        }
        Ok(values.key_of(mapper))
    }

    #[cold]
    fn wrong_key(&self, class: u16, wanted: usize, given: usize) -> Error {
        Error::new(
            ErrorKind::Argument,
            format!(
                "the key of {} has {wanted} parts, and {given} are given",
                self.mappers.at(class).class_name(),
            ),
        )
    }

    /// The object of a class with a key.
    pub(crate) async fn get_at(&mut self, class: u16, key: &Key) -> Result<Option<Id>> {
        if let Some(place) = self.identity_of(class).and_then(|map| map.get(key)) {
            let id = self.id_at(place);
            if !self.mappers.is_a(place.class, class) {
                return Ok(None);
            }
            if !self.is_wholly_expired(id) {
                return Ok(Some(id));
            }
            return self.revive(id).await;
        }
        self.autoflush().await?;
        if let Some(id) = self.present(class, key) {
            // The flush has inserted it.
            return Ok(Some(id));
        }
        self.count_load(Loaded::query(self.mappers.at(class).def))?;
        self.select_by_key(Executed::Select, class, key, false).await
    }

    /// Loads the objects of a class with some keys, of which none is in the session; each key once.
    pub(crate) async fn get_all_at(&mut self, class: u16, keys: &[Key]) -> Result<()> {
        let (alone, together): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.is_partial());
        if let [key] = together.as_slice() {
            self.get_at(class, key).await?;
        } else if !together.is_empty() {
            self.autoflush().await?;
            let def = self.mappers.at(class).def;
            let statements = together.len().div_ceil(KEYS_AT_ONCE);
            self.count_load(Loaded { statements, ..Loaded::query(def) })?;
            let mut query = Query::new(Entity::of(def), What::Objects);
            query.own = true;
            self.select_by_keys(Executed::Select, class, &together, query).await?;
        }
        // A condition of its own is to each key with NULL in it.
        for key in alone {
            self.get_at(class, key).await?;
        }
        Ok(())
    }

    /// Reads an expired object again; one whose row is gone leaves the identity map.
    async fn revive(&mut self, id: Id) -> Result<Option<Id>> {
        self.autoflush().await?;
        if self.arena.life(id) != Some(ObjectState::Persistent) {
            return Ok(None);
        }
        let expired = self.expired_unrestricted(id);
        match self.load_columns_for(id, &expired, Asker::Program).await {
            Ok(()) => Ok(Some(id)),
            Err(error) if error.kind() == ErrorKind::ObjectDeleted => {
                self.drop_identity(id);
                self.arena.state_mut(id).life = ObjectState::Deleted;
                self.note_deleted(id);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends the SELECT.
    pub(super) async fn select_by_key(
        &mut self,
        what: Executed,
        class: u16,
        key: &Key,
        populate_existing: bool,
    ) -> Result<Option<Id>> {
        let of_several = self.mappers.at(class).is_abstract_concrete;
        let told = self.listeners.hears_statements() || self.has_criteria();
        if told || key.is_partial() || of_several {
            return self.select_told(what, class, key, populate_existing).await;
        }
        let get = self.get_statement(class)?;
        if get.plan.loads_along() {
            return self.select_told(what, class, key, populate_existing).await;
        }
        let mut connection = self.checkout().await?;
        let values: SmallVec<[Value; 2]>;
        let mut params: Vec<Bind<'_>>;
        let single;
        let params: &[Bind<'_>] = match key {
            Key::Int(n) if get.compiled.fixed.is_empty() && get.compiled.order.is_none() => {
                single = [Bind::Ref(aludel_sql::ValueRef::I64(*n))];
                &single
            }
            _ => {
                values = key.values();
                params = values.iter().map(|v| Bind::Ref(v.as_ref())).collect();
                get.compiled.arrange(&mut params);
                &params
            }
        };
        let Some(entity) = &get.plan.entity else { return Ok(None) };
        let populate = Populate { existing: populate_existing, ..Populate::default() };
        let mut sink = OneObject { session: self, entity, populate, found: None };
        let result = connection.query(&get.compiled, params, &mut sink).await;
        let found = sink.found;
        self.checkin(connection);
        result?;
        self.tell_noted_waiting().await?;
        Ok(found)
    }

    /// Runs a query of objects for those with some keys, by one SELECT for 1,000.
    pub(super) async fn select_by_keys(
        &mut self,
        what: Executed,
        class: u16,
        keys: &[&Key],
        query: Query,
    ) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        let operands: Vec<_> = mapper.primary_key.iter().map(|a| query.entity.leaf(*a)).collect();
        for chunk in keys.chunks(KEYS_AT_ONCE) {
            let values: Vec<_> = chunk.iter().map(|key| key.values()).collect();
            let mut query = query.clone();
            query.sql.filter.push(among(&operands, mapper, &mapper.primary_key, &values));
            let query = self.told_query(what, query).await?;
            let populate_existing = query.populate_existing;
            let select = query.into_select();
            Box::pin(self.fetch_objects(&select, populate_existing, None, None)).await?;
        }
        Ok(())
    }

    /// The same by a query: listeners may change it, and it loads along what the mapping says.
    #[cold]
    async fn select_told(
        &mut self,
        what: Executed,
        class: u16,
        key: &Key,
        populate_existing: bool,
    ) -> Result<Option<Id>> {
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        let entity = Entity::of(mapper.def);
        let operands: Vec<_> = mapper.primary_key.iter().map(|a| entity.leaf(*a)).collect();
        let mut query = Query::new(entity, What::Objects);
        // An abstract class has no rows of its own.
        query.own = !mapper.is_abstract_concrete;
        let keys = [key.values()];
        query.sql.filter.push(among(&operands, mapper, &mapper.primary_key, &keys));
        query.populate_existing = populate_existing;
        let query = self.told_query(what, query).await?;
        let populate_existing = query.populate_existing;
        let select = query.into_select();
        let found = Box::pin(self.fetch_objects(&select, populate_existing, None, None)).await?;
        if found.len() > 1 && mapper.is_abstract_concrete {
            let message = format!(
                "several tables below the abstract class {} have a row of the key {key}: get an object of the subclass",
                mapper.class_name()
            );
            return Err(Error::new(ErrorKind::MultipleResults, message));
        }
        Ok(found.first().copied())
    }

    /// The statement that gets objects of a class.
    fn get_statement(&mut self, class: u16) -> Result<Arc<Get>> {
        let cache = self.statements()?;
        let at = usize::from(class);
        if let Some(Some(get)) = self.loading.gets.get(at) {
            return Ok(Arc::clone(get));
        }
        let mut shared = cache.gets.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.len() <= at {
            shared.resize(at + 1, None);
        }
        let get = match &shared[at] {
            Some(get) => Arc::clone(get),
            None => {
                let get = Arc::new(Get::new(&self.mappers, class, cache.statements.dialect())?);
                shared[at] = Some(Arc::clone(&get));
                get
            }
        };
        if self.loading.gets.len() <= at {
            self.loading.gets.resize(at + 1, None);
        }
        self.loading.gets[at] = Some(Arc::clone(&get));
        Ok(get)
    }
}
