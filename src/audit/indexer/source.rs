//! The log as batches, from a place on that is known to be of the same log.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::audit::tree::leaf_hash;
use crate::audit::{Entry, Follower, IndexBatch, IndexPosition, ReadError, Recent, Record, scan};
use crate::background::breathe;

/// A batch ends at so many records, or when it is so large. It is one commit, so a log that is far ahead is best taken up in
/// large ones; while the index keeps up a batch has what came in the time that records gather.
pub(super) const RECORDS: usize = 8_192;
const BYTES: usize = 8 * 1024 * 1024;
/// Records between two breaths: some ten microseconds of work.
const BREATH: usize = 64;

/// What of the log is not in the index yet.
pub(super) struct Source {
    log: Arc<str>,
    follower: Follower,
    /// The time of the newest record so far, once one has a time.
    newest: Option<Timestamp>,
}

impl Source {
    /// Opens the log after `position`; `None` when the index has more records than the log, or another one at its end. Waits
    /// for the disk.
    pub(super) fn open(
        dir: &Path,
        log: Arc<str>,
        position: Option<IndexPosition>,
        durable: u64,
    ) -> Result<Option<Self>, ReadError> {
        let last = position.and_then(|position| position.next.checked_sub(1).zip(Some(position.leaf)));
        let first = last.map_or_else(|| scan::begins_at(dir), |(last, _)| Ok(last))?;
        let mut follower = Follower::open(dir, first)?;
        let mut newest = None;
        if let Some((last, leaf)) = last {
            let mut payload = Vec::new();
            let read = if last < durable { follower.next(durable, &mut payload)? } else { None };
            if read != Some(last) || leaf_hash(&payload) != leaf {
                return Ok(None);
            }
            newest = Record::parse(last, &payload).ok().map(|record| record.time);
        }
        Ok(Some(Self { log, follower, newest }))
    }

    /// The same, which takes what it can from the memory of the log.
    pub(super) fn beside(self, recent: Recent) -> Self {
        Self { follower: self.follower.beside(recent), ..self }
    }

    /// The time of the newest record so far.
    pub(super) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// The next batch of the records before `durable`, if there are any. Waits for the disk.
    pub(super) fn batch(mut self, durable: u64) -> Result<(Self, Option<IndexBatch>), ReadError> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < RECORDS && bytes < BYTES {
            let Some((index, payload)) = self.follower.next_kept(durable)? else { break };
            bytes += payload.len();
            let entry = Entry::of(index, payload, self.newest.unwrap_or_default());
            self.newest = Some(entry.time);
            entries.push(entry);
            if entries.len().is_multiple_of(BREATH) {
                breathe();
            }
        }
        let (log, leaf) = (Arc::clone(&self.log), entries.last().map(|entry: &Entry| leaf_hash(entry.payload())));
        Ok((self, leaf.map(|leaf| IndexBatch { log, entries, leaf })))
    }
}
