//! Counting statements: what a test or a summary wants to know.

use super::{Event, Observer, Outcome};
use crate::timer::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Counts what was done, by kind: `SELECT`, `INSERT`, `BEGIN`, …. A write of many rows is one, with its rows.
///
/// ```
/// # use aludel_engine::observe::StatementCounter;
/// let counter = StatementCounter::new();
/// // engine.observe(counter.clone());
/// assert_eq!(counter.count("SELECT").statements, 0);
/// ```
#[derive(Default)]
pub struct StatementCounter {
    counts: Mutex<BTreeMap<&'static str, Count>>,
}

/// What was counted of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// How many statements, or writes.
    pub statements: u64,
    /// How many rows came or were written.
    pub rows: u64,
    /// How many of the statements failed.
    pub failed: u64,
    /// How long they took in all.
    pub elapsed: Duration,
}

impl StatementCounter {
    /// A counter at zero, ready to be given to an engine.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What was counted of a kind.
    pub fn count(&self, kind: &str) -> Count {
        lock(&self.counts).get(kind).copied().unwrap_or_default()
    }

    /// All that was counted.
    pub fn counts(&self) -> BTreeMap<&'static str, Count> {
        lock(&self.counts).clone()
    }

    /// All that was counted, and begins at zero again.
    pub fn take(&self) -> BTreeMap<&'static str, Count> {
        std::mem::take(&mut lock(&self.counts))
    }

    /// How many statements and writes there were, without BEGIN, COMMIT, savepoints and the like.
    pub fn statements(&self) -> u64 {
        let of_data = ["SELECT", "INSERT", "UPDATE", "DELETE", "DDL", "OTHER", "SCRIPT"];
        lock(&self.counts)
            .iter()
            .filter(|(k, _)| of_data.contains(k))
            .map(|(_, c)| c.statements)
            .sum()
    }
}

impl Observer for StatementCounter {
    fn after(&self, event: &Event<'_>, outcome: &Outcome<'_>) {
        let mut counts = lock(&self.counts);
        let count = counts.entry(event.name()).or_default();
        count.statements += 1;
        count.rows += outcome.rows;
        count.failed += u64::from(outcome.error.is_some());
        count.elapsed += outcome.elapsed;
    }
}
