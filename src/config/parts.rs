//! The sections of the configuration: what each holds, with unit, range and default, and how it is read.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::balancers;
use super::fault::Problem;
use super::files::Role;
use super::kind::{self, bytes, choice, label, list_url, millis, number, seconds};
use super::log::Read;
use super::origin::{HttpsUrl, Origin};
use super::revocation::Revocation;
use super::section::Section;
use crate::edge::Balancers;
use crate::lists::{InterfaceVersion, PerList, Reading};

/// Where this gateway runs, and so what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Real people. No login simulator, no ports in front-channel URIs.
    Production,
    /// The acceptance network of MedMij.
    Acceptance,
    /// Loopback.
    Sandbox,
}

impl Environment {
    const WORDS: &'static [(&'static str, Self)] =
        &[("production", Self::Production), ("acceptance", Self::Acceptance), ("sandbox", Self::Sandbox)];

    pub(super) fn kind() -> kind::Kind<Self> {
        choice(Self::WORDS)
    }

    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Acceptance => "acceptance",
            Self::Sandbox => "sandbox",
        }
    }
}

/// `[node]`: this process among its likes.
#[derive(Debug, Clone)]
pub struct Node {
    /// Name in logs and records.
    pub name: String,
    /// Folder under which everything that this node keeps has its default place.
    pub data: PathBuf,
    /// How long requests under way may take once the process is told to stop. 1 to 300 s, default 20 s.
    pub grace: Duration,
}

impl Node {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let name = section.required("name", &label(16));
        let data = section.file_or("data", Role::Folder, section.beside("data"));
        let grace = section.or_default("grace_seconds", &seconds(1..=300), Duration::from_secs(20));
        Ok(Self { name: name?, data: data?, grace: grace? })
    }
}

/// A certificate chain and its private key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Identity {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let certificate = section.file("certificate", Role::Certificate);
        let key = section.file("key", Role::PrivateKey);
        Ok(Self { certificate: certificate?, key: key? })
    }

    /// Both or neither.
    pub(super) fn read_optional(section: &mut Section<'_, '_>) -> Read<Option<Self>> {
        let certificate = section.optional_file("certificate", Role::Certificate);
        let key = section.optional_file("key", Role::PrivateKey);
        let alone = |section: &mut Section<'_, '_>, key: &str, other| {
            let path = section.path_of(key);
            section.log().note(&path, Problem::HalfPair(other))
        };
        match (certificate?, key?) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (Some(_), None) => Err(alone(section, "certificate", "key")),
            (None, Some(_)) => Err(alone(section, "key", "certificate")),
            (None, None) => Ok(None),
        }
    }
}

/// `[front]`: the channel of browsers.
#[derive(Debug, Clone)]
pub struct Front {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How browsers reach it; no port in production.
    pub origin: Origin,
    /// The publicly trusted certificate.
    pub identity: Identity,
    /// Who says by PROXY protocol for whom it connects; default nobody.
    pub balancers: Balancers,
}

impl Front {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let listen = section.required("listen", &kind::address());
        let origin = section.required("origin", &kind::origin());
        let identity = Identity::read(section);
        let balancers = balancers::read(section);
        Ok(Self { listen: listen?, origin: origin?, identity: identity?, balancers: balancers? })
    }
}

/// `[back]`: the channel of servers, with mutual TLS.
#[derive(Debug, Clone)]
pub struct Back {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How PGOs reach it.
    pub origin: Origin,
    /// The PKIoverheid private G1 certificate.
    pub identity: Identity,
    /// The roots that client certificates lead to.
    pub client_roots: PathBuf,
    /// The revocation lists that they are held against.
    pub revocation: Revocation,
    /// Threads that serve it, each with connections of its own, 1 to 1,024; default as many as there are cores for us.
    pub workers: NonZeroUsize,
    /// Who says by PROXY protocol for whom it connects; default nobody.
    pub balancers: Balancers,
}

