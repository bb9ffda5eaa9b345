//! The prepared statements of a connection, by the id of the compiled statement.

use hashbrown::HashMap;
use tokio_postgres::Statement;

/// At most so many statements; the one that was not used for the longest time goes (and is closed on the server).
pub(super) struct Statements {
    kept: HashMap<u64, Kept>,
    max: usize,
    clock: u64,
}

struct Kept {
    statement: Statement,
    used: u64,
}

impl Statements {
    pub(super) fn new(max: usize) -> Self {
        Self { kept: HashMap::new(), max, clock: 0 }
    }

    pub(super) fn get(&mut self, id: u64) -> Option<Statement> {
        self.clock += 1;
        let kept = self.kept.get_mut(&id)?;
        kept.used = self.clock;
        Some(kept.statement.clone())
    }

    pub(super) fn put(&mut self, id: u64, statement: Statement) {
        if self.kept.len() >= self.max {
            // A scan of some hundred entries beside a round trip to prepare.
            let oldest = self.kept.iter().min_by_key(|(_, k)| k.used).map(|(&id, _)| id);
            if let Some(oldest) = oldest {
                self.kept.remove(&oldest);
            }
        }
        self.kept.insert(id, Kept { statement, used: self.clock });
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
