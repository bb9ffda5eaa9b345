//! UPDATE and DELETE by criteria that give back what they did it to.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;

use aludel_sql::{Delete as SqlDelete, Node, Row, RowSink, Update as SqlUpdate, Value};
use smallvec::SmallVec;

use super::bulk::Layout;
use super::by_criteria::{Effect, assignments, of_tables, row_filter};
use super::dml::{ByCriteria, Delete, Synchronize, Update};
use super::link::among;
use super::object::{Populate, object};
use super::plan::EntityPlan;
use super::query::{Query, What};
use super::row_keys::RowKeys;
use crate::Result;
use crate::events::{Executed, Execution, StatementEvent};
use crate::instrumentation::{Handle, Id, Mapped, NOT_IN_ROW, Objects};
use crate::mapping::Mapper;
use crate::session::Session;

type KeyOfRow = SmallVec<[Value; 2]>;

impl Session {
    /// Runs an UPDATE by criteria, and gives the objects of the rows that it changed: SQLAlchemy's
    /// `update(User).returning(User)`. Objects that the session has get the new values, as the rows have them; their
    /// other attributes stay. The order is the database's.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let older = update::<User>().set(User::age, User::age + 1).filter(User::name.eq("ed"));
    /// for user in session.update_returning(older).await? {
    ///     println!("{} is {}", session[user].name, session[user].age);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`execute_update`](Self::execute_update).
    #[track_caller]
    pub fn update_returning<T: Mapped>(
        &mut self,
        update: Update<T>,
    ) -> impl Future<Output = Result<Vec<Handle<T>>>> {
        self.called();
        async move {
            let ids = self.update_by_returning(update.core).await?;
            Ok(ids.into_iter().map(Handle::new).collect())
        }
    }

    /// Runs an UPDATE by criteria of a named class, and gives the objects of the rows that it changed.
    ///
    /// # Errors
    ///
    /// As [`execute_update`](Self::execute_update).
    pub async fn update_by_returning(&mut self, mut what: ByCriteria) -> Result<Vec<Id>> {
        if !self.listeners.hears_statements() {
            return self.updated(what).await;
        }
        self.criteria_told(Executed::Update, &mut what).await?;
        let class = what.entity.class.name;
        let ids = self.updated(what).await?;
        self.bulk_told(Executed::Update, class, ids.len()).await?;
        Ok(ids)
    }

    /// Runs a DELETE by criteria, and gives what the rows had, as plain values: a row that is gone has no object.
    /// SQLAlchemy's `delete(User).returning(User)`. Deferred columns are not read, nor are relationships.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// for user in session.delete_returning(delete::<User>().filter(User::age.lt(18))).await? {
    ///     println!("{} is gone", user.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`execute_delete`](Self::execute_delete); and when a value does not fit its attribute.
    #[track_caller]
    pub fn delete_returning<T: Mapped>(
        &mut self,
        delete: Delete<T>,
    ) -> impl Future<Output = Result<Vec<T>>> {
        self.called();
        async move {
            let mut what = delete.core;
            let heard = self.listeners.hears_statements();
            if heard {
                self.criteria_told(Executed::Delete, &mut what).await?;
            }
            let class = what.entity.class.name;
            let gone = self.deleted::<T>(what).await?;
            if heard {
                self.bulk_told(Executed::Delete, class, gone.len()).await?;
            }
            Ok(gone)
        }
    }

    async fn bulk_told(&mut self, what: Executed, class: &str, rows: usize) -> Result<()> {
        let mut done = Execution::before(what, class);
        done.event = match what {
            Executed::Delete => StatementEvent::AfterBulkDelete,
            _ => StatementEvent::AfterBulkUpdate,
        };
        done.rows = Some(rows as u64);
        self.execute_heard(done.event, &mut done).await
    }

