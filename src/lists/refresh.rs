//! Keeps the lists fresh: fetch all four, check each, never go back, publish together or not at all.

mod error;
mod examination;
mod pace;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

pub use error::RefreshError;
pub use pace::Pace;

use self::examination::{Examination, Examined};
use super::copy::{Acceptance, CopyError, CopyFolder, Saved, Stamp};
use super::{Fetched, ListKind, ListSource, Lists, PerList, Reading, SourceError, Validator};
use crate::background;
use crate::clock::SharedClock;
use crate::secret::random;

/// How often an operator's leave is looked for while a list is held back.
const LOOK_FOR_LEAVE: Duration = Duration::from_secs(5);

/// Puts a set into force. Called once per new set, in order, on the thread that read it.
pub type Published = Arc<dyn Fn(NewSet) + Send + Sync>;

/// A set that comes into force.
#[derive(Debug, Clone)]
pub struct NewSet {
    /// The lists.
    pub lists: Arc<Lists>,
    /// When the publisher last gave each.
    pub given_at: PerList<Timestamp>,
    /// What it lost and an operator accepted.
    pub accepted: Vec<Acceptance>,
}

/// What decides whether a set may follow another.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How lists are read.
    pub reading: Reading,
    /// How long a service is served after it left the ZAL; MedMij asks for 3600 s (core.gegevensdiensten.104).
    pub grace: Duration,
    /// Which share of its entries, in per cent, each list may lose without an operator.
    pub loss_percent: PerList<u8>,
}

/// Fetches, checks and publishes. One per node.
pub struct Refresher {
    source: Arc<dyn ListSource>,
    copy: CopyFolder,
    clock: SharedClock,
    rules: Rules,
    force: Force,
    holds_back: AtomicBool,
    /// One refresh at a time.
    turn: Semaphore,
}

/// Where a set comes into force.
#[derive(Clone)]
struct Force {
    held: Arc<Mutex<Option<Held>>>,
    publish: Published,
}

/// The set in force.
#[derive(Clone)]
struct Held {
    lists: Arc<Lists>,
    stamps: PerList<Stamp>,
    /// By what to ask whether each list is still the one; gone with the process, so that a restart reads every list again.
    validators: PerList<Option<Validator>>,
    /// Whether the copy on disk is of this set.
    saved: bool,
}

impl Held {
    fn given_at(&self) -> PerList<Timestamp> {
        PerList::from_fn(|list| self.stamps.of(list).fetched_at)
    }
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

impl Refresher {
    /// A refresher without lists.
    #[must_use]
    pub fn new(
        source: Arc<dyn ListSource>,
        copy: CopyFolder,
        clock: SharedClock,
        rules: Rules,
        publish: Published,
    ) -> Self {
        let force = Force { held: Arc::default(), publish };
        let (holds_back, turn) = (AtomicBool::new(false), Semaphore::new(1));
        Self { source, copy, clock, rules, force, holds_back, turn }
    }

    /// Puts the copy on disk into force, for a start without network. Blocks; call it before the first refresh.
    /// `None`: there is no copy.
    ///
    /// # Errors
    /// When the copy is damaged, was altered, or is not valid by the present rules. Nothing is put into force then, and
    /// the next refresh has nothing to compare with: a step back from the lost copy goes unseen, so this is an incident.
    pub fn load_copy(&self) -> Result<Option<Arc<Lists>>, CopyError> {
        let Some(Saved { raw, current, stamps, grace }) = self.copy.load()? else { return Ok(None) };
        let parsed = Lists::parse(&raw, self.rules.reading);
        let lists = parsed.map_err(|(list, error)| CopyError::Invalid { list, error })?;
        let headers = lists.headers();
        if ListKind::ALL.into_iter().any(|list| headers.of(list).sequence != stamps.of(list).sequence) {
            return Err(CopyError::Manifest);
        }
        let lists = Arc::new(Lists { grace: grace.into(), ..lists });
        let held = Held { lists: Arc::clone(&lists), stamps, validators: PerList::default(), saved: current };
        self.force.put(held, Vec::new());
        Ok(Some(lists))
    }

