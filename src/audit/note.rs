//! Signed notes (C2SP signed-note): a text and the signatures under it. Only Ed25519 signatures are made and checked; those
//! of keys that are not asked about are skipped, as the specification demands, so that keys can be replaced and others can
//! sign along.

mod cosign;
mod key;

pub use cosign::{Cosigner, CosignerKey};
pub use key::{KeyName, SigningKey, VerifierKey};

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// No note is longer, in bytes. The specification asks for room for 16 signatures, of 5 kB with the largest keys there are.
pub const MAX_NOTE_BYTES: usize = 128 * 1024;
/// No note has more signatures.
const MAX_SIGNATURES: usize = 64;
/// How a line with a signature begins: an em dash and a space.
const SIGNATURE_START: &str = "\u{2014} ";
/// The number of a key, before each signature.
const KEY_ID_BYTES: usize = 4;

/// Why a note says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It has not the form of a signed note.
    #[error("this is not a signed note")]
    Form,
    /// The name of a key is empty, or has a space or a plus.
    #[error("a key name has no spaces and no plus, and is not empty")]
    KeyName,
    /// A public key has not the form `name+8 hexadecimal digits+base64`, or another kind than Ed25519.
    #[error("this is not the public key of a signed note")]
    Key,
    /// None of the keys that are trusted signed it.
    #[error("none of the trusted keys signed this")]
    Unsigned,
    /// A signature of a trusted key is wrong: the text was changed or the signature forged.
    #[error("a signature does not fit its text")]
    Signature,
}

/// One line under a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    key_id: u32,
    bytes: Vec<u8>,
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(SIGNATURE_START)?.split_once(' ')?;
        let all = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = all.split_first_chunk::<KEY_ID_BYTES>()?;
        if bytes.is_empty() {
            return None;
        }
        Some(Self { name: KeyName::parse(name).ok()?, key_id: u32::from_be_bytes(*key_id), bytes: bytes.to_vec() })
    }
}

/// The line, without its newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [self.key_id.to_be_bytes().as_slice(), &self.bytes].concat();
        write!(f, "{SIGNATURE_START}{} {}", self.name, STANDARD.encode(all))
    }
}

/// A note as it was received: nothing of its text may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// The text of a note that a trusted key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    text: String,
    signers: Vec<KeyName>,
}

impl Signed {
    /// The text, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a trusted key of this name signed it.
    #[must_use]
    pub fn is_by(&self, name: &KeyName) -> bool {
        self.signers.contains(name)
    }
}

impl Note {
    /// A note of this text without signatures yet, or `None` when the text is empty, does not end in a newline or has
    /// other control characters.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let plain = text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n');
        plain.then(|| Self { text: text.to_owned(), signatures: Vec::new() })
    }

    /// Parses a note with at least one signature. It has one form only, so what is parsed prints as it was.
    ///
    /// # Errors
    /// [`NoteError::Form`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Form);
        }
        // "The text is separated from the signatures by the last empty line in the note."
        let (before, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let text = note.get(..=before.len()).ok_or(NoteError::Form)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        let signatures: Option<Vec<_>> = lines.split('\n').map(Signature::parse).collect();
        let signatures = signatures.filter(|all| all.len() <= MAX_SIGNATURES).ok_or(NoteError::Form)?;
        Ok(Self { signatures, ..Self::of(text).ok_or(NoteError::Form)? })
    }

    /// The signatures, whoever they are of.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds the signature of `key`.
    #[must_use]
    pub fn sign(mut self, key: &SigningKey) -> Self {
        let bytes = key.sign(self.text.as_bytes());
        let verifier = key.verifier();
        self.signatures.push(Signature { name: verifier.name().clone(), key_id: verifier.key_id(), bytes });
        self
    }

    /// Adds a signature of somebody else, in the place of one that the same key made before.
    #[must_use]
    pub fn with(mut self, signature: Signature) -> Self {
        let same = |other: &Signature| other.name == signature.name && other.key_id == signature.key_id;
        self.signatures.retain(|other| !same(other));
        self.signatures.push(signature);
        self
    }

    /// The text, when at least one of the trusted keys signed it and no signature of one of them is wrong.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] or [`NoteError::Signature`].
    pub fn open(self, trusted: &[VerifierKey]) -> Result<Signed, NoteError> {
        let Self { text, signatures } = self;
        let mut signers = Vec::new();
        for Signature { name, key_id, bytes } in signatures {
            // Name and number together tell the key; any other combination is unknown and skipped.
            for key in trusted.iter().filter(|key| *key.name() == name && key.key_id() == key_id) {
                key.check(text.as_bytes(), &bytes)?;
                signers.push(name.clone());
            }
        }
        if signers.is_empty() { Err(NoteError::Unsigned) } else { Ok(Signed { text, signers }) }
    }
}

