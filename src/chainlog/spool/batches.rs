//! The batches that are whole, oldest first, shared by the thread that fills and the task that delivers.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::audit::FolderLock;
use crate::medmij::LocalId;

/// A batch on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Its id, under which it is delivered.
    pub id: LocalId,
    /// Its lines.
    pub lines: u64,
    /// Its bytes on disk.
    pub bytes: u64,
    /// When its first line came.
    pub since: Timestamp,
    /// Whether the central log component refused it for good.
    pub refused: bool,
    /// Whether this process wrote all of it and the disk has it, so that no line in it is cut off. Of what another process left
    /// nobody knows.
    pub sound: bool,
}

impl Batch {
    /// The name of its file in one of its states.
    pub(super) fn name(&self, state: &str) -> String {
        format!("{}.{state}", self.id)
    }

    fn file(&self) -> String {
        self.name(if self.refused { "refused" } else { "batch" })
    }
}

/// The whole batches, and what is known of the one that is being filled.
pub struct Batches {
    dir: PathBuf,
    state: Mutex<State>,
    arrived: Notify,
    _lock: FolderLock,
}

#[derive(Default)]
struct State {
    whole: VecDeque<Batch>,
    /// The batch that is under way to the central log component: not shed meanwhile.
    sending: Option<LocalId>,
    filling_bytes: u64,
    filling_since: Option<Timestamp>,
}

impl Batches {
    pub(super) fn new(dir: PathBuf, lock: FolderLock, whole: VecDeque<Batch>) -> Self {
        let state = State { whole, ..State::default() };
        Self { dir, state: Mutex::new(state), arrived: Notify::new(), _lock: lock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much is being filled now, and since when.
    pub(super) fn filling(&self, bytes: u64, since: Option<Timestamp>) {
        let mut state = self.state();
        (state.filling_bytes, state.filling_since) = (bytes, since);
    }

    pub(super) fn push(&self, batch: Batch) {
        self.state().whole.push_back(batch);
        self.arrived.notify_one();
    }

    /// Removes the oldest batch that is not under way, when all together have more than `bytes_max` bytes.
    pub(super) fn shed(&self, bytes_max: u64) -> Option<Batch> {
        let batch = {
            let mut state = self.state();
            if state.bytes() <= bytes_max {
                return None;
            }
            let sending = state.sending;
            let oldest = state.whole.iter().position(|batch| Some(batch.id) != sending)?;
            state.whole.remove(oldest)?
        };
        if let Err(error) = fs::remove_file(self.dir.join(batch.file())) {
            tracing::error!(%error, "a batch of the chain log cannot be removed");
        }
        Some(batch)
    }

    /// Waits until a batch came in since the last call.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// The oldest batch that was not refused; it is under way from here on.
    #[must_use]
    pub fn take(&self) -> Option<Batch> {
        let mut state = self.state();
        let batch = state.whole.iter().find(|batch| !batch.refused).copied();
        state.sending = batch.map(|batch| batch.id);
        batch
    }

    /// Its lines. Waits for the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn read(&self, batch: &Batch) -> io::Result<Vec<u8>> {
        fs::read(self.dir.join(batch.file()))
    }

    /// It was not taken: it stays and is taken again.
    pub fn put_back(&self) {
        self.state().sending = None;
    }

    /// It is delivered, or not readable: it goes. Waits for the disk.
    ///
    /// # Errors
    /// Those of the disk; the batch is delivered once more after the next start then.
    pub fn remove(&self, batch: &Batch) -> io::Result<()> {
        self.forget(batch);
        fs::remove_file(self.dir.join(batch.file()))
    }

    /// It was refused for good: it stays, but is not tried again before the next start. Waits for the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn set_aside(&self, batch: &Batch) -> io::Result<()> {
        fs::rename(self.dir.join(batch.name("batch")), self.dir.join(batch.name("refused")))?;
        let mut state = self.state();
        state.sending = None;
        if let Some(held) = state.whole.iter_mut().find(|held| held.id == batch.id) {
            held.refused = true;
        }
        Ok(())
    }

    fn forget(&self, batch: &Batch) {
        let mut state = self.state();
        state.sending = None;
        state.whole.retain(|held| held.id != batch.id);
    }

    /// Bytes in the spool.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.state().bytes()
    }

    /// When the oldest line that is not delivered came.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        let state = self.state();
        state.whole.iter().map(|batch| batch.since).chain(state.filling_since).min()
    }
}

impl State {
    fn bytes(&self) -> u64 {
        self.whole.iter().map(|batch| batch.bytes).sum::<u64>().saturating_add(self.filling_bytes)
    }
}

/// What an earlier process left, oldest first; every file becomes a whole batch again.
pub(super) fn left_behind(dir: &Path) -> io::Result<VecDeque<Batch>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(LocalId::parse);
        let state = path.extension().and_then(|state| state.to_str()).unwrap_or_default();
        if let (Some(id), "open" | "batch" | "refused") = (id, state) {
            found.extend(recover(&path, id)?);
        }
    }
    found.sort_by_key(|batch| (batch.since, batch.id.to_string()));
    Ok(found.into())
}

/// Cuts off a line that was not written whole, and names the file as a whole batch. An empty one is removed.
fn recover(path: &Path, id: LocalId) -> io::Result<Option<Batch>> {
    let content = fs::read(path)?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole == 0 {
        return fs::remove_file(path).map(|()| None);
    }
    fs::OpenOptions::new().write(true).open(path)?.set_len(whole as u64)?;
    let lines = content.iter().filter(|byte| **byte == b'\n').count() as u64;
    // A batch is named when its first line comes. When its file was last written is another moment, and not kept.
    let since = id.made_at().unwrap_or(Timestamp::UNIX_EPOCH);
    let batch = Batch { id, lines, bytes: whole as u64, since, refused: false, sound: false };
    let to = path.with_file_name(batch.name("batch"));
    if to != path {
        fs::rename(path, to)?;
    }
    Ok(Some(batch))
}
