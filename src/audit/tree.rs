//! The Merkle tree over the records of a log: RFC 6962 section 2.1 with SHA-256, stored in tiles as C2SP tlog-tiles lays
//! down. Nothing here reads a file; whoever holds hashes lends them.

mod edge;
mod proof;
mod tile;

pub use edge::{RestoreError, RightEdge};
pub use proof::{
    OutOfTree, ProofError, consistency_proof, inclusion_proof, root, verify_consistency, verify_inclusion,
};
pub use tile::{TILE_WIDTH, TileId, tile_root};

use aws_lc_rs::digest::{Context, SHA256, digest};

/// What the input of the hash of a record begins with (RFC 6962 section 2.1).
pub(super) const LEAF: u8 = 0;

/// A hash of the tree (SHA-256).
pub type TreeHash = [u8; 32];

/// No tree is larger, so that sums of sizes cannot overflow. Other implementations of tlog-tiles have the same bound.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// Nearly all records are shorter.
const USUAL_RECORD_BYTES: usize = 1_535;

/// A complete subtree: the 2^`height` leaves from `index` * 2^`height`. The root of such a subtree never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subtree {
    /// 0 is a leaf.
    pub height: u8,
    /// How many subtrees of this height lie before it.
    pub index: u64,
}

/// The hash of a record (RFC 6962 section 2.1: `SHA-256(0x00 || payload)`).
#[must_use]
pub fn leaf_hash(payload: &[u8]) -> TreeHash {
    // To copy a usual record behind its prefix takes less than to set up a context for two parts.
    let mut input = [LEAF; 1 + USUAL_RECORD_BYTES];
    if let Some(place) = input.get_mut(1..=payload.len()) {
        place.copy_from_slice(payload);
        return bytes_of(digest(&SHA256, input.get(..=payload.len()).unwrap_or_default()).as_ref());
    }
    let mut context = Context::new(&SHA256);
    context.update(&[LEAF]);
    context.update(payload);
    bytes_of(context.finish().as_ref())
}

/// The hash of two subtrees (RFC 6962 section 2.1: `SHA-256(0x01 || left || right)`).
#[must_use]
pub fn node_hash(left: &TreeHash, right: &TreeHash) -> TreeHash {
    let mut input = [1; 65];
    input[1..33].copy_from_slice(left);
    input[33..].copy_from_slice(right);
    bytes_of(digest(&SHA256, &input).as_ref())
}

/// The root of the tree without leaves (RFC 6962 section 2.1: `SHA-256()`).
#[must_use]
pub fn empty_root() -> TreeHash {
    bytes_of(digest(&SHA256, &[]).as_ref())
}

fn bytes_of(digest: &[u8]) -> TreeHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> TreeHash {
        std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    }

    /// The leaves, roots and proofs that the reference code of RFC 6962 is tested with.
    #[test]
    fn the_reference_tree_of_rfc_6962_comes_out() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut edge = RightEdge::new();
        assert_eq!(edge.root(), hex(roots[0]));
        for (leaf, root) in leaves.iter().zip(&roots[1..]) {
            edge.push(leaf_hash(leaf), &mut |_, _| {});
            assert_eq!(edge.root(), hex(root));
        }
    }
}
