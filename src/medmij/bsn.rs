//! The citizen service number. It exists in memory, in sealed columns and in the call to the HIS, and prints nowhere.

use std::fmt;

use zeroize::Zeroize;

/// A BSN that passed the eleven-proof.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bsn([u8; 9]);

/// Why a text is not a BSN. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BsnError {
    /// Not 8 or 9 digits.
    #[error("a BSN has 9 digits")]
    NotNineDigits,
    /// Digits whose weighted sum is not a multiple of eleven.
    #[error("these digits are no BSN: they fail the eleven-proof")]
    FailsElevenProof,
}

impl Bsn {
    /// The FHIR system of a BSN.
    pub const SYSTEM: &'static str = "http://fhir.nl/fhir/NamingSystem/bsn";
    /// The same as an object identifier, as HL7 v3 systems write it.
    pub const OID: &'static str = "urn:oid:2.16.840.1.113883.2.4.6.3";

    /// Parses 9 digits, or 8 with the leading zero left out.
    ///
    /// # Errors
    /// When it is not that many digits, or they fail the eleven-proof (weights 9 8 7 6 5 4 3 2 -1).
    pub fn parse(text: &str) -> Result<Self, BsnError> {
        let padded: String = if text.len() == 8 { format!("0{text}") } else { text.to_owned() };
        let digits: [u8; 9] = padded.as_bytes().try_into().map_err(|_| BsnError::NotNineDigits)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(BsnError::NotNineDigits);
        }
        if passes_eleven_proof(digits) { Ok(Self(digits)) } else { Err(BsnError::FailsElevenProof) }
    }

    /// The nine digits, for the HIS and for masking; each call is a place to review.
    #[must_use]
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn passes_eleven_proof(digits: [u8; 9]) -> bool {
    const WEIGHTS: [i32; 9] = [9, 8, 7, 6, 5, 4, 3, 2, -1];
    let sum: i32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| i32::from(digit - b'0') * weight).sum();
    sum % 11 == 0 && digits != [b'0'; 9]
}

impl fmt::Debug for Bsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bsn([redacted])")
    }
}

impl Drop for Bsn {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Whether somebody wrote nine digits that make a BSN into a text, in one piece or in groups, also with other numbers beside
/// them. Letters part numbers; anything else between digits does not.
#[must_use]
pub fn holds_bsn(text: &str) -> bool {
    let rows = text.split(char::is_alphabetic);
    rows.map(|row| row.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>())
        .any(|parts| (0..parts.len()).any(|at| begins_with_bsn(parts.iter().skip(at))))
}

fn begins_with_bsn<'a>(parts: impl Iterator<Item = &'a &'a str>) -> bool {
    let mut joined = String::new();
    for part in parts {
        joined.push_str(part);
        if joined.len() >= 9 {
            break;
        }
    }
    joined.len() == 9 && Bsn::parse(&joined).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bsn_in_a_text_is_seen_however_it_is_written() {
        for text in ["999911132", "bel 999911132 terug", "999.911.132", "12 999 911 132", "9999-111-32", "(999911132)."]
        {
            assert!(holds_bsn(text), "{text}");
        }
        for text in ["", "999911133", "99991113", "x9999111324", "999911132a1".trim_start_matches('9'), "999a911b132"] {
            assert!(!holds_bsn(text), "{text}");
        }
    }

    #[test]
    fn valid_numbers_are_accepted_and_eight_digits_get_their_zero() {
        assert_eq!(Bsn::parse("999911132").unwrap().reveal(), "999911132");
        assert_eq!(Bsn::parse("12345672").map(|bsn| bsn.reveal().to_owned()), Ok("012345672".to_owned()));
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(Bsn::parse("999911133"), Err(BsnError::FailsElevenProof));
        assert_eq!(Bsn::parse("000000000"), Err(BsnError::FailsElevenProof));
        for text in ["", "1234567", "1234567890", "99991113a", " 99991113", "９９９９１１１３２"] {
            assert_eq!(Bsn::parse(text), Err(BsnError::NotNineDigits), "{text}");
        }
    }

    #[test]
    fn it_does_not_print() {
        assert_eq!(format!("{:?}", Bsn::parse("999911132").unwrap()), "Bsn([redacted])");
    }
}
