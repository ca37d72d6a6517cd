//! What the guard holds back, and an operator's leave to take it anyway. Both are files in the folder of the copy: who can write
//! there already decides what this node believes at its next start, and a file works while the node is running.
//!
//! A leave is for one content of one list: it names the SHA-256 that was held back, so the publisher cannot exchange the list
//! after a person looked at it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use serde::{Deserialize, Serialize};

use super::{CopyError, CopyFolder, MAX_SMALL_BYTES, read_whole};
use crate::lists::digest::Digest;
use crate::lists::{ListKind, Loss};

const HELD_BACK: &str = "held-back.json";
const ACCEPTED: &str = "accepted.json";

/// A loss that somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// What was lost.
    pub loss: Loss,
    /// The user of this machine who gave the leave, by number.
    pub by_uid: u32,
}

/// Why a loss cannot be accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Nothing is held back.
    #[error("no list is held back")]
    Nothing,
    /// Something else is held back.
    #[error("this is not held back, but {}", held_back.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and "))]
    Other {
        /// What is.
        held_back: Vec<Loss>,
    },
    /// The folder cannot be used.
    #[error("the folder of the copy cannot be used")]
    Folder(#[from] CopyError),
}

/// One leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leave {
    list: ListKind,
    sequence: u64,
    sha256: Digest,
}

impl Leave {
    fn is_for(&self, loss: &Loss) -> bool {
        (self.list, self.sequence, self.sha256) == (loss.list, loss.sequence, loss.sha256)
    }
}

impl CopyFolder {
    /// What waits for an operator; at most one loss a list.
    ///
    /// # Errors
    /// When the folder cannot be read, or the note in it is damaged.
    pub fn held_back(&self) -> Result<Vec<Loss>, CopyError> {
        let Some(text) = self.read_if_there(HELD_BACK, MAX_SMALL_BYTES)? else { return Ok(Vec::new()) };
        serde_json::from_slice(&text).map_err(|_| CopyError::Note { name: HELD_BACK })
    }

    /// Gives leave to take a list that is held back. The running node finds it within seconds.
    ///
    /// # Errors
    /// When it is not this list with this number that is held back, or the leave cannot be written.
    pub fn accept(&self, list: ListKind, sequence: u64) -> Result<Loss, AcceptError> {
        let held_back = self.held_back()?;
        let Some(loss) = held_back.iter().find(|loss| (loss.list, loss.sequence) == (list, sequence)).cloned() else {
            return Err(if held_back.is_empty() { AcceptError::Nothing } else { AcceptError::Other { held_back } });
        };
        let mut leaves = self.leaves().map_or_else(|_| Vec::new(), |(leaves, _)| leaves);
        leaves.retain(|leave| leave.list != list);
        leaves.push(Leave { list, sequence, sha256: loss.sha256 });
        self.write_note(ACCEPTED, &leaves)?;
        Ok(loss)
    }

    /// Whether everything that is held back was accepted.
    pub(in crate::lists) fn has_leave_for_all(&self) -> bool {
        self.held_back().is_ok_and(|losses| !losses.is_empty() && self.accepted(&losses).is_some())
    }

    /// The acceptances of these losses, if every one was accepted. A leave that cannot be read is none.
    pub(in crate::lists) fn accepted(&self, losses: &[Loss]) -> Option<Vec<Acceptance>> {
        if losses.is_empty() {
            return Some(Vec::new());
        }
        let (leaves, by_uid) = self.leaves().ok()?;
        let accept = |loss: &Loss| {
            leaves.iter().any(|leave| leave.is_for(loss)).then(|| Acceptance { loss: loss.clone(), by_uid })
        };
        losses.iter().map(accept).collect()
    }

    /// Notes what is held back, for the operator. A leave for another content means nothing any more.
    pub(in crate::lists) fn hold_back(&self, losses: &[Loss]) -> Result<(), CopyError> {
        self.write_note(HELD_BACK, &losses)?;
        match self.leaves() {
            Ok((leaves, _)) if leaves.iter().all(|leave| losses.iter().any(|loss| leave.is_for(loss))) => Ok(()),
            Ok(_) | Err(_) => self.remove(ACCEPTED),
        }
    }

    /// Nothing is held back any more.
    pub(in crate::lists) fn settle(&self) -> Result<(), CopyError> {
        self.remove(HELD_BACK).and_then(|()| self.remove(ACCEPTED))
    }

    /// The leaves, and who owns the file.
    fn leaves(&self) -> Result<(Vec<Leave>, u32), CopyError> {
        let file = File::open(self.path.join(ACCEPTED)).map_err(CopyError::Read)?;
        let owner = file.metadata().map_err(CopyError::Read)?.uid();
        let text = read_whole(file, MAX_SMALL_BYTES).map_err(CopyError::Read)?;
        let leaves = serde_json::from_slice(&text).map_err(|_| CopyError::Note { name: ACCEPTED })?;
        Ok((leaves, owner))
    }

    fn write_note(&self, name: &str, content: &impl Serialize) -> Result<(), CopyError> {
        let text = serde_json::to_vec_pretty(content).map_err(|error| CopyError::Write(error.into()))?;
        fs::create_dir_all(&self.path).and_then(|()| self.write_file(name, &text)).map_err(CopyError::Write)
    }

    fn remove(&self, name: &str) -> Result<(), CopyError> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CopyError::Write(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
