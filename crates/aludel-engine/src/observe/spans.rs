//! Spans for `tracing`, one for each statement.

use super::{Event, Observer, Outcome};
use std::time::Duration;
use tracing::field::Empty;

/// Makes a `tracing` span of each statement, of level `DEBUG` and with the target `aludel`; its fields are
/// `db.operation`, `db.statement`, `rows`, `elapsed_us`, and `error` if it failed. Its parent is the span that is
/// current where the statement was run. A statement that fails, or is slower than a limit, is a `WARN` event besides, and so is what
/// observers are [warned](Observer::warn) of.
/// Parameters are never part of it.
#[derive(Clone, Debug)]
pub struct Tracing {
    slow: Duration,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { slow: Duration::from_secs(1) }
    }
}

impl Tracing {
    /// Statements that take longer than a second are warned of.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets from what time on a statement is warned of.
    #[must_use]
    pub fn slow(mut self, time: Duration) -> Self {
        self.slow = time;
        self
    }
}

impl Observer for Tracing {
    fn span(&self, event: &Event<'_>) -> tracing::Span {
        tracing::debug_span!(
            target: "aludel",
            "statement",
            db.operation = event.name(),
            db.statement = event.sql(),
            rows = Empty,
            elapsed_us = Empty,
            error = Empty,
        )
    }

    fn warn(&self, message: &str) {
        tracing::event!(target: "aludel", tracing::Level::WARN, "{message}");
    }

    fn after(&self, event: &Event<'_>, outcome: &Outcome<'_>) {
        let (operation, elapsed_us) = (event.name(), micros(outcome));
        if let Some(error) = outcome.error {
            tracing::event!(
                target: "aludel", tracing::Level::WARN,
                db.operation = operation, db.statement = event.sql(), elapsed_us,
                error = error.kind().code(), "{}", error.message()
            );
        } else if outcome.elapsed > self.slow {
            tracing::event!(
                target: "aludel", tracing::Level::WARN,
                db.operation = operation, db.statement = event.sql(), elapsed_us, rows = outcome.rows, "slow"
            );
        }
    }
}

/// Records in a span what came of it.
pub(super) fn record(span: &tracing::Span, outcome: &Outcome<'_>) {
    span.record("rows", outcome.rows);
    span.record("elapsed_us", micros(outcome));
    if let Some(error) = outcome.error {
        span.record("error", error.kind().code());
    }
}

fn micros(outcome: &Outcome<'_>) -> u64 {
    u64::try_from(outcome.elapsed.as_micros()).unwrap_or(u64::MAX)
}
