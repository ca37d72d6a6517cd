//! The tree over the records, rebuilt from them and held against everything that says what it should be: the tiles on disk,
//! signed checkpoints here and elsewhere, manifests.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::claims::Claim;
use crate::audit::broken::{ReadError, Why, broken};
use crate::audit::folder;
use crate::audit::tiles::{self, TileError};
use crate::audit::tree::{RightEdge, TILE_WIDTH, TileId, TreeHash, tile_root};

/// How many levels of the tree a tile has.
const TILE_LEVELS: u32 = 8;

/// The tree as far as it is rebuilt.
pub(super) struct Ledger {
    dir: PathBuf,
    edge: RightEdge,
    /// What is still to be compared, the smallest tree first.
    claims: VecDeque<Claim>,
    /// Full tiles of a tree of this size must be there, and be right. What a crash left of later ones is written anew.
    covered: u64,
    /// The first tile that is not what the records make it. Whether it or the records were changed, the next claim tells.
    doubt: Option<Doubt>,
    /// What was found to be so.
    confirmed: Vec<Claim>,
}

struct Doubt {
    index: u64,
    tile: TileId,
    why: Why,
}

impl Ledger {
    /// A ledger that goes on from `edge`; nothing is claimed of smaller trees than that.
    pub(super) fn new(dir: PathBuf, edge: RightEdge, mut claims: Vec<Claim>, covered: u64) -> Self {
        claims.sort_by_key(|claim| claim.size);
        Self { dir, edge, claims: claims.into(), covered, doubt: None, confirmed: Vec::new() }
    }

    /// A ledger that goes on where an earlier one ended, which confirmed what is claimed of trees up to there.
    pub(super) fn going_on(dir: PathBuf, edge: RightEdge, claims: Vec<Claim>, covered: u64) -> Self {
        let (mut known, new): (Vec<_>, _) = claims.into_iter().partition(|claim| claim.size <= edge.size());
        known.sort_by_key(|claim| claim.size);
        Self { confirmed: known, ..Self::new(dir, edge, new, covered) }
    }

    pub(super) const fn edge(&self) -> &RightEdge {
        &self.edge
    }

    /// The claims that were confirmed, the smallest tree first.
    pub(super) fn confirmed(&self) -> &[Claim] {
        &self.confirmed
    }

    /// How many records the largest confirmed claim covers.
    pub(super) fn confirmed_size(&self) -> u64 {
        self.confirmed.last().map_or(0, |claim| claim.size)
    }

    /// Adds the hashes of the next records; `file` is where these stand.
    pub(super) fn push(&mut self, leaves: &[TreeHash], file: &str) -> Result<(), ReadError> {
        self.compare(file)?;
        for leaf in leaves {
            let Self { dir, edge, doubt, covered, .. } = self;
            edge.push(*leaf, &mut |tile, hashes| {
                let found = fs::read(dir.join(tile.path()));
                if doubt.is_none() {
                    *doubt = doubted(tile, hashes, found, *covered);
                }
            });
            self.compare(file)?;
        }
        Ok(())
    }

