//! Which counts of people may be seen. A count of 1 to 9 is not told, nor is anything from which it could be worked out.
//!
//! # What is promised
//!
//! A [`Table`] holds counts, and relations between them that every reader knows: a total is the sum of its parts; who looked in a
//! quarter is at least who looked in one of its months, and at most all of them together. Some counts are nowhere written and still
//! follow from others: who looked once only is who looked less who came back. These are cells too.
//!
//! [`Table::suppress`] hides cells until, whatever is done with all that is left:
//!
//! - of a cell that says "fewer than ten" nothing more can be said: each of 1 to 9 fits what is published;
//! - of each other hidden cell, and of each implied one of 1 to 9, ten different values fit.
//!
//! # How that is known
//!
//! Not by trying attacks, of which one could be forgotten, but by showing worlds. A world is other values for the hidden cells
//! with which everything published is as it was. Whoever sees only what is published cannot tell that world from ours, with
//! whatever method. For each cell to protect, [`World`] makes the worlds at both ends of ten values (or at 1 and at 9); the relations are
//! linear with factors of one, and between two worlds made by shifting cells by the same number lie all those in between. Where
//! no world is found, what it would have had to shift is hidden too: first a smaller part, at last a total. Hiding more never
//! takes a world away, so a cell that was safe stays safe, and one pass is enough.
//!
//! # What is not promised
//!
//! Who knows people themselves (a practice knows who told it that they looked) can subtract them; against that only the bound
//! of ten helps. A period that is not over is treated by [`super::sight`]: it is rounded down.

#[cfg(test)]
mod attack;
mod world;

use std::collections::VecDeque;

use self::world::World;

/// The smallest count that is told, save 0.
pub const LEAST_TOLD: u64 = 10;
/// So many values are possible for what is hidden.
const VALUES: i64 = 10;
/// More than any count.
const NO_END: i64 = 1 << 40;

/// How a count is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// As it is.
    Shown,
    /// That it is 1 to 9.
    Fewer,
    /// Not at all.
    Withheld,
}

/// A cell of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellId(usize);

/// When a count is given up to protect another: the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(pub u8);

struct Cell {
    value: i64,
    /// `None`: implied.
    rank: Option<Rank>,
    /// What everybody knows of it before anything is published.
    least: i64,
    most: i64,
    withheld: bool,
    /// It was published before, and stays as it was seen.
    fixed: Option<Sight>,
}

/// So many of these less those are at least `low` and at most `high`.
struct Relation {
    terms: Vec<(usize, i64)>,
    low: i64,
    high: i64,
}

/// Counts, and what everybody knows of how they hang together.
#[derive(Default)]
pub struct Table {
    cells: Vec<Cell>,
    relations: Vec<Relation>,
    /// The relations of each cell, and with which factor it stands in them.
    of: Vec<Vec<(usize, i64)>>,
}

/// How each count of a table is seen.
pub struct Sights(Vec<Sight>);

impl Sights {
    /// How one is.
    #[must_use]
    pub fn of(&self, cell: CellId) -> Sight {
        self.0.get(cell.0).copied().unwrap_or(Sight::Withheld)
    }
}

impl Table {
    /// A count that is to be published.
    pub fn count(&mut self, value: u64, rank: Rank) -> CellId {
        self.cell(value, Some(rank))
    }

    fn cell(&mut self, value: u64, rank: Option<Rank>) -> CellId {
        let value = i64::try_from(value).unwrap_or(NO_END).min(NO_END);
        self.cells.push(Cell { value, rank, least: 0, most: NO_END, withheld: false, fixed: None });
        self.of.push(Vec::new());
        CellId(self.cells.len() - 1)
    }

    /// Everybody knows from elsewhere that a count is at least and at most this; where that is not so it is not taken over.
    pub fn known(&mut self, cell: CellId, least: u64, most: u64) {
        if let Some(cell) = self.cells.get_mut(cell.0) {
            cell.least = i64::try_from(least).unwrap_or(NO_END).min(cell.value);
            cell.most = i64::try_from(most).unwrap_or(NO_END).max(cell.value);
        }
    }

    /// A count is not to be seen, for a reason outside this table.
    pub fn withhold(&mut self, cell: CellId) {
        if let Some(cell) = self.cells.get_mut(cell.0) {
            cell.withheld = true;
        }
    }

    /// A count was published before, and can be hidden no more than it was.
    pub fn fixed(&mut self, cell: CellId, sight: Sight) {
        if let Some(cell) = self.cells.get_mut(cell.0) {
            cell.fixed = Some(sight);
        }
    }

    /// A total is the sum of its parts. Where some were counted in two parts, it is taken that everybody knows how many those are.
    pub fn sum(&mut self, total: CellId, parts: &[CellId]) {
        let terms = self.terms(total, parts);
        let twice = self.worth(&terms);
        self.relate(terms, twice, twice);
    }

    /// Who is in any of the parts: at least who is in the largest, at most all together. Who is in all and not in a part, and who is
    /// in both of two parts, follows. Where an estimate says otherwise there is nothing to work with.
    pub fn union(&mut self, all: CellId, parts: &[CellId]) {
        for part in parts {
            let terms = self.terms(all, std::slice::from_ref(part));
            match self.worth(&terms) {
                rest @ -9..=-1 => self.implied_in(terms, -rest),
                ..=0 => self.relate(terms, -NO_END, 0),
                _ => {}
            }
        }
        let terms = self.terms(all, parts);
        match (self.worth(&terms), parts.len()) {
            (both @ 1..VALUES, 2) => {
                self.implied_in(terms.into_iter().map(|(cell, factor)| (cell, -factor)).collect(), both);
            }
            (0.., _) => self.relate(terms, 0, NO_END),
            _ => {}
        }
    }

    /// These and an implied count come to nothing. One that is no small one needs no cell: it is enough that it is not below 0.
    fn implied_in(&mut self, mut terms: Vec<(usize, i64)>, value: i64) {
        let CellId(cell) = self.cell(u64::try_from(value).unwrap_or_default(), None);
        terms.push((cell, 1));
        self.relate(terms, 0, 0);
    }

    fn terms(&self, total: CellId, parts: &[CellId]) -> Vec<(usize, i64)> {
        let known = |cell: &CellId| cell.0 < self.cells.len();
        let parts = parts.iter().filter(|part| known(part)).map(|part| (part.0, 1));
        parts.chain(known(&total).then_some((total.0, -1))).collect()
    }

    fn relate(&mut self, terms: Vec<(usize, i64)>, low: i64, high: i64) {
        for (cell, factor) in &terms {
            if let Some(of) = self.of.get_mut(*cell) {
                of.push((self.relations.len(), *factor));
            }
        }
        self.relations.push(Relation { terms, low, high });
    }

    fn value(&self, cell: CellId) -> i64 {
        self.cells.get(cell.0).map_or(0, |cell| cell.value)
    }

    fn worth(&self, terms: &[(usize, i64)]) -> i64 {
        terms.iter().map(|(cell, factor)| factor * self.value(CellId(*cell))).sum()
    }

    /// Hides what must not be seen.
    #[must_use]
    pub fn suppress(&self) -> Sights {
        let mut world = World::of(self);
        let mut queue: VecDeque<usize> = (0..self.cells.len()).filter(|cell| world.is_protected(*cell)).collect();
        while let Some(cell) = queue.pop_front() {
            let Some(wanted) = world.exposed(cell) else { continue };
            let hidden = world.hide_for(cell, wanted);
            if !hidden.is_empty() {
                queue.push_front(cell);
                queue.extend(hidden);
            }
        }
        Sights(world.sights())
    }
}
