//! What is told of every scope in one period, decided for all of them together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::row::{Count, Measure, Row, measured};
use super::suppress::{CellId, Rank, Sight, Table};
use super::told::Told;
use crate::medmij::ProviderName;
use crate::practices::programme::Id;
use crate::report::{Channel, Distinct, Figures, Period, Requests, Scope};

/// What a sheet is made of.
pub struct Input {
    /// Of when.
    pub period: Period,
    /// Whether the period is over and nothing is to come.
    pub settled: bool,
    /// The figures of the whole, and of each coalition, supplier and practice.
    pub figures: Vec<Figures>,
    /// The coalition of each practice that is in one.
    pub coalitions: HashMap<ProviderName, Id>,
}

/// What is told of every scope in one period.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Of when.
    pub period: Period,
    /// Whether it is told for good.
    pub settled: bool,
    rows: BTreeMap<Scope, Row>,
}

/// What a scope has before it is decided how it is told.
struct Block<'a> {
    figures: &'a Figures,
    values: Vec<(Measure, Distinct, Requests)>,
}

/// Whose total a count is a part of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Coalition(Id),
    Whole,
}

impl Sheet {
    /// Decides how each count is told. `earlier` are the settled sheets of parts of the period.
    #[must_use]
    pub fn of(input: &Input, earlier: &[Arc<Self>]) -> Self {
        let block = |figures| Block { figures, values: fitted(figures, earlier) };
        let blocks: Vec<_> = input.figures.iter().map(block).collect();
        let told = if input.settled { settled(input, &blocks, earlier) } else { running(&blocks, earlier) };
        let rows = blocks.into_iter().zip(told).map(|(block, told)| {
            let counts = block.values.into_iter().zip(told);
            let counts = counts.map(|((measure, truth, endings), told)| Count { measure, told, truth, endings });
            (block.figures.scope.clone(), Row::of(block.figures, counts.collect()))
        });
        Self { period: input.period, settled: input.settled, rows: rows.collect() }
    }

    /// What is told of a scope.
    #[must_use]
    pub fn row(&self, scope: &Scope) -> Option<&Row> {
        self.rows.get(scope)
    }

    /// What is told of all.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }
}

/// The counts of the parts of a period that are told for good, by kind of part: months, quarters.
fn parts<'a>(earlier: &'a [Arc<Sheet>], scope: &Scope, measure: &Measure) -> [Vec<&'a Count>; 2] {
    let of = |months: bool| {
        let sheets = earlier.iter().filter(move |sheet| matches!(sheet.period, Period::Month(_)) == months);
        sheets.filter_map(|sheet| sheet.row(scope)?.find(measure)).collect()
    };
    [of(true), of(false)]
}

/// The values of a scope; an estimate is at least what it was in a part of the period.
fn fitted(figures: &Figures, earlier: &[Arc<Sheet>]) -> Vec<(Measure, Distinct, Requests)> {
    // The counts of suppliers beside those of coalitions would tell of single practices.
    if let Scope::Supplier(_) | Scope::Share { .. } = figures.scope {
        return Vec::new();
    }
    let mut values = measured(figures);
    for (measure, value, _) in values.iter_mut().filter(|(_, value, _)| !value.exact) {
        let [months, quarters] = parts(earlier, &figures.scope, measure);
        let least = months.iter().chain(&quarters).map(|count| count.truth.count).max();
        value.count = value.count.max(least.unwrap_or_default());
    }
    values
}

