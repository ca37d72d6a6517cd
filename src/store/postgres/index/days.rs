//! Days of the index: which need a partition, and in which steps a period is searched.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use crate::audit::{Cursor, IndexQuery};

/// A day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;
/// Days that may have a partition, as `audit_prepare` says: 2015 to 2169. What a broken clock wrote goes to the rest.
const PARTITIONED: RangeInclusive<i64> = 16_436..=73_042;
/// How many days are prepared ahead of the newest record.
const AHEAD: i64 = 7;
/// How many days one statement may read. It takes six locks a day, of which a server by default has room for 6,400.
const STEP: i64 = 92;

/// Days from 1970-01-01 on, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: i64,
    pub(super) last: i64,
}

pub(super) fn day_of(time: Timestamp) -> i64 {
    time.as_microsecond().div_euclid(DAY_MICROS)
}

impl Days {
    /// What must be prepared for records of these days, in order; with the newest come the days after it.
    pub(super) fn missing(days: impl Iterator<Item = i64>, prepared: &BTreeSet<i64>) -> Vec<Self> {
        let lacking: BTreeSet<i64> = days.filter(|day| PARTITIONED.contains(day) && !prepared.contains(day)).collect();
        let newest = lacking.last().copied();
        let ahead = |day| if Some(day) == newest { day + AHEAD } else { day };
        lacking.into_iter().map(|day| Self { first: day, last: ahead(day) }).collect()
    }
}

/// Cuts the period of a query, newest first: each step has a first moment and a place before which it ends. `kept` are the days
/// with a partition; what lies beyond them is little, and goes with the first and the last step.
pub(super) fn steps(query: &IndexQuery, kept: Option<Days>) -> Vec<(i64, Cursor)> {
    let from = query.from.as_microsecond();
    let mut steps = Vec::new();
    let mut start = query.start();
    let edges = kept.into_iter().flat_map(|kept| (kept.first + 1..=kept.last).rev().step_by(step()).skip(1));
    for edge in edges.map(|day| day * DAY_MICROS).filter(|edge| *edge > from) {
        if edge < start.time {
            steps.push((edge, start));
            start = Cursor { time: edge, log: -1, index: -1 };
        }
    }
    steps.push((from, start));
    steps
}

const fn step() -> usize {
    STEP.unsigned_abs() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(day: i64, micros: i64) -> Timestamp {
        Timestamp::from_microsecond(day * DAY_MICROS + micros).unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        assert_eq!(day_of("2026-03-02T00:00:00Z".parse().unwrap()), 20_514);
        assert_eq!(day_of("2026-03-01T23:59:59.999999Z".parse().unwrap()), 20_513);
        assert_eq!(day_of("1969-12-31T23:59:59Z".parse().unwrap()), -1);
    }

    #[test]
    fn days_are_prepared_with_the_week_after_the_newest() {
        let prepared = BTreeSet::from([20_000]);
        let days = [20_002, 20_000, 19_998, 20_002, 0, i64::from(u32::MAX)];
        let expected = [Days { first: 19_998, last: 19_998 }, Days { first: 20_002, last: 20_009 }];
        assert_eq!(Days::missing(days.into_iter(), &prepared), expected);
        assert!(Days::missing([20_000].into_iter(), &prepared).is_empty());
    }

    proptest! {
        /// Every place of the period lies in one step, and no step touches many days that are kept.
        #[test]
        fn steps_cover_a_period_once(
            from in 19_000_i64..21_000, length in 0_i64..2_200, first in 19_000_i64..21_000, kept in 0_i64..2_000,
            within in 0.0..1.0_f64,
        ) {
            let query = IndexQuery::between(moment(from, 0), moment(from + length, 0));
            let kept = Days { first, last: first + kept };
            let steps = steps(&query, Some(kept));
            let place = from * DAY_MICROS + ((length * DAY_MICROS - 1) as f64 * within) as i64;
            let place = Cursor { time: place, log: 0, index: 0 };
            let holds = |(from, start): &&(i64, Cursor)| *from <= place.time && place < *start;
            prop_assert_eq!(steps.iter().filter(holds).count(), usize::from(length > 0));
            prop_assert!(steps.iter().is_sorted_by(|a, b| a.1 > b.1));
            for (from, start) in steps {
                let (low, high) = (from.max(kept.first * DAY_MICROS), start.time.min((kept.last + 1) * DAY_MICROS));
                prop_assert!((high - low).div_euclid(DAY_MICROS) <= 2 * STEP);
            }
        }
    }
}
