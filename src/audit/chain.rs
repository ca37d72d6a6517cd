//! The hash chain: each record's hash covers the record and the hash before it, so that no record can be changed, removed
//! or put elsewhere without changing every hash after it.

use aws_lc_rs::digest::{Context, SHA256};

use super::segment::LogId;

/// A hash of the chain (SHA-256).
pub type ChainHash = [u8; 32];

/// A place in the chain: how many records came before, and the hash that covers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) index: u64,
    pub(super) hash: ChainHash,
}

impl Position {
    /// Before the first record: the hash of the log's id line.
    pub(super) fn start(log: &LogId) -> Self {
        Self { index: 0, hash: crate::secret::sha256(log.line().as_bytes()) }
    }

    /// After one more record, or `None` after 2^64 of them.
    #[must_use]
    pub(super) fn after(&self, payload: &[u8]) -> Option<Self> {
        Some(Self { index: self.index.checked_add(1)?, hash: next(&self.hash, payload) })
    }

    /// The same for a payload that stands in `input` behind room for a hash.
    #[must_use]
    pub(super) fn after_input(&self, input: &mut [u8]) -> Option<Self> {
        *input.first_chunk_mut()? = self.hash;
        Some(Self { index: self.index.checked_add(1)?, hash: crate::secret::sha256(input) })
    }
}

/// Nearly all records are shorter.
const USUAL_RECORD_BYTES: usize = 1_504;

/// SHA-256 over the hash before and the payload. The former has a fixed length, so no two pairs give the same input.
pub(super) fn next(before: &ChainHash, payload: &[u8]) -> ChainHash {
    // To copy a usual record behind the hash takes less than to set up a context for two parts.
    let mut input = [0; 32 + USUAL_RECORD_BYTES];
    let (head, body) = input.split_at_mut(before.len());
    if let Some(place) = body.get_mut(..payload.len()) {
        head.copy_from_slice(before);
        place.copy_from_slice(payload);
        return crate::secret::sha256(input.get(..before.len() + payload.len()).unwrap_or_default());
    }
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(payload);
    finish(context)
}

/// Whether `bytes` begins with some payload and its right hash, whatever its length. It tells a record whose length was
/// changed from one whose end was never written.
pub(super) fn holds_record(before: &ChainHash, bytes: &[u8]) -> bool {
    let mut context = Context::new(&SHA256);
    context.update(before);
    bytes.windows(1 + before.len()).any(|window| {
        let (byte, hash) = window.split_at(1);
        context.update(byte);
        finish(context.clone()) == hash
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

    #[test]
    fn the_chain_is_what_the_format_says() {
        let log = LogId::parse("inzage-a-00000000000000ff").unwrap();
        let start = Position::start(&log);
        assert_eq!(start.hash, crate::secret::sha256(b"inzage-audit-log 1 inzage-a-00000000000000ff\n"));
        let one = start.after(b"{}").unwrap();
        let by_hand = [start.hash.as_slice(), b"{}"].concat();
        assert_eq!(one, Position { index: 1, hash: crate::secret::sha256(&by_hand) });
        let mut input = [[0; 32].as_slice(), b"{}"].concat();
        assert_eq!(start.after_input(&mut input), Some(one));
        assert_eq!(Position { index: u64::MAX, ..one }.after(b"{}"), None);
        assert_eq!(Position { index: u64::MAX, ..one }.after_input(&mut input), None);
    }

    #[test]
    fn a_whole_record_is_found_without_its_length() {
        let before = [7; 32];
        let mut bytes = b"payload".to_vec();
        bytes.extend_from_slice(&next(&before, b"payload"));
        assert!(holds_record(&before, &bytes));
        bytes.extend_from_slice(b"what follows");
        assert!(holds_record(&before, &bytes));
        assert!(!holds_record(&[8; 32], &bytes));
        assert!(!holds_record(&before, &bytes[..7 + 31]));
        assert!(!holds_record(&before, b""));
    }
}
