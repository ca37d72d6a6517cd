//! The counts of one combination, day by day of a month, as they are kept: some hundred bytes, so that the windows of all
//! combinations are read at once.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::step::{Ending, Step};
use super::tally::{Tally, Visits};
use super::visit::{Attempt, Mark};

/// The form in which it is written.
const FORM: u8 = 1;

/// A month of the Netherlands, counted from year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthNumber(pub i32);

impl MonthNumber {
    /// In which a day lies.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self(i32::from(day.year()) * 12 + i32::from(day.month()) - 1)
    }

    /// Its days from the first to the last of `from..=to`, as bits: bit 0 is its first day.
    #[must_use]
    pub fn days(self, from: Date, to: Date) -> u32 {
        let within = |day: i8| {
            let (year, month) = (i16::try_from(self.0.div_euclid(12)), i8::try_from(self.0.rem_euclid(12) + 1));
            let date = year.ok().zip(month.ok()).and_then(|(year, month)| Date::new(year, month, day).ok());
            date.is_some_and(|date| from <= date && date <= to)
        };
        (1..=31).filter(|day| within(*day)).fold(0, |days, day| days | bit(day.unsigned_abs()))
    }
}

const fn bit(day: u8) -> u32 {
    if day >= 1 && day <= 31 { 1 << (day - 1) } else { 0 }
}

/// The counts of a month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Month {
    steps: BTreeMap<Step, MonthStep>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct MonthStep {
    /// By day: the mark of its one visit, or 0 when there were several.
    visits: BTreeMap<u8, u32>,
    /// By ending: how many a day.
    endings: BTreeMap<Ending, BTreeMap<u8, u32>>,
}

/// What stands for several visits.
const SEVERAL: u32 = 0;

impl Month {
    /// With an attempt of a day of it.
    pub fn add(&mut self, day: u8, attempt: &Attempt) {
        let step = self.steps.entry(attempt.step.clone()).or_default();
        let count = step.endings.entry(attempt.ending.clone()).or_default().entry(day).or_default();
        *count = count.saturating_add(1);
        if attempt.ending.counts() {
            let Mark(mark) = attempt.visit;
            step.visits.entry(day).and_modify(|one| *one = if *one == mark { mark } else { SEVERAL }).or_insert(mark);
        }
    }

    /// Adds those of its days whose bit is set to a tally.
    pub fn tally(&self, days: u32, tally: &mut Tally) {
        let wanted = |day: &u8| days & bit(*day) != 0;
        for (step, found) in &self.steps {
            for (ending, counts) in &found.endings {
                let count = counts.iter().filter(|(day, _)| wanted(day)).map(|(_, count)| u64::from(*count)).sum();
                if count > 0 {
                    tally.add(step, ending, count);
                }
            }
            let mut visits = Visits::None;
            for (_, mark) in found.visits.iter().filter(|(day, _)| wanted(day)) {
                visits.merge(if *mark == SEVERAL { Visits::Several } else { Visits::One(Mark(*mark)) });
            }
            if visits != Visits::None {
                tally.visited(step, visits);
            }
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![FORM];
        push(&mut out, self.steps.len() as u64);
        for (step, found) in &self.steps {
            push_text(&mut out, &step.to_string());
            push_days(&mut out, &found.visits);
            push(&mut out, found.endings.len() as u64);
            for (ending, counts) in &found.endings {
                push_text(&mut out, &ending.to_string());
                push_days(&mut out, counts);
            }
        }
        out
    }

    /// Reads what [`Self::write`] wrote; `None` for anything else.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let (form, mut rest) = body.split_first()?;
        let mut month = Self::default();
        for _ in 0..(*form == FORM).then(|| take(&mut rest))?? {
            let step = Step::parse(take_text(&mut rest)?)?;
            let mut found = MonthStep { visits: take_days(&mut rest)?, endings: BTreeMap::new() };
            for _ in 0..take(&mut rest)? {
                let ending = Ending::parse(take_text(&mut rest)?)?;
                found.endings.insert(ending, take_days(&mut rest)?);
            }
            month.steps.insert(step, found);
        }
        rest.is_empty().then_some(month)
    }
}

