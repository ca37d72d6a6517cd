//! Who sees the checkpoints of a log from outside: folders on another mount, and witnesses that cosign (C2SP tlog-witness).
//! What they saw must still be in the log at every start. Only the newest checkpoint matters to them, so one that is down
//! misses nothing: it gets the next.

mod folder;
mod http;
#[cfg(test)]
mod tests;

pub use folder::WitnessFolder;
pub use http::{HttpWitness, WitnessUrlError};

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::note::{NoteError, Signature};
use super::signer::{SignedCheckpoint, Signer};
use super::tiles::TileError;
use crate::clock::SharedClock;
use crate::secret::random;

/// First pause after a failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// A witness that got nothing for so long is an alarm.
const BEHIND_MAX: Duration = Duration::from_mins(10);
/// How long the last attempt at an orderly stop may take.
const LAST_DEADLINE: Duration = Duration::from_secs(5);

/// Why a witness did not take a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It saw more of the log than there is: the log was put back, or a second copy of it is in use.
    #[error("it saw {seen} records, and the log has {size} under its checkpoint")]
    Ahead {
        /// How many it saw.
        seen: u64,
        /// How many there are.
        size: u64,
    },
    /// It saw other records than there are.
    #[error("the log does not continue the {seen} records that it saw")]
    Fork {
        /// How many it saw.
        seen: u64,
    },
    /// It does not answer.
    #[error("it cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It does not know the log; it has to be given the public key.
    #[error("it does not know this log: give it the public key of the log")]
    UnknownLog,
    /// It knows another key of the log.
    #[error("it knows another key for this log: give it the public key of the log")]
    UnknownKey,
    /// It answers something else than a witness does.
    #[error("it answers {0}, which is no answer of a witness")]
    Status(u16),
    /// What it answers has the wrong form.
    #[error("its answer is not that of a witness")]
    Form,
    /// Its signature is missing or wrong.
    #[error("it did not sign: {0}")]
    Signature(NoteError),
    /// It changes faster than can be followed.
    #[error("its state changes with every question")]
    Unsteady,
    /// The folder cannot be used.
    #[error("{path} cannot be used")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the folder keeps of this log is not signed by it.
    #[error("{path} holds checkpoints that this log did not sign")]
    Strange {
        /// Which.
        path: PathBuf,
    },
    /// The tree cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
}

impl WitnessError {
    /// Whether it says that the log is not what it was. Everything else may pass by itself.
    #[must_use]
    pub const fn contradicts(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Fork { .. } | Self::Strange { .. })
    }
}

/// A witness.
#[derive(Debug)]
pub enum Kind {
    /// A folder elsewhere.
    Folder(Arc<WitnessFolder>),
    /// A server that cosigns.
    Http(HttpWitness),
}

/// How it goes with a witness.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The size of the newest checkpoint that it took since the start.
    pub seen: Option<u64>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// It says that the log is not what it was.
    pub contradicts: bool,
    /// It got nothing for so long that somebody should look.
    pub behind: bool,
}

/// A witness, and how far it is.
#[derive(Debug)]
pub struct Witness {
    name: String,
    every: Duration,
    kind: Kind,
    clock: SharedClockDebug,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    progress: Progress,
    sound_at: Instant,
}

/// A clock has nothing to show.
struct SharedClockDebug(SharedClock);

impl fmt::Debug for SharedClockDebug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Witness {
    /// A witness that is given a checkpoint at most once in `every`. The name is for people, and a label of its metrics.
    #[must_use]
    pub fn new(name: String, every: Duration, kind: Kind, clock: SharedClock) -> Self {
        let state = Mutex::new(State { progress: Progress::default(), sound_at: clock.monotonic() });
        Self { name, every, kind, clock: SharedClockDebug(clock), state }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// How it goes.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.state().progress.clone()
    }

    /// Gives it a checkpoint, unless it has that already. A witness that cosigns gives its signature.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub async fn submit(&self, signed: &Arc<SignedCheckpoint>) -> Result<Option<Signature>, WitnessError> {
        let done = match &self.kind {
            Kind::Folder(folder) => folder.submit(signed, self.clock.0.now()).await.map(|()| None),
            Kind::Http(witness) => witness.submit(signed).await.map(Some),
        };
        self.tell(signed.checkpoint().size, done.as_ref().err());
        done
    }

    fn tell(&self, size: u64, failure: Option<&WitnessError>) {
        let now = self.clock.0.monotonic();
        let mut state = self.state();
        let told = failure.map(told);
        if let Some(failure) = told.as_deref().filter(|told| state.progress.failure.as_deref() != Some(*told)) {
            tracing::warn!(witness = self.name, failure, "a witness did not take a checkpoint; it is tried again");
        }
        if failure.is_none() {
            (state.sound_at, state.progress.seen) = (now, Some(size));
        }
        let behind = now.saturating_duration_since(state.sound_at) > BEHIND_MAX.max(self.every * 3);
        state.progress.behind = failure.is_some() && behind;
        state.progress.contradicts = failure.is_some_and(WitnessError::contradicts);
        state.progress.failure = told;
    }

    /// Gives it each new checkpoint until `stop`, and keeps what it signs.
    pub async fn feed(self: Arc<Self>, signer: Arc<Signer>, stop: CancellationToken) {
        let mut newest = signer.newest();
        stop.run_until_cancelled(async {
            let mut failures = 0;
            while let Some(signed) = self.next(&mut newest).await {
                failures = if self.give(&signed, &signer).await { 0 } else { failures + 1 };
                tokio::time::sleep(if failures == 0 { self.every } else { pause(failures) }).await;
            }
        })
        .await;
    }

    /// The newest checkpoint, once there is one that it has not.
    async fn next(&self, newest: &mut watch::Receiver<Option<Arc<SignedCheckpoint>>>) -> Option<Arc<SignedCheckpoint>> {
        // Fails when the signer has ended: nothing new comes.
        newest.wait_for(|newest| newest.as_ref().is_some_and(|newest| self.wants(newest))).await.ok()?.clone()
    }

    /// An empty tree says nothing to a witness that cosigns.
    fn wants(&self, signed: &SignedCheckpoint) -> bool {
        let size = signed.checkpoint().size;
        let least = u64::from(matches!(self.kind, Kind::Http(_)));
        size >= least && self.state().progress.seen.is_none_or(|seen| size > seen)
    }

    async fn give(&self, signed: &Arc<SignedCheckpoint>, signer: &Signer) -> bool {
        match self.submit(signed).await {
            Ok(cosignature) => {
                if let Some(cosignature) = cosignature {
                    signer.keep(signed.checkpoint().size, cosignature);
                }
                true
            }
            Err(_) => false,
        }
    }

    /// One last attempt to give it the newest checkpoint, when the log is closed.
    pub async fn close(&self, signer: &Signer) {
        let newest = signer.newest().borrow().clone();
        let Some(newest) = newest.filter(|newest| self.wants(newest)) else { return };
        if tokio::time::timeout(LAST_DEADLINE, self.give(&newest, signer)).await != Ok(true) {
            tracing::warn!(
                witness = self.name,
                "a witness did not get the last checkpoint; it gets it at the next start"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Doubles with each failure; a random part of a quarter keeps many nodes apart.
fn pause(failures: u32) -> Duration {
    let doubled = PAUSE.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1).min(10)).unwrap_or(u32::MAX));
    let pause = doubled.min(PAUSE_MAX);
    let [part] = random::<1>();
    pause - pause / 4 * u32::from(part) / 255
}

/// An error with its cause.
fn told(error: &WitnessError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}
