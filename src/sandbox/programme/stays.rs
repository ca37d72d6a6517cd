//! When each practice is on the ZAL: 89 of 100 at the beginning of the year, 99 at its end. A few are taken off for some weeks.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::DAYS;
use super::dice::Dice;

/// Days before the year on which the first came.
const BEFORE: u64 = 300;
/// Of a million practices so many are there when the year begins, so many never come, and so many are away for a while.
const AT_FIRST: u64 = 890_000;
const NEVER: u64 = 10_000;
const AWAY: u64 = 12_000;

/// The first and last day of each time on the list.
pub(super) fn draw(start: Date, dice: &mut Dice) -> Vec<(Date, Option<Date>)> {
    let luck = dice.below(super::dice::MILLION);
    let after = |days: u64| start.saturating_add(i64::try_from(days).unwrap_or_default().days());
    if luck < NEVER {
        return Vec::new();
    }
    let from = if luck < NEVER.saturating_add(AT_FIRST) {
        start.saturating_sub(i64::try_from(dice.within(1, BEFORE)).unwrap_or(1).days())
    } else {
        after(dice.within(1, DAYS.saturating_sub(5)))
    };
    if from >= start || !dice.happens(AWAY) {
        return vec![(from, None)];
    }
    let (leaves, away) = (dice.within(30, DAYS.saturating_sub(60)), dice.within(7, 30));
    vec![(from, Some(after(leaves))), (after(leaves.saturating_add(away)), None)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_list_grows_as_told_and_times_do_not_overlap() {
        let (start, mut dice) = (date(2025, 11, 22), Dice::of(1, "stays"));
        let all: Vec<_> = (0..20_000).map(|_| draw(start, &mut dice)).collect();
        let share = |day: Date| {
            let on = |one: &&Vec<(Date, Option<Date>)>| {
                one.iter().any(|(from, until)| *from <= day && until.is_none_or(|until| day <= until))
            };
            all.iter().filter(on).count() / 20
        };
        assert!((880..900).contains(&share(start)), "{}", share(start));
        let last = start + 364.days();
        assert!((985..995).contains(&share(last)), "{}", share(last));
        for stays in &all {
            assert!(stays.windows(2).all(|two| two[0].1.is_some_and(|until| until < two[1].0)), "{stays:?}");
            assert!(stays.last().is_none_or(|(_, until)| until.is_none()));
        }
    }
}
