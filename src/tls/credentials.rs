//! Whom an outgoing connection trusts, and who we are in it, replaced while the client that uses them goes on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::identity::{Identity, Roots};
use super::{ClockTime, TlsError, VERSIONS, provider};
use crate::clock::SharedClock;

/// Roots and a certificate. Each handshake takes those that are in force then.
pub struct Credentials {
    held: ArcSwap<Held>,
    /// Until when the certificate holds that was shown last, in seconds since 1970; 0 when none was.
    shown: Arc<AtomicI64>,
}

#[derive(Clone)]
struct Held {
    verifier: Arc<WebPkiServerVerifier>,
    own: Option<Arc<CertifiedKey>>,
}

impl Credentials {
    /// Trusts these roots; `identity` answers a server that asks for a certificate.
    ///
    /// # Errors
    /// When the roots do not make a verifier.
    pub fn new(roots: &Roots, identity: Option<&Identity>) -> Result<Self, TlsError> {
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.store(), provider());
        let verifier = verifier.build().map_err(TlsError::ServerVerifier)?;
        let own = identity.map(|identity| Arc::new(identity.certified()));
        Ok(Self { held: ArcSwap::from_pointee(Held { verifier, own }), shown: Arc::default() })
    }

    /// The same for whom `before` was for: both know of the certificate that either was shown last.
    #[must_use]
    pub fn in_place_of(self, before: &Self) -> Self {
        Self { shown: Arc::clone(&before.shown), ..self }
    }

    /// The last moment at which our certificate is of use, when there is one.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        super::expires(self.held.load().own.as_ref()?.end_entity_cert().ok()?)
    }

    /// The last moment of the certificate that a server showed last, and that was good.
    #[must_use]
    pub fn peer_expires(&self) -> Option<Timestamp> {
        let second = self.shown.load(Ordering::Relaxed);
        Timestamp::from_second(second).ok().filter(|_| second != 0)
    }

    /// Takes over what another one holds.
    pub fn become_like(&self, other: &Self) {
        self.held.store(other.held.load_full());
    }

    /// A configuration that follows these credentials. No session is resumed: one from before a change would be with a server that
    /// the old roots vouched for, and show it the old certificate.
    ///
    /// # Errors
    /// When the TLS library refuses our versions.
    pub fn client_config(self: &Arc<Self>, alpn: &[&[u8]], clock: &SharedClock) -> Result<ClientConfig, TlsError> {
        let mut config = ClientConfig::builder_with_details(provider(), Arc::new(ClockTime(Arc::clone(clock))))
            .with_protocol_versions(VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(self) as _)
            .with_client_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

/// All that is judged is judged by the verifier of the library.
impl ServerCertVerifier for Credentials {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.held.load().verifier.verify_server_cert(leaf, intermediates, server_name, ocsp_response, now)?;
        let expires = super::expires(leaf).map_or(0, Timestamp::as_second);
        self.shown.store(expires, Ordering::Relaxed);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.held.load().verifier.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.held.load().verifier.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.held.load().verifier.supported_verify_schemes()
    }
}

impl ResolvesClientCert for Credentials {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.held.load().own.clone()
    }

    fn has_certs(&self) -> bool {
        self.held.load().own.is_some()
    }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;
    use crate::tls::pki::{Pki, now};
    use crate::tls::unix_time;

    #[test]
    fn both_the_roots_and_the_certificate_are_those_in_force() {
        let (old, new) = (Pki::new(), Pki::new());
        let credentials = Credentials::new(&old.roots(), Some(&old.identity(&["gp.example.nl"]))).unwrap();
        let (name, at) = (ServerName::try_from("his.example.nl").unwrap(), unix_time(now()).unwrap());
        let trusts = |pki: &Pki| {
            let chain = pki.issue(&["his.example.nl"]).chain();
            credentials.verify_server_cert(&chain[0], &[], &name, &[], at).is_ok()
        };
        let shown = || credentials.resolve(&[], &[]).unwrap().cert[0].clone();
        assert!(trusts(&old) && !trusts(&new));
        let before = shown();
        let seen = credentials.peer_expires();
        assert_eq!(seen, Some("2050-01-01T00:00:00Z".parse().unwrap()), "and not that of a stranger");
        let next = Credentials::new(&new.roots(), None).unwrap();
        assert_eq!((next.peer_expires(), next.in_place_of(&credentials).peer_expires()), (None, seen));
        let identity = new.identity(&["gp.example.nl"]);
        credentials.become_like(&Credentials::new(&new.roots(), Some(&identity)).unwrap());
        assert!(trusts(&new) && !trusts(&old));
        assert_eq!(shown(), identity.chain()[0]);
        assert_ne!(shown(), before);
    }
}
