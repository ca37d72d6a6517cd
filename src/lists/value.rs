//! The simple types of the list schemas that are not words of their own in `crate::medmij`.

use std::fmt;

use jiff::Timestamp;

use super::error::BadValue;
use crate::medmij::{Hostname, ProviderName, ProviderNameError};

/// `InterfaceversieId`: the release of the interface that an offer speaks, `2` for every release 2.x.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InterfaceVersion(Box<str>);

impl InterfaceVersion {
    /// What stands for the version of a list of release 2, which names none: those lists are of 1.0 and 1.1.
    pub const OF_RELEASE_2: &'static str = "1";

    pub(super) fn of_release2() -> Self {
        Self(Self::OF_RELEASE_2.into())
    }

    /// Parses 1 to 30 letters, digits, dots or hyphens.
    ///
    /// # Errors
    /// When the text is another.
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        code(text).map(Self)
    }

    /// The version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A provider name of at most so many characters.
pub(super) fn provider_name(text: &str, longest: usize) -> Result<ProviderName, ProviderNameError> {
    if text.chars().count() > longest { Err(ProviderNameError::TooLong) } else { ProviderName::parse(text) }
}

/// A code of 1 to 30 characters without meaning in a path or scope.
pub(super) fn code(text: &str) -> Result<Box<str>, BadValue> {
    if !(1..=30).contains(&text.chars().count()) {
        return Err(BadValue::Length { min: 1, max: 30 });
    }
    let plain = text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'));
    if plain { Ok(text.into()) } else { Err(BadValue::Characters) }
}

/// `Tijdstempel`: xs:dateTime, at least 20 characters, which is meant to force a time zone. We do force it: without one
/// the text is not a moment.
pub(super) fn timestamp(text: &str) -> Result<Timestamp, BadValue> {
    let text = collapse(text);
    let lexical = text.len() >= 20 && has_shape(text) && in_range(text);
    if lexical { text.parse().map_err(|_| BadValue::Timestamp) } else { Err(BadValue::Timestamp) }
}

/// What jiff takes and xs:dateTime does not: the year 0, second 60, and zones beyond 14 hours.
fn in_range(text: &str) -> bool {
    let zone = text.len().checked_sub(6).and_then(|at| text.get(at..)).filter(|zone| zone.starts_with(['+', '-']));
    let zone_fits = zone.is_none_or(|zone| zone.get(1..).is_some_and(|hours| hours <= "14:00"));
    !text.starts_with("0000") && text.get(17..19) < Some("60") && zone_fits
}

/// The lexical form of xs:dateTime with a zone (XML Schema part 2, section 3.2.7); what jiff reads is wider.
fn has_shape(text: &str) -> bool {
    let digits_as_zero = |c: u8| if c.is_ascii_digit() { b'0' } else { c };
    let shape: Vec<u8> = text.bytes().map(digits_as_zero).collect();
    let Some(rest) = shape.strip_prefix(b"0000-00-00T00:00:00") else { return false };
    let zone = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|c| **c == b'0').count();
            if digits == 0 {
                return false;
            }
            fraction.get(digits..).unwrap_or_default()
        }
        None => rest,
    };
    matches!(zone, b"Z" | b"+00:00" | b"-00:00")
}

