//! Stages and places, in the store of many nodes.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::pool::Failure;
use super::statements::column;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::golive::places::{Change, Count, ENTRANCES_MAX, GoLiveStore, PAST_MAX, PEOPLE_MAX, Seated};
use crate::practices::golive::{Entrance, Mark};
use crate::store::rows::{ChangeRow, Door, entrance};

/// Of two with one number the key lets one in, and gives a row to that one only. A number that leaves one out is none.
const CHANGE: &str = "
    INSERT INTO go_live (provider, service, number, id, stage, reason, set_by, set_at)
    SELECT $1::text, $2::text, $3::bigint, $4::text, $5::text, $6::text, $7::text, $8::bigint
    WHERE $3::bigint = (SELECT COALESCE(MAX(number), 0) + 1 FROM go_live WHERE provider = $1 AND service = $2)
    ON CONFLICT DO NOTHING RETURNING 1";

const IN_FORCE: &str = "
    SELECT provider, service, number, id, stage, reason, set_by, set_at FROM go_live AS own
    WHERE number = (SELECT MAX(number) FROM go_live WHERE provider = own.provider AND service = own.service)
    ORDER BY provider, service LIMIT $1";

const PAST: &str = "
    SELECT provider, service, number, id, stage, reason, set_by, set_at FROM go_live
    WHERE provider = $1 AND service = $2 ORDER BY number DESC LIMIT $3";

const KNOWN: &str = "
    SELECT 1 FROM go_live_places WHERE provider = $1 AND service = $2 AND mark = ANY($3) LIMIT 1";

/// Two at once see the same newest place, and the key lets one of them have the next.
const SEAT: &str = "
    INSERT INTO go_live_places (provider, service, place, mark, taken_at)
    SELECT $1::text, $2::text, COALESCE(MAX(place), 0) + 1, $3::bytea, $4::bigint FROM go_live_places
    WHERE provider = $1 AND service = $2 HAVING COUNT(*) < $5::bigint
    ON CONFLICT DO NOTHING RETURNING 1";

const TAKEN: &str = "SELECT COUNT(*) FROM go_live_places WHERE provider = $1 AND service = $2";

const UNSEAT: &str = "
    DELETE FROM go_live_places WHERE provider = $1 AND service = $2 AND mark = ANY($3) RETURNING 1";

const COUNT: &str = "SELECT COUNT(*), COALESCE(MAX(taken_at), 0) FROM go_live_places";

const SEATED: &str = "
    SELECT provider, service, mark FROM go_live_places ORDER BY provider, service, place LIMIT $1";

/// How often somebody tries who meets others at the door.
const TRIES: usize = 64;

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn bytes(marks: &[Mark]) -> Vec<&[u8]> {
    marks.iter().map(|mark| mark.as_bytes().as_slice()).collect()
}

impl PostgresStore {
    async fn give_place(&self, door: &Door, marks: &[Mark], places: i64, at: i64) -> Result<Seated, Failure> {
        let Door { provider, service } = door;
        let (known, mark) = (bytes(marks), marks.first().ok_or(Failure::Form)?.as_bytes().as_slice());
        for _ in 0..TRIES {
            if self.pool.query_opt(KNOWN, &[provider, service, &known]).await?.is_some() {
                return Ok(Seated::Before);
            }
            if self.pool.query_opt(SEAT, &[provider, service, &mark, &at, &places]).await?.is_some() {
                return Ok(Seated::Now);
            }
            let taken = self.pool.query_opt(TAKEN, &[provider, service]).await?.ok_or(Failure::Form)?;
            if column::<i64>(&taken, 0)? >= places {
                return Ok(Seated::Full);
            }
        }
        Err(Failure::Busy)
    }
}

impl GoLiveStore for PostgresStore {
    fn change(&self, change: Change) -> StoreFuture<'_, bool> {
        let ChangeRow { door: Door { provider, service }, number, id, stage, reason, set_by, set_at } =
            ChangeRow::write(&change);
        Box::pin(async move {
            let values: super::pool::Values<'_> =
                &[&provider, &service, &number, &id, &stage, &reason, &set_by, &set_at];
            Ok(self.pool.query_opt(CHANGE, values).await?.is_some())
        })
    }

    fn newest(&self) -> StoreFuture<'_, Vec<Change>> {
        Box::pin(async move {
            let rows = self.pool.query(IN_FORCE, &[&limit(ENTRANCES_MAX)]).await?;
            rows.iter().map(|found| Ok(row(found)?.read()?)).collect()
        })
    }

    fn changes(&self, entrance: &Entrance) -> StoreFuture<'_, Vec<Change>> {
        let door = Door::of(entrance);
        Box::pin(async move {
            let rows = self.pool.query(PAST, &[&door.provider, &door.service, &limit(PAST_MAX)]).await?;
            rows.iter().map(|found| Ok(row(found)?.read()?)).collect()
        })
    }

    fn seat(
        &self,
        entrance: &Entrance,
        marks: Vec<Mark>,
        places: Option<u16>,
        at: Timestamp,
    ) -> StoreFuture<'_, Seated> {
        let (door, at) = (Door::of(entrance), at.as_microsecond());
        let places = places.map_or(limit(PEOPLE_MAX), i64::from);
        Box::pin(async move { Ok(self.give_place(&door, &marks, places, at).await?) })
    }

    fn unseat(&self, entrance: &Entrance, marks: Vec<Mark>) -> StoreFuture<'_, bool> {
        let door = Door::of(entrance);
        Box::pin(async move {
            let marks = bytes(&marks);
            Ok(!self.pool.query(UNSEAT, &[&door.provider, &door.service, &marks]).await?.is_empty())
        })
    }

    fn count(&self) -> StoreFuture<'_, Count> {
        Box::pin(async move {
            let row = self.pool.query_opt(COUNT, &[]).await?.ok_or(StoreError)?;
            let taken = u64::try_from(column::<i64>(&row, 0)?).map_err(|_| StoreError)?;
            Ok(Count { taken, newest_us: column(&row, 1)? })
        })
    }

    fn seated(&self) -> StoreFuture<'_, Vec<(Entrance, Mark)>> {
        Box::pin(async move {
            let rows = self.pool.query(SEATED, &[&limit(PEOPLE_MAX)]).await?;
            let read = |row: &Row| {
                let (provider, service): (String, String) = (column(row, 0)?, column(row, 1)?);
                let mark: Vec<u8> = column(row, 2)?;
                Ok((entrance(&provider, &service)?, Mark::new(mark.try_into().map_err(|_| StoreError)?)))
            };
            rows.iter().map(read).collect()
        })
    }
}

fn row(row: &Row) -> Result<ChangeRow, Failure> {
    Ok(ChangeRow {
        door: Door { provider: column(row, 0)?, service: column(row, 1)? },
        number: column(row, 2)?,
        id: column(row, 3)?,
        stage: column(row, 4)?,
        reason: column(row, 5)?,
        set_by: column(row, 6)?,
        set_at: column(row, 7)?,
    })
}
