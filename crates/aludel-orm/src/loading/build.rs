//! The statement of a query: what is selected, from where, and what its rows mean.
//!
//! ```text
//! SELECT columns of the class, of joins taken as loaded, extra results     (phase one)
//!        , columns of eager joins                                         (phase two)
//! FROM   tables of the class JOIN … the program's joins LEFT JOIN … eager joins
//! ```
//!
//! Where an eager join would multiply rows that a LIMIT counts, phase one becomes a derived table, to which the
//! eager joins are adapted.

use std::sync::Arc;

use aludel_sql::{
    Adapter, Direction, Distinct, FromItem, IntoQuery, Join, JoinKind, Node, NullsOrder, Select,
    Selectable, count_star,
};

use super::eager::Building;
use super::objects::ObjectLeaf;
use super::options::{LoadOption, Strategy};
use super::plan::Plan;
use super::query::{Back, JoinStep, Query, QueryNode, What};
use super::resolve::Resolver;
use super::sources::Sources;
use crate::instrumentation::{ClassKey, Record};
use crate::{Error, ErrorKind, Result};

impl Resolver<'_> {
    /// The statement over tables that a query over classes stands for.
    pub(super) fn select_objects(&mut self, query: &QueryNode, select: &Select) -> Result<Select> {
        let class = self.class(query.entity.class)?;
        if query.unknown {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "a query of {} within another has criteria for each class: put them on the outermost query, \
                     or on the session",
                    query.entity.class.name
                ),
            ));
        }
        self.depth += 1;
        let around = self.criteria.len();
        self.criteria.extend_from_slice(&query.criteria);
        let along = self.classes_along(class, &query.along, &query.options)?;
        let sources = match query.entity.number() {
            0 if query.own => self.with_along(self.own(class), &along, |source| source()),
            0 => self.with_along(self.plain(class), &along, |source| source()),
            _ => {
                let sources = self.sources(&query.entity)?;
                let sources =
                    self.with_along(sources, &along, |source| source().alias().to_source());
                self.stand_for(&query.entity, &sources);
                sources
            }
        };
        let result = match query.entity.number() {
            // A class under its own name stands for itself here, whatever it stands for further out.
            0 => self.within(&sources, |r| r.select_within(query, select, &sources)),
            _ => self.select_within(query, select, &sources),
        };
        self.depth -= 1;
        self.criteria.truncate(around);
        result
    }

    fn select_within(
        &mut self,
        query: &QueryNode,
        select: &Select,
        sources: &Arc<Sources>,
    ) -> Result<Select> {
        let mut out = Select::new();
        out.from.push(self.joins(&query.joins, sources)?);
        for item in &select.from {
            out.from.push(item.rewrite(self)?);
        }
        out.filter = self.resolve_all(&select.filter)?;
        out.filter.extend(self.of_class(sources)?);
        out.group_by = self.resolve_all(&select.group_by)?;
        out.having = self.resolve_all(&select.having)?;
        out.limit = select.limit.as_ref().map(|node| self.resolve(node)).transpose()?;
        out.offset = select.offset.as_ref().map(|node| self.resolve(node)).transpose()?;
        out.distinct = match &select.distinct {
            Distinct::On(by) => Distinct::On(self.resolve_all(by)?),
            other => other.clone(),
        };
        out.lock = select.lock.clone();
        if let Some(lock) = &mut out.lock {
            for entity in &query.lock_of {
                let sources = self.sources(entity)?;
                lock.of.extend(sources.tables.iter().map(|(_, source)| source.clone()));
            }
        }
        out.correlate = select.correlate.clone();
        if query.what == What::Columns && select.columns.iter().any(|c| ObjectLeaf::of(c).is_some())
        {
            out.order_by = self.resolve_all(&select.order_by)?;
            return self.rows_of_objects(query, out, &select.columns);
        }
        let extras = self.results(&select.columns)?;
        if query.what == What::Count {
            return self.counted(out, extras, sources);
        }
        out.order_by = self.resolve_all(&select.order_by)?;
        match query.what {
            What::Columns => out.columns = extras,
            What::Keys => {
                out.columns = self.key(sources.class, sources)?;
                out.columns.extend(extras);
            }
            _ => return self.objects(query, out, extras, sources),
        }
        if self.depth == 1 {
            self.plan = Plan { extras: out.columns.len(), ..Plan::default() };
        }
        Ok(out)
    }

    /// Results, where objects are counted by their keys.
    fn results(&mut self, columns: &[Node]) -> Result<Vec<Node>> {
        if columns.iter().all(|column| ObjectLeaf::of(column).is_none()) {
            return self.resolve_all(columns);
        }
        let mut results = Vec::new();
        for column in columns {
            match ObjectLeaf::of(column) {
                Some(leaf) => {
                    let sources = self.sources(&leaf.entity)?;
                    results.extend(self.key(sources.class, &sources)?);
                }
                None => results.extend(self.resolve_all(std::slice::from_ref(column))?),
            }
        }
        Ok(results)
    }

    /// The number of rows.
    fn counted(
        &mut self,
        mut out: Select,
        extras: Vec<Node>,
        sources: &Arc<Sources>,
    ) -> Result<Select> {
        let plain = out.limit.is_none()
            && out.offset.is_none()
            && out.group_by.is_empty()
            && matches!(out.distinct, Distinct::No);
        if plain {
            out.columns = vec![count_star().expr().node().clone()];
            return Ok(out);
        }
        out.columns = if extras.is_empty() { self.key(sources.class, sources)? } else { extras };
        Ok(Select::new().columns(count_star()).from(out.subquery()))
    }

    /// The tables of the class, with the program's joins.
    fn joins(&mut self, steps: &[JoinStep], sources: &Arc<Sources>) -> Result<FromItem> {
        let mut from = self.tables(sources)?;
        for step in steps {
            from = self.join(from, step, sources)?;
        }
        Ok(from)
    }

    /// The tables that a query of objects joins, without the query.
    pub(crate) fn joined_tables(&mut self, query: &Query) -> Result<FromItem> {
        let class = self.class(query.entity.class)?;
        let sources = match query.entity.number() {
            0 => self.plain(class),
            _ => self.sources(&query.entity)?,
        };
        self.within(&sources, |r| r.joins(&query.joins, &sources))
    }

    fn join(&mut self, from: FromItem, step: &JoinStep, main: &Arc<Sources>) -> Result<FromItem> {
        let kind = if step.outer { JoinKind::Left } else { JoinKind::Inner };
        let target = match step.back {
            Back::No => self.joined(step, &from)?,
            Back::Secondary | Back::Owner => Arc::clone(main),
        };
        let mut on = self.resolve_all(&step.on)?;
        let Some(attribute) = step.attribute else {
            on.extend(self.of_class(&target)?);
            return Ok(joined(from, self.tables(&target)?, kind, on));
        };
        let owner_class = self.class(step.owner.class)?;
        let relationship = self.relationship(owner_class, attribute)?;
        let owner = self.sources(&step.owner)?;
        let through = relationship.secondary.as_ref().map(|secondary| match step.back {
            Back::No => secondary.table.alias().to_source(),
            _ => secondary.table.to_source(),
        });
        let (near, far) = self.conditions(relationship, &owner, &target, through.as_ref())?;
        match (step.back, through, far) {
            (Back::No, None, _) => {
                on.insert(0, near);
                on.extend(self.of_class(&target)?);
                Ok(joined(from, self.tables(&target)?, kind, on))
            }
            (Back::No, Some(through), far) => {
                on.splice(0..0, far);
                on.extend(self.of_class(&target)?);
                let from = joined(from, through.into(), kind, vec![near]);
                Ok(joined(from, self.tables(&target)?, kind, on))
            }
            (Back::Secondary, Some(through), far) => {
                Ok(joined(from, through.into(), kind, far.into_iter().collect()))
            }
            (_, Some(through), far) => {
                let from = joined(from, through.into(), kind, far.into_iter().collect());
                Ok(joined(from, self.tables(&owner)?, kind, vec![near]))
            }
            (_, None, _) => Ok(joined(from, self.tables(&owner)?, kind, vec![near])),
        }
    }

    /// What stands for the target of a join; under its own name it may be in FROM once only.
    fn joined(&mut self, step: &JoinStep, from: &FromItem) -> Result<Arc<Sources>> {
        if step.target.number() != 0 {
            return self.sources(&step.target);
        }
        // What a struct's field of records refers to is known by its mapping alone.
        let class = match step.attribute {
            Some(attribute) if step.target.class.key() == ClassKey::of::<Record>() => {
                let owner = self.class(step.owner.class)?;
                self.relationship(owner, attribute)?.target
            }
            _ => self.class(step.target.class)?,
        };
        let target = self.plain(class);
        let there = from.sources();
        if target.all().any(|source| there.contains(&source)) {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "class {} is in the query already: join it under another name, with \
                     `let other = aliased::<{0}>()` and `join_as`",
                    step.target.class.name
                ),
            ));
        }
        Ok(target)
    }

    /// A SELECT of objects, with what is loaded along.
    fn objects(
        &mut self,
        query: &QueryNode,
        mut out: Select,
        extras: Vec<Node>,
        sources: &Arc<Sources>,
    ) -> Result<Select> {
        let mut plan = Plan::default();
        let mut building = Building::default();
        let options = self.with_defaults(sources.class, &query.options)?;
        let along = self.along(sources, &query.along, &options)?;
        self.expressions = query.expressions.clone();
        let entity =
            self.entity(sources, &options, &along, &mut building.columns, &mut plan.entities);
        self.expressions.clear();
        let mut entity = entity?;
        self.contained(&mut entity, sources, &options, &mut building, &mut plan)?;
        // What is read of the objects is not read again.
        let same = |read: &[Node]| read.iter().zip(&extras).all(|(a, b)| is_same_column(a, b));
        match building.columns.windows(extras.len().max(1)).position(same) {
            Some(at) => plan.extras = at,
            None => {
                plan.extras = building.columns.len();
                building.columns.extend(extras);
            }
        }
        let first = building.columns.len();
        self.eager(&mut entity, sources, &options, &mut building, &mut plan)?;
        plan.repeats = building.multiplies || !query.joins.is_empty();
        plan.entity = Some(entity);
        if self.depth == 1 {
            self.plan = plan;
        }
        if building.joins.is_empty() {
            out.columns = building.columns;
            return Ok(out);
        }
        let limited =
            out.limit.is_some() || out.offset.is_some() || !matches!(out.distinct, Distinct::No);
        if building.multiplies && (limited || !out.group_by.is_empty()) {
            return self.wrapped(out, building, first, sources);
        }
        if out.order_by.is_empty() && !building.order_by.is_empty() {
            out.order_by = self.key(sources.class, sources)?;
        }
        attach(&mut out, building, sources);
        Ok(out)
    }

    /// A SELECT of rows with objects among their values.
    fn rows_of_objects(
        &mut self,
        query: &QueryNode,
        mut out: Select,
        columns: &[Node],
    ) -> Result<Select> {
        if self.depth > 1 {
            let message = "a query within another gives values, not objects".to_owned();
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let mut plan = Plan::default();
        let mut building = Building::default();
        let mut main = None;
        for leaf in columns.iter().filter_map(ObjectLeaf::of) {
            let sources = self.sources(&leaf.entity)?;
            let options = self.options_of(sources.class, &query.options)?;
            let mut options = self.with_defaults(sources.class, &options)?.into_owned();
            let of_query = leaf.entity == query.entity;
            let along = if of_query { &*query.along } else { &[] };
            let along = self.along(&sources, along, &options)?;
            self.without_multiplying(&mut options)?;
            let mut entity =
                self.entity(&sources, &options, &along, &mut building.columns, &mut plan.entities)?;
            self.contained(&mut entity, &sources, &options, &mut building, &mut plan)?;
            self.eager(&mut entity, &sources, &options, &mut building, &mut plan)?;
            plan.objects.push(entity);
            main.get_or_insert(sources);
        }
        plan.extras = building.columns.len();
        for column in columns.iter().filter(|column| ObjectLeaf::of(column).is_none()) {
            building.columns.extend(self.resolve_all(std::slice::from_ref(column))?);
        }
        self.plan = plan;
        if let Some(sources) = main {
            attach(&mut out, building, &sources);
        }
        Ok(out)
    }

    /// Of the options of a query for several entities, those for one of them.
    fn options_of(&mut self, class: u16, options: &[LoadOption]) -> Result<Vec<LoadOption>> {
        let mut own = Vec::new();
        for option in options {
            let about = match option {
                LoadOption::Relationship(option) => Some(option.class),
                LoadOption::Defer { class, .. }
                | LoadOption::Undefer { class, .. }
                | LoadOption::LoadOnly { class, .. }
                | LoadOption::Along(class) => Some(*class),
                LoadOption::Polymorphic(classes) => classes.first().copied(),
                _ => None,
            };
            let about = about.map(|def| self.class(def)).transpose()?;
            if about.is_none_or(|about| {
                self.mappers.is_a(class, about) || self.mappers.is_a(about, class)
            }) {
                own.push(option.clone());
            }
        }
        Ok(own)
    }

    /// A row of several objects stands for itself: a join that gave several rows for it would change the result,
    /// so that collections are loaded by their keys.
    fn without_multiplying(&mut self, options: &mut [LoadOption]) -> Result<()> {
        for option in options {
            let LoadOption::Relationship(option) = option else { continue };
            let class = self.class(option.class)?;
            let many = self.relationship(class, option.attribute)?.holder.is_collection();
            if many && matches!(option.how, Strategy::Joined) {
                option.how = Strategy::SelectIn;
            }
            if !option.how.is_after() {
                self.without_multiplying(&mut option.below)?;
            }
        }
        Ok(())
    }

    /// The query as a derived table, to which the eager joins are made.
    fn wrapped(
        &mut self,
        mut inner: Select,
        building: Building,
        first: usize,
        sources: &Arc<Sources>,
    ) -> Result<Select> {
        let Building { mut columns, joins, order_by: eager_order, .. } = building;
        let eager_columns = columns.split_off(first);
        inner.columns = columns;
        // What the eager joins need of the owners, whether it is loaded or not.
        for (table, _) in &sources.tables {
            let foreign = table.foreign_keys().iter().flat_map(|key| &key.columns);
            for column in table.primary_key().iter().chain(foreign) {
                let Some(wanted) = sources.shown(table, *column) else { continue };
                if !inner.columns.iter().any(|node| is_same_column(node, &wanted)) {
                    inner.columns.push(wanted);
                }
            }
        }
        let mut order: Vec<(usize, Direction)> = Vec::new();
        for by in &inner.order_by {
            let (operand, direction) = match by {
                Node::Order(operand, direction) => ((**operand).clone(), *direction),
                other => {
                    (other.clone(), Direction { descending: false, nulls: NullsOrder::Default })
                }
            };
            order.push((inner.columns.len(), direction));
            inner
                .columns
                .push(Node::Label(Box::new(operand), format!("by_{}", order.len()).into()));
        }
        let ordered = !inner.order_by.is_empty();
        let derived = inner.subquery();
        let adapter = Adapter::to(&derived);
        let mut outer = Select::new();
        outer.columns = (0..first).map(|i| Node::column(&derived, i as u16)).collect();
        for column in &eager_columns {
            outer.columns.push(adapter.adapt(column)?);
        }
        let mut from: FromItem = (&derived).into();
        for eager in joins {
            let on = adapter.adapt(&eager.on)?;
            from = joined(from, adapter.adapt_from(&eager.right)?, JoinKind::Left, vec![on]);
        }
        outer.from.push(from);
        for (column, direction) in order {
            let column = Node::column(&derived, column as u16);
            outer.order_by.push(Node::Order(Box::new(column), direction));
        }
        if !ordered && !eager_order.is_empty() {
            for column in self.key(sources.class, sources)? {
                outer.order_by.push(adapter.adapt(&column)?);
            }
        }
        for by in &eager_order {
            outer.order_by.push(adapter.adapt(by)?);
        }
        Ok(outer)
    }
}

