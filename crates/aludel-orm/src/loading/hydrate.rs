//! From rows to objects.
//!
//! For each row the key is read first and the identity map is asked. An object that is not there is decoded
//! straight into a slot of the arena; of one that is there only what is expired or absent is filled, since a
//! SELECT never overwrites what is loaded.

use std::ops::ControlFlow;

use aludel_sql::{Row, RowSink};

use super::object::{Populate, object};
use super::plan::{EntityPlan, Plan};
use crate::Result;
use crate::attributes::delta::IdSet;
use crate::instrumentation::{Id, Members};
use crate::session::Session;

/// What is done with each object of a query beside counting it in; it is told where in the row the results
/// begin that come after the objects' columns.
pub(crate) type Extra<'a, 'e> = &'a mut (dyn FnMut(Id, &dyn Row, usize) -> Result<()> + Send + 'e);

/// Makes objects of the rows of a statement.
pub(crate) struct Hydrator<'a, 'e> {
    session: &'a mut Session,
    plan: &'a Plan,
    entity: &'a EntityPlan,
    populate: Populate,
    /// The objects of the query's class, in the order of the rows.
    ids: Vec<Id>,
    seen: IdSet,
    /// By entity: the objects for which something is to be loaded afterwards.
    listed: Vec<IdSet>,
    /// By eager relationship: what its owners get.
    eager: Vec<Filled>,
    simple: bool,
    extra: Option<Extra<'a, 'e>>,
}

/// The members that rows bring for one eager relationship.
#[derive(Default)]
struct Filled {
    owners: IdSet,
    /// As long as `owners`: whether the relationship is to be filled, and with what.
    members: Vec<(bool, Members)>,
    /// The owner of the row before, which most rows share, and its place.
    last: Option<(Id, usize)>,
}

impl Filled {
    /// The place of an owner, and whether it is new.
    #[inline]
    fn owner(&mut self, id: Id) -> (usize, bool) {
        match self.last {
            Some((last, at)) if last == id => (at, false),
            _ => {
                let (at, new) = self.owners.insert_full(id);
                self.last = Some((id, at));
                (at, new)
            }
        }
    }
}

/// What a statement has brought.
#[derive(Default)]
pub(crate) struct Fetched {
    pub(crate) ids: Vec<Id>,
    pub(crate) listed: Vec<IdSet>,
}

impl<'a, 'e> Hydrator<'a, 'e> {
    pub(crate) fn new(
        session: &'a mut Session,
        plan: &'a Plan,
        entity: &'a EntityPlan,
        populate_existing: bool,
        extra: Option<Extra<'a, 'e>>,
    ) -> Self {
        session.identity_mut(entity.class);
        session.slab_for(entity.class);
        Self {
            session,
            plan,
            entity,
            populate: Populate { existing: populate_existing, done: IdSet::default() },
            ids: Vec::new(),
            seen: IdSet::default(),
            listed: (0..plan.entities).map(|_| IdSet::default()).collect(),
            eager: (0..plan.eager).map(|_| Filled::default()).collect(),
            simple: extra.is_none() && !plan.repeats && plan.eager == 0 && entity.after.is_empty(),
            extra,
        }
    }

    /// One of several objects of a row, with what hangs on it.
    pub(super) fn object_of(&mut self, plan: &EntityPlan, row: &dyn Row) -> Result<Option<Id>> {
        let found = object(self.session, plan, row, &mut self.populate)?;
        if let Some(id) = found {
            self.along(plan, id, row)?;
        }
        Ok(found)
    }

    /// The rest of a row beyond its first object.
    fn row_of(&mut self, id: Id, row: &dyn Row) -> Result<()> {
        let again = self.plan.repeats && (self.ids.last() == Some(&id) || !self.seen.insert(id));
        if !again {
            self.ids.push(id);
        }
        let entity = self.entity;
        self.along(entity, id, row)?;
        match &mut self.extra {
            Some(extra) => extra(id, row, self.plan.extras),
            None => Ok(()),
        }
    }

    /// What hangs on an object of a row.
    fn along(&mut self, plan: &EntityPlan, id: Id, row: &dyn Row) -> Result<()> {
        if !plan.after.is_empty() {
            self.listed[plan.number].insert(id);
        }
        for eager in &plan.eager {
            if !self.session.mappers.is_a(id.class, eager.class) {
                continue;
            }
            let filled = &mut self.eager[eager.index];
            let (owner, new) = filled.owner(id);
            if new {
                let wanted = self.populate.existing || self.session.is_open(id, eager.attribute);
                filled.members.push((wanted, Members::default()));
            }
            let member = object(self.session, &eager.entity, row, &mut self.populate)?;
            if let Some(member) = member {
                let members = &mut self.eager[eager.index].members[owner].1;
                if !members.contains(member) {
                    members.push(member, None);
                }
                self.along(&eager.entity, member, row)?;
            }
        }
        Ok(())
    }

    /// Gives the relationships what the rows brought.
    pub(crate) fn finish(self) -> Fetched {
        let Self { session, plan, entity, eager, ids, listed, .. } = self;
        if !eager.is_empty() {
            let mut attributes = vec![0; eager.len()];
            attributes_of(entity, &mut attributes);
            plan.objects.iter().for_each(|entity| attributes_of(entity, &mut attributes));
            for (filled, attribute) in eager.into_iter().zip(attributes) {
                for (owner, (wanted, members)) in filled.owners.into_iter().zip(filled.members) {
                    if wanted {
                        session.fill_relationship(owner, attribute, members.to_vec());
                    }
                }
            }
        }
        Fetched { ids, listed }
    }
}

fn attributes_of(entity: &EntityPlan, to: &mut [u16]) {
    for eager in &entity.eager {
        to[eager.index] = eager.attribute;
        attributes_of(&eager.entity, to);
    }
}

impl RowSink for Hydrator<'_, '_> {
    #[inline]
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        if let Some(id) = object(self.session, self.entity, row, &mut self.populate)? {
            if self.simple {
                self.ids.push(id);
            } else {
                self.row_of(id, row)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Takes the one object that a statement gives.
pub(crate) struct OneObject<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) entity: &'a EntityPlan,
    pub(crate) populate: Populate,
    pub(crate) found: Option<Id>,
}

impl RowSink for OneObject<'_> {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        self.found = object(self.session, self.entity, row, &mut self.populate)?;
        Ok(ControlFlow::Break(()))
    }
}
