//! The certificates of a sandbox: one authority, made at start, and a leaf for everybody. Nothing of it is ever committed.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};

use crate::secret::random;

/// An authority that signs what the sandbox needs.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// Paths of a certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// The certificate.
    pub(super) certificate: PathBuf,
    /// The key; readable for its owner only.
    pub(super) key: PathBuf,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub(super) fn new(name: &str) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Its certificate in PEM.
    #[must_use]
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a certificate for a host and writes it and its key into a folder.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub(super) fn issue(&self, folder: &Path, file: &str, host: &str) -> std::io::Result<Pair> {
        let (certificate, key) = self.leaf(host).map_err(std::io::Error::other)?;
        let pair = Pair { certificate: folder.join(format!("{file}.pem")), key: folder.join(format!("{file}.key")) };
        std::fs::write(&pair.certificate, certificate)?;
        write_private(&pair.key, key.as_bytes())?;
        Ok(pair)
    }

    fn leaf(&self, host: &str) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = named(host);
        params.subject_alt_names = vec![rcgen::SanType::DnsName(host.try_into()?)];
        // Also makes the subject key identifier that strict verifiers look for.
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(&random::<16>().map(|byte| byte & 0x7f)));
    params
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}
