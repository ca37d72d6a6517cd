//! Stages and places, in the embedded store.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::SqliteStore;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::golive::places::{Change, Count, ENTRANCES_MAX, GoLiveStore, PAST_MAX, PEOPLE_MAX, Seated};
use crate::practices::golive::{Entrance, Mark};
use crate::store::rows::{ChangeRow, Door, entrance};

const IN_FORCE: &str = "
    SELECT provider, service, number, id, stage, reason, set_by, set_at FROM go_live AS own
    WHERE number = (SELECT MAX(number) FROM go_live WHERE provider = own.provider AND service = own.service)
    ORDER BY provider, service LIMIT ?1";

const PAST: &str = "
    SELECT provider, service, number, id, stage, reason, set_by, set_at FROM go_live
    WHERE provider = ?1 AND service = ?2 ORDER BY number DESC LIMIT ?3";

impl GoLiveStore for SqliteStore {
    fn change(&self, change: Change) -> StoreFuture<'_, bool> {
        let row = ChangeRow::write(&change);
        Box::pin(self.writer.submit(move |connection| insert(connection, &row)))
    }

    fn newest(&self) -> StoreFuture<'_, Vec<Change>> {
        let found = self.reader.submit(move |connection| {
            let mut statement = connection.prepare_cached(IN_FORCE)?;
            statement.query_map(params![limit(ENTRANCES_MAX)], row)?.collect::<Result<Vec<_>>>()
        });
        Box::pin(async move { found.await?.iter().map(|row| Ok(row.read()?)).collect() })
    }

    fn changes(&self, entrance: &Entrance) -> StoreFuture<'_, Vec<Change>> {
        let door = Door::of(entrance);
        let found = self.reader.submit(move |connection| {
            let mut statement = connection.prepare_cached(PAST)?;
            statement.query_map(params![door.provider, door.service, limit(PAST_MAX)], row)?.collect::<Result<Vec<_>>>()
        });
        Box::pin(async move { found.await?.iter().map(|row| Ok(row.read()?)).collect() })
    }

    fn seat(
        &self,
        entrance: &Entrance,
        marks: Vec<Mark>,
        places: Option<u16>,
        at: Timestamp,
    ) -> StoreFuture<'_, Seated> {
        let (door, at) = (Door::of(entrance), at.as_microsecond());
        Box::pin(self.writer.submit(move |connection| seat(connection, &door, &marks, places, at)))
    }

    fn unseat(&self, entrance: &Entrance, marks: Vec<Mark>) -> StoreFuture<'_, bool> {
        let door = Door::of(entrance);
        Box::pin(self.writer.submit(move |connection| {
            let sql = "DELETE FROM go_live_places WHERE provider = ?1 AND service = ?2 AND mark = ?3";
            let mut statement = connection.prepare_cached(sql)?;
            marks.iter().try_fold(false, |found, mark| {
                Ok(statement.execute(params![door.provider, door.service, mark.as_bytes()])? > 0 || found)
            })
        }))
    }

    fn count(&self) -> StoreFuture<'_, Count> {
        let sql = "SELECT COUNT(*), COALESCE(MAX(taken_at), 0) FROM go_live_places";
        let counted = self.reader.submit(move |connection| {
            connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
        });
        Box::pin(async move {
            let (taken, newest_us) = counted.await?;
            Ok(Count { taken: u64::try_from(taken).map_err(|_| StoreError)?, newest_us })
        })
    }

    fn seated(&self) -> StoreFuture<'_, Vec<(Entrance, Mark)>> {
        let sql = "SELECT provider, service, mark FROM go_live_places ORDER BY provider, service, place LIMIT ?1";
        let found = self.reader.submit(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let place =
                |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, [u8; 32]>(2)?));
            statement.query_map(params![limit(PEOPLE_MAX)], place)?.collect::<Result<Vec<_>>>()
        });
        Box::pin(async move {
            let read = |(provider, service, mark): (String, String, [u8; 32])| {
                Ok((entrance(&provider, &service)?, Mark::new(mark)))
            };
            found.await?.into_iter().map(read).collect()
        })
    }
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Of two with one number the key lets one in. A number that leaves one out is none.
fn insert(connection: &Connection, row: &ChangeRow) -> Result<bool> {
    let sql = "INSERT INTO go_live (provider, service, number, id, stage, reason, set_by, set_at)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
               WHERE ?3 = (SELECT COALESCE(MAX(number), 0) + 1 FROM go_live WHERE provider = ?1 AND service = ?2)
               ON CONFLICT DO NOTHING";
    let ChangeRow { door: Door { provider, service }, number, id, stage, reason, set_by, set_at } = row;
    let values = params![provider, service, number, id, stage, reason, set_by, set_at];
    Ok(connection.prepare_cached(sql)?.execute(values)? == 1)
}

/// One writer at a time, so nobody comes between.
fn seat(connection: &Connection, door: &Door, marks: &[Mark], places: Option<u16>, at: i64) -> Result<Seated> {
    let known = "SELECT 1 FROM go_live_places WHERE provider = ?1 AND service = ?2 AND mark = ?3";
    for mark in marks {
        let values = params![door.provider, door.service, mark.as_bytes()];
        if connection.prepare_cached(known)?.query_row(values, |_| Ok(())).optional()?.is_some() {
            return Ok(Seated::Before);
        }
    }
    let Some(mark) = marks.first() else { return Ok(Seated::Full) };
    let sql = "INSERT INTO go_live_places (provider, service, place, mark, taken_at)
               SELECT ?1, ?2, COALESCE(MAX(place), 0) + 1, ?3, ?4 FROM go_live_places
               WHERE provider = ?1 AND service = ?2 HAVING COUNT(*) < ?5";
    let places = places.map_or(limit(PEOPLE_MAX), i64::from);
    let values = params![door.provider, door.service, mark.as_bytes(), at, places];
    let taken = connection.prepare_cached(sql)?.execute(values)?;
    Ok(if taken == 1 { Seated::Now } else { Seated::Full })
}

fn row(row: &Row<'_>) -> Result<ChangeRow> {
    Ok(ChangeRow {
        door: Door { provider: row.get(0)?, service: row.get(1)? },
        number: row.get(2)?,
        id: row.get(3)?,
        stage: row.get(4)?,
        reason: row.get(5)?,
        set_by: row.get(6)?,
        set_at: row.get(7)?,
    })
}
