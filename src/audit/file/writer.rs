//! The writer: gathers what is queued, writes it at once, flushes, and only then answers. What an error means is decided
//! here: a full device is waited for, anything that leaves the file unknown ends the log until a restart.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::disk::Disk;
use crate::audit::chain::Position;
use crate::audit::encode::MAX_PAYLOAD_BYTES;
use crate::audit::folder;
use crate::audit::segment::{Header, LENGTH_BYTES, LogId, push_record};
use crate::audit::{AuditError, AuditEvent, AuditReceipt};
use crate::clock::SharedClock;

/// A batch is written when it has this many bytes, even when more is queued: it bounds the buffer and the wait of the first.
const BATCH_BYTES: usize = 1024 * 1024;

/// More than a run can have written since its last flush that succeeded: a header, a batch and the record that filled it.
const UNFLUSHED_BYTES: u64 = 2 * BATCH_BYTES as u64;

/// How often a full device is tried again, at most.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) type Reply = oneshot::Sender<Result<AuditReceipt, AuditError>>;

#[expect(clippy::large_enum_variant, reason = "nearly all messages are events; a box would be an allocation for each")]
pub(super) enum Message {
    /// To be written and answered.
    Event(AuditEvent, Reply),
    /// When the log is full: try whether it still is.
    Probe,
    /// Answer what came before, then end.
    Close,
}

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

/// What the writer tells those who append. Only the writer changes the state.
pub(super) struct Shared {
    state: AtomicU8,
    probe_from: Mutex<Instant>,
    durable: watch::Sender<u64>,
    clock: SharedClock,
}

impl Shared {
    /// For a log that has `records` records.
    pub(super) fn new(clock: SharedClock, records: u64) -> Self {
        let probe_from = Mutex::new(clock.monotonic());
        Self { state: AtomicU8::new(State::Open as u8), probe_from, durable: watch::Sender::new(records), clock }
    }

    /// How many records are durable, now and later.
    pub(super) fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Open,
            1 => State::Full,
            _ => State::Stopped,
        }
    }

    /// True for one caller in each interval.
    pub(super) fn claim_probe(&self) -> bool {
        let now = self.clock.monotonic();
        let mut from = self.probe_from.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now >= *from;
        if due {
            *from = now + PROBE_INTERVAL;
        }
        due
    }

    fn enter(&self, state: State) {
        if state == State::Full {
            let from = self.clock.monotonic() + PROBE_INTERVAL;
            *self.probe_from.lock().unwrap_or_else(PoisonError::into_inner) = from;
        }
        self.state.store(state as u8, Ordering::Release);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// The durable end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) at: Position,
    /// The index of the first record of the current segment.
    pub(super) first: u64,
    /// The length of the current segment; 0 when it has no header yet.
    pub(super) bytes: u64,
}

/// What an error means for the log.
enum Failure {
    /// Nothing is lost; it may work later.
    Full(io::Error),
    /// What the file holds is not known any more.
    Stopped(io::Error),
}

impl Failure {
    /// Before a flush the bytes are only ours to cut off. A device that became read-only took none.
    fn of_write(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let full = matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem);
        if full { Self::Full(error) } else { Self::Stopped(error) }
    }

    /// No record is touched when a segment cannot be made; descriptors and permissions may come back.
    fn of_create(error: io::Error) -> Self {
        const TOO_MANY_FILES: [Option<i32>; 2] = [Some(23), Some(24)]; // ENFILE, EMFILE
        let passing = error.kind() == io::ErrorKind::PermissionDenied || TOO_MANY_FILES.contains(&error.raw_os_error());
        if passing { Self::Full(error) } else { Self::of_write(error) }
    }
}

/// What will be written next. Its memory is used again.
struct Batch {
    bytes: Vec<u8>,
    replies: Vec<Reply>,
    after: Position,
    probe: bool,
    close: bool,
}

pub(super) struct Writer<D> {
    disk: D,
    log: LogId,
    id: Arc<str>,
    tail: Tail,
    segment_bytes: u64,
    /// The name of the current segment is not durable yet.
    new_name: bool,
    /// The current segment was cut back and not flushed since: after a loss of power it may be as long as before.
    cut: bool,
    batch: Batch,
    shared: Arc<Shared>,
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(disk: D, log: LogId, tail: Tail, segment_bytes: u64, shared: Arc<Shared>) -> Self {
        let batch = Batch { bytes: Vec::new(), replies: Vec::new(), after: tail.at, probe: false, close: false };
        Self { disk, id: log.shared(), log, tail, segment_bytes, new_name: true, cut: false, batch, shared }
    }

