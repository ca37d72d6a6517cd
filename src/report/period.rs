//! Months, quarters and years of the Netherlands.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, date};

use crate::availability::{dutch_midnight, dutch_today};

/// The years that figures can be of.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;

/// The text is not a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a period is a month (2026-03), a quarter (2026-Q1) or a year (2026), from 2000 to 2100")]
pub struct NoPeriod;

/// A month of the Netherlands, from 2000 to 2100. What is kept is kept by month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    /// From 1.
    month: i8,
}

impl Month {
    /// Of a year; months count from 1.
    ///
    /// # Errors
    /// When there is no such month.
    pub fn new(year: i16, month: i8) -> Result<Self, NoPeriod> {
        let known = YEARS.contains(&year) && (1..=12).contains(&month);
        if known { Ok(Self { year, month }) } else { Err(NoPeriod) }
    }

    /// In which this date lies; `None` in another century.
    #[must_use]
    pub fn holding(day: Date) -> Option<Self> {
        Self::new(day.year(), day.month()).ok()
    }

    /// The one after it; `None` after the last.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        if self.month == 12 { Self::new(self.year + 1, 1).ok() } else { Self::new(self.year, self.month + 1).ok() }
    }

    /// As a number for the store: 202603.
    #[must_use]
    pub fn number(self) -> i64 {
        i64::from(self.year) * 100 + i64::from(self.month)
    }

    /// Reads what [`Self::number`] gives.
    ///
    /// # Errors
    /// When it is another number.
    pub fn of_number(number: i64) -> Result<Self, NoPeriod> {
        let year = i16::try_from(number.div_euclid(100)).map_err(|_| NoPeriod)?;
        Self::new(year, i8::try_from(number.rem_euclid(100)).map_err(|_| NoPeriod)?)
    }

    /// Its first day.
    #[must_use]
    pub fn first(self) -> Date {
        date(self.year, self.month, 1)
    }

    /// Its last day.
    #[must_use]
    pub fn last(self) -> Date {
        self.first().last_of_month()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// What figures are of: whole months, as people plan by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// One month: `2026-03`.
    Month(Month),
    /// Three months: `2026-Q1`.
    Quarter {
        /// Its year.
        year: i16,
        /// From 1 to 4.
        quarter: i8,
    },
    /// Twelve months: `2026`.
    Year(i16),
}

impl Period {
    /// Reads it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, NoPeriod> {
        let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
        let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        let year: i16 = year.parse().ok().filter(|_| year.len() == 4 && digits(year)).ok_or(NoPeriod)?;
        if !YEARS.contains(&year) {
            return Err(NoPeriod);
        }
        match rest.map(|rest| (rest, rest.strip_prefix('Q'))) {
            None => Ok(Self::Year(year)),
            Some((_, Some(quarter))) => match quarter {
                "1" | "2" | "3" | "4" => Ok(Self::Quarter { year, quarter: quarter.parse().map_err(|_| NoPeriod)? }),
                _ => Err(NoPeriod),
            },
            Some((month, None)) if month.len() == 2 && digits(month) => {
                Month::new(year, month.parse().map_err(|_| NoPeriod)?).map(Self::Month)
            }
            Some(_) => Err(NoPeriod),
        }
    }

    /// The month in which this moment lies; `None` in another century.
    #[must_use]
    pub fn month_of(moment: Timestamp) -> Option<Self> {
        Month::holding(dutch_today(moment)).map(Self::Month)
    }

    /// Its months, in order.
    pub fn months(self) -> impl DoubleEndedIterator<Item = Month> + Clone {
        let (year, months) = match self {
            Self::Month(Month { year, month }) => (year, month..=month),
            Self::Quarter { year, quarter } => (year, quarter * 3 - 2..=quarter * 3),
            Self::Year(year) => (year, 1..=12),
        };
        months.map(move |month| Month { year, month })
    }

    /// The periods of one kind smaller that it consists of: the quarters of a year, the months of a quarter, none of a month.
    #[must_use]
    pub fn parts(self) -> Vec<Self> {
        match self {
            Self::Month(_) => Vec::new(),
            Self::Quarter { .. } => self.months().map(Self::Month).collect(),
            Self::Year(year) => (1..=4).map(|quarter| Self::Quarter { year, quarter }).collect(),
        }
    }

    /// Its first day.
    #[must_use]
    pub fn first(self) -> Date {
        self.months().next().map_or(Date::MIN, Month::first)
    }

    /// Its last day.
    #[must_use]
    pub fn last(self) -> Date {
        self.months().next_back().map_or(Date::MAX, Month::last)
    }

    /// Its first moment.
    #[must_use]
    pub fn begins(self) -> Timestamp {
        dutch_midnight(self.first())
    }

    /// The first moment after it.
    #[must_use]
    pub fn ends(self) -> Timestamp {
        self.last().tomorrow().map_or(Timestamp::MAX, dutch_midnight)
    }

    /// Whether it is not over.
    #[must_use]
    pub fn is_running(self, now: Timestamp) -> bool {
        now < self.ends()
    }
}

/// As [`Period::parse`] reads it.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Quarter { year, quarter } => write!(f, "{year:04}-Q{quarter}"),
            Self::Year(year) => write!(f, "{year:04}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn period(text: &str) -> Period {
        Period::parse(text).unwrap()
    }

    #[test]
    fn a_period_has_its_days_in_the_netherlands() {
        for (text, first, last, begins, ends) in [
            ("2026-03", "2026-03-01", "2026-03-31", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
            ("2026-Q1", "2026-01-01", "2026-03-31", "2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z"),
            ("2028-02", "2028-02-01", "2028-02-29", "2028-01-31T23:00:00Z", "2028-02-29T23:00:00Z"),
            ("2026", "2026-01-01", "2026-12-31", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
        ] {
            let period = period(text);
            assert_eq!((period.first().to_string(), period.last().to_string()), (first.to_owned(), last.to_owned()));
            assert_eq!((period.begins().to_string(), period.ends().to_string()), (begins.to_owned(), ends.to_owned()));
            assert!(period.is_running(period.begins()) && !period.is_running(period.ends()));
        }
    }

    #[test]
    fn parts_follow_one_another() {
        let texts = |period: Period| period.parts().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(period("2026")), ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]);
        assert_eq!(texts(period("2026-Q4")), ["2026-10", "2026-11", "2026-12"]);
        assert!(period("2026-10").parts().is_empty());
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in ["", "26", "+026", "2026-", "2026-3", "2026-13", "2026-00", "2026-Q0", "2026-Q5", "2026-q1", "1999"]
        {
            assert_eq!(Period::parse(text), Err(NoPeriod), "{text}");
        }
        assert_eq!(Month::of_number(202_613), Err(NoPeriod));
    }

    proptest! {
        #[test]
        fn every_period_parses_back(year in YEARS, quarter in 1_i8..=4, month in 1_i8..=12) {
            let month = Month::new(year, month).unwrap();
            for period in [Period::Month(month), Period::Quarter { year, quarter }, Period::Year(year)] {
                prop_assert_eq!(Period::parse(&period.to_string()), Ok(period));
            }
            prop_assert_eq!(Month::of_number(month.number()), Ok(month));
        }

        #[test]
        fn garbage_is_refused(text in "\\PC{0,12}") {
            prop_assert!(Period::parse(&text).is_ok_and(|period| period.to_string() == text) || Period::parse(&text).is_err());
        }
    }
}
