//! TLS tickets that every node of a service opens: sealed under keys from a file that the nodes share. What a client may do is
//! judged anew when it comes back ([`super::server::ServerTls::recognise`]); these keys only see to it that a ticket from before a
//! change of roots or revocations does not open any more, at any node.

mod file;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::TrustAnchor;
use rustls::server::ProducesTickets;

pub use self::file::{TicketKeyError, TicketKeys};
use super::identity::Roots;
use super::revocation::{Lenience, Revocations};
use crate::clock::SharedClock;
use crate::seal::{Sealer, derive};
use crate::secret::sha256;

/// For how many seconds one key seals. Its tickets open until the end of the next such period, so for 6 to 12 hours: RFC 8446 section
/// 4.6.1 allows 7 days, and no key comes near the number of values that it may seal.
const PERIOD_SECONDS: u32 = 6 * 3_600;

/// Seals and opens the tickets of one listener.
pub(super) struct SharedTickets {
    keys: TicketKeys,
    purpose: String,
    clock: SharedClock,
    now: ArcSwap<Period>,
}

/// What seals and opens in one period, counted from 1970.
struct Period {
    number: i64,
    sealer: Sealer,
}

impl SharedTickets {
    pub(super) fn new(keys: TicketKeys, listener: &str, epoch: &[u8; 32], clock: SharedClock) -> Self {
        let epoch: String = epoch.iter().map(|byte| format!("{byte:02x}")).collect();
        let purpose = format!("TLS tickets of {listener}, {epoch}");
        let now = ArcSwap::from_pointee(Period::new(number(&clock), &keys, &purpose));
        Self { keys, purpose, clock, now }
    }

    fn period(&self) -> Arc<Period> {
        let period = self.now.load_full();
        let number = number(&self.clock);
        if period.number == number {
            return period;
        }
        // Two threads that come at once make the same.
        let period = Arc::new(Period::new(number, &self.keys, &self.purpose));
        self.now.store(Arc::clone(&period));
        period
    }
}

fn number(clock: &SharedClock) -> i64 {
    clock.now().as_second().div_euclid(i64::from(PERIOD_SECONDS))
}

impl Period {
    fn new(number: i64, keys: &TicketKeys, purpose: &str) -> Self {
        let of = |key, number: i64| derive(key, &format!("{purpose}, {number}"));
        let before = number.saturating_sub(1);
        let (newest, older) = keys.newest_first();
        let sealer = Sealer::new(&of(newest, number)).also_opening(&of(newest, before));
        let sealer = older
            .iter()
            .fold(sealer, |sealer, key| sealer.also_opening(&of(key, number)).also_opening(&of(key, before)));
        Self { number, sealer }
    }
}

impl ProducesTickets for SharedTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        PERIOD_SECONDS
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        Some(self.period().sealer.seal(session, b""))
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.period().sealer.open(ticket, b"").map(|session| session.to_vec())
    }
}

impl fmt::Debug for SharedTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedTickets([redacted])")
    }
}

/// By what clients are judged, as one value: the roots, in whatever order, who is revoked, and what holds of those on no list. A new
/// edition of a list that revokes nobody else changes nothing.
pub(super) fn epoch(judged_by: Option<(&Roots, &Revocations)>) -> [u8; 32] {
    let Some((roots, revocations)) = judged_by else { return sha256(b"no client is judged") };
    let Lenience { uncovered, overdue } = revocations.lenience();
    let mut parts: Vec<_> = roots.store().roots.iter().map(anchor).collect();
    parts.extend(revocations.lists().iter().map(|list| revoked(list).unwrap_or_else(|| sha256(list))));
    parts.sort_unstable();
    sha256(&[&[u8::from(uncovered), u8::from(overdue)][..], parts.as_flattened()].concat())
}

fn anchor(anchor: &TrustAnchor<'_>) -> [u8; 32] {
    let constraints = anchor.name_constraints.as_deref().unwrap_or_default();
    hash_of([&*anchor.subject, &*anchor.subject_public_key_info, constraints].into_iter())
}

/// The issuer of a list and the serial numbers on it; `None` when it cannot be parsed.
fn revoked(crl: &[u8]) -> Option<[u8; 32]> {
    let (_, parsed) = x509_parser::parse_x509_crl(crl).ok()?;
    let mut serials: Vec<_> = parsed.iter_revoked_certificates().map(|revoked| revoked.raw_serial()).collect();
    serials.sort_unstable();
    Some(hash_of(std::iter::once(parsed.issuer().as_raw()).chain(serials)))
}

