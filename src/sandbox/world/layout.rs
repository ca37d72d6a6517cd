//! Names, addresses and files of a sandbox: who is who and what is where.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use jiff::Timestamp;

use super::SandboxError;
use super::configuration::configuration;
use crate::audit::{KeyFolder, key_year};
use crate::clock::SharedClock;
use crate::jose::Jwks;
use crate::lists::ListKind;
use crate::medmij::{Hostname, ProviderName};
use crate::routing::INTERFACE_VERSION;
use crate::sandbox::his::{Emulator, PatientEntry, TokenDesk};
use crate::sandbox::pki::{Authority, write_private};
use crate::sandbox::portal::keys;
use crate::sandbox::ports::{HIS_COUNT, Sockets, port};
use crate::sandbox::records::Practice;
use crate::sandbox::syslog;
use crate::sandbox::witness::Witness;
use crate::secret::random;

/// The stand-in for the Stelselnode.
pub(super) const LISTS_HOST: &str = "stelselnode.localhost";
/// The stand-in for the central log component of MedMij.
pub(super) const CHAIN_LOG_HOST: &str = "ketenlog.localhost";
/// The witness of the audit log.
pub(super) const WITNESS_HOST: &str = "witness.localhost";
/// The folder that keeps checkpoints of the audit log, too.
pub(super) const WITNESS_FOLDER: &str = "witness";
/// What the witness signs with.
const WITNESS_KEY: &str = "witness-server.key";
/// The demonstration PGO.
pub(super) const PGO_HOST: &str = "pgo.localhost";
/// A login service of the outside world, when there is one beside the simulator.
pub(super) const LOGIN_HOST: &str = "login.localhost";
/// The provider through which operators log in.
pub(super) const ORGANISATION_HOST: &str = "organisatie.localhost";
/// The demonstration portal.
pub(super) const PORTAL_HOST: &str = "portaal.localhost";
const FRONT_HOST: &str = "inloggen.inzage.localhost";
pub(super) const BACK_HOST: &str = "inzage.localhost";
/// Where the access log is searched.
const DESK_HOST: &str = "logboek.inzage.localhost";
/// Who may search it: base name of their files, and the name in their certificate.
pub(super) const READERS: [(&str, &str); 3] =
    [("auditor", "auditor.localhost"), ("auditor2", "auditor2.localhost"), ("praktijk", "praktijk.localhost")];
/// Where operators look after the node.
const ADMIN_HOST: &str = "beheer.inzage.localhost";
/// Who may: base name of their files, and the name in their certificate. A reader, an operator and an auditor.
pub(super) const OPERATORS: [(&str, &str); 3] =
    [("lezer", "lezer.localhost"), ("wacht", "wacht.localhost"), ("toezicht", "toezicht.localhost")];
/// The id under which the gateway is registered at a HIS that gives tokens.
pub(super) const BACKEND_CLIENT: &str = "inzage-zandbak";
/// How each emulated HIS speaks, in the word of the configuration.
pub(super) const DIALECTS: [&str; HIS_COUNT] = ["fhir", "smart-backend", "his-rest"];
/// The gateway's certificate towards publisher and HIS.
pub(super) const NODE_FILE: &str = "node";

/// For how many years after this one there are keys for the audit.
const AUDIT_KEY_YEARS: i16 = 9;

/// Where everything of a sandbox is.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
    lists: u16,
    front: u16,
    back: u16,
    ops: u16,
    desk: u16,
    admin: u16,
    organisation: u16,
    his: Vec<(u16, u16)>,
    chain_log: (u16, u16),
    witness: (u16, u16),
    pub(super) clients: Vec<Client>,
    pub(super) providers: Vec<ProviderName>,
}

/// A client of the sandbox.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name in `sandbox.json`.
    pub name: &'static str,
    /// Base name of its files.
    pub file: &'static str,
    /// Its client_id; also the only name in its certificate.
    pub client_id: String,
    /// Where people come back to.
    pub redirect_uri: String,
    /// The organisation on the OAuth client list; `None` for a client that is on no list.
    pub(super) organisation: Option<&'static str>,
}

