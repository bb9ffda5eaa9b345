//! The pool: at most so many connections, the one used last handed out first, waiters served in their order.
//!
//! ```text
//! acquire ──▶ permit (one for each connection that may be in use) ──▶ an idle connection that fits ──▶ check
//!                │ none left: wait in the queue, at most `acquire_timeout`        │ none: connect
//! drop    ──▶ the connection goes to the idle ones, rolled back ──▶ the permit goes to the first waiter
//! ```
//!
//! It needs no runtime: waiters are wakers in a queue, and the time-out is our own [timer](crate::timer).
//! A connection of a server belongs to the runtime that drives it, and only *fits* there.

use crate::driver::Driver;
use crate::options::PoolOptions;
use crate::timer::{Sleep, lock, sleep_until};
use aludel_sql::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// The pool of an engine.
pub(crate) struct Pool {
    state: Mutex<State>,
    pub(crate) options: PoolOptions,
    max: usize,
}

struct State {
    idle: Vec<Idle>,
    /// Permits that nobody has.
    free: usize,
    waiters: VecDeque<Waiter>,
    next: u64,
}

struct Idle {
    driver: Driver,
    since: Instant,
}

struct Waiter {
    ticket: u64,
    granted: bool,
    waker: Waker,
}

/// The right to have one connection.
pub(crate) struct Permit(Arc<Pool>);

impl Pool {
    pub(crate) fn new(options: PoolOptions, max: usize) -> Arc<Self> {
        let state = State { idle: Vec::new(), free: max, waiters: VecDeque::new(), next: 0 };
        Arc::new(Self { state: Mutex::new(state), options, max })
    }

    /// A permit, and an idle connection that fits here with the moment since when it was idle. It waits for
    /// the permit; the error after the time-out says how many connections there are.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<(Permit, Option<(Driver, Instant)>)> {
        if let Some(taken) = self.try_take() {
            return Ok(taken);
        }
        let wait = Wait {
            pool: self,
            ticket: None,
            timeout: sleep_until(Instant::now() + self.options.acquire_timeout),
        };
        let permit = wait.await?;
        let idle = self.idle();
        Ok((permit, idle))
    }

    fn try_take(self: &Arc<Self>) -> Option<(Permit, Option<(Driver, Instant)>)> {
        let mut state = lock(&self.state);
        if state.free == 0 || !state.waiters.is_empty() {
            return None;
        }
        state.free -= 1;
        let idle = state.pop();
        drop(state);
        Some((Permit(self.clone()), idle))
    }

    /// Another idle connection that fits here.
    pub(crate) fn idle(&self) -> Option<(Driver, Instant)> {
        lock(&self.state).pop()
    }

    /// Makes room for a new connection: takes an idle one that did not fit, when there are too many.
    pub(crate) fn evict(&self) -> Option<Driver> {
        let mut state = lock(&self.state);
        let in_use = self.max - state.free;
        (state.idle.len() + in_use > self.max).then(|| state.idle.remove(0).driver)
    }

    /// Puts a clean connection back; its permit is to be dropped after.
    pub(crate) fn put(&self, driver: Driver) {
        lock(&self.state).idle.push(Idle { driver, since: Instant::now() });
    }

    /// Takes all idle connections.
    pub(crate) fn drain(&self) -> Vec<Driver> {
        lock(&self.state).idle.drain(..).map(|i| i.driver).collect()
    }

    /// How many connections are in use, and how many are idle.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (self.max - state.free, state.idle.len())
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }

    fn timed_out(&self) -> Error {
        let time = self.options.acquire_timeout;
        let what = match self.max {
            1 => "the only connection is in use (a database in memory has but one)".to_owned(),
            n => format!("all {n} connections are in use"),
        };
        Error::new(
            ErrorKind::Timeout,
            format!(
                "waited {time:?} for a connection: {what}; is one kept longer than needed, or `max_connections` too low?"
            ),
        )
    }
}

impl State {
    fn pop(&mut self) -> Option<(Driver, Instant)> {
        let at = self.idle.iter().rposition(|i| i.driver.fits())?;
        let idle = self.idle.remove(at);
        Some((idle.driver, idle.since))
    }

    /// Gives a permit to the first waiter that has none, or keeps it.
    fn give(&mut self) -> Option<Waker> {
        match self.waiters.iter_mut().find(|w| !w.granted) {
            Some(waiter) => {
                waiter.granted = true;
                Some(waiter.waker.clone())
            }
            None => {
                self.free += 1;
                None
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let waker = lock(&self.0.state).give();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Permit {
    pub(crate) fn pool(&self) -> &Pool {
        &self.0
    }
}

/// Waits for a permit.
struct Wait<'p> {
    pool: &'p Arc<Pool>,
    ticket: Option<u64>,
    timeout: Sleep,
}

impl Future for Wait<'_> {
    type Output = Result<Permit>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let pool = self.pool;
        let mut state = lock(&pool.state);
        match self.ticket.and_then(|t| state.waiters.iter().position(|w| w.ticket == t)) {
            Some(at) if state.waiters[at].granted => {
                state.waiters.remove(at);
                self.ticket = None;
                return Poll::Ready(Ok(Permit(pool.clone())));
            }
            Some(at) => state.waiters[at].waker.clone_from(cx.waker()),
            None if state.free > 0 => {
                state.free -= 1;
                return Poll::Ready(Ok(Permit(pool.clone())));
            }
            None => {
                let ticket = state.next;
                state.next += 1;
                state.waiters.push_back(Waiter {
                    ticket,
                    granted: false,
                    waker: cx.waker().clone(),
                });
                self.ticket = Some(ticket);
            }
        }
        drop(state);
        match Pin::new(&mut self.timeout).poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(pool.timed_out())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut state = lock(&self.pool.state);
        let Some(at) = state.waiters.iter().position(|w| w.ticket == ticket) else { return };
        let granted = state.waiters.remove(at).is_some_and(|w| w.granted);
        let waker = if granted { state.give() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
