//! From a configuration to the parts of a node.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use tokio::runtime::Handle;

use super::audit_index::{IndexPart, open_index};
use super::audit_keys::AuditKeys;
use super::chain_log::ChainLogPart;
use super::checkpoints::open_audit;
use super::configured::Configured;
use super::his::Installations;
use super::login::login;
use super::start::{StartError, bind};
use super::store::open_store;
use super::syslog::SyslogPart;
use super::{App, Half, Listeners, ListsPart, portals};
use crate::accesslog::AccessLog;
use crate::audit::render::Site;
use crate::audit::{AuditIndex, AuditLog, FileLog, FolderLock, IndexProgress, Keyring, LockError};
use crate::chainlog::ChainLog;
use crate::clock::SharedClock;
use crate::config::{self, Config, PracticeState};
use crate::edge::{Authority, Counters, EdgeConfig};
use crate::fhir::cursor::Cursors;
use crate::fhir::read::Reader;
use crate::his::HisAdapter;
use crate::lists::Lists;
use crate::medmij::Hostname;
use crate::monitor::metrics::Metrics;
use crate::monitor::ready::Readiness;
use crate::monitor::recorded::CountedLog;
use crate::oauth::authorize::AuthorizeForm;
use crate::oauth::metadata::Metadata;
use crate::oauth::rate::PortalRates;
use crate::oauth::smart::SmartNames;
use crate::oauth::smart_metadata::SmartConfiguration;
use crate::oauth::token::{Patience, PortalDesk, ScopeForm, TokenDesk, TokenRules};
use crate::practices::find::Finder;
use crate::practices::http::SearchDesk;
use crate::practices::{GoLive, Practice, PracticeRegister};
use crate::routes::{BackFace, FrontFace, Watch};
use crate::routing::{Freshness, SharedSnapshot, Snapshot};
use crate::seal::{Key32, KeyFile, Sealer};
use crate::services::Catalogue;
use crate::session::journey::{Journey, JourneyRules, Operator};
use crate::store::{CachedTokens, Store};
use crate::tls::client::Deadlines;
use crate::tls::identity::{Identity, Roots};
use crate::tls::server::{ServerTls, back_channel, front_channel};

/// How long a person may take for one page.
const PAGE_LIFETIME: Duration = Duration::from_secs(900);
/// How long the availability test may take; a person is waiting for the page.
const AVAILABILITY_DEADLINE: Duration = Duration::from_secs(8);
/// The same at a refresh, whose answer has 10 s in all (core.tknint.206).
const REFRESH_DEADLINE: Duration = Duration::from_secs(6);
/// How long the login service may take between two pages.
const LOGIN_DEADLINE: Duration = Duration::from_secs(10);
/// How long an outgoing call of the control plane may take.
pub(super) const CONTROL_DEADLINES: Deadlines =
    Deadlines { connect: Duration::from_secs(5), total: Duration::from_secs(30) };
/// The parts that several others share.
pub(super) struct Shared {
    pub(super) clock: SharedClock,
    pub(super) snapshot: SharedSnapshot,
    pub(super) audit: Arc<FileLog>,
    /// Where disclosures are recorded: `audit`, save where the price of waiting for it is measured.
    disclosures: Arc<dyn AuditLog>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) store: Arc<dyn Store>,
    pub(super) tokens: Arc<CachedTokens>,
    pub(super) adapters: HashMap<String, Arc<dyn HisAdapter>>,
    pub(super) watch: Watch,
    pub(super) chain: Arc<dyn ChainLog>,
    pub(super) index: Arc<dyn AuditIndex>,
    pub(super) indexed: Arc<IndexProgress>,
}

