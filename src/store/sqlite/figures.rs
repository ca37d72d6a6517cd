//! What was counted, in the embedded store. The writer is alone in its transaction, so what is read there holds until it ends.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::SqliteStore;
use crate::audit::Added;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::report::store::{Closing, NamedByZal, PAGE_ROWS, Page, Place, Rows, Table, UsageDelta, UsageState};
use crate::report::{FigureStore, USAGE};
use crate::store::figure_rows::{CellColumns, ClosedColumns, ListingColumns, MarkColumns, StateColumns, last, signed};
use crate::store::rows::Unreadable;

/// How many rows of a table one step of a sweep deletes at most.
const STEP: i64 = 2_000;

/// Rows, and the place of the last of them.
type Found<T> = std::result::Result<(Vec<T>, Option<Place>), StoreError>;

impl FigureStore for SqliteStore {
    fn usage_state(&self) -> StoreFuture<'_, UsageState> {
        // Asked of the writer: what is queued before is counted in.
        let found = self.writer.submit(state);
        Box::pin(async move { Ok(found.await?.read()?) })
    }

    fn counted(&self, fold: &'static str, log: Arc<str>) -> StoreFuture<'_, u64> {
        let found = self.writer.submit(move |connection| position(connection, fold, &log));
        Box::pin(async move { Ok(u64::try_from(found.await?).map_err(|_| Unreadable)?) })
    }

    fn add_usage(&self, delta: UsageDelta) -> StoreFuture<'_, Added> {
        let cells: Vec<_> = delta.cells.iter().map(CellColumns::write).collect();
        let marks: Vec<_> = delta.marks.iter().map(MarkColumns::write).collect();
        Box::pin(self.writer.submit(move |connection| {
            if state(connection)?.revision != signed(delta.revision)
                || !advance(connection, USAGE, &delta.log, delta.from, delta.next)?
            {
                return Ok(Added::Raced);
            }
            let revision = next_revision(connection)?;
            add_cells(connection, &cells, revision)?;
            add_marks(connection, &marks, revision)?;
            Ok(Added::Done)
        }))
    }

    fn close_month(&self, closing: Closing) -> StoreFuture<'_, Added> {
        let rows: Vec<_> = closing.rows.iter().map(ClosedColumns::write).collect();
        Box::pin(self.writer.submit(move |connection| {
            let (found, month) = (state(connection)?, closing.month.number());
            if found.revision != signed(closing.revision) || found.closed.is_some_and(|closed| closed >= month) {
                return Ok(Added::Raced);
            }
            let revision = next_revision(connection)?;
            connection.prepare_cached("UPDATE usage_state SET closed = ?1")?.execute([month])?;
            let sql = "INSERT INTO usage_closed (month, scope, document, revision) VALUES (?1, ?2, ?3, ?4)";
            let mut insert = connection.prepare_cached(sql)?;
            for ClosedColumns { month, scope, document } in &rows {
                insert.execute(params![month, scope, document, revision])?;
            }
            Ok(Added::Done)
        }))
    }

    fn usage_page(&self, table: Table, after: Place) -> StoreFuture<'_, Page> {
        Box::pin(async move {
            let page = match table {
                Table::Cells => {
                    let (rows, place) = self.rows(CELLS, after, cell).await?;
                    let rows = rows.iter().map(CellColumns::read).collect::<std::result::Result<_, _>>()?;
                    Page { rows: Rows::Cells(rows), last: place }
                }
                Table::Marks => {
                    let (rows, place) = self.rows(MARKS, after, mark).await?;
                    let rows = rows.iter().map(MarkColumns::read).collect::<std::result::Result<_, _>>()?;
                    Page { rows: Rows::Marks(rows), last: place }
                }
                Table::Closed => {
                    let (rows, place) = self.rows(CLOSED, after, closed).await?;
                    let rows = rows.into_iter().map(ClosedColumns::read).collect::<std::result::Result<_, _>>()?;
                    Page { rows: Rows::Closed(rows), last: place }
                }
                Table::Listings => {
                    let (rows, place) = self.rows(LISTINGS, after, listing).await?;
                    let rows = rows.iter().map(ListingColumns::read).collect::<std::result::Result<_, _>>()?;
                    Page { rows: Rows::Listings(rows), last: place }
                }
            };
            Ok(page)
        })
    }

    fn zal_named(&self, named: NamedByZal) -> StoreFuture<'_, bool> {
        let providers: Vec<_> = named.providers.iter().map(ToString::to_string).collect();
        let (at, number) = (named.at.as_microsecond(), signed(named.number));
        Box::pin(self.writer.submit(move |connection| {
            let sql = "UPDATE usage_state SET zal = ?1, revision = revision + 1 WHERE zal IS NULL OR zal < ?1";
            if connection.prepare_cached(sql)?.execute([number])? == 0 {
                return Ok(false);
            }
            name(connection, &providers, at).map(|()| true)
        }))
    }

    fn sweep_closed(&self) -> StoreFuture<'_, bool> {
        Box::pin(self.writer.submit(|connection| {
            let marks = "DELETE FROM usage_marks WHERE id IN (SELECT id FROM usage_marks
                         WHERE month <= (SELECT closed FROM usage_state) LIMIT ?1)";
            let cells = "DELETE FROM usage_cells WHERE id IN (SELECT id FROM usage_cells
                         WHERE month <= (SELECT closed FROM usage_state) AND late = 0 LIMIT ?1)";
            let marks = connection.prepare_cached(marks)?.execute([STEP])?;
            let cells = connection.prepare_cached(cells)?.execute([STEP])?;
            Ok(i64::try_from(marks.max(cells)).is_ok_and(|gone| gone == STEP))
        }))
    }

    fn drop_counted(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.writer.submit(|connection| {
            // Without a condition SQLite drops the pages of a table, whatever is on them.
            for sql in ["DELETE FROM usage_cells", "DELETE FROM usage_marks", "DELETE FROM usage_closed"] {
                connection.prepare_cached(sql)?.execute([])?;
            }
            connection.prepare_cached("DELETE FROM fold_positions WHERE fold = ?1")?.execute([USAGE])?;
            let sql = "UPDATE usage_state SET revision = revision + 1, epoch = epoch + 1, closed = NULL";
            connection.prepare_cached(sql)?.execute([]).map(drop)
        }))
    }
}

