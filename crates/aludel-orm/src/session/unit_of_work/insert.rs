//! INSERT: the rows of new objects, in batches that borrow from the objects.

use std::sync::Arc;

use aludel_sql::{Bad, Bind, Table, Value, WriteOp};
use smallvec::SmallVec;

use super::facts::{Facts, NO_ATTRIBUTE, TableFacts, classes_of};
use super::run::Run;
use super::write::{Back, Segment, rows_at_once, send};
use crate::events::ObjectEvent;
use crate::instrumentation::{Id, NULL};
use crate::session::Session;
use crate::session::arena::{Arena, Slab};
use crate::{Error, ErrorKind, Result};

/// The facts of the classes of a batch.
type Classes = SmallVec<[(u16, Arc<Facts>); 2]>;

/// An attribute that was given a value for an INSERT.
struct Prepared {
    row: u32,
    attribute: u16,
    was_loaded: bool,
}

impl Session {
    /// Inserts the rows of objects into one of their tables.
    pub(super) async fn insert_table(
        &mut self,
        run: &mut Run,
        table: &Table,
        ids: &[Id],
    ) -> Result<()> {
        let mut classes: Classes =
            classes_of(ids).into_iter().map(|class| (class, run.facts(self, class))).collect();
        if classes.iter().all(|(_, facts)| facts.table(table).is_some()) {
            return self.insert_all(run, table, &classes, ids).await;
        }
        classes.retain(|(_, facts)| facts.table(table).is_some());
        let own: Vec<Id> = ids
            .iter()
            .copied()
            .filter(|id| classes.iter().any(|(class, _)| *class == id.class))
            .collect();
        self.insert_all(run, table, &classes, &own).await
    }