    /// Adds the records before `first`, which were removed after their retention: their hashes stand in the lowest tiles.
    pub(super) fn push_removed(&mut self, first: u64) -> Result<(), ReadError> {
        while self.edge.size() < first {
            let at = self.edge.size();
            let width = u64::from(TILE_WIDTH);
            let Some(tile) = TileId::full(0, at / width) else { break };
            let hashes = match tiles::read(&self.dir, tile) {
                Ok(hashes) => hashes,
                Err(TileError::Io { path, source }) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(ReadError::Io { path, source });
                }
                Err(TileError::Width { .. }) => return broken(at, tile.path(), Why::Tile),
                Err(TileError::Io { .. } | TileError::Outside(_)) => return broken(at, tile.path(), Why::TileMissing),
            };
            let left = usize::try_from((first - at).min(width)).unwrap_or_default();
            self.push(hashes.get(..left).unwrap_or_default(), &tile.path())?;
        }
        Ok(())
    }

    /// All records were added: what is claimed of more of them, and a doubt that nothing resolved, are damage.
    pub(super) fn finish(&mut self) -> Result<(), ReadError> {
        if let Some(Doubt { index, tile, why }) = self.doubt.take() {
            return broken(index, tile.path(), why);
        }
        match self.claims.pop_front() {
            Some(claim) => broken(self.edge.size(), claim.source, Why::Short),
            None => Ok(()),
        }
    }

    /// A doubt lies before any other damage that is found later.
    pub(super) fn before(&mut self, error: ReadError) -> ReadError {
        match self.doubt.take() {
            Some(Doubt { index, tile, why }) => crate::audit::Broken { index, segment: tile.path(), why }.into(),
            None => error,
        }
    }

    /// Holds the tiles on disk against the edge, whose hashes are the roots of all full tiles below it: for records that are
    /// not read again.
    pub(super) fn check_tiles(&self) -> Result<(), ReadError> {
        self.edge.partial_tiles().try_for_each(|(tile, hashes)| self.check_below(tile, hashes))
    }

    fn check_below(&self, above: TileId, hashes: &[TreeHash]) -> Result<(), ReadError> {
        let Some(level) = above.level().checked_sub(1) else { return Ok(()) };
        let numbers = above.index() * u64::from(TILE_WIDTH)..;
        for (tile, root) in numbers.map_while(|index| TileId::full(level, index)).zip(hashes) {
            if records(tile, first_hash(tile) + u64::from(tile.width())) > self.covered {
                continue;
            }
            let found = tiles::read(&self.dir, tile).ok();
            match found.as_deref().map(|hashes| (hashes, tile_root(hashes) == Some(*root))) {
                Some((hashes, true)) => self.check_below(tile, hashes)?,
                Some((_, false)) => return broken(records(tile, first_hash(tile)), tile.path(), Why::Tile),
                None => return broken(records(tile, first_hash(tile)), tile.path(), Why::TileMissing),
            }
        }
        Ok(())
    }

    fn due(&mut self) -> Option<Claim> {
        let is_due = self.claims.front().is_some_and(|claim| claim.size == self.edge.size());
        if is_due { self.claims.pop_front() } else { None }
    }

    fn compare(&mut self, file: &str) -> Result<(), ReadError> {
        while let Some(claim) = self.due() {
            let fits = self.edge.root() == claim.root;
            match self.doubt.take() {
                Some(Doubt { index, tile, why })
                    if fits || why == Why::TileMissing || index < self.confirmed_size() =>
                {
                    return broken(index, tile.path(), why);
                }
                Some(Doubt { index, .. }) => return broken(index, file.to_owned(), Why::Replaced),
                None if fits => self.confirmed.push(claim),
                None => return broken(self.confirmed_size(), claim.source, Why::Checkpoint),
            }
        }
        Ok(())
    }
}

fn doubted(tile: TileId, hashes: &[TreeHash], found: io::Result<Vec<u8>>, covered: u64) -> Option<Doubt> {
    let (first, end) = (first_hash(tile), first_hash(tile) + u64::from(tile.width()));
    let records = |hashes| records(tile, hashes);
    if records(end) > covered {
        return None;
    }
    let Ok(found) = found else { return Some(Doubt { index: records(first), tile, why: Why::TileMissing }) };
    let wanted = hashes.as_flattened();
    if found == wanted {
        return None;
    }
    let same = hashes.iter().zip(found.chunks(32)).take_while(|(hash, found)| hash.as_slice() == *found).count();
    // When all fit, something follows them.
    let at = first + (same as u64).min(u64::from(tile.width()) - 1);
    Some(Doubt { index: records(at), tile, why: Why::Tile })
}

/// The number, on its level, of the first hash in a tile.
fn first_hash(tile: TileId) -> u64 {
    tile.index() * u64::from(tile.width())
}

/// How many records so many hashes on the level of a tile stand for.
fn records(tile: TileId, hashes: u64) -> u64 {
    hashes.checked_shl(TILE_LEVELS * u32::from(tile.level())).unwrap_or(u64::MAX)
}

/// Whether every name below the folder of tiles is that of a full tile of a tree of at most `records` leaves. The folder is
/// listed before the records are, so that a live node adds none that are too new.
pub(super) fn strange_tile(tiles: &[String], records: u64) -> Option<&String> {
    tiles.iter().find(|path| {
        let end = TileId::parse(path).filter(TileId::is_full).and_then(|tile| {
            let hashes = (tile.index() + 1).checked_mul(u64::from(tile.width()))?;
            hashes.checked_mul(1_u64.checked_shl(TILE_LEVELS * u32::from(tile.level()))?)
        });
        end.is_none_or(|end| end > records)
    })
}

/// The paths of all files below the folder of tiles, from the folder of the log on.
pub(super) fn list_tiles(dir: &std::path::Path) -> Result<Vec<String>, ReadError> {
    let mut files = Vec::new();
    let mut folders = vec![folder::TILES.to_owned()];
    while let Some(name) = folders.pop() {
        let path = dir.join(&name);
        let failed = |source| ReadError::Io { path: path.clone(), source };
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let below = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed)?.is_dir() { folders.push(below) } else { files.push(below) }
        }
    }
    files.sort_unstable();
    Ok(files)
}
