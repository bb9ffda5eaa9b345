//! Loading one relationship of many objects.
//!
//! A reference by key looks in the identity map first. All else is one SELECT for 1,000 keys: of the targets by
//! their foreign key, through the association table, or, where the program gave a condition of its own,
//! through the owners.

use std::sync::Arc;

use aludel_sql::Row;
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::get::KEYS_AT_ONCE;
use super::guard::Loaded;
use super::link::{Link, among, link, member_order, over};
use super::lists::Lists;
use super::loader_criteria::ClassCriterion;
use super::options::{LoadOption, Strategy};
use super::query::{Query, What};
use crate::Result;
use crate::events::Executed;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Id, ManyCore};
use crate::mapping::{Holder, Mappers, Relationship};
use crate::session::Session;
use crate::session::identity::Key;
use crate::session::state::Flags;

/// What is loaded of a relationship.
pub(super) struct Wanted<'a> {
    pub(super) attribute: u16,
    /// Options for the objects that it leads to.
    pub(super) below: &'a [LoadOption],
    /// The query that gave the owners, to be asked again rather than for their keys.
    pub(super) origin: Option<&'a Query>,
    pub(super) populate_existing: bool,
    /// By the keys that the owners have in the database, not by those that they were given since.
    pub(super) committed: bool,
    /// What is expired of objects that the relationship is known to lead to is read as well.
    pub(super) renew: bool,
    pub(super) by: Asker,
    /// Those of the query that gave the owners.
    pub(super) criteria: Option<Arc<[ClassCriterion]>>,
}

/// Who asks for a load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The program, of an attribute: options and guards may refuse it.
    Program,
    /// An option of a query, or the session for a purpose of its own: guards may refuse it.
    Session,
}

impl Wanted<'_> {
    /// The relationship, and nothing more.
    pub(super) fn plain(attribute: u16, by: Asker) -> Self {
        Self {
            attribute,
            below: &[],
            origin: None,
            populate_existing: false,
            committed: false,
            renew: false,
            by,
            criteria: None,
        }
    }

    /// The criteria, for a query.
    fn criteria(&self) -> Vec<ClassCriterion> {
        self.criteria.as_deref().map(<[_]>::to_vec).unwrap_or_default()
    }

    /// As guards count it.
    pub(super) fn loaded(
        &self,
        relationship: &Relationship,
        mappers: &Mappers,
        statements: usize,
    ) -> Loaded {
        Loaded {
            what: Executed::RelationshipLoad,
            class: mappers.at(relationship.parent).def,
            attribute: Some(self.attribute),
            lazy: self.by == Asker::Program,
            statements,
        }
    }
}

impl Session {
    /// Loads a relationship of objects of one hierarchy; of those that have it loaded, only what the options
    /// below say.
    pub(super) async fn load_relation(&mut self, ids: &[Id], wanted: Wanted<'_>) -> Result<()> {
        let Some(first) = ids.first() else { return Ok(()) };
        let mappers = Arc::clone(&self.mappers);
        let Some(relationship) = mappers.at(first.class).relationship(wanted.attribute) else {
            return Err(self.no_such_field(*first, wanted.attribute));
        };
        let mut wanted = wanted;
        if wanted.by == Asker::Program && wanted.criteria.is_none() {
            wanted.criteria = self.loading.criteria.of_object(*first).cloned();
            let (like, unlike) = self.by_criteria_of(ids, wanted.criteria.as_ref());
            if !unlike.is_empty() {
                let rest = Wanted::plain(wanted.attribute, wanted.by);
                Box::pin(self.load_relation(&unlike, rest)).await?;
                return Box::pin(self.load_relation(&like, wanted)).await;
            }
        }
        let mut open = Vec::new();
        let mut there = Vec::new();
        for &id in ids {
            let state = self.arena.state(id);
            if !state.has(Flags::HAS_KEY) || !state.is_attached() {
                continue;
            }
            match wanted.populate_existing || self.is_open(id, wanted.attribute) {
                true => open.push(id),
                false => there.push(id),
            }
        }
        if wanted.renew {
            // What a subclass has more may never have been read.
            let of_target = mappers.at(relationship.target).properties.len();
            let mut expired = self.members_of(&there, wanted.attribute);
            expired.retain(|id| {
                let first = || self.expired_columns(*id).first().copied().map(usize::from);
                self.arena.holds(*id) && first().is_some_and(|first| first < of_target)
            });
            self.load_expired(&expired).await?;
        }
        let mut members = match wanted.below.is_empty() {
            true => Vec::new(),
            false => self.members_of(&there, wanted.attribute),
        };
        if !open.is_empty() {
            let link = link(&mappers, relationship);
            let lacking = open.iter().copied().filter(|id| self.lacks(*id, &link.locals));
            let lacking: Vec<Id> = lacking.collect();
            if lacking.len() > 1 {
                self.load_expired(&lacking).await?;
            }
            for id in lacking {
                self.load_locals(id, &link.locals).await?;
            }
            if let Holder::Keyed(key) = relationship.holder {
                self.load_waiting_keys(&open, wanted.attribute, key).await?;
            }
            if relationship.by_key && relationship.primaryjoin.is_none() && wanted.origin.is_none()
            {
                members.extend(self.load_references(&open, relationship, &wanted).await?);
            } else {
                self.load_lists(&open, relationship, link, &wanted).await?;
            }
        }
        if wanted.below.is_empty() || members.is_empty() {
            return Ok(());
        }
        Box::pin(self.load_below(members, wanted.below, wanted.criteria)).await
    }