    async fn insert_all(
        &mut self,
        run: &mut Run,
        table: &Table,
        classes: &Classes,
        ids: &[Id],
    ) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.connect(run).await?;
        let at_once = run.connected().map_or(256, |c| rows_at_once(c));
        if table.autoincrement().is_some() {
            run.born.reserve(ids.len());
        }
        let mut rest = ids;
        while !rest.is_empty() {
            // A run of rows without SQL expressions, or one that has any.
            let plain = match self.log.has_expressions() {
                true => rest.iter().position(|id| self.has_expression(*id)).unwrap_or(rest.len()),
                false => rest.len(),
            };
            for part in rest[..plain].chunks(at_once) {
                self.insert_part(run, table, classes, part).await?;
            }
            rest = &rest[plain..];
            if let Some((first, others)) = rest.split_first() {
                self.insert_with_expressions(run, table, classes, *first).await?;
                rest = others;
            }
        }
        Ok(())
    }

    async fn insert_with_expressions(
        &mut self,
        run: &mut Run,
        table: &Table,
        classes: &Classes,
        id: Id,
    ) -> Result<()> {
        let Some((_, facts)) = facts_of(classes, id.class).and_then(|f| f.table(table)) else {
            return Ok(());
        };
        let prepared = self.prepare_inserts(table, classes, &[id])?;
        let result = self.insert_computed(run, table, facts, id).await;
        if result.is_err() {
            self.unprepare(&[id], &prepared, 0);
        }
        result?;
        self.read_made(run, table, &[id], WriteOp::Insert).await
    }

    async fn insert_part(
        &mut self,
        run: &mut Run,
        table: &Table,
        classes: &Classes,
        part: &[Id],
    ) -> Result<()> {
        let prepared = self.prepare_inserts(table, classes, part)?;
        let Some(connection) = run.connected() else { return Ok(()) };
        let mut back = Back::default();
        let mut segments = Vec::new();
        let result = {
            let params = match bind_inserts(&self.arena, table, classes, part, &mut segments) {
                Ok(params) => params,
                Err((id, attribute)) => {
                    self.unprepare(part, &prepared, 0);
                    return Err(self.key_missing(id, attribute));
                }
            };
            send(connection, WriteOp::Insert, table, &segments, &params, &mut back).await
        };
        // As in SQLAlchemy, objects whose rows were inserted before the one that was refused keep their keys.
        self.take_returned(run, table, classes, part, &segments, back)?;
        if let Err(error) = result {
            let failed = self.failed_row(&error, &segments);
            self.unprepare(part, &prepared, failed.unwrap_or(0));
            return Err(self.refused(error, WriteOp::Insert, table, part, failed));
        }
        self.expire_written(table, classes, part);
        self.read_made(run, table, part, WriteOp::Insert).await
    }

    /// Gives attributes the values that the program has for rows where none was set: defaults, first versions.
    fn prepare_inserts(
        &mut self,
        table: &Table,
        classes: &Classes,
        part: &[Id],
    ) -> Result<Vec<Prepared>> {
        let mut prepared = Vec::new();
        if !classes.iter().any(|(_, facts)| facts.prepares) {
            return Ok(prepared);
        }
        for (row, &id) in part.iter().enumerate() {
            let Some((_, of_table)) = facts_of(classes, id.class).and_then(|f| f.table(table))
            else {
                continue;
            };
            for &(column, attribute) in &of_table.defaults {
                let was_loaded = self.arena.is_loaded(id, attribute);
                if was_loaded && !self.arena.field(id, attribute).bind().as_ref().is_null()
                    || self.expression(id, attribute).is_some()
                {
                    continue;
                }
                let Some(default) = &table.columns()[usize::from(column)].client_default else {
                    continue;
                };
                self.put_written(id, attribute, default.value())?;
                prepared.push(Prepared { row: row as u32, attribute, was_loaded });
            }
            for (copy, was_loaded) in self.copy_key(id, table)? {
                prepared.push(Prepared { row: row as u32, attribute: copy, was_loaded });
            }
            if of_table.version.is_some()
                && let Some(version) = self.mapper_of(id).version
            {
                let Some(first) = self.next_version(id, version, None)? else { continue };
                let was_loaded = self.arena.is_loaded(id, version);
                self.put_written(id, version, first)?;
                prepared.push(Prepared { row: row as u32, attribute: version, was_loaded });
            }
        }
        Ok(prepared)
    }

    /// Gives attributes that stand for the reference of a joined subclass's table to its base's the value of the key;
    /// gives them, and whether they were loaded.
    pub(super) fn copy_key(&mut self, id: Id, table: &Table) -> Result<SmallVec<[(u16, bool); 1]>> {
        let mut copied = SmallVec::new();
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(id.class);
        for &(copy, of) in &mapper.key_copies {
            let own = mapper.column(copy).map(|column| mapper.table_of(column.columns[0]));
            if own == Some(table) {
                let value = self.arena.field(id, of).bind().as_ref().to_owned();
                copied.push((copy, self.arena.is_loaded(id, copy)));
                self.put_written(id, copy, value)?;
            }
        }
        Ok(copied)
    }

    /// The same when the key has changed.
    pub(super) fn copy_new_key(&mut self, id: Id) {
        let mappers = Arc::clone(&self.mappers);
        for &(copy, of) in &mappers.at(id.class).key_copies {
            let value = self.arena.field(id, of).bind().as_ref().to_owned();
            // What does not fit is read anew.
            if self.put_written(id, copy, value).is_err() {
                self.expire_unknown(id, copy);
            }
        }
    }

    /// The rows from `from` on were not inserted: what was prepared for them is taken back.
    fn unprepare(&mut self, part: &[Id], prepared: &[Prepared], from: usize) {
        for p in prepared.iter().filter(|p| p.row as usize >= from) {
            let id = part[p.row as usize];
            if !p.was_loaded {
                self.arena.field_mut(id, p.attribute).clear();
                self.arena.of_mut(id).set_loaded(id.slot, p.attribute, false);
            }
        }
    }

    /// Puts a value that is (or will be) in the row into the object; it is no change.
    #[inline]
    pub(super) fn put_written(&mut self, id: Id, attribute: u16, value: Value) -> Result<()> {
        let slab = self.arena.of_mut(id);
        let put = match slab.objects.get_mut(id.slot).and_then(|o| o.field_mut(attribute)) {
            Some(field) => field.put(value),
            None => return Err(self.no_such_field(id, attribute)),
        };
        if let Err(bad) = put {
            return Err(self.misfit(id, attribute, bad));
        }
        slab.set_loaded(id.slot, attribute, true);
        slab.set_expired(id.slot, attribute, false);
        self.note_written(id, attribute);
        Ok(())
    }

    /// It will be told that the flush has given an attribute its value; of keys it is not.
    #[inline]
    fn note_written(&mut self, id: Id, attribute: u16) {
        if self.listeners.hears(ObjectEvent::RefreshFlush)
            && !self.mapper_of(id).primary_key.contains(&attribute)
        {
            self.listeners.note_written(id, attribute);
        }
    }

    #[cold]
    fn misfit(&self, id: Id, attribute: u16, bad: Bad) -> Error {
        Error::new(ErrorKind::Value, format!("{}: the value {bad}", self.describe(id, attribute)))
    }

    /// What the database gave back goes into the objects.
    fn take_returned(
        &mut self,
        run: &mut Run,
        table: &Table,
        classes: &Classes,
        part: &[Id],
        segments: &[Segment],
        back: Back,
    ) -> Result<()> {
        let segment_of =
            |row: usize| segments.iter().find(|s| row >= s.first && row < s.first + s.rows);
        let attribute_at = |class: u16, column: u16| {
            let (_, of_table) = facts_of(classes, class)?.table(table)?;
            let made = of_table.optional.iter().chain(&of_table.on_insert.returned);
            let mut all = of_table.keys.iter().chain(made);
            all.find(|(c, _)| *c == column).map(|(_, attribute)| *attribute)
        };
        let mut rest = back.integers.as_slice();
        while let Some((first, _)) = rest.first() {
            // A run of rows of one segment and one class.
            let first = *first as usize;
            let class = part[first].class;
            let Some(segment) = segment_of(first) else { break };
            let end = (segment.first + segment.rows) as u32;
            let same = |(row, _): &(u32, i64)| *row < end && part[*row as usize].class == class;
            let count = rest.iter().position(|r| !same(r)).unwrap_or(rest.len());
            let (of_run, others) = rest.split_at(count.max(1));
            rest = others;
            let column = segment.returning.first().copied();
            let Some(attribute) = column.and_then(|c| attribute_at(class, c)) else { continue };
            let keys: Vec<(u32, i64)> =
                of_run.iter().map(|(row, key)| (part[*row as usize].slot, *key)).collect();
            let slab = self.arena.of_mut(part[first]);
            if let Err((slot, bad)) = slab.objects.put_keys(attribute, &keys) {
                let id = part.iter().find(|id| id.slot == slot && id.class == class);
                return Err(self.misfit(*id.unwrap_or(&part[first]), attribute, bad));
            }
            for (slot, _) in keys {
                slab.set_loaded(slot, attribute, true);
                slab.set_expired(slot, attribute, false);
            }
            if self.listeners.hears(ObjectEvent::RefreshFlush) {
                of_run
                    .iter()
                    .for_each(|(row, _)| self.note_written(part[*row as usize], attribute));
            }
            if self.mappers.at(class).primary_key == [attribute] {
                run.born.extend(of_run.iter().map(|(row, key)| (part[*row as usize], *key)));
            }
        }
        for (row, index, value) in back.values {
            let id = part[row as usize];
            let column = segment_of(row as usize).and_then(|s| s.returning.get(usize::from(index)));
            if let Some(attribute) = column.and_then(|c| attribute_at(id.class, *c)) {
                self.put_written(id, attribute, value)?;
            }
        }
        Ok(())
    }

    /// What the row says that nobody has asked the database for is expired.
    fn expire_written(&mut self, table: &Table, classes: &Classes, part: &[Id]) {
        for (class, facts) in classes {
            let Some((_, of_table)) = facts.table(table) else { continue };
            if of_table.on_insert.expired.is_empty() {
                continue;
            }
            for &id in part.iter().filter(|id| id.class == *class) {
                for &(column, attribute) in &of_table.on_insert.expired {
                    let given = !table.columns()[usize::from(column)].is_read_only()
                        && self.arena.is_loaded(id, attribute)
                        && !self.arena.field(id, attribute).bind().as_ref().is_null();
                    if !given {
                        self.expire_unknown(id, attribute);
                    }
                }
            }
        }
    }

    /// A value is not known any more: it is read anew when it is asked for.
    pub(super) fn expire_unknown(&mut self, id: Id, attribute: u16) {
        use crate::mapping::PropertyKind;
        let deferred = match &self.mapper_of(id).property(attribute).kind {
            PropertyKind::Expression { deferred, .. } => *deferred,
            PropertyKind::Column(column) => column.deferred,
            _ => false,
        };
        let slab = self.arena.of_mut(id);
        slab.set_loaded(id.slot, attribute, false);
        slab.set_expired(id.slot, attribute, !deferred);
    }
}