/// The note as it is stored and sent.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    fn key(seed: u8, name: &str) -> SigningKey {
        SigningKey::from_seed(&Secret::new([seed; 32]), KeyName::parse(name).unwrap())
    }

    fn theirs(key: &SigningKey) -> signed_note::VerifierList {
        let verifier = signed_note::StandardVerifier::new(&key.verifier().to_string()).unwrap();
        signed_note::VerifierList::new(vec![Box::new(verifier)])
    }

    /// The examples that the Go implementation (golang.org/x/mod/sumdb/note) is documented and tested with.
    #[test]
    fn a_note_of_another_implementation_opens() {
        let peter =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse::<VerifierKey>().unwrap();
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let line = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let note = format!("{text}\n{line}\n");
        let parsed = Note::parse(&note).unwrap();
        assert_eq!(parsed.to_string(), note);
        assert_eq!(parsed.open(std::slice::from_ref(&peter)).unwrap().text(), text);
        let changed = Note::parse(&note.replacen("answer", "anther", 1)).unwrap();
        assert_eq!(changed.open(&[peter]), Err(NoteError::Signature));
    }

    #[test]
    fn a_key_may_be_replaced_and_others_may_sign_along() {
        let (old, new, witness) = (key(1, "log"), key(2, "log"), key(3, "witness.example"));
        let note = Note::of("text\n").unwrap().sign(&old).sign(&new).sign(&witness);
        let parsed = Note::parse(&note.to_string()).unwrap();
        assert_eq!(parsed, note);
        for trusted in [&old, &new, &witness] {
            assert_eq!(parsed.clone().open(&[trusted.verifier()]).unwrap().text(), "text\n");
        }
        assert_eq!(parsed.clone().open(&[key(4, "log").verifier()]), Err(NoteError::Unsigned));
        assert_eq!(parsed.open(&[]), Err(NoteError::Unsigned));
    }

    #[test]
    fn one_wrong_signature_of_a_trusted_key_spoils_the_note() {
        let (one, other) = (key(1, "log"), key(2, "log"));
        let mut note = Note::of("text\n").unwrap().sign(&one).sign(&other);
        note.signatures[1].bytes[5] ^= 1;
        assert_eq!(note.clone().open(&[one.verifier(), other.verifier()]), Err(NoteError::Signature));
        assert!(note.open(&[one.verifier()]).is_ok());
    }

    #[test]
    fn what_has_another_form_is_no_note() {
        let signed = Note::of("text\n").unwrap().sign(&key(1, "log")).to_string();
        let line = signed.lines().last().unwrap();
        let many = format!("text\n\n{}", format!("{line}\n").repeat(MAX_SIGNATURES + 1));
        let wrong = [
            String::new(),
            "text\n".into(),
            "text\n\n".into(),
            signed.trim_end().into(),
            format!("{signed}\n"),
            format!("\n{line}\n"),
            format!("text\n{line}\n"),
            format!("te\txt\n\n{line}\n"),
            signed.replace('\u{2014}', "-"),
            signed.replace(" log ", " log  "),
            signed.replace(" log ", " l+og "),
            signed.replace(" log ", " l\u{a0}og "),
            "text\n\n\u{2014} log AAAAAA==\n".into(),
            format!("{signed}more\n"),
            many,
            format!("{}\n\n{line}\n", "x".repeat(MAX_NOTE_BYTES)),
        ];
        for note in wrong {
            assert_eq!(Note::parse(&note), Err(NoteError::Form), "{note:.80}");
        }
        assert_eq!(Note::of("text"), None);
    }

    proptest! {
        #[test]
        fn another_implementation_reads_what_we_write(text in "[ -~é\n]{0,200}\n", seed: u8, name in "[a-z0-9./-]{1,40}", bit in 0_usize..8) {
            let key = key(seed, &name);
            let note = Note::of(&text).unwrap().sign(&key);
            let bytes = note.to_string();
            let (valid, unknown) = signed_note::Note::from_bytes(bytes.as_bytes()).unwrap().verify(&theirs(&key)).unwrap();
            prop_assert_eq!((valid.len(), unknown.len()), (1, 0));
            let opened = Note::parse(&bytes).unwrap().open(&[key.verifier()]).unwrap();
            prop_assert_eq!(opened.text(), &text);

            let mut changed = bytes.into_bytes();
            let at = changed.len() * bit / 8;
            changed[at] ^= 1 << bit;
            let opened = String::from_utf8(changed).map_err(|_| NoteError::Form).and_then(|note| Note::parse(&note));
            prop_assert!(opened.and_then(|note| note.open(&[key.verifier()])).is_err());
        }

        #[test]
        fn any_text_is_a_note_or_an_error(text in "(\\PC|\n|\u{2014} ){0,60}") {
            if let Ok(note) = Note::parse(&text) {
                prop_assert_eq!(note.to_string(), text);
            }
        }
    }
}
