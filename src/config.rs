//! The configuration: one TOML file, parsed into values that are complete and valid, or refused with every fault at
//! once. It holds no secret, only the paths of files that do. `deploy/inzage.example.toml` explains each key.
//!
//! [`Config::load`] looks at the text alone; [`Config::check_files`] also looks at the files it names.

mod admin;
mod auditors;
mod balancers;
mod chain_log;
mod change;
mod clients;
mod cross;
mod fault;
mod files;
mod his;
mod instead;
mod kind;
mod log;
mod login;
mod oauth;
mod open;
mod operator;
mod origin;
mod parts;
mod practices;
mod provider;
mod rates;
mod reading;
mod revocation;
mod section;
mod services;
mod source;
mod store;
mod syslog;
mod upkeep;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

pub use admin::{Admin, OperatorLogin, OperatorRole};
pub use auditors::{AuditorRole, Auditors};
pub use chain_log::ChainLog;
pub use change::{Prints, RereadError, can_change, folders};
pub use clients::{Client, ClientRole, Portal};
pub use fault::{ConfigFaults, Fault, FileProblem, Place, Problem};
pub use his::{Backend, Manner};
pub use instead::{Instead, InsteadError};
pub use login::{Login, Oidc};
pub use oauth::{Oauth, TokenScope};
pub use open::{Open, OpenLogin};
pub use operator::Operator;
pub use origin::{HttpsUrl, Origin};
pub use parts::{Back, Edge, Environment, Front, Identity, Lists, Node, Ops};
pub use practices::{Dialect, His, Practice, PracticeState};
pub use provider::Provider;
pub use rates::{Outgoing, Rates};
pub use revocation::Revocation;
pub use services::Services;
pub use store::{Postgres, Sqlite, Store};
pub use syslog::Syslog;
pub use upkeep::{Audit, Keys, Release, Telemetry, Witness, WitnessKind};

use crate::medmij::Hostname;
use crate::secret::sha256;
use files::NamedFile;
use log::{Log, Read};
use section::Section;
use source::Source;

/// Largest configuration file: room for some 50,000 practices.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A whole configuration. It only comes from a file or text in which nothing was wrong.
#[derive(Debug, Clone)]
pub struct Config {
    parts: Parts,
    files: Vec<NamedFile>,
    source: Arc<Source>,
    /// What the command line said in place of the file.
    instead: Instead,
}

/// The sections.
#[derive(Debug, Clone)]
pub struct Parts {
    /// `environment`.
    pub environment: Environment,
    /// `[node]`.
    pub node: Node,
    /// `[operator]`.
    pub operator: Operator,
    /// `[front]`.
    pub front: Front,
    /// `[back]`.
    pub back: Back,
    /// `[ops]`.
    pub ops: Ops,
    /// `[admin]`; without it nobody sees more than health and metrics, and nobody changes anything.
    pub admin: Option<Admin>,
    /// `[open]`; without it practices, coalitions and others see nothing of how far access is.
    pub open: Option<Open>,
    /// `[edge]`.
    pub edge: Edge,
    /// `[rates]`.
    pub rates: Rates,
    /// `[lists]`.
    pub lists: Lists,
    /// `[login]`.
    pub login: Login,
    /// `[audit]`.
    pub audit: Audit,
    /// `[auditors]`; without it nobody searches the log through this node.
    pub auditors: Option<Auditors>,
    /// `[chain_log]`; without it there is none.
    pub chain_log: Option<ChainLog>,
    /// `[store]`.
    pub store: Store,
    /// `[keys]`.
    pub keys: Keys,
    /// `[resolve]`: addresses of these host names; all others come from DNS.
    pub resolve: BTreeMap<Hostname, IpAddr>,
    /// `[outgoing]`.
    pub outgoing: Outgoing,
    /// `[services]`.
    pub services: Services,
    /// `[release]`.
    pub release: Release,
    /// `[oauth]`.
    pub oauth: Oauth,
    /// `[clients."…"]` by client_id. A PGO that is not here is served to its own name only.
    pub clients: BTreeMap<Hostname, Client>,
    /// `[[his]]`, at least one.
    pub his: Vec<His>,
    /// `[[practices]]`, at least one; each names a HIS of [`Parts::his`].
    pub practices: Vec<Practice>,
    /// `[telemetry]`.
    pub telemetry: Telemetry,
}

