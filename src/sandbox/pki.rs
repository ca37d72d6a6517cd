//! The certificates of a sandbox: one authority, made at start, and a leaf for everybody. Nothing of it is ever committed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::{Date, date};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::secret::random;

/// Until when its certificates are valid, when nothing else is asked for.
const LAST_DAY: Date = date(4096, 1, 1);

/// An authority that signs what the sandbox needs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// How many revocation lists it signed: the number of the last.
    lists: AtomicU64,
}

/// Paths of a certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key; readable for its owner only.
    pub key: PathBuf,
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
        Ok(Self { issuer: Issuer::new(params, key), pem, lists: AtomicU64::default() })
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
    pub fn issue(&self, folder: &Path, file: &str, host: &str) -> std::io::Result<Pair> {
        self.issue_until(folder, file, host, LAST_DAY)
    }

    /// The same, for a certificate that is valid until the beginning of a day.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn issue_until(&self, folder: &Path, file: &str, host: &str, until: Date) -> std::io::Result<Pair> {
        let (certificate, key) = self.leaf(host, until).map_err(std::io::Error::other)?;
        let pair = Pair { certificate: folder.join(format!("{file}.pem")), key: folder.join(format!("{file}.key")) };
        std::fs::write(&pair.certificate, certificate)?;
        write_private(&pair.key, key.as_bytes())?;
        Ok(pair)
    }

    /// A list, in DER, of what it took back: the certificates in these files. The next one is due at the beginning of a day.
    ///
    /// # Errors
    /// When a certificate cannot be read, or the list cannot be made.
    pub fn revocation_list(&self, revoked: &[&Path], due: Date) -> std::io::Result<Vec<u8>> {
        let revoked_certs = revoked.iter().map(|path| revocation(path)).collect::<std::io::Result<_>>()?;
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(year(due), month(due), day(due)),
            crl_number: SerialNumber::from(self.lists.fetch_add(1, Ordering::Relaxed) + 1),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer).map_err(std::io::Error::other)?.der().to_vec())
    }

    fn leaf(&self, host: &str, until: Date) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = named(host);
        params.not_after = rcgen::date_time_ymd(year(until), month(until), day(until));
        params.subject_alt_names = vec![rcgen::SanType::DnsName(host.try_into()?)];
        // Also makes the subject key identifier that strict verifiers look for.
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

fn revocation(certificate: &Path) -> std::io::Result<RevokedCertParams> {
    let der = CertificateDer::from_pem_file(certificate).map_err(std::io::Error::other)?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(std::io::Error::other)?;
    Ok(RevokedCertParams {
        serial_number: SerialNumber::from_slice(parsed.raw_serial()),
        revocation_time: rcgen::date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    })
}

fn year(date: Date) -> i32 {
    date.year().into()
}

fn month(date: Date) -> u8 {
    date.month().unsigned_abs()
}

fn day(date: Date) -> u8 {
    date.day().unsigned_abs()
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