    /// The owners that came by a query with these criteria, and the others.
    fn by_criteria_of(
        &self,
        ids: &[Id],
        criteria: Option<&Arc<[ClassCriterion]>>,
    ) -> (Vec<Id>, Vec<Id>) {
        ids.iter().partition(|id| match (self.loading.criteria.of_object(**id), criteria) {
            (None, None) => true,
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            _ => false,
        })
    }

    /// The related objects of owners that have them loaded.
    fn members_of(&self, owners: &[Id], attribute: u16) -> Vec<Id> {
        let mut members = Vec::new();
        for &owner in owners {
            let field = self.arena.field(owner, attribute);
            match field.many() {
                Some(ManyCore::Loaded(list)) => members.extend(list.iter()),
                Some(_) => {}
                None => members.extend(field.one().and_then(|one| one.known()).flatten()),
            }
        }
        members
    }

    /// What the options below a relationship say of objects that were there already.
    pub(super) async fn load_below(
        &mut self,
        ids: Vec<Id>,
        options: &[LoadOption],
        criteria: Option<Arc<[ClassCriterion]>>,
    ) -> Result<()> {
        for option in options {
            let option = match option {
                LoadOption::Relationship(option) => option,
                LoadOption::Along(class) => {
                    Box::pin(self.load_subclass(class, &ids)).await?;
                    continue;
                }
                LoadOption::Polymorphic(classes) => {
                    for class in classes {
                        Box::pin(self.load_subclass(class, &ids)).await?;
                    }
                    continue;
                }
                _ => continue,
            };
            if !option.how.is_after() && !matches!(option.how, Strategy::Joined) {
                continue;
            }
            let class = self.learn(option.class)?;
            let of_class = |id: &Id| self.mappers.is_a(id.class, class);
            let owners: Vec<Id> = ids.iter().copied().filter(of_class).collect();
            let wanted = Wanted {
                attribute: option.attribute,
                below: &option.below,
                origin: None,
                populate_existing: false,
                committed: false,
                renew: !matches!(option.how, Strategy::Immediate),
                by: Asker::Session,
                criteria: criteria.clone(),
            };
            Box::pin(self.load_relation(&owners, wanted)).await?;
        }
        Ok(())
    }

    /// Whether values are absent that the row has.
    fn lacks(&self, id: Id, attributes: &[u16]) -> bool {
        attributes.iter().any(|a| !self.arena.is_loaded(id, *a) && self.needs_load(id, *a))
    }

    /// Loads the values of an owner that its relationship goes by, where they are absent.
    pub(super) async fn load_locals(&mut self, id: Id, locals: &[u16]) -> Result<()> {
        for &attribute in locals {
            if self.lacks(id, &[attribute]) {
                Box::pin(self.load_column(id, attribute, Asker::Session)).await?;
            }
        }
        Ok(())
    }

    /// Loads the keys of the members that wait for keyed collections which are about to be loaded.
    async fn load_waiting_keys(&mut self, owners: &[Id], attribute: u16, key: u16) -> Result<()> {
        for &owner in owners {
            for member in self.waiting_members(owner, attribute).added() {
                self.load_locals(*member, &[key]).await?;
            }
        }
        Ok(())
    }

