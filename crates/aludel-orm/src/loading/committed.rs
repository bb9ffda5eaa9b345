//! Loading what the database has of relationships and columns that were changed since.

use std::sync::Arc;

use aludel_sql::{Node, Value, ValueRef};

use super::get::KEYS_AT_ONCE;
use super::guard::Loaded;
use super::link::{among, link};
use super::query::{Query, What};
use super::relation::{Asker, Wanted, each_once};
use super::row_keys::RowKeys;
use crate::Result;
use crate::attributes::log::Old;
use crate::events::Executed;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Id, OneCore};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::identity::Key;
use crate::session::raw::Copied;
use crate::session::state::Flags;

impl Session {
    /// Loads a relationship of objects of one class as the database has it, whatever keys the owners were given
    /// since, and without flushing.
    pub(crate) async fn load_committed(&mut self, ids: &[Id], attribute: u16) -> Result<()> {
        Box::pin(self.load_relation(ids, as_committed(attribute))).await
    }

    /// Whether a reference was replaced while nobody knew to what it referred.
    pub(crate) fn is_replaced_unknown(&self, id: Id, attribute: u16) -> bool {
        let head = self.arena.state(id).head;
        let entry = if head == 0 { None } else { self.log.find(head, attribute) };
        let old = entry.map(|entry| &entry.old);
        matches!(old, Some(Old::One(OneCore::NotLoaded | OneCore::Unset)))
    }

    /// Finds out what a reference of objects of one class was that was replaced without being loaded: its history
    /// is then complete. Nothing is flushed before, and the references stay as they are.
    pub(crate) async fn load_committed_references(
        &mut self,
        ids: &[Id],
        attribute: u16,
    ) -> Result<()> {
        let unknown = |id: &Id| {
            self.is_replaced_unknown(*id, attribute) && self.arena.state(*id).has(Flags::HAS_KEY)
        };
        let ids: Vec<Id> = ids.iter().copied().filter(unknown).collect();
        let Some(first) = ids.first() else { return Ok(()) };
        let mappers = Arc::clone(&self.mappers);
        let Some(relationship) = mappers.at(first.class).relationship(attribute) else {
            return Ok(());
        };
        let found = if relationship.is_by_key() {
            self.committed_by_key(&ids, relationship).await?
        } else {
            let (link, wanted) = (link(&mappers, relationship), as_committed(attribute));
            let lists = self.select_lists(&ids, relationship, link, &wanted).await?;
            lists.into_iter().map(|list| list.first().copied()).collect()
        };
        for (id, old) in ids.into_iter().zip(found) {
            let head = self.arena.state(id).head;
            if let Some(entry) = self.log.find_mut(head, attribute) {
                entry.old = Old::One(OneCore::Loaded(old));
            }
        }
        Ok(())
    }

    /// Finds out what columns of objects of one class have in their rows, where they were set while nobody knew it: by one
    /// SELECT for 1,000 objects.
    pub(crate) async fn load_committed_columns(
        &mut self,
        ids: &[Id],
        attributes: &[u16],
    ) -> Result<()> {
        let Some(first) = ids.first() else { return Ok(()) };
        let mapper = Arc::clone(self.mapper_of(*first));
        let (key, entity) = (&mapper.primary_key, Entity::of(mapper.def));
        let operands: Vec<Node> = key.iter().map(|a| entity.leaf(*a)).collect();
        for ids in ids.chunks(KEYS_AT_ONCE) {
            let what = Executed::ColumnLoad;
            let (class, attribute) = (mapper.def, None);
            self.count_load(Loaded { what, class, attribute, lazy: false, statements: 1 })?;
            let keys = ids.iter().filter_map(|id| Some(self.identity_key(*id)?.values()));
            let mut query = Query::new(entity.clone(), What::Columns);
            query.own = true;
            query.sql.columns = operands.clone();
            query.sql.columns.extend(attributes.iter().map(|a| entity.leaf(*a)));
            query.sql.filter.push(among(&operands, &mapper, key, &keys.collect::<Vec<_>>()));
            let select = self.told_query(what, query).await?.into_select();
            let ready = self.prepare(&select)?;
            let mut connection = self.checkout().await?;
            let mut rows = Copied(Vec::new());
            let result = connection.query(&ready.compiled, &ready.params, &mut rows).await;
            self.checkin(connection);
            result?;
            let mut row_keys = RowKeys::new(first.class);
            for row in rows.0 {
                let (of_key, values) = row.split_at(key.len().min(row.len()));
                let of_key: Vec<ValueRef<'_>> = of_key.iter().map(Value::as_ref).collect();
                let Some(id) = row_keys.find(self, &of_key) else { continue };
                for (attribute, value) in attributes.iter().zip(values) {
                    self.put_committed(id, *attribute, value);
                }
            }
        }
        Ok(())
    }

    /// Puts down what a column was, where that is not known.
    fn put_committed(&mut self, id: Id, attribute: u16, value: &Value) {
        // As a field of the attribute has it.
        let Ok(field) = self.arena.field(id, attribute).with_value(value.clone()) else { return };
        let head = self.arena.state(id).head;
        match self.log.find_mut(head, attribute).map(|entry| &mut entry.old) {
            Some(old @ Old::Absent) => *old = Old::Value(field.value()),
            Some(Old::Expression(replaced)) if replaced.old.is_none() => {
                replaced.old = Some(field.value());
            }
            _ => {}
        }
    }

    /// What references by key lead to, as their rows have it: from the identity map, else by their keys.
    async fn committed_by_key(
        &mut self,
        ids: &[Id],
        relationship: &Relationship,
    ) -> Result<Vec<Option<Id>>> {
        let class = relationship.target;
        let locals = relationship.pairs.iter().map(|(local, _)| *local);
        let wanted = ids.iter().flat_map(|id| locals.clone().map(|local| (*id, local)));
        self.ensure_each_loaded(wanted.collect()).await?;
        let keys = ids.iter().map(|id| self.foreign_key(*id, relationship, true).flatten());
        let keys: Vec<Option<Key>> = keys.collect();
        let missing = keys.iter().flatten().filter(|key| self.find(class, key).is_none());
        let missing = each_once(missing);
        let (wanted, what) = (as_committed(relationship.attribute), Executed::RelationshipLoad);
        let statements = missing.len().div_ceil(KEYS_AT_ONCE);
        if statements > 0 {
            self.count_load(wanted.loaded(relationship, &self.mappers, statements))?;
        }
        if let [key] = missing.as_slice() {
            self.select_by_key(what, class, key, false).await?;
        } else if !missing.is_empty() {
            let mut query = Query::new(Entity::of(self.mappers.at(class).def), What::Objects);
            query.own = true;
            self.select_by_keys(what, class, &missing, query).await?;
        }
        Ok(keys.iter().map(|key| key.as_ref().and_then(|key| self.find(class, key))).collect())
    }
}

/// A relationship as the database has it.
fn as_committed(attribute: u16) -> Wanted<'static> {
    Wanted { committed: true, ..Wanted::plain(attribute, Asker::Session) }
}
