//! UPDATE and DELETE by criteria, with the objects of the session brought up to date.

use std::ops::ControlFlow;
use std::sync::Arc;

use aludel_sql::{
    Delete as SqlDelete, Keyed, Literal, Node, Row, RowSink, Select, Table, Update as SqlUpdate,
    Value, ValueRef,
};
use smallvec::SmallVec;

use super::composite;
use super::criterion::{self, Criterion};
use super::dml::{ByCriteria, Delete, Synchronize, Update};
use super::evaluate::Not;
use super::link::among;
use super::loader_criteria::ClassCriterion;
use super::names::Names;
use super::query::{Query, What};
use super::resolve::is_in;
use super::row_keys::RowKeys;
use crate::events::{Executed, Execution, StatementEvent};
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Id, Mapped};
use crate::mapping::Mapper;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};
use crate::{Error, ErrorKind, Result};

/// What an UPDATE or DELETE does to an object of the session.
pub(super) struct Effect {
    pub(super) id: Id,
    /// For an UPDATE: the new values, or that they are not known here.
    pub(super) values: Vec<(u16, Option<Value>)>,
    /// Whether it is an effect at all could not be seen: what the criteria ask about is not loaded.
    pub(super) unsure: bool,
}

impl Session {
    /// Runs an UPDATE by criteria; gives the number of rows. What is pending is flushed first.
    ///
    /// # Errors
    ///
    /// When the attributes set are not columns of one table, the criteria cannot be evaluated as asked, or the
    /// database refuses.
    #[track_caller]
    pub fn execute_update<T: Mapped>(
        &mut self,
        update: Update<T>,
    ) -> impl Future<Output = Result<u64>> {
        self.called();
        async move { self.update_by(update.core).await }
    }

    /// Runs a DELETE by criteria; gives the number of rows. What is pending is flushed first.
    ///
    /// # Errors
    ///
    /// As [`execute_update`](Self::execute_update).
    #[track_caller]
    pub fn execute_delete<T: Mapped>(
        &mut self,
        delete: Delete<T>,
    ) -> impl Future<Output = Result<u64>> {
        self.called();
        async move { self.delete_by(delete.core).await }
    }

    /// Begins an UPDATE or DELETE by criteria of a named class.
    ///
    /// # Errors
    ///
    /// When no class of that name is mapped.
    pub fn by_criteria(&self, class: &str) -> Result<ByCriteria> {
        let index = self.mapper_named(class)?;
        let names = Names::of(&self.mappers);
        Ok(ByCriteria { names, ..ByCriteria::new(Entity::of(self.mappers.at(index).def)) })
    }

    /// Runs an UPDATE by criteria.
    ///
    /// # Errors
    ///
    /// As [`execute_update`](Self::execute_update).
    pub async fn update_by(&mut self, mut what: ByCriteria) -> Result<u64> {
        if !self.listeners.hears_statements() {
            return self.update_now(what).await;
        }
        self.criteria_told(Executed::Update, &mut what).await?;
        let mut done = Execution::before(Executed::Update, what.entity.class.name);
        let rows = self.update_now(what).await?;
        (done.event, done.rows) = (StatementEvent::AfterBulkUpdate, Some(rows));
        self.execute_heard(StatementEvent::AfterBulkUpdate, &mut done).await?;
        Ok(rows)
    }

    /// Lets the listeners of statements change criteria.
    pub(super) async fn criteria_told(
        &mut self,
        kind: Executed,
        what: &mut ByCriteria,
    ) -> Result<()> {
        let mut told = Execution::before(kind, what.entity.class.name);
        told.criteria = Some(ByCriteria { names: Names::of(&self.mappers), ..what.clone() });
        self.execute_heard(StatementEvent::DoOrmExecute, &mut told).await?;
        if let Some(changed) = told.criteria {
            *what = changed;
        }
        Ok(())
    }

