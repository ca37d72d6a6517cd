//! Every metric, with unit and label set. Labels come from closed sets, so their number is bounded; none holds personal data.

mod audit_index;
mod audit_syslog;
mod chain_log;
mod checkpoints;
mod clients;
mod faces;
mod figures;
mod his;
mod keeping;
mod matrix;
mod reloads;
mod routes;
mod steps;
mod vitals;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use self::audit_index::AuditIndexMetrics;
use self::audit_syslog::AuditSyslogMetrics;
use self::chain_log::ChainLogMetrics;
use self::checkpoints::CheckpointMetrics;
pub use self::checkpoints::{Signed, Witnessed};
use self::clients::ClientMetrics;
pub use self::faces::FaceFigures;
use self::faces::FaceMetrics;
use self::figures::FiguresMetrics;
use self::his::HisMetrics;
use self::keeping::KeepingMetrics;
pub use self::keeping::{Kept, Pruned};
use self::matrix::MatrixMetrics;
pub use self::reloads::ReloadMetrics;
pub use self::routes::Route;
use self::routes::Routes;
use self::steps::StepMetrics;
pub use self::vitals::ProcessFigures;
use self::vitals::VitalsMetrics;
use super::alarms::{Alarm, Raised};
use super::ready::ListsState;
use super::vitals::Vitals;
use crate::audit::{IndexProgress, Kind, Outcome, SyslogCounts};
use crate::chainlog::Counts;
use crate::his::Figures;
use crate::lists::ListKind;
use crate::oauth::store::{PoolFigures, StoreFailures};
use crate::report::CountProgress;
use crate::report::matrix::fold::Told;
use crate::trace::Passage;

/// A listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// Browsers.
    Front,
    /// PGO servers.
    Back,
    /// Auditors.
    Auditors,
    /// Operators.
    Operators,
}

impl Face {
    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Back => "back",
            Self::Auditors => "auditors",
            Self::Operators => "operators",
        }
    }
}

