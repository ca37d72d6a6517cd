//! Our own certificates and keys, and the roots we trust: read from PEM files, checked before anything uses them.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};
use zeroize::Zeroizing;

use super::{TlsError, provider};

const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// A certificate chain with its private key: who we are to the other side.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads a chain (leaf first) and its key from PEM files.
    ///
    /// # Errors
    /// When a file cannot be read or parsed, the key file is readable by others than its owner, the key does not belong to
    /// the certificate, or the certificate is not valid at `now`.
    pub fn load(certificate: &Path, key: &Path, now: Timestamp) -> Result<Self, TlsError> {
        let chain = certificates(&read(open(certificate)?, certificate)?)?;
        let key_file = open(key)?;
        refuse_exposed(&key_file, key)?;
        let key = private_key(&read(key_file, key)?)?;
        Self::from_der(chain, key, now)
    }

    /// Takes a chain (leaf first) and its key from memory.
    ///
    /// # Errors
    /// As [`Identity::load`], without the files.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        now: Timestamp,
    ) -> Result<Self, TlsError> {
        check_validity(chain.first().ok_or(TlsError::NoCertificate)?, now)?;
        let signing_key = provider().key_provider.load_private_key(key)?;
        let certified = CertifiedKey::new(chain, signing_key);
        match certified.keys_match() {
            Ok(()) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(TlsError::KeyMismatch),
            Err(other) => Err(TlsError::Refused(other)),
        }
    }

    /// The chain, leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }

    /// The last moment at which it is of use.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        super::expires(self.chain().first()?)
    }

    pub(super) fn certified(&self) -> CertifiedKey {
        CertifiedKey::clone(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}

/// The certificate authorities we trust on one side; at least one.
#[derive(Debug, Clone)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Reads one or more root certificates from a PEM file.
    ///
    /// # Errors
    /// When the file cannot be read or parsed, or holds no certificate or an unusable one.
    pub fn load(path: &Path) -> Result<Self, TlsError> {
        Self::from_der(certificates_of(path)?)
    }

    /// Takes root certificates from memory.
    ///
    /// # Errors
    /// When there are none, or one is unusable.
    pub fn from_der(roots: Vec<CertificateDer<'static>>) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root)?;
        }
        if store.is_empty() { Err(TlsError::NoCertificate) } else { Ok(Self(Arc::new(store))) }
    }

    pub(super) fn store(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.0)
    }
}

