//! A folder elsewhere that keeps checkpoints: a file a day for each log, to which notes are only added. On another mount, best
//! one that cannot be changed from here (append-only, or written through), it tells at the next start what this log was.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::WitnessError;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::keys::LogKeys;
use crate::audit::notes;
use crate::audit::signer::SignedCheckpoint;
use crate::audit::{LogId, NodeName};

/// So many files are looked at for the newest checkpoint: a clock that steps back does not hide it.
const FILES_READ: usize = 7;

/// A folder of checkpoints. In it, `<log id>/<year>-<month>-<day>` (UTC) holds signed notes, one after the other.
#[derive(Debug)]
pub struct WitnessFolder {
    dir: PathBuf,
    log: LogId,
}

impl WitnessFolder {
    /// The folder `dir`, which must be there, for this log.
    #[must_use]
    pub const fn new(dir: PathBuf, log: LogId) -> Self {
        Self { dir, log }
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The largest checkpoint that it keeps of this log. Waits for the disk.
    ///
    /// # Errors
    /// When it cannot be read, or keeps what this log did not sign.
    pub fn newest(&self, keys: &LogKeys) -> Result<Option<Checkpoint>, WitnessError> {
        let mut newest = None::<Checkpoint>;
        for path in self.files().map_err(|source| self.failed(source))? {
            let text = notes::read(&path).map_err(|source| unreadable(source, &path))?;
            for note in notes::split(&text) {
                let Ok((kept, _)) = keys.open(note) else { return Err(WitnessError::Strange { path }) };
                if newest.as_ref().is_none_or(|newest| newest.size <= kept.size) {
                    newest = Some(kept);
                }
            }
        }
        Ok(newest)
    }

    /// The other logs of this node that it keeps. Waits for the disk.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn others(&self, node: &NodeName) -> Result<Vec<LogId>, WitnessError> {
        let mut others = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(|source| self.failed(source))? {
            let name = entry.map_err(|source| self.failed(source))?.file_name();
            let log = name.to_str().and_then(LogId::parse);
            others.extend(log.filter(|log| *log != self.log && log.is_of(node)));
        }
        Ok(others)
    }

    /// Adds a checkpoint to the file of the day.
    pub(super) async fn submit(
        self: &Arc<Self>,
        signed: &Arc<SignedCheckpoint>,
        now: Timestamp,
    ) -> Result<(), WitnessError> {
        let (folder, note) = (Arc::clone(self), signed.note().to_string());
        let adding = tokio::task::spawn_blocking(move || folder.add(&note, now));
        adding.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|source| self.failed(source))
    }

    fn add(&self, note: &str, now: Timestamp) -> io::Result<()> {
        let own = self.own();
        if !own.is_dir() {
            // Not recursive: a mount that is away must not be taken for an empty folder.
            DirBuilder::new().mode(0o700).create(&own)?;
            std::fs::File::open(&self.dir)?.sync_all()?;
        }
        let day = now.to_zoned(TimeZone::UTC).date().to_string();
        notes::append(&own.join(day), note)
    }

    fn own(&self) -> PathBuf {
        self.dir.join(self.log.to_string())
    }

    /// The last files of this log.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        if !self.dir.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let own = self.own();
        let listed = match std::fs::read_dir(&own) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed?,
        };
        let mut files = listed.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        files.sort();
        Ok(files.split_off(files.len().saturating_sub(FILES_READ)))
    }

    fn failed(&self, source: io::Error) -> WitnessError {
        WitnessError::Folder { path: self.dir.clone(), source }
    }
}

/// A byte that went bad must not make the notes after it unseen: what is no text was not written by this log.
fn unreadable(source: io::Error, path: &Path) -> WitnessError {
    let path = path.to_path_buf();
    if source.kind() == io::ErrorKind::InvalidData {
        return WitnessError::Strange { path };
    }
    WitnessError::Folder { path, source }
}
