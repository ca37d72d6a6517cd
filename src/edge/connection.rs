//! What a handler may know about the connection a request came over.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::medmij::Hostname;
use crate::oauth::grant::Thumbprint;
use crate::routing::Caller;
use crate::tls::known::Known;
use crate::tls::peer::PeerIdentity;
use crate::tls::server::ServerTls;

/// One TLS connection.
pub struct Connection {
    remote: SocketAddr,
    server_name: Option<Hostname>,
    peer: Option<Peer>,
}

/// A verified client, and the TLS configuration that last verified it.
struct Peer {
    known: Known,
    trusted_by: ArcSwap<ServerTls>,
}

impl Connection {
    /// A connection without a client certificate, such as those of browsers.
    #[must_use]
    pub const fn anonymous(remote: SocketAddr, server_name: Option<Hostname>) -> Self {
        Self { remote, server_name, peer: None }
    }

    /// The same connection with a client that `trusted_by` has recognised.
    pub(super) fn with_peer(self, known: Known, trusted_by: Arc<ServerTls>) -> Self {
        Self { peer: Some(Peer { known, trusted_by: ArcSwap::new(trusted_by) }), ..self }
    }

    /// Address of the client: that of the other side, or what a listed load balancer said.
    #[must_use]
    pub const fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// The host the client named in the handshake (SNI).
    #[must_use]
    pub const fn server_name(&self) -> Option<&Hostname> {
        self.server_name.as_ref()
    }

    /// The client's certificate; always there on the back channel, never on the front channel.
    #[must_use]
    pub fn peer(&self) -> Option<&Arc<PeerIdentity>> {
        self.peer.as_ref().map(|peer| peer.known.identity())
    }

    /// The client as decisions know it; nameless on the front channel.
    #[must_use]
    pub fn caller(&self) -> Caller<'_> {
        let identity = self.peer();
        Caller {
            names: identity.map(|identity| identity.names()).unwrap_or_default(),
            thumbprint: identity.map(|identity| Thumbprint::new(*identity.thumbprint())),
            address: Some(self.remote.ip()),
        }
    }

    /// Whether the client, if it showed a certificate, is still acceptable: not expired at `now`, and judged anew when the
    /// configuration has changed (roots, revocations), once per change, or a revocation list has ended.
    pub(super) fn is_trusted(&self, current: &Arc<ServerTls>, now: Timestamp) -> bool {
        let Some(peer) = &self.peer else { return true };
        if peer.known.identity().not_after() < now {
            return false;
        }
        if Arc::ptr_eq(&peer.trusted_by.load(), current) && peer.known.holds_at(now) {
            return true;
        }
        let trusted = current.recognise(peer.known.chain(), now).is_ok();
        if trusted {
            peer.trusted_by.store(Arc::clone(current));
        }
        trusted
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the address, which is personal data on the front channel.
        f.debug_struct("Connection")
            .field("server_name", &self.server_name)
            .field("peer", &self.peer())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use super::*;
    use crate::clock::{SharedClock, TestClock};
    use crate::tls::pki::{Pki, now};
    use crate::tls::revocation::Revocations;
    use crate::tls::server::back_channel;

    #[test]
    fn a_client_revoked_while_connected_is_trusted_no_longer() {
        let (pki, clock): (_, SharedClock) = (Pki::new(), TestClock::at(now()));
        let own = pki.identity(&["gp.example.nl"]);
        let tls = |crls| Arc::new(back_channel(&own, &pki.roots(), &Revocations::of(crls), &clock).unwrap());
        let (first, renewed) = (tls(Vec::new()), tls(vec![pki.revocations(false)]));
        let revoking = tls(vec![pki.revocations(true)]);
        let chain = pki.issue_until(&["pgo.example.nl"], 2030).chain();
        let known = first.recognise(&chain, now()).unwrap();
        let connection = Connection::anonymous(([127, 0, 0, 1], 1).into(), None);
        assert!(connection.is_trusted(&revoking, now()), "nobody to trust");
        let connection = connection.with_peer(known, Arc::clone(&first));
        assert!(connection.is_trusted(&first, now()));
        assert!(connection.is_trusted(&renewed, now()));
        assert!(!connection.is_trusted(&revoking, now()));
        assert!(!connection.is_trusted(&renewed, "2030-01-02T00:00:00Z".parse().unwrap()), "expired since");
        assert!(!format!("{connection:?}").contains("127.0.0.1"));
    }
}
