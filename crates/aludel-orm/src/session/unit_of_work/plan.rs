//! The plan of a flush, as data.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::dependency::ProcessorKey;
use super::links::{Links, Wanted};
use super::work::Side;
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
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The steps.
    pub steps: Vec<PlanStep>,
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
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for PlanStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |n: &usize| if *n == 1 { "" } else { "s" };
        match self {
            Self::Insert { table, rows } => write!(f, "INSERT {table} ({rows} row{})", s(rows)),
            Self::Update { table, rows } => write!(f, "UPDATE {table} ({rows} row{})", s(rows)),
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
        let mut plan = Plan::default();
        let mut synced = super::IdSet::default();
        let mut paired = hashbrown::HashSet::new();
        for step in &steps {
            match step {
                Step::Save { ids, .. } => self.plan_saves(ids, &synced, &mut plan),
                Step::Delete { ids, .. } => {
                    let rows = ids.iter().filter(|id| self.arena.state(**id).has(Flags::HAS_KEY));
                    self.plan_tables(rows.copied(), true, &mut plan, |table, rows| {
                        PlanStep::Delete { table, rows }
                    });
                }
                Step::Process { processor, delete, ids } => {
                    self.plan_process(processor, *delete, ids, &mut synced, &mut paired, &mut plan);
                }
                Step::PostUpdate { root, delete } => {
                    let wanted = work.processors.iter().any(|p| {
                        p.active
                            && work.relationship_of(p).is_some_and(|r| r.post_update && !delete)
                    });
                    if wanted {
                        let table = self.mappers.at(*root).tables[0].full_name().to_owned();
                        plan.steps.push(PlanStep::PostUpdate { table });
                    }
                }
            }
        }
        Ok(plan)
    }

    fn plan_saves(&self, ids: &[Id], synced: &super::IdSet, plan: &mut Plan) {
        let is_new =
            |id: &Id| self.arena.state(*id).life == ObjectState::Pending && !self.is_switch(*id);
        let changed =
            |id: &Id| !is_new(id) && (synced.contains(id) || !self.net_changes(*id).is_empty());
        let updated = ids.iter().copied().filter(changed);
        self.plan_tables(updated, false, plan, |table, rows| PlanStep::Update { table, rows });
        let inserted = ids.iter().copied().filter(is_new);
        self.plan_tables(inserted, false, plan, |table, rows| PlanStep::Insert { table, rows });
    }

    /// Whether a new object takes over the row of one that is being deleted.
    fn is_switch(&self, id: Id) -> bool {
        let keyed = self.mapper_of(id).primary_key.iter().all(|a| self.arena.is_loaded(id, *a));
        keyed
            && self
                .current_key(id)
                .and_then(|key| self.identity_of(id.class)?.get(&key))
                .is_some_and(|place| self.arena.state(self.id_at(place)).has(Flags::DELETING))
    }

    /// Steps for each table of the objects.
    fn plan_tables(
        &self,
        ids: impl Iterator<Item = Id>,
        backwards: bool,
        plan: &mut Plan,
        step: impl Fn(String, usize) -> PlanStep,
    ) {
        let mut tables: IndexMap<&str, (usize, usize)> = IndexMap::new();
        for id in ids {
            for (at, table) in self.mapper_of(id).tables.iter().enumerate() {
                tables.entry(table.full_name()).or_insert((at, 0)).1 += 1;
            }
        }
        let mut tables: Vec<_> = tables.into_iter().collect();
        tables.sort_by_key(|(_, (at, _))| if backwards { usize::MAX - at } else { *at });
        plan.steps
            .extend(tables.into_iter().map(|(table, (_, rows))| step(table.to_owned(), rows)));
    }

    fn plan_process(
        &self,
        processor: &ProcessorKey,
        delete: bool,
        ids: &[Id],
        synced: &mut super::IdSet,
        paired: &mut hashbrown::HashSet<(Id, Id)>,
        plan: &mut Plan,
    ) {
        let Some(relationship) =
            self.mappers.at(processor.parent).relationship(processor.attribute)
        else {
            return;
        };
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
                    let mut new =
                        |child: &Id| paired.insert((id, *child)) && paired.insert((*child, id));
                    if !delete {
                        added += links.added.iter().filter(|c| new(c)).count();
                    }
                    removed += links.deleted.iter().filter(|c| new(c)).count();
                    removed += links.unchanged.iter().filter(|c| delete && new(c)).count();
                }
                Direction::OneToMany => {
                    let moved = self.plan_members(relationship, delete, &links);
                    keys += moved.len();
                    synced.extend(moved);
                }
                Direction::ManyToOne if !delete => {
                    if !links.added.is_empty() || links.cleared {
                        keys += 1;
                        synced.insert(id);
                    }
                }
                Direction::ManyToOne => {}
            }
        }
        let class = self.mappers.at(relationship.parent).class_name();
        if keys > 0 {
            let relationship = format!("{class}.{}", relationship.name);
            plan.steps.push(PlanStep::Sync { relationship, keys });
        }
        if let Some(secondary) = &relationship.secondary {
            let table = secondary.table.full_name();
            if removed > 0 {
                plan.steps.push(PlanStep::Unlink { table: table.to_owned(), rows: removed });
            }
            if added > 0 {
                plan.steps.push(PlanStep::Link { table: table.to_owned(), rows: added });
            }
        }
    }

    /// The members whose foreign key is written.
    fn plan_members(&self, relationship: &Relationship, delete: bool, links: &Links) -> Vec<Id> {
        let clears = relationship.passive_deletes != PassiveDeletes::All;
        let mut moved = Vec::new();
        if !delete {
            moved.extend(&links.added);
            if clears && !relationship.cascades.delete_orphan {
                moved.extend(links.deleted.iter().filter(|c| !self.still_owned(**c, relationship)));
            }
        } else if clears && !relationship.cascades.delete {
            moved.extend(links.unchanged.iter().chain(&links.deleted));
        }
        moved
    }
}
