//! The last good set of lists on disk, so that a node can start while the publisher cannot be reached.
//!
//! The folder holds each list under a name that contains its SHA-256, and a manifest that names the set. A list never
//! changes under its name, so the one rename of the manifest is the moment at which a new copy replaces the old one.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ListError, ListKind, MAX_LIST_BYTES, PerList, RawLists};
use crate::secret::sha256;

const MANIFEST: &str = "manifest.json";
const MAX_MANIFEST_BYTES: usize = 64 * 1024;
/// The layout described above.
const LAYOUT: u32 = 1;

/// The folder with the copy; owned by one node.
#[derive(Debug, Clone)]
pub struct CopyFolder {
    path: PathBuf,
}

/// Why a copy cannot be kept or used.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The folder or a file in it cannot be written.
    #[error("the copy of the lists cannot be written")]
    Write(#[source] io::Error),
    /// A file that should be there cannot be read.
    #[error("the copy of the lists cannot be read")]
    Read(#[source] io::Error),
    /// The manifest is not one of ours.
    #[error("the manifest of the copy of the lists is damaged")]
    Manifest,
    /// A list is not the one that was saved.
    #[error("the copy of the {list} is not what was saved")]
    Altered {
        /// Which.
        list: ListKind,
    },
    /// A list was saved that is not valid any more by the present rules.
    #[error("the copy of the {list} is not valid")]
    Invalid {
        /// Which.
        list: ListKind,
        /// Why.
        #[source]
        error: ListError,
    },
}

/// What is known of a saved list apart from its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stamp {
    /// `Volgnummer`.
    pub(super) sequence: u64,
    /// SHA-256 of the file.
    #[serde(with = "hex")]
    pub(super) sha256: [u8; 32],
    /// When the publisher last gave exactly this list.
    #[serde(with = "moment")]
    pub(super) fetched_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    layout: u32,
    lists: PerList<Stamp>,
}

impl CopyFolder {
    /// A folder; it is made when something is saved.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Saves a set; when this fails the previous copy is still whole.
    pub(super) fn save(&self, raw: &RawLists, stamps: &PerList<Stamp>) -> Result<(), CopyError> {
        self.write_all(raw, stamps).map_err(CopyError::Write)
    }

    /// Notes that the saved set was given again.
    pub(super) fn confirm(&self, stamps: &PerList<Stamp>) -> Result<(), CopyError> {
        self.write_manifest(stamps).map_err(CopyError::Write)
    }

    /// The saved set, if there is one; every file is checked against the manifest.
    pub(super) fn load(&self) -> Result<Option<(RawLists, PerList<Stamp>)>, CopyError> {
        let text = match read_file(&self.path.join(MANIFEST), MAX_MANIFEST_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CopyError::Read(error)),
        };
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| CopyError::Manifest)?;
        if manifest.layout != LAYOUT {
            return Err(CopyError::Manifest);
        }
        let raw = PerList::try_from_fn(|list| self.load_list(list, manifest.lists.of(list)))?;
        Ok(Some((raw, manifest.lists)))
    }

    fn load_list(&self, list: ListKind, stamp: &Stamp) -> Result<Bytes, CopyError> {
        let bytes = read_file(&self.path.join(file_name(list, stamp)), MAX_LIST_BYTES).map_err(CopyError::Read)?;
        if sha256(&bytes) == stamp.sha256 { Ok(bytes.into()) } else { Err(CopyError::Altered { list }) }
    }

    fn write_all(&self, raw: &RawLists, stamps: &PerList<Stamp>) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        for list in ListKind::ALL {
            self.write_file(&file_name(list, stamps.of(list)), raw.of(list))?;
        }
        self.write_manifest(stamps)?;
        self.remove_others(stamps)
    }

    fn write_manifest(&self, stamps: &PerList<Stamp>) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&Manifest { layout: LAYOUT, lists: *stamps })?;
        self.write_file(MANIFEST, &text)
    }

    /// Complete under its name or not at all, also after a loss of power.
    fn write_file(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = self.path.join(format!("{name}.part"));
        let mut file = File::create(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(unfinished, self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }

    /// Removes lists of older sets and unfinished files: only names that this module makes.
    fn remove_others(&self, stamps: &PerList<Stamp>) -> io::Result<()> {
        let kept = ListKind::ALL.map(|list| file_name(list, stamps.of(list)));
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if is_list_file(name) && !kept.iter().any(|kept| kept == name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn file_name(list: ListKind, stamp: &Stamp) -> String {
    format!("{list}-{}.xml", hex::encode(&stamp.sha256))
}

fn is_list_file(name: &str) -> bool {
    let name = name.strip_suffix(".part").unwrap_or(name);
    let ours = |list: ListKind| {
        let digest = name.strip_prefix(list.as_str()).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".xml"));
        digest.is_some_and(|digest| hex::decode(digest).is_some())
    };
    ListKind::ALL.into_iter().any(ours)
}

fn read_file(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    File::open(path)?.take(one_more).read_to_end(&mut content)?;
    if content.len() > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(content) }
}

/// Digests as 64 lower-case hexadecimal digits.
mod hex {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn encode(digest: &[u8; 32]) -> String {
        digest.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).filter_map(|d| char::from_digit(d.into(), 16)).collect()
    }

    pub(super) fn decode(text: &str) -> Option<[u8; 32]> {
        let digits = text.as_bytes();
        let lower = digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != 64 || !lower {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(digest)
    }

    pub(super) fn serialize<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(digest))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        decode(&text).ok_or_else(|| D::Error::custom("not a SHA-256 in hexadecimal digits"))
    }
}

/// Moments as RFC 3339 writes them.
mod moment {
    use jiff::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
