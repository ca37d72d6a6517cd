//! The manifest of an export: a signed note that says what was chosen, on which checkpoint it rests and what each part holds.
//!
//! ```text
//! inzage-audit-export 1
//! log inzage-a-00000000000000ff
//! format csv
//! from 2026-01-01T00:00:00.000000Z
//! to -
//! provider -
//! host inzage.example.nl
//! operator Voorbeeld
//! checkpoint 3 <root in base64>
//! first 0
//! records 2
//! part audit-000001.csv 2 871 <SHA-256 in hexadecimal digits>
//! ```

use std::fmt;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::checkpoint::Checkpoint;
use super::super::keys::{KeysError, LogKeys};
use super::super::note::{MAX_NOTE_BYTES, Note, NoteError, SigningKey};

const TITLE: &str = "inzage-audit-export 1";
/// The names of the lines that say what was chosen.
const CHOICE: [&str; 7] = ["log", "format", "from", "to", "provider", "host", "operator"];

/// A part as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

/// What an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportManifest {
    /// What was chosen: the lines from `log` to `operator`.
    choice: String,
    /// The size and root of the tree that all of its records are in.
    size: u64,
    root: [u8; 32],
    /// The first record that the log still had.
    first: u64,
    parts: Vec<Part>,
}

/// Why an export is not what was made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The manifest, or the keys to check it with, cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The note around the manifest.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The signed text is no manifest of an export.
    #[error("the signed text is not the manifest of an export")]
    Form,
    /// The key is of another log than the one that the manifest speaks of, or was replaced before it was made.
    #[error("the key that signed it may not speak for this export")]
    Signer,
    /// The file of keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A part is not what was made.
    #[error("{name} is not what was exported")]
    Part {
        /// The name of the part.
        name: String,
    },
}

impl ExportManifest {
    pub(super) fn new(choice: String, checkpoint: &Checkpoint, first: u64, parts: Vec<Part>) -> Self {
        Self { choice, size: checkpoint.size, root: checkpoint.root, first, parts }
    }

    /// How many records there are in all parts.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.parts.iter().map(|part| part.records).sum()
    }

    /// How many parts there are.
    #[must_use]
    pub const fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The size of the tree that it rests on.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The first record that the log still had: those before it were removed after their retention.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// What was chosen, a line for each.
    #[must_use]
    pub fn choice(&self) -> &str {
        &self.choice
    }

    pub(super) fn sign(&self, key: &SigningKey) -> Result<Note, NoteError> {
        Ok(Note::of(&self.to_string()).ok_or(NoteError::Form)?.sign(key))
    }

    /// The manifest in a note that a key of its log signed.
    ///
    /// # Errors
    /// [`CheckError::Note`], [`CheckError::Form`] and [`CheckError::Signer`].
    pub fn open(note: &str, keys: &LogKeys) -> Result<Self, CheckError> {
        let retired = keys.retired().iter().map(|retired| (&retired.key, retired.size));
        for (key, until) in std::iter::once((keys.present(), u64::MAX)).chain(retired) {
            match Note::parse(note)?.open(std::slice::from_ref(key)) {
                Err(NoteError::Unsigned) => {}
                opened => {
                    let manifest = Self::parse(opened?.text()).ok_or(CheckError::Form)?;
                    let own = manifest.line("log") == Some(keys.name().as_str()) && manifest.size <= until;
                    return if own { Ok(manifest) } else { Err(CheckError::Signer) };
                }
            }
        }
        Err(NoteError::Unsigned.into())
    }

    fn line(&self, name: &str) -> Option<&str> {
        self.choice.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    /// Parses the text. It has one form only.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(TITLE)?.strip_prefix('\n')?.strip_suffix('\n')?.split('\n');
        let mut choice = String::new();
        for name in CHOICE {
            let line = lines.next()?;
            line.strip_prefix(name)?.strip_prefix(' ')?;
            choice.push_str(line);
            choice.push('\n');
        }
        let (size, root) = lines.next()?.strip_prefix("checkpoint ")?.split_once(' ')?;
        let first = lines.next()?.strip_prefix("first ")?.parse().ok()?;
        lines.next()?.strip_prefix("records ")?;
        let parts = lines.map(part).collect::<Option<Vec<_>>>()?;
        let root = STANDARD.decode(root).ok()?.try_into().ok()?;
        let parsed = Self { choice, size: size.parse().ok()?, root, first, parts };
        let total = parsed.parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.records));
        (total.is_some() && parsed.to_string() == text).then_some(parsed)
    }
}

impl fmt::Display for ExportManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TITLE}\n{}", self.choice)?;
        writeln!(f, "checkpoint {} {}", self.size, STANDARD.encode(self.root))?;
        writeln!(f, "first {}\nrecords {}", self.first, self.records())?;
        self.parts.iter().try_for_each(|Part { name, records, bytes, sha256 }| {
            writeln!(f, "part {name} {records} {bytes} {}", hex(sha256))
        })
    }
}

fn part(line: &str) -> Option<Part> {
    let mut words = line.strip_prefix("part ")?.split(' ');
    let (name, records, bytes, hash) = (words.next()?, words.next()?, words.next()?, words.next()?);
    // It is opened beside the manifest, and nowhere else.
    let plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.') && !name.starts_with('.');
    let sha256 = super::super::segment::parse_hash(hash)?;
    plain.then_some(Part { name: name.to_owned(), records: records.parse().ok()?, bytes: bytes.parse().ok()?, sha256 })
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Checks an export: the signature under its manifest, and every byte of its parts, which lie beside the manifest.
///
/// # Errors
/// See [`CheckError`].
pub fn check_export(path: &Path, keys: &LogKeys) -> Result<ExportManifest, CheckError> {
    let unreadable = |source| CheckError::Io { path: path.into(), source };
    let mut note = String::new();
    let limit = MAX_NOTE_BYTES as u64 + 1;
    File::open(path).and_then(|file| file.take(limit).read_to_string(&mut note)).map_err(unreadable)?;
    let manifest = ExportManifest::open(&note, keys)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for part in &manifest.parts {
        let found = digest(&folder.join(&part.name));
        if !found.is_ok_and(|found| found == (part.bytes, part.sha256)) {
            return Err(CheckError::Part { name: part.name.clone() });
        }
    }
    Ok(manifest)
}

/// The length of a file, and what it hashes to.
pub(super) fn digest(path: &Path) -> io::Result<(u64, [u8; 32])> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let (mut bytes, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        context.update(piece);
        bytes += piece.len() as u64;
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok((bytes, hash))
}
