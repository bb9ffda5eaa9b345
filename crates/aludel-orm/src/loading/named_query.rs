//! Queries put together by names.

use aludel_sql::{Distinct, Lock, Node};

use super::loader_criteria::LoaderCriteria;
use super::named::EntityRef;
use super::options::{LoadOption, RelationshipOption, Strategy};
use super::query::{Back, JoinStep, Query, What};
use crate::Result;
use crate::instrumentation::Lazy;
use crate::instrumentation::entity::Entity;

/// How a path of relationships is loaded; see the functions of the same names, such as
/// [`selectin`](super::selectin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadKind {
    /// When it is asked for.
    Lazy,
    /// By the owners' keys.
    SelectIn,
    /// With the row.
    Joined,
    /// By the query that gave the owners.
    Subquery,
    /// By a SELECT for each owner.
    Immediate,
    /// Never.
    Raise,
    /// From the identity map only.
    RaiseOnSql,
    /// From joins of the query.
    ContainsEager,
}

impl Query {
    /// The class of the query.
    pub fn entity(&self) -> EntityRef {
        EntityRef { entity: self.entity.clone(), names: self.names.clone() }
    }

    /// Adds a condition.
    #[must_use]
    pub fn filter(mut self, condition: Node) -> Self {
        self.sql.filter.push(condition);
        self
    }

    /// Adds to the order.
    #[must_use]
    pub fn order_by(mut self, by: Node, descending: bool) -> Self {
        self.sql.order_by.push(super::build::ordered(by, descending));
        self
    }

    /// At most so many.
    #[must_use]
    pub fn limit(mut self, rows: i64) -> Self {
        self.sql.limit = Some(Node::literal(rows));
        self
    }

    /// Without the first ones.
    #[must_use]
    pub fn offset(mut self, rows: i64) -> Self {
        self.sql.offset = Some(Node::literal(rows));
        self
    }

