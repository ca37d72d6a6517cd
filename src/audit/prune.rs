//! Removes records after their retention. What stays proves that they were there: the hash tiles, the manifests, and the signed
//! statement of what was removed, which is durable before the first file goes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::broken::{ReadError, Why, broken};
use super::chain::Position;
use super::folder;
use super::follow::Follower;
use super::keys::LogKeys;
use super::manifest::Manifest;
use super::note::SigningKey;
use super::pruned::{self, Pruned};
use super::reader::Segment;
use super::record::Record;
use super::scan::Scan;
use super::segment::LogId;
use super::signer::SignedCheckpoint;
use super::tiles::{self, TileError};
use super::tree::TILE_WIDTH;
use super::{notes, scan};

/// Why nothing is removed, or not all of it yet.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The log is damaged, or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A hash tile cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The tiles do not lead to the root that the manifest of a segment says.
    #[error("the hash tiles do not show the records before {0} as they were signed")]
    Root(u64),
    /// The newest record that is signed has no time.
    #[error("record {0} has not the form of a record")]
    Form(u64),
    /// The public keys in the folder are not those that the statement would be checked with.
    #[error("the folder does not name the key of the log yet: start the node with it once")]
    Keys,
    /// The statement cannot be a note.
    #[error("the statement cannot be signed")]
    Note,
    /// A file cannot be written or removed.
    #[error("{path} cannot be written or removed")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// How long records are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// So many days of 24 hours.
    pub days: u32,
    /// The time of the clock.
    pub now: Timestamp,
}

impl Retention {
    /// Records of before this are removed. A clock that runs ahead alone removes nothing: the newest signed record counts too.
    fn limit(&self, newest: Timestamp) -> Timestamp {
        let kept = SignedDuration::from_hours(24 * i64::from(self.days));
        self.now.min(newest).saturating_sub(kept).unwrap_or(Timestamp::MIN)
    }
}

/// What is done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The statement is durable.
    Said,
    /// The segment with this first index is gone.
    Removed(u64),
}

/// What is to be removed.
#[derive(Debug)]
pub struct Plan {
    dir: PathBuf,
    pruned: Pruned,
    /// The first index of each segment.
    segments: Vec<u64>,
}

impl Plan {
    /// What `retention` lets go of the log in `dir`, whose newest checkpoint this is; `None` when that is nothing. Only sealed
    /// segments go, the oldest first, and only up to where a full tile stands for what follows in it. The caller holds the lock.
    ///
    /// # Errors
    /// See [`PruneError`]; nothing was changed.
    pub fn make(
        dir: &Path,
        keys: &LogKeys,
        newest: &SignedCheckpoint,
        retention: Retention,
    ) -> Result<Option<Self>, PruneError> {
        let size = newest.checkpoint().size;
        let Some((log, time)) = newest_time(dir, newest)? else { return Ok(None) };
        let known = pruned::read_with(dir, keys)?;
        let start = known.map_or_else(|| Scan::open(dir).map(|scan| scan.at()), |known| Ok(known.start))?;
        let walk = Walk { dir, keys, newest, limit: retention.limit(time) };
        let (segments, start) = walk.due(start)?;
        if segments.is_empty() {
            return Ok(None);
        }
        walk.check(&log, &start)?;
        let tree = (size, newest.checkpoint().root);
        let pruned = Pruned { log, start, tree, days: retention.days, time: retention.now };
        Ok(Some(Self { dir: dir.into(), pruned, segments }))
    }

    /// The first record that is kept.
    #[must_use]
    pub const fn first_kept(&self) -> u64 {
        self.pruned.start.index
    }

    /// How many segments go.
    #[must_use]
    pub const fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Signs the statement, and then removes the segments. An interruption leaves files that nobody reads any more;
    /// [`complete`] removes them.
    ///
    /// # Errors
    /// See [`PruneError`].
    pub fn run(self, key: &SigningKey) -> Result<(), PruneError> {
        self.run_with(key, &mut |_| Ok(()))
    }

    /// `done` is told after each step, and can end the work there: as a crash would, in tests.
    pub(super) fn run_with(
        self,
        key: &SigningKey,
        done: &mut dyn FnMut(Stage) -> io::Result<()>,
    ) -> Result<(), PruneError> {
        let path = self.dir.join(folder::PRUNED);
        // Whoever reads the folder checks the statement with the keys that it names.
        let named = notes::read_one(&self.dir.join(folder::KEYS)).ok().flatten();
        let named = named.and_then(|text| LogKeys::parse(&text).ok());
        if named.is_none_or(|named| *named.present() != key.verifier()) {
            return Err(PruneError::Keys);
        }
        let note = self.pruned.sign(key).ok_or(PruneError::Note)?.to_string();
        let temporary = self.dir.join(folder::temporary(folder::PRUNED));
        write(&path, || notes::replace(&path, &temporary, &note))?;
        write(&path, || done(Stage::Said))?;
        remove_before(&self.dir, self.pruned.start.index, done).map(|_| ())
    }
}

