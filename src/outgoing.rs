//! Where our own calls may go. A name is resolved once for a connection, what came is checked, and the connection goes to what
//! was checked: a name server that changes its mind in between, or that points into our own network, leads nowhere. A name with a
//! fixed address asks no name server; an inner network is reached when the operator names it.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use tokio::net::TcpStream;

use crate::medmij::Hostname;

/// Addresses of a host at a port.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Asks for the addresses of a host at a port.
type Lookup = dyn Fn(&str, u16) -> Found + Send + Sync;

/// A name leads to addresses at which we call nobody: of this machine, of an inner network, of no single host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to an inner address; name its network in outgoing.networks, or the address in resolve")]
pub struct Inner;

/// The rules. Cheap to clone; clones follow the same ones.
#[derive(Clone)]
pub struct Outgoing(Arc<ArcSwap<Rules>>);

struct Rules {
    fixed: Vec<(Hostname, IpAddr)>,
    networks: Vec<IpNet>,
    lookup: Box<Lookup>,
}

impl Default for Outgoing {
    /// No fixed addresses, and no inner networks.
    fn default() -> Self {
        Self::new([], &[])
    }
}

impl Outgoing {
    /// These names are at these addresses; any other is asked of the name servers of the
    /// machine, and may lead to public addresses and into these networks.
    #[must_use]
    pub fn new(fixed: impl IntoIterator<Item = (Hostname, IpAddr)>, networks: &[IpNet]) -> Self {
        Self::with_lookup(fixed, networks, |host, port| {
            let asked = (host.to_owned(), port);
            Box::pin(async move { Ok(tokio::net::lookup_host(asked).await?.collect()) })
        })
    }

    fn with_lookup(
        fixed: impl IntoIterator<Item = (Hostname, IpAddr)>,
        networks: &[IpNet],
        lookup: impl Fn(&str, u16) -> Found + Send + Sync + 'static,
    ) -> Self {
        let (fixed, networks) = (fixed.into_iter().collect(), networks.to_vec());
        Self(Arc::new(ArcSwap::from_pointee(Rules { fixed, networks, lookup: Box::new(lookup) })))
    }

    /// Takes over the rules of another, for connections from now on; those that are open stay.
    pub fn become_like(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }

    /// The addresses to which a connection for this host may go; at least one. Whoever connects goes to these and asks no more.
    ///
    /// # Errors
    /// When the name is not known, or leads to [`Inner`] addresses only.
    pub async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let rules = self.0.load_full();
        if let Some((_, at)) = rules.fixed.iter().find(|(name, _)| name.as_str().eq_ignore_ascii_case(host)) {
            return Ok(vec![SocketAddr::new(*at, port)]);
        }
        let mut found = (rules.lookup)(host, port).await?;
        found.retain(|address| rules.admits(address.ip()));
        if found.is_empty() { Err(io::Error::new(io::ErrorKind::PermissionDenied, Inner)) } else { Ok(found) }
    }

    /// Connects to one of the addresses.
    ///
    /// # Errors
    /// See [`Self::addresses`], and when none of them answers.
    pub async fn connect(&self, host: &Hostname, port: u16) -> io::Result<TcpStream> {
        TcpStream::connect(self.addresses(host.as_str(), port).await?.as_slice()).await
    }
}

impl Rules {
    fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.networks.iter().any(|network| network.contains(&address))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.0.load();
        f.debug_struct("Outgoing")
            .field("fixed", &rules.fixed)
            .field("networks", &rules.networks)
            .finish_non_exhaustive()
    }
}

/// For clients of the control plane, which connect to what is given here.
impl reqwest::dns::Resolve for Outgoing {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let own = self.clone();
        Box::pin(async move {
            let found = own.addresses(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

/// Whether an address is one of the Internet at large (IANA special-purpose address registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let inner = match address.octets() {
        // This network; loopback; multicast, reserved and broadcast.
        [0 | 127 | 224.., ..] => true,
        // Carrier-grade NAT (RFC 6598); protocol assignments (RFC 6890); benchmarking (RFC 2544).
        [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] => true,
        _ => address.is_private() || address.is_link_local(),
    };
    !inner
}

/// Global unicast (RFC 4291 section 2.4), without what carries an IPv4 address inside: 6to4 and Teredo. What NAT64 translates
/// (RFC 6052) is judged by what it stands for.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2002, ..] | [0x2001, 0, ..] => false,
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
        }
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::*;

    fn host(name: &str) -> Hostname {
        Hostname::parse(name).unwrap()
    }

    /// Name servers that give these answers one after the other.
    fn answering(answers: Vec<Vec<IpAddr>>, networks: &[IpNet]) -> Outgoing {
        let asked = AtomicUsize::new(0);
        Outgoing::with_lookup([], networks, move |_, port| {
            let turn = asked.fetch_add(1, Ordering::Relaxed);
            let found = answers[turn.min(answers.len() - 1)].iter().map(|ip| SocketAddr::new(*ip, port)).collect();
            Box::pin(async move { Ok(found) })
        })
    }

    #[test]
    fn only_addresses_of_the_internet_at_large_are_public() {
        for address in ["192.0.2.1", "9.9.9.9", "100.63.0.1", "172.32.0.1", "2a02:a400::1", "64:ff9b::909:909"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2002:7f00:1::1",
            "2001::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn case_83_a_name_that_leads_inside_leads_nowhere() {
        for inside in ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "10.20.0.15"] {
            let error = answering(vec![vec![inside.parse().unwrap()]], &[]).addresses("x.nl", 443).await.unwrap_err();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Inner>()), "{inside}");
        }
        let both = vec!["10.20.0.15".parse().unwrap(), "192.0.2.1".parse().unwrap()];
        let found = answering(vec![both], &[]).addresses("x.nl", 443).await.unwrap();
        assert_eq!(found, ["192.0.2.1:443".parse().unwrap()]);
        let named = ["10.20.0.0/16".parse().unwrap()];
        let found = answering(vec![vec!["10.20.0.15".parse().unwrap()]], &named).addresses("x.nl", 443).await.unwrap();
        assert_eq!(found, ["10.20.0.15:443".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_fixed_address_asks_nobody() {
        let fixed = [(host("x.nl"), "127.0.0.1".parse().unwrap())];
        let outgoing = Outgoing::with_lookup(fixed, &[], |_, _| panic!("nobody is asked"));
        assert_eq!(outgoing.addresses("X.nl", 443).await.unwrap(), ["127.0.0.1:443".parse().unwrap()]);
        assert!(format!("{outgoing:?}").contains("x.nl"));
    }

    /// A public address first, ours from then on: what is connected to is what was checked, and the next connection is refused.
    #[tokio::test]
    async fn f24_a_name_that_turns_inside_after_the_check_is_not_followed() {
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = inside.local_addr().unwrap().port();
        let outside: IpAddr = "192.0.2.1".parse().unwrap();
        let outgoing = answering(vec![vec![outside], vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]], &[]);
        assert_eq!(outgoing.addresses("x.nl", port).await.unwrap(), [SocketAddr::new(outside, port)]);
        let refused = outgoing.connect(&host("x.nl"), port).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        let resolver: &dyn reqwest::dns::Resolve = &outgoing;
        assert!(resolver.resolve("x.nl".parse().unwrap()).await.is_err(), "the control plane has the same rule");
        assert!(tokio::time::timeout(std::time::Duration::ZERO, inside.accept()).await.is_err(), "nobody came in");
    }
}