impl EncodeLabelValue for Face {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListLabel {
    list: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlarmLabel {
    alarm: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    outcome: &'static str,
    reason: &'static str,
}

/// An answer that may be of another person. There from the start: to Prometheus the first sample of a series is no increase, so the
/// first of them would wake nobody.
const WITHHELD: EndLabels = EndLabels { outcome: Outcome::Failed.as_str(), reason: "his-answer-unfit" };

/// The metrics of a node.
pub struct Metrics {
    registry: Registry,
    routes: Routes,
    list_age: Family<ListLabel, Gauge<f64, AtomicU64>>,
    list_sequence: Family<ListLabel, Gauge<u64, AtomicU64>>,
    in_grace: Gauge,
    alarms: Family<AlarmLabel, Gauge>,
    list_refreshes: Family<ResultLabel, Counter>,
    audit_ready: Gauge,
    disclosures: Family<EndLabels, Counter>,
    /// Those of `disclosures` that ended well, which nearly all do.
    disclosed: Counter,
    submissions: Family<EndLabels, Counter>,
    faces: FaceMetrics,
    store_connections: Family<StateLabel, Gauge>,
    store_waits: Counter,
    store_failures: Family<ReasonLabel, Counter>,
    audit_index: AuditIndexMetrics,
    figures: FiguresMetrics,
    audit_syslog: AuditSyslogMetrics,
    chain_log: ChainLogMetrics,
    checkpoints: CheckpointMetrics,
    his: HisMetrics,
    keeping: KeepingMetrics,
    matrix: MatrixMetrics,
    reloads: ReloadMetrics,
    clients: ClientMetrics,
    steps: StepMetrics,
    vitals: VitalsMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaceLabel {
    face: Face,
}

impl Default for Metrics {
    fn default() -> Self {
        let disclosures = Family::<EndLabels, Counter>::default();
        let disclosed = disclosures.get_or_create_owned(&EndLabels { outcome: Outcome::Done.as_str(), reason: "" });
        let submissions = Family::<EndLabels, Counter>::default();
        for family in [&disclosures, &submissions] {
            drop(family.get_or_create(&WITHHELD));
        }
        let mut metrics = Self {
            registry: Registry::with_prefix("inzage"),
            routes: Routes::default(),
            list_age: Family::default(),
            list_sequence: Family::default(),
            in_grace: Gauge::default(),
            alarms: Family::default(),
            list_refreshes: Family::default(),
            audit_ready: Gauge::default(),
            disclosures,
            disclosed,
            submissions,
            faces: FaceMetrics::default(),
            store_connections: Family::default(),
            store_waits: Counter::default(),
            store_failures: Family::default(),
            audit_index: AuditIndexMetrics::default(),
            figures: FiguresMetrics::default(),
            audit_syslog: AuditSyslogMetrics::default(),
            chain_log: ChainLogMetrics::default(),
            checkpoints: CheckpointMetrics::default(),
            his: HisMetrics::default(),
            keeping: KeepingMetrics::default(),
            matrix: MatrixMetrics::default(),
            reloads: ReloadMetrics::default(),
            clients: ClientMetrics::default(),
            steps: StepMetrics::default(),
            vitals: VitalsMetrics::default(),
        };
        metrics.register();
        metrics.observe_store(&PoolFigures::default());
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        self.routes.register(registry);
        let help = "Time since the publisher last gave each MedMij list in force";
        registry.register_with_unit("lists_age", help, Unit::Seconds, self.list_age.clone());
        registry.register("lists_sequence", "Number of each MedMij list in force", self.list_sequence.clone());
        let help = "Services served that the ZAL no longer names";
        registry.register("lists_in_grace", help, self.in_grace.clone());
        registry.register("alarm", "1 while it needs an operator, else 0", self.alarms.clone());
        registry.register("lists_refreshes", "Refreshes of the lists by result", self.list_refreshes.clone());
        registry.register("audit_ready", "1 when access can be recorded, else 0", self.audit_ready.clone());
        let help = "Disclosures by how they ended, and why when not well";
        registry.register("disclosures", help, self.disclosures.clone());
        let help = "Resources that persons shared by how that ended, and why when not well";
        registry.register("submissions", help, self.submissions.clone());
        self.faces.register(registry);
        let help = "Connections to the database server by state; awaited: operations that wait for one";
        registry.register("store_connections", help, self.store_connections.clone());
        let help = "Operations of the store that found no free connection";
        registry.register("store_waits", help, self.store_waits.clone());
        registry.register("store_failures", "Failed operations of the store by reason", self.store_failures.clone());
        self.audit_index.register(registry);
        self.figures.register(registry);
        self.audit_syslog.register(registry);
        self.matrix.register(registry);
        self.chain_log.register(registry);
        self.checkpoints.register(registry);
        self.his.register(registry);
        self.keeping.register(registry);
        self.reloads.register(registry);
        self.clients.register(registry);
        self.steps.register(registry);
        self.vitals.register(registry);
    }

    /// An answer went out.
    pub fn answered(&self, route: Route, status: u16, took: Duration) {
        self.routes.answered(route, status, took);
    }

    /// A request went its way: what each step of it took, and whose it was.
    pub fn passed(&self, route: Route, status: u16, passage: &Passage, took: Duration) {
        self.steps.passed(passage);
        self.clients.answered(passage.client(), route.as_str(), status, passage.is_timed().then_some(took));
    }

    /// A disclosure, or the submission of one resource, ended.
    pub fn ended(&self, kind: Kind, outcome: Outcome, reason: Option<&'static str>) {
        if (kind, outcome, reason) == (Kind::DisclosureOutcome, Outcome::Done, None) {
            self.disclosed.inc();
            return;
        }
        let ends = if kind == Kind::SubmissionOutcome { &self.submissions } else { &self.disclosures };
        let labels = EndLabels { outcome: outcome.as_str(), reason: reason.unwrap_or_default() };
        ends.get_or_create(&labels).inc();
    }

    /// A refresh of the lists ended.
    pub fn lists_refreshed(&self, result: &'static str) {
        self.list_refreshes.get_or_create(&ResultLabel { result }).inc();
    }

    /// Sets what is measured at the moment of reading.
    pub fn observe(&self, audit_ready: bool) {
        self.audit_ready.set(i64::from(audit_ready));
    }

    /// Sets what a listener counted.
    pub fn observe_face(&self, face: Face, figures: &FaceFigures) {
        self.faces.observe(face, figures);
    }

    /// The node was started.
    pub fn started(&self, at: Timestamp) {
        self.vitals.started(at);
    }

