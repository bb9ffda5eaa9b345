//! UPDATE: the columns of persistent objects that have changed, in batches by equal columns.

use std::ops::Range;
use std::sync::Arc;

use aludel_sql::{Bind, Table, Value, ValueRef, WriteOp};
use smallvec::SmallVec;

use super::facts::{Facts, NO_ATTRIBUTE, TableFacts};
use super::run::Run;
use super::write::{Back, Segment, rows_at_once, send};
use crate::instrumentation::{Id, NULL, push_bind};
use crate::session::Session;
use crate::session::identity::Key;
use crate::session::state::Flags;
use crate::{Error, ErrorKind, Result};

/// How many changed rows are collected before they are written: what is known of them is then still at hand.
const ROWS_IN_HAND: usize = 4096;

/// A row to be updated.
pub(super) struct Change {
    pub(super) id: Id,
    /// The place of its class among those of the table's changes.
    class: u16,
    /// Its columns and their attributes, in the list of all.
    set: Range<u32>,
    /// The place of the version by which the row is found, plus one; 0 is none.
    version: u32,
}

/// The rows of a table to be updated.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) rows: Vec<Change>,
    set: Vec<(u16, u16)>,
    /// The versions by which rows are found, of those that have any.
    versions: Vec<Value>,
    classes: Vec<Arc<Facts>>,
}

impl Session {
    /// Updates the rows of objects in one of their tables, as far as they have changed.
    pub(super) async fn update_table(
        &mut self,
        run: &mut Run,
        table: &Table,
        ids: &[Id],
    ) -> Result<()> {
        let mut changes = Changes::default();
        let mut rest = ids;
        while let Some(first) = rest.first() {
            // A run of objects of one class.
            let class = first.class;
            let end = rest.iter().position(|id| id.class != class).unwrap_or(rest.len());
            let (same, others) = rest.split_at(end);
            rest = others;
            let facts = run.facts(self, class);
            let Some((at, of_table)) = facts.table(table) else { continue };
            changes.turn_to(&facts);
            changes.rows.reserve(same.len().min(ROWS_IN_HAND));
            for &id in same {
                if changes.rows.len() == ROWS_IN_HAND {
                    let full = std::mem::take(&mut changes);
                    self.write_changes(run, table, full).await?;
                    changes.turn_to(&facts);
                }
                self.collect_change(run, &facts, at, of_table, id, &mut changes)?;
            }
        }
        self.write_changes(run, table, changes).await
    }

    /// What of an object's row has changed in a table.
    fn collect_change(
        &mut self,
        run: &Run,
        facts: &Facts,
        at: usize,
        of_table: &TableFacts,
        id: Id,
        into: &mut Changes,
    ) -> Result<()> {
        let takeover = if run.takeovers.is_empty() { None } else { run.takeovers.get(&id) };
        let version = facts.mapper.version;
        let changed = self.net_changes(id);
        let start = into.set.len();
        for &attribute in &changed {
            if let Some(column) = of_table.direct(attribute) {
                into.set.push((column, attribute));
                continue;
            }
            let Some(property) = facts.mapper.column(attribute) else { continue };
            if at == 0 && facts.mapper.primary_key.contains(&attribute) {
                self.check_key_kept(id, attribute)?;
            }
            // The key of the base table's row is what the others follow.
            let follows = || property.columns.iter().any(|c| usize::from(c.table) < at);
            if facts.mapper.primary_key.contains(&attribute)
                && (follows() || takeover.is_some() || run.cascaded.contains(&(id, attribute)))
                || Some(attribute) == version
            {
                continue;
            }
            for column in property.columns.iter().filter(|c| usize::from(c.table) == at) {
                if !of_table.table.columns()[usize::from(column.column)].is_read_only() {
                    into.set.push((column.column, attribute));
                }
            }
        }
        if !run.put_back.is_empty()
            && let Some(columns) = run.put_back.get(&id)
        {
            let of_table = columns.iter().filter(|(table, ..)| *table == of_table.table.id());
            into.set.extend(of_table.map(|(_, column, attribute)| (*column, *attribute)));
        }
        let mut old_version = None;
        if let (Some(column), Some(attribute)) = (of_table.version, version) {
            let by_hand = takeover.is_none() && changed.contains(&attribute);
            if !by_hand && !changed.iter().any(|a| *a != attribute) {
                return Ok(());
            }
            let old = match takeover {
                Some(version) => version.clone(),
                None => self.committed_value(id, attribute),
            };
            let next = if by_hand { None } else { self.next_version(id, attribute, old.as_ref())? };
            if by_hand || next.is_some() {
                into.set.push((column, attribute));
            } else if into.set.len() == start {
                // A change elsewhere: the row is written as it is, for the database to give it a version.
                into.set.extend(of_table.keys.first());
            }
            if let Some(next) = next {
                self.put_written(id, attribute, next)?;
            }
            old_version = old.filter(|old| !old.is_null());
        }
        if into.set.len() == start {
            return Ok(());
        }
        self.check_row_known(id, of_table, "updating")?;
        self.add_on_updates(of_table, id, &mut into.set, start)?;
        into.add(id, start, old_version);
        Ok(())
    }

