//! Echo, as users of SQLAlchemy know it: every statement on the standard error.

use super::{Event, Observer, Outcome};
use crate::timer::lock;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What an [`Echo`] shows of a statement's parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Their number: values may be secrets.
    #[default]
    Hidden,
    /// Their values; of a write of many rows, those of the first and the last ones.
    Parameters,
}

/// Prints each statement as it is sent, and what came of it:
///
/// ```text
/// BEGIN (implicit)
/// INSERT INTO "user_account" ("name") VALUES (?)
/// [generated, 2 rows of 1 parameter]
/// [2 rows in 31.2 µs]
/// COMMIT
/// ```
#[derive(Clone)]
pub struct Echo {
    show: Show,
    out: Arc<dyn Fn(&str) + Send + Sync>,
    seen: Arc<Mutex<HashMap<u64, Instant>>>,
}

impl Default for Echo {
    fn default() -> Self {
        Self::new()
    }
}

impl Echo {
    /// Prints to the standard error, without parameters.
    pub fn new() -> Self {
        Self::to(|line| eprintln!("{line}"))
    }

    /// Prints to the standard error, with parameters: these may be passwords and other people's data.
    pub fn with_parameters() -> Self {
        Self::new().show(Show::Parameters)
    }

    /// Gives each line to a function.
    pub fn to(out: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { show: Show::Hidden, out: Arc::new(out), seen: Arc::default() }
    }

    /// Sets whether parameters are shown.
    #[must_use]
    pub fn show(mut self, show: Show) -> Self {
        self.show = show;
        self
    }

    /// `generated` the first time, `cached since 0.12s ago` later.
    fn age(&self, id: u64) -> String {
        let mut seen = lock(&self.seen);
        if seen.len() > 10_000 {
            seen.clear();
        }
        match seen.entry(id) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Instant::now());
                "generated".to_owned()
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                format!("cached since {:.4}s ago", entry.get().elapsed().as_secs_f64())
            }
        }
    }

    /// A statement that is run for many rows.
    fn rows(&self, sql: &str, rows: usize, params: &[aludel_sql::Bind<'_>]) -> String {
        let width = params.len().checked_div(rows).unwrap_or(0);
        let mut text = format!("{sql}\n[{rows} rows of {width} parameters]");
        if self.show == Show::Parameters {
            for row in 0..rows {
                // As in SQLAlchemy, a long list is shown by its ends.
                if rows > 10 && (8..rows - 2).contains(&row) {
                    if row == 8 {
                        let _ = write!(text, "\n… {} rows more …", rows - 10);
                    }
                    continue;
                }
                let _ = write!(text, "\n{}", self.params(&params[row * width..][..width]));
            }
        }
        text
    }

    fn params(&self, params: &[aludel_sql::Bind<'_>]) -> String {
        match (self.show, params.len()) {
            (Show::Hidden, 0) => "no parameters".to_owned(),
            (Show::Hidden, 1) => "1 parameter".to_owned(),
            (Show::Hidden, n) => format!("{n} parameters"),
            (Show::Parameters, _) => {
                let mut text = "(".to_owned();
                for (i, param) in params.iter().enumerate() {
                    let _ = write!(text, "{}{}", if i == 0 { "" } else { ", " }, param.as_ref());
                }
                text + ")"
            }
        }
    }
}

impl Observer for Echo {
    fn before(&self, event: &Event<'_>) {
        let line = match event {
            Event::Begin(_) => "BEGIN (implicit)".to_owned(),
            Event::Commit => "COMMIT".to_owned(),
            Event::Rollback => "ROLLBACK".to_owned(),
            Event::Savepoint(n) => format!("SAVEPOINT sa_{n}"),
            Event::Release(n) => format!("RELEASE SAVEPOINT sa_{n}"),
            Event::RollbackTo(n) => format!("ROLLBACK TO SAVEPOINT sa_{n}"),
            Event::Script(sql) => (*sql).to_owned(),
            Event::Statement { id, sql, params, .. } => {
                format!("{sql}\n[{}, {}]", self.age(*id), self.params(params))
            }
            Event::Each { sql, rows, params, .. } => self.rows(sql, *rows, params),
            Event::Write { sql, write, .. } => self.rows(sql, write.rows, write.params),
        };
        (self.out)(&line);
    }

    fn warn(&self, message: &str) {
        (self.out)(&format!("[warning: {message}]"));
    }

    fn after(&self, event: &Event<'_>, outcome: &Outcome<'_>) {
        if let Some(error) = outcome.error {
            (self.out)(&format!(
                "[failed in {:?}: {}: {}]",
                outcome.elapsed,
                error.kind().code(),
                error.message()
            ));
        } else if matches!(
            event,
            Event::Statement { .. } | Event::Each { .. } | Event::Write { .. }
        ) {
            (self.out)(&format!("[{} rows in {:?}]", outcome.rows, outcome.elapsed));
        }
    }
}
