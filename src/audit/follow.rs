//! Follows a log while it is written: every durable record once, in order, read from the files. Each consumer has a follower
//! and a position of its own, so the log itself is the spool of all of them.

use std::path::{Path, PathBuf};

use super::broken::{ReadError, Why, broken};
use super::chain::Position;
use super::folder;
use super::reader::{Segment, Step};
use super::scan;
use super::segment::{Header, LogId};

/// A place in the log that moves on as the log grows. Form and chain are checked from the segment on where it was opened;
/// segments may be begun and compressed meanwhile. After an error it is of no use; open another.
pub struct Follower {
    dir: PathBuf,
    log: LogId,
    segment: Segment,
    at: Position,
    /// The first record that is wanted.
    from: u64,
    /// Records before this were durable when the buffer was filled. What follows them in it may have been taken back since.
    buffered: u64,
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
        Ok(Self { dir: dir.into(), log: header.log, segment, at: header.start, from, buffered: 0 })
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
        while self.at.index < durable {
            if self.at.index >= self.buffered {
                self.segment.refresh()?;
                self.buffered = durable;
            }
            match self.segment.next(&self.at, payload)? {
                Step::Record(after) => {
                    let index = std::mem::replace(&mut self.at, after).index;
                    if index >= self.from {
                        return Ok(Some(index));
                    }
                }
                Step::End => self.enter_next()?,
                Step::Unfinished(_) => return broken(self.at.index, self.segment.name(), Why::Unfinished),
            }
        }
        Ok(None)
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
        if next.line() != (Header { log: self.log.clone(), start: self.at }).line().as_bytes() {
            return broken(self.at.index, next.name(), Why::Header);
        }
        self.segment = next;
        Ok(())
    }
}

/// Opens a segment at its first record.
fn begin(dir: &Path, first: u64) -> Result<(Segment, Header), ReadError> {
    let segment = Segment::open(dir, first)?;
    let header = Header::parse(segment.line()).filter(|header| header.start.index == first);
    match header.filter(|header| first > 0 || header.start == Position::start(&header.log)) {
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
