//! What is said of the log: checkpoints in its folder and elsewhere, manifests, the trees at which keys were replaced.
//! What no key of the log signed is refused here; whether the rest is so, the records tell.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::OutsideCopy;
use crate::audit::broken::{ReadError, Why};
use crate::audit::folder;
use crate::audit::keys::LogKeys;
use crate::audit::manifest::Manifest;
use crate::audit::notes;
use crate::audit::pruned::Pruned;
use crate::audit::tree::TreeHash;

/// The tree over the first `size` records has this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) size: u64,
    pub(super) root: TreeHash,
    /// Where it is said, for people.
    pub(super) source: String,
}

/// Everything that is said, the records apart.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) all: Vec<Claim>,
    /// What says nothing, and why: it was changed, or is of somebody else.
    pub(super) refused: Vec<(String, Why)>,
    /// The size of the largest tree that is spoken of. The tiles of that were written before anybody spoke.
    pub(super) covered: u64,
    /// By the first index of their segments.
    pub(super) manifests: BTreeMap<u64, Manifest>,
    /// The keys came from the folder itself: whoever changed the records may have changed them too.
    pub(super) own_keys: bool,
    /// The keys of the log.
    pub(super) keys: Option<LogKeys>,
    /// What was removed after its retention.
    pub(super) pruned: Option<Pruned>,
    /// Checkpoints from elsewhere.
    pub(super) outside: usize,
}

/// Reads all that is said. `entries` are the first indexes of the manifests in the folder.
pub(super) fn gather(
    dir: &Path,
    given: Option<&LogKeys>,
    outside: &[OutsideCopy],
    manifests: &[u64],
) -> Result<Claims, ReadError> {
    let files = Files { dir };
    let mut claims = Claims::default();
    let own = files.text(folder::KEYS)?;
    let keys = match (given, &own) {
        (Some(given), _) => Some(given.clone()),
        (None, Some(text)) => claims.own_keys(text),
        (None, None) => None,
    };
    let newest = files.text(folder::CHECKPOINT)?;
    let history = files.text(folder::CHECKPOINTS)?;
    let signed = !manifests.is_empty() || history.as_ref().is_some_and(|text| !text.is_empty());
    match &newest {
        Some(note) => {
            claims.checkpoint(note, keys.as_ref(), folder::CHECKPOINT.to_owned());
        }
        None if signed || given.is_some() => claims.refuse(folder::CHECKPOINT, Why::NoCheckpoint),
        None => {}
    }
    if let Some(note) = files.text(folder::PRUNED)? {
        claims.pruned(&note, keys.as_ref());
    }
    for (number, note) in (1..).zip(notes::split(&history.unwrap_or_default())) {
        claims.checkpoint(note, keys.as_ref(), format!("{} ({number})", folder::CHECKPOINTS));
    }
    for first in manifests {
        let name = folder::manifest(*first);
        let note = files.text(&name)?.unwrap_or_default();
        claims.manifest(*first, &note, keys.as_ref(), name);
    }
    for copy in outside {
        claims.outside(copy, keys.as_ref());
    }
    for retired in keys.iter().flat_map(LogKeys::retired) {
        claims.claim(retired.size, retired.root, format!("{} (replaced)", folder::KEYS));
    }
    claims.covered = claims.all.iter().map(|claim| claim.size).max().unwrap_or(0);
    claims.keys = keys;
    Ok(claims)
}

impl Claims {
    /// The manifest of a segment that was compressed after the claims were gathered: a live node does that at any time.
    pub(super) fn later_manifest(&self, dir: &Path, first: u64) -> Result<Option<Manifest>, ReadError> {
        let note = Files { dir }.text(&folder::manifest(first))?;
        let manifest = note.zip(self.keys.as_ref()).and_then(|(note, keys)| Manifest::open(&note, keys).ok());
        Ok(manifest.filter(|manifest| manifest.start.index == first))
    }

    /// The first record that the log still has.
    pub(super) fn begins(&self) -> u64 {
        self.pruned.as_ref().map_or(0, |pruned| pruned.start.index)
    }

    fn own_keys(&mut self, text: &str) -> Option<LogKeys> {
        self.own_keys = true;
        let keys = LogKeys::parse(text);
        if keys.is_err() {
            self.refuse(folder::KEYS, Why::NoKeys);
        }
        keys.ok()
    }

    /// Takes up a checkpoint, or the reason why it says nothing. Gives its size.
    fn checkpoint(&mut self, note: &str, keys: Option<&LogKeys>, source: String) -> Option<u64> {
        let Some(keys) = keys else {
            self.refuse(&source, Why::NoKeys);
            return None;
        };
        match keys.open(note) {
            Ok((checkpoint, _)) => {
                self.claim(checkpoint.size, checkpoint.root, source);
                Some(checkpoint.size)
            }
            Err(_) => {
                self.refuse(&source, Why::Unsigned);
                None
            }
        }
    }

    fn manifest(&mut self, first: u64, note: &str, keys: Option<&LogKeys>, source: String) {
        let Some(keys) = keys else { return self.refuse(&source, Why::NoKeys) };
        match Manifest::open(note, keys) {
            Ok(manifest) if manifest.start.index == first => {
                self.claim(manifest.end.index, manifest.root, source);
                self.manifests.insert(first, manifest);
            }
            Ok(_) => self.refuse(&source, Why::Manifest),
            Err(_) => self.refuse(&source, Why::Unsigned),
        }
    }

    fn pruned(&mut self, note: &str, keys: Option<&LogKeys>) {
        let Some(keys) = keys else { return self.refuse(folder::PRUNED, Why::NoKeys) };
        self.pruned = Pruned::open(note, keys);
        match &self.pruned {
            Some(Pruned { tree: (size, root), .. }) => self.claim(*size, *root, folder::PRUNED.to_owned()),
            None => self.refuse(folder::PRUNED, Why::Unsigned),
        }
    }

    fn outside(&mut self, copy: &OutsideCopy, keys: Option<&LogKeys>) {
        let notes = notes::split(&copy.text);
        if notes.is_empty() {
            self.refuse(&copy.name, Why::NoCheckpoint);
        }
        for note in notes {
            self.outside += usize::from(self.checkpoint(note, keys, copy.name.clone()).is_some());
        }
    }

    fn claim(&mut self, size: u64, root: TreeHash, source: String) {
        self.all.push(Claim { size, root, source });
    }

    fn refuse(&mut self, source: &str, why: Why) {
        self.refused.push((source.to_owned(), why));
    }
}

struct Files<'a> {
    dir: &'a Path,
}

impl Files<'_> {
    /// The text of a file in the folder, or `None` when there is none.
    fn text(&self, name: &str) -> Result<Option<String>, ReadError> {
        let path = self.dir.join(name);
        match notes::read_present(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ReadError::Io { path, source }),
        }
    }
}
