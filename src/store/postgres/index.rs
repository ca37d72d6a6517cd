//! The index of the access logs of all nodes, in tables that a node only adds to and reads. It has connections of its own, so
//! that a large search or a long backlog keeps none from a code or a token.

mod days;
mod statements;
mod walk;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use self::days::{Days, day_of};
use self::statements::Columns;
use super::pool::{Failure, Pool};
use super::statements::column;
use super::{PostgresError, PostgresSettings, schema};
use crate::audit::{
    Added, AuditIndex, Cursor, Found, IndexBatch, IndexPage, IndexPosition, IndexQuery, Indexed, Outcome, Pseudonym,
    RECORDS_MAX,
};
use crate::oauth::store::{StoreFault, StoreFuture};
use crate::store::index::{IndexStore, Pruned};

/// Connections at a time: the indexer's, and those of people who search.
const CONNECTIONS: usize = 4;
/// How many batches, of all but the last of their log, are deleted at a time.
const BATCHES_STEP: i64 = 10_000;

/// An index on a server.
pub struct PostgresIndex {
    pool: Pool,
    /// Days that are known to have a partition.
    prepared: Mutex<BTreeSet<i64>>,
    /// How far each log was last read in its order.
    read: Mutex<walk::Hints>,
}

impl PostgresIndex {
    /// Connects and looks at the schema, which is that of the store. Connections live on the runtime that this is called in.
    ///
    /// # Errors
    /// See [`PostgresError`].
    pub async fn open(settings: PostgresSettings) -> Result<Self, PostgresError> {
        // A plan is made for the values of each search: one for all values would lock every day of the log.
        let session = "-c plan_cache_mode=force_custom_plan";
        let pool = super::connect(PostgresSettings { connections: CONNECTIONS, ..settings }, session);
        schema::ensure(&pool, false).await?;
        Ok(Self { pool, prepared: Mutex::default(), read: Mutex::default() })
    }

    /// Makes the partitions that a batch needs, and those of the week after it. Without them its records go to the rest.
    async fn prepare(&self, batch: &IndexBatch) {
        let missing = {
            let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            Days::missing(batch.entries.iter().map(|entry| day_of(entry.time)), &prepared)
        };
        for Days { first, last } in missing {
            match self.pool.query(statements::PREPARE, &[&first, &last]).await {
                Ok(_) => self.prepared.lock().unwrap_or_else(PoisonError::into_inner).extend(first..=last),
                Err(error) => tracing::warn!(%error, "days of the audit index have no partition of their own yet"),
            }
        }
    }

    async fn try_add(&self, batch: &IndexBatch) -> Result<Added, Failure> {
        let log: &str = &batch.log;
        self.pool.query(statements::KNOW_LOG, &[&log]).await?;
        let (first, next) = (to_sql(batch.first()), to_sql(batch.next()));
        let rows = Columns::of(&batch.entries);
        let leaf = batch.leaf.as_slice();
        let added = self
            .pool
            .query_opt(
                statements::ADD,
                &[
                    &log,
                    &first,
                    &next,
                    &leaf,
                    &rows.times,
                    &rows.indexes,
                    &rows.kinds,
                    &rows.outcomes,
                    &rows.subjects,
                    &rows.providers,
                    &rows.clients,
                    &rows.services,
                    &rows.payloads,
                ],
            )
            .await;
        match added {
            Ok(row) => Ok(if column::<i64>(&row.ok_or(Failure::Form)?, 0)? == 1 { Added::Done } else { Added::Raced }),
            Err(failure) if failure.is_duplicate() => Ok(Added::Raced),
            Err(failure) => Err(failure),
        }
    }

    /// The search in steps of some months, because a statement locks every day that it may read.
    async fn try_search(&self, query: &IndexQuery) -> Result<IndexPage, Failure> {
        let mut found = Vec::new();
        for (from, start) in days::steps(query, self.kept().await?) {
            let more = query.page() + 1 - found.len();
            found.extend(self.select(query, from, start, more).await?);
            if found.len() > query.page() {
                break;
            }
        }
        Ok(IndexPage::of(found, query.page()))
    }

    /// The first and the last day with a partition.
    async fn kept(&self) -> Result<Option<Days>, Failure> {
        let row = self.pool.query_opt(statements::KEPT_DAYS, &[]).await?.ok_or(Failure::Form)?;
        let (first, last): (Option<i64>, Option<i64>) = (column(&row, 0)?, column(&row, 1)?);
        Ok(first.zip(last).map(|(first, last)| Days { first, last }))
    }

