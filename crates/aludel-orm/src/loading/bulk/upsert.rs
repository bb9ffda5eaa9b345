//! Rows that are inserted by a statement of their own: with expressions, and with what happens to rows that are there
//! already.
//!
//! The statement is that of a single row, compiled once for each shape, and run for all rows of it: so a row that
//! comes twice finds the first one there, what is left out is known, and whatever comes back belongs to its row. Where
//! another does the same to many rows at once ([`together`](super::together)), the connection is given both.

use aludel_engine::Each;
use aludel_sql::{
    Bind, ConflictAction, Insert as SqlInsert, InsertValues, Node, OnConflict, Row, WriteSink,
};

use super::insert::{Conflict, How, column_at};
use super::loaded::{Layout, Loaded, before_loading};
use super::run::{AT_ONCE, Inserted, at_row};
use super::source::{Batch, Segment, Source, insert_values};
use super::together::Many;
use crate::attributes::delta::IdSet;
use crate::mapping::Mapper;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// Counts rows.
struct Count(u64);

impl WriteSink for Count {
    fn returned(&mut self, _: usize, _: usize, _: &dyn Row) -> Result<()> {
        Ok(())
    }

    fn done(&mut self, _: usize, matched: u64) -> Result<()> {
        self.0 += matched;
        Ok(())
    }
}

impl Session {
    pub(super) async fn insert_by_statement(
        &mut self,
        mapper: &Mapper,
        source: Source<'_>,
        how: &How,
        wanted: bool,
    ) -> Result<Inserted> {
        let [table] = mapper.tables.as_slice() else { return Err(several_tables(mapper)) };
        let mut set = Vec::with_capacity(how.set.len());
        for (attribute, value) in &how.set {
            set.push((column_at(mapper, *attribute)?, value.clone()));
        }
        let mut on_conflict = None;
        if let Some(conflict) = &how.conflict {
            on_conflict = Some(conflict.to_clause(mapper)?);
        }
        let layout = if wanted { Layout::of(mapper) } else { Layout::default() };
        let plan = match wanted {
            true => Some(self.plan_of_layout(mapper, &layout)?),
            false => None,
        };
        let returning: Vec<Node> =
            layout.of_table(0).into_iter().map(|c| Node::column(table, c)).collect();
        let mut done = Inserted::default();
        done.ids.resize(if wanted { source.rows } else { 0 }, None);
        let mut fresh = IdSet::default();
        for first in (0..source.rows).step_by(AT_ONCE) {
            let mut batch = Batch::default();
            let mut columns = Vec::new();
            for row in first..source.rows.min(first + AT_ONCE) {
                let start = batch.params.len();
                insert_values(mapper, 0, &source, row, None, &mut columns, &mut batch.params);
                leave_out(&set, &mut columns, &mut batch.params, start);
                batch.add(&columns, row);
            }
            for (segment, params) in batch.parts(0) {
                let width = segment.columns.len();
                let value = |(column, bind): (&u16, &Bind<'_>)| {
                    let data_type = table.columns()[usize::from(*column)].data_type;
                    Node::value(bind.as_ref().to_owned(), data_type)
                };
                let mut values: Vec<Node> =
                    segment.columns.iter().zip(&params[..width]).map(value).collect();
                values.extend(set.iter().map(|(_, value)| value.clone()));
                let mut statement = SqlInsert::into(table);
                statement.columns.clone_from(&segment.columns);
                statement.columns.extend(set.iter().map(|(column, _)| *column));
                if !values.is_empty() {
                    statement.values = InsertValues::Rows(vec![values]);
                }
                statement.on_conflict.clone_from(&on_conflict);
                statement.returning.clone_from(&returning);
                let ready = self.prepare_any(&statement)?;
                let conflict = how.conflict.as_ref();
                let many = self.together(mapper, &statement, &ready.compiled, segment, conflict)?;
                let all = every_row(segment, params, &ready.params[width..]);
                let each = Each {
                    statement: &ready.compiled,
                    rows: segment.rows,
                    params: &all,
                    many: many.as_ref().map(Many::as_engine),
                };
                let of_segment = Batch {
                    segments: vec![Segment { columns: Vec::new(), ..*segment }],
                    params: Vec::new(),
                };
                let result = match &plan {
                    Some(plan) => {
                        before_loading(self, plan);
                        let mut connection = self.checkout().await?;
                        let mut sink = Loaded::new(self, plan, how.populate_existing, &of_segment);
                        sink.fresh = Some(std::mem::take(&mut fresh));
                        let result = connection.execute_each(&each, &mut sink).await;
                        done.rows += sink.matched;
                        fresh = sink.fresh.take().unwrap_or_default();
                        let ids = sink.finish();
                        self.checkin(connection);
                        ids.into_iter().for_each(|(row, id)| done.ids[row] = Some(id));
                        result
                    }
                    None => {
                        let mut sink = Count(0);
                        let mut connection = self.checkout().await?;
                        let result = connection.execute_each(&each, &mut sink).await;
                        self.checkin(connection);
                        done.rows += sink.0;
                        result
                    }
                };
                result.map_err(|e| at_row("inserting", e, mapper, &of_segment, source.rows))?;
            }
        }
        if let Some(plan) = &plan {
            self.load_after_rows(plan, &done.ids).await?;
        }
        Ok(done)
    }
}