/// The sections are read straight from the configuration.
impl std::ops::Deref for Config {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// All faults of the file at once; a file that cannot be read or is no TOML has one.
    pub fn load(path: &Path) -> Result<Self, ConfigFaults> {
        let text = read_text(path).map_err(|problem| lone_fault(Source::new(path, String::new()), None, problem))?;
        Self::parse(path, text)
    }

    /// Reads a text as the contents of `path`; relative paths in it start in the folder of `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: &Path, text: String) -> Result<Self, ConfigFaults> {
        let source = Source::new(path, text);
        let mut log = Log::new(&source);
        let parts = match DeTable::parse(source.text()) {
            Ok(table) => Section::root(table.get_ref(), &mut log, |root| Parts::read(root, &source)),
            Err(error) => {
                let problem = Problem::Syntax(error.message().to_owned());
                let span = error.span();
                return Err(lone_fault(source, span, problem));
            }
        };
        let (faults, files) = log.finish(&source);
        let source = Arc::new(source);
        match parts {
            Ok(parts) if faults.is_empty() => Ok(Self { parts, files, source, instead: Instead::default() }),
            Ok(_) | Err(_) => Err(ConfigFaults::new(source, faults)),
        }
    }

    /// The sections, for the assembly that hands each to its module.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// Looks at every file and folder that is named: that it exists and is readable, that certificates and keys are
    /// that, that secrets are for the owner only, that folders can be there.
    #[must_use]
    pub fn check_files(&self) -> Vec<Fault> {
        let mut faults: Vec<_> = self.files.iter().filter_map(NamedFile::fault).collect();
        let catalogue = self.services.catalogue.as_deref().and_then(|path| files::catalogue(path).ok());
        if let Some(catalogue) = catalogue {
            faults.extend(cross::services_of_portals(&self.clients, &catalogue));
        }
        faults
    }

    /// Faults found later, in the form that [`Config::load`] gives them.
    #[must_use]
    pub fn explain(&self, faults: Vec<Fault>) -> ConfigFaults {
        ConfigFaults::new(Arc::clone(&self.source), faults)
    }

    /// SHA-256 of the file in hexadecimal, as `sha256sum` prints it.
    #[must_use]
    pub fn hash(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in sha256(self.source.text().as_bytes()) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// What the log says at start: key and value, without the query of any URL.
    #[must_use]
    pub fn redacted_summary(&self) -> Vec<(&'static str, String)> {
        let open = self.practices.iter().filter(|practice| practice.state == PracticeState::Open).count();
        let lists = [&self.lists.zal, &self.lists.ocl, &self.lists.whl, &self.lists.gnl];
        let hosts: std::collections::BTreeSet<&str> = lists.iter().map(|list| list.host().as_str()).collect();
        vec![
            ("file", self.source.name()),
            ("sha256", self.hash()),
            ("environment", self.environment.as_str().to_owned()),
            ("node", self.node.name.clone()),
            ("front", format!("{} on {}", self.front.origin, self.front.listen)),
            ("back", format!("{} on {}", self.back.origin, self.back.listen)),
            ("ops", self.ops.listen.to_string()),
            ("lists", hosts.into_iter().collect::<Vec<_>>().join(" ")),
            ("login", self.login.summary()),
            ("audit", self.audit.dir.display().to_string()),
            ("chain_log", self.chain_log.as_ref().map_or_else(|| "off".to_owned(), |log| log.url.host().to_string())),
            ("store", self.store.summary()),
            ("his", self.his.len().to_string()),
            ("practices", format!("{} of which {open} open", self.practices.len())),
            ("his_deadline_ms", self.release.his_deadline.as_millis().to_string()),
        ]
    }
}

