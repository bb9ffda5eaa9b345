//! The statements of queries: compiled once for each shape.

use std::sync::{Arc, Mutex, PoisonError};

use aludel_sql::{Bind, Compiled, Dialect, Keyed, Resolved, Select, Statement, StatementCache};

use super::get::Get;
use super::plan::Plan;
use super::resolve::Resolver;
use crate::instrumentation::ClassDef;
use crate::mapping::Mappers;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// How many statements are kept for a database.
const CAPACITY: usize = 1024;

/// The compiled statements of a set of mappers, by dialect.
#[derive(Debug, Default)]
pub(crate) struct Caches(Mutex<Vec<Arc<Cache>>>);

/// The compiled statements of a set of mappers in one dialect.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(super) statements: StatementCache,
    /// The statements that get objects by key, by class.
    pub(super) gets: Mutex<Vec<Option<Arc<Get>>>>,
}

impl Caches {
    fn of(&self, dialect: &Dialect) -> Arc<Cache> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cache) = all.iter().find(|cache| cache.statements.dialect() == dialect) {
            return Arc::clone(cache);
        }
        let statements = StatementCache::new(dialect.clone(), CAPACITY);
        let cache = Arc::new(Cache { statements, gets: Mutex::default() });
        all.push(Arc::clone(&cache));
        cache
    }
}

/// A statement ready to be sent.
pub(crate) struct Ready<'a> {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) params: Vec<Bind<'a>>,
}

impl Ready<'_> {
    /// What the rows mean.
    pub(crate) fn plan(&self) -> Result<&Plan> {
        self.compiled.plan().ok_or_else(lost_plan)
    }
}

impl Session {
    /// The compiled statements for this session's mappers and database.
    pub(super) fn statements(&mut self) -> Result<Arc<Cache>> {
        if let Some((mappers, cache)) = &self.loading.cache
            && Arc::ptr_eq(mappers, &self.mappers)
        {
            return Ok(Arc::clone(cache));
        }
        let cache = self.mappers.statements.of(self.engine()?.dialect());
        self.loading.cache = Some((Arc::clone(&self.mappers), Arc::clone(&cache)));
        self.loading.gets.clear();
        Ok(cache)
    }

    /// Compiles a SELECT over mapped classes. Classes that are not known yet are learned.
    pub(super) fn prepare<'a>(&mut self, select: &'a Select) -> Result<Ready<'a>> {
        self.prepare_any(select)
    }

    /// Compiles a statement over mapped classes.
    pub(crate) fn prepare_any<'a>(&mut self, statement: &'a dyn Keyed) -> Result<Ready<'a>> {
        loop {
            let cache = self.statements()?;
            let mut unknown = None;
            let mut params = Vec::new();
            let mappers = Arc::clone(&self.mappers);
            let compiled = cache.statements.compile(statement, &mut params, &mut |statement| {
                resolve(&mappers, &statement, &mut unknown)
            });
            match (compiled, unknown) {
                (Ok(compiled), _) => return Ok(Ready { compiled, params }),
                (Err(error), None) => return Err(error),
                (Err(_), Some(class)) => self.learn(class).map(drop)?,
            };
        }
    }
}

/// A statement over tables, and what its rows mean.
fn resolve(
    mappers: &Mappers,
    statement: &Statement,
    unknown: &mut Option<&'static ClassDef>,
) -> Result<Resolved> {
    let mut resolver = Resolver::new(mappers);
    let resolved = statement.rewrite(&mut resolver);
    *unknown = resolver.unknown;
    Ok(Resolved { statement: resolved?, plan: Some(Arc::new(resolver.plan)) })
}

#[cold]
fn lost_plan() -> Error {
    Error::new(ErrorKind::Argument, "the statement does not say what its rows mean")
}
