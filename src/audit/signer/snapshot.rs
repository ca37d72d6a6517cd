//! A signed checkpoint with what it takes to prove things from its tree: full tiles lie on disk, the others are kept here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::audit::checkpoint::Checkpoint;
use crate::audit::note::Note;
use crate::audit::tiles::{self, TileError};
use crate::audit::tree::{self, RightEdge, Subtree, TILE_WIDTH, TileId, TreeHash, tile_root};

/// Levels of the tree that one tile holds.
const TILE_LEVELS: u8 = 8;

/// The hashes of a tree: full tiles in the folder of the log, partial ones in memory (at most 8 of 8 KiB).
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    dir: PathBuf,
    size: u64,
    partial: HashMap<(u8, u64), Vec<TreeHash>>,
}

impl Hashes {
    /// Those of the tree that `edge` is the edge of, whose full tiles lie in `dir`.
    pub(super) fn of(dir: &Path, edge: &RightEdge) -> Self {
        let partial = edge.partial_tiles().map(|(id, hashes)| ((id.level(), id.index()), hashes.to_vec()));
        Self { dir: dir.into(), size: edge.size(), partial: partial.collect() }
    }

    /// The root of a complete subtree.
    pub(super) fn subtree(&self, subtree: Subtree) -> Result<TreeHash, TileError> {
        let (level, above) = (subtree.height / TILE_LEVELS, subtree.height % TILE_LEVELS);
        let first = subtree.index << above;
        let tile = first / u64::from(TILE_WIDTH);
        let from = usize::try_from(first % u64::from(TILE_WIDTH)).unwrap_or(usize::MAX);
        let pick = |hashes: &[TreeHash]| hashes.get(from..from + (1 << above)).and_then(tile_root);
        let found = match self.partial.get(&(level, tile)) {
            Some(hashes) => pick(hashes),
            None => match TileId::full(level, tile) {
                Some(id) => pick(&tiles::read(&self.dir, id)?),
                None => None,
            },
        };
        found.ok_or_else(|| tree::OutOfTree { asked: subtree.index << subtree.height, size: self.size }.into())
    }

    /// The root of the tree when it had `size` leaves.
    pub(super) fn root_at(&self, size: u64) -> Result<TreeHash, TileError> {
        if size > self.size {
            return Err(tree::OutOfTree { asked: size, size: self.size }.into());
        }
        tree::root(size, &mut |subtree| self.subtree(subtree))
    }
}

/// A checkpoint that is signed and on disk.
#[derive(Debug, Clone)]
pub struct SignedCheckpoint {
    pub(super) checkpoint: Checkpoint,
    pub(super) note: Note,
    pub(super) hashes: Hashes,
}

impl SignedCheckpoint {
    /// What it says.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signed note.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The hashes that show that a tree of `old` records is the beginning of this one (RFC 6962 section 2.1.2). Reads tiles.
    ///
    /// # Errors
    /// When `old` is the larger one, or a tile cannot be read.
    pub fn consistency_from(&self, old: u64) -> Result<Vec<TreeHash>, TileError> {
        tree::consistency_proof(old, self.checkpoint.size, &mut |subtree| self.hashes.subtree(subtree))
    }

    /// The root of its tree when it had `size` records. Reads tiles.
    ///
    /// # Errors
    /// When it never had as many, or a tile cannot be read.
    pub fn root_at(&self, size: u64) -> Result<TreeHash, TileError> {
        self.hashes.root_at(size)
    }
}
