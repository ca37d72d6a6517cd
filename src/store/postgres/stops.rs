//! What operators stopped, in the store of many nodes.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::pool::Failure;
use super::statements::column;
use crate::oauth::store::StoreFuture;
use crate::operations::switch::{IN_FORCE_MAX, PAST_MAX, PastStop, Stop, StopStore};
use crate::routing::Target;
use crate::store::rows::StopRow;

/// Of two at once the index lets one in, and gives a row to that one only.
const STOP: &str = "
    INSERT INTO stops (id, target, reason, stopped_by, stopped_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING 1";

const LIFT: &str = "
    UPDATE stops SET lifted_by = $2, lifted_at = $3 WHERE target = $1 AND lifted_at IS NULL RETURNING 1";

const IN_FORCE: &str = "
    SELECT id, target, reason, stopped_by, stopped_at, lifted_by, lifted_at FROM stops
    WHERE lifted_at IS NULL ORDER BY stopped_at, id LIMIT $1";

const PAST: &str = "
    SELECT id, target, reason, stopped_by, stopped_at, lifted_by, lifted_at FROM stops
    ORDER BY stopped_at DESC, id DESC LIMIT $1";

impl PostgresStore {
    async fn stops(&self, sql: &'static str, most: usize) -> Result<Vec<StopRow>, Failure> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.pool.query(sql, &[&most]).await?.iter().map(row).collect()
    }
}

impl StopStore for PostgresStore {
    fn stop(&self, stop: Stop) -> StoreFuture<'_, bool> {
        let StopRow { id, target, reason, stopped_by, stopped_at, .. } = StopRow::write(&stop);
        Box::pin(async move {
            let inserted = self.pool.query_opt(STOP, &[&id, &target, &reason, &stopped_by, &stopped_at]).await?;
            Ok(inserted.is_some())
        })
    }

    fn lift<'a>(&'a self, target: &Target, by: &str, at: Timestamp) -> StoreFuture<'a, bool> {
        let (target, by, at) = (target.to_string(), by.to_owned(), at.as_microsecond());
        Box::pin(async move { Ok(self.pool.query_opt(LIFT, &[&target, &by, &at]).await?.is_some()) })
    }

    fn in_force(&self) -> StoreFuture<'_, Vec<Stop>> {
        Box::pin(async move {
            let rows = self.stops(IN_FORCE, 2 * IN_FORCE_MAX).await?;
            rows.iter().map(|row| Ok(row.read()?.stop)).collect()
        })
    }

    fn past(&self) -> StoreFuture<'_, Vec<PastStop>> {
        Box::pin(async move { self.stops(PAST, PAST_MAX).await?.iter().map(|row| Ok(row.read()?)).collect() })
    }
}

fn row(row: &Row) -> Result<StopRow, Failure> {
    Ok(StopRow {
        id: column(row, 0)?,
        target: column(row, 1)?,
        reason: column(row, 2)?,
        stopped_by: column(row, 3)?,
        stopped_at: column(row, 4)?,
        lifted_by: column(row, 5)?,
        lifted_at: column(row, 6)?,
    })
}
