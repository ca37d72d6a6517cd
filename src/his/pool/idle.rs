//! Connections that wait for a request. Each is mostly used by the runtime that opened it: over one of another core each event
//! would wake that core first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::{self, Handle};
use tokio::time::sleep;

use super::link::Link;
use crate::clock::SharedClock;

/// How long a connection waits before other runtimes take it, too. A busy core opens its own; a HIS that is seldom asked keeps
/// the few connections that it has, whichever core asks.
const ITS_OWN: Duration = Duration::from_millis(100);

/// The connections of one endpoint.
pub(super) struct Idle {
    timeout: Duration,
    most: usize,
    clock: SharedClock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The one that waits longest first.
    waiting: VecDeque<Waiting>,
    /// A task looks after those that nobody takes.
    swept: bool,
}

struct Waiting {
    link: Link,
    since: Instant,
}

impl Waiting {
    fn serves(&self, runtime: runtime::Id, now: Instant) -> bool {
        self.link.is_of(runtime) || now.saturating_duration_since(self.since) >= ITS_OWN
    }
}

impl Idle {
    /// Keeps at most `most` connections, each for `timeout`.
    pub(super) fn new(timeout: Duration, most: usize, clock: SharedClock) -> Self {
        Self { timeout, most, clock, state: Mutex::default() }
    }

    /// The one of this runtime that was used last, or one that nobody else uses.
    pub(super) fn take(&self, now: Instant) -> Option<Link> {
        let runtime = Handle::current().id();
        let mut state = self.state();
        self.drop_old(&mut state, now);
        loop {
            let at = state.waiting.iter().rposition(|kept| kept.serves(runtime, now))?;
            let link = state.waiting.remove(at)?.link;
            if link.is_open() {
                return Some(link);
            }
        }
    }

    /// Keeps it, when it can take a request.
    pub(super) fn keep(self: &Arc<Self>, link: Link) {
        if !link.is_open() {
            return;
        }
        let since = self.clock.monotonic();
        let mut state = self.state();
        if state.waiting.len() >= self.most {
            state.waiting.pop_front();
        }
        state.waiting.push_back(Waiting { link, since });
        if !std::mem::replace(&mut state.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.timeout));
        }
    }

    fn drop_old(&self, state: &mut State, now: Instant) {
        let old = |kept: &Waiting| now.saturating_duration_since(kept.since) >= self.timeout;
        while state.waiting.front().is_some_and(old) {
            state.waiting.pop_front();
        }
    }

    /// Drops those that waited too long; whether more are left.
    fn sweep(&self) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.state();
        self.drop_old(&mut state, now);
        state.swept = !state.waiting.is_empty();
        state.swept
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.state().waiting.is_empty()
    }
}

/// Nobody drives a connection that waits, so nobody sees that the HIS has closed it: none stays for long after its time.
async fn sweep(idle: Weak<Idle>, timeout: Duration) {
    loop {
        sleep(timeout).await;
        if !idle.upgrade().is_some_and(|idle| idle.sweep()) {
            return;
        }
    }
}