    async fn select(&self, query: &IndexQuery, from: i64, start: Cursor, most: usize) -> Result<Vec<Found>, Failure> {
        let subjects: Vec<&str> = query.subjects.iter().map(Pseudonym::as_str).collect();
        let kinds: Vec<&str> = query.kinds.iter().map(|kind| kind.as_str()).collect();
        let outcomes: Vec<&str> = query.outcomes.iter().copied().map(Outcome::as_str).collect();
        let provider = query.provider.as_ref().map(|name| name.as_str());
        let client = query.client.as_ref().map(|host| host.as_str());
        let service = query.service.as_ref().map(|id| id.as_str());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self
            .pool
            .query(
                statements::SEARCH,
                &[
                    &from,
                    &start.time,
                    &start.log,
                    &start.index,
                    &some(subjects),
                    &provider,
                    &client,
                    &service,
                    &some(kinds),
                    &some(outcomes),
                    &most,
                ],
            )
            .await?;
        rows.iter().map(statements::found).collect()
    }

    async fn try_prune(&self, before: Timestamp) -> Result<Pruned, Failure> {
        let mut pruned = Pruned::default();
        loop {
            let dropped = self.count(statements::DROP_BEFORE, day_of(before)).await?;
            pruned.days += dropped;
            if dropped == 0 {
                break;
            }
        }
        // A day that was dropped has no partition any more.
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).clear();
        pruned.records = self.count(statements::PRUNE_REST, before.as_microsecond()).await?;
        while self.count(statements::PRUNE_BATCHES, BATCHES_STEP).await? > 0 {}
        Ok(pruned)
    }

    async fn try_forget(&self, log: &str) -> Result<(), Failure> {
        // The position first: rows that are left over do no harm when the log is added again.
        self.pool.query(statements::FORGET_BATCHES, &[&log]).await?;
        let ever = IndexQuery::between(Timestamp::MIN, Timestamp::MAX);
        for (from, before) in days::steps(&ever, self.kept().await?) {
            self.pool.query(statements::FORGET_RECORDS, &[&log, &from, &before.time]).await?;
        }
        Ok(())
    }

    async fn count(&self, sql: &'static str, value: i64) -> Result<u64, Failure> {
        let row = self.pool.query_opt(sql, &[&value]).await?.ok_or(Failure::Form)?;
        u64::try_from(column::<i64>(&row, 0)?).map_err(|_| Failure::Form)
    }
}

impl AuditIndex for PostgresIndex {
    fn search(&self, query: IndexQuery) -> StoreFuture<'_, IndexPage> {
        Box::pin(async move { Ok(self.try_search(&query).await?) })
    }

    fn position(&self, log: Arc<str>) -> StoreFuture<'_, Option<IndexPosition>> {
        Box::pin(async move {
            let log: &str = &log;
            let row = self.pool.query_opt(statements::POSITION, &[&log]).await?;
            Ok(row.as_ref().map(statements::position).transpose()?)
        })
    }

    fn add(&self, batch: IndexBatch) -> StoreFuture<'_, Added> {
        Box::pin(async move {
            self.prepare(&batch).await;
            Ok(self.try_add(&batch).await?)
        })
    }

    fn logs(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async move {
            let rows = self.pool.query(statements::LOGS, &[]).await?;
            Ok(rows.iter().map(|row| column(row, 0)).collect::<Result<_, Failure>>()?)
        })
    }

    fn records(&self, log: Arc<str>, from: u64, most: u16) -> StoreFuture<'_, Vec<Indexed>> {
        Box::pin(async move { Ok(self.walk(&log, from, most.min(RECORDS_MAX)).await?) })
    }
}

impl IndexStore for PostgresIndex {
    fn health(&self) -> Result<(), StoreFault> {
        self.pool.health()
    }

    /// Drops whole days; only the owner of the tables may.
    fn prune(&self, before: Timestamp) -> StoreFuture<'_, Pruned> {
        Box::pin(async move { Ok(self.try_prune(before).await?) })
    }

    /// Only who may delete can do this.
    fn forget(&self, log: Arc<str>) -> StoreFuture<'_, ()> {
        Box::pin(async move { Ok(self.try_forget(&log).await?) })
    }

    fn close(&self) {
        self.pool.close();
    }
}

impl fmt::Debug for PostgresIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresIndex").field("pool", &self.pool.figures()).finish_non_exhaustive()
    }
}

/// An empty choice is no condition.
fn some<T>(choice: Vec<T>) -> Option<Vec<T>> {
    Some(choice).filter(|choice| !choice.is_empty())
}

/// The server has signed numbers only; no log reaches half of the unsigned ones.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
