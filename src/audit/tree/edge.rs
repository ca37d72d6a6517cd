//! The right edge of a growing tree: all that is needed to add leaves and to know the root after each.

use super::tile::{TILE_HEIGHT, TILE_WIDTH, TileId, tile_root};
use super::{MAX_SIZE, TreeHash, empty_root, node_hash};

/// A growing tree without its inside: the partial tiles of all levels (at most 8 of 8 KiB) and the roots of the complete
/// subtrees that make up the tree.
///
/// A leaf costs its own hash and on average one [`node_hash`]; a root costs one for each bit of the size.
#[derive(Debug, Clone, Default)]
pub struct RightEdge {
    size: u64,
    /// One root for each bit that is set in the size, the largest subtree first.
    roots: Vec<TreeHash>,
    /// The hashes of the last tile of each level that are not yet in a full one.
    tiles: Vec<Vec<TreeHash>>,
}

/// Why a tree could not be taken up again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError<E> {
    /// A tile could not be read.
    #[error(transparent)]
    Read(E),
    /// A tile does not have the hashes that its width says.
    #[error("{} is not as wide as its name says", .0.path())]
    Width(TileId),
    /// No tree is that large.
    #[error("no tree has {0} records")]
    Size(u64),
}

impl RightEdge {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root (RFC 6962 section 2.1).
    #[must_use]
    pub fn root(&self) -> TreeHash {
        let mut from_right = self.roots.iter().rev();
        let Some(last) = from_right.next() else { return empty_root() };
        from_right.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Adds a leaf, and hands each tile that it fills to `full`, the lowest first.
    pub fn push(&mut self, leaf: TreeHash, full: &mut impl FnMut(TileId, &[TreeHash])) {
        let complete = self.size.trailing_ones();
        self.size += 1;
        self.put(0, leaf, full);
        let mut hash = leaf;
        for height in 1..=complete {
            let Some(left) = self.roots.pop() else { break };
            hash = node_hash(&left, &hash);
            if height % u32::from(TILE_HEIGHT) == 0 {
                self.put(height / u32::from(TILE_HEIGHT), hash, full);
            }
        }
        self.roots.push(hash);
    }

    /// The partial tiles, the lowest first.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (TileId, &[TreeHash])> {
        let levels = (0..).zip(&self.tiles);
        levels.filter_map(|(level, hashes)| Some((TileId::at_edge(level, self.size)?, hashes.as_slice())))
    }

    /// Takes up a tree of `size` leaves again. `read` gives the hashes of its partial tiles.
    ///
    /// # Errors
    /// When one cannot be read or has the wrong width, or the size is above [`MAX_SIZE`].
    pub fn restore<E>(
        size: u64,
        mut read: impl FnMut(TileId) -> Result<Vec<TreeHash>, E>,
    ) -> Result<Self, RestoreError<E>> {
        if size > MAX_SIZE {
            return Err(RestoreError::Size(size));
        }
        let mut edge = Self { size, ..Self::default() };
        for level in (0..8).take_while(|level| size >> (level * TILE_HEIGHT) > 0) {
            let hashes = match TileId::at_edge(level, size) {
                Some(id) => read_whole(id, &mut read)?,
                None => Vec::with_capacity(TILE_WIDTH.into()),
            };
            edge.tiles.push(hashes);
        }
        edge.roots = edge.tiles.iter().rev().flat_map(|hashes| complete_roots(hashes)).collect();
        Ok(edge)
    }

    fn put(&mut self, level: u32, hash: TreeHash, full: &mut impl FnMut(TileId, &[TreeHash])) {
        let Ok(place) = usize::try_from(level) else { return };
        if self.tiles.len() == place {
            self.tiles.push(Vec::with_capacity(TILE_WIDTH.into()));
        }
        let Some(tile) = self.tiles.get_mut(place) else { return };
        tile.push(hash);
        if tile.len() < usize::from(TILE_WIDTH) {
            return;
        }
        let before = (self.size >> (u32::from(TILE_HEIGHT) * (level + 1))).saturating_sub(1);
        if let Some(id) = u8::try_from(level).ok().and_then(|level| TileId::full(level, before)) {
            full(id, tile);
        }
        tile.clear();
    }
}

