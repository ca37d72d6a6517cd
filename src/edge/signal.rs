//! Something that happens once and of which all connections learn.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio_util::sync::CancellationToken;

/// A token whose holders ask at each step: to see that nothing has happened is one load, where the token itself takes two locks.
#[derive(Debug, Clone, Default)]
pub(super) struct Signal(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    raised: AtomicBool,
    token: CancellationToken,
}

impl Signal {
    /// It happens. Whoever waits is woken, and sees it then.
    pub(super) fn raise(&self) {
        self.0.raised.store(true, Ordering::Release);
        self.0.token.cancel();
    }

    pub(super) fn is_raised(&self) -> bool {
        self.0.raised.load(Ordering::Acquire)
    }

    /// Wakes the task that polls it when the signal comes.
    pub(super) fn raised(&self) -> impl Future<Output = ()> + '_ {
        self.0.token.cancelled()
    }

    /// The outcome of a future; `None` when the signal came first.
    pub(super) async fn or<F: Future>(&self, future: F) -> Option<F::Output> {
        let (mut future, mut raised, mut waits) = (pin!(future), pin!(self.raised()), false);
        poll_fn(|cx| {
            // A task has one waker, so it is enough to leave it there once.
            if !std::mem::replace(&mut waits, true) {
                let _pending = raised.as_mut().poll(cx);
            }
            if self.is_raised() { Poll::Ready(None) } else { future.as_mut().poll(cx).map(Some) }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn who_waits_is_woken_and_who_comes_later_sees_it() {
        let signal = Signal::default();
        assert_eq!(signal.or(ready(1)).await, Some(1));
        let waits = tokio::spawn({
            let signal = signal.clone();
            async move { signal.or(pending::<()>()).await }
        });
        tokio::task::yield_now().await;
        signal.raise();
        assert_eq!(waits.await.unwrap(), None);
        assert!(signal.is_raised());
        assert_eq!(signal.or(ready(1)).await, None);
    }
}
