//! The plan of a flush, as data.

use std::fmt;
use std::sync::Arc;

use aludel_sql::Table;
use indexmap::IndexMap;

use super::dependency::ProcessorKey;
use super::links::{Links, Wanted};
use super::reasons::Because;
use super::run::Run;
use super::slots::{Coming, SlotMoves};
use super::work::{Processor, Side, Work};
use crate::Result;
use crate::instrumentation::Id;
use crate::mapping::{Direction, PassiveDeletes, Relationship};
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};

/// A step of a flush, as it is run.
#[derive(Clone)]
pub(super) enum Step {
    /// Objects of a hierarchy are inserted or updated.
    Save { ids: Arc<Vec<Id>> },
    /// Objects of a hierarchy are deleted.
    Delete { ids: Arc<Vec<Id>> },
    /// Keys are carried over along a relationship; association rows are written.
    Process { processor: ProcessorKey, delete: bool, ids: Arc<Vec<Id>> },
    /// The foreign keys of relationships with `post_update` are written.
    PostUpdate { root: u16, delete: bool },
}

impl Step {
    pub(super) fn ids(&self) -> &[Id] {
        match self {
            Self::Save { ids, .. } | Self::Delete { ids, .. } | Self::Process { ids, .. } => ids,
            Self::PostUpdate { .. } => &[],
        }
    }
}

/// What a flush would do, in order: [`Session::plan`] makes it, and `{plan}` prints it, a line a step.
///
/// ```text
/// INSERT user_account (1 row)
/// SYNC User.addresses (2 keys)
/// INSERT address (2 rows)
/// ```
///
/// `{plan:#}` says below each step why it comes where it does:
///
/// ```text
/// INSERT address (2 rows)
///     because address.user_id depends on user_account.id (User.addresses)
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The steps.
    pub steps: Vec<PlanStep>,
    /// Of each step, why it comes where it does.
    pub(super) reasons: Vec<Vec<Because>>,
}

impl Plan {
    /// Why a step comes where it does, by its place in the plan: after which others, and for the sake of what.
    ///
    /// ```
    /// # include!("../../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(session: &Session) -> Result<()> {
    /// let plan = session.plan()?;
    /// for (at, step) in plan.steps.iter().enumerate() {
    ///     println!("{step}: {:?}", plan.because(at));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn because(&self, step: usize) -> &[Because] {
        self.reasons.get(step).map_or(&[], Vec::as_slice)
    }

    fn push(&mut self, step: PlanStep, reasons: Vec<Because>) {
        self.steps.push(step);
        self.reasons.push(reasons);
    }
}

/// A step of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanStep {
    /// Rows are inserted.
    Insert {
        /// The table.
        table: String,
        /// How many rows.
        rows: usize,
    },
    /// Rows are updated.
    Update {
        /// The table.
        table: String,
        /// How many rows.
        rows: usize,
    },
    /// Rows give up unique values that others are to have, before those are written: NULL stands there for a moment, or a
    /// value that nobody has.
    Free {
        /// The table.
        table: String,
        /// The columns that are unique, one by one or together.
        columns: Vec<String>,
        /// How many rows.
        rows: usize,
    },
    /// Rows are deleted.
    Delete {
        /// The table.
        table: String,
        /// How many rows.
        rows: usize,
    },
    /// Keys are carried over along a relationship, in memory.
    Sync {
        /// `Class.relationship`.
        relationship: String,
        /// How many objects get a key, or lose one.
        keys: usize,
    },
    /// Association rows are inserted.
    Link {
        /// The association table.
        table: String,
        /// How many rows.
        rows: usize,
    },
    /// Association rows are deleted.
    Unlink {
        /// The association table.
        table: String,
        /// How many rows.
        rows: usize,
    },
    /// The foreign keys of relationships with `post_update` are written, after the rows that they refer to.
    PostUpdate {
        /// The table.
        table: String,
    },
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            writeln!(f, "{step}")?;
            let reasons = if f.alternate() { self.because(at) } else { &[] };
            for reason in reasons.iter().take(SHOWN) {
                writeln!(f, "    {reason}")?;
            }
            if reasons.len() > SHOWN {
                writeln!(f, "    and {} more", reasons.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for PlanStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |n: &usize| if *n == 1 { "" } else { "s" };
        match self {
            Self::Insert { table, rows } => write!(f, "INSERT {table} ({rows} row{})", s(rows)),
            Self::Update { table, rows } => write!(f, "UPDATE {table} ({rows} row{})", s(rows)),
            Self::Free { table, columns, rows } => {
                let gives = if *rows == 1 { "gives" } else { "give" };
                let columns = columns.join(", ");
                write!(f, "UPDATE {table} ({rows} row{} {gives} up {columns})", s(rows))
            }
            Self::Delete { table, rows } => write!(f, "DELETE {table} ({rows} row{})", s(rows)),
            Self::Sync { relationship, keys } => {
                write!(f, "SYNC {relationship} ({keys} key{})", s(keys))
            }
            Self::Link { table, rows } => write!(f, "INSERT {table} ({rows} link row{})", s(rows)),
            Self::Unlink { table, rows } => {
                write!(f, "DELETE {table} ({rows} link row{})", s(rows))
            }
            Self::PostUpdate { table } => write!(f, "POST UPDATE {table}"),
        }
    }
}