    /// Adds the columns that the program gives a value with every UPDATE to those of a row, which begin at `start`.
    pub(super) fn add_on_updates(
        &mut self,
        of_table: &TableFacts,
        id: Id,
        set: &mut Vec<(u16, u16)>,
        start: usize,
    ) -> Result<()> {
        for &(column, attribute) in &of_table.on_updates {
            if set[start..].iter().any(|(c, _)| *c == column) {
                continue;
            }
            if attribute != NO_ATTRIBUTE
                && let Some(value) = &of_table.table.columns()[usize::from(column)].on_update
            {
                self.put_written(id, attribute, value.value())?;
            }
            set.push((column, attribute));
        }
        Ok(())
    }

    /// The version after another; `None` where the database makes it.
    pub(super) fn next_version(
        &self,
        id: Id,
        attribute: u16,
        old: Option<&Value>,
    ) -> Result<Option<Value>> {
        self.mapper_of(id).version_by.next(old).map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{}: a version counter counts in integers, and this is something else; say what makes the \
                     versions (`version_generator`)",
                    self.describe(id, attribute)
                ),
            )
        })
    }

    /// Sends the UPDATEs of a table, and checks that each has met its row.
    pub(super) async fn write_changes(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: Changes,
    ) -> Result<()> {
        if changes.rows.is_empty() {
            return Ok(());
        }
        self.connect(run).await?;
        let Some(computed) = self.computed(table, &changes)? else {
            return self.write_values(run, table, &changes, &changes.rows).await;
        };
        let mut at = 0;
        while at < computed.len() {
            // A run of rows with expressions, or without: the order of the rows stays as it is.
            let plain = computed[at].is_empty();
            let count = computed[at..].iter().position(|c| c.is_empty() != plain);
            let range = at..count.map_or(computed.len(), |count| at + count);
            at = range.end;
            let (rows, expressions) = (&changes.rows[range.clone()], &computed[range]);
            match plain {
                true => self.write_values(run, table, &changes, rows).await?,
                false => self.write_computed(run, table, &changes, rows, expressions).await?,
            }
        }
        Ok(())
    }

    /// Writes rows that have values only.
    async fn write_values(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: &Changes,
        rows: &[Change],
    ) -> Result<()> {
        let at_once = run.connected().map_or(256, |c| rows_at_once(c));
        for part in rows.chunks(at_once) {
            self.write_part(run, table, changes, part).await?;
        }
        Ok(())
    }

    async fn write_part(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: &Changes,
        part: &[Change],
    ) -> Result<()> {
        let mut back = Back::default();
        let mut segments = Vec::new();
        let ids = || part.iter().map(|c| c.id).collect::<Vec<Id>>();
        let result = {
            let params = self.bind_changes(run, table, changes, part, &mut segments);
            let Some(connection) = run.connected() else { return Ok(()) };
            for segment in &mut segments {
                let Some((_, facts)) = changes.facts(&part[segment.first]).table(table) else {
                    continue;
                };
                let returned = facts.on_update.returned.iter().map(|(c, _)| *c);
                segment.returning = returned.filter(|c| !segment.columns.contains(c)).collect();
            }
            send(connection, WriteOp::Update, table, &segments, &params, &mut back).await
        };
        if let Err(error) = result {
            let failed = self.failed_row(&error, &segments);
            return Err(self.refused(error, WriteOp::Update, table, &ids(), failed));
        }
        for (segment, matched) in segments.iter().zip(&back.matched) {
            if *matched != segment.rows as u64 {
                let rows = &part[segment.first..segment.first + segment.rows];
                return Err(self.stale_update(run, table, changes, rows, *matched).await);
            }
        }
        let returned = |row: u32, index: u16| {
            let within = |s: &&Segment| (s.first..s.first + s.rows).contains(&(row as usize));
            segments.iter().find(within).and_then(|s| s.returning.get(usize::from(index))).copied()
        };
        let integers = back.integers.into_iter().map(|(row, n)| (row, 0, Value::I64(n)));
        for (row, index, value) in integers.chain(back.values) {
            let change = &part[row as usize];
            let Some((_, facts)) = changes.facts(change).table(table) else { continue };
            let attribute = returned(row, index)
                .and_then(|column| facts.on_update.returned.iter().find(|(c, _)| *c == column));
            if let Some((_, attribute)) = attribute {
                self.put_written(change.id, *attribute, value)?;
            }
        }
        for facts in &changes.classes {
            let Some((_, of_table)) = facts.table(table) else { continue };
            if of_table.on_update.expired.is_empty() {
                continue;
            }
            for change in part.iter().filter(|c| c.id.class == facts.mapper.index) {
                let set = changes.set_of(change);
                for (column, attribute) in &of_table.on_update.expired {
                    if !set.iter().any(|(given, _)| given == column) {
                        self.expire_unknown(change.id, *attribute);
                    }
                }
            }
        }
        let written: Vec<Id> = part.iter().map(|change| change.id).collect();
        self.read_made(run, table, &written, WriteOp::Update).await
    }

    fn bind_changes<'a>(
        &'a self,
        run: &Run,
        table: &Table,
        changes: &'a Changes,
        part: &'a [Change],
        segments: &mut Vec<Segment>,
    ) -> Vec<Bind<'a>> {
        let mut params = Vec::new();
        let mut last: &[(u16, u16)] = &[];
        let mut last_versioned = false;
        let mut of_class: Option<(u16, usize, &TableFacts)> = None;
        for (row, change) in part.iter().enumerate() {
            let (at, facts) = match of_class {
                Some((class, at, facts)) if class == change.class => (at, facts),
                _ => {
                    let Some((at, facts)) = changes.facts(change).table(table) else { continue };
                    of_class = Some((change.class, at, facts));
                    (at, facts)
                }
            };
            let columns = changes.set_of(change);
            let versioned = change.version != 0;
            // Which row was not met has to be known, and nothing in the others will tell.
            let same = !(versioned && facts.version_by_database)
                && versioned == last_versioned
                && columns.len() == last.len()
                && columns.iter().zip(last).all(|(a, b)| a.0 == b.0);
            if !same || segments.is_empty() {
                (last, last_versioned) = (columns, versioned);
                let mut keys = facts.key_columns.clone();
                keys.extend(facts.version.filter(|_| versioned));
                let columns: Vec<u16> = columns.iter().map(|(c, _)| *c).collect();
                params.reserve((columns.len() + keys.len()) * (part.len() - row));
                segments.push(Segment { columns, keys, first: row, ..Segment::default() });
            }
            self.bind_set(table, change.id, columns, &mut params);
            let cascaded = |a| !run.cascaded.is_empty() && run.cascaded.contains(&(change.id, a));
            self.bind_row_key(change.id, facts, at == 0, &cascaded, &mut params);
            if let Some(version) = changes.version_of(change) {
                params.push(Bind::Ref(version.as_ref()));
            }
            if let Some(segment) = segments.last_mut() {
                segment.rows += 1;
            }
        }
        params
    }

    pub(super) fn bind_set<'a>(
        &'a self,
        table: &Table,
        id: Id,
        columns: &[(u16, u16)],
        params: &mut Vec<Bind<'a>>,
    ) {
        let slab = self.arena.of(id);
        let object = slab.objects.get(id.slot);
        for &(column, attribute) in columns {
            if attribute == NO_ATTRIBUTE {
                let value = &table.columns()[usize::from(column)].on_update;
                params.push(value.as_ref().map_or(NULL, |v| Bind::Owned(v.value())));
                continue;
            }
            let loaded = slab.is_loaded(id.slot, attribute);
            match object.and_then(|o| o.field(attribute)).filter(|_| loaded) {
                Some(field) => push_bind(params, field.bind()),
                None => params.push(NULL),
            }
        }
    }

    /// The key that finds a row: as the database has it, which of the base table is the old one.
    pub(super) fn bind_row_key<'a>(
        &'a self,
        id: Id,
        facts: &TableFacts,
        is_base: bool,
        cascaded: &dyn Fn(u16) -> bool,
        params: &mut Vec<Bind<'a>>,
    ) {
        for (at, &(_, attribute)) in facts.keys.iter().enumerate() {
            let part = if is_base && !cascaded(attribute) {
                self.row_key_part(id, at, attribute)
            } else {
                self.arena.field(id, attribute).bind()
            };
            push_bind(params, part);
        }
    }

    /// A part of the key under which the database knows the object's row.
    #[inline]
    fn row_key_part(&self, id: Id, at: usize, attribute: u16) -> Bind<'_> {
        let state = self.arena.state(id);
        if state.has(Flags::KEY_ASIDE) {
            match self.keys_aside.get(&id) {
                Some(Key::Int(n)) => return Bind::Ref(ValueRef::I64(*n)),
                Some(Key::Values(values)) => {
                    return values.get(at).map_or(NULL, |v| Bind::Ref(v.as_ref()));
                }
                None => {}
            }
        }
        if state.head != 0
            && state.has(Flags::HAS_KEY)
            && let Some(old) = self.log.find(state.head, attribute).and_then(|e| e.old.value())
        {
            return Bind::Ref(old.as_ref());
        }
        self.arena.field(id, attribute).bind()
    }

    /// The key under which the database knows the object's row, where it is one whole number.
    #[inline]
    pub(super) fn whole_row_key(&self, id: Id) -> Option<i64> {
        let [attribute] = self.mapper_of(id).primary_key.as_slice() else { return None };
        match self.row_key_part(id, 0, *attribute) {
            Bind::Ref(ValueRef::I64(key)) => Some(key),
            _ => None,
        }
    }

    /// The key under which the database knows the object's row.
    pub(super) fn row_key(&self, id: Id) -> Option<Key> {
        let mapper = self.mapper_of(id);
        let parts: SmallVec<[Bind<'_>; 4]> = mapper
            .primary_key
            .iter()
            .enumerate()
            .map(|(at, attribute)| self.row_key_part(id, at, *attribute))
            .collect();
        mapper.key_of(&parts)
    }

    /// Sorts persistent objects of one hierarchy by their keys: rows that lie together are written together, and
    /// transactions that write the same rows take them in the same order. Gives the keys, where these are whole numbers.
    pub(super) fn sort_by_row(&self, ids: &mut [Id]) -> Option<Vec<i64>> {
        if let Some(keys) = self.whole_row_keys(ids) {
            // Mostly they are in order.
            if keys.is_sorted() {
                return Some(keys);
            }
            let mut keyed: Vec<(i64, Id)> = keys.into_iter().zip(ids.iter().copied()).collect();
            keyed.sort_by_key(|(key, _)| *key);
            ids.iter_mut().zip(&keyed).for_each(|(id, (_, sorted))| *id = *sorted);
            return Some(keyed.into_iter().map(|(key, _)| key).collect());
        }
        ids.sort_by(|a, b| {
            let parts = |id: &Id| self.mapper_of(*id).primary_key.len();
            for at in 0..parts(a).min(parts(b)) {
                let key = |id: &Id| (self.mapper_of(*id).primary_key[at], *id);
                let ((x, a), (y, b)) = (key(a), key(b));
                let order = compare(
                    self.row_key_part(a, at, x).as_ref(),
                    self.row_key_part(b, at, y).as_ref(),
                );
                if order.is_ne() {
                    return order;
                }
            }
            a.cmp(b)
        });
        None
    }

    /// The keys of the rows of objects of one hierarchy, where all of them are one whole number.
    fn whole_row_keys(&self, ids: &[Id]) -> Option<Vec<i64>> {
        // The key attributes have the same numbers in the whole hierarchy.
        let [attribute] = self.mapper_of(*ids.first()?).primary_key.as_slice() else { return None };
        let mut keys = Vec::with_capacity(ids.len());
        for same in ids.chunk_by(|a, b| a.class == b.class) {
            let slab = self.arena.of(same[0]);
            let plain = |id: &Id| {
                let state = &slab.states[id.slot as usize];
                state.head == 0 && !state.has(Flags::KEY_ASIDE)
            };
            if same.iter().all(plain) {
                slab.objects.integers(*attribute, same, &mut keys);
                continue;
            }
            for id in same {
                match self.row_key_part(*id, 0, *attribute) {
                    Bind::Ref(ValueRef::I64(key)) => keys.push(key),
                    _ => return None,
                }
            }
        }
        (keys.len() == ids.len()).then_some(keys)
    }
}

