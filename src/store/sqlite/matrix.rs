//! The matrix of combinations, in the embedded store.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::SqliteStore;
use crate::medmij::LocalId;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::report::matrix::month::MonthNumber;
use crate::report::matrix::store::{
    Change, CountedTo, Held, Kept, LogPosition, MatrixStore, MonthRow, StandingRow, VisitRow, Wanted,
};
use crate::store::rows::{MatrixStandingRow, matrix_position, matrix_visit, micros};

/// How many rows are read at once: whoever asks for a token goes in between.
const SLICE: i64 = 200;

impl MatrixStore for SqliteStore {
    fn counted(&self) -> StoreFuture<'_, CountedTo> {
        let found = self.reader.submit(|connection| {
            let sql = "SELECT generation, (SELECT count(*) FROM matrix_standings) FROM matrix_generation";
            let counts: (i64, i64) =
                connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut logs = connection.prepare_cached("SELECT log, next, newest FROM matrix_logs")?;
            let logs = logs.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))?;
            Ok((counts, logs.collect::<Result<Vec<(String, i64, i64)>>>()?))
        });
        Box::pin(async move {
            let ((generation, combinations), logs) = found.await?;
            let number = |number: i64| u64::try_from(number).map_err(|_| StoreError);
            let log = |(log, next, newest): (String, i64, i64)| Ok((Arc::from(log), matrix_position(next, newest)?));
            Ok(CountedTo {
                generation: number(generation)?,
                combinations: number(combinations)?,
                logs: logs.into_iter().map(log).collect::<Result<BTreeMap<_, LogPosition>, StoreError>>()?,
            })
        })
    }

    fn held(&self, wanted: Wanted) -> StoreFuture<'_, Held> {
        let found = self.reader.submit(move |connection| {
            let visits = visits(connection, &wanted)?;
            let months = months(connection, &wanted.months)?;
            Ok((visits, months, standings_of(connection, &wanted)?))
        });
        Box::pin(async move {
            let (visits, months, standings) = found.await?;
            let visits = visits.into_iter().map(|(id, body)| Ok((matrix_visit(&id)?, body)));
            Ok(Held {
                visits: visits.collect::<Result<Vec<(LocalId, Vec<u8>)>, StoreError>>()?,
                months,
                standings: standings.into_iter().map(MatrixStandingRow::read).collect::<Result<_, StoreError>>()?,
            })
        })
    }

    fn keep(&self, change: Change) -> StoreFuture<'_, Kept> {
        Box::pin(self.writer.submit(move |connection| keep(connection, &change)))
    }

    fn months(&self, from: MonthNumber, to: MonthNumber) -> StoreFuture<'_, Vec<MonthRow>> {
        Box::pin(async move {
            let (mut all, mut after) = (Vec::new(), (from.0, String::new()));
            loop {
                let (month, combination) = after;
                let found = self.reader.submit(move |connection| {
                    let sql = "SELECT combination, month, document FROM matrix_months
                               WHERE (month, combination) > (?1, ?2) AND month <= ?3
                               ORDER BY month, combination LIMIT ?4";
                    let mut statement = connection.prepare_cached(sql)?;
                    let rows = statement.query_map(params![month, combination, to.0, SLICE], month_row)?;
                    rows.collect::<Result<Vec<_>>>()
                });
                let found = found.await?;
                let Some(last) = found.last() else { return Ok(all) };
                after = (last.month.0, last.combination.clone());
                all.extend(found);
            }
        })
    }

    fn standings(&self) -> StoreFuture<'_, Vec<StandingRow>> {
        Box::pin(async move {
            let (mut all, mut after) = (Vec::new(), String::new());
            loop {
                let found = self.reader.submit(move |connection| {
                    let sql = "SELECT combination, alarmed, touched, document FROM matrix_standings
                               WHERE combination > ?1 ORDER BY combination LIMIT ?2";
                    let mut statement = connection.prepare_cached(sql)?;
                    statement.query_map(params![after, SLICE], standing_row)?.collect::<Result<Vec<_>>>()
                });
                let found = found.await?;
                let Some(last) = found.last() else { return Ok(all) };
                after = last.combination.clone();
                all.extend(found.into_iter().map(MatrixStandingRow::read).collect::<Result<Vec<_>, StoreError>>()?);
            }
        })
    }

    fn prune(&self, month: MonthNumber, touched: Timestamp) -> StoreFuture<'_, usize> {
        let touched = micros(touched);
        Box::pin(self.writer.submit(move |connection| {
            let months = connection.prepare_cached("DELETE FROM matrix_months WHERE month < ?1")?.execute([month.0])?;
            let standings = "DELETE FROM matrix_standings WHERE touched < ?1";
            Ok(months + connection.prepare_cached(standings)?.execute([touched])?)
        }))
    }
}

