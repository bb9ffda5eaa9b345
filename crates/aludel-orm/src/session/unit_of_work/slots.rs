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

use super::facts::{TableFacts, classes_of, mapped_columns};
use super::run::Run;
use super::topological::{a_circle, levels};
use super::work::Work;
use super::write::{Back, Segment, send};
use crate::instrumentation::Id;
use crate::loading::Asker;
use crate::session::FastMap;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};
use crate::{Error, ErrorKind, Result};

/// The columns of a unique constraint, and their attributes.
pub(super) type Slot = Vec<(u16, u16)>;

/// Values that attributes will have when their rows are written: keys that are carried over.
pub(super) type Coming = FastMap<(Id, u16), Option<Value>>;

/// A row that gives up a value by an UPDATE of its own.
pub(super) struct Giving {
    pub(super) holder: Id,
    /// Which of the table's constraints.
    pub(super) at: usize,
    pub(super) wanted_by: Id,
    stand_in: StandIn,
}

/// What stands in a column of a unique constraint for a moment.
struct StandIn {
    column: u16,
    attribute: u16,
    value: Value,
    /// The row keeps what it has in the column, so that it is to be put back.
    kept: bool,
}

/// How unique values come from row to row.
#[derive(Default)]
pub(super) struct SlotMoves {
    /// What is given up before anything else.
    pub(super) given_up: Vec<Giving>,
    /// The updates, in groups that follow each other.
    pub(super) groups: Vec<Vec<Id>>,
    /// Which row waits for which other, for the sake of which constraint.
    pub(super) waits: Vec<(Id, Id, usize)>,
}

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
    /// The names of the columns of a constraint, as an object's table has it.
    pub(super) fn slot_columns(&self, table: &Table, id: Id, at: usize) -> Vec<String> {
        let mapper = self.mapper_of(id);
        let Some(place) = mapper.tables.iter().position(|t| t == table) else { return Vec::new() };
        let slots = slots_of(table, &mapped_columns(mapper, place as u16));
        let name =
            |(column, _): &(u16, u16)| table.columns()[usize::from(*column)].name.to_string();
        slots.get(at).map(|slot| slot.iter().map(name).collect()).unwrap_or_default()
    }

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
        self.read_slots(run, work, table).await?;
        self.read_replaced(run, table, updates).await?;
        let moves = self.slot_moves(run, work, table, updates, inserts, &Coming::default())?;
        for giving in &moves.given_up {
            self.give_up(run, table, giving).await?;
        }
        Ok(moves.groups)
    }

    /// Reads the unique values of rows that go, where they are not loaded, since their objects may be expired: by one
    /// SELECT for those of a class.
    async fn read_slots(&mut self, run: &mut Run, work: &Work, table: &Table) -> Result<()> {
        let mut lacking: Vec<(u16, Vec<u16>, Vec<Id>)> = Vec::new();
        for &id in work.roots.iter().flat_map(|root| root.deletes.iter()) {
            let is_there = self.arena.life(id) == Some(ObjectState::Persistent);
            if !is_there || run.replaced.contains(&id) {
                continue;
            }
            let facts = run.facts(self, id.class);
            let Some((_, facts)) = facts.table(table) else { continue };
            let attributes = facts.slots.iter().flatten().map(|(_, attribute)| *attribute);
            let attributes: Vec<u16> = attributes.collect();
            let unknown =
                |a: &u16| !self.arena.is_loaded(id, *a) && self.committed_value(id, *a).is_none();
            if !attributes.iter().any(unknown) {
                continue;
            }
            match lacking.iter_mut().find(|(class, ..)| *class == id.class) {
                Some((_, _, ids)) => ids.push(id),
                None => lacking.push((id.class, attributes, vec![id])),
            }
        }
        for (_, attributes, ids) in lacking {
            self.disconnect(run);
            self.load_columns_of(&ids, &attributes, Asker::Session).await?;
        }
        Ok(())
    }

    /// Reads the unique values that were replaced while nobody knew them, in objects that were expired: where several rows
    /// of a table get other values, one may have what another is to get.
    async fn read_replaced(&mut self, run: &mut Run, table: &Table, updates: &[Id]) -> Result<()> {
        let mut replaced = 0;
        let mut lacking: Vec<(u16, Vec<u16>, Vec<Id>)> = Vec::new();
        for &id in updates {
            if run.takeovers.contains_key(&id) {
                continue;
            }
            let facts = run.facts(self, id.class);
            let Some((_, facts)) = facts.table(table) else { continue };
            let head = self.arena.state(id).head;
            let attributes = facts.slots.iter().flatten().map(|(_, attribute)| *attribute);
            let mut changed = attributes.filter(|a| self.log.find(head, *a).is_some()).peekable();
            replaced += usize::from(changed.peek().is_some());
            if changed.all(|a| self.committed_value(id, a).is_some()) {
                continue;
            }
            match lacking.iter_mut().find(|(class, ..)| *class == id.class) {
                Some((_, _, ids)) => ids.push(id),
                None => {
                    let mut all: Vec<u16> = facts.slots.iter().flatten().map(|s| s.1).collect();
                    all.sort_unstable();
                    all.dedup();
                    lacking.push((id.class, all, vec![id]));
                }
            }
        }
        if replaced < 2 {
            return Ok(());
        }
        for (_, attributes, ids) in lacking {
            self.disconnect(run);
            self.load_committed_columns(&ids, &attributes).await?;
        }
        Ok(())
    }

    /// How unique values come from row to row.
    pub(super) fn slot_moves(
        &self,
        run: &mut Run,
        work: &Work,
        table: &Table,
        updates: &[Id],
        inserts: &[Id],
        coming: &Coming,
    ) -> Result<SlotMoves> {
        let mut moves = SlotMoves::default();
        let mut holders = self.giving_up(run, work, table, coming);
        if holders.is_empty() {
            moves.groups.push(updates.to_vec());
            return Ok(moves);
        }
        let places: FastMap<Id, u32> = updates.iter().copied().zip(0..).collect();
        // From the row that has a value to the one that is to get it.
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for &id in updates.iter().chain(inserts) {
            let facts = run.facts(self, id.class);
            let Some((_, facts)) = facts.table(table) else { continue };
            for (at, slot) in facts.slots.iter().enumerate() {
                let wanted = self.slot_value(slot, |a| self.coming_value(id, a, coming));
                let Some(wanted) = wanted.map(|value| (at, value)) else { continue };
                let Some(&holder) = holders.get(&wanted).filter(|h| **h != id) else { continue };
                match (places.get(&holder), places.get(&id)) {
                    _ if run.replaced.contains(&holder) => {}
                    (Some(_), None) => moves.waits.push((id, holder, at)),
                    (Some(from), Some(to)) => {
                        edges.push((*from, *to));
                        moves.waits.push((id, holder, at));
                    }
                    // Its row goes, or is written later.
                    (None, _) => {
                        let giving = self.giving(run, work, table, (holder, at, id), coming)?;
                        moves.given_up.extend(giving);
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
                    moves.groups = groups.into_iter().map(ids).collect();
                    return Ok(moves);
                }
                Err(left) => left,
            };
            // One of a circle gives its values up, and nobody waits for it any more.
            let circle = a_circle(&edges, &left);
            let Some(&first) = circle.first() else {
                moves.groups.push(updates.to_vec());
                return Ok(moves);
            };
            let wanted_by = edges.iter().find(|(from, _)| *from == first).map_or(first, |e| e.1);
            let (holder, wanted_by) = (updates[first as usize], updates[wanted_by as usize]);
            let slots =
                run.facts(self, holder.class).table(table).map_or(0, |(_, f)| f.slots.len());
            for at in 0..slots {
                let held = holders.iter().any(|((slot, _), id)| *slot == at && *id == holder);
                let done = moves.given_up.iter().any(|g| g.holder == holder && g.at == at);
                if held && !done {
                    let giving = self.giving(run, work, table, (holder, at, wanted_by), coming)?;
                    moves.given_up.extend(giving);
                }
            }
            edges.retain(|(from, _)| *from != first);
            moves.waits.retain(|(_, from, _)| *from != holder);
        }
    }

    /// The rows that are there and give up a value of a unique constraint in this flush.
    fn giving_up(&self, run: &mut Run, work: &Work, table: &Table, coming: &Coming) -> Holders {
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
                let goes = self.goes(work, id)
                    || slot.iter().any(|(_, attribute)| self.gives_up(id, *attribute, coming));
                if gone || !goes {
                    continue;
                }
                let value = self.slot_value(slot, |a| self.committed_value(id, a));
                holders.extend(value.map(|value| ((at, value), id)));
            }
        }
        holders
    }

    /// Whether an object's row is deleted by this flush. One that was to be may have come to an owner since, and stay.
    fn goes(&self, work: &Work, id: Id) -> bool {
        let marked = || self.arena.state(id).has(Flags::DELETING);
        work.deletes(id).unwrap_or_else(marked)
    }

    /// Whether an attribute is to have another value than its row has.
    fn gives_up(&self, id: Id, attribute: u16, coming: &Coming) -> bool {
        self.committed_value(id, attribute).is_some_and(|old| {
            !old.is_null() && Some(old) != self.coming_value(id, attribute, coming)
        })
    }

    /// The value that an attribute is to have.
    pub(super) fn coming_value(&self, id: Id, attribute: u16, coming: &Coming) -> Option<Value> {
        if let Some(value) = coming.get(&(id, attribute)) {
            return value.clone();
        }
        self.arena
            .is_loaded(id, attribute)
            .then(|| self.arena.field(id, attribute).value())
            .filter(|value| !value.is_null())
    }

    /// The values of a constraint's columns; `None` where one is NULL, so that they are in nobody's way.
    fn slot_value(&self, slot: &Slot, value: impl Fn(u16) -> Option<Value>) -> Option<String> {
        let mut all = Vec::new();
        for (_, attribute) in slot {
            all.push(value(*attribute).filter(|value| !value.is_null())?);
        }
        Some(format!("{all:?}"))
    }

    /// What a row gives up of a constraint, to nobody yet; `None` where it has done so.
    fn giving(
        &self,
        run: &mut Run,
        work: &Work,
        table: &Table,
        (holder, at, wanted_by): (Id, usize, Id),
        coming: &Coming,
    ) -> Result<Option<Giving>> {
        let facts = run.facts(self, holder.class);
        let Some((_, facts)) = facts.table(table) else { return Ok(None) };
        let slot = &facts.slots[at];
        // What is changed is written later, or nothing is, since the row goes; the rest can be put back where it is known.
        let goes = self.goes(work, holder);
        let written = |attribute| goes || self.gives_up(holder, attribute, coming);
        let known = |attribute| self.arena.is_loaded(holder, attribute);
        let Some(stand_in) = stand_in(facts, slot, &written, &known) else {
            return Err(self.cannot_give_up(facts, slot, holder, wanted_by));
        };
        if !run.given_up.insert((holder, table.id(), at)) {
            return Ok(None);
        }
        if stand_in.kept {
            let back = (table.id(), stand_in.column, stand_in.attribute);
            let columns = run.put_back.entry(holder).or_default();
            if !columns.contains(&back) {
                columns.push(back);
            }
        }
        Ok(Some(Giving { holder, at, wanted_by, stand_in }))
    }

    /// A row gives up the value of a constraint.
    async fn give_up(&mut self, run: &mut Run, table: &Table, giving: &Giving) -> Result<()> {
        let facts = run.facts(self, giving.holder.class);
        let Some((place, facts)) = facts.table(table) else { return Ok(()) };
        let StandIn { column, value, .. } = &giving.stand_in;
        self.connect(run).await?;
        let mut back = Back::default();
        let segment = Segment {
            columns: vec![*column],
            keys: facts.key_columns.clone(),
            rows: 1,
            ..Segment::default()
        };
        let result = {
            let mut params = vec![Bind::Ref(value.as_ref())];
            self.bind_row_key(giving.holder, facts, place == 0, &|_| false, &mut params);
            let Some(connection) = run.connected() else { return Ok(()) };
            send(connection, WriteOp::Update, table, &[segment], &params, &mut back).await
        };
        result.map_err(|e| self.refused(e, WriteOp::Update, table, &[giving.holder], Some(0)))
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

/// What may stand in a column of a constraint for a moment without being in anybody's way: NULL or a value that nobody has,
/// in a column that is written later, or else in one that the row keeps.
fn stand_in(
    facts: &TableFacts,
    slot: &Slot,
    written: &dyn Fn(u16) -> bool,
    known: &dyn Fn(u16) -> bool,
) -> Option<StandIn> {
    // The trigger would make a version that nobody expects.
    if facts.version_by_database {
        return None;
    }
    let columns = facts.table.columns();
    let refers =
        |column: u16| facts.table.foreign_keys().iter().any(|k| k.columns.contains(&column));
    let free = slot.iter().filter(|(column, _)| {
        let c = &columns[usize::from(*column)];
        !c.primary_key && !c.is_read_only()
    });
    let (own, kept): (Slot, Slot) = free.partition(|(_, attribute)| written(*attribute));
    let kept: Slot = kept.into_iter().filter(|(_, attribute)| known(*attribute)).collect();
    let random = random();
    [(own, false), (kept, true)].into_iter().find_map(|(slot, kept)| {
        let of = |(column, attribute), value| StandIn { column, attribute, value, kept };
        if let Some(&place) = slot.iter().find(|(c, _)| columns[usize::from(*c)].nullable) {
            return Some(of(place, Value::Null));
        }
        slot.into_iter().filter(|(column, _)| !refers(*column)).find_map(|place| {
            let value = nobodys(columns[usize::from(place.0)].data_type, random)?;
            Some(of(place, value))
        })
    })
}

/// A value that nobody has.
fn nobodys(of: DataType, random: u64) -> Option<Value> {
    Some(match of {
        DataType::Text(None) => Value::Text(format!("~{random:016x}")),
        DataType::Text(Some(most @ 9..)) => {
            let mut text = format!("~{random:016x}");
            text.truncate(most as usize);
            Value::Text(text)
        }
        DataType::BigInt => Value::I64(-((random >> 1) as i64).max(1)),
        DataType::Integer => Value::I64(-((random >> 33) as i64).max(1)),
        _ => return None,
    })
}

/// A number that nobody else has, for all that is likely.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
