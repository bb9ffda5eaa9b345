//! Unique slots: values that may stand in one row only, and go from one row to another within a flush.
//!
//! ```text
//! a: x ─▶ y     b: y ─▶ z       b is updated before a
//! a: x ─▶ y     b: y ─▶ x       b gives its value up first (NULL, or one that nobody has), then a, then b
//! a: new, y     b: y, deleted   b gives its value up first, since rows may have to be written before it can go
//! ```
//!
//! It is looked at only where rows that are there already give up a value of a unique constraint, and the order of the
//! other statements stays as it is.

use aludel_sql::{Bind, DataType, Table, Value, WriteOp};

use super::facts::{TableFacts, classes_of};
use super::run::Run;
use super::topological::{a_circle, levels};
use super::work::Work;
use super::write::{Back, Segment, send};
use crate::instrumentation::Id;
use crate::session::FastMap;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};
use crate::{Error, ErrorKind, Result};

/// The columns of a unique constraint, and their attributes.
pub(super) type Slot = Vec<(u16, u16)>;

/// Which rows have given values, as the database has them: by constraint and values.
type Holders = FastMap<(usize, String), Id>;

/// The unique constraints of a table whose columns are mapped. The primary key is none of them: others refer to it.
pub(super) fn slots_of(table: &Table, mapped: &[(u16, u16)]) -> Vec<Slot> {
    let mut sets: Vec<Vec<u16>> = table.uniques().iter().map(|u| u.columns.clone()).collect();
    let indexes = table.indexes().iter().filter(|i| i.unique && i.filter.is_none());
    sets.extend(indexes.map(|i| i.columns.clone()));
    sets.sort();
    sets.dedup();
    let attribute = |column: &u16| mapped.iter().find(|(c, _)| c == column).copied();
    sets.retain(|columns| columns.as_slice() != table.primary_key());
    sets.iter().filter_map(|columns| columns.iter().map(attribute).collect()).collect()
}

impl Session {
    /// Whether the objects' tables have unique constraints.
    pub(super) fn has_slots(&self, run: &mut Run, ids: &[Id]) -> bool {
        let mut has = |class| run.facts(self, class).tables.iter().any(|t| !t.slots.is_empty());
        classes_of(ids).into_iter().any(&mut has)
    }

    /// Sees to it that the values that rows are to get are free. Gives the updates in groups that follow each other.
    pub(super) async fn free_slots(
        &mut self,
        run: &mut Run,
        work: &Work,
        table: &Table,
        updates: &[Id],
        inserts: &[Id],
    ) -> Result<Vec<Vec<Id>>> {
        let mut holders = self.giving_up(run, work, table);
        if holders.is_empty() {
            return Ok(vec![updates.to_vec()]);
        }
        let places: FastMap<Id, u32> = updates.iter().copied().zip(0..).collect();
        // From the row that has a value to the one that is to get it.
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for &id in updates.iter().chain(inserts) {
            let facts = run.facts(self, id.class);
            let Some((_, facts)) = facts.table(table) else { continue };
            for (at, slot) in facts.slots.iter().enumerate() {
                let wanted = self.slot_value(id, slot, Self::current_value);
                let Some(wanted) = wanted.map(|value| (at, value)) else { continue };
                let Some(&holder) = holders.get(&wanted).filter(|h| **h != id) else { continue };
                match (places.get(&holder), places.get(&id)) {
                    _ if run.replaced.contains(&holder) => {}
                    (Some(_), None) => {}
                    (Some(holder), Some(id)) => edges.push((*holder, *id)),
                    // Its row goes, or is written later.
                    (None, _) => {
                        self.give_up(run, work, table, holder, at, id).await?;
                        holders.remove(&wanted);
                    }
                }
            }
        }
        loop {
            let left = match levels(updates.len(), &edges, &vec![false; updates.len()]) {
                Ok(groups) => {
                    let ids =
                        |group: Vec<u32>| group.iter().map(|n| updates[*n as usize]).collect();
                    return Ok(groups.into_iter().map(ids).collect());
                }
                Err(left) => left,
            };
            // One of a circle gives its values up, and nobody waits for it any more.
            let circle = a_circle(&edges, &left);
            let Some(&first) = circle.first() else { return Ok(vec![updates.to_vec()]) };
            let wanted_by = edges.iter().find(|(from, _)| *from == first).map_or(first, |e| e.1);
            let (holder, wanted_by) = (updates[first as usize], updates[wanted_by as usize]);
            let slots =
                run.facts(self, holder.class).table(table).map_or(0, |(_, f)| f.slots.len());
            for at in 0..slots {
                let held = holders.iter().any(|((slot, _), id)| *slot == at && *id == holder);
                if held {
                    self.give_up(run, work, table, holder, at, wanted_by).await?;
                }
            }
            edges.retain(|(from, _)| *from != first);
        }
    }

