//! The SQL of the index on a server, each constant one statement and one operation.

use std::sync::Arc;

use tokio_postgres::Row;

use super::super::pool::Failure;
use super::super::statements::column;
use crate::audit::{Cursor, Entry, Found, IndexPosition};

/// `$1` and `$2` are days.
pub(super) const PREPARE: &str = "SELECT audit_prepare($1, $2)";

pub(super) const KNOW_LOG: &str = "INSERT INTO audit_logs (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";

pub(super) const POSITION: &str = "SELECT b.next, b.leaf FROM audit_logs l JOIN audit_batches b ON b.log = l.id
    WHERE l.name = $1 ORDER BY b.number DESC LIMIT 1";

/// A log that was forgotten has no batches.
pub(super) const LOGS: &str =
    "SELECT l.name FROM audit_logs l WHERE EXISTS (SELECT 1 FROM audit_batches b WHERE b.log = l.id)";

/// The batch is there only when it begins where the last one of its log ended, and the records only with it. Records that are
/// there already are left over from before the log was forgotten.
pub(super) const ADD: &str = "WITH known AS (SELECT id FROM audit_logs WHERE name = $1),
    latest AS (
        SELECT b.number, b.next FROM audit_batches b JOIN known ON b.log = known.id ORDER BY b.number DESC LIMIT 1),
    batch AS (
        INSERT INTO audit_batches (log, number, first, next, leaf)
        SELECT known.id, coalesce((SELECT number FROM latest), 0) + 1, $2, $3, $4 FROM known
        WHERE coalesce((SELECT next FROM latest), $2) = $2 RETURNING log),
    added AS (
        INSERT INTO audit_records (time, log, idx, kind, outcome, subject, provider, client, service, payload)
        SELECT r.time, batch.log, r.idx, r.kind, r.outcome, r.subject, r.provider, r.client, r.service, r.payload
        FROM batch CROSS JOIN unnest($5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::bytea[])
            AS r (time, idx, kind, outcome, subject, provider, client, service, payload)
        ON CONFLICT (time, log, idx) DO NOTHING)
    SELECT count(*) FROM batch";

/// What is `NULL` is no condition; the plan is made when that is known.
pub(super) const SEARCH: &str = "SELECT r.time, r.log, r.idx, l.name, r.payload
    FROM audit_records r JOIN audit_logs l ON l.id = r.log
    WHERE r.time >= $1 AND r.time <= $2 AND (r.time, r.log, r.idx) < ($2, $3, $4)
        AND ($5::text[] IS NULL OR r.subject = ANY ($5)) AND ($6::text IS NULL OR r.provider = $6)
        AND ($7::text IS NULL OR r.client = $7) AND ($8::text IS NULL OR r.service = $8)
        AND ($9::text[] IS NULL OR r.kind = ANY ($9)) AND ($10::text[] IS NULL OR r.outcome = ANY ($10))
    ORDER BY r.time DESC, r.log DESC, r.idx DESC LIMIT $11";

/// Records of a log from an index on, in a time, the first by time.
pub(super) const WALK: &str = "SELECT r.time, r.idx, r.payload FROM audit_records r
    WHERE r.log = (SELECT id FROM audit_logs WHERE name = $1) AND r.idx >= $2 AND r.time >= $3 AND r.time < $4
    ORDER BY r.time, r.log, r.idx LIMIT $5";

/// The first record of a log from an index on, in a time.
pub(super) const FIRST: &str = "SELECT r.idx, r.time FROM audit_records r
    WHERE r.log = (SELECT id FROM audit_logs WHERE name = $1) AND r.idx >= $2 AND r.time >= $3 AND r.time <= $4
    ORDER BY r.idx, r.time LIMIT 1";

/// The names of partitions end in their day.
pub(super) const KEPT_DAYS: &str = "SELECT (min(d.day) - date '1970-01-01')::bigint, (max(d.day) - date '1970-01-01')::bigint
    FROM (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_records'::regclass AND c.relname <> 'audit_records_rest') d";

pub(super) const DROP_BEFORE: &str = "SELECT audit_drop_before($1)";

pub(super) const PRUNE_REST: &str =
    "WITH gone AS (DELETE FROM audit_records_rest WHERE time < $1 RETURNING 1) SELECT count(*) FROM gone";

/// All but the last batch of each log, a step of them.
pub(super) const PRUNE_BATCHES: &str = "WITH gone AS (
        DELETE FROM audit_batches b USING (
            SELECT o.log, o.number FROM audit_batches o
            WHERE o.number < (SELECT max(n.number) FROM audit_batches n WHERE n.log = o.log) LIMIT $1) old
        WHERE b.log = old.log AND b.number = old.number RETURNING 1)
    SELECT count(*) FROM gone";

pub(super) const FORGET_BATCHES: &str =
    "DELETE FROM audit_batches WHERE log = (SELECT id FROM audit_logs WHERE name = $1)";

pub(super) const FORGET_RECORDS: &str =
    "DELETE FROM audit_records WHERE log = (SELECT id FROM audit_logs WHERE name = $1) AND time >= $2 AND time < $3";

/// Records by column, as `unnest` takes them.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) times: Vec<i64>,
    pub(super) indexes: Vec<i64>,
    pub(super) kinds: Vec<&'a str>,
    pub(super) outcomes: Vec<&'a str>,
    pub(super) subjects: Vec<Option<&'a str>>,
    pub(super) providers: Vec<Option<&'a str>>,
    pub(super) clients: Vec<Option<&'a str>>,
    pub(super) services: Vec<Option<&'a str>>,
    pub(super) payloads: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Self {
        let mut columns = Self::default();
        for entry in entries {
            columns.times.push(entry.time.as_microsecond());
            columns.indexes.push(super::to_sql(entry.index));
            columns.kinds.push(entry.kind());
            columns.outcomes.push(entry.outcome());
            columns.subjects.push(entry.subject());
            columns.providers.push(entry.provider());
            columns.clients.push(entry.client());
            columns.services.push(entry.service());
            columns.payloads.push(entry.payload());
        }
        columns
    }
}

pub(super) fn position(row: &Row) -> Result<IndexPosition, Failure> {
    let next = u64::try_from(column::<i64>(row, 0)?).map_err(|_| Failure::Form)?;
    let leaf = column::<Vec<u8>>(row, 1)?.try_into().map_err(|_| Failure::Form)?;
    Ok(IndexPosition { next, leaf })
}

pub(super) fn found(row: &Row) -> Result<Found, Failure> {
    let place = Cursor { time: column(row, 0)?, log: column(row, 1)?, index: column(row, 2)? };
    Ok(Found { place, log: Arc::from(column::<String>(row, 3)?), payload: column(row, 4)? })
}
