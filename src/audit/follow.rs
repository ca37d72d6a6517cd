//! Follows a log while it is written: every durable record once, in order, read from the files, or taken from the memory of the
//! log as long as it is there. Each consumer has a follower and a position of its own, so the log itself is the spool of all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::broken::{ReadError, Why, broken};
use super::chain::Position;
use super::folder;
use super::reader::{Segment, Step};
use super::recent::{Place, Recent, Written};
use super::scan;
use super::segment::{Header, LogId};
use super::tree::TreeHash;

/// A place in the log that moves on as the log grows. Form and chain of what is read from the files are checked from the segment
/// on where it was opened, and what comes from memory follows that in the same chain; segments may be begun and compressed
/// meanwhile. After an error it is of no use; open another.
pub struct Follower {
    dir: PathBuf,
    log: LogId,
    segment: Segment,
    at: Position,
    /// The first record that is wanted.
    from: u64,
    /// Records before this were durable when the buffer was filled. What follows them in it may have been taken back since.
    buffered: u64,
    recent: Recent,
    /// What is gone through of the memory of the log, and how far.
    held: Option<(Arc<Written>, usize)>,
    /// Where the files go on, when the last record was not read from them.
    place: Option<Place>,
    /// Memory to use again.
    payload: Vec<u8>,
}

/// A record that was come to.
struct Found {
    index: u64,
    leaf: TreeHash,
    /// Its payload, when it was not read from the files.
    held: Option<Bytes>,
}

impl Follower {
    /// Starts at record `from`, which may be the next one that the log will get. Reads the names in the folder and one header.
    ///
    /// # Errors
    /// When there is no log, or the folder or the header of the segment is not in order.
    pub fn open(dir: &Path, from: u64) -> Result<Self, ReadError> {
        let firsts = scan::list(dir)?;
        let mut before = firsts.iter().rev().copied().filter(|first| *first <= from);
        let Some(first) = before.next() else { return missing(dir, from, &firsts) };
        let (segment, header) = match (begin(dir, first), before.next()) {
            // The writer is making the segment that will hold the wanted record.
            (Err(ReadError::Broken(_)), Some(earlier)) if firsts.back() == Some(&first) => begin(dir, earlier)?,
            (begun, _) => begun?,
        };
        Ok(Self {
            dir: dir.into(),
            log: header.log,
            segment,
            at: header.start,
            from,
            buffered: 0,
            recent: Recent::default(),
            held: None,
            place: None,
            payload: Vec::new(),
        })
    }

    /// The same, which takes what it can from the memory of the log, if this is that of the same log.
    #[must_use]
    pub fn beside(self, recent: Recent) -> Self {
        Self { recent, ..self }
    }

    /// The id of the log.
    #[must_use]
    pub const fn log(&self) -> &LogId {
        &self.log
    }

    /// The next record: its index, and its payload in `payload`. `None` when all before `durable` were given; call again when
    /// there are more. `durable` is a number that [`super::FileLog::durable`] has told. Waits for the disk only.
    ///
    /// # Errors
    /// When a record that was durable is damaged or missing, or cannot be read.
    pub fn next(&mut self, durable: u64, payload: &mut Vec<u8>) -> Result<Option<u64>, ReadError> {
        let Some(found) = self.step(durable, payload)? else { return Ok(None) };
        if let Some(held) = found.held {
            payload.clear();
            payload.extend_from_slice(&held);
        }
        Ok(Some(found.index))
    }

    /// The same with a payload to keep. What is in the memory of the log is not copied: it stays there for as long.
    ///
    /// # Errors
    /// Those of [`Self::next`].
    pub fn next_kept(&mut self, durable: u64) -> Result<Option<(u64, Bytes)>, ReadError> {
        let mut read = Vec::new();
        let found = self.step(durable, &mut read)?;
        Ok(found.map(|Found { index, held, .. }| (index, held.unwrap_or_else(|| read.into()))))
    }

    /// The leaf hashes of the next records in `leaves`: of all that were flushed together and are in the memory of the log, or of
    /// one. None when all before `durable` were given.
    ///
    /// # Errors
    /// Those of [`Self::next`].
    pub(super) fn next_leaves(&mut self, durable: u64, leaves: &mut Vec<TreeHash>) -> Result<(), ReadError> {
        leaves.clear();
        if self.at.index >= self.from && self.skip_in_memory(durable, leaves) {
            return Ok(());
        }
        leaves.extend(self.next_leaf(durable)?.map(|(_, leaf)| leaf));
        Ok(())
    }

    /// The next record: its index and its leaf hash.
    ///
    /// # Errors
    /// Those of [`Self::next`].
    pub(super) fn next_leaf(&mut self, durable: u64) -> Result<Option<(u64, TreeHash)>, ReadError> {
        let mut payload = std::mem::take(&mut self.payload);
        let found = self.step(durable, &mut payload);
        self.payload = payload;
        Ok(found?.map(|Found { index, leaf, .. }| (index, leaf)))
    }

