//! The index of the access log in a node: opened beside the store, filled by a task of its own, and pruned where a node may.
//! The node serves without it; then nobody can search.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::assemble::lock;
use super::chain;
use super::outgoing::Outgoing;
use super::start::StartError;
use super::store::settings;
use crate::audit::{AuditIndex, FileLog, IndexFault, IndexProgress, Indexer, Recent, Verified, verify};
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::monitor::alarms::{Alarm, Alarms};
use crate::monitor::metrics::Metrics;
use crate::store::{ClosedIndex, IndexStore, PostgresIndex, Pruned, SqliteIndex};

/// How often what is older than the retention is dropped.
const PRUNE_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// How often the progress of rebuilding is told.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// The index with what fills it.
pub(super) struct IndexPart {
    index: Arc<dyn IndexStore>,
    progress: Arc<IndexProgress>,
    alarms: Arc<Alarms>,
    dir: PathBuf,
    log: Arc<FileLog>,
    clock: SharedClock,
    /// How long records are kept, where the node drops them.
    retention: Option<SignedDuration>,
    opened: bool,
}

/// The task that fills the index.
pub(super) struct Filling {
    task: JoinHandle<()>,
    stop: CancellationToken,
    index: Arc<dyn IndexStore>,
}

impl IndexPart {
    /// Around an index that was opened; when that failed says so, and the node starts all the same.
    pub(super) fn build(
        config: &Config,
        clock: &SharedClock,
        log: &Arc<FileLog>,
        alarms: Arc<Alarms>,
        opened: Result<Arc<dyn IndexStore>, StartError>,
    ) -> Self {
        let progress = Arc::new(IndexProgress::new(log.durable()));
        if let Err(error) = &opened {
            progress.failed(IndexFault::Closed);
            alarms.raise(Alarm::AuditIndexStopped, &chain(error));
        }
        Self {
            opened: opened.is_ok(),
            index: opened.unwrap_or_else(|_| Arc::new(ClosedIndex)),
            progress,
            alarms,
            dir: config.audit.dir.clone(),
            log: Arc::clone(log),
            clock: Arc::clone(clock),
            retention: matches!(config.store, config::Store::Sqlite(_)).then(|| retention(config)),
        }
    }

    /// What is searched.
    pub(super) fn search(&self) -> Arc<dyn AuditIndex> {
        Arc::clone(&self.index) as _
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Arc<IndexProgress> {
        Arc::clone(&self.progress)
    }

    /// Whether it is filled.
    pub(super) fn health(&self) -> impl Fn() -> Result<(), IndexFault> + Send + Sync + use<> {
        let (index, progress) = (Arc::clone(&self.index), Arc::clone(&self.progress));
        move || progress.health().and_then(|()| index.health().map_err(|_| IndexFault::Store))
    }

    /// Sets its metrics.
    pub(super) fn observe(&self) -> impl Fn(&Metrics) + Send + Sync + use<> {
        let (progress, clock) = (Arc::clone(&self.progress), Arc::clone(&self.clock));
        move |metrics| metrics.observe_audit_index(&progress, clock.now())
    }

    /// Begins to fill it.
    pub(super) fn fill(&self) -> Filling {
        let stop = CancellationToken::new();
        let indexer = Indexer {
            dir: self.dir.clone(),
            log: self.log.id().shared(),
            durable: self.log.durable(),
            recent: self.log.recent(),
            index: self.search(),
            clock: Arc::clone(&self.clock),
            alarms: Arc::clone(&self.alarms),
            progress: Arc::clone(&self.progress),
        };
        let (opened, ended) = (self.opened, stop.clone());
        let task = tokio::spawn(async move {
            if opened {
                indexer.run(ended).await;
            }
        });
        Filling { task, stop, index: Arc::clone(&self.index) }
    }

    /// Drops what is older than the retention, now and from time to time, until `stop`.
    pub(super) fn prune(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        let (index, clock) = (Arc::clone(&self.index), Arc::clone(&self.clock));
        let retention = self.retention.filter(|_| self.opened);
        async move {
            let Some(retention) = retention else { return };
            loop {
                prune(&*index, clock.now(), retention).await;
                if stop.run_until_cancelled(tokio::time::sleep(PRUNE_EVERY)).await.is_none() {
                    return;
                }
            }
        }
    }
}

impl Filling {
    /// Adds what is left, within `grace`, and gives the index to be closed.
    pub(super) async fn finish(self, grace: Duration) -> Arc<dyn IndexStore> {
        self.stop.cancel();
        let abort = self.task.abort_handle();
        if tokio::time::timeout(grace, self.task).await.is_err() {
            tracing::warn!("the audit index is not complete at the end; the next start adds what is left");
            abort.abort();
        }
        self.index
    }
}

async fn prune(index: &dyn IndexStore, now: Timestamp, retention: SignedDuration) {
    match index.prune(before(now, retention)).await {
        Ok(pruned) if pruned.records > 0 => {
            tracing::info!(records = pruned.records, "dropped from the audit index after the retention");
        }
        Ok(_) => {}
        Err(_) => tracing::warn!("the audit index could not be pruned; it is tried again"),
    }
}

/// What happened before this moment is older than the retention.
pub(super) fn before(now: Timestamp, retention: SignedDuration) -> Timestamp {
    now.saturating_sub(retention).unwrap_or(Timestamp::MIN)
}

pub(super) fn retention(config: &Config) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(config.audit.retention_days))
}

