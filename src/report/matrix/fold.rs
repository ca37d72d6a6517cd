//! Counts the audit index into the matrix, beside the other figures, and tells what came of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::board::{KEPT_DAYS, alarms_by_who};
use super::combination::Combination;
use super::count::{self, Alarms, Counted, DUE_MAX, count};
use super::month::MonthNumber;
use super::standing::Standing;
use super::store::{MatrixStore, Wanted};
use super::who::who_acts;
use super::world::Known;
use crate::audit::Added;
use crate::availability::dutch_today;
use crate::clock::SharedClock;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::programme::Registry;
use crate::report::{Batch, Fold};
use crate::routing::SharedSnapshot;

/// How often what is over is ended in one go; what is left waits for the next second.
const SWEEPS_MAX: usize = 100;

/// Counts into the matrix.
pub struct MatrixFold {
    /// Where it is kept.
    pub store: Arc<dyn MatrixStore>,
    /// What the gateway serves.
    pub snapshot: SharedSnapshot,
    /// What the programme knows.
    pub register: Arc<Registry>,
    /// Time.
    pub clock: SharedClock,
    /// What others are told.
    pub told: Arc<Told>,
}

/// What is told of the matrix: the alarms that stand, and how far each log is counted by this node.
#[derive(Debug, Default)]
pub struct Told {
    next: watch::Sender<BTreeMap<Arc<str>, u64>>,
    alarms: Mutex<BTreeMap<&'static str, u64>>,
    pruned: Mutex<Option<Date>>,
}

impl Told {
    /// Waits until this node has counted record `index` of a log; for ever when it does not, so give it a deadline.
    pub async fn reached(&self, log: &str, index: u64) {
        let mut next = self.next.subscribe();
        // The sender lives as long as this.
        let _ = next.wait_for(|next| next.get(log).is_some_and(|next| *next > index)).await;
    }

    /// How many combinations have an alarm, by who must act: each of them, also before anything was counted.
    #[must_use]
    pub fn alarmed(&self) -> BTreeMap<&'static str, u64> {
        let mut alarmed = alarms_by_who(std::iter::empty());
        alarmed.extend(self.alarms.lock().unwrap_or_else(PoisonError::into_inner).iter());
        alarmed
    }

    /// Whether nothing was pruned on this day yet; from now on something was.
    fn is_first_of(&self, day: Date) -> bool {
        self.pruned.lock().unwrap_or_else(PoisonError::into_inner).replace(day) != Some(day)
    }
}

impl Fold for MatrixFold {
    fn counted(&self, log: Arc<str>) -> StoreFuture<'_, u64> {
        Box::pin(async move { Ok(self.store.counted().await?.logs.get(&log).map_or(0, |at| at.next)) })
    }

    fn add(&self, batch: Batch) -> StoreFuture<'_, Added> {
        Box::pin(async move {
            let Batch { log, from, next, records } = batch;
            let batch = count::Batch { log: &log, from, next, records: &records };
            // What is over is ended when all logs are counted: another one may tell more of it.
            let added = self.count(Some(batch), Timestamp::MIN).await?;
            if added.is_some() {
                self.told.next.send_modify(|logs| {
                    logs.insert(Arc::clone(&log), next);
                });
            }
            Ok(if added.is_some() { Added::Done } else { Added::Raced })
        })
    }

    fn caught_up(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let now = self.clock.now();
            for _ in 0..SWEEPS_MAX {
                if self.count(None, now).await? != Some(usize::from(DUE_MAX)) {
                    break;
                }
            }
            self.look_at_alarms().await?;
            self.prune(now).await
        })
    }
}

impl MatrixFold {
    /// Counts a batch, if there is one: how many visits were ended or changed; `None` when another node was first.
    async fn count(&self, batch: Option<count::Batch<'_>>, until: Timestamp) -> Result<Option<usize>, StoreError> {
        let register = self.register.read().await.map_err(|_| StoreError)?;
        let known = Known { snapshot: self.snapshot.load_full(), register };
        match count(&*self.store, &known, batch, until).await? {
            Counted::Raced => Ok(None),
            Counted::Done { alarms, visits } => {
                tell(&alarms);
                if alarms != Alarms::default() {
                    self.look_at_alarms().await?;
                }
                Ok(Some(visits))
            }
        }
    }

    /// The alarms that stand, also those that another node raised.
    async fn look_at_alarms(&self) -> Result<(), StoreError> {
        let held = self.store.held(Wanted { alarmed: true, ..Wanted::default() }).await?;
        let standings: Vec<Standing> = held.standings.iter().filter_map(|row| Standing::read(&row.body)).collect();
        *self.told.alarms.lock().unwrap_or_else(PoisonError::into_inner) = alarms_by_who(standings.iter());
        Ok(())
    }

    /// Drops what is older than it is kept, once a day.
    async fn prune(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.told.is_first_of(dutch_today(now)) {
            let kept = SignedDuration::from_hours(24 * i64::from(KEPT_DAYS));
            let oldest = now.checked_sub(kept).unwrap_or(Timestamp::MIN);
            self.store.prune(MonthNumber::of(dutch_today(oldest)), oldest).await?;
        }
        Ok(())
    }
}

/// One line of the technical log for each alarm that began or ended. None names a person.
fn tell(alarms: &Alarms) {
    for (combination, raised) in &alarms.raised {
        let Combination { place, client, service } = combination;
        tracing::error!(
            alarm = "combination_stopped",
            installation = %place.installation, version = %place.version, %client, %service,
            step = %raised.step, code = %raised.code, who = who_acts(&raised.code).as_str(), id = combination.id(),
            "a combination that worked stopped working"
        );
    }
    for (combination, cleared) in &alarms.cleared {
        let Combination { place, client, service } = combination;
        tracing::info!(
            alarm = "combination_stopped",
            installation = %place.installation, version = %place.version, %client, %service,
            step = %cleared.alarm.step, works = cleared.works, id = combination.id(),
            "the alarm of a combination ended"
        );
    }
}
