//! Rows with values that the database computes: SQL expressions that attributes were set to, and changed paths of
//! documents.
//!
//! Such a row is written by a statement of its own, over expressions; rows that get the same in a table are written by
//! one statement, as far as they follow each other.

use std::ops::ControlFlow;

use aludel_sql::{
    Bind, In, InSet, Insert, InsertValues, Node, Row, RowSink, Table, Update, Value, WriteOp,
};

use super::facts::{NO_ATTRIBUTE, TableFacts};
use super::run::Run;
use super::update::{Change, Changes};
use crate::instrumentation::entity::AttrLeaf;
use crate::instrumentation::{Id, NULL};
use crate::session::identity::Key;
use crate::session::{FastMap, Session};
use crate::{Error, ErrorKind, Result};

/// The expressions of a row, by column; none of a row that has values only.
pub(super) type Computed = Vec<(u16, Node)>;

/// How many rows one statement writes at most.
const ROWS_AT_ONCE: usize = 500;

impl Session {
    /// The expressions of rows that are to be updated; `None` where no row has any.
    pub(super) fn computed(
        &self,
        table: &Table,
        changes: &Changes,
    ) -> Result<Option<Vec<Computed>>> {
        if !self.log.has_expressions() && !changes.have_json_paths(table) {
            return Ok(None);
        }
        let mut any = false;
        let mut all = Vec::with_capacity(changes.rows.len());
        for change in &changes.rows {
            let mut computed = Computed::new();
            for &(column, attribute) in changes.set_of(change) {
                if attribute == NO_ATTRIBUTE {
                    continue;
                }
                if let Some(expression) = self.expression(change.id, attribute) {
                    computed.push((column, expression.clone()));
                    continue;
                }
                #[cfg(feature = "json")]
                if changes.is_by_paths(table, change, (column, attribute))
                    && let Some(patch) = self.json_patch(change.id, attribute)?
                {
                    computed.push((column, patch.apply(Node::column(table, column))));
                }
            }
            any |= !computed.is_empty();
            all.push(computed);
        }
        Ok(any.then_some(all))
    }

    /// Writes rows that have expressions.
    pub(super) async fn write_computed(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: &Changes,
        part: &[Change],
        computed: &[Computed],
    ) -> Result<()> {
        let mut at = 0;
        while at < part.len() {
            let mut statement = self.set_clause(table, changes, &part[at], &computed[at]);
            let mut end = at + 1;
            if self.is_shared(run, table, changes, &part[at], &computed[at])? {
                let limit = part.len().min(at + ROWS_AT_ONCE);
                while end < limit
                    && part[end].id.class == part[at].id.class
                    && self.is_shared(run, table, changes, &part[end], &computed[end])?
                    && {
                        let other = self.set_clause(table, changes, &part[end], &computed[end]);
                        self.sets_the_same(&statement, &other)?
                    }
                {
                    end += 1;
                }
            }
            let (rows, expressions) = (&part[at..end], &computed[at]);
            self.filter_rows(run, table, changes, rows, expressions, &mut statement)?;
            self.send_computed(run, table, changes, rows, statement).await?;
            at = end;
        }
        Ok(())
    }

    /// UPDATE and SET, for a row.
    fn set_clause(
        &self,
        table: &Table,
        changes: &Changes,
        change: &Change,
        computed: &Computed,
    ) -> Update {
        let set = changes.set_of(change);
        let mut values = Vec::with_capacity(set.len());
        self.bind_set(table, change.id, set, &mut values);
        let mut statement = Update::table(table);
        for ((column, _), value) in set.iter().zip(values) {
            let expression = computed.iter().find(|(computed, _)| computed == column);
            let value = match expression {
                Some((_, expression)) => expression.clone(),
                None => literal(table, *column, value),
            };
            statement.set.push((*column, value));
        }
        statement
    }

