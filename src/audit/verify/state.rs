//! What a verification keeps so that the next one can go on where it ended: which files it saw, and the edge of the tree over
//! their records. It is bound to their lengths, times and hashes; a file that changed since makes it worthless.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::claims::Claim;
use super::walk::Walked;
use crate::audit::broken::ReadError;
use crate::audit::chain::{Position, Version};
use crate::audit::manifest::{hex, unhex};
use crate::audit::reader::Segment;
use crate::audit::segment::LogId;
use crate::audit::tree::{RightEdge, TreeHash};

/// No state file that is read is longer, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("the state file {path} cannot be used")]
    Io {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is none.
    #[error("{0} is not the state of a verification")]
    Form(PathBuf),
    /// It is of another log.
    #[error("the state is of log {found}, and this is log {log}")]
    OtherLog {
        /// The log that it is of.
        found: String,
        /// The log here.
        log: String,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    version: u8,
    log: String,
    segments: Vec<Done>,
    /// The trees that were confirmed: sizes and roots.
    confirmed: Vec<(u64, String)>,
    /// The partial tiles of the tree over the records of these segments, the lowest level first.
    edge: Vec<(u8, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    first: u64,
    file: String,
    bytes: u64,
    changed: (i64, i64),
    /// Of the compressed file, or the last chain hash of a raw one.
    hash: String,
    records: u64,
    chain: String,
}

/// Where a verification goes on.
pub(super) struct Resumed {
    pub(super) segments: usize,
    pub(super) at: Position,
    /// The version of the last segment.
    pub(super) version: Version,
    pub(super) edge: RightEdge,
}

impl State {
    pub(super) fn new(log: &LogId) -> Self {
        Self { version: 1, log: log.to_string(), segments: Vec::new(), confirmed: Vec::new(), edge: Vec::new() }
    }

    /// The state in a file; `None` when there is no such file.
    pub(super) fn load(path: &Path, log: &LogId) -> Result<Option<Self>, StateError> {
        let failed = |source| StateError::Io { path: path.into(), source };
        let length = match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(failed)?.len(),
        };
        let text = if length > MAX_BYTES { Vec::new() } else { fs::read(path).map_err(failed)? };
        let state: Self = serde_json::from_slice(&text).map_err(|_| StateError::Form(path.into()))?;
        if state.version != 1 {
            return Err(StateError::Form(path.into()));
        }
        let log = log.to_string();
        if state.log == log { Ok(Some(state)) } else { Err(StateError::OtherLog { found: state.log, log }) }
    }

    /// Where to go on, when all that the state speaks of is as it was: the files, and what is claimed of their records.
    pub(super) fn resume(&self, dir: &Path, firsts: &[u64], claims: &[Claim]) -> Option<Resumed> {
        let last = self.segments.last()?;
        let at = Position { index: last.first.checked_add(last.records)?, hash: unhex(&last.chain)? };
        // The last segment may still grow.
        let closed = firsts.len() > self.segments.len();
        let same = self.segments.iter().zip(firsts).all(|(done, first)| done.first == *first && done.is_unchanged(dir));
        let known = claims.iter().filter(|claim| claim.size <= at.index).all(|claim| self.knows(claim));
        (closed && same && known).then_some(())?;
        let version = Segment::open(dir, last.first).ok()?.version();
        Some(Resumed { segments: self.segments.len(), at, version, edge: self.edge(at.index)? })
    }

    fn knows(&self, claim: &Claim) -> bool {
        let root = hex(&claim.root);
        self.confirmed.iter().any(|(size, confirmed)| *size == claim.size && *confirmed == root)
    }

    fn edge(&self, size: u64) -> Option<RightEdge> {
        let tile = |level: u8| -> Option<Vec<TreeHash>> {
            let (_, text) = self.edge.iter().find(|(found, _)| *found == level)?;
            text.as_bytes().chunks(64).map(|digits| unhex(std::str::from_utf8(digits).ok()?)).collect()
        };
        RightEdge::restore(size, |id| tile(id.level()).ok_or(())).ok()
    }

    /// Takes up a segment that is sound, closed and followed by another.
    pub(super) fn add(&mut self, dir: &Path, walked: &Walked, end: &Position, edge: &RightEdge, confirmed: &[Claim]) {
        let Some(done) = Done::of(dir, walked, end) else { return };
        self.segments.push(done);
        self.confirmed = confirmed.iter().map(|claim| (claim.size, hex(&claim.root))).collect();
        let text = |hashes: &[TreeHash]| hashes.iter().map(hex).collect::<String>();
        self.edge = edge.partial_tiles().map(|(id, hashes)| (id.level(), text(hashes))).collect();
    }

    /// Puts it in the place of the file, whole.
    pub(super) fn save(&self, path: &Path) -> Result<(), StateError> {
        let failed = |source| StateError::Io { path: path.into(), source };
        let temporary = path.with_added_extension("tmp");
        let text = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        let write = || {
            let mut file = fs::File::create(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        };
        write().map_err(failed)
    }
}

impl Done {
    fn of(dir: &Path, walked: &Walked, end: &Position) -> Option<Self> {
        let (bytes, changed) = stamp(&dir.join(&walked.file))?;
        let hash = walked.digests.as_ref().map_or(end.hash, |(_, packed)| packed.sha256);
        Some(Self {
            first: walked.first,
            file: walked.file.clone(),
            bytes,
            changed,
            hash: hex(&hash),
            records: end.index.checked_sub(walked.first)?,
            chain: hex(&end.hash),
        })
    }

    fn is_unchanged(&self, dir: &Path) -> bool {
        let found = || -> Result<Option<[u8; 32]>, ReadError> {
            let mut segment = Segment::open(dir, self.first)?;
            if segment.name() != self.file {
                return Ok(None);
            }
            if segment.is_packed() { segment.digest().map(|digest| Some(digest.sha256)) } else { segment.last_hash() }
        };
        let same = stamp(&dir.join(&self.file)) == Some((self.bytes, self.changed));
        same && found().ok().flatten().is_some_and(|hash| hex(&hash) == self.hash)
    }
}

/// Length, and the time when the system last saw it change, in seconds and nanoseconds: unlike the time of the last write,
/// nobody can set that back.
fn stamp(path: &Path) -> Option<(u64, (i64, i64))> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), (found.ctime(), found.ctime_nsec())))
}