    /// The next record, whose payload is in `payload` when it was read from the files.
    fn step(&mut self, durable: u64, payload: &mut Vec<u8>) -> Result<Option<Found>, ReadError> {
        while self.at.index < durable {
            let found = match self.next_in_memory() {
                Some(held) => Some(held),
                None => self.read(durable, payload)?,
            };
            if let Some(found) = found.filter(|found| found.index >= self.from) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The next record in the files; `None` when a segment ended.
    fn read(&mut self, durable: u64, payload: &mut Vec<u8>) -> Result<Option<Found>, ReadError> {
        if self.at.index >= self.buffered {
            self.look_again()?;
            self.buffered = durable;
        }
        match self.segment.next(&self.at, payload)? {
            Step::Record { after, leaf } => {
                let index = std::mem::replace(&mut self.at, after).index;
                return Ok(Some(Found { index, leaf, held: None }));
            }
            Step::End => self.enter_next()?,
            Step::Unfinished(_) => return broken(self.at.index, self.segment.name(), Why::Unfinished),
        }
        Ok(None)
    }

    /// Where the next record stands in the memory of the log, if it is there.
    fn hold(&mut self) -> Option<&mut (Arc<Written>, usize)> {
        if self.held.is_none() && self.at.index >= self.buffered {
            self.held = self.recent.after(&self.at).map(|written| (written, 0));
        }
        self.held.as_mut()
    }

    /// The next record, if the log still has it in memory.
    fn next_in_memory(&mut self) -> Option<Found> {
        let index = self.at.index;
        let (written, at) = self.hold()?;
        let leaf = *written.leaf(index)?;
        let record = written.record(*at)?;
        *at += record.bytes;
        let ended = (*at == written.bytes.len()).then(|| written.end());
        self.at = Position { index: index + 1, hash: record.hash };
        if ended.is_some() {
            (self.place, self.held) = (ended, None);
        }
        Some(Found { index, leaf, held: Some(record.payload) })
    }

    /// Passes over all that was flushed together with the next record and is in memory, if all of it is before `durable`, and
    /// gives its hashes.
    fn skip_in_memory(&mut self, durable: u64, leaves: &mut Vec<TreeHash>) -> bool {
        let index = self.at.index;
        let Some((written, _)) = self.hold().filter(|(written, _)| written.after.index <= durable) else {
            return false;
        };
        leaves.extend_from_slice(written.leaves_from(index));
        (self.at, self.place) = (written.after, Some(written.end()));
        self.held = None;
        !leaves.is_empty()
    }

    /// Looks at the files anew, from where this is.
    fn look_again(&mut self) -> Result<(), ReadError> {
        let Some(Place { first, offset }) = self.place.take() else { return self.segment.refresh() };
        if let Some(segment) = Segment::open_at(&self.dir, first, offset)? {
            self.segment = segment;
            return Ok(());
        }
        // The segment was compressed meanwhile: it is gone through from its start.
        let (dir, recent) = (self.dir.clone(), self.recent.clone());
        let from = self.from.max(self.at.index);
        *self = Self { from, ..Self::open(&dir, self.at.index)?.beside(recent) };
        Ok(())
    }

    fn enter_next(&mut self) -> Result<(), ReadError> {
        let name = folder::segment(self.at.index);
        if self.segment.first() == self.at.index {
            return broken(self.at.index, name, Why::Missing);
        }
        let next = match Segment::open(&self.dir, self.at.index) {
            Err(ReadError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return broken(self.at.index, name, Why::Missing);
            }
            opened => opened?,
        };
        let version = self.segment.version();
        if next.header().is_none_or(|header| !header.continues(&self.log, &self.at, version)) {
            return broken(self.at.index, next.name(), Why::Header);
        }
        self.segment = next;
        Ok(())
    }
}

/// Opens a segment at its first record.
fn begin(dir: &Path, first: u64) -> Result<(Segment, Header), ReadError> {
    let segment = Segment::open(dir, first)?;
    let header = segment.header().cloned().filter(|header| header.start.index == first);
    match header.filter(|header| first > 0 || header.start == Position::start(&header.log, header.version)) {
        Some(header) => Ok((segment, header)),
        None => broken(first, segment.name(), Why::Header),
    }
}

fn missing<T>(dir: &Path, from: u64, firsts: &std::collections::VecDeque<u64>) -> Result<T, ReadError> {
    match firsts.front() {
        Some(first) if from < scan::begins_at(dir)? => broken(from, folder::segment(*first), Why::Pruned),
        Some(first) => broken(0, folder::segment(*first), Why::Missing),
        None => broken(0, String::new(), Why::NotBegun),
    }
}

#[cfg(test)]
mod tests;