    /// Whether a row may be written together with others: nothing but its key is its own.
    fn is_shared(
        &self,
        run: &Run,
        table: &Table,
        changes: &Changes,
        change: &Change,
        computed: &Computed,
    ) -> Result<bool> {
        let Some((_, facts)) = changes.facts(change).table(table) else { return Ok(false) };
        let moves = |attribute: &u16| run.cascaded.contains(&(change.id, *attribute));
        Ok(facts.key_columns.len() == 1
            && changes.version_of(change).is_none()
            && !facts.version_by_database
            && !facts.keys.iter().any(|(_, attribute)| moves(attribute))
            && !self.is_rekeyed(change.id)
            && self.other_tables(table, change.id, computed)?.is_empty())
    }

    /// Whether two statements set the same columns to the same.
    fn sets_the_same(&mut self, one: &Update, other: &Update) -> Result<bool> {
        let one = self.prepare_any(one)?;
        let other = self.prepare_any(other)?;
        let equal = |(a, b): (&Bind<'_>, &Bind<'_>)| a.as_ref() == b.as_ref();
        Ok(one.compiled.id == other.compiled.id
            && one.params.len() == other.params.len()
            && one.params.iter().zip(&other.params).all(equal))
    }

    /// The other tables of the object's class that expressions read.
    fn other_tables(&self, table: &Table, id: Id, computed: &Computed) -> Result<Vec<usize>> {
        let mapper = self.mapper_of(id);
        let mut found: Vec<usize> = Vec::new();
        if mapper.tables.len() < 2 {
            return Ok(found);
        }
        for (_, expression) in computed {
            expression.rewrite(&mut |node| {
                if matches!(node, Node::Subquery(_) | Node::Exists(_)) {
                    return Ok(Some(Node::Null));
                }
                let Some(leaf) = AttrLeaf::of(node).filter(|l| l.entity.number() == 0) else {
                    return Ok(None);
                };
                let class = self.mappers.by_type.get(&leaf.entity.class.key());
                let own = class.is_some_and(|class| self.mappers.is_a(id.class, *class));
                let column = mapper.column(leaf.attribute).filter(|_| own);
                let at = column.and_then(|c| c.columns.first()).map(|at| usize::from(at.table));
                if let Some(at) = at
                    && mapper.tables[at] != *table
                    && !found.contains(&at)
                {
                    found.push(at);
                }
                Ok(None)
            })?;
        }
        Ok(found)
    }

    /// WHERE: the keys of the rows, and the version.
    fn filter_rows(
        &self,
        run: &Run,
        table: &Table,
        changes: &Changes,
        rows: &[Change],
        computed: &Computed,
        statement: &mut Update,
    ) -> Result<()> {
        let Some(change) = rows.first() else { return Ok(()) };
        let of_class = changes.facts(change);
        let Some((at, facts)) = of_class.table(table) else { return Ok(()) };
        let cascaded = |a| run.cascaded.contains(&(change.id, a));
        let mut key = Vec::new();
        if rows.len() > 1 {
            rows.iter().for_each(|c| self.bind_row_key(c.id, facts, at == 0, &|_| false, &mut key));
            let Some(&column) = facts.key_columns.first() else { return Ok(()) };
            let list = key.into_iter().map(|value| literal(table, column, value)).collect();
            statement.filter.push(Node::In(Box::new(In {
                operand: Node::column(table, column),
                negated: false,
                set: InSet::List(list),
            })));
            return Ok(());
        }
        self.bind_row_key(change.id, facts, at == 0, &cascaded, &mut key);
        let is = |table: &Table, column: u16, value| {
            Node::eq(Node::column(table, column), literal(table, column, value))
        };
        for (column, value) in facts.key_columns.iter().zip(key) {
            statement.filter.push(is(table, *column, value));
        }
        if let (Some(column), Some(version)) = (facts.version, changes.version_of(change)) {
            statement.filter.push(is(table, column, Bind::Ref(version.as_ref())));
        }
        // What is read of another table is read of the object's row there.
        for other in self.other_tables(table, change.id, computed)? {
            let Some(facts) = of_class.tables.get(other) else { continue };
            let mut key = Vec::new();
            self.bind_row_key(change.id, facts, other == 0, &|_| other != at, &mut key);
            for (column, value) in facts.key_columns.iter().zip(key) {
                statement.filter.push(is(&facts.table, *column, value));
            }
        }
        Ok(())
    }