    /// Cuts off what is unfinished, writes a header where there is none, and makes durable what the scan found: the run before
    /// may have ended between a write and its flush, or after a flush that failed.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.disk.truncate(self.tail.bytes)?;
        if self.tail.bytes == 0 {
            let header = self.header();
            self.disk.append(header.as_bytes())?;
            self.tail.bytes = header.len() as u64;
        } else {
            self.disk.rewrite_end(UNFLUSHED_BYTES)?;
        }
        self.disk.sync()?;
        self.disk.sync_names()?;
        self.new_name = false;
        Ok(())
    }

    /// Works until told to close, or until nobody can send any more.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let _ending = Ending(Arc::clone(&self.shared));
        while let Ok(first) = messages.recv() {
            if !self.turn(std::iter::once(first).chain(messages.try_iter())) {
                break;
            }
        }
    }

    /// One batch: what `messages` has now. False when one of them said to close.
    pub(super) fn turn(&mut self, messages: impl Iterator<Item = Message>) -> bool {
        self.gather(messages);
        if self.batch.probe && self.shared.state() == State::Full {
            // What came of it is in the state.
            let _ = self.settle(Self::probe);
        }
        let durable = self.shared.state().open().and_then(|()| self.settle(Self::store));
        self.answer(durable);
        !self.batch.close
    }

    fn gather(&mut self, messages: impl Iterator<Item = Message>) {
        self.batch.bytes.clear();
        self.batch.after = self.tail.at;
        (self.batch.probe, self.batch.close) = (false, false);
        for message in messages {
            match message {
                Message::Event(event, reply) => self.encode(&event, reply),
                Message::Probe => self.batch.probe = true,
                Message::Close => self.batch.close = true,
            }
            if self.batch.close || self.batch.bytes.len() >= BATCH_BYTES {
                break;
            }
        }
    }

    fn encode(&mut self, event: &AuditEvent, reply: Reply) {
        match push_record(&self.batch.after, event, &self.id, &mut self.batch.bytes) {
            Some(after) => {
                self.batch.after = after;
                self.batch.replies.push(reply);
            }
            None => drop(reply.send(Err(AuditError::Stopped))),
        }
    }

    /// Takes a step and draws the consequence of its failure.
    fn settle(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Failure>) -> Result<(), AuditError> {
        let state = match step(self).or_else(|failure| self.cut_back(failure)) {
            Ok(()) => State::Open,
            Err(Failure::Full(error)) => {
                tracing::warn!(%error, "no room for the audit log: nothing is disclosed until there is");
                State::Full
            }
            Err(Failure::Stopped(error)) => {
                tracing::error!(%error, "the audit log stopped: nothing is disclosed until a restart");
                State::Stopped
            }
        };
        self.shared.enter(state);
        state.open()
    }

    /// Takes back what was written after the durable end, so that nothing that was never acknowledged is found later. When
    /// the log stops this is an attempt: it also drops pages that only look written after a failed flush.
    fn cut_back(&mut self, failure: Failure) -> Result<(), Failure> {
        self.cut = true;
        match (failure, self.disk.truncate(self.tail.bytes)) {
            (Failure::Full(_), Err(error)) => Err(Failure::Stopped(error)),
            (failure, _) => Err(failure),
        }
    }

    fn store(&mut self) -> Result<(), Failure> {
        if self.batch.replies.is_empty() {
            return Ok(());
        }
        let header_bytes = self.begin_segment()?;
        self.disk.append(&self.batch.bytes).map_err(Failure::of_write)?;
        self.flush()?;
        self.tail.at = self.batch.after;
        self.tail.bytes += header_bytes + self.batch.bytes.len() as u64;
        self.shared.durable.send_replace(self.tail.at.index);
        Ok(())
    }

    /// Writes and flushes real bytes where records would go, and takes them back. A crash in between leaves what looks like an
    /// unfinished record.
    fn probe(&mut self) -> Result<(), Failure> {
        self.begin_segment()?;
        let mut record = vec![0; LENGTH_BYTES + MAX_PAYLOAD_BYTES];
        if let Some((length, _)) = record.split_first_chunk_mut() {
            *length = (MAX_PAYLOAD_BYTES as u32).to_le_bytes();
        }
        self.disk.append(&record).map_err(Failure::of_write)?;
        self.flush()?;
        self.cut = true;
        self.disk.truncate(self.tail.bytes).map_err(Failure::Stopped)
    }

    /// Begins a new segment when the batch does not fit in this one, and writes the header that is missing. Gives the length
    /// of that header.
    fn begin_segment(&mut self) -> Result<u64, Failure> {
        let length = self.tail.bytes.saturating_add(self.batch.bytes.len() as u64);
        if length > self.segment_bytes && self.tail.at.index > self.tail.first {
            if self.cut {
                // Nothing may follow the last whole record of a segment that has a successor.
                self.flush()?;
            }
            self.disk.create(&folder::segment(self.tail.at.index)).map_err(Failure::of_create)?;
            self.tail = Tail { at: self.tail.at, first: self.tail.at.index, bytes: 0 };
            self.new_name = true;
        }
        if self.tail.bytes > 0 {
            return Ok(0);
        }
        let header = self.header();
        self.disk.append(header.as_bytes()).map_err(Failure::of_write)?;
        Ok(header.len() as u64)
    }

    /// After a failed flush the kernel may have dropped the pages and still call them clean, so no error of it is passing.
    fn flush(&mut self) -> Result<(), Failure> {
        self.disk.sync().map_err(Failure::Stopped)?;
        self.cut = false;
        if self.new_name {
            self.disk.sync_names().map_err(Failure::Stopped)?;
            self.new_name = false;
        }
        Ok(())
    }

    fn answer(&mut self, durable: Result<(), AuditError>) {
        let first = self.batch.after.index - self.batch.replies.len() as u64;
        for (index, reply) in (first..).zip(self.batch.replies.drain(..)) {
            // Who does not wait for the answer any more does not get one.
            let _ = reply.send(durable.map(|()| AuditReceipt::durable(Arc::clone(&self.id), index)));
        }
    }

    fn header(&self) -> String {
        Header { log: self.log.clone(), start: self.tail.at }.line()
    }
}

/// However the writer ends, nothing is taken after it.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.enter(State::Stopped);
    }
}
