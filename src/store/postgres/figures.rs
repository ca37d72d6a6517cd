//! What was counted, in the store of many nodes. Every change takes the revision that it was worked out from to the next one: of two
//! at once the second waits for that row, finds another revision there, and does nothing.

use std::sync::Arc;

use tokio_postgres::Row;

use super::PostgresStore;
use super::pool::Failure;
use super::statements::column;
use crate::audit::Added;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::report::store::{Closing, NamedByZal, PAGE_ROWS, Page, Place, Rows, Table, UsageDelta, UsageState};
use crate::report::{FigureStore, USAGE};
use crate::store::figure_rows::{CellColumns, ClosedColumns, ListingColumns, MarkColumns, StateColumns, last, signed};
use crate::store::rows::Unreadable;

/// How many rows of a table one step of a sweep deletes at most.
const STEP: i64 = 10_000;

const STATE: &str = "SELECT revision, epoch, closed FROM usage_state WHERE id = 1";

const POSITION: &str = "SELECT next FROM fold_positions WHERE fold = $1 AND log = $2";

const KNOW_LOG: &str = "INSERT INTO fold_positions (fold, log, next) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING";

/// A mark that is there with these days stays as it is.
const ADD: &str = "WITH moved AS (
        UPDATE usage_state SET revision = revision + 1 WHERE id = 1 AND revision = $1
            AND EXISTS (SELECT 1 FROM fold_positions WHERE fold = $2 AND log = $3 AND next = $4) RETURNING revision),
    position AS (
        UPDATE fold_positions SET next = $5 FROM moved WHERE fold = $2 AND log = $3 AND next = $4 RETURNING 1),
    cells AS (
        INSERT INTO usage_cells (month, late, provider, cell, amount, revision)
        SELECT c.month, c.late, c.provider, c.cell, c.amount, moved.revision
        FROM moved CROSS JOIN unnest($6::bigint[], $7::boolean[], $8::text[], $9::text[], $10::bigint[])
            AS c (month, late, provider, cell, amount)
        ON CONFLICT (month, late, provider, cell)
        DO UPDATE SET amount = usage_cells.amount + excluded.amount, revision = excluded.revision),
    marks AS (
        INSERT INTO usage_marks (month, provider, view, mark, days, revision)
        SELECT m.month, m.provider, m.view, m.mark, m.days, moved.revision
        FROM moved CROSS JOIN unnest($11::bigint[], $12::text[], $13::text[], $14::bytea[], $15::bigint[])
            AS m (month, provider, view, mark, days)
        ON CONFLICT (month, provider, view, mark)
        DO UPDATE SET days = usage_marks.days | excluded.days, revision = excluded.revision
        WHERE usage_marks.days | excluded.days <> usage_marks.days)
    SELECT count(*) FROM position";

const CLOSE: &str = "WITH moved AS (
        UPDATE usage_state SET revision = revision + 1, closed = $2
        WHERE id = 1 AND revision = $1 AND coalesce(closed, 0) < $2 RETURNING revision),
    rows AS (
        INSERT INTO usage_closed (month, scope, document, revision)
        SELECT $2, r.scope, r.document, moved.revision
        FROM moved CROSS JOIN unnest($3::text[], $4::text[]) AS r (scope, document))
    SELECT count(*) FROM moved";

const NAMED: &str = "WITH moved AS (
        UPDATE usage_state SET revision = revision + 1, zal = $1
        WHERE id = 1 AND (zal IS NULL OR zal < $1) RETURNING revision),
    ended AS (
        UPDATE zal_listings SET ended = greatest($2, began), revision = moved.revision FROM moved
        WHERE ended IS NULL AND provider NOT IN (SELECT unnest($3::text[]))),
    began AS (
        INSERT INTO zal_listings (provider, began, revision)
        SELECT p.provider, $2, moved.revision FROM moved CROSS JOIN unnest($3::text[]) AS p (provider)
        WHERE NOT EXISTS (SELECT 1 FROM zal_listings l WHERE l.provider = p.provider AND l.ended IS NULL)
        ON CONFLICT DO NOTHING)
    SELECT count(*) FROM moved";

const SWEEP: &str = "WITH marks AS (
        DELETE FROM usage_marks WHERE id IN (SELECT id FROM usage_marks
            WHERE month <= (SELECT closed FROM usage_state WHERE id = 1) LIMIT $1) RETURNING 1),
    cells AS (
        DELETE FROM usage_cells WHERE id IN (SELECT id FROM usage_cells
            WHERE month <= (SELECT closed FROM usage_state WHERE id = 1) AND NOT late LIMIT $1) RETURNING 1)
    SELECT greatest((SELECT count(*) FROM marks), (SELECT count(*) FROM cells))";

