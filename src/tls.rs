//! What we accept and offer in TLS, in one readable place (MedMij core.tls.300-304; NCSC TLS guidelines 2.1, rating "goed",
//! with TLS 1.2 kept because core.tls.302 obliges everyone to speak it).

pub mod client;
pub mod credentials;
pub mod identity;
pub mod known;
pub mod peer;
#[cfg(test)]
#[cfg(feature = "sandbox")]
pub(crate) mod pki;
pub mod revocation;
pub mod server;
pub mod tickets;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::{UnixTime, pem};
use rustls::time_provider::TimeProvider;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::clock::SharedClock;

/// Highest first (core.tls.304). rustls speaks nothing older, no renegotiation, no compression, no static RSA, no CBC.
pub static VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// AEAD with forward secrecy only.
static SUITES: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The hybrid post-quantum group first: records of patients must stay secret for longer than a lifetime.
static GROUPS: &[&dyn SupportedKxGroup] =
    &[kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];

/// ALPN identifier of HTTP/2 (RFC 9113 section 3.1).
pub const ALPN_H2: &[u8] = b"h2";
/// ALPN identifier of HTTP/1.1 (RFC 7301 section 6).
pub const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The one cryptographic provider: aws-lc-rs with our suites and groups.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        Arc::new(CryptoProvider {
            cipher_suites: SUITES.to_vec(),
            kx_groups: GROUPS.to_vec(),
            ..aws_lc_rs::default_provider()
        })
    });
    Arc::clone(&PROVIDER)
}

/// Makes [`provider`] the default of the process, for libraries that ask for one. The first call counts; more do no harm.
pub fn install() {
    // An error says that a default is set already, and nothing but this function sets one.
    drop(CryptoProvider::install_default(CryptoProvider::clone(&provider())));
}

/// The last moment of validity of a certificate; `None` when it is none.
#[must_use]
pub fn expires(certificate: &[u8]) -> Option<Timestamp> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()
}

/// Why a certificate, key, set of roots or client could not be made ready. Each is for an operator to solve.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Over 1 MiB: not a certificate, key or set of roots.
    #[error("{path} is larger than 1 MiB")]
    FileTooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// Others than the owner may read the private key.
    #[error("{path} holds a private key and may be readable by its owner only (chmod 600)")]
    KeyExposed {
        /// Which file.
        path: PathBuf,
    },
    /// Not a list of revoked certificates, in PEM or DER.
    #[error("{path} holds no revocation list, or one that cannot be parsed")]
    RevocationList {
        /// Which file.
        path: PathBuf,
    },
    /// The next update of a revocation list was due: it covers nothing any more.
    #[error("the revocation list {path} should have been replaced by {ended}")]
    RevocationListEnded {
        /// Which file.
        path: PathBuf,
        /// When.
        ended: Timestamp,
    },
    /// The PEM text is broken.
    #[error("the PEM text is broken: {0}")]
    Pem(pem::Error),
    /// No certificate in the file.
    #[error("no certificate found")]
    NoCertificate,
    /// No private key in the file.
    #[error("no private key found")]
    NoKey,
    /// The certificate is not X.509.
    #[error("the certificate cannot be parsed")]
    MalformedCertificate,
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The validity period of the certificate has ended.
    #[error("the certificate has expired")]
    Expired,
    /// The validity period of the certificate has not begun.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The TLS library refuses the material or the combination.
    #[error("refused by the TLS library: {0}")]
    Refused(#[from] rustls::Error),
    /// Roots or revocation lists do not make a verifier.
    #[error("client certificates cannot be verified with these roots and revocation lists: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// Roots do not make a verifier of servers.
    #[error("servers cannot be verified with these roots: {0}")]
    ServerVerifier(#[source] rustls::client::VerifierBuilderError),
    /// The keys of tickets cannot be used.
    #[error(transparent)]
    TicketKeys(#[from] tickets::TicketKeyError),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    Client(#[from] reqwest::Error),
}

/// Our clock as rustls asks for it, so that certificate validity follows the one door for time.
struct ClockTime(SharedClock);

impl fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockTime")
    }
}

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        unix_time(self.0.now())
    }
}

/// `None` before 1970.
fn unix_time(at: Timestamp) -> Option<UnixTime> {
    let seconds = u64::try_from(at.as_second()).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_suite_without_forward_secrecy_or_authenticated_encryption_is_offered() {
        for suite in &provider().cipher_suites {
            let name = format!("{:?}", suite.suite());
            let forward_secret = name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_");
            assert!(forward_secret && (name.contains("_GCM_") || name.contains("_POLY1305_")), "{name}");
        }
        assert_eq!(provider().cipher_suites.len(), 9);
    }

    #[test]
    fn a_post_quantum_group_comes_first() {
        let names: Vec<_> = provider().kx_groups.iter().map(|group| group.name()).collect();
        use rustls::NamedGroup as G;
        assert_eq!(names, [G::X25519MLKEM768, G::X25519, G::secp256r1, G::secp384r1]);
    }

    #[test]
    fn installing_twice_does_no_harm() {
        install();
        install();
        assert_eq!(CryptoProvider::get_default().unwrap().kx_groups.len(), GROUPS.len());
    }
}
