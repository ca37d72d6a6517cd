//! The log as batches of frames.

use std::path::Path;

use jiff::Timestamp;

use crate::audit::render::{Site, atna};
use crate::audit::{Follower, Kind, ReadError, Record, scan};

/// A batch ends when its frames are this long, in bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What of the log is still to be sent.
pub(super) struct Source {
    follower: Follower,
    site: Site,
    /// The kinds that are sent; all when there is no choice.
    kinds: Option<Vec<Kind>>,
    from: u64,
}

/// Records that go together.
pub(super) struct Batch {
    /// The messages, each with its length (RFC 5425 section 4.3).
    pub(super) frames: Vec<u8>,
    /// The record after them.
    pub(super) next: u64,
    /// How many there are.
    pub(super) records: u64,
    /// How many could not be read, and are not among them.
    pub(super) unreadable: u64,
    /// The time of the first of them.
    pub(super) oldest: Option<Timestamp>,
}

impl Source {
    /// Opens the log at `from`, or at its oldest record when that was removed. Waits for the disk.
    pub(super) fn open(dir: &Path, site: Site, kinds: Option<Vec<Kind>>, from: u64) -> Result<Self, ReadError> {
        let oldest = scan::begins_at(dir)?;
        if from < oldest {
            tracing::error!(
                from,
                oldest,
                "records were removed after their retention before their repository had them"
            );
        }
        let from = from.max(oldest);
        Ok(Self { follower: Follower::open(dir, from)?, site, kinds, from })
    }

    /// The first record that is sent.
    pub(super) const fn from(&self) -> u64 {
        self.from
    }

    /// The next batch of the records before `durable`, if there are any. Waits for the disk.
    pub(super) fn batch(mut self, durable: u64) -> Result<(Self, Option<Batch>), ReadError> {
        let mut batch = Batch { frames: Vec::new(), next: 0, records: 0, unreadable: 0, oldest: None };
        let mut payload = Vec::new();
        while batch.frames.len() < BATCH_BYTES {
            let Some(index) = self.follower.next(durable, &mut payload)? else { break };
            batch.next = index + 1;
            match Record::parse(index, &payload) {
                Ok(record) if !self.is_sent(&record) => {}
                Ok(record) => {
                    batch.oldest = batch.oldest.or(Some(record.time));
                    batch.frames.extend_from_slice(&atna::frame(&record, &self.site));
                    batch.records += 1;
                }
                Err(error) => {
                    tracing::error!(index, %error, "a record of the audit log cannot be read and is not sent");
                    batch.unreadable += 1;
                }
            }
        }
        Ok((self, (batch.next > 0).then_some(batch)))
    }

    fn is_sent(&self, record: &Record) -> bool {
        let chosen = self.kinds.as_ref().zip(record.kind.known());
        chosen.is_none_or(|(kinds, kind)| kinds.contains(&kind))
    }
}
