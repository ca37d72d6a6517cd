//! Records that are written and flushed together, and those who wait for them. One allocation and one lock serve a whole
//! batch: an answer of its own for each record, with its channel and its lock, cost more than hashing it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Handle, Id};

use super::bell::Bell;
use super::disk::Disk;
use super::queue::Shared;
use crate::audit::chain::{Linked, Position};
use crate::audit::pending::{Answer, Answers, Seat};
use crate::audit::segment::{self, Payload};
use crate::audit::{AuditError, AuditReceipt, PendingReceipt};

/// A batch takes no more when it has this many bytes: it bounds the buffer and the wait of the first.
pub(super) const BATCH_BYTES: usize = 1024 * 1024;

/// Proof that everything that was written is durable: records from an index on.
pub(super) struct Flushed {
    first: u64,
}

impl Flushed {
    /// The flush itself, after writing records from index `first` on: there is no other way to it.
    pub(super) fn by(disk: &mut impl Disk, first: u64) -> io::Result<Self> {
        disk.sync().map(|()| Self { first })
    }
}

/// Framed records in a row, which the writer gives their place in the chain. Dropped without an answer, it answers that the log
/// stopped.
pub(super) struct Batch {
    bytes: Vec<u8>,
    records: usize,
    ended: bool,
    answers: Arc<BatchAnswers>,
}

impl Batch {
    /// An empty one. `bytes` is a buffer to use again.
    pub(super) fn in_buffer(mut bytes: Vec<u8>, shared: &Arc<Shared>) -> Self {
        bytes.clear();
        Self { bytes, records: 0, ended: false, answers: Arc::new(BatchAnswers::new(Arc::clone(shared))) }
    }

    /// Adds a record.
    pub(super) fn push(&mut self, payload: &Payload) -> PendingReceipt {
        payload.frame(&mut self.bytes);
        let place = self.records;
        self.records += 1;
        PendingReceipt::awaited(Arc::clone(&self.answers) as _, place)
    }

    /// How many records.
    pub(super) const fn len(&self) -> usize {
        self.records
    }

    /// Puts them into the chain after `before`; `None` when that has no more numbers.
    pub(super) fn link(&mut self, before: Position) -> Option<Linked> {
        segment::link(before, &mut self.bytes, self.records)
    }

    /// It takes no more.
    pub(super) const fn end(&mut self) {
        self.ended = true;
    }

    pub(super) const fn is_full(&self) -> bool {
        self.ended || self.bytes.len() >= BATCH_BYTES
    }

    /// What goes to the file.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether somebody has nothing left to do but wait for one of its records.
    pub(super) fn is_awaited(&self) -> bool {
        self.answers.awaited.load(Ordering::SeqCst)
    }

    /// Answers all of them, and gives the buffer back.
    pub(super) fn answer(mut self, flushed: Result<&Flushed, AuditError>) -> Vec<u8> {
        self.answers.settle(flushed.map(|Flushed { first }| *first));
        std::mem::take(&mut self.bytes)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.answers.settle(Err(AuditError::Stopped));
    }
}

/// What those who wait share.
struct BatchAnswers {
    shared: Arc<Shared>,
    /// The index of the first record, once all are durable; or why they are not.
    settled: OnceLock<Result<u64, AuditError>>,
    waiting: Mutex<Vec<Row>>,
    awaited: AtomicBool,
}

/// Those who wait in one runtime, or in none.
struct Row {
    runtime: Option<(Id, Arc<Bell>)>,
    wakers: Vec<Waker>,
}

impl BatchAnswers {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, settled: OnceLock::new(), waiting: Mutex::default(), awaited: AtomicBool::new(false) }
    }

    /// The first word stands.
    fn settle(&self, result: Result<u64, AuditError>) {
        let mut waiting = self.waiting();
        if self.settled.set(result).is_ok() {
            let rows = std::mem::take(&mut *waiting);
            drop(waiting);
            rows.into_iter().for_each(Row::wake);
        }
    }

    fn answer(&self, place: usize) -> Option<Answer> {
        let first = *self.settled.get()?;
        Some(first.map(|first| AuditReceipt::durable(Arc::clone(self.shared.log()), first + place as u64)))
    }

    /// Whether nobody waited before.
    fn is_first_to_wait(&self) -> bool {
        !self.awaited.load(Ordering::Relaxed) && !self.awaited.swap(true, Ordering::SeqCst)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Row>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat among those of the same runtime. Who moved to another runtime gets a new one, and may be woken twice.
    fn seat(&self, rows: &mut Vec<Row>, seat: &mut Option<Seat>, waker: &Waker) {
        let runtime = Handle::try_current().ok();
        let id = runtime.as_ref().map(Handle::id);
        let is_same = |row: &Row| row.runtime.as_ref().map(|(id, _)| *id) == id;
        let taken = seat.and_then(|seat| rows.get_mut(seat.row).filter(|row| is_same(row))?.wakers.get_mut(seat.place));
        if let Some(known) = taken {
            return known.clone_from(waker);
        }
        let row = rows.iter().position(is_same).unwrap_or_else(|| {
            let runtime = runtime.map(|runtime| (runtime.id(), self.shared.bells().of(&runtime)));
            rows.push(Row { runtime, wakers: Vec::new() });
            rows.len() - 1
        });
        if let Some(Row { wakers, .. }) = rows.get_mut(row) {
            *seat = Some(Seat { row, place: wakers.len() });
            wakers.push(waker.clone());
        }
    }
}

impl Row {
    fn wake(self) {
        match self.runtime {
            Some((_, bell)) => bell.ring(self.wakers),
            None => self.wakers.into_iter().for_each(Waker::wake),
        }
    }
}

impl Answers for BatchAnswers {
    fn poll_answer(&self, place: usize, seat: &mut Option<Seat>, context: &mut Context<'_>) -> Poll<Answer> {
        if let Some(answer) = self.answer(place) {
            return Poll::Ready(answer);
        }
        let mut waiting = self.waiting();
        if let Some(answer) = self.answer(place) {
            return Poll::Ready(answer);
        }
        self.seat(&mut waiting, seat, context.waker());
        drop(waiting);
        if self.is_first_to_wait() {
            self.shared.hurry();
        }
        Poll::Pending
    }
}
