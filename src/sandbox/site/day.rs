//! Dates the way FHIR writes them, which may lack day and month, and the way Dutch people read them.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The Dutch civil time zone.
const ZONE: &str = "Europe/Amsterdam";

const MONTHS: [&str; 12] = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
];

/// A day, a month or a year. Orders by time; what is less exact comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

impl Day {
    /// Reads a FHIR date or dateTime; a moment becomes its day in Dutch time. `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > 10 {
            return text.parse::<Timestamp>().ok().map(|moment| Self::of(dutch(moment).date()));
        }
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.split('-');
        let year = parts.next().filter(|year| year.len() == 4 && digits(year))?.parse().ok()?;
        let mut pair = || parts.next().map(|part| part.parse().ok().filter(|_| part.len() == 2 && digits(part)));
        let (month, day) = (pair(), pair());
        if month == Some(None) || day == Some(None) || parts.next().is_some() {
            return None;
        }
        let (month, day) = (month.flatten(), day.flatten());
        Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        Some(Self { year, month, day })
    }

    /// A whole date.
    pub(super) fn of(date: Date) -> Self {
        Self { year: date.year(), month: Some(date.month()), day: Some(date.day()) }
    }

    /// Full years from here to a date; only of a whole date that is not later.
    pub(super) fn years_until(self, today: Date) -> Option<i16> {
        let born = Date::new(self.year, self.month?, self.day?).ok().filter(|born| *born <= today)?;
        let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
        Some(today.year().saturating_sub(born.year()).saturating_sub(i16::from(!had_birthday)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(day) = self.day {
            write!(f, "{day} ")?;
        }
        let name = self.month.and_then(|month| usize::try_from(month).ok()).and_then(|month| month.checked_sub(1));
        if let Some(name) = name.and_then(|index| MONTHS.get(index)) {
            write!(f, "{name} ")?;
        }
        write!(f, "{}", self.year)
    }
}

/// A moment in Dutch time.
pub(super) fn dutch(moment: Timestamp) -> Zoned {
    moment.to_zoned(TimeZone::get(ZONE).unwrap_or(TimeZone::UTC))
}

/// "21 november 2026 om 9.05 uur".
pub(super) fn moment(moment: Timestamp) -> String {
    let there = dutch(moment);
    format!("{} om {}.{:02} uur", Day::of(there.date()), there.hour(), there.minute())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_as_exact_as_they_are_and_written_in_dutch() {
        for (written, read) in [
            ("2026-03-09", "9 maart 2026"),
            ("2026-03", "maart 2026"),
            ("1951", "1951"),
            ("2026-06-30T23:30:00Z", "1 juli 2026"),
            ("2026-06-30T23:30:00+02:00", "30 juni 2026"),
        ] {
            assert_eq!(Day::parse(written).unwrap().to_string(), read);
        }
        for text in ["", "26", "2026-13", "2026-02-30", "2026-2-3", "2026-02-03-04", "gisteren", "2026-06-30T", "-026"]
        {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert_eq!(moment("2026-01-05T08:05:00Z".parse().unwrap()), "5 januari 2026 om 9.05 uur");
    }

    #[test]
    fn an_age_counts_birthdays() {
        let age = |born, today: &str| Day::parse(born).unwrap().years_until(today.parse().unwrap());
        assert_eq!(age("1951-03-14", "2026-03-13"), Some(74));
        assert_eq!(age("1951-03-14", "2026-03-14"), Some(75));
        assert_eq!(age("1951", "2026-03-14"), None);
        assert_eq!(age("2027-01-01", "2026-03-14"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9T:Z+-]{0,24}|\\PC{0,24}") {
            if let Some(day) = Day::parse(&text) {
                let _ = (day.to_string(), day.years_until(jiff::civil::date(2026, 1, 1)));
            }
        }
    }
}
