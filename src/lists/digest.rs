//! SHA-256 of a file, as 64 lower-case hexadecimal digits on disk and in messages.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::background::breathe;

/// Bytes between two breaths: some fifty microseconds of work.
const PART_BYTES: usize = 64 * 1024;

/// Stands for one content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in bytes.chunks(PART_BYTES) {
            context.update(part);
            breathe();
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }

    /// Reads what [`Digest`] writes; nothing else is one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let lower = digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != 64 || !lower {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a SHA-256 in hexadecimal digits"))
    }
}
