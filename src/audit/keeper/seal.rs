//! Seals a closed segment: packs it, shows that it unpacks to the same, says so in a signed manifest, and only then removes the
//! raw file. Whatever step is the last before a crash, a whole copy lies there, and sealing it again goes on from there.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use zstd::stream::write::Encoder;

use crate::audit::broken::{ReadError, Why, broken};
use crate::audit::chain::Position;
use crate::audit::folder;
use crate::audit::manifest::{Digest, Manifest};
use crate::audit::note::SigningKey;
use crate::audit::notes;
use crate::audit::reader::{Hashing, Segment, Step, digest};
use crate::audit::record::Record;
use crate::audit::segment::Header;
use crate::audit::tiles::TileError;
use crate::audit::tree::TreeHash;
use crate::background::breathe;

/// Of records, which repeat one another, this level makes as little as the next two (a fifth; 5.5, 5.4 and 5.2 times smaller), in
/// half and a third of their time.
const LEVEL: i32 = 1;
/// Bytes that are packed or compared at a time, about.
const PART_BYTES: usize = 128 * 1024;
/// Nobody writes to a sealed segment again.
const SEALED_MODE: u32 = 0o400;

/// Why a segment is not sealed. Its raw file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The segment is damaged, or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The root of the tree at its end cannot be had.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// A file cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was packed does not unpack to the segment.
    #[error("{0} does not unpack to what was packed")]
    Unlike(PathBuf),
    /// Its first or last record has no time.
    #[error("record {0} has not the form of a record")]
    Form(u64),
    /// The manifest cannot be a note.
    #[error("the manifest cannot be signed")]
    Note,
}

/// What was done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The packed form is written, under a temporary name.
    Packed,
    /// It was unpacked and compared, and is durable.
    Compared,
    /// The manifest has its name.
    Signed,
    /// The packed form has its name.
    Named,
    /// The raw file is gone.
    Removed,
}

/// One segment that is to be sealed.
pub(super) struct Sealing<'a> {
    pub(super) dir: &'a Path,
    pub(super) first: u64,
    /// After its last record, as the header of the next segment has it.
    pub(super) end: Position,
    /// The root of the tree over the records up to there.
    pub(super) root: TreeHash,
    pub(super) key: &'a SigningKey,
}

/// What the raw file holds.
struct Content {
    header: Header,
    times: (Timestamp, Timestamp),
    raw: Digest,
}

