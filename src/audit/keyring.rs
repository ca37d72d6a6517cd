//! The yearly keys of the access log: one makes pseudonyms, one seals BSNs. They are independent random keys with no master
//! above them, so dropping both of a year makes its records nameless for good; nothing short of that does, as there are few
//! enough BSNs to try them all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use zeroize::Zeroizing;

use super::{AuditError, Pseudonym, SealedBsn, Subject};
use crate::medmij::{Bsn, ProviderName};
use crate::seal::Key32;

/// The keys that a node holds. All nodes have the same ones.
pub struct Keyring {
    years: ArcSwap<Years>,
}

/// The keys of each year.
#[derive(Clone, Default)]
pub struct Years {
    pseudonym: BTreeMap<i16, hmac::Key>,
    sealing: BTreeMap<i16, Arc<LessSafeKey>>,
}

/// There is no key of this year, so nobody can be named in a record, and nothing is disclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit keys of {year} are missing")]
pub struct NoKey {
    /// The year, in UTC.
    pub year: i16,
}

/// What stands for one person this year, worked out once for all copies of this value. It makes no difference to what it is part
/// of: two are always equal.
///
/// It tells its holder nothing more than the BSN does, and the records nothing more than before: a pseudonym is the same all
/// year, and so is the sealed value, as its nonce is the beginning of the pseudonym. It is not used once the year or the keys are
/// others, and does not keep keys in memory that were dropped.
#[derive(Clone)]
pub struct KnownSubject(Option<Arc<OnceLock<Known>>>);

impl KnownSubject {
    /// Remembers nothing: for what is used once.
    pub const NEVER: Self = Self(None);

    /// Remembers what is worked out first.
    #[must_use]
    pub fn once() -> Self {
        Self(Some(Arc::default()))
    }

    fn get(&self) -> Option<&Known> {
        self.0.as_ref()?.get()
    }
}

struct Known {
    year: i16,
    /// The keys that it was made with. Only their place is compared, which no others can take while this stands.
    keys: Weak<Years>,
    subject: Subject,
}

impl From<NoKey> for AuditError {
    fn from(_: NoKey) -> Self {
        Self::NoKey
    }
}

/// The year whose keys an event of this moment takes; years begin in UTC.
#[must_use]
pub fn key_year(moment: Timestamp) -> i16 {
    moment.to_zoned(TimeZone::UTC).year()
}

impl Years {
    /// Adds the key that makes pseudonyms in `year`.
    pub fn add_pseudonym_key(&mut self, year: i16, key: &Key32) {
        self.pseudonym.insert(year, hmac::Key::new(HMAC_SHA256, key.reveal()));
    }

    /// Adds the key that seals BSNs in `year`.
    pub fn add_sealing_key(&mut self, year: i16, key: &Key32) {
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, key.reveal()).expect("AES-256 takes a key of 32 bytes");
        self.sealing.insert(year, Arc::new(LessSafeKey::new(unbound)));
    }

    /// Whether both keys of `year` are there.
    #[must_use]
    pub fn holds(&self, year: i16) -> bool {
        self.pseudonym.contains_key(&year) && self.sealing.contains_key(&year)
    }

    fn subject(&self, bsn: &Bsn, year: i16) -> Result<Subject, NoKey> {
        let missing = NoKey { year };
        let key = self.pseudonym.get(&year).ok_or(missing)?;
        let sealing = self.sealing.get(&year).ok_or(missing)?;
        let (hash, key_id) = (keyed_hash(key, bsn), year.to_string());
        Ok(Subject { pseudonym: Pseudonym::new(&key_id, hash), sealed: seal(sealing, &key_id, bsn, &hash) })
    }
}

impl Known {
    fn holds(&self, year: i16, keys: &Arc<Years>) -> bool {
        self.year == year && std::ptr::eq(self.keys.as_ptr(), Arc::as_ptr(keys))
    }
}

impl Keyring {
    /// With these keys.
    #[must_use]
    pub fn new(years: Years) -> Self {
        Self { years: ArcSwap::from_pointee(years) }
    }

