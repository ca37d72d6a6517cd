//! Whether a log is what was written: every byte is covered by the form of the files or by the hash chain.

use std::path::Path;

use super::broken::ReadError;
use super::chain::ChainHash;
use super::scan::Scan;
use super::segment::LogId;

/// A log that is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many records it has.
    pub records: u64,
    /// The chain hash over all of them. Only one kept outside tells that records at the end were taken away.
    pub head: ChainHash,
    /// Its id.
    pub log: LogId,
    /// Bytes of a last record that a crash, or a live writer, left unfinished. It was never acknowledged.
    pub unfinished_bytes: u64,
}

/// Reads the whole log in `dir`. May run beside a live writer, or on a copy.
///
/// # Errors
/// [`ReadError::Broken`] with the first bad index, or what kept us from reading.
pub fn verify(dir: &Path) -> Result<Verified, ReadError> {
    // When its device is full, a live writer takes back bytes that we may have read half of. Damage stays: look again.
    walk(dir).or_else(|_| walk(dir))
}

fn walk(dir: &Path) -> Result<Verified, ReadError> {
    let end = Scan::open(dir)?.finish()?;
    Ok(Verified { records: end.at.index, head: end.at.hash, log: end.log, unfinished_bytes: end.unfinished_bytes })
}