impl Conflict {
    /// The clause over the class's table.
    fn to_clause(&self, mapper: &Mapper) -> Result<OnConflict> {
        let columns = |attributes: &[u16]| {
            attributes.iter().map(|a| column_at(mapper, *a)).collect::<Result<Vec<u16>>>()
        };
        let target = columns(&self.target)?;
        let mut clause = SqlInsert::into(&mapper.tables[0]).on_conflict_do_nothing(target);
        if let (Some(update), Some(clause)) = (&self.update, &mut clause.on_conflict) {
            let mut set = Vec::with_capacity(update.set.len());
            for (attribute, value) in &update.set {
                let column = column_at(mapper, *attribute)?;
                let data_type = mapper.tables[0].columns()[usize::from(column)].data_type;
                // A NULL given as a value has the column's type.
                let value = match value {
                    Node::Literal(literal) => Node::value(literal.value.clone(), data_type),
                    other => other.clone(),
                };
                set.push((column, value));
            }
            if set.is_empty() {
                return Err(Error::new(
                    ErrorKind::Argument,
                    format!(
                        "ON CONFLICT DO UPDATE of {} sets nothing: say what with `conflict_set` or \
                         `conflict_set_excluded`",
                        mapper.class_name()
                    ),
                ));
            }
            clause.action = ConflictAction::Update { set, filter: update.filter.clone() };
        }
        clause.on_conflict.ok_or_else(|| several_tables(mapper))
    }
}

/// Takes the values of columns away that expressions are given for.
fn leave_out(
    set: &[(u16, Node)],
    columns: &mut Vec<u16>,
    params: &mut Vec<Bind<'_>>,
    start: usize,
) {
    for (column, _) in set {
        if let Some(at) = columns.iter().position(|c| c == column) {
            columns.remove(at);
            params.remove(start + at);
        }
    }
}

/// The parameters of all rows: those of each, and then those of the statement.
fn every_row<'a>(segment: &Segment, params: &[Bind<'a>], rest: &[Bind<'a>]) -> Vec<Bind<'a>> {
    let width = segment.columns.len();
    let mut all = Vec::with_capacity((width + rest.len()) * segment.rows);
    for row in 0..segment.rows {
        all.extend_from_slice(&params[row * width..][..width]);
        all.extend_from_slice(rest);
    }
    all
}

#[cold]
fn several_tables(mapper: &Mapper) -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        format!(
            "rows of {} are in {} tables: ON CONFLICT and expressions are for rows of one",
            mapper.class_name(),
            mapper.tables.len()
        ),
    )
}
