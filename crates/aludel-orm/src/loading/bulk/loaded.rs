//! Objects of rows that were just written, from what the database gives back of them.

use std::sync::Arc;

use aludel_sql::{Bad, Row, Value, ValueRef, WriteSink};

use super::source::Batch;
use crate::Result;
use crate::attributes::delta::IdSet;
use crate::instrumentation::Id;
use crate::loading::after::After;
use crate::loading::object::{Populate, object};
use crate::loading::plan::EntityPlan;
use crate::loading::resolve::Resolver;
use crate::loading::row_keys::RowKeys;
use crate::mapping::Mapper;
use crate::session::Session;

/// The columns that come back of a class's tables, in the order of the tables.
#[derive(Default)]
pub(in crate::loading) struct Layout(Vec<(u16, u16)>);

impl Layout {
    /// All that is loaded where nothing is said: what is deferred stays where it is.
    pub(in crate::loading) fn of(mapper: &Mapper) -> Self {
        let mut all = Vec::new();
        for &attribute in &mapper.columns {
            let Some(property) = mapper.column(attribute) else { continue };
            if !property.deferred || mapper.primary_key.contains(&attribute) {
                all.extend(property.columns.iter().map(|at| (at.table, at.column)));
            }
        }
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// The columns of a table.
    pub(in crate::loading) fn of_table(&self, table: u16) -> Vec<u16> {
        self.0.iter().filter(|(of, _)| *of == table).map(|(_, column)| *column).collect()
    }

    /// For each column, the attribute that has it.
    pub(in crate::loading) fn attributes(&self, mapper: &Mapper) -> impl Iterator<Item = u16> {
        self.0.iter().filter_map(|(table, column)| {
            let here = |a: &&u16| {
                let columns = mapper.column(**a).map(|c| &c.columns);
                columns.is_some_and(|c| c.iter().any(|c| (c.table, c.column) == (*table, *column)))
            };
            mapper.columns.iter().find(here).copied()
        })
    }

    /// Where an attribute of a class of the hierarchy is.
    fn place(&self, mapper: &Mapper, of: &Mapper, attribute: u16) -> Option<u16> {
        let columns = &of.column(attribute)?.columns;
        columns.iter().find_map(|at| {
            let table = &of.tables[usize::from(at.table)];
            let number = mapper.tables.iter().position(|t| t == table)? as u16;
            self.0.iter().position(|place| *place == (number, at.column)).map(|at| at as u16)
        })
    }
}

impl Session {
    /// What rows with these columns mean.
    pub(in crate::loading) fn plan_of_layout(
        &self,
        mapper: &Mapper,
        layout: &Layout,
    ) -> Result<EntityPlan> {
        let mappers = Arc::clone(&self.mappers);
        let mut resolver = Resolver::new(&mappers);
        resolver
            .plan_by_place(mapper.index, &[], &|of, attribute| layout.place(mapper, of, attribute))
    }

    /// Loads what mappings say comes along with objects.
    pub(in crate::loading) async fn load_after_rows(
        &mut self,
        plan: &EntityPlan,
        ids: &[Option<Id>],
    ) -> Result<()> {
        if plan.after.is_empty() {
            return Ok(());
        }
        let listed: IdSet = ids.iter().flatten().copied().collect();
        if listed.is_empty() {
            return Ok(());
        }
        let how = After { origin: None, populate_existing: false, criteria: None };
        Box::pin(self.load_after(plan, &[listed], how)).await
    }
}

/// Makes room for the objects of a plan.
pub(super) fn before_loading(session: &mut Session, plan: &EntityPlan) {
    session.identity_mut(plan.class);
    session.slab_for(plan.class);
}

/// Makes objects of what comes back.
pub(super) struct Loaded<'a> {
    session: &'a mut Session,
    plan: &'a EntityPlan,
    rows: RowKeys,
    populate: Populate,
    populate_existing: bool,
    /// Where a row may be written twice: the objects that were not there before.
    pub(super) fresh: Option<IdSet>,
    starts: Vec<usize>,
    /// Of a class of several tables: the first row, and by row what came back of the tables before.
    pub(super) before: Option<(usize, &'a [Vec<Value>])>,
    ids: Vec<(usize, Id)>,
    pub(super) matched: u64,
}

impl<'a> Loaded<'a> {
    pub(super) fn new(
        session: &'a mut Session,
        plan: &'a EntityPlan,
        populate_existing: bool,
        batch: &Batch<'_>,
    ) -> Self {
        Self {
            session,
            plan,
            rows: RowKeys::new(plan.class),
            populate: Populate { existing: populate_existing, done: IdSet::default() },
            populate_existing,
            fresh: None,
            starts: batch.segments.iter().map(|segment| segment.first).collect(),
            before: None,
            ids: Vec::new(),
            matched: 0,
        }
    }

    /// The objects, with the rows that they are of.
    pub(super) fn finish(self) -> Vec<(usize, Id)> {
        self.ids
    }
}

impl WriteSink for Loaded<'_> {
    fn returned(&mut self, write: usize, row: usize, values: &dyn Row) -> Result<()> {
        let row = self.starts.get(write).copied().unwrap_or(0) + row;
        // An object of a row that is written twice has what the row has at last.
        let known = match self.fresh {
            Some(_) => self.rows.object_of(self.session, self.plan, values),
            None => None,
        };
        if let Some(fresh) = &self.fresh {
            let again = known.is_some_and(|id| fresh.contains(&id));
            self.populate.existing = self.populate_existing || again;
            self.populate.done.clear();
        }
        let before = self.before.and_then(|(first, before)| before.get(row - first));
        let id = match before {
            Some(before) if !before.is_empty() => {
                let whole = Joined { before, row: values };
                object(self.session, self.plan, &whole, &mut self.populate)?
            }
            _ => object(self.session, self.plan, values, &mut self.populate)?,
        };
        if let (Some(fresh), None, Some(id)) = (&mut self.fresh, known, id) {
            fresh.insert(id);
        }
        if let Some(id) = id.filter(|_| self.populate.existing) {
            self.session.note_updated(id);
        }
        self.ids.extend(id.map(|id| (row, id)));
        Ok(())
    }

    fn done(&mut self, _: usize, matched: u64) -> Result<()> {
        self.matched += matched;
        Ok(())
    }
}

/// A row whose first values came before.
struct Joined<'a> {
    before: &'a [Value],
    row: &'a dyn Row,
}

impl Row for Joined<'_> {
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        match self.before.get(index) {
            Some(value) => Ok(value.as_ref()),
            None => self.row.get(index - self.before.len()),
        }
    }

    fn len(&self) -> usize {
        self.before.len() + self.row.len()
    }

    fn name(&self, index: usize) -> String {
        match index.checked_sub(self.before.len()) {
            Some(index) => self.row.name(index),
            None => format!("column {index}"),
        }
    }
}
