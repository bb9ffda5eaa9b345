//! Making sessions that are alike, and running units of work in them until they succeed.

use std::ops::ControlFlow;
use std::sync::Arc;

use aludel_engine::{Engine, RetryPolicy};

use super::Session;
use crate::mapping::Registry;
use crate::{Error, ErrorKind, Result};

/// Makes sessions on an engine, all configured alike: SQLAlchemy's `sessionmaker`.
///
/// ```
/// # use aludel_engine::{Engine, RetryPolicy};
/// # use aludel_orm::{Registry, Result, SessionMaker};
/// # async fn example(engine: &Engine) -> Result<()> {
/// let sessions = SessionMaker::new(engine).registry(&Registry::new()).configure(|session| {
///     session.options_mut().expire_on_commit = true;
///     Ok(())
/// });
/// let mut session = sessions.session()?;
/// sessions.transaction(&RetryPolicy::new(), async |session| session.flush().await).await
/// # }
/// ```
#[derive(Clone)]
pub struct SessionMaker {
    engine: Engine,
    registry: Registry,
    configure: Vec<Configure>,
}

type Configure = Arc<dyn Fn(&mut Session) -> Result<()> + Send + Sync>;

impl SessionMaker {
    /// Sessions on an engine, with the classes of the [global registry](Registry::global).
    pub fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), registry: Registry::global(), configure: Vec::new() }
    }

    /// Sets the registry.
    #[must_use]
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = registry.clone();
        self
    }

    /// Adds what is done to every new session: options, how its transactions begin, listeners.
    #[must_use]
    pub fn configure(
        mut self,
        configure: impl Fn(&mut Session) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.configure.push(Arc::new(configure));
        self
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A new session.
    ///
    /// # Errors
    ///
    /// Those of what is done to every session.
    pub fn session(&self) -> Result<Session> {
        let mut session = Session::with_registry(&self.engine, &self.registry);
        self.configure.iter().try_for_each(|configure| configure(&mut session))?;
        Ok(session)
    }

    /// Runs a unit of work in a transaction, and commits: SQLAlchemy's `sessionmaker.begin()`, and again where the
    /// database could not serialize it or broke a deadlock, as the policy says.
    ///
    /// Each attempt has a session of its own, so that it reads anew what it goes by; nothing of an attempt that
    /// failed is left, in the database or in memory. The body must not commit, and what else it does in the world it
    /// may do several times. What it gives back is given back once its work is committed. In a task that moves between
    /// threads the body owns what it uses (`async move |session| …`).
    ///
    /// # Errors
    ///
    /// The last attempt's error, when the policy says that there is no other. A commit whose connection was lost is
    /// [`ErrorKind::OutcomeUnknown`], and is never tried again: the work may have been done.
    pub async fn transaction<T>(
        &self,
        policy: &RetryPolicy,
        mut body: impl AsyncFnMut(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let mut attempts = Attempts::new(self, policy);
        loop {
            let mut session = attempts.session()?;
            let done = body(&mut session).await;
            if let ControlFlow::Break(value) = attempts.end(&mut session, done).await? {
                return Ok(value);
            }
        }
    }
}

impl std::fmt::Debug for SessionMaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionMaker").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// `engine.transaction(…)`: a unit of work that is run until it succeeds.
pub trait RunTransaction {
    /// [`SessionMaker::transaction`] in sessions with the classes of the [global registry](Registry::global).
    ///
    /// # Errors
    ///
    /// As there.
    fn transaction<T>(
        &self,
        policy: &RetryPolicy,
        body: impl AsyncFnMut(&mut Session) -> Result<T>,
    ) -> impl Future<Output = Result<T>>;
}

impl RunTransaction for Engine {
    async fn transaction<T>(
        &self,
        policy: &RetryPolicy,
        body: impl AsyncFnMut(&mut Session) -> Result<T>,
    ) -> Result<T> {
        SessionMaker::new(self).transaction(policy, body).await
    }
}

/// The attempts at a unit of work, as the async and the blocking form share them; not for use by hand.
#[doc(hidden)]
pub struct Attempts<'a> {
    sessions: &'a SessionMaker,
    policy: &'a RetryPolicy,
    made: u32,
}

impl<'a> Attempts<'a> {
    pub fn new(sessions: &'a SessionMaker, policy: &'a RetryPolicy) -> Self {
        Self { sessions, policy, made: 0 }
    }

    /// The session of the next attempt.
    pub fn session(&self) -> Result<Session> {
        let mut session = self.sessions.session()?;
        session.transaction.is_attempt = true;
        Ok(session)
    }

    /// Ends an attempt: its value when it is committed, or that another is to be made, after the delay.
    pub async fn end<T>(
        &mut self,
        session: &mut Session,
        done: Result<T>,
    ) -> Result<ControlFlow<T>> {
        self.made += 1;
        let committed = match done {
            Ok(value) => session.commit_work().await.map(|()| value),
            Err(error) => Err(error),
        };
        let error = match committed {
            // What listeners say now undoes nothing.
            Ok(value) => {
                return session.after_commit().await.map(|()| ControlFlow::Break(value));
            }
            Err(error) => error,
        };
        // Before the delay, so that nobody waits for our locks. The error that counts is the first.
        let _ = session.rollback().await;
        if self.policy.pause(self.made, &error).await {
            return Ok(ControlFlow::Continue(()));
        }
        Err(match self.made {
            1 => error,
            made => error.context(format_args!("after {made} attempts")),
        })
    }
}

impl Session {
    /// Refuses what the runner of a unit of work does itself.
    pub(super) fn check_own_end(&self) -> Result<()> {
        if self.transaction.is_attempt {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "this session is of a unit of work that is run by `transaction`, which commits at its end: what is \
                 committed in the middle would be done again by another attempt",
            ));
        }
        Ok(())
    }
}
