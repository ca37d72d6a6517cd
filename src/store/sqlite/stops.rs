//! What operators stopped, in the embedded store.

use jiff::Timestamp;
use rusqlite::{Connection, Result, Row, params};

use super::SqliteStore;
use crate::oauth::store::StoreFuture;
use crate::operations::switch::{IN_FORCE_MAX, PAST_MAX, PastStop, Stop, StopStore};
use crate::routing::Target;
use crate::store::rows::StopRow;

macro_rules! stops {
    ($($rest:literal)?) => {
        concat!("SELECT id, target, reason, stopped_by, stopped_at, lifted_by, lifted_at FROM stops ", $($rest)?)
    };
}

impl StopStore for SqliteStore {
    fn stop(&self, stop: Stop) -> StoreFuture<'_, bool> {
        let row = StopRow::write(&stop);
        Box::pin(self.writer.submit(move |connection| insert(connection, &row)))
    }

    fn lift<'a>(&'a self, target: &Target, by: &str, at: Timestamp) -> StoreFuture<'a, bool> {
        let (target, by, at) = (target.to_string(), by.to_owned(), at.as_microsecond());
        let sql = "UPDATE stops SET lifted_by = ?2, lifted_at = ?3 WHERE target = ?1 AND lifted_at IS NULL";
        Box::pin(
            self.writer
                .submit(move |connection| Ok(connection.prepare_cached(sql)?.execute(params![target, by, at])? > 0)),
        )
    }

    fn in_force(&self) -> StoreFuture<'_, Vec<Stop>> {
        let sql = stops!("WHERE lifted_at IS NULL ORDER BY stopped_at, id LIMIT ?1");
        let found = self.reader.submit(move |connection| rows(connection, sql, 2 * IN_FORCE_MAX));
        Box::pin(async move { found.await?.iter().map(|row| Ok(row.read()?.stop)).collect() })
    }

    fn past(&self) -> StoreFuture<'_, Vec<PastStop>> {
        let sql = stops!("ORDER BY stopped_at DESC, id DESC LIMIT ?1");
        let found = self.reader.submit(move |connection| rows(connection, sql, PAST_MAX));
        Box::pin(async move { found.await?.iter().map(|row| Ok(row.read()?)).collect() })
    }
}

/// Of two at once the index lets one in.
fn insert(connection: &Connection, stop: &StopRow) -> Result<bool> {
    let sql = "INSERT INTO stops (id, target, reason, stopped_by, stopped_at) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO NOTHING";
    let StopRow { id, target, reason, stopped_by, stopped_at, .. } = stop;
    let inserted = connection.prepare_cached(sql)?.execute(params![id, target, reason, stopped_by, stopped_at])?;
    Ok(inserted == 1)
}

fn rows(connection: &Connection, sql: &str, most: usize) -> Result<Vec<StopRow>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params![most], row)?.collect()
}

fn row(row: &Row<'_>) -> Result<StopRow> {
    Ok(StopRow {
        id: row.get(0)?,
        target: row.get(1)?,
        reason: row.get(2)?,
        stopped_by: row.get(3)?,
        stopped_at: row.get(4)?,
        lifted_by: row.get(5)?,
        lifted_at: row.get(6)?,
    })
}
