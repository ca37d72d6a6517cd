//! The register of the OPEN programme, in the store of many nodes.

use super::PostgresStore;
use super::pool::Failure;
use super::statements::column;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::programme::{EntryKind, RegisterStore, Row};
use crate::store::rows::RegisterRow;

macro_rules! versions {
    ($rest:literal) => {
        concat!("SELECT kind, id, version, document, changed_by, changed_at, revision FROM register_versions v ", $rest)
    };
}

const SINCE: &str = versions!(
    "WHERE revision > $1 AND version = (
         SELECT max(n.version) FROM register_versions n WHERE n.kind = v.kind AND n.id = v.id)
     ORDER BY revision, kind, id"
);

const VERSIONS: &str = versions!("WHERE kind = $1 AND id = $2 ORDER BY version DESC LIMIT $3");

/// The update decides who is first: of several at once from the same revision the others wait for its row and find it moved.
const KEEP: &str = "
    WITH moved AS (
        UPDATE register_revision SET revision = $1::bigint WHERE revision = $1::bigint - 1 RETURNING revision),
    kept AS (
        INSERT INTO register_versions (kind, id, version, document, changed_by, changed_at, revision)
        SELECT n.kind, n.id, n.version, n.document, n.changed_by, n.changed_at, m.revision
        FROM moved m CROSS JOIN unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])
            AS n (kind, id, version, document, changed_by, changed_at)
        RETURNING 1)
    SELECT count(*) FROM kept";

/// Versions by column, as `unnest` takes them.
#[derive(Default)]
struct Columns {
    kinds: Vec<&'static str>,
    ids: Vec<String>,
    versions: Vec<i64>,
    documents: Vec<Option<String>>,
    by: Vec<String>,
    at: Vec<i64>,
}

impl Columns {
    fn of(rows: Vec<RegisterRow>) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.kinds.push(row.kind.as_str());
            columns.ids.push(row.id);
            columns.versions.push(row.version);
            columns.documents.push(row.document);
            columns.by.push(row.changed_by);
            columns.at.push(row.changed_at);
        }
        columns
    }
}

impl RegisterStore for PostgresStore {
    fn since(&self, revision: u64) -> StoreFuture<'_, Vec<Row>> {
        Box::pin(async move {
            let revision = i64::try_from(revision).unwrap_or(i64::MAX);
            read(&self.pool.query(SINCE, &[&revision]).await?)
        })
    }

    fn versions<'a>(&'a self, kind: EntryKind, id: &str, most: u16) -> StoreFuture<'a, Vec<Row>> {
        let id = id.to_owned();
        Box::pin(async move { read(&self.pool.query(VERSIONS, &[&kind.as_str(), &id, &i64::from(most)]).await?) })
    }

    fn keep(&self, rows: Vec<Row>) -> StoreFuture<'_, bool> {
        let rows: Vec<_> = rows.iter().map(RegisterRow::write).collect();
        Box::pin(async move {
            let Some(revision) = rows.first().map(|row| row.revision) else { return Ok(true) };
            let Columns { kinds, ids, versions, documents, by, at } = Columns::of(rows);
            let values: super::pool::Values<'_> = &[&revision, &kinds, &ids, &versions, &documents, &by, &at];
            let row = self.pool.query_opt(KEEP, values).await?.ok_or(Failure::Form)?;
            Ok(column::<i64>(&row, 0)? > 0)
        })
    }
}

fn read(rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, StoreError> {
    let rows: Vec<_> = rows.iter().map(row).collect::<Result<_, _>>()?;
    rows.iter().map(|row: &RegisterRow| Ok(row.read()?)).collect()
}

fn row(row: &tokio_postgres::Row) -> Result<RegisterRow, Failure> {
    Ok(RegisterRow {
        kind: EntryKind::find(&column::<String>(row, 0)?).ok_or(Failure::Form)?,
        id: column(row, 1)?,
        version: column(row, 2)?,
        document: column(row, 3)?,
        changed_by: column(row, 4)?,
        changed_at: column(row, 5)?,
        revision: column(row, 6)?,
    })
}
