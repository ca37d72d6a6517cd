//! The matrix of combinations, in the store of many nodes.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::pool::{Failure, Values};
use super::statements::column;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::report::matrix::month::MonthNumber;
use crate::report::matrix::store::{
    Change, CountedTo, Held, Kept, LogPosition, MatrixStore, MonthRow, StandingRow, VisitRow, Wanted,
};
use crate::store::rows::{MatrixStandingRow, matrix_position, matrix_visit, micros};

const COUNTED: &str = "
    SELECT generation, (SELECT count(*) FROM matrix_standings), log, next, newest
    FROM matrix_generation LEFT JOIN matrix_logs ON true";

const VISITS: &str = "
    SELECT visit, document FROM matrix_visits WHERE visit = ANY($1::text[])
    UNION
    (SELECT visit, document FROM matrix_visits WHERE due <= $2::bigint ORDER BY due, visit LIMIT $3::bigint)";

const MONTHS_OF: &str = "
    SELECT m.combination, m.month, m.document FROM matrix_months m
    JOIN unnest($1::text[], $2::bigint[]) AS w (combination, month) ON m.combination = w.combination AND m.month = w.month";

const STANDINGS_OF: &str = "
    SELECT combination, alarmed, touched, document FROM matrix_standings
    WHERE combination = ANY($1::text[]) OR ($2::bool AND alarmed = 1)";

const MONTHS: &str = "
    SELECT combination, month, document FROM matrix_months WHERE month BETWEEN $1 AND $2 ORDER BY month, combination";

const STANDINGS: &str = "SELECT combination, alarmed, touched, document FROM matrix_standings ORDER BY combination";

const PRUNE: &str = "
    WITH months AS (DELETE FROM matrix_months WHERE month < $1::bigint RETURNING 1),
    standings AS (DELETE FROM matrix_standings WHERE touched < $2::bigint RETURNING 1)
    SELECT (SELECT count(*) FROM months) + (SELECT count(*) FROM standings)";

/// The update decides who is first: of several at once from the same generation the others wait for its row and find it moved.
const KEEP: &str = "
    WITH turned AS (
        UPDATE matrix_generation SET generation = generation + 1 WHERE generation = $1::bigint RETURNING 1),
    log AS (
        INSERT INTO matrix_logs (log, next, newest)
        SELECT $2::text, $3::bigint, $4::bigint FROM turned WHERE $2::text IS NOT NULL
        ON CONFLICT (log) DO UPDATE SET next = EXCLUDED.next, newest = EXCLUDED.newest),
    forgotten AS (
        DELETE FROM matrix_visits WHERE visit = ANY($5::text[]) AND EXISTS (SELECT 1 FROM turned)),
    visits AS (
        INSERT INTO matrix_visits (visit, due, document)
        SELECT n.* FROM turned CROSS JOIN unnest($6::text[], $7::bigint[], $8::bytea[]) AS n (visit, due, document)
        ON CONFLICT (visit) DO UPDATE SET due = EXCLUDED.due, document = EXCLUDED.document),
    months AS (
        INSERT INTO matrix_months (combination, month, document)
        SELECT n.* FROM turned CROSS JOIN unnest($9::text[], $10::bigint[], $11::bytea[])
            AS n (combination, month, document)
        ON CONFLICT (month, combination) DO UPDATE SET document = EXCLUDED.document),
    standings AS (
        INSERT INTO matrix_standings (combination, alarmed, touched, document)
        SELECT n.* FROM turned CROSS JOIN unnest($12::text[], $13::bigint[], $14::bigint[], $15::bytea[])
            AS n (combination, alarmed, touched, document)
        ON CONFLICT (combination)
        DO UPDATE SET alarmed = EXCLUDED.alarmed, touched = EXCLUDED.touched, document = EXCLUDED.document)
    SELECT 1 FROM turned";

/// A change by column, as `unnest` takes it.
#[derive(Default)]
struct Columns {
    forgotten: Vec<String>,
    visits: (Vec<String>, Vec<i64>, Vec<Vec<u8>>),
    months: (Vec<String>, Vec<i64>, Vec<Vec<u8>>),
    standings: (Vec<String>, Vec<i64>, Vec<i64>, Vec<Vec<u8>>),
}

impl Columns {
    fn of(change: Change) -> Self {
        let mut columns = Self::default();
        for VisitRow { visit, kept } in change.visits {
            let Some((due, body)) = kept else {
                columns.forgotten.push(visit.to_string());
                continue;
            };
            columns.visits.0.push(visit.to_string());
            columns.visits.1.push(micros(due));
            columns.visits.2.push(body);
        }
        for MonthRow { combination, month, body } in change.months {
            columns.months.0.push(combination);
            columns.months.1.push(month.0.into());
            columns.months.2.push(body);
        }
        for StandingRow { combination, alarmed, touched, body } in change.standings {
            columns.standings.0.push(combination);
            columns.standings.1.push(alarmed.into());
            columns.standings.2.push(micros(touched));
            columns.standings.3.push(body);
        }
        columns
    }
}