impl App {
    /// Builds a node: reads every file, locks the folders, opens log and store. Waits for the disk and for a database server,
    /// so it is called on a thread of a runtime that may block.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn build(config: &Config, clock: SharedClock) -> Result<Self, StartError> {
        Self::build_over(config, clock, |log| log)
    }

    /// The same node, but no answer waits until its record is durable: to measure what waiting costs, and nothing else.
    ///
    /// # Errors
    /// See [`StartError`].
    #[cfg(feature = "sandbox")]
    pub fn build_unawaited(config: &Config, clock: SharedClock) -> Result<Self, StartError> {
        Self::build_over(config, clock, |log| Arc::new(crate::audit::UnawaitedLog::new(log)))
    }

    fn build_over(
        config: &Config,
        clock: SharedClock,
        disclosures: fn(Arc<dyn AuditLog>) -> Arc<dyn AuditLog>,
    ) -> Result<Self, StartError> {
        check_files(config)?;
        let data = lock(&config.node.data)?;
        let metrics = Arc::new(Metrics::default());
        let audit_keys = AuditKeys::open(config, &clock)?;
        // Before the index: in an empty database it makes the schema, of which the index is a part. What is wrong with the audit
        // log is told first.
        let store = open_store(config, &clock);
        let opened = open_index(config, &clock);
        let (audit, checkpoints) = open_audit(config, &clock, opened.as_deref().ok())?;
        let chain_log = ChainLogPart::assemble(config, &clock)?;
        let snapshot = first_snapshot(config)?;
        let lists = ListsPart::build(config, &clock, &snapshot, &audit)?;
        let store = store?;
        let index = IndexPart::build(config, &clock, &audit, lists.alarms(), opened);
        let syslog = SyslogPart::build(config, &clock, &audit, lists.alarms())?;
        let his = Installations::build(config, &clock)?;
        let shared = Shared {
            adapters: his.adapters,
            keyring: audit_keys.keyring(),
            tokens: {
                let (tokens, grants) = (Arc::clone(&store) as _, Arc::clone(&store) as _);
                Arc::new(CachedTokens::new(tokens, grants, Arc::clone(&snapshot.load().practices), Arc::clone(&clock)))
            },
            store,
            watch: Watch { metrics: Arc::clone(&metrics), clock: Arc::clone(&clock) },
            clock: Arc::clone(&clock),
            snapshot,
            audit: Arc::clone(&audit),
            disclosures: disclosures(Arc::clone(&audit) as _),
            chain: chain_log.log(),
            index: index.search(),
            indexed: index.progress(),
        };
        Ok(Self {
            grace: config.node.grace,
            store: Arc::clone(&shared.store),
            tokens: Arc::clone(&shared.tokens),
            front: front(config, &shared)?,
            back: back(config, &shared)?,
            workers: config.back.workers,
            auditors: super::auditors::face(config, &shared, index.search())?,
            readiness: Arc::new(Readiness::default()),
            configured: Configured::of(config),
            clock,
            audit,
            index,
            syslog,
            checkpoints,
            audit_keys,
            chain_log,
            lists,
            metrics,
            his: his.endpoints,
            _data: data,
        })
    }

    /// Binds the ports of a configuration.
    ///
    /// # Errors
    /// When one is in use; the error names it.
    pub fn bind(config: &Config) -> Result<Listeners, StartError> {
        Ok(Listeners {
            front: bind(config.front.listen)?,
            back: bind(config.back.listen)?,
            ops: bind(config.ops.listen)?,
            auditors: super::auditors::bind(config)?,
        })
    }
}

fn check_files(config: &Config) -> Result<(), StartError> {
    let faults = config.check_files();
    if faults.is_empty() { Ok(()) } else { Err(StartError::Config(config.explain(faults))) }
}

