//! Writes the static form of a log that every client of C2SP tlog-tiles reads: checkpoint, tiles and entry bundles.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{ProveError, Prover};
use crate::audit::follow::Follower;
use crate::audit::proof::ProvenError;
use crate::audit::scan;
use crate::audit::tree::{ProofError, RightEdge, TILE_WIDTH, TileId, TreeHash, leaf_hash};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// How many records the tree covers.
    pub records: u64,
    /// Hash tiles, full and partial.
    pub tiles: u64,
    /// Entry bundles, full and partial.
    pub bundles: u64,
}

/// Writes the tree of a checkpoint to the folder `out`, which must be empty or absent. The records are hashed anew: what is
/// published leads to the root that was signed.
///
/// # Errors
/// See [`ProveError`]; what was written before it stays.
pub fn publish(prover: &mut Prover, out: &Path) -> Result<Published, ProveError> {
    let failed = |source| ProveError::Write { path: out.into(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(out).map_err(failed)?;
    if std::fs::read_dir(out).map_err(failed)?.next().is_some() {
        return Err(failed(io::ErrorKind::DirectoryNotEmpty.into()));
    }
    let mut writer = Writer { out, published: Published::default(), bundle: Vec::new(), first_bundle: 0 };
    let edge = writer.tree(prover)?;
    if edge.root() != prover.checkpoint.root {
        return Err(ProveError::Other(ProvenError::Hashes(ProofError::Root)));
    }
    // Last: whoever finds it finds all that it covers.
    writer.file("checkpoint", prover.note.to_string().as_bytes())?;
    Ok(Published { records: edge.size(), ..writer.published })
}

struct Writer<'a> {
    out: &'a Path,
    published: Published,
    /// The records of the bundle that is not full yet.
    bundle: Vec<u8>,
    /// The bundles before this one are not whole any more.
    first_bundle: u64,
}

impl Writer<'_> {
    fn tree(&mut self, prover: &mut Prover) -> Result<RightEdge, ProveError> {
        let size = prover.checkpoint.size;
        let mut edge = RightEdge::new();
        let mut payload = Vec::new();
        let held = scan::list(&prover.dir)?.front().copied().unwrap_or_default().min(size);
        self.removed(held, prover, &mut edge)?;
        if held < size {
            let mut follower = Follower::open(&prover.dir, held)?;
            while follower.next(size, &mut payload)?.is_some() {
                self.record(&payload, &mut edge)?;
            }
        }
        let partial: Vec<_> = edge.partial_tiles().map(|(id, hashes)| (id, hashes.to_vec())).collect();
        for (id, hashes) in partial {
            self.tile(id, &hashes)?;
        }
        if let Some(id) = TileId::at_edge(0, size) {
            self.bundle(id)?;
        }
        Ok(edge)
    }

    /// Records that were removed after their retention: their hashes stand in tiles, and there are no bundles of them (C2SP
    /// tlog-tiles, "Pruning").
    fn removed(&mut self, held: u64, prover: &mut Prover, edge: &mut RightEdge) -> Result<(), ProveError> {
        self.first_bundle = held.div_ceil(TILE_WIDTH.into());
        for tile in 0..self.first_bundle {
            let left = held - tile * u64::from(TILE_WIDTH);
            let hashes = prover.hashes.tile(0, tile)?;
            for leaf in hashes.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                self.push(leaf, edge)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, payload: &[u8], edge: &mut RightEdge) -> Result<(), ProveError> {
        // "Sequences of big-endian uint16 length-prefixed log entries"; no payload is longer than 16 KiB.
        let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
        self.bundle.extend_from_slice(&length.to_be_bytes());
        self.bundle.extend_from_slice(payload);
        self.push(leaf_hash(payload), edge)
    }

    fn push(&mut self, leaf: TreeHash, edge: &mut RightEdge) -> Result<(), ProveError> {
        let mut full = Vec::new();
        edge.push(leaf, &mut |id, hashes: &[TreeHash]| full.push((id, hashes.to_vec())));
        for (id, hashes) in full {
            self.tile(id, &hashes)?;
            if id.level() == 0 {
                self.bundle(id)?;
            }
        }
        Ok(())
    }

    fn tile(&mut self, id: TileId, hashes: &[TreeHash]) -> Result<(), ProveError> {
        self.published.tiles += 1;
        self.file(&id.path(), hashes.as_flattened())
    }

    fn bundle(&mut self, id: TileId) -> Result<(), ProveError> {
        let bundle = std::mem::take(&mut self.bundle);
        if id.index() < self.first_bundle {
            return Ok(());
        }
        self.published.bundles += 1;
        self.file(&id.entries_path(), &bundle)
    }

    fn file(&self, name: &str, content: &[u8]) -> Result<(), ProveError> {
        let path = self.out.join(name);
        let write = || {
            let folder = path.parent().unwrap_or(self.out);
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(content)
        };
        write().map_err(|source| ProveError::Write { path: path.clone(), source })
    }
}
