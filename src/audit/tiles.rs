//! The hash tiles of a log on disk (C2SP tlog-tiles): full ones only, each written once. What a tile says counts from the
//! first signed checkpoint on that covers it; before that it may be written anew.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::tree::{OutOfTree, RightEdge, TILE_WIDTH, TileId, TreeHash};

const HASH_BYTES: usize = 32;

/// Why hashes of the tree cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// A tile cannot be read or written.
    #[error("the hash tile {path} cannot be used")]
    Io {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A tile has not the hashes that belong in it.
    #[error("the hash tile {path} is damaged")]
    Width {
        /// Its file.
        path: PathBuf,
    },
    /// The tree does not reach so far.
    #[error(transparent)]
    Outside(#[from] OutOfTree),
}

/// Reads a full tile of the log in `dir`.
///
/// # Errors
/// When it is not there or has another length.
pub(super) fn read(dir: &Path, id: TileId) -> Result<Vec<TreeHash>, TileError> {
    let path = dir.join(id.path());
    let most = usize::from(id.width()) * HASH_BYTES;
    let load = || {
        let mut bytes = Vec::with_capacity(most + 1);
        File::open(&path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = load().map_err(|source| TileError::Io { path: path.clone(), source })?;
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if bytes.len() == most && rest.is_empty() { Ok(hashes.to_vec()) } else { Err(TileError::Width { path }) }
}

/// The tree of the first `size` records from its full tiles of level 0 alone: the hashes of records that were removed after
/// their retention stand there.
///
/// # Errors
/// When one of the tiles is not there or has another length.
pub(super) fn edge_at(dir: &Path, size: u64) -> Result<RightEdge, TileError> {
    let mut edge = RightEdge::new();
    while edge.size() < size {
        let at = edge.size();
        let tile = TileId::full(0, at / u64::from(TILE_WIDTH)).ok_or(OutOfTree { asked: at, size })?;
        for leaf in read(dir, tile)? {
            if edge.size() < size {
                edge.push(leaf, &mut |_, _| {});
            }
        }
    }
    Ok(edge)
}

/// Writes tiles, and makes durable what it wrote.
#[derive(Debug)]
pub(super) struct Shelf {
    dir: PathBuf,
    /// Folders with new names in them.
    changed: BTreeSet<PathBuf>,
}

impl Shelf {
    pub(super) const fn new(dir: PathBuf) -> Self {
        Self { dir, changed: BTreeSet::new() }
    }

    /// Writes a tile. Its content is durable after this, its name after [`Self::sync`].
    pub(super) fn put(&mut self, id: TileId, hashes: &[TreeHash]) -> Result<(), TileError> {
        let path = self.dir.join(id.path());
        self.write(&path, hashes).map_err(|source| TileError::Io { path, source })
    }

    fn write(&mut self, path: &Path, hashes: &[TreeHash]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.dir);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let below = folder.ancestors().take_while(|folder| folder.starts_with(&self.dir)).map(Path::to_path_buf);
        self.changed.extend(below);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(hashes.as_flattened())?;
        file.sync_all()
    }

    /// Makes the names of all tiles durable that were put before.
    pub(super) fn sync(&mut self) -> Result<(), TileError> {
        for folder in &self.changed {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|source| TileError::Io { path: folder.clone(), source })?;
        }
        self.changed.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::Scratch;

    #[test]
    fn a_tile_is_read_as_it_was_put() {
        let scratch = Scratch::new();
        let id = TileId::full(0, 1_234_067).unwrap();
        let hashes: Vec<TreeHash> = (0..=255_u8).map(|byte| [byte; 32]).collect();
        assert!(matches!(read(scratch.path(), id), Err(TileError::Io { .. })));
        let mut shelf = Shelf::new(scratch.path().to_owned());
        shelf.put(id, &hashes).unwrap();
        assert_eq!(shelf.changed.len(), 5, "the log folder, tile, 0, x001 and x234: {:?}", shelf.changed);
        shelf.sync().unwrap();
        assert_eq!(read(scratch.path(), id).unwrap(), hashes);
        let path = scratch.path().join("tile/0/x001/x234/067");
        for length in [0, 1, 8_191, 8_193] {
            std::fs::write(&path, vec![7; length]).unwrap();
            assert!(matches!(read(scratch.path(), id), Err(TileError::Width { .. })), "{length}");
        }
    }
}
