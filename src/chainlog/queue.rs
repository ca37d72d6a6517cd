//! From a step to the spool: a bounded queue, and the thread that empties it.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::counts::{Counts, add};
use super::line::{Names, written};
use super::spool::Filling;
use super::{ChainLog, Entry};
use crate::clock::SharedClock;

/// Lines that wait for the disk; at some 300 bytes a line.
const QUEUE_BOUND: usize = 8192;

/// A chain log that spools.
pub struct QueuedLog {
    sender: SyncSender<Message>,
    counts: Arc<Counts>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Entry(Box<Entry>),
    Close,
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
        let (sender, receiver) = sync_channel(QUEUE_BOUND);
        let writer = Writer { spool, names, every, clock, filled_since: None };
        let thread = std::thread::Builder::new().name("chain-log".to_owned()).spawn(move || writer.run(&receiver))?;
        Ok(Self { sender, counts, thread: std::sync::Mutex::new(Some(thread)) })
    }

    /// Spools what is queued and hands over the last batch. Waits for the disk.
    pub fn close(&self) {
        // The thread ends by this message only, so it is there to take it; later entries are dropped and counted.
        let _ = self.sender.send(Message::Close);
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the writer of the chain log ended by a panic");
        }
    }
}

impl ChainLog for QueuedLog {
    fn note(&self, entry: Entry) {
        if self.sender.try_send(Message::Entry(Box::new(entry))).is_err() {
            add(&self.counts.dropped_at_queue, 1);
        }
    }
}

impl fmt::Debug for QueuedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedLog").field("counts", &self.counts).finish_non_exhaustive()
    }
}

struct Writer {
    spool: Filling,
    names: Names,
    every: Duration,
    clock: SharedClock,
    /// When the first line of the batch that is being filled came.
    filled_since: Option<Instant>,
}

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            match self.next(messages) {
                Ok(Message::Entry(entry)) => self.take(&entry),
                Err(RecvTimeoutError::Timeout) => self.hand_over(),
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.hand_over();
    }

    /// The next message; a time-out once the batch has been filled for long enough.
    fn next(&self, messages: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        match self.filled_since {
            Some(since) => {
                let filled_for = self.clock.monotonic().saturating_duration_since(since);
                messages.recv_timeout(self.every.saturating_sub(filled_for))
            }
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn take(&mut self, entry: &Entry) {
        self.filled_since.get_or_insert(self.clock.monotonic());
        if self.spool.append(&written(entry, &self.names)) {
            self.filled_since = None;
        }
    }

    fn hand_over(&mut self) {
        self.filled_since = None;
        self.spool.hand_over();
    }
}
