//! Other worlds in which everything published is as it is here.
#![expect(clippy::indexing_slicing, reason = "cells and relations are named by the places that the table gave them")]

use std::collections::BTreeSet;

use super::{Cell, Rank, Sight, Table, VALUES};

/// How many shifts a search may try.
const TRIES: usize = 40;
/// How many cells a world may differ in from ours.
const SHIFTS: usize = 24;
/// How many ways out are tried at each step.
const WAYS: usize = 4;
/// How many cells of a relation are looked at as ways out.
const LOOKED_AT: usize = 64;

/// A table, how its cells are seen, and the values of a world that is being made.
pub(super) struct World<'a> {
    table: &'a Table,
    sights: Vec<Sight>,
    values: Vec<i64>,
    /// What each relation comes to.
    worth: Vec<i64>,
    /// The cells that were shifted, in order.
    shifted: Vec<(usize, i64)>,
    tries: usize,
}

/// What may be shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// What is hidden.
    Hidden,
    /// Also what could be hidden.
    Anything,
}

/// In which order ways out are tried: what is hidden before what would have to be, a part before its total, a count before a 0.
type Order = (Option<Rank>, bool, usize, i64);

/// What is hidden and breaks nothing comes before this; no better way need be looked for.
const BEST: Order = (None, false, 1, 0);

impl<'a> World<'a> {
    /// Ours, with only the small counts hidden.
    pub(super) fn of(table: &'a Table) -> Self {
        let sight = |cell: &Cell| match (cell.fixed, cell.rank, cell.withheld, cell.value) {
            (Some(sight), ..) => sight,
            (None, None, ..) | (None, _, true, _) => Sight::Withheld,
            (None, _, _, 1..VALUES) => Sight::Fewer,
            (None, ..) => Sight::Shown,
        };
        Self {
            table,
            sights: table.cells.iter().map(sight).collect(),
            values: table.cells.iter().map(|cell| cell.value).collect(),
            worth: table.relations.iter().map(|relation| table.worth(&relation.terms)).collect(),
            shifted: Vec::new(),
            tries: 0,
        }
    }

    /// How each cell is seen.
    pub(super) fn sights(self) -> Vec<Sight> {
        self.sights
    }

    /// Whether a cell is one of which little may be known: hidden, or implied and small.
    pub(super) fn is_protected(&self, cell: usize) -> bool {
        let Cell { rank, value, .. } = self.table.cells[cell];
        match rank {
            Some(_) => self.sights[cell] != Sight::Shown,
            None => (1..VALUES).contains(&value),
        }
    }

    /// A value that a cell ought to be able to have, and cannot; `None` when it is safe.
    pub(super) fn exposed(&mut self, cell: usize) -> Option<i64> {
        let value = self.table.cells[cell].value;
        if self.sights[cell] == Sight::Fewer {
            return [VALUES - 1, 1].into_iter().find(|wanted| !self.reaches(cell, *wanted));
        }
        let far = VALUES - 1;
        let down = value.min(far);
        let spans = [(far, 0), (far - down, down), (far / 2, far - far / 2)];
        let least = self.table.cells[cell].least;
        let mut possible = spans.into_iter().filter(|(_, down)| value - down >= least);
        let is_safe = possible.any(|(up, down)| self.reaches(cell, value + up) && self.reaches(cell, value - down));
        // What goes up has no end, what goes down ends at 0.
        (!is_safe).then_some(if value >= far { value - far } else { value + far })
    }

    /// Hides what has to be for a cell to have a value; what is hidden now and was not.
    pub(super) fn hide_for(&mut self, cell: usize, wanted: i64) -> Vec<usize> {
        let needed = self.search(cell, wanted, Reach::Anything);
        let mut hidden = self.hide(&needed);
        if hidden.is_empty() && self.sights[cell] == Sight::Fewer {
            hidden = self.hide(&[(cell, i64::MAX)]);
        }
        if hidden.is_empty() {
            hidden = self.nearest(cell).map(|near| self.hide(&[(near, i64::MAX)])).unwrap_or_default();
        }
        hidden
    }

    /// Hides published cells that would have these values.
    fn hide(&mut self, cells: &[(usize, i64)]) -> Vec<usize> {
        let mut hidden = Vec::new();
        for (cell, value) in cells.iter().filter(|(cell, _)| self.table.cells[*cell].fixed.is_none()) {
            let says_so = match self.sights[*cell] {
                Sight::Shown => self.table.cells[*cell].value == *value,
                Sight::Fewer => (1..VALUES).contains(value),
                Sight::Withheld => true,
            };
            if !says_so {
                self.sights[*cell] = Sight::Withheld;
                hidden.push(*cell);
            }
        }
        hidden
    }

    /// The shown cell with the fewest relations between it and this one, and of those the one to give up first.
    fn nearest(&self, cell: usize) -> Option<usize> {
        let (mut ring, mut seen) = (vec![cell], BTreeSet::from([cell]));
        while !ring.is_empty() {
            let relations: BTreeSet<_> =
                ring.iter().flat_map(|cell| &self.table.of[*cell]).map(|(at, _)| *at).collect();
            let cells = relations.iter().flat_map(|at| &self.table.relations[*at].terms).map(|(cell, _)| *cell);
            ring = cells.filter(|cell| seen.insert(*cell)).collect();
            let shown = ring
                .iter()
                .copied()
                .filter(|cell| self.sights[*cell] != Sight::Withheld && self.table.cells[*cell].fixed.is_none());
            let first = shown.min_by_key(|cell| {
                let Cell { rank, value, .. } = self.table.cells[*cell];
                (rank, value == 0, value)
            });
            if first.is_some() {
                return first;
            }
        }
        None
    }

