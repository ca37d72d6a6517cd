//! What may not be read from a disk is sealed with AES-256-GCM, bound to the row it stands in, under a key from a file that
//! only the service can read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

    /// The hashes that [`Sealer::mark`] gave for this text under the current key and under each that it replaced.
    pub fn marks(&self, text: &[u8]) -> Vec<[u8; 32]> {
        std::iter::once(&self.current).chain(&self.retired).map(|key| key.mark(text)).collect()
    }
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

/// A file with a key: the base64 form of 32 bytes, such as `openssl rand -base64 32` writes.
#[derive(Debug, Clone, Copy)]
pub struct KeyFile;

/// Why a file gives no key. Its content is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is not there, or may not be read.
    #[error("the key file cannot be read")]
    Unreadable(#[from] io::Error),
    /// Others than its owner may use it.
    #[error("the key file has mode {mode:03o}; only its owner may have access (chmod 600)")]
    Exposed {
        /// The permission bits of the file.
        mode: u32,
    },
    /// It holds something else.
    #[error("the key file must hold the base64 form of 32 bytes and nothing else")]
    NotAKey,
}

impl KeyFile {
    /// Longest content that is read, in bytes: 44 of base64 and a line end.
    const MAX_BYTES: u64 = 46;

    /// Reads a key. One line end after it is allowed.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn load(path: &Path) -> Result<Key32, KeyError> {
        let file = File::open(path)?;
        refuse_exposed(&file)?;
        let mut text = Zeroizing::new(Vec::with_capacity(64));
        file.take(Self::MAX_BYTES + 1).read_to_end(&mut text)?;
        parse_key(&text).ok_or(KeyError::NotAKey)
    }
}

fn parse_key(text: &[u8]) -> Option<Key32> {
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let bytes = Zeroizing::new(STANDARD.decode(line).ok()?);
    bytes.as_slice().try_into().ok().map(Secret::new)
}

/// Looks at the open file, not at its path, so that what was checked is what is read.
#[cfg(unix)]
fn refuse_exposed(file: &File) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Exposed { mode }) }
}

#[cfg(not(unix))]
fn refuse_exposed(_: &File) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::conformance::Scratch;
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
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let key = parse_key(&bytes);
            proptest::prop_assert!(key.is_none() || bytes.len() >= 44);
            proptest::prop_assert!(Sealer::new(&Secret::new([3; 32])).open(&bytes, b"").is_none());
        }
    }

    fn written(scratch: &Scratch, content: &str, mode: u32) -> std::path::PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = scratch.path("key");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_key_file_may_end_its_line() {
        let scratch = Scratch::new();
        let text = STANDARD.encode([9; 32]);
        for content in [text.clone(), format!("{text}\n"), format!("{text}\r\n")] {
            let key = KeyFile::load(&written(&scratch, &content, 0o600)).unwrap();
            assert_eq!(*key.reveal(), [9; 32]);
            assert_eq!(format!("{key:?}"), "[redacted]");
        }
    }

    #[test]
    fn any_other_content_is_refused() {
        let scratch = Scratch::new();
        let text = STANDARD.encode([9; 32]);
        for content in [
            String::new(),
            STANDARD.encode([9; 31]),
            STANDARD.encode([9; 33]),
            format!("{text}\n\n"),
            format!(" {text}"),
        ] {
            let refused = KeyFile::load(&written(&scratch, &content, 0o600));
            assert!(matches!(refused, Err(KeyError::NotAKey)), "{content:?}");
        }
        assert!(matches!(KeyFile::load(&scratch.path("absent")), Err(KeyError::Unreadable(_))));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let scratch = Scratch::new();
        for mode in [0o640, 0o604, 0o620, 0o644] {
            let refused = KeyFile::load(&written(&scratch, &STANDARD.encode([9; 32]), mode));
            assert!(matches!(refused, Err(KeyError::Exposed { mode: found }) if found == mode), "{mode:o}");
        }
        assert!(KeyFile::load(&written(&scratch, &STANDARD.encode([9; 32]), 0o400)).is_ok());
    }
}