impl Back {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let listen = section.required("listen", &kind::address());
        let origin = section.required("origin", &kind::origin());
        let identity = Identity::read(section);
        let client_roots = section.file("client_roots", Role::Roots);
        let revocation = Revocation::read(section);
        let workers = section.optional("workers", &number(1..=1024, ""));
        let balancers = balancers::read(section);
        let (listen, origin, identity) = (listen?, origin?, identity?);
        let workers = workers?.and_then(NonZeroUsize::new).unwrap_or_else(cores);
        Ok(Self {
            listen,
            origin,
            identity,
            client_roots: client_roots?,
            revocation: revocation?,
            workers,
            balancers: balancers?,
        })
    }
}

/// The cores that this process may use; one when the system does not tell.
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// `[ops]`: health and metrics, without TLS and so on loopback only.
#[derive(Debug, Clone)]
pub struct Ops {
    /// Where to listen; default 127.0.0.1:8490.
    pub listen: SocketAddr,
}

impl Ops {
    pub(super) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8490);

    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        Ok(Self { listen: section.or_default("listen", &kind::loopback(), Self::LISTEN)? })
    }
}

/// `[edge]`: bounds of the front and back listener, each by itself.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Connections at a time, 1 to 1,000,000, default 10,000; further ones are closed at once.
    pub max_connections: usize,
    /// TLS handshakes under way from one network (IPv4 /24, IPv6 /56), 1 to 1,000,000, default 512; further ones are closed at once.
    pub max_handshakes_per_network: usize,
    /// Requests in hand at a time, until the last byte of the answer has left, 1 to 1,000,000, default 4,096; further ones get 503.
    pub max_requests: usize,
    /// What answers may take together while they lie in memory as a whole, 16 MiB to 64 GiB, default 128 MiB; further ones are
    /// judged and passed on piece by piece.
    pub answer_memory_bytes: usize,
    /// Streams of one HTTP/2 connection, 1 to 1,000, default 128.
    pub max_streams: u32,
    /// Size of all headers of a request, 4 KiB to 64 KiB, default 16 KiB.
    pub max_header_bytes: u32,
    /// From accepting to the end of the TLS handshake, 100 ms to 60 s, default 5 s.
    pub handshake_timeout: Duration,
    /// From the first byte to the end of the headers, and as long again for a form, 100 ms to 60 s, default 10 s.
    pub header_timeout: Duration,
    /// Time between requests on a connection, 1 s to 1 h, default 75 s.
    pub idle_timeout: Duration,
    /// How long a client may leave a piece of an answer untaken, 100 ms to 5 min, default 30 s.
    pub stall_timeout: Duration,
}

impl Edge {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let patience = || millis(100..=60_000);
        let max_connections = section.or_default("max_connections", &number(1..=1_000_000, ""), 10_000);
        let per_network = section.or_default("max_handshakes_per_network", &number(1..=1_000_000, ""), 512);
        let max_requests = section.or_default("max_requests", &number(1..=1_000_000, ""), 4096);
        let memory = bytes(16_777_216..=68_719_476_736);
        let memory = section.or_default("answer_memory_bytes", &memory, 134_217_728);
        let max_streams = section.or_default("max_streams", &number(1..=1000, ""), 256);
        let max_header_bytes = section.or_default("max_header_bytes", &bytes(4096..=65_536), 16_384);
        let handshake_timeout = section.or_default("handshake_timeout_ms", &patience(), Duration::from_secs(5));
        let header_timeout = section.or_default("header_timeout_ms", &patience(), Duration::from_secs(10));
        let idle_timeout = section.or_default("idle_timeout_seconds", &seconds(1..=3600), Duration::from_secs(75));
        let stall_timeout = section.or_default("stall_timeout_ms", &millis(100..=300_000), Duration::from_secs(30));
        Ok(Self {
            max_connections: max_connections?,
            max_handshakes_per_network: per_network?,
            max_requests: max_requests?,
            answer_memory_bytes: memory?,
            max_streams: max_streams?,
            max_header_bytes: max_header_bytes?,
            handshake_timeout: handshake_timeout?,
            header_timeout: header_timeout?,
            idle_timeout: idle_timeout?,
            stall_timeout: stall_timeout?,
        })
    }
}

