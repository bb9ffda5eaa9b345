//! The unit of work: from what has changed to a plan, and from the plan to statements.
//!
//! A flush goes through phases, each a module:
//!
//! ```text
//! collect   what is pending, changed, to be deleted            (work: the lists and marks)
//! presort   what relationships bring in, with loads            (dependency: one file a direction; links)
//! graph     what waits for what, and the steps in their order  (topological; plan: the steps as data)
//! run       each step on the connection: insert, update, delete, association, post_update
//! finish    objects become persistent or deleted, in the identity map
//! ```
//!
//! Nothing is registered before the last statement has succeeded. When one fails, the transaction is rolled
//! back, and [`fail`](Session::fail) puts the objects back.
//!
//! Objects of a hierarchy that no relationship concerns take a straight path: they are in no table of marks,
//! nothing is sorted, and a batch of a few hundred rows borrows its parameters from the objects.

mod association;
mod collect;
mod delete;
mod deletions;
mod dependency;
mod errors;
mod expressions;
mod facts;
mod finish;
mod graph;
mod hooks;
mod insert;
#[cfg(feature = "json")]
mod json_paths;
mod links;
mod plan;
mod post_update;
mod presort;
mod reasons;
mod run;
mod save;
mod slots;
mod stale;
mod sync;
mod topological;
mod update;
mod work;
mod write;

pub use plan::{Plan, PlanStep};
pub use reasons::Because;
pub use stale::StaleRow;

use super::Session;
use crate::attributes::delta::IdSet;
use crate::events::SessionEvent;
use crate::{Error, ErrorKind, Result};

use run::Run;

impl Session {
    /// Writes what has changed to the database: inserts, updates and deletes rows, in the order in which they
    /// depend on each other, within the session's transaction.
    ///
    /// # Errors
    ///
    /// When the database refuses a row, when a row is gone or has another version, or when rows wait for each
    /// other in a circle. The transaction is rolled back then (to the innermost savepoint), and nothing but
    /// [`rollback`](Self::rollback) is accepted before the session goes on.
    #[track_caller]
    pub fn flush(&mut self) -> impl Future<Output = Result<()>> {
        self.called();
        self.flush_pending()
    }

    /// As [`flush`](Self::flush), for whoever called the session.
    pub(crate) async fn flush_pending(&mut self) -> Result<()> {
        if !self.has_work() {
            return Ok(());
        }
        self.check_usable()?;
        self.check_no_scope()?;
        if self.transaction.flushing {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "the session is being flushed already",
            ));
        }
        self.transaction.flushing = true;
        let result = self.flush_now().await;
        self.transaction.flushing = false;
        result
    }

    async fn flush_now(&mut self) -> Result<()> {
        let depth = self.nested_depth();
        self.emit(SessionEvent::BeforeFlush, depth).await?;
        let mut work = self.collect();
        if work.is_empty() {
            self.forget_idle();
            return Ok(());
        }
        match self.write_out(&mut work).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fail(error).await),
        }
    }

    async fn write_out(&mut self, work: &mut work::Work) -> Result<()> {
        self.presort(work).await?;
        let steps = self.sorted_steps(work)?;
        let mut run = Run::default();
        self.run(&mut run, work, steps).await?;
        let depth = self.nested_depth();
        self.emit(SessionEvent::AfterFlush, depth).await?;
        self.read_flushed(&mut run, work).await?;
        self.finish(&run, work)?;
        self.tell_noted_waiting().await?;
        self.emit(SessionEvent::AfterFlushPostexec, depth).await
    }
}
