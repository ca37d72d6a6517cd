//! What a configuration and all of its files say, read and checked, and nothing of it in force: what a start, a reload and
//! `inzage check-config` have in common.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use super::assemble::{catalogue, identity, key, practice};
use super::his::Installations;
use super::login::{login, open_login, operator_login};
use super::outgoing::Outgoing;
use super::portals;
use super::start::StartError;
use crate::bounds::Memory;
use crate::clients::ClientRegister;
use crate::clock::SharedClock;
use crate::config::{self, Config, Prints};
use crate::jose::DecryptionKey;
use crate::medmij::Hostname;
use crate::oauth::rate::PortalRates;
use crate::operations::Installation;
use crate::practices::PracticeRegister;
use crate::practices::find::Finder;
use crate::routing::Registered;
use crate::seal::Key32;
use crate::services::Catalogue;
use crate::session::login::IdentityProvider;
use crate::signin::OrganisationProvider;
use crate::tls::TlsError;
use crate::tls::identity::Roots;
use crate::tls::revocation::Revocations;
use crate::tls::server::{ServerTls, asking_channel, back_channel, front_channel};
use crate::tls::tickets::TicketKeys;

/// All of it.
pub(super) struct Material {
    /// TLS of the listeners.
    pub(super) tls: FaceTls,
    /// What the calls of the control plane are made with.
    pub(super) outgoing: Outgoing,
    /// What decisions read beside the lists.
    pub(super) registered: Registered,
    /// What the faces are made of.
    pub(super) served: Served,
    /// What lives on when what it follows from is the same.
    pub(super) kept: Kept,
}

/// TLS of the listeners.
pub(super) struct FaceTls {
    pub(super) front: ServerTls,
    pub(super) back: ServerTls,
    /// When there is a desk of auditors.
    pub(super) desk: Option<ServerTls>,
    /// When there is a desk of operators.
    pub(super) admin: Option<ServerTls>,
}

/// What the faces are made of, beside the parts of the node and the text of the configuration.
pub(super) struct Served {
    /// The services.
    pub(super) services: Arc<Catalogue>,
    /// How people prove who they are.
    pub(super) login: Arc<dyn IdentityProvider>,
    /// Where people find their practice.
    pub(super) finder: Finder,
    /// Our keys for what portals encrypt to us.
    pub(super) decryption: Vec<DecryptionKey>,
    /// How often each portal may ask.
    pub(super) rates: Arc<PortalRates>,
    /// Seals what comes back to us.
    pub(super) sealing: Key32,
    /// How operators log in who have no certificate.
    pub(super) operators: Option<Arc<dyn OrganisationProvider>>,
    /// How people of practices and others log in.
    pub(super) open: Option<Arc<dyn OrganisationProvider>>,
    /// The HIS installations as operators see them.
    pub(super) installations: Vec<Installation>,
}

/// Parts that remember something: a reload that does not touch them leaves them as they are.
#[derive(Clone, Default)]
pub(super) struct Kept {
    /// The HIS installations: connections, breakers, patients.
    pub(super) his: Installations,
    /// What answers take that lie in memory as a whole.
    memory: Option<Arc<Memory>>,
    /// The login service: what its provider says of itself.
    login: Option<(LoginGround, Arc<dyn IdentityProvider>)>,
    /// That of operators.
    operators: Option<OperatorsIn>,
    /// That of practices and others.
    open: Option<OpenIn>,
    /// How often each portal asked.
    rates: Option<(Rates, Arc<PortalRates>)>,
    /// What those whom we call showed last.
    outgoing: Outgoing,
}

/// What a login service follows from.
type LoginGround = (config::Login, Prints);
/// What the login service of operators follows from.
type OperatorGround = (config::OperatorLogin, config::Origin, Prints);
/// That login service.
type OperatorsIn = (OperatorGround, Arc<dyn OrganisationProvider>);
/// What the login service of practices and others follows from.
type OpenGround = (config::OpenLogin, config::Origin, Prints);
/// That login service.
type OpenIn = (OpenGround, Arc<dyn OrganisationProvider>);
/// What each portal may.
type Rates = Vec<(Hostname, NonZeroU32)>;

