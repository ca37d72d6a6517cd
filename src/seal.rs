//! What others may keep but not read is sealed with AES-256-GCM, bound to the place it stands in: columns of a database, and
//! the addresses of further pages.

mod file;

pub use file::{KeyError, KeyFile};

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

use crate::secret::{self, Secret};

/// A key of 256 bits: redacted in `Debug`, wiped when dropped.
pub type Key32 = Secret<[u8; 32]>;

/// Seals with one key, and opens what was sealed with that key or with one it replaced.
///
/// A sealed value is the id of its key (4 bytes), a random nonce (12 bytes), the ciphertext and the tag (16 bytes). Nonces are
/// random, so one key may seal 2^32 values (NIST SP 800-38D section 8.3): at 100 a second that is more than a year.
pub struct Sealer {
    current: SealingKey,
    retired: Vec<SealingKey>,
}

struct SealingKey {
    id: [u8; KEY_ID_BYTES],
    key: LessSafeKey,
    /// For [`Sealer::mark`]; derived, so that a mark says nothing about what is sealed.
    marks: hmac::Key,
}

const KEY_ID_BYTES: usize = 4;

impl Sealer {
    /// Seals and opens with `key`.
    #[must_use]
    pub fn new(key: &Key32) -> Self {
        Self { current: SealingKey::new(key), retired: Vec::new() }
    }

    /// Seals and opens for one purpose, with a key that follows from `key`: what is sealed for another purpose does not open.
    #[must_use]
    pub fn derived(key: &Key32, purpose: &str) -> Self {
        Self::new(&derive(key, purpose))
    }

    /// Opens also what was sealed with `retired`, a key that was replaced.
    #[must_use]
    pub fn also_opening(mut self, retired: &Key32) -> Self {
        self.retired.push(SealingKey::new(retired));
        self
    }

    /// Seals `plaintext`; it opens only with the same `aad`, which says where it stands.
    #[must_use]
    pub fn seal(&self, plaintext: &[u8], aad: &[u8]) -> Vec<u8> {
        let nonce = secret::random::<NONCE_LEN>();
        // Room for the tag from the start, so that no plaintext stays behind in memory that was grown out of.
        let mut text = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
        text.extend_from_slice(plaintext);
        self.current
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut text)
            .expect("AES-GCM seals anything under 64 GiB");
        [self.current.id.as_slice(), &nonce, &text].concat()
    }

    /// Opens a sealed value; `None` when the key or `aad` is another, or a bit changed.
    #[must_use]
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (id, rest) = sealed.split_first_chunk::<KEY_ID_BYTES>()?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = std::iter::once(&self.current).chain(&self.retired).find(|key| key.id == *id)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = key.key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }

    /// A keyed hash by which a sealed value can be found without being opened (HMAC-SHA256, under the current key).
    #[must_use]
    pub fn mark(&self, text: &[u8]) -> [u8; 32] {
        self.current.mark(text)
    }

    /// Whether one of [`Sealer::marks`] passes a test. Allocates nothing.
    pub fn is_marked(&self, text: &[u8], test: impl Fn([u8; 32]) -> bool) -> bool {
        std::iter::once(&self.current).chain(&self.retired).any(|key| test(key.mark(text)))
    }

    /// The hashes that [`Sealer::mark`] gave for this text under the current key and under each that it replaced.
    pub fn marks(&self, text: &[u8]) -> Vec<[u8; 32]> {
        std::iter::once(&self.current).chain(&self.retired).map(|key| key.mark(text)).collect()
    }
}

/// The key for one purpose that follows from `key`; it says nothing of `key`, nor of those for other purposes.
#[must_use]
pub fn derive(key: &Key32, purpose: &str) -> Key32 {
    let derived = hmac::sign(&hmac::Key::new(HMAC_SHA256, key.reveal()), format!("inzage {purpose}").as_bytes());
    let mut bits = [0; 32];
    bits.copy_from_slice(derived.as_ref());
    Secret::new(bits)
}

impl SealingKey {
    fn new(key: &Key32) -> Self {
        let mark = hmac::sign(&hmac::Key::new(HMAC_SHA256, key.reveal()), b"inzage sealing key id");
        let mut id = [0; KEY_ID_BYTES];
        id.iter_mut().zip(mark.as_ref()).for_each(|(to, from)| *to = *from);
        let unbound = UnboundKey::new(&AES_256_GCM, key.reveal()).expect("AES-256 takes a key of 32 bytes");
        let marks = hmac::sign(&hmac::Key::new(HMAC_SHA256, key.reveal()), b"inzage mark key");
        Self { id, key: LessSafeKey::new(unbound), marks: hmac::Key::new(HMAC_SHA256, marks.as_ref()) }
    }

    fn mark(&self, text: &[u8]) -> [u8; 32] {
        let mut mark = [0; 32];
        mark.copy_from_slice(hmac::sign(&self.marks, text).as_ref());
        mark
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key32 {
        Secret::new([byte; 32])
    }

    #[test]
    fn what_is_sealed_opens_with_key_and_place_only() {
        let sealer = Sealer::new(&key(1));
        let sealed = sealer.seal(b"nine digits", b"grant 1");
        assert_eq!(sealer.open(&sealed, b"grant 1").unwrap().as_slice(), b"nine digits");
        assert!(sealer.open(&sealed, b"grant 2").is_none());
        assert!(Sealer::new(&key(2)).open(&sealed, b"grant 1").is_none());
        assert!(!sealed.windows(4).any(|part| part == b"nine"));
        assert_ne!(sealer.seal(b"nine digits", b"grant 1"), sealed, "each seal draws its nonce");
    }

    #[test]
    fn a_replaced_key_still_opens_but_does_not_seal() {
        let old = Sealer::new(&key(1));
        let rotated = Sealer::new(&key(2)).also_opening(&key(1));
        assert!(rotated.open(&old.seal(b"x", b"a"), b"a").is_some());
        assert!(old.open(&rotated.seal(b"x", b"a"), b"a").is_none());
    }

    #[test]
    fn what_is_sealed_for_one_purpose_opens_for_no_other() {
        let page = Sealer::derived(&key(1), "page");
        let sealed = page.seal(b"x", b"");
        assert!(page.open(&sealed, b"").is_some());
        for other in [Sealer::new(&key(1)), Sealer::derived(&key(1), "other"), Sealer::derived(&key(2), "page")] {
            assert!(other.open(&sealed, b"").is_none());
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text: Vec<u8>, aad: Vec<u8>) {
            let sealer = Sealer::new(&key(3));
            let opened = sealer.open(&sealer.seal(&text, &aad), &aad).unwrap();
            proptest::prop_assert_eq!(opened.as_slice(), text.as_slice());
        }

        #[test]
        fn a_changed_or_cut_value_does_not_open(text: Vec<u8>, place: proptest::sample::Index, bit in 0_u8..8) {
            let sealer = Sealer::new(&key(3));
            let sealed = sealer.seal(&text, b"");
            let place = place.index(sealed.len());
            let mut changed = sealed.clone();
            changed[place] ^= 1 << bit;
            proptest::prop_assert!(sealer.open(&changed, b"").is_none());
            proptest::prop_assert!(sealer.open(&sealed[..place], b"").is_none());
        }

        #[test]
        fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
            proptest::prop_assert!(Sealer::new(&key(3)).open(&bytes, b"").is_none());
        }
    }
}