    async fn updated(&mut self, mut what: ByCriteria) -> Result<Vec<Id>> {
        let class = self.prepare_criteria(&mut what).await?;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        of_tables(mapper)?;
        let (table, set) = assignments(mapper, &what.set)?;
        let one_table = mapper.tables.len() == 1;
        if !one_table || !self.engine()?.dialect().capabilities.update_returning {
            return self.updated_by_keys(what, mapper).await;
        }
        let layout = Layout::of(mapper);
        let plan = self.plan_of_layout(mapper, &layout)?;
        let mut statement = SqlUpdate::table(&table);
        statement.set = set;
        statement.filter = row_filter(mapper, &what, &table)?;
        statement.returning = returned(mapper, &layout);
        let ready = self.prepare_any(&statement)?;
        let mut connection = self.checkout().await?;
        let mut sink = Updated {
            session: self,
            plan: &plan,
            rows: RowKeys::new(plan.class),
            set: what.set.iter().map(|(attribute, _)| *attribute).collect(),
            synchronize: what.synchronize != Synchronize::None,
            ids: Vec::new(),
            effects: Vec::new(),
        };
        let result = connection.query(&ready.compiled, &ready.params, &mut sink).await;
        let Updated { ids, effects, .. } = sink;
        self.checkin(connection);
        result?;
        effects.into_iter().try_for_each(|effect| self.apply_update(effect))?;
        self.tell_noted_waiting().await?;
        let loaded: Vec<Option<Id>> = ids.iter().copied().map(Some).collect();
        self.load_after_rows(&plan, &loaded).await?;
        Ok(ids)
    }

    /// As `updated`, where the statement cannot give the objects: their keys are read before it, and what is set
    /// after it.
    async fn updated_by_keys(&mut self, what: ByCriteria, mapper: &Mapper) -> Result<Vec<Id>> {
        let keys = self.keys_before(&what).await?;
        let synchronize = what.synchronize;
        let entity = what.entity.clone();
        let set: Vec<u16> = what.set.iter().map(|(attribute, _)| *attribute).collect();
        let quiet = ByCriteria { synchronize: Synchronize::None, ..what };
        self.update_now(quiet).await?;
        if synchronize != Synchronize::None {
            for effect in self.effects_of_keys(mapper.index, &keys, &set) {
                self.apply_update(effect)?;
            }
        }
        let operands: Vec<Node> = mapper.primary_key.iter().map(|a| entity.leaf(*a)).collect();
        let mut ids = Vec::with_capacity(keys.len());
        for keys in keys.chunks(500) {
            let mut query = Query::new(entity.clone(), What::Objects);
            query.sql.filter.push(among(&operands, mapper, &mapper.primary_key, keys));
            query.without_criteria = true;
            let select = query.into_select();
            ids.extend(self.fetch_objects(&select, false, None, None).await?);
        }
        Ok(ids)
    }

    async fn deleted<T: Mapped>(&mut self, mut what: ByCriteria) -> Result<Vec<T>> {
        let class = self.prepare_criteria(&mut what).await?;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        of_tables(mapper)?;
        let layout = Layout::of(mapper);
        let plan = self.plan_of_layout(mapper, &layout)?;
        let mut sink = Gone { plan: &plan, objects: mapper.def.objects(), keys: Vec::new() };
        let by_delete =
            mapper.tables.len() == 1 && self.engine()?.dialect().capabilities.delete_returning;
        if by_delete {
            let table = &mapper.tables[0];
            let mut statement = SqlDelete::from(table);
            statement.filter = row_filter(mapper, &what, table)?;
            statement.returning = returned(mapper, &layout);
            let ready = self.prepare_any(&statement)?;
            let mut connection = self.checkout().await?;
            let result = connection.query(&ready.compiled, &ready.params, &mut sink).await;
            self.checkin(connection);
            result?;
        } else {
            // The rows are read before they go.
            let mut query = Query::new(what.entity.clone(), What::Columns);
            query.own = true;
            query.sql.columns = layout.attributes(mapper).map(|a| what.entity.leaf(a)).collect();
            query.sql.filter.clone_from(&what.filter);
            let select = query.into_select();
            let ready = self.prepare(&select)?;
            let mut connection = self.checkout().await?;
            let result = connection.query(&ready.compiled, &ready.params, &mut sink).await;
            self.checkin(connection);
            result?;
        }
        let Gone { keys, mut objects, .. } = sink;
        if by_delete {
            for effect in self.effects_of_keys(class, &keys, &[]) {
                if what.synchronize != Synchronize::None {
                    self.removed(effect.id);
                }
            }
        } else {
            self.delete_now(what).await?;
        }
        let taken = (0..keys.len() as u32).filter_map(|slot| {
            let object: Box<dyn Any> = objects.take(slot)?;
            object.downcast::<T>().ok().map(|object| *object)
        });
        Ok(taken.collect())
    }

