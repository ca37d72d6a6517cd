//! Our own register of clients: which nodes may act for a client_id, and which clients are practice portals, with the
//! practices and services that their registration names.
//!
//! A PGO exists by the lists of MedMij (OCL, WHL); an entry here only says more about it. A portal is no party of MedMij
//! (`medmij.md` section 8): it exists by its entry here alone.

mod portal;

use std::collections::HashMap;

use foldhash::fast::RandomState;

pub use portal::{Portal, PortalScope};

use crate::medmij::Hostname;

/// One registered client.
#[derive(Debug, Clone)]
pub enum Client {
    /// A PGO about which the lists do not say all.
    Pgo(Pgo),
    /// A practice portal.
    Portal(Portal),
}

/// What is registered of a PGO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pgo {
    /// The names in back-channel certificates that may act for it.
    pub peers: Vec<Hostname>,
    /// Whether its tokens work with the certificate only with which they were asked for (RFC 8705 section 3).
    pub bind_tokens: bool,
}

impl Client {
    fn peers(&self) -> &[Hostname] {
        match self {
            Self::Pgo(pgo) => &pgo.peers,
            Self::Portal(portal) => &portal.peers,
        }
    }

    const fn binds_tokens(&self) -> bool {
        match self {
            Self::Pgo(pgo) => pgo.bind_tokens,
            Self::Portal(portal) => portal.bind_tokens,
        }
    }
}

/// All registered clients, by client_id. A client_id without an entry is a PGO that is served to its own name only.
#[derive(Debug, Default)]
pub struct ClientRegister {
    clients: HashMap<Hostname, Client, RandomState>,
}

impl ClientRegister {
    /// Builds the register.
    #[must_use]
    pub fn new(clients: impl IntoIterator<Item = (Hostname, Client)>) -> Self {
        Self { clients: clients.into_iter().collect() }
    }

    /// Whether this node may act for this client: the names that are registered, or else the one that equals it.
    #[must_use]
    pub fn may_act(&self, peer: &Hostname, client: &Hostname) -> bool {
        self.clients.get(client).map_or(peer == client, |client| client.peers().contains(peer))
    }

    /// The nodes that may act for this client: those that are registered, or else the one of its own name.
    #[must_use]
    pub fn nodes_of(&self, client: &Hostname) -> Vec<Hostname> {
        self.clients.get(client).map_or_else(|| vec![client.clone()], |client| client.peers().to_vec())
    }

    /// Whether tokens of this client are bound to the certificate with which they were asked for (RFC 8705 section 3).
    #[must_use]
    pub fn binds_tokens(&self, client: &Hostname) -> bool {
        self.clients.get(client).is_some_and(Client::binds_tokens)
    }

    /// The portal of this client_id; `None` for a PGO and for a stranger.
    #[must_use]
    pub fn portal(&self, client: &str) -> Option<&Portal> {
        match self.clients.get(client)? {
            Client::Portal(portal) => Some(portal),
            Client::Pgo(_) => None,
        }
    }

    /// Every portal with its client_id, in no order.
    pub fn portals(&self) -> impl Iterator<Item = (&Hostname, &Portal)> {
        self.clients.iter().filter_map(|(id, client)| match client {
            Client::Portal(portal) => Some((id, portal)),
            Client::Pgo(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Hostname {
        Hostname::parse(name).unwrap()
    }

    fn register() -> ClientRegister {
        let pgo = Pgo { peers: vec![host("node.example")], bind_tokens: false };
        ClientRegister::new([
            (host("pgo.example"), Client::Pgo(pgo)),
            (host("portaal.example"), Client::Portal(portal::tests::portal("portaal.example"))),
        ])
    }

    #[test]
    fn registered_peers_act_and_without_an_entry_only_the_name_itself() {
        let register = register();
        for (peer, client, may) in [
            ("node.example", "pgo.example", true),
            ("pgo.example", "pgo.example", false),
            ("other.example", "other.example", true),
            ("node.example", "other.example", false),
            ("portaal.example", "portaal.example", true),
            ("node.example", "portaal.example", false),
        ] {
            assert_eq!(register.may_act(&host(peer), &host(client)), may, "{peer} for {client}");
        }
    }

    #[test]
    fn only_an_entry_makes_a_portal_or_binds_tokens() {
        let register = register();
        assert!(register.portal("portaal.example").is_some());
        assert!(register.portal("pgo.example").is_none() && register.portal("other.example").is_none());
        assert_eq!(register.portals().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["portaal.example"]);
        assert!(register.binds_tokens(&host("portaal.example")));
        assert!(!register.binds_tokens(&host("pgo.example")) && !register.binds_tokens(&host("other.example")));
    }
}
