//! Waiting for a moment without a runtime: one thread for the process, started when something has to wait.
//!
//! Waits are rare (a full pool, a locked SQLite file), and they must work under tokio, under another
//! executor, and under none; hence a timer of our own rather than a runtime's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A future that is ready at a moment.
pub(crate) struct Sleep {
    at: Instant,
    slot: Option<Arc<Slot>>,
}

type Slot = Mutex<Option<Waker>>;

/// Ready after a time.
pub(crate) fn sleep(time: Duration) -> Sleep {
    sleep_until(Instant::now() + time)
}

/// Ready at a moment.
pub(crate) fn sleep_until(at: Instant) -> Sleep {
    Sleep { at, slot: None }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.at {
            return Poll::Ready(());
        }
        match &self.slot {
            Some(slot) => *lock(slot) = Some(cx.waker().clone()),
            None => {
                let slot = Arc::new(Mutex::new(Some(cx.waker().clone())));
                // Without a thread there is no timer; to be early is better than never.
                let Some(timer) = Timer::get() else { return Poll::Ready(()) };
                timer.add(self.at, slot.clone());
                self.slot = Some(slot);
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            lock(slot).take();
        }
    }
}

struct Entry {
    at: Instant,
    slot: Arc<Slot>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[derive(Default)]
struct Timer {
    queue: Mutex<BinaryHeap<Reverse<Entry>>>,
    changed: Condvar,
}

impl Timer {
    fn get() -> Option<&'static Self> {
        static TIMER: OnceLock<Option<Arc<Timer>>> = OnceLock::new();
        TIMER
            .get_or_init(|| {
                let timer = Arc::new(Self::default());
                let its = timer.clone();
                std::thread::Builder::new()
                    .name("aludel-timer".into())
                    .spawn(move || its.run())
                    .ok()?;
                Some(timer)
            })
            .as_deref()
    }

    fn add(&self, at: Instant, slot: Arc<Slot>) {
        lock(&self.queue).push(Reverse(Entry { at, slot }));
        self.changed.notify_one();
    }

    fn run(&self) -> ! {
        let mut queue = lock(&self.queue);
        loop {
            let now = Instant::now();
            while queue.peek().is_some_and(|e| e.0.at <= now) {
                let waker = queue.pop().and_then(|e| lock(&e.0.slot).take());
                if let Some(waker) = waker {
                    // Not under the lock: a waker may run anything.
                    drop(queue);
                    waker.wake();
                    queue = lock(&self.queue);
                }
            }
            queue = match queue.peek().map(|e| e.0.at.saturating_duration_since(Instant::now())) {
                Some(time) => {
                    self.changed.wait_timeout(queue, time).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// Locks; what a panic left is still good here, since every change is one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
