//! Many rows by one statement of arrays, in place of one for each.
//!
//! ```text
//! SAVEPOINT aludel_rows ▸ INSERT … unnest($1, $2) … ON CONFLICT …     sent at once
//!   all well: the savepoint is released with whatever is sent next
//!   refused:  back to the savepoint; the rows go one by one, so that it is known which is at fault
//! ```
//!
//! PostgreSQL refuses a statement that would change a row twice. Rows that the program gives twice go to later
//! statements; those that only the database takes for equal (`citext`) are refused, and so go one by one.

use super::conn::{Conn, finish, prepared, send};
use super::each::Stopped;
use super::encode::{Column, base, is_native};
use super::error::Refused;
use super::pipeline::start;
use super::row::{Shown, integer};
use super::write::{Told, answer, chunk_end};
use super::write_shape::type_name;
use crate::each::{Each, Together};
use aludel_sql::{Bind, Dialect};
use tokio_postgres::types::{Kind, ToSql, Type};
use tokio_postgres::{Row, Statement};

/// Fewer rows are quicker behind each other.
const FEWEST: usize = 8;
/// So many times a row may come before the others of its kind go one by one.
const ROUNDS: usize = 4;
const SAVEPOINT: &str = "SAVEPOINT aludel_rows";
const RELEASE: &str = "RELEASE SAVEPOINT aludel_rows";
const BACK: &str = "ROLLBACK TO SAVEPOINT aludel_rows; RELEASE SAVEPOINT aludel_rows";

impl Conn {
    pub(super) async fn try_together(
        &mut self,
        each: &Each<'_>,
        many: &Together<'_>,
        told: &mut Told<'_>,
    ) -> Result<(), Stopped> {
        let numbered = many.statement.returns_rows;
        let can = each.rows >= FEWEST && many.rows.is_none() && many.own > 0;
        if !can || (numbered && many.has_nulls(each)) {
            return self.try_each(each, 0..each.rows, told).await;
        }
        let types = self.types_of(each).await.map_err(|refused| (refused, None))?;
        let fits = |row: usize| {
            each.row(row)[..many.own]
                .iter()
                .zip(&types)
                .all(|(v, t)| is_native(base(t), v.as_ref()))
        };
        let no_arrays = |ty: &Type| !matches!(base(ty).kind(), Kind::Array(_));
        if !types.iter().all(no_arrays) || !(0..each.rows).all(fits) {
            return self.try_each(each, 0..each.rows, told).await;
        }
        let mut rounds = many.rounds(each);
        let mut rest: Vec<usize> = rounds.drain(ROUNDS.min(rounds.len())..).flatten().collect();
        rest.sort_unstable();
        for round in rounds {
            let picked: Vec<Bind<'_>>;
            let params = match round.len() == each.rows {
                true => each.params,
                false => {
                    picked = round.iter().flat_map(|&row| each.row(row)).cloned().collect();
                    &picked
                }
            };
            let width = each.width();
            let mut from = 0;
            while from < round.len() {
                let to = chunk_end(params, width, from, round.len());
                let part = &params[from * width..to * width];
                let rows = &round[from..to];
                if !self.try_chunk(many, &types, rows, part, told).await? {
                    self.try_each(each, rows.iter().copied(), told).await?;
                }
                from = to;
            }
        }
        match rest.is_empty() {
            true => Ok(()),
            false => self.try_each(each, rest.into_iter(), told).await,
        }
    }

    /// The types of the parameters of the statement for one row.
    async fn types_of(&mut self, each: &Each<'_>) -> Result<Vec<Type>, Refused> {
        let pending = self.take_pending();
        let (client, sql) = (&self.client, &*each.statement.sql);
        let (one, before) =
            prepared(client, &mut self.statements, pending, each.statement.id, sql).await?;
        finish(before).await?;
        Ok(one.params().to_vec())
    }

