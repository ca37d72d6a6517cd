//! The whole world in one process: list publisher, gateway, emulated HISs, demonstration PGO and portal. It makes its certificates and
//! configuration, starts everything, and then says in `sandbox.json` where what is.

mod configuration;
mod describe;
mod directory;
mod layout;
mod listing;
mod programme;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::directory::{Directory, ListedPractice};
pub use self::layout::{Layout, TestPerson};
pub use self::programme::Teller;
use super::chainlog::Receiver;
use super::client::{ClientError, ClientFiles, PgoClient};
use super::his::{Emulator, EmulatorAuth, Holdings, Records};
use super::organisation::Organisation;
use super::pki;
use super::portal::client::PortalClient;
use super::ports::{Base, Gateway, PortInUse, Sockets};
use super::programme::{Listed, Plan, Programme, ProgrammeError};
use super::publisher::Publisher;
use super::records;
use super::site::Site;
use super::witness::Witness;
use crate::app::{App, Controls, RunError, StartError};
use crate::availability::dutch_today;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::edge::{Authority, Counters, Edge, EdgeConfig, Listener, serve};
use crate::tls::identity::{Identity, Roots};
use crate::tls::revocation::Revocations;
use crate::tls::server::back_channel;

/// What a sandbox is asked to be.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its folder.
    pub dir: PathBuf,
    /// Records to add to the first HIS.
    pub his_data: Option<PathBuf>,
    /// Where its ports come from.
    pub base: Base,
    /// Whether the gateway runs in this process.
    pub with_gateway: bool,
    /// TOML tables to add to the gateway's configuration; empty for none.
    pub settings: String,
}

