//! From a configuration to the parts of a node.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::audit_index::{IndexPart, open_index};
use super::audit_keys::AuditKeys;
use super::chain_log::ChainLogPart;
use super::checkpoints::{Checkpoints, open_audit};
use super::figures::FiguresPart;
use super::limits::Admissions;
use super::material::{Kept, Material};
use super::operations::Operations;
use super::outgoing::Outgoing;
use super::reload::{Cells, Reloader};
use super::sockets::FaceHalves;
use super::start::StartError;
use super::store::open_store;
use super::syslog::SyslogPart;
use super::vitals::{Watchman, watched};
use super::{App, Half, Listeners, ListsPart};
use crate::audit::{AuditIndex, AuditLog, FileLog, FolderLock, IndexProgress, Keyring, LockError};
use crate::auditors::{Approvals, Files};
use crate::chainlog::ChainLog;
use crate::clock::SharedClock;
use crate::config::{self, Config, PracticeState};
use crate::edge::{Authority, Balancers, EdgeConfig};
use crate::lists::Lists;
use crate::medmij::Hostname;
use crate::oauth::token::Patience;
use crate::practices::golive::Marker;
use crate::practices::{GoLive, Practice, PracticeRegister};
use crate::routes::Watch;
use crate::routing::{Freshness, Registered, SharedSnapshot};
use crate::seal::{Key32, KeyFile, Sealer};
use crate::services::Catalogue;
use crate::store::{CachedTokens, IndexStore, Store};
use crate::telemetry::{Sending, Traces};
use crate::tls::client::Deadlines;
use crate::tls::identity::Identity;

/// How long an outgoing call of the control plane may take.
pub(super) const CONTROL_DEADLINES: Deadlines =
    Deadlines { connect: Duration::from_secs(5), total: Duration::from_secs(30) };
/// The parts that several others share.
pub(super) struct Shared {
    /// Who is served on the front channel, and on the back channel.
    pub(super) admissions: Arc<Admissions>,
    pub(super) clock: SharedClock,
    pub(super) snapshot: SharedSnapshot,
    pub(super) audit: Arc<FileLog>,
    /// Where disclosures are recorded: `audit`, save where the price of waiting for it is measured.
    pub(super) disclosures: Arc<dyn AuditLog>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) store: Arc<dyn Store>,
    pub(super) tokens: Arc<CachedTokens>,
    pub(super) watch: Watch,
    pub(super) chain: Arc<dyn ChainLog>,
    pub(super) index: Arc<dyn AuditIndex>,
    pub(super) indexed: Arc<IndexProgress>,
    /// What each node owes for wrong requests.
    pub(super) patience: Arc<Patience>,
    /// Searches that wait for a second pair of eyes.
    pub(super) approvals: Arc<Approvals>,
    /// The room for files of the desk.
    pub(super) files: Files,
    /// What operators see and do that outlives a reload.
    pub(super) operations: Operations,
}

