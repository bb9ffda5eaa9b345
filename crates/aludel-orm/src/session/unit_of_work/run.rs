//! Running the steps of a flush on a connection.

use std::sync::Arc;

use aludel_engine::Connection;
use aludel_sql::{Dialect, Table, Value};
use hashbrown::HashSet;
use indexmap::IndexMap;

use super::IdSet;
use super::association::Association;
use super::deletions::{ByKey, Deletion};
use super::facts::Facts;
use super::plan::Step;
use super::work::Work;
use crate::Result;
use crate::instrumentation::Id;
use crate::mapping::{Direction, Relationship};
use crate::session::{FastMap, ObjectState, Session};

type FastSet<T> = HashSet<T, foldhash::fast::RandomState>;

/// What is known while the steps run.
#[derive(Default)]
pub(super) struct Run {
    /// Taken from the session with the first statement.
    connection: Option<Box<Connection>>,
    facts: Vec<Option<Arc<Facts>>>,
    /// Inserted objects whose key is one integer that the database has generated.
    pub(super) born: Vec<(Id, i64)>,
    /// Deleted objects whose keys are whole numbers. Their rows go together, before the next other statement: those of
    /// the first [`sent`](Self::sent) have gone.
    pub(super) deletions: Vec<Deletion>,
    pub(super) sent: usize,
    /// Objects that were marked to be deleted, and whose row a new object has taken over.
    pub(super) replaced: FastSet<Id>,
    /// New objects that took a row over, and the version that it has.
    pub(super) takeovers: FastMap<Id, Option<Value>>,
    /// Rows that have given up the value of a unique constraint, and which constraint.
    pub(super) given_up: FastSet<(Id, u32, usize)>,
    /// Columns that stand in for such a value although the row keeps theirs: by table, with their attributes. They are written
    /// again with the row.
    pub(super) put_back: FastMap<Id, Vec<(u32, u16, u16)>>,
    /// Updated objects of tables with unique constraints: what their rows had, they have given up.
    pub(super) updated: FastSet<Id>,
    /// Key attributes that the database has changed already by way of a cascade.
    pub(super) cascaded: FastSet<(Id, u16)>,
    /// Pairs whose association row has been dealt with, as the other side sees them.
    pub(super) processed: FastMap<(u16, u16), FastSet<(Id, Id)>>,
    /// Association rows to be written.
    pub(super) associations: Vec<Association>,
    /// By hierarchy: the objects whose foreign keys are to be written at last, and which attributes.
    pub(super) post_updates: IndexMap<u16, (IdSet, Vec<u16>)>,
}

impl Run {
    /// What is known of a class.
    pub(super) fn facts(&mut self, session: &Session, class: u16) -> Arc<Facts> {
        let at = usize::from(class);
        if self.facts.len() <= at {
            self.facts.resize(at + 1, None);
        }
        Arc::clone(self.facts[at].get_or_insert_with(|| {
            let mapper = session.mappers.at(class);
            Arc::new(match session.engine() {
                Ok(engine) => Facts::new(mapper, &engine.dialect().capabilities),
                // Nothing will be sent.
                Err(_) => Facts::new(mapper, &Dialect::sqlite().capabilities),
            })
        }))
    }

    /// What is known of a class whose facts were asked for before.
    #[inline]
    pub(super) fn known(&self, class: u16) -> Option<&Facts> {
        self.facts.get(usize::from(class)).and_then(Option::as_deref)
    }

    /// How the rows of these classes are found in a table by the key alone, as the objects have it: all have rows there, a
    /// version says nothing of them, no part of the key may be NULL, and the database has changed none.
    pub(super) fn by_key(
        &mut self,
        session: &Session,
        classes: &[u16],
        table: &Table,
    ) -> Option<ByKey> {
        let mut column = None;
        for class in classes {
            let facts = self.facts(session, *class);
            let (_, of_table) = facts.table(table)?;
            let attributes = of_table.keys.iter().map(|(_, attribute)| attribute);
            let plain = attributes.eq(&facts.mapper.primary_key)
                && of_table.version.is_none()
                && facts.mapper.nullable_key == 0
                && self.cascaded.is_empty();
            column = of_table.key_columns.first().copied().filter(|_| plain);
            column?;
        }
        Some(ByKey { table: table.clone(), column: column? })
    }