/// How many reasons of a step are printed.
const SHOWN: usize = 5;

/// A plan that is being made.
#[derive(Default)]
struct Draft {
    plan: Plan,
    /// As the flush keeps it, without a connection.
    run: Run,
    /// The keys that are carried over.
    coming: Coming,
    /// The pairs whose association rows are dealt with.
    paired: hashbrown::HashSet<(Id, Id)>,
}

impl Session {
    /// What the next flush would do, from what is known now: nothing is loaded or changed. Members that a
    /// deletion would have to load are not in it.
    ///
    /// # Errors
    ///
    /// When rows wait for each other in a circle, as the flush itself would say.
    pub fn plan(&self) -> Result<Plan> {
        let mut work = self.collect();
        self.presort_known(&mut work);
        let steps = self.sorted_steps(&mut work)?;
        let mut draft = Draft::default();
        for step in &steps {
            self.plan_step(&work, step, &mut draft)?;
        }
        let mut plan = draft.plan;
        self.explain(&work, &mut plan);
        Ok(plan)
    }

    fn plan_step(&self, work: &Work, step: &Step, draft: &mut Draft) -> Result<()> {
        match step {
            Step::Save { ids, .. } => self.plan_saves(work, ids, draft)?,
            Step::Delete { ids, .. } => {
                let goes = |id: &Id| {
                    self.arena.state(*id).has(Flags::HAS_KEY) && !draft.run.replaced.contains(id)
                };
                let ids: Vec<Id> = ids.iter().copied().filter(goes).collect();
                for table in self.tables_of(&ids)?.iter().rev() {
                    let rows = self.rows_in(&ids, table);
                    let table = table.full_name().to_owned();
                    draft.plan.push(PlanStep::Delete { table, rows }, Vec::new());
                }
            }
            Step::Process { processor, delete, ids } => {
                self.plan_process(work, processor, *delete, ids, draft);
            }
            Step::PostUpdate { root, delete } => {
                let is_wanted = |p: &Processor| {
                    p.active && work.relationship_of(p).is_some_and(|r| r.post_update && !delete)
                };
                if work.processors.iter().any(is_wanted) {
                    let table = self.mappers.at(*root).tables[0].full_name().to_owned();
                    draft.plan.push(PlanStep::PostUpdate { table }, Vec::new());
                }
            }
        }
        Ok(())
    }

    /// As [`save`](Self::save) does it: table by table, the values that are wanted given up first.
    fn plan_saves(&self, work: &Work, ids: &[Id], draft: &mut Draft) -> Result<()> {
        if !self.saves_together(ids) {
            return self
                .one_by_one(ids)
                .iter()
                .try_for_each(|id| self.plan_saves(work, &[*id], draft));
        }
        let (mut inserts, mut updates, mut persistent) = (Vec::new(), Vec::new(), Vec::new());
        for &id in ids {
            if self.arena.state(id).life != ObjectState::Pending {
                persistent.push(id);
            } else if self.takes_over(&mut draft.run, work, id) {
                updates.push(id);
            } else {
                inserts.push(id);
            }
        }
        self.sort_by_row(&mut persistent);
        persistent.dedup();
        updates.append(&mut persistent);
        let slots = self.has_slots(&mut draft.run, ids);
        for table in self.tables_of(ids)? {
            let mut groups = vec![(updates.clone(), Vec::new())];
            let mut new_because = Vec::new();
            if slots {
                let (run, coming) = (&mut draft.run, &draft.coming);
                let moves = self.slot_moves(run, work, &table, &updates, &inserts, coming)?;
                self.plan_given_up(&table, &moves, draft);
                let because = |group: &Vec<Id>| {
                    let waits = moves.waits.iter().filter(|(id, _, _)| group.contains(id));
                    waits.map(|wait| self.because_unique(&table, *wait)).collect()
                };
                groups = moves.groups.iter().map(|g| (g.clone(), because(g))).collect();
                new_because = because(&inserts);
            }
            let name = table.full_name().to_owned();
            for (group, reasons) in groups {
                let is_written = |id: &&Id| self.is_written(**id, &table, draft);
                let rows = group.iter().filter(is_written).count();
                if rows > 0 {
                    draft.plan.push(PlanStep::Update { table: name.clone(), rows }, reasons);
                }
            }
            let rows = self.rows_in(&inserts, &table);
            if rows > 0 {
                draft.plan.push(PlanStep::Insert { table: name, rows }, new_because);
            }
        }
        draft.run.updated.extend(updates);
        Ok(())
    }

