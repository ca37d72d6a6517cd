//! Search parameters of type date (FHIR STU3 search section 2.21.1.2.5): partial dates are ranges, a missing end is open.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// Dates without an offset are Dutch time. The rule is written out, so that no time zone database is needed.
static DUTCH_TIME: LazyLock<TimeZone> = LazyLock::new(|| {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("the rule of Dutch time is a valid POSIX time zone")
});

/// From a moment up to, not including, another. `Timestamp::MIN` and `MAX` stand for an open side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    from: Timestamp,
    until: Timestamp,
}

impl Range {
    /// What a FHIR date, dateTime or instant covers: a year, a month, a day, a minute, a second or less.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once('T') {
            Some((date, time)) => moment(full_date(date)?, time),
            None => civil(text),
        }
    }

    /// A FHIR Period; a side that is missing is open. `None` when neither side is there or one cannot be read.
    pub(super) fn between(start: Option<&str>, end: Option<&str>) -> Option<Self> {
        if start.is_none() && end.is_none() {
            return None;
        }
        let from = start.map_or(Some(Timestamp::MIN), |text| Self::parse(text).map(|range| range.from))?;
        let until = end.map_or(Some(Timestamp::MAX), |text| Self::parse(text).map(|range| range.until))?;
        Some(Self { from, until })
    }

    /// The period that starts like this one and has a length in UCUM units of time.
    pub(super) fn lasting(self, value: f64, unit: &str) -> Option<Self> {
        let days = match unit {
            "min" => 1.0 / 1440.0,
            "h" => 1.0 / 24.0,
            "d" => 1.0,
            "wk" => 7.0,
            "mo" => 30.4375,
            "a" => 365.25,
            _ => return None,
        };
        let length = SignedDuration::try_from_secs_f64(value * days * 86_400.0).ok()?;
        Some(Self { until: self.from.saturating_add(length).ok()?, ..self })
    }

    /// Its first moment.
    pub(super) const fn start(self) -> Timestamp {
        self.from
    }

    /// This range with its end left open.
    pub(super) const fn open_ended(self) -> Self {
        Self { until: Timestamp::MAX, ..self }
    }
}

/// `2026`, `2026-11` or `2026-11-21`.
fn civil(text: &str) -> Option<Range> {
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    let (first, next) = match parts.as_slice() {
        [year] if digits(year, 4) => {
            let first = Date::new(year.parse().ok()?, 1, 1).ok()?;
            (first, first.checked_add(1.year()).ok()?)
        }
        [year, month] if digits(year, 4) && digits(month, 2) => {
            let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
            (first, first.checked_add(1.month()).ok()?)
        }
        _ => {
            let day = full_date(text)?;
            (day, day.tomorrow().ok()?)
        }
    };
    let midnight = |date: Date| DUTCH_TIME.to_timestamp(date.to_datetime(Time::midnight())).ok();
    Some(Range { from: midnight(first)?, until: midnight(next)? })
}

fn full_date(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// A time of day with or without offset. A plus sign that was not encoded in a URL arrives as a space.
fn moment(date: Date, text: &str) -> Option<Range> {
    let zone_at = text.find(['Z', '+', '-', ' ']).unwrap_or(text.len());
    let (time, zone) = text.split_at_checked(zone_at)?;
    let unit = match time.len() {
        5 => SignedDuration::from_mins(1),
        8 => SignedDuration::from_secs(1),
        10..=12 => SignedDuration::from_millis(1),
        _ => SignedDuration::from_nanos(1),
    };
    let local: DateTime = date.to_datetime(time.parse::<Time>().ok()?);
    let from = match zone {
        "" => DUTCH_TIME.to_timestamp(local).ok()?,
        "Z" => Offset::UTC.to_timestamp(local).ok()?,
        _ => offset(zone)?.to_timestamp(local).ok()?,
    };
    Some(Range { from, until: from.checked_add(unit).ok()? })
}

/// `+01:00`.
fn offset(text: &str) -> Option<Offset> {
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let number = |part: &str, most: i32| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i32>().ok().filter(|number| digits && *number <= most)
    };
    let seconds = number(hours, 14)? * 3600 + number(minutes, 59)? * 60;
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

/// How the value in the resource compares to the one in the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Equal,
    GreaterOrEqual,
    LessOrEqual,
    Greater,
    Less,
}