/// An index that was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The id of the log.
    pub log: String,
    /// How many of its records are in the index.
    pub records: u64,
}

/// Takes the log of this node out of the index and adds it anew; `told` hears how many records are there, of how many. A file
/// that is damaged or of another release is removed first; nobody may have it in use. A server may be in use by nodes, and the
/// user must be the owner of the tables. Blocks, on a thread of a runtime that may.
///
/// # Errors
/// See [`StartError`].
pub fn rebuild_index(
    config: &Config,
    clock: &SharedClock,
    mut told: impl FnMut(u64, u64),
) -> Result<Rebuilt, StartError> {
    let _data = match &config.store {
        config::Store::Sqlite(_) => Some(lock(&config.node.data)?),
        config::Store::Postgres(_) => None,
    };
    let Verified { records, log, .. } = verify(&config.audit.dir).map_err(StartError::AuditLog)?;
    let index = emptied(config, clock, &log.shared())?;
    let (_durable, receiver) = watch::channel(records);
    let progress = Arc::new(IndexProgress::new(receiver.clone()));
    let indexer = Indexer {
        dir: config.audit.dir.clone(),
        log: log.shared(),
        durable: receiver,
        recent: Recent::default(),
        index: Arc::clone(&index) as _,
        clock: Arc::clone(clock),
        alarms: Arc::default(),
        progress: Arc::clone(&progress),
    };
    let filled = Handle::current().block_on(async {
        let mut filling = std::pin::pin!(indexer.catch_up());
        loop {
            told(progress.next(), records);
            if let Ok(filled) = tokio::time::timeout(TELL_EVERY, &mut filling).await {
                return filled;
            }
        }
    });
    index.close();
    filled.map_err(StartError::Index)?;
    Ok(Rebuilt { log: log.to_string(), records })
}

/// The index without this log.
fn emptied(config: &Config, clock: &SharedClock, log: &Arc<str>) -> Result<Arc<dyn IndexStore>, StartError> {
    let failed = |_| StartError::Index(IndexFault::Store);
    let outgoing = Outgoing::of_store(config)?;
    let index = match (open_index(config, clock, &outgoing), &config.store) {
        (Ok(index), _) => index,
        (Err(error), config::Store::Sqlite(files)) => {
            tracing::warn!(error = chain(&error), "the index cannot be opened and is made anew");
            SqliteIndex::remove(&files.index)
                .map_err(|source| StartError::File { path: files.index.display().to_string(), source })?;
            return open_index(config, clock, &outgoing);
        }
        (Err(error), config::Store::Postgres(_)) => return Err(error),
    };
    Handle::current().block_on(index.forget(Arc::clone(log))).map_err(failed)?;
    Ok(index)
}

/// Drops from the index what is older than the retention. On a server only the owner of the tables may. Blocks, on a thread of
/// a runtime that may.
///
/// # Errors
/// See [`StartError`].
pub fn prune_index(config: &Config, clock: &SharedClock) -> Result<Pruned, StartError> {
    let index = open_index(config, clock, &Outgoing::of_store(config)?)?;
    let pruned = Handle::current().block_on(index.prune(before(clock.now(), retention(config))));
    index.close();
    pruned.map_err(|_| StartError::Index(IndexFault::Store))
}

/// Opens the index that belongs to the store. Blocks, on a thread of a runtime that may.
pub(super) fn open_index(
    config: &Config,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<Arc<dyn IndexStore>, StartError> {
    match &config.store {
        config::Store::Sqlite(files) => Ok(Arc::new(SqliteIndex::open(&files.index)?)),
        config::Store::Postgres(server) => {
            let opening = PostgresIndex::open(settings(config, server, clock, outgoing)?);
            Ok(Arc::new(Handle::current().block_on(opening)?))
        }
    }
}