    /// Fetches all four and puts them into force if they are good and new.
    ///
    /// # Errors
    /// When one cannot be fetched, is not valid, goes back or lost too much. The set in force stays; of its lists, those that
    /// the publisher gave again count as given now.
    pub async fn refresh(&self) -> Result<RefreshOutcome, RefreshError> {
        let _turn = self.turn.acquire().await.map_err(|_| RefreshError::Interrupted)?;
        let held = self.force.held();
        let fetched = self.fetch(held.as_ref()).await;
        let (rules, now, copy) = (self.rules, self.clock.now(), self.copy.clone());
        let examination = Examination { fetched, held, rules, now, copy };
        let force = self.force.clone();
        let job = tokio::task::spawn_blocking(move || {
            force.give_way();
            force.take(examination.run())
        });
        let result = job.await.unwrap_or(Err(RefreshError::Interrupted));
        match &result {
            Ok(_) => self.holds_back.store(false, Ordering::Relaxed),
            Err(error) => self.note_refusal(error),
        }
        result
    }

    /// When the publisher last gave each list of the set in force.
    #[must_use]
    pub fn given_at(&self) -> Option<PerList<Timestamp>> {
        self.force.held().map(|held| held.given_at())
    }

    /// Refreshes at once, then at this pace, whenever `wake` is notified, and soon after an operator accepts what is held
    /// back, until `stop`. A failure is reported and tried again; it never ends the loop. Meant for
    /// [`background::on_own_thread`]: its thread gives way to all others as soon as a set is in force.
    pub async fn run(
        self: Arc<Self>,
        pace: Pace,
        wake: Arc<Notify>,
        stop: CancellationToken,
        report: impl Fn(&Result<RefreshOutcome, RefreshError>) + Send,
    ) {
        let mut failures: u32 = 0;
        loop {
            self.force.give_way();
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
                () = self.until_leave() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// All four at once. Only a set that is on disk is asked for by its marks: what is not there must come again.
    async fn fetch(&self, held: Option<&Held>) -> PerList<Result<Fetched, SourceError>> {
        let saved = held.filter(|held| held.saved);
        let fetch = |list| self.source.fetch(list, saved.and_then(|held| held.validators.of(list).as_ref()));
        let (zal, ocl, whl, gnl) =
            tokio::join!(fetch(ListKind::Zal), fetch(ListKind::Ocl), fetch(ListKind::Whl), fetch(ListKind::Gnl));
        PerList { zal, ocl, whl, gnl }
    }

    /// Whether a leave is worth looking for. A publisher that cannot be reached says nothing about it.
    fn note_refusal(&self, error: &RefreshError) {
        if !matches!(error, RefreshError::Fetch { .. } | RefreshError::Interrupted) {
            self.holds_back.store(matches!(error, RefreshError::HeldBack { .. }), Ordering::Relaxed);
        }
    }

    /// Returns when an operator accepted something while a list is held back; else never.
    async fn until_leave(&self) {
        if !self.holds_back.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK_FOR_LEAVE).await;
            let copy = self.copy.clone();
            if tokio::task::spawn_blocking(move || copy.has_leave_for_all()).await.unwrap_or_default() {
                return;
            }
        }
    }
}

impl Force {
    /// What an examination leads to.
    fn take(&self, examined: Examined) -> Result<RefreshOutcome, RefreshError> {
        match examined {
            Examined::New { held, accepted, copy } => {
                self.put(held, accepted);
                Ok(RefreshOutcome { change: Change::Swapped, copy })
            }
            Examined::Same { held, copy } => {
                self.hold(held);
                Ok(RefreshOutcome { change: Change::Unchanged, copy })
            }
            Examined::Refused { held, error } => {
                held.into_iter().for_each(|held| self.hold(held));
                Err(error)
            }
        }
    }

    fn put(&self, held: Held, accepted: Vec<Acceptance>) {
        let new = NewSet { lists: Arc::clone(&held.lists), given_at: held.given_at(), accepted };
        self.hold(held);
        (self.publish)(new);
    }

    fn held(&self) -> Option<Held> {
        self.lock().clone()
    }

    fn hold(&self, held: Held) {
        let old = self.lock().replace(held);
        // Not under the lock: it may be the last of 20,000 providers.
        drop(old);
    }

    /// Lets all other threads go before this one when a set is in force. Without one nobody is served, so nobody waits.
    fn give_way(&self) {
        if self.lock().is_some() {
            background::give_way();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
