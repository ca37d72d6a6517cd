//! What can be wrong with a log folder, and where: the words of all that read one.

use std::io;
use std::path::PathBuf;

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
    /// The folder has a file or folder that is no part of a log.
    #[error("this does not belong in a log folder")]
    Foreign,
    /// A segment starts later than the segments before it end.
    #[error("records before this segment are missing")]
    Missing,
    /// Records were removed after their retention while somebody was about to read them. No damage.
    #[error("it was removed after its retention; begin after it")]
    Pruned,
    /// The header is malformed or does not continue the segment before it.
    #[error("the header is not the one that belongs here")]
    Header,
    /// No record has this length.
    #[error("the length of the record is wrong")]
    Length,
    /// The record, or one before it in the chain, is not what was written.
    #[error("the hash of the record does not fit")]
    Hash,
    /// A compressed segment is not what was packed, or not alone in its file.
    #[error("the compressed segment does not unpack to what was sealed")]
    Packed,
    /// A hash tile has not the hashes of the records, and the records are those that were signed.
    #[error("the hash tile does not fit the records")]
    Tile,
    /// A checkpoint covers the records of a hash tile that is not there.
    #[error("the hash tile is missing")]
    TileMissing,
    /// The hashes of the chain fit, but the tree that was signed has another record here.
    #[error("the record is not the one that was signed")]
    Replaced,
    /// Somewhere between here and the size that was signed the records are others than those.
    #[error("from here on the records are not those that were signed")]
    Checkpoint,
    /// Records that were signed are not there.
    #[error("the records that it covers are missing from here on")]
    Short,
    /// A note is malformed, or not signed by a key of this log that may speak of it.
    #[error("no key of the log signed this")]
    Unsigned,
    /// There are signatures, but the newest checkpoint is not there; or none at all where some are asked for.
    #[error("the signed checkpoint is missing")]
    NoCheckpoint,
    /// The public keys are those of another log.
    #[error("the public keys are those of another log")]
    OtherKeys,
    /// There are signatures, but not the public keys to check them with.
    #[error("the public keys of the log are missing")]
    NoKeys,
    /// What the manifest of a segment says is not so, or it is missing.
    #[error("the manifest is missing or does not fit its segment")]
    Manifest,
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

/// A damage as the result of a reading.
pub(super) fn broken<T>(index: u64, segment: String, why: Why) -> Result<T, ReadError> {
    Err(Broken { index, segment, why }.into())
}