    pub(super) async fn update_now(&mut self, mut what: ByCriteria) -> Result<u64> {
        let class = self.prepare_criteria(&mut what).await?;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        of_tables(mapper)?;
        let (table, set) = assignments(mapper, &what.set)?;
        let effects = self.effects(&what, class)?;
        let mut statement = SqlUpdate::table(&table);
        statement.set = set;
        statement.filter = row_filter(mapper, &what, &table)?;
        let (rows, effects) = match effects {
            Some(effects) => (self.write_statement(&statement).await?, effects),
            None if mapper.tables.len() == 1
                && self.engine()?.dialect().capabilities.update_returning =>
            {
                statement.returning =
                    mapper.primary_key.iter().map(|a| what.entity.leaf(*a)).collect();
                let keys = self.write_returning(&statement).await?;
                (keys.len() as u64, self.effects_of(&what, class, &keys))
            }
            None => {
                let keys = self.keys_before(&what).await?;
                let rows = self.write_statement(&statement).await?;
                (rows, self.effects_of(&what, class, &keys))
            }
        };
        for effect in effects {
            self.apply_update(effect)?;
        }
        Ok(rows)
    }

    /// Runs a DELETE by criteria.
    ///
    /// # Errors
    ///
    /// As [`execute_delete`](Self::execute_delete).
    pub async fn delete_by(&mut self, mut what: ByCriteria) -> Result<u64> {
        if !self.listeners.hears_statements() {
            return self.delete_now(what).await;
        }
        self.criteria_told(Executed::Delete, &mut what).await?;
        let mut done = Execution::before(Executed::Delete, what.entity.class.name);
        let rows = self.delete_now(what).await?;
        (done.event, done.rows) = (StatementEvent::AfterBulkDelete, Some(rows));
        self.execute_heard(StatementEvent::AfterBulkDelete, &mut done).await?;
        Ok(rows)
    }

    pub(super) async fn delete_now(&mut self, mut what: ByCriteria) -> Result<u64> {
        let class = self.prepare_criteria(&mut what).await?;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        of_tables(mapper)?;
        let effects = self.effects(&what, class)?;
        if let ([table], Some(effects)) = (mapper.tables.as_slice(), &effects) {
            let mut statement = SqlDelete::from(table);
            statement.filter = row_filter(mapper, &what, table)?;
            let rows = self.write_statement(&statement).await?;
            effects.iter().try_for_each(|effect| self.apply_delete(effect))?;
            return Ok(rows);
        }
        if let [table] = mapper.tables.as_slice()
            && self.engine()?.dialect().capabilities.delete_returning
        {
            let mut statement = SqlDelete::from(table);
            statement.filter = row_filter(mapper, &what, table)?;
            statement.returning = mapper.primary_key.iter().map(|a| what.entity.leaf(*a)).collect();
            let keys = self.write_returning(&statement).await?;
            self.effects_of(&what, class, &keys).iter().for_each(|effect| self.removed(effect.id));
            return Ok(keys.len() as u64);
        }
        let keys = self.keys_before(&what).await?;
        let gone = match effects {
            Some(effects) => effects,
            None => self.effects_of(&what, class, &keys),
        };
        let mut rows = 0;
        for table in mapper.tables.iter().rev() {
            rows = 0;
            for chunk in keys.chunks(500) {
                let mut statement = SqlDelete::from(table);
                statement.filter.push(key_filter(mapper, table, chunk));
                rows += self.write_statement(&statement).await?;
            }
        }
        gone.iter().try_for_each(|effect| self.apply_delete(effect))?;
        Ok(rows)
    }