    /// The rows that are there and give up a value of a unique constraint in this flush.
    fn giving_up(&self, run: &mut Run, work: &Work, table: &Table) -> Holders {
        let mut holders = Holders::default();
        let all = work.roots.iter().flat_map(|root| root.saves.iter().chain(root.deletes.iter()));
        for &id in all {
            if self.arena.life(id) != Some(ObjectState::Persistent) || run.updated.contains(&id) {
                continue;
            }
            let facts = run.facts(self, id.class);
            let Some((_, facts)) = facts.table(table) else { continue };
            for (at, slot) in facts.slots.iter().enumerate() {
                let gone = run.given_up.contains(&(id, table.id(), at));
                let goes = work.is_deleted(id)
                    || self.arena.state(id).has(Flags::DELETING)
                    || slot.iter().any(|(_, attribute)| self.gives_up(id, *attribute));
                if gone || !goes {
                    continue;
                }
                let value = self.slot_value(id, slot, Self::committed_value);
                holders.extend(value.map(|value| ((at, value), id)));
            }
        }
        holders
    }

    /// Whether an attribute is to have another value than its row has.
    fn gives_up(&self, id: Id, attribute: u16) -> bool {
        self.committed_value(id, attribute)
            .is_some_and(|old| !old.is_null() && Some(old) != self.current_value(id, attribute))
    }

    fn current_value(&self, id: Id, attribute: u16) -> Option<Value> {
        self.arena
            .is_loaded(id, attribute)
            .then(|| self.arena.field(id, attribute).value())
            .filter(|value| !value.is_null())
    }

    /// The values of a constraint's columns; `None` where one is NULL, so that they are in nobody's way.
    fn slot_value(
        &self,
        id: Id,
        slot: &Slot,
        value: impl Fn(&Self, Id, u16) -> Option<Value>,
    ) -> Option<String> {
        let mut all = Vec::new();
        for (_, attribute) in slot {
            all.push(value(self, id, *attribute).filter(|value| !value.is_null())?);
        }
        Some(format!("{all:?}"))
    }

    /// A row gives up the value of a constraint, to nobody yet.
    async fn give_up(
        &mut self,
        run: &mut Run,
        work: &Work,
        table: &Table,
        holder: Id,
        at: usize,
        wanted_by: Id,
    ) -> Result<()> {
        let facts = run.facts(self, holder.class);
        let Some((place, facts)) = facts.table(table) else { return Ok(()) };
        let slot = &facts.slots[at];
        // What is written later is what is changed, or nothing, since the row goes.
        let goes = self.arena.state(holder).has(Flags::DELETING) || work.is_deleted(holder);
        let stand_in = stand_in(facts, slot, &|attribute| goes || self.gives_up(holder, attribute));
        let Some((column, value)) = stand_in else {
            return Err(self.cannot_give_up(facts, slot, holder, wanted_by));
        };
        if !run.given_up.insert((holder, table.id(), at)) {
            return Ok(());
        }
        self.connect(run).await?;
        let mut back = Back::default();
        let segment = Segment {
            columns: vec![column],
            keys: facts.key_columns.clone(),
            rows: 1,
            ..Segment::default()
        };
        let result = {
            let mut params = vec![Bind::Ref(value.as_ref())];
            self.bind_row_key(holder, facts, place == 0, &|_| false, &mut params);
            let Some(connection) = run.connected() else { return Ok(()) };
            send(connection, WriteOp::Update, table, &[segment], &params, &mut back).await
        };
        result.map_err(|e| self.refused(e, WriteOp::Update, table, &[holder], Some(0)))
    }

    #[cold]
    fn cannot_give_up(&self, facts: &TableFacts, slot: &Slot, holder: Id, wanted_by: Id) -> Error {
        let names: Vec<&str> =
            slot.iter().map(|(c, _)| &*facts.table.columns()[usize::from(*c)].name).collect();
        Error::new(
            ErrorKind::Circular,
            format!(
                "{} is to get the value that {} has in `{}` ({}), which is unique, and cannot give it up before: no \
                 column of it may be NULL, or have a value that stands in for a moment; flush twice, with another value \
                 between",
                self.describe_object(wanted_by),
                self.describe_object(holder),
                facts.table.full_name(),
                names.join(", "),
            ),
        )
    }
}

/// A column of a constraint, and what may stand in it for a moment without being in anybody's way.
fn stand_in(
    facts: &TableFacts,
    slot: &Slot,
    written: &dyn Fn(u16) -> bool,
) -> Option<(u16, Value)> {
    // The trigger would make a version that nobody expects.
    if facts.version_by_database {
        return None;
    }
    let columns = facts.table.columns();
    let refers =
        |column: u16| facts.table.foreign_keys().iter().any(|k| k.columns.contains(&column));
    let free = |column: u16| {
        let c = &columns[usize::from(column)];
        !c.primary_key && !c.is_read_only()
    };
    let own: Vec<u16> = slot
        .iter()
        .filter(|(column, attribute)| free(*column) && written(*attribute))
        .map(|(column, _)| *column)
        .collect();
    if let Some(&column) = own.iter().find(|c| columns[usize::from(**c)].nullable) {
        return Some((column, Value::Null));
    }
    let random = random();
    own.into_iter().filter(|c| !refers(*c)).find_map(|column| {
        let value = match columns[usize::from(column)].data_type {
            DataType::Text(None) => Value::Text(format!("~{random:016x}")),
            DataType::BigInt => Value::I64(-((random >> 1) as i64).max(1)),
            DataType::Integer => Value::I64(-((random >> 33) as i64).max(1)),
            _ => return None,
        };
        Some((column, value))
    })
}

/// A number that nobody else has, for all that is likely.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
