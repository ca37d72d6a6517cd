//! The composition root: configuration in, running node out. `build` does all that can fail before a port is used; `run`
//! takes the listeners and the stop signal as arguments.

mod assemble;
mod audit_index;
mod audit_keys;
mod auditors;
mod chain_log;
mod checkpoints;
mod configured;
mod count_anew;
mod explain;
mod faces;
mod figures;
mod his;
mod his_check;
mod known;
mod limits;
pub(crate) mod lists;
mod login;
mod material;
mod matrix;
mod notify;
mod observed;
mod open;
mod operations;
mod outgoing;
mod portals;
mod process;
pub mod reload;
mod revocation;
mod sockets;
mod start;
mod store;
mod syslog;
mod takeover;
mod vitals;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{AuditError, AuditEvent, AuditLog, FileLog, IndexProgress, Kind, Outcome, receipt};
use crate::clock::SharedClock;
use crate::edge::{Counters, EdgeConfig, WorkerError};
use crate::monitor::metrics::Metrics;
use crate::monitor::ready::Readiness;
use crate::report::matrix::fold::Told;
use crate::routes::{AuditorFace, BackFace, FrontFace, OperatorFace};
use crate::routing::SharedSnapshot;
use crate::store::{CachedTokens, IndexStore, Store};
use crate::telemetry::{Sending, Traces};

pub use self::assemble::check;
use self::audit_index::IndexPart;
pub use self::audit_index::{Rebuilt, prune_index, rebuild_index};
use self::audit_keys::AuditKeys;
use self::chain_log::ChainLogPart;
use self::checkpoints::Checkpoints;
pub use self::checkpoints::{LetGo, checkpoint_key, prune_audit, retirement};
pub use self::count_anew::{count_anew, kept_figures};
pub use self::explain::{StandIn, mark, stand_in};
use self::figures::FiguresPart;
pub use self::his_check::{HisCheck, LOG_NAME as HIS_CHECK_LOG, Line, Report, ServiceVerdict, Verdict, his_check};
use self::lists::ListsPart;
pub use self::login::{Whose, openid_party};
pub use self::notify::ServiceManager;
use self::observed::{Observed, monitor, parts, serve_ops};
use self::operations::Operations;
use self::reload::{Cell, Reloader, Reloads};
pub use self::revocation::{FetchListError, FetchedList, WantedList, fetch_list};
use self::sockets::{Sockets, counted, edges};
pub use self::store::{migrate_store, recount_figures};
use self::syslog::SyslogPart;
use self::vitals::Watchman;
pub use start::StartError;

/// How often what has had its time is swept out of the store.
const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// The bound ports of a node.
#[derive(Debug)]
pub struct Listeners {
    /// Browsers.
    pub front: TcpListener,
    /// PGO servers.
    pub back: TcpListener,
    /// Operators.
    pub ops: TcpListener,
    /// Auditors, when the configuration has a desk for them.
    pub auditors: Option<TcpListener>,
    /// Operators, when the configuration has a desk for them.
    pub admin: Option<TcpListener>,
}

/// A node that is built and holds its folders, but serves nothing yet.
pub struct App {
    clock: SharedClock,
    grace: Duration,
    audit: Arc<FileLog>,
    index: IndexPart,
    figures: FiguresPart,
    syslog: SyslogPart,
    checkpoints: Checkpoints,
    audit_keys: AuditKeys,
    watchman: Arc<Watchman>,
    telemetry: (Option<Arc<Traces>>, Option<Sending>),
    chain_log: ChainLogPart,
    store: Arc<dyn Store>,
    tokens: Arc<CachedTokens>,
    lists: ListsPart,
    front: Half<FrontFace>,
    back: Half<BackFace>,
    workers: NonZeroUsize,
    auditors: Option<Half<AuditorFace>>,
    admin: Option<Half<OperatorFace>>,
    operations: Operations,
    metrics: Arc<Metrics>,
    reloader: Reloader,
    _data: crate::audit::FolderLock,
}

struct Half<S> {
    config: EdgeConfig,
    cell: Cell<S>,
    counters: Arc<Counters>,
}

