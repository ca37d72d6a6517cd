//! TLS of our listeners: the front channel never asks for a client certificate, the back channel always does
//! (core.tls.314, 315), and that of operators may take people without one. A configuration is made whole and swapped whole.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, ServerConfig};

use super::identity::{Identity, Roots};
use super::known::{Known, KnownClients};
use super::revocation::{Lenience, Revocations};
use super::tickets::{SharedTickets, TicketKeys, epoch};
use super::{ALPN_H2, ALPN_HTTP1, ClockTime, TlsError, VERSIONS, provider, unix_time};
use crate::clock::SharedClock;

/// The TLS side of one listener: the configuration for handshakes, and who judges clients in them and again later.
#[derive(Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    /// By what clients are judged: see [`epoch`].
    epoch: [u8; 32],
    /// `None` when no client is asked for a certificate.
    clients: Option<Arc<KnownClients>>,
    revocations_due: Option<Timestamp>,
    expires: Option<Timestamp>,
}

impl ServerTls {
    /// What a handshake uses.
    #[must_use]
    pub const fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// When the first revocation list of clients should have been replaced; `None` when there is none.
    #[must_use]
    pub const fn revocations_due(&self) -> Option<Timestamp> {
        self.revocations_due
    }

    /// The same, whose tickets open at every node that has these keys and judges clients alike, by the same roots and
    /// revocations. `listener` tells it from the other listeners of such a node, at which they never open.
    #[must_use]
    pub fn sharing_tickets(self, keys: &TicketKeys, listener: &str, clock: &SharedClock) -> Self {
        let mut config = ServerConfig::clone(&self.config);
        config.ticketer = Arc::new(SharedTickets::new(keys.clone(), listener, &self.epoch, Arc::clone(clock)));
        Self { config: Arc::new(config), ..self }
    }

    /// The last moment at which our certificate is of use.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Judges a client's chain (leaf first), with the roots and revocation lists of this configuration. Needed because a
    /// resumed session brings its chain back unverified (RFC 8446 section 4.6.1), and because connections outlive lists.
    ///
    /// # Errors
    /// When the chain is not acceptable at `now`, or this configuration asks no client certificate.
    pub fn recognise(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<Known, rustls::Error> {
        let (leaf, intermediates) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        let now = unix_time(now).ok_or(rustls::Error::FailedToGetCurrentTime)?;
        let nobody = rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        self.clients.as_ref().ok_or(nobody)?.recognise(leaf, intermediates, now)
    }
}

/// For browsers: no client certificate is ever asked, because the question alone pops up a window.
///
/// # Errors
/// When the TLS library refuses the identity.
pub fn front_channel(identity: &Identity, clock: &SharedClock) -> Result<ServerTls, TlsError> {
    let config = assemble(identity, None, clock)?;
    Ok(ServerTls { config, epoch: epoch(None), clients: None, revocations_due: None, expires: identity.expires() })
}

/// For servers: a client certificate under `roots` is required. With revocation lists, each certificate of the chain must be
/// covered by one that is not past its next update, and not be named in it, but for what their lenience says; without, revocation
/// is not checked here.
///
/// # Errors
/// When a revocation list cannot be parsed, or the TLS library refuses the identity.
pub fn back_channel(
    identity: &Identity,
    roots: &Roots,
    revocations: &Revocations,
    clock: &SharedClock,
) -> Result<ServerTls, TlsError> {
    judging(identity, (roots, revocations), Certificate::Required, clock)
}

/// For people who have a certificate, or log in on a page: as [`back_channel`], but who shows none comes in as nobody. A certificate
/// that is shown must be good.
///
/// # Errors
/// As [`back_channel`].
pub fn asking_channel(
    identity: &Identity,
    roots: &Roots,
    revocations: &Revocations,
    clock: &SharedClock,
) -> Result<ServerTls, TlsError> {
    judging(identity, (roots, revocations), Certificate::Asked, clock)
}

/// Whether a client must show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certificate {
    Required,
    Asked,
}

