//! The manifest of a sealed segment: what the segment is, in a signed note beside it. It tells whether the file is the one
//! that was sealed without unpacking it, and stays when the records are removed after their retention.
//!
//! ```text
//! inzage-audit-manifest 1
//! log inzage-a-00000000000000ff
//! first 0
//! records 3
//! times 2026-11-21T09:30:00.000000Z 2026-11-21T09:31:00.000000Z
//! raw 1234 <SHA-256 in hexadecimal digits>
//! packed 321 <SHA-256>
//! chain <hash before the first record> <hash after the last>
//! tree 3 <root>
//! ```

use std::fmt;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::chain::{ChainHash, Position};
use super::keys::LogKeys;
use super::note::{Note, NoteError, SigningKey};
use super::segment::LogId;
use super::tree::TreeHash;

const TITLE: &str = "inzage-audit-manifest 1";

/// A file: its length and what it hashes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

/// What is said of a sealed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) log: LogId,
    /// Before its first record.
    pub(super) start: Position,
    /// After its last.
    pub(super) end: Position,
    /// The times in its first and its last record.
    pub(super) times: (Timestamp, Timestamp),
    /// The segment as it was written.
    pub(super) raw: Digest,
    /// The segment as it lies there.
    pub(super) packed: Digest,
    /// The root of the tree over all records up to its last.
    pub(super) root: TreeHash,
}

/// Why a manifest says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ManifestError {
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The signed text is no manifest.
    #[error("the signed text is not a manifest")]
    Form,
}

impl Manifest {
    /// The signed note.
    pub(super) fn sign(&self, key: &SigningKey) -> Result<Note, ManifestError> {
        Ok(Note::of(&self.to_string()).ok_or(ManifestError::Form)?.sign(key))
    }

    /// The manifest in a note that a key of the log signed. A replaced key speaks of the time before it was replaced only.
    pub(super) fn open(note: &str, keys: &LogKeys) -> Result<Self, ManifestError> {
        let (text, until) = open_text(note, keys)?;
        let manifest = Self::parse(&text).ok_or(ManifestError::Form)?;
        let own = keys.name().as_str() == manifest.log.to_string() && manifest.end.index <= until;
        if own { Ok(manifest) } else { Err(ManifestError::Form) }
    }

    /// Parses the text. It has one form only.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next()? != TITLE {
            return None;
        }
        let mut line = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let log = LogId::parse(line("log")?)?;
        let first: u64 = line("first")?.parse().ok()?;
        let records: u64 = line("records")?.parse().ok()?;
        let (from, to) = line("times")?.split_once(' ')?;
        let (raw, packed) = (digest(line("raw")?)?, digest(line("packed")?)?);
        let (before, after) = line("chain")?.split_once(' ')?;
        let (size, root) = line("tree")?.split_once(' ')?;
        let parsed = Self {
            log,
            start: Position { index: first, hash: unhex(before)? },
            end: Position { index: size.parse().ok()?, hash: unhex(after)? },
            times: (from.parse().ok()?, to.parse().ok()?),
            raw,
            packed,
            root: unhex(root)?,
        };
        let fits = parsed.start.index.checked_add(records) == Some(parsed.end.index) && parsed.to_string() == text;
        fits.then_some(parsed)
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, start, end, times: (from, to), raw, packed, root } = self;
        writeln!(f, "{TITLE}\nlog {log}\nfirst {}\nrecords {}", start.index, end.index.saturating_sub(start.index))?;
        writeln!(f, "times {from:.6} {to:.6}\nraw {} {}", raw.bytes, hex(&raw.sha256))?;
        writeln!(f, "packed {} {}", packed.bytes, hex(&packed.sha256))?;
        writeln!(f, "chain {} {}\ntree {} {}", hex(&start.hash), hex(&end.hash), end.index, hex(root))
    }
}

