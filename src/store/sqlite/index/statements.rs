//! The SQL of the index in a file. Conditions are put together from the constants below; values are always bound.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params, params_from_iter};

use crate::audit::{Added, Cursor, Entry, Found, IndexBatch, IndexPage, IndexPosition, IndexQuery, Pseudonym};

/// How many rows one step of pruning deletes at most.
pub(super) const PRUNE_STEP: u64 = 1_000;

pub(super) fn position(connection: &Connection, log: &str) -> Result<Option<IndexPosition>> {
    // A log that was forgotten is at 0.
    let sql = "SELECT next, leaf FROM logs WHERE name = ?1 AND next > 0";
    let read = |row: &Row<'_>| Ok(IndexPosition { next: from_sql(row.get(0)?), leaf: row.get(1)? });
    connection.prepare_cached(sql)?.query_row([log], read).optional()
}

/// The writer is alone in its transaction, so that what is read here holds until it ends.
pub(super) fn add(connection: &Connection, batch: &IndexBatch) -> Result<Added> {
    let known = position(connection, &batch.log)?;
    if known.is_some_and(|position| position.next != batch.first()) {
        return Ok(Added::Raced);
    }
    let sql = "INSERT INTO logs (name, next, leaf) VALUES (?1, ?2, ?3)
               ON CONFLICT (name) DO UPDATE SET next = excluded.next, leaf = excluded.leaf RETURNING id";
    let place = params![&*batch.log, to_sql(batch.next()), batch.leaf];
    let log: i64 = connection.prepare_cached(sql)?.query_row(place, |row| row.get(0))?;
    batch.entries.iter().try_for_each(|entry| insert(connection, log, entry))?;
    Ok(Added::Done)
}

fn insert(connection: &Connection, log: i64, entry: &Entry) -> Result<()> {
    // What is there already is left over from before the log was forgotten.
    let sql =
        "INSERT OR IGNORE INTO records (time, log, idx, kind, outcome, subject, provider, client, service, payload)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        entry.time.as_microsecond(),
        log,
        to_sql(entry.index),
        entry.kind,
        entry.outcome,
        entry.subject,
        entry.provider,
        entry.client,
        entry.service,
        entry.payload
    ])?;
    Ok(())
}

/// Each pseudonym is looked for by itself, so that the index of subjects gives its rows in order and no more than a page of them
/// is read.
pub(super) fn search(connection: &Connection, query: &IndexQuery) -> Result<IndexPage> {
    let mut found = Vec::new();
    if query.subjects.is_empty() {
        found = Select::of(query, None).run(connection)?;
    }
    for subject in &query.subjects {
        found.extend(Select::of(query, Some(subject)).run(connection)?);
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.place));
    Ok(IndexPage::of(found, query.page()))
}

/// A search for one subject or any, in the order of the page; one record more than a page.
#[derive(Default)]
pub(super) struct Select {
    conditions: String,
    pub(super) values: Vec<Value>,
}

impl Select {
    pub(super) fn of(query: &IndexQuery, subject: Option<&Pseudonym>) -> Self {
        let start = query.start();
        let mut select = Self::default();
        select.put("(r.time, r.log, r.idx) < ", &[start.time, start.log, start.index]);
        select.put("r.time >= ", &[query.from.as_microsecond()]);
        select.equal("r.subject = ", subject.map(Pseudonym::as_str));
        select.equal("r.provider = ", query.provider.as_ref().map(|name| name.as_str()));
        select.equal("r.client = ", query.client.as_ref().map(|host| host.as_str()));
        select.equal("r.service = ", query.service.as_ref().map(|id| id.as_str()));
        select.one_of("r.kind IN ", query.kinds.iter().map(|kind| kind.as_str()));
        select.one_of("r.outcome IN ", query.outcomes.iter().map(|outcome| outcome.as_str()));
        select.values.push(Value::Integer(i64::try_from(query.page() + 1).unwrap_or(i64::MAX)));
        select
    }

    pub(super) fn sql(&self) -> String {
        format!(
            "SELECT r.time, r.log, r.idx, l.name, r.payload FROM records r JOIN logs l ON l.id = r.log{}
             ORDER BY r.time DESC, r.log DESC, r.idx DESC LIMIT ?",
            self.conditions
        )
    }

    fn put(&mut self, condition: &'static str, numbers: &[i64]) {
        self.begin(condition, numbers.len());
        self.values.extend(numbers.iter().map(|number| Value::Integer(*number)));
    }

    fn equal(&mut self, condition: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.begin(condition, 1);
            self.values.push(Value::Text(text.to_owned()));
        }
    }

    fn one_of(&mut self, condition: &'static str, words: impl ExactSizeIterator<Item = &'static str>) {
        if words.len() > 0 {
            self.begin(condition, words.len());
            self.values.extend(words.map(|word| Value::Text(word.to_owned())));
        }
    }

    fn begin(&mut self, condition: &'static str, values: usize) {
        self.conditions.push_str(if self.conditions.is_empty() { " WHERE " } else { " AND " });
        self.conditions.push_str(condition);
        self.conditions.push('(');
        self.conditions.push_str(&vec!["?"; values].join(", "));
        self.conditions.push(')');
    }

    fn run(self, connection: &Connection) -> Result<Vec<Found>> {
        let mut statement = connection.prepare_cached(&self.sql())?;
        let found = statement.query_map(params_from_iter(self.values), found)?;
        found.collect()
    }
}

fn found(row: &Row<'_>) -> Result<Found> {
    let place = Cursor { time: row.get(0)?, log: row.get(1)?, index: row.get(2)? };
    Ok(Found { place, log: Arc::from(row.get::<_, String>(3)?), payload: row.get(4)? })
}

/// Deletes a step of the records before a moment, oldest first, and says how many.
pub(super) fn prune(connection: &Connection, before: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM records WHERE rowid IN (SELECT rowid FROM records WHERE time < ?1 ORDER BY time LIMIT ?2)";
    let deleted = connection.prepare_cached(sql)?.execute(params![before.as_microsecond(), to_sql(PRUNE_STEP)])?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}

/// Sets the position of a log back, deletes a step of its records, and says how many.
pub(super) fn forget(connection: &Connection, log: &str) -> Result<u64> {
    connection.prepare_cached("UPDATE logs SET next = 0 WHERE name = ?1")?.execute([log])?;
    let sql = "DELETE FROM records WHERE rowid IN (
                   SELECT rowid FROM records WHERE log = (SELECT id FROM logs WHERE name = ?1) LIMIT ?2)";
    let deleted = connection.prepare_cached(sql)?.execute(params![log, to_sql(PRUNE_STEP)])?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}

/// SQLite has signed numbers only; no log reaches half of the unsigned ones.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