pub(super) fn lock(folder: &Path) -> Result<FolderLock, StartError> {
    let failed = |source| StartError::File { path: folder.display().to_string(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    FolderLock::take(folder).map_err(|error| match error {
        LockError::Held { holder } => StartError::Locked { folder: folder.display().to_string(), holder },
        LockError::Unusable(source) => failed(source),
    })
}

pub(super) fn key(path: &Path) -> Result<Key32, StartError> {
    KeyFile::load(path).map_err(|source| StartError::Key { path: path.display().to_string(), source })
}

/// The register and catalogue of the configuration, with no list in it: nobody and nothing is known until lists come.
fn first_snapshot(config: &Config) -> Result<SharedSnapshot, StartError> {
    let practices = config.practices.iter().map(practice);
    Ok(Arc::new(ArcSwap::from_pointee(Snapshot {
        lists: Arc::new(Lists::default()),
        // The configuration refuses a provider that stands twice.
        practices: Arc::new(PracticeRegister::new(practices).unwrap_or_default()),
        services: Arc::new(catalogue(config)?),
        interfaces: config.lists.interface_versions.iter().cloned().collect(),
        freshness: Arc::new(Freshness::per_list(config.lists.maximum_age)),
        standing: crate::routing::Standing::default(),
        clients: Arc::new(portals::register(config)?),
    })))
}

/// The services: those of the file that the configuration names, or those that ship. Waits for the disk.
pub(super) fn catalogue(config: &Config) -> Result<Catalogue, StartError> {
    let Some(path) = &config.services.catalogue else { return Ok(Catalogue::shipped()) };
    let named = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| StartError::File { path: named(), source })?;
    Catalogue::parse(&text).map_err(|source| StartError::Catalogue { path: named(), source })
}

pub(super) fn practice(written: &config::Practice) -> Practice {
    Practice {
        provider: written.provider.clone(),
        name: written.name.clone(),
        place: written.place.clone(),
        aliases: written.aliases.clone(),
        his: written.his.clone(),
        access_start: written.access_start_date,
        minimum_age: written.minimum_age,
        results_months: written.results_months,
        closed_episodes: written.closed_episodes,
        state: match written.state {
            PracticeState::Open => GoLive::Open,
            PracticeState::Closed => GoLive::Closed,
        },
    }
}

pub(super) fn identity(written: &config::Identity, clock: &SharedClock) -> Result<Identity, StartError> {
    Identity::load(&written.certificate, &written.key, clock.now())
        .map_err(|source| StartError::Certificate { path: written.certificate.display().to_string(), source })
}

pub(super) fn read_secret(path: &Path) -> Result<crate::secret::Secret<String>, StartError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| StartError::File { path: path.display().to_string(), source })?;
    Ok(crate::secret::Secret::new(text.trim().to_owned()))
}

fn front(config: &Config, shared: &Shared) -> Result<Half<FrontFace>, StartError> {
    let journey = Journey {
        snapshot: Arc::clone(&shared.snapshot),
        visits: Arc::clone(&shared.store) as _,
        codes: Arc::clone(&shared.store) as _,
        grants: Arc::clone(&shared.tokens) as _,
        audit: Arc::clone(&shared.audit) as _,
        log: access_log(config, shared),
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        adapters: shared.adapters.clone(),
        login: login(config, &shared.clock)?,
        clock: Arc::clone(&shared.clock),
        rules: JourneyRules {
            allow_ports: config.lists.reading.allow_ports,
            form: AuthorizeForm { release: config.oauth.scope_release, require_ids: config.oauth.require_ids },
            code_lifetime: config.release.code_lifetime,
            page_lifetime: PAGE_LIFETIME,
            availability_deadline: AVAILABILITY_DEADLINE,
            login_deadline: LOGIN_DEADLINE,
        },
        operator: operator(&config.operator),
        smart: SmartNames::new(&config.front.origin.to_string(), &config.back.origin.to_string()),
    };
    let tls = front_channel(&identity(&config.front.identity, &shared.clock)?, &shared.clock)?;
    let search = SearchDesk::new(finder(config, shared)?, Arc::clone(&shared.snapshot));
    let router = crate::session::http::router(Arc::new(journey))
        .merge(told(config, &shared.snapshot.load().services))
        .merge(crate::practices::http::router(Arc::new(search)));
    let face = FrontFace { router, watch: shared.watch.clone() };
    Ok(half(config, &config.front.origin, tls, face))
}

/// The log as it is shown to the person it is about.
fn access_log(config: &Config, shared: &Shared) -> Arc<AccessLog> {
    Arc::new(AccessLog {
        index: Arc::clone(&shared.index),
        audit: Arc::clone(&shared.audit) as _,
        keyring: Arc::clone(&shared.keyring),
        complete_until: {
            let progress = Arc::clone(&shared.indexed);
            Box::new(move |now| progress.complete_until(now))
        },
        clock: Arc::clone(&shared.clock),
        kept_days: config.audit.retention_days,
        site: Site {
            log: shared.audit.id().to_string().into(),
            operator: Some(config.operator.name.as_str().into()),
            host: Some(config.back.origin.host().as_str().into()),
        },
    })
}

/// Prepared once: neither the register nor the list of numbers changes while the node runs.
fn finder(config: &Config, shared: &Shared) -> Result<Finder, StartError> {
    let zakl =
        config.lists.zakl.as_deref().map(|path| super::lists::koppellijst(path, config.lists.reading)).transpose()?;
    Ok(Finder::new(&shared.snapshot.load().practices, zakl.unwrap_or_default()))
}

