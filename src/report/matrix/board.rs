//! The matrix as it is looked at: rows of a window of days, judged.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::combination::Combination;
use super::judge::{Verdict, judge};
use super::month::{Month, MonthNumber};
use super::standing::{Raised, Standing};
use super::step::Step;
use super::store::{MatrixStore, StandingRow};
use super::tally::Tally;
use super::who::who_acts;
use crate::availability::dutch_today;
use crate::fault::Who;
use crate::oauth::store::StoreError;

/// How long counts are kept, in days.
pub const KEPT_DAYS: u16 = 400;

/// Days of which the attempts are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Today.
    Today,
    /// Today and the six days before.
    Week,
    /// Today and the 29 days before.
    Month,
    /// This quarter of the year, up to today.
    Quarter,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Today, Self::Week, Self::Month, Self::Quarter];

    /// The word in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Week => "7-days",
            Self::Month => "30-days",
            Self::Quarter => "quarter",
        }
    }

    /// The window of this word.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.as_str() == word)
    }

    /// Its first and last day, when today is this.
    #[must_use]
    pub fn days(self, today: Date) -> (Date, Date) {
        let back = |days: i32| today.checked_sub(jiff::Span::new().days(days)).unwrap_or(today);
        let first = match self {
            Self::Today => today,
            Self::Week => back(6),
            Self::Month => back(29),
            Self::Quarter => Date::new(today.year(), (today.month() - 1) / 3 * 3 + 1, 1).unwrap_or(today),
        };
        (first, today)
    }
}

/// A combination in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which.
    pub combination: Combination,
    /// What was tried.
    pub tally: Tally,
    /// Whether it works.
    pub verdict: Verdict,
    /// What is kept of it.
    pub standing: Arc<Standing>,
}

impl Row {
    /// Its alarm.
    #[must_use]
    pub fn alarm(&self) -> Option<&Raised> {
        self.standing.alarm.as_ref()
    }

    /// Who must act, when it fails: by the code of the judged step, else by that of its alarm.
    #[must_use]
    pub fn who(&self) -> Option<Who> {
        match &self.verdict {
            Verdict::Fails(failing) => Some(who_acts(&failing.code)),
            Verdict::Works { .. } | Verdict::TooFew { .. } => self.alarm().map(|alarm| who_acts(&alarm.code)),
        }
    }

    /// Whether somebody must act.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.who().is_some()
    }
}

/// The combinations of a window, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// The first and last day.
    pub days: (Date, Date),
    /// Each combination that was tried in it, or that has an alarm.
    pub rows: Vec<Row>,
}

/// Reads a window as it is at this moment.
///
/// # Errors
/// When the store does not answer.
pub async fn board(store: &dyn MatrixStore, window: Window, now: Timestamp) -> Result<Board, StoreError> {
    let (from, to) = window.days(dutch_today(now));
    let (standings, months) =
        tokio::try_join!(store.standings(), store.months(MonthNumber::of(from), MonthNumber::of(to)))?;
    let mut tallies: HashMap<String, Tally> = HashMap::with_capacity(standings.len());
    for row in months {
        let Some(month) = Month::read(&row.body) else { continue };
        month.tally(row.month.days(from, to), tallies.entry(row.combination).or_default());
    }
    let rows: BTreeMap<Combination, Row> = standings.iter().filter_map(|row| read(row, &mut tallies)).collect();
    Ok(Board { days: (from, to), rows: rows.into_values().collect() })
}

fn read(row: &StandingRow, tallies: &mut HashMap<String, Tally>) -> Option<(Combination, Row)> {
    let tally = tallies.remove(&row.combination).unwrap_or_default();
    if tally.steps.is_empty() && !row.alarmed {
        return None;
    }
    let combination = Combination::parse(&row.combination)?;
    let standing = Arc::new(Standing::read(&row.body)?);
    Some((combination.clone(), Row { verdict: judge(&tally), combination, tally, standing }))
}

/// How many combinations have an alarm, by who must act; for metrics.
#[must_use]
pub fn alarms_by_who<'a>(standings: impl Iterator<Item = &'a Standing>) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<_, _> =
        [Who::Patient, Who::Practice, Who::Pgo, Who::His, Who::Us].map(|who| (who.as_str(), 0)).into();
    for alarm in standings.filter_map(|standing| standing.alarm.as_ref()) {
        *counts.entry(who_acts(&alarm.code).as_str()).or_default() += 1;
    }
    counts
}

/// A request of the matrix, with its place in the catalogue, so that steps are shown in the order in which they are asked.
#[must_use]
pub fn in_order<'a>(row: &'a Row, service: Option<&crate::services::Service>) -> Vec<&'a Step> {
    let place = |step: &Step| match (step, service) {
        (Step::Request(pattern), Some(service)) => super::pattern::place(service, pattern),
        _ => 0,
    };
    let mut steps: Vec<_> = row.tally.steps.keys().collect();
    let rank = |step: &Step| match step {
        Step::Found => 0,
        Step::Login => 1,
        Step::Availability => 2,
        Step::Consent => 3,
        Step::Token => 4,
        Step::Admission => 5,
        Step::Request(_) => 6,
        Step::Complete => 7,
    };
    steps.sort_by_key(|step| (rank(step), place(step), step.to_string()));
    steps
}

#[cfg(test)]
mod tests;
