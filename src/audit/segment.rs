//! The format of segment files: the header line, and the frame of a record
//! (`u32` length in little endian, payload, 32-byte chain hash).

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use super::AuditEvent;
use super::chain::{ChainHash, Linked, Position, Version};
use super::encode::encode;
use super::tree::{LEAF, TreeHash};

/// What frames a payload: its length before it and its chain hash after it.
pub(super) const LENGTH_BYTES: usize = 4;
pub(super) const HASH_BYTES: usize = 32;

/// No header is longer: 23 bytes of magic and version, 56 of log id, 20 of index, 64 of hash, 3 of separators.
pub(super) const MAX_HEADER_BYTES: usize = 166;

const MAGIC: &str = "inzage-audit-segment ";
const ID_PREFIX: &str = "inzage-";

/// The name of a node inside log ids: 1 to 32 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName(Arc<str>);

/// The text is not a node name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a node name has 1 to 32 lower-case letters, digits and hyphens")]
pub struct NodeNameError;

impl NodeName {
    /// Parses a name.
    ///
    /// # Errors
    /// When it is empty, over 32 characters or has other characters.
    pub fn parse(text: &str) -> Result<Self, NodeNameError> {
        let fits = (1..=32).contains(&text.len());
        let plain = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
        if fits && plain { Ok(Self(text.into())) } else { Err(NodeNameError) }
    }
}

/// Which log a record belongs to: `inzage-<node>-<16 hexadecimal digits>`, drawn once and found again in every header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogId(Arc<str>);

impl LogId {
    pub(super) fn draw(node: &NodeName) -> Self {
        let number = u64::from_le_bytes(crate::secret::random());
        Self(format!("{ID_PREFIX}{}-{number:016x}", node.0).into())
    }

    /// One whose number is given and not drawn.
    #[cfg(feature = "sandbox")]
    pub(super) fn numbered(node: &NodeName, number: u64) -> Self {
        Self(format!("{ID_PREFIX}{}-{number:016x}", node.0).into())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (node, number) = text.strip_prefix(ID_PREFIX)?.rsplit_once('-')?;
        NodeName::parse(node).ok()?;
        let hex = number.len() == 16 && number.bytes().all(is_lower_hex);
        hex.then(|| Self(text.into()))
    }

    /// Whether it was drawn for a node of this name.
    pub(crate) fn is_of(&self, node: &NodeName) -> bool {
        let rest = self.0.strip_prefix(ID_PREFIX).and_then(|rest| rest.strip_prefix(&*node.0));
        rest.is_some_and(|rest| rest.len() == 17 && rest.starts_with('-'))
    }

    /// What the first hash of the chain covers.
    pub(super) fn line(&self, version: Version) -> String {
        format!("inzage-audit-log {} {self}\n", version.number())
    }

    /// The id, to share.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first line of a segment. It has one form only, so it is compared as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: Version,
    pub(super) log: LogId,
    /// The index of the first record, and the hash of all records before it.
    pub(super) start: Position,
}

impl Header {
    pub(super) fn line(&self) -> String {
        let mut line = format!("{MAGIC}{} {} {} ", self.version.number(), self.log, self.start.index);
        for byte in self.start.hash {
            let _ = write!(line, "{byte:02x}");
        }
        line.push('\n');
        line
    }

    /// Parses the line with its newline.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?;
        let mut parts = text.strip_prefix(MAGIC)?.strip_suffix('\n')?.split(' ');
        let (version, log, index, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let start = Position { index: index.parse().ok()?, hash: parse_hash(hash)? };
        let header = Self { version: Version::parse(version)?, log: LogId::parse(log)?, start };
        (header.line() == text).then_some(header)
    }

    /// Whether it is that of a segment after one of `version`, where `log` goes on at `at`. A version is never followed by an
    /// older one.
    pub(super) fn continues(&self, log: &LogId, at: &Position, version: Version) -> bool {
        self.version >= version && self.log == *log && self.start == *at
    }

    /// Whether these bytes can be the beginning of one that continues the log so, and was never finished.
    pub(super) fn is_begun(line: &[u8], log: &LogId, at: &Position, version: Version) -> bool {
        let newer = Version::ALL.into_iter().filter(|later| *later >= version);
        newer
            .map(|version| Self { version, log: log.clone(), start: *at }.line())
            .any(|full| full.len() > line.len() && full.as_bytes().starts_with(line))
    }
}

/// Whether these bytes can be the beginning of a first header that was never finished.
pub(super) fn begins_header(bytes: &[u8]) -> bool {
    let plain = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-' || *c == b' ';
    let begins = |version: Version| {
        let known = format!("{MAGIC}{} ", version.number());
        bytes.iter().zip(known.as_bytes()).all(|(found, known)| found == known)
    };
    bytes.len() < MAX_HEADER_BYTES && Version::ALL.into_iter().any(begins) && bytes.iter().all(plain)
}

