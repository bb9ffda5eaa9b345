//! Eager joins: related objects from the rows of their owners, by joins of the program's own or by ones made for
//! it.

use std::sync::Arc;

use aludel_sql::{FromItem, Node, Selectable};

use super::build::ordered;
use super::options::{LoadOption, RelationshipOption, Strategy};
use super::plan::{EagerPlan, EntityPlan, Plan};
use super::resolve::Resolver;
use super::sources::Sources;
use crate::Result;
use crate::instrumentation::entity::Entity;
use crate::mapping::Relationship;

/// An eager join that is still to be attached.
pub(super) struct Eager {
    pub(super) right: FromItem,
    pub(super) on: Node,
}

/// The phases of a statement of objects.
#[derive(Default)]
pub(super) struct Building {
    pub(super) columns: Vec<Node>,
    pub(super) joins: Vec<Eager>,
    pub(super) order_by: Vec<Node>,
    /// An eager join may give several rows for one.
    pub(super) multiplies: bool,
}

impl Resolver<'_> {
    /// Relationships that the program's own joins fill.
    pub(super) fn contained(
        &mut self,
        entity: &mut EntityPlan,
        _sources: &Arc<Sources>,
        options: &[LoadOption],
        building: &mut Building,
        plan: &mut Plan,
    ) -> Result<()> {
        for option in options {
            let LoadOption::Relationship(option) = option else { continue };
            let Strategy::Contains(target) = &option.how else { continue };
            let class = self.class(option.class)?;
            let sources = self.containing(option, target.as_ref())?;
            let index = plan.eager;
            plan.eager += 1;
            let options = self.with_defaults(sources.class, &option.below)?;
            let along = self.along(&sources, &[], &options)?;
            let columns = &mut building.columns;
            let mut below = self.entity(&sources, &options, &along, columns, &mut plan.entities)?;
            self.contained(&mut below, &sources, &options, building, plan)?;
            entity.eager.push(EagerPlan {
                index,
                class,
                attribute: option.attribute,
                entity: below,
            });
        }
        Ok(())
    }

    /// What stands for the objects that the program has joined.
    fn containing(
        &mut self,
        option: &RelationshipOption,
        target: Option<&Entity>,
    ) -> Result<Arc<Sources>> {
        let class = self.class(option.class)?;
        let relationship = self.relationship(class, option.attribute)?;
        match target {
            None => Ok(self.plain(relationship.target)),
            Some(target) if target.number() == 0 => {
                let target = self.class(target.class)?;
                Ok(self.plain(target))
            }
            Some(target) => self.sources(target),
        }
    }

    /// Relationships that are filled by joins of their own.
    pub(super) fn eager(
        &mut self,
        entity: &mut EntityPlan,
        sources: &Arc<Sources>,
        options: &[LoadOption],
        building: &mut Building,
        plan: &mut Plan,
    ) -> Result<()> {
        for option in options {
            let LoadOption::Relationship(option) = option else { continue };
            match &option.how {
                Strategy::Joined => {
                    let below = self.eager_join(sources, option, building, plan)?;
                    entity.eager.push(below);
                }
                Strategy::Contains(target) => {
                    let sources = self.containing(option, target.as_ref())?;
                    let attribute = option.attribute;
                    if let Some(below) = entity.eager.iter_mut().find(|e| e.attribute == attribute)
                    {
                        let options = self.with_defaults(sources.class, &option.below)?;
                        self.eager(&mut below.entity, &sources, &options, building, plan)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn eager_join(
        &mut self,
        owner: &Arc<Sources>,
        option: &RelationshipOption,
        building: &mut Building,
        plan: &mut Plan,
    ) -> Result<EagerPlan> {
        let class = self.class(option.class)?;
        let relationship = self.relationship(class, option.attribute)?;
        let along = self.classes_along(relationship.target, &[], &option.below)?;
        let target = self.fresh(relationship.target);
        let target = self.with_along(target, &along, |source| source().alias().to_source());
        let through = relationship.secondary.as_ref().map(|s| s.table.alias().to_source());
        let (near, far) = self.conditions(relationship, owner, &target, through.as_ref())?;
        let right = self.tables(&target)?;
        let single = self.of_class(&target)?;
        match through {
            Some(through) => {
                building.joins.push(Eager { right: through.into(), on: near });
                building.joins.push(Eager { right, on: Node::and(far.into_iter().chain(single)) });
            }
            None => {
                let on = Node::and(std::iter::once(near).chain(single));
                building.joins.push(Eager { right, on });
            }
        }
        if relationship.holder.is_collection() {
            building.multiplies = true;
            building.order_by.extend(self.member_order(relationship, &target)?);
        }
        let index = plan.eager;
        plan.eager += 1;
        let options = self.with_defaults(target.class, &option.below)?;
        let along = self.along(&target, &[], &options)?;
        let mut entity =
            self.entity(&target, &options, &along, &mut building.columns, &mut plan.entities)?;
        self.eager(&mut entity, &target, &options, building, plan)?;
        Ok(EagerPlan { index, class, attribute: option.attribute, entity })
    }

    /// The order of the members of a collection: as the relationship says, then by key.
    fn member_order(
        &mut self,
        relationship: &Relationship,
        target: &Arc<Sources>,
    ) -> Result<Vec<Node>> {
        let mut order = Vec::new();
        for (attribute, descending) in &relationship.order_by {
            let column = self.attribute(relationship.target, *attribute, target)?;
            order.push(ordered(column, *descending));
        }
        let said: Vec<u16> = relationship.order_by.iter().map(|(a, _)| *a).collect();
        let mappers = self.mappers;
        for attribute in &mappers.at(target.class).primary_key {
            if !said.contains(attribute) {
                order.push(self.attribute(target.class, *attribute, target)?);
            }
        }
        Ok(order)
    }
}
