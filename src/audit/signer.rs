//! Signs the tree of a live log: a thread of its own follows the durable records, writes full tiles and signs a checkpoint every
//! 10 s or 1,000 records, whichever comes first. It never holds up the writer: what it cannot do now it does later, from the
//! files.

mod newest;
mod open;
mod snapshot;
#[cfg(test)]
mod tests;
mod tree;

pub use newest::{Newest, name_of, read_newest};
pub use open::{Outside, keys_of};
pub use snapshot::SignedCheckpoint;
pub use tree::SignedTree;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::broken::ReadError;
use super::checkpoint::CheckpointError;
use super::keys::KeysError;
use super::note::Signature;
use super::tiles::TileError;
use crate::background;
use crate::clock::SharedClock;

/// How often the thread looks for new records: often enough to find them in the memory of the log.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// One look in so many may sign. Under load this is what a checkpoint gathers: those of a quarter of a second.
const LOOKS_OF_A_TURN: u32 = 5;
/// How long it waits after a failure before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// When a checkpoint is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Since the one before, when there is something new.
    pub every: Duration,
    /// So many new records.
    pub records: u64,
    /// Records that wait for longer than this are an alarm, and the node is not ready.
    pub overdue: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), records: 1_000, overdue: Duration::from_mins(5) }
    }
}

/// Why a log is not signed, or not opened.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The records cannot be followed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A hash tile cannot be used.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// A checkpoint cannot be made.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint in the folder says nothing.
    #[error("the newest checkpoint cannot be believed")]
    Keys(#[source] KeysError),
    /// The id of the log cannot name a key.
    #[error("the id of the log cannot name a key")]
    Name,
    /// The key is another one than that of the log.
    #[error(
        "the log was signed with another key{}; to replace a key, see `inzage audit rotate-key`",
        if .known.is_empty() { String::new() } else { format!(" ({known})") }
    )]
    OtherKey {
        /// The public key that the folder names; empty when it names none.
        known: String,
    },
    /// The log was signed before, and its newest checkpoint is gone.
    #[error("the newest checkpoint of the log is missing: put back the one that is kept elsewhere")]
    NoCheckpoint,
    /// Records that were signed are gone.
    #[error(
        "the log is cut off: its checkpoint covers {size} records and it has {records}, so record {records} is missing"
    )]
    Short {
        /// How many there are.
        records: u64,
        /// How many there were.
        size: u64,
    },
    /// The tree is another one.
    #[error("the records and hash tiles do not lead to the root of the checkpoint of size {size}")]
    Root {
        /// The size of the checkpoint.
        size: u64,
    },
    /// A record is not the one whose hash is in the tree.
    #[error("record {index} in {segment} is not the one that was signed")]
    Record {
        /// Its index.
        index: u64,
        /// Where it stands.
        segment: String,
    },
    /// The log is not the one at whose end a key was replaced.
    #[error("the log is not the one whose key was replaced at size {size}")]
    Retired {
        /// The size at which the key was replaced.
        size: u64,
    },
    /// Somebody else saw more of the log than is here.
    #[error("the log was put back: {place} saw {size} records of it, and it has {records}")]
    Rollback {
        /// Who saw it.
        place: String,
        /// How many it saw.
        size: u64,
        /// How many there are.
        records: u64,
    },
    /// Somebody else saw another log.
    #[error("the first {size} records are not those that {place} saw")]
    Fork {
        /// Who saw it.
        place: String,
        /// How many it saw.
        size: u64,
    },
}

/// How the signing goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signing {
    /// How many records the newest checkpoint covers.
    pub signed: u64,
    /// How many durable records it does not cover.
    pub unsigned: u64,
    /// How long the oldest of them may have waited: since everything was signed for the last time.
    pub waiting: Duration,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// They wait for too long: checkpoints are not made.
    pub overdue: bool,
}

/// What the thread tells.
#[derive(Debug)]
struct State {
    signed: u64,
    /// When everything durable was signed, or a checkpoint was made.
    sound_at: Instant,
    /// Since when the thread works without a pause.
    busy_since: Option<Instant>,
    failure: Option<String>,
    overdue: bool,
}

enum Order {
    Settle(Sender<()>),
    Keep(u64, Signature),
    Finish,
}

/// The thread that signs. Dropping it ends it without a last checkpoint.
pub struct Signer {
    orders: Mutex<Option<Sender<Order>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    state: Arc<Mutex<State>>,
    newest: watch::Receiver<Option<Arc<SignedCheckpoint>>>,
    durable: watch::Receiver<u64>,
    clock: SharedClock,
    pace: Pace,
}