    /// What is not known of the attributes of objects with these keys.
    fn effects_of_keys(&self, class: u16, keys: &[KeyOfRow], set: &[u16]) -> Vec<Effect> {
        let open =
            |id| Effect { id, values: set.iter().map(|a| (*a, None)).collect(), unsure: false };
        self.find_rows(class, keys).into_iter().map(open).collect()
    }
}

/// What a statement over one table gives back.
fn returned(mapper: &Mapper, layout: &Layout) -> Vec<Node> {
    layout.of_table(0).into_iter().map(|c| Node::column(&mapper.tables[0], c)).collect()
}

/// Makes objects of the rows that an UPDATE changed.
struct Updated<'a> {
    session: &'a mut Session,
    plan: &'a EntityPlan,
    rows: RowKeys,
    set: Vec<u16>,
    ids: Vec<Id>,
    synchronize: bool,
    /// What is to be read again of objects that were there before.
    effects: Vec<Effect>,
}

impl RowSink for Updated<'_> {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let before = self.rows.object_of(self.session, self.plan, row);
        let mut populate = Populate::default();
        let Some(id) = object(self.session, self.plan, row, &mut populate)? else {
            return Ok(ControlFlow::Continue(()));
        };
        self.ids.push(id);
        if before == Some(id) && self.synchronize {
            self.renew(id, row)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Updated<'_> {
    /// Gives an object that was there before what was set.
    fn renew(&mut self, id: Id, row: &dyn Row) -> Result<()> {
        let session = &mut *self.session;
        session.note_updated(id);
        let head = session.arena.state(id).head;
        let mut at = vec![NOT_IN_ROW; self.plan.own.at.len()];
        let mut open = Vec::new();
        for &attribute in &self.set {
            let changed = session.log.find(head, attribute).is_some();
            match self.plan.own.column(attribute) {
                _ if !session.arena.is_loaded(id, attribute) => {}
                // A composite that may be none comes and goes as a whole: it is read anew.
                Some(column) if !changed && session.is_alone(id, attribute) => {
                    at[usize::from(attribute)] = column;
                }
                _ => open.push((attribute, None)),
            }
        }
        session.arena.of_mut(id).objects.refresh(id.slot, row, &at)?;
        if !open.is_empty() {
            self.effects.push(Effect { id, values: open, unsure: false });
        }
        Ok(())
    }
}

/// The key of a row, as the database has it.
fn key_of(plan: &EntityPlan, row: &dyn Row) -> KeyOfRow {
    let value =
        |column: &u16| row.get(usize::from(*column)).map_or(Value::Null, |value| value.to_owned());
    plan.key.iter().map(value).collect()
}

/// Makes plain objects of the rows that a DELETE takes.
struct Gone<'a> {
    plan: &'a EntityPlan,
    objects: Box<dyn Objects>,
    keys: Vec<KeyOfRow>,
}

impl RowSink for Gone<'_> {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let slot = self.keys.len() as u32;
        let own = &self.plan.own;
        self.objects.load(slot, row, &own.at, own.whole)?;
        self.keys.push(key_of(self.plan, row));
        Ok(ControlFlow::Continue(()))
    }
}