/// `[lists]`: the four lists of MedMij and how they are fetched.
#[derive(Debug, Clone)]
pub struct Lists {
    /// *Zorgaanbiederslijst*.
    pub zal: HttpsUrl,
    /// *OAuthclientlist*.
    pub ocl: HttpsUrl,
    /// *Whitelist*.
    pub whl: HttpsUrl,
    /// *Gegevensdienstnamenlijst*.
    pub gnl: HttpsUrl,
    /// The roots that the publisher's certificate leads to.
    pub roots: PathBuf,
    /// The client certificate; by default that of the back channel.
    pub identity: Identity,
    /// Time between two fetches, 1 min to 1 h, default 10 min.
    pub refresh: Duration,
    /// Age of each list from which it is no longer used, 1 h to 7 days, default 1 day.
    pub maximum_age: PerList<Duration>,
    /// Age of a list from which an operator is told, 5 min to 1 day, default 15 min.
    pub late_after: Duration,
    /// Share of its entries that each list may lose at once, 0 to 100 per cent, default 5.
    pub loss_percent: PerList<u8>,
    /// How long a service is served after it left the ZAL, 1 h to 1 day, default 1 h (core.gegevensdiensten.104).
    pub grace: Duration,
    /// Folder of the last good copy; default `lists` in the data folder.
    pub copy: PathBuf,
    /// How they are read: whether front-channel URIs may carry a port (never in production), which namespaces are accepted, how
    /// long a provider name may be.
    pub reading: Reading,
    /// The interface versions in which services are served; default `2`, for every release 2.x.
    pub interface_versions: Vec<InterfaceVersion>,
    /// The *zorgaanbiederskoppellijst*, for people who look for their practice by a number.
    pub zakl: Option<PathBuf>,
}

impl Lists {
    pub(super) fn read(section: &mut Section<'_, '_>, data: &Path, back: Read<&Identity>) -> Read<Self> {
        let zal = section.required("zal", &list_url());
        let ocl = section.required("ocl", &list_url());
        let whl = section.required("whl", &list_url());
        let gnl = section.required("gnl", &list_url());
        let roots = section.file("roots", Role::Roots);
        let own = Identity::read_optional(section);
        let refresh = section.or_default("refresh_seconds", &seconds(60..=3600), Duration::from_mins(10));
        let ages = || seconds(3600..=604_800);
        let maximum_age = each_list(section, "maximum_age_seconds", ages, Duration::from_hours(24));
        let late_after = section.or_default("late_after_seconds", &seconds(300..=86_400), Duration::from_mins(15));
        let loss_percent = each_list(section, "loss_percent", || number(0..=100, " of per cent"), 5);
        let grace = section.or_default("grace_seconds", &seconds(3600..=86_400), Duration::from_hours(1));
        let copy = section.file_or("copy", Role::Folder, data.join("lists"));
        let reading = super::reading::read(section);
        let interface_versions = super::reading::interface_versions(section);
        let zakl = section.optional_file("zakl", Role::Koppellijst);
        Ok(Self {
            zal: zal?,
            ocl: ocl?,
            whl: whl?,
            gnl: gnl?,
            roots: roots?,
            identity: own?.map_or_else(|| back.cloned(), Ok)?,
            refresh: refresh?,
            maximum_age: maximum_age?,
            late_after: late_after?,
            loss_percent: loss_percent?,
            grace: grace?,
            copy: copy?,
            reading: reading?,
            interface_versions: interface_versions?,
            zakl: zakl?,
        })
    }
}

/// A table with a value for each list.
fn each_list<T: Copy>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    kind: impl Fn() -> kind::Kind<T>,
    default: T,
) -> Read<PerList<T>> {
    section.table_or_defaults(key, |section| {
        let PerList { zal, ocl, whl, gnl } =
            PerList::from_fn(|list| section.or_default(list.as_str(), &kind(), default));
        Ok(PerList { zal: zal?, ocl: ocl?, whl: whl?, gnl: gnl? })
    })
}