fn facts_of(classes: &Classes, class: u16) -> Option<&Facts> {
    classes.iter().find(|(c, _)| *c == class).map(|(_, facts)| &**facts)
}

/// The parameters of the rows, and the segments of equal shape; or the key attribute that has no value.
fn bind_inserts<'a>(
    arena: &'a Arena,
    table: &Table,
    classes: &'a Classes,
    part: &[Id],
    segments: &mut Vec<Segment>,
) -> Result<Vec<Bind<'a>>, (Id, u16)> {
    let mut params: Vec<Bind<'a>> = Vec::new();
    let mut at = 0;
    while let Some(first) = part.get(at) {
        // A run of objects of one class.
        let class = first.class;
        let run = part[at..].iter().position(|id| id.class != class).unwrap_or(part.len() - at);
        let rows = at..at + run;
        at += run;
        let Some((_, facts)) = facts_of(classes, class).and_then(|f| f.table(table)) else {
            continue;
        };
        let Some(slab) = arena.slab(class) else { continue };
        params.reserve(run * (facts.plain.len() + facts.optional.len()));
        let mut last_shape = None;
        for row in rows {
            let id = part[row];
            let shape = bind_row(slab, table, facts, id.slot, &mut params).map_err(|a| (id, a))?;
            if last_shape != Some(shape) {
                last_shape = Some(shape);
                let (columns, returning) = columns_of(facts, shape);
                if segments.last().is_none_or(|s| s.columns != columns || s.returning != returning)
                {
                    segments.push(Segment { columns, returning, first: row, ..Segment::default() });
                }
            }
            if let Some(segment) = segments.last_mut() {
                segment.rows += 1;
            }
        }
    }
    Ok(params)
}

