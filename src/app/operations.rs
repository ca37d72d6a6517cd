//! The desk of operators in a node: a listener of its own, with mutual TLS; and the emergency switch, which every node obeys.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Level;

use super::assemble::Shared;
use super::his::Observed;
use super::lists::ListsPart;
use super::matrix::MatrixPart;
use super::reload::{Cause, Reloaded, Reloads};
use crate::clock::SharedClock;
use crate::config::{Admin, Config, Dialect, His, OperatorRole};
use crate::monitor::alarms::Alarm;
use crate::monitor::ready::{Readiness, Report};
use crate::operations::follow;
use crate::operations::view::{AlarmView, ListView, NodeView};
use crate::operations::{
    Desk, Duty, Endpoint, GoLive, Installation, LogLevel, Operators, Reload, ReloadEnd, Role, Sources, Stop, Switch,
};
use crate::practices::golive::Marker;
use crate::practices::golive::places::Places;
use crate::practices::programme::Registry;
use crate::routes::OperatorFace;
use crate::routing::SharedSnapshot;
use crate::seal::{Key32, Sealer};
use crate::signin::sessions::{NodeSessions, Sessions};
use crate::signin::{OrganisationProvider, Refusals, SignIn};
use crate::store::Store;

/// Most operators who are logged in at a time.
const SESSIONS_MAX: usize = 1_000;

/// Reads what is stopped, and follows it from then on; an operator can end the node by `stop`.
pub(super) async fn follow(operations: &Operations, background: &TaskTracker, stop: &CancellationToken) {
    operations.duty.can_end_by(stop.clone());
    follow::begin(&*operations.switch, stop).await;
    follow::begin(&*operations.golive, stop).await;
    background.spawn(follow::keep(Arc::clone(&operations.switch), stop.clone()));
    background.spawn(follow::keep(Arc::clone(&operations.golive), stop.clone()));
}

/// What operators see and do that outlives a reload.
#[derive(Clone)]
pub(super) struct Operations {
    /// The emergency switch, which every node obeys.
    pub(super) switch: Arc<Switch>,
    /// How far practices are, which every node follows.
    pub(super) golive: Arc<GoLive>,
    /// Whether the node is there for requests.
    pub(super) duty: Arc<Duty>,
    log_level: Arc<LogLevel>,
    /// The register of the OPEN programme.
    pub(super) register: Arc<Registry>,
    /// Bounds what is recorded of who is refused at the pages under `/open`.
    pub(super) open_refusals: Arc<Refusals>,
    /// The figures of the programme.
    pub(super) figures: crate::report::Desk,
    /// The matrix of combinations.
    pub(super) matrix: MatrixPart,
    reload: Arc<Reload>,
    lists: Arc<dyn Fn() -> Vec<ListView> + Send + Sync>,
    /// Whether the node is ready, which operators see too.
    pub(super) readiness: Arc<Readiness>,
    refusals: Arc<Refusals>,
    /// Who is logged in.
    sessions: Arc<Sessions>,
}

impl Operations {
    /// Of a node that is built. What is stopped is an alarm, too: somebody must lift it again.
    pub(super) fn of(
        lists: &ListsPart,
        (store, marker): (&Arc<dyn Store>, Marker),
        snapshot: &SharedSnapshot,
        level: Level,
        clock: &SharedClock,
    ) -> Self {
        let readiness: Arc<Readiness> = Arc::default();
        let alarms = lists.alarms();
        let told = move |stops: &[Stop]| {
            let targets: Vec<_> = stops.iter().map(|stop| stop.target.to_string()).collect();
            alarms.set(Alarm::AccessStopped, (!targets.is_empty()).then(|| targets.join(" ")).as_deref());
        };
        let register = Arc::new(Registry::new(Arc::clone(store) as _));
        Self {
            matrix: MatrixPart::over(store, snapshot, &register, clock),
            switch: Arc::new(Switch::new(Arc::clone(store) as _, Arc::clone(snapshot), Box::new(told))),
            golive: Arc::new(GoLive::new(Places::new(Arc::clone(store) as _, marker), Arc::clone(snapshot))),
            lists: Arc::new(lists.views()),
            duty: Arc::new(duty(&readiness)),
            log_level: Arc::new(LogLevel::new(level, crate::telemetry::set_level, Arc::clone(clock))),
            figures: crate::report::Desk::over(Arc::clone(store) as _, Arc::clone(&register), Arc::clone(clock)),
            register,
            open_refusals: Arc::new(Refusals::new(Arc::clone(clock))),
            reload: Arc::default(),
            readiness,
            refusals: Arc::new(Refusals::new(Arc::clone(clock))),
            sessions: Arc::new(Sessions::new(Arc::clone(clock))),
        }
    }
}

impl Operations {
    /// Operators can reload by these.
    pub(super) fn can_reload_by(&self, reloads: Reloads) {
        self.reload.by(move || {
            let reloads = reloads.clone();
            Box::pin(async move {
                match reloads.reload(Cause::Operator).await {
                    Ok(Reloaded::Unchanged) => ReloadEnd::Done(BTreeSet::new()),
                    Ok(Reloaded::Changed(keys)) => ReloadEnd::Done(keys),
                    Err(refused) => ReloadEnd::Refused(refused.reason()),
                }
            })
        });
    }
}

