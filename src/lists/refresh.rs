//! Keeps the lists fresh: fetch all four, check each, never go back, publish together or not at all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::copy::{CopyError, CopyFolder, Stamp};
use super::{ListError, ListHeader, ListKind, ListSource, Lists, PerList, RawLists, Reading, SourceError};
use crate::clock::SharedClock;
use crate::secret::{random, sha256};

/// How far the publisher's clock may run ahead of ours, in seconds.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(300);

/// The least time between two refreshes, whatever the pace says.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Puts a set into force. Called once per new set, in order; it should be quick.
pub type Published = Arc<dyn Fn(Arc<Lists>) + Send + Sync>;

/// Fetches, checks and publishes. One per node.
pub struct Refresher {
    source: Arc<dyn ListSource>,
    copy: CopyFolder,
    clock: SharedClock,
    reading: Reading,
    publish: Published,
    held: Mutex<Option<Held>>,
    /// One refresh at a time.
    turn: Semaphore,
}

/// The set in force.
#[derive(Clone)]
struct Held {
    lists: Arc<Lists>,
    stamps: PerList<Stamp>,
    /// Whether the copy on disk is of this set.
    saved: bool,
}

/// What a refresh did.
#[derive(Debug)]
pub struct RefreshOutcome {
    /// Whether the set in force is another one now.
    pub change: Change,
    /// Whether the copy on disk is up to date. A set comes into force also when it cannot be saved: a node must stop
    /// trusting whom the publisher removed, with a full disk too.
    pub copy: Result<(), CopyError>,
}

/// Whether a refresh brought something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A new set came into force.
    Swapped,
    /// The publisher gave the set that is in force.
    Unchanged,
}

/// Why a refresh failed. The set in force stays.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// A list could not be fetched.
    #[error("the {list} could not be fetched")]
    Fetch {
        /// Which.
        list: ListKind,
        /// Why.
        #[source]
        error: SourceError,
    },
    /// A list is not valid.
    #[error("the {list} is not valid")]
    Invalid {
        /// Which.
        list: ListKind,
        /// Why.
        #[source]
        error: ListError,
    },
    /// A list with a lower sequence number than the one in force.
    #[error("the {list} went back from number {held} to {offered}")]
    RollBack {
        /// Which.
        list: ListKind,
        /// The number in force.
        held: u64,
        /// The number that was offered.
        offered: u64,
    },
    /// Another list under the sequence number in force.
    #[error("the {list} has other content under the same number {sequence}")]
    SameSequenceOtherContent {
        /// Which.
        list: ListKind,
        /// The number.
        sequence: u64,
    },
    /// A list from the future.
    #[error("the {list} says it was published at {timestamp}, which is still to come")]
    FromTheFuture {
        /// Which.
        list: ListKind,
        /// Its own account.
        timestamp: Timestamp,
    },
    /// The work was cut off, by the end of the process or a defect in it.
    #[error("the refresh was cut off")]
    Interrupted,
}

/// How often lists are fetched. Never more often than each second, unless woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two refreshes that succeed; MedMij asks for at most 15 minutes.
    pub every: Duration,
    /// At most this much is added, at random, so that nodes do not come all at once.
    pub jitter: Duration,
    /// After a first failure; doubled by each further one, up to `every`.
    pub retry: Duration,
}

impl Pace {
    /// How long to wait after so many failures in a row, where `chance` is a random number.
    fn wait(&self, failures: u32, chance: u32) -> Duration {
        let wait = match failures.checked_sub(1) {
            None => self.every,
            Some(doublings) => self.retry.saturating_mul(2_u32.saturating_pow(doublings)).min(self.every),
        };
        let jitter = self.jitter.as_secs_f64() * f64::from(chance) / f64::from(u32::MAX);
        let jitter = Duration::try_from_secs_f64(jitter).unwrap_or(self.jitter);
        wait.max(LEAST_WAIT).saturating_add(jitter)
    }
}

impl Refresher {
    /// A refresher without lists.
    #[must_use]
    pub fn new(
        source: Arc<dyn ListSource>,
        copy: CopyFolder,
        clock: SharedClock,
        reading: Reading,
        publish: Published,
    ) -> Self {
        Self { source, copy, clock, reading, publish, held: Mutex::new(None), turn: Semaphore::new(1) }
    }

    /// Puts the copy on disk into force, for a start without network. Blocks; call it before the first refresh.
    /// `None`: there is no copy.
    ///
    /// # Errors
    /// When the copy is damaged, was altered, or is not valid by the present rules. Nothing is put into force then, and
    /// the next refresh has nothing to compare with: a step back from the lost copy goes unseen, so this is an incident.
    pub fn load_copy(&self) -> Result<Option<Arc<Lists>>, CopyError> {
        let Some((raw, stamps)) = self.copy.load()? else { return Ok(None) };
        let lists = Lists::parse(&raw, self.reading).map_err(|(list, error)| CopyError::Invalid { list, error })?;
        let headers = lists.headers();
        if ListKind::ALL.into_iter().any(|list| headers.of(list).sequence != stamps.of(list).sequence) {
            return Err(CopyError::Manifest);
        }
        let lists = Arc::new(lists);
        self.put_into_force(Held { lists: Arc::clone(&lists), stamps, saved: true });
        Ok(Some(lists))
    }

