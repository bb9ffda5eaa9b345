//! Which columns of a class a query reads, and what they mean.

use std::sync::Arc;

use aludel_sql::Node;
use hashbrown::HashMap;

use super::along::shown;
use super::build::is_same_column;
use super::memory::Allowed;
use super::options::{LoadOption, Strategy};
use super::plan::{ClassPlan, Discriminator, EntityPlan, UnionPlan};
use super::resolve::Resolver;
use super::sources::Sources;
use crate::Result;
use crate::instrumentation::{AttrKind, ClassDef, Lazy, NOT_IN_ROW};
use crate::mapping::{Mapper, PropertyKind, Union};

/// What a query does with an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Read,
    /// Left out, as the mapping has it.
    Leave,
    /// Left out by an option; whether it is an error to load it later.
    Defer(bool),
}

/// The columns that are read already: by (declaring class, attribute).
type Placed = HashMap<(u16, u16), u16>;

impl Resolver<'_> {
    /// Adds the columns of an entity to those of the statement, and says what they mean.
    pub(super) fn entity(
        &mut self,
        sources: &Arc<Sources>,
        options: &[LoadOption],
        along: &[u16],
        columns: &mut Vec<Node>,
        entities: &mut usize,
    ) -> Result<EntityPlan> {
        let mappers = self.mappers;
        let mapper = mappers.at(sources.class);
        let number = *entities;
        *entities += 1;
        if let Some(union) = mapper.union.as_ref().filter(|_| sources.is_union) {
            return self.union_entity(union, sources, options, columns, number);
        }
        self.entity_of(mapper, sources, options, along, columns, number)
    }

    /// An entity whose rows are of all tables of a concrete hierarchy.
    fn union_entity(
        &mut self,
        union: &Union,
        sources: &Arc<Sources>,
        options: &[LoadOption],
        columns: &mut Vec<Node>,
        number: usize,
    ) -> Result<EntityPlan> {
        let mappers = self.mappers;
        let column = columns.len() as u16;
        columns.push(sources.renamed(&union.tag));
        let mut arms = Vec::new();
        for (value, class) in &union.arms {
            let arm = mappers.at(*class);
            let below: Vec<u16> = arm.polymorphic.iter().map(|(_, class)| *class).collect();
            let plan = self.entity_of(arm, sources, options, &below, columns, number)?;
            arms.push((value.clone(), plan));
        }
        let Some((_, first)) = arms.first() else {
            let name = mappers.at(sources.class).class_name();
            let message = format!("class {name} has no table, and no subclass that has one");
            return Err(crate::Error::new(crate::ErrorKind::Configuration, message));
        };
        Ok(EntityPlan {
            number,
            class: sources.class,
            root: mappers.at(sources.class).root,
            key: Default::default(),
            nullable_key: 0,
            own: ClassPlan::nothing(first.class),
            discriminator: None,
            after: first.after.clone(),
            union: Some(Box::new(UnionPlan { column, arms })),
            eager: Vec::new(),
        })
    }

    fn entity_of(
        &mut self,
        mapper: &Mapper,
        sources: &Arc<Sources>,
        options: &[LoadOption],
        along: &[u16],
        columns: &mut Vec<Node>,
        number: usize,
    ) -> Result<EntityPlan> {
        let mappers = self.mappers;
        let mut placed = Placed::new();
        let shown = |class: u16| shown(mappers.at(class), sources);
        let by_mapping = mapper.read_along.iter().filter(|class| shown(**class));
        let along: Vec<u16> = along.iter().chain(by_mapping).copied().collect();
        let own = self.class_plan(mapper, sources, true, options, columns, &mut placed)?;
        let key = mapper.primary_key.iter().filter_map(|a| own.column(*a)).collect();
        let mut discriminator = None;
        if let Some((attribute, _)) = &mapper.discriminator
            && let Some(column) = own.column(*attribute)
            && !mapper.subclasses.is_empty()
        {
            let mut classes = Vec::new();
            for (value, class) in &mapper.polymorphic {
                let sub = mappers.at(*class);
                let below = || shown(*class) && along.iter().any(|a| mappers.is_a(*class, *a));
                let read = *class == mapper.index || along.contains(class) || below();
                let plan = self.class_plan(sub, sources, read, options, columns, &mut placed)?;
                classes.push((value.clone(), plan));
            }
            discriminator = Some(Discriminator { column, classes });
        }
        let is_read = |def: &ClassDef| along.iter().any(|a| mappers.at(*a).def.key() == def.key());
        let after = options.iter().filter(|option| match option {
            LoadOption::Relationship(option) => option.how.is_after(),
            LoadOption::Polymorphic(_) => true,
            LoadOption::Along(class) => !is_read(class),
            _ => false,
        });
        Ok(EntityPlan {
            number,
            class: mapper.index,
            root: mapper.root,
            key,
            nullable_key: mapper.nullable_key,
            own,
            discriminator,
            union: None,
            eager: Vec::new(),
            after: after.cloned().collect(),
        })
    }

    /// What the columns mean for one class; columns that it adds are read where `read` says so.
    fn class_plan(
        &mut self,
        mapper: &Mapper,
        sources: &Arc<Sources>,
        read: bool,
        options: &[LoadOption],
        columns: &mut Vec<Node>,
        placed: &mut Placed,
    ) -> Result<ClassPlan> {
        let count = mapper.properties.len();
        let mut plan = ClassPlan {
            class: mapper.index,
            at: vec![NOT_IN_ROW; count].into(),
            whole: true,
            loaded: 0,
            expired: 0,
            wide: Vec::new(),
            deferred: Vec::new(),
            spoken_of: Vec::new(),
            propagates: self.criteria.iter().any(|criterion| criterion.propagates),
        };
        for (attribute, property) in mapper.properties.iter().enumerate() {
            let attribute = attribute as u16;
            let choice = match &property.kind {
                PropertyKind::Column(_) | PropertyKind::Expression { .. } => {
                    self.choice(mapper, attribute, options)?
                }
                PropertyKind::Relationship(_) => {
                    if let Some(allowed) = self.allowed(mapper, attribute, options)? {
                        plan.spoken_of.push((attribute, allowed));
                    }
                    continue;
                }
                _ => {
                    plan.whole &= !is_column_field(mapper, attribute);
                    continue;
                }
            };
            let there = placed.get(&(property.declared_by, attribute)).copied();
            let at = match (choice, there) {
                (Choice::Read, Some(at)) => Some(at),
                (Choice::Read, None) if read => {
                    let node = match self.per_query(mapper, attribute)? {
                        Some(said) => self.within(sources, |r| r.resolve(&said))?,
                        None => self.attribute(mapper.index, attribute, sources)?,
                    };
                    // The tables of a union share its columns.
                    let shared =
                        columns.iter().position(|c| sources.is_union && is_same_column(c, &node));
                    let at = shared.unwrap_or(columns.len()) as u16;
                    if shared.is_none() {
                        columns.push(node);
                    }
                    placed.insert((property.declared_by, attribute), at);
                    Some(at)
                }
                _ => None,
            };
            plan.note(mapper, attribute, choice, at);
        }
        Ok(plan)
    }

    fn choice(
        &mut self,
        mapper: &Mapper,
        attribute: u16,
        options: &[LoadOption],
    ) -> Result<Choice> {
        let (deferred, group) = match &mapper.property(attribute).kind {
            PropertyKind::Column(column) => (column.deferred, column.group.as_deref()),
            PropertyKind::Expression { deferred, .. } => (*deferred, None),
            _ => (true, None),
        };
        let mut choice = if deferred { Choice::Leave } else { Choice::Read };
        let fixed = mapper.primary_key.contains(&attribute)
            || mapper.discriminator.as_ref().is_some_and(|(a, _)| *a == attribute);
        if fixed {
            return Ok(Choice::Read);
        }
        if self.per_query(mapper, attribute)?.is_some() {
            return Ok(Choice::Read);
        }
        for option in options {
            match option {
                LoadOption::LoadOnly { class, attributes } if self.concerns(class, mapper)? => {
                    let declared_here = attributes.iter().any(|a| means(class, *a, attribute));
                    choice = match (declared_here, deferred) {
                        (true, _) => Choice::Read,
                        (false, true) => Choice::Leave,
                        (false, false) => Choice::Defer(false),
                    };
                }
                LoadOption::Defer { class, attribute: a, raise }
                    if means(class, *a, attribute) && self.concerns(class, mapper)? =>
                {
                    choice = Choice::Defer(*raise);
                }
                LoadOption::Undefer { class, attribute: a }
                    if means(class, *a, attribute) && self.concerns(class, mapper)? =>
                {
                    choice = Choice::Read;
                }
                LoadOption::UndeferGroup(name) if group == Some(name) => choice = Choice::Read,
                _ => {}
            }
        }
        Ok(choice)
    }

    /// Whether an option for a class concerns objects of a mapper.
    pub(super) fn concerns(&mut self, class: &'static ClassDef, mapper: &Mapper) -> Result<bool> {
        let class = self.class(class)?;
        Ok(self.mappers.is_a(mapper.index, class))
    }

    /// Whether a relationship may be loaded later, where an option speaks of that.
    fn allowed(
        &mut self,
        mapper: &Mapper,
        attribute: u16,
        options: &[LoadOption],
    ) -> Result<Option<Allowed>> {
        let mapped = mapper.relationship(attribute).map(|r| r.lazy).unwrap_or_default();
        let mut how = None;
        for option in options {
            match option {
                LoadOption::Others(others) if how.is_none() && mapped != Lazy::WriteOnly => {
                    how = Some(others)
                }
                LoadOption::Relationship(option)
                    if option.attribute == attribute && self.concerns(option.class, mapper)? =>
                {
                    how = Some(&option.how);
                    break;
                }
                _ => {}
            }
        }
        if mapped == Lazy::WriteOnly
            && let Some(how) = how
            && (how.is_after() || matches!(how, Strategy::Joined | Strategy::Contains(_)))
        {
            return Err(crate::Error::new(
                crate::ErrorKind::Argument,
                format!(
                    "{}.{} is a write-only collection, which is never loaded: query its members, with \
                     `session.members_query`",
                    mapper.class_name(),
                    mapper.property(attribute).name()
                ),
            ));
        }
        Ok(match how {
            Some(Strategy::Raise) => Some(Allowed::No),
            Some(Strategy::RaiseOnSql) => Some(Allowed::WithoutSql),
            Some(_) if matches!(mapped, Lazy::Raise | Lazy::RaiseOnSql) => Some(Allowed::Yes),
            _ => None,
        })
    }
}

