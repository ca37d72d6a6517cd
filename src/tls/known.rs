//! Clients that were found good. Verifying a chain costs a verification of a signature for each certificate in it, and most
//! clients are those of a minute ago, so a verdict is kept for as long as nothing it rests on can have changed: it belongs to
//! one configuration (roots and revocation lists), and ends with the first certificate or revocation list that does.

use std::sync::Arc;

use jiff::Timestamp;
use quick_cache::sync::Cache;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::peer::PeerIdentity;
use crate::secret::sha256;

/// Chains whose verdict is kept. Only chains that passed are: nobody fills it but those whom the roots vouch for.
const KEPT_MOST: usize = 1024;

/// A client that passed, with the chain (leaf first) to judge it by again.
#[derive(Debug, Clone)]
pub struct Known {
    identity: Arc<PeerIdentity>,
    chain: Arc<[CertificateDer<'static>]>,
    /// Seconds since 1970.
    until: u64,
}

impl Known {
    /// Whether time alone has not changed what was found: no certificate of the chain and no revocation list has ended.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        u64::try_from(now.as_second()).is_ok_and(|now| now < self.until)
    }

    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Arc<PeerIdentity> {
        &self.identity
    }

    /// What it showed, leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }
}

/// A verdict, and between which moments (seconds since 1970) it holds: not before it was given, when a clock is set back.
#[derive(Debug, Clone)]
struct Verdict {
    known: Known,
    from: u64,
}

impl Verdict {
    fn holds_at(&self, now: UnixTime) -> bool {
        (self.from..self.known.until).contains(&now.as_secs())
    }
}

/// Judges chains, and remembers those that passed. As a verifier of rustls it spares a handshake the signatures of the chain;
/// that the client has the key is verified in each handshake.
#[derive(Debug)]
pub(super) struct KnownClients {
    judge: Arc<dyn ClientCertVerifier>,
    /// When the first revocation list is past its next update.
    lists_end: u64,
    verdicts: Cache<[u8; 32], Verdict>,
}

impl KnownClients {
    /// What `judge` says, whose revocation lists hold until `lists_end`, or for ever.
    pub(super) fn new(judge: Arc<dyn ClientCertVerifier>, lists_end: Option<Timestamp>) -> Self {
        let lists_end = lists_end.map_or(u64::MAX, |end| u64::try_from(end.as_second()).unwrap_or(0));
        Self { judge, lists_end, verdicts: Cache::new(KEPT_MOST) }
    }

