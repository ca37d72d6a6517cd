//! Cosignatures (C2SP tlog-cosignature, version 1 with Ed25519): a witness says when it saw a checkpoint, and that what it saw
//! before is the beginning of it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KeyName, Note, NoteError, Signature};
use crate::seal::Key32;
use crate::secret::sha256;

/// The kind of key: Ed25519 over the text with a time before it.
const COSIGNER_TYPE: u8 = 4;
/// The time, before the 64 bytes of the signature.
const TIME_BYTES: usize = 8;

/// The public key of a witness. Its text is that of any key of a note, with kind 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: KeyName,
    public: [u8; 32],
}

impl CosignerKey {
    /// The name of the witness.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The first of these lines that is a cosignature of this witness under the checkpoint, and its time in seconds since
    /// 1970. Lines of others are skipped.
    ///
    /// # Errors
    /// [`NoteError::Form`] when a line is no signature, [`NoteError::Unsigned`] when none is of this witness, and
    /// [`NoteError::Signature`] when its own is wrong.
    pub fn find(&self, checkpoint: &Note, lines: &str) -> Result<(Signature, u64), NoteError> {
        for line in lines.lines() {
            let signature = Signature::parse(line).ok_or(NoteError::Form)?;
            if signature.name == self.name && signature.key_id == self.key_id() {
                let time = self.check(&checkpoint.text, &signature.bytes)?;
                return Ok((signature, time));
            }
        }
        Err(NoteError::Unsigned)
    }

    fn check(&self, text: &str, bytes: &[u8]) -> Result<u64, NoteError> {
        let (time, signature) = bytes.split_first_chunk::<TIME_BYTES>().ok_or(NoteError::Signature)?;
        let time = u64::from_be_bytes(*time);
        let key = UnparsedPublicKey::new(&ED25519, self.public);
        key.verify(message(time, text).as_bytes(), signature).map_err(|_| NoteError::Signature)?;
        Ok(time)
    }

    fn key_id(&self) -> u32 {
        let hash = sha256(&[self.name.as_str().as_bytes(), b"\n", &self.typed()].concat());
        let [first, second, third, fourth, ..] = hash;
        u32::from_be_bytes([first, second, third, fourth])
    }

    fn typed(&self) -> Vec<u8> {
        [[COSIGNER_TYPE].as_slice(), &self.public].concat()
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.key_id(), STANDARD.encode(self.typed()))
    }
}

impl FromStr for CosignerKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let typed = STANDARD.decode(encoded).map_err(|_| NoteError::Key)?;
        let Some((&COSIGNER_TYPE, public)) = typed.split_first() else { return Err(NoteError::Key) };
        let public = public.try_into().map_err(|_| NoteError::Key)?;
        let key = Self { name: KeyName::parse(name)?, public };
        if key.to_string() == text { Ok(key) } else { Err(NoteError::Key) }
    }
}

/// The key of a witness.
pub struct Cosigner {
    pair: Ed25519KeyPair,
    public: CosignerKey,
}

impl Cosigner {
    /// The key that follows from 32 secret bytes (RFC 8032 section 5.1.5).
    ///
    /// # Panics
    /// Never: every seed of 32 bytes makes a key.
    #[must_use]
    pub fn from_seed(seed: &Key32, name: KeyName) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.reveal()).expect("every 32 bytes make an Ed25519 key");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self { pair, public: CosignerKey { name, public } }
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &CosignerKey {
        &self.public
    }

    /// Cosigns a checkpoint at this time, in seconds since 1970.
    #[must_use]
    pub fn cosign(&self, checkpoint: &Note, time: u64) -> Signature {
        let signature = self.pair.sign(message(time, &checkpoint.text).as_bytes());
        let bytes = [time.to_be_bytes().as_slice(), signature.as_ref()].concat();
        Signature { name: self.public.name.clone(), key_id: self.public.key_id(), bytes }
    }
}

/// What is signed (C2SP tlog-cosignature, "Ed25519 signed message").
fn message(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn cosigner(seed: u8, name: &str) -> Cosigner {
        Cosigner::from_seed(&Secret::new([seed; 32]), KeyName::parse(name).unwrap())
    }

    #[test]
    fn a_cosignature_counts_for_its_text_time_and_witness() {
        let witness = cosigner(1, "witness.example/w1");
        let note = Note::of("log\n3\nroot\n").unwrap();
        let line = witness.cosign(&note, 1_679_315_147).to_string();
        let other = cosigner(2, "witness.example/w2").cosign(&note, 7).to_string();
        let found = witness.public().find(&note, &format!("{other}\n{line}\n")).unwrap();
        assert_eq!((found.0.to_string(), found.1), (line.clone(), 1_679_315_147));
        let changed = Note::of("log\n4\nroot\n").unwrap();
        assert_eq!(witness.public().find(&changed, &line), Err(NoteError::Signature));
        assert_eq!(witness.public().find(&note, &other), Err(NoteError::Unsigned));
        assert_eq!(witness.public().find(&note, ""), Err(NoteError::Unsigned));
        assert_eq!(witness.public().find(&note, "<html>"), Err(NoteError::Form));
    }

    /// The signed message and the form of the signature, put together by hand.
    #[test]
    fn the_form_is_that_of_the_specification() {
        let witness = cosigner(1, "w");
        let note = Note::of("log\n3\nroot\n").unwrap();
        let signature = witness.cosign(&note, 258);
        assert_eq!(signature.bytes.len(), 72);
        assert_eq!(signature.bytes[..8], [0, 0, 0, 0, 0, 0, 1, 2]);
        let by_hand = witness.pair.sign(b"cosignature/v1\ntime 258\nlog\n3\nroot\n");
        assert_eq!(&signature.bytes[8..], by_hand.as_ref());
        let id = sha256(&[b"w\n\x04".as_slice(), witness.pair.public_key().as_ref()].concat());
        assert_eq!(signature.key_id.to_be_bytes(), id[..4]);
    }

    #[test]
    fn a_key_prints_and_parses_and_is_of_its_kind() {
        let key = cosigner(1, "witness.example/w1").public().clone();
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        let signer = super::super::SigningKey::from_seed(&Secret::new([1; 32]), KeyName::parse("w").unwrap());
        for text in [signer.verifier().to_string(), String::new(), "a+b".into(), key.to_string() + "A"] {
            assert_eq!(text.parse::<CosignerKey>(), Err(NoteError::Key), "{text}");
        }
    }
}
