//! A certificate authority for tests: each test makes its own world of keys.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, ExtendedKeyUsagePurpose,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::identity::{Identity, Roots};

/// A moment inside the validity of every certificate of this file.
pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// One authority.
pub(crate) struct Pki(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
pub(crate) struct Issued {
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Issued {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.der.clone()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::from_der(self.chain(), self.key(), now()).unwrap()
    }
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self::of(params)
    }

    /// One of another name.
    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self::of(params)
    }

    fn of(params: CertificateParams) -> Self {
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::from_der(vec![self.0.der().clone()]).unwrap()
    }

    pub(crate) fn certificates(&self) -> Vec<CertificateDer<'static>> {
        vec![self.0.der().clone()]
    }

    pub(crate) fn root_pem(&self) -> String {
        self.0.pem()
    }

    /// For client and server use; serial number 7; valid from 2020 to 2050.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_until(names, 2050)
    }

    /// Valid until 1 January of a year.
    pub(crate) fn issue_until(&self, names: &[&str], year: i32) -> Issued {
        let key = KeyPair::generate().unwrap();
        let certificate = Self::leaf(names, year).signed_by(&key, &self.0).unwrap();
        Issued { der: certificate.der().clone(), key: key.serialize_der() }
    }

    /// With something else in it than in every other one.
    pub(crate) fn issue_changed(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params = Self::leaf(names, 2050);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { der: certificate.der().clone(), key: key.serialize_der() }
    }

    /// Certificate and key as PEM text.
    pub(crate) fn pem(&self, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (Self::leaf(names, 2050).signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        self.issue(names).identity()
    }

    /// A revocation list that names serial number 7, or none.
    pub(crate) fn revocations(&self, revoked: bool) -> CertificateRevocationListDer<'static> {
        self.edition(1, 2050, revoked)
    }

    /// An edition of a list that names nobody, due at the beginning of a year.
    pub(crate) fn revocations_of(&self, number: u8, due: i32) -> CertificateRevocationListDer<'static> {
        self.edition(number, due, false)
    }

    fn edition(&self, number: u8, due: i32, revoked: bool) -> CertificateRevocationListDer<'static> {
        let entry = RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[7]),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 1, 1),
            next_update: date_time_ymd(due, 1, 1),
            crl_number: SerialNumber::from_slice(&[number]),
            issuing_distribution_point: None,
            revoked_certs: if revoked { vec![entry] } else { Vec::new() },
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().der().clone()
    }

    fn leaf(names: &[&str], year: i32) -> CertificateParams {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.serial_number = Some(SerialNumber::from_slice(&[7]));
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params
    }
}
