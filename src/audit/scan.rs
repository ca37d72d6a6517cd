//! Walks over the records of a log folder, oldest first, checking form and chain of every byte it passes. Opening, verifying
//! and showing a log all go through here. Memory is bounded by one record; a live writer is not disturbed.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::broken::{ReadError, Why, broken};
use super::chain::{Position, Version};
use super::folder::{self, Entry};
use super::pruned::{self, Pruned};
use super::reader::{Segment, Step};
use super::segment::{self, Header, LogId};

/// A walk over the records.
pub(super) struct Scan {
    dir: PathBuf,
    log: LogId,
    /// The first indexes of the segments after the current one.
    rest: VecDeque<u64>,
    current: Segment,
    at: Position,
    unfinished_bytes: u64,
    ended: bool,
}

/// Where a walk ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) log: LogId,
    pub(super) at: Position,
    /// The first index of the last segment, and its length up to the last whole record; 0 when its header is unfinished.
    pub(super) first: u64,
    pub(super) whole_bytes: u64,
    /// The version of the last segment.
    pub(super) version: Version,
    /// What follows the last whole record: the beginning of one that was never finished.
    pub(super) unfinished_bytes: u64,
}

impl Scan {
    /// Starts at the first record.
    pub(super) fn open(dir: &Path) -> Result<Self, ReadError> {
        let (mut rest, pruned) = held(dir)?;
        let begins = pruned.as_ref().map_or(0, |pruned| pruned.start.index);
        let Some(first) = rest.pop_front() else {
            return match pruned {
                Some(_) => broken(begins, folder::segment(begins), Why::Missing),
                None => broken(0, String::new(), Why::NotBegun),
            };
        };
        if first != begins {
            return broken(begins, folder::segment(first), Why::Missing);
        }
        let current = Segment::open(dir, first)?;
        let Some(header) = current.header().cloned() else {
            let begun =
                pruned.is_some() || !rest.is_empty() || current.left() > 0 || !segment::begins_header(current.line());
            return broken(begins, folder::segment(first), if begun { Why::Header } else { Why::NotBegun });
        };
        let foreign = pruned.as_ref().is_some_and(|pruned| pruned.log != header.log);
        let at = pruned.map_or_else(|| Position::start(&header.log, header.version), |pruned| pruned.start);
        if header.start != at || foreign {
            return broken(begins, folder::segment(first), Why::Header);
        }
        Ok(Self { dir: dir.into(), log: header.log, rest, current, at, unfinished_bytes: 0, ended: false })
    }

    /// Starts at the first record of the last segment. Of the segments before it only the headers and last hashes are read.
    pub(super) fn open_last(dir: &Path) -> Result<Self, ReadError> {
        let mut scan = Self::open(dir)?;
        while scan.skip_segment()? {}
        Ok(scan)
    }

    /// The id of the log.
    pub(super) const fn log(&self) -> &LogId {
        &self.log
    }

    /// The place in the chain before the next record.
    pub(super) const fn at(&self) -> Position {
        self.at
    }

    /// The index of the next record, its payload in `payload`; `None` at the end, and ever after an error.
    pub(super) fn next(&mut self, payload: &mut Vec<u8>) -> Result<Option<u64>, ReadError> {
        while !self.ended {
            // Ended, unless this step shows otherwise.
            self.ended = true;
            match self.current.next(&self.at, payload)? {
                Step::Record { after, .. } => {
                    let index = std::mem::replace(&mut self.at, after).index;
                    self.ended = false;
                    return Ok(Some(index));
                }
                Step::End => self.ended = !self.enter_next()?,
                Step::Unfinished(bytes) if self.rest.is_empty() => self.unfinished_bytes = bytes,
                Step::Unfinished(_) => return broken(self.at.index, self.current.name(), Why::Unfinished),
            }
        }
        Ok(None)
    }

    /// Walks to the end; no record is kept.
    pub(super) fn finish(mut self) -> Result<End, ReadError> {
        let mut payload = Vec::new();
        while self.next(&mut payload)?.is_some() {}
        let Self { log, at, current, unfinished_bytes, .. } = self;
        let version = current.version();
        Ok(End { log, at, first: current.first(), whole_bytes: current.whole(), version, unfinished_bytes })
    }