/// The text of a note that a key of the log signed, and up to which size of the log that key may speak.
pub(super) fn open_text(note: &str, keys: &LogKeys) -> Result<(String, u64), NoteError> {
    let retired = keys.retired().iter().map(|retired| (&retired.key, retired.size));
    for (key, until) in std::iter::once((keys.present(), u64::MAX)).chain(retired) {
        match Note::parse(note)?.open(std::slice::from_ref(key)) {
            Err(NoteError::Unsigned) => {}
            opened => return Ok((opened?.text().to_owned(), until)),
        }
    }
    Err(NoteError::Unsigned)
}

fn digest(text: &str) -> Option<Digest> {
    let (bytes, sha256) = text.split_once(' ')?;
    Some(Digest { bytes: bytes.parse().ok()?, sha256: unhex(sha256)? })
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The hash of 64 hexadecimal digits.
pub(super) fn unhex(text: &str) -> Option<ChainHash> {
    super::segment::parse_hash(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::keys::RetiredKey;
    use crate::audit::note::KeyName;
    use crate::secret::Secret;

    fn manifest() -> Manifest {
        Manifest {
            log: LogId::parse("inzage-a-00000000000000ff").unwrap(),
            start: Position { index: 3, hash: [1; 32] },
            end: Position { index: 10, hash: [2; 32] },
            times: ("2026-11-21T09:30:00Z".parse().unwrap(), "2026-11-21T09:31:00.5Z".parse().unwrap()),
            raw: Digest { bytes: 4_000, sha256: [3; 32] },
            packed: Digest { bytes: 400, sha256: [4; 32] },
            root: [5; 32],
        }
    }

    fn key(seed: u8, name: &str) -> SigningKey {
        SigningKey::from_seed(&Secret::new([seed; 32]), KeyName::parse(name).unwrap())
    }

    #[test]
    fn only_the_key_of_the_log_speaks_for_it() {
        let own = key(1, "inzage-a-00000000000000ff");
        let note = manifest().sign(&own).unwrap().to_string();
        let keys = |key: &SigningKey| LogKeys::new(key.verifier(), &[]);
        assert_eq!(Manifest::open(&note, &keys(&own)), Ok(manifest()));
        let other = key(2, "inzage-a-00000000000000ff");
        assert_eq!(Manifest::open(&note, &keys(&other)), Err(NoteError::Unsigned.into()));
        let changed = note.replacen("records 7", "records 8", 1);
        assert_eq!(Manifest::open(&changed, &keys(&own)), Err(NoteError::Signature.into()));
        let of_another = key(3, "inzage-b-00000000000000ff");
        let note = manifest().sign(&of_another).unwrap().to_string();
        assert_eq!(Manifest::open(&note, &keys(&of_another)), Err(ManifestError::Form));

        let replaced_at = |size| RetiredKey { key: own.verifier(), size, root: [0; 32] };
        let keys = |size| LogKeys::new(other.verifier(), &[replaced_at(size)]);
        let note = manifest().sign(&own).unwrap().to_string();
        assert_eq!(Manifest::open(&note, &keys(10)), Ok(manifest()));
        assert_eq!(Manifest::open(&note, &keys(9)), Err(ManifestError::Form));
    }

    #[test]
    fn the_text_is_what_the_format_says() {
        let text = manifest().to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "inzage-audit-manifest 1");
        assert_eq!(
            lines[2..5],
            ["first 3", "records 7", "times 2026-11-21T09:30:00.000000Z 2026-11-21T09:31:00.500000Z",]
        );
        assert_eq!(lines[8], format!("tree 10 {}", "05".repeat(32)));
        assert_eq!(Manifest::parse(&text), Some(manifest()));
    }

    proptest! {
        #[test]
        fn a_changed_text_is_another_or_none(at in 0_usize..560, byte in any::<u8>()) {
            let mut text = manifest().to_string().into_bytes();
            prop_assume!(at < text.len() && text[at] != byte);
            text[at] = byte;
            let changed = String::from_utf8_lossy(&text);
            prop_assert_ne!(Manifest::parse(&changed), Some(manifest()));
        }

        #[test]
        fn garbage_is_no_manifest(text: String) {
            prop_assert_eq!(Manifest::parse(&text), None);
        }
    }
}
