//! The cache of compiled statements: a statement of a shape that was seen before is not rendered
//! again.
//!
//! One walk over the statement writes its key, which is exact, and collects its parameters. Only
//! where the key is new is there more to do:
//!
//! ```text
//! statement ── key walk ──> tokens, parameters
//!                              │ known: its Compiled
//!                              │ new:   number    every value becomes a placeholder with its ordinal
//!                              │        resolve   the layer above rewrites what is its own
//!                              └──────  render    values that are still there become fixed
//! ```
//!
//! So the parameters of a known shape are right whatever the rewriting does to the order of the
//! parts, for placeholders refer to ordinals.

use std::any::Any;
use std::cell::RefCell;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;

use crate::statement::{Keyed, Statement};
use crate::tree::key::KeyWriter;
use crate::tree::{number, out_of_step};
use crate::{Bind, Compiled, Dialect, Error, ErrorKind, Result};

/// A statement as the layer above has resolved it, and what that layer wants to find again with
/// the compiled statement (how its rows become objects, say).
#[derive(Debug)]
pub struct Resolved {
    /// The statement, without custom nodes.
    pub statement: Statement,
    /// What is kept with it: [`Compiled::plan`] gives it back.
    pub plan: Option<Arc<dyn Any + Send + Sync>>,
}

impl From<Statement> for Resolved {
    fn from(statement: Statement) -> Self {
        Self { statement, plan: None }
    }
}

/// Compiled statements by their shape, for one dialect. It keeps those that were used last.
#[derive(Debug)]
pub struct StatementCache {
    dialect: Dialect,
    capacity: usize,
    entries: Mutex<Entries>,
    hasher: foldhash::fast::RandomState,
}

#[derive(Debug, Default)]
struct Entries {
    table: HashTable<Entry>,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    key: Box<[u32]>,
    compiled: Arc<Compiled>,
    used: u64,
}

thread_local! {
    /// Room for keys, so that a lookup does not allocate.
    static SCRATCH: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

impl StatementCache {
    /// A cache of at most so many statements.
    pub fn new(dialect: Dialect, capacity: usize) -> Self {
        let hasher = foldhash::fast::RandomState::default();
        Self { dialect, capacity: capacity.max(1), entries: Mutex::default(), hasher }
    }

    /// The dialect.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// How many statements it holds.
    pub fn len(&self) -> usize {
        self.lock().table.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.lock().table.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The compiled statement, and its parameters put into `params` (which is emptied first) as
    /// they are to be sent. `resolve` is called only if the shape is new, with the statement whose
    /// values are placeholders.
    ///
    /// # Errors
    /// Those of `resolve` and of rendering (see [`Statement::render`]);
    /// [`ErrorKind::Argument`] if the statement was put together wrongly, or has placeholders of
    /// its own.
    pub fn compile<'a>(
        &self,
        statement: &'a dyn Keyed,
        params: &mut Vec<Bind<'a>>,
        resolve: &mut dyn FnMut(Statement) -> Result<Resolved>,
    ) -> Result<Arc<Compiled>> {
        statement.check()?;
        let scratch = SCRATCH.with(|s| std::mem::take(&mut *s.borrow_mut()));
        let mut key = KeyWriter::with_tokens(scratch);
        params.clear();
        params.reserve(8);
        key.params = std::mem::take(params);
        statement.key(&mut key);
        let result = self.find_or_compile(statement, &key, resolve);
        let KeyWriter { tokens, params: collected, .. } = key;
        SCRATCH.with(|s| *s.borrow_mut() = tokens);
        *params = collected;
        let compiled = result?;
        compiled.arrange(params);
        Ok(compiled)
    }

    /// As [`compile`](Self::compile), for a statement without custom nodes.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_plain<'a>(
        &self,
        statement: &'a dyn Keyed,
        params: &mut Vec<Bind<'a>>,
    ) -> Result<Arc<Compiled>> {
        self.compile(statement, params, &mut |statement| Ok(statement.into()))
    }

    fn find_or_compile(
        &self,
        statement: &dyn Keyed,
        key: &KeyWriter<'_>,
        resolve: &mut dyn FnMut(Statement) -> Result<Resolved>,
    ) -> Result<Arc<Compiled>> {
        let hash = self.hasher.hash_one(&key.tokens[..]);
        if let Some(found) = self.lock().find(hash, &key.tokens) {
            return Ok(found);
        }
        let compiled = Arc::new(self.miss(statement, key, resolve)?);
        self.lock().insert(hash, &key.tokens, &compiled, self.capacity);
        Ok(compiled)
    }

    #[cold]
    fn miss(
        &self,
        statement: &dyn Keyed,
        key: &KeyWriter<'_>,
        resolve: &mut dyn FnMut(Statement) -> Result<Resolved>,
    ) -> Result<Compiled> {
        if !key.ordinals.is_empty() {
            return Err(Error::new(
                ErrorKind::Argument,
                "a statement with placeholders of its own is rendered by `Statement::render`, \
                 not by the cache",
            ));
        }
        let (numbered, count) = number(&statement.to_statement())?;
        let mut again = KeyWriter::default();
        again.statement(&numbered);
        let in_step = again.params.is_empty()
            && count as usize == key.params.len()
            && again.ordinals.iter().enumerate().all(|(i, &o)| i == o as usize)
            && again.ordinals.len() == key.params.len();
        if !in_step {
            return Err(out_of_step());
        }
        let Resolved { statement, plan } = resolve(numbered)?;
        let mut compiled = crate::render::render(&statement, &self.dialect, Some(count))?;
        compiled.plan = plan;
        Ok(compiled)
    }
}

impl Entries {
    fn find(&mut self, hash: u64, key: &[u32]) -> Option<Arc<Compiled>> {
        self.clock += 1;
        let entry = self.table.find_mut(hash, |e| *e.key == *key)?;
        entry.used = self.clock;
        Some(entry.compiled.clone())
    }

    fn insert(&mut self, hash: u64, key: &[u32], compiled: &Arc<Compiled>, capacity: usize) {
        if self.table.len() >= capacity {
            self.forget_a_quarter();
        }
        // Another thread may have been faster; then there are two, and the older one is forgotten.
        if self.table.find(hash, |e| *e.key == *key).is_some() {
            return;
        }
        let (compiled, used) = (compiled.clone(), self.clock);
        self.table.insert_unique(hash, Entry { hash, key: key.into(), compiled, used }, |e| e.hash);
    }

    fn forget_a_quarter(&mut self) {
        let mut times: Vec<u64> = self.table.iter().map(|e| e.used).collect();
        times.sort_unstable();
        let limit = times[times.len() / 4];
        self.table.retain(|e| e.used > limit);
    }
}

#[cfg(test)]
mod tests;