    /// References by key: from the identity map, else by one statement for their keys. Gives the objects that
    /// were there, if something is to be loaded for these.
    async fn load_references(
        &mut self,
        owners: &[Id],
        relationship: &Relationship,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Id>> {
        let attribute = wanted.attribute;
        let mut there = Vec::new();
        let mut waiting: Vec<(Id, Key)> = Vec::new();
        for &owner in owners {
            match self.foreign_key(owner, relationship, wanted.committed) {
                None => {}
                Some(None) => self.fill_reference(owner, attribute, None),
                Some(Some(key)) => match self.present(relationship.target, &key) {
                    Some(target) if !wanted.populate_existing => {
                        self.fill_reference(owner, attribute, Some(target));
                        if !wanted.below.is_empty() {
                            there.push(target);
                        }
                    }
                    _ => waiting.push((owner, key)),
                },
            }
        }
        if waiting.is_empty() {
            return Ok(there);
        }
        self.count_load(wanted.loaded(
            relationship,
            &self.mappers,
            waiting.len().div_ceil(KEYS_AT_ONCE),
        ))?;
        if let [(owner, key)] = waiting.as_slice()
            && wanted.below.is_empty()
            && wanted.criteria.is_none()
        {
            let what = Executed::RelationshipLoad;
            let existing = wanted.populate_existing;
            let found = self.select_by_key(what, relationship.target, key, existing).await?;
            self.fill_reference(*owner, attribute, found);
            return Ok(there);
        }
        let entity = Entity::of(self.mappers.at(relationship.target).def);
        let mut query = Query::new(entity, What::Objects);
        query.own = true;
        query.options = wanted.below.to_vec();
        query.criteria = wanted.criteria();
        query.populate_existing = wanted.populate_existing;
        let keys = each_once(waiting.iter().map(|(_, key)| key));
        self.select_by_keys(Executed::RelationshipLoad, relationship.target, &keys, query).await?;
        for (owner, key) in &waiting {
            let found = self.find(relationship.target, key);
            self.fill_reference(*owner, attribute, found);
        }
        Ok(there)
    }

    /// Gives a reference what the database has.
    pub(crate) fn fill_reference(&mut self, owner: Id, attribute: u16, target: Option<Id>) {
        if let Some(one) = self.arena.field_mut(owner, attribute).one_mut() {
            *one = crate::instrumentation::OneCore::Loaded(target);
        }
    }

    /// Everything else.
    async fn load_lists(
        &mut self,
        owners: &[Id],
        relationship: &Relationship,
        link: Link,
        wanted: &Wanted<'_>,
    ) -> Result<()> {
        let lists = self.select_lists(owners, relationship, link, wanted).await?;
        for (owner, list) in owners.iter().zip(lists) {
            if self.arena.holds(*owner) {
                self.fill_relationship(*owner, wanted.attribute, list);
            }
        }
        Ok(())
    }

    /// The related objects of each owner: they are selected with the values that tell their owners.
    pub(super) async fn select_lists(
        &mut self,
        owners: &[Id],
        relationship: &Relationship,
        link: Link,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Vec<Id>>> {
        let mappers = Arc::clone(&self.mappers);
        let owner_mapper = mappers.at(owners[0].class);
        let target = mappers.at(relationship.target);
        let mut values: Vec<SmallVec<[aludel_sql::Value; 2]>> = Vec::new();
        let repeats = !wanted.below.is_empty() || link.join.is_some() || wanted.origin.is_some();
        let mut lists = Lists::new(owners.len(), link.operands.len(), repeats);
        for (at, owner) in owners.iter().enumerate() {
            // Those without a value have no members.
            if let Some(tuple) = self.local_values(*owner, &link.locals, wanted.committed)
                && lists.owner(at as u32, &tuple)
            {
                values.push(tuple);
            }
        }
        let statements =
            if wanted.origin.is_some() { 1 } else { values.len().div_ceil(KEYS_AT_ONCE) };
        if statements > 0 {
            self.count_load(wanted.loaded(relationship, &mappers, statements))?;
        }
        let mut extra = |id: Id, row: &dyn Row, at: usize| {
            lists.member(id, row, at);
            Ok(())
        };
        let entity = Entity::of(target.def);
        let mut base = Query::new(entity.clone(), What::Objects);
        base.options = wanted.below.to_vec();
        base.criteria = wanted.criteria();
        base.joins.extend(link.join.clone());
        if relationship.holder.is_collection() {
            base.sql.order_by = member_order(relationship, target, &entity);
        }
        if let Some(origin) = wanted.origin {
            let mut query = base;
            over(origin, &link, &mut query);
            let query = self.told_query(Executed::RelationshipLoad, query).await?;
            let select = query.into_select();
            Box::pin(self.fetch_objects(&select, wanted.populate_existing, None, Some(&mut extra)))
                .await?;
        } else {
            for chunk in values.chunks(KEYS_AT_ONCE) {
                let mut query = base.clone();
                query.sql.columns = link.operands.clone();
                query.sql.filter.push(among(&link.operands, owner_mapper, &link.locals, chunk));
                let query = self.told_query(Executed::RelationshipLoad, query).await?;
                let select = query.into_select();
                Box::pin(self.fetch_objects(
                    &select,
                    wanted.populate_existing,
                    None,
                    Some(&mut extra),
                ))
                .await?;
            }
        }
        Ok(lists.into_lists())
    }

    /// The values of attributes of an object, as they are or as its row has them; `None` when one of them is
    /// NULL.
    pub(super) fn local_values(
        &self,
        id: Id,
        locals: &[u16],
        committed: bool,
    ) -> Option<SmallVec<[aludel_sql::Value; 2]>> {
        let head = if committed { self.arena.state(id).head } else { 0 };
        let value = |attribute: &u16| match self.log.find(head, *attribute).map(|e| e.old.value()) {
            Some(Some(old)) => old.clone(),
            _ => self.arena.field(id, *attribute).value(),
        };
        let values: SmallVec<[aludel_sql::Value; 2]> = locals.iter().map(value).collect();
        (!values.iter().any(aludel_sql::Value::is_null)).then_some(values)
    }
}

/// Some keys, each once.
pub(super) fn each_once<'k>(keys: impl Iterator<Item = &'k Key>) -> Vec<&'k Key> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut ints: HashSet<i64, foldhash::fast::RandomState> = HashSet::default();
    keys.filter(|key| match key {
        Key::Int(n) => ints.insert(*n),
        Key::Values(_) => seen.insert(key.to_string()),
    })
    .collect()
}
