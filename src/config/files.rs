//! The files and folders that a configuration names: whether they exist, are readable, hold what they should, and
//! whether secrets are out of reach of others. Nothing is made or changed.

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::fault::{Fault, FileProblem, Place, Problem};
use super::kind::{self, Kind};
use crate::audit::{KeyFolder, KeyFolderError};
use crate::jose::{DecryptionKey, Jwks, KeyError, SigningKey};
use crate::lists::{MAX_LIST_BYTES, Reading, Zakl};
use crate::medmij::ProviderName;
use crate::seal;
use crate::secret::{is_private, sha256};
use crate::services::Catalogue;
use crate::tls::revocation;
use crate::tls::tickets::TicketKeys;

/// What a path is for, and so what must be true of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A certificate chain in PEM.
    Certificate,
    /// Certificates in PEM that are trusted.
    Roots,
    /// Lists of revoked certificates, in DER or PEM.
    RevocationLists,
    /// A private key in PEM; secret.
    PrivateKey,
    /// 32 random bytes in base64; secret.
    RandomKey,
    /// The same, on one to three lines; secret.
    TicketKeys,
    /// The folder with the yearly keys of the audit; secret.
    AuditKeys,
    /// One line of text; secret.
    ApiKey,
    /// The same, for a password.
    Password,
    /// Public keys as a JWKS.
    Jwks,
    /// A private key to sign tokens with; secret.
    SigningKey,
    /// A private key to open tokens with; secret.
    DecryptionKey,
    /// A *zorgaanbiederskoppellijst*.
    Koppellijst,
    /// A service catalogue.
    Catalogue,
    /// A folder that is made when it is absent.
    Folder,
    /// A file that is made when it is absent.
    Database,
}

/// A path in the configuration.
#[derive(Debug, Clone)]
pub(super) struct NamedFile {
    pub(super) key: String,
    pub(super) place: Option<Place>,
    pub(super) path: PathBuf,
    pub(super) role: Role,
}

impl Role {
    pub(super) fn kind(self) -> Kind<PathBuf> {
        match self {
            Self::Certificate => kind::path("the path of a PEM file with a certificate chain"),
            Self::Roots => kind::path("the path of a PEM file with the certificates to trust"),
            Self::RevocationLists => kind::path("the path of a revocation list in DER, or of several in PEM"),
            Self::PrivateKey => kind::path_of_secret("the path of a PEM file with a private key"),
            Self::RandomKey => kind::path_of_secret("the path of a file with 32 random bytes in base64"),
            Self::TicketKeys => kind::path_of_secret("the path of a file with the keys of TLS tickets"),
            Self::AuditKeys => kind::path("the path of a folder with the yearly keys of the audit"),
            Self::ApiKey => kind::path_of_secret("the path of a file with the key on one line"),
            Self::Password => kind::path_of_secret("the path of a file with the password on one line"),
            Self::Jwks => kind::path("the path of a JWKS file with public keys"),
            Self::SigningKey | Self::DecryptionKey => {
                kind::path_of_secret("the path of a file with a private key: PKCS#8 in PEM, or a JWK")
            }
            Self::Koppellijst => kind::path("the path of a Zorgaanbiederskoppellijst"),
            Self::Catalogue => kind::path("the path of a service catalogue"),
            Self::Folder => kind::path("the path of a folder"),
            Self::Database => kind::path("the path of a database file"),
        }
    }

    fn check(self, path: &Path) -> Result<(), FileProblem> {
        match self {
            Self::Certificate | Self::Roots => certificates(&contents(path, false)?),
            Self::RevocationLists => revocation_lists(path),
            Self::PrivateKey => private_key(&contents(path, true)?),
            Self::RandomKey => random_key(&contents(path, true)?),
            Self::TicketKeys => ticket_keys(&contents(path, true)?),
            Self::AuditKeys => audit_keys(path),
            Self::ApiKey | Self::Password => api_key(&contents(path, true)?),
            Self::Jwks => key_set(&contents(path, false)?),
            Self::SigningKey => token_key(&contents(path, true)?, SigningKey::parse),
            Self::DecryptionKey => token_key(&contents(path, true)?, DecryptionKey::parse),
            Self::Koppellijst => koppellijst(path),
            Self::Catalogue => catalogue(path).map(|_| ()),
            Self::Folder => folder(path),
            Self::Database => database(path),
        }
    }
}

