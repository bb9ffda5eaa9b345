//! Columns of many objects at once: what is deferred or expired, by one SELECT for 1,000 of them.

use super::get::KEYS_AT_ONCE;
use super::guard::Loaded;
use super::options::{LoadOption, Strategy};
use super::query::{Query, What};
use super::relation::Asker;
use crate::Result;
use crate::events::Executed;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{AttributeKey, Handle, Id, IsA, Mapped};
use crate::mapping::PropertyKind;
use crate::session::identity::Key;
use crate::session::{ObjectState, Session};

/// Objects of one class that lack the same columns.
struct Lacking {
    class: u16,
    columns: Vec<u16>,
    ids: Vec<Id>,
}

impl Session {
    /// Loads attributes of objects, as far as they are not loaded: columns, deferred or expired, all by one SELECT for
    /// 1,000 objects that lack the same; relationships by one each. What belongs to the group of a deferred column
    /// comes along.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let users = session.all(select::<User>().options(load_only([User::id]))).await?;
    /// let both = [AttributeKey::from(User::name), User::age.into()];
    /// session.load_attributes(&users, both).await?; // one SELECT
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    #[track_caller]
    pub fn load_attributes<S: IsA<C>, C: Mapped>(
        &mut self,
        objects: &[Handle<S>],
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<C>>>,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        let attributes: Vec<u16> = attributes.into_iter().map(|a| a.into().index).collect();
        let ids: Vec<Id> = objects.iter().map(|object| object.id).collect();
        async move {
            for id in &ids {
                self.arena.check(*id)?;
            }
            let Some(first) = ids.first() else { return Ok(()) };
            let is_relationship = |a: &u16| self.mapper_of(*first).relationship(*a).is_some();
            let (related, columns): (Vec<u16>, Vec<u16>) =
                attributes.into_iter().partition(is_relationship);
            self.load_columns_of(&ids, &columns, Asker::Program).await?;
            for attribute in related {
                self.load_many(&ids, attribute).await?;
            }
            Ok(())
        }
    }

    /// Loads columns of objects, as far as they are not loaded.
    pub(crate) async fn load_columns_of(
        &mut self,
        ids: &[Id],
        attributes: &[u16],
        by: Asker,
    ) -> Result<()> {
        if let [id] = ids
            && let [attribute] = attributes
        {
            return self.load_attribute(*id, *attribute, by).await;
        }
        if !self.lacks_any(ids, attributes) {
            return Ok(());
        }
        self.autoflush().await?;
        for lacking in self.lacking(ids, attributes, by)? {
            self.load_lacking(&lacking, by).await?;
        }
        // What the flush has deleted, and what has forgotten its row, is told as ever.
        for id in ids {
            for attribute in attributes {
                self.load_attribute(*id, *attribute, by).await?;
            }
        }
        Ok(())
    }

    fn lacks_any(&self, ids: &[Id], attributes: &[u16]) -> bool {
        ids.iter().any(|id| {
            let columns = attributes.iter().flat_map(|a| self.columns_in(*id, *a));
            columns.into_iter().any(|a| !self.arena.is_loaded(*id, a))
        })
    }

    /// The column that an attribute is, or those of a composite.
    fn columns_in(&self, id: Id, attribute: u16) -> Vec<u16> {
        match &self.mapper_of(id).property(attribute).kind {
            PropertyKind::Composite { attributes } => attributes.to_vec(),
            _ => vec![attribute],
        }
    }

    /// Who lacks what, those who lack the same together.
    fn lacking(&self, ids: &[Id], attributes: &[u16], by: Asker) -> Result<Vec<Lacking>> {
        let mut all: Vec<Lacking> = Vec::new();
        for id in ids {
            let mut columns = Vec::new();
            for column in attributes.iter().flat_map(|a| self.columns_in(*id, *a)) {
                let absent = !self.arena.is_loaded(*id, column)
                    && self.needs_load(*id, column)
                    && self.expression(*id, column).is_none();
                if absent && !columns.contains(&column) && self.arena.state(*id).is_attached() {
                    self.check_loadable(*id, column, by)?;
                    columns.extend(self.loaded_together(*id, column));
                }
            }
            columns.sort_unstable();
            columns.dedup();
            self.put_to_those_alike(&mut all, *id, columns);
        }
        Ok(all)
    }