/// Some of what is counted; [`DROP`] takes the rest.
const THIN: &str = "WITH marks AS (
        DELETE FROM usage_marks WHERE id IN (SELECT id FROM usage_marks LIMIT $1) RETURNING 1),
    cells AS (
        DELETE FROM usage_cells WHERE id IN (SELECT id FROM usage_cells LIMIT $1) RETURNING 1),
    closed AS (
        DELETE FROM usage_closed WHERE id IN (SELECT id FROM usage_closed LIMIT $1) RETURNING 1)
    SELECT greatest((SELECT count(*) FROM marks), (SELECT count(*) FROM cells), (SELECT count(*) FROM closed))";

/// Nobody adds between: that takes a revision.
const DROP: &str = "WITH moved AS (
        UPDATE usage_state SET revision = revision + 1, epoch = epoch + 1, closed = NULL
        WHERE id = 1 AND revision = $1 RETURNING 1),
    positions AS (DELETE FROM fold_positions USING moved WHERE fold = $2),
    marks AS (DELETE FROM usage_marks USING moved),
    cells AS (DELETE FROM usage_cells USING moved),
    closed AS (DELETE FROM usage_closed USING moved)
    SELECT count(*) FROM moved";

const CELLS: &str = "SELECT revision, id, month, late, provider, cell, amount FROM usage_cells
    WHERE (revision, id) > ($1, $2) ORDER BY revision, id LIMIT $3";
const MARKS: &str = "SELECT revision, id, month, provider, view, mark, days FROM usage_marks
    WHERE (revision, id) > ($1, $2) ORDER BY revision, id LIMIT $3";
const CLOSED: &str = "SELECT revision, id, month, scope, document FROM usage_closed
    WHERE (revision, id) > ($1, $2) ORDER BY revision, id LIMIT $3";
const LISTINGS: &str = "SELECT revision, id, provider, began, ended FROM zal_listings
    WHERE (revision, id) > ($1, $2) ORDER BY revision, id LIMIT $3";

/// How often dropping is tried while others add.
const TRIES: usize = 16;

impl FigureStore for PostgresStore {
    fn usage_state(&self) -> StoreFuture<'_, UsageState> {
        Box::pin(async move {
            let row = self.pool.query_opt(STATE, &[]).await?.ok_or(Failure::Form)?;
            let columns =
                StateColumns { revision: column(&row, 0)?, epoch: column(&row, 1)?, closed: column(&row, 2)? };
            Ok(columns.read()?)
        })
    }

    fn counted(&self, fold: &'static str, log: Arc<str>) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let log: &str = &log;
            let Some(row) = self.pool.query_opt(POSITION, &[&fold, &log]).await? else { return Ok(0) };
            Ok(u64::try_from(column::<i64>(&row, 0)?).map_err(|_| Unreadable)?)
        })
    }

    fn add_usage(&self, delta: UsageDelta) -> StoreFuture<'_, Added> {
        Box::pin(async move { Ok(self.try_add_usage(&delta).await?) })
    }

    fn close_month(&self, closing: Closing) -> StoreFuture<'_, Added> {
        Box::pin(async move {
            let scopes: Vec<&str> = closing.rows.iter().map(|row| row.scope.as_str()).collect();
            let documents: Vec<&str> = closing.rows.iter().map(|row| row.document.as_str()).collect();
            let (revision, month) = (signed(closing.revision), closing.month.number());
            let values: super::pool::Values<'_> = &[&revision, &month, &scopes, &documents];
            Ok(added(self.number(CLOSE, values).await?))
        })
    }

    fn usage_page(&self, table: Table, after: Place) -> StoreFuture<'_, Page> {
        Box::pin(async move {
            Ok(match table {
                Table::Cells => {
                    let (rows, last) = self.placed(CELLS, after, |row| Ok(cell(row)?.read()?)).await?;
                    Page { rows: Rows::Cells(rows), last }
                }
                Table::Marks => {
                    let (rows, last) = self.placed(MARKS, after, |row| Ok(mark(row)?.read()?)).await?;
                    Page { rows: Rows::Marks(rows), last }
                }
                Table::Closed => {
                    let (rows, last) = self.placed(CLOSED, after, |row| Ok(closed(row)?.read()?)).await?;
                    Page { rows: Rows::Closed(rows), last }
                }
                Table::Listings => {
                    let (rows, last) = self.placed(LISTINGS, after, |row| Ok(listing(row)?.read()?)).await?;
                    Page { rows: Rows::Listings(rows), last }
                }
            })
        })
    }

    fn zal_named(&self, named: NamedByZal) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let names: Vec<&str> = named.providers.iter().map(|provider| provider.as_str()).collect();
            let (number, at) = (signed(named.number), named.at.as_microsecond());
            Ok(self.number(NAMED, &[&number, &at, &names]).await? == 1)
        })
    }

    fn sweep_closed(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move { Ok(self.number(SWEEP, &[&STEP]).await? == STEP) })
    }

    fn drop_counted(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            while self.number(THIN, &[&STEP]).await? == STEP {}
            for _ in 0..TRIES {
                let revision = signed(self.usage_state().await?.revision);
                if self.number(DROP, &[&revision, &USAGE]).await? == 1 {
                    return Ok(());
                }
            }
            Err(Failure::Busy.into())
        })
    }
}

