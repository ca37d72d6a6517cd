//! The last good set of lists on disk, so that a node can start while the publisher cannot be reached.
//!
//! The folder holds each list, compressed (zstd), under a name that contains its SHA-256, so also what is in grace, and a manifest
//! that names the set. A file never changes under its name, so the one rename of the manifest is the moment at which a new copy
//! replaces the old one. A list that was replaced stays as a spare, to be written over by the next: where a file system is mounted
//! with `discard`, the flush that follows a removal, which may be that of the audit log, waits until the disk has let go of the
//! blocks. What a list lost and the operator's leave to take it anyway lie beside it: see `leave`.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zstd::stream::read::Decoder;
use zstd::stream::write::Encoder;

use self::piecewise::Piecewise;
use super::digest::Digest;
use super::moment;
use super::{Grace, ListError, ListKind, MAX_LIST_BYTES, PerList, RawLists};
use crate::background::breathe;

mod leave;
mod piecewise;

pub use leave::{AcceptError, Acceptance};

const MANIFEST: &str = "manifest.json";
/// The manifest and the notes beside it.
const MAX_SMALL_BYTES: usize = 64 * 1024;
/// The layout described above.
const LAYOUT: u32 = 2;
/// The same, with each list as it came. It is read, and replaced by the next refresh.
const PLAIN_LAYOUT: u32 = 1;
/// The fastest of the usual levels: a ZAL of 40 MB becomes some 2 MB, and ten times the work would save a tenth of that.
const LEVEL: i32 = 1;
/// Bytes between two breaths: some hundred microseconds of work.
const PART_BYTES: usize = 64 * 1024;

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
    /// What was in grace is not what was saved.
    #[error("the copy of what is in grace is not what was saved")]
    Grace,
    /// What was held back, or the leave to take it, is not what this program writes.
    #[error("the note {name} beside the copy of the lists is damaged")]
    Note {
        /// The file.
        name: &'static str,
    },
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
    pub(super) sha256: Digest,
    /// When the publisher last gave exactly this list.
    #[serde(with = "moment")]
    pub(super) fetched_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    layout: u32,
    lists: PerList<Stamp>,
    /// The file with what is in grace, when something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace: Option<Digest>,
}

/// A set as it lies in the folder.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) raw: RawLists,
    /// Whether it has the layout of now.
    pub(super) current: bool,
    pub(super) stamps: PerList<Stamp>,
    pub(super) grace: Grace,
}

impl CopyFolder {
    /// A folder; it is made when something is saved.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Saves a set, of which the files that are not given lie here already; when this fails the previous copy is still whole.
    pub(super) fn save(
        &self,
        new: &PerList<Option<Bytes>>,
        stamps: &PerList<Stamp>,
        grace: &Grace,
    ) -> Result<(), CopyError> {
        self.write_all(new, stamps, grace).map_err(CopyError::Write)
    }