fn open(path: &Path) -> Result<File, TlsError> {
    File::open(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn read(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    // Room for any real key at once: a buffer that grows would leave copies of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(64 * 1024));
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let size = file.take(FILE_MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if u64::try_from(size).is_ok_and(|size| size <= FILE_MAX_BYTES) {
        Ok(text)
    } else {
        Err(TlsError::FileTooLarge { path: path.to_owned() })
    }
}

/// Looks at the open file, so that it cannot be exchanged between this check and the reading.
#[cfg(unix)]
fn refuse_exposed(file: &File, path: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let metadata = file.metadata().map_err(|source| TlsError::File { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode();
    if crate::secret::is_private(mode, metadata.uid()) {
        Ok(())
    } else {
        Err(TlsError::KeyExposed { path: path.to_owned() })
    }
}

#[cfg(not(unix))]
fn refuse_exposed(_file: &File, _path: &Path) -> Result<(), TlsError> {
    Ok(())
}

/// Every certificate of a PEM file.
///
/// # Errors
/// When it cannot be read, or holds none.
pub fn certificates_of(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    certificates(&read(open(path)?, path)?)
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>().map_err(TlsError::Pem)?;
    if found.is_empty() { Err(TlsError::NoCertificate) } else { Ok(found) }
}

fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(text)
        .map_err(|error| if matches!(error, pem::Error::NoItemsFound) { TlsError::NoKey } else { TlsError::Pem(error) })
}

fn check_validity(leaf: &CertificateDer<'_>, now: Timestamp) -> Result<(), TlsError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).map_err(|_malformed| TlsError::MalformedCertificate)?;
    let validity = parsed.validity();
    if now.as_second() < validity.not_before.timestamp() {
        return Err(TlsError::NotYetValid);
    }
    if now.as_second() > validity.not_after.timestamp() { Err(TlsError::Expired) } else { Ok(()) }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::tls::pki::{Pki, now};

    /// A directory that is removed with its files.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("inzage-identity-{}", crate::secret::Handle::draw().reveal()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_chain_with_its_own_key_loads() {
        let (dir, pki) = (Scratch::new(), Pki::new());
        let (certificate, key) = pki.pem(&["gp.example.nl"]);
        let certificate = dir.write("chain.pem", &format!("{certificate}{}", pki.root_pem()), 0o644);
        let key = dir.write("key.pem", &key, 0o600);
        let identity = Identity::load(&certificate, &key, now()).unwrap();
        assert_eq!(identity.chain().len(), 2);
        assert_eq!(identity.expires(), "2050-01-01T00:00:00Z".parse().ok());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (dir, pki) = (Scratch::new(), Pki::new());
        let (certificate, key) = pki.pem(&["gp.example.nl"]);
        let certificate = dir.write("chain.pem", &certificate, 0o644);
        for mode in [0o644, 0o604, 0o660] {
            let key = dir.write("key.pem", &key, mode);
            let refusal = Identity::load(&certificate, &key, now()).unwrap_err();
            assert!(matches!(refusal, TlsError::KeyExposed { .. }), "{mode:o}: {refusal}");
        }
    }

    #[test]
    fn a_foreign_key_an_empty_file_and_broken_text_are_refused() {
        let (dir, pki) = (Scratch::new(), Pki::new());
        let (certificate, own_key) = pki.pem(&["gp.example.nl"]);
        let certificate = dir.write("chain.pem", &certificate, 0o644);
        let foreign = dir.write("foreign.pem", &pki.pem(&["other.example.nl"]).1, 0o600);
        let empty = dir.write("empty.pem", "", 0o600);
        let broken = dir.write("broken.pem", "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n", 0o600);
        let own = dir.write("own.pem", &own_key, 0o600);
        let load = |certificate: &Path, key: &Path| Identity::load(certificate, key, now()).unwrap_err();
        assert!(matches!(load(&certificate, &foreign), TlsError::KeyMismatch));
        assert!(matches!(load(&certificate, &empty), TlsError::NoKey));
        assert!(matches!(load(&certificate, &broken), TlsError::Pem(_)));
        assert!(matches!(load(&empty, &own), TlsError::NoCertificate));
        assert!(matches!(load(&dir.0.join("absent"), &own), TlsError::File { .. }));
    }

    #[test]
    fn a_certificate_outside_its_validity_is_refused() {
        let pki = Pki::new();
        let issued = pki.issue(&["gp.example.nl"]);
        let later = "2100-01-01T00:00:00Z".parse().unwrap();
        let earlier = "2001-01-01T00:00:00Z".parse().unwrap();
        let at = |time| Identity::from_der(issued.chain(), issued.key(), time);
        assert!(matches!(at(later), Err(TlsError::Expired)));
        assert!(matches!(at(earlier), Err(TlsError::NotYetValid)));
        assert!(at(now()).is_ok());
    }

    #[test]
    fn roots_need_at_least_one_certificate_and_a_bounded_file() {
        let (dir, pki) = (Scratch::new(), Pki::new());
        let two = dir.write("two.pem", &format!("{}{}", pki.root_pem(), Pki::new().root_pem()), 0o644);
        assert_eq!(Roots::load(&two).unwrap().store().len(), 2);
        let none = dir.write("none.pem", "no certificate here\n", 0o644);
        assert!(matches!(Roots::load(&none), Err(TlsError::NoCertificate)));
        let huge = dir.write("huge.pem", &"x".repeat(1024 * 1024 + 1), 0o644);
        assert!(matches!(Roots::load(&huge), Err(TlsError::FileTooLarge { .. })));
    }

    #[test]
    fn an_identity_does_not_print_its_key() {
        let identity = Pki::new().identity(&["gp.example.nl"]);
        assert_eq!(format!("{identity:?}"), "Identity([redacted])");
    }
}
