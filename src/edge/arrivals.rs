//! Who is at the door: connections whose handshake is not at its end, counted for each network, so that no network can keep all
//! others out by beginning handshakes that it does not finish.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::network::Network;

/// The handshakes of one listener.
#[derive(Debug)]
pub(super) struct Arrivals {
    most: usize,
    /// Only networks that have one; never more than there are connections.
    under_way: Mutex<HashMap<Network, usize>>,
}

/// One handshake; it is over when this is dropped.
#[derive(Debug)]
pub(super) struct Arrival {
    network: Network,
    all: Arc<Arrivals>,
}

impl Arrivals {
    /// At most so many for each network.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, under_way: Mutex::default() })
    }

    /// One more from this address; `None` when its network has as many as it may have.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> Option<Arrival> {
        let network = Network::of(address);
        let mut under_way = self.lock();
        let count = under_way.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Arrival { network, all: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut under_way = self.all.lock();
        if let Some(count) = under_way.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_share_and_others_do_not_notice() {
        let arrivals = Arrivals::new(2);
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "198.51.100.1"].map(|text| text.parse().unwrap());
        let held: Vec<_> = (0..2).map(|_| arrivals.begin(one).unwrap()).collect();
        assert!(arrivals.begin(one).is_none());
        assert!(arrivals.begin(other).is_some());
        drop(held);
        assert!(arrivals.begin(one).is_some());
        assert!(arrivals.lock().is_empty(), "nothing is kept of who has come in");
    }
}
