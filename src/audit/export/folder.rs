//! The folder of an export: its parts, a file that says how far it is, and at the end the manifest in the place of that file.
//!
//! Parts are made durable before the state names them. Whoever interrupts an export and runs it again with the same choice
//! goes on where the state says: what a part has beyond it is cut off, and a part that it does not name is begun again.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::manifest::{ExportManifest, Part, digest};
use super::{Choice, ExportError, Format};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::follow::Follower;
use crate::audit::note::SigningKey;
use crate::audit::record::Record;
use crate::audit::scan;
use crate::audit::tiles::{self, TileError};
use crate::audit::tree::leaf_hash;

/// The signed manifest: there when the export is complete.
const MANIFEST: &str = "manifest";
/// How far an export is that is not complete.
const STATE: &str = "state";
const TITLE: &str = "inzage-audit-export-state 1";

/// More parts do not fit in a manifest.
const MAX_PARTS: usize = 1_000;

/// How an export is divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most records in a part.
    pub(super) part_records: u64,
    /// No part grows beyond this, in bytes, but for its last record.
    pub(super) part_bytes: u64,
    /// So many records are read between two moments that an interrupted export can go on from.
    pub(super) save_every: u64,
}

impl Limits {
    const fn of(format: Format) -> Self {
        Self { part_records: format.part_records(), part_bytes: 256 * 1024 * 1024, save_every: 50_000 }
    }
}

/// Why an export did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The records.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The folder of the export.
    #[error("{path} cannot be written")]
    Io {
        /// What could not.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else lies in the folder.
    #[error("{0} is not empty, and what is there is no export that was interrupted")]
    Occupied(PathBuf),
    /// There is a finished export in the folder.
    #[error("{0} has a finished export already")]
    Finished(PathBuf),
    /// Another export was begun in the folder: with another choice, or resting on another checkpoint.
    #[error("{0} has the beginning of an export with another choice or checkpoint")]
    Other(PathBuf),
    /// A part has less than what was made durable.
    #[error("{0} is shorter than it was: remove the folder and export again")]
    Lost(PathBuf),
    /// The checkpoint is of another log than the one in the folder.
    #[error("the checkpoint is of another log")]
    Checkpoint,
    /// Hashes of records that were removed after their retention.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The records do not make up the tree that was signed.
    #[error("the records do not give the root that the checkpoint signs: run `inzage audit verify`")]
    Root,
    /// More parts than a manifest can name.
    #[error("that is more than 1,000 parts: export shorter periods")]
    Parts,
}

/// A finished export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Records in it.
    pub records: u64,
    /// Its parts.
    pub parts: usize,
    /// Records that were read, and are in the tree it rests on.
    pub read: u64,
}

