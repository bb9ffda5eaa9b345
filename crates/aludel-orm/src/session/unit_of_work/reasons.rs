//! Why the steps of a plan come in their order.

use std::fmt;

use aludel_sql::Table;

use super::plan::{Plan, PlanStep};
use super::work::{Side, Work};
use crate::instrumentation::Id;
use crate::mapping::{Direction, Mapper};
use crate::session::Session;

/// Why a step of a [`Plan`] comes where it does: what it has to do with depends on what an earlier step does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Because {
    /// A foreign key: `because address.user_id depends on user_account.id (User.addresses)`.
    Key {
        /// The column, with its table.
        column: String,
        /// The column that it refers to.
        on: String,
        /// The relationship that carries it, where there is one in this flush.
        relationship: Option<String>,
    },
    /// A value that one row only may have: `because list.name of List(2) depends on that of List(1), which is unique`.
    Unique {
        /// The columns, with their table.
        columns: String,
        /// The object that is to get the value.
        row: String,
        /// The one that has it.
        holder: String,
    },
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { column, on, relationship } => {
                write!(f, "because {column} depends on {on}")?;
                relationship.iter().try_for_each(|relationship| write!(f, " ({relationship})"))
            }
            Self::Unique { columns, row, holder } => {
                write!(f, "because {columns} of {row} depends on that of {holder}, which is unique")
            }
        }
    }
}

/// A column that refers to another one.
struct Dependency {
    /// The tables of both.
    table: String,
    on: String,
    because: Because,
    /// The relationship writes it by an UPDATE of its own.
    post_update: bool,
}

impl Session {
    /// Says of each step why it comes where it does.
    pub(super) fn explain(&self, work: &Work, plan: &mut Plan) {
        let all = self.dependencies(work);
        for (at, step) in plan.steps.iter().enumerate() {
            let before = &plan.steps[..at];
            let found = all.iter().filter(|dependency| dependency.orders(step, before));
            plan.reasons[at].extend(found.map(|dependency| dependency.because.clone()));
        }
    }

    /// What depends on what: along the relationships that are at work, and by the foreign keys of tables.
    fn dependencies(&self, work: &Work) -> Vec<Dependency> {
        let mut all: Vec<Dependency> = Vec::new();
        let mut add = |new: Dependency| {
            let same = |known: &Dependency| match (&known.because, &new.because) {
                (Because::Key { column: a, on: b, .. }, Because::Key { column: c, on: d, .. }) => {
                    a == c && b == d
                }
                _ => false,
            };
            if !all.iter().any(same) {
                all.push(new);
            }
        };
        for processor in work.processors.iter().filter(|p| p.active && p.side == Side::Owners) {
            let Some(relationship) = work.relationship_of(processor) else { continue };
            let parent = work.mappers.at(relationship.parent);
            let target = work.mappers.at(relationship.target);
            let name = Some(format!("{}.{}", parent.class_name(), relationship.name));
            if let Some(secondary) = &relationship.secondary {
                for (mapper, pairs) in [(parent, &secondary.local), (target, &secondary.remote)] {
                    for (attribute, column) in pairs {
                        let Some((on, key)) = column_of(mapper, *attribute) else { continue };
                        let own = (&secondary.table, *column);
                        add(dependency(own, (on, key), name.clone(), false));
                    }
                }
                continue;
            }
            for (local, remote) in &relationship.pairs {
                let (own, other) = (column_of(parent, *local), column_of(target, *remote));
                let (Some(own), Some(other)) = (own, other) else { continue };
                let (from, to) = match relationship.direction {
                    Direction::OneToMany => (other, own),
                    _ => (own, other),
                };
                add(dependency(from, to, name.clone(), relationship.post_update));
            }
        }
        let tables = work.roots.iter().flat_map(|root| {
            let below = work.mappers.self_and_descendants(root.root);
            below.iter().flat_map(|mapper| mapper.tables.clone()).collect::<Vec<_>>()
        });
        let tables: Vec<Table> = tables.collect();
        for table in &tables {
            for key in table.foreign_keys().iter().filter(|key| !key.use_alter) {
                let found = tables.iter().find_map(|on| Some((on, key.target_positions(on)?)));
                let Some((on, targets)) = found else { continue };
                for (column, target) in key.columns.iter().zip(targets) {
                    add(dependency((table, *column), (on, target), None, false));
                }
            }
        }
        all
    }

    /// Why one row waits for another that has its value.
    pub(super) fn because_unique(
        &self,
        table: &Table,
        (row, holder, at): (Id, Id, usize),
    ) -> Because {
        let names = self.slot_columns(table, holder, at);
        let columns = match names.as_slice() {
            [one] => format!("{}.{one}", table.full_name()),
            many => format!("{}({})", table.full_name(), many.join(", ")),
        };
        let (row, holder) = (self.describe_object(row), self.describe_object(holder));
        Because::Unique { columns, row, holder }
    }
}

impl Dependency {
    /// Whether it says that a step comes after some of those before it.
    fn orders(&self, step: &PlanStep, before: &[PlanStep]) -> bool {
        let after = |test: &dyn Fn(&PlanStep) -> bool| before.iter().any(test);
        let named = |relationship: &str| match &self.because {
            Because::Key { relationship: Some(name), .. } => name == relationship,
            _ => false,
        };
        let saved = |table: &str| {
            after(&|step| match step {
                PlanStep::Insert { table: saved, .. } | PlanStep::Update { table: saved, .. } => {
                    saved == table
                }
                _ => false,
            })
        };
        match step {
            PlanStep::Insert { table, .. } | PlanStep::Update { table, .. } => {
                !self.post_update && self.table == *table && saved(&self.on)
            }
            PlanStep::Link { table, .. } => self.table == *table && saved(&self.on),
            PlanStep::PostUpdate { table } => {
                self.post_update && self.table == *table && saved(&self.on)
            }
            PlanStep::Sync { relationship, .. } => named(relationship) && saved(&self.on),
            PlanStep::Delete { table, .. } => {
                self.on == *table
                    && after(&|step| match step {
                        PlanStep::Update { table: gone, .. }
                        | PlanStep::Delete { table: gone, .. }
                        | PlanStep::Unlink { table: gone, .. }
                        | PlanStep::PostUpdate { table: gone } => *gone == self.table,
                        _ => false,
                    })
            }
            PlanStep::Unlink { .. } | PlanStep::Free { .. } => false,
        }
    }
}

fn dependency(
    (table, column): (&Table, u16),
    (on, key): (&Table, u16),
    relationship: Option<String>,
    post_update: bool,
) -> Dependency {
    let named = |table: &Table, column: u16| {
        format!("{}.{}", table.full_name(), table.columns()[usize::from(column)].name)
    };
    Dependency {
        table: table.full_name().to_owned(),
        on: on.full_name().to_owned(),
        because: Because::Key { column: named(table, column), on: named(on, key), relationship },
        post_update,
    }
}

/// The column that an attribute stands for first.
fn column_of(mapper: &Mapper, attribute: u16) -> Option<(&Table, u16)> {
    let column = mapper.column(attribute)?.columns.first()?;
    Some((&mapper.tables[usize::from(column.table)], column.column))
}
