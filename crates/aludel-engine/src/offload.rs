//! Threads that run whole units of work, for callers whose own thread must stay free.

use crate::blocker::inline;
use crate::timer::lock;
use aludel_sql::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// The threads of an engine; started when they are needed, at most `max` of them.
#[derive(Clone)]
pub(crate) struct Workers(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    max: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Workers {
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), work: Condvar::new(), max }))
    }

    /// Runs a future on one of the threads. A panic in it is a panic here.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let answer = Arc::new(Mutex::new(Answer { result: None, waker: None }));
        let its = answer.clone();
        self.push(Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(|| inline(future)));
            let mut answer = lock(&its);
            answer.result = Some(result);
            if let Some(waker) = answer.waker.take() {
                drop(answer);
                waker.wake();
            }
        }))?;
        match Ask(answer).await {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }

    fn push(&self, job: Job) -> Result<()> {
        let mut state = lock(&self.0.state);
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() || state.threads == self.0.max {
            drop(state);
            self.0.work.notify_one();
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let shared = self.0.clone();
        let started =
            std::thread::Builder::new().name("aludel-offload".into()).spawn(move || shared.work());
        if let Err(e) = started {
            let mut state = lock(&self.0.state);
            state.threads -= 1;
            if state.threads == 0 {
                state.jobs.clear();
                return Err(Error::new(
                    ErrorKind::Resources,
                    "cannot start a thread to offload work to",
                )
                .with_cause(e));
            }
        }
        Ok(())
    }
}

impl Shared {
    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = lock(&self.state);
                continue;
            }
            state.idle += 1;
            let (woken, wait) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

struct Answer<T> {
    result: Option<std::thread::Result<Result<T>>>,
    waker: Option<Waker>,
}

/// Waits for the answer.
struct Ask<T>(Arc<Mutex<Answer<T>>>);

impl<T> Future for Ask<T> {
    type Output = std::thread::Result<Result<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = lock(&self.0);
        match answer.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                answer.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