    /// The saved set, if there is one; every file is checked against the manifest.
    pub(super) fn load(&self) -> Result<Option<Saved>, CopyError> {
        let Some(text) = self.read_if_there(MANIFEST, MAX_SMALL_BYTES)? else { return Ok(None) };
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| CopyError::Manifest)?;
        let current = match manifest.layout {
            LAYOUT => true,
            PLAIN_LAYOUT => false,
            _ => return Err(CopyError::Manifest),
        };
        let load = if current { Self::load_list } else { Self::load_plain };
        let raw = PerList::try_from_fn(|list| load(self, list, manifest.lists.of(list)))?;
        let grace = manifest.grace.map_or_else(|| Ok(Grace::default()), |digest| self.load_grace(digest))?;
        Ok(Some(Saved { raw, current, stamps: manifest.lists, grace }))
    }

    fn load_list(&self, list: ListKind, stamp: &Stamp) -> Result<Bytes, CopyError> {
        let packed = read_file(&self.path.join(file_name(list, stamp)), MAX_LIST_BYTES).map_err(CopyError::Read)?;
        let bytes = unpack(&packed).ok().filter(|bytes| Digest::of(bytes) == stamp.sha256);
        bytes.map(Bytes::from).ok_or(CopyError::Altered { list })
    }

    fn load_plain(&self, list: ListKind, stamp: &Stamp) -> Result<Bytes, CopyError> {
        let bytes = read_file(&self.path.join(plain_name(list, stamp)), MAX_LIST_BYTES).map_err(CopyError::Read)?;
        if Digest::of(&bytes) == stamp.sha256 { Ok(bytes.into()) } else { Err(CopyError::Altered { list }) }
    }

    fn load_grace(&self, digest: Digest) -> Result<Grace, CopyError> {
        let bytes = read_file(&self.path.join(grace_name(digest)), MAX_LIST_BYTES).map_err(CopyError::Read)?;
        let whole = Digest::of(&bytes) == digest;
        serde_json::from_slice(&bytes).ok().filter(|_| whole).ok_or(CopyError::Grace)
    }

    fn read_if_there(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, CopyError> {
        match read_file(&self.path.join(name), limit) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CopyError::Read(error)),
        }
    }

    fn write_all(&self, new: &PerList<Option<Bytes>>, stamps: &PerList<Stamp>, grace: &Grace) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        for list in ListKind::ALL {
            let name = file_name(list, stamps.of(list));
            match new.of(list) {
                Some(bytes) => self.write_over(&spare_name(list), &name, |file| pack(bytes, file))?,
                None => fs::metadata(self.path.join(name)).map(drop)?,
            }
        }
        let grace = self.write_grace(grace)?;
        // What the manifest names is there before it.
        self.sync_folder()?;
        let text = serde_json::to_vec_pretty(&Manifest { layout: LAYOUT, lists: *stamps, grace })?;
        self.write_file(MANIFEST, &text)?;
        self.set_aside(stamps, grace)
    }

    fn write_grace(&self, grace: &Grace) -> io::Result<Option<Digest>> {
        if grace.is_empty() {
            return Ok(None);
        }
        let text = serde_json::to_vec(grace)?;
        let digest = Digest::of(&text);
        self.write_file(&grace_name(digest), &text)?;
        Ok(Some(digest))
    }

    /// Complete under its name or not at all, also after a loss of power.
    fn write_file(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.write_over(&format!("{name}.part"), name, |file| file.write_all(content))?;
        self.sync_folder()
    }

    /// Writes over an unfinished file or a spare, if there is one, and gives it its name when all of it is on disk.
    fn write_over(
        &self,
        unfinished: &str,
        name: &str,
        write: impl FnOnce(&mut Piecewise) -> io::Result<()>,
    ) -> io::Result<()> {
        let unfinished = self.path.join(unfinished);
        let mut file = Piecewise::over(&unfinished)?;
        write(&mut file)?;
        file.finish()?;
        fs::rename(unfinished, self.path.join(name))
    }

    /// What was renamed has its new name also after a loss of power.
    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// Keeps one of each list that was replaced as a spare, and removes other files of older sets and unfinished files: only
    /// names that this module makes.
    fn set_aside(&self, stamps: &PerList<Stamp>, grace: Option<Digest>) -> io::Result<()> {
        let mut kept: Vec<String> = ListKind::ALL.map(|list| file_name(list, stamps.of(list))).into();
        kept.extend(grace.map(grace_name));
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if !is_ours(name) || kept.iter().any(|kept| kept == name) {
                continue;
            }
            match spare_of(name) {
                Some(spare) => fs::rename(entry.path(), self.path.join(spare))?,
                None => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}

fn file_name(list: ListKind, stamp: &Stamp) -> String {
    format!("{list}-{}.xml.zst", stamp.sha256)
}

fn spare_name(list: ListKind) -> String {
    format!("{list}.spare")
}

/// As which spare a file of an older set is kept.
fn spare_of(name: &str) -> Option<String> {
    let of = |list: &ListKind| name.starts_with(list.as_str()) && name.ends_with(".xml.zst");
    ListKind::ALL.iter().find(|list| of(list)).map(|list| spare_name(*list))
}

fn plain_name(list: ListKind, stamp: &Stamp) -> String {
    format!("{list}-{}.xml", stamp.sha256)
}

fn grace_name(digest: Digest) -> String {
    format!("grace-{digest}.json")
}

fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(".part").unwrap_or(name);
    let ours = |prefix: &str, suffix: &str| {
        let digest = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(suffix));
        digest.is_some_and(|digest| Digest::parse(digest).is_some())
    };
    let list = |list: ListKind| ours(list.as_str(), ".xml.zst") || ours(list.as_str(), ".xml");
    ListKind::ALL.into_iter().any(list) || ours("grace", ".json")
}

fn read_file(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read_whole(File::open(path)?, limit)
}

fn pack(list: &[u8], into: &mut Piecewise) -> io::Result<()> {
    let mut packing = Encoder::new(into, LEVEL)?;
    for part in list.chunks(PART_BYTES) {
        packing.write_all(part)?;
        breathe();
    }
    packing.finish().map(drop)
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    read_whole(Decoder::with_buffer(packed)?, MAX_LIST_BYTES)
}

fn read_whole(file: impl io::Read, limit: usize) -> io::Result<Vec<u8>> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    file.take(one_more).read_to_end(&mut content)?;
    if content.len() > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(content) }
}