const CELLS: &str = "SELECT revision, id, month, late, provider, cell, amount FROM usage_cells
    WHERE (revision, id) > (?1, ?2) ORDER BY revision, id LIMIT ?3";
const MARKS: &str = "SELECT revision, id, month, provider, view, mark, days FROM usage_marks
    WHERE (revision, id) > (?1, ?2) ORDER BY revision, id LIMIT ?3";
const CLOSED: &str = "SELECT revision, id, month, scope, document FROM usage_closed
    WHERE (revision, id) > (?1, ?2) ORDER BY revision, id LIMIT ?3";
const LISTINGS: &str = "SELECT revision, id, provider, began, ended FROM zal_listings
    WHERE (revision, id) > (?1, ?2) ORDER BY revision, id LIMIT ?3";

impl SqliteStore {
    /// Rows of a statement after a place, and the place of the last of them.
    fn rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        after: Place,
        row: fn(&Row<'_>) -> Result<T>,
    ) -> impl Future<Output = Found<T>> + Send + use<T> {
        let found = self.reader.submit(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let values = params![signed(after.revision), signed(after.id), PAGE_ROWS];
            let placed = |found: &Row<'_>| Ok(((found.get(0)?, found.get(1)?), row(found)?));
            statement.query_map(values, placed)?.collect::<Result<Vec<((i64, i64), T)>>>()
        });
        async move {
            let (places, rows): (Vec<_>, Vec<_>) = found.await?.into_iter().unzip();
            Ok((rows, last(&places)?))
        }
    }
}

fn state(connection: &Connection) -> Result<StateColumns> {
    let read = |row: &Row<'_>| Ok(StateColumns { revision: row.get(0)?, epoch: row.get(1)?, closed: row.get(2)? });
    connection.prepare_cached("SELECT revision, epoch, closed FROM usage_state")?.query_row([], read)
}

