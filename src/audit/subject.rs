//! What stands for a person in records: a keyed hash of their BSN, and the BSN sealed.

use std::sync::Arc;

/// What stands for a BSN in records: a keyed hash, in hexadecimal, with the id of its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pseudonym(Arc<str>);

/// Longest id of a key, in characters. Ours are years.
const MAX_KEY_ID: usize = 16;

/// Longest sealed value, in characters: nonce, nine digits and tag take 50.
const MAX_SEALED: usize = 128;

impl Pseudonym {
    /// From the id of the key and the keyed hash.
    #[must_use]
    pub fn new(key_id: &str, hash: [u8; 32]) -> Self {
        let mut text = String::with_capacity(key_id.len() + 65);
        text.push_str(key_id);
        text.push(':');
        let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        text.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
        Self(text.into())
    }

    /// The form in the log, parsed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (key_id, hash) = text.split_once(':')?;
        let hex = hash.len() == 64 && hash.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        (is_key_id(key_id) && hex).then(|| Self(text.into()))
    }

    /// `<key id>:<64 hexadecimal digits>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A BSN that only the holder of the sealing key of its year can read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SealedBsn(Arc<str>);

impl SealedBsn {
    /// From the id of the key and the sealed bytes in base64url.
    pub(super) fn new(key_id: &str, sealed: &str) -> Self {
        Self(format!("{key_id}:{sealed}").into())
    }

    /// The form in the log, parsed: the id of the key, a colon, and base64url without padding (RFC 4648 section 5).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (key_id, sealed) = text.split_once(':')?;
        let plain = sealed.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
        (is_key_id(key_id) && (1..=MAX_SEALED).contains(&sealed.len()) && plain).then(|| Self(text.into()))
    }

    /// `<key id>:<base64url>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands for a person in one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// By which their records are found.
    pub pseudonym: Pseudonym,
    /// By which they are named, for who holds the key.
    pub sealed: SealedBsn,
}

fn is_key_id(text: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_parses_back_and_nothing_else_parses() {
        let pseudonym = Pseudonym::new("2026", [0xab; 32]);
        assert_eq!(Pseudonym::parse(pseudonym.as_str()), Some(pseudonym));
        let hash = "ab".repeat(32);
        for text in [hash.clone(), format!(":{hash}"), format!("2026:{hash}0"), format!("2026:{}", hash.to_uppercase())]
        {
            assert_eq!(Pseudonym::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn a_sealed_bsn_has_one_form() {
        assert_eq!(SealedBsn::parse("2026:AbC_-9").unwrap().as_str(), "2026:AbC_-9");
        for text in
            ["", "2026", "2026:", ":AbC", "2026:a+b", "2026:a=", "2026:999 11", &format!("2026:{}", "a".repeat(129))]
        {
            assert_eq!(SealedBsn::parse(text), None, "{text}");
        }
    }
}
