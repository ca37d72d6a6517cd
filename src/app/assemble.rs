//! From a configuration to the parts of a node.

use std::io;
use std::net::{SocketAddr, TcpListener};
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
use super::material::{Kept, Material, Served};
use super::reload::Reloader;
use super::start::StartError;
use super::store::open_store;
use super::syslog::SyslogPart;
use super::{App, Half, Listeners, ListsPart, portals};
use crate::accesslog::AccessLog;
use crate::audit::render::Site;
use crate::audit::{AuditIndex, AuditLog, FileLog, FolderLock, IndexProgress, Keyring, LockError};
use crate::auditors::{Approvals, Files};
use crate::chainlog::ChainLog;
use crate::clock::SharedClock;
use crate::config::{self, Config, PracticeState};
use crate::edge::{Authority, EdgeConfig};
use crate::fhir::cursor::Cursors;
use crate::fhir::read::Reader;
use crate::jose::DecryptionKey;
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
use crate::practices::{GoLive, Practice};
use crate::routes::{AuditorFace, BackFace, FrontFace, Watch};
use crate::routing::{Freshness, Registered, SharedSnapshot};
use crate::seal::{Key32, KeyFile, Sealer};
use crate::services::Catalogue;
use crate::session::journey::{Journey, JourneyRules, Operator};
use crate::session::login::IdentityProvider;
use crate::store::{CachedTokens, Store};
use crate::tls::client::Deadlines;
use crate::tls::identity::Identity;

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
    pub(super) watch: Watch,
    pub(super) chain: Arc<dyn ChainLog>,
    pub(super) index: Arc<dyn AuditIndex>,
    pub(super) indexed: Arc<IndexProgress>,
    /// What each node owes for wrong requests.
    patience: Arc<Patience>,
    /// Searches that wait for a second pair of eyes.
    pub(super) approvals: Arc<Approvals>,
    /// The room for files of the desk.
    pub(super) files: Files,
}

/// Looks at all that a start reads, and touches nothing.
///
/// # Errors
/// Why a node could not start with it, or a running one not take it over.
pub fn check(config: &Config, clock: &SharedClock) -> Result<(), StartError> {
    Material::read(config, &config.prints(), clock, &Kept::default()).map(drop)
}

/// The faces of a node, from one configuration.
pub(super) struct Faces {
    pub(super) front: FrontFace,
    pub(super) back: BackFace,
    pub(super) desk: Option<AuditorFace>,
}

impl Faces {
    /// Over the parts that stay.
    pub(super) fn assemble(config: &Config, shared: &Shared, served: Served) -> Self {
        let Served { services, login, finder, decryption, rates, sealing } = served;
        let told = told(config, &services);
        Self {
            front: front(config, shared, login, finder, told.clone()),
            back: back(config, shared, (decryption, rates), &sealing, told),
            desk: super::auditors::face(config, shared, &sealing),
        }
    }
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
        let prints = config.prints();
        let material = Material::read(config, &prints, &clock, &Kept::default())?;
        let data = lock(&config.node.data)?;
        let metrics = Arc::new(Metrics::default());
        let audit_keys = AuditKeys::open(config, &clock)?;
        // Before the index: in an empty database it makes the schema, of which the index is a part. What is wrong with the audit
        // log is told first.
        let store = open_store(config, &clock);
        let opened = open_index(config, &clock);
        let (audit, checkpoints) = open_audit(config, &clock, opened.as_deref().ok(), &material.outgoing)?;
        let chain_log = ChainLogPart::assemble(config, &clock, &material.outgoing)?;
        let snapshot = first_snapshot(config, material.registered.clone());
        let lists = ListsPart::build(config, &clock, &snapshot, &audit, &material.outgoing)?;
        let store = store?;
        let index = IndexPart::build(config, &clock, &audit, lists.alarms(), opened);
        let syslog = SyslogPart::build(config, &clock, &audit, lists.alarms(), &material.outgoing)?;
        let shared = Shared {
            keyring: audit_keys.keyring(),
            tokens: {
                let (tokens, grants) = (Arc::clone(&store) as _, Arc::clone(&store) as _);
                let practices = Arc::clone(&material.registered.practices);
                Arc::new(CachedTokens::new(tokens, grants, practices, Arc::clone(&clock)))
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
            patience: Arc::default(),
            approvals: Arc::default(),
            files: Files::default(),
        };
        let tokens = Arc::clone(&shared.tokens);
        let reloader = Reloader::over(config, prints, material, shared, lists.force());
        let cells = reloader.cells();
        let desk = config.auditors.as_ref().zip(cells.desk.clone());
        Ok(Self {
            grace: config.node.grace,
            store: Arc::clone(&reloader.shared().store),
            tokens,
            front: Half::of(edge(config, &config.front.origin), &cells.front),
            back: Half::of(edge(config, &config.back.origin), &cells.back),
            auditors: desk.map(|(section, cell)| Half::of(edge(config, &section.origin), &cell)),
            workers: config.back.workers,
            readiness: Arc::new(Readiness::default()),
            reloader,
            clock,
            audit,
            index,
            syslog,
            checkpoints,
            audit_keys,
            chain_log,
            lists,
            metrics,
            _data: data,
        })
    }