    fn enter_next(&mut self) -> Result<bool, ReadError> {
        let Some(first) = self.rest.pop_front() else { return self.last() };
        if first != self.at.index {
            let why = if first > self.at.index { Why::Missing } else { Why::Header };
            return broken(self.at.index, folder::segment(first), why);
        }
        let version = self.current.version();
        self.current = Segment::open(&self.dir, first)?;
        if self.current.header().is_some_and(|header| header.continues(&self.log, &self.at, version)) {
            return Ok(true);
        }
        // A writer that ended while it began a segment leaves a part of the header, or nothing, in the last file.
        let is_begun = Header::is_begun(self.current.line(), &self.log, &self.at, version);
        if self.rest.is_empty() && self.current.left() == 0 && is_begun {
            self.unfinished_bytes = self.current.disown_header();
            return Ok(false);
        }
        broken(self.at.index, folder::segment(first), Why::Header)
    }

    /// Only a segment that another follows is compressed, so the one that is written to never is.
    fn last(&self) -> Result<bool, ReadError> {
        if self.current.is_packed() {
            broken(self.at.index, folder::segment(self.at.index), Why::Missing)
        } else {
            Ok(false)
        }
    }

    fn skip_segment(&mut self) -> Result<bool, ReadError> {
        let Some(&first) = self.rest.front() else { return Ok(false) };
        let next = Segment::open(&self.dir, first)?;
        let hash = if self.current.is_packed() {
            // To unpack it would take as long as to verify it, so the header of the next one is taken at its word.
            next.header().map(|header| header.start.hash)
        } else {
            self.current.last_hash()?
        };
        let Some(hash) = hash else { return broken(self.at.index, self.current.name(), Why::Unfinished) };
        let start = Position { index: first, hash };
        let version = self.current.version();
        if next.header().is_some_and(|header| header.continues(&self.log, &start, version)) {
            self.rest.pop_front();
            (self.current, self.at) = (next, start);
            return Ok(true);
        }
        // Only a walk over this segment can tell whether the next was just not finished.
        if next.left() == 0 && !next.line().ends_with(b"\n") {
            return Ok(false);
        }
        broken(first, folder::segment(first), Why::Header)
    }
}

/// The first indexes of the segments that the log has, in order, each once. Those that it says were removed after their
/// retention do not count, whether their files are gone yet or not.
pub(super) fn list(dir: &Path) -> Result<VecDeque<u64>, ReadError> {
    held(dir).map(|(firsts, _)| firsts)
}

/// The same, with the statement of what was removed.
fn held(dir: &Path) -> Result<(VecDeque<u64>, Option<Pruned>), ReadError> {
    // In this order: the statement is there before a name is gone.
    let firsts = segments(dir)?;
    let pruned = pruned::read(dir)?;
    Ok((left(firsts, pruned.as_ref()), pruned))
}

/// Those of the segments that were not removed after their retention.
pub(super) fn left(mut firsts: VecDeque<u64>, pruned: Option<&Pruned>) -> VecDeque<u64> {
    firsts.retain(|first| pruned.is_none_or(|pruned| *first >= pruned.start.index));
    firsts
}

/// The first indexes of all segments that have a file: between packing and removing a segment has two.
pub(super) fn segments(dir: &Path) -> Result<VecDeque<u64>, ReadError> {
    let first = |entry| if let Entry::Segment(first) | Entry::Packed(first) = entry { Some(first) } else { None };
    firsts(dir, first).map(Into::into)
}

/// The first indexes of all segments that have a manifest.
pub(super) fn manifests(dir: &Path) -> Result<Vec<u64>, ReadError> {
    firsts(dir, |entry| if let Entry::Manifest(first) = entry { Some(first) } else { None })
}

fn firsts(dir: &Path, wanted: impl Fn(Entry) -> Option<u64>) -> Result<Vec<u64>, ReadError> {
    let failed = |source| ReadError::Io { path: dir.into(), source };
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(failed)?;
        let fits = |entry: &Entry| if entry.is_folder() { kind.is_dir() } else { kind.is_file() };
        match name.to_str().and_then(Entry::parse).filter(fits) {
            Some(entry) => firsts.extend(wanted(entry)),
            None => return broken(0, name.to_string_lossy().into_owned(), Why::Foreign),
        }
    }
    firsts.sort_unstable();
    firsts.dedup();
    Ok(firsts)
}

/// The first record that the log still has: another than 0 only when it says that older ones were removed after their retention.
pub(super) fn begins_at(dir: &Path) -> Result<u64, ReadError> {
    Ok(pruned::read(dir)?.map_or(0, |pruned| pruned.start.index))
}