/// Whether an attribute that is mapped to no column has a field for one.
fn is_column_field(mapper: &Mapper, attribute: u16) -> bool {
    let field = mapper.def.attributes.get(usize::from(attribute));
    matches!(field.map(|a| &a.kind), Some(AttrKind::Column(_)))
}

/// Whether an option for an attribute concerns a column: it is the attribute, or a part of it.
fn means(class: &ClassDef, said: u16, column: u16) -> bool {
    said == column || class.columns_of_composite(said).any(|part| part == column)
}

impl ClassPlan {
    /// Of a class of which no row is.
    fn nothing(class: u16) -> Self {
        Self {
            class,
            at: Box::default(),
            whole: false,
            loaded: 0,
            expired: 0,
            wide: Vec::new(),
            deferred: Vec::new(),
            spoken_of: Vec::new(),
            propagates: false,
        }
    }

    /// Finds the columns anew, by names.
    pub(super) fn find_by_name(&mut self, mapper: &Mapper, place: impl Fn(u16) -> Option<u16>) {
        let left_out = std::mem::take(&mut self.deferred);
        (self.whole, self.loaded, self.expired) = (true, 0, 0);
        self.wide.clear();
        for attribute in 0..mapper.properties.len() as u16 {
            let (deferred, is_column) = match &mapper.property(attribute).kind {
                PropertyKind::Column(column) => (column.deferred, true),
                PropertyKind::Expression { deferred, .. } => (*deferred, false),
                _ => {
                    self.whole &= !is_column_field(mapper, attribute);
                    continue;
                }
            };
            self.at[usize::from(attribute)] = NOT_IN_ROW;
            let said = left_out.iter().find(|(a, _)| *a == attribute).map(|(_, raise)| *raise);
            let choice = match said {
                Some(raise) => Choice::Defer(raise),
                None if deferred => Choice::Leave,
                None => Choice::Read,
            };
            let at = if said.is_none() { place(attribute) } else { None };
            self.note(mapper, attribute, choice, at);
            self.whole &= is_column || at.is_some() || deferred;
        }
    }

    /// Notes where an attribute is in the row, and what it means that it is not.
    fn note(&mut self, mapper: &Mapper, attribute: u16, choice: Choice, at: Option<u16>) {
        let bit = if attribute < 64 { 1 << attribute } else { 0 };
        if let Some(at) = at {
            self.at[usize::from(attribute)] = at;
            self.loaded |= bit;
            if attribute >= 64 {
                self.wide.push((attribute, true));
            }
            return;
        }
        let column = mapper.column(attribute);
        self.whole &= column.is_none_or(|c| c.deferred);
        if choice == Choice::Leave {
            return;
        }
        if let Choice::Defer(raise) = choice {
            self.deferred.push((attribute, raise));
        }
        self.expired |= bit;
        if attribute >= 64 {
            self.wide.push((attribute, false));
        }
    }
}