/// Whether the node is there for requests, by its readiness.
fn duty(readiness: &Arc<Readiness>) -> Duty {
    let (set, get) = (Arc::clone(readiness), Arc::clone(readiness));
    Duty::new(move |aside| set.step_aside(aside), move || get.is_aside())
}

/// The face of the desk, when the configuration has one.
pub(super) fn face(
    config: &Config,
    shared: &Shared,
    (his, provider): (Vec<Installation>, Option<Arc<dyn OrganisationProvider>>),
    sealing: &Key32,
) -> Option<OperatorFace> {
    let (section, own) = (config.admin.as_ref()?, &shared.operations);
    let lists = Arc::clone(&own.lists);
    let desk = Desk {
        operators: operators(section),
        login: section.login.as_ref().zip(provider).map(|(written, provider)| SignIn {
            provider,
            sessions: NodeSessions {
                all: Arc::clone(&own.sessions),
                issuer: written.provider.issuer.as_str().to_owned(),
                lifetime: written.session,
                most: SESSIONS_MAX,
            },
            sealer: Sealer::derived(sealing, "operator login"),
            clock: Arc::clone(&shared.clock),
        }),
        sources: Sources { node: Box::new(node(config, &own.readiness)), lists: Box::new(move || lists()), his },
        snapshot: Arc::clone(&shared.snapshot),
        switch: Arc::clone(&own.switch),
        golive: Arc::clone(&own.golive),
        keyring: Arc::clone(&shared.keyring),
        duty: Arc::clone(&own.duty),
        reload: Arc::clone(&own.reload),
        log_level: Arc::clone(&own.log_level),
        register: Arc::clone(&own.register),
        matrix: Arc::clone(&own.matrix.store),
        audit: Arc::clone(&shared.audit) as _,
        refusals: Arc::clone(&own.refusals),
        clock: Arc::clone(&shared.clock),
    };
    Some(OperatorFace { router: crate::operations::http::router(Arc::new(desk)), watch: shared.watch.clone() })
}

fn operators(section: &Admin) -> Operators {
    let role = |role: OperatorRole| match role {
        OperatorRole::Reader => Role::Reader,
        OperatorRole::Operator => Role::Operator,
        OperatorRole::Auditor => Role::Auditor,
    };
    let by_certificate = section.operators.iter().map(|(name, written)| (name.clone(), role(*written)));
    let by_claim =
        section.login.iter().flat_map(|login| &login.roles).map(|(said, written)| (said.clone(), role(*written)));
    Operators::new(by_certificate.collect(), by_claim.collect())
}

fn node(config: &Config, readiness: &Arc<Readiness>) -> impl Fn() -> NodeView + Send + Sync + use<> {
    let (name, environment, configuration) = (config.node.name.clone(), config.environment.as_str(), config.hash());
    let readiness = Arc::clone(readiness);
    move || {
        let Report { ready, audit, audit_index, checkpoints, store, lists, state, alarms, .. } = readiness.report();
        let alarms = alarms.into_iter().map(|raised| AlarmView { alarm: raised.alarm, detail: raised.detail });
        NodeView {
            name: name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            environment,
            configuration: configuration.clone(),
            state,
            ready,
            parts: [
                ("audit", audit),
                ("audit_index", audit_index),
                ("checkpoints", checkpoints),
                ("store", store),
                ("lists", lists),
            ]
            .into(),
            alarms: alarms.collect(),
        }
    }
}

/// The HIS installations of a configuration, with their endpoints.
pub(super) fn installations(config: &Config, observed: &[Observed]) -> Vec<Installation> {
    config.his.iter().map(|his| installation(his, observed)).collect()
}

fn installation(his: &His, observed: &[Observed]) -> Installation {
    let own = observed.iter().filter(|endpoint| endpoint.his == his.id);
    let endpoints = own.map(|endpoint| {
        let pool = Arc::clone(&endpoint.pool);
        Endpoint {
            name: endpoint.endpoint,
            host: host(his, endpoint.endpoint),
            figures: Box::new(move || pool.figures()),
        }
    });
    Installation {
        id: his.id.clone(),
        dialect: match his.dialect {
            Dialect::Fhir => "fhir",
            Dialect::SmartBackend => "smart-backend",
            Dialect::Rest => "his-rest",
        },
        endpoints: endpoints.collect(),
    }
}

/// Where an endpoint of an installation is.
fn host(his: &His, endpoint: &str) -> String {
    let r4 = his.manner.as_ref().and_then(|manner| manner.r4_base_url.as_ref());
    let url = match endpoint {
        "r4" => r4,
        "token" => his.backend.as_ref().map(|backend| &backend.token_url),
        _ => None,
    };
    url.unwrap_or(&his.base_url).host().to_string()
}