impl Material {
    /// Reads it. Waits for the disk.
    ///
    /// # Errors
    /// The first thing that is not in order.
    pub(super) fn read(
        config: &Config,
        prints: &Prints,
        clock: &SharedClock,
        before: &Kept,
    ) -> Result<Self, StartError> {
        check_files(config)?;
        let clients = portals::register(config)?;
        let memory = before.memory(config);
        let outgoing = Outgoing::load(config, clock, &before.outgoing)?;
        let his = Installations::build(config, prints, clock, &memory, outgoing.destinations(), &before.his)?;
        let (login, rates) = (before.login(config, prints, clock, &outgoing)?, before.rates(&clients, clock));
        let operators = before.operators(config, prints, clock, &outgoing)?;
        let open = before.open(config, prints, clock, &outgoing)?;
        let registered = registered(config, clients, &his)?;
        Ok(Self {
            tls: FaceTls::read(config, clock)?,
            outgoing: outgoing.clone(),
            served: Served {
                services: Arc::clone(&registered.services),
                login: Arc::clone(&login.1),
                finder: finder(config, &registered.practices)?,
                decryption: portals::decryption_keys(config)?,
                rates: Arc::clone(&rates.1),
                sealing: key(&config.keys.sealing)?,
                operators: operators.as_ref().map(|(_, provider)| Arc::clone(provider)),
                open: open.as_ref().map(|(_, provider)| Arc::clone(provider)),
                installations: super::operations::installations(config, &his.endpoints()),
            },
            registered,
            kept: Kept { his, memory: Some(memory), login: Some(login), operators, open, rates: Some(rates), outgoing },
        })
    }
}

impl FaceTls {
    fn read(config: &Config, clock: &SharedClock) -> Result<Self, StartError> {
        let back = &config.back;
        let desk = |desk: &config::Auditors| mutual(&desk.identity, &desk.client_roots, &desk.revocation, clock);
        let tickets = config.keys.tickets.as_deref().map(TicketKeys::load).transpose().map_err(TlsError::from)?;
        let sharing = |tls: ServerTls, listener| match &tickets {
            Some(keys) => tls.sharing_tickets(keys, listener, clock),
            None => tls,
        };
        let front = front_channel(&identity(&config.front.identity, clock)?, clock)?;
        let desk = config.auditors.as_ref().map(desk).transpose()?;
        Ok(Self {
            front: sharing(front, "front"),
            back: sharing(mutual(&back.identity, &back.client_roots, &back.revocation, clock)?, "back"),
            desk: desk.map(|desk| sharing(desk, "auditors")),
            admin: config.admin.as_ref().map(|desk| operators(desk, sharing, clock)).transpose()?,
        })
    }
}