impl Sealing<'_> {
    /// Seals it. `done` is told after each step, and can end the work there: as a crash would, in tests.
    pub(super) fn run(&self, done: &mut dyn FnMut(Stage) -> io::Result<()>) -> Result<(), SealError> {
        let (raw, packed) = (self.dir.join(folder::segment(self.first)), self.dir.join(folder::packed(self.first)));
        let temporary = self.dir.join(folder::temporary(&folder::packed(self.first)));
        let mut step = |stage| done(stage).map_err(|source| SealError::Write { path: packed.clone(), source });
        // What an interrupted sealing left is worth nothing while the raw file is whole, which packing it shows.
        let content = write(&temporary, || remove(&temporary)).and_then(|()| self.pack(&temporary))?;
        step(Stage::Packed)?;
        let sealed = self.compare(&temporary, &raw)?;
        step(Stage::Compared)?;
        self.sign(content, sealed)?;
        step(Stage::Signed)?;
        write(&packed, || fs::rename(&temporary, &packed).and_then(|()| self.sync()))?;
        step(Stage::Named)?;
        write(&raw, || fs::remove_file(&raw).and_then(|()| self.sync()))?;
        step(Stage::Removed)
    }

    /// Packs the raw file while its chain is checked from its header to the next one.
    fn pack(&self, temporary: &Path) -> Result<Content, SealError> {
        let mut segment = Segment::open(self.dir, self.first)?;
        let Some(header) = segment.header().filter(|header| header.start.index == self.first).cloned() else {
            return Ok(broken(self.first, segment.name(), Why::Header)?);
        };
        let mut out = Packer::create(temporary, segment.whole() + segment.left())?;
        out.put(segment.line())?;
        let (mut at, mut payload, mut times) = (header.start, Vec::new(), None);
        while let Step::Record { after, .. } = segment.next(&at, &mut payload)? {
            out.record(&payload, &after)?;
            if at.index == self.first || after == self.end {
                let time = Record::parse(at.index, &payload).map_err(|_| SealError::Form(at.index))?.time;
                times = Some((times.map_or(time, |(first, _)| first), time));
            }
            at = after;
        }
        let Some(times) = times.filter(|_| at == self.end) else {
            return Ok(broken(at.index, segment.name(), Why::Unfinished)?);
        };
        Ok(Content { header, times, raw: out.finish()? })
    }

    /// Reads back what was written, unpacked beside the raw file, and gives what it is as it lies there.
    fn compare(&self, temporary: &Path, raw: &Path) -> Result<Digest, SealError> {
        let same = write(temporary, || {
            let unpacked = zstd::Decoder::new(File::open(temporary)?)?;
            is_same(
                BufReader::with_capacity(PART_BYTES, unpacked),
                BufReader::with_capacity(PART_BYTES, File::open(raw)?),
            )
        })?;
        if same { write(temporary, || digest(temporary)) } else { Err(SealError::Unlike(temporary.into())) }
    }

    fn sign(&self, content: Content, packed: Digest) -> Result<(), SealError> {
        let Content { header: Header { log, start, .. }, times, raw } = content;
        let manifest = Manifest { log, start, end: self.end, times, raw, packed, root: self.root };
        let note = manifest.sign(self.key).map_err(|_| SealError::Note)?.to_string();
        let name = folder::manifest(self.first);
        let path = self.dir.join(&name);
        write(&path, || notes::replace(&path, &self.dir.join(folder::temporary(&name)), &note))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(self.dir)?.sync_all()
    }
}

/// A compressed file in the making. Records are handed to the encoder and the hash many at a time: each call costs both more
/// than a record does.
struct Packer {
    path: PathBuf,
    out: Encoder<'static, File>,
    raw: Hashing,
    part: Vec<u8>,
}

impl Packer {
    /// Its frame tells the length of what it holds and has a checksum (RFC 8878 section 3.1.1).
    fn create(path: &Path, length: u64) -> Result<Self, SealError> {
        let make = || {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            let mut out = Encoder::new(file, LEVEL)?;
            out.include_checksum(true)?;
            out.set_pledged_src_size(Some(length))?;
            Ok(out)
        };
        Ok(Self { path: path.into(), out: write(path, make)?, raw: Hashing::new(), part: Vec::new() })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        self.part.extend_from_slice(bytes);
        if self.part.len() < PART_BYTES { Ok(()) } else { self.pass_on() }
    }

    fn record(&mut self, payload: &[u8], after: &Position) -> Result<(), SealError> {
        self.part.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.part.extend_from_slice(payload);
        self.put(&after.hash)
    }

    fn pass_on(&mut self) -> Result<(), SealError> {
        self.raw.add(&self.part);
        let written = self.out.write_all(&self.part);
        self.part.clear();
        breathe();
        written.map_err(|source| SealError::Write { path: self.path.clone(), source })
    }

    fn finish(mut self) -> Result<Digest, SealError> {
        self.pass_on()?;
        let Self { path, out, raw, .. } = self;
        write(&path, || {
            let file = out.finish()?;
            file.set_permissions(Permissions::from_mode(SEALED_MODE))?;
            file.sync_all()
        })?;
        Ok(raw.finish())
    }
}

/// Whether both hold the same bytes.
fn is_same(mut one: impl BufRead, mut other: impl BufRead) -> io::Result<bool> {
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        if left.get(..length) != right.get(..length) {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
        breathe();
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write<T>(path: &Path, act: impl FnOnce() -> io::Result<T>) -> Result<T, SealError> {
    act().map_err(|source| SealError::Write { path: path.into(), source })
}