impl Signer {
    /// Starts the thread. `durable` is that of the log whose tree this is.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(tree: SignedTree, durable: watch::Receiver<u64>, pace: Pace, clock: SharedClock) -> io::Result<Self> {
        let (orders, taken) = mpsc::channel();
        let (publish, newest) = watch::channel(tree.newest().cloned());
        let state = Arc::new(Mutex::new(State {
            signed: tree.signed(),
            sound_at: clock.monotonic(),
            busy_since: None,
            failure: None,
            overdue: false,
        }));
        let work = Work {
            tree,
            publish,
            durable: durable.clone(),
            pace,
            clock: Arc::clone(&clock),
            state: Arc::clone(&state),
            looks: 0,
        };
        let thread = background::spawn("inzage-signer", move || work.run(&taken))?;
        let (orders, thread) = (Mutex::new(Some(orders)), Mutex::new(Some(thread)));
        Ok(Self { orders, thread, state, newest, durable, clock, pace })
    }

    /// The newest checkpoint, as it changes; `None` before the first.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<Option<Arc<SignedCheckpoint>>> {
        self.newest.clone()
    }

    /// Keeps the signature of a witness with the checkpoint of this size, if that is still the newest.
    pub fn keep(&self, size: u64, cosignature: Signature) {
        self.order(Order::Keep(size, cosignature));
    }

    /// How it goes.
    #[must_use]
    pub fn signing(&self) -> Signing {
        let durable = *self.durable.borrow();
        let ended = lock(&self.thread).as_ref().is_none_or(JoinHandle::is_finished);
        let now = self.clock.monotonic();
        let state = lock(&self.state);
        let unsigned = durable.saturating_sub(state.signed);
        let stuck = |since: Instant| now.saturating_duration_since(since) > self.pace.overdue;
        Signing {
            signed: state.signed,
            unsigned,
            waiting: if unsigned == 0 { Duration::ZERO } else { now.saturating_duration_since(state.sound_at) },
            failure: state.failure.clone(),
            overdue: unsigned > 0 && (ended || state.overdue || state.busy_since.is_some_and(stuck)),
        }
    }

    /// Signs what is durable now. Waits for the disk.
    pub fn settle(&self) {
        let (done, settled) = mpsc::channel();
        self.order(Order::Settle(done));
        // Fails when the thread has ended.
        let _ = settled.recv();
    }

    /// Signs what is durable now, keeps that in the history, and ends the thread. Waits for the disk. A second call does
    /// nothing.
    pub fn finish(&self) {
        self.order(Order::Finish);
        self.end();
    }

    fn order(&self, order: Order) {
        if let Some(orders) = lock(&self.orders).as_ref() {
            // Fails only when the thread has ended.
            let _ = orders.send(order);
        }
    }

    fn end(&self) {
        drop(lock(&self.orders).take());
        if let Some(thread) = lock(&self.thread).take() {
            // Fails only when the thread panicked, which readiness told.
            let _ = thread.join();
        }
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread works with.
struct Work {
    tree: SignedTree,
    publish: watch::Sender<Option<Arc<SignedCheckpoint>>>,
    durable: watch::Receiver<u64>,
    pace: Pace,
    clock: SharedClock,
    state: Arc<Mutex<State>>,
    looks: u32,
}

impl Work {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let pause = if self.look() { LOOK_EVERY } else { RETRY_AFTER };
            match orders.recv_timeout(pause) {
                Ok(Order::Settle(done)) => {
                    self.turn(true);
                    drop(done);
                }
                Ok(Order::Keep(size, cosignature)) => self.keep(size, cosignature),
                Ok(Order::Finish) => return self.finish(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes up new records, and signs when a turn is due; whether it went well.
    fn look(&mut self) -> bool {
        let due = self.looks.is_multiple_of(LOOKS_OF_A_TURN);
        self.looks = self.looks.wrapping_add(1);
        if due { self.turn(false) } else { self.take_up() }
    }

    /// What cannot be taken up, or is too much to be left unsigned, is the business of a turn.
    fn take_up(&mut self) -> bool {
        let durable = *self.durable.borrow();
        lock(&self.state).busy_since = Some(self.clock.monotonic());
        let done = matches!(self.tree.take_up(durable), Ok(false));
        lock(&self.state).busy_since = None;
        done || self.turn(false)
    }

    /// One turn; whether it went well.
    fn turn(&mut self, last: bool) -> bool {
        let (durable, now) = (*self.durable.borrow(), self.clock.monotonic());
        lock(&self.state).busy_since = Some(now);
        let done = self.tree.turn(durable, now, self.pace, last);
        if let Ok(Some(made)) = &done {
            self.publish.send_replace(Some(Arc::clone(made)));
        }
        self.tell(durable, now, &done);
        done.is_ok()
    }

    fn tell(&self, durable: u64, now: Instant, done: &Result<Option<Arc<SignedCheckpoint>>, SignError>) {
        let mut state = lock(&self.state);
        state.busy_since = None;
        state.signed = self.tree.signed();
        if matches!(done, Ok(Some(_))) || state.signed >= durable {
            state.sound_at = now;
        }
        state.overdue = state.signed < durable && now.saturating_duration_since(state.sound_at) > self.pace.overdue;
        let failure = done.as_ref().err().map(told);
        if let Some(failure) = failure.as_deref().filter(|failure| state.failure.as_deref() != Some(*failure)) {
            tracing::error!(
                failure,
                unsigned = durable - state.signed,
                "audit records cannot be signed; it is tried again"
            );
        }
        state.failure = failure;
    }

    fn keep(&mut self, size: u64, cosignature: Signature) {
        match self.tree.keep(size, cosignature) {
            Ok(()) => drop(self.publish.send_replace(self.tree.newest().cloned())),
            Err(error) => tracing::warn!(error = told(&error), "the signature of a witness could not be kept"),
        }
    }

    fn finish(mut self) {
        if !self.turn(true) {
            tracing::error!("the last audit records are not signed; that is made up for at the next start");
        }
        if let Err(error) = self.tree.append_history() {
            tracing::error!(error = told(&error), "the last checkpoint is not in the history");
        }
    }
}

/// An error with its cause.
fn told(error: &SignError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