impl Changes {
    /// The rows that are added next are of this class.
    pub(super) fn turn_to(&mut self, facts: &Arc<Facts>) {
        if self.classes.last().is_none_or(|last| !Arc::ptr_eq(last, facts)) {
            self.classes.push(Arc::clone(facts));
        }
    }

    /// Adds a row; the columns to be set are those from `start` on.
    fn add(&mut self, id: Id, start: usize, version: Option<Value>) {
        if self.set.len() > start + 1 {
            self.set[start..].sort_unstable();
        }
        let class = (self.classes.len() - 1) as u16;
        let version = match version {
            None => 0,
            Some(version) => {
                self.versions.push(version);
                self.versions.len() as u32
            }
        };
        self.rows.push(Change { id, class, set: start as u32..self.set.len() as u32, version });
    }

    /// Adds a row with the columns that are to be set.
    pub(super) fn push(&mut self, id: Id, set: &[(u16, u16)], version: Option<Value>) {
        let start = self.set.len();
        self.set.extend_from_slice(set);
        self.add(id, start, version);
    }

    /// The version by which the row is found, if it has one.
    pub(super) fn version_of(&self, change: &Change) -> Option<&Value> {
        self.versions.get((change.version as usize).checked_sub(1)?)
    }

    /// Whether the table has documents of which the changed paths are sent.
    pub(super) fn have_json_paths(&self, table: &Table) -> bool {
        cfg!(feature = "json")
            && self
                .classes
                .iter()
                .any(|f| f.table(table).is_some_and(|(_, of)| of.has_json_paths()))
    }

    pub(super) fn facts(&self, change: &Change) -> &Facts {
        &self.classes[usize::from(change.class)]
    }

    pub(super) fn set_of(&self, change: &Change) -> &[(u16, u16)] {
        &self.set[change.set.start as usize..change.set.end as usize]
    }
}

/// An order of values of one type.
fn compare(a: ValueRef<'_>, b: ValueRef<'_>) -> std::cmp::Ordering {
    match (a, b) {
        (ValueRef::I64(a), ValueRef::I64(b)) => a.cmp(&b),
        (ValueRef::Text(a), ValueRef::Text(b)) => a.cmp(b),
        (ValueRef::Bytes(a), ValueRef::Bytes(b)) => a.cmp(b),
        (ValueRef::Bool(a), ValueRef::Bool(b)) => a.cmp(&b),
        (ValueRef::F64(a), ValueRef::F64(b)) => a.total_cmp(&b),
        (a, b) => a.storage_text().cmp(&b.storage_text()),
    }
}
