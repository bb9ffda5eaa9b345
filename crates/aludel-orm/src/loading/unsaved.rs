//! Relationships of objects that have no rows.

use std::sync::Arc;

use super::link::{among, link, member_order};
use super::query::{Query, What};
use super::relation::{Asker, Wanted};
use crate::events::Executed;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, Handle, Id, IsA, Loadable, Mapped};
use crate::session::Session;
use crate::session::state::Flags;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Loads a relationship of an object that has no row yet, by the values that it has: a reference by its foreign key, a
    /// collection by the key that its members would refer to. The object may be pending, or not be in the session at
    /// all; nothing is flushed, and what was set already stays. Of an object that has a row, it is
    /// [`load`](Self::load). What SQLAlchemy's `enable_relationship_loading` and `load_on_pending` are for.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let address = session.make(Address { user_id: Some(5), ..Address::default() })?;
    /// session.load_unsaved(address, Address::user).await?;
    /// let user = session[address].user.get();
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When the attribute is no relationship, or the database refuses the query.
    #[track_caller]
    pub fn load_unsaved<S: IsA<C>, C: Mapped, V: Loadable>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let attribute = self.number(object.id, attribute)?;
            self.load_unsaved_at(object.id, attribute).await
        }
    }

    /// As [`load_unsaved`](Self::load_unsaved), by the attribute's name.
    ///
    /// # Errors
    ///
    /// As there; and when there is no such attribute.
    #[track_caller]
    pub fn load_unsaved_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let id = object.into();
            let attribute = self.attribute_named(id, name)?;
            self.load_unsaved_at(id, attribute).await
        }
    }

    async fn load_unsaved_at(&mut self, id: Id, attribute: u16) -> Result<()> {
        self.arena.check(id)?;
        if self.arena.state(id).has(Flags::HAS_KEY) {
            return self.load_attribute(id, attribute, Asker::Program).await;
        }
        let mappers = Arc::clone(&self.mappers);
        let Some(relationship) = mappers.at(id.class).relationship(attribute) else {
            let message = format!("{} is no relationship", self.describe(id, attribute));
            return Err(Error::new(ErrorKind::Argument, message));
        };
        if !self.is_open(id, attribute) {
            return Ok(());
        }
        if relationship.by_key
            && let Some(Some(key)) = self.foreign_key(id, relationship, false)
            && let Some(found) = self.present(relationship.target, &key)
        {
            self.fill_relationship(id, attribute, vec![found]);
            return Ok(());
        }
        let link = link(&mappers, relationship);
        let mut found = Vec::new();
        if let Some(values) = self.local_values(id, &link.locals, false) {
            let entity = Entity::of(mappers.at(relationship.target).def);
            let mut query = Query::new(entity.clone(), What::Objects);
            if relationship.holder.is_collection() {
                let target = mappers.at(relationship.target);
                query.sql.order_by = member_order(relationship, target, &entity);
            }
            query.joins.extend(link.join);
            let of = mappers.at(id.class);
            query.sql.filter.push(among(&link.operands, of, &link.locals, &[values]));
            let wanted = Wanted::plain(attribute, Asker::Program);
            self.count_load(wanted.loaded(relationship, &mappers, 1))?;
            let query = self.told_query(Executed::RelationshipLoad, query).await?;
            let select = query.into_select();
            found = Box::pin(self.fetch_objects(&select, false, None, None)).await?;
        }
        self.fill_relationship(id, attribute, found);
        self.tell_noted_waiting().await
    }
}