    /// Without rows that are equal to another.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.sql.distinct = Distinct::Rows;
        self
    }

    /// Columns in place of objects.
    #[must_use]
    pub fn columns(mut self, columns: Vec<Node>) -> Self {
        self.what = What::Columns;
        self.sql.columns = columns;
        if !self.has_objects() {
            self.options.clear();
        }
        self
    }

    /// Adds criteria for a class, wherever the query has it; see [`LoaderCriteria`].
    #[must_use]
    pub fn with_criteria(mut self, criteria: LoaderCriteria) -> Self {
        criteria.put_on(&mut self);
        self
    }

    /// Leaves out the session's [criteria](crate::Session::add_criteria).
    #[must_use]
    pub fn without_criteria(mut self) -> Self {
        self.without_criteria = true;
        self
    }

    /// Overwrites what is loaded of the objects that the query gives.
    #[must_use]
    pub fn populate_existing(mut self) -> Self {
        self.populate_existing = true;
        self
    }

    /// Locks the rows; of some of its entities only, if some are given.
    #[must_use]
    pub fn lock(mut self, lock: Lock, of: &[EntityRef]) -> Self {
        self.sql.lock = Some(lock);
        self.lock_of = of.iter().map(|entity| entity.entity.clone()).collect();
        self
    }

    /// Joins the objects that a relationship of an entity leads to, under a name of their own, which is given.
    ///
    /// # Errors
    ///
    /// When there is no such relationship.
    pub fn join(&mut self, owner: &EntityRef, name: &str, outer: bool) -> Result<EntityRef> {
        let (attribute, target) = owner.names.relationship(owner.entity.class, name)?;
        let target = Entity::aliased(target);
        self.joins.push(JoinStep {
            owner: owner.entity.clone(),
            attribute: Some(attribute),
            target: target.clone(),
            outer,
            on: Vec::new(),
            back: Back::No,
        });
        Ok(owner.with(target))
    }

    /// Reads the columns of a subclass along.
    #[must_use]
    pub fn along(mut self, subclass: &EntityRef) -> Self {
        self.along.push(subclass.entity.class);
        self
    }

    /// Loads a path of relationships. A step is a relationship's name with the class that has it where that is not
    /// the class that the path has come to, and the entity that stands for its objects where the query has
    /// joined them; of another kind than [`LoadKind::ContainsEager`] that is a subclass, which they are taken for, as by
    /// [`Load::of_type`](super::Load::of_type).
    ///
    /// # Errors
    ///
    /// When there is no such relationship.
    pub fn load_path(
        &mut self,
        kind: LoadKind,
        path: &[(Option<EntityRef>, &str, Option<EntityRef>)],
    ) -> Result<()> {
        let mut class = self.entity.class;
        let mut steps = Vec::new();
        for (on, name, joined) in path {
            class = on.as_ref().map_or(class, |on| on.entity.class);
            let (attribute, target) = self.names.relationship(class, name)?;
            let how = match kind {
                LoadKind::Lazy => Strategy::Lazy,
                LoadKind::SelectIn => Strategy::SelectIn,
                LoadKind::Joined => Strategy::Joined,
                LoadKind::Subquery => Strategy::Subquery,
                LoadKind::Immediate => Strategy::Immediate,
                LoadKind::Raise => Strategy::Raise,
                LoadKind::RaiseOnSql => Strategy::RaiseOnSql,
                LoadKind::ContainsEager => {
                    Strategy::Contains(joined.as_ref().map(|joined| joined.entity.clone()))
                }
            };
            let read_as = joined.as_ref().filter(|_| !matches!(how, Strategy::Contains(_)));
            let below =
                read_as.map(|sub| LoadOption::Along(sub.entity.class)).into_iter().collect();
            steps.push(RelationshipOption { class, attribute, how, below });
            class = read_as.map_or(target, |sub| sub.entity.class);
        }
        let mut steps = steps.into_iter().rev();
        let Some(tip) = steps.next() else { return Ok(()) };
        let root = steps.fold(tip, |below, mut above| {
            above.below.push(LoadOption::Relationship(below));
            above
        });
        self.options.push(LoadOption::Relationship(root));
        Ok(())
    }

    /// How every relationship is loaded that has no option of its own; see [`others`](super::others).
    pub fn others(&mut self, how: Lazy) {
        let how = Strategy::of(how).unwrap_or(Strategy::Lazy);
        self.options.push(LoadOption::Others(how));
    }

    /// Leaves a column out; with `raise`, loading it later is an error.
    ///
    /// # Errors
    ///
    /// When there is no such attribute.
    pub fn defer(&mut self, name: &str, raise: Raise) -> Result<()> {
        let class = self.entity.class;
        let attribute = self.names.attribute(class, name)?;
        self.options.push(LoadOption::Defer { class, attribute, raise: raise == Raise::Yes });
        Ok(())
    }

    /// Loads a deferred column along.
    ///
    /// # Errors
    ///
    /// When there is no such attribute.
    pub fn undefer(&mut self, name: &str) -> Result<()> {
        let class = self.entity.class;
        let attribute = self.names.attribute(class, name)?;
        self.options.push(LoadOption::Undefer { class, attribute });
        Ok(())
    }

    /// Loads the deferred columns of a group along.
    pub fn undefer_group(&mut self, group: &str) {
        self.options.push(LoadOption::UndeferGroup(group.into()));
    }

    /// Loads these columns and the primary key only.
    ///
    /// # Errors
    ///
    /// When there is no such attribute.
    pub fn load_only(&mut self, names: &[&str]) -> Result<()> {
        let class = self.entity.class;
        let attributes = names.iter().map(|name| self.names.attribute(class, name));
        let attributes = attributes.collect::<Result<_>>()?;
        self.options.push(LoadOption::LoadOnly { class, attributes });
        Ok(())
    }

    /// Loads the columns that subclasses add by a SELECT for each subclass.
    pub fn selectin_polymorphic(&mut self, subclasses: &[EntityRef]) {
        let classes = subclasses.iter().map(|class| class.entity.class).collect();
        self.options.push(LoadOption::Polymorphic(classes));
    }
}

/// Whether it is an error to load a deferred column later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raise {
    /// It is loaded when it is asked for.
    No,
    /// It is an error.
    Yes,
}
