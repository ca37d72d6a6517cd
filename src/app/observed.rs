//! What operators see of a node: the parts of readiness, the figures that are read with the metrics, and the face that shows
//! them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use super::audit_index::IndexPart;
use super::chain_log::ChainLogPart;
use super::checkpoints::Checkpoints;
use super::his;
use super::lists::ListsPart;
use super::matrix::MatrixPart;
use super::operations::Operations;
use super::syslog::SyslogPart;
use super::vitals::Watchman;
use crate::audit::{AuditLog, FileLog};
use crate::edge::Counters;
use crate::edge::counters::{HandshakeFailure, TimedOut};
use crate::monitor::http::Monitor;
use crate::monitor::metrics::{Face, FaceFigures, Metrics};
use crate::monitor::ready::Parts;
use crate::report::Desk;
use crate::store::Store;
use crate::telemetry::Traces;

/// How long the operations face may take for its last answers.
const OPS_GRACE: Duration = Duration::from_secs(1);

/// What readiness looks at.
pub(super) fn parts(
    audit: &Arc<FileLog>,
    checkpoints: &Checkpoints,
    watchman: &Arc<Watchman>,
    (index, figures): (&IndexPart, &Desk),
    store: &Arc<dyn Store>,
    lists: &ListsPart,
) -> Parts {
    let (store, signing, watching) = (Arc::clone(store), checkpoints.clone(), checkpoints.clone());
    let (watchman, counting) = (Arc::clone(watchman), figures.progress());
    Parts {
        audit: Arc::clone(audit) as Arc<dyn AuditLog>,
        audit_index: Box::new(index.health()),
        figures: Box::new(move || counting.health()),
        checkpoints: Box::new(move || signing.fault()),
        alarms: Box::new(move || watching.alarms()),
        lists: Box::new(lists.watch()),
        store: Box::new(move || store.health()),
        vitals: Box::new(move || watchman.look()),
    }
}

/// What is counted elsewhere and read with the metrics.
pub(super) struct Observed {
    faces: Vec<(Face, Arc<Counters>)>,
    his: Arc<ArcSwap<Vec<his::Observed>>>,
    index: Box<dyn Fn(&Metrics) + Send + Sync>,
    syslog: Box<dyn Fn(&Metrics) + Send + Sync>,
    matrix: Box<dyn Fn(&Metrics) + Send + Sync>,
    checkpoints: Checkpoints,
    watchman: Arc<Watchman>,
    traces: Option<Arc<Traces>>,
}

impl Observed {
    pub(super) fn new(
        faces: Vec<(Face, Arc<Counters>)>,
        his: Arc<ArcSwap<Vec<his::Observed>>>,
        (index, syslog, matrix): (&IndexPart, &SyslogPart, &MatrixPart),
        checkpoints: &Checkpoints,
        watchman: &Arc<Watchman>,
        traces: Option<Arc<Traces>>,
    ) -> Self {
        Self {
            traces,
            watchman: Arc::clone(watchman),
            faces,
            his,
            index: Box::new(index.observe()),
            syslog: Box::new(syslog.observe()),
            matrix: Box::new(matrix.observe()),
            checkpoints: checkpoints.clone(),
        }
    }
}

/// What the operations face shows.
pub(super) fn monitor(
    operations: &Operations,
    metrics: &Arc<Metrics>,
    audit: &Arc<FileLog>,
    store: &Arc<dyn Store>,
    chain_log: &ChainLogPart,
    lists: &ListsPart,
    observed: Observed,
) -> Monitor {
    let (audit, store, lists) = (Arc::clone(audit), Arc::clone(store), lists.watch());
    let (chain_log, state) = (chain_log.clone(), Arc::clone(&operations.readiness));
    let figures = operations.figures.clone();
    let observe = move |metrics: &Metrics| {
        if let Some(figures) = store.pool() {
            metrics.observe_store(&figures);
        }
        metrics.observe(audit.health().is_ok());
        observed.faces.iter().for_each(|(face, counters)| metrics.observe_face(*face, &counted(counters)));
        metrics.observe_vitals(&observed.watchman.look(), state.report().ready);
        if let Some(traces) = &observed.traces {
            let counts = traces.counts();
            let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
            metrics.observe_traces([
                ("sent", count(&counts.sent)),
                ("dropped", count(&counts.dropped)),
                ("refused", count(&counts.refused)),
            ]);
        }
        metrics.observe_process(&super::process::figures(observed.faces.iter().flat_map(|(_, face)| face.runtimes())));
        let lists = lists();
        metrics.observe_lists(&lists);
        metrics.observe_alarms(&[lists.alarms, observed.checkpoints.alarms()].concat());
        observed.checkpoints.observe(metrics);
        chain_log.observe(metrics);
        (observed.index)(metrics);
        metrics.observe_figures(&figures.progress(), figures.now());
        (observed.syslog)(metrics);
        (observed.matrix)(metrics);
        let his = observed.his.load();
        his.iter().for_each(|endpoint| endpoint.observe(metrics));
        metrics.keep_only_his(&his.iter().map(|one| (one.his.as_str(), one.endpoint)).collect());
    };
    Monitor { readiness: Arc::clone(&operations.readiness), metrics: Arc::clone(metrics), observe: Arc::new(observe) }
}

/// What a listener counted.
fn counted(counters: &Counters) -> FaceFigures {
    FaceFigures {
        open: counters.open(),
        accepted: counters.accepted(),
        over_cap: counters.refused_over_cap(),
        broken: counters.broken(),
        requests: counters.requests(),
        refused: counters.refused_requests(),
        distrusted: counters.distrusted_peers(),
        panics: counters.panics(),
        handshakes_failed: HandshakeFailure::ALL.map(|kind| (kind.as_str(), counters.handshakes_failed(kind))),
        timed_out: TimedOut::ALL.map(|kind| (kind.as_str(), counters.timed_out(kind))),
    }
}

/// Serves the operations face until `stop`.
pub(super) async fn serve_ops(listener: tokio::net::TcpListener, monitor: Monitor, stop: CancellationToken) {
    let router = crate::monitor::http::router(monitor);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    // Nobody holds up the end of the node by half a request.
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(OPS_GRACE).await;
    };
    tokio::select! {
        ended = served.into_future() => if let Err(error) = ended {
            tracing::error!(%error, "the operations face ended");
        },
        () = overdue => {}
    }
}