fn operator(written: &config::Operator) -> Operator {
    Operator {
        name: written.name.clone(),
        phone: written.phone.clone(),
        privacy: written.privacy.as_ref().map(|url| url.as_str().to_owned()),
    }
}

fn back(config: &Config, shared: &Shared) -> Result<Half<BackFace>, StartError> {
    let desk = TokenDesk {
        snapshot: Arc::clone(&shared.snapshot),
        codes: Arc::clone(&shared.store) as _,
        tokens: Arc::clone(&shared.tokens) as _,
        grants: Arc::clone(&shared.tokens) as _,
        refreshes: Arc::clone(&shared.store) as _,
        audit: Arc::clone(&shared.audit) as _,
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        adapters: shared.adapters.clone(),
        portals: PortalDesk {
            ids: Arc::clone(&shared.store) as _,
            decryption: portals::decryption_keys(config)?,
            audience: portals::audience(config),
            rates: PortalRates::of(&shared.snapshot.load().clients, Arc::clone(&shared.clock)),
        },
        clock: Arc::clone(&shared.clock),
        rules: token_rules(config),
        patience: Patience::default(),
    };
    let reader = Reader {
        snapshot: Arc::clone(&shared.snapshot),
        log: access_log(config, shared),
        tokens: Arc::clone(&shared.tokens) as _,
        grants: Arc::clone(&shared.tokens) as _,
        audit: Arc::new(CountedLog::new(Arc::clone(&shared.disclosures), Arc::clone(&shared.watch.metrics))),
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        cursors: Arc::new(Cursors::new(Sealer::derived(&key(&config.keys.sealing)?, "page"))),
        adapters: shared.adapters.clone(),
        clock: Arc::clone(&shared.clock),
        origin: config.back.origin.to_string(),
        his_deadline: config.release.his_deadline,
        submit_limit_bytes: config.release.submit_limit_bytes,
    };
    let own = identity(&config.back.identity, &shared.clock)?;
    let tls = back_channel(&own, &Roots::load(&config.back.client_roots)?, Vec::new(), &shared.clock)?;
    let router = crate::oauth::http::router(Arc::new(desk));
    let router = router.merge(told(config, &shared.snapshot.load().services));
    let face = BackFace { router, reader: Arc::new(reader), watch: shared.watch.clone(), control: Handle::current() };
    Ok(half(config, &config.back.origin, tls, face))
}

/// What the gateway says of itself, on either channel; of the door of portals only when there is one.
fn told(config: &Config, catalogue: &Catalogue) -> Router {
    let portals = config.clients.values().any(|client| matches!(client.role, config::ClientRole::Portal(_)));
    let (front, back) = (config.front.origin.to_string(), config.back.origin.to_string());
    let told = crate::oauth::http::metadata_router(Metadata::new(&front, &back, portals));
    if !portals {
        return told;
    }
    told.merge(crate::oauth::http::smart_router(SmartConfiguration::new(&front, &back, catalogue)))
}

fn token_rules(config: &Config) -> TokenRules {
    TokenRules {
        token_lifetime: config.release.token_lifetime,
        refresh_months: config.oauth.refresh_months,
        scope_form: match config.oauth.token_scope {
            config::TokenScope::Ids => ScopeForm::Ids,
            config::TokenScope::NameAndId => ScopeForm::NameAndId,
        },
        availability_deadline: REFRESH_DEADLINE,
    }
}

pub(super) fn half<S>(config: &Config, origin: &config::Origin, tls: ServerTls, service: S) -> Half<S> {
    let authority = Authority::new(Hostname::clone(origin.host()), origin.port().unwrap_or(443));
    let limits = &config.edge;
    let edge = EdgeConfig {
        connections_max: limits.max_connections,
        handshake_timeout: limits.handshake_timeout,
        first_byte_timeout: limits.header_timeout,
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        h2_streams_max: limits.max_streams,
        header_max_bytes: limits.max_header_bytes,
        ..EdgeConfig::new(vec![authority])
    };
    Half { config: edge, tls: Arc::new(ArcSwap::from_pointee(tls)), service, counters: Arc::new(Counters::default()) }
}
