//! Doing the steps of a scenario.
//!
//! | file | steps |
//! |---|---|
//! | `objects` | objects, attributes, collections, history |
//! | `mutate` | changes in place |
//! | `extras` | attributes that the kit's classes have and ours have not: hybrids, proxies, synonyms |
//! | `states` | the states of objects, the session |
//! | `query` | reading, and writing by criteria |
//! | `events` | listeners |
//! | `database` | rows, statements, raw SQL, mappers |

mod database;
mod events;
mod extras;
mod mutate;
mod objects;
mod query;
mod states;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aludel::engine::Engine;
use aludel::{Id, Session};
use serde_json::Value as Json;

use crate::api;
use crate::database::{Counts, Databases};
use crate::failure::{Result, malformed};
use crate::scenario::{Options, Step};
use crate::value::{self, Given};
use crate::zoo;

/// A scenario that is being run.
pub struct Runner {
    session: Session,
    engine: Engine,
    world: World,
    /// Rows have come or gone since generated keys were last put back.
    stale_keys: bool,
}

/// What a scenario has beside its session; listeners share it.
#[derive(Clone)]
struct World(Arc<Inner>);

struct Inner {
    counts: Arc<Counts>,
    /// Another way to the database.
    behind: Engine,
    /// What lets generated keys go on from the rows that are there, where the database does not by itself.
    keys: Option<String>,
    names: Mutex<Names>,
    log: Mutex<Vec<Json>>,
}

/// The aliases of objects.
#[derive(Default)]
struct Names {
    objects: HashMap<String, Id>,
    /// The first alias of each object.
    aliases: HashMap<Id, String>,
    nested: usize,
    depth: usize,
}

impl World {
    fn names(&self) -> MutexGuard<'_, Names> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Vec<Json>> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runner {
    /// A session on a fresh database.
    ///
    /// # Errors
    /// When the database cannot be made.
    pub fn new(databases: &Databases, options: &Options, verbose: bool) -> aludel::Result<Self> {
        let counts = Counts::new(verbose);
        let (engine, behind) = databases.fresh(Arc::clone(&counts))?;
        let mut session = Session::with_registry(&engine, &zoo::registry()?);
        session.options_mut().expire_on_commit = options.expire_on_commit;
        session.options_mut().autoflush = options.autoflush;
        let inner = Inner {
            counts,
            behind,
            keys: databases.keys(),
            names: Mutex::default(),
            log: Mutex::default(),
        };
        Ok(Self { session, engine, world: World(Arc::new(inner)), stale_keys: false })
    }

    /// Does a step, and gives its output.
    ///
    /// # Errors
    /// What the step fails with.
    pub fn step(&mut self, step: &Step) -> Result<Json> {
        self.put_keys_back()?;
        let saved = self.world.0.counts.save();
        let mut act = Act { session: &mut self.session, world: self.world.clone() };
        let result = self.engine.block_on(async { Ok(act.call(step).await) })?;
        if result.is_err() {
            self.world.0.counts.restore(saved);
        }
        self.stale_keys |= self.world.0.counts.take_keys_moved()
            || result.is_err()
            || step.op.starts_with("rollback");
        result
    }

    /// The kit's keys are those of SQLite, which takes them again when their rows have gone.
    fn put_keys_back(&mut self) -> aludel::Result<()> {
        let Some(sql) = self.world.0.keys.as_deref().filter(|_| self.stale_keys) else {
            return Ok(());
        };
        let (session, behind) = (&mut self.session, &self.world.0.behind);
        self.world.0.counts.quiet(true);
        let done = self.engine.block_on(async {
            if session.in_transaction() {
                return session.execute_raw(sql).await;
            }
            behind.acquire().await?.execute_raw(sql).await.map(|_| ())
        });
        self.world.0.counts.quiet(false);
        // After a failure there is a rollback to come.
        self.stale_keys = done.is_err();
        Ok(())
    }

    /// The statements that were sent, where they are kept.
    pub fn statements(&self) -> Vec<String> {
        let shown = self.world.0.counts.shown.as_ref();
        shown.map(|s| s.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }
}

/// A session in whose name a step is done: the runner's, or a listener's.
struct Act<'s> {
    session: &'s mut Session,
    world: World,
}

