//! Who is on the other side of a mutual TLS connection. Parsed once a connection; handlers never see DER.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

use crate::medmij::Hostname;
use crate::secret::sha256;

/// What a verified client certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    names: Vec<Hostname>,
    thumbprint: [u8; 32],
    serial: Box<[u8]>,
    not_after: Timestamp,
}

/// Why a chain that TLS accepted does not name a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// No certificate at all.
    #[error("no certificate was presented")]
    NoCertificate,
    /// The leaf is not X.509, or an extension or date in it is out of form.
    #[error("the certificate cannot be parsed")]
    Malformed,
}

impl PeerIdentity {
    /// Reads the leaf of a chain (leaf first) that the TLS handshake has verified.
    ///
    /// # Errors
    /// When there is no leaf or it cannot be parsed.
    pub fn from_verified(chain: &[CertificateDer<'_>]) -> Result<Self, PeerError> {
        let leaf = chain.first().ok_or(PeerError::NoCertificate)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(leaf).map_err(|_malformed| PeerError::Malformed)?;
        let alternatives = parsed.subject_alternative_name().map_err(|_doubled| PeerError::Malformed)?;
        let general_names = alternatives.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
        let not_after = parsed.validity().not_after.timestamp();
        Ok(Self {
            names: general_names.iter().filter_map(dns_name).collect(),
            thumbprint: sha256(leaf),
            serial: parsed.raw_serial().into(),
            not_after: Timestamp::from_second(not_after).map_err(|_range| PeerError::Malformed)?,
        })
    }

    /// The host names of the certificate: subject alternative names of type dNSName, exact ones only. May be empty.
    #[must_use]
    pub fn names(&self) -> &[Hostname] {
        &self.names
    }

    /// Whether the certificate names this host.
    #[must_use]
    pub fn is_named(&self, host: &Hostname) -> bool {
        self.names.contains(host)
    }

    /// SHA-256 of the leaf (`x5t#S256`, RFC 8705 section 3.1).
    #[must_use]
    pub const fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// Serial number as the certificate writes it, big-endian.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Last moment of validity.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// A wildcard is no name: it would let one certificate act for every host below it. [`Hostname`] has no place for a `*`.
fn dns_name(name: &GeneralName<'_>) -> Option<Hostname> {
    if let GeneralName::DNSName(text) = name { Hostname::parse_any_case(text).ok() } else { None }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::pki::Pki;

    #[test]
    fn exact_names_are_read_and_wildcards_and_addresses_ignored() {
        let chain = Pki::new().issue(&["PGO.Example.nl", "*.example.nl", "127.0.0.1", "b.example.nl"]).chain();
        let peer = PeerIdentity::from_verified(&chain).unwrap();
        let names: Vec<_> = peer.names().iter().map(Hostname::as_str).collect();
        assert_eq!(names, ["pgo.example.nl", "b.example.nl"]);
        assert_eq!(peer.serial(), [7]);
        assert_eq!(peer.thumbprint(), &sha256(&chain[0]));
        assert_eq!(peer.not_after(), "2050-01-01T00:00:00Z".parse().unwrap());
        assert!(!peer.is_named(&Hostname::parse("c.example.nl").unwrap()));
    }

    #[test]
    fn a_certificate_without_names_names_nobody() {
        let chain = Pki::new().issue(&[]).chain();
        assert!(PeerIdentity::from_verified(&chain).unwrap().names().is_empty());
        assert_eq!(PeerIdentity::from_verified(&[]), Err(PeerError::NoCertificate));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(PeerIdentity::from_verified(&[CertificateDer::from(bytes)]).is_err());
        }

        #[test]
        fn a_damaged_certificate_does_not_make_it_panic(at in 0_usize..300, byte in any::<u8>()) {
            let mut leaf = Pki::new().issue(&["pgo.example.nl"]).chain().remove(0).to_vec();
            if let Some(place) = leaf.get_mut(at) { *place = byte; }
            let _parsed_or_not = PeerIdentity::from_verified(&[CertificateDer::from(leaf)]);
        }
    }
}