/// Attaches eager joins to a SELECT, and gives it its results.
fn attach(out: &mut Select, mut building: Building, sources: &Sources) {
    out.order_by.append(&mut building.order_by);
    if let Some(lock) = &mut out.lock
        && lock.of.is_empty()
        && !building.joins.is_empty()
    {
        // Rows of the far side of a left join cannot be locked.
        lock.of = sources.all().filter(|s| s.table().is_some()).cloned().collect();
    }
    let mut from = out.from.remove(0);
    for eager in building.joins {
        from = joined(from, eager.right, JoinKind::Left, vec![eager.on]);
    }
    out.from.insert(0, from);
    out.columns = building.columns;
}

/// Whether two nodes are one column.
pub(super) fn is_same_column(one: &Node, other: &Node) -> bool {
    match (one, other) {
        (Node::Column(one), Node::Column(other)) => {
            one.source == other.source && one.column == other.column
        }
        _ => false,
    }
}

/// An expression in ORDER BY.
pub(super) fn ordered(node: Node, descending: bool) -> Node {
    match descending {
        true => Node::Order(Box::new(node), Direction { descending, nulls: NullsOrder::Default }),
        false => node,
    }
}

fn joined(left: FromItem, right: FromItem, kind: JoinKind, on: Vec<Node>) -> FromItem {
    let on = Some(Node::and(on));
    Join { left, right, kind, on }.into()
}
