//! Who looked, by marks: keyed hashes that stay in the store of the nodes until their month is closed.

use std::fmt;
use std::hash::{Hash, Hasher};

use aws_lc_rs::hmac::{self, HMAC_SHA256};

use super::sketch::Code;
use super::words::Channel;
use crate::medmij::{Bsn, ServiceId};
use crate::seal::Key32;

/// The key of the marks. It is the same over the years, so that one person is one also over New Year.
pub struct CountingKey(hmac::Key);

impl CountingKey {
    /// From 32 random bytes that are of use for nothing else.
    #[must_use]
    pub fn new(key: &Key32) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, key.reveal()))
    }

    /// The first 16 bytes of the HMAC-SHA-256 of the nine digits.
    #[must_use]
    pub fn mark(&self, person: &Bsn) -> Mark {
        let hash = hmac::sign(&self.0, person.reveal().as_bytes());
        Mark(hash.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Debug for CountingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountingKey([redacted])")
    }
}

/// Stands for a person while they are counted. It is never shown, and leaves the store for memory only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark([u8; 16]);

impl Mark {
    /// Of these bytes, as the store has them.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// What of it goes into a sketch: 18 of its 128 bits at most.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::of(self.number())
    }

    fn number(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

/// The hash of a mark is a part of it: it is uniform already.
impl Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.number());
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark([redacted])")
    }
}

/// By which way somebody looked, and at what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View {
    /// By which way.
    pub channel: Channel,
    /// At which data service; `None` when the record names none.
    pub service: Option<ServiceId>,
}

impl View {
    /// Reads what [`fmt::Display`] gives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (channel, service) = text.split_once('/')?;
        let service = match service {
            "" => None,
            id => Some(ServiceId::parse(id).ok()?),
        };
        Some(Self { channel: Channel::find(channel)?, service })
    }
}

/// `pgo/49`; nothing after the slash when there is no service.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel.as_str(), self.service.as_ref().map_or("", ServiceId::as_str))
    }
}

/// The days of a month on which somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days(u32);

impl Days {
    /// One day of a month, from 1 to 31.
    #[must_use]
    pub const fn one(day: i8) -> Self {
        if day >= 1 && day <= 31 { Self(1 << (day - 1)) } else { Self(0) }
    }

    /// As a number for the store: a bit for each day, the first of the month lowest.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Reads what [`Self::number`] gives.
    #[must_use]
    pub const fn of_number(number: u32) -> Self {
        Self(number)
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there are two or more.
    #[must_use]
    pub const fn are_several(self) -> bool {
        self.0.count_ones() > 1
    }

    /// The first of them, from 1.
    #[must_use]
    pub fn first(self) -> Option<i8> {
        i8::try_from(self.0.trailing_zeros() + 1).ok().filter(|_| self.0 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// The value was computed with another implementation of HMAC.
    #[test]
    fn a_mark_is_the_beginning_of_a_keyed_hash() {
        let key = CountingKey::new(&Secret::new(std::array::from_fn(|i| u8::try_from(i).unwrap())));
        let mark = key.mark(&Bsn::parse("999911132").unwrap());
        let text: String = mark.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "2b75117dd49ac38b1857a7fa219b4214");
        assert_eq!(format!("{mark:?} {key:?}"), "Mark([redacted]) CountingKey([redacted])");
    }

    #[test]
    fn a_view_parses_back() {
        for text in ["pgo/49", "portal/", "unknown/x.1"] {
            assert_eq!(View::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "pgo", "fax/49", "pgo/4 9"] {
            assert_eq!(View::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_counted_once() {
        let days = Days::one(3).and(Days::one(3));
        assert!(!days.are_several() && days.and(Days::one(31)).are_several());
        assert_eq!((days.first(), Days::default().first(), Days::one(31).and(days).first()), (Some(3), None, Some(3)));
        assert_eq!((Days::one(0), Days::one(32)), (Days::default(), Days::default()));
    }
}
