//! Loading on demand: attributes of objects that are there.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use aludel_sql::{Node, Row, RowSink};

use super::guard::Loaded;
use super::link::link;
use super::memory::Allowed;
use super::query::{Query, What};
use super::relation::{Asker, Wanted};
use crate::events::Executed;
use crate::instrumentation::composite::NoComposite;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, Handle, Id, IsA, Lazy, Loadable, ManyCore, Mapped, NOT_IN_ROW};
use crate::mapping::PropertyKind;
use crate::session::before::Before;
use crate::session::{ObjectState, Session};
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Loads an attribute of an object, if it is not loaded: a relationship, or a column that is expired or
    /// deferred. Gives the field.
    ///
    /// A reference whose object is in the session needs no SELECT; nor does one whose foreign key is NULL. What
    /// is expired of an object is read all at once.
    ///
    /// ```text
    /// for address in session.load(user, User::addresses).await?.to_vec() { … }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Detached`] when the object is not in the session, [`ErrorKind::ObjectDeleted`] when its row
    /// is gone, [`ErrorKind::NotLoaded`] when an option of the query that gave it forbids the load.
    #[track_caller]
    pub fn load<S: IsA<C>, C: Mapped, V: Loadable>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> impl Future<Output = Result<&V>> {
        self.called();
        async move {
            let (id, index) = (object.id, self.number(object.id, attribute)?);
            self.load_attribute(id, index, Asker::Program).await?;
            let field = self.arena.object(id).field(index);
            let any = field.map(|field| field as &dyn std::any::Any);
            any.and_then(|any| any.downcast_ref()).ok_or_else(|| self.wrong_type(id, index))
        }
    }

    /// Loads an attribute of many objects by one SELECT for 500 of them: a relationship, or a column (deferred or expired)
    /// with what is loaded together with it.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    #[track_caller]
    pub fn load_all<S: IsA<C>, C: Mapped, V: Loadable>(
        &mut self,
        objects: &[Handle<S>],
        attribute: Attr<C, V>,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let ids: Vec<Id> = objects.iter().map(|object| object.id).collect();
            for id in &ids {
                self.number(*id, attribute)?;
            }
            self.load_many(&ids, attribute.index()).await
        }
    }

    /// Loads a named attribute of an object, if it is not loaded.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); and when there is no such attribute.
    #[track_caller]
    pub fn load_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let id = object.into();
            let attribute = self.attribute_named(id, name)?;
            self.load_attribute(id, attribute, Asker::Program).await
        }
    }

    /// Loads a named attribute of many objects of one class.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); and when there is no such attribute.
    #[track_caller]
    pub fn load_all_named(
        &mut self,
        objects: &[Id],
        name: &str,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let Some(first) = objects.first() else { return Ok(()) };
            let attribute = self.attribute_named(*first, name)?;
            self.load_many(objects, attribute).await
        }
    }

    /// Loads an attribute of an object for the session's own purposes, if it is not loaded: options and
    /// mappings that forbid it are about the program.
    pub(crate) async fn ensure_loaded(&mut self, id: Id, attribute: u16) -> Result<()> {
        self.load_attribute(id, attribute, Asker::Session).await
    }

    /// Loads an attribute of an object, whatever its kind, if it is not loaded.
    pub(crate) async fn load_attribute(&mut self, id: Id, attribute: u16, by: Asker) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        match &mappers.at(id.class).property(attribute).kind {
            PropertyKind::Relationship(relationship) => {
                if !self.is_open(id, attribute) {
                    return Ok(());
                }
                if !self.must_load(id, attribute) {
                    self.start_empty(id, attribute);
                    return Ok(());
                }
                self.check_loadable(id, attribute, by)?;
                let was = self.arena.state(id).life;
                let queued = self.deltas.contains_key(&(id, attribute));
                if self.is_wholly_expired(id) && !self.known_by_key(id, attribute) {
                    // Its own row is read first, which may tell to what it refers.
                    self.load_locals(id, &link(&mappers, relationship).locals).await?;
                }
                if !self.known_by_key(id, attribute) {
                    self.autoflush().await?;
                }
                if was != self.arena.state(id).life || queued && !self.is_open(id, attribute) {
                    // The flush has read it, to delete what hangs on it or before what was queued was written: that
                    // is over.
                    self.expire_relationship(id, attribute);
                }
                if !self.is_open(id, attribute) {
                    return Ok(());
                }
                Box::pin(self.load_relation(&[id], Wanted::plain(attribute, by))).await
            }
            PropertyKind::Composite { attributes } => {
                for part in attributes {
                    self.load_column(id, *part, by).await?;
                }
                Ok(())
            }
            _ => self.load_column(id, attribute, by).await,
        }
    }

    /// A collection of an object without a row has the members that it was given, and no others.
    fn start_empty(&mut self, id: Id, attribute: u16) {
        let mappers = Arc::clone(&self.mappers);
        if let Some(ManyCore::NotLoaded) = self.arena.field(id, attribute).many()
            && let Some(relationship) = mappers.at(id.class).relationship(attribute)
        {
            self.load_members(id, relationship, Vec::new());
        }
    }

    /// Whether a reference needs no SELECT: its foreign key is NULL, or its object is there.
    fn known_by_key(&self, id: Id, attribute: u16) -> bool {
        let Some(relationship) = self.mapper_of(id).relationship(attribute) else { return false };
        if !relationship.by_key || relationship.primaryjoin.is_some() {
            return false;
        }
        match self.foreign_key(id, relationship, false) {
            Some(None) => true,
            Some(Some(key)) => self.present(relationship.target, &key).is_some(),
            None => false,
        }
    }

    /// Loads a column, if it is absent and can be loaded, with those that are loaded together with it.
    pub(super) async fn load_column(&mut self, id: Id, attribute: u16, by: Asker) -> Result<()> {
        if self.arena.is_loaded(id, attribute) {
            return Ok(());
        }
        if !self.needs_load(id, attribute) {
            // What an object had forgotten when its row was rolled back cannot be known any more.
            let lost = self.arena.of(id).is_expired(id.slot, attribute);
            let keyed = |a: &u16| self.arena.is_loaded(id, *a);
            return match self.arena.state(id).in_session() {
                false if lost => Err(self.not_loaded(id, attribute)),
                true if lost && !self.mapper_of(id).primary_key.iter().all(keyed) => {
                    Err(self.lost(id, attribute))
                }
                _ => Ok(()),
            };
        }
        self.check_loadable(id, attribute, by)?;
        self.autoflush_before_load(id).await?;
        if self.arena.is_loaded(id, attribute) {
            return Ok(());
        }
        if self.expression(id, attribute).is_some() {
            return Err(self.not_flushed(id, attribute));
        }
        let wanted = self.loaded_together(id, attribute);
        self.load_columns_for(id, &wanted, by).await
    }

    /// Flushes before something expired of an object is loaded: where that deletes its row, there is nothing to
    /// load any more.
    async fn autoflush_before_load(&mut self, id: Id) -> Result<()> {
        let was = self.arena.state(id).life;
        self.autoflush().await?;
        if was == ObjectState::Persistent && self.arena.life(id) == Some(ObjectState::Deleted) {
            return Err(self.row_gone(id));
        }
        Ok(())
    }

    #[cold]
    fn row_gone(&self, id: Id) -> Error {
        Error::new(
            ErrorKind::ObjectDeleted,
            format!("{} cannot be loaded: its row is gone", self.describe_object(id)),
        )
    }

    /// The columns that are loaded when one of them is asked for.
    pub(super) fn loaded_together(&self, id: Id, attribute: u16) -> Vec<u16> {
        let slab = self.arena.of(id);
        if slab.is_expired(id.slot, attribute) {
            return match self.loading.restricted(id, attribute) {
                Some(_) => vec![attribute],
                None => self.expired_unrestricted(id),
            };
        }
        let mapper = self.mapper_of(id);
        match mapper.column(attribute).and_then(|c| c.group.as_deref()) {
            None => vec![attribute],
            Some(group) => {
                let in_group = |a: &u16| {
                    mapper.column(*a).is_some_and(|c| c.group.as_deref() == Some(group))
                        && !self.arena.is_loaded(id, *a)
                };
                mapper.columns.iter().copied().filter(in_group).collect()
            }
        }
    }

    /// The expired columns but those that an option of a query has left out.
    pub(super) fn expired_unrestricted(&self, id: Id) -> Vec<u16> {
        let mut expired = self.expired_columns(id);
        let whole = self.is_wholly_expired(id);
        expired.retain(|a| whole || self.loading.restricted(id, *a).is_none());
        expired
    }

    pub(super) fn check_loadable(&self, id: Id, attribute: u16, by: Asker) -> Result<()> {
        if !self.arena.state(id).is_attached() {
            return Err(self.not_loaded(id, attribute));
        }
        if by == Asker::Session {
            return Ok(());
        }
        let (allowed, who) = match self.loading.restricted(id, attribute) {
            Some(allowed) => (allowed, "the query that loaded the object said"),
            None => (self.allowed_by_mapping(id, attribute), "its mapping says"),
        };
        let how = match allowed {
            Allowed::Yes => return Ok(()),
            Allowed::WithoutSql if self.known_by_key(id, attribute) => return Ok(()),
            Allowed::WithoutSql => "raise_on_sql",
            Allowed::No => "raise",
            Allowed::Queries => return Err(self.write_only(id, attribute)),
        };
        Err(Error::new(
            ErrorKind::NotLoaded,
            format!("{} may not be loaded: {who} `{how}`", self.describe(id, attribute)),
        ))
    }

    /// What the mapping says of a load.
    fn allowed_by_mapping(&self, id: Id, attribute: u16) -> Allowed {
        match self.mapper_of(id).relationship(attribute).map(|r| r.lazy) {
            Some(Lazy::Raise) => Allowed::No,
            Some(Lazy::RaiseOnSql) => Allowed::WithoutSql,
            Some(Lazy::WriteOnly) => Allowed::Queries,
            _ => Allowed::Yes,
        }
    }

    /// Reads columns of an object's row.
    pub(crate) async fn load_columns(&mut self, id: Id, attributes: &[u16]) -> Result<()> {
        self.load_columns_for(id, attributes, Asker::Session).await
    }

    /// The attributes, with all of a composite that is none where a part of it is to be read: it is a value, or none, as a
    /// whole.
    fn with_whole_composites<'a>(&self, id: Id, attributes: &'a [u16]) -> Cow<'a, [u16]> {
        let def = self.mapper_of(id).def;
        let is_part = |attribute: &u16| {
            let field: &dyn std::any::Any = self.arena.field(id, *attribute);
            field.is::<NoComposite>()
        };
        let mut all = Cow::Borrowed(attributes);
        for attribute in attributes.iter().filter(|a| is_part(a)) {
            let Some((composite, _)) = def.composite_over(*attribute) else { continue };
            let parts = def.columns_of_composite(composite).filter(is_part);
            let new: Vec<u16> = parts.filter(|part| !all.contains(part)).collect();
            all.to_mut().extend(new);
        }
        all
    }

    /// Reads columns of an object's row, for whoever asks.
    pub(crate) async fn load_columns_for(
        &mut self,
        id: Id,
        attributes: &[u16],
        by: Asker,
    ) -> Result<()> {
        let before = self.before_refresh(id);
        self.load_columns_since(before, id, attributes, by).await
    }

    /// As [`load_columns_for`](Self::load_columns_for); whoever refuses it finds what was before.
    pub(crate) async fn load_columns_since(
        &mut self,
        before: Vec<Before>,
        id: Id,
        attributes: &[u16],
        by: Asker,
    ) -> Result<()> {
        let Some(key) = self.identity_key(id) else { return Ok(()) };
        if attributes.is_empty() {
            return Ok(());
        }
        let attributes = &*self.with_whole_composites(id, attributes);
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(id.class);
        let attribute = if let [one] = attributes { Some(*one) } else { None };
        let (what, lazy) = (Executed::ColumnLoad, by == Asker::Program);
        self.count_load(Loaded { what, class: mapper.def, attribute, lazy, statements: 1 })?;
        let entity = Entity::of(mapper.def);
        let mut query = Query::new(entity.clone(), What::Columns);
        query.own = true;
        query.sql.columns = attributes.iter().map(|a| entity.leaf(*a)).collect();
        let operands: Vec<Node> = mapper.primary_key.iter().map(|a| entity.leaf(*a)).collect();
        query.sql.filter.push(super::link::among(
            &operands,
            mapper,
            &mapper.primary_key,
            &[key.values()],
        ));
        let query = self.told_query(Executed::ColumnLoad, query).await?;
        let select = query.into_select();
        let ready = self.prepare(&select)?;
        let mut connection = self.checkout().await?;
        let mut sink = ColumnsOf { session: self, id, attributes, found: false };
        let result = connection.query(&ready.compiled, &ready.params, &mut sink).await;
        let found = sink.found;
        self.checkin(connection);
        result?;
        if !found {
            return Err(self.row_gone(id));
        }
        super::object::note_refresh(self, id, attributes, before);
        self.tell_noted_waiting().await
    }

    /// Loads an attribute of many objects of one class.
    pub(crate) async fn load_many(&mut self, ids: &[Id], attribute: u16) -> Result<()> {
        self.load_many_for(ids, attribute, Asker::Program).await
    }

    /// As [`ensure_loaded`](Self::ensure_loaded), of many objects of one class.
    pub(crate) async fn ensure_all_loaded(&mut self, ids: &[Id], attribute: u16) -> Result<()> {
        self.load_many_for(ids, attribute, Asker::Session).await
    }

    async fn load_many_for(&mut self, ids: &[Id], attribute: u16, by: Asker) -> Result<()> {
        let Some(first) = ids.first() else { return Ok(()) };
        for id in ids {
            self.arena.check(*id)?;
        }
        if self.mapper_of(*first).relationship(attribute).is_none() {
            return self.load_columns_of(ids, &[attribute], by).await;
        }
        let mut open: Vec<Id> = Vec::new();
        for &id in ids.iter().filter(|id| self.is_open(**id, attribute)).collect::<Vec<_>>() {
            match self.must_load(id, attribute) {
                true => open.push(id),
                false => self.start_empty(id, attribute),
            }
        }
        for id in &open {
            self.check_loadable(*id, attribute, by)?;
        }
        if !open.iter().all(|id| self.known_by_key(*id, attribute)) {
            self.autoflush().await?;
        }
        Box::pin(self.load_relation(&open, Wanted::plain(attribute, by))).await
    }

    /// Loads a relationship of an object without flushing, whatever options say.
    pub(crate) async fn load_as_is(&mut self, id: Id, attribute: u16) -> Result<()> {
        Box::pin(self.load_relation(&[id], Wanted::plain(attribute, Asker::Session))).await
    }
}

/// Fills columns of one object.
struct ColumnsOf<'a> {
    session: &'a mut Session,
    id: Id,
    attributes: &'a [u16],
    found: bool,
}

impl RowSink for ColumnsOf<'_> {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        self.found = true;
        let id = self.id;
        let mapper = Arc::clone(self.session.mapper_of(id));
        let mut at = vec![NOT_IN_ROW; mapper.properties.len()];
        for (column, attribute) in self.attributes.iter().enumerate() {
            at[usize::from(*attribute)] = column as u16;
        }
        let slab = self.session.arena.of_mut(id);
        if let Err(error) = slab.objects.refresh(id.slot, row, &at) {
            let names: Vec<&str> =
                self.attributes.iter().map(|a| mapper.property(*a).name()).collect();
            let what = self.session.describe_object(id);
            return Err(error.context(format_args!("loading {} of {what}", names.join(", "))));
        }
        for attribute in self.attributes {
            slab.set_loaded(id.slot, *attribute, true);
            slab.set_expired(id.slot, *attribute, false);
        }
        for attribute in self.attributes {
            self.session.loading.allow(id, *attribute);
        }
        Ok(ControlFlow::Break(()))
    }
}
