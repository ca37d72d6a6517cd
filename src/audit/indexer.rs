//! Follows the log of this node into the index. What is not in the memory of the log any more it reads from the files, so that
//! neither a crash nor a store that is away loses a record, and nobody who appends waits for it.

mod source;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use source::Source;

use super::{Added, AuditIndex, Broken, IndexBatch, IndexFault, IndexPosition, IndexProgress, ReadError, Recent, Why};
use crate::background::Aside;
use crate::clock::SharedClock;
use crate::monitor::alarms::{Alarm, Alarms};
use crate::oauth::store::StoreError;

/// How long records gather before they are added, also while they keep coming: each batch is a commit. Behind a log that is far
/// ahead the indexer rests after each batch for as long as it worked, so that it takes half a processor at most from those who
/// answer requests.
const GATHER: Duration = Duration::from_millis(100);
/// How long a failure is waited out, first and at most.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What follows one log into an index.
pub struct Indexer {
    /// The folder of the log.
    pub dir: PathBuf,
    /// Its id.
    pub log: Arc<str>,
    /// How many of its records are durable.
    pub durable: watch::Receiver<u64>,
    /// The newest of them, when the log runs in this process.
    pub recent: Recent,
    /// Where they are searched.
    pub index: Arc<dyn AuditIndex>,
    /// The time, for what is told of the lag.
    pub clock: SharedClock,
    /// Where a log that the index does not belong to is told.
    pub alarms: Arc<Alarms>,
    /// What others are told.
    pub progress: Arc<IndexProgress>,
}

/// Why a walk over the log ended before its end.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(ReadError),
    #[error("records that the index does not have were removed after their retention; rebuilding it begins after them")]
    Removed,
    #[error("the index and the log of this folder do not belong together")]
    Diverged,
    #[error("the thread that reads the log cannot be used")]
    Thread(#[from] std::io::Error),
}

impl From<ReadError> for Interrupted {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Broken(Broken { why: Why::Pruned, .. }) => Self::Removed,
            error @ (ReadError::Broken(_) | ReadError::Io { .. }) => Self::Log(error),
        }
    }
}

impl Interrupted {
    const fn fault(&self) -> IndexFault {
        match self {
            Self::Store(_) => IndexFault::Store,
            Self::Log(_) | Self::Removed | Self::Thread(_) => IndexFault::Log,
            Self::Diverged => IndexFault::Diverged,
        }
    }
}

impl Indexer {
    /// Follows the log until `stop`, and then to its end. A failure of the store or of the log is waited out; an index that holds
    /// another log under this name is left as it is, because only a person can say which of the two is right.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE;
        loop {
            let before = self.progress.next();
            let Err(interrupted) = self.follow(&stop).await else { return };
            self.progress.failed(interrupted.fault());
            if matches!(interrupted, Interrupted::Diverged | Interrupted::Removed) {
                self.alarms.raise(Alarm::AuditIndexStopped, &interrupted.to_string());
                return;
            }
            tracing::warn!(error = %interrupted, "the audit index falls behind; it is tried again");
            pause = if self.progress.next() > before { PAUSE } else { PAUSE_MAX.min(pause * 2) };
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Adds what is durable now, and no more.
    ///
    /// # Errors
    /// When the store or the log fails, or the index holds another log under this name.
    pub async fn catch_up(&self) -> Result<(), IndexFault> {
        let stop = CancellationToken::new();
        stop.cancel();
        self.follow(&stop).await.map_err(|interrupted| {
            tracing::error!(error = %interrupted, "the audit index cannot be filled");
            interrupted.fault()
        })
    }

    /// From where the index is until `stop`, and then to the end of the log.
    async fn follow(&self, stop: &CancellationToken) -> Result<(), Interrupted> {
        let mut durable = self.durable.clone();
        let aside = Aside::start("inzage-indexer")?;
        let mut source = self.begin(&aside).await?;
        loop {
            let (seen, began) = (self.clock.now(), self.clock.monotonic());
            let known = *durable.borrow_and_update();
            let stopping = stop.is_cancelled();
            let (rest, batch) = aside.run(move || source.batch(known)).await??;
            source = rest;
            match batch {
                Some(batch) => {
                    let full = batch.entries.len() >= source::RECORDS;
                    source = self.add(&aside, source, batch).await?;
                    if !stopping {
                        let took = self.clock.monotonic().saturating_duration_since(began);
                        stop.run_until_cancelled(tokio::time::sleep(if full { took } else { GATHER })).await;
                    }
                }
                None if stopping => return Ok(()),
                None => {
                    self.progress.caught_up(seen);
                    self.wait(&mut durable, stop).await?;
                }
            }
        }
    }

    /// Waits for more records, and a little for those that come with them.
    async fn wait(&self, durable: &mut watch::Receiver<u64>, stop: &CancellationToken) -> Result<(), Interrupted> {
        if let Some(changed) = stop.run_until_cancelled(durable.changed()).await {
            changed.map_err(|_| std::io::Error::other("the log ended before its index"))?;
            stop.run_until_cancelled(tokio::time::sleep(GATHER)).await;
        }
        Ok(())
    }

    /// Adds a batch. When somebody else was first, goes on where the index is now.
    async fn add(&self, aside: &Aside, source: Source, batch: IndexBatch) -> Result<Source, Interrupted> {
        let (next, count) = (batch.next(), batch.entries.len());
        let unreadable = batch.entries.iter().filter(|entry| !entry.readable).count();
        let newest = batch.entries.last().map(|entry| entry.time);
        match self.index.add(batch).await? {
            Added::Done => {
                self.progress.added(next, newest, count, unreadable);
                Ok(source)
            }
            Added::Raced => {
                tracing::warn!(log = &*self.log, "somebody else fills the audit index from this log");
                self.begin(aside).await
            }
        }
    }

    /// Looks where the index is, and whether what it has came from this log.
    async fn begin(&self, aside: &Aside) -> Result<Source, Interrupted> {
        let position = self.index.position(Arc::clone(&self.log)).await?;
        let (dir, log, durable) = (self.dir.clone(), Arc::clone(&self.log), *self.durable.borrow());
        let source = aside.run(move || Source::open(&dir, log, position, durable)).await??;
        let source = source.ok_or(Interrupted::Diverged)?.beside(self.recent.clone());
        self.progress.began(position.map_or(0, |IndexPosition { next, .. }| next), source.newest());
        Ok(source)
    }
}