    pub(super) async fn prepare_criteria(&mut self, what: &mut ByCriteria) -> Result<u16> {
        what.check()?;
        self.autoflush().await?;
        let class = self.learn(what.entity.class)?;
        if self.has_criteria() {
            let mappers = Arc::clone(&self.mappers);
            let concerns = |c: &&ClassCriterion| {
                mappers.of(c.class).is_some_and(|mapper| mappers.is_a(class, mapper.index))
            };
            let criteria = self.own_criteria().iter().filter(concerns);
            what.filter.extend(criteria.map(|criterion| criterion.condition.clone()));
        }
        what.set = composite::assignments(what.entity.class, std::mem::take(&mut what.set))?;
        for node in what.filter.iter_mut().chain(what.set.iter_mut().map(|(_, value)| value)) {
            if criterion::asks_for_object(node) {
                *node = self.with_objects(std::mem::replace(node, Node::Null))?;
            }
        }
        Ok(class)
    }

    /// An expression with the values of the objects that it asks for put in.
    pub(crate) fn with_objects(&self, node: Node) -> Result<Node> {
        if !criterion::asks_for_object(&node) {
            return Ok(node);
        }
        let values = |criterion: &Criterion, object: Id| self.values_compared(criterion, object);
        criterion::bind(&node, &values)
    }

    /// What it does to which objects, found out in memory; `None` where the database has to be asked.
    fn effects(&self, what: &ByCriteria, class: u16) -> Result<Option<Vec<Effect>>> {
        match what.synchronize {
            Synchronize::None => return Ok(Some(Vec::new())),
            Synchronize::Fetch => return Ok(None),
            Synchronize::Auto | Synchronize::Evaluate => {}
        }
        let mut effects = Vec::new();
        for id in self.arena.ids(|state| state.life == ObjectState::Persistent) {
            if !self.mappers.is_a(id.class, class) {
                continue;
            }
            match self.holds_for(&what.filter, id) {
                Ok(true) => effects.push(self.effect(what, id)),
                Ok(false) => {}
                // What is not loaded is read anew when it is asked for; whether a row is gone is asked the
                // database, unless it is not to be asked: then it shows when the object is.
                Err(Not::Loaded) if !what.set.is_empty() => {
                    let values = what.set.iter().map(|(attribute, _)| (*attribute, None)).collect();
                    effects.push(Effect { id, values, unsure: true });
                }
                Err(Not::Loaded) if what.synchronize == Synchronize::Evaluate => {
                    effects.push(Effect { id, values: Vec::new(), unsure: true });
                }
                Err(_) if what.synchronize == Synchronize::Auto => return Ok(None),
                Err(_) => {
                    return Err(Error::new(
                        ErrorKind::InvalidRequest,
                        format!(
                            "the criteria cannot be evaluated for {}: synchronize by `Fetch`",
                            self.describe_object(id)
                        ),
                    ));
                }
            }
        }
        Ok(Some(effects))
    }

    fn effect(&self, what: &ByCriteria, id: Id) -> Effect {
        let values =
            what.set.iter().map(|(attribute, value)| (*attribute, self.evaluate(value, id).ok()));
        Effect { id, values: values.collect(), unsure: false }
    }

    /// The keys of the rows that the criteria mean.
    pub(super) async fn keys_before(
        &mut self,
        what: &ByCriteria,
    ) -> Result<Vec<SmallVec<[Value; 2]>>> {
        let mut query = Query::new(what.entity.clone(), What::Keys);
        query.sql.filter = what.filter.clone();
        let mut keys = Keys(Vec::new());
        self.query_rows(query, &mut |row| keys.row(row)).await?;
        Ok(keys.0)
    }

    fn effects_of(
        &self,
        what: &ByCriteria,
        class: u16,
        keys: &[SmallVec<[Value; 2]>],
    ) -> Vec<Effect> {
        self.find_rows(class, keys).into_iter().map(|id| self.effect(what, id)).collect()
    }