pub(super) fn parse_hash(text: &str) -> Option<ChainHash> {
    let mut hash = [0; HASH_BYTES];
    if text.len() != 2 * HASH_BYTES || !text.bytes().all(is_lower_hex) {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(hash)
}

const fn is_lower_hex(c: u8) -> bool {
    matches!(c, b'0'..=b'9' | b'a'..=b'f')
}

/// The encoding of one event behind the byte that its leaf hash begins with, and that hash. Its memory is used again.
pub(super) struct Payload {
    input: Vec<u8>,
    leaf: TreeHash,
}

impl Default for Payload {
    fn default() -> Self {
        Self { input: vec![LEAF], leaf: [0; HASH_BYTES] }
    }
}

impl Payload {
    /// Encodes and hashes `event`, which the log `source` takes.
    pub(super) fn encode(&mut self, event: &AuditEvent, source: &str) {
        self.input.truncate(1);
        encode(event, source, &mut self.input);
        self.leaf = crate::secret::sha256(&self.input);
    }

    /// Appends it to `out` as a record with its leaf hash where its chain hash will be: [`link`] puts that there.
    pub(super) fn frame(&self, out: &mut Vec<u8>) {
        let payload = self.input.get(1..).unwrap_or_default();
        out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(&self.leaf);
    }
}

/// Puts the chain hashes of so many framed records, which follow `before`, in the place of their leaf hashes; `None` when the
/// chain has no more numbers.
pub(super) fn link(before: Position, framed: &mut [u8], count: usize) -> Option<Linked> {
    let (mut at, mut leaves, mut rest) = (before, Vec::with_capacity(count), framed);
    while let Some((length, record)) = rest.split_first_chunk_mut::<LENGTH_BYTES>() {
        let (_, after) = record.split_at_mut_checked(u32::from_le_bytes(*length) as usize)?;
        let (hash, after) = after.split_first_chunk_mut::<HASH_BYTES>()?;
        at = at.link(hash)?;
        leaves.push(std::mem::replace(hash, at.hash));
        rest = after;
    }
    Some(Linked { before, after: at, leaves })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_log_id_carries_its_node_and_is_drawn_anew() {
        let node = NodeName::parse("north-1").unwrap();
        let (one, other) = (LogId::draw(&node), LogId::draw(&node));
        assert!(one.to_string().starts_with("inzage-north-1-"));
        assert_ne!(one, other);
        assert!(one.is_of(&node) && !one.is_of(&NodeName::parse("north").unwrap()));
        assert_eq!(LogId::parse(&one.to_string()), Some(one));
        for text in ["", "inzage-a", "inzage-a-00000000000000FF", "inzage--00", "a-00000000000000ff"] {
            assert_eq!(LogId::parse(text), None, "{text}");
        }
        for text in ["", "A", "a b", &"a".repeat(33)] {
            assert_eq!(NodeName::parse(text), Err(NodeNameError), "{text}");
        }
    }

    #[test]
    fn the_longest_header_has_the_stated_length() {
        let log = LogId::draw(&NodeName::parse(&"n".repeat(32)).unwrap());
        let header = Header { version: Version::NEWEST, log, start: Position { index: u64::MAX, hash: [255; 32] } };
        assert_eq!(header.line().len(), MAX_HEADER_BYTES);
    }

    proptest! {
        #[test]
        fn a_header_parses_back(
            node in "[a-z0-9-]{1,32}", index: u64, hash: [u8; 32], version in prop::sample::select(&Version::ALL[..])
        ) {
            let log = LogId::draw(&NodeName::parse(&node).unwrap());
            let header = Header { version, log, start: Position { index, hash } };
            let line = header.line();
            for cut in 0..line.len() {
                prop_assert!(begins_header(&line.as_bytes()[..cut]));
                prop_assert_eq!(Header::parse(&line.as_bytes()[..cut]), None);
            }
            prop_assert_eq!(Header::parse(line.as_bytes()), Some(header));
        }

        #[test]
        fn a_changed_header_is_another_or_none(at in 0_usize..110, bit in 0_u8..8) {
            let log = LogId::parse("inzage-a-00000000000000ff").unwrap();
            let header = Header { version: Version::NEWEST, start: Position { index: 3, hash: [9; 32] }, log };
            let mut line = header.line().into_bytes();
            line[at] ^= 1 << bit;
            prop_assert_ne!(Header::parse(&line), Some(header));
        }

        #[test]
        fn a_newer_version_follows_an_older_one_only(cut in 0_usize..110) {
            let log = LogId::parse("inzage-a-00000000000000ff").unwrap();
            let start = Position { index: 3, hash: [9; 32] };
            let header = |version| Header { version, start, log: log.clone() };
            let (old, new) = (header(Version::One), header(Version::Two));
            prop_assert!(new.continues(&log, &start, Version::One) && !old.continues(&log, &start, Version::Two));
            let begun = |line: &str, after| Header::is_begun(&line.as_bytes()[..cut], &log, &start, after);
            prop_assert!(begun(&new.line(), Version::One) && begun(&new.line(), Version::Two));
            prop_assert!(begun(&old.line(), Version::One));
            prop_assert_eq!(begun(&old.line(), Version::Two), cut <= MAGIC.len());
        }

        #[test]
        fn garbage_is_no_header(bytes: Vec<u8>) {
            prop_assert_eq!(Header::parse(&bytes), None);
        }
    }
}