/// The log in `dir`, and when the last record that this checkpoint covers was made; `None` when it covers none.
///
/// # Errors
/// When that record cannot be read.
pub(super) fn newest_time(dir: &Path, newest: &SignedCheckpoint) -> Result<Option<(LogId, Timestamp)>, PruneError> {
    let size = newest.checkpoint().size;
    let Some(last) = size.checked_sub(1) else { return Ok(None) };
    let mut follower = Follower::open(dir, last)?;
    let mut payload = Vec::new();
    follower.next(size, &mut payload)?;
    let time = Record::parse(last, &payload).map_err(|_| PruneError::Form(last))?.time;
    Ok(Some((follower.log().clone(), time)))
}

/// Removes what an interrupted [`Plan::run`] left: segments that the signed statement says are gone. Gives how many there were.
///
/// # Errors
/// See [`PruneError`].
pub fn complete(dir: &Path, keys: &LogKeys) -> Result<usize, PruneError> {
    match pruned::read_with(dir, keys)? {
        Some(pruned) => remove_before(dir, pruned.start.index, &mut |_| Ok(())),
        None => Ok(0),
    }
}

fn remove_before(
    dir: &Path,
    first_kept: u64,
    done: &mut dyn FnMut(Stage) -> io::Result<()>,
) -> Result<usize, PruneError> {
    let gone: Vec<u64> = scan::segments(dir)?.into_iter().filter(|first| *first < first_kept).collect();
    for first in &gone {
        for path in [dir.join(folder::segment(*first)), dir.join(folder::packed(*first))] {
            write(&path, || match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            })?;
        }
        // One after the other, also on disk: a crash leaves no gap.
        write(dir, || File::open(dir)?.sync_all().and_then(|()| done(Stage::Removed(*first))))?;
    }
    Ok(gone.len())
}

/// What the segments are held against.
struct Walk<'a> {
    dir: &'a Path,
    keys: &'a LogKeys,
    newest: &'a SignedCheckpoint,
    limit: Timestamp,
}

impl Walk<'_> {
    /// The segments that may go, and the place after them.
    fn due(&self, mut at: Position) -> Result<(Vec<u64>, Position), PruneError> {
        let firsts: Vec<u64> = scan::list(self.dir)?.into();
        let mut due = Vec::new();
        for (first, next) in firsts.iter().zip(firsts.iter().skip(1)) {
            let full = next.next_multiple_of(u64::from(TILE_WIDTH)) <= self.newest.checkpoint().size;
            if !full || self.dir.join(folder::segment(*first)).exists() {
                break;
            }
            let manifest = self.manifest(*first)?;
            if manifest.start != at || manifest.end.index != *next {
                return Ok(broken(*first, folder::manifest(*first), Why::Manifest)?);
            }
            if manifest.times.0.max(manifest.times.1) >= self.limit {
                break;
            }
            if self.newest.root_at(*next)? != manifest.root {
                return Err(PruneError::Root(*next));
            }
            due.push(*first);
            at = manifest.end;
        }
        Ok((due, at))
    }

    fn manifest(&self, first: u64) -> Result<Manifest, ReadError> {
        let name = folder::manifest(first);
        let path = self.dir.join(&name);
        let note = notes::read_one(&path).map_err(|source| ReadError::Io { path, source })?;
        match note.and_then(|note| Manifest::open(&note, self.keys).ok()) {
            Some(manifest) => Ok(manifest),
            None => broken(first, name, Why::Manifest),
        }
    }

    /// What is left must begin here, and the lowest tiles alone must show what was there before.
    fn check(&self, log: &LogId, start: &Position) -> Result<(), PruneError> {
        let kept = Segment::open(self.dir, start.index)?;
        if kept.header().is_none_or(|header| header.log != *log || header.start != *start) {
            return Ok(broken(start.index, kept.name(), Why::Header)?);
        }
        let rebuilt = tiles::edge_at(self.dir, start.index)?.root();
        if rebuilt == self.newest.root_at(start.index)? { Ok(()) } else { Err(PruneError::Root(start.index)) }
    }
}

fn write<T>(path: &Path, act: impl FnOnce() -> io::Result<T>) -> Result<T, PruneError> {
    act().map_err(|source| PruneError::Write { path: path.into(), source })
}

#[cfg(test)]
mod tests;