impl NamedFile {
    /// Whether it is a file whose contents matter as a whole, and neither a folder nor made by the node itself.
    pub(super) const fn is_read_as_one(&self) -> bool {
        match self.role {
            Role::AuditKeys | Role::Folder | Role::Database => false,
            Role::Certificate
            | Role::Roots
            | Role::RevocationLists
            | Role::PrivateKey
            | Role::RandomKey
            | Role::TicketKeys
            | Role::ApiKey
            | Role::Password
            | Role::Jwks
            | Role::SigningKey
            | Role::DecryptionKey
            | Role::Koppellijst
            | Role::Catalogue => true,
        }
    }

    /// SHA-256 of what is in the file; `None` when it cannot be read.
    pub(super) fn print(&self) -> Option<[u8; 32]> {
        contents_up_to(MOST, &self.path, false).ok().map(|bytes| sha256(&bytes))
    }

    /// What is wrong with this file.
    pub(super) fn fault(&self) -> Option<Fault> {
        let wrong = self.role.check(&self.path).err()?;
        let problem = Problem::File { path: self.path.clone(), wrong };
        Some(Fault { key: self.key.clone(), place: self.place.clone(), problem })
    }
}

/// Room for the roots of every country; a private key is some 3 KiB.
const LARGEST: u64 = 1024 * 1024;
/// Room for any list.
const MOST: u64 = 64 * 1024 * 1024;

fn contents(path: &Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, FileProblem> {
    contents_up_to(LARGEST, path, secret)
}

fn contents_up_to(largest: u64, path: &Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, FileProblem> {
    // Not opened before it is known to be a plain file: opening a pipe would wait for its other end.
    let unreadable = |error: io::Error| FileProblem::Unreadable(error.kind());
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileProblem::NotAFile);
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if secret && !is_private(mode, metadata.uid()) {
        return Err(FileProblem::OpenToOthers(mode));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let read = file.take(largest.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    let fits = u64::try_from(read).is_ok_and(|read| read <= largest);
    if fits { Ok(bytes) } else { Err(FileProblem::TooLarge(largest)) }
}

fn certificates(pem: &[u8]) -> Result<(), FileProblem> {
    let mut all = 0_usize;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let der = certificate.map_err(|_| FileProblem::NoCertificate)?;
        x509_parser::parse_x509_certificate(&der).map_err(|_| FileProblem::NoCertificate)?;
        all = all.saturating_add(1);
    }
    if all > 0 { Ok(()) } else { Err(FileProblem::NoCertificate) }
}

fn revocation_lists(path: &Path) -> Result<(), FileProblem> {
    let bytes = contents_up_to(MOST, path, false)?;
    revocation::parse(&bytes).map(drop).ok_or(FileProblem::NoRevocationList)
}

fn private_key(pem: &[u8]) -> Result<(), FileProblem> {
    PrivateKeyDer::from_pem_slice(pem).map(drop).map_err(|_| FileProblem::NoPrivateKey)
}

fn random_key(text: &[u8]) -> Result<(), FileProblem> {
    let bytes = STANDARD.decode(text.trim_ascii_end()).map(Zeroizing::new).map_err(|_| FileProblem::NotAKey)?;
    if bytes.len() == 32 { Ok(()) } else { Err(FileProblem::NotAKey) }
}

fn ticket_keys(text: &[u8]) -> Result<(), FileProblem> {
    TicketKeys::parse(text).map(drop).map_err(|_| FileProblem::NoTicketKeys)
}

fn audit_keys(path: &Path) -> Result<(), FileProblem> {
    KeyFolder::new(path).load().map(drop).map_err(|error| match &error {
        KeyFolderError::Folder(error) => FileProblem::Unreadable(error.kind()),
        KeyFolderError::Key { source: seal::KeyError::Exposed { mode }, .. } => FileProblem::OpenToOthers(*mode),
        KeyFolderError::Foreign { .. }
        | KeyFolderError::Key { .. }
        | KeyFolderError::Exists { .. }
        | KeyFolderError::Years => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            FileProblem::AuditKeys(format!("{error}{cause}"))
        }
    })
}

fn key_set(text: &[u8]) -> Result<(), FileProblem> {
    let set = std::str::from_utf8(text).ok().and_then(|text| Jwks::parse(text).ok());
    if set.is_some_and(|set| !set.keys().is_empty()) { Ok(()) } else { Err(FileProblem::NoKeySet) }
}

fn token_key<K>(text: &[u8], parse: impl Fn(&str) -> Result<K, KeyError>) -> Result<(), FileProblem> {
    let text = std::str::from_utf8(text).map_err(|_| FileProblem::NoTokenKey)?;
    parse(text).map(drop).map_err(|_| FileProblem::NoTokenKey)
}

fn api_key(text: &[u8]) -> Result<(), FileProblem> {
    let line = text.trim_ascii_end();
    let fits = (1..=4096).contains(&line.len()) && line.iter().all(u8::is_ascii_graphic);
    if fits { Ok(()) } else { Err(FileProblem::NotOneLine) }
}

/// By the widest reading: how long its names may be is another key.
fn koppellijst(path: &Path) -> Result<(), FileProblem> {
    let largest = u64::try_from(MAX_LIST_BYTES).unwrap_or(u64::MAX);
    let bytes = contents_up_to(largest, path, false)?;
    let reading = Reading { provider_name_max: ProviderName::LONGEST, ..Reading::default() };
    Zakl::parse(&bytes, reading).map(|_| ()).map_err(|_| FileProblem::NoKoppellijst)
}

/// Reads a service catalogue.
pub(super) fn catalogue(path: &Path) -> Result<Catalogue, FileProblem> {
    let bytes = contents(path, false)?;
    let text = String::from_utf8_lossy(&bytes);
    Catalogue::parse(&text).map_err(|error| {
        let (line, what) = error.explain(&text);
        FileProblem::NoCatalogue { line, what }
    })
}

/// A folder that exists, or can be made in the nearest one that does. A look at the mode only: that the process really
/// may write there, and that no other process does, shows when the folder is locked at start.
fn folder(path: &Path) -> Result<(), FileProblem> {
    let mut nearest = path;
    loop {
        match fs::metadata(nearest) {
            Ok(found) if !found.is_dir() => return Err(FileProblem::NotAFolder),
            Ok(found) if found.permissions().readonly() => return Err(FileProblem::ReadOnly),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(FileProblem::NotAFolder),
            Err(error) => return Err(FileProblem::Unreadable(error.kind())),
        }
        nearest = match nearest.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return Err(FileProblem::NotAFolder),
        };
    }
}