    /// Holds these keys from now on, and no others.
    pub fn replace(&self, years: Years) {
        self.years.store(Arc::new(years));
    }

    /// Whether events of `year` can name a person.
    ///
    /// # Errors
    /// When a key of the year is missing.
    pub fn check(&self, year: i16) -> Result<(), NoKey> {
        if self.years.load().holds(year) { Ok(()) } else { Err(NoKey { year }) }
    }

    /// What stands for this person in an event of this moment: the same all year.
    ///
    /// # Errors
    /// When a key of the year is missing.
    pub fn subject(&self, bsn: &Bsn, moment: Timestamp) -> Result<Subject, NoKey> {
        self.years.load().subject(bsn, key_year(moment))
    }

    /// The same, from what is known of this person when it holds for this moment. `known` must be theirs alone.
    ///
    /// # Errors
    /// When a key of the year is missing.
    pub fn known_subject(&self, known: &KnownSubject, bsn: &Bsn, moment: Timestamp) -> Result<Subject, NoKey> {
        let (year, years) = (key_year(moment), self.years.load());
        if let Some(known) = known.get().filter(|known| known.holds(year, &years)) {
            return Ok(known.subject.clone());
        }
        let subject = years.subject(bsn, year)?;
        if let Some(known) = &known.0 {
            // What is known of other keys stays, and is not used: a remembered token is replaced within seconds.
            let _ = known.set(Known { year, keys: Arc::downgrade(&years), subject: subject.clone() });
        }
        Ok(subject)
    }

    /// What stands for a document of this practice in a query of this moment: its year and 32 hexadecimal digits, the same all
    /// year. An id at a HIS leads to the person, so it is in the log only as long as the key of the year is held.
    ///
    /// # Errors
    /// When the key of the year is missing.
    pub fn document(&self, practice: &ProviderName, id: &str, moment: Timestamp) -> Result<String, NoKey> {
        let (year, years) = (key_year(moment), self.years.load());
        let key = years.pseudonym.get(&year).ok_or(NoKey { year })?;
        Ok(document(year, key, practice, id))
    }

    /// The same in all years whose keys are held, oldest first.
    #[must_use]
    pub fn documents(&self, practice: &ProviderName, id: &str) -> Vec<String> {
        let years = self.years.load();
        years.pseudonym.iter().map(|(year, key)| document(*year, key, practice, id)).collect()
    }

    /// The pseudonyms of this person in all years whose keys are held, oldest first.
    #[must_use]
    pub fn pseudonyms(&self, bsn: &Bsn) -> Vec<Pseudonym> {
        let years = self.years.load();
        let all = years.pseudonym.iter();
        all.map(|(year, key)| Pseudonym::new(&year.to_string(), keyed_hash(key, bsn))).collect()
    }

    /// The BSN in a sealed value; `None` when its key is not held, or it is not what we sealed.
    #[must_use]
    pub fn open(&self, sealed: &SealedBsn) -> Option<Bsn> {
        let (year, text) = sealed.as_str().split_once(':')?;
        let year: i16 = year.parse().ok()?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let years = self.years.load();
        let key = years.sealing.get(&year)?;
        let place = place(&year.to_string());
        let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), place, &mut text).ok()?;
        Bsn::parse(std::str::from_utf8(opened).ok()?).ok()
    }
}

/// The first 128 bits of the HMAC-SHA256 of a title, the practice and the id, with a zero byte between them. Nine digits are
/// never such a text, so no document is taken for a person.
fn document(year: i16, key: &hmac::Key, practice: &ProviderName, id: &str) -> String {
    let text = format!("inzage audit document\0{}\0{id}", practice.as_str());
    let hash = hmac::sign(key, text.as_bytes());
    let digits: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{year}-{digits}")
}

/// HMAC-SHA256 of the nine digits.
fn keyed_hash(key: &hmac::Key, bsn: &Bsn) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(hmac::sign(key, bsn.reveal().as_bytes()).as_ref());
    hash
}

