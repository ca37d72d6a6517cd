//! Reading the index on a server in the order of a log. The records have no key by log and index: it would cost each that is added,
//! and they come in the order of time but for moments. So they are looked for around the time of the one before, and when one is
//! missing there, farther and farther around it.

use std::collections::HashMap;
use std::sync::PoisonError;

use super::PostgresIndex;
use super::days::{DAY_MICROS, Days, steps};
use super::statements;
use crate::audit::{IndexQuery, Indexed};
use crate::store::postgres::pool::Failure;
use crate::store::postgres::statements::column;

/// Where a log was read last: the index after it, and its time.
pub(super) type Hints = HashMap<String, (u64, i64)>;

/// Most logs of which it is known.
const HINTS_MAX: usize = 1_024;
/// How long before the last record the next may have happened, at first and then, in microseconds.
const BEFORE: [i64; 3] = [60_000_000, 3_600_000_000, DAY_MICROS];
/// How long after it a statement looks, in microseconds: it locks each day that it may read.
const AFTER: i64 = 31 * DAY_MICROS;

/// Most records that others, which come later in their log, happened before.
const APART: i64 = 64;

/// A record with its time.
struct Timed {
    time: i64,
    record: Indexed,
}

impl PostgresIndex {
    pub(super) async fn walk(&self, log: &str, from: u64, most: u16) -> Result<Vec<Indexed>, Failure> {
        let hint = match self.hint(log).filter(|(last, _)| *last <= from) {
            Some((_, time)) => Some(time),
            None => self.moment_of(log, from).await?,
        };
        let Some(hint) = hint else { return Ok(Vec::new()) };
        for before in BEFORE {
            let found = self.around(log, from, most, hint.saturating_sub(before)).await?;
            let found = consecutive(found, from, most);
            if !found.is_empty() {
                return Ok(self.read_until(log, found));
            }
        }
        self.anywhere(log, from, most).await
    }

    /// About when this record happened, as far as records happened in the order of the log; `None` when there are no days.
    async fn moment_of(&self, log: &str, from: u64) -> Result<Option<i64>, Failure> {
        let Some(Days { first, last }) = self.kept().await? else { return Ok(None) };
        let (mut low, mut high) = (first * DAY_MICROS, (last + 1) * DAY_MICROS);
        while high - low > BEFORE[0] {
            let middle = i64::midpoint(low, high);
            let next = self.around(log, 0, 1, middle).await?;
            let comes_later = next.iter().map(|timed| timed.record.index).min().is_none_or(|index| index > from);
            (low, high) = if comes_later { (low, middle) } else { (middle, high) };
        }
        Ok(Some(low))
    }

    /// From the first record that is left, wherever it is.
    async fn anywhere(&self, log: &str, from: u64, most: u16) -> Result<Vec<Indexed>, Failure> {
        let mut first: Option<(i64, i64)> = None;
        let ever = IndexQuery::between(jiff::Timestamp::MIN, jiff::Timestamp::MAX);
        for (after, before) in steps(&ever, self.kept().await?) {
            let row =
                self.pool.query_opt(statements::FIRST, &[&log, &super::to_sql(from), &after, &before.time]).await?;
            let found = row.map(|row| Ok::<_, Failure>((column(&row, 0)?, column(&row, 1)?))).transpose()?;
            first = [first, found].into_iter().flatten().min();
        }
        let Some((index, time)) = first else { return Ok(Vec::new()) };
        let from = u64::try_from(index).map_err(|_| Failure::Form)?;
        let found = self.around(log, from, most, time).await?;
        Ok(self.read_until(log, consecutive(found, from, most)))
    }

    /// Some records of a log that did not happen before this moment, by time.
    async fn around(&self, log: &str, from: u64, most: u16, after: i64) -> Result<Vec<Timed>, Failure> {
        let (from, before, most) = (super::to_sql(from), after.saturating_add(AFTER), i64::from(most) + APART);
        let rows = self.pool.query(statements::WALK, &[&log, &from, &after, &before, &most]).await?;
        let timed = |row: &tokio_postgres::Row| {
            let index = u64::try_from(column::<i64>(row, 1)?).map_err(|_| Failure::Form)?;
            Ok(Timed { time: column(row, 0)?, record: Indexed { index, payload: column(row, 2)? } })
        };
        rows.iter().map(timed).collect()
    }

    fn hint(&self, log: &str) -> Option<(u64, i64)> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).get(log).copied()
    }

    fn read_until(&self, log: &str, found: Vec<Timed>) -> Vec<Indexed> {
        if let Some(last) = found.last() {
            let mut hints = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            if hints.len() < HINTS_MAX || hints.contains_key(log) {
                hints.insert(log.to_owned(), (last.record.index, last.time));
            }
        }
        found.into_iter().map(|timed| timed.record).collect()
    }
}

/// Those of them that follow one another from this index on, at most so many.
fn consecutive(mut found: Vec<Timed>, from: u64, most: u16) -> Vec<Timed> {
    found.sort_by_key(|timed| timed.record.index);
    let follows = (from..).zip(&found).take_while(|(index, timed)| timed.record.index == *index).count();
    found.truncate(follows.min(most.into()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_follows_is_taken() {
        let timed = |index| Timed { time: 0, record: Indexed { index, payload: Vec::new() } };
        let indexes = |found: Vec<Timed>| found.iter().map(|timed| timed.record.index).collect::<Vec<_>>();
        assert_eq!(indexes(consecutive([7, 5, 6, 9].map(timed).into(), 5, 9)), [5, 6, 7]);
        assert_eq!(indexes(consecutive([7, 5, 6, 9].map(timed).into(), 5, 2)), [5, 6]);
        assert!(consecutive([6, 7].map(timed).into(), 5, 9).is_empty());
    }

    #[test]
    fn what_a_statement_may_lock_is_bounded() {
        let days = Days { first: 0, last: (AFTER + BEFORE[2]) / DAY_MICROS };
        assert!(days.last - days.first <= 32);
    }
}