/// Looks at all that a start reads, and touches nothing.
///
/// # Errors
/// Why a node could not start with it, or a running one not take it over.
pub fn check(config: &Config, clock: &SharedClock) -> Result<(), StartError> {
    Material::read(config, &config.prints(), clock, &Kept::default()).map(drop)
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
        let audit_keys = AuditKeys::open(config, &clock)?;
        let Keepers { store, opened, audit, checkpoints } = Keepers::open(config, &clock, &material.outgoing)?;
        let chain_log = ChainLogPart::assemble(config, &clock, &material.outgoing)?;
        let snapshot = first_snapshot(config, material.registered.clone());
        let lists = ListsPart::build(config, &clock, &snapshot, &audit, &material.outgoing)?;
        let store = store?;
        let index = IndexPart::build(config, &clock, &audit, lists.alarms(), opened);
        let syslog = SyslogPart::build(config, &clock, &audit, lists.alarms(), &material.outgoing)?;
        let (outgoing, (traces, sending)) = (material.outgoing.clone(), traces(config));
        let shared = Shared {
            operations: Operations::of(&lists, (&store, marker(config)?), &snapshot, config.telemetry.log, &clock),
            admissions: admissions(config, &clock, &material, &audit),
            keyring: audit_keys.keyring(),
            tokens: Arc::new(cached(&store, &material.registered.practices, &clock)),
            store,
            watch: Watch { metrics: Arc::default(), clock: Arc::clone(&clock), traces: traces.clone() },
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
        let reloader = Reloader::over(config, prints, material, shared, lists.force());
        let (operations, watched) = (&reloader.shared().operations, watched(reloader.cells(), outgoing));
        operations.can_reload_by(reloader.reloads());
        let (front, back, auditors, admin) = halves(config, reloader.cells());
        Ok(Self {
            figures: FiguresPart::build(&index, &audit_keys, reloader.shared()),
            grace: config.node.grace,
            watchman: Arc::new(Watchman::new(&clock, &config.audit.dir, audit_keys.clone(), watched, lists.alarms())),
            telemetry: (traces, sending),
            store: Arc::clone(&reloader.shared().store),
            tokens: Arc::clone(&reloader.shared().tokens),
            front,
            back,
            auditors,
            workers: config.back.workers,
            admin,
            operations: operations.clone(),
            clock,
            audit,
            index,
            syslog,
            checkpoints,
            audit_keys,
            chain_log,
            lists,
            metrics: Arc::clone(&reloader.shared().watch.metrics),
            reloader,
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

/// Where traces go, and who sends them.
fn traces(config: &Config) -> (Option<Arc<Traces>>, Option<Sending>) {
    let section = &config.telemetry;
    let made = section.traces.map(|agent| Traces::to(agent, section.traces_percent, &config.node.name));
    made.unzip()
}

/// What keeps what happened.
struct Keepers {
    store: Result<Arc<dyn Store>, StartError>,
    opened: Result<Arc<dyn IndexStore>, StartError>,
    audit: Arc<FileLog>,
    checkpoints: Checkpoints,
}

impl Keepers {
    /// The store before the index: in an empty database it makes the schema, of which the index is a part. What is wrong with the
    /// audit log is told first.
    fn open(config: &Config, clock: &SharedClock, outgoing: &Outgoing) -> Result<Self, StartError> {
        let store = open_store(config, clock, outgoing);
        let opened = open_index(config, clock, outgoing);
        let (audit, checkpoints) = open_audit(config, clock, opened.as_deref().ok(), outgoing)?;
        Ok(Self { store, opened, audit, checkpoints })
    }
}

/// Who is served, and the record of who is not.
fn admissions(config: &Config, clock: &SharedClock, material: &Material, audit: &Arc<FileLog>) -> Arc<Admissions> {
    Arc::new(Admissions::new(config, clock, &material.kept.memory(config), Arc::clone(audit) as _))
}

/// Marks who takes part in field tests and pilots; the same on every node of a store.
pub(super) fn marker(config: &Config) -> Result<Marker, StartError> {
    Ok(Marker::new(Arc::new(Sealer::derived(&key(&config.keys.sealing)?, "go-live"))))
}

/// The faces, before their sockets.
fn halves(config: &Config, cells: &Cells) -> FaceHalves {
    let (front, back) = (&config.front, &config.back);
    let auditors = config.auditors.as_ref().zip(cells.desk.as_ref());
    let admin = config.admin.as_ref().zip(cells.admin.as_ref());
    (
        Half::of(edge(config, &front.origin, &front.balancers), &cells.front),
        Half::of(edge(config, &back.origin, &back.balancers), &cells.back),
        auditors.map(|(desk, cell)| Half::of(edge(config, &desk.origin, &desk.balancers), cell)),
        admin.map(|(admin, cell)| Half::of(edge(config, &admin.origin, &admin.balancers), cell)),
    )
}

fn cached(store: &Arc<dyn Store>, practices: &Arc<PracticeRegister>, clock: &SharedClock) -> CachedTokens {
    CachedTokens::new(Arc::clone(store) as _, Arc::clone(store) as _, Arc::clone(practices), Arc::clone(clock))
}

/// The ports of a configuration, each bound in this way.
pub(super) fn listeners(config: &Config, bind: Bind) -> Result<Listeners, StartError> {
    let bind = |address| bind(address).map_err(|source| StartError::Bind { address, source });
    Ok(Listeners {
        front: bind(config.front.listen)?,
        back: bind(config.back.listen)?,
        ops: bind(config.ops.listen)?,
        auditors: config.auditors.as_ref().map(|section| bind(section.listen)).transpose()?,
        admin: config.admin.as_ref().map(|section| bind(section.listen)).transpose()?,
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
pub(super) fn first_snapshot(config: &Config, registered: Registered) -> SharedSnapshot {
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

/// The limits of a listener, the name under which it is reached, and through whom.
pub(super) fn edge(config: &Config, origin: &config::Origin, balancers: &Balancers) -> EdgeConfig {
    let authority = Authority::new(Hostname::clone(origin.host()), origin.port().unwrap_or(443));
    let limits = &config.edge;
    EdgeConfig {
        balancers: balancers.clone(),
        connections_max: limits.max_connections,
        handshakes_per_network_max: limits.max_handshakes_per_network,
        handshake_timeout: limits.handshake_timeout,
        first_byte_timeout: limits.header_timeout,
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        stall_timeout: limits.stall_timeout,
        h2_streams_max: limits.max_streams,
        header_max_bytes: limits.max_header_bytes,
        ..EdgeConfig::new(vec![authority])
    }
}
