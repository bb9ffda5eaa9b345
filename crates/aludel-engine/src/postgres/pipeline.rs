//! Sending now and awaiting later.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A future that was polled once: a request of `tokio-postgres` is in the connection's queue by then, so requests
/// that are started one after the other reach the server in that order.
pub(super) enum Started<'a, T> {
    Done(T),
    Going(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

/// Starts a future.
pub(super) async fn start<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Started<'a, T> {
    let mut future = Some(Box::pin(future));
    poll_fn(move |cx| {
        let Some(mut going) = future.take() else { unreachable!("it is ready at the first poll") };
        Poll::Ready(match going.as_mut().poll(cx) {
            Poll::Ready(done) => Started::Done(done),
            Poll::Pending => Started::Going(going),
        })
    })
    .await
}

impl<T> Started<'_, T> {
    /// Awaits its end.
    pub(super) async fn finish(self) -> T {
        match self {
            Self::Done(done) => done,
            Self::Going(going) => going.await,
        }
    }
}
