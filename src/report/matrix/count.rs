//! Counts records of the access log into the matrix: a batch is read, everything it touches is loaded, and all of the change is
//! kept at once, or nothing when another node was first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::alarm::{End, Suspect, WEEK, end, suspect};
use super::combination::Combination;
use super::fact::Fact;
use super::judge::{Verdict, judge};
use super::month::{Month, MonthNumber};
use super::standing::{Cleared, PAST_MAX, Raised, Standing};
use super::store::{Change, CountedTo, Held, Kept, LogPosition, MatrixStore, MonthRow, StandingRow, VisitRow, Wanted};
use super::tally::Tally;
use super::visit::{Attempt, Visit, World};
use crate::audit::Record;
use crate::availability::dutch_today;
use crate::medmij::LocalId;
use crate::oauth::store::StoreError;

/// Most combinations that are kept; more can only come of a register that is not in order.
pub const COMBINATIONS_MAX: u64 = 20_000;
/// Most visits that are looked after beside those of a batch.
pub const DUE_MAX: u16 = 2_000;

/// Records of one log, in its order.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The log.
    pub log: &'a Arc<str>,
    /// The index of the first.
    pub from: u64,
    /// The index after the last.
    pub next: u64,
    /// Those of them that this release can read.
    pub records: &'a [Record],
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// It is counted.
    Done {
        /// Alarms that began and ended.
        alarms: Alarms,
        /// How many visits were looked after.
        visits: usize,
    },
    /// Another node was first; nothing was counted.
    Raced,
}

/// Alarms that began and ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alarms {
    /// Combinations that stopped working.
    pub raised: Vec<(Combination, Raised)>,
    /// Those that work again, or that nobody tries any more.
    pub cleared: Vec<(Combination, Cleared)>,
}

/// Counts a batch, if there is one, and ends what was over at `until`: a moment up to which every log is counted.
///
/// # Errors
/// When the store does not answer; nothing is counted then.
pub async fn count(
    store: &dyn MatrixStore,
    world: &(impl World + Sync),
    batch: Option<Batch<'_>>,
    until: Timestamp,
) -> Result<Counted, StoreError> {
    let counted = store.counted().await?;
    if batch.is_some_and(|batch| counted.logs.get(batch.log).map_or(0, |at| at.next) != batch.from) {
        return Ok(Counted::Raced);
    }
    let facts: Vec<Fact> = batch.iter().flat_map(|batch| batch.records).filter_map(Fact::of).collect();
    let visits = facts.iter().map(|fact| fact.visit.to_string()).collect::<BTreeSet<_>>();
    let visits = visits.iter().filter_map(|id| LocalId::parse(id)).collect();
    let wanted = Wanted { visits, due: Some((until, DUE_MAX)), alarmed: true, ..Wanted::default() };
    let held = store.held(wanted).await?;
    let (visits, attempts) = walk(&facts, &held, until, world);
    if batch.is_none() && visits.is_empty() && held.standings.is_empty() {
        return Ok(Counted::Done { alarms: Alarms::default(), visits: 0 });
    }
    let mut sheet = Sheet::load(store, held.standings, &attempts).await?;
    let known = counted.combinations;
    attempts.iter().for_each(|attempt| sheet.add(attempt, known));
    let alarms = sheet.alarms(store, until).await?;
    if batch.is_none() && visits.is_empty() && alarms == Alarms::default() {
        return Ok(Counted::Done { alarms, visits: 0 });
    }
    let looked_after = visits.len();
    let change = Change {
        generation: counted.generation,
        log: batch.map(|batch| position(&batch, &counted)),
        visits,
        months: sheet.month_rows(),
        standings: sheet.standing_rows(),
    };
    Ok(match store.keep(change).await? {
        Kept::Done => Counted::Done { alarms, visits: looked_after },
        Kept::Raced => Counted::Raced,
    })
}

fn position(batch: &Batch<'_>, counted: &CountedTo) -> (Arc<str>, LogPosition) {
    let before = counted.logs.get(batch.log).map(|at| at.time);
    let times = batch.records.iter().map(|record| record.time);
    let time = times.chain(before).max().unwrap_or(Timestamp::UNIX_EPOCH);
    (Arc::clone(batch.log), LogPosition { next: batch.next, time })
}

/// The visits as they are afterwards, and what was tried.
fn walk(facts: &[Fact], held: &Held, until: Timestamp, world: &impl World) -> (Vec<VisitRow>, Vec<Attempt>) {
    let mut attempts = Vec::new();
    let read = |(id, body): &(LocalId, Vec<u8>)| (id.to_string(), (*id, Visit::read(body).unwrap_or_default()));
    let mut visits: BTreeMap<String, (LocalId, Visit)> = held.visits.iter().map(read).collect();
    for fact in facts {
        let (_, visit) = visits.entry(fact.visit.to_string()).or_insert_with(|| (fact.visit, Visit::default()));
        visit.learn(fact, world, &mut attempts);
    }
    let row = |(id, mut visit): (LocalId, Visit)| {
        visit.sweep(id, until, world, &mut attempts);
        let kept = (!visit.is_over(until)).then(|| (visit.due(), visit.write()));
        VisitRow { visit: id, kept }
    };
    (visits.into_values().map(row).collect(), attempts)
}

