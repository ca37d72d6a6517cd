//! The newest checkpoint of a log, for people and tools that have only its folder.

use std::path::Path;

use super::SignError;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::follow::Follower;
use crate::audit::keys::LogKeys;
use crate::audit::note::{KeyName, VerifierKey};
use crate::audit::{folder, notes, scan};

/// The newest checkpoint.
#[derive(Debug, Clone)]
pub struct Newest {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The key in the folder that signed it. Only a key that was kept elsewhere proves anything.
    pub key: VerifierKey,
    /// The signed note.
    pub note: String,
}

/// Reads the newest checkpoint in `dir`, and checks it with the public key beside it.
///
/// # Errors
/// [`SignError::NoCheckpoint`] when there is none, and when it is not signed by that key.
pub fn read_newest(dir: &Path) -> Result<Newest, SignError> {
    let note = read(dir, folder::CHECKPOINT)?.ok_or(SignError::NoCheckpoint)?;
    let keys = read_keys(dir)?.ok_or(SignError::NoCheckpoint)?;
    let (checkpoint, _) = keys.open(&note).map_err(SignError::Keys)?;
    Ok(Newest { checkpoint, key: keys.present().clone(), note })
}

/// The name of the keys of the log in `dir`, which is the id of the log.
///
/// # Errors
/// When there is no log.
pub fn name_of(dir: &Path) -> Result<KeyName, SignError> {
    match read_keys(dir)? {
        Some(keys) => Ok(keys.name().clone()),
        None => KeyName::parse(&Follower::open(dir, scan::list(dir)?.front().copied().unwrap_or(0))?.log().to_string())
            .map_err(|_| SignError::Name),
    }
}

fn read_keys(dir: &Path) -> Result<Option<LogKeys>, SignError> {
    let text = read(dir, folder::KEYS)?;
    text.map(|text| LogKeys::parse(&text).map_err(SignError::Keys)).transpose()
}

fn read(dir: &Path, name: &str) -> Result<Option<String>, SignError> {
    let path = dir.join(name);
    notes::read_one(&path).map_err(|source| SignError::Io { path, source })
}
