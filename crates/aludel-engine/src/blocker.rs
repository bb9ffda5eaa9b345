//! Running futures without the user's runtime.
//!
//! SQLite's futures are ready at the first poll, so they are polled once with a waker that does nothing;
//! only when that is not enough (the pool is empty) the thread parks. PostgreSQL needs a runtime: the engine
//! has one of its own, made when it is first needed, and runs the future and the connections' tasks on it.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    #[cfg(feature = "postgres")]
    static UNSENT: Cell<bool> = const { Cell::new(false) };
}

/// Says that a connection has something to send for which nobody waits, such as the ROLLBACK of a dropped one.
#[cfg(feature = "postgres")]
pub(crate) fn mark_unsent() {
    UNSENT.set(true);
}

/// Whether this thread may be blocked: it is inside of [`inline`] or of the engine's own runtime.
pub(crate) fn may_block() -> bool {
    DEPTH.get() > 0
}

/// Says that this thread may be blocked, until it is dropped.
pub(crate) struct Blocking(());

impl Blocking {
    pub(crate) fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(())
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, without a runtime.
pub(crate) fn inline<F: Future>(future: F) -> F::Output {
    let _blocking = Blocking::enter();
    let mut future = pin!(future);
    if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return out;
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut cx) {
            return out;
        }
        std::thread::park();
    }
}

#[cfg(feature = "postgres")]
pub(crate) use own::OwnRuntime;

#[cfg(feature = "postgres")]
mod own {
    use super::{Blocking, UNSENT};
    use crate::timer::lock;
    use aludel_sql::{Error, ErrorKind, Result};
    use std::sync::{Arc, Mutex};
    use tokio::runtime::{Builder, Handle, Runtime};

    /// The engine's own runtime, for blocking use of a server.
    #[derive(Default)]
    pub(crate) struct OwnRuntime(Mutex<Option<Arc<Runtime>>>);

    impl OwnRuntime {
        /// Runs a future to its end; an error inside a runtime, where it would stop other tasks.
        pub(crate) fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
            if Handle::try_current().is_ok() {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    "blocking use inside an async runtime would stop its other tasks: use the async API here, \
                     or tokio::task::spawn_blocking",
                ));
            }
            let runtime = self.get()?;
            let _blocking = Blocking::enter();
            Ok(runtime.block_on(async {
                let out = future.await;
                if UNSENT.take() {
                    let_send().await;
                }
                out
            }))
        }

        /// Lets the connections send what nobody waits for: between two calls nobody drives them.
        pub(crate) fn nudge(&self) {
            if !UNSENT.get() || Handle::try_current().is_ok() {
                return;
            }
            let runtime = lock(&self.0).clone();
            UNSENT.set(false);
            if let Some(runtime) = runtime {
                runtime.block_on(let_send());
            }
        }

        fn get(&self) -> Result<Arc<Runtime>> {
            let mut own = lock(&self.0);
            if let Some(runtime) = &*own {
                return Ok(runtime.clone());
            }
            let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| {
                Error::new(ErrorKind::Resources, "cannot start a runtime for blocking use")
                    .with_cause(e)
            })?;
            Ok(own.insert(Arc::new(runtime)).clone())
        }
    }

    /// A few turns for the other tasks: one takes the message, one more may be needed for the socket.
    async fn let_send() {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    impl Drop for OwnRuntime {
        fn drop(&mut self) {
            // A runtime may not be dropped inside another's task, where the engine's last clone may be.
            if let Some(runtime) = lock(&self.0).take().and_then(Arc::into_inner) {
                runtime.shutdown_background();
            }
        }
    }
}