    async fn send_computed(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: &Changes,
        rows: &[Change],
        mut statement: Update,
    ) -> Result<()> {
        let Some(change) = rows.first() else { return Ok(()) };
        let Some((_, facts)) = changes.facts(change).table(table) else { return Ok(()) };
        let set = changes.set_of(change);
        let is_made = |(_, attribute): &&(u16, u16)| {
            *attribute != NO_ATTRIBUTE && self.expression(change.id, *attribute).is_some()
        };
        let is_given = |(column, _): &&(u16, u16)| set.iter().any(|(given, _)| given == column);
        let mut unknown: Vec<(u16, u16)> = facts.on_update.expired.clone();
        unknown.retain(|made| !is_given(&made));
        let mut wanted: Vec<(u16, u16)> = facts.on_update.returned.clone();
        wanted.retain(|made| !is_given(&made));
        let made = set.iter().filter(is_made);
        if facts.on_update.expressions {
            wanted.extend(made)
        } else {
            unknown.extend(made)
        }
        let ids: Vec<Id> = rows.iter().map(|change| change.id).collect();
        let gives_back = !wanted.is_empty();
        let keys = &facts.key_columns;
        if gives_back {
            let columns = keys.iter().copied().chain(wanted.iter().map(|(c, _)| *c));
            statement.returning = columns.map(|c| Node::column(table, c)).collect();
        }
        let mut back = Rows::default();
        let result = {
            let ready = self.prepare_any(&statement)?;
            let Some(connection) = run.connected() else { return Ok(()) };
            if gives_back {
                let sent = connection.query(&ready.compiled, &ready.params, &mut back).await;
                sent.map(|_| back.0.len() as u64)
            } else {
                connection.execute(&ready.compiled, &ready.params).await
            }
        };
        match result {
            Ok(matched) if matched == rows.len() as u64 => {}
            Ok(matched) => {
                return Err(self.stale_update(run, table, changes, rows, matched).await);
            }
            Err(error) => return Err(self.refused(error, WriteOp::Update, table, &ids, None)),
        }
        for id in &ids {
            unknown.iter().for_each(|(_, attribute)| self.expire_unknown(*id, *attribute));
        }
        if !gives_back {
            return self.read_made(run, table, &ids, WriteOp::Update).await;
        }
        let by_key: FastMap<Option<Key>, usize> = back
            .0
            .iter()
            .enumerate()
            .map(|(at, row)| (changes.facts(change).key_of(&row[..keys.len()]), at))
            .collect();
        for &id in &ids {
            let at = if ids.len() == 1 { Some(&0) } else { by_key.get(&self.row_key(id)) };
            for (place, (_, attribute)) in (keys.len()..).zip(&wanted) {
                match at {
                    Some(at) => self.put_written(id, *attribute, back.0[*at][place].clone())?,
                    // The database writes its key in another way.
                    None => self.expire_unknown(id, *attribute),
                }
            }
        }
        self.read_made(run, table, &ids, WriteOp::Update).await
    }