fn next_revision(connection: &Connection) -> Result<i64> {
    let sql = "UPDATE usage_state SET revision = revision + 1 RETURNING revision";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn position(connection: &Connection, fold: &str, log: &str) -> Result<i64> {
    let sql = "SELECT next FROM fold_positions WHERE fold = ?1 AND log = ?2";
    let found = connection.prepare_cached(sql)?.query_row([fold, log], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default())
}

/// Moves the position of a log, when it is still there. For what a fold adds in the same transaction.
pub(super) fn advance(connection: &Connection, fold: &str, log: &str, from: u64, next: u64) -> Result<bool> {
    if position(connection, fold, log)? != signed(from) {
        return Ok(false);
    }
    let sql = "INSERT INTO fold_positions (fold, log, next) VALUES (?1, ?2, ?3)
               ON CONFLICT (fold, log) DO UPDATE SET next = excluded.next";
    connection.prepare_cached(sql)?.execute(params![fold, log, signed(next)])?;
    Ok(true)
}

fn add_cells(connection: &Connection, cells: &[CellColumns], revision: i64) -> Result<()> {
    let sql = "INSERT INTO usage_cells (month, late, provider, cell, amount, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (month, late, provider, cell)
               DO UPDATE SET amount = amount + excluded.amount, revision = excluded.revision";
    let mut insert = connection.prepare_cached(sql)?;
    for CellColumns { month, late, provider, cell, amount } in cells {
        insert.execute(params![month, late, provider, cell, amount, revision])?;
    }
    Ok(())
}

/// A mark that is there with these days stays as it is.
fn add_marks(connection: &Connection, marks: &[MarkColumns], revision: i64) -> Result<()> {
    let sql = "INSERT INTO usage_marks (month, provider, view, mark, days, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (month, provider, view, mark)
               DO UPDATE SET days = days | excluded.days, revision = excluded.revision
               WHERE days | excluded.days <> days";
    let mut insert = connection.prepare_cached(sql)?;
    for MarkColumns { month, provider, view, mark, days } in marks {
        insert.execute(params![month, provider, view, mark, days, revision])?;
    }
    Ok(())
}

fn name(connection: &Connection, providers: &[String], at: i64) -> Result<()> {
    let open = "SELECT provider FROM zal_listings WHERE ended IS NULL";
    let open = connection.prepare_cached(open)?.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>>>()?;
    let open: std::collections::HashSet<&str> = open.iter().map(String::as_str).collect();
    let named: std::collections::HashSet<&str> = providers.iter().map(String::as_str).collect();
    let mut end = connection.prepare_cached(
        "UPDATE zal_listings SET ended = max(?2, began), revision = (SELECT revision FROM usage_state)
         WHERE provider = ?1 AND ended IS NULL",
    )?;
    for provider in open.difference(&named) {
        end.execute(params![provider, at])?;
    }
    let mut begin = connection.prepare_cached(
        "INSERT INTO zal_listings (provider, began, revision) VALUES (?1, ?2, (SELECT revision FROM usage_state))",
    )?;
    for provider in named.difference(&open) {
        begin.execute(params![provider, at])?;
    }
    Ok(())
}

fn cell(row: &Row<'_>) -> Result<CellColumns> {
    Ok(CellColumns {
        month: row.get(2)?,
        late: row.get(3)?,
        provider: row.get(4)?,
        cell: row.get(5)?,
        amount: row.get(6)?,
    })
}

fn mark(row: &Row<'_>) -> Result<MarkColumns> {
    Ok(MarkColumns {
        month: row.get(2)?,
        provider: row.get(3)?,
        view: row.get(4)?,
        mark: row.get(5)?,
        days: row.get(6)?,
    })
}

fn closed(row: &Row<'_>) -> Result<ClosedColumns> {
    Ok(ClosedColumns { month: row.get(2)?, scope: row.get(3)?, document: row.get(4)? })
}

fn listing(row: &Row<'_>) -> Result<ListingColumns> {
    Ok(ListingColumns { provider: row.get(2)?, began: row.get(3)?, ended: row.get(4)? })
}
