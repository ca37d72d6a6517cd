//! Between those who append and the writer: records queue framed and hashed, so that this work is done while the batch before
//! is flushed, by as many threads as append. Here is also what the log can do now, and when the writer is to go on.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::batch::Batch;
use super::bell::Bells;
use super::pace::Pace;
use crate::audit::segment::{LogId, Payload};
use crate::audit::{AuditError, AuditEvent, PendingReceipt, Recent};
use crate::clock::SharedClock;

/// How often a full device is tried again, at most.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Buffers that are kept to be used again: one is written while another fills.
const SPARE_BUFFERS: usize = 2;

/// Whether the log takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    Open,
    Full,
    Stopped,
}

impl State {
    pub(super) const fn open(self) -> Result<(), AuditError> {
        match self {
            Self::Open => Ok(()),
            Self::Full => Err(AuditError::Full),
            Self::Stopped => Err(AuditError::Stopped),
        }
    }
}

/// Whether a full device is being tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    No,
    Asked,
    UnderWay,
}

/// What waits for the writer.
struct Queue {
    /// In order; only the last takes more.
    batches: VecDeque<Batch>,
    records: usize,
    spare: Vec<Vec<u8>>,
    probe: Probe,
    closing: bool,
    /// The writer waits until so many records are queued. More than there can be: it does not wait for records.
    wanted: usize,
}

/// What `wanted` is while the writer waits for no record.
const NO_MATTER_HOW_MANY: usize = usize::MAX;

/// What the writer takes at once.
pub(super) struct Taken {
    pub(super) batch: Option<Batch>,
    /// When the log is full: try first whether it still is.
    pub(super) probe: bool,
    /// Nothing comes after this.
    pub(super) close: bool,
}

/// What there is for the writer.
enum Holds {
    Nothing,
    /// Records, and nobody has nothing left to do but wait for one.
    Unawaited,
    /// Records that somebody waits for.
    Awaited,
    /// What must not wait: it would serve nobody.
    Urgent,
}

thread_local! {
    /// Where a thread encodes and hashes what it appends, before it queues: to do so in the queue would hold up the others.
    static PAYLOAD: RefCell<Payload> = RefCell::new(Payload::default());
}

/// What those who append and the writer share. Only the writer changes the state.
pub(super) struct Shared {
    log: Arc<str>,
    bound: usize,
    state: AtomicU8,
    queue: Mutex<Queue>,
    work: Condvar,
    /// The writer lets records gather, as long as nobody waits for one.
    pausing: AtomicBool,
    probe_from: Mutex<Instant>,
    durable: watch::Sender<u64>,
    recent: Recent,
    bells: Bells,
    clock: SharedClock,
}

impl Shared {
    /// For a log of so many records; at most `bound` more wait for the writer.
    pub(super) fn new(clock: SharedClock, log: &LogId, records: u64, bound: usize) -> Self {
        let queue = Queue {
            batches: VecDeque::new(),
            records: 0,
            spare: Vec::new(),
            probe: Probe::No,
            closing: false,
            wanted: NO_MATTER_HOW_MANY,
        };
        Self {
            log: log.shared(),
            bound: bound.max(1),
            state: AtomicU8::new(State::Open as u8),
            queue: Mutex::new(queue),
            work: Condvar::new(),
            pausing: AtomicBool::new(false),
            probe_from: Mutex::new(clock.monotonic()),
            durable: watch::Sender::new(records),
            recent: Recent::default(),
            bells: Bells::default(),
            clock,
        }
    }

    /// The id of the log.
    pub(super) const fn log(&self) -> &Arc<str> {
        &self.log
    }

    /// What became durable last.
    pub(super) const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// What wakes those who wait.
    pub(super) const fn bells(&self) -> &Bells {
        &self.bells
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// How many records are durable, now and later.
    pub(super) fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// So many records are durable.
    pub(super) fn tell_durable(&self, records: u64) {
        self.durable.send_replace(records);
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Open,
            1 => State::Full,
            _ => State::Stopped,
        }
    }

    /// When the log was full a second ago, has the writer try again: what is appended now waits for the outcome. True when
    /// this caller asked.
    pub(super) fn ask_again(&self) -> bool {
        if self.state() != State::Full || !self.claim_probe() {
            return false;
        }
        self.queue().probe = Probe::Asked;
        self.work.notify_one();
        true
    }

    /// True for one caller in each interval.
    fn claim_probe(&self) -> bool {
        let now = self.clock.monotonic();
        let mut from = self.probe_from.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now >= *from;
        if due {
            *from = now + PROBE_INTERVAL;
        }
        due
    }

    /// Queues an event. Its index is settled when all before it are durable.
    ///
    /// # Errors
    /// When the log does not take it, or too many wait; it is then not recorded.
    pub(super) fn push(self: &Arc<Self>, event: &AuditEvent) -> Result<PendingReceipt, AuditError> {
        let queued = PAYLOAD.try_with(|payload| self.push_in(event, &mut payload.borrow_mut()));
        // A thread that is about to end has no memory of its own any more.
        queued.unwrap_or_else(|_| self.push_in(event, &mut Payload::default()))
    }

    fn push_in(self: &Arc<Self>, event: &AuditEvent, payload: &mut Payload) -> Result<PendingReceipt, AuditError> {
        payload.encode(event, &self.log);
        let mut queue = self.queue();
        self.admits(&queue)?;
        let pending = queue.push(payload, self)?;
        let enough = queue.records >= queue.wanted;
        if enough {
            queue.end_gathering();
        }
        drop(queue);
        if enough {
            self.work.notify_one();
        }
        Ok(pending)
    }