    /// Who shows this chain.
    ///
    /// # Errors
    /// When it is not acceptable at `now`.
    pub(super) fn recognise(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Known, Error> {
        let print = fingerprint(leaf, intermediates);
        if let Some(verdict) = self.verdicts.get(&print).filter(|verdict| verdict.holds_at(now)) {
            return Ok(verdict.known);
        }
        let _verified = self.judge.verify_client_cert(leaf, intermediates, now)?;
        let malformed = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let chain: Arc<[_]> = std::iter::once(leaf).chain(intermediates).map(|der| der.clone().into_owned()).collect();
        let identity = Arc::new(PeerIdentity::from_verified(&chain).map_err(malformed)?);
        let until = chain.iter().map(|der| not_after(der).unwrap_or(0)).fold(self.lists_end, u64::min);
        let verdict = Verdict { known: Known { identity, chain, until }, from: now.as_secs() };
        self.verdicts.insert(print, verdict.clone());
        Ok(verdict.known)
    }
}

impl ClientCertVerifier for KnownClients {
    fn offer_client_auth(&self) -> bool {
        self.judge.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.judge.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.judge.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.recognise(leaf, intermediates, now).map(|_known| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

/// Of every byte of a chain, and of where each certificate ends.
fn fingerprint(leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut text = Vec::with_capacity(4 * 1024);
    for der in std::iter::once(leaf).chain(intermediates) {
        text.extend_from_slice(&der.len().to_be_bytes());
        text.extend_from_slice(der);
    }
    sha256(&text)
}

/// The last second of a certificate, at which its verdict is no longer kept.
fn not_after(der: &[u8]) -> Option<u64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
    u64::try_from(parsed.validity().not_after.timestamp()).ok()
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use rustls::pki_types::CertificateRevocationListDer;
    use rustls::server::WebPkiClientVerifier;

    use super::*;
    use crate::tls::pki::{Pki, now};
    use crate::tls::revocation::Revocations;
    use crate::tls::{provider, unix_time};

    /// A verifier that counts what it is asked.
    #[derive(Debug)]
    struct Counting(Arc<dyn ClientCertVerifier>, AtomicUsize);

    impl Counting {
        fn new(pki: &Pki, crls: &[CertificateRevocationListDer<'static>]) -> (Arc<Self>, KnownClients) {
            let judge = WebPkiClientVerifier::builder_with_provider(pki.roots().store(), provider())
                .with_crls(crls.to_vec())
                .enforce_revocation_expiration()
                .build()
                .unwrap();
            let counting = Arc::new(Self(judge, AtomicUsize::new(0)));
            (Arc::clone(&counting), KnownClients::new(counting, Revocations::of(crls.to_vec()).hold_until()))
        }

        fn asked(&self) -> usize {
            self.1.load(Ordering::Relaxed)
        }
    }

    impl ClientCertVerifier for Counting {
        fn root_hint_subjects(&self) -> &[DistinguishedName] {
            self.0.root_hint_subjects()
        }

        fn verify_client_cert(
            &self,
            leaf: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            now: UnixTime,
        ) -> Result<ClientCertVerified, Error> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.verify_client_cert(leaf, intermediates, now)
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.0.verify_tls12_signature(message, leaf, signed)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.0.verify_tls13_signature(message, leaf, signed)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.supported_verify_schemes()
        }
    }

    fn at(text: &str) -> UnixTime {
        unix_time(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_client_that_comes_again_is_not_verified_again_and_is_the_same() {
        let pki = Pki::new();
        let (judge, clients) = Counting::new(&pki, &[]);
        let (one, other) = (pki.issue(&["pgo.example.nl"]).chain(), pki.issue(&["b.example.nl"]).chain());
        let now = unix_time(now()).unwrap();
        let first = clients.recognise(&one[0], &[], now).unwrap();
        assert_eq!((first.identity().names()[0].as_str(), first.chain()), ("pgo.example.nl", &one[..]));
        let again = clients.recognise(&one[0], &[], now).unwrap();
        assert!(Arc::ptr_eq(first.identity(), again.identity()) && judge.asked() == 1);
        assert_eq!(clients.recognise(&other[0], &[], now).unwrap().identity().names()[0].as_str(), "b.example.nl");
        assert_eq!(judge.asked(), 2);
        clients.recognise(&one[0], &other, now).unwrap();
        assert_eq!(judge.asked(), 3, "another chain, though the leaf is the same");
    }

    #[test]
    fn a_chain_that_does_not_pass_is_judged_each_time() {
        let (judge, clients) = Counting::new(&Pki::new(), &[]);
        let foreign = Pki::new().issue(&["pgo.example.nl"]).chain();
        for count in 1..=2 {
            assert!(clients.recognise(&foreign[0], &[], unix_time(now()).unwrap()).is_err());
            assert_eq!(judge.asked(), count);
        }
    }

    #[test]
    fn a_verdict_ends_with_the_certificate_and_is_not_older_than_the_clock() {
        let pki = Pki::new();
        let (judge, clients) = Counting::new(&pki, &[]);
        let chain = pki.issue_until(&["pgo.example.nl"], 2028).chain();
        let passes = |now: &str| clients.recognise(&chain[0], &[], at(now)).is_ok();
        assert!(passes("2027-01-01T00:00:00Z") && passes("2027-12-31T23:59:59Z"));
        assert_eq!(judge.asked(), 1);
        assert!(passes("2028-01-01T00:00:00Z"), "its last second");
        assert!(!passes("2028-01-01T00:00:01Z"));
        assert_eq!(judge.asked(), 3);
        assert!(!passes("2019-01-01T00:00:00Z"), "a clock set back to before it was valid");
        assert_eq!(judge.asked(), 4);
    }

    #[test]
    fn a_verdict_ends_with_the_first_revocation_list_and_with_an_intermediate() {
        let pki = Pki::new();
        let (judge, clients) = Counting::new(&pki, &[pki.revocations(false)]);
        let chain = pki.issue_until(&["pgo.example.nl"], 2090).chain();
        let passes = |now: &str| clients.recognise(&chain[0], &[], at(now)).is_ok();
        assert!(passes("2049-12-31T00:00:00Z") && passes("2049-12-31T23:59:59Z"));
        assert_eq!(judge.asked(), 1);
        assert!(!passes("2050-01-01T00:00:00Z"));
        let (judge, clients) = Counting::new(&pki, &[]);
        let beside = pki.issue_until(&["b.example.nl"], 2027).chain();
        for (now, asked) in [("2026-12-31T23:59:59Z", 1), ("2027-01-01T00:00:00Z", 2), ("2027-01-02T00:00:00Z", 3)] {
            assert!(clients.recognise(&chain[0], &beside, at(now)).is_ok(), "the leaf needs no intermediate");
            assert_eq!(judge.asked(), asked, "{now}");
        }
    }

    #[test]
    fn no_more_than_the_most_are_kept() {
        let pki = Pki::new();
        let (_, clients) = Counting::new(&pki, &[]);
        let leaf = pki.issue(&["pgo.example.nl"]).chain().remove(0);
        for length in 0..2 * KEPT_MOST {
            // Any bytes may stand beside a leaf that the root signed itself.
            let beside = CertificateDer::from(length.to_be_bytes().to_vec());
            let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
            let _judged = clients.recognise(&leaf, &[beside], now);
        }
        assert!(clients.verdicts.len() <= KEPT_MOST);
    }
}
