//! Walks over the records of a log folder, oldest first, checking form and chain of every byte it passes. Opening, verifying
//! and showing a log all go through here. Memory is bounded by one record; a live writer is not disturbed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::chain::{self, Position};
use super::encode::MAX_PAYLOAD_BYTES;
use super::segment::{self, HASH_BYTES, Header, LENGTH_BYTES, LogId, MAX_HEADER_BYTES};

/// What is wrong with a log, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {index} in {segment}: {why}")]
pub struct Broken {
    /// The first index that cannot be relied on; all records before it are sound.
    pub index: u64,
    /// The file in which it shows; empty when the folder has none.
    pub segment: String,
    /// What is wrong.
    pub why: Why,
}

/// The kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// There is no log in the folder, or nothing of it but a part of its first header.
    #[error("no log was begun here")]
    NotBegun,
    /// The folder has a file or folder that is no segment.
    #[error("this does not belong in a log folder")]
    Foreign,
    /// A segment starts later than the segments before it end.
    #[error("records before this segment are missing")]
    Missing,
    /// The header is malformed or does not continue the segment before it.
    #[error("the header is not the one that belongs here")]
    Header,
    /// No record has this length.
    #[error("the length of the record is wrong")]
    Length,
    /// The record, or one before it in the chain, is not what was written.
    #[error("the hash of the record does not fit")]
    Hash,
    /// A record ends before it is complete although more segments follow.
    #[error("the record is not complete and is not the last")]
    Unfinished,
}

/// Why a log could not be read further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is damaged.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The system did not let us read.
    #[error("{path} cannot be read")]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

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
pub(super) struct End {
    pub(super) log: LogId,
    pub(super) at: Position,
    /// The first index of the last segment, and its length up to the last whole record; 0 when its header is unfinished.
    pub(super) first: u64,
    pub(super) whole_bytes: u64,
    /// What follows the last whole record: the beginning of one that was never finished.
    pub(super) unfinished_bytes: u64,
}

impl Scan {
    /// Starts at the first record.
    pub(super) fn open(dir: &Path) -> Result<Self, ReadError> {
        let mut rest = list(dir)?;
        let Some(first) = rest.pop_front() else { return broken(0, String::new(), Why::NotBegun) };
        if first != 0 {
            return broken(0, segment::name(first), Why::Missing);
        }
        let current = Segment::open(dir, first)?;
        let Some(header) = Header::parse(&current.line) else {
            let begun = !rest.is_empty() || current.left > 0 || !segment::begins_header(&current.line);
            return broken(0, segment::name(first), if begun { Why::Header } else { Why::NotBegun });
        };
        let at = Position::start(&header.log);
        if header.start != at {
            return broken(0, segment::name(first), Why::Header);
        }
        Ok(Self { dir: dir.into(), log: header.log, rest, current, at, unfinished_bytes: 0, ended: false })
    }

    /// Starts at the first record of the last segment. Of the segments before it only the headers and last hashes are read.
    pub(super) fn open_last(dir: &Path) -> Result<Self, ReadError> {
        let mut scan = Self::open(dir)?;
        while scan.skip_segment()? {}
        Ok(scan)
    }

