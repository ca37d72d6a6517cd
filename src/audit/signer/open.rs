//! Takes up the tree of a log again at the start, before anything is appended: the log must still hold what its newest
//! checkpoint covers, and what others saw of it. Reads tiles and the last segment, not the whole log.

use std::path::Path;

use super::SignError;
use super::snapshot::{Hashes, SignedCheckpoint};
use super::tree::SignedTree;
use crate::audit::checkpoint::{Checkpoint, CheckpointError};
use crate::audit::file::FoundLog;
use crate::audit::folder::{self, Entry};
use crate::audit::follow::Follower;
use crate::audit::keys::{KeysError, LogKeys, RetiredKey, Signer};
use crate::audit::note::{KeyName, Note, NoteError, SigningKey};
use crate::audit::tiles::{self, Shelf, TileError};
use crate::audit::tree::{RestoreError, RightEdge, TILE_WIDTH, TileId, TreeHash, tile_root};
use crate::audit::{LogId, Recent, notes, pruned};
use crate::seal::Key32;

/// A checkpoint of this log that was kept elsewhere.
#[derive(Debug, Clone)]
pub struct Outside {
    /// Where, for people.
    pub place: String,
    /// What was kept.
    pub checkpoint: Checkpoint,
}

/// The key that signs for a log, and the public keys of the log.
///
/// # Errors
/// [`SignError::Name`], which does not happen: the id of a log is the name of a key.
pub fn keys_of(log: &LogId, seed: &Key32, retired: &[RetiredKey]) -> Result<(SigningKey, LogKeys), SignError> {
    let name = KeyName::parse(&log.to_string()).map_err(|_| SignError::Name)?;
    let key = SigningKey::from_seed(seed, name);
    let keys = LogKeys::new(key.verifier(), retired);
    Ok((key, keys))
}

impl SignedTree {
    /// Takes up the tree of a log that was found, and holds it against its newest checkpoint, the trees at which keys were
    /// replaced, and what was kept elsewhere.
    ///
    /// # Errors
    /// See [`SignError`]; nothing was changed.
    pub fn open(
        dir: &Path,
        found: &FoundLog,
        (key, keys): (SigningKey, LogKeys),
        outside: &[Outside],
    ) -> Result<Self, SignError> {
        let newest = newest(dir, &keys)?;
        let size = newest.as_ref().map_or(0, |(checkpoint, _, _)| checkpoint.size);
        if found.records() < size {
            return Err(SignError::Short { records: found.records(), size });
        }
        let edge = restore(dir, found, size)?;
        let hashes = Hashes::of(dir, &edge);
        let renew = newest.as_ref().is_none_or(|(_, _, renew)| *renew);
        let newest = newest.map(|(checkpoint, note, _)| SignedCheckpoint { checkpoint, note, hashes });
        if let Some(newest) = newest.as_ref().filter(|newest| newest.checkpoint.root != edge.root()) {
            return Err(SignError::Root { size: newest.checkpoint.size });
        }
        let mut tree = Self {
            dir: dir.into(),
            shelf: Shelf::new(dir.into()),
            pending: Vec::new(),
            newest: newest.map(Into::into),
            renew,
            follower: None,
            recent: Recent::default(),
            signed_at: None,
            history_at: None,
            key,
            keys,
            edge,
        };
        tree.hold_against(outside, found.records())?;
        tree.hold_against_pruned(found.records())?;
        Ok(tree)
    }

    /// Holds the tree of a log of so many records against the trees at which keys were replaced, and what was kept elsewhere.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn hold_against(&mut self, outside: &[Outside], records: u64) -> Result<(), SignError> {
        for retired in self.keys.retired().to_vec() {
            if records < retired.size || self.root_at(retired.size)? != retired.root {
                return Err(SignError::Retired { size: retired.size });
            }
        }
        let mut outside = outside.to_vec();
        // By size, so that what is taken up for one serves the next.
        outside.sort_by_key(|kept| kept.checkpoint.size);
        for Outside { place, checkpoint: Checkpoint { size, root, .. } } in outside {
            if records < size {
                return Err(SignError::Rollback { place, size, records });
            }
            if self.root_at(size)? != root {
                return Err(SignError::Fork { place, size });
            }
        }
        Ok(())
    }

    /// What was removed after its retention was removed by a key of this log, under a tree that is the beginning of this one.
    fn hold_against_pruned(&mut self, records: u64) -> Result<(), SignError> {
        let Some(pruned) = pruned::read_with(&self.dir, &self.keys)? else { return Ok(()) };
        let (size, root) = pruned.tree;
        if records < size {
            return Err(SignError::Short { records, size });
        }
        if self.root_at(size)? == root { Ok(()) } else { Err(SignError::Root { size }) }
    }

    /// The root when the log had `size` records, which it has. Takes up as many.
    fn root_at(&mut self, size: u64) -> Result<TreeHash, SignError> {
        if self.edge.size() < size {
            let mut follower = Follower::open(&self.dir, self.edge.size())?;
            while let Some((_, leaf)) = follower.next_leaf(size)? {
                self.push(leaf);
            }
        }
        if self.edge.size() == size {
            return Ok(self.edge.root());
        }
        Ok(Hashes::of(&self.dir, &self.edge).root_at(size)?)
    }
}

