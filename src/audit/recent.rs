//! The records that became durable last, as they were written: who follows the log while it grows takes them from here, and
//! whatever is not here any more from the files. So a record that the index and the signer need at once is neither read
//! again nor held against the chain by each.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use super::chain::{ChainHash, Linked, Position};
use super::segment::{HASH_BYTES, LENGTH_BYTES};
use super::tree::TreeHash;

/// How much is kept, in bytes. Who is further behind than this reads the files.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// A batch is kept in the buffer that it was written from, unless that is so many times too large: to copy each took a quarter
/// of the time of the writer under load.
const LOOSE: usize = 4;

/// No buffer is made smaller than this.
const SMALL_BYTES: usize = 16 * 1024;

/// The newest records of a log that runs in this process. Empty, it changes nothing for who asks it.
#[derive(Clone, Default)]
pub struct Recent(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// In order; of a log that goes on without gaps each begins where the one before ends.
    batches: VecDeque<Arc<Written>>,
    /// Of their buffers.
    bytes: usize,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The index of the first record of its segment.
    pub(super) first: u64,
    /// How far into the file.
    pub(super) offset: u64,
}

/// Records that were written and flushed together.
pub(super) struct Written {
    /// The place in the chain before them.
    pub(super) before: Position,
    /// That after them.
    pub(super) after: Position,
    /// Their hashes in the tree.
    pub(super) leaves: Vec<TreeHash>,
    /// Where the first of them stands.
    pub(super) place: Place,
    /// As they stand there, one after the other.
    pub(super) bytes: Bytes,
    /// What their buffer takes.
    room: usize,
}

/// One of them.
pub(super) struct Framed {
    pub(super) payload: Bytes,
    pub(super) hash: ChainHash,
    /// What it takes in the file.
    pub(super) bytes: usize,
}

impl Recent {
    /// Keeps records that stand in `bytes`, and gives a buffer that is not needed any more.
    pub(super) fn keep(&self, linked: Linked, place: Place, bytes: Vec<u8>) -> Vec<u8> {
        let (bytes, spare) = fitting(bytes);
        let Linked { before, after, leaves } = linked;
        let room = bytes.capacity();
        let written = Written { before, after, leaves, place, bytes: bytes.into(), room };
        let mut kept = self.kept();
        kept.bytes += room;
        kept.batches.push_back(Arc::new(written));
        let mut dropped = None;
        while kept.bytes > KEPT_BYTES {
            dropped = kept.batches.pop_front();
            kept.bytes -= dropped.as_ref().map_or(kept.bytes, |written| written.room);
        }
        drop(kept);
        // Who goes through it keeps it, and so does who keeps a payload of it.
        let free = || dropped.and_then(Arc::into_inner).and_then(|written| written.bytes.try_into_mut().ok());
        spare.or_else(|| free().map(emptied)).unwrap_or_default()
    }

