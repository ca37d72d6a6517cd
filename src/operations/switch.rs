//! The emergency switch: what operators stop and start again, kept in the store that all nodes share. Each node reads it every
//! second, so a stop is in force everywhere within two; while the store is gone, what was read last holds.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::follow::Followed;
use crate::medmij::{LocalId, holds_bsn};
use crate::oauth::store::{StoreError, StoreFuture};
use crate::routing::{SharedSnapshot, Stops, Target, put_stops};

/// Most stops that can be in force: more than that is a stop of everything.
pub const IN_FORCE_MAX: usize = 1_000;
/// Most stops that are told of the past.
pub const PAST_MAX: usize = 200;

/// Why something is stopped, in somebody's own words: 10 to 500 characters on one line, without a BSN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Reads what somebody typed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (10..=500).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        (fits && !holds_bsn(text)).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something that an operator stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Which stop.
    pub id: LocalId,
    /// What.
    pub target: Target,
    /// Why.
    pub reason: Reason,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A stop, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastStop {
    /// The stop.
    pub stop: Stop,
    /// Who lifted it and when; `None` while it is in force.
    pub lifted: Option<(String, Timestamp)>,
}

/// Where stops are kept.
pub trait StopStore: Send + Sync {
    /// Keeps a stop; whether there was none of this target.
    fn stop(&self, stop: Stop) -> StoreFuture<'_, bool>;

    /// Lifts the stop of a target; whether there was one.
    fn lift<'a>(&'a self, target: &Target, by: &str, at: Timestamp) -> StoreFuture<'a, bool>;

    /// What is in force, oldest first; at most twice [`IN_FORCE_MAX`].
    fn in_force(&self) -> StoreFuture<'_, Vec<Stop>>;

    /// The newest stops, in force and lifted, newest first; at most [`PAST_MAX`].
    fn past(&self) -> StoreFuture<'_, Vec<PastStop>>;
}

/// Why the switch was not thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// So many stops are in force that everything should be.
    #[error("too many stops are in force: stop everything, or lift some")]
    TooMany,
    /// The store does not answer; whether the change was made is not known.
    #[error("the store does not answer: look again whether it was done")]
    Store,
}

impl From<StoreError> for SwitchError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

/// Is told what is stopped, whenever that changes.
pub type Told = Box<dyn Fn(&[Stop]) + Send + Sync>;

/// The switch of a node.
pub struct Switch {
    store: Arc<dyn StopStore>,
    snapshot: SharedSnapshot,
    known: ArcSwap<Vec<Stop>>,
    /// One reading at a time, so that an older one never replaces a newer one.
    turn: Semaphore,
    told: Told,
}

impl Switch {
    /// A switch that has read nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn StopStore>, snapshot: SharedSnapshot, told: Told) -> Self {
        Self { store, snapshot, known: ArcSwap::default(), turn: Semaphore::new(1), told }
    }

    /// What is in force, as this node last read it.
    #[must_use]
    pub fn known(&self) -> Arc<Vec<Stop>> {
        self.known.load_full()
    }

    /// What was stopped, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn past(&self) -> Result<Vec<PastStop>, SwitchError> {
        Ok(self.store.past().await?)
    }

    /// Stops something, here at once and on every other node within two seconds; whether it was not stopped before.
    ///
    /// # Errors
    /// See [`SwitchError`].
    pub async fn stop(&self, stop: Stop) -> Result<bool, SwitchError> {
        if self.known.load().len() >= IN_FORCE_MAX && stop.target != Target::Everything {
            return Err(SwitchError::TooMany);
        }
        let new = self.store.stop(stop).await?;
        self.read_now().await?;
        Ok(new)
    }

    /// Lets something go on; whether it was stopped.
    ///
    /// # Errors
    /// See [`SwitchError`].
    pub async fn lift(&self, target: &Target, by: &str, at: Timestamp) -> Result<bool, SwitchError> {
        let lifted = self.store.lift(target, by, at).await?;
        self.read_now().await?;
        Ok(lifted)
    }

    /// Reads what is stopped and puts it into force.
    async fn read_now(&self) -> Result<(), StoreError> {
        let _turn = self.turn.acquire().await.map_err(|_| StoreError)?;
        let found = self.store.in_force().await?;
        if **self.known.load() != found {
            (self.told)(&found);
            put_stops(&self.snapshot, &Arc::new(found.iter().map(|stop| stop.target.clone()).collect::<Stops>()));
            self.known.store(Arc::new(found));
        }
        Ok(())
    }
}

impl Followed for Switch {
    const WHAT: &str = "the emergency switch";