/// A period that is not over is told in tens, and not at all where its months would tell the rest.
fn running(blocks: &[Block<'_>], earlier: &[Arc<Sheet>]) -> Vec<Vec<Told>> {
    let told = |scope: &Scope, (measure, value, _): &(Measure, Distinct, Requests)| {
        let told = Told::rounded_down(value.count);
        let parts = parts(earlier, scope, measure).into_iter().flatten().filter_map(|count| count.told.number()).max();
        match (told, parts) {
            (Told::AtLeast(tens), Some(part)) if tens < part => Told::Withheld,
            (Told::Fewer, Some(1..)) => Told::Withheld,
            _ => told,
        }
    };
    blocks.iter().map(|block| block.values.iter().map(|one| told(&block.figures.scope, one)).collect()).collect()
}

fn settled(input: &Input, blocks: &[Block<'_>], earlier: &[Arc<Sheet>]) -> Vec<Vec<Told>> {
    let mut table = Table::default();
    let cells: Vec<_> = blocks.iter().map(|block| cells(&mut table, block, earlier)).collect();
    add_up(&mut table, input, blocks, &cells);
    let sights = table.suppress();
    let told = |(block, cells): (&Block<'_>, Vec<CellId>)| {
        let each = block.values.iter().zip(cells);
        each.map(|((_, value, _), cell)| Told::of(*value, sights.of(cell))).collect()
    };
    blocks.iter().zip(cells).map(told).collect()
}

/// Parts are given up before what they are part of, and detail before totals.
const fn rank(scope: &Scope, measure: &Measure) -> Rank {
    let of_scope = match scope {
        Scope::Practice(_) => 0,
        Scope::Share { .. } | Scope::Supplier(_) => 2,
        Scope::Coalition(_) => 4,
        Scope::Whole => 6,
    };
    Rank(of_scope + measure.is_total() as u8)
}

/// The counts of a scope, and how they hang together with one another and with those of the months before.
fn cells(table: &mut Table, block: &Block<'_>, earlier: &[Arc<Sheet>]) -> Vec<CellId> {
    let scope = &block.figures.scope;
    let mut cells = Vec::with_capacity(block.values.len());
    for (measure, value, _) in &block.values {
        let cell = table.count(value.count, rank(scope, measure));
        for parts in parts(earlier, scope, measure) {
            beside_earlier(table, cell, (measure, *value), &parts);
        }
        cells.push(cell);
    }
    let of = |wanted: fn(&Measure) -> bool| -> Vec<CellId> {
        let both = block.values.iter().zip(&cells);
        both.filter(|((measure, ..), _)| wanted(measure)).map(|(_, cell)| *cell).collect()
    };
    if let ([viewers], [requests]) =
        (of(|one| *one == Measure::Viewers).as_slice(), of(|one| *one == Measure::Requests).as_slice())
    {
        table.union(*viewers, &of(|one| *one == Measure::Repeat));
        table.union(*viewers, &of(|one| matches!(one, Measure::ViewersBy(_))));
        table.union(*viewers, &of(|one| matches!(one, Measure::ViewersOf(_))));
        table.sum(*requests, &of(|one| matches!(one, Measure::RequestsBy(_))));
        table.sum(*requests, &of(|one| matches!(one, Measure::RequestsOf(_))));
    }
    over_medmij(table, block, &cells);
    cells
}

/// Requests over MedMij are those of PGOs, and a part of those for their service.
fn over_medmij(table: &mut Table, block: &Block<'_>, cells: &[CellId]) {
    let find = |wanted: &Measure| {
        let at = block.values.iter().position(|(measure, ..)| measure == wanted)?;
        cells.get(at).copied()
    };
    let services = block
        .values
        .iter()
        .filter_map(|(measure, ..)| if let Measure::OverMedmij(service) = measure { Some(service) } else { None });
    let pairs = services.filter_map(|service| {
        let own = find(&Measure::OverMedmij(service.clone()))?;
        Some((find(&Measure::RequestsOf(service.clone()))?, own))
    });
    let pairs: Vec<_> = pairs.collect();
    for (all, own) in &pairs {
        table.union(*all, &[*own]);
    }
    if let Some(all) = find(&Measure::RequestsBy(Channel::Pgo)).filter(|_| !pairs.is_empty()) {
        table.sum(all, &pairs.iter().map(|(_, own)| *own).collect::<Vec<_>>());
    }
}

/// What was told of months stays: when their quarter would tell more of them, it is withheld.
fn beside_earlier(table: &mut Table, cell: CellId, (measure, value): (&Measure, Distinct), parts: &[&Count]) {
    if parts.is_empty() {
        return;
    }
    let mut alone = Table::default();
    let whole = alone.count(value.count, Rank(1));
    let cells: Vec<_> = parts.iter().map(|part| alone.count(part.truth.count, Rank(0))).collect();
    for (cell, part) in cells.iter().zip(parts) {
        alone.fixed(*cell, part.told.sight());
    }
    if measure.adds_up() {
        alone.sum(whole, &cells);
    } else {
        alone.union(whole, &cells);
    }
    if alone.suppress().of(whole) == Sight::Withheld {
        table.withhold(cell);
    }
    let shown = |part: &&Count| part.told.number().map_or((0, None), |count| (count, Some(count)));
    let least = parts.iter().map(|part| shown(part).0);
    let least = if measure.adds_up() { least.sum() } else { least.max().unwrap_or_default() };
    let most: Option<u64> = parts.iter().map(|part| shown(part).1).sum();
    table.known(cell, least, most.unwrap_or(u64::MAX));
}

/// Practices add up to their coalition, and those to the whole.
fn add_up(table: &mut Table, input: &Input, blocks: &[Block<'_>], cells: &[Vec<CellId>]) {
    let mut groups: BTreeMap<(Group, &Measure), Vec<CellId>> = BTreeMap::new();
    let mut totals: BTreeMap<(&Scope, &Measure), CellId> = BTreeMap::new();
    for (block, cells) in blocks.iter().zip(cells) {
        for ((measure, ..), cell) in block.values.iter().zip(cells) {
            totals.insert((&block.figures.scope, measure), *cell);
            if let Some(group) = group_of(input, &block.figures.scope) {
                groups.entry((group, measure)).or_default().push(*cell);
            }
        }
    }
    for ((group, measure), parts) in groups {
        let scope = match group {
            Group::Coalition(id) => Scope::Coalition(id),
            Group::Whole => Scope::Whole,
        };
        if let Some(total) = totals.get(&(&scope, measure)) {
            table.sum(*total, &parts);
        }
    }
}

/// Whose total a scope is a part of: the whole consists of its coalitions, and of the practices that are in none.
fn group_of(input: &Input, scope: &Scope) -> Option<Group> {
    match scope {
        Scope::Whole | Scope::Supplier(_) | Scope::Share { .. } => None,
        Scope::Coalition(_) => Some(Group::Whole),
        Scope::Practice(name) => Some(input.coalitions.get(name).cloned().map_or(Group::Whole, Group::Coalition)),
    }
}