    fn admits(&self, queue: &Queue) -> Result<(), AuditError> {
        match self.state() {
            State::Full if queue.probe == Probe::No => return Err(AuditError::Full),
            State::Stopped => return Err(AuditError::Stopped),
            State::Open | State::Full => {}
        }
        match (queue.closing, queue.records >= self.bound) {
            (true, _) => Err(AuditError::Stopped),
            (_, true) => Err(AuditError::Busy),
            _ => Ok(()),
        }
    }

    /// After what is queued nothing is taken any more.
    pub(super) fn close(&self) {
        self.queue().closing = true;
        self.work.notify_one();
    }

    /// Somebody waits for a record and has nothing else to do, so its batch is not held back.
    pub(super) fn hurry(&self) {
        if self.pausing.load(Ordering::SeqCst) {
            // The writer that sets the mark looks for waiters before it lets go of the queue.
            drop(self.queue());
            self.work.notify_one();
        }
    }

    /// As the writer that waits for so many.
    #[cfg(test)]
    pub(super) fn want(&self, records: usize) {
        self.queue().wanted = records;
    }

    /// What there is to do, without waiting.
    #[cfg(test)]
    pub(super) fn take(&self) -> Taken {
        self.queue().take()
    }

    /// Waits until there is something to do, and as the pace says for records to gather.
    pub(super) fn next(&self, pace: Pace) -> Taken {
        let mut queue = self.queue();
        let mut enough = pace.enough(queue.records);
        loop {
            // Before it is looked whether somebody waits: who comes to wait later sees it.
            self.pausing.store(true, Ordering::SeqCst);
            let (wanted, until) = match queue.holds() {
                Holds::Nothing => (1, None),
                Holds::Unawaited => (NO_MATTER_HOW_MANY, Some(pace.due)),
                Holds::Awaited if queue.records < enough => (enough, Some(pace.soon)),
                Holds::Awaited | Holds::Urgent => (0, None),
            };
            let left = until.map(|until| until.saturating_duration_since(self.clock.monotonic()));
            let now = wanted == 0 || left == Some(Duration::ZERO);
            if now || wanted != NO_MATTER_HOW_MANY {
                self.pausing.store(false, Ordering::SeqCst);
            }
            if now {
                return queue.take();
            }
            queue.wanted = wanted;
            let (again, passed) = self.wait(queue, left);
            queue = again;
            if passed && std::mem::replace(&mut queue.wanted, NO_MATTER_HOW_MANY) == enough {
                enough = 0;
            }
        }
    }

    /// Until there is something new, or for so long; whether that passed.
    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>, most: Option<Duration>) -> (MutexGuard<'a, Queue>, bool) {
        let Some(most) = most else {
            return (self.work.wait(queue).unwrap_or_else(PoisonError::into_inner), false);
        };
        let (queue, waited) = self.work.wait_timeout(queue, most).unwrap_or_else(PoisonError::into_inner);
        (queue, waited.timed_out())
    }

    /// From now on the log is in this state. In another than open, nothing that waits becomes durable.
    pub(super) fn enter(&self, state: State) {
        let mut queue = self.queue();
        if state == State::Full {
            let from = self.clock.monotonic() + PROBE_INTERVAL;
            *self.probe_from.lock().unwrap_or_else(PoisonError::into_inner) = from;
        }
        self.state.store(state as u8, Ordering::Release);
        queue.probe = Probe::No;
        let Err(error) = state.open() else { return };
        let failed = queue.empty();
        drop(queue);
        for batch in failed {
            batch.answer(Err(error));
        }
    }

    /// The writer has ended, however that was.
    pub(super) fn end(&self) {
        self.enter(State::Stopped);
    }

    /// A buffer to use again.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        let mut queue = self.queue();
        if queue.spare.len() < SPARE_BUFFERS {
            queue.spare.push(buffer);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, payload: &Payload, shared: &Arc<Shared>) -> Result<PendingReceipt, AuditError> {
        if self.batches.back().is_none_or(Batch::is_full) {
            let buffer = self.spare.pop().unwrap_or_default();
            self.batches.push_back(Batch::in_buffer(buffer, shared));
        }
        let batch = self.batches.back_mut().ok_or(AuditError::Stopped)?;
        self.records += 1;
        Ok(batch.push(payload))
    }

    /// What the writer waited for is there. What comes until it wakes is the next batch: two that take turns keep both the
    /// processor and the disk at work, where one of nearly all would have each wait for the other.
    fn end_gathering(&mut self) {
        let wanted = std::mem::replace(&mut self.wanted, NO_MATTER_HOW_MANY);
        if let Some(batch) = self.batches.back_mut().filter(|_| wanted > 1) {
            batch.end();
        }
    }

    fn holds(&self) -> Holds {
        if self.closing || self.probe == Probe::Asked || self.batches.len() > 1 {
            return Holds::Urgent;
        }
        match self.batches.front().map(Batch::is_awaited) {
            None => Holds::Nothing,
            Some(false) => Holds::Unawaited,
            Some(true) => Holds::Awaited,
        }
    }

    fn take(&mut self) -> Taken {
        let batch = self.batches.pop_front();
        self.records -= batch.as_ref().map_or(0, Batch::len);
        let probe = self.probe == Probe::Asked;
        if probe {
            self.probe = Probe::UnderWay;
        }
        Taken { batch, probe, close: self.closing && self.batches.is_empty() }
    }

    fn empty(&mut self) -> VecDeque<Batch> {
        self.records = 0;
        std::mem::take(&mut self.batches)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state()).finish_non_exhaustive()
    }
}