impl PostgresStore {
    async fn matrix_visits(&self, wanted: &Wanted) -> Result<Vec<Row>, Failure> {
        let ids: Vec<String> = wanted.visits.iter().map(ToString::to_string).collect();
        let (due, most) = wanted.due.map_or((i64::MIN, 0), |(at, most)| (micros(at), i64::from(most)));
        if ids.is_empty() && most == 0 {
            return Ok(Vec::new());
        }
        self.pool.query(VISITS, &[&ids, &due, &most]).await
    }

    async fn matrix_months(&self, keys: &[(String, MonthNumber)]) -> Result<Vec<Row>, Failure> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (combinations, months): (Vec<&str>, Vec<i64>) =
            keys.iter().map(|(combination, month)| (combination.as_str(), i64::from(month.0))).unzip();
        self.pool.query(MONTHS_OF, &[&combinations, &months]).await
    }
}

impl MatrixStore for PostgresStore {
    fn counted(&self) -> StoreFuture<'_, CountedTo> {
        Box::pin(async move {
            let mut counted = CountedTo::default();
            for row in self.pool.query(COUNTED, &[]).await? {
                counted.generation = number(&row, 0)?;
                counted.combinations = number(&row, 1)?;
                if let Some(log) = column::<Option<String>>(&row, 2)? {
                    counted.logs.insert(Arc::from(log), matrix_position(column(&row, 3)?, column(&row, 4)?)?);
                }
            }
            Ok(counted)
        })
    }

    fn held(&self, wanted: Wanted) -> StoreFuture<'_, Held> {
        Box::pin(async move {
            let mut held = Held::default();
            for row in self.matrix_visits(&wanted).await? {
                held.visits.push((matrix_visit(&column::<String>(&row, 0)?)?, column(&row, 1)?));
            }
            for row in self.matrix_months(&wanted.months).await? {
                held.months.push(month(&row)?);
            }
            if wanted.alarmed || !wanted.standings.is_empty() {
                let rows = self.pool.query(STANDINGS_OF, &[&wanted.standings, &wanted.alarmed]).await?;
                held.standings = rows.iter().map(standing).collect::<Result<_, StoreError>>()?;
            }
            Ok(held)
        })
    }

    fn keep(&self, change: Change) -> StoreFuture<'_, Kept> {
        Box::pin(async move {
            let generation = i64::try_from(change.generation).unwrap_or(i64::MAX);
            let log = change.log.as_ref().map(|(log, _)| log.to_string());
            let LogPosition { next, time } =
                change.log.as_ref().map_or(LogPosition { next: 0, time: Timestamp::UNIX_EPOCH }, |(_, at)| *at);
            let (next, time) = (i64::try_from(next).unwrap_or(i64::MAX), micros(time));
            let Columns { forgotten, visits, months, standings } = Columns::of(change);
            let values: Values<'_> = &[
                &generation,
                &log,
                &next,
                &time,
                &forgotten,
                &visits.0,
                &visits.1,
                &visits.2,
                &months.0,
                &months.1,
                &months.2,
                &standings.0,
                &standings.1,
                &standings.2,
                &standings.3,
            ];
            let turned = self.pool.query_opt(KEEP, values).await?;
            Ok(if turned.is_some() { Kept::Done } else { Kept::Raced })
        })
    }

    fn months(&self, from: MonthNumber, to: MonthNumber) -> StoreFuture<'_, Vec<MonthRow>> {
        Box::pin(async move {
            let rows = self.pool.query(MONTHS, &[&i64::from(from.0), &i64::from(to.0)]).await?;
            rows.iter().map(month).collect()
        })
    }

    fn standings(&self) -> StoreFuture<'_, Vec<StandingRow>> {
        Box::pin(async move { self.pool.query(STANDINGS, &[]).await?.iter().map(standing).collect() })
    }

    fn prune(&self, month: MonthNumber, touched: Timestamp) -> StoreFuture<'_, usize> {
        Box::pin(async move {
            let values: Values<'_> = &[&i64::from(month.0), &micros(touched)];
            let row = self.pool.query_opt(PRUNE, values).await?.ok_or(StoreError)?;
            usize::try_from(column::<i64>(&row, 0)?).map_err(|_| StoreError)
        })
    }
}

fn number(row: &Row, at: usize) -> Result<u64, StoreError> {
    u64::try_from(column::<i64>(row, at)?).map_err(|_| StoreError)
}

fn month(row: &Row) -> Result<MonthRow, StoreError> {
    let month = i32::try_from(column::<i64>(row, 1)?).map_err(|_| StoreError)?;
    Ok(MonthRow { combination: column(row, 0)?, month: MonthNumber(month), body: column(row, 2)? })
}

fn standing(row: &Row) -> Result<StandingRow, StoreError> {
    let found = MatrixStandingRow {
        combination: column(row, 0)?,
        alarmed: column(row, 1)?,
        touched: column(row, 2)?,
        body: column(row, 3)?,
    };
    found.read()
}