    /// Binds the ports of a configuration.
    ///
    /// # Errors
    /// When one is in use; the error names it.
    pub fn bind(config: &Config) -> Result<Listeners, StartError> {
        listeners(config, crate::edge::bind)
    }
}

/// The ports of a configuration, each bound in this way.
pub(super) fn listeners(config: &Config, bind: Bind) -> Result<Listeners, StartError> {
    let bind = |address| bind(address).map_err(|source| StartError::Bind { address, source });
    Ok(Listeners {
        front: bind(config.front.listen)?,
        back: bind(config.back.listen)?,
        ops: bind(config.ops.listen)?,
        auditors: config.auditors.as_ref().map(|section| bind(section.listen)).transpose()?,
    })
}

/// How a port is bound.
type Bind = fn(SocketAddr) -> io::Result<TcpListener>;

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

/// What the configuration says, with no list in it: nobody and nothing is known until lists come.
fn first_snapshot(config: &Config, registered: Registered) -> SharedSnapshot {
    let freshness = Arc::new(Freshness::per_list(config.lists.maximum_age));
    Arc::new(ArcSwap::from_pointee(registered.beside(Arc::new(Lists::default()), freshness)))
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

fn front(
    config: &Config,
    shared: &Shared,
    login: Arc<dyn IdentityProvider>,
    finder: Finder,
    told: Router,
) -> FrontFace {
    let journey = Journey {
        snapshot: Arc::clone(&shared.snapshot),
        visits: Arc::clone(&shared.store) as _,
        codes: Arc::clone(&shared.store) as _,
        grants: Arc::clone(&shared.tokens) as _,
        audit: Arc::clone(&shared.audit) as _,
        log: access_log(config, shared),
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        login,
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
    let search = SearchDesk::new(finder, Arc::clone(&shared.snapshot));
    let router = crate::session::http::router(Arc::new(journey))
        .merge(told)
        .merge(crate::practices::http::router(Arc::new(search)));
    FrontFace { router, watch: shared.watch.clone() }
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

fn operator(written: &config::Operator) -> Operator {
    Operator {
        name: written.name.clone(),
        phone: written.phone.clone(),
        privacy: written.privacy.as_ref().map(|url| url.as_str().to_owned()),
    }
}

fn back(
    config: &Config,
    shared: &Shared,
    (decryption, rates): (Vec<DecryptionKey>, Arc<PortalRates>),
    sealing: &Key32,
    told: Router,
) -> BackFace {
    let desk = TokenDesk {
        snapshot: Arc::clone(&shared.snapshot),
        codes: Arc::clone(&shared.store) as _,
        tokens: Arc::clone(&shared.tokens) as _,
        grants: Arc::clone(&shared.tokens) as _,
        refreshes: Arc::clone(&shared.store) as _,
        audit: Arc::clone(&shared.audit) as _,
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        portals: PortalDesk {
            ids: Arc::clone(&shared.store) as _,
            decryption,
            audience: portals::audience(config),
            rates,
        },
        clock: Arc::clone(&shared.clock),
        rules: token_rules(config),
        patience: Arc::clone(&shared.patience),
    };
    let reader = Reader {
        snapshot: Arc::clone(&shared.snapshot),
        log: access_log(config, shared),
        tokens: Arc::clone(&shared.tokens) as _,
        grants: Arc::clone(&shared.tokens) as _,
        audit: Arc::new(CountedLog::new(Arc::clone(&shared.disclosures), Arc::clone(&shared.watch.metrics))),
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        cursors: Arc::new(Cursors::new(Sealer::derived(sealing, "page"))),
        clock: Arc::clone(&shared.clock),
        origin: config.back.origin.to_string(),
        his_deadline: config.release.his_deadline,
        submit_limit_bytes: config.release.submit_limit_bytes,
    };
    let router = crate::oauth::http::router(Arc::new(desk)).merge(told);
    BackFace { router, reader: Arc::new(reader), watch: shared.watch.clone(), control: Handle::current() }
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

/// The limits of a listener, and the name under which it is reached.
pub(super) fn edge(config: &Config, origin: &config::Origin) -> EdgeConfig {
    let authority = Authority::new(Hostname::clone(origin.host()), origin.port().unwrap_or(443));
    let limits = &config.edge;
    EdgeConfig {
        connections_max: limits.max_connections,
        handshake_timeout: limits.handshake_timeout,
        first_byte_timeout: limits.header_timeout,
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        h2_streams_max: limits.max_streams,
        header_max_bytes: limits.max_header_bytes,
        ..EdgeConfig::new(vec![authority])
    }
}
