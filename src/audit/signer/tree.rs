//! The tree of a live log and what is signed of it, step by step: take up durable records, write full tiles, sign, replace the
//! checkpoint. A tree only grows and a checkpoint is only made of it, so no two checkpoints can contradict each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::snapshot::{Hashes, SignedCheckpoint};
use super::{Pace, SignError};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::folder;
use crate::audit::follow::Follower;
use crate::audit::keys::LogKeys;
use crate::audit::note::{Note, Signature, SigningKey};
use crate::audit::notes;
use crate::audit::recent::Recent;
use crate::audit::tiles::Shelf;
use crate::audit::tree::{RightEdge, TileId, TreeHash, empty_root};
use crate::background::breathe;

/// Full tiles that wait in memory for the next checkpoint, at most: then one is signed although it is not due.
const PENDING_MAX: usize = 256;
/// Records between two breaths: some fifty microseconds of work.
const BREATH: u64 = 256;
/// Time between two checkpoints in the history.
const HISTORY_EVERY: Duration = Duration::from_hours(1);

/// A growing tree and the newest checkpoint of it.
pub struct SignedTree {
    pub(super) dir: PathBuf,
    pub(super) key: SigningKey,
    pub(super) keys: LogKeys,
    pub(super) edge: RightEdge,
    pub(super) shelf: Shelf,
    /// Full tiles that no checkpoint covers yet.
    pub(super) pending: Vec<(TileId, Vec<TreeHash>)>,
    pub(super) newest: Option<Arc<SignedCheckpoint>>,
    /// The newest checkpoint is none, or signed by a key that was replaced.
    pub(super) renew: bool,
    pub(super) follower: Option<Follower>,
    pub(super) recent: Recent,
    pub(super) signed_at: Option<Instant>,
    pub(super) history_at: Option<Instant>,
}

impl SignedTree {
    /// The same, which takes what it can from the memory of the log, if this is that of its log.
    #[must_use]
    pub fn beside(self, recent: Recent) -> Self {
        Self { recent, ..self }
    }

    /// The newest checkpoint, once there is one.
    #[must_use]
    pub fn newest(&self) -> Option<&Arc<SignedCheckpoint>> {
        self.newest.as_ref()
    }

    /// Signs that the log began with nothing, which is true of every log: it asks a witness what it saw, and tells it nothing.
    ///
    /// # Errors
    /// When the key is of another log.
    pub fn nothing_signed(&self) -> Result<SignedCheckpoint, SignError> {
        let checkpoint = Checkpoint { origin: self.keys.name().clone(), size: 0, root: empty_root() };
        let note = checkpoint.sign(&self.key)?;
        Ok(SignedCheckpoint { checkpoint, note, hashes: Hashes::of(&self.dir, &RightEdge::new()) })
    }

