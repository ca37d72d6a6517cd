//! Makes proofs from the folder of a log: from its records, its stored tiles and its newest checkpoint, or an earlier one. May
//! run beside a live node, or on a copy. Every proof is checked before it is handed out.

mod hashes;
mod publish;

pub use publish::{Published, publish};

use std::io;
use std::path::{Path, PathBuf};

use super::broken::ReadError;
use super::checkpoint::Checkpoint;
use super::folder;
use super::follow::Follower;
use super::keys::{KeysError, LogKeys};
use super::note::{Note, NoteError};
use super::notes;
use super::proof::{ConsistencyProof, InclusionProof, ProvenError};
use super::tiles::TileError;
use super::tree::{OutOfTree, consistency_proof, inclusion_proof};
use hashes::Hashes;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The log has no checkpoint, or does not name its public keys.
    #[error("{path} is not there: the log was never signed")]
    Unsigned {
        /// The file that is missing.
        path: PathBuf,
    },
    /// A file of the log cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The checkpoint, or the list of keys, says nothing.
    #[error("the checkpoint or the keys cannot be believed")]
    Keys(#[from] KeysError),
    /// The checkpoint is not the note that it should be.
    #[error("the checkpoint cannot be believed")]
    Note(#[from] NoteError),
    /// The checkpoint does not cover the record.
    #[error("record {index} is not under the checkpoint, which covers the {size} records before it")]
    NotCovered {
        /// The index that was asked for.
        index: u64,
        /// How many records the checkpoint covers.
        size: u64,
    },
    /// The records cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The stored hashes cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// Records and hashes do not lead to the root of the checkpoint: the log holds something else than what was signed.
    #[error("the log does not hold what the checkpoint says")]
    Other(#[source] ProvenError),
    /// A folder to publish to is not empty, or cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<OutOfTree> for ProveError {
    fn from(error: OutOfTree) -> Self {
        Self::Tile(error.into())
    }
}

/// The newest checkpoint of the log in `dir`, as it lies there.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn newest_checkpoint(dir: &Path) -> Result<String, ProveError> {
    read(dir.join(folder::CHECKPOINT))
}

/// The public keys that the log in `dir` claims to have. Whoever must not trust the folder takes them from elsewhere.
///
/// # Errors
/// When it names none, or they cannot be read.
pub fn claimed_keys(dir: &Path) -> Result<LogKeys, ProveError> {
    Ok(LogKeys::parse(&read(dir.join(folder::KEYS))?)?)
}

fn read(path: PathBuf) -> Result<String, ProveError> {
    match notes::read_one(&path) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(ProveError::Unsigned { path }),
        Err(source) => Err(ProveError::Io { path, source }),
    }
}

/// A log and a checkpoint of it that its keys signed.
pub struct Prover {
    dir: PathBuf,
    keys: LogKeys,
    note: Note,
    checkpoint: Checkpoint,
    hashes: Hashes,
}

impl Prover {
    /// For the log in `dir` under the checkpoint in this note.
    ///
    /// # Errors
    /// When none of the keys signed it.
    pub fn new(dir: &Path, note: &str, keys: LogKeys) -> Result<Self, ProveError> {
        let (checkpoint, _) = keys.open(note)?;
        let hashes = Hashes::of(dir, checkpoint.size);
        Ok(Self { dir: dir.into(), note: Note::parse(note)?, checkpoint, hashes, keys })
    }

    /// What is proven from.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// That record `index` is in the log. The payload is read from it, or given when the log does not hold it any more.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn inclusion(&mut self, index: u64, record: Option<Vec<u8>>) -> Result<InclusionProof, ProveError> {
        let size = self.checkpoint.size;
        if index >= size {
            return Err(ProveError::NotCovered { index, size });
        }
        let record = match record {
            Some(payload) => payload,
            None => self.payload(index)?,
        };
        let hashes = inclusion_proof(index, size, &mut |subtree| self.hashes.root_of(subtree))?;
        let proof = InclusionProof { index, record: Some(record), hashes, checkpoint: self.note.clone() };
        proof.verify(None, &self.keys).map_err(ProveError::Other)?;
        Ok(proof)
    }

    /// That the log grew from an earlier checkpoint.
    ///
    /// # Errors
    /// See [`ProveError`]; [`ProveError::Tile`] when the earlier checkpoint is the larger one.
    pub fn consistency(&mut self, old: &Checkpoint) -> Result<ConsistencyProof, ProveError> {
        let hashes = consistency_proof(old.size, self.checkpoint.size, &mut |subtree| self.hashes.root_of(subtree))?;
        let proof = ConsistencyProof { old: old.size, hashes, checkpoint: self.note.clone() };
        proof.verify(old, &self.keys).map_err(ProveError::Other)?;
        Ok(proof)
    }

    fn payload(&self, index: u64) -> Result<Vec<u8>, ProveError> {
        let mut payload = Vec::new();
        let found = Follower::open(&self.dir, index)?.next(index + 1, &mut payload)?;
        // A follower gives every record below the number that it is told.
        found.map(|_| payload).ok_or(ProveError::NotCovered { index, size: index })
    }
}

#[cfg(test)]
mod tests;
