//! The hash chain: each record's hash covers the record and the hash before it, so that no record can be changed, removed
//! or put elsewhere without changing every hash after it.
//!
//! It goes over the leaf hashes of the tree, so that a record is hashed once, by whoever appends it, and what has to be done for
//! one record after the other takes two blocks of SHA-256 whatever its length. It covers as much as a chain over the records
//! themselves: two logs with the same chain hash and number of records, of which one has another record, give two inputs of
//! SHA-256 with one hash, in the chain or in the leaf. The inputs of the three kinds of hashes differ in their first byte.

use aws_lc_rs::digest::{Context, SHA256};

use super::segment::LogId;
use super::tree::{LEAF, TreeHash};
use crate::secret::sha256;

/// A hash of the chain (SHA-256).
pub type ChainHash = [u8; 32];

/// What the input of a hash of the chain begins with. 0x00 is that of a leaf and 0x01 that of a node (RFC 6962 section 2.1).
const LINK: u8 = 2;

/// The version of the format of a segment: how its chain goes over its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// Over the payloads. It is read, and not written any more.
    One,
    /// Over the leaf hashes of the payloads.
    Two,
}

impl Version {
    pub(super) const ALL: [Self; 2] = [Self::One, Self::Two];
    /// The one that is written.
    pub(super) const NEWEST: Self = Self::Two;

    /// As headers call it.
    pub(super) const fn number(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == text)
    }
}

/// A place in the chain: how many records came before, and the hash that covers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) index: u64,
    pub(super) hash: ChainHash,
}

impl Position {
    /// Before the first record of a log that begins with this version: the hash of its id line.
    pub(super) fn start(log: &LogId, version: Version) -> Self {
        Self { index: 0, hash: sha256(log.line(version).as_bytes()) }
    }

    /// After one more record of this leaf hash in a segment of the newest version, or `None` after 2^64 of them.
    #[must_use]
    pub(super) fn link(&self, leaf: &TreeHash) -> Option<Self> {
        Some(Self { index: self.index.checked_add(1)?, hash: link(&self.hash, leaf) })
    }

    /// The same for a payload with this leaf hash in a segment of any version.
    #[must_use]
    pub(super) fn after(&self, version: Version, payload: &[u8], leaf: &TreeHash) -> Option<Self> {
        match version {
            Version::One => Some(Self { index: self.index.checked_add(1)?, hash: joined(&self.hash, payload) }),
            Version::Two => self.link(leaf),
        }
    }
}

/// Where records in a row stand in the chain, and their hashes in the tree.
pub(super) struct Linked {
    pub(super) before: Position,
    pub(super) after: Position,
    pub(super) leaves: Vec<TreeHash>,
}

/// A hash of the chain in version 2.
fn link(before: &ChainHash, leaf: &TreeHash) -> ChainHash {
    let mut input = [LINK; 65];
    input[1..33].copy_from_slice(before);
    input[33..].copy_from_slice(leaf);
    sha256(&input)
}

/// A hash of the chain in version 1. The hash before has a fixed length, so no two pairs give the same input.
fn joined(before: &ChainHash, payload: &[u8]) -> ChainHash {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(payload);
    finish(context)
}

/// Whether `bytes` begins with some payload and its right hash, of no more than `most` bytes. It tells a record whose length
/// was changed from one whose end was never written.
pub(super) fn holds_record(version: Version, before: &ChainHash, bytes: &[u8], most: usize) -> bool {
    let mut context = Context::new(&SHA256);
    match version {
        Version::One => context.update(before),
        Version::Two => context.update(&[LEAF]),
    }
    bytes.windows(1 + before.len()).take(most).any(|window| {
        let (byte, hash) = window.split_at(1);
        context.update(byte);
        let found = finish(context.clone());
        hash == match version {
            Version::One => found,
            Version::Two => link(before, &found),
        }
    })
}

fn finish(context: Context) -> ChainHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tree::leaf_hash;

    #[test]
    fn the_chain_is_what_the_format_says() {
        let log = LogId::parse("inzage-a-00000000000000ff").unwrap();
        let (old, new) = (Position::start(&log, Version::One), Position::start(&log, Version::Two));
        assert_eq!(old.hash, sha256(b"inzage-audit-log 1 inzage-a-00000000000000ff\n"));
        assert_eq!(new.hash, sha256(b"inzage-audit-log 2 inzage-a-00000000000000ff\n"));
        let leaf = sha256(b"\0{}");
        assert_eq!(leaf, leaf_hash(b"{}"));
        let after = |version, at: &Position| at.after(version, b"{}", &leaf);
        let by_hand = [old.hash.as_slice(), b"{}"].concat();
        assert_eq!(after(Version::One, &old), Some(Position { index: 1, hash: sha256(&by_hand) }));
        let by_hand = [b"\x02", new.hash.as_slice(), &leaf].concat();
        assert_eq!(after(Version::Two, &new), Some(Position { index: 1, hash: sha256(&by_hand) }));
        assert_eq!(new.link(&leaf), after(Version::Two, &new));
        assert!(Version::ALL.iter().all(|version| after(*version, &Position { index: u64::MAX, ..new }).is_none()));
    }

    #[test]
    fn a_whole_record_is_found_without_its_length() {
        for version in Version::ALL {
            let before = Position { index: 7, hash: [7; 32] };
            let mut bytes = b"payload".to_vec();
            bytes.extend_from_slice(&before.after(version, b"payload", &leaf_hash(b"payload")).unwrap().hash);
            let holds = |hash, bytes: &[u8], most| holds_record(version, hash, bytes, most);
            assert!(holds(&before.hash, &bytes, 7));
            assert!(!holds(&before.hash, &bytes, 6), "no record is so short");
            bytes.extend_from_slice(b"what follows");
            assert!(holds(&before.hash, &bytes, 100));
            assert!(!holds(&[8; 32], &bytes, 100));
            assert!(!holds(&before.hash, &bytes[..7 + 31], 100));
            assert!(!holds(&before.hash, b"", 100));
        }
    }
}
