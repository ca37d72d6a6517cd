//! From a step to the spool: a bounded queue, and the thread that empties it.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::counts::{Counts, add};
use super::line::{Names, Pen};
use super::spool::Filling;
use super::{ChainLog, Entry};
use crate::background;
use crate::clock::SharedClock;

/// Lines that wait for the disk; at some 300 bytes a line.
const QUEUE_BOUND: usize = 8192;

/// How long lines gather before they are written. Under load the thread is woken once in so long and not for every line: to
/// wake it would cost the request more than to note the line.
const GATHER: Duration = Duration::from_millis(10);

/// Lines between two breaths: some fifty microseconds of work.
const BREATH: usize = 256;

/// How long the thread sleeps when there is nothing to do, unless it is woken.
const IDLE: Duration = Duration::from_secs(3_600);

/// A chain log that spools.
pub struct QueuedLog {
    queue: Arc<Queue>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Between those who note and the thread.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    /// The thread waits for the first entry.
    asleep: bool,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an entry, unless there are too many or nobody takes them out any more.
    fn push(&self, entry: Entry) -> bool {
        let mut waiting = self.lock();
        if waiting.closed || waiting.entries.len() >= QUEUE_BOUND {
            return false;
        }
        waiting.entries.push(entry);
        let asleep = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if asleep {
            self.changed.notify_one();
        }
        true
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits for the first entry, at most so long, and for those that come with it. Exchanges them for the empty `taken`; false
    /// when no more will come.
    fn take(&self, most: Duration, taken: &mut Vec<Entry>) -> bool {
        let mut waiting = self.lock();
        if waiting.entries.is_empty() && !waiting.closed {
            waiting.asleep = true;
            let woken = self.changed.wait_timeout_while(waiting, most, |held| held.asleep && !held.closed);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
            waiting.asleep = false;
        }
        if !waiting.entries.is_empty() {
            let gathered = self.changed.wait_timeout_while(waiting, GATHER, |held| !held.closed);
            waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut waiting.entries, taken);
        !waiting.closed
    }
}

impl QueuedLog {
    /// Starts the thread that writes to `spool`. A batch is handed over once it is `every` old.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        spool: Filling,
        names: Names,
        every: Duration,
        clock: SharedClock,
        counts: Arc<Counts>,
    ) -> std::io::Result<Self> {
        let queue = Arc::<Queue>::default();
        let writer = Writer { spool, pen: Pen::new(names), every, clock, filled_since: None, text: Vec::new() };
        let taken = Arc::clone(&queue);
        let thread = background::spawn("inzage-chain", move || writer.run(&taken))?;
        Ok(Self { queue, counts, thread: Mutex::new(Some(thread)) })
    }

    /// Spools what is queued and hands over the last batch; later entries are dropped and counted. Waits for the disk.
    pub fn close(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the writer of the chain log ended by a panic");
        }
    }
}

impl ChainLog for QueuedLog {
    fn note(&self, entry: Entry) {
        if !self.queue.push(entry) {
            add(&self.counts.dropped_at_queue, 1);
        }
    }
}

impl Drop for QueuedLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for QueuedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedLog").field("counts", &self.counts).finish_non_exhaustive()
    }
}

struct Writer {
    spool: Filling,
    pen: Pen,
    every: Duration,
    clock: SharedClock,
    /// When the first line of the batch that is being filled came.
    filled_since: Option<Instant>,
    /// What is written at once; its memory is used again.
    text: Vec<u8>,
}

impl Writer {
    fn run(mut self, queue: &Queue) {
        let mut entries = Vec::new();
        let mut open = true;
        while open {
            open = queue.take(self.left().unwrap_or(IDLE), &mut entries);
            self.write(&entries);
            if entries.is_empty() || self.left().is_some_and(|left| left.is_zero()) {
                self.hand_over();
            }
            entries.clear();
        }
        self.hand_over();
    }

    /// How long the batch that is being filled may still wait; `None` when there is none.
    fn left(&self) -> Option<Duration> {
        let since = self.filled_since?;
        Some(self.every.saturating_sub(self.clock.monotonic().saturating_duration_since(since)))
    }

    fn write(&mut self, entries: &[Entry]) {
        let mut rest = entries;
        while !rest.is_empty() {
            let fits = usize::try_from(self.spool.room()).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at(fits);
            self.text.clear();
            for lines in now.chunks(BREATH) {
                lines.iter().for_each(|entry| self.pen.write(entry, &mut self.text));
                background::breathe();
            }
            self.filled_since.get_or_insert(self.clock.monotonic());
            if self.spool.append(&self.text, fits as u64) {
                self.filled_since = None;
            }
            rest = later;
        }
    }

    fn hand_over(&mut self) {
        self.filled_since = None;
        self.spool.hand_over();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::event::Event;
    use super::super::line::tests::{entry, names};
    use super::super::spool::{self, SpoolConfig};
    use super::*;
    use crate::clock::TestClock;
    use crate::secret::random;

    #[test]
    fn what_was_noted_before_the_end_is_spooled_in_order_and_what_comes_later_is_counted() {
        let dir = std::env::temp_dir().join(format!("inzage-queue-{:032x}", u128::from_le_bytes(random::<16>())));
        let (clock, counts) = (TestClock::at("2026-11-21T11:00:00Z".parse().unwrap()), Arc::new(Counts::default()));
        let config = SpoolConfig { dir: dir.clone(), bytes_max: 1 << 20, lines_max: 300 };
        let (filling, batches) = spool::open(config, clock.clone(), Arc::clone(&counts)).unwrap();
        let log = QueuedLog::start(filling, names(), Duration::from_secs(5), clock, Arc::clone(&counts)).unwrap();
        for millis in 0..1_000 {
            let noted = entry(Event::ShowLandingPage);
            log.note(Entry { at: noted.at + jiff::SignedDuration::from_millis(millis), ..noted });
        }
        log.close();
        log.note(entry(Event::ShowLandingPage));
        assert_eq!(counts.dropped_at_queue.load(Ordering::Relaxed), 1);
        let (mut text, mut sizes) = (Vec::new(), Vec::new());
        while let Some(batch) = batches.take() {
            text.extend(batches.read(&batch).unwrap());
            sizes.push(batch.lines);
            batches.remove(&batch).unwrap();
        }
        assert_eq!(sizes, [300, 300, 300, 100]);
        let text = String::from_utf8(text).unwrap();
        let times: Vec<_> = text.lines().map(|line| line.split("datetime\":\"").nth(1).unwrap().get(..23)).collect();
        assert!(times.is_sorted() && times.len() == 1_000, "{times:?}");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_full_queue_takes_no_more_and_says_so() {
        let queue = Queue::default();
        let taken = (0..QUEUE_BOUND + 3).filter(|_| queue.push(entry(Event::ShowLandingPage))).count();
        assert_eq!(taken, QUEUE_BOUND);
    }
}