    /// Sets what the node says of itself, and whether it is ready.
    pub fn observe_vitals(&self, vitals: &Vitals, ready: bool) {
        self.vitals.observe(vitals, ready);
    }

    /// Sets what the system says of the process.
    pub fn observe_process(&self, figures: &ProcessFigures) {
        self.vitals.observe_process(figures);
    }

    /// Sets what became of the requests whose trace was to be kept.
    pub fn observe_traces(&self, ends: [(&'static str, u64); 3]) {
        self.vitals.observe_traces(ends);
    }

    /// Sets how the lists are at the moment of reading.
    pub fn observe_lists(&self, state: &ListsState) {
        for list in ListKind::ALL {
            let (label, each) = (ListLabel { list: list.as_str() }, state.lists.map(|lists| *lists.of(list)));
            self.list_age.get_or_create(&label).set(each.map_or(f64::NAN, |each| each.age.as_secs_f64()));
            self.list_sequence.get_or_create(&label).set(each.map_or(0, |each| each.sequence));
        }
        self.in_grace.set(i64::try_from(state.in_grace).unwrap_or(i64::MAX));
    }

    /// Sets which alarms last.
    pub fn observe_alarms(&self, alarms: &[Raised]) {
        for alarm in Alarm::ALL.map(Alarm::as_str) {
            let raised = alarms.iter().any(|raised| raised.alarm == alarm);
            self.alarms.get_or_create(&AlarmLabel { alarm }).set(i64::from(raised));
        }
    }

    /// Where reloads of the configuration are told.
    #[must_use]
    pub const fn reloads(&self) -> &ReloadMetrics {
        &self.reloads
    }

    /// Sets what the files of the audit log are.
    pub fn observe_keeping(&self, kept: &Kept) {
        self.keeping.observe(kept);
    }

    /// Sets how the signing of the audit log goes.
    pub fn observe_checkpoints(&self, signed: &Signed, witnesses: &[Witnessed]) {
        self.checkpoints.observe(signed, witnesses);
    }

    /// Sets what a store that works over connections tells of them.
    pub fn observe_store(&self, figures: &PoolFigures) {
        let PoolFigures { in_use, idle, waiting, waits, failures } = *figures;
        for (state, count) in [("in_use", in_use), ("idle", idle), ("awaited", waiting)] {
            let gauge = self.store_connections.get_or_create(&StateLabel { state });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.store_waits.inner().store(waits, Ordering::Relaxed);
        let StoreFailures { busy, unreachable, overdue, refused } = failures;
        for (reason, count) in
            [("busy", busy), ("unreachable", unreachable), ("overdue", overdue), ("refused", refused)]
        {
            self.store_failures.get_or_create(&ReasonLabel { reason }).inner().store(count, Ordering::Relaxed);
        }
    }

    /// Sets how far the index of the access log is.
    pub fn observe_audit_index(&self, progress: &IndexProgress, now: Timestamp) {
        self.audit_index.observe(progress, now);
    }

    /// Sets how far the counting of figures is.
    pub fn observe_figures(&self, progress: &CountProgress, now: Timestamp) {
        self.figures.observe(progress, now);
    }

    /// Sets what the matrix of combinations tells.
    pub fn observe_matrix(&self, told: &Told, progress: &CountProgress) {
        self.matrix.observe(told, progress);
    }

    /// Sets what the audit record repository has.
    pub fn observe_audit_syslog(&self, counts: SyslogCounts) {
        self.audit_syslog.observe(counts);
    }

    /// Sets what is measured of the chain log: what became of its lines, bytes in the spool, and how long the oldest waits.
    pub fn observe_chain_log(&self, counts: &Counts, spooled: u64, oldest: Duration) {
        self.chain_log.observe(counts, spooled, oldest);
    }

    /// Sets what is measured of an endpoint of a HIS.
    pub fn observe_his(&self, his: &str, endpoint: &'static str, figures: &Figures) {
        self.his.observe(his, endpoint, figures);
    }

    /// Shows no other endpoints of HIS installations any more.
    pub fn keep_only_his(&self, present: &BTreeSet<(&str, &'static str)>) {
        self.his.keep_only(present);
    }

    /// In the OpenMetrics text format.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests;