impl PostgresStore {
    async fn try_add_usage(&self, delta: &UsageDelta) -> Result<Added, Failure> {
        let log: &str = &delta.log;
        self.pool.query(KNOW_LOG, &[&USAGE, &log]).await?;
        let cells: Vec<_> = delta.cells.iter().map(CellColumns::write).collect();
        let marks: Vec<_> = delta.marks.iter().map(MarkColumns::write).collect();
        let values: super::pool::Values<'_> = &[
            &signed(delta.revision),
            &USAGE,
            &log,
            &signed(delta.from),
            &signed(delta.next),
            &cells.iter().map(|cell| cell.month).collect::<Vec<_>>(),
            &cells.iter().map(|cell| cell.late).collect::<Vec<_>>(),
            &cells.iter().map(|cell| cell.provider.as_str()).collect::<Vec<_>>(),
            &cells.iter().map(|cell| cell.cell.as_str()).collect::<Vec<_>>(),
            &cells.iter().map(|cell| cell.amount).collect::<Vec<_>>(),
            &marks.iter().map(|mark| mark.month).collect::<Vec<_>>(),
            &marks.iter().map(|mark| mark.provider.as_str()).collect::<Vec<_>>(),
            &marks.iter().map(|mark| mark.view.as_str()).collect::<Vec<_>>(),
            &marks.iter().map(|mark| mark.mark.as_slice()).collect::<Vec<_>>(),
            &marks.iter().map(|mark| mark.days).collect::<Vec<_>>(),
        ];
        Ok(added(self.number(ADD, values).await?))
    }

    /// The number that a statement gives.
    async fn number(&self, sql: &'static str, values: super::pool::Values<'_>) -> Result<i64, Failure> {
        column(&self.pool.query_opt(sql, values).await?.ok_or(Failure::Form)?, 0)
    }

    /// Rows of a statement after a place, and the place of the last of them.
    async fn placed<T>(
        &self,
        sql: &'static str,
        after: Place,
        read: impl Fn(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<(Vec<T>, Option<Place>), StoreError> {
        let values: [i64; 3] = [signed(after.revision), signed(after.id), PAGE_ROWS.into()];
        let [revision, id, most] = &values;
        let found = self.pool.query(sql, &[revision, id, most]).await?;
        let places = found.iter().map(|row| Ok((column(row, 0)?, column(row, 1)?)));
        let places = places.collect::<Result<Vec<(i64, i64)>, Failure>>()?;
        Ok((found.iter().map(read).collect::<Result<_, _>>()?, last(&places)?))
    }
}

fn added(count: i64) -> Added {
    if count == 1 { Added::Done } else { Added::Raced }
}

fn cell(row: &Row) -> Result<CellColumns, Failure> {
    Ok(CellColumns {
        month: column(row, 2)?,
        late: column(row, 3)?,
        provider: column(row, 4)?,
        cell: column(row, 5)?,
        amount: column(row, 6)?,
    })
}

fn mark(row: &Row) -> Result<MarkColumns, Failure> {
    Ok(MarkColumns {
        month: column(row, 2)?,
        provider: column(row, 3)?,
        view: column(row, 4)?,
        mark: column(row, 5)?,
        days: column(row, 6)?,
    })
}

fn closed(row: &Row) -> Result<ClosedColumns, Failure> {
    Ok(ClosedColumns { month: column(row, 2)?, scope: column(row, 3)?, document: column(row, 4)? })
}

fn listing(row: &Row) -> Result<ListingColumns, Failure> {
    Ok(ListingColumns { provider: column(row, 2)?, began: column(row, 3)?, ended: column(row, 4)? })
}