fn visits(connection: &Connection, wanted: &Wanted) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = BTreeMap::new();
    let mut one = connection.prepare_cached("SELECT document FROM matrix_visits WHERE visit = ?1")?;
    for visit in wanted.visits.iter().map(ToString::to_string) {
        if let Some(body) = one.query_row([&visit], |row| row.get(0)).optional()? {
            found.insert(visit, body);
        }
    }
    if let Some((at, most)) = wanted.due {
        let sql = "SELECT visit, document FROM matrix_visits WHERE due <= ?1 ORDER BY due, visit LIMIT ?2";
        let mut due = connection.prepare_cached(sql)?;
        for row in due.query_map(params![micros(at), most], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (visit, body) = row?;
            found.insert(visit, body);
        }
    }
    Ok(found.into_iter().collect())
}

fn months(connection: &Connection, keys: &[(String, MonthNumber)]) -> Result<Vec<MonthRow>> {
    let sql = "SELECT combination, month, document FROM matrix_months WHERE combination = ?1 AND month = ?2";
    let mut one = connection.prepare_cached(sql)?;
    let found =
        keys.iter().map(|(combination, month)| one.query_row(params![combination, month.0], month_row).optional());
    found.filter_map(Result::transpose).collect()
}

fn standings_of(connection: &Connection, wanted: &Wanted) -> Result<Vec<MatrixStandingRow>> {
    let sql = "SELECT combination, alarmed, touched, document FROM matrix_standings WHERE combination = ?1";
    let mut one = connection.prepare_cached(sql)?;
    let named = wanted.standings.iter().map(|combination| one.query_row([combination], standing_row).optional());
    let mut found = named.filter_map(Result::transpose).collect::<Result<Vec<_>>>()?;
    if wanted.alarmed {
        let sql = "SELECT combination, alarmed, touched, document FROM matrix_standings WHERE alarmed = 1";
        let mut alarmed = connection.prepare_cached(sql)?;
        let alarmed = alarmed.query_map([], standing_row)?.collect::<Result<Vec<_>>>()?;
        found.extend(alarmed.into_iter().filter(|row| !wanted.standings.contains(&row.combination)));
    }
    Ok(found)
}

/// The writer is alone, so between the statements nobody comes.
fn keep(connection: &Connection, change: &Change) -> Result<Kept> {
    let sql = "UPDATE matrix_generation SET generation = generation + 1 WHERE generation = ?1";
    if connection.prepare_cached(sql)?.execute([i64::try_from(change.generation).unwrap_or(i64::MAX)])? == 0 {
        return Ok(Kept::Raced);
    }
    if let Some((log, LogPosition { next, time })) = &change.log {
        let sql = "INSERT INTO matrix_logs (log, next, newest) VALUES (?1, ?2, ?3)
                   ON CONFLICT (log) DO UPDATE SET next = ?2, newest = ?3";
        let next = i64::try_from(*next).unwrap_or(i64::MAX);
        connection.prepare_cached(sql)?.execute(params![&**log, next, micros(*time)])?;
    }
    change.visits.iter().try_for_each(|row| keep_visit(connection, row))?;
    let sql = "INSERT INTO matrix_months (combination, month, document) VALUES (?1, ?2, ?3)
               ON CONFLICT (month, combination) DO UPDATE SET document = ?3";
    let mut month = connection.prepare_cached(sql)?;
    for MonthRow { combination, month: MonthNumber(number), body } in &change.months {
        month.execute(params![combination, number, body])?;
    }
    let sql = "INSERT INTO matrix_standings (combination, alarmed, touched, document) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (combination) DO UPDATE SET alarmed = ?2, touched = ?3, document = ?4";
    let mut standing = connection.prepare_cached(sql)?;
    for StandingRow { combination, alarmed, touched, body } in &change.standings {
        standing.execute(params![combination, i64::from(*alarmed), micros(*touched), body])?;
    }
    Ok(Kept::Done)
}

fn keep_visit(connection: &Connection, row: &VisitRow) -> Result<()> {
    let visit = row.visit.to_string();
    match &row.kept {
        Some((due, body)) => {
            let sql = "INSERT INTO matrix_visits (visit, due, document) VALUES (?1, ?2, ?3)
                       ON CONFLICT (visit) DO UPDATE SET due = ?2, document = ?3";
            connection.prepare_cached(sql)?.execute(params![visit, micros(*due), body])?;
        }
        None => {
            connection.prepare_cached("DELETE FROM matrix_visits WHERE visit = ?1")?.execute([visit])?;
        }
    }
    Ok(())
}

fn month_row(row: &Row<'_>) -> Result<MonthRow> {
    Ok(MonthRow { combination: row.get(0)?, month: MonthNumber(row.get(1)?), body: row.get(2)? })
}

fn standing_row(row: &Row<'_>) -> Result<MatrixStandingRow> {
    Ok(MatrixStandingRow { combination: row.get(0)?, alarmed: row.get(1)?, touched: row.get(2)?, body: row.get(3)? })
}