    /// Fetches all four and puts them into force if they are good and new.
    ///
    /// # Errors
    /// When one cannot be fetched, is not valid or goes back. The set in force stays.
    pub async fn refresh(&self) -> Result<RefreshOutcome, RefreshError> {
        let _turn = self.turn.acquire().await.map_err(|_| RefreshError::Interrupted)?;
        let raw = self.fetch().await?;
        let examination = Examination {
            raw,
            held: self.held(),
            reading: self.reading,
            now: self.clock.now(),
            copy: self.copy.clone(),
        };
        let job = tokio::task::spawn_blocking(move || examination.run());
        let (held, outcome) = job.await.map_err(|_| RefreshError::Interrupted)??;
        match outcome.change {
            Change::Swapped => self.put_into_force(held),
            Change::Unchanged => self.hold(held),
        }
        Ok(outcome)
    }

    /// When the publisher last gave the set in force; when its lists differ in this, the earliest.
    #[must_use]
    pub fn fetched_at(&self) -> Option<Timestamp> {
        let held = self.held()?;
        ListKind::ALL.into_iter().map(|list| held.stamps.of(list).fetched_at).min()
    }

    /// How old the set in force is, by the same account.
    #[must_use]
    pub fn age(&self) -> Option<SignedDuration> {
        self.fetched_at().map(|fetched_at| self.clock.now().duration_since(fetched_at))
    }

    /// Refreshes at once, then at this pace and whenever `wake` is notified, until `stop`. A failure is reported and
    /// tried again; it never ends the loop.
    pub async fn run(
        self: Arc<Self>,
        pace: Pace,
        wake: Arc<Notify>,
        stop: CancellationToken,
        report: impl Fn(&Result<RefreshOutcome, RefreshError>) + Send,
    ) {
        let mut failures: u32 = 0;
        loop {
            let result = tokio::select! {
                result = self.refresh() => result,
                () = stop.cancelled() => return,
            };
            failures = if result.is_ok() { 0 } else { failures.saturating_add(1) };
            report(&result);
            let wait = pace.wait(failures, u32::from_le_bytes(random()));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = wake.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn fetch(&self) -> Result<RawLists, RefreshError> {
        let fetch = async |list| self.source.fetch(list).await.map_err(|error| RefreshError::Fetch { list, error });
        let (zal, ocl, whl, gnl) =
            tokio::try_join!(fetch(ListKind::Zal), fetch(ListKind::Ocl), fetch(ListKind::Whl), fetch(ListKind::Gnl))?;
        Ok(PerList { zal, ocl, whl, gnl })
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    fn put_into_force(&self, held: Held) {
        let lists = Arc::clone(&held.lists);
        self.hold(held);
        (self.publish)(lists);
    }
}

/// The part of a refresh that takes CPU and disk, away from the async threads.
struct Examination {
    raw: RawLists,
    held: Option<Held>,
    reading: Reading,
    now: Timestamp,
    copy: CopyFolder,
}

impl Examination {
    fn run(self) -> Result<(Held, RefreshOutcome), RefreshError> {
        let digests = PerList::try_from_fn(|list| Ok(sha256(self.raw.of(list))))?;
        let same =
            |held: &&Held| ListKind::ALL.into_iter().all(|list| held.stamps.of(list).sha256 == *digests.of(list));
        let (change, lists) = match self.held.as_ref().filter(same) {
            Some(held) => (Change::Unchanged, Arc::clone(&held.lists)),
            None => (Change::Swapped, Arc::new(self.parse()?)),
        };
        let stamps = self.stamps(&lists.headers(), &digests)?;
        let saved = change == Change::Unchanged && self.held.as_ref().is_some_and(|held| held.saved);
        let copy = if saved { self.copy.confirm(&stamps) } else { self.copy.save(&self.raw, &stamps) };
        let held = Held { lists, stamps, saved: copy.is_ok() };
        Ok((held, RefreshOutcome { change, copy }))
    }

    fn parse(&self) -> Result<Lists, RefreshError> {
        Lists::parse(&self.raw, self.reading).map_err(|(list, error)| RefreshError::Invalid { list, error })
    }

    /// What to remember of these lists, if they may follow those in force.
    fn stamps(
        &self,
        headers: &PerList<ListHeader>,
        digests: &PerList<[u8; 32]>,
    ) -> Result<PerList<Stamp>, RefreshError> {
        PerList::try_from_fn(|list| {
            let (header, sha256) = (headers.of(list), *digests.of(list));
            let stamp = Stamp { sequence: header.sequence, sha256, fetched_at: self.now };
            if header.timestamp.duration_since(self.now) > CLOCK_TOLERANCE {
                return Err(RefreshError::FromTheFuture { list, timestamp: header.timestamp });
            }
            match &self.held {
                Some(held) => follows(list, held.stamps.of(list), &stamp).map(|()| stamp),
                None => Ok(stamp),
            }
        })
    }
}

/// `Volgnummer` is raised at each publication, so it never falls, and one number means one content.
fn follows(list: ListKind, held: &Stamp, offered: &Stamp) -> Result<(), RefreshError> {
    if offered.sequence < held.sequence {
        return Err(RefreshError::RollBack { list, held: held.sequence, offered: offered.sequence });
    }
    if offered.sequence == held.sequence && offered.sha256 != held.sha256 {
        return Err(RefreshError::SameSequenceOtherContent { list, sequence: offered.sequence });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