    /// The values that rows give up before anything else is written.
    fn plan_given_up(&self, table: &Table, moves: &SlotMoves, draft: &mut Draft) {
        let mut steps: IndexMap<Vec<String>, Vec<Because>> = IndexMap::new();
        for giving in &moves.given_up {
            let wait = (giving.wanted_by, giving.holder, giving.at);
            let because = self.because_unique(table, wait);
            let columns = self.slot_columns(table, giving.holder, giving.at);
            steps.entry(columns).or_default().push(because);
        }
        for (columns, reasons) in steps {
            let (table, rows) = (table.full_name().to_owned(), reasons.len());
            draft.plan.push(PlanStep::Free { table, columns, rows }, reasons);
        }
    }

    /// How many objects have rows in a table.
    fn rows_in(&self, ids: &[Id], table: &Table) -> usize {
        ids.iter().filter(|id| self.mapper_of(**id).tables.contains(table)).count()
    }

    /// Whether something of an object's row in a table is changed.
    fn is_written(&self, id: Id, table: &Table, draft: &Draft) -> bool {
        let mapper = self.mapper_of(id);
        let Some(at) = mapper.tables.iter().position(|t| t == table) else { return false };
        if draft.run.takeovers.contains_key(&id) {
            return true;
        }
        let changed = self.net_changes(id);
        let changes = |attribute: u16| {
            changed.contains(&attribute) || draft.coming.contains_key(&(id, attribute))
        };
        let in_table = |attribute: u16| {
            let of = mapper.column(attribute).map(|p| p.columns.as_slice()).unwrap_or_default();
            of.iter().any(|c| usize::from(c.table) == at)
        };
        let counted = mapper.version.is_some_and(in_table);
        mapper.columns.iter().any(|a| changes(*a) && (counted || in_table(*a)))
    }

    fn plan_process(
        &self,
        work: &Work,
        processor: &ProcessorKey,
        delete: bool,
        ids: &[Id],
        draft: &mut Draft,
    ) {
        let mapper = work.mappers.at(processor.parent);
        let Some(relationship) = mapper.relationship(processor.attribute) else { return };
        if processor.side == Side::Referred {
            return;
        }
        let mut links = Links::default();
        let (mut keys, mut added, mut removed) = (0, 0, 0);
        for &id in ids {
            self.links(
                id,
                relationship,
                if delete { Wanted::All } else { Wanted::Changes },
                &mut links,
            );
            match relationship.direction {
                Direction::ManyToMany => {
                    let mut new = |child: &Id| {
                        draft.paired.insert((id, *child)) && draft.paired.insert((*child, id))
                    };
                    if !delete {
                        added += links.added.iter().filter(|c| new(c)).count();
                    }
                    removed += links.deleted.iter().filter(|c| new(c)).count();
                    removed += links.unchanged.iter().filter(|c| delete && new(c)).count();
                }
                Direction::OneToMany => {
                    for (child, gets) in self.plan_members(relationship, delete, &links) {
                        keys += 1;
                        for &(local, remote) in &relationship.pairs {
                            self.plan_key(
                                relationship,
                                (child, remote),
                                gets.then_some((id, local)),
                                draft,
                            );
                        }
                    }
                }
                Direction::ManyToOne if !delete => {
                    if !links.added.is_empty() || links.cleared {
                        keys += 1;
                        let target = links.added.first().copied();
                        for &(local, remote) in &relationship.pairs {
                            let from = target.map(|target| (target, remote));
                            self.plan_key(relationship, (id, local), from, draft);
                        }
                    }
                }
                Direction::ManyToOne => {}
            }
        }
        let class = self.mappers.at(relationship.parent).class_name();
        if keys > 0 {
            let relationship = format!("{class}.{}", relationship.name);
            draft.plan.push(PlanStep::Sync { relationship, keys }, Vec::new());
        }
        if let Some(secondary) = &relationship.secondary {
            let table = secondary.table.full_name();
            if removed > 0 {
                let step = PlanStep::Unlink { table: table.to_owned(), rows: removed };
                draft.plan.push(step, Vec::new());
            }
            if added > 0 {
                let step = PlanStep::Link { table: table.to_owned(), rows: added };
                draft.plan.push(step, Vec::new());
            }
        }
    }

    /// A key is carried over, or cleared.
    fn plan_key(
        &self,
        relationship: &Relationship,
        to: (Id, u16),
        from: Option<(Id, u16)>,
        draft: &mut Draft,
    ) {
        if relationship.post_update {
            return;
        }
        let value =
            from.and_then(|(id, attribute)| self.coming_value(id, attribute, &draft.coming));
        draft.coming.insert(to, value);
    }

    /// The members whose foreign key is written, and whether they get the owner's.
    fn plan_members(
        &self,
        relationship: &Relationship,
        delete: bool,
        links: &Links,
    ) -> Vec<(Id, bool)> {
        let clears = relationship.passive_deletes != PassiveDeletes::All;
        let mut moved = Vec::new();
        if !delete {
            moved.extend(links.added.iter().map(|child| (*child, true)));
            if clears && !relationship.cascades.delete_orphan {
                let lost = links.deleted.iter().filter(|c| !self.still_owned(**c, relationship));
                moved.extend(lost.map(|child| (*child, false)));
            }
        } else if clears && !relationship.cascades.delete {
            moved.extend(links.unchanged.iter().chain(&links.deleted).map(|child| (*child, false)));
        }
        moved
    }
}
