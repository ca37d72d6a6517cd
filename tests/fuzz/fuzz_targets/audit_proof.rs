//! Proofs. As text: what is taken prints as it came. As hashes: whatever the input makes up, only the one right proof for a
//! place in a tree, or for the growth of one, is believed.

#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use inzage::audit::proof::{ConsistencyProof, InclusionProof};
use inzage::audit::tree::{
    OutOfTree, Subtree, TreeHash, consistency_proof, inclusion_proof, leaf_hash, node_hash, root, verify_consistency,
    verify_inclusion,
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

const MOST: u64 = 300;

static LEAVES: LazyLock<Vec<TreeHash>> = LazyLock::new(|| (0..MOST).map(|at| leaf_hash(&at.to_le_bytes())).collect());

#[derive(Debug)]
struct Outside;

impl From<OutOfTree> for Outside {
    fn from(_: OutOfTree) -> Self {
        Self
    }
}

fn hash<E>(Subtree { height, index }: Subtree) -> std::result::Result<TreeHash, E> {
    let leaf = || LEAVES[usize::try_from(index).expect("a small index")];
    let Some(height) = height.checked_sub(1) else { return Ok(leaf()) };
    Ok(node_hash(&hash(Subtree { height, index: 2 * index })?, &hash(Subtree { height, index: 2 * index + 1 })?))
}

fn root_of(size: u64) -> TreeHash {
    root(size, &mut hash::<Infallible>).expect("never fails")
}

fn text(text: &str) {
    if let Ok(proof) = InclusionProof::parse(text) {
        assert_eq!(proof.to_string(), text);
    }
    if let Ok(proof) = ConsistencyProof::parse(text) {
        assert_eq!(proof.to_string(), text);
    }
}

/// The right proof with changes: hashes left out, put elsewhere, or replaced.
fn changed(right: &[TreeHash], u: &mut Unstructured<'_>) -> Result<Vec<TreeHash>> {
    let mut hashes = Vec::new();
    while u.arbitrary()? && hashes.len() < 70 {
        hashes.push(match u.choose_index(right.len() + 2)? {
            0 => u.arbitrary()?,
            1 => root_of(u.int_in_range(0..=MOST)?),
            place => right[place - 2],
        });
    }
    Ok(hashes)
}

fn hashes(u: &mut Unstructured<'_>) -> Result<()> {
    let size = u.int_in_range(1..=MOST)?;
    let claimed = u.int_in_range(0..=MOST + 1)?;
    let (index, old) = (u.int_in_range(0..=size - 1)?, u.int_in_range(0..=size)?);
    let leaf = LEAVES[usize::try_from(index).expect("a small index")];

    let right = inclusion_proof::<Outside>(index, size, &mut hash).expect("inside");
    assert!(verify_inclusion(&leaf, index, size, &right, &root_of(size)).is_ok());
    let made_up = changed(&right, u)?;
    if verify_inclusion(&leaf, index, claimed, &made_up, &root_of(size)).is_ok() {
        assert_eq!(made_up, right);
    }
    let right = consistency_proof::<Outside>(old, size, &mut hash).expect("inside");
    assert!(verify_consistency((old, &root_of(old)), (size, &root_of(size)), &right).is_ok());
    let made_up = changed(&right, u)?;
    if verify_consistency((old, &root_of(old)), (claimed, &root_of(size)), &made_up).is_ok() {
        assert_eq!(made_up, right);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    if let Ok(proof) = std::str::from_utf8(data) {
        text(proof);
    }
    let _ = hashes(&mut Unstructured::new(data));
});