/// The listener of operators. Its tickets do not open any more once people must have a certificate, or need not any more.
fn operators(
    desk: &config::Admin,
    sharing: impl Fn(ServerTls, &'static str) -> ServerTls,
    clock: &SharedClock,
) -> Result<ServerTls, StartError> {
    if desk.login.is_none() {
        return Ok(sharing(mutual(&desk.identity, &desk.client_roots, &desk.revocation, clock)?, "operators"));
    }
    let revocations = Revocations::load(&desk.revocation.lists, desk.revocation.lenience, clock.now())?;
    let (identity, roots) = (identity(&desk.identity, clock)?, Roots::load(&desk.client_roots)?);
    Ok(sharing(asking_channel(&identity, &roots, &revocations, clock)?, "operators, with login"))
}

impl Kept {
    /// One for as long as the node runs; a reload changes its size.
    pub(super) fn memory(&self, config: &Config) -> Arc<Memory> {
        self.memory.clone().unwrap_or_else(|| Arc::new(Memory::new(config.edge.answer_memory_bytes)))
    }

    fn login(
        &self,
        config: &Config,
        prints: &Prints,
        clock: &SharedClock,
        outgoing: &Outgoing,
    ) -> Result<(LoginGround, Arc<dyn IdentityProvider>), StartError> {
        let ground = (config.login.clone(), prints.below("login."));
        match self.login.as_ref().filter(|(held, _)| *held == ground) {
            Some(same) => Ok(same.clone()),
            None => Ok((ground, login(config, clock, outgoing)?)),
        }
    }

    fn operators(
        &self,
        config: &Config,
        prints: &Prints,
        clock: &SharedClock,
        outgoing: &Outgoing,
    ) -> Result<Option<OperatorsIn>, StartError> {
        let Some((admin, written)) = config.admin.as_ref().and_then(|admin| Some((admin, admin.login.as_ref()?)))
        else {
            return Ok(None);
        };
        let ground = (written.clone(), admin.origin.clone(), prints.below("admin.login."));
        match self.operators.as_ref().filter(|(held, _)| *held == ground) {
            Some(same) => Ok(Some(same.clone())),
            None => Ok(Some((ground, Arc::new(operator_login(config, written, clock, outgoing)?)))),
        }
    }

    fn open(
        &self,
        config: &Config,
        prints: &Prints,
        clock: &SharedClock,
        outgoing: &Outgoing,
    ) -> Result<Option<OpenIn>, StartError> {
        let Some(written) = config.open.as_ref().map(|open| &open.login) else { return Ok(None) };
        let ground = (written.clone(), config.front.origin.clone(), prints.below("open.login."));
        match self.open.as_ref().filter(|(held, _)| *held == ground) {
            Some(same) => Ok(Some(same.clone())),
            None => Ok(Some((ground, Arc::new(open_login(config, written, clock, outgoing)?)))),
        }
    }

    fn rates(&self, clients: &ClientRegister, clock: &SharedClock) -> (Rates, Arc<PortalRates>) {
        let ground: Rates = clients.portals().map(|(id, portal)| (id.clone(), portal.rate)).collect();
        match self.rates.as_ref().filter(|(held, _)| *held == ground) {
            Some(same) => same.clone(),
            None => (ground, Arc::new(PortalRates::of(clients, Arc::clone(clock)))),
        }
    }
}

fn check_files(config: &Config) -> Result<(), StartError> {
    let faults = config.check_files();
    if faults.is_empty() { Ok(()) } else { Err(StartError::Config(config.explain(faults))) }
}

fn registered(config: &Config, clients: ClientRegister, his: &Installations) -> Result<Registered, StartError> {
    let practices = config.practices.iter().map(practice);
    Ok(Registered {
        // The configuration refuses a provider that stands twice.
        practices: Arc::new(PracticeRegister::new(practices).unwrap_or_default()),
        services: Arc::new(catalogue(config)?),
        interfaces: config.lists.interface_versions.iter().cloned().collect(),
        clients: Arc::new(clients),
        adapters: Arc::new(his.adapters()),
    })
}

/// A listener that asks for client certificates.
fn mutual(
    own: &config::Identity,
    roots: &Path,
    revocation: &config::Revocation,
    clock: &SharedClock,
) -> Result<ServerTls, StartError> {
    let revocations = Revocations::load(&revocation.lists, revocation.lenience, clock.now())?;
    Ok(back_channel(&identity(own, clock)?, &Roots::load(roots)?, &revocations, clock)?)
}

/// Prepared once for a register and a list of numbers.
fn finder(config: &Config, practices: &PracticeRegister) -> Result<Finder, StartError> {
    let zakl =
        config.lists.zakl.as_deref().map(|path| super::lists::koppellijst(path, config.lists.reading)).transpose()?;
    Ok(Finder::new(practices, zakl.unwrap_or_default()))
}