    fn put_to_those_alike(&self, all: &mut Vec<Lacking>, id: Id, columns: Vec<u16>) {
        if columns.is_empty() || self.identity_key(id).is_none() {
            return;
        }
        let same = |l: &&mut Lacking| l.class == id.class && l.columns == columns;
        match all.iter_mut().rev().find(same) {
            Some(lacking) => lacking.ids.push(id),
            None => all.push(Lacking { class: id.class, columns, ids: vec![id] }),
        }
    }

    /// Reads what is expired of objects in the session. One whose row is gone stays as it is.
    pub(super) async fn load_expired(&mut self, ids: &[Id]) -> Result<()> {
        let mut all = Vec::new();
        for &id in ids {
            if self.arena.holds(id) && self.arena.state(id).life == ObjectState::Persistent {
                self.put_to_those_alike(&mut all, id, self.expired_unrestricted(id));
            }
        }
        for lacking in all {
            self.load_lacking(&lacking, Asker::Session).await?;
        }
        Ok(())
    }

    /// As [`ensure_loaded`](Self::ensure_loaded), of columns of objects in the session, many objects at a time.
    pub(crate) async fn ensure_each_loaded(&mut self, wanted: Vec<(Id, u16)>) -> Result<()> {
        let mut lacking: Vec<(Id, Vec<u16>)> = Vec::new();
        for (id, attribute) in wanted {
            if self.arena.is_loaded(id, attribute)
                || !self.needs_load(id, attribute)
                || self.arena.state(id).life != ObjectState::Persistent
            {
                continue;
            }
            if self.expression(id, attribute).is_some() {
                return Err(self.not_flushed(id, attribute));
            }
            let columns = self.loaded_together(id, attribute);
            match lacking.last_mut() {
                Some((last, all)) if *last == id => {
                    all.extend(columns);
                    all.sort_unstable();
                    all.dedup();
                }
                _ => lacking.push((id, columns)),
            }
        }
        self.load_columns_of_each(lacking).await
    }

    /// Reads absent columns of objects for the session's own purposes, those that lack the same together. It is an
    /// error if the row of one is gone.
    pub(crate) async fn load_columns_of_each(&mut self, wanted: Vec<(Id, Vec<u16>)>) -> Result<()> {
        if let [(id, columns)] = wanted.as_slice() {
            return self.load_columns(*id, columns).await;
        }
        let mut all = Vec::new();
        for (id, columns) in &wanted {
            self.put_to_those_alike(&mut all, *id, columns.clone());
        }
        for lacking in all {
            self.load_lacking(&lacking, Asker::Session).await?;
        }
        // One that lacks them still has no row: it is told as ever.
        for (id, columns) in wanted {
            if columns.iter().any(|column| !self.arena.is_loaded(id, *column)) {
                self.load_columns(id, &columns).await?;
            }
        }
        Ok(())
    }

    async fn load_lacking(&mut self, lacking: &Lacking, by: Asker) -> Result<()> {
        let def = self.mappers.at(lacking.class).def;
        let attribute = if let [one] = lacking.columns[..] { Some(one) } else { None };
        let (what, lazy) = (Executed::ColumnLoad, by == Asker::Program);
        let statements = lacking.ids.len().div_ceil(KEYS_AT_ONCE);
        self.count_load(Loaded { what, class: def, attribute, lazy, statements })?;
        let keys: Vec<Key> = lacking.ids.iter().filter_map(|id| self.identity_key(*id)).collect();
        let keys: Vec<&Key> = keys.iter().collect();
        let mut query = Query::new(Entity::of(def), What::Objects);
        query.own = true;
        let attributes = lacking.columns.clone();
        query.options.push(LoadOption::LoadOnly { class: def, attributes });
        // Nothing else comes along, whatever mappings say.
        query.options.push(LoadOption::Others(Strategy::Lazy));
        self.select_by_keys(what, lacking.class, &keys, query).await
    }
}