/// AES-256-GCM-SIV (RFC 8452) over the nine digits. The nonce is the beginning of the person's pseudonym: one for each person
/// and year, however many records there are, so that no number of records wears the key out. Two sealed values of a year are
/// then equal when their pseudonyms are, which stand beside them.
fn seal(key: &LessSafeKey, year: &str, bsn: &Bsn, hash: &[u8; 32]) -> SealedBsn {
    let nonce: [u8; NONCE_LEN] = std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default());
    // Room for the tag from the start, so that no digits stay behind in memory that was grown out of.
    let mut text = Vec::with_capacity(9 + AES_256_GCM_SIV.tag_len());
    text.extend_from_slice(bsn.reveal().as_bytes());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), place(year), &mut text)
        .expect("AES-GCM-SIV seals anything under 64 GiB");
    SealedBsn::new(year, &URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
}

/// What a sealed value is bound to: what it is, and its year.
fn place(year: &str) -> Aad<String> {
    Aad::from(format!("inzage audit bsn {year}"))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring([redacted])")
    }
}

impl PartialEq for KnownSubject {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for KnownSubject {}

impl fmt::Debug for KnownSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownSubject")
    }
}

impl fmt::Debug for Years {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Years([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn key(byte: u8) -> Key32 {
        Secret::new([byte; 32])
    }

    fn held(years: &[(i16, u8)]) -> Keyring {
        let mut all = Years::default();
        for (year, byte) in years {
            all.add_pseudonym_key(*year, &key(*byte));
            all.add_sealing_key(*year, &key(byte + 100));
        }
        Keyring::new(all)
    }

    fn bsn() -> Bsn {
        Bsn::parse("999911132").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Computed with another implementation of HMAC; pseudonyms that stand in logs must stay findable.
    #[test]
    fn a_pseudonym_is_the_keyed_hash_of_the_nine_digits() {
        let mut years = Years::default();
        years.add_pseudonym_key(2026, &Secret::new(std::array::from_fn(|i| u8::try_from(i).unwrap())));
        let expected = "2026:2b75117dd49ac38b1857a7fa219b4214dc062af141160850085ab9d961d349bb";
        assert_eq!(Keyring::new(years).pseudonyms(&bsn())[0].as_str(), expected);
    }

    /// As above; one practice does not see from this that another has a document of the same id.
    #[test]
    fn a_document_has_a_name_of_its_year_and_practice() {
        let mut years = Years::default();
        years.add_pseudonym_key(2026, &Secret::new(std::array::from_fn(|i| u8::try_from(i).unwrap())));
        years.add_pseudonym_key(2027, &key(9));
        let (held, linde) = (Keyring::new(years), ProviderName::parse("huisarts.delinde@medmij").unwrap());
        let expected = "2026-15d2825ced8bb0cb8d357771d7a0e38e";
        assert_eq!(held.document(&linde, "letter-fine", at("2026-12-31T23:59:59Z")).unwrap(), expected);
        let [this, next] = held.documents(&linde, "letter-fine").try_into().unwrap();
        assert!(this == expected && next.starts_with("2027-") && next[5..] != this[5..]);
        let other = ProviderName::parse("huisarts.deeik@medmij").unwrap();
        assert_ne!(held.documents(&other, "letter-fine")[0], this);
        assert_ne!(held.documents(&linde, "letter-fin")[0], this);
        assert_eq!(held.document(&linde, "letter-fine", at("2028-01-01T00:00:00Z")), Err(NoKey { year: 2028 }));
    }

    #[test]
    fn a_person_is_the_same_all_year_and_another_the_next() {
        let ring = held(&[(2026, 1), (2027, 2)]);
        let one = ring.subject(&bsn(), at("2026-01-01T00:00:00Z")).unwrap();
        assert_eq!(ring.subject(&bsn(), at("2026-12-31T23:59:59.999999Z")).unwrap(), one);
        let next = ring.subject(&bsn(), at("2027-01-01T00:00:00Z")).unwrap();
        assert!(next.pseudonym.as_str().starts_with("2027:") && next.sealed.as_str().starts_with("2027:"));
        assert_ne!(one.pseudonym.as_str()[5..], next.pseudonym.as_str()[5..]);
        assert_eq!(ring.pseudonyms(&bsn()), [one.pseudonym.clone(), next.pseudonym]);
        let other = ring.subject(&Bsn::parse("012345672").unwrap(), at("2026-06-01T00:00:00Z")).unwrap();
        assert!(other.pseudonym != one.pseudonym && other.sealed != one.sealed);
    }

    #[test]
    fn what_is_known_of_a_person_holds_for_its_year_and_keys_only() {
        let (ring, known) = (held(&[(2026, 1), (2027, 2)]), KnownSubject::once());
        let told = |ring: &Keyring, moment: &str| ring.known_subject(&known, &bsn(), at(moment));
        let one = ring.subject(&bsn(), at("2026-06-01T00:00:00Z")).unwrap();
        assert_eq!(told(&ring, "2026-06-01T00:00:00Z"), Ok(one.clone()), "made");
        assert_eq!(told(&ring, "2026-12-31T23:59:59.999999Z"), Ok(one), "known");
        assert!(known.get().is_some_and(|known| known.year == 2026));
        let next = ring.subject(&bsn(), at("2027-01-01T00:00:00Z"));
        assert!(next.is_ok() && told(&ring, "2027-01-01T00:00:00Z") == next, "another year");
        let others = held(&[(2026, 9)]);
        let other = others.subject(&bsn(), at("2026-06-01T00:00:00Z"));
        assert_eq!(told(&others, "2026-06-01T00:00:00Z"), other, "other keys");
        ring.replace(Years::default());
        assert_eq!(told(&ring, "2026-06-01T00:00:00Z"), Err(NoKey { year: 2026 }), "the keys were dropped");
        assert!(known.get().is_some_and(|known| known.keys.upgrade().is_none()), "and nothing holds them");
    }

    #[test]
    fn what_was_sealed_opens_with_the_key_of_its_year_only() {
        let ring = held(&[(2026, 1), (2027, 2)]);
        let sealed = ring.subject(&bsn(), at("2026-06-01T00:00:00Z")).unwrap().sealed;
        assert_eq!(ring.open(&sealed), Some(bsn()));
        assert_eq!(held(&[(2027, 2)]).open(&sealed), None, "the keys of that year were dropped");
        assert_eq!(held(&[(2026, 9)]).open(&sealed), None);
        let moved = SealedBsn::parse(&sealed.as_str().replace("2026:", "2027:")).unwrap();
        assert_eq!(held(&[(2026, 1), (2027, 1)]).open(&moved), None, "it is bound to its year");
    }

    #[test]
    fn a_changed_bit_does_not_open() {
        let ring = held(&[(2026, 1)]);
        let sealed = ring.subject(&bsn(), at("2026-06-01T00:00:00Z")).unwrap().sealed;
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.as_str()[5..]).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ring.open(&SealedBsn::new("2026", &URL_SAFE_NO_PAD.encode(changed))), None, "bit {bit}");
        }
    }

    #[test]
    fn without_both_keys_of_the_year_nobody_is_named() {
        let mut years = Years::default();
        years.add_pseudonym_key(2026, &key(1));
        let ring = Keyring::new(years.clone());
        assert_eq!(ring.subject(&bsn(), at("2026-06-01T00:00:00Z")), Err(NoKey { year: 2026 }));
        years.add_sealing_key(2026, &key(2));
        ring.replace(years);
        assert!(ring.subject(&bsn(), at("2026-06-01T00:00:00Z")).is_ok());
        assert_eq!(ring.check(2027), Err(NoKey { year: 2027 }));
        assert_eq!(AuditError::from(NoKey { year: 2027 }), AuditError::NoKey);
    }

    #[test]
    fn it_shows_neither_key_nor_person() {
        let ring = held(&[(2026, 1)]);
        assert_eq!(format!("{ring:?}"), "Keyring([redacted])");
        let subject = ring.subject(&bsn(), at("2026-06-01T00:00:00Z")).unwrap();
        assert!(!format!("{subject:?}").contains("999911132"));
    }
}