/// The newest checkpoint in the folder, its note, and whether it is to be signed anew.
fn newest(dir: &Path, keys: &LogKeys) -> Result<Option<(Checkpoint, Note, bool)>, SignError> {
    let path = dir.join(folder::CHECKPOINT);
    let text = notes::read_one(&path).map_err(|source| SignError::Io { path, source })?;
    let Some(text) = text else {
        return if was_signed(dir)? { Err(SignError::NoCheckpoint) } else { Ok(None) };
    };
    let (checkpoint, signer) = keys.open(&text).map_err(|error| refuse_key(error, dir))?;
    let renew = match signer {
        Signer::Present => false,
        // A key is replaced at its last checkpoint: an earlier one is a log from before that.
        Signer::Retired(retired) if checkpoint.size == retired.size => true,
        Signer::Retired(retired) => return Err(SignError::Retired { size: retired.size }),
    };
    // The keys are written after the first checkpoint under them: a kill in between leaves none, or those of before.
    let path = dir.join(folder::KEYS);
    let named = notes::read_one(&path).map_err(|source| SignError::Io { path, source })?;
    let renew = renew || named != Some(keys.to_string());
    Ok(Some((checkpoint, Note::parse(&text).map_err(CheckpointError::from)?, renew)))
}

/// Tells a wrong key from a wrong checkpoint.
fn refuse_key(error: KeysError, dir: &Path) -> SignError {
    let unsigned = KeysError::Checkpoint(CheckpointError::Note(NoteError::Unsigned));
    if error != unsigned {
        return SignError::Keys(error);
    }
    let known = notes::read_one(&dir.join(folder::KEYS)).ok().flatten();
    let known = known.and_then(|text| LogKeys::parse(&text).ok()).map(|keys| keys.present().to_string());
    SignError::OtherKey { known: known.unwrap_or_default() }
}

/// Whether anything of a signed log lies here: then its checkpoint was taken away.
fn was_signed(dir: &Path) -> Result<bool, SignError> {
    let failed = |source| SignError::Io { path: dir.into(), source };
    if !dir.is_dir() {
        return Ok(false);
    }
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        match name.to_str().and_then(Entry::parse) {
            Some(Entry::Keys | Entry::Checkpoints | Entry::Manifest(_) | Entry::Packed(_) | Entry::Pruned) => {
                return Ok(true);
            }
            // Tiles are written before the first checkpoint.
            Some(Entry::Segment(_) | Entry::Tiles | Entry::Checkpoint | Entry::Temporary) | None => {}
        }
    }
    Ok(false)
}

/// The edge of the tree of the first `size` records, from full tiles and the records after them. The records of the last
/// segment, which were read anyway to find the end of the log, are compared with the tiles.
fn restore(dir: &Path, found: &FoundLog, size: u64) -> Result<RightEdge, SignError> {
    let open_from = size - size % u64::from(TILE_WIDTH);
    let mut open = Vec::new();
    if size > 0 {
        let from = open_from.min(found.last_segment());
        let mut compared = Compared { dir, tile: None };
        let mut follower = Follower::open(dir, from)?;
        while let Some((index, leaf)) = follower.next_leaf(size)? {
            if index >= open_from {
                open.push(leaf);
            } else {
                compared.check(index, &leaf, found)?;
            }
        }
    }
    RightEdge::restore(size, |id| if id.level() == 0 { Ok(open.clone()) } else { roots_below(dir, id) }).map_err(
        |error| match error {
            RestoreError::Read(error) => SignError::Tile(error),
            RestoreError::Width(_) | RestoreError::Size(_) => SignError::Root { size },
        },
    )
}

/// The hashes of a partial tile: the roots of the full tiles below it.
fn roots_below(dir: &Path, id: TileId) -> Result<Vec<TreeHash>, TileError> {
    let first = id.index() * u64::from(TILE_WIDTH);
    let below = (first..first + u64::from(id.width())).filter_map(|index| TileId::full(id.level() - 1, index));
    // A full tile has 256 hashes, which have a root.
    below.map(|tile| tiles::read(dir, tile).map(|hashes| tile_root(&hashes).unwrap_or_default())).collect()
}

/// Compares records with the hashes in their tiles.
struct Compared<'a> {
    dir: &'a Path,
    tile: Option<(u64, Vec<TreeHash>)>,
}

impl Compared<'_> {
    fn check(&mut self, index: u64, leaf: &TreeHash, found: &FoundLog) -> Result<(), SignError> {
        let width = u64::from(TILE_WIDTH);
        let number = index / width;
        let hashes = match self.tile.take() {
            Some((loaded, hashes)) if loaded == number => hashes,
            Some(_) | None => match TileId::full(0, number) {
                Some(id) => tiles::read(self.dir, id)?,
                None => Vec::new(),
            },
        };
        let place = usize::try_from(index % width).unwrap_or(usize::MAX);
        if hashes.get(place) != Some(leaf) {
            let segment = folder::segment(found.last_segment());
            return Err(SignError::Record { index, segment });
        }
        self.tile = Some((number, hashes));
        Ok(())
    }
}