impl Act<'_> {
    async fn call(&mut self, step: &Step) -> Result<Json> {
        match step.op.as_str() {
            "new" => self.new_object(step).await,
            "get" => self.get(step).await,
            "set" => self.set(step).await,
            "del" => self.del(step).await,
            "bind" => self.bind(step).await,
            "is_loaded" => self.is_loaded(step),
            "instrumented" => self.instrumented(step),
            "append" | "extend" => self.append(step).await,
            "remove" => self.remove(step).await,
            "insert_at" => self.insert_at(step).await,
            "set_at" => self.set_at(step).await,
            "pop_at" => self.pop_at(step).await,
            "put" => self.put(step).await,
            "drop" => self.drop_key(step).await,
            "clear" => self.clear(step).await,
            "mutate" => self.mutate(step).await,
            "history" => self.history(step).await,
            "set_committed" => self.set_committed(step),
            "init_collection" => self.set_committed(step),
            "flag_modified" => self.flag_modified(step),
            "flag_dirty" => self.flag_dirty(step),
            "modified" => self.modified(step),
            "is_modified" => self.is_modified(step),
            "identical" => Ok(Json::Bool(self.object(step, "a")? == self.object(step, "b")?)),
            "serialize" => self.serialize(step),
            "state" => self.state(step),
            "identity_key" => self.identity_key(step),
            "object_session" => self.object_session(step),
            "make_transient" => self.make_transient(step),
            "make_transient_to_detached" => self.make_transient_to_detached(step),
            "cascade_iterator" => self.cascade_iterator(step).await,
            "add" | "add_all" => self.add(step),
            "delete" => self.delete(step).await,
            "flush" => self.flush().await,
            "commit" => self.commit().await,
            "rollback" => self.rollback().await,
            "begin_nested" => self.begin_nested().await,
            "commit_nested" => self.commit_nested().await,
            "rollback_nested" => self.rollback_nested().await,
            "close" => self.close().await,
            "autoflush" => self.autoflush(step),
            "expire" => self.expire(step),
            "expire_all" => self.expire_all(),
            "refresh" => self.refresh(step).await,
            "expunge" => self.expunge(step),
            "expunge_all" => self.expunge_all(),
            "merge" => self.merge(step).await,
            "in_transaction" => Ok(Json::Bool(self.session.in_transaction())),
            "session_new" => self.listing(self.session.new_objects()),
            "session_dirty" => self.listing(self.session.dirty_objects()),
            "session_deleted" => self.listing(self.session.deleted_objects()),
            "identity_map" => self.listing(self.session.persistent_objects()),
            "load" => self.load(step).await,
            "query" => self.query(step).await,
            "bulk_insert" | "bulk_update" => self.bulk(step).await,
            "update_where" => self.update_where(step).await,
            "delete_where" => self.delete_where(step).await,
            "listen" => self.listen(step),
            "event_log" => Ok(Json::Array(std::mem::take(&mut *self.world.log()))),
            "rows" => self.rows(step).await,
            "dml" => Ok(self.world.0.counts.take_dml()),
            "selects" => Ok(Json::from(self.world.0.counts.take_selects())),
            "raw" => self.raw(step).await,
            "external" => self.external(step).await,
            "mapper" => self.mapper(step),
            other => Err(malformed(format!("there is no operation `{other}`"))),
        }
    }

    // ---- Names and values.

    /// The object of an alias, with its `$`.
    fn named(&self, alias: &str) -> Result<Id> {
        let alias =
            alias.strip_prefix('$').ok_or_else(|| malformed(format!("`{alias}` is no alias")))?;
        let names = self.world.names();
        names
            .objects
            .get(alias)
            .copied()
            .ok_or_else(|| malformed(format!("unknown alias `${alias}`")))
    }

    /// The object that an argument names.
    fn object(&self, step: &Step, argument: &str) -> Result<Id> {
        self.named(step.text(argument)?)
    }

    /// The object and the attribute that a step is about.
    fn target<'a>(&self, step: &'a Step) -> Result<(Id, &'a str)> {
        Ok((self.object(step, "obj")?, step.text("attr")?))
    }

    fn bind_alias(&self, alias: &str, id: Id) {
        let mut names = self.world.names();
        names.objects.insert(alias.to_owned(), id);
        names.aliases.entry(id).or_insert_with(|| alias.to_owned());
    }

    /// An object as outputs have it: its alias, or class and key.
    fn name_of(&self, id: Id) -> Result<String> {
        if let Some(alias) = self.world.names().aliases.get(&id) {
            return Ok(format!("${alias}"));
        }
        self.plain_name(id)
    }

    /// An object as its class and key.
    fn plain_name(&self, id: Id) -> Result<String> {
        let class = self.session.class_name(id)?;
        let key = match api::key(self.session, id)? {
            Some((_, key)) => key.iter().map(plain).collect::<Vec<_>>().join(","),
            None => "?".to_owned(),
        };
        Ok(format!("{class}#{key}"))
    }

    fn decode(&self, json: &Json) -> Result<Given> {
        value::decode(json, &|alias| self.named(&format!("${alias}")))
    }

    /// The names of objects, sorted.
    fn listing(&self, ids: Vec<Id>) -> Result<Json> {
        let mut names = ids.into_iter().map(|id| self.name_of(id)).collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(Json::from(names))
    }
}

/// A part of a key, as names have it.
fn plain(value: &aludel::Value) -> String {
    match value {
        aludel::Value::Text(text) => text.clone(),
        aludel::Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}