/// Binds a row; gives which of the optional columns it has, as bits.
#[inline]
fn bind_row<'a>(
    slab: &'a Slab,
    table: &Table,
    facts: &TableFacts,
    slot: u32,
    params: &mut Vec<Bind<'a>>,
) -> Result<u128, u16> {
    let Some(object) = slab.objects.get(slot) else { return Ok(0) };
    let (mut shape, mut bit) = (0u128, 1u128);
    for &(_, attribute) in &facts.optional {
        if slab.is_loaded(slot, attribute) {
            let bind = object.field(attribute).map_or(NULL, |f| f.bind());
            if !bind.as_ref().is_null() {
                shape |= bit;
                params.push(bind);
            }
        }
        bit = bit.rotate_left(1);
    }
    let start = params.len();
    let loaded = slab.states[slot as usize].loaded;
    if facts.mask.is_some_and(|mask| loaded & mask == mask) {
        object.bind_fields(&facts.attributes, params);
    } else {
        params.extend(facts.plain.iter().map(|&(column, attribute)| {
            if attribute == NO_ATTRIBUTE {
                let default = &table.columns()[usize::from(column)].client_default;
                default.as_ref().map_or(NULL, |d| Bind::Owned(d.value()))
            } else if slab.is_loaded(slot, attribute) {
                object.field(attribute).map_or(NULL, |f| f.bind())
            } else {
                NULL
            }
        }));
    }
    match facts.required.iter().find(|at| params[start + **at].as_ref().is_null()) {
        Some(at) => Err(facts.plain[*at].1),
        None => Ok(shape),
    }
}

/// The columns that rows of a shape give, and those whose values are wanted back.
fn columns_of(facts: &TableFacts, shape: u128) -> (Vec<u16>, Vec<u16>) {
    let mut bit = 1u128;
    let (mut columns, mut returning) = (Vec::new(), Vec::new());
    for &(column, _) in &facts.optional {
        if shape & bit != 0 {
            columns.push(column);
        } else if Some(column) == facts.table.autoincrement() {
            returning.push(column);
        }
        bit = bit.rotate_left(1);
    }
    columns.extend(facts.plain.iter().map(|(c, _)| *c));
    let returned = facts.on_insert.returned.iter().map(|(c, _)| *c);
    returning.extend(returned.filter(|c| !columns.contains(c)));
    (columns, returning)
}
