//! The hashes of a tree as they lie in the folder of a log: from full tiles where these are stored, and otherwise from the
//! records, or from the tiles below.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::ProveError;
use crate::audit::follow::Follower;
use crate::audit::tiles::{self, TileError};
use crate::audit::tree::{OutOfTree, Subtree, TILE_WIDTH, TileId, TreeHash, leaf_hash, tile_root};

/// Heights of the tree that a tile covers.
const TILE_HEIGHT: u8 = 8;
/// So many tiles of 8 KiB are kept; a proof needs no more than two on each of 8 levels.
const KEPT_TILES: usize = 64;

/// The hashes of the tree of so many records. Keeps the tiles it has read.
pub(super) struct Hashes {
    dir: PathBuf,
    size: u64,
    tiles: HashMap<(u8, u64), Vec<TreeHash>>,
}

impl Hashes {
    pub(super) fn of(dir: &Path, size: u64) -> Self {
        Self { dir: dir.into(), size, tiles: HashMap::new() }
    }

    /// The root of a complete subtree.
    pub(super) fn root_of(&mut self, subtree: Subtree) -> Result<TreeHash, ProveError> {
        let (level, above) = (subtree.height / TILE_HEIGHT, subtree.height % TILE_HEIGHT);
        let first = subtree.index << above;
        let from = usize::try_from(first % u64::from(TILE_WIDTH)).unwrap_or(usize::MAX);
        let tile = self.tile(level, first / u64::from(TILE_WIDTH))?;
        let hashes = tile.get(from..from.saturating_add(1 << above));
        hashes.and_then(tile_root).ok_or(OutOfTree { asked: first, size: self.size }.into())
    }

    /// The hashes of a tile that lie in the tree.
    pub(super) fn tile(&mut self, level: u8, index: u64) -> Result<Vec<TreeHash>, ProveError> {
        if let Some(hashes) = self.tiles.get(&(level, index)) {
            return Ok(hashes.clone());
        }
        let mut hashes = match self.stored(level, index)? {
            Some(hashes) => hashes,
            None if level == 0 => self.leaves(index)?,
            None => self.roots_below(level, index)?,
        };
        hashes.truncate(self.width(level, index));
        if self.tiles.len() >= KEPT_TILES {
            self.tiles.clear();
        }
        self.tiles.insert((level, index), hashes.clone());
        Ok(hashes)
    }

    fn width(&self, level: u8, index: u64) -> usize {
        let hashes = self.size >> (level * TILE_HEIGHT);
        let within = hashes.saturating_sub(index.saturating_mul(TILE_WIDTH.into()));
        usize::try_from(within).map_or(TILE_WIDTH.into(), |width| width.min(TILE_WIDTH.into()))
    }

    /// A tile that is full by now, also where this tree needs a part of it only.
    fn stored(&self, level: u8, index: u64) -> Result<Option<Vec<TreeHash>>, ProveError> {
        let Some(id) = TileId::full(level, index) else { return Ok(None) };
        match tiles::read(&self.dir, id) {
            Err(TileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Ok(Some(read?)),
        }
    }

    fn leaves(&self, index: u64) -> Result<Vec<TreeHash>, ProveError> {
        let from = index.saturating_mul(TILE_WIDTH.into());
        let until = self.size.min(from.saturating_add(TILE_WIDTH.into()));
        let mut follower = Follower::open(&self.dir, from)?;
        let (mut payload, mut leaves) = (Vec::new(), Vec::new());
        while follower.next(until, &mut payload)?.is_some() {
            leaves.push(leaf_hash(&payload));
        }
        Ok(leaves)
    }

    fn roots_below(&mut self, level: u8, index: u64) -> Result<Vec<TreeHash>, ProveError> {
        let first = index.saturating_mul(TILE_WIDTH.into());
        let below = (first..).take(self.width(level, index));
        below.map(|index| self.full_root(level - 1, index)).collect()
    }

    fn full_root(&mut self, level: u8, index: u64) -> Result<TreeHash, ProveError> {
        let hashes = self.tile(level, index)?;
        let whole = hashes.len() == usize::from(TILE_WIDTH);
        let root = whole.then(|| tile_root(&hashes)).flatten();
        root.ok_or(OutOfTree { asked: index, size: self.size }.into())
    }
}