/// `Volgnummer` and `MaximaleDuur`: xs:positiveInteger.
pub(super) fn positive(text: &str) -> Result<u64, BadValue> {
    let text = collapse(text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    let all_digits = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    let number = if all_digits { digits.parse().ok() } else { None };
    number.filter(|number| *number > 0).ok_or(BadValue::PositiveInteger)
}

/// White space around a number or date does not count (XML Schema part 2, whiteSpace = collapse).
fn collapse(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// A name to show on a screen: 3 to 50 characters, none of which moves or hides others.
pub(super) fn display_name(text: &str) -> Result<Box<str>, BadValue> {
    if !(3..=50).contains(&text.chars().count()) {
        return Err(BadValue::Length { min: 3, max: 50 });
    }
    if text.chars().any(misleads) { Err(BadValue::Characters) } else { Ok(text.into()) }
}

/// Control characters, line separators, and those that change the direction of what follows (Unicode TR 36, section 2);
/// also the two that XML does not have.
fn misleads(c: char) -> bool {
    let direction =
        matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || direction || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

/// A name of the Hostname type. Its pattern lets dotted IPv4 addresses through; a list has no use for them.
pub(super) fn hostname(text: &str) -> Result<Hostname, BadValue> {
    let host = Hostname::parse(text)?;
    if is_address(host.as_str()) { Err(BadValue::IpAddress) } else { Ok(host) }
}

/// Whether software may take the name for an IPv4 address: its last label is a number (WHATWG URL, "ends in a number").
fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let decimal = last.bytes().all(|c| c.is_ascii_digit());
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
    decimal || hexadecimal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_carry_a_zone() {
        for text in ["2026-03-02T09:30:00Z", "2026-03-02T10:30:00.0+01:00", " 2026-03-02T09:30:00-00:00\n"] {
            assert_eq!(timestamp(text), Ok("2026-03-02T09:30:00Z".parse().unwrap()), "{text}");
        }
        for text in [
            "",
            "2026-03-02T09:30:00",
            "2026-03-02T09:30:00.000",
            "2026-03-02 09:30:00Z",
            "2026-03-02T09:30:00.Z",
            "2026-03-02T09:30:00Z[UTC]",
            "2026-13-02T09:30:00Z",
            "2026-03-02T09:30:00+0100",
            "2026-03-02t09:30:00Z",
            "2026-03-02T09:30:60Z",
            "2026-03-02T09:30:00+14:01",
            "2026-02-29T09:30:00Z",
            "0000-03-02T09:30:00Z",
        ] {
            assert_eq!(timestamp(text), Err(BadValue::Timestamp), "{text}");
        }
    }

    #[test]
    fn sequence_numbers_are_positive() {
        assert_eq!(positive("1"), Ok(1));
        assert_eq!(positive(" +0042 "), Ok(42));
        assert_eq!(positive("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "0", "-1", "+", "++1", "1.0", "18446744073709551616", "١", "1 2"] {
            assert_eq!(positive(text), Err(BadValue::PositiveInteger), "{text}");
        }
    }

    #[test]
    fn names_for_screens_cannot_mislead() {
        assert_eq!(display_name("Zo & Zo, 't Ei").as_deref(), Ok("Zo & Zo, 't Ei"));
        assert_eq!(display_name(&"é".repeat(50)).map(|name| name.len()), Ok(100));
        assert_eq!(display_name("ab"), Err(BadValue::Length { min: 3, max: 50 }));
        assert_eq!(display_name(&"a".repeat(51)), Err(BadValue::Length { min: 3, max: 50 }));
        for text in ["abc\n", "a\u{202e}cba", "a\u{2028}bc", "a\0bc", "a\u{ffff}bc"] {
            assert_eq!(display_name(text), Err(BadValue::Characters), "{text:?}");
        }
    }

    #[test]
    fn addresses_are_not_host_names() {
        for text in ["169.254.169.254", "10.0.0.10", "1.0x7f", "127.0.0.0x01"] {
            assert_eq!(hostname(text), Err(BadValue::IpAddress), "{text}");
        }
        for text in
            ["127.0.0.1", "localhost", "localhost.", "[::1]", "0x7f.1", "[::ffff:127.0.0.1]", "medmij.еxample.nl"]
        {
            assert!(hostname(text).is_err(), "{text}");
        }
        assert!(hostname("78834.example.nl").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = (timestamp(&text), positive(&text), display_name(&text), hostname(&text), code(&text));
        }

        #[test]
        fn every_whole_second_comes_back(second in 0_i64..4_102_444_800) {
            let moment = Timestamp::from_second(second).unwrap();
            prop_assert_eq!(timestamp(&moment.to_string()), Ok(moment));
        }
    }
}
