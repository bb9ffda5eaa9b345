//! The statement that inserts many rows at once, in place of one for each of them.
//!
//! On PostgreSQL it takes arrays, whatever the number of rows; on SQLite so many rows of values, and since it promises no
//! order, the driver puts what comes back to its rows. It must do the same as the statement for one row done in turn: so
//! nothing in it may look into tables, and of a row that comes back it must be seen which one it is. It is seen by the
//! columns of the conflict, or else by the primary key, where the rows give them and a conflict does not change them.

use std::sync::Arc;

use aludel_engine::Together;
use aludel_sql::{
    ArrayRows, Compiled, ConflictAction, DialectKind, Insert as SqlInsert, InsertValues, Node,
};

use super::insert::{Conflict, ExcludedLeaf, column_at};
use super::source::Segment;
use crate::Result;
use crate::mapping::Mapper;
use crate::session::Session;

/// The rows of one statement on SQLite: more gain nothing.
const ROWS: usize = 50;

/// A statement for many rows.
pub(super) struct Many {
    compiled: Arc<Compiled>,
    rows: Option<usize>,
    own: usize,
    matched: Vec<usize>,
    once: bool,
}

impl Many {
    pub(super) fn as_engine(&self) -> Together<'_> {
        Together {
            statement: &self.compiled,
            rows: self.rows,
            own: self.own,
            matched: &self.matched,
            once: self.once,
        }
    }
}

impl Session {
    /// The statement that does to the rows of a segment together what another does to one of them.
    pub(super) fn together(
        &mut self,
        mapper: &Mapper,
        one: &SqlInsert,
        compiled: &Compiled,
        segment: &Segment,
        conflict: Option<&Conflict>,
    ) -> Result<Option<Many>> {
        let own = segment.columns.len();
        let (InsertValues::Rows(rows), Some(conflict)) = (&one.values, conflict) else {
            return Ok(None);
        };
        let Some(row) = rows.first().filter(|_| own > 0 && segment.rows > 1 && !compiled.queries)
        else {
            return Ok(None);
        };
        let wanted = !one.returning.is_empty();
        // Of rows that are equal to the database alone, a condition may leave out either.
        if wanted && conflict.update.as_ref().is_some_and(|update| !update.filter.is_empty()) {
            return Ok(None);
        }
        let dialect = self.engine()?.dialect().clone();
        let place = |column: &u16| segment.columns.iter().position(|c| c == column);
        if dialect.kind == DialectKind::Sqlite {
            let max = dialect.capabilities.max_params;
            if own * ROWS + 100 >= max || row.len() != own || segment.rows < ROWS {
                return Ok(None);
            }
            let matched = if wanted { matched(mapper, one, segment) } else { Some(Vec::new()) };
            let Some(matched) = matched else { return Ok(None) };
            let mut many = one.clone();
            many.values = InsertValues::Rows(vec![row.clone(); ROWS]);
            // What tells which row it is comes first.
            let table = &mapper.tables[0];
            many.returning.splice(0..0, matched.iter().map(|c| Node::column(table, *c)));
            let compiled = self.prepare_any(&many)?.compiled;
            let matched = matched.iter().filter_map(place).collect();
            return Ok(Some(Many { compiled, rows: Some(ROWS), own, matched, once: wanted }));
        }
        if !dialect.capabilities.arrays {
            return Ok(None);
        }
        let once = conflict.update.is_some();
        let Some(matched) = matched(mapper, one, segment) else { return Ok(None) };
        let mut many = one.clone();
        many.values = InsertValues::Arrays(ArrayRows {
            arrays: row[..own].to_vec(),
            rest: row[own..].to_vec(),
            matched: if wanted { matched.clone() } else { Vec::new() },
        });
        let compiled = self.prepare_any(&many)?.compiled;
        let matched = matched.iter().filter_map(place).collect();
        Ok(Some(Many { compiled, rows: None, own, matched, once }))
    }
}

/// The columns by which rows are told apart, where they can be.
fn matched(mapper: &Mapper, one: &SqlInsert, segment: &Segment) -> Option<Vec<u16>> {
    let conflict = one.on_conflict.as_ref()?;
    let table = mapper.tables.first()?;
    let wanted = !one.returning.is_empty();
    let update = match &conflict.action {
        ConflictAction::Update { set, .. } => Some(set),
        ConflictAction::Nothing if wanted => None,
        // Nobody asks which row is which.
        ConflictAction::Nothing => return Some(Vec::new()),
    };
    let columns = match conflict.target.is_empty() {
        true => table.primary_key(),
        false => &conflict.target,
    };
    let given = columns.iter().all(|column| segment.columns.contains(column));
    let kept = update.is_none_or(|set| {
        let same = |value: &Node, column: u16| {
            let attribute = ExcludedLeaf::attribute(value);
            attribute.is_some_and(|a| column_at(mapper, a).is_ok_and(|of| of == column))
        };
        set.iter().all(|(column, value)| !columns.contains(column) || same(value, *column))
    });
    (given && kept && !columns.is_empty()).then(|| columns.to_vec())
}