/// What a batch changes of combinations.
struct Sheet {
    months: BTreeMap<(Combination, MonthNumber), Month>,
    standings: BTreeMap<Combination, Standing>,
}

impl Sheet {
    async fn load(
        store: &dyn MatrixStore,
        alarmed: Vec<StandingRow>,
        attempts: &[Attempt],
    ) -> Result<Self, StoreError> {
        let key = |attempt: &Attempt| (attempt.combination.key(), MonthNumber::of(dutch_today(attempt.at)));
        let months: BTreeSet<(String, MonthNumber)> = attempts.iter().map(key).collect();
        let standings: BTreeSet<String> = attempts.iter().map(|attempt| attempt.combination.key()).collect();
        let (months, standings) = (months.into_iter().collect(), standings.into_iter().collect());
        let held = store.held(Wanted { months, standings, ..Wanted::default() }).await?;
        let read = |row: StandingRow| {
            Some((Combination::parse(&row.combination)?, Standing::read(&row.body).unwrap_or_default()))
        };
        let standings = alarmed.into_iter().chain(held.standings).filter_map(read).collect();
        Ok(Self { months: months_of(held.months), standings })
    }

    fn add(&mut self, attempt: &Attempt, known: u64) {
        let is_new = !self.standings.contains_key(&attempt.combination);
        if is_new && known.saturating_add(self.standings.len() as u64) >= COMBINATIONS_MAX {
            return;
        }
        let day = dutch_today(attempt.at);
        self.standings.entry(attempt.combination.clone()).or_default().add(attempt);
        let month = self.months.entry((attempt.combination.clone(), MonthNumber::of(day))).or_default();
        month.add(day.day().unsigned_abs(), attempt);
    }

    /// Ends alarms that are over, and raises those that begin.
    async fn alarms(&mut self, store: &dyn MatrixStore, until: Timestamp) -> Result<Alarms, StoreError> {
        let mut alarms = Alarms::default();
        for (combination, standing) in &mut self.standings {
            if let (Some(ended), Some(alarm)) = (end(standing, until), standing.alarm.clone()) {
                standing.alarm = None;
                let cleared = cleared(alarm, ended);
                standing.past.insert(0, cleared.clone());
                standing.past.truncate(PAST_MAX);
                alarms.cleared.push((combination.clone(), cleared));
            }
        }
        let suspects: Vec<(Combination, Suspect)> = self.standings.iter().filter_map(under_suspicion).collect();
        for (combination, suspect) in suspects {
            if self.worked(store, &combination, suspect.worked).await?
                && let Some(standing) = self.standings.get_mut(&combination)
            {
                standing.alarm = Some(suspect.alarm.clone());
                alarms.raised.push((combination, suspect.alarm));
            }
        }
        Ok(alarms)
    }

    /// Whether the combination worked in the week up to this moment. The day on which it stopped is judged with the days before,
    /// and without itself.
    async fn worked(
        &self,
        store: &dyn MatrixStore,
        combination: &Combination,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let to = dutch_today(at);
        let from = to.checked_sub(WEEK).unwrap_or(to);
        let (first, last) = (MonthNumber::of(from), MonthNumber::of(to));
        let months = vec![(combination.key(), first), (combination.key(), last)];
        let held = store.held(Wanted { months, ..Wanted::default() }).await?;
        let mut months = months_of(held.months);
        let own = [first, last].map(|month| (combination.clone(), month));
        months.extend(own.into_iter().filter_map(|key| Some((key.clone(), self.months.get(&key)?.clone()))));
        let works = |from: Date, to: Date| {
            let mut tally = Tally::default();
            months.iter().for_each(|((_, number), month)| month.tally(number.days(from, to), &mut tally));
            matches!(judge(&tally), Verdict::Works { .. })
        };
        Ok(works(from, to) || to.checked_sub(1.day()).is_ok_and(|before| works(from, before)))
    }

    fn month_rows(&self) -> Vec<MonthRow> {
        let row = |((combination, month), counts): (&(Combination, MonthNumber), &Month)| MonthRow {
            combination: combination.key(),
            month: *month,
            body: counts.write(),
        };
        self.months.iter().map(row).collect()
    }

    fn standing_rows(&self) -> Vec<StandingRow> {
        let row = |(combination, standing): (&Combination, &Standing)| StandingRow {
            combination: combination.key(),
            alarmed: standing.alarm.is_some(),
            touched: standing.last().unwrap_or(Timestamp::UNIX_EPOCH),
            body: standing.write(),
        };
        self.standings.iter().map(row).collect()
    }
}

fn months_of(rows: Vec<MonthRow>) -> BTreeMap<(Combination, MonthNumber), Month> {
    let read = |row: MonthRow| {
        let combination = Combination::parse(&row.combination)?;
        Some(((combination, row.month), Month::read(&row.body).unwrap_or_default()))
    };
    rows.into_iter().filter_map(read).collect()
}

fn under_suspicion((combination, standing): (&Combination, &Standing)) -> Option<(Combination, Suspect)> {
    if standing.alarm.is_some() { None } else { Some((combination.clone(), suspect(standing)?)) }
}

fn cleared(alarm: Raised, ended: End) -> Cleared {
    let (cleared, works) = match ended {
        End::Works(at) => (at, true),
        End::Untried(at) => (at, false),
    };
    Cleared { alarm, cleared, works }
}

#[cfg(test)]
pub(super) mod tests;