/// Exports the records under `checkpoint` from the log in `dir` to `folder`, or goes on with that. `progress` learns of every
/// record that was read.
///
/// # Errors
/// See [`OutputError`]. An export that was interrupted, or failed for want of room, can go on.
pub fn export(
    dir: &Path,
    choice: &Choice,
    checkpoint: &Checkpoint,
    key: &SigningKey,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Exported, OutputError> {
    export_within(Limits::of(choice.format), dir, choice, checkpoint, key, folder, progress)
}

/// The same with limits of one's own, which are part of what the bytes depend on.
pub(super) fn export_within(
    limits: Limits,
    dir: &Path,
    choice: &Choice,
    checkpoint: &Checkpoint,
    key: &SigningKey,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Exported, OutputError> {
    if checkpoint.origin.as_str() != &*choice.site.log {
        return Err(OutputError::Checkpoint);
    }
    let first = scan::list(dir).map_err(ExportError::Read)?.front().copied().unwrap_or_default().min(checkpoint.size);
    let mut output = Output::open(limits, folder, choice, (checkpoint, first))?;
    // Of the records that were removed after their retention.
    let mut edge = tiles::edge_at(dir, first)?;
    let mut follower = Follower::open(dir, first).map_err(ExportError::Read)?;
    let mut payload = Vec::new();
    while let Some(index) = follower.next(checkpoint.size, &mut payload).map_err(ExportError::Read)? {
        edge.push(leaf_hash(&payload), &mut |_, _| {});
        if index >= output.next {
            output.take(index, &payload, choice)?;
        }
        progress(index);
    }
    if edge.root() != checkpoint.root {
        return Err(OutputError::Root);
    }
    output.finish(choice, checkpoint, key)
}

/// A part that is being written, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    records: u64,
    bytes: u64,
}

struct Output {
    folder: PathBuf,
    limits: Limits,
    format: Format,
    /// What the state begins with: choice and checkpoint.
    title: String,
    /// The first record that the log still has.
    first: u64,
    /// The first record that is not in it yet.
    next: u64,
    /// The parts, the last of which is being written.
    parts: Vec<Extent>,
    file: Option<BufWriter<File>>,
}

impl Output {
    fn open(
        limits: Limits,
        folder: &Path,
        choice: &Choice,
        (checkpoint, first): (&Checkpoint, u64),
    ) -> Result<Self, OutputError> {
        let make = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        make.map_err(|source| failed(folder, source))?;
        let title = format!("{TITLE}\n{choice}checkpoint {checkpoint}first {first}\n");
        let (folder, format) = (folder.to_owned(), choice.format);
        let mut output = Self { folder, limits, format, title, first, next: first, parts: Vec::new(), file: None };
        if output.path(MANIFEST).exists() {
            return Err(OutputError::Finished(output.folder));
        }
        match std::fs::read_to_string(output.path(STATE)) {
            Ok(state) => output.resume(&state)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => output.begin()?,
            Err(error) => return Err(failed(&output.path(STATE), error)),
        }
        Ok(output)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn begin(&mut self) -> Result<(), OutputError> {
        let mut found = std::fs::read_dir(&self.folder).map_err(|source| failed(&self.folder, source))?;
        if found.next().is_some() {
            return Err(OutputError::Occupied(self.folder.clone()));
        }
        self.save()
    }

    fn resume(&mut self, state: &str) -> Result<(), OutputError> {
        let other = || OutputError::Other(self.folder.clone());
        let rest = state.strip_prefix(&self.title).ok_or_else(other)?;
        let (next, parts) = parse(rest).ok_or_else(other)?;
        let Some((number, extent)) = parts.len().checked_sub(1).zip(parts.last().copied()) else { return Ok(()) };
        let path = self.path(&name(number, self.format));
        let file = OpenOptions::new().append(true).open(&path).map_err(|source| failed(&path, source))?;
        if file.metadata().map_err(|source| failed(&path, source))?.len() < extent.bytes {
            return Err(OutputError::Lost(path));
        }
        // What an interruption left beyond the state was never counted.
        file.set_len(extent.bytes).map_err(|source| failed(&path, source))?;
        (self.next, self.parts, self.file) = (next, parts, Some(BufWriter::new(file)));
        Ok(())
    }

    /// One record of the log, wanted or not.
    fn take(&mut self, index: u64, payload: &[u8], choice: &Choice) -> Result<(), OutputError> {
        let record = Record::parse(index, payload).map_err(ExportError::Record)?;
        if choice.filter.admits(&record) {
            let is_first = self.room()?;
            self.write(&choice.format.render(&record, &choice.site, is_first))?;
            if let Some(part) = self.parts.last_mut() {
                part.records += 1;
            }
        }
        self.next = index + 1;
        if self.next.is_multiple_of(self.limits.save_every) { self.save() } else { Ok(()) }
    }

    /// Sees to it that the last part takes another record; says whether that is its first.
    fn room(&mut self) -> Result<bool, OutputError> {
        match self.parts.last() {
            Some(part) if part.records < self.limits.part_records && part.bytes < self.limits.part_bytes => {
                Ok(part.records == 0)
            }
            Some(_) => {
                self.close()?;
                self.start_part()
            }
            None => self.start_part(),
        }
    }

    fn start_part(&mut self) -> Result<bool, OutputError> {
        if self.parts.len() == MAX_PARTS {
            return Err(OutputError::Parts);
        }
        let path = self.path(&name(self.parts.len(), self.format));
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        self.file = Some(BufWriter::new(opened.map_err(|source| failed(&path, source))?));
        self.parts.push(Extent { records: 0, bytes: 0 });
        self.write(&self.format.head())?;
        Ok(true)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        if let (Some(file), Some(part)) = (&mut self.file, self.parts.last_mut()) {
            file.write_all(bytes).map_err(ExportError::Write)?;
            part.bytes += bytes.len() as u64;
        }
        Ok(())
    }

    /// Ends the last part.
    fn close(&mut self) -> Result<(), OutputError> {
        let is_empty = self.parts.last().is_none_or(|part| part.records == 0);
        self.write(self.format.tail(is_empty))?;
        self.sync()?;
        self.file = None;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), OutputError> {
        if let Some(file) = &mut self.file {
            file.flush().and_then(|()| file.get_ref().sync_all()).map_err(ExportError::Write)?;
        }
        Ok(())
    }

    /// From here an interrupted export goes on.
    fn save(&mut self) -> Result<(), OutputError> {
        self.sync()?;
        let mut state = format!("{}next {}\n", self.title, self.next);
        for Extent { records, bytes } in &self.parts {
            let _ = writeln!(state, "part {records} {bytes}");
        }
        self.replace(STATE, &state)
    }

    fn replace(&self, name: &str, text: &str) -> Result<(), OutputError> {
        let (path, temporary) = (self.path(name), self.path(&format!("{name}.tmp")));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| failed(&path, source))
    }

    fn finish(mut self, choice: &Choice, checkpoint: &Checkpoint, key: &SigningKey) -> Result<Exported, OutputError> {
        // Also what holds no record has a part, so that it can be read like any other.
        if self.parts.is_empty() {
            self.start_part()?;
        }
        self.close()?;
        let parts = self.parts.iter().enumerate().map(|(number, extent)| self.part(number, *extent));
        let manifest =
            ExportManifest::new(choice.to_string(), checkpoint, self.first, parts.collect::<Result<_, _>>()?);
        let note = manifest.sign(key).map_err(|_| OutputError::Parts)?;
        self.replace(MANIFEST, &note.to_string())?;
        std::fs::remove_file(self.path(STATE)).map_err(|source| failed(&self.path(STATE), source))?;
        Ok(Exported { records: manifest.records(), parts: manifest.parts(), read: checkpoint.size - self.first })
    }

    fn part(&self, number: usize, extent: Extent) -> Result<Part, OutputError> {
        let name = name(number, self.format);
        let (bytes, sha256) = digest(&self.path(&name)).map_err(|source| failed(&self.path(&name), source))?;
        Ok(Part { name, records: extent.records, bytes, sha256 })
    }
}

fn failed(path: &Path, source: io::Error) -> OutputError {
    OutputError::Io { path: path.into(), source }
}

fn name(number: usize, format: Format) -> String {
    format!("audit-{:06}.{}", number + 1, format.extension())
}

fn parse(state: &str) -> Option<(u64, Vec<Extent>)> {
    let mut lines = state.strip_suffix('\n')?.split('\n');
    let next = lines.next()?.strip_prefix("next ")?.parse().ok()?;
    let part = |line: &str| {
        let (records, bytes) = line.strip_prefix("part ")?.split_once(' ')?;
        Some(Extent { records: records.parse().ok()?, bytes: bytes.parse().ok()? })
    };
    Some((next, lines.map(part).collect::<Option<_>>()?))
}
