//! Handshakes take turns, so that many at once do not stand between a request and its answer: one step of one of them costs
//! the core as much as some ten requests.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::PollSemaphore;

/// The turns of one accept loop. A turn is given again only when everything that was ready has run meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    used: Arc<Notify>,
}

impl Turns {
    /// Nobody gets a turn before [`Self::give`] runs.
    pub(super) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(0)), used: Arc::new(Notify::new()) }
    }

    /// Gives turns, `at_once` in each round of the runtime; never ends. Using one wakes this task, which then queues behind all
    /// that is ready.
    pub(super) async fn give(&self, at_once: usize) -> Infallible {
        loop {
            self.free.add_permits(at_once.saturating_sub(self.free.available_permits()));
            self.used.notified().await;
        }
    }

    /// The same future, which is polled in turns.
    pub(super) fn take<F: Future + Unpin>(&self, steps: F) -> InTurns<F> {
        InTurns { steps, turn: PollSemaphore::new(Arc::clone(&self.free)), used: Arc::clone(&self.used) }
    }
}

/// See [`Turns::take`].
pub(super) struct InTurns<F> {
    steps: F,
    turn: PollSemaphore,
    used: Arc<Notify>,
}

impl<F: Future + Unpin> Future for InTurns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // The semaphore is never closed.
        if let Some(turn) = ready!(self.turn.poll_acquire(cx)) {
            turn.forget();
        }
        self.used.notify_one();
        Pin::new(&mut self.steps).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Mutex;

    use tokio::task::JoinSet;

    use super::*;

    /// Queues behind all that is ready.
    async fn step_aside() {
        let mut waited = false;
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Five futures of three steps and three others, all ready all the time.
    #[tokio::test]
    async fn between_two_steps_everything_else_runs() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let turns = Turns::new();
        let giver = tokio::spawn({
            let turns = turns.clone();
            async move { turns.give(1).await }
        });
        let mut tasks = JoinSet::new();
        for number in 0..8 {
            let seen = Arc::clone(&seen);
            let work = Box::pin(async move {
                for _ in 0..3 {
                    seen.lock().unwrap().push(number < 5);
                    step_aside().await;
                }
            });
            if number < 5 {
                tasks.spawn(turns.take(work));
            } else {
                tasks.spawn(work);
            }
        }
        tasks.join_all().await;
        giver.abort();
        let seen = seen.lock().unwrap();
        let others = seen.iter().rposition(|step| !step).unwrap();
        let close = seen[..others].windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert_eq!((seen.len(), close), (24, 0), "{seen:?}");
    }
}