fn read_whole<E>(
    id: TileId,
    read: &mut impl FnMut(TileId) -> Result<Vec<TreeHash>, E>,
) -> Result<Vec<TreeHash>, RestoreError<E>> {
    let hashes = read(id).map_err(RestoreError::Read)?;
    if hashes.len() == usize::from(id.width()) { Ok(hashes) } else { Err(RestoreError::Width(id)) }
}

/// The roots of the largest complete subtrees that the hashes make up, from left to right.
fn complete_roots(hashes: &[TreeHash]) -> Vec<TreeHash> {
    let mut rest = hashes;
    let mut roots = Vec::new();
    for height in (0..u32::from(TILE_HEIGHT)).rev().filter(|height| hashes.len() >> height & 1 == 1) {
        let (subtree, after) = rest.split_at(1 << height);
        roots.extend(tile_root(subtree));
        rest = after;
    }
    roots
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::audit::tree::leaf_hash;
    use crate::audit::tree::proof::tests::recursive_root;

    fn leaf(at: u64) -> TreeHash {
        leaf_hash(&at.to_le_bytes())
    }

    #[test]
    fn every_root_up_to_700_is_the_one_of_the_definition() {
        let mut edge = RightEdge::new();
        let mut leaves = Vec::new();
        for at in 0..700 {
            assert_eq!(edge.root(), recursive_root(&leaves));
            assert_eq!(edge.size(), at);
            leaves.push(leaf(at));
            edge.push(leaf(at), &mut |_, _| {});
        }
    }

    #[test]
    fn tiles_come_when_they_are_full_and_hold_what_lies_below() {
        let mut edge = RightEdge::new();
        let mut tiles = Vec::new();
        for at in 0..65_536 + 300 {
            edge.push(leaf(at), &mut |id, hashes| tiles.push((id, hashes.to_vec())));
        }
        assert_eq!(tiles.len(), 257 + 1);
        let (last, upper) = &tiles[256];
        assert_eq!((last.level(), last.index(), last.is_full()), (1, 0, true));
        let below: Vec<_> = tiles[..256].iter().map(|(_, hashes)| tile_root(hashes).unwrap()).collect();
        assert_eq!(*upper, below);
        let partial: Vec<_> = edge.partial_tiles().map(|(id, hashes)| (id.path(), hashes.len())).collect();
        let expected = [("tile/0/257.p/44", 44), ("tile/1/001.p/1", 1), ("tile/2/000.p/1", 1)];
        assert_eq!(partial, expected.map(|(path, width)| (path.to_owned(), width)));
    }

    #[test]
    fn a_tree_that_cannot_be_taken_up_says_why() {
        let id = TileId::at_edge(0, 3).unwrap();
        let short = RightEdge::restore(3, |_| Ok::<_, ()>(vec![[0; 32]; 2]));
        assert_eq!(short.unwrap_err(), RestoreError::Width(id));
        assert_eq!(RightEdge::restore(3, |_| Err(7)).unwrap_err(), RestoreError::Read(7));
        let large = RightEdge::restore(MAX_SIZE + 1, |_| Ok::<_, ()>(Vec::new()));
        assert_eq!(large.unwrap_err(), RestoreError::Size(MAX_SIZE + 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_tree_taken_up_again_goes_on_as_if_it_never_stopped(size in 0_u64..70_000, more in 1_u64..600) {
            let mut whole = RightEdge::new();
            for at in 0..size {
                whole.push(leaf(at), &mut |_, _| {});
            }
            let stored: HashMap<_, _> = whole.partial_tiles().map(|(id, hashes)| (id, hashes.to_vec())).collect();
            let mut again = RightEdge::restore(size, |id| stored.get(&id).cloned().ok_or(())).unwrap();
            prop_assert_eq!(again.root(), whole.root());
            let mut filled = (Vec::new(), Vec::new());
            for at in size..size + more {
                whole.push(leaf(at), &mut |id, hashes| filled.0.push((id, hashes.to_vec())));
                again.push(leaf(at), &mut |id, hashes| filled.1.push((id, hashes.to_vec())));
            }
            prop_assert_eq!(again.root(), whole.root());
            prop_assert_eq!(filled.0, filled.1);
        }
    }
}
