//! Everything a decision reads: immutable, swapped whole. Requests in flight keep the one they began with.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::lists::Lists;
use crate::medmij::Hostname;
use crate::practices::PracticeRegister;
use crate::services::Catalogue;

/// One consistent view of the world.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The lists in force.
    pub lists: Arc<Lists>,
    /// Our practices.
    pub practices: Arc<PracticeRegister>,
    /// The services.
    pub services: Arc<Catalogue>,
    /// Which nodes may act for which client.
    pub peers: Arc<PeerTable>,
}

/// The snapshot in force.
pub type SharedSnapshot = Arc<ArcSwap<Snapshot>>;

/// Which back-channel names may act for a client_id: those registered, or else the name that equals it.
#[derive(Debug, Default)]
pub struct PeerTable {
    peers: HashMap<Hostname, Vec<Hostname>>,
}

impl PeerTable {
    /// From the client register.
    #[must_use]
    pub const fn new(peers: HashMap<Hostname, Vec<Hostname>>) -> Self {
        Self { peers }
    }

    /// Whether this node may act for this client.
    #[must_use]
    pub fn may_act(&self, peer: &Hostname, client: &Hostname) -> bool {
        self.peers.get(client).map_or(peer == client, |allowed| allowed.contains(peer))
    }
}