/// One value of a date parameter: a prefix and a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateTerm {
    prefix: Prefix,
    range: Range,
}

impl DateTerm {
    pub(super) fn parse(term: &str) -> Option<Self> {
        const PREFIXES: [(&str, Prefix); 5] = [
            ("eq", Prefix::Equal),
            ("ge", Prefix::GreaterOrEqual),
            ("le", Prefix::LessOrEqual),
            ("gt", Prefix::Greater),
            ("lt", Prefix::Less),
        ];
        let stripped = PREFIXES.iter().find_map(|(text, prefix)| Some((*prefix, term.strip_prefix(text)?)));
        let (prefix, date) = stripped.unwrap_or((Prefix::Equal, term));
        Some(Self { prefix, range: Range::parse(date)? })
    }

    /// `eq` holds when the searched range contains the found one; the others when the found range reaches the part of time
    /// they name. So a period that ends on a day, or has no end, is `ge` that day.
    pub(super) fn matches(self, found: Range) -> bool {
        let searched = self.range;
        match self.prefix {
            Prefix::Equal => searched.from <= found.from && found.until <= searched.until,
            Prefix::GreaterOrEqual => found.until > searched.from,
            Prefix::LessOrEqual => found.from < searched.until,
            Prefix::Greater => found.until > searched.until,
            Prefix::Less => found.from < searched.from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_compare_as_ranges() {
        let june = ("2026-06-01", "2026-06-30");
        let cases = [
            // period found, term, whether it matches
            (june, "2026-06", true),
            (june, "eq2026", true),
            (june, "2026-06-15", false),
            (june, "ge2026-06-30", true),
            (june, "ge2026-07-01", false),
            (june, "gt2026-06-30", false),
            (june, "gt2026-06-29", true),
            (june, "le2026-06-01", true),
            (june, "le2026-05", false),
            (june, "lt2026-06-01", false),
            (june, "lt2026-06-02", true),
            (("2026-06-01", ""), "ge2050", true),
            (("2026-06-01", ""), "le2026-05-31", false),
            (("2026-06-01", ""), "eq2026-06", false),
            (("", "2026-06-30"), "le1950", true),
            (("", "2026-06-30"), "ge2026-06-30", true),
            (("", "2026-06-30"), "ge2026-07", false),
        ];
        for ((start, end), term, expected) in cases {
            let side = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            let found = Range::between(side(start), side(end)).unwrap();
            assert_eq!(DateTerm::parse(term).unwrap().matches(found), expected, "{start}..{end} {term}");
        }
    }

    #[test]
    fn a_day_is_a_dutch_day() {
        let day = DateTerm::parse("2026-07-01").unwrap();
        for (moment, expected) in [
            ("2026-07-01T00:30:00+02:00", true),
            ("2026-06-30T22:00:00Z", true),
            ("2026-06-30T21:59:59.999Z", false),
            ("2026-07-01T23:59:59", true),
            ("2026-07-02T00:00:00 02:00", false),
        ] {
            assert_eq!(day.matches(Range::parse(moment).unwrap()), expected, "{moment}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let texts = "|ge|2026-13|2026-02-30|26|+226|2026-1-1|today|ne2026|2026-06-01T|2026-06-01T10:00+1|2026-06-01T10:00+99:00";
        for text in texts.split('|') {
            assert_eq!(DateTerm::parse(text), None, "{text}");
        }
        assert_eq!(Range::between(None, None), None);
        assert_eq!(Range::between(Some("x"), None), None);
    }

    #[test]
    fn a_length_ends_a_period() {
        let start = Range::parse("2026-06-01").unwrap();
        let week = start.lasting(7.0, "d").unwrap();
        assert_eq!(week.until, Range::parse("2026-06-08").unwrap().from);
        assert_eq!(start.lasting(1.0, "wk"), Some(week));
        assert_eq!(start.lasting(1.0, "eternity"), None);
        assert_eq!(start.lasting(f64::MAX, "a"), None);
    }
}
