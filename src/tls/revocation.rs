//! Certificates that their issuer took back: lists of them (CRL, RFC 5280 section 5) from files, how these are kept fresh, and
//! what holds where a list says nothing.

mod edition;
mod publisher;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject as _;

pub use self::edition::{Edition, EditionError};
pub use self::publisher::{Publisher, PublisherError};
use super::TlsError;

/// Largest file of lists: room for a million revoked certificates.
const FILE_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What a certificate is worth of which no list says whether it was revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lenience {
    /// Whether it passes when its issuer has no list here. Else it is refused.
    pub uncovered: bool,
    /// Whether a list still counts after its next update was due. Else it covers nothing.
    pub overdue: bool,
}

/// The lists that client certificates are held against. Without any, revocation is not looked at.
#[derive(Debug, Clone, Default)]
pub struct Revocations {
    lists: Vec<CertificateRevocationListDer<'static>>,
    lenience: Lenience,
}

impl Revocations {
    /// Reads files, each with one list in DER, or at least one in PEM.
    ///
    /// # Errors
    /// When a file cannot be read, holds no list or a broken one, or one whose next update was due at `now`, unless those count.
    pub fn load(files: &[PathBuf], lenience: Lenience, now: Timestamp) -> Result<Self, TlsError> {
        let mut lists = Vec::with_capacity(files.len());
        for path in files {
            for list in parse(&read(path)?).ok_or_else(|| TlsError::RevocationList { path: path.clone() })? {
                let ended = next_update(&list).unwrap_or(Timestamp::UNIX_EPOCH);
                if ended <= now && !lenience.overdue {
                    return Err(TlsError::RevocationListEnded { path: path.clone(), ended });
                }
                lists.push(list);
            }
        }
        Ok(Self { lists, lenience })
    }

    /// From memory, without any lenience.
    #[must_use]
    pub fn of(lists: Vec<CertificateRevocationListDer<'static>>) -> Self {
        Self { lists, lenience: Lenience::default() }
    }

    /// When the first list should have been replaced; `None` without lists.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.lists.iter().map(|list| next_update(list).unwrap_or(Timestamp::UNIX_EPOCH)).min()
    }

    /// Until when what these lists say stays true; `None` when time does not change it.
    pub(super) fn hold_until(&self) -> Option<Timestamp> {
        self.due().filter(|_| !self.lenience.overdue)
    }

    pub(super) fn lists(&self) -> Vec<CertificateRevocationListDer<'static>> {
        self.lists.clone()
    }

    pub(super) const fn lenience(&self) -> Lenience {
        self.lenience
    }
}

/// The lists in the bytes of a file: one in DER, or all in PEM. `None` when there is none, or one is broken.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Vec<CertificateRevocationListDer<'static>>> {
    // The tag of a sequence in DER; PEM is text.
    let lists = if bytes.first() == Some(&0x30) {
        vec![CertificateRevocationListDer::from(bytes.to_vec())]
    } else {
        CertificateRevocationListDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>().ok()?
    };
    let whole = |list: &CertificateRevocationListDer<'_>| {
        x509_parser::parse_x509_crl(list).is_ok_and(|(rest, _)| rest.is_empty())
    };
    (!lists.is_empty() && lists.iter().all(whole)).then_some(lists)
}

/// The moment from which on a list covers nothing.
fn next_update(der: &[u8]) -> Option<Timestamp> {
    let (_, parsed) = x509_parser::parse_x509_crl(der).ok()?;
    Timestamp::from_second(parsed.next_update()?.timestamp()).ok()
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    let size = file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let fits = u64::try_from(size).is_ok_and(|size| size <= FILE_MAX_BYTES);
    if fits { Ok(bytes) } else { Err(TlsError::RevocationList { path: path.to_owned() }) }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::pki::{Pki, now};

    #[test]
    fn lists_come_in_der_and_in_pem_and_nothing_else_is_one() {
        let der = Pki::new().revocations(true);
        assert_eq!(parse(&der).unwrap().len(), 1);
        let pem = crl_pem(&der);
        assert_eq!(parse(format!("{pem}{pem}").as_bytes()).unwrap().len(), 2);
        let trailing = [&der[..], b"x"].concat();
        for wrong in [&b""[..], b"no list", b"\x30\x03abc", &trailing, &der[..der.len() - 1]] {
            assert!(parse(wrong).is_none());
        }
    }

    #[test]
    fn a_list_that_is_due_is_refused_unless_it_may_still_count() {
        let path = std::env::temp_dir().join(format!("inzage-crl-{}", crate::secret::Handle::draw().reveal()));
        std::fs::write(&path, Pki::new().revocations(false)).unwrap();
        let files = [path.clone()];
        let due: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
        let load = |lenience, now| Revocations::load(&files, lenience, now);
        assert_eq!(load(Lenience::default(), now()).unwrap().due(), Some(due));
        let refusal = load(Lenience::default(), due).unwrap_err();
        assert!(matches!(refusal, TlsError::RevocationListEnded { ended, .. } if ended == due));
        let lenient = load(Lenience { overdue: true, ..Lenience::default() }, due).unwrap();
        assert_eq!((lenient.due(), lenient.hold_until()), (Some(due), None));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(load(Lenience::default(), now()), Err(TlsError::File { .. })));
        assert_eq!(Revocations::default().due(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), der: bool) {
            if let (true, Some(first)) = (der, bytes.first_mut()) {
                *first = 0x30;
            }
            prop_assert!(parse(&bytes).is_none());
        }
    }

    fn crl_pem(der: &[u8]) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", lines.join("\n"))
    }
}