/// LEB128: seven bits a byte, the lowest first.
fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take(rest)?).ok()?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    std::str::from_utf8(text).ok()
}

fn push_days(out: &mut Vec<u8>, days: &BTreeMap<u8, u32>) {
    push(out, u64::from(days.keys().fold(0, |bits, day| bits | bit(*day))));
    days.values().for_each(|number| push(out, u64::from(*number)));
}

fn take_days(rest: &mut &[u8]) -> Option<BTreeMap<u8, u32>> {
    let bits = u32::try_from(take(rest)?).ok()?;
    let days = (1..=31).filter(|day| bits & bit(*day) != 0);
    days.map(|day| Some((day, u32::try_from(take(rest)?).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medmij::{Hostname, ServiceId};
    use crate::report::matrix::combination::{Combination, Place};
    use crate::report::matrix::step::tests::{any_ending, any_step};
    use jiff::Timestamp;
    use jiff::civil::date;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn any_attempts() -> impl Strategy<Value = Vec<(u8, Attempt)>> {
        let combination = Combination {
            place: Place::new("his-a", None),
            client: Hostname::parse("pgo.example.nl").unwrap(),
            service: ServiceId::parse("49").unwrap(),
        };
        let one = (1..=31_u8, any_step(), any_ending(), 1..4_u32).prop_map(move |(day, step, ending, mark)| {
            let (at, combination) = (Timestamp::UNIX_EPOCH, combination.clone());
            (day, Attempt { combination, step, ending, at, visit: Mark(mark), sample: "".into() })
        });
        vec(one, 0..60)
    }

    fn of(attempts: &[(u8, Attempt)]) -> Month {
        let mut month = Month::default();
        attempts.iter().for_each(|(day, attempt)| month.add(*day, attempt));
        month
    }

    /// The same, without days that were put together.
    fn naive(attempts: &[(u8, Attempt)], days: u32) -> Tally {
        let mut tally = Tally::default();
        for (_, attempt) in attempts.iter().filter(|(day, _)| days & bit(*day) != 0) {
            tally.add(&attempt.step, &attempt.ending, 1);
            if attempt.ending.counts() {
                tally.visited(&attempt.step, Visits::One(attempt.visit));
            }
        }
        tally
    }

    proptest! {
        #[test]
        fn any_window_of_a_month_is_what_its_attempts_are(attempts in any_attempts(), days: u32) {
            let days = days & 0x7fff_ffff;
            let month = of(&attempts);
            let mut tally = Tally::default();
            month.tally(days, &mut tally);
            prop_assert_eq!(tally, naive(&attempts, days));
            prop_assert_eq!(Month::read(&month.write()), Some(month));
        }

        #[test]
        fn the_order_of_attempts_is_of_no_account(attempts in any_attempts()) {
            let mut turned = attempts.clone();
            turned.reverse();
            prop_assert_eq!(of(&attempts), of(&turned));
        }

        #[test]
        fn garbage_is_read_or_not(body: Vec<u8>) {
            if let Some(month) = Month::read(&body) {
                prop_assert_eq!(Month::read(&month.write()), Some(month));
            }
        }
    }

    #[test]
    fn the_days_of_a_window_lie_in_their_months() {
        let month = MonthNumber::of(date(2026, 2, 28));
        assert_eq!(month.days(date(2026, 2, 27), date(2026, 3, 2)), 0b11 << 26);
        assert_eq!(month.days(date(2025, 1, 1), date(2027, 1, 1)).count_ones(), 28);
        assert_eq!(MonthNumber::of(date(2026, 3, 1)).0 - month.0, 1);
        assert_eq!(month.days(date(2026, 3, 1), date(2026, 3, 2)), 0);
    }
}