    /// Inserts the row of an object that has expressions.
    pub(super) async fn insert_computed(
        &mut self,
        run: &mut Run,
        table: &Table,
        facts: &TableFacts,
        id: Id,
    ) -> Result<()> {
        let Some(connection) = run.connected() else { return Ok(()) };
        let gives_back = connection.dialect().capabilities.insert_returning;
        let is_needed = |(column, attribute): (u16, u16)| {
            facts.on_insert.expressions || gives_back && facts.keys.contains(&(column, attribute))
        };
        let mut unknown = facts.on_insert.expired.clone();
        let mut statement = Insert::into(table);
        let mut row = Vec::new();
        let mut wanted: Vec<(u16, u16)> = Vec::new();
        for &(column, attribute) in facts.optional.iter().chain(&facts.plain) {
            let expression = match attribute {
                NO_ATTRIBUTE => None,
                _ => self.expression(id, attribute),
            };
            let is_key = facts.key_columns.contains(&column);
            let value = match expression {
                Some(expression) => {
                    let made =
                        if is_needed((column, attribute)) { &mut wanted } else { &mut unknown };
                    made.push((column, attribute));
                    expression.clone()
                }
                None => {
                    let value = self.value_inserted(table, id, (column, attribute));
                    let null = value.as_ref().is_null();
                    if null && facts.optional.contains(&(column, attribute)) {
                        if table.autoincrement() == Some(column) {
                            wanted.push((column, attribute));
                        }
                        continue;
                    }
                    if null && is_key {
                        return Err(self.key_missing(id, attribute));
                    }
                    literal(table, column, value)
                }
            };
            statement.columns.push(column);
            row.push(value);
        }
        let returned = facts.on_insert.returned.iter();
        wanted.extend(returned.filter(|(c, _)| !statement.columns.contains(c)));
        let is_key = |(c, _): &(u16, u16)| facts.key_columns.contains(c);
        if !gives_back && wanted.iter().chain(&unknown).any(is_key) {
            return Err(self.key_unknown(id));
        }
        unknown
            .retain(|(c, a)| !statement.columns.contains(c) || self.expression(id, *a).is_some());
        statement.values = InsertValues::Rows(vec![row]);
        statement.returning = wanted.iter().map(|(c, _)| Node::column(table, *c)).collect();
        let mut back = Rows::default();
        let result = {
            let ready = self.prepare_any(&statement)?;
            let Some(connection) = run.connected() else { return Ok(()) };
            match statement.returning.is_empty() {
                true => connection.execute(&ready.compiled, &ready.params).await,
                false => connection.query(&ready.compiled, &ready.params, &mut back).await,
            }
        };
        if let Err(error) = result {
            return Err(self.refused(error, WriteOp::Insert, table, &[id], Some(0)));
        }
        let mut values = back.0.pop().unwrap_or_default().into_iter();
        for (_, attribute) in wanted {
            match values.next() {
                Some(value) => self.put_written(id, attribute, value)?,
                None => self.expire_unknown(id, attribute),
            }
        }
        unknown.iter().for_each(|(_, attribute)| self.expire_unknown(id, *attribute));
        Ok(())
    }

    /// What an INSERT gives a column.
    fn value_inserted(&self, table: &Table, id: Id, (column, attribute): (u16, u16)) -> Bind<'_> {
        if attribute == NO_ATTRIBUTE {
            let default = &table.columns()[usize::from(column)].client_default;
            return default.as_ref().map_or(NULL, |d| Bind::Owned(d.value()));
        }
        match self.arena.is_loaded(id, attribute) {
            true => self.arena.field(id, attribute).bind(),
            false => NULL,
        }
    }

    #[cold]
    fn key_unknown(&self, id: Id) -> Error {
        let message = format!(
            "{} has an SQL expression in it, and a key that the database makes: this database cannot tell it",
            self.describe_object(id)
        );
        Error::new(ErrorKind::Unsupported, message)
    }
}

/// A value for a column.
fn literal(table: &Table, column: u16, value: Bind<'_>) -> Node {
    let value = match value {
        Bind::Ref(value) => value.to_owned(),
        Bind::Owned(value) => value,
    };
    Node::value(value, table.columns()[usize::from(column)].data_type)
}

/// Collects rows.
#[derive(Default)]
struct Rows(Vec<Vec<Value>>);

impl RowSink for Rows {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let value = |i: usize| row.get(i).map_or(Value::Null, |value| value.to_owned());
        self.0.push((0..row.len()).map(value).collect());
        Ok(ControlFlow::Continue(()))
    }
}
