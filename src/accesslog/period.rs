//! Which days of the log somebody asks for: days in the Netherlands, the first and the last included.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use crate::availability::{dutch_midnight, dutch_today};

/// How far back a page begins that is asked for no period: people remember a season.
const SHOWN_FIRST_MONTHS: i32 = 3;

/// Some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    first: Date,
    last: Date,
}

/// Which days can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The first day whose records are still kept.
    pub oldest: Date,
    /// Today.
    pub today: Date,
}

/// Why what was asked for is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPeriod {
    /// A day is not written as `2026-11-22`, or is none.
    #[error("this is no day")]
    NoDay,
    /// The last day lies before the first.
    #[error("the last day lies before the first")]
    Backwards,
}

impl Reach {
    /// What a log reaches that keeps its records for this many days.
    #[must_use]
    pub fn of(now: Timestamp, kept_days: u32) -> Self {
        let today = dutch_today(now);
        Self { oldest: today.checked_sub(i64::from(kept_days).days()).unwrap_or(Date::MIN), today }
    }
}

impl Period {
    /// Reads two days as a form sends them. An empty field asks for nothing in particular; what lies outside the reach is cut
    /// off, as nothing is there.
    ///
    /// # Errors
    /// See [`BadPeriod`].
    pub fn read(first: Option<&str>, last: Option<&str>, reach: Reach) -> Result<Self, BadPeriod> {
        let day = |text: Option<&str>| match text.map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => read_day(text).map(Some).ok_or(BadPeriod::NoDay),
        };
        let last = day(last)?.unwrap_or(reach.today).clamp(reach.oldest, reach.today);
        let first = day(first)?.unwrap_or_else(|| last.checked_sub(SHOWN_FIRST_MONTHS.months()).unwrap_or(last));
        let first = first.clamp(reach.oldest, reach.today);
        if first <= last { Ok(Self { first, last }) } else { Err(BadPeriod::Backwards) }
    }

    /// What is shown when nothing is asked for: the last three months.
    #[must_use]
    pub fn recent(reach: Reach) -> Self {
        let first = reach.today.checked_sub(SHOWN_FIRST_MONTHS.months()).unwrap_or(reach.today);
        Self { first: first.clamp(reach.oldest, reach.today), last: reach.today }
    }

    /// The first day.
    #[must_use]
    pub const fn first(self) -> Date {
        self.first
    }

    /// The last day.
    #[must_use]
    pub const fn last(self) -> Date {
        self.last
    }

    /// The first moment in it.
    #[must_use]
    pub fn begins(self) -> Timestamp {
        dutch_midnight(self.first)
    }

    /// The first moment after it.
    #[must_use]
    pub fn ends(self) -> Timestamp {
        self.last.tomorrow().map_or(Timestamp::MAX, dutch_midnight)
    }
}

/// `2026-11-22` and nothing else: ten characters, so that no other form of ISO 8601 slips in.
fn read_day(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reach() -> Reach {
        Reach::of("2026-11-21T11:00:00Z".parse().unwrap(), 1_826)
    }

    fn read(first: &str, last: &str) -> Result<(String, String), BadPeriod> {
        let period = Period::read(Some(first), Some(last), reach())?;
        Ok((period.first().to_string(), period.last().to_string()))
    }

    fn days(first: &str, last: &str) -> Result<(String, String), BadPeriod> {
        Ok((first.to_owned(), last.to_owned()))
    }

    #[test]
    fn days_are_read_and_kept_within_reach() {
        assert_eq!(read("2026-01-01", "2026-02-01"), days("2026-01-01", "2026-02-01"));
        assert_eq!(read(" 2026-01-01 ", ""), days("2026-01-01", "2026-11-21"));
        assert_eq!(read("", "2026-02-01"), days("2025-11-01", "2026-02-01"));
        assert_eq!(read("", ""), days("2026-08-21", "2026-11-21"));
        assert_eq!(read("1990-01-01", "2031-01-01"), days("2021-11-21", "2026-11-21"));
        let recent = Period::recent(reach());
        assert_eq!(Period::read(None, None, reach()), Ok(recent));
    }

    #[test]
    fn what_is_no_period_is_told_apart() {
        for text in ["gisteren", "2026-02-30", "20260201", "2026-2-1", "2026-02-01T00:00", "-000001-01-01"] {
            assert_eq!(read(text, ""), Err(BadPeriod::NoDay), "{text}");
        }
        assert_eq!(read("2026-02-02", "2026-02-01"), Err(BadPeriod::Backwards));
    }

    #[test]
    fn days_begin_and_end_in_the_netherlands() {
        let summer = Period::read(Some("2026-07-01"), Some("2026-07-01"), reach()).unwrap();
        assert_eq!(summer.begins().to_string(), "2026-06-30T22:00:00Z");
        assert_eq!(summer.ends().to_string(), "2026-07-01T22:00:00Z");
        // The night in which the clock goes back is an hour longer.
        let autumn = Period::read(Some("2026-10-25"), Some("2026-10-25"), reach()).unwrap();
        assert_eq!(autumn.ends().duration_since(autumn.begins()).as_hours(), 25);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_period_is_within_reach(first in "\\PC{0,12}", last in "[0-9-]{0,12}") {
            if let Ok(period) = Period::read(Some(&first), Some(&last), reach()) {
                prop_assert!(reach().oldest <= period.first() && period.first() <= period.last());
                prop_assert!(period.last() <= reach().today);
            }
        }
    }
}