    /// Writes rows by one statement; false where that was refused and undone.
    async fn try_chunk(
        &mut self,
        many: &Together<'_>,
        types: &[Type],
        rows: &[usize],
        params: &[Bind<'_>],
        told: &mut Told<'_>,
    ) -> Result<bool, Stopped> {
        let nowhere = |refused: Refused| (refused, None);
        let numbered = many.statement.returns_rows;
        let (back, count) = match self.send_chunk(many, types, rows.len(), params).await {
            Ok((back, _)) if numbered && !is_known(&back, rows.len()) => {
                return self.undo_chunk().await.map_err(nowhere);
            }
            Ok(written) => written,
            Err(refused) if refused.is_about_a_row() => {
                return self.undo_chunk().await.map_err(nowhere);
            }
            Err(refused) => return Err(nowhere(refused)),
        };
        self.after(RELEASE);
        told.anything = true;
        told.matched += if numbered { back.len() as u64 } else { count };
        let mut back: Vec<(usize, &Row)> =
            back.iter().filter_map(|row| Some((integer(row, 0)? as usize - 1, row))).collect();
        back.sort_unstable_by_key(|(number, _)| *number);
        for (number, row) in back {
            let shown = Shown::new(row, 1);
            told.sink.returned(0, rows[number], &shown).map_err(|error| nowhere(error.into()))?;
        }
        Ok(true)
    }

    async fn send_chunk(
        &mut self,
        many: &Together<'_>,
        types: &[Type],
        rows: usize,
        params: &[Bind<'_>],
    ) -> Result<(Vec<Row>, u64), Refused> {
        self.after(SAVEPOINT);
        let pending = self.take_pending();
        let client = &self.client;
        let before = send(client, pending).await;
        let statement = match self.statements.get(many.statement.id) {
            Some(statement) => statement,
            None => {
                let sql = with_types(&many.statement.sql, &types[..many.own], &self.dialect);
                let mut given = vec![Type::UNKNOWN; many.own];
                given.extend_from_slice(&types[many.own..]);
                let preparing =
                    start(async move { client.prepare_typed(&sql, &given).await }).await;
                let statement: Statement = preparing.finish().await?;
                self.statements.put(many.statement.id, statement.clone());
                statement
            }
        };
        let width = params.len() / rows;
        let columns: Vec<Column<'_>> =
            (0..many.own).map(|at| Column { params, at, width }).collect();
        let same = super::conn::params(&params[many.own..width]);
        let all: Vec<&(dyn ToSql + Sync)> = columns
            .iter()
            .map(|column| column as &(dyn ToSql + Sync))
            .chain(same.iter().map(|param| param as &(dyn ToSql + Sync)))
            .collect();
        let sent =
            start(async move { answer(client.query_raw(&statement, all).await?).await }).await;
        finish(before).await?;
        sent.finish().await
    }

    #[cold]
    async fn undo_chunk(&mut self) -> Result<bool, Refused> {
        self.client.batch_execute(BACK).await?;
        Ok(false)
    }
}

/// Whether of each row that came back it is known which one it is.
fn is_known(back: &[Row], rows: usize) -> bool {
    let mut seen = vec![false; rows];
    back.iter().all(|row| {
        let number = integer(row, 0).and_then(|number| usize::try_from(number - 1).ok());
        let place = number.and_then(|number| seen.get_mut(number));
        place.is_some_and(|seen| !std::mem::replace(seen, true))
    })
}

/// The statement with the types that the table's columns really have.
fn with_types(sql: &str, types: &[Type], dialect: &Dialect) -> String {
    let mut sql = sql.to_owned();
    for (number, ty) in types.iter().enumerate() {
        let mark = format!("${}::", number + 1);
        let Some(at) = sql.find(&mark) else { continue };
        let from = at + mark.len();
        let to = sql[from..].find([',', ')']).map_or(sql.len(), |length| from + length);
        sql.replace_range(from..to, &format!("{}[]", type_name(ty, dialect)));
    }
    sql
}