    /// How many records the newest checkpoint covers.
    pub(super) fn signed(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.checkpoint.size)
    }

    /// Takes up what is durable and signs when that is due, or when `last`: then all of it is signed. Gives the new
    /// checkpoint, if there is one.
    pub(in crate::audit) fn turn(
        &mut self,
        durable: u64,
        now: Instant,
        pace: Pace,
        last: bool,
    ) -> Result<Option<Arc<SignedCheckpoint>>, SignError> {
        let mut made = None;
        while self.take_up(durable)? {
            made = self.sign(now)?.or(made);
        }
        if last || self.is_due(now, pace) {
            made = self.sign(now)?.or(made);
        }
        Ok(made)
    }

    fn is_due(&self, now: Instant, pace: Pace) -> bool {
        let unsigned = self.edge.size().saturating_sub(self.signed());
        let waited = self.signed_at.is_none_or(|at| now.saturating_duration_since(at) >= pace.every);
        self.renew || unsigned >= pace.records || (unsigned > 0 && waited)
    }

    /// Adds the durable records to the tree. True when there are more, but so many tiles wait that a checkpoint comes first.
    pub(super) fn take_up(&mut self, durable: u64) -> Result<bool, SignError> {
        let mut follower = match self.follower.take() {
            Some(follower) => follower,
            None => Follower::open(&self.dir, self.edge.size())?.beside(self.recent.clone()),
        };
        let mut leaves = Vec::new();
        while self.pending.len() < PENDING_MAX {
            // After an error the follower is of no use, so it is kept after a success only.
            follower.next_leaves(durable, &mut leaves)?;
            if leaves.is_empty() {
                self.follower = Some(follower);
                return Ok(false);
            }
            for leaf in &leaves {
                self.push(*leaf);
                if self.edge.size().is_multiple_of(BREATH) {
                    breathe();
                }
            }
        }
        self.follower = Some(follower);
        Ok(true)
    }

    pub(super) fn push(&mut self, leaf: TreeHash) {
        let Self { edge, pending, .. } = self;
        edge.push(leaf, &mut |id, hashes| pending.push((id, hashes.to_vec())));
    }

    /// Signs the tree as it is, when it grew since the last checkpoint. Its tiles are durable before the checkpoint is.
    fn sign(&mut self, now: Instant) -> Result<Option<Arc<SignedCheckpoint>>, SignError> {
        if self.edge.size() == self.signed() && !self.renew {
            return Ok(None);
        }
        self.write_tiles()?;
        let origin = self.keys.name().clone();
        let checkpoint = Checkpoint { origin, size: self.edge.size(), root: self.edge.root() };
        let note = checkpoint.sign(&self.key)?;
        let hashes = Hashes::of(&self.dir, &self.edge);
        self.remember(now)?;
        self.publish(&note)?;
        let signed = Arc::new(SignedCheckpoint { checkpoint, note, hashes });
        self.newest = Some(Arc::clone(&signed));
        self.signed_at = Some(now);
        if self.renew {
            self.write_keys()?;
            self.renew = false;
        }
        Ok(Some(signed))
    }

    fn write_tiles(&mut self) -> Result<(), SignError> {
        for (id, hashes) in &self.pending {
            self.shelf.put(*id, hashes)?;
            breathe();
        }
        self.shelf.sync()?;
        self.pending.clear();
        Ok(())
    }

    /// Puts the checkpoint that is replaced into the history, once an hour.
    fn remember(&mut self, now: Instant) -> Result<(), SignError> {
        let since = *self.history_at.get_or_insert(now);
        if now.saturating_duration_since(since) < HISTORY_EVERY {
            return Ok(());
        }
        self.append_history()?;
        self.history_at = Some(now);
        Ok(())
    }

    /// Puts the newest checkpoint into the history.
    pub(super) fn append_history(&self) -> Result<(), SignError> {
        let Some(newest) = &self.newest else { return Ok(()) };
        let path = self.dir.join(folder::CHECKPOINTS);
        notes::append(&path, &newest.note.to_string()).map_err(|source| SignError::Io { path, source })
    }

    /// Adds the signature of a witness to the newest checkpoint, if it is the one that was cosigned.
    pub(super) fn keep(&mut self, size: u64, cosignature: Signature) -> Result<(), SignError> {
        let Some(newest) = self.newest.as_ref().filter(|newest| newest.checkpoint.size == size) else { return Ok(()) };
        let note = newest.note.clone().with(cosignature);
        let newest = SignedCheckpoint { note, ..SignedCheckpoint::clone(newest) };
        self.publish(&newest.note)?;
        self.newest = Some(Arc::new(newest));
        Ok(())
    }

    fn publish(&self, note: &Note) -> Result<(), SignError> {
        replace(&self.dir, folder::CHECKPOINT, &note.to_string())
    }

    fn write_keys(&self) -> Result<(), SignError> {
        replace(&self.dir, folder::KEYS, &self.keys.to_string())
    }
}

fn replace(dir: &Path, name: &str, text: &str) -> Result<(), SignError> {
    let (path, temporary) = (dir.join(name), dir.join(folder::temporary(name)));
    notes::replace(&path, &temporary, text).map_err(|source| SignError::Io { path, source })
}