    /// The objects of the session with keys as rows have them.
    pub(super) fn find_rows(&self, class: u16, keys: &[SmallVec<[Value; 2]>]) -> Vec<Id> {
        let mut rows = RowKeys::new(class);
        let find = |key: &SmallVec<[Value; 2]>| {
            let values: SmallVec<[ValueRef<'_>; 4]> = key.iter().map(Value::as_ref).collect();
            rows.find(self, &values)
        };
        keys.iter().filter_map(find).collect()
    }

    /// Whether an attribute comes and goes by itself: it is no part of a composite that may be none.
    pub(super) fn is_alone(&self, id: Id, attribute: u16) -> bool {
        let over = self.mapper_of(id).def.composite_over(attribute);
        over.is_none_or(|(_, composite)| !composite.optional)
    }

    /// The object has the new values, as if they had been loaded; where they are not known, or where the object
    /// has a pending change of its own, the attribute is expired.
    pub(super) fn apply_update(&mut self, effect: Effect) -> Result<()> {
        let id = effect.id;
        self.note_updated(id);
        for (attribute, value) in effect.values {
            if !self.arena.is_loaded(id, attribute) {
                continue;
            }
            let changed = self.log.find(self.arena.state(id).head, attribute).is_some();
            // A composite that may be none comes and goes as a whole: it is read anew.
            match value {
                Some(value) if !changed && self.is_alone(id, attribute) => {
                    self.set_committed_column(id, attribute, value)?
                }
                _ => self.expire_attributes_at(id, &[attribute])?,
            }
        }
        Ok(())
    }

    /// The object's row is gone; or it may be, and is read when it is asked for.
    fn apply_delete(&mut self, effect: &Effect) -> Result<()> {
        if effect.unsure {
            return self.expire_at(effect.id);
        }
        self.removed(effect.id);
        Ok(())
    }

    /// The object's row is gone.
    pub(super) fn removed(&mut self, id: Id) {
        self.drop_identity(id);
        let state = self.arena.state_mut(id);
        state.life = ObjectState::Deleted;
        state.flags.unset(Flags::LISTED);
        state.flags.unset(Flags::DELETING);
        self.note_deleted(id);
    }

    async fn write_statement(&mut self, statement: &dyn Keyed) -> Result<u64> {
        let ready = self.prepare_any(statement)?;
        let mut connection = self.checkout().await?;
        let result = connection.execute(&ready.compiled, &ready.params).await;
        self.checkin(connection);
        result
    }

    /// Runs a statement that gives back keys.
    async fn write_returning(
        &mut self,
        statement: &dyn Keyed,
    ) -> Result<Vec<SmallVec<[Value; 2]>>> {
        let ready = self.prepare_any(statement)?;
        let mut keys = Keys(Vec::new());
        let mut connection = self.checkout().await?;
        let result = connection.query(&ready.compiled, &ready.params, &mut keys).await;
        self.checkin(connection);
        result.map(|_| keys.0)
    }
}

/// Collects keys.
struct Keys(Vec<SmallVec<[Value; 2]>>);

impl RowSink for Keys {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let value = |i: usize| row.get(i).map_or(Value::Null, |value| value.to_owned());
        self.0.push((0..row.len()).map(value).collect());
        Ok(ControlFlow::Continue(()))
    }
}

/// The table whose columns are set, and what to.
pub(super) fn assignments(
    mapper: &Mapper,
    set: &[(u16, Node)],
) -> Result<(Table, Vec<(u16, Node)>)> {
    let wrong = |attribute: u16, why: &str| {
        let name = mapper.property(attribute).name();
        Error::new(ErrorKind::Argument, format!("{}.{name} {why}", mapper.class_name()))
    };
    let mut found: Option<u16> = None;
    let mut assignments = Vec::new();
    for (attribute, value) in set {
        let Some(at) = mapper.column(*attribute).and_then(|c| c.columns.first()) else {
            return Err(wrong(*attribute, "is not a column, so that an UPDATE cannot set it"));
        };
        if *found.get_or_insert(at.table) != at.table {
            return Err(wrong(
                *attribute,
                "is in another table than what else is set: use two UPDATEs",
            ));
        }
        assignments.push((at.column, typed(value, mapper.column_of(*at).data_type)));
    }
    let Some(table) = found else {
        return Err(Error::new(
            ErrorKind::Argument,
            format!("the UPDATE of {} sets nothing", mapper.class_name()),
        ));
    };
    let table = &mapper.tables[usize::from(table)];
    for (column, c) in table.columns().iter().enumerate() {
        if let Some(value) = &c.on_update
            && !assignments.iter().any(|(set, _)| usize::from(*set) == column)
        {
            assignments.push((column as u16, Node::value(value.value(), c.data_type)));
        }
    }
    Ok((table.clone(), assignments))
}

