//! Reads the audit index in the order of each log, and hands what it reads to folds. Every node does so at the same time: a fold
//! adds a batch only when its log is still where the batch begins, so whoever is quicker counts it, and nobody counts it twice.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::progress::{CountFault, CountProgress};
use crate::audit::{Added, AuditIndex, Indexed, RECORDS_MAX, Record, RecordError};
use crate::clock::SharedClock;
use crate::oauth::store::StoreFuture;

/// How long records gather before they are counted.
const EVERY: Duration = Duration::from_secs(1);
/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Something that is worked out from the records of all logs, and kept in the store.
pub trait Fold: Send + Sync + 'static {
    /// The index of the first record of a log that it has not counted.
    fn counted(&self, log: Arc<str>) -> StoreFuture<'_, u64>;

    /// Counts a batch, and moves the position of its log: both in one change of the store, or neither. A batch does not need to be
    /// cut where another node cut it.
    fn add(&self, batch: Batch) -> StoreFuture<'_, Added>;

    /// Everything that is in the index is counted: what is done from time to time is done now.
    fn caught_up(&self) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Records of one log, in its order.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The id of the log.
    pub log: Arc<str>,
    /// Where the fold is.
    pub from: u64,
    /// Where it is after the batch. Records between that are not here were pruned, or are none that any release wrote.
    pub next: u64,
    /// The records. Each names its log as its source.
    pub records: Vec<Record>,
}

/// Counts until it is stopped.
pub struct Counter {
    /// What is counted.
    pub index: Arc<dyn AuditIndex>,
    /// What it is counted into. One that fails does not hold up the others.
    pub folds: Vec<Arc<dyn Fold>>,
    /// The time, for what is told of the lag.
    pub clock: SharedClock,
    /// What others are told.
    pub progress: Arc<CountProgress>,
}

/// How a fold took up what there was.
enum Took {
    All,
    /// It was stopped, or another node was quicker again and again.
    Some,
}

impl Counter {
    /// Counts what comes into the index until `stop`, each second. What fails is tried again, less and less often.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = EVERY;
        loop {
            pause = match self.round(&stop).await {
                Ok(()) => EVERY,
                Err(fault) => {
                    tracing::warn!(error = %fault, "records are not counted; it is tried again");
                    PAUSE_MAX.min(pause * 2)
                }
            };
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Counts everything that is in the index now.
    ///
    /// # Errors
    /// The first of the faults of its folds.
    pub async fn round(&self, stop: &CancellationToken) -> Result<(), CountFault> {
        let seen = self.clock.now();
        let (mut fault, mut all) = (None, true);
        for fold in &self.folds {
            match self.take_up(&**fold, stop).await {
                Ok(Took::All) => {}
                Ok(Took::Some) => all = false,
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        match fault {
            Some(fault) => {
                self.progress.failed(fault);
                Err(fault)
            }
            None => {
                if all {
                    self.progress.caught_up(seen);
                }
                Ok(())
            }
        }
    }

    async fn take_up(&self, fold: &dyn Fold, stop: &CancellationToken) -> Result<Took, CountFault> {
        let mut logs = self.index.logs().await.map_err(|_| CountFault::Index)?;
        logs.sort_unstable();
        for log in logs {
            if let Took::Some = self.follow(fold, log.into(), stop).await? {
                return Ok(Took::Some);
            }
        }
        fold.caught_up().await.map_err(|_| CountFault::Store)?;
        Ok(Took::All)
    }

    async fn follow(&self, fold: &dyn Fold, log: Arc<str>, stop: &CancellationToken) -> Result<Took, CountFault> {
        loop {
            let began = self.clock.monotonic();
            let from = fold.counted(Arc::clone(&log)).await.map_err(|_| CountFault::Store)?;
            let position = self.index.position(Arc::clone(&log)).await.map_err(|_| CountFault::Index)?;
            let end = position.map_or(0, |position| position.next);
            if from >= end {
                return Ok(Took::All);
            }
            self.progress.is_behind(end - from);
            let found = self.index.records(Arc::clone(&log), from, RECORDS_MAX).await;
            let batch = self.batch(&log, from, end, &found.map_err(|_| CountFault::Index)?)?;
            let full = batch.next < end;
            if fold.add(batch).await.map_err(|_| CountFault::Store)? == Added::Raced {
                self.progress.raced();
                return Ok(Took::Some);
            }
            // Behind an index that is far ahead it rests for as long as it worked.
            let took = if full { self.clock.monotonic().saturating_duration_since(began) } else { Duration::ZERO };
            if stop.run_until_cancelled(tokio::time::sleep(took)).await.is_none() {
                return Ok(Took::Some);
            }
        }
    }

    /// What was found, up to what only a later release can read.
    fn batch(&self, log: &Arc<str>, from: u64, end: u64, found: &[Indexed]) -> Result<Batch, CountFault> {
        let (mut records, mut unreadable, mut next) = (Vec::with_capacity(found.len()), 0, from);
        for Indexed { index, payload } in found {
            match Record::parse(*index, payload) {
                Ok(record) => records.push(Record { source: Some(Arc::clone(log)), ..record }),
                Err(RecordError::Version { .. }) if next == from => return Err(CountFault::LaterRelease),
                Err(RecordError::Version { .. }) => break,
                Err(RecordError::Form { .. } | RecordError::Member { .. }) => unreadable += 1,
            }
            next = index.saturating_add(1);
        }
        if found.is_empty() {
            next = end;
        }
        self.progress.counted(records.len(), unreadable);
        Ok(Batch { log: Arc::clone(log), from, next, records })
    }
}
