//! The statement that records were removed after their retention: a signed note in the folder of the log. It tells where the
//! log begins now, and it is written before anything is removed. Without one, missing segments are damage.
//!
//! ```text
//! inzage-audit-pruned 1
//! log inzage-a-00000000000000ff
//! first 700
//! chain <hash before that record>
//! tree 1024 <root>
//! retention 1827
//! time 2026-11-21T09:30:00.000000Z
//! ```

use std::fmt;
use std::path::Path;

use jiff::Timestamp;

use super::broken::{ReadError, Why, broken};
use super::chain::Position;
use super::folder;
use super::keys::LogKeys;
use super::manifest::{hex, open_text, unhex};
use super::note::{Note, SigningKey};
use super::notes;
use super::segment::LogId;
use super::tree::TreeHash;

const TITLE: &str = "inzage-audit-pruned 1";

/// What is said of the records that were removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pruned {
    pub(super) log: LogId,
    /// Before the first record that is kept.
    pub(super) start: Position,
    /// The tree that was signed when they were removed: its size and root.
    pub(super) tree: (u64, TreeHash),
    /// The retention, in days.
    pub(super) days: u32,
    /// When the records were removed.
    pub(super) time: Timestamp,
}

impl Pruned {
    /// The signed note; `None` when its text cannot be one.
    pub(super) fn sign(&self, key: &SigningKey) -> Option<Note> {
        Note::of(&self.to_string()).map(|note| note.sign(key))
    }

    /// The statement in a note that a key of the log signed. A replaced key speaks of the time before it was replaced only.
    pub(super) fn open(note: &str, keys: &LogKeys) -> Option<Self> {
        let (text, until) = open_text(note, keys).ok()?;
        let own = |pruned: &Self| keys.name().as_str() == pruned.log.to_string() && pruned.tree.0 <= until;
        Self::parse(&text).filter(own)
    }

    /// Parses the text. It has one form only.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next()? != TITLE {
            return None;
        }
        let mut line = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let log = LogId::parse(line("log")?)?;
        let start = Position { index: line("first")?.parse().ok()?, hash: unhex(line("chain")?)? };
        let (size, root) = line("tree")?.split_once(' ')?;
        let tree = (size.parse().ok()?, unhex(root)?);
        let (days, time) = (line("retention")?.parse().ok()?, line("time")?.parse().ok()?);
        let parsed = Self { log, start, tree, days, time };
        let fits = parsed.start.index <= parsed.tree.0 && parsed.to_string() == text;
        fits.then_some(parsed)
    }
}

impl fmt::Display for Pruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, start, tree: (size, root), days, time } = self;
        writeln!(f, "{TITLE}\nlog {log}\nfirst {}\nchain {}", start.index, hex(&start.hash))?;
        writeln!(f, "tree {size} {}\nretention {days}\ntime {time:.6}", hex(root))
    }
}

/// The statement in the folder `dir`, checked with the public keys that the folder names: that these are the keys of the log,
/// a start and a verification with keys from elsewhere tell.
pub(super) fn read(dir: &Path) -> Result<Option<Pruned>, ReadError> {
    let Some(note) = text(dir, folder::PRUNED)? else { return Ok(None) };
    let keys = text(dir, folder::KEYS)?.and_then(|keys| LogKeys::parse(&keys).ok());
    let Some(keys) = keys else { return broken(0, folder::PRUNED.to_owned(), Why::NoKeys) };
    checked(&note, &keys).map(Some)
}

/// The same, checked with these keys.
pub(super) fn read_with(dir: &Path, keys: &LogKeys) -> Result<Option<Pruned>, ReadError> {
    text(dir, folder::PRUNED)?.map(|note| checked(&note, keys)).transpose()
}

fn checked(note: &str, keys: &LogKeys) -> Result<Pruned, ReadError> {
    match Pruned::open(note, keys) {
        Some(pruned) => Ok(pruned),
        None => broken(0, folder::PRUNED.to_owned(), Why::Unsigned),
    }
}

fn text(dir: &Path, name: &str) -> Result<Option<String>, ReadError> {
    let path = dir.join(name);
    notes::read_one(&path).map_err(|source| ReadError::Io { path, source })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::keys::RetiredKey;
    use crate::audit::note::KeyName;
    use crate::secret::Secret;

    fn pruned() -> Pruned {
        Pruned {
            log: LogId::parse("inzage-a-00000000000000ff").unwrap(),
            start: Position { index: 700, hash: [1; 32] },
            tree: (1_024, [2; 32]),
            days: 1_827,
            time: Timestamp::from_second(1_800_000_000).unwrap(),
        }
    }

    fn key(seed: u8, name: &str) -> SigningKey {
        SigningKey::from_seed(&Secret::new([seed; 32]), KeyName::parse(name).unwrap())
    }

    #[test]
    fn only_a_key_of_the_log_says_it() {
        let (own, pruned) = (key(1, "inzage-a-00000000000000ff"), pruned());
        let note = pruned.sign(&own).unwrap().to_string();
        assert_eq!(Pruned::open(&note, &LogKeys::new(own.verifier(), &[])), Some(pruned.clone()));
        assert_eq!(Pruned::open(&note.replace("first 700", "first 701"), &LogKeys::new(own.verifier(), &[])), None);
        let present = key(2, "inzage-a-00000000000000ff").verifier();
        assert_eq!(Pruned::open(&note, &LogKeys::new(present.clone(), &[])), None);
        for (size, believed) in [(1_023, false), (1_024, true)] {
            let retired = RetiredKey { key: own.verifier(), size, root: [0; 32] };
            let opened = Pruned::open(&note, &LogKeys::new(present.clone(), &[retired]));
            assert_eq!(opened.is_some(), believed, "{size}");
        }
        let other = key(1, "inzage-b-00000000000000ff");
        let note = pruned.sign(&other).unwrap().to_string();
        assert_eq!(Pruned::open(&note, &LogKeys::new(other.verifier(), &[])), None, "it speaks of another log");
    }

    proptest! {
        #[test]
        fn it_has_one_form(at in 0_usize..300, byte in any::<u8>()) {
            let text = pruned().to_string();
            prop_assert_eq!(Pruned::parse(&text), Some(pruned()));
            let mut bytes = text.into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert!(Pruned::parse(&text).is_none_or(|parsed| parsed.to_string() == text));
            }
        }
    }
}