/// A NULL given as a value has the column's type.
fn typed(value: &Node, data_type: aludel_sql::DataType) -> Node {
    match value {
        Node::Literal(Literal { value, .. }) => Node::value(value.clone(), data_type),
        other => other.clone(),
    }
}

/// The condition on the rows of a table: the criteria themselves, or, where the class has several tables, that
/// the key is among those that the criteria mean.
pub(super) fn row_filter(mapper: &Mapper, what: &ByCriteria, table: &Table) -> Result<Vec<Node>> {
    if mapper.tables.len() == 1 {
        let mut filter = what.filter.clone();
        filter.extend(class_filter(mapper, &what.entity));
        return Ok(filter);
    }
    let mut inner = Query::new(what.entity.clone(), What::Columns);
    inner.sql.columns = mapper.primary_key.iter().map(|a| what.entity.leaf(*a)).collect();
    inner.sql.filter = what.filter.clone();
    let inner: Select = inner.into_select();
    let position = mapper.tables.iter().position(|t| t == table).unwrap_or_default() as u16;
    let own = mapper.primary_key.iter().filter_map(|a| {
        let at = mapper.column(*a)?.columns.iter().find(|c| c.table == position)?;
        Some(Node::column(table, at.column))
    });
    let own: Vec<Node> = own.collect();
    let operand = match own.as_slice() {
        [one] => one.clone(),
        _ => Node::Tuple(own),
    };
    Ok(vec![Node::In(Box::new(aludel_sql::In {
        operand,
        negated: false,
        set: aludel_sql::InSet::Query(inner.into()),
    }))])
}

/// What tells the rows of a class from those of its base in the same table.
fn class_filter(mapper: &Mapper, entity: &Entity) -> Option<Node> {
    let (attribute, _) = mapper.discriminator.as_ref().filter(|_| mapper.root != mapper.index)?;
    let data_type = mapper.type_of(*attribute);
    let values =
        mapper.polymorphic.iter().map(|(value, _)| Node::value(value.clone(), data_type)).collect();
    Some(is_in(entity.leaf(*attribute), values))
}

/// The rows of a table with these keys.
fn key_filter(mapper: &Mapper, table: &Table, keys: &[SmallVec<[Value; 2]>]) -> Node {
    let position = mapper.tables.iter().position(|t| t == table).unwrap_or_default() as u16;
    let operands = mapper.primary_key.iter().filter_map(|a| {
        let at = mapper.column(*a)?.columns.iter().find(|c| c.table == position)?;
        Some(Node::column(table, at.column))
    });
    let operands: Vec<Node> = operands.collect();
    among(&operands, mapper, &mapper.primary_key, keys)
}

/// Rows of a class that is mapped to something else than tables are written through its objects alone.
pub(super) fn of_tables(mapper: &Mapper) -> Result<()> {
    if mapper.is_abstract_concrete {
        let message = format!(
            "class {} is abstract and has no table: write rows of its subclasses by criteria, a class at a time",
            mapper.class_name()
        );
        return Err(Error::new(ErrorKind::InvalidRequest, message));
    }
    match &mapper.selected {
        None => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "class {} is mapped to a join or a query, of which no rows are written by criteria: name a class \
                 that is mapped to the table",
                mapper.class_name()
            ),
        )),
    }
}