/// Why a sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A port is in use.
    #[error(transparent)]
    Port(#[from] PortInUse),
    /// The folder cannot be used.
    #[error("{path} cannot be used")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The records of `--his-data` cannot be read.
    #[error(transparent)]
    Records(#[from] super::his::LoadError),
    /// The shipped records are not records.
    #[error("the shipped records cannot be used")]
    Shipped(#[from] super::his::store::ResourceError),
    /// The authority cannot be made.
    #[error("the certificates cannot be made")]
    Certificates(#[from] rcgen::Error),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// The simulated year cannot be written.
    #[error(transparent)]
    Programme(#[from] ProgrammeError),
    /// The register does not take the simulated country.
    #[error("the register cannot be filled")]
    Register(#[source] crate::practices::programme::RegisterError),
    /// The gateway cannot start.
    #[error(transparent)]
    Gateway(#[from] StartError),
    /// The gateway ended.
    #[error("the gateway ended before it served")]
    Ended,
    /// The demonstration PGO or portal cannot start.
    #[error("the demonstration PGO or portal cannot start")]
    Client(#[from] ClientError),
    /// A socket cannot be used.
    #[error("a socket cannot be used")]
    Socket(#[from] std::io::Error),
}

/// A running sandbox.
pub struct World {
    /// Where what is.
    pub layout: Layout,
    /// The emulated HISs, in the order of the layout.
    pub his: Vec<Arc<Emulator>>,
    /// The list publisher.
    pub publisher: Publisher,
    /// The receiver of the chain log.
    pub chain_log: Receiver,
    /// The witness of the audit log.
    pub witness: Witness,
    /// The provider through which operators log in.
    pub organisation: Arc<Organisation>,
    /// The shipped practices.
    pub practices: Vec<records::Practice>,
    /// Who issued every certificate of it.
    pub authority: pki::Authority,
    /// The gateway's handles, when it runs here.
    pub gateway: Option<Controls>,
    stop: CancellationToken,
    tasks: TaskTracker,
    gateway_task: Option<tokio::task::JoinHandle<Result<(), RunError>>>,
}

impl World {
    /// Starts everything and returns when it serves.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub async fn start(wish: &Wish, clock: SharedClock) -> Result<Self, SandboxError> {
        Self::start_over(wish, None, clock).await
    }

    /// The same over a simulated year; `told` hears how far that is.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub async fn start_programme(
        wish: &Wish,
        plan: Plan,
        told: &Teller,
        clock: SharedClock,
    ) -> Result<Self, SandboxError> {
        Self::start_over(wish, Some((plan, told)), clock).await
    }

    async fn start_over(
        wish: &Wish,
        programme: Option<(Plan, &Teller)>,
        clock: SharedClock,
    ) -> Result<Self, SandboxError> {
        describe::remove_old(&wish.dir)?;
        let sockets = Sockets::bind(wish.base, wish.with_gateway)?;
        let mut practices = records::shipped(dutch_today(clock.now()));
        if let Some(first) = practices.first_mut() {
            // Open to all, and since before any data that may be added to it.
            first.access_start = jiff::civil::date(1900, 1, 1);
        }
        let records = gather_records(wish, &practices)?;
        let year = programme.map(|(plan, told)| Self::draw(wish, plan).map(|year| (year, told))).transpose()?;
        let (layout, authority) = Layout::lay(&wish.dir, &sockets, &practices, &wish.settings, &clock)?;
        let listed = match year {
            Some((year, told)) => programme::simulate(&layout, year, &clock, told).await?,
            None => Listed::default(),
        };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let publisher = Publisher::default();
        publisher.publish(layout.lists_beside(&listed, 1, clock.now()));
        let chain_log = Receiver::new(layout::host(layout::BACK_HOST));
        let (witness, organisation) = (layout.open_witness(&clock)?, Organisation::open(&layout, &clock)?);
        let mut world = Self {
            chain_log,
            witness,
            organisation,
            his: Vec::new(),
            gateway: None,
            gateway_task: None,
            layout,
            authority,
            publisher,
            practices,
            stop,
            tasks,
        };
        let Sockets { lists, gateway, pgo, portal, organisation, his, chain_log, witness, .. } = sockets;
        world.serve_lists(lists, &clock)?;
        world.serve_chain_log(chain_log, &clock)?;
        world.serve_witness(witness, &clock)?;
        world.serve_his(his, records, &clock)?;
        world.serve_organisation(organisation, &clock)?;
        world.start_gateway(gateway, &clock).await?;
        world.serve_pgo(pgo, &clock)?;
        world.serve_portal(portal, &clock)?;
        describe::write(&world.layout, &world.practices, &world.his)?;
        Ok(world)
    }

    /// Draws a year, or that of an earlier start, and makes its keys.
    fn draw(wish: &Wish, plan: Plan) -> Result<Programme, SandboxError> {
        let year = Programme::in_folder(&wish.dir, plan)?;
        programme::make_keys(&wish.dir, &year)?;
        Ok(year)
    }

    fn serve_lists(&self, socket: std::net::TcpListener, clock: &SharedClock) -> Result<(), SandboxError> {
        let roots = Roots::load(&self.layout.file("ca.pem"))?;
        let own =
            Identity::load(&self.layout.file("stelselnode.pem"), &self.layout.file("stelselnode.key"), clock.now())?;
        let tls = Arc::new(ArcSwap::from_pointee(back_channel(&own, &roots, &Revocations::default(), clock)?));
        let config =
            EdgeConfig::new(vec![Authority::new(layout::host(layout::LISTS_HOST), super::ports::port(&socket))]);
        let service = self.publisher.clone();
        let edge = Edge { config, tls, service, clock: Arc::clone(clock), counters: Arc::new(Counters::default()) };
        self.tasks.spawn(serve(Listener::from_std(socket)?, edge, self.stop.clone()));
        Ok(())
    }

    fn serve_chain_log(
        &self,
        (socket, control): (std::net::TcpListener, std::net::TcpListener),
        clock: &SharedClock,
    ) -> Result<(), SandboxError> {
        let roots = Roots::load(&self.layout.file("ca.pem"))?;
        let own = Identity::load(&self.layout.file("ketenlog.pem"), &self.layout.file("ketenlog.key"), clock.now())?;
        let tls = Arc::new(ArcSwap::from_pointee(back_channel(&own, &roots, &Revocations::default(), clock)?));
        let host = layout::host(layout::CHAIN_LOG_HOST);
        let config = EdgeConfig::new(vec![Authority::new(host, super::ports::port(&socket))]);
        let (service, counters) = (self.chain_log.clone(), Arc::new(Counters::default()));
        self.tasks.spawn(super::chainlog::serve_control(control, service.clone(), self.stop.clone()));
        let edge = Edge { config, tls, service, clock: Arc::clone(clock), counters };
        self.tasks.spawn(serve(Listener::from_std(socket)?, edge, self.stop.clone()));
        Ok(())
    }

    fn serve_witness(
        &self,
        (socket, control): (std::net::TcpListener, std::net::TcpListener),
        clock: &SharedClock,
    ) -> Result<(), SandboxError> {
        let own = Identity::load(&self.layout.file("witness.pem"), &self.layout.file("witness.key"), clock.now())?;
        let tls = Arc::new(ArcSwap::from_pointee(crate::tls::server::front_channel(&own, clock)?));
        let host = layout::host(layout::WITNESS_HOST);
        let config = EdgeConfig::new(vec![Authority::new(host, super::ports::port(&socket))]);
        let (service, counters) = (self.witness.clone(), Arc::new(Counters::default()));
        self.tasks.spawn(super::witness::serve_control(control, service.clone(), self.stop.clone()));
        let edge = Edge { config, tls, service, clock: Arc::clone(clock), counters };
        self.tasks.spawn(serve(Listener::from_std(socket)?, edge, self.stop.clone()));
        Ok(())
    }

    fn serve_his(
        &mut self,
        sockets: Vec<(std::net::TcpListener, std::net::TcpListener)>,
        records: Vec<Holdings>,
        clock: &SharedClock,
    ) -> Result<(), SandboxError> {
        let roots = Roots::load(&self.layout.file("ca.pem"))?;
        for (number, ((fhir, control), records)) in sockets.into_iter().zip(records).enumerate() {
            let id = layout::his_id(number);
            let own = Identity::load(
                &self.layout.file(&format!("{id}.pem")),
                &self.layout.file(&format!("{id}.key")),
                clock.now(),
            )?;
            let tls = Arc::clone(back_channel(&own, &roots, &Revocations::default(), clock)?.config());
            let auth = EmulatorAuth { api_key: None, desk: self.layout.desk(number)? };
            let base = self.layout.his_base(number);
            let emulator = match layout::DIALECTS.get(number) {
                Some(&"his-rest") => Emulator::rest(&base, records, auth, Arc::clone(clock)),
                _ => Emulator::new(&base, records, auth, Arc::clone(clock)),
            };
            self.tasks.spawn(super::his::serve(fhir, tls, Arc::clone(&emulator), self.stop.clone()));
            self.tasks.spawn(super::his::serve_control(control, Arc::clone(&emulator), self.stop.clone()));
            self.his.push(emulator);
        }
        Ok(())
    }

    async fn start_gateway(&mut self, gateway: Gateway, clock: &SharedClock) -> Result<(), SandboxError> {
        let Gateway::Bound(listeners) = gateway else { return Ok(()) };
        let config = Config::load(&self.layout.file("gateway.toml")).map_err(StartError::Config)?;
        let clock = Arc::clone(clock);
        let building = tokio::task::spawn_blocking(move || App::build(&config, clock));
        let app = building.await.map_err(std::io::Error::other)??;
        let controls = app.controls();
        let mut running = tokio::spawn(app.run(listeners, controls.clone()));
        let served = tokio::select! {
            () = controls.serving.cancelled() => true,
            _ = &mut running => false,
        };
        self.gateway = Some(controls);
        self.gateway_task = Some(running);
        if served { Ok(()) } else { Err(SandboxError::Ended) }
    }

    fn serve_pgo(&self, socket: std::net::TcpListener, clock: &SharedClock) -> Result<(), SandboxError> {
        let directory = directory::directory(&self.layout, &self.practices, &self.his);
        let site = super::pgo::site(self.client("pgo", clock)?, directory, Arc::clone(clock));
        self.serve_site("pgo", layout::PGO_HOST, socket, site, clock)
    }

    fn serve_portal(&self, socket: std::net::TcpListener, clock: &SharedClock) -> Result<(), SandboxError> {
        let directory = directory::directory(&self.layout, &self.practices, &self.his);
        let site = super::portal::site(self.portal(clock)?, directory, Arc::clone(clock));
        self.serve_site("portal", layout::PORTAL_HOST, socket, site, clock)
    }

    /// The website of a client, with its certificate.
    fn serve_site(
        &self,
        name: &str,
        host: &str,
        socket: std::net::TcpListener,
        service: Site,
        clock: &SharedClock,
    ) -> Result<(), SandboxError> {
        self.serve_pages(&self.layout.pair(name), host, socket, service, clock)
    }

    fn serve_organisation(&self, socket: std::net::TcpListener, clock: &SharedClock) -> Result<(), SandboxError> {
        let files = ["pem", "key"].map(|kind| self.layout.file(&format!("organisatie.{kind}")));
        self.serve_pages(&files, layout::ORGANISATION_HOST, socket, self.organisation.site(), clock)
    }

    fn serve_pages(
        &self,
        [certificate, key]: &[PathBuf; 2],
        host: &str,
        socket: std::net::TcpListener,
        service: Site,
        clock: &SharedClock,
    ) -> Result<(), SandboxError> {
        let own = Identity::load(certificate, key, clock.now())?;
        let tls = Arc::new(ArcSwap::from_pointee(crate::tls::server::front_channel(&own, clock)?));
        let config = EdgeConfig::new(vec![Authority::new(layout::host(host), super::ports::port(&socket))]);
        let edge = Edge { config, tls, service, clock: Arc::clone(clock), counters: Arc::new(Counters::default()) };
        self.tasks.spawn(serve(Listener::from_std(socket)?, edge, self.stop.clone()));
        Ok(())
    }

    /// One of the clients of `sandbox.json`, ready to act.
    ///
    /// # Errors
    /// When its files cannot be used.
    pub fn client(&self, name: &str, clock: &SharedClock) -> Result<PgoClient, ClientError> {
        self.client_by(name, Ipv4Addr::LOCALHOST.into(), clock)
    }

    /// The same, one that reaches the gateway at this address: that of a load balancer, such as a
    /// [`Relay`](super::relay::Relay), on the ports of the URLs.
    ///
    /// # Errors
    /// When its files cannot be used.
    pub fn client_by(&self, name: &str, gateway: IpAddr, clock: &SharedClock) -> Result<PgoClient, ClientError> {
        let client = self.layout.client(name);
        let [certificate, key] = self.layout.pair(name);
        let files = ClientFiles {
            client_id: &client.client_id,
            redirect_uri: &client.redirect_uri,
            certificate: Some((&certificate, &key)),
            roots: &self.layout.file("ca.pem"),
            zal: &self.layout.list_url(crate::lists::ListKind::Zal),
        };
        PgoClient::new(files, &Layout::addresses(gateway), clock)
    }

    /// Somebody who shows the certificate of this base name, to search the access log or look after the node.
    ///
    /// # Errors
    /// When its files cannot be used.
    pub fn reader(&self, file: &str, clock: &SharedClock) -> Result<PgoClient, ClientError> {
        let [certificate, key] = ["pem", "key"].map(|kind| self.layout.file(&format!("{file}.{kind}")));
        let files = ClientFiles {
            client_id: file,
            redirect_uri: "",
            certificate: Some((&certificate, &key)),
            roots: &self.layout.file("ca.pem"),
            zal: &self.layout.list_url(crate::lists::ListKind::Zal),
        };
        PgoClient::new(files, &Layout::addresses(Ipv4Addr::LOCALHOST.into()), clock)
    }

    /// Somebody who shows no certificate.
    ///
    /// # Errors
    /// When the files of the sandbox cannot be used.
    pub fn visitor(&self, clock: &SharedClock) -> Result<PgoClient, ClientError> {
        let files = ClientFiles {
            client_id: "visitor",
            redirect_uri: "",
            certificate: None,
            roots: &self.layout.file("ca.pem"),
            zal: &self.layout.list_url(crate::lists::ListKind::Zal),
        };
        PgoClient::new(files, &Layout::addresses(Ipv4Addr::LOCALHOST.into()), clock)
    }

    /// The portal of `sandbox.json`, ready to act.
    ///
    /// # Errors
    /// When its files cannot be used.
    pub fn portal(&self, clock: &SharedClock) -> Result<PortalClient, ClientError> {
        let key = self.layout.file(super::portal::keys::PRIVATE);
        PortalClient::new(self.client("portal", clock)?, &key, Arc::clone(clock))
    }

    /// Ends everything in order: the gateway first, so that it closes its log.
    pub async fn stop(self) -> Result<(), RunError> {
        if let Some(controls) = &self.gateway {
            controls.stop.cancel();
        }
        let ended = match self.gateway_task {
            Some(task) => task.await.map_err(std::io::Error::other).map_err(RunError::from).and_then(|ended| ended),
            None => Ok(()),
        };
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        ended
    }
}

fn gather_records(wish: &Wish, practices: &[records::Practice]) -> Result<Vec<Holdings>, SandboxError> {
    let mut added = wish.his_data.as_deref().map(Records::load_folder).transpose()?;
    let gather = |practice: &records::Practice| {
        let shipped = Records::from_resources(practice.resources.clone())?;
        let stu3 = match added.take() {
            Some(added) => shipped.merge(added),
            None => shipped,
        };
        // Whoever is added is a patient in R4, too.
        let people =
            Records::from_resources(stu3.of_type("Patient").map(|it| records::r4_patient(it.value())).collect())?;
        Ok(Holdings { stu3, r4: people.merge(Records::from_resources(practice.r4.clone())?) })
    };
    practices.iter().map(gather).collect()
}

/// Makes a folder path absolute, so that what is printed can be pasted anywhere.
///
/// # Errors
/// When the current folder is unknown.
pub fn absolute(path: &Path) -> Result<PathBuf, SandboxError> {
    std::path::absolute(path).map_err(|source| SandboxError::Folder { path: path.to_owned(), source })
}
