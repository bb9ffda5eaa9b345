//! What a program sends to its database.

use std::sync::Mutex;

use aludel::engine::{Event, Observer};

/// Keeps what is sent: the texts of statements, the shapes of batches.
#[derive(Default)]
pub(crate) struct Sent(Mutex<Vec<String>>);

impl Sent {
    /// What was sent since it was last asked for.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Sent {
    fn before(&self, event: &Event<'_>) {
        let line = match event {
            Event::Write { write, .. } => {
                format!("{} {} x{}", event.name(), write.table.name(), write.rows)
            }
            Event::Each { sql, rows, .. } => format!("{sql} x{rows}"),
            Event::Statement { sql, .. } => (*sql).to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}
