//! Attackers: each knows the relations, how each cell is seen, and the values of those that are shown. They share no code with
//! what they attack.

use proptest::prelude::*;

use super::*;

/// Higher than any value that a test looks for.
const CAP: i64 = 600;

/// With more hidden cells than this a search takes too long.
const SEARCHED_MAX: usize = 12;

/// What an attacker holds for possible: from, to.
type Ranges = Vec<(i64, i64)>;

/// Before thinking.
fn seen(table: &Table, sights: &Sights) -> Ranges {
    let range = |(at, cell): (usize, &Cell)| match (cell.rank, sights.of(CellId(at))) {
        (Some(_), Sight::Shown) => (cell.value, cell.value),
        (Some(_), Sight::Fewer) => (1, 9),
        (Some(_), Sight::Withheld) | (None, _) => (cell.least, cell.most.min(CAP)),
    };
    table.cells.iter().enumerate().map(range).collect()
}

/// Narrows ranges by every relation until nothing changes; false when nothing fits.
fn propagate(table: &Table, ranges: &mut Ranges) -> bool {
    loop {
        let before = ranges.clone();
        for relation in &table.relations {
            for (cell, factor) in &relation.terms {
                let others = || relation.terms.iter().filter(|(other, _)| other != cell);
                let least: i64 = others().map(|(at, f)| (f * ranges[*at].0).min(f * ranges[*at].1)).sum();
                let most: i64 = others().map(|(at, f)| (f * ranges[*at].0).max(f * ranges[*at].1)).sum();
                let (low, high) = (relation.low - most, relation.high - least);
                let (low, high) = if *factor > 0 { (low, high) } else { (-high, -low) };
                let range = &mut ranges[*cell];
                *range = (range.0.max(low), range.1.min(high));
                if range.0 > range.1 {
                    return false;
                }
            }
        }
        if *ranges == before {
            return true;
        }
    }
}

/// Whether a whole number fits in every range: tries all, halving the smallest range that is left. It begins with the half that
/// holds the truth, which an attacker does not know: that saves time when there is something to find, and misses nothing.
fn fits(table: &Table, mut ranges: Ranges) -> bool {
    if !propagate(table, &mut ranges) {
        return false;
    }
    let open = (0..ranges.len()).filter(|at| ranges[*at].0 < ranges[*at].1);
    let Some(at) = open.min_by_key(|at| ranges[*at].1 - ranges[*at].0) else { return true };
    let (low, high) = ranges[at];
    let middle = low + (high - low) / 2;
    let mut halves = [(low, middle), (middle + 1, high)];
    halves.sort_by_key(|(low, high)| !(*low..=*high).contains(&table.cells[at].value));
    halves.into_iter().any(|half| {
        let mut ranges = ranges.clone();
        ranges[at] = half;
        fits(table, ranges)
    })
}

/// The cells of which too much can be said, by an attacker that says which values are possible.
fn found_out(table: &Table, sights: &Sights, possible: impl Fn(usize, i64) -> bool) -> Vec<(usize, Vec<i64>)> {
    let mut found = Vec::new();
    for (at, cell) in table.cells.iter().enumerate() {
        let sight = sights.of(CellId(at));
        let hidden = cell.rank.is_some() && sight != Sight::Shown;
        if !(hidden || cell.rank.is_none() && (1..10).contains(&cell.value)) {
            continue;
        }
        let values: Vec<i64> = (0.max(cell.value - 9)..=cell.value + 9).filter(|value| possible(at, *value)).collect();
        let enough = match (cell.rank, sight) {
            (Some(_), Sight::Fewer) => (1..10).all(|value| values.contains(&value)),
            _ => values.len() >= 10,
        };
        if !enough {
            found.push((at, values));
        }
    }
    found
}

fn found_out_by_ranges(table: &Table, sights: &Sights) -> Vec<(usize, Vec<i64>)> {
    let mut ranges = seen(table, sights);
    assert!(propagate(table, &mut ranges), "the truth fits");
    found_out(table, sights, |at, value| (ranges[at].0..=ranges[at].1).contains(&value))
}

fn found_out_by_search(table: &Table, sights: &Sights) -> Vec<(usize, Vec<i64>)> {
    let ranges = seen(table, sights);
    let with = |at: usize, value: i64| {
        let mut ranges = ranges.clone();
        let inside = (ranges[at].0..=ranges[at].1).contains(&value);
        ranges[at] = (value, value);
        inside && fits(table, ranges)
    };
    found_out(table, sights, with)
}

fn nothing_is_found_out(table: &Table) -> Sights {
    let sights = table.suppress();
    let shown: Vec<_> = table.cells.iter().zip(&sights.0).map(|(cell, sight)| (cell.rank, cell.value, sight)).collect();
    assert_eq!(found_out_by_ranges(table, &sights), [], "{shown:?}");
    let hidden = sights.0.iter().filter(|sight| **sight != Sight::Shown).count();
    if hidden <= SEARCHED_MAX {
        assert_eq!(found_out_by_search(table, &sights), [], "{shown:?}");
    }
    sights
}

fn total_of(parts: &[u64]) -> (Table, CellId, Vec<CellId>) {
    let mut table = Table::default();
    let cells: Vec<_> = parts.iter().map(|part| table.count(*part, Rank(0))).collect();
    let total = table.count(parts.iter().sum(), Rank(1));
    table.sum(total, &cells);
    (table, total, cells)
}

fn sights(parts: &[u64]) -> (Vec<Sight>, Sight) {
    let (table, total, cells) = total_of(parts);
    let sights = nothing_is_found_out(&table);
    (cells.iter().map(|cell| sights.of(*cell)).collect(), sights.of(total))
}

