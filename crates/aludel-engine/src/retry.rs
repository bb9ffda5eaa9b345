//! When a unit of work is run again after a failure, and how long is waited before.

use crate::timer::sleep;
use aludel_sql::{Error, ErrorKind};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// When a unit of work is run again, and after which delay.
///
/// It is run again after a serialization failure and a deadlock, in which the database says that another try may
/// succeed, and after the kinds added by [`also`](Self::also). A failure of kind
/// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) is final whatever the policy says: the work may have been done.
///
/// ```
/// # use aludel_engine::RetryPolicy;
/// # use aludel_sql::{Error, ErrorKind};
/// # use std::time::Duration;
/// let ms = Duration::from_millis;
/// let policy = RetryPolicy::new().attempts(4).backoff(ms(10), ms(15)).without_jitter();
/// let deadlock = Error::new(ErrorKind::Deadlock, "deadlock detected");
/// let delays: Vec<_> = (1..=4).map(|attempt| policy.delay(attempt, &deadlock)).collect();
/// assert_eq!(delays, [Some(ms(10)), Some(ms(15)), Some(ms(15)), None]);
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    attempts: u32,
    also: Vec<ErrorKind>,
    backoff: Backoff,
}

#[derive(Clone)]
enum Backoff {
    /// Doubling; with jitter, a random time between the half of it and the whole.
    Doubling {
        first: Duration,
        longest: Duration,
        jitter: bool,
    },
    By(Arc<DelayOf>),
}

/// The delay after attempts that were made, and the last one's error.
type DelayOf = dyn Fn(u32, &Error) -> Duration + Send + Sync;

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl RetryPolicy {
    /// Five attempts, with delays that double from 10 ms up to a second, and jitter.
    pub fn new() -> Self {
        let (first, longest) = (Duration::from_millis(10), Duration::from_secs(1));
        Self {
            attempts: 5,
            also: Vec::new(),
            backoff: Backoff::Doubling { first, longest, jitter: true },
        }
    }

    /// No second attempt.
    pub fn never() -> Self {
        Self::new().attempts(1)
    }

    /// Sets how often the work is run at most; at least once.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the delay after the first attempt, which doubles after each further one, and the longest.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        let jitter = !matches!(self.backoff, Backoff::Doubling { jitter: false, .. });
        self.backoff = Backoff::Doubling { first, longest, jitter };
        self
    }

    /// Takes the delays as they are, not a random part of them. Programs that were in each other's way meet again.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        if let Backoff::Doubling { jitter, .. } = &mut self.backoff {
            *jitter = false;
        }
        self
    }

    /// No delays.
    #[must_use]
    pub fn immediately(self) -> Self {
        self.backoff(Duration::ZERO, Duration::ZERO)
    }

    /// Lets a function say the delay, from the number of attempts that were made (from one) and the last one's error.
    #[must_use]
    pub fn backoff_with(
        mut self,
        delay: impl Fn(u32, &Error) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.backoff = Backoff::By(Arc::new(delay));
        self
    }

    /// Runs the work again after failures of this kind, too: [`Stale`](ErrorKind::Stale), for work that reads what
    /// it changes; [`ConnectionLost`](ErrorKind::ConnectionLost), which nothing before the COMMIT survives;
    /// [`Timeout`](ErrorKind::Timeout).
    #[must_use]
    pub fn also(mut self, kind: ErrorKind) -> Self {
        self.also.push(kind);
        self
    }

    /// How long to wait before the work is run again, when the attempt of this number (from one) has failed; `None`
    /// when it is not to be run again.
    pub fn delay(&self, attempt: u32, error: &Error) -> Option<Duration> {
        let kind = error.first_kind();
        let may_succeed = error.is_retryable() || self.also.contains(&kind);
        if attempt >= self.attempts || !may_succeed || kind == ErrorKind::OutcomeUnknown {
            return None;
        }
        Some(match &self.backoff {
            Backoff::By(delay) => delay(attempt, error),
            Backoff::Doubling { first, longest, jitter } => {
                let doubled = 1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
                let delay = first.saturating_mul(doubled).min(*longest);
                if *jitter { delay.mul_f64(0.5 + random() / 2.0) } else { delay }
            }
        })
    }

    /// Waits for the [delay](Self::delay), and says whether the work is to be run again. It needs no runtime.
    pub async fn pause(&self, attempt: u32, error: &Error) -> bool {
        match self.delay(attempt, error) {
            None => false,
            Some(delay) => {
                if !delay.is_zero() {
                    sleep(delay).await;
                }
                true
            }
        }
    }
}

/// A number from zero to one: the seed that the standard library gives each hasher.
fn random() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

impl std::fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("RetryPolicy");
        shown.field("attempts", &self.attempts).field("also", &self.also);
        match &self.backoff {
            Backoff::Doubling { first, longest, jitter } => {
                shown.field("first", first).field("longest", longest).field("jitter", jitter)
            }
            Backoff::By(_) => shown.field("backoff", &"a function"),
        };
        shown.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: ErrorKind) -> Error {
        Error::new(kind, "it failed")
    }

    #[test]
    fn what_is_run_again() {
        let policy = RetryPolicy::new().immediately();
        let again = |policy: &RetryPolicy, kind| policy.delay(1, &failure(kind)).is_some();
        assert!(again(&policy, ErrorKind::Serialization) && again(&policy, ErrorKind::Deadlock));
        for kind in [ErrorKind::Stale, ErrorKind::ConnectionLost, ErrorKind::UniqueViolation] {
            assert!(!again(&policy, kind) && again(&policy.clone().also(kind), kind));
        }
        assert!(!again(&policy.also(ErrorKind::OutcomeUnknown), ErrorKind::OutcomeUnknown));
        assert!(!again(&RetryPolicy::never(), ErrorKind::Deadlock));
    }

    #[test]
    fn a_failure_that_was_passed_over_counts() {
        let pending = || failure(ErrorKind::PendingRollback);
        let policy = RetryPolicy::new();
        assert_eq!(policy.delay(1, &pending()), None);
        let deadlock = pending().with_cause(failure(ErrorKind::Deadlock));
        assert!(policy.delay(1, &deadlock).is_some());
    }

    #[test]
    fn delays_double_within_bounds() {
        let ms = Duration::from_millis;
        let deadlock = failure(ErrorKind::Deadlock);
        let policy = RetryPolicy::new().attempts(u32::MAX).backoff(ms(8), ms(100));
        for (attempt, most) in [(1, 8), (2, 16), (3, 32), (4, 64), (5, 100), (40, 100), (4000, 100)]
        {
            let delay = policy.delay(attempt, &deadlock).unwrap();
            assert!((ms(most) / 2..=ms(most)).contains(&delay), "{attempt}: {delay:?}");
        }
        let policy = policy.backoff_with(|attempt, error| {
            assert_eq!(error.kind(), ErrorKind::Deadlock);
            Duration::from_secs(u64::from(attempt))
        });
        assert_eq!(policy.delay(7, &deadlock), Some(Duration::from_secs(7)));
    }
}
