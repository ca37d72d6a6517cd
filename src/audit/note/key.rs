//! The keys of signed notes: Ed25519 under a name (C2SP signed-note, "Ed25519 signatures").

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::NoteError;
use crate::seal::Key32;
use crate::secret::sha256;

/// The kind of key and signature: Ed25519 over the text.
const ED25519_TYPE: u8 = 1;

/// The name of a key: not empty, and without spaces and plus signs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName(Arc<str>);

impl KeyName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`NoteError::KeyName`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let plain = !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
        if plain { Ok(Self(text.into())) } else { Err(NoteError::KeyName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that signs notes.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl SigningKey {
    /// The key that follows from 32 secret bytes (RFC 8032 section 5.1.5).
    ///
    /// # Panics
    /// Never: every seed of 32 bytes makes a key.
    #[must_use]
    pub fn from_seed(seed: &Key32, name: KeyName) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.reveal()).expect("every 32 bytes make an Ed25519 key");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self { pair, verifier: VerifierKey { name, public } }
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        self.verifier.clone()
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.pair.sign(text).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

/// A public key. Its text is `name+<key id in 8 hexadecimal digits>+<base64 of the kind and the key>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    public: [u8; 32],
}

impl VerifierKey {
    /// The name under which it signs.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The first four bytes of `SHA-256(name || 0x0A || 0x01 || key)`.
    #[must_use]
    pub fn key_id(&self) -> u32 {
        let hash = sha256(&[self.name.as_str().as_bytes(), b"\n", &self.typed()].concat());
        let [first, second, third, fourth, ..] = hash;
        u32::from_be_bytes([first, second, third, fourth])
    }

    pub(super) fn check(&self, text: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        UnparsedPublicKey::new(&ED25519, self.public).verify(text, signature).map_err(|_| NoteError::Signature)
    }

    fn typed(&self) -> Vec<u8> {
        [[ED25519_TYPE].as_slice(), &self.public].concat()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.key_id(), STANDARD.encode(self.typed()))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let typed = STANDARD.decode(encoded).map_err(|_| NoteError::Key)?;
        let Some((&ED25519_TYPE, public)) = typed.split_first() else { return Err(NoteError::Key) };
        let public = public.try_into().map_err(|_| NoteError::Key)?;
        let key = Self { name: KeyName::parse(name)?, public };
        // The number in the text must be the one of this name and key.
        if key.to_string() == text { Ok(key) } else { Err(NoteError::Key) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_signing_key_shows_its_public_half_only() {
        let key = SigningKey::from_seed(&Secret::new([7; 32]), KeyName::parse("log").unwrap());
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SigningKey({})", key.verifier()));
        assert!(!shown.contains(&STANDARD.encode([7; 32])));
    }

    #[test]
    fn the_text_of_a_key_has_one_form() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
        for wrong in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=",
        ] {
            assert_eq!(wrong.parse::<VerifierKey>(), Err(NoteError::Key), "{wrong}");
        }
        assert_eq!(
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse::<VerifierKey>(),
            Err(NoteError::KeyName)
        );
    }

    proptest! {
        #[test]
        fn a_key_parses_back_and_is_the_one_of_another_implementation(seed: [u8; 32], name in "[a-z0-9./-]{1,40}") {
            let key = SigningKey::from_seed(&Secret::new(seed), KeyName::parse(&name).unwrap());
            let text = key.verifier().to_string();
            prop_assert_eq!(text.parse::<VerifierKey>().unwrap(), key.verifier());
            let theirs = signed_note::StandardVerifier::new(&text).unwrap();
            prop_assert_eq!(signed_note::Verifier::key_id(&theirs), key.verifier().key_id());
        }

        #[test]
        fn any_text_is_a_key_or_an_error(text: String) {
            let _ = text.parse::<VerifierKey>();
            let _ = KeyName::parse(&text);
        }
    }
}
