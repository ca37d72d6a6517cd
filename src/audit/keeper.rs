//! Keeps the folder of a live log small: a thread of its own seals each closed segment that a signed checkpoint covers whole,
//! and once a day removes what is older than the retention. It never holds up the writer or the signer; what fails is tried
//! again.

mod daily;
mod pruner;
mod seal;
#[cfg(test)]
mod tests;

pub use daily::DailyError;
pub use pruner::{Pruner, PrunerError};
pub use seal::SealError;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::broken::{ReadError, Why, broken};
use super::folder::{self, Entry};
use super::note::SigningKey;
use super::reader::Segment;
use super::scan;
use super::signer::SignedCheckpoint;
use crate::background;
use daily::Daily;
use seal::Sealing;

/// How often the thread looks whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The newest checkpoint of the log, as it changes.
pub type Newest = watch::Receiver<Option<Arc<SignedCheckpoint>>>;

/// How the keeping goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keeping {
    /// How many segments there are.
    pub segments: u64,
    /// How many of them are sealed.
    pub sealed: u64,
    /// What the files of all segments take, in bytes.
    pub bytes: u64,
    /// How often something failed since the start.
    pub failures: u64,
    /// Why the last attempt failed; `None` when it did not.
    pub failure: Option<String>,
    /// How the removing goes; `None` when nothing is removed.
    pub pruning: Option<Pruning>,
}

/// How the removing of what is older than the retention goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruning {
    /// How many records were removed of this log, ever: the index of the oldest that it still has.
    pub records: u64,
    /// When it was last looked, with success, for what is to be removed.
    pub looked: Option<Timestamp>,
    /// How often it failed since the start.
    pub failures: u64,
    /// Why the last attempt failed; `None` when it did not.
    pub failure: Option<String>,
}

/// The thread that keeps. Dropping it ends it, once the segment that it seals is done.
pub struct Keeper {
    stop: Mutex<Option<Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    state: Arc<Mutex<Keeping>>,
}

impl Keeper {
    /// Starts the thread for the log in `dir`, whose manifests and statements `key` signs. Without a pruner nothing is removed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(dir: PathBuf, key: SigningKey, newest: Newest, pruner: Option<Pruner>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let state = Arc::new(Mutex::new(Keeping::default()));
        let daily = pruner.map(|pruner| Daily::new(pruner, newest.borrow().clone()));
        let work = Work { dir, key, newest, daily, state: Arc::clone(&state) };
        let thread = background::spawn("inzage-keeper", move || work.run(&stopped))?;
        Ok(Self { stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)), state })
    }

    /// How it goes.
    #[must_use]
    pub fn keeping(&self) -> Keeping {
        lock(&self.state).clone()
    }

    /// Ends the thread; waits until the segment that it seals is done. A second call does nothing.
    pub fn end(&self) {
        drop(lock(&self.stop).take());
        if let Some(thread) = lock(&self.thread).take() {
            // Fails only when the thread panicked; then it keeps nothing any more either.
            let _ = thread.join();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread works with.
struct Work {
    dir: PathBuf,
    key: SigningKey,
    newest: Newest,
    daily: Option<Daily>,
    state: Arc<Mutex<Keeping>>,
}

impl Work {
    fn run(mut self, stopped: &Receiver<()>) {
        loop {
            let done = self.turn();
            self.tell(done.as_ref().err());
            if !matches!(done, Ok(true)) {
                self.prune();
            }
            // Another segment may wait, and whoever stops waits for one at most.
            let pause = if matches!(done, Ok(true)) { Duration::ZERO } else { LOOK_EVERY };
            match stopped.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Seals the oldest segment that is due. True when there was one.
    fn turn(&self) -> Result<bool, SealError> {
        let Some(newest) = self.newest.borrow().clone() else { return Ok(false) };
        seal_next(&self.dir, &self.key, &newest)
    }

    /// Removes what is older than the retention, when the day is over.
    fn prune(&mut self) {
        let (Some(daily), Some(newest)) = (&mut self.daily, self.newest.borrow().clone()) else { return };
        let Some(done) = daily.turn(&self.key, &newest) else { return };
        let failure = done.as_ref().err().map(told);
        let mut state = lock(&self.state);
        let pruning = state.pruning.get_or_insert_default();
        match failure.as_deref() {
            None => pruning.looked = Some(daily.now()),
            Some(text) => {
                pruning.failures += 1;
                tracing::error!(failure = text, "the audit log is not pruned; it is tried again");
            }
        }
        pruning.records = scan::begins_at(&self.dir).unwrap_or(pruning.records);
        pruning.failure = failure;
    }

    fn tell(&self, failure: Option<&SealError>) {
        let found = count(&self.dir);
        let failure = failure.map(told);
        let mut state = lock(&self.state);
        if let Some(text) = failure.as_deref().filter(|text| state.failure.as_deref() != Some(*text)) {
            tracing::error!(failure = text, "a segment of the audit log cannot be sealed; it is tried again");
        }
        state.failures += u64::from(failure.is_some());
        state.failure = failure;
        if let Ok((segments, sealed, bytes)) = found {
            (state.segments, state.sealed, state.bytes) = (segments, sealed, bytes);
        }
    }
}

/// Seals the oldest raw segment that is closed and wholly under the checkpoint. False when there is none.
pub(super) fn seal_next(dir: &Path, key: &SigningKey, newest: &SignedCheckpoint) -> Result<bool, SealError> {
    let firsts: Vec<u64> = scan::list(dir)?.into();
    let covered = newest.checkpoint().size;
    let is_due = |first: u64, next: u64| next <= covered && dir.join(folder::segment(first)).exists();
    let due = firsts.iter().zip(firsts.iter().skip(1)).find(|(first, next)| is_due(**first, **next));
    let Some((first, next)) = due.map(|(first, next)| (*first, *next)) else { return Ok(false) };
    let following = Segment::open(dir, next)?;
    let Some(header) = following.header().filter(|header| header.start.index == next) else {
        return Ok(broken(next, following.name(), Why::Header)?);
    };
    let sealing = Sealing { dir, first, end: header.start, root: newest.root_at(next)?, key };
    sealing.run(&mut |_| Ok(())).map(|()| true)
}

/// How many segments there are, how many of them have their packed file only, and the bytes of all.
fn count(dir: &Path) -> Result<(u64, u64, u64), ReadError> {
    let failed = |source| ReadError::Io { path: dir.into(), source };
    let firsts = scan::list(dir)?;
    let (mut sealed, mut bytes) = (0, 0);
    for first in &firsts {
        sealed += u64::from(!dir.join(folder::segment(*first)).exists());
    }
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_name().to_str().and_then(Entry::parse);
        if matches!(kind, Some(Entry::Segment(_) | Entry::Packed(_))) {
            // Between reading the name and this a raw file may have become a packed one.
            bytes += entry.metadata().map_or(0, |file| file.len());
        }
    }
    Ok((firsts.len() as u64, sealed, bytes))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error with its causes.
fn told(error: &(impl std::error::Error + 'static)) -> String {
    let below = std::iter::successors(error.source(), |cause| cause.source());
    below.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