    /// Whether there are worlds in which a cell has a value, and each one between that and ours.
    fn reaches(&mut self, cell: usize, value: i64) -> bool {
        let ours = self.table.cells[cell].value;
        let world = self.search(cell, value, Reach::Hidden);
        let far = value - ours;
        // Halfway between two worlds lies one when every cell goes there in as many steps.
        let in_step = |(cell, value): &(usize, i64)| (value - self.table.cells[*cell].value) % far == 0;
        far == 0 || !world.is_empty() && (world.iter().all(in_step) || self.reaches(cell, value - far.signum()))
    }

    /// The cells that are different in a world where this one has a value, and their values there; none when none is found.
    fn search(&mut self, cell: usize, value: i64, reach: Reach) -> Vec<(usize, i64)> {
        self.tries = 0;
        let mut found = Vec::new();
        if self.allows(cell, value, reach) {
            self.shift(cell, value);
            if self.mend(reach) {
                found = self.shifted.iter().map(|(cell, _)| (*cell, self.values[*cell])).collect();
            }
            self.back_to(0);
        }
        found
    }

    /// Shifts other cells until every relation holds.
    fn mend(&mut self, reach: Reach) -> bool {
        let Some((relation, lack)) = self.broken() else { return true };
        if self.shifted.len() >= SHIFTS {
            return false;
        }
        let depth = self.shifted.len();
        for (cell, value) in self.ways(relation, lack, reach) {
            self.tries += 1;
            if self.tries > TRIES {
                return false;
            }
            self.shift(cell, value);
            if self.mend(reach) {
                return true;
            }
            self.back_to(depth);
        }
        false
    }

    /// A relation that does not hold, and how much it lacks. Only those of shifted cells can be broken.
    fn broken(&self) -> Option<(usize, i64)> {
        let touched = self.shifted.iter().rev().flat_map(|(cell, _)| &self.table.of[*cell]);
        touched.map(|(at, _)| (*at, self.lack(*at, 0))).find(|(_, lack)| *lack != 0)
    }

    /// What is to be added to a relation for it to hold, when so much is added to it already.
    fn lack(&self, relation: usize, added: i64) -> i64 {
        let (worth, bounds) = (self.worth[relation] + added, &self.table.relations[relation]);
        worth.clamp(bounds.low, bounds.high) - worth
    }

    /// The cells whose shift would make a relation hold, and their values then, the best first.
    fn ways(&self, relation: usize, lack: i64, reach: Reach) -> Vec<(usize, i64)> {
        let fresh = |cell: &usize| self.shifted.iter().all(|(shifted, _)| shifted != cell);
        let terms = self.table.relations[relation].terms.iter().filter(|(cell, _)| fresh(cell));
        let ways = terms.map(|(cell, factor)| (*cell, self.values[*cell] + lack * factor));
        let allowed = ways.filter(|(cell, value)| self.allows(*cell, *value, reach));
        let mut ordered: Vec<(Order, (usize, i64))> = Vec::new();
        for way in allowed.take(LOOKED_AT) {
            let order = self.order(way);
            ordered.push((order, way));
            if order < BEST {
                break;
            }
        }
        ordered.sort_unstable();
        ordered.into_iter().map(|(_, way)| way).take(WAYS).collect()
    }

    fn order(&self, (cell, value): (usize, i64)) -> Order {
        let Cell { rank, value: ours, .. } = self.table.cells[cell];
        let breaks = |(at, factor): &&(usize, i64)| self.lack(*at, factor * (value - self.values[cell])) != 0;
        let broken = self.table.of[cell].iter().filter(breaks).count();
        if self.allows(cell, value, Reach::Hidden) {
            (None, false, broken, i64::from(rank.is_some()))
        } else {
            (rank, ours == 0, broken, ours)
        }
    }

    /// Whether a cell can have a value in a world.
    fn allows(&self, cell: usize, value: i64, reach: Reach) -> bool {
        let Cell { least, most, fixed, .. } = self.table.cells[cell];
        let could_hide = reach == Reach::Anything && fixed.is_none();
        (least..=most).contains(&value)
            && match self.sights[cell] {
                Sight::Withheld => true,
                Sight::Fewer => could_hide || (1..VALUES).contains(&value),
                Sight::Shown => could_hide,
            }
    }

    fn shift(&mut self, cell: usize, value: i64) {
        let before = self.values[cell];
        self.put(cell, value);
        self.shifted.push((cell, before));
    }

    fn put(&mut self, cell: usize, value: i64) {
        let added = value - self.values[cell];
        for (at, factor) in &self.table.of[cell] {
            self.worth[*at] += factor * added;
        }
        self.values[cell] = value;
    }

    fn back_to(&mut self, shifts: usize) {
        while self.shifted.len() > shifts {
            if let Some((cell, before)) = self.shifted.pop() {
                self.put(cell, before);
            }
        }
    }
}
