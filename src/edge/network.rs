//! Which network an address belongs to: what one customer of a provider may choose from, so that nobody gets more by changing
//! addresses (IPv4 /24; IPv6 /56, RIPE-690 section 4.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network. Without `Debug` of its octets: on the front channel it is nearly personal data.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address. An IPv4 address that comes as IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8)))),
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 72)))),
        }
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_ipv4() { "Network(/24)" } else { "Network(/56)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        Network::of(one.parse().unwrap()) == Network::of(other.parse().unwrap())
    }

    #[test]
    fn neighbours_are_one_network_and_others_are_not() {
        assert!(same("192.0.2.1", "192.0.2.254"));
        assert!(!same("192.0.2.1", "192.0.3.1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.7"));
        assert!(same("2001:db8:1:ff00::1", "2001:db8:1:ffff:9::2"));
        assert!(!same("2001:db8:1:ff00::1", "2001:db8:1:fe00::1"));
        assert_eq!(format!("{:?}", Network::of("192.0.2.1".parse().unwrap())), "Network(/24)");
    }
}