/// Of parts, and of where each ends.
fn hash_of<'p>(parts: impl Iterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut text = Vec::new();
    for part in parts {
        text.extend_from_slice(&part.len().to_be_bytes());
        text.extend_from_slice(part);
    }
    sha256(&text)
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::TestClock;
    use crate::secret::Secret;
    use crate::tls::pki::{Pki, now};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn keys(bytes: &[u8]) -> TicketKeys {
        TicketKeys::of(bytes.iter().map(|byte| Secret::new([*byte; 32])).collect()).unwrap()
    }

    fn tickets(key_bytes: &[u8], listener: &str, epoch: u8) -> SharedTickets {
        SharedTickets::new(keys(key_bytes), listener, &[epoch; 32], TestClock::at(now()))
    }

    #[test]
    fn a_ticket_opens_at_another_node_of_the_same_keys_listener_and_judgement_only() {
        let ticket = tickets(&[1], "back", 7).encrypt(b"session").unwrap();
        assert_eq!(tickets(&[1], "back", 7).decrypt(&ticket).unwrap(), b"session");
        for other in [tickets(&[2], "back", 7), tickets(&[1], "front", 7), tickets(&[1], "back", 8)] {
            assert_eq!(other.decrypt(&ticket), None);
        }
    }

    #[test]
    fn a_key_that_was_replaced_still_opens_and_seals_no_more() {
        let (old, rotated) = (tickets(&[1], "back", 7), tickets(&[2, 1], "back", 7));
        assert!(rotated.decrypt(&old.encrypt(b"session").unwrap()).is_some());
        assert_eq!(old.decrypt(&rotated.encrypt(b"session").unwrap()), None);
    }

    #[test]
    fn a_ticket_lives_for_six_hours_at_least_and_twelve_at_most() {
        for started in [Duration::ZERO, HOUR, 3 * HOUR, 5 * HOUR] {
            let clock = TestClock::at(now());
            clock.advance(started);
            let tickets = SharedTickets::new(keys(&[1]), "back", &[7; 32], Arc::clone(&clock) as _);
            let ticket = tickets.encrypt(b"session").unwrap();
            clock.advance(Duration::from_secs(tickets.lifetime().into()) - Duration::from_secs(1));
            assert!(tickets.decrypt(&ticket).is_some());
            clock.advance(6 * HOUR + Duration::from_secs(1));
            assert_eq!(tickets.decrypt(&ticket), None);
        }
    }

    #[test]
    fn the_epoch_is_who_is_trusted_and_who_is_revoked() {
        let (one, other) = (Pki::new(), Pki::new());
        let both = |first: &Pki, second: &Pki| {
            let pem = [first.root_pem(), second.root_pem()].concat();
            let path = std::env::temp_dir().join(format!("inzage-epoch-{}", crate::secret::Handle::draw().reveal()));
            std::fs::write(&path, pem).unwrap();
            let roots = Roots::load(&path);
            std::fs::remove_file(&path).unwrap();
            roots.unwrap()
        };
        let of = |roots: &Roots, lists: &[_]| epoch(Some((roots, &Revocations::of(lists.to_vec()))));
        assert_eq!(of(&both(&one, &other), &[]), of(&both(&other, &one), &[]));
        let nobody = one.revocations(false);
        let lenience = Lenience { uncovered: true, overdue: false };
        let lenient = Revocations::load(&[], lenience, now()).unwrap();
        let all = [
            epoch(None),
            of(&one.roots(), &[]),
            of(&both(&one, &other), &[]),
            of(&one.roots(), std::slice::from_ref(&nobody)),
            of(&one.roots(), &[one.revocations(true)]),
            epoch(Some((&one.roots(), &lenient))),
        ];
        for (at, found) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != found), "{at}");
        }
        // Signed anew, and so other bytes.
        let renewed = one.revocations(false);
        assert_ne!(renewed, nobody);
        assert_eq!(of(&one.roots(), &[renewed]), of(&one.roots(), &[nobody]));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(tickets(&[1], "back", 7).decrypt(&bytes), None);
        }
    }
}
