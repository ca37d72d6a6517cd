//! The log on disk: segment files in a folder of their own, written by one thread that flushes whatever queued during its
//! last flush. Refuses to start on damage; after a failure of the device it says so instead of answering.

mod batch;
mod bell;
mod disk;
mod pace;
mod queue;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::watch;

use super::broken::{Broken, ReadError, Why};
use super::chain::{Position, Version};
use super::folder;
use super::lock::{FolderLock, LockError};
use super::scan::{End, Scan};
use super::segment::{LogId, NodeName};
use super::{AuditError, AuditEvent, AuditLog, PendingReceipt, Recent};
use crate::clock::SharedClock;
use disk::{Disk, Folder};
use queue::Shared;
use writer::{Tail, Writer};

/// Where the log lies and how it is cut.
#[derive(Debug, Clone)]
pub struct FileLogConfig {
    /// The folder of the log; made when it is not there. Nothing else may lie in it.
    pub dir: PathBuf,
    /// The node that writes; part of the id of a new log.
    pub node: NodeName,
    /// A new segment begins when the next write would make the current one longer than this. Bytes.
    pub segment_bytes: u64,
    /// How many events may wait for the writer, at least 1; more are refused as [`AuditError::Busy`].
    pub queue_bound: usize,
}

impl FileLogConfig {
    /// With segments of 256 MiB and room for 8,192 waiting events.
    #[must_use]
    pub const fn new(dir: PathBuf, node: NodeName) -> Self {
        Self { dir, node, segment_bytes: 256 * 1024 * 1024, queue_bound: 8_192 }
    }
}

/// What opening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// Records in the log: the index of the next one.
    pub records: u64,
    /// Bytes of an unfinished last record or header that were cut off. Not 0 means that the last run did not end in order.
    pub cut_bytes: u64,
}

/// Why a log could not be opened. Nothing was changed, but for an unfinished end that may have been cut off.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes here.
    #[error("the audit folder is in use by {}", .holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Locked {
        /// Its process id, when the system tells.
        holder: Option<u32>,
    },
    /// The log is damaged other than by an unfinished end. It must be kept as it is and a new folder used.
    #[error("the audit log is damaged: {0}")]
    Damaged(Broken),
    /// The system did not let us.
    #[error("the audit folder {path} cannot be used")]
    Io {
        /// The folder, or the file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Broken(broken) => Self::Damaged(broken),
            ReadError::Io { path, source } => Self::Io { path, source },
        }
    }
}

/// The log on disk. Dropping it closes it.
#[derive(Debug)]
pub struct FileLog {
    id: LogId,
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// A log whose folder is locked and whose end is known. Nothing of it was changed yet: what is found here can be held against
/// what others know of it before it goes on.
#[derive(Debug)]
pub struct FoundLog {
    config: FileLogConfig,
    lock: FolderLock,
    end: End,
}

impl FoundLog {
    /// The id of the log.
    #[must_use]
    pub const fn id(&self) -> &LogId {
        &self.end.log
    }

    /// How many whole records it has.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.end.at.index
    }

    /// The index of the first record of its last segment.
    #[must_use]
    pub const fn last_segment(&self) -> u64 {
        self.end.first
    }

    /// Cuts off what is unfinished and starts the writer.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn start(self, clock: SharedClock) -> Result<(FileLog, Recovery), OpenError> {
        let Self { config: FileLogConfig { dir, segment_bytes, queue_bound, .. }, lock, end } = self;
        let failed = |source| OpenError::Io { path: dir.clone(), source };
        let recovery = Recovery { records: end.at.index, cut_bytes: end.unfinished_bytes };
        let tail = Tail::of(&end);
        let folder = Folder::open(lock, &dir, &folder::segment(tail.first)).map_err(failed)?;
        let shared = Arc::new(Shared::new(clock, &end.log, tail.at.index, queue_bound));
        let mut writer = Writer::new(folder, end.log.clone(), tail, segment_bytes, Arc::clone(&shared));
        writer.begin().map_err(failed)?;
        FileLog::start(end.log, shared, writer).map(|log| (log, recovery)).map_err(failed)
    }
}

impl FileLog {
    /// Locks the folder and finds the end of the log, or begins one. Reads the last segment whole, and of the others the
    /// headers and last hashes.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn find(config: FileLogConfig) -> Result<FoundLog, OpenError> {
        let failed = |source| OpenError::Io { path: config.dir.clone(), source };
        make_folder(&config.dir).map_err(failed)?;
        let lock = FolderLock::take(&config.dir).map_err(|error| match error {
            LockError::Held { holder } => OpenError::Locked { holder },
            LockError::Unusable(source) => failed(source),
        })?;
        let end = find_end(&config.dir, &config.node)?;
        Ok(FoundLog { config, lock, end })
    }

    /// [`Self::find`] and [`FoundLog::start`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: FileLogConfig, clock: SharedClock) -> Result<(Self, Recovery), OpenError> {
        Self::find(config)?.start(clock)
    }

    fn start(id: LogId, shared: Arc<Shared>, writer: Writer<impl Disk>) -> io::Result<Self> {
        let thread = thread::Builder::new().name("inzage-audit".to_owned()).spawn(move || writer.run())?;
        Ok(Self { id, shared, writer: Mutex::new(Some(thread)) })
    }

    /// The id of the log.
    #[must_use]
    pub const fn id(&self) -> &LogId {
        &self.id
    }

    /// How many records are durable, as it grows: those with a lower index can be read from the files. Threads without a
    /// runtime look at its value now and then.
    #[must_use]
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.shared.durable()
    }

    /// The records that became durable last, for those who follow the log.
    #[must_use]
    pub fn recent(&self) -> Recent {
        self.shared.recent().clone()
    }

    /// Makes durable what was appended before, ends the writer and releases the folder; later appends are refused. Waits for
    /// the disk, so call it where waiting is allowed. Closing again does nothing.
    pub fn close(&self) {
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.shared.close();
            // Fails only when the writer panicked, which stopped the log.
            let _ = thread.join();
        }
    }
}

impl AuditLog for FileLog {
    fn append(&self, event: &AuditEvent) -> Result<PendingReceipt, AuditError> {
        if !self.shared.ask_again() {
            self.shared.state().open()?;
        }
        self.shared.push(event)
    }

    fn health(&self) -> Result<(), AuditError> {
        let now = self.shared.state();
        self.shared.ask_again();
        now.open()
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        self.close();
    }
}

fn make_folder(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// The end of the log in `dir`, or the start of a new one.
fn find_end(dir: &Path, node: &NodeName) -> Result<End, OpenError> {
    match Scan::open_last(dir).and_then(Scan::finish) {
        Err(ReadError::Broken(Broken { why: Why::NotBegun, .. })) => {
            let log = LogId::draw(node);
            // A first header that was never finished: no record was ever acknowledged.
            let unfinished_bytes = std::fs::metadata(dir.join(folder::segment(0))).map_or(0, |file| file.len());
            let (version, at) = (Version::NEWEST, Position::start(&log, Version::NEWEST));
            Ok(End { at, log, first: 0, whole_bytes: 0, version, unfinished_bytes })
        }
        end => Ok(end?),
    }
}
