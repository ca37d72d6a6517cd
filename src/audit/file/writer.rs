//! The writer: takes what is queued, writes it at once, flushes, and only then answers. What an error means is decided
//! here: a full device is waited for, anything that leaves the file unknown ends the log until a restart.

use std::io;
use std::sync::Arc;

use super::batch::{BATCH_BYTES, Batch, Flushed};
use super::disk::Disk;
use super::pace::Pace;
use super::queue::{Shared, State, Taken};
use crate::audit::AuditError;
use crate::audit::chain::{Linked, Position, Version};
use crate::audit::encode::MAX_PAYLOAD_BYTES;
use crate::audit::folder;
use crate::audit::recent::Place;
use crate::audit::scan::End;
use crate::audit::segment::{Header, LENGTH_BYTES, LogId};

/// More than a run can have written since its last flush that succeeded: a header, a batch and the record that filled it.
const UNFLUSHED_BYTES: u64 = 2 * BATCH_BYTES as u64;

/// The durable end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) at: Position,
    /// The index of the first record of the current segment.
    pub(super) first: u64,
    /// The length of the current segment; 0 when it has no header yet.
    pub(super) bytes: u64,
    /// That of the current segment. In an older one than the newest nothing is written any more.
    pub(super) version: Version,
}

impl Tail {
    /// Where the log ended. A segment of an older version without records is written anew, as its name is taken.
    pub(super) fn of(end: &End) -> Self {
        let found = Self { at: end.at, first: end.first, bytes: end.whole_bytes, version: end.version };
        if found.version == Version::NEWEST || found.at.index > found.first {
            return found;
        }
        let at = if found.at.index == 0 { Position::start(&end.log, Version::NEWEST) } else { found.at };
        Self { at, bytes: 0, version: Version::NEWEST, ..found }
    }
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

pub(super) struct Writer<D> {
    disk: D,
    log: LogId,
    tail: Tail,
    segment_bytes: u64,
    /// The name of the current segment is not durable yet.
    new_name: bool,
    /// The current segment was cut back and not flushed since: after a loss of power it may be as long as before.
    cut: bool,
    /// How the next batch may gather.
    pace: Pace,
    shared: Arc<Shared>,
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(disk: D, log: LogId, tail: Tail, segment_bytes: u64, shared: Arc<Shared>) -> Self {
        let pace = Pace::from(shared.clock().monotonic());
        Self { disk, log, tail, segment_bytes, new_name: true, cut: false, pace, shared }
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

    /// Works until told to close.
    pub(super) fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.shared));
        while self.turn(self.shared.next(self.pace)) {}
    }

    /// One batch, or a try of a full device, or both. False when it was the last.
    pub(super) fn turn(&mut self, taken: Taken) -> bool {
        let next_bytes = taken.batch.as_ref().map_or(0, |batch| batch.bytes().len());
        if taken.probe && self.shared.state() == State::Full {
            // What came of it is in the state.
            let _ = self.settle(|writer| writer.probe(next_bytes));
        }
        if let Some(batch) = taken.batch.filter(|batch| batch.len() > 0) {
            self.commit(batch);
        }
        !taken.close
    }

    fn commit(&mut self, mut batch: Batch) {
        let began = self.shared.clock().monotonic();
        let stored = self.shared.state().open().and_then(|()| self.settle(|writer| writer.store(&mut batch)));
        let ended = self.shared.clock().monotonic();
        self.pace = Pace::after(batch.len(), ended.saturating_duration_since(began), ended);
        let bytes = batch.answer(stored.as_ref().map(|(flushed, _)| flushed).map_err(|error| *error));
        let spare = match stored {
            Ok((_, linked)) => self.keep(linked, bytes),
            Err(_) => bytes,
        };
        self.shared.give_back(spare);
    }

    /// Keeps what is durable now for those who follow the log; gives a buffer to use again.
    fn keep(&self, linked: Linked, bytes: Vec<u8>) -> Vec<u8> {
        let offset = self.tail.bytes - bytes.len() as u64;
        self.shared.recent().keep(linked, Place { first: self.tail.first, offset }, bytes)
    }

    /// Takes a step and draws the consequence of its failure.
    fn settle<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, AuditError> {
        let (state, done) = match step(self).or_else(|failure| self.cut_back(failure)) {
            Ok(done) => (State::Open, Ok(done)),
            Err(Failure::Full(error)) => {
                tracing::warn!(%error, "no room for the audit log: nothing is disclosed until there is");
                (State::Full, Err(AuditError::Full))
            }
            Err(Failure::Stopped(error)) => {
                tracing::error!(%error, "the audit log stopped: nothing is disclosed until a restart");
                (State::Stopped, Err(AuditError::Stopped))
            }
        };
        self.shared.enter(state);
        done
    }

    /// Takes back what was written after the durable end, so that nothing that was never acknowledged is found later. When
    /// the log stops this is an attempt: it also drops pages that only look written after a failed flush.
    fn cut_back<T>(&mut self, failure: Failure) -> Result<T, Failure> {
        self.cut = true;
        match (failure, self.disk.truncate(self.tail.bytes)) {
            (Failure::Full(_), Err(error)) => Err(Failure::Stopped(error)),
            (failure, _) => Err(failure),
        }
    }

    fn store(&mut self, batch: &mut Batch) -> Result<(Flushed, Linked), Failure> {
        let no_number = || Failure::Stopped(io::Error::other("the log has no more numbers"));
        let linked = batch.link(self.tail.at).ok_or_else(no_number)?;
        let header_bytes = self.begin_segment(batch.bytes().len())?;
        self.disk.append(batch.bytes()).map_err(Failure::of_write)?;
        let flushed = self.flush()?;
        self.tail.at = linked.after;
        self.tail.bytes += header_bytes + batch.bytes().len() as u64;
        self.shared.tell_durable(self.tail.at.index);
        Ok((flushed, linked))
    }

    /// Writes and flushes real bytes where records would go, and takes them back. A crash in between leaves what looks like an
    /// unfinished record.
    fn probe(&mut self, next_bytes: usize) -> Result<(), Failure> {
        self.begin_segment(next_bytes)?;
        let mut record = vec![0; LENGTH_BYTES + MAX_PAYLOAD_BYTES];
        if let Some((length, _)) = record.split_first_chunk_mut() {
            *length = (MAX_PAYLOAD_BYTES as u32).to_le_bytes();
        }
        self.disk.append(&record).map_err(Failure::of_write)?;
        self.flush()?;
        self.cut = true;
        self.disk.truncate(self.tail.bytes).map_err(Failure::Stopped)
    }

    /// Begins a new segment when so many bytes do not fit in this one, or it is of an older version, and writes the header that
    /// is missing. Gives the length of that header.
    fn begin_segment(&mut self, next_bytes: usize) -> Result<u64, Failure> {
        let length = self.tail.bytes.saturating_add(next_bytes as u64);
        let is_over = length > self.segment_bytes || self.tail.version != Version::NEWEST;
        if is_over && self.tail.at.index > self.tail.first {
            if self.cut {
                // Nothing may follow the last whole record of a segment that has a successor.
                self.flush()?;
            }
            self.disk.create(&folder::segment(self.tail.at.index)).map_err(Failure::of_create)?;
            self.tail = Tail { first: self.tail.at.index, bytes: 0, version: Version::NEWEST, ..self.tail };
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
    fn flush(&mut self) -> Result<Flushed, Failure> {
        let flushed = Flushed::by(&mut self.disk, self.tail.at.index).map_err(Failure::Stopped)?;
        self.cut = false;
        if self.new_name {
            self.disk.sync_names().map_err(Failure::Stopped)?;
            self.new_name = false;
        }
        Ok(flushed)
    }

    fn header(&self) -> String {
        Header { version: Version::NEWEST, log: self.log.clone(), start: self.tail.at }.line()
    }
}

/// However the writer ends, nothing is taken after it.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}