    /// The index of the next record, its payload in `payload`; `None` at the end, and ever after an error.
    pub(super) fn next(&mut self, payload: &mut Vec<u8>) -> Result<Option<u64>, ReadError> {
        while !self.ended {
            // Ended, unless this step shows otherwise.
            self.ended = true;
            match self.current.next(&self.at, payload)? {
                Step::Record(after) => {
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
        Ok(End { log, at, first: current.first, whole_bytes: current.whole, unfinished_bytes })
    }

    fn enter_next(&mut self) -> Result<bool, ReadError> {
        let Some(first) = self.rest.pop_front() else { return Ok(false) };
        if first != self.at.index {
            let why = if first > self.at.index { Why::Missing } else { Why::Header };
            return broken(self.at.index, segment::name(first), why);
        }
        self.current = Segment::open(&self.dir, first)?;
        let expected = Header { log: self.log.clone(), start: self.at }.line();
        if self.current.line == expected.as_bytes() {
            return Ok(true);
        }
        // A writer that ended while it began a segment leaves a part of the header, or nothing, in the last file.
        if self.rest.is_empty() && self.current.left == 0 && expected.as_bytes().starts_with(&self.current.line) {
            self.unfinished_bytes = std::mem::take(&mut self.current.whole);
            return Ok(false);
        }
        broken(self.at.index, segment::name(first), Why::Header)
    }

    fn skip_segment(&mut self) -> Result<bool, ReadError> {
        let Some(&first) = self.rest.front() else { return Ok(false) };
        let Some(hash) = self.current.last_hash()? else {
            return broken(self.at.index, self.current.name(), Why::Unfinished);
        };
        let start = Position { index: first, hash };
        let expected = Header { log: self.log.clone(), start }.line();
        let next = Segment::open(&self.dir, first)?;
        if next.line == expected.as_bytes() {
            self.rest.pop_front();
            (self.current, self.at) = (next, start);
            return Ok(true);
        }
        // Only a walk over this segment can tell whether the next was just not finished.
        if next.left == 0 && !next.line.ends_with(b"\n") {
            return Ok(false);
        }
        broken(first, segment::name(first), Why::Header)
    }
}

enum Step {
    Record(Position),
    End,
    Unfinished(u64),
}

struct Segment {
    dir: PathBuf,
    first: u64,
    file: BufReader<File>,
    /// The first line, with its newline; shorter or without newline when it is no header.
    line: Vec<u8>,
    /// Bytes of the header and the records read so far.
    whole: u64,
    /// Bytes after those, as of the opening: what a live writer adds later is not looked at.
    left: u64,
}

impl Segment {
    fn open(dir: &Path, first: u64) -> Result<Self, ReadError> {
        let path = dir.join(segment::name(first));
        let load = || {
            let file = File::open(&path)?;
            let length = file.metadata()?.len();
            let mut file = BufReader::with_capacity(128 * 1024, file);
            let mut line = Vec::with_capacity(MAX_HEADER_BYTES);
            file.by_ref().take(length.min(MAX_HEADER_BYTES as u64)).read_until(b'\n', &mut line)?;
            let whole = line.len() as u64;
            Ok(Self { dir: dir.into(), first, file, line, whole, left: length.saturating_sub(whole) })
        };
        load().map_err(|source| ReadError::Io { path: path.clone(), source })
    }

    fn name(&self) -> String {
        segment::name(self.first)
    }

    fn next(&mut self, at: &Position, payload: &mut Vec<u8>) -> Result<Step, ReadError> {
        match self.read_record(at, payload) {
            Ok(Ok(step)) => Ok(step),
            Ok(Err(why)) => broken(at.index, self.name(), why),
            // A live writer cut back to its last whole record while we read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Step::Unfinished(self.left)),
            Err(source) => Err(ReadError::Io { path: self.dir.join(self.name()), source }),
        }
    }

    fn read_record(&mut self, at: &Position, payload: &mut Vec<u8>) -> io::Result<Result<Step, Why>> {
        const FRAME: u64 = (LENGTH_BYTES + HASH_BYTES) as u64;
        if self.left == 0 {
            return Ok(Ok(Step::End));
        }
        if self.left < LENGTH_BYTES as u64 {
            return Ok(Ok(Step::Unfinished(self.left)));
        }
        let mut length = [0; LENGTH_BYTES];
        self.file.read_exact(&mut length)?;
        let length = u64::from(u32::from_le_bytes(length));
        if !(1..=MAX_PAYLOAD_BYTES as u64).contains(&length) {
            return Ok(Err(Why::Length));
        }
        if self.left < FRAME + length {
            return self.read_unfinished(at, payload);
        }
        payload.clear();
        self.file.by_ref().take(length).read_to_end(payload)?;
        let mut hash = [0; HASH_BYTES];
        self.file.read_exact(&mut hash)?;
        self.whole += FRAME + length;
        self.left -= FRAME + length;
        Ok(at.after(payload).filter(|after| after.hash == hash).map(Step::Record).ok_or(Why::Hash))
    }

    /// The file ends before the record does. That is damage all the same when a whole record stands there: then its length
    /// was changed, and cutting it off would lose it and all that follow.
    fn read_unfinished(&mut self, at: &Position, rest: &mut Vec<u8>) -> io::Result<Result<Step, Why>> {
        rest.clear();
        self.file.by_ref().take(self.left - LENGTH_BYTES as u64).read_to_end(rest)?;
        let whole = chain::holds_record(&at.hash, rest);
        Ok(if whole { Err(Why::Length) } else { Ok(Step::Unfinished(self.left)) })
    }

    /// The last 32 bytes, when there can be a record. The place of reading is kept.
    fn last_hash(&mut self) -> Result<Option<[u8; HASH_BYTES]>, ReadError> {
        if self.left <= (LENGTH_BYTES + HASH_BYTES) as u64 {
            return Ok(None);
        }
        let mut load = || {
            let mut hash = [0; HASH_BYTES];
            self.file.seek(SeekFrom::Start(self.whole + self.left - HASH_BYTES as u64))?;
            self.file.read_exact(&mut hash)?;
            self.file.seek(SeekFrom::Start(self.whole))?;
            Ok(hash)
        };
        load().map(Some).map_err(|source| ReadError::Io { path: self.dir.join(segment::name(self.first)), source })
    }
}

/// The first indexes of all segments, in order.
fn list(dir: &Path) -> Result<VecDeque<u64>, ReadError> {
    let failed = |source| ReadError::Io { path: dir.into(), source };
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let first = name.to_str().and_then(segment::first_of);
        let is_file = entry.file_type().map_err(failed)?.is_file();
        match first.filter(|_| is_file) {
            Some(first) => firsts.push(first),
            None => return broken(0, name.to_string_lossy().into_owned(), Why::Foreign),
        }
    }
    firsts.sort_unstable();
    Ok(firsts.into())
}

fn broken<T>(index: u64, segment: String, why: Why) -> Result<T, ReadError> {
    Err(Broken { index, segment, why }.into())
}