    /// The foreign key of an object is to be written after all rows are there (or before rows are deleted).
    pub(super) fn post_update(&mut self, session: &Session, relationship: &Relationship, id: Id) {
        let root = session.mappers.at(id.class).root;
        let (ids, attributes) = self.post_updates.entry(root).or_default();
        ids.insert(id);
        for (local, remote) in &relationship.pairs {
            let own = if relationship.direction == Direction::OneToMany { *remote } else { *local };
            if !attributes.contains(&own) {
                attributes.push(own);
            }
        }
    }

    /// The connection, if a statement has been sent.
    pub(super) fn connected(&mut self) -> Option<&mut Box<Connection>> {
        self.connection.as_mut()
    }
}

impl Session {
    /// Takes the connection, where it is not taken yet.
    pub(super) async fn connect(&mut self, run: &mut Run) -> Result<()> {
        if run.connection.is_none() {
            run.connection = Some(self.checkout().await?);
        }
        Ok(())
    }

    /// Reads what has to be known of rows that are to be written: the version, and of an object that was expired
    /// (key and all) everything, so that one whose row is gone is found out before.
    pub(super) async fn read_rows(&mut self, run: &mut Run, ids: &[Id]) -> Result<()> {
        let mut lacking = Vec::new();
        for &id in ids {
            let mapper = self.mapper_of(id);
            if mapper.version.is_none() && !self.is_wholly_expired(id) {
                continue;
            }
            let unversioned = mapper.version.filter(|v| {
                self.committed_value(id, *v).is_none() && !self.arena.is_loaded(id, *v)
            });
            if unversioned.is_none() && !self.is_wholly_expired(id)
                || self.arena.state(id).life != ObjectState::Persistent
            {
                continue;
            }
            let mut wanted = self.expired_columns(id);
            if let Some(version) = unversioned.filter(|v| !wanted.contains(v)) {
                wanted.push(version);
            }
            lacking.push((id, wanted));
        }
        if lacking.is_empty() {
            return Ok(());
        }
        Box::pin(self.send_deletions(run)).await?;
        self.disconnect(run);
        self.load_columns_of_each(lacking).await
    }

    /// Reads those of some objects that are expired: one whose row is gone is found out before other rows get its
    /// key.
    pub(super) async fn read_expired(&mut self, ids: impl IntoIterator<Item = Id>) -> Result<()> {
        let expired: IdSet = ids
            .into_iter()
            .filter(|id| {
                self.is_wholly_expired(*id) && self.arena.state(*id).life == ObjectState::Persistent
            })
            .collect();
        let lacking = expired.into_iter().map(|id| (id, self.columns_to_read(id))).collect();
        self.load_columns_of_each(lacking).await
    }

    /// Reads what was flushed and is expired: an object that has changed must have a row.
    pub(super) async fn read_flushed(&mut self, run: &mut Run, work: &Work) -> Result<()> {
        self.disconnect(run);
        for root in &work.roots {
            self.read_expired(root.saves.iter().copied()).await?;
        }
        Ok(())
    }

    /// Gives the connection back, until the next statement.
    pub(super) fn disconnect(&mut self, run: &mut Run) {
        if let Some(connection) = run.connection.take() {
            self.checkin(connection);
        }
    }

    /// Runs the steps; the connection is given back whatever happens.
    pub(super) async fn run(
        &mut self,
        run: &mut Run,
        work: &mut Work,
        steps: Vec<Step>,
    ) -> Result<()> {
        let mut result = Ok(());
        for step in steps {
            result = self.run_step(run, work, step).await;
            if result.is_err() {
                break;
            }
        }
        if result.is_ok() {
            result = self.send_deletions(run).await;
        }
        self.disconnect(run);
        result
    }

    async fn run_step(&mut self, run: &mut Run, work: &mut Work, step: Step) -> Result<()> {
        match step {
            Step::Save { ids, .. } => {
                self.send_deletions(run).await?;
                self.save(run, work, &ids).await
            }
            Step::Delete { ids, .. } => self.delete_rows(run, &ids).await,
            Step::Process { processor, delete, ids } => {
                self.process(run, work, &processor, delete, &ids)?;
                for rows in std::mem::take(&mut run.associations) {
                    self.send_deletions(run).await?;
                    self.write_association(run, rows).await?;
                }
                Ok(())
            }
            Step::PostUpdate { root, delete } => {
                self.send_deletions(run).await?;
                self.write_post_updates(run, work, root, delete).await
            }
        }
    }
}