impl Parts {
    fn read(root: &mut Section<'_, '_>, source: &Source) -> Read<Self> {
        let environment = root.required("environment", &Environment::kind());
        let node = root.table("node", Node::read);
        let data = node.as_ref().map_or_else(|_| root.beside("data"), |node| node.data.clone());
        let operator = root.table_or_defaults("operator", Operator::read);
        let front = root.table("front", Front::read);
        let back = root.table("back", Back::read);
        let own = back.as_ref().map(|back| &back.identity).map_err(|noted| *noted);
        let ops = root.table_or_defaults("ops", Ops::read);
        let admin = root.optional_table("admin", |section| Admin::read(section, own));
        let open = root.optional_table("open", Open::read);
        let edge = root.table_or_defaults("edge", Edge::read);
        let sandbox = matches!(environment, Ok(Environment::Sandbox));
        let rates = root.table_or_defaults("rates", |section| Rates::read(section, sandbox));
        let lists = root.table("lists", |section| Lists::read(section, &data, own));
        let auditors = root.optional_table("auditors", |section| Auditors::read(section, own));
        let chain_log = root.optional_table("chain_log", |section| ChainLog::read(section, &data, own));
        let login = root.table("login", Login::read);
        let audit = root.table_or_defaults("audit", |section| Audit::read(section, &data, own));
        let store = root.table_or_defaults("store", |section| Store::read(section, &data));
        let keys = root.table("keys", Keys::read);
        let resolve = practices::read_resolve(root);
        let outgoing = root.table_or_defaults("outgoing", Outgoing::read);
        let services = root.table_or_defaults("services", Services::read);
        let release = root.table_or_defaults("release", Release::read);
        let oauth = root.table_or_defaults("oauth", Oauth::read);
        let clients = clients::read(root);
        let his = root.tables("his", His::read);
        let practices = root.tables("practices", Practice::read);
        let telemetry = root.table_or_defaults("telemetry", Telemetry::read);
        cross::check(root.log(), source);
        check_together(root, &audit, (&clients, &practices, &services, &keys));
        Ok(Self {
            environment: environment?,
            node: node?,
            operator: operator?,
            front: front?,
            back: back?,
            ops: ops?,
            admin: admin?,
            open: open?,
            edge: edge?,
            rates: rates?,
            lists: lists?,
            login: login?,
            audit: audit?,
            auditors: auditors?,
            chain_log: chain_log?,
            store: store?,
            keys: keys?,
            resolve: resolve?,
            outgoing: outgoing?,
            services: services?,
            release: release?,
            oauth: oauth?,
            clients: clients?,
            his: his?,
            practices: practices?,
            telemetry: telemetry?,
        })
    }
}

/// What of several sections is judged once they are read.
type Together<'r> = (&'r Read<BTreeMap<Hostname, Client>>, &'r Read<Vec<Practice>>, &'r Read<Services>, &'r Read<Keys>);

/// The log has a witness where it must, and what is said of portals fits what is said of practices, services and keys.
fn check_together(root: &mut Section<'_, '_>, audit: &Read<Audit>, (clients, practices, services, keys): Together<'_>) {
    if let Ok(audit) = audit {
        cross::production_is_witnessed(root.log(), audit.witnesses.len());
    }
    let Ok(clients) = clients else { return };
    if let Ok(practices) = practices {
        cross::portals_are_served(root.log(), clients, practices);
    }
    if let Ok(Services { catalogue: None }) = services {
        cross::portals_have_services(root.log(), clients);
    }
    if let Ok(keys) = keys {
        cross::portals_can_encrypt(root.log(), clients, keys);
    }
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| Problem::Unreadable(error.kind());
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    let fits = u64::try_from(read).is_ok_and(|read| read <= MAX_BYTES);
    if fits { String::from_utf8(bytes).map_err(|_| Problem::NotText) } else { Err(Problem::NotText) }
}

fn lone_fault(source: Source, span: Option<std::ops::Range<usize>>, problem: Problem) -> ConfigFaults {
    let fault = Fault { key: String::new(), place: span.map(|span| source.place(span)), problem };
    ConfigFaults::new(Arc::new(source), vec![fault])
}

#[cfg(test)]
mod tests;
