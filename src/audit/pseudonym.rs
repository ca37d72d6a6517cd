//! What stands for a BSN in the access log: a keyed hash whose key changes each year, so that one year's records cannot be
//! linked with another's without the master key.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Pseudonym;
use crate::medmij::Bsn;
use crate::secret::Secret;

/// Makes pseudonyms from a master key. The same person has the same pseudonym for one calendar year.
pub struct Pseudonymiser {
    master: Key,
}

impl Pseudonymiser {
    /// With a master key, which must be the same on all nodes and serve nothing else.
    #[must_use]
    pub fn new(master: &Secret<[u8; 32]>) -> Self {
        Self { master: Key::new(HMAC_SHA256, master.reveal()) }
    }

    /// The pseudonym of this person for an event at this moment; years begin in UTC.
    #[must_use]
    pub fn at(&self, bsn: &Bsn, moment: Timestamp) -> Pseudonym {
        self.pseudonym(bsn, moment.to_zoned(TimeZone::UTC).year())
    }

    /// HMAC-SHA256 of the nine digits under the key of `year`, which is the HMAC-SHA256 of `inzage pseudonym <year>` under
    /// the master key. The year is the id of the key.
    #[must_use]
    pub fn pseudonym(&self, bsn: &Bsn, year: i16) -> Pseudonym {
        let yearly = sign(&self.master, format!("inzage pseudonym {year}").as_bytes());
        let tag = sign(&Key::new(HMAC_SHA256, yearly.as_ref()), bsn.reveal().as_bytes());
        Pseudonym::new(&year.to_string(), bytes_of(&tag))
    }
}

fn bytes_of(tag: &Tag) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

impl fmt::Debug for Pseudonymiser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonymiser([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonymiser() -> Pseudonymiser {
        Pseudonymiser::new(&Secret::new(std::array::from_fn(|i| u8::try_from(i).unwrap())))
    }

    fn bsn() -> Bsn {
        Bsn::parse("999911132").unwrap()
    }

    /// Computed with another implementation of HMAC; records of earlier releases must stay findable.
    #[test]
    fn the_construction_never_changes() {
        let expected = "2026:de2c0921a7e02a9b54b360e65232ee63d31320189afb0de4f1aa281c053af050";
        assert_eq!(pseudonymiser().pseudonym(&bsn(), 2026).as_str(), expected);
    }

    #[test]
    fn year_person_and_master_key_each_change_it() {
        let one = pseudonymiser().pseudonym(&bsn(), 2026);
        let hash = |pseudonym: &Pseudonym| pseudonym.as_str().split_once(':').unwrap().1.to_owned();
        let next_year = pseudonymiser().pseudonym(&bsn(), 2027);
        assert!(next_year.as_str().starts_with("2027:"));
        assert_ne!(hash(&next_year), hash(&one));
        assert_ne!(pseudonymiser().pseudonym(&Bsn::parse("012345672").unwrap(), 2026), one);
        assert_ne!(Pseudonymiser::new(&Secret::new([7; 32])).pseudonym(&bsn(), 2026), one);
    }

    #[test]
    fn it_shows_neither_key_nor_person() {
        assert_eq!(format!("{:?}", pseudonymiser()), "Pseudonymiser([redacted])");
        assert!(!pseudonymiser().pseudonym(&bsn(), 2026).as_str().contains("999911132"));
    }
}
