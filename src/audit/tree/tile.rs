//! Tiles: 256 neighbouring hashes of every eighth height (C2SP tlog-tiles, "Merkle Tree").

use std::fmt::Write as _;

use super::{TreeHash, node_hash};

/// How many hashes a full tile has.
pub const TILE_WIDTH: u16 = 256;
/// How many heights of the tree a tile covers: its hashes are 2^8.
pub(super) const TILE_HEIGHT: u8 = 8;
/// No tree of 2^64 leaves has a higher level.
const MAX_LEVEL: u8 = 7;

/// Which tile, and how wide it is. Hash `i` of it is the root of the subtree of height 8 * `level` with the index
/// `index` * 256 + `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

impl TileId {
    /// A full tile, or `None` when no tree has this level.
    #[must_use]
    pub const fn full(level: u8, index: u64) -> Option<Self> {
        Self::of_width(level, index, TILE_WIDTH)
    }

    /// A tile with a width of 1 to 256.
    #[must_use]
    pub const fn of_width(level: u8, index: u64, width: u16) -> Option<Self> {
        let known = level <= MAX_LEVEL && width > 0 && width <= TILE_WIDTH;
        if known { Some(Self { level, index, width }) } else { None }
    }

    /// The partial tile at the right edge of a tree of this size, or `None` when there is none at this level: its width is
    /// `floor(size / 256^level) mod 256` (C2SP tlog-tiles, "Partial Tiles").
    #[must_use]
    pub fn at_edge(level: u8, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT))?;
        let width = u16::from(hashes.to_le_bytes()[0]);
        Self::of_width(level, hashes / u64::from(TILE_WIDTH), width)
    }

    /// 0 holds the hashes of records.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// How many tiles of this level lie before it.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is full, and so never changes again.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Its path below the folder of the log, as `tile/0/x001/234.p/17`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, self.place())
    }

    /// The path of the records under a tile of level 0, as `tile/entries/x001/234` (C2SP tlog-tiles, "Log entries").
    #[must_use]
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", self.place())
    }

    /// Parses what [`Self::path`] gives. Every tile has one path only.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let (groups, width) = place.split_once(".p/").unwrap_or((place, "256"));
        let mut index: u64 = 0;
        for group in groups.split('/') {
            let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            index = index.checked_mul(1_000)?.checked_add(digits)?;
        }
        let id = Self::of_width(level.parse().ok()?, index, width.parse().ok()?)?;
        (id.path() == path).then_some(id)
    }

    /// The index in groups of three digits, all but the last begun with an `x`, and the width of a partial tile.
    fn place(&self) -> String {
        let mut groups = vec![format!("{:03}", self.index % 1_000)];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1_000));
            rest /= 1_000;
        }
        groups.reverse();
        let mut place = groups.join("/");
        if !self.is_full() {
            let _ = write!(place, ".p/{}", self.width);
        }
        place
    }
}

/// The root over neighbouring hashes that are as many as a power of two; `None` when they are not.
#[must_use]
pub fn tile_root(hashes: &[TreeHash]) -> Option<TreeHash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).filter_map(|pair| Some(node_hash(pair.first()?, pair.last()?))).collect();
    }
    row.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tlog_tiles::Tile;

    /// The examples of C2SP tlog-tiles: a tree of 70,000 leaves, and one of 256.
    #[test]
    fn the_edge_of_a_tree_is_what_the_specification_says() {
        let edge = |size| (0..9).filter_map(|level| TileId::at_edge(level, size)).collect::<Vec<_>>();
        let tile = |level, index, width| TileId { level, index, width };
        assert_eq!(edge(70_000), [tile(0, 273, 112), tile(1, 1, 17), tile(2, 0, 1)]);
        assert_eq!(edge(256), [tile(1, 0, 1)]);
        assert_eq!(edge(0), []);
        assert_eq!(tile(0, 1_234_067, 256).path(), "tile/0/x001/x234/067");
        assert_eq!(tile(0, 273, 112).entries_path(), "tile/entries/273.p/112");
    }

    #[test]
    fn a_path_that_is_not_the_one_of_its_tile_is_none() {
        for path in ["tile/0/1", "tile/0/x000/001", "tile/8/000", "tile/00/000", "tile/0/000.p/0", "tile/0/000.p/256"] {
            assert_eq!(TileId::parse(path), None, "{path}");
        }
        for path in ["", "tile/0/", "tile/0/+01", "tile/0/000.p/01", "tile/0/x001/x234", "/tile/0/000", "tile/-1/000"] {
            assert_eq!(TileId::parse(path), None, "{path}");
        }
        assert_eq!(TileId::parse(&format!("tile/0/{}999", "x999/".repeat(6))), None);
    }

    proptest! {
        #[test]
        fn paths_are_those_of_another_implementation(level in 0_u8..8, index: u64, width in 1_u16..=256) {
            let id = TileId::of_width(level, index, width).unwrap();
            prop_assert_eq!(TileId::parse(&id.path()), Some(id));
            let index = index >> 20;
            let id = TileId::of_width(level, index, width).unwrap();
            let theirs = Tile::new(8, level, index, width.into(), false);
            prop_assert_eq!(id.path(), theirs.path().replace("tile/8/", "tile/"));
        }

        #[test]
        fn any_text_is_a_path_or_none(text: String, index in "(x[0-9]{0,3}/){0,8}[0-9]{0,4}(\\.p/[0-9]{0,3})?") {
            let _ = TileId::parse(&text);
            let _ = TileId::parse(&format!("tile/0/{index}"));
        }
    }
}
