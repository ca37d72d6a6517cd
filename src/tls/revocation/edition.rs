//! Another edition of a list, judged before it takes the place of the one at hand: whoever stands between us and its publisher
//! can send anything.

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use x509_parser::prelude::CertificateRevocationList;

use super::{next_update, parse};
use crate::tls::identity::Roots;
use crate::tls::{TlsError, provider};

/// By how much the clock of a publisher may be ahead of ours.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// What a list that came is to the one at hand.
#[derive(Debug, PartialEq, Eq)]
pub enum Edition {
    /// The same.
    Same,
    /// Its successor.
    Newer(CertificateRevocationListDer<'static>),
}

/// Why a list does not take the place of the one at hand.
#[derive(Debug, thiserror::Error)]
pub enum EditionError {
    /// Something else came, or several lists.
    #[error("what came is not one revocation list")]
    NotOne,
    /// It is not by the issuer.
    #[error("none of the certificates of the issuer signed it, or none that may (RFC 5280 section 6.3.3)")]
    Stranger,
    /// It covers nothing any more.
    #[error("it should have been replaced by {due}")]
    Ended {
        /// When.
        due: Timestamp,
    },
    /// Our clock is wrong, or its publisher's.
    #[error("it is of a time to come")]
    NotYet,
    /// What is at hand is no list, several, or one of another issuer: it is for something else.
    #[error("the list at hand is not one list of the same issuer")]
    OtherHeld,
    /// Somebody sends a list of before, on which fewer are revoked.
    #[error("it is older than the one at hand")]
    Older,
    /// It has a form that no handshake could be held against.
    #[error("it cannot be used: {0}")]
    Unfit(#[from] VerifierBuilderError),
    /// The issuer is of no use.
    #[error(transparent)]
    Issuer(#[from] TlsError),
}

impl Edition {
    /// Judges what came by the certificates of its issuer and by the list at hand, if there is one.
    ///
    /// # Errors
    /// See [`EditionError`].
    pub fn judge(
        came: &[u8],
        issuers: &[CertificateDer<'static>],
        held: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Self, EditionError> {
        let list = one(came).ok_or(EditionError::NotOne)?;
        let edition = read(&list).ok_or(EditionError::NotOne)?;
        if !issuers.iter().any(|issuer| signed(issuer, &edition)) {
            return Err(EditionError::Stranger);
        }
        in_force(&list, &edition, now)?;
        if let Some(held) = held {
            let held = one(held).ok_or(EditionError::OtherHeld)?;
            if held == list {
                return Ok(Self::Same);
            }
            follows(&edition, &read(&held).ok_or(EditionError::OtherHeld)?)?;
        }
        usable(&list, issuers)?;
        Ok(Self::Newer(list))
    }
}

/// The one list in some bytes.
fn one(bytes: &[u8]) -> Option<CertificateRevocationListDer<'static>> {
    let mut lists = parse(bytes)?;
    let list = lists.pop();
    list.filter(|_| lists.is_empty())
}

fn read<'l>(list: &'l CertificateRevocationListDer<'_>) -> Option<CertificateRevocationList<'l>> {
    x509_parser::parse_x509_crl(list).ok().map(|(_, read)| read)
}

/// Whether a certificate of this name, whose key may sign lists, signed it (RFC 5280 section 6.3.3, f and g).
fn signed(issuer: &CertificateDer<'_>, list: &CertificateRevocationList<'_>) -> bool {
    let Ok((_, issuer)) = x509_parser::parse_x509_certificate(issuer) else { return false };
    let may = issuer.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.crl_sign()));
    let named = issuer.subject().as_raw() == list.issuer().as_raw();
    may && named && issuer.is_ca() && list.verify_signature(issuer.public_key()).is_ok()
}

fn in_force(
    der: &CertificateRevocationListDer<'_>,
    list: &CertificateRevocationList<'_>,
    now: Timestamp,
) -> Result<(), EditionError> {
    let due = next_update(der).unwrap_or(Timestamp::UNIX_EPOCH);
    if due <= now {
        return Err(EditionError::Ended { due });
    }
    let latest = now.as_second().saturating_add(LEEWAY.as_secs());
    if list.last_update().timestamp() > latest { Err(EditionError::NotYet) } else { Ok(()) }
}

/// By number when both have one, which never goes back (RFC 5280 section 5.2.3), else by time.
fn follows(list: &CertificateRevocationList<'_>, held: &CertificateRevocationList<'_>) -> Result<(), EditionError> {
    if list.issuer().as_raw() != held.issuer().as_raw() {
        return Err(EditionError::OtherHeld);
    }
    let before = match (list.crl_number(), held.crl_number()) {
        (Some(number), Some(held)) => number < held,
        _ => list.last_update() < held.last_update(),
    };
    if before { Err(EditionError::Older) } else { Ok(()) }
}

/// What the library that judges handshakes does not take would keep a node from starting.
fn usable(
    list: &CertificateRevocationListDer<'static>,
    issuers: &[CertificateDer<'static>],
) -> Result<(), EditionError> {
    let roots = Roots::from_der(issuers.to_vec())?.store();
    WebPkiClientVerifier::builder_with_provider(roots, provider()).with_crls([list.clone()]).build()?;
    Ok(())
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use super::*;
    use crate::tls::pki::{Pki, now};

    fn refused(came: &[u8], issuers: &Pki, held: Option<&[u8]>) -> EditionError {
        Edition::judge(came, &issuers.certificates(), held, now()).unwrap_err()
    }

    #[test]
    fn the_successor_of_a_list_takes_its_place_and_nothing_else_does() {
        let pki = Pki::new();
        let (first, second) = (pki.revocations_of(1, 2050), pki.revocations_of(2, 2050));
        let judge = |came: &[u8], held| Edition::judge(came, &pki.certificates(), held, now()).unwrap();
        assert_eq!(judge(&first, None), Edition::Newer(first.clone()));
        assert_eq!(judge(&first, Some(&first)), Edition::Same);
        assert_eq!(judge(&second, Some(&first)), Edition::Newer(second.clone()));
        assert!(matches!(refused(&first, &pki, Some(&second)), EditionError::Older));
        let other = Pki::named("another");
        assert!(matches!(refused(&first, &other, None), EditionError::Stranger));
        assert!(matches!(refused(&first, &pki, Some(&other.revocations_of(1, 2050))), EditionError::OtherHeld));
        assert!(matches!(refused(&first, &pki, Some(b"something else")), EditionError::OtherHeld));
        assert!(matches!(refused(&pki.revocations_of(3, 2026), &pki, None), EditionError::Ended { .. }));
        assert!(matches!(refused(b"<html>", &pki, None), EditionError::NotOne));
        let early = "2024-01-01T00:00:00Z".parse().unwrap();
        let refusal = Edition::judge(&first, &pki.certificates(), None, early).unwrap_err();
        assert!(matches!(refusal, EditionError::NotYet));
    }

    #[test]
    fn a_list_that_was_changed_on_the_way_or_that_its_signer_may_not_sign_is_a_strangers() {
        let pki = Pki::new();
        let list = pki.revocations_of(1, 2050);
        for at in 0..list.len() {
            let mut changed = list.to_vec();
            changed[at] ^= 1;
            assert!(Edition::judge(&changed, &pki.certificates(), None, now()).is_err(), "byte {at}");
        }
        assert!(matches!(refused(&list, &Pki::new(), None), EditionError::Stranger), "a name is no key");
        let leaf = pki.issue(&["gp.example.nl"]).chain();
        let refusal = Edition::judge(&list, &leaf, None, now()).unwrap_err();
        assert!(matches!(refusal, EditionError::Stranger));
    }
}
