//! The register of the OPEN programme, in the embedded store.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Result, params};

use super::SqliteStore;
use crate::oauth::store::StoreFuture;
use crate::practices::programme::{EntryKind, RegisterStore, Row};
use crate::store::rows::RegisterRow;

macro_rules! versions {
    ($rest:literal) => {
        concat!("SELECT kind, id, version, document, changed_by, changed_at, revision FROM register_versions v ", $rest)
    };
}

impl RegisterStore for SqliteStore {
    fn since(&self, revision: u64) -> StoreFuture<'_, Vec<Row>> {
        let sql = versions!(
            "WHERE revision > ?1 AND version = (
                 SELECT max(n.version) FROM register_versions n WHERE n.kind = v.kind AND n.id = v.id)
             ORDER BY revision, kind, id"
        );
        let found = self.reader.submit(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map(params![number(revision)], row)?.collect::<Result<Vec<_>>>()
        });
        Box::pin(async move { found.await?.iter().map(|row| Ok(row.read()?)).collect() })
    }

    fn versions<'a>(&'a self, kind: EntryKind, id: &str, most: u16) -> StoreFuture<'a, Vec<Row>> {
        let sql = versions!("WHERE kind = ?1 AND id = ?2 ORDER BY version DESC LIMIT ?3");
        let id = id.to_owned();
        let found = self.reader.submit(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map(params![kind.as_str(), id, most], row)?.collect::<Result<Vec<_>>>()
        });
        Box::pin(async move { found.await?.iter().map(|row| Ok(row.read()?)).collect() })
    }

    fn keep(&self, rows: Vec<Row>) -> StoreFuture<'_, bool> {
        let rows: Vec<_> = rows.iter().map(RegisterRow::write).collect();
        Box::pin(self.writer.submit(move |connection| keep(connection, &rows)))
    }
}

/// The writer is alone, so between the two statements nobody comes.
fn keep(connection: &Connection, rows: &[RegisterRow]) -> Result<bool> {
    let Some(revision) = rows.first().map(|row| row.revision) else { return Ok(true) };
    let sql = "UPDATE register_revision SET revision = ?1 WHERE revision = ?1 - 1";
    if connection.prepare_cached(sql)?.execute(params![revision])? == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO register_versions (kind, id, version, document, changed_by, changed_at, revision)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = connection.prepare_cached(sql)?;
    for row in rows {
        let RegisterRow { kind, id, version, document, changed_by, changed_at, .. } = row;
        insert.execute(params![kind.as_str(), id, version, document, changed_by, changed_at, revision])?;
    }
    Ok(true)
}

fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn row(row: &rusqlite::Row<'_>) -> Result<RegisterRow> {
    let kind: String = row.get(0)?;
    Ok(RegisterRow {
        kind: EntryKind::find(&kind).ok_or(Error::InvalidColumnType(0, kind, Type::Text))?,
        id: row.get(1)?,
        version: row.get(2)?,
        document: row.get(3)?,
        changed_by: row.get(4)?,
        changed_at: row.get(5)?,
        revision: row.get(6)?,
    })
}