#[test]
fn the_next_smallest_part_goes_with_a_small_one() {
    use Sight::{Fewer, Shown, Withheld};
    assert_eq!(sights(&[40, 30, 20]), (vec![Shown, Shown, Shown], Shown));
    assert_eq!(sights(&[5, 0, 0]).1, Fewer);
    assert_eq!(sights(&[40, 3, 20, 4]), (vec![Shown, Withheld, Withheld, Fewer], Shown));
    // One of 1 to 9 and one other: if that were said of the one, nine values would be left for the other.
    assert_eq!(sights(&[40, 3, 20, 0]), (vec![Shown, Withheld, Withheld, Shown], Shown));
    assert_eq!(sights(&[0, 0]), (vec![Shown, Shown], Shown));
}

#[test]
fn the_total_goes_at_last() {
    let (parts, total) = sights(&[1, 9]);
    assert_ne!(total, Sight::Fewer);
    assert!(parts.iter().all(|part| *part != Sight::Shown));
}

/// A block of one scope: people, those who came back, by channel and by service.
fn block(table: &mut Table, rank: u8, people: &[(bool, u8, u8)]) -> Vec<CellId> {
    let count = |wanted: &dyn Fn(&(bool, u8, u8)) -> bool| people.iter().filter(|one| wanted(one)).count() as u64;
    let all = table.count(people.len() as u64, Rank(rank + 1));
    let repeat = table.count(count(&|one| one.0), Rank(rank));
    let channels = [1, 2].map(|bit| table.count(count(&|one| one.1 & bit != 0), Rank(rank)));
    let services = [1, 2, 4].map(|bit| table.count(count(&|one| one.2 & bit != 0), Rank(rank)));
    table.union(all, &[repeat]);
    table.union(all, &channels);
    table.union(all, &services);
    [all, repeat].into_iter().chain(channels).chain(services).collect()
}

fn people(most: usize) -> impl Strategy<Value = Vec<(bool, u8, u8)>> {
    prop::collection::vec((any::<bool>(), 1_u8..4, 1_u8..8), 0..most)
}

fn few_or_many() -> impl Strategy<Value = u64> {
    prop_oneof![2 => 0_u64..14, 1 => 10_u64..120, 1 => Just(0_u64)]
}

#[test]
fn what_was_shown_before_stays_and_the_later_one_gives_way() {
    let quarter = |months: [(u64, Sight); 3], quarter: u64| {
        let mut table = Table::default();
        let months = months.map(|(value, sight)| {
            let month = table.count(value, Rank(0));
            table.fixed(month, sight);
            month
        });
        let quarter = table.count(quarter, Rank(1));
        table.union(quarter, &months);
        nothing_is_found_out(&table).of(quarter)
    };
    let shown = |value| (value, Sight::Shown);
    assert_eq!(quarter([shown(20), shown(30), shown(40)], 70), Sight::Shown);
    // Three people of the quarter did not look in the third month.
    assert_eq!(quarter([shown(20), shown(30), shown(67)], 70), Sight::Withheld);
    // At least 4 of the 5 of the first month would be known to have looked then only.
    assert_eq!(quarter([(5, Sight::Fewer), shown(30), shown(40)], 74), Sight::Withheld);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn parts_and_total(parts in prop::collection::vec(few_or_many(), 1..7)) {
        let (table, total, cells) = total_of(&parts);
        let sights = nothing_is_found_out(&table);
        for (cell, value) in cells.iter().zip(&parts).chain([(&total, &parts.iter().sum())]) {
            prop_assert!(!(1..10).contains(value) || sights.of(*cell) != Sight::Shown);
        }
    }

    #[test]
    fn two_ways_of_adding_up(cells in prop::collection::vec(few_or_many(), 12)) {
        let mut table = Table::default();
        let inner: Vec<_> = cells.iter().map(|value| table.count(*value, Rank(0))).collect();
        let value = |at: usize| cells[at];
        let mut rows = Vec::new();
        for row in 0..3 {
            let total = table.count((0..4).map(|column| value(row * 4 + column)).sum(), Rank(1));
            table.sum(total, &inner[row * 4..row * 4 + 4]);
            rows.push(total);
        }
        for column in 0..4 {
            let total = table.count((0..3).map(|row| value(row * 4 + column)).sum(), Rank(1));
            let parts: Vec<_> = (0..3).map(|row| inner[row * 4 + column]).collect();
            table.sum(total, &parts);
        }
        let all = table.count(cells.iter().sum(), Rank(2));
        table.sum(all, &rows);
        nothing_is_found_out(&table);
    }

    #[test]
    fn one_scope(people in people(60)) {
        let mut table = Table::default();
        block(&mut table, 0, &people);
        nothing_is_found_out(&table);
    }

    #[test]
    fn a_coalition_and_its_practices(practices in prop::collection::vec(people(24), 1..4)) {
        let mut table = Table::default();
        let parts: Vec<_> = practices.iter().map(|people| block(&mut table, 0, people)).collect();
        let all = block(&mut table, 2, &practices.concat());
        for (at, total) in all.into_iter().enumerate() {
            let parts: Vec<_> = parts.iter().map(|part| part[at]).collect();
            table.sum(total, &parts);
        }
        nothing_is_found_out(&table);
    }

    #[test]
    fn months_that_are_out_and_their_quarter(months in prop::collection::vec(0_u64..40, 3), twice in 0_u64..40) {
        let (sum, largest): (u64, u64) = (months.iter().sum(), months.iter().copied().max().unwrap_or(0));
        let mut table = Table::default();
        let quarter = table.count(sum.saturating_sub(twice).max(largest), Rank(1));
        let months: Vec<_> = months.iter().map(|month| table.count(*month, Rank(0))).collect();
        table.union(quarter, &months);
        nothing_is_found_out(&table);
    }
}
