//! Reads one segment, raw or compressed: the header line, then record after record, form and chain of each checked.

mod stream;

use std::io::{self, BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use super::broken::{ReadError, Why, broken};
use super::chain::{self, Position, Version};
use super::encode::MAX_PAYLOAD_BYTES;
use super::folder;
use super::manifest::Digest;
use super::pruned;
use super::segment::{HASH_BYTES, Header, LENGTH_BYTES, MAX_HEADER_BYTES};
use super::tree::{TreeHash, leaf_hash};
use stream::Stream;
pub(super) use stream::{Hashing, digest};

const FRAME: u64 = (LENGTH_BYTES + HASH_BYTES) as u64;

/// What was found where a record can begin.
pub(super) enum Step {
    /// A whole record: the place after it, and the hash of its payload in the tree.
    Record { after: Position, leaf: TreeHash },
    /// The end of the segment.
    End,
    /// So many bytes of a record that is not complete.
    Unfinished(u64),
}

/// One segment, open for reading.
pub(super) struct Segment {
    path: PathBuf,
    first: u64,
    file: Stream,
    /// The first line, with its newline; shorter or without newline when it is no header.
    line: Vec<u8>,
    header: Option<Header>,
    /// Bytes of the header and the records read so far.
    whole: u64,
    /// Bytes after those, as of the opening or the last [`Segment::refresh`]: what a live writer adds later is not looked at.
    left: u64,
}

impl Segment {
    /// Opens the segment whose first record is `first` and reads its first line. When it has a raw and a compressed file, the
    /// raw one: the other may be new, and is the same when it is whole.
    pub(super) fn open(dir: &Path, first: u64) -> Result<Self, ReadError> {
        let raw = dir.join(folder::segment(first));
        match Self::load(&raw, first, Stream::raw) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            loaded => return loaded.map_err(|error| failed(error, raw, first)),
        }
        let packed = dir.join(folder::packed(first));
        match Self::load(&packed, first, Stream::packed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => absent(dir, first, raw, error),
            loaded => loaded.map_err(|error| failed(error, packed, first)),
        }
    }

    /// The same with `offset` as the place after a whole record, which the writer knows it to be; `None` when it is compressed.
    pub(super) fn open_at(dir: &Path, first: u64, offset: u64) -> Result<Option<Self>, ReadError> {
        let mut segment = Self::open(dir, first)?;
        if segment.is_packed() {
            return Ok(None);
        }
        segment.whole = offset;
        segment.refresh()?;
        Ok(Some(segment))
    }

    fn load(path: &Path, first: u64, open: impl FnOnce(&Path) -> io::Result<(Stream, u64)>) -> io::Result<Self> {
        let (mut file, length) = open(path)?;
        let mut line = Vec::with_capacity(MAX_HEADER_BYTES);
        file.by_ref().take(length.min(MAX_HEADER_BYTES as u64)).read_until(b'\n', &mut line)?;
        let whole = line.len() as u64;
        let header = Header::parse(&line);
        Ok(Self { path: path.into(), first, file, line, header, whole, left: length.saturating_sub(whole) })
    }

    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// The first line as a header. Whether it is the right one is not known here.
    pub(super) const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    pub(super) const fn whole(&self) -> u64 {
        self.whole
    }

    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// Whether it is read from its compressed file.
    pub(super) fn is_packed(&self) -> bool {
        self.file.is_packed()
    }

    /// The name of its file.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The version of its format. Without a header it has no records.
    pub(super) fn version(&self) -> Version {
        self.header.as_ref().map_or(Version::NEWEST, |header| header.version)
    }

    /// The first line is no header after all: its length, of which nothing counts as whole any more.
    pub(super) fn disown_header(&mut self) -> u64 {
        std::mem::take(&mut self.whole)
    }

    /// Looks at the file anew from the last whole record on: a live writer may have added records, or taken back and written
    /// anew what it had not made durable. A compressed segment does not change.
    pub(super) fn refresh(&mut self) -> Result<(), ReadError> {
        let length = self.file.refresh(self.whole).map_err(|error| self.failed(error))?;
        if let Some(length) = length {
            self.left = length.saturating_sub(self.whole);
        }
        Ok(())
    }

    /// The record that follows `at`, its payload in `payload`.
    pub(super) fn next(&mut self, at: &Position, payload: &mut Vec<u8>) -> Result<Step, ReadError> {
        match self.read_record(at, payload) {
            Ok(Ok(Step::Unfinished(_))) if self.is_packed() => broken(at.index, self.name(), Why::Unfinished),
            Ok(Ok(step)) => Ok(step),
            Ok(Err(why)) => broken(at.index, self.name(), why),
            // A live writer cut back to its last whole record while we read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !self.is_packed() => {
                Ok(Step::Unfinished(self.left))
            }
            Err(error) => Err(failed(error, self.path.clone(), at.index)),
        }
    }

    fn read_record(&mut self, at: &Position, payload: &mut Vec<u8>) -> io::Result<Result<Step, Why>> {
        if self.left == 0 {
            self.file.end()?;
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
        payload.resize(usize::try_from(length).unwrap_or_default(), 0);
        self.file.read_exact(payload)?;
        let mut hash = [0; HASH_BYTES];
        self.file.read_exact(&mut hash)?;
        self.whole += FRAME + length;
        self.left -= FRAME + length;
        let leaf = leaf_hash(payload);
        let after = at.after(self.version(), payload, &leaf).filter(|after| after.hash == hash);
        Ok(after.map(|after| Step::Record { after, leaf }).ok_or(Why::Hash))
    }

    /// The file ends before the record does. That is damage all the same when a whole record stands there: then its length
    /// was changed, and cutting it off would lose it and all that follow.
    fn read_unfinished(&mut self, at: &Position, rest: &mut Vec<u8>) -> io::Result<Result<Step, Why>> {
        rest.clear();
        self.file.by_ref().take(self.left - LENGTH_BYTES as u64).read_to_end(rest)?;
        let whole = chain::holds_record(self.version(), &at.hash, rest, MAX_PAYLOAD_BYTES);
        Ok(if whole { Err(Why::Length) } else { Ok(Step::Unfinished(self.left)) })
    }

    /// The last 32 bytes, when there can be a record. The place of reading is kept, but for a compressed segment: that is read
    /// to its end.
    pub(super) fn last_hash(&mut self) -> Result<Option<[u8; HASH_BYTES]>, ReadError> {
        if self.left <= FRAME {
            return Ok(None);
        }
        let hash = self.file.last_bytes(self.whole, self.left);
        hash.map(Some).map_err(|error| self.failed(error))
    }

    /// The length and hash of the whole file, as it lies there.
    pub(super) fn digest(&self) -> Result<Digest, ReadError> {
        digest(&self.path).map_err(|source| ReadError::Io { path: self.path.clone(), source })
    }

    fn failed(&self, error: io::Error) -> ReadError {
        failed(error, self.path.clone(), self.first)
    }
}

/// A segment has no file: it was removed after its retention since it was looked for, or it is missing.
fn absent<T>(dir: &Path, first: u64, path: PathBuf, source: io::Error) -> Result<T, ReadError> {
    match pruned::read(dir)? {
        Some(pruned) if first < pruned.start.index => broken(first, folder::segment(first), Why::Pruned),
        _ => Err(ReadError::Io { path, source }),
    }
}

/// What the system says is passed on; what only the decoder can say is damage.
fn failed(source: io::Error, path: PathBuf, index: u64) -> ReadError {
    let packed = path.extension().is_some_and(|extension| extension == "zst");
    if packed && source.raw_os_error().is_none() {
        let segment = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return super::broken::Broken { index, segment, why: Why::Packed }.into();
    }
    ReadError::Io { path, source }
}
