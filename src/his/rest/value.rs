//! The values in the rows of the vendor, read strictly where a rule or an address is made of them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use super::node::{Member, Node};

/// An id as it stands in addresses and References: 1 to 64 letters, digits, hyphens and dots (FHIR data type `id`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Id(String);

impl Id {
    /// `None` for what is no id, `.` and `..` too: it would climb in a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
            && !matches!(text, "." | "..");
        fits.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Id {
    /// Some systems make ids of what they know of a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Id([redacted])")
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("no id of 1 to 64 letters, digits, hyphens and dots"))
    }
}

impl Member for &Id {
    fn member(self) -> Option<Node> {
        self.0.as_str().member()
    }
}

/// A day, `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) Date);

impl Day {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok()?;
        // jiff reads more forms than this one.
        (date.to_string() == text).then_some(Self(date))
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("no day such as 2026-11-21"))
    }
}

impl Member for Day {
    fn member(self) -> Option<Node> {
        self.0.to_string().member()
    }
}

/// A day, or a moment with its offset from UTC such as `2026-11-21T10:30:00+01:00`. It is passed on as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment(String);

impl Moment {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = match text.split_once('T') {
            None => Day::parse(text).is_some(),
            Some((day, time)) => Day::parse(day).is_some() && is_time(time) && text.parse::<Timestamp>().is_ok(),
        };
        fits.then(|| Self(text.to_owned()))
    }
}

/// A moment that is more than a day, as FHIR wants it for an `instant`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instant(Moment);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let moment = Moment::deserialize(deserializer)?;
        if moment.0.contains('T') { Ok(Self(moment)) } else { Err(de::Error::custom("a day where a moment is needed")) }
    }
}

impl Member for &Instant {
    fn member(self) -> Option<Node> {
        self.0.member()
    }
}

/// `hh:mm:ss`, digits behind the second at will, then `Z` or `+hh:mm` (FHIR STU3 datatypes.html, dateTime). What the digits
/// say is for the parser of moments.
fn is_time(text: &str) -> bool {
    let (clock, rest) = text.split_at_checked(8).unwrap_or_default();
    let fraction = rest.strip_prefix('.').map_or(Some(rest), |digits| {
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < digits.len()).then_some(rest)
    });
    fits(clock, "00:00:00") && fraction.is_some_and(|zone| zone == "Z" || fits(zone, "+00:00") || fits(zone, "-00:00"))
}

fn fits(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(byte, form)| if form == b'0' { byte.is_ascii_digit() } else { byte == form })
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("no day, and no moment with an offset"))
    }
}

impl Member for &Moment {
    fn member(self) -> Option<Node> {
        self.0.as_str().member()
    }
}

/// A number with its digits.
#[derive(Debug, Clone)]
pub(super) struct Digits(Box<RawValue>);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let first = raw.get().bytes().next();
        let is_number = first.is_some_and(|first| first == b'-' || first.is_ascii_digit());
        if is_number { Ok(Self(raw)) } else { Err(de::Error::custom("no number")) }
    }
}

impl Member for &Digits {
    fn member(self) -> Option<Node> {
        Some(Node::Number(self.0.clone()))
    }
}

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_days_and_moments_have_one_form() {
        for good in ["a", "delinde-p1.x", &"9".repeat(64)] {
            assert!(Id::parse(good).is_some(), "{good}");
        }
        for bad in ["", "..", ".", "a/b", "a b", "é", "a%2f", &"9".repeat(65)] {
            assert!(Id::parse(bad).is_none(), "{bad}");
        }
        for good in ["2026-11-21", "2026-11-21T10:30:00Z", "2026-11-21T10:30:00.125+01:00"] {
            assert!(Moment::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "2026",
            "2026-11",
            "2026-02-30",
            "20261121",
            "2026-11-21T",
            "2026-11-21T10:30",
            "2026-11-21T10:30:00",
            "2026-11-21T10:30:00+01:00[Europe/Amsterdam]",
            "2026-11-21T10:30:00.Z",
            "2026-11-21T25:00:00Z",
            "éééé",
            "2026-11-21t10:30:00Z",
            "2026-11-21T10:30:00+0100",
        ] {
            assert!(Moment::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_number_is_a_number_and_keeps_its_digits() {
        let read = |text: &str| serde_json::from_str::<Digits>(text).map(|digits| digits.to_string());
        assert_eq!(read("5.60").unwrap(), "5.60");
        assert_eq!(read("-0.010").unwrap(), "-0.010");
        for bad in ["\"5.60\"", "null", "true", "[1]", "{}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
