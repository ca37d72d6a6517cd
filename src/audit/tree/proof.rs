//! Proofs: that a record is in a tree, and that a tree is the beginning of another (RFC 6962 section 2.1; the checks are
//! those of RFC 9162 section 2.1).

use super::{Subtree, TreeHash, empty_root, node_hash};

/// A record or a tree that is not in the tree it is to be proven from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{asked} lies outside of a tree of {size} records")]
pub struct OutOfTree {
    /// The index, or the smaller size.
    pub asked: u64,
    /// The size of the tree.
    pub size: u64,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index or the smaller size lies outside of the tree.
    #[error("the proof is about something outside of the tree")]
    OutOfTree,
    /// A proof for these sizes has another number of hashes.
    #[error("the proof has a wrong number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The root of the tree of `size` leaves. `hash` lends the roots of complete subtrees.
///
/// # Errors
/// Those of `hash`.
pub fn root<E>(size: u64, hash: &mut impl FnMut(Subtree) -> Result<TreeHash, E>) -> Result<TreeHash, E> {
    if size == 0 { Ok(empty_root()) } else { range_root(0, size, hash) }
}

/// The hashes that lead from leaf `index` to the root of the tree of `size` leaves, from below (RFC 6962 section 2.1.1).
///
/// # Errors
/// When there is no such leaf, and those of `hash`.
pub fn inclusion_proof<E: From<OutOfTree>>(
    index: u64,
    size: u64,
    hash: &mut impl FnMut(Subtree) -> Result<TreeHash, E>,
) -> Result<Vec<TreeHash>, E> {
    if index >= size {
        return Err(OutOfTree { asked: index, size }.into());
    }
    let (mut low, mut high) = (0, size);
    let mut from_above = Vec::new();
    while high - low > 1 {
        let middle = low + largest_power_below(high - low);
        if index < middle {
            from_above.push(range_root(middle, high, hash)?);
            high = middle;
        } else {
            from_above.push(range_root(low, middle, hash)?);
            low = middle;
        }
    }
    from_above.reverse();
    Ok(from_above)
}

/// The hashes that show that the tree of `old` leaves is the beginning of the one of `new` (RFC 6962 section 2.1.2). There
/// are none for a tree of no leaves, and none for the same tree.
///
/// # Errors
/// When `old` is the larger one, and those of `hash`.
pub fn consistency_proof<E: From<OutOfTree>>(
    old: u64,
    new: u64,
    hash: &mut impl FnMut(Subtree) -> Result<TreeHash, E>,
) -> Result<Vec<TreeHash>, E> {
    if old > new {
        return Err(OutOfTree { asked: old, size: new }.into());
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let (mut low, mut high) = (0, new);
    let mut from_above = Vec::new();
    while high != old {
        let middle = low + largest_power_below(high - low);
        if old <= middle {
            from_above.push(range_root(middle, high, hash)?);
            high = middle;
        } else {
            from_above.push(range_root(low, middle, hash)?);
            low = middle;
        }
    }
    // The verifier knows the root of the old tree itself.
    if low > 0 {
        from_above.push(range_root(low, high, hash)?);
    }
    from_above.reverse();
    Ok(from_above)
}

/// Checks that `leaf` is at `index` in the tree with this size and root (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// See [`ProofError`].
pub fn verify_inclusion(
    leaf: &TreeHash,
    index: u64,
    size: u64,
    proof: &[TreeHash],
    root: &TreeHash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfTree);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            climb_while_left(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 { Err(ProofError::Length) } else { same_root(&hash, root) }
}

/// Checks that the tree `old` is the beginning of the tree `new`, each given as its size and root (RFC 9162 section 2.1.4.2).
///
/// # Errors
/// See [`ProofError`].
pub fn verify_consistency(old: (u64, &TreeHash), new: (u64, &TreeHash), proof: &[TreeHash]) -> Result<(), ProofError> {
    match old.0 {
        _ if old.0 > new.0 => Err(ProofError::OutOfTree),
        0 => without_hashes(proof).and(same_root(old.1, &empty_root())),
        _ if old.0 == new.0 => without_hashes(proof).and(same_root(old.1, new.1)),
        _ => verify_growth(old, new, proof),
    }
}

fn verify_growth(old: (u64, &TreeHash), new: (u64, &TreeHash), proof: &[TreeHash]) -> Result<(), ProofError> {
    let (mut node, mut last) = (old.0 - 1, new.0 - 1);
    let complete = node.trailing_ones();
    (node, last) = (node >> complete, last >> complete);
    // An old tree that is one complete subtree of the new one: its root is where the proof begins.
    let (start, rest) = if old.0.is_power_of_two() {
        (*old.1, proof)
    } else {
        proof.split_first().map(|(first, rest)| (*first, rest)).ok_or(ProofError::Length)?
    };
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            climb_while_left(&mut node, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    same_root(&old_hash, old.1).and(same_root(&new_hash, new.1))
}

/// The last node of a row that has no sibling stands unchanged in the rows above, until it is a right child.
const fn climb_while_left(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        (*node, *last) = (*node >> 1, *last >> 1);
    }
}

fn same_root(reached: &TreeHash, expected: &TreeHash) -> Result<(), ProofError> {
    if reached == expected { Ok(()) } else { Err(ProofError::Root) }
}

const fn without_hashes(proof: &[TreeHash]) -> Result<(), ProofError> {
    if proof.is_empty() { Ok(()) } else { Err(ProofError::Length) }
}

/// The root over the leaves `low..high`: `low` is a multiple of a power of two that is no less than their number, so they
/// fall apart into complete subtrees, the largest first.
fn range_root<E>(low: u64, high: u64, hash: &mut impl FnMut(Subtree) -> Result<TreeHash, E>) -> Result<TreeHash, E> {
    let complete = largest_power_within(high - low);
    let left = hash(Subtree { height: height_of(complete), index: low / complete })?;
    if low + complete == high {
        return Ok(left);
    }
    Ok(node_hash(&left, &range_root(low + complete, high, hash)?))
}

/// For a number of at least 1.
const fn largest_power_within(count: u64) -> u64 {
    1 << (63 - count.leading_zeros())
}

/// For a number of at least 2.
const fn largest_power_below(count: u64) -> u64 {
    largest_power_within(count - 1)
}

fn height_of(power: u64) -> u8 {
    power.trailing_zeros().to_le_bytes()[0]
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use tlog_tiles::{
        Hash, HashReader, check_record, check_tree, prove_record, prove_tree, stored_hashes_for_record_hash,
    };

    use super::*;
    use crate::audit::tree::leaf_hash;

    /// MTH as RFC 6962 section 2.1 writes it down.
    pub(in crate::audit::tree) fn recursive_root(leaves: &[TreeHash]) -> TreeHash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&recursive_root(left), &recursive_root(right))
            }
        }
    }

    fn leaves(size: u64) -> Vec<TreeHash> {
        (0..size).map(|at| leaf_hash(&at.to_le_bytes())).collect()
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Failed {
        OutOfTree(OutOfTree),
        Incomplete(Subtree),
    }

    impl From<OutOfTree> for Failed {
        fn from(error: OutOfTree) -> Self {
            Self::OutOfTree(error)
        }
    }

    /// Lends the roots of complete subtrees only.
    fn lender(leaves: &[TreeHash]) -> impl FnMut(Subtree) -> Result<TreeHash, Failed> + '_ {
        |subtree| {
            let start = usize::try_from(subtree.index << subtree.height).unwrap();
            let range = leaves.get(start..start + (1 << subtree.height));
            range.map(recursive_root).ok_or(Failed::Incomplete(subtree))
        }
    }

    /// Another implementation, with its own order of hashes.
    struct Theirs(Vec<Hash>);

    impl HashReader for Theirs {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
            Ok(indexes.iter().map(|at| self.0[usize::try_from(*at).unwrap()]).collect())
        }
    }

    impl Theirs {
        fn of(leaves: &[TreeHash]) -> Self {
            let mut theirs = Self(Vec::new());
            for (at, leaf) in (0..).zip(leaves) {
                let hashes = stored_hashes_for_record_hash(at, Hash(*leaf), &theirs).unwrap();
                theirs.0.extend(hashes);
            }
            theirs
        }
    }

    fn plain(proof: &[Hash]) -> Vec<TreeHash> {
        proof.iter().map(|hash| hash.0).collect()
    }

    #[test]
    fn every_proof_up_to_40_records_holds_and_is_that_of_another_implementation() {
        let all = leaves(40);
        let theirs = Theirs::of(&all);
        for size in 1..=40 {
            let root = recursive_root(&all[..usize::try_from(size).unwrap()]);
            for index in 0..size {
                let proof = inclusion_proof(index, size, &mut lender(&all)).unwrap();
                let leaf = all[usize::try_from(index).unwrap()];
                verify_inclusion(&leaf, index, size, &proof, &root).unwrap();
                assert_eq!(proof, plain(&prove_record(size, index, &theirs).unwrap()));
            }
            for old in 1..=size {
                let old_root = recursive_root(&all[..usize::try_from(old).unwrap()]);
                let proof = consistency_proof(old, size, &mut lender(&all)).unwrap();
                verify_consistency((old, &old_root), (size, &root), &proof).unwrap();
                assert_eq!(proof, plain(&prove_tree(size, old, &theirs).unwrap()));
            }
            assert_eq!(consistency_proof(0, size, &mut lender(&all)).unwrap(), [[0; 32]; 0]);
            verify_consistency((0, &empty_root()), (size, &root), &[]).unwrap();
        }
    }

    #[test]
    fn what_lies_outside_has_no_proof() {
        let all = leaves(5);
        let outside = |asked| Err(Failed::OutOfTree(OutOfTree { asked, size: 5 }));
        assert_eq!(inclusion_proof(5, 5, &mut lender(&all)), outside(5));
        assert_eq!(consistency_proof(6, 5, &mut lender(&all)), outside(6));
        let root = recursive_root(&all);
        assert_eq!(verify_inclusion(&all[0], 5, 5, &[], &root), Err(ProofError::OutOfTree));
        assert_eq!(verify_consistency((6, &root), (5, &root), &[]), Err(ProofError::OutOfTree));
        assert_eq!(verify_consistency((0, &root), (5, &root), &[]), Err(ProofError::Root));
        assert_eq!(verify_consistency((5, &root), (5, &root), &[root]), Err(ProofError::Length));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// C.5 case 96: forged, of another size, for another root, for another place.
        #[test]
        fn a_proof_holds_for_its_own_tree_only(size in 2_u64..600, at: u64, bit in 0_usize..256, which: usize) {
            let all = leaves(size);
            let index = at % size;
            let root = recursive_root(&all);
            let leaf = all[usize::try_from(index).unwrap()];
            let proof = inclusion_proof(index, size, &mut lender(&all)).unwrap();
            prop_assert!(check_record(&proof.iter().map(|hash| Hash(*hash)).collect(), size, Hash(root), index, Hash(leaf)).is_ok());

            let mut forged = proof.clone();
            let place = which % forged.len();
            forged[place][bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &forged, &root), Err(ProofError::Root));
            let mut other = leaf;
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_inclusion(&other, index, size, &proof, &root), Err(ProofError::Root));
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &other), Err(ProofError::Root));
            let neighbour = if index == 0 { 1 } else { index - 1 };
            prop_assert!(verify_inclusion(&leaf, neighbour, size, &proof, &root).is_err());
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof[..place], &root), Err(ProofError::Length));
            let longer = [proof.as_slice(), &[root]].concat();
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &longer, &root), Err(ProofError::Length));
        }

        #[test]
        fn consistency_holds_for_these_two_trees_only(new in 2_u64..600, at: u64, bit in 0_usize..256, which: usize) {
            let all = leaves(new);
            let old = 1 + at % (new - 1);
            let (old_root, root) = (recursive_root(&all[..usize::try_from(old).unwrap()]), recursive_root(&all));
            let proof = consistency_proof(old, new, &mut lender(&all)).unwrap();
            let theirs = proof.iter().map(|hash| Hash(*hash)).collect();
            prop_assert!(check_tree(&theirs, new, Hash(root), old, Hash(old_root)).is_ok());

            let mut forged = proof.clone();
            let place = which % forged.len();
            forged[place][bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_consistency((old, &old_root), (new, &root), &forged), Err(ProofError::Root));
            let mut other = old_root;
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_consistency((old, &other), (new, &root), &proof), Err(ProofError::Root));
            prop_assert_eq!(verify_consistency((old, &old_root), (new, &other), &proof), Err(ProofError::Root));
            prop_assert_eq!(verify_consistency((old, &old_root), (new, &root), &proof[..place]), Err(ProofError::Length));
            let longer = [proof.as_slice(), &[root]].concat();
            prop_assert_eq!(verify_consistency((old, &old_root), (new, &root), &longer), Err(ProofError::Length));
        }
    }
}
