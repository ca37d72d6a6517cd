//! Records become what happened: an intent and its outcome are one thing, and similar things of one day are told as one line.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::Entry;
use super::telling::Telling;
use crate::audit::{Outcome, Record, Word};
use crate::availability::dutch_today;

/// No intent is without its outcome for longer, unless it never gets one: the HIS and the transfer have their deadlines.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// The moments of which everything is told: from the first, before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begins: Timestamp,
    pub(super) ends: Timestamp,
}

/// A day with what happened on it, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Which day, in the Netherlands.
    pub date: Date,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One thing, or several of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    first: Entry,
    later: Vec<Entry>,
}

impl Line {
    /// The first of them: a line stands at its time (NEN 7513:2018 chapter 9).
    #[must_use]
    pub const fn first(&self) -> &Entry {
        &self.first
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.later.len().saturating_add(1)
    }

    /// All of them, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.first).chain(&self.later)
    }
}

type Place = (Option<Arc<str>>, u64);

/// What happened within the span, newest first. `records` are newest first as well, and reach [`LONGEST`] beyond its end, so
/// that an intent of its last hour finds the outcome.
pub(super) fn gather(records: &[Record], span: Span, telling: &Telling<'_>) -> Vec<Entry> {
    let place = |record: &Record, index| (record.source.clone(), index);
    let began: HashMap<Place, Timestamp> = records
        .iter()
        .filter(|record| is_intent(record))
        .map(|record| (place(record, record.index), record.time))
        .collect();
    let ended: HashSet<Place> =
        records.iter().filter_map(|record| record.intent.map(|intent| place(record, intent))).collect();
    let mut entries: Vec<_> = records
        .iter()
        .filter(|record| !ended.contains(&place(record, record.index)))
        .filter_map(|record| {
            let since = match record.intent.map(|intent| began.get(&place(record, intent))) {
                Some(Some(since)) => *since,
                // Its intent lies before what was read, so it belongs to the time before.
                Some(None) if record.time.duration_since(span.begins) < LONGEST => return None,
                Some(None) | None => record.time,
            };
            (span.begins <= since && since < span.ends).then(|| telling.entry(record, since))
        })
        .collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries
}

fn is_intent(record: &Record) -> bool {
    record.outcome == Word::Known(Outcome::Intended)
}

/// The days of these entries, newest first.
pub(super) fn days(entries: Vec<Entry>) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    // From the oldest on, so that a line begins with its first.
    for entry in entries.into_iter().rev() {
        let date = dutch_today(entry.at);
        match days.last_mut().filter(|day| day.date == date) {
            Some(day) => day.take(entry),
            None => days.push(Day { date, lines: vec![Line { first: entry, later: Vec::new() }] }),
        }
    }
    days.reverse();
    for day in &mut days {
        day.lines.reverse();
    }
    days
}

impl Day {
    fn take(&mut self, entry: Entry) {
        match self.lines.iter_mut().find(|line| line.first.is_like(&entry)) {
            Some(line) => line.later.push(entry),
            None => self.lines.push(Line { first: entry, later: Vec::new() }),
        }
    }
}
