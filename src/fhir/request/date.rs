//! Dates in a search: a day, or a moment with its time zone, after a comparison prefix (FHIR STU3 search.html, 3.1.1.4.7).

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::availability::dutch_midnight;

/// On which side of the value the matches are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// `ge`, `gt`.
    Lower,
    /// `le`, `lt`.
    Upper,
    /// `eq`.
    Exact,
}

impl Direction {
    /// Of a value that [`admit`] gave.
    pub(super) fn of(value: &str) -> Self {
        match value.get(..1) {
            Some("g") => Self::Lower,
            Some("l") => Self::Upper,
            _ => Self::Exact,
        }
    }

    pub(super) fn goes_with(self, other: Self) -> bool {
        self != Self::Exact && other != Self::Exact && self != other
    }
}

/// The value as it is sent on: with its prefix, and never before the floor. `None` for anything but a date that is allowed.
pub(super) fn admit(value: &str, prefixes: &[String], floor: Option<Date>) -> Option<String> {
    let (prefix, date) = match value.split_at_checked(2)? {
        (prefix, date) if prefix.bytes().all(|c| c.is_ascii_lowercase()) => (prefix, date),
        // Without a prefix the value must be equal.
        _ => ("eq", value),
    };
    prefixes.iter().find(|known| *known == prefix)?;
    let (written, is_before) = match parse(date)? {
        Moment::Day(day) => (day.to_string(), floor.is_some_and(|floor| day < floor)),
        Moment::Instant(instant, written) => (written, floor.is_some_and(|floor| instant < dutch_midnight(floor))),
    };
    let floor = floor.filter(|_| is_before && prefix.starts_with('g'));
    Some(floor.map_or_else(|| format!("{prefix}{written}"), |floor| format!("ge{floor}")))
}

enum Moment {
    Day(Date),
    /// With its text in the form of FHIR.
    Instant(Timestamp, String),
}

/// The moments that all of these values allow, each as [`admit`] gave it: from the first, before the last. A day is one of the
/// Netherlands; a moment is as long as its last digit (FHIR R4 search.html, 3.1.1.4.7).
pub(super) fn span<'a>(values: impl Iterator<Item = &'a str>) -> (Timestamp, Timestamp) {
    let (mut begins, mut ends) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    for value in values {
        let Some((prefix, moment)) = value.split_at_checked(2).and_then(|(prefix, date)| Some((prefix, parse(date)?)))
        else {
            continue;
        };
        let (first, after) = moment.range();
        match prefix {
            "ge" => begins = begins.max(first),
            "gt" => begins = begins.max(after),
            "le" => ends = ends.min(after),
            "lt" => ends = ends.min(first),
            _ => (begins, ends) = (begins.max(first), ends.min(after)),
        }
    }
    (begins, ends)
}

impl Moment {
    fn range(&self) -> (Timestamp, Timestamp) {
        match self {
            Self::Day(day) => (dutch_midnight(*day), day.tomorrow().map_or(Timestamp::MAX, dutch_midnight)),
            Self::Instant(instant, written) => {
                (*instant, instant.saturating_add(precision(written)).unwrap_or(*instant))
            }
        }
    }
}