/// How a run ended badly.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A listener cannot be used.
    #[error("a listener cannot be used")]
    Listener(#[from] std::io::Error),
    /// The start cannot be recorded.
    #[error("the audit log does not take the start of the node")]
    Audit(#[from] AuditError),
    /// The lists could not be kept fresh any more; what was left was drained.
    #[error("the lists are not kept fresh")]
    Lists(#[source] std::io::Error),
    /// The data plane ended by itself; what was left was drained.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

/// Handles for whoever runs a node: a test, the sandbox, the command line.
#[derive(Clone)]
pub struct Controls {
    /// Ends the node in order.
    pub stop: CancellationToken,
    /// Makes the node fetch the lists now.
    pub refresh_lists: Arc<Notify>,
    /// How many refreshes of the lists ended so far, well or badly.
    pub refreshes: watch::Receiver<u64>,
    /// What decisions read.
    pub snapshot: SharedSnapshot,
    /// Whether it is ready.
    pub readiness: Arc<Readiness>,
    /// Cancelled when the node serves.
    pub serving: CancellationToken,
    /// Makes the node read its configuration again.
    pub reloads: Reloads,
    /// How far the log is in its index.
    pub indexed: Arc<IndexProgress>,
    /// The figures of the programme, as this node counts them with the others.
    pub figures: crate::report::Desk,
    /// How far it is counted into the matrix of combinations.
    pub counted: Arc<Told>,
}

impl App {
    /// Handles for this node.
    #[must_use]
    pub fn controls(&self) -> Controls {
        Controls {
            stop: CancellationToken::new(),
            refresh_lists: Arc::clone(&self.lists.wake),
            refreshes: self.lists.ended.subscribe(),
            snapshot: Arc::clone(self.lists.snapshot()),
            readiness: Arc::clone(&self.operations.readiness),
            serving: CancellationToken::new(),
            reloads: self.reloader.reloads(),
            indexed: self.index.progress(),
            figures: self.operations.figures.clone(),
            counted: Arc::clone(&self.operations.matrix.told),
        }
    }

    /// Begins what needs nothing but itself.
    fn begin(&self, background: &TaskTracker, stop: &CancellationToken) {
        let shared = self.reloader.shared();
        background.spawn(Arc::clone(&shared.admissions).keep_tidy(stop.clone()));
        background.spawn(self.audit_keys.clone().keep(self.lists.alarms(), stop.clone()));
        background.spawn(Arc::clone(&self.tokens).keep_tidy(stop.clone()));
        self.checkpoints.feed(background, stop);
        background.spawn(self.chain_log.clone().deliver(stop.clone()));
        background.spawn(sweep(Arc::clone(&self.store), Arc::clone(&self.clock), stop.clone()));
        background.spawn(self.index.prune(stop.clone()));
        background.spawn(self.figures.keep(stop.clone()));
        background.spawn(self.operations.matrix.count(self.index.search(), stop.clone()));
        background.spawn(Arc::clone(&self.watchman).keep(stop.clone()));
        self.metrics.started(self.clock.now());
    }

    /// Serves until `controls.stop`, then drains: open requests finish within the grace period, the log is closed last. The
    /// back channel is served by threads of its own, everything else by the runtime that this runs on.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn run(self, listeners: Listeners, controls: Controls) -> Result<(), RunError> {
        let background = TaskTracker::new();
        self.begin(&background, &controls.stop);
        // The lock on the data folder stays in `self`, to the end.
        let Self {
            clock,
            grace,
            audit,
            checkpoints,
            watchman,
            telemetry: (traces, sending),
            index,
            syslog,
            chain_log,
            store,
            lists,
            front,
            back,
            workers,
            auditors,
            admin,
            operations,
            metrics,
            reloader,
            ..
        } = self;
        let (sockets, ops) = Sockets::of(listeners, workers)?;
        let counted = counted(&front, &back, auditors.as_ref(), admin.as_ref());
        let kept = (&index, &syslog, &operations.matrix);
        let observed = Observed::new(counted, reloader.endpoints(), kept, &checkpoints, &watchman, traces);
        let monitor = monitor(&operations, &metrics, &audit, &store, &chain_log, &lists, observed);
        // It outlives the drain, so that readiness can tell of it.
        let drained = CancellationToken::new();
        background.spawn(serve_ops(ops, monitor, drained.clone()));
        sending.map(|sending| background.spawn(sending.run(drained.clone())));
        let refusals = Arc::clone(&reloader.shared().admissions.refusals);
        let keeping = background.spawn(lists.keep(&metrics, controls.stop.clone()));
        operations::follow(&operations, &background, &controls.stop).await;
        let (filling, sending) = (index.fill(), syslog.send());
        let mut served = Ok(());
        if controls.stop.run_until_cancelled(lists.loaded.cancelled()).await.is_some() {
            record(&*audit, &clock, Kind::NodeStarted).await?;
            reloader.record_start().await?;
            background.spawn(reloader.keep(controls.stop.clone()));
            let parts = parts(&audit, &checkpoints, &watchman, (&index, &operations.figures), &store, &lists);
            operations.readiness.serve(parts);
            controls.serving.cancel();
            tracing::info!("serving");
            let faces = edges((front, back, auditors, admin), &clock, grace, &operations.readiness.aside());
            served = sockets.serve(faces, &controls.stop, &operations.readiness).await;
        }
        drained.cancel();
        background.close();
        background.wait().await;
        chain_log.finish().await;
        refusals.record(true);
        stop_log(&audit, &checkpoints, &clock).await?;
        let (index, ()) = tokio::join!(filling.finish(grace), sending.finish(grace));
        close(store, index, audit).await?;
        keeping.await.map_err(std::io::Error::other).and_then(|kept| kept).map_err(RunError::Lists)?;
        served
    }
}

/// All wait for the disk.
async fn close(store: Arc<dyn Store>, index: Arc<dyn IndexStore>, audit: Arc<FileLog>) -> std::io::Result<()> {
    let close = move || (store.close(), index.close(), audit.close());
    tokio::task::spawn_blocking(close).await.map(|_| ()).map_err(std::io::Error::other)
}

/// Records the end, and puts that under a checkpoint, also when the log takes no records any more.
async fn stop_log(audit: &Arc<FileLog>, checkpoints: &Checkpoints, clock: &SharedClock) -> Result<(), AuditError> {
    checkpoints.end_keeping().await;
    let recorded = record(&**audit, clock, Kind::NodeStopped).await;
    checkpoints.finish().await;
    recorded
}

async fn record(audit: &dyn AuditLog, clock: &SharedClock, kind: Kind) -> Result<(), AuditError> {
    let mut event = AuditEvent::new(clock.now(), kind, Outcome::Done);
    event.detail = Some(concat!("inzage ", env!("CARGO_PKG_VERSION")).into());
    receipt(audit.append(&event)?).await.map(|_| ())
}

async fn sweep(store: Arc<dyn Store>, clock: SharedClock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
        if store.sweep(clock.now()).await.is_err() {
            tracing::warn!("the store could not be swept; it is tried again");
        }
    }
}

/// An error with its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