    /// Those that follow this place in the chain.
    pub(super) fn after(&self, at: &Position) -> Option<Arc<Written>> {
        let kept = self.kept();
        let found = kept.batches.binary_search_by_key(&at.index, |written| written.before.index).ok()?;
        kept.batches.get(found).filter(|written| written.before == *at).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    /// The record that stands so far into them; `None` at their end.
    pub(super) fn record(&self, at: usize) -> Option<Framed> {
        let (length, rest) = self.bytes.get(at..)?.split_first_chunk::<LENGTH_BYTES>()?;
        let (payload, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let hash = *rest.first_chunk::<HASH_BYTES>()?;
        let bytes = LENGTH_BYTES + payload.len() + HASH_BYTES;
        Some(Framed { payload: self.bytes.slice_ref(payload), hash, bytes })
    }

    /// The leaf hash of the record of this index.
    pub(super) fn leaf(&self, index: u64) -> Option<&TreeHash> {
        self.leaves_from(index).first()
    }

    /// The leaf hashes of the records from this index on.
    pub(super) fn leaves_from(&self, index: u64) -> &[TreeHash] {
        let number = index.checked_sub(self.before.index).and_then(|number| usize::try_from(number).ok());
        number.and_then(|number| self.leaves.get(number..)).unwrap_or_default()
    }

    /// Where the record after them stands, unless another segment begins there.
    pub(super) const fn end(&self) -> Place {
        Place { first: self.place.first, offset: self.place.offset + self.bytes.len() as u64 }
    }
}

/// The buffer alone: what is in it would be copied.
fn emptied(mut bytes: BytesMut) -> Vec<u8> {
    bytes.clear();
    bytes.into()
}

/// In memory of about their size, with the buffer when that is another. It is made smaller, so that the next batch of as many
/// records fits it.
fn fitting(mut bytes: Vec<u8>) -> (Vec<u8>, Option<Vec<u8>>) {
    if bytes.capacity() <= LOOSE * bytes.len() {
        return (bytes, None);
    }
    let fitting = bytes.as_slice().to_vec();
    bytes.shrink_to(SMALL_BYTES.max(LOOSE / 2 * fitting.len()));
    (fitting, Some(bytes))
}

impl std::fmt::Debug for Recent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recent").field("bytes", &self.kept().bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain::Version;
    use crate::audit::segment::LogId;
    use crate::audit::tree::leaf_hash;

    fn linked(before: Position, after: Position) -> Linked {
        Linked { before, after, leaves: Vec::new() }
    }

    /// Batches of one record each, of so many bytes.
    fn fill(recent: &Recent, count: u64, bytes: usize) -> Vec<Position> {
        let mut at = Position::start(&LogId::parse("inzage-a-00000000000000ff").unwrap(), Version::NEWEST);
        let mut positions = vec![at];
        for _ in 0..count {
            let payload = vec![b'x'; bytes];
            let after = at.link(&leaf_hash(&payload)).unwrap();
            let framed = [(bytes as u32).to_le_bytes().as_slice(), &payload, &after.hash].concat();
            recent.keep(linked(at, after), Place { first: 0, offset: 7 }, framed);
            positions.push(after);
            at = after;
        }
        positions
    }

    #[test]
    fn what_was_kept_is_found_at_its_place_in_the_chain_only() {
        let recent = Recent::default();
        let at = fill(&recent, 3, 100);
        let written = recent.after(&at[1]).unwrap();
        let record = written.record(0).unwrap();
        assert_eq!((&*record.payload, record.hash), (vec![b'x'; 100].as_slice(), at[2].hash));
        assert!(written.record(record.bytes).is_none());
        assert_eq!(written.end(), Place { first: 0, offset: 7 + 136 });
        assert!(recent.after(&at[3]).is_none());
        assert!(recent.after(&Position { hash: [9; 32], ..at[1] }).is_none(), "another chain");
        assert!(Recent::default().after(&at[0]).is_none());
    }

    #[test]
    fn the_oldest_are_given_up() {
        let recent = Recent::default();
        let megabyte = 1 << 20;
        let at = fill(&recent, 12, megabyte);
        let held = (0..12).filter(|index| recent.after(&at[*index]).is_some()).collect::<Vec<_>>();
        assert_eq!(held, [5, 6, 7, 8, 9, 10, 11], "seven megabytes with their frames");
    }

    /// A payload that somebody keeps is not written over by the batch that gets a buffer to use again.
    #[test]
    fn a_buffer_is_used_again_when_nobody_keeps_a_part_of_it() {
        for keeps in [false, true] {
            let recent = Recent::default();
            let at = fill(&recent, 1, 1 << 20);
            let payload = recent.after(&at[0]).and_then(|written| written.record(0)).map(|record| record.payload);
            let kept = payload.filter(|_| keeps);
            let full = vec![0; KEPT_BYTES];
            let buffer = recent.keep(linked(at[1], at[1]), Place { first: 0, offset: 0 }, full);
            assert_eq!(buffer.capacity() >= 1 << 20, !keeps);
            assert!(kept.is_none_or(|payload| payload.iter().all(|byte| *byte == b'x')));
        }
    }

    #[test]
    fn a_small_batch_does_not_keep_a_large_buffer() {
        let (recent, mut bytes) = (Recent::default(), Vec::with_capacity(10_000));
        bytes.extend_from_slice(&[0; 10]);
        let before = Position { index: 0, hash: [0; 32] };
        let buffer = recent.keep(linked(before, before), Place { first: 0, offset: 0 }, bytes);
        assert_eq!((buffer.capacity(), recent.after(&before).unwrap().bytes.len()), (10_000, 10));
    }
}