/// How long a written moment lasts: a minute, a second, or as the fraction says, to the microsecond.
fn precision(written: &str) -> SignedDuration {
    let time = written.split_once('T').map_or("", |(_, time)| time);
    let fraction = time.split_once('.').map(|(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    match fraction {
        Some(digits) => {
            SignedDuration::from_micros(10_i64.pow(6_u32.saturating_sub(u32::try_from(digits).unwrap_or(6))))
        }
        None if fits(time.get(..8).unwrap_or_default(), "00:00:00") => SignedDuration::from_secs(1),
        None => SignedDuration::from_mins(1),
    }
}

fn parse(text: &str) -> Option<Moment> {
    let (day, time) = text.is_ascii().then(|| text.split_at_checked(10)).flatten()?;
    let date = fits(day, "0000-00-00").then(|| day.parse().ok()).flatten()?;
    if time.is_empty() {
        return Some(Moment::Day(date));
    }
    // A plus sign in a query arrives as a space.
    let time = time.replace(' ', "+");
    let written = format!("{day}{time}");
    let instant = is_time(&time).then(|| written.parse().ok()).flatten()?;
    Some(Moment::Instant(instant, written))
}

/// `Thh:mm`, seconds and their fraction if need be, and the time zone.
fn is_time(text: &str) -> bool {
    let local = text.strip_suffix('Z').or_else(|| {
        let (local, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
        (fits(zone, "+00:00") || fits(zone, "-00:00")).then_some(local)
    });
    let Some((whole, fraction)) = local.map(|local| local.split_once('.').unwrap_or((local, "0"))) else {
        return false;
    };
    let has_seconds = fits(whole, "T00:00:00");
    (has_seconds || (fits(whole, "T00:00") && fraction == "0" && !text.contains('.')))
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|c| c.is_ascii_digit())
}

/// Whether a text has this form, in which 0 stands for any digit.
fn fits(text: &str, form: &str) -> bool {
    let same = |(c, form): (u8, u8)| if form == b'0' { c.is_ascii_digit() } else { c == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(same)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn admitted(value: &str, floor: Option<Date>) -> Option<String> {
        let prefixes: Vec<_> = ["ge", "gt", "le", "eq"].map(str::to_owned).into();
        admit(value, &prefixes, floor)
    }

    #[test]
    fn days_and_moments_are_dates() {
        for (value, expected) in [
            ("ge2026-01-31", "ge2026-01-31"),
            ("2026-01-31", "eq2026-01-31"),
            ("eq2026-01-31", "eq2026-01-31"),
            ("le2026-01-31T10:00Z", "le2026-01-31T10:00Z"),
            ("le2026-01-31T10:00:59+01:00", "le2026-01-31T10:00:59+01:00"),
            ("le2026-01-31T10:00:59.123 01:00", "le2026-01-31T10:00:59.123+01:00"),
        ] {
            assert_eq!(admitted(value, None).as_deref(), Some(expected), "{value}");
        }
        for value in [
            "",
            "ge",
            "lt2026-01-31",
            "ge2026",
            "ge2026-01",
            "ge2026-02-30",
            "ge2026-13-01",
            "ge 2026-01-1",
            "gé2026-01-31",
            "ge-02026-1-1",
            "ge2026-01-31T10",
            "ge2026-01-31T10:00",
            "ge2026-01-31T10:00:00",
            "ge2026-01-31T25:00:00Z",
            "ge2026-01-31T10:00.5Z",
            "ge2026-01-31T10:00:00.Z",
            "ge2026-01-31T10:00:00[Europe/Amsterdam]",
            "ge2026-01-31 10:00:00Z",
            "ge2026-01-31,le2026-02-01",
            "GE2026-01-31",
        ] {
            assert_eq!(admitted(value, None), None, "{value}");
        }
    }

    #[test]
    fn values_stand_for_moments() {
        let moments = |values: &[&str]| {
            let (begins, ends) = span(values.iter().copied());
            (begins.to_string(), ends.to_string())
        };
        for (values, begins, ends) in [
            (vec!["eq2026-01-31"], "2026-01-30T23:00:00Z", "2026-01-31T23:00:00Z"),
            (vec!["ge2026-07-01", "le2026-07-02"], "2026-06-30T22:00:00Z", "2026-07-02T22:00:00Z"),
            (vec!["gt2026-07-01", "lt2026-07-03"], "2026-07-01T22:00:00Z", "2026-07-02T22:00:00Z"),
            (vec!["eq2026-07-01T10:00Z"], "2026-07-01T10:00:00Z", "2026-07-01T10:01:00Z"),
            (vec!["eq2026-07-01T10:00:07+02:00"], "2026-07-01T08:00:07Z", "2026-07-01T08:00:08Z"),
            (vec!["eq2026-07-01T10:00:07.5Z"], "2026-07-01T10:00:07.5Z", "2026-07-01T10:00:07.6Z"),
            (vec!["eq2026-07-01T10:00:07.123456Z"], "2026-07-01T10:00:07.123456Z", "2026-07-01T10:00:07.123457Z"),
        ] {
            assert_eq!(moments(&values), (begins.to_owned(), ends.to_owned()), "{values:?}");
        }
    }

    #[test]
    fn a_lower_bound_is_never_before_its_floor() {
        let floor = Some(date(2026, 6, 1));
        for (value, expected) in [
            ("ge2026-05-31", "ge2026-06-01"),
            ("gt2001-01-01", "ge2026-06-01"),
            ("ge2026-06-02", "ge2026-06-02"),
            // Dutch midnight is two hours before that of UTC in summer.
            ("ge2026-05-31T21:59:59Z", "ge2026-06-01"),
            ("ge2026-05-31T22:00:00Z", "ge2026-05-31T22:00:00Z"),
            ("ge2026-06-01T00:00:00+14:00", "ge2026-06-01"),
            ("le2020-01-01", "le2020-01-01"),
            ("2020-01-01", "eq2020-01-01"),
        ] {
            assert_eq!(admitted(value, floor).as_deref(), Some(expected), "{value}");
        }
    }
}
