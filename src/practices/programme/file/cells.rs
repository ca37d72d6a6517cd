//! A line of a CSV table, cell by cell: what is wrong with one is noted, and the others are still read.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::Fault;
use crate::practices::programme::entry::{Function, Membership, Proof};
use crate::practices::programme::words::{Day, Id, Text};

/// It could not be read, and why not is among the faults.
pub(super) struct Noted;

/// What was read, or was noted.
pub(super) type Read<T> = Result<T, Noted>;

/// A line, and what was wrong with it so far.
pub(super) struct Cells<'a> {
    pub(super) columns: &'a [&'static str],
    pub(super) record: &'a csv::StringRecord,
    pub(super) line: u64,
    pub(super) faults: &'a mut Vec<Fault>,
}

impl Cells<'_> {
    /// A cell that may be empty.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Read<Option<T>> {
        let text = self.record.get(self.place(column)).unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(None);
        }
        read(text).map(Some).or_else(|error| self.wrong(column, &error))
    }

    /// A cell that must be filled.
    pub(super) fn needed<T, E: Display>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Read<T> {
        let value = self.optional(column, read)?;
        self.filled(column, value)
    }

    /// A value that was read from a cell that must be filled.
    pub(super) fn filled<T>(&mut self, column: &'static str, value: Option<T>) -> Read<T> {
        value.map_or_else(|| self.wrong(column, &"this cell must be filled"), Ok)
    }

    /// A whole number; an empty cell is none.
    pub(super) fn number<N: std::str::FromStr>(&mut self, column: &'static str) -> Read<Option<N>> {
        self.optional(column, |text| text.parse().map_err(|_| "a whole number, not negative and not too large"))
    }

    /// A day and where that can be seen, in two cells: both or none.
    pub(super) fn proof(&mut self, on: &'static str, evidence: &'static str) -> Read<Option<Proof>> {
        let (day, seen) = (self.optional(on, Day::parse), self.optional(evidence, Text::parse));
        match (day?, seen?) {
            (Some(on), Some(evidence)) => Ok(Some(Proof { on, evidence })),
            (None, None) => Ok(None),
            (Some(_), None) => self.wrong(evidence, &"where it can be seen, as its day is given"),
            (None, Some(_)) => self.wrong(on, &"the day, as its evidence is given"),
        }
    }

    /// `trained/employed`; an empty cell is nobody.
    pub(super) fn function(&mut self, column: &'static str) -> Read<Function> {
        const EXPECTED: &str = "how many are trained and how many employed, as 1/3";
        let function = self.optional(column, |text| {
            let (trained, employed) = text.split_once('/').ok_or(EXPECTED)?;
            let number = |text: &str| text.parse().map_err(|_| EXPECTED);
            Ok::<_, &str>(Function { employed: number(employed)?, trained: number(trained)? })
        });
        Ok(function?.unwrap_or_default())
    }

    /// `id from..until`, with semicolons between them.
    pub(super) fn memberships(&mut self, column: &'static str) -> Read<Vec<Membership>> {
        let all = self.optional(column, |text| text.split(';').map(|one| membership(one.trim())).collect());
        Ok(all?.unwrap_or_default())
    }

    /// Ids, with semicolons between them.
    pub(super) fn ids(&mut self, column: &'static str) -> Read<BTreeSet<Id>> {
        self.needed(column, |text| text.split(';').map(|one| Id::parse(one.trim())).collect())
    }

    /// One of a few words.
    pub(super) fn word<T: serde::de::DeserializeOwned>(
        &mut self,
        column: &'static str,
        words: &'static str,
    ) -> Read<Option<T>> {
        self.optional(column, |text| serde_json::from_value(text.into()).map_err(|_| words))
    }

    pub(super) fn wrong<T>(&mut self, column: &'static str, expected: &dyn Display) -> Read<T> {
        let number = u64::try_from(self.place(column)).unwrap_or(u64::MAX).saturating_add(1);
        self.faults.push(Fault { line: self.line, column: number, expected: format!("{column}: {expected}") });
        Err(Noted)
    }

    fn place(&self, column: &str) -> usize {
        self.columns.iter().position(|name| *name == column).unwrap_or(usize::MAX)
    }
}

fn membership(text: &str) -> Result<Membership, &'static str> {
    const EXPECTED: &str =
        "the id of a coalition and its days, as waterland 2020-01-01..2022-09-30 or waterland 2020-01-01..";
    let (coalition, days) = text.split_once(' ').ok_or(EXPECTED)?;
    let (from, until) = days.trim().split_once("..").ok_or(EXPECTED)?;
    let day = |text: &str| Day::parse(text).map_err(|_| EXPECTED);
    Ok(Membership {
        coalition: Id::parse(coalition).map_err(|_| EXPECTED)?,
        from: day(from)?,
        until: if until.is_empty() { None } else { Some(day(until)?) },
    })
}