fn judging(
    identity: &Identity,
    (roots, revocations): (&Roots, &Revocations),
    certificate: Certificate,
    clock: &SharedClock,
) -> Result<ServerTls, TlsError> {
    let Lenience { uncovered, overdue } = revocations.lenience();
    let mut verifier =
        WebPkiClientVerifier::builder_with_provider(roots.store(), provider()).with_crls(revocations.lists());
    if uncovered {
        verifier = verifier.allow_unknown_revocation_status();
    }
    if !overdue {
        verifier = verifier.enforce_revocation_expiration();
    }
    if certificate == Certificate::Asked {
        verifier = verifier.allow_unauthenticated();
    }
    let clients = Arc::new(KnownClients::new(verifier.build()?, revocations.hold_until()));
    let config = assemble(identity, Some(&clients), clock)?;
    let epoch = epoch(Some((roots, revocations)));
    let (revocations_due, expires) = (revocations.due(), identity.expires());
    Ok(ServerTls { config, epoch, clients: Some(clients), revocations_due, expires })
}

fn assemble(
    identity: &Identity,
    clients: Option<&Arc<KnownClients>>,
    clock: &SharedClock,
) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier: Arc<dyn ClientCertVerifier> = match clients {
        Some(clients) => Arc::clone(clients) as _,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(ClockTime(Arc::clone(clock))))
        .with_protocol_versions(VERSIONS)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified())));
    config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP1.to_vec()];
    // Fresh keys with each configuration: a ticket from before a change of roots or revocations does not decrypt any more.
    config.ticketer = Ticketer::new()?;
    // Each is made and sent anew; a client that opens several connections gets one on each.
    config.send_tls13_tickets = 1;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Data before the handshake is done can be replayed, and a token request must not be (RFC 8446 appendix E.5).
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use crate::tls::pki::{Pki, now};

    fn clock() -> SharedClock {
        TestClock::at(now())
    }

    #[test]
    fn the_front_channel_asks_no_certificate_and_the_back_channel_insists() {
        let pki = Pki::new();
        let identity = pki.identity(&["gp.example.nl"]);
        assert!(front_channel(&identity, &clock()).unwrap().clients.is_none());
        let back = back_channel(&identity, &pki.roots(), &Revocations::default(), &clock()).unwrap();
        assert!(back.clients.as_ref().unwrap().client_auth_mandatory());
        let asking = asking_channel(&identity, &pki.roots(), &Revocations::default(), &clock()).unwrap();
        let clients = asking.clients.as_ref().unwrap();
        assert!(clients.offer_client_auth() && !clients.client_auth_mandatory());
        assert!(back.config().ticketer.enabled() && back.config().max_early_data_size == 0);
    }

    #[test]
    fn recognising_sees_expiry_revocation_and_a_change_of_roots() {
        let pki = Pki::new();
        let identity = pki.identity(&["gp.example.nl"]);
        let chain = pki.issue_until(&["pgo.example.nl"], 2028).chain();
        let with = |roots: &Roots, crls| back_channel(&identity, roots, &Revocations::of(crls), &clock()).unwrap();
        let plain = with(&pki.roots(), Vec::new());
        assert!(plain.recognise(&chain, now()).is_ok());
        assert!(plain.recognise(&chain, "2028-01-02T00:00:00Z".parse().unwrap()).is_err());
        assert!(plain.recognise(&[], now()).is_err());
        assert!(with(&pki.roots(), vec![pki.revocations(false)]).recognise(&chain, now()).is_ok());
        assert!(with(&pki.roots(), vec![pki.revocations(true)]).recognise(&chain, now()).is_err());
        assert!(with(&Pki::new().roots(), Vec::new()).recognise(&chain, now()).is_err());
        assert!(front_channel(&identity, &clock()).unwrap().recognise(&chain, now()).is_err());
    }

    #[test]
    fn a_revocation_list_past_its_next_update_covers_nothing() {
        let pki = Pki::new();
        let chain = pki.issue_until(&["pgo.example.nl"], 2090).chain();
        let identity = pki.identity(&["gp.example.nl"]);
        let back =
            back_channel(&identity, &pki.roots(), &Revocations::of(vec![pki.revocations(false)]), &clock()).unwrap();
        assert!(back.recognise(&chain, "2051-01-01T00:00:00Z".parse().unwrap()).is_err());
    }
}