    fn read(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.read_now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::super::follow::begin;
    use super::*;
    use crate::routing::{Freshness, Interfaces, Registered};
    use crate::services::Catalogue;

    /// Stops in memory, behind a server that can be gone.
    #[derive(Default)]
    struct Memory {
        stops: Mutex<Vec<Stop>>,
        gone: AtomicBool,
    }

    impl Memory {
        fn answer<T: Send + 'static>(&self, with: impl FnOnce(&mut Vec<Stop>) -> T) -> StoreFuture<'_, T> {
            let gone = self.gone.load(Ordering::Relaxed);
            let answer = if gone { Err(StoreError) } else { Ok(with(&mut self.stops.lock().unwrap())) };
            Box::pin(std::future::ready(answer))
        }
    }

    impl StopStore for Memory {
        fn stop(&self, stop: Stop) -> StoreFuture<'_, bool> {
            self.answer(|stops| {
                stops.push(stop);
                true
            })
        }

        fn lift<'a>(&'a self, target: &Target, _: &str, _: Timestamp) -> StoreFuture<'a, bool> {
            self.answer(|stops| {
                let before = stops.len();
                stops.retain(|stop| stop.target != *target);
                stops.len() < before
            })
        }

        fn in_force(&self) -> StoreFuture<'_, Vec<Stop>> {
            self.answer(|stops| stops.clone())
        }

        fn past(&self) -> StoreFuture<'_, Vec<PastStop>> {
            self.answer(|_| Vec::new())
        }
    }

    fn snapshot() -> SharedSnapshot {
        let registered = Registered {
            practices: Arc::default(),
            services: Arc::new(Catalogue::shipped()),
            interfaces: Interfaces::default(),
            clients: Arc::default(),
            adapters: Arc::default(),
        };
        let freshness = Arc::new(Freshness::new(Duration::from_secs(60)));
        Arc::new(ArcSwap::from_pointee(registered.beside(Arc::default(), freshness)))
    }

    fn everything() -> Stop {
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        let reason = Reason::parse("verkeerde uitslagen, melding 12").unwrap();
        Stop { id: LocalId::new(at), target: Target::Everything, reason, by: "wacht.example.nl".to_owned(), at }
    }

    #[tokio::test]
    async fn what_was_read_last_holds_while_the_store_is_gone() {
        let (store, snapshot) = (Arc::new(Memory::default()), snapshot());
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&told);
        let switch = Switch::new(
            Arc::clone(&store) as _,
            Arc::clone(&snapshot),
            Box::new(move |stops| hears.lock().unwrap().push(stops.len())),
        );
        let is_stopped = || snapshot.load().stops.everything().is_some();
        assert!(switch.stop(everything()).await.unwrap() && is_stopped());
        store.gone.store(true, Ordering::Relaxed);
        assert_eq!(switch.read().await, Err(StoreError));
        assert_eq!(switch.lift(&Target::Everything, "x", everything().at).await, Err(SwitchError::Store));
        assert!(is_stopped() && switch.known().len() == 1);
        store.gone.store(false, Ordering::Relaxed);
        assert!(switch.lift(&Target::Everything, "x", everything().at).await.unwrap() && !is_stopped());
        switch.read().await.unwrap();
        assert_eq!(*told.lock().unwrap(), [1, 0], "told once a change");
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_for_the_store_but_not_longer_than_the_node() {
        let (store, snapshot) = (Arc::new(Memory::default()), snapshot());
        store.stops.lock().unwrap().push(everything());
        store.gone.store(true, Ordering::Relaxed);
        let switch = Arc::new(Switch::new(Arc::clone(&store) as _, Arc::clone(&snapshot), Box::new(|_| ())));
        let stop = CancellationToken::new();
        let begun = begin(&*switch, &stop);
        tokio::pin!(begun);
        assert!(tokio::time::timeout(Duration::from_secs(30), &mut begun).await.is_err(), "nothing is served");
        store.gone.store(false, Ordering::Relaxed);
        tokio::time::timeout(Duration::from_secs(2), begun).await.unwrap();
        assert!(snapshot.load().stops.everything().is_some());
        store.gone.store(true, Ordering::Relaxed);
        stop.cancel();
        begin(&*switch, &stop).await;
    }

    #[test]
    fn a_reason_says_something_and_names_nobody() {
        assert_eq!(Reason::parse("  het HIS geeft verkeerde antwoorden ").unwrap().as_str().len(), 34);
        let long = "a".repeat(501);
        for text in ["", "te kort", "klacht van 999911132 over inzage", "een regel\nen nog een", &long] {
            assert_eq!(Reason::parse(text), None, "{text}");
        }
    }
}
