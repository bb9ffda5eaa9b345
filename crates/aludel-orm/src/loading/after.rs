//! What a query's options have loaded after its rows: selectin, subquery, immediate, polymorphic.

use super::guard::Loaded;
use std::sync::Arc;

use super::link::among;
use super::loader_criteria::ClassCriterion;
use super::options::{LoadOption, Strategy};
use super::plan::EntityPlan;
use super::query::{Query, What};
use super::relation::{Asker, Wanted};
use crate::Result;
use crate::attributes::delta::IdSet;
use crate::events::Executed;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{ClassDef, Id};
use crate::session::Session;

/// How a query's objects are loaded, and so what comes after them.
pub(super) struct After<'a> {
    /// The query itself, to be asked again.
    pub(super) origin: Option<&'a Query>,
    pub(super) populate_existing: bool,
    /// Its criteria that go on.
    pub(super) criteria: Option<Arc<[ClassCriterion]>>,
}

impl Session {
    /// Loads what the options of a query's entities say.
    pub(super) async fn load_after(
        &mut self,
        entity: &EntityPlan,
        listed: &[IdSet],
        how: After<'_>,
    ) -> Result<()> {
        let After { origin, populate_existing, criteria } = how;
        let mut work = Vec::new();
        collect(entity, &mut work);
        for (number, option) in work {
            let ids = &listed[number];
            match option {
                LoadOption::Relationship(option) => {
                    let class = self.learn(option.class)?;
                    let of_class = |id: &Id| self.mappers.is_a(id.class, class);
                    let owners: Vec<Id> = ids.iter().copied().filter(of_class).collect();
                    let origin = match option.how {
                        Strategy::Subquery if number == entity.number => origin,
                        _ => None,
                    };
                    let wanted = |origin| Wanted {
                        attribute: option.attribute,
                        below: &option.below,
                        origin,
                        populate_existing,
                        committed: false,
                        renew: !matches!(option.how, Strategy::Immediate),
                        by: Asker::Session,
                        criteria: criteria.clone(),
                    };
                    if matches!(option.how, Strategy::Immediate) {
                        for owner in owners {
                            self.load_relation(&[owner], wanted(None)).await?;
                        }
                    } else {
                        self.load_relation(&owners, wanted(origin)).await?;
                    }
                }
                LoadOption::Polymorphic(classes) => {
                    for class in classes {
                        self.load_subclass(class, ids).await?;
                    }
                }
                LoadOption::Along(class) => self.load_subclass(class, ids).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the columns that a subclass adds, of the objects that are of it and lack some.
    pub(super) async fn load_subclass(
        &mut self,
        class: &'static ClassDef,
        ids: impl IntoIterator<Item = &Id>,
    ) -> Result<()> {
        let index = self.learn(class)?;
        let lacking: Vec<Id> = ids
            .into_iter()
            .copied()
            .filter(|id| {
                self.mappers.is_a(id.class, index) && !self.expired_columns(*id).is_empty()
            })
            .collect();
        let mappers = std::sync::Arc::clone(&self.mappers);
        let mapper = mappers.at(index);
        let entity = Entity::of(class);
        let operands: Vec<_> = mapper.primary_key.iter().map(|a| entity.leaf(*a)).collect();
        let (what, statements) = (Executed::ColumnLoad, lacking.len().div_ceil(500));
        if statements > 0 {
            let loaded = Loaded { what, class, attribute: None, lazy: false, statements };
            self.count_load(loaded)?;
        }
        for chunk in lacking.chunks(500) {
            let keys: Vec<_> = chunk
                .iter()
                .filter_map(|id| self.identity_key(*id))
                .map(|key| key.values())
                .collect();
            let mut query = Query::new(entity.clone(), What::Objects);
            query.along = mapper.subclasses.iter().map(|sub| mappers.at(*sub).def).collect();
            query.sql.filter.push(among(&operands, mapper, &mapper.primary_key, &keys));
            let query = self.told_query(Executed::ColumnLoad, query).await?;
            let select = query.into_select();
            self.fetch_objects(&select, false, None, None).await?;
        }
        Ok(())
    }
}

fn collect<'p>(entity: &'p EntityPlan, work: &mut Vec<(usize, &'p LoadOption)>) {
    work.extend(entity.after.iter().map(|option| (entity.number, option)));
    entity.eager.iter().for_each(|eager| collect(&eager.entity, work));
}
