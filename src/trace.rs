//! What is observed of one request while it is answered: its place in a trace, how long each of its steps took, which client
//! asked, and why it was refused. It travels with the task and not through the signatures: no rule takes or returns it, so
//! none can depend on being watched. Outside a request every function here does nothing.
//!
//! By type there is no person in it: ids, times, names of clients, and words of ours.

mod context;
mod step;

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use self::context::{TraceContext, TraceId};
pub use self::step::Step;
use self::step::{Stopwatch, is_timed};
use crate::clock::Clock;
use crate::medmij::{Hostname, LocalId};

tokio::task_local! {
    static PASSAGE: Arc<Passage>;
}

/// A request on its way.
#[derive(Debug)]
pub struct Passage {
    id: LocalId,
    context: TraceContext,
    at: Timestamp,
    began: Instant,
    /// `None` when it is not timed.
    watch: Option<Box<Stopwatch>>,
    client: OnceLock<Hostname>,
    reason: OnceLock<&'static str>,
}

impl Passage {
    /// A request begins, in this step. `traceparent`: the header of that name, when there is exactly one.
    #[must_use]
    pub fn begin(traceparent: Option<&str>, now: Timestamp, began: Instant, step: Step) -> Arc<Self> {
        let id = LocalId::new(now);
        let continued = traceparent.and_then(|header| TraceContext::continued(header, id));
        Arc::new(Self {
            id,
            context: continued.unwrap_or_else(|| TraceContext::begun(id)),
            at: now,
            began,
            watch: is_timed(began).then(|| Box::new(Stopwatch::start(began, step))),
            client: OnceLock::new(),
            reason: OnceLock::new(),
        })
    }

    /// Does the work of this request, or a part of it that runs as a task of its own.
    pub async fn along<W: Future>(self: Arc<Self>, work: W) -> W::Output {
        PASSAGE.scope(self, work).await
    }

    /// The answer is there: how long it took in all.
    pub fn end(&self, now: Instant) -> Duration {
        if let Some(watch) = &self.watch {
            watch.enter(Step::Answer, now);
        }
        now.saturating_duration_since(self.began)
    }

    /// Our id of it, which is its reference number where it gets one.
    #[must_use]
    pub const fn id(&self) -> LocalId {
        self.id
    }

    /// Its place in a trace.
    #[must_use]
    pub const fn context(&self) -> &TraceContext {
        &self.context
    }

    /// The moment at which it began.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The client, once it is known to be one of ours.
    #[must_use]
    pub fn client(&self) -> Option<&Hostname> {
        self.client.get()
    }

    /// Why it was refused: one of our codes.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        self.reason.get().copied()
    }

    /// Whether its steps are timed.
    #[must_use]
    pub const fn is_timed(&self) -> bool {
        self.watch.is_some()
    }

    /// How long it was in a step; `None` when it was not, or is not timed.
    #[must_use]
    pub fn taken(&self, step: Step) -> Option<Duration> {
        self.watch.as_ref()?.taken(step)
    }

    /// How long after its begin it first came into a step; `None` when it did not, or is not timed.
    #[must_use]
    pub fn entered(&self, step: Step) -> Option<Duration> {
        self.watch.as_ref()?.entered(step)
    }
}

/// The request of this task comes into a step; says which it left. The clock is asked only for one that is timed.
pub fn enter(step: Step, clock: &dyn Clock) -> Option<Step> {
    let entered = |passage: &Arc<Passage>| passage.watch.as_ref()?.enter(step, clock.monotonic());
    PASSAGE.try_with(entered).ok().flatten()
}

/// Does a part of the work of the request in another step, and comes back to the one it was in.
pub async fn during<W: Future>(step: Step, clock: &dyn Clock, work: W) -> W::Output {
    let before = enter(step, clock);
    let done = work.await;
    if let Some(before) = before {
        enter(before, clock);
    }
    done
}

/// Whether what is done in this task is timed: when it is done for no request, or for one that is.
#[must_use]
pub fn is_timed_now() -> bool {
    PASSAGE.try_with(|passage| passage.is_timed()).unwrap_or(true)
}

/// Which client asks. Only a name that a register or list of ours has may come here: it becomes a label.
pub fn named(client: &Hostname) {
    let _ = PASSAGE.try_with(|passage| {
        passage.client.get_or_init(|| client.clone());
    });
}

/// Why the request of this task is refused. The first reason stays.
pub fn refused(reason: &'static str) {
    let _ = PASSAGE.try_with(|passage| *passage.reason.get_or_init(|| reason));
}

/// The id of the request of this task; a new one where there is none.
#[must_use]
pub fn id(clock: &dyn Clock) -> LocalId {
    PASSAGE.try_with(|passage| passage.id).unwrap_or_else(|_| LocalId::new(clock.now()))
}

/// The header `traceparent` of a call that the request of this task makes.
#[must_use]
pub fn header() -> Option<[u8; context::HEADER_LENGTH]> {
    PASSAGE.try_with(|passage| passage.context.header()).ok()
}

/// The request of this task, for work that goes on in another.
#[must_use]
pub fn current() -> Option<Arc<Passage>> {
    PASSAGE.try_with(Arc::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    fn passage(clock: &TestClock, step: Step) -> Arc<Passage> {
        Passage::begin(None, clock.now(), clock.monotonic(), step)
    }

    #[tokio::test]
    async fn each_moment_belongs_to_one_step() {
        let clock = TestClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        let passage = passage(&clock, Step::Token);
        let client = Hostname::parse("pgo.example.nl").unwrap();
        let work = async {
            clock.advance(Duration::from_millis(1));
            assert_eq!(enter(Step::Decide, &*clock), Some(Step::Token));
            clock.advance(Duration::from_millis(2));
            assert_eq!(enter(Step::His, &*clock), Some(Step::Decide));
            clock.advance(Duration::from_millis(5));
            enter(Step::Decide, &*clock);
            clock.advance(Duration::from_millis(7));
            named(&client);
            refused("first");
            refused("second");
            id(&*clock)
        };
        assert_eq!(Arc::clone(&passage).along(work).await, passage.id());
        assert_eq!(passage.end(clock.monotonic()), Duration::from_millis(15));
        let taken = [Step::Token, Step::Decide, Step::His, Step::Shape].map(|step| passage.taken(step));
        assert_eq!(taken, [1, 9, 5, 0].map(|millis| (millis > 0).then(|| Duration::from_millis(millis))));
        let entered = [Step::Token, Step::His, Step::Shape].map(|step| passage.entered(step));
        assert_eq!(entered, [Some(Duration::ZERO), Some(Duration::from_millis(3)), None]);
        assert_eq!((passage.client(), passage.reason()), (Some(&client), Some("first")));
    }

    #[test]
    fn outside_a_request_nothing_is_observed() {
        let clock = TestClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        assert_eq!(enter(Step::His, &*clock), None);
        refused("nowhere");
        assert_eq!((header(), current().is_none()), (None, true));
        assert_ne!(id(&*clock), id(&*clock));
    }
}
