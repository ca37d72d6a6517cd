//! Counts who looked, how requests ended and how long they took.

mod delta;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::delta::Gathering;
use super::closing;
use super::counter::{Batch, Fold};
use super::ledger::Ledger;
use super::people::{CountingKey, Mark};
use super::progress::CountProgress;
use crate::audit::{Added, AuditIndex, Keyring, Kind, Outcome, Record, SealedBsn, Word};
use crate::clock::SharedClock;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::programme::Registry;

/// The name of this fold in the store.
pub const USAGE: &str = "usage";
/// How many records are read at a time to find intents before a batch.
const BACK: u16 = 256;

/// The fold of the usage.
pub struct UsageFold {
    /// Where it is kept.
    pub ledger: Arc<Ledger>,
    /// Where intents are found.
    pub index: Arc<dyn AuditIndex>,
    /// Opens the BSN of a record.
    pub keyring: Arc<Keyring>,
    /// Makes marks.
    pub key: CountingKey,
    /// The practices, for what is kept of a closed month.
    pub register: Arc<Registry>,
    /// The time at which months are closed.
    pub clock: SharedClock,
    /// What others are told.
    pub progress: Arc<CountProgress>,
}

impl Fold for UsageFold {
    fn counted(&self, log: Arc<str>) -> StoreFuture<'_, u64> {
        self.ledger.store().counted(USAGE, log)
    }

    fn add(&self, batch: Batch) -> StoreFuture<'_, Added> {
        Box::pin(async move {
            let state = self.ledger.store().usage_state().await?;
            let intents = self.intents(&batch).await?;
            let mut gathering = Gathering::new(state, &intents);
            batch.records.iter().for_each(|record| gathering.take(record, |sealed| self.mark(sealed)));
            let (delta, unnamed) = gathering.delta(&batch);
            let added = self.ledger.store().add_usage(delta).await?;
            if added == Added::Done {
                self.progress.unnamed(unnamed);
            }
            Ok(added)
        })
    }

    fn caught_up(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            closing::close_months(&self.ledger, &self.register, self.clock.now()).await.map_err(|error| {
                tracing::error!(%error, "a month is not closed");
                StoreError
            })
        })
    }
}

impl UsageFold {
    fn mark(&self, sealed: &SealedBsn) -> Option<Mark> {
        self.keyring.open(sealed).map(|person| self.key.mark(&person))
    }

    /// When the intents of the outcomes of a batch happened, those before the batch too.
    async fn intents(&self, batch: &Batch) -> Result<BTreeMap<u64, Timestamp>, StoreError> {
        let mut times: BTreeMap<u64, Timestamp> = batch.records.iter().filter_map(intent).collect();
        let answered = batch.records.iter().filter(|record| ended_well(record)).filter_map(|record| record.intent);
        let mut wanted: Vec<u64> = answered.filter(|intent| *intent < batch.from).collect();
        wanted.sort_unstable();
        let mut read_to = 0;
        for index in wanted {
            if index < read_to {
                continue;
            }
            let found = self.index.records(Arc::clone(&batch.log), index, BACK).await?;
            let records = found.iter().filter_map(|one| Record::parse(one.index, &one.payload).ok());
            times.extend(records.filter_map(|record| intent(&record)));
            read_to = found.last().map_or(index, |last| last.index) + 1;
        }
        Ok(times)
    }
}

fn intent(record: &Record) -> Option<(u64, Timestamp)> {
    (record.kind == Word::Known(Kind::DisclosureIntent)).then_some((record.index, record.time))
}

fn ended_well(record: &Record) -> bool {
    record.kind == Word::Known(Kind::DisclosureOutcome) && record.outcome == Word::Known(Outcome::Done)
}