fn database(path: &Path) -> Result<(), FileProblem> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(FileProblem::NotAFile),
        Ok(found) if found.permissions().readonly() => Err(FileProblem::ReadOnly),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder(path.parent().unwrap_or(path)),
        Err(error) => Err(FileProblem::Unreadable(error.kind())),
    }
}

#[cfg(all(test, feature = "sandbox"))]
mod tests {
    use super::*;
    use crate::jose::{SignatureAlgorithm, SigningKey};
    use crate::secret::random;

    /// A folder of its own, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let name = format!("inzage-config-{:032x}", u128::from_le_bytes(random::<16>()));
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).expect("a folder of its own can be made");
            Self(path)
        }

        fn file(&self, name: &str, contents: &str, mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, contents).expect("it can be written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn each_role_takes_what_it_should_and_nothing_else() {
        let scratch = Scratch::new();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        let chain = scratch.file("chain.pem", &certificate.pem(), 0o644);
        let pem = scratch.file("key.pem", &key.serialize_pem(), 0o600);
        let random = scratch.file("random.key", &format!("{}\n", STANDARD.encode([7; 32])), 0o400);
        let line = scratch.file("api.key", "a-key-of-some-kind\n", 0o600);
        let public = SigningKey::generate(SignatureAlgorithm::EdDsa).unwrap().published();
        let key_set_text = serde_json::json!({"keys": [public]}).to_string();
        let keys = scratch.file("keys.json", &key_set_text, 0o644);
        let none_in_set = scratch.file("no-keys.json", r#"{"keys": []}"#, 0o644);
        let zakl = scratch.file("zakl.xml", include_str!("../../fixtures/lists/zakl-good.xml"), 0o644);
        let service =
            "[[service]]\nid='1'\nname='x'\nroles=[]\nfhir='r4'\npurpose='collect'\nsearch=[{resource='A'}]\n";
        let services = scratch.file("services.toml", service, 0o644);
        let doubled = scratch.file("doubled.toml", &service.repeat(2), 0o644);
        let none = scratch.0.join("absent");
        for (role, path, expected) in [
            (Role::Certificate, &chain, Ok(())),
            (Role::Roots, &chain, Ok(())),
            (Role::Roots, &pem, Err(FileProblem::NoCertificate)),
            (Role::Roots, &none, Err(FileProblem::Unreadable(io::ErrorKind::NotFound))),
            (Role::Roots, &scratch.0, Err(FileProblem::NotAFile)),
            (Role::RevocationLists, &chain, Err(FileProblem::NoRevocationList)),
            (Role::PrivateKey, &pem, Ok(())),
            (Role::PrivateKey, &chain, Err(FileProblem::OpenToOthers(0o644))),
            (Role::PrivateKey, &random, Err(FileProblem::NoPrivateKey)),
            (Role::RandomKey, &random, Ok(())),
            (Role::RandomKey, &line, Err(FileProblem::NotAKey)),
            (Role::TicketKeys, &random, Ok(())),
            (Role::TicketKeys, &line, Err(FileProblem::NoTicketKeys)),
            (Role::TicketKeys, &chain, Err(FileProblem::OpenToOthers(0o644))),
            (Role::ApiKey, &line, Ok(())),
            (Role::ApiKey, &pem, Err(FileProblem::NotOneLine)),
            (Role::Jwks, &keys, Ok(())),
            (Role::Jwks, &line, Err(FileProblem::NoKeySet)),
            (Role::Jwks, &none_in_set, Err(FileProblem::NoKeySet)),
            (Role::SigningKey, &pem, Ok(())),
            (Role::SigningKey, &line, Err(FileProblem::NoTokenKey)),
            (Role::SigningKey, &keys, Err(FileProblem::OpenToOthers(0o644))),
            (Role::DecryptionKey, &pem, Ok(())),
            (Role::DecryptionKey, &random, Err(FileProblem::NoTokenKey)),
            (Role::Koppellijst, &zakl, Ok(())),
            (Role::Koppellijst, &line, Err(FileProblem::NoKoppellijst)),
            (Role::Catalogue, &services, Ok(())),
            (
                Role::Catalogue,
                &doubled,
                Err(FileProblem::NoCatalogue { line: 8, what: "service 1 stands twice".into() }),
            ),
            (Role::Folder, &scratch.0, Ok(())),
            (Role::Folder, &none.join("deeper"), Ok(())),
            (Role::Folder, &chain, Err(FileProblem::NotAFolder)),
            (Role::Folder, &chain.join("deeper"), Err(FileProblem::NotAFolder)),
            (Role::Database, &none, Ok(())),
            (Role::Database, &scratch.0, Err(FileProblem::NotAFile)),
        ] {
            assert_eq!(role.check(path), expected, "{role:?} {}", path.display());
        }
        assert!(!none.exists(), "nothing is made");
    }

    #[test]
    fn audit_keys_are_whole_and_for_the_owner_alone() {
        let scratch = Scratch::new();
        let path = scratch.0.join("keys");
        KeyFolder::new(&path).create(2026..=2026).unwrap();
        assert_eq!(Role::AuditKeys.check(&path), Ok(()));
        fs::set_permissions(path.join("2026.sealing"), fs::Permissions::from_mode(0o660)).unwrap();
        assert_eq!(Role::AuditKeys.check(&path), Err(FileProblem::OpenToOthers(0o660)));
        fs::write(path.join("2026.pseudonym"), "short").unwrap();
        let Err(FileProblem::AuditKeys(text)) = Role::AuditKeys.check(&path) else { panic!("it is no key") };
        assert!(text.contains("2026.pseudonym") && !text.contains("short\""), "{text}");
        assert_eq!(
            Role::AuditKeys.check(&scratch.0.join("none")),
            Err(FileProblem::Unreadable(io::ErrorKind::NotFound))
        );
    }

    #[test]
    fn a_damaged_certificate_an_empty_key_and_a_short_one_are_refused() {
        let scratch = Scratch::new();
        let damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let damaged = scratch.file("damaged.pem", damaged, 0o644);
        assert_eq!(Role::Certificate.check(&damaged), Err(FileProblem::NoCertificate));
        let empty = scratch.file("empty.key", "\n", 0o600);
        assert_eq!(Role::ApiKey.check(&empty), Err(FileProblem::NotOneLine));
        let short = scratch.file("short.key", &STANDARD.encode([7; 31]), 0o600);
        assert_eq!(Role::RandomKey.check(&short), Err(FileProblem::NotAKey));
        let sealed = scratch.0.join("sealed");
        fs::create_dir(&sealed).unwrap();
        fs::set_permissions(&sealed, fs::Permissions::from_mode(0o555)).unwrap();
        assert_eq!(Role::Folder.check(&sealed.join("data")), Err(FileProblem::ReadOnly));
    }
}