/// A test person, for the pages of the demonstration PGO and portal.
#[derive(Debug, Clone)]
pub struct TestPerson {
    /// What to type at login.
    pub bsn: String,
    /// What to call them.
    pub name: String,
    /// Their practice.
    pub provider: String,
    /// Date of birth.
    pub birth_date: Option<jiff::civil::Date>,
}

/// A host name of the sandbox.
///
/// # Panics
/// Never: all names are constants of this file.
pub(super) fn host(name: &str) -> Hostname {
    Hostname::parse(name).expect("the names of the sandbox are host names")
}

/// The id of an emulated HIS: `his-a`, `his-b`, …
pub(super) fn his_id(number: usize) -> String {
    let letter = u8::try_from(number).map_or('z', |number| char::from(b'a'.saturating_add(number)));
    format!("his-{letter}")
}

pub(super) fn his_host(number: usize) -> String {
    format!("{}.localhost", his_id(number))
}

/// Every name under which something of the sandbox is reached.
fn hosts() -> Vec<Hostname> {
    let fixed = [LISTS_HOST, CHAIN_LOG_HOST, WITNESS_HOST, PGO_HOST, PORTAL_HOST, FRONT_HOST, BACK_HOST, LOGIN_HOST];
    let fixed = fixed.into_iter().chain([DESK_HOST, ADMIN_HOST, ORGANISATION_HOST]).map(host);
    fixed.chain((0..HIS_COUNT).map(|number| host(&his_host(number)))).collect()
}

