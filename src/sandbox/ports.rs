//! The ports of a sandbox: a fixed layout from a base, bound all at once, so that a port in use is known before anything
//! runs.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// How many emulated HISs there are: one a practice.
pub const HIS_COUNT: usize = 3;

/// First base that is tried.
const FIRST_BASE: u16 = 8440;
/// From one base to the next.
const STEP: u16 = 60;
/// How many bases are tried.
const TRIES: u16 = 40;

/// Offsets from the base.
mod offset {
    pub(super) const LISTS: u16 = 0;
    pub(super) const FRONT: u16 = 1;
    pub(super) const BACK: u16 = 2;
    pub(super) const PGO: u16 = 10;
    pub(super) const PORTAL: u16 = 13;
    pub(super) const HIS: u16 = 20;
    pub(super) const ORGANISATION: u16 = 14;
    pub(super) const CHAIN_LOG: u16 = 40;
    pub(super) const WITNESS: u16 = 42;
    pub(super) const OPS: u16 = 50;
    pub(super) const AUDITORS: u16 = 51;
    pub(super) const ADMIN: u16 = 52;
}

/// Where the ports come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// From this base; a port in use is an error.
    Fixed(u16),
    /// From the first base whose ports are all free.
    Search,
    /// Each port is one that the system gives; for tests.
    Any,
}

/// All sockets of a sandbox, bound.
pub struct Sockets {
    /// The list publisher.
    pub lists: TcpListener,
    /// The gateway; absent with `--no-gateway`.
    pub gateway: Gateway,
    /// The demonstration PGO.
    pub pgo: TcpListener,
    /// The demonstration portal.
    pub portal: TcpListener,
    /// The provider of the organisation.
    pub organisation: TcpListener,
    /// Each emulated HIS, with its control.
    pub his: Vec<(TcpListener, TcpListener)>,
    /// The receiver of the chain log, with its control.
    pub chain_log: (TcpListener, TcpListener),
    /// The witness of the audit log, with its control.
    pub witness: (TcpListener, TcpListener),
    /// Redirect ports of the other clients; nobody listens there.
    pub others: [u16; 2],
}

/// The ports of the gateway: bound here, or only reserved for a process of its own.
pub enum Gateway {
    /// Bound.
    Bound(crate::app::Listeners),
    /// For `inzage serve`: front, back, operations, auditors, operators.
    Reserved([u16; 5]),
}

/// A port is in use.
#[derive(Debug, thiserror::Error)]
#[error("port {port} is in use; choose another range with --port-base")]
pub struct PortInUse {
    /// Which.
    pub port: u16,
    /// What the system says.
    #[source]
    pub source: std::io::Error,
}

impl Sockets {
    /// Binds all.
    ///
    /// # Errors
    /// When a port is in use; without a fixed base only when no range is free.
    pub fn bind(base: Base, with_gateway: bool) -> Result<Self, PortInUse> {
        match base {
            Base::Fixed(base) => Self::bind_from(Some(base), with_gateway),
            Base::Any => Self::bind_from(None, with_gateway),
            Base::Search => Self::search(with_gateway),
        }
    }

    fn search(with_gateway: bool) -> Result<Self, PortInUse> {
        let mut bases = (0..TRIES).map(|attempt| FIRST_BASE + attempt * STEP);
        let mut last = Self::bind_from(bases.next(), with_gateway);
        while let (Err(_), Some(base)) = (&last, bases.next()) {
            last = Self::bind_from(Some(base), with_gateway);
        }
        last
    }

    fn bind_from(base: Option<u16>, with_gateway: bool) -> Result<Self, PortInUse> {
        let at = |offset: u16| base.map_or(0, |base| base.saturating_add(offset));
        let (front, back, ops) = (bind(at(offset::FRONT))?, bind(at(offset::BACK))?, bind(at(offset::OPS))?);
        let (auditors, admin) = (bind(at(offset::AUDITORS))?, bind(at(offset::ADMIN))?);
        let his = (0..HIS_COUNT).map(|number| {
            let first = offset::HIS + 2 * u16::try_from(number).unwrap_or_default();
            Ok((bind(at(first))?, bind(at(first + 1))?))
        });
        Ok(Self {
            lists: bind(at(offset::LISTS))?,
            pgo: bind(at(offset::PGO))?,
            portal: bind(at(offset::PORTAL))?,
            organisation: bind(at(offset::ORGANISATION))?,
            chain_log: (bind(at(offset::CHAIN_LOG))?, bind(at(offset::CHAIN_LOG + 1))?),
            witness: (bind(at(offset::WITNESS))?, bind(at(offset::WITNESS + 1))?),
            his: his.collect::<Result<_, _>>()?,
            others: [at(offset::PGO + 1).max(1), at(offset::PGO + 2).max(2)],
            gateway: if with_gateway {
                let (auditors, admin) = (Some(auditors), Some(admin));
                Gateway::Bound(crate::app::Listeners { front, back, ops, auditors, admin })
            } else {
                // Checked to be free, and freed again for the process that will take them.
                Gateway::Reserved([&front, &back, &ops, &auditors, &admin].map(port))
            },
        })
    }
}

impl Gateway {
    /// Front, back, operations, auditors, operators.
    #[must_use]
    pub fn ports(&self) -> [u16; 5] {
        match self {
            Self::Bound(listeners) => {
                let desk = |socket: &Option<TcpListener>| socket.as_ref().map(port).unwrap_or_default();
                let (auditors, admin) = (desk(&listeners.auditors), desk(&listeners.admin));
                [port(&listeners.front), port(&listeners.back), port(&listeners.ops), auditors, admin]
            }
            Self::Reserved(ports) => *ports,
        }
    }
}

/// The port of a bound socket.
#[must_use]
pub fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().map(|address| address.port()).unwrap_or_default()
}

fn bind(port: u16) -> Result<TcpListener, PortInUse> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(|source| PortInUse { port, source })
}