impl Layout {
    /// Decides on names and addresses, makes certificates and keys, and writes the configuration of the gateway, with
    /// `settings` at its end.
    pub(super) fn lay(
        dir: &Path,
        sockets: &Sockets,
        practices: &[Practice],
        settings: &str,
        clock: &SharedClock,
    ) -> Result<(Self, Authority), SandboxError> {
        let failed = |source| SandboxError::Folder { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let layout = Self::decide(dir, sockets, practices);
        let authority = layout.make_certificates()?;
        layout.make_keys(clock.now()).map_err(failed)?;
        let witness = layout.open_witness(clock).map_err(failed)?;
        let text = configuration(&layout, practices, &witness.key()) + settings;
        std::fs::write(layout.file("gateway.toml"), text).map_err(failed)?;
        Ok((layout, authority))
    }

    fn decide(dir: &Path, sockets: &Sockets, practices: &[Practice]) -> Self {
        let [front, back, ops, desk, admin] = sockets.gateway.ports();
        let client = |name, file, client_id: &str, port, organisation| Client {
            name,
            file,
            client_id: client_id.to_owned(),
            redirect_uri: format!("https://{client_id}:{port}/cb"),
            organisation,
        };
        let [pgo2, stranger] = sockets.others;
        Self {
            dir: dir.to_owned(),
            lists: port(&sockets.lists),
            front,
            back,
            ops,
            desk,
            admin,
            organisation: port(&sockets.organisation),
            chain_log: (port(&sockets.chain_log.0), port(&sockets.chain_log.1)),
            witness: (port(&sockets.witness.0), port(&sockets.witness.1)),
            his: sockets.his.iter().map(|(fhir, control)| (port(fhir), port(control))).collect(),
            clients: vec![
                client("pgo", "pgo", PGO_HOST, port(&sockets.pgo), Some("Mijn Zorgmap")),
                client("pgo2", "pgo2", "pgo2.localhost", pgo2, Some("Gezond Overzicht")),
                client("not_listed", "stranger", "stranger.localhost", stranger, None),
                client("portal", "portaal", PORTAL_HOST, port(&sockets.portal), None),
            ],
            providers: practices.iter().map(|practice| practice.provider.clone()).collect(),
        }
    }

    /// A file in the folder of the sandbox.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A client by its name in `sandbox.json`.
    ///
    /// # Panics
    /// When there is none; the names are `pgo`, `pgo2`, `not_listed` and `portal`.
    #[must_use]
    pub fn client(&self, name: &str) -> &Client {
        self.clients
            .iter()
            .find(|client| client.name == name)
            .expect("the clients of the sandbox are pgo, pgo2, not_listed and portal")
    }

    /// All clients.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// Certificate and key of a client.
    pub(super) fn pair(&self, name: &str) -> [PathBuf; 2] {
        let file = self.client(name).file;
        ["pem", "key"].map(|kind| self.file(&format!("{file}.{kind}")))
    }

    /// Where the pages of the demonstration PGO are.
    #[must_use]
    pub fn pgo_url(&self) -> String {
        self.site_url("pgo")
    }

    /// Where the pages of the demonstration portal are.
    #[must_use]
    pub fn portal_url(&self) -> String {
        self.site_url("portal")
    }

    fn site_url(&self, name: &str) -> String {
        let redirect_uri = &self.client(name).redirect_uri;
        redirect_uri.strip_suffix("cb").unwrap_or(redirect_uri).to_owned()
    }

    /// Ports of the gateway: front, back, operations, auditors, operators.
    pub(super) const fn gateway_ports(&self) -> [u16; 5] {
        [self.front, self.back, self.ops, self.desk, self.admin]
    }

    /// Where every name leads: to this machine, and the channels of the gateway to this address of it.
    pub(super) fn addresses(gateway: IpAddr) -> BTreeMap<Hostname, IpAddr> {
        let address = |host: &Hostname| match host.as_str() {
            FRONT_HOST | BACK_HOST => gateway,
            _ => Ipv4Addr::LOCALHOST.into(),
        };
        hosts().into_iter().map(|host| (host.clone(), address(&host))).collect()
    }

    /// Public origin of the front channel.
    #[must_use]
    pub fn front_origin(&self) -> String {
        format!("https://{FRONT_HOST}:{}", self.front)
    }

    /// Public origin of the back channel.
    #[must_use]
    pub fn back_origin(&self) -> String {
        format!("https://{BACK_HOST}:{}", self.back)
    }

    /// The operations face.
    #[must_use]
    pub fn ops_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ops)
    }

    /// Where the access log is searched.
    #[must_use]
    pub fn desk_origin(&self) -> String {
        format!("https://{DESK_HOST}:{}", self.desk)
    }

    /// Where operators look after the node.
    #[must_use]
    pub fn admin_origin(&self) -> String {
        format!("https://{ADMIN_HOST}:{}", self.admin)
    }

    /// The issuer through which operators log in.
    #[must_use]
    pub fn organisation_origin(&self) -> String {
        format!("https://{ORGANISATION_HOST}:{}", self.organisation)
    }

    /// Where a list is published.
    #[must_use]
    pub fn list_url(&self, list: ListKind) -> String {
        format!("https://{LISTS_HOST}:{}/{}?api={INTERFACE_VERSION}", self.lists, list.file_name())
    }

    /// Base URL of an emulated HIS.
    #[must_use]
    pub fn his_base(&self, number: usize) -> String {
        let port = self.his.get(number).map_or(0, |(fhir, _)| *fhir);
        let path = if DIALECTS.get(number) == Some(&"his-rest") { "api/v1" } else { "fhir" };
        format!("https://{}:{port}/{path}", his_host(number))
    }

    /// Where an emulated HIS gives tokens, when it does.
    #[must_use]
    pub fn token_url(&self, number: usize) -> Option<String> {
        let port = self.his.get(number).map_or(0, |(fhir, _)| *fhir);
        let gives = DIALECTS.get(number) == Some(&"smart-backend");
        gives.then(|| format!("https://{}:{port}/token", his_host(number)))
    }

    /// Control address of an emulated HIS.
    #[must_use]
    pub fn his_control(&self, number: usize) -> String {
        let port = self.his.get(number).map_or(0, |(_, control)| *control);
        format!("http://127.0.0.1:{port}/_control")
    }

    /// Where batches of the chain log are posted.
    #[must_use]
    pub fn chain_log_url(&self) -> String {
        format!("https://{CHAIN_LOG_HOST}:{}{}", self.chain_log.0, crate::sandbox::chainlog::PATH)
    }

    /// Control address of the receiver of the chain log.
    #[must_use]
    pub fn chain_log_control(&self) -> String {
        format!("http://127.0.0.1:{}/_control", self.chain_log.1)
    }

    /// Where checkpoints of the audit log are posted.
    #[must_use]
    pub fn witness_url(&self) -> String {
        format!("https://{WITNESS_HOST}:{}", self.witness.0)
    }

    /// Control address of the witness.
    #[must_use]
    pub fn witness_control(&self) -> String {
        format!("http://127.0.0.1:{}/_control", self.witness.1)
    }

    /// The witness, with its key and what it saw before.
    pub(super) fn open_witness(&self, clock: &SharedClock) -> std::io::Result<Witness> {
        let text = std::fs::read_to_string(self.file(WITNESS_KEY))?;
        let seed = STANDARD.decode(text.trim_end()).ok().and_then(|seed| seed.try_into().ok());
        Witness::open(&self.dir, seed.ok_or(std::io::ErrorKind::InvalidData)?, Arc::clone(clock))
    }

    /// Everybody who can log in: the patients of every HIS.
    #[must_use]
    pub fn people(&self, practices: &[Practice], his: &[Arc<Emulator>]) -> Vec<TestPerson> {
        let each = practices.iter().zip(his);
        each.flat_map(|(practice, his)| {
            let person = |patient: PatientEntry| TestPerson {
                bsn: patient.bsn.reveal().to_owned(),
                name: patient.family,
                provider: practice.provider.to_string(),
                birth_date: patient.birth_date,
            };
            his.records().patients().map(person).collect::<Vec<_>>()
        })
        .collect()
    }

    /// The token desk of an emulated HIS that gives tokens.
    pub(super) fn desk(&self, number: usize) -> Result<Option<Arc<TokenDesk>>, SandboxError> {
        let Some(url) = self.token_url(number) else { return Ok(None) };
        let path = self.file(keys::BACKEND_PUBLIC);
        let failed = |source| SandboxError::Folder { path: path.clone(), source };
        let keys = Jwks::parse(&std::fs::read_to_string(&path).map_err(failed)?);
        let keys = keys.map_err(|error| failed(std::io::Error::other(error)))?;
        Ok(Some(Arc::new(TokenDesk::new(&url, BACKEND_CLIENT, keys))))
    }

    fn make_certificates(&self) -> Result<Authority, SandboxError> {
        let failed = |source| SandboxError::Folder { path: self.dir.clone(), source };
        let authority = Authority::new("Inzage sandbox, not a real authority")?;
        std::fs::write(self.file("ca.pem"), authority.pem()).map_err(failed)?;
        let his = (0..HIS_COUNT).map(|number| (his_id(number), his_host(number)));
        let fixed = [
            ("stelselnode", LISTS_HOST),
            ("ketenlog", CHAIN_LOG_HOST),
            ("witness", WITNESS_HOST),
            (syslog::FILE, syslog::HOST),
            ("front", FRONT_HOST),
            ("back", BACK_HOST),
            (NODE_FILE, BACK_HOST),
            ("login", LOGIN_HOST),
            ("organisatie", ORGANISATION_HOST),
            ("logboek", DESK_HOST),
            ("beheer", ADMIN_HOST),
        ];
        let readers = READERS.into_iter().chain(OPERATORS).map(|(file, host)| (file.to_owned(), host.to_owned()));
        let fixed = fixed.into_iter().map(|(file, host)| (file.to_owned(), host.to_owned()));
        let clients = self.clients.iter().map(|client| (client.file.to_owned(), client.client_id.clone()));
        for (file, host) in fixed.chain(his).chain(clients).chain(readers) {
            authority.issue(&self.dir, &file, &host).map_err(failed)?;
        }
        Ok(authority)
    }

    /// Keys are made once and kept: a sandbox that starts again on its folder can read its store.
    fn make_keys(&self, now: Timestamp) -> std::io::Result<()> {
        std::fs::create_dir_all(self.file(WITNESS_FOLDER))?;
        for name in ["sealing.key", "checkpoint.key", WITNESS_KEY] {
            if !self.file(name).exists() {
                write_private(&self.file(name), STANDARD.encode(random::<32>()).as_bytes())?;
            }
        }
        let year = key_year(now);
        // A test may let the clock run, and a demonstration may stay up over the turn of a year.
        let made = KeyFolder::new(&self.file("audit-keys")).create(year..=year.saturating_add(AUDIT_KEY_YEARS));
        made.map_err(std::io::Error::other)?;
        keys::make(&self.dir)
    }
}
