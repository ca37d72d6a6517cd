//! Knows the schema. Any other than the current one is refused and migrated on request only, because the way back is a
//! backup. An empty database gets the schema where that is allowed.

use deadpool_postgres::Object;
use refinery::{Migration, Runner};
use tokio_postgres::Row;

use super::pool::{Failure, Pool};

/// Why a database cannot be the store.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// It does not answer, does not let us in, or refuses what is asked of it.
    #[error("the database cannot be used: {0}")]
    Database(String),
    /// The schema cannot be brought up to date. What the server said names tables and rights, no content.
    #[error("the schema of the database cannot be migrated")]
    Migration(#[from] Box<refinery::Error>),
    /// There is no schema yet, or it is of an earlier release; see [`super::PostgresStore::migrate`].
    #[error("the schema of the database is of an earlier release or absent: run `inzage migrate --config FILE` first")]
    Outdated,
    /// The schema is of a later release, or the database is not ours.
    #[error("the schema of the database is not one that this release knows")]
    Unknown,
}

impl From<Failure> for PostgresError {
    fn from(failure: Failure) -> Self {
        Self::Database(failure.to_string())
    }
}

/// Every migration in order: its name and its SQL.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__codes_grants_visits", include_str!("../migrations/postgres/V1__codes_grants_visits.sql")),
    ("V2__lasting_grants", include_str!("../migrations/postgres/V2__lasting_grants.sql")),
    ("V3__used_ids", include_str!("../migrations/postgres/V3__used_ids.sql")),
    ("V4__audit_index", include_str!("../migrations/postgres/V4__audit_index.sql")),
    ("V5__stops", include_str!("../migrations/postgres/V5__stops.sql")),
    ("V6__register", include_str!("../migrations/postgres/V6__register.sql")),
    ("V7__go_live", include_str!("../migrations/postgres/V7__go_live.sql")),
    ("V8__figures", include_str!("../migrations/postgres/V8__figures.sql")),
    ("V9__matrix", include_str!("../migrations/postgres/V9__matrix.sql")),
];

/// How often a node tries to make the schema that others may be making too.
const TRIES: usize = 3;

/// What a database holds.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Earlier,
    Current,
    Other,
}

/// Refuses any schema but the current one. `create` lets an empty database have it; of nodes that start at once one makes it.
pub(super) async fn ensure(pool: &Pool, create: bool) -> Result<(), PostgresError> {
    let found = look(pool).await?;
    if found == Found::Nothing && create {
        return make(pool).await;
    }
    match found {
        Found::Current => Ok(()),
        Found::Nothing | Found::Earlier => Err(PostgresError::Outdated),
        Found::Other => Err(PostgresError::Unknown),
    }
}

/// Makes the schema. Of nodes that do so at once one succeeds; the others fail when that one is done, and find it made.
async fn make(pool: &Pool) -> Result<(), PostgresError> {
    for _ in 1..TRIES {
        if apply(pool).await.is_ok() || look(pool).await? == Found::Current {
            return Ok(());
        }
    }
    apply(pool).await.map(drop)
}

/// Applies what is missing, all or nothing, and names it.
pub(super) async fn migrate(pool: &Pool) -> Result<Vec<String>, PostgresError> {
    match look(pool).await? {
        Found::Current => Ok(Vec::new()),
        Found::Nothing | Found::Earlier => apply(pool).await,
        Found::Other => Err(PostgresError::Unknown),
    }
}

async fn apply(pool: &Pool) -> Result<Vec<String>, PostgresError> {
    let mut connection = pool.connection().await?;
    let ran = Runner::new(&migrations()?).set_grouped(true).run_async(&mut **connection).await;
    // Whatever is left of it ends with the connection.
    drop(Object::take(connection));
    Ok(ran.map_err(Box::new)?.applied_migrations().iter().map(ToString::to_string).collect())
}

fn migrations() -> Result<Vec<Migration>, PostgresError> {
    let migration = |(name, sql): &(&str, &str)| Migration::unapplied(name, sql).map_err(Box::new);
    Ok(MIGRATIONS.iter().map(migration).collect::<Result<_, _>>()?)
}

async fn look(pool: &Pool) -> Result<Found, PostgresError> {
    let sql = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()";
    let tables = pool.query(sql, &[]).await?;
    let tables: Vec<String> = tables.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(form)?;
    if tables.is_empty() {
        return Ok(Found::Nothing);
    }
    if !tables.iter().any(|table| table == "refinery_schema_history") {
        return Ok(Found::Other);
    }
    let sql = "SELECT version, name::text, checksum::text FROM refinery_schema_history ORDER BY version";
    let applied: Vec<Applied> = pool.query(sql, &[]).await?.iter().map(applied).collect::<Result<_, _>>()?;
    let known: Vec<Applied> = migrations()?.iter().map(Applied::of).collect();
    Ok(if applied.is_empty() {
        Found::Nothing
    } else if applied == known {
        Found::Current
    } else if applied.iter().all(|one| known.contains(one)) {
        Found::Earlier
    } else {
        Found::Other
    })
}

/// A migration as its history tells it.
#[derive(PartialEq, Eq)]
struct Applied {
    version: i64,
    name: String,
    checksum: String,
}

impl Applied {
    fn of(known: &Migration) -> Self {
        let version = i64::from(known.version());
        Self { version, name: known.name().to_owned(), checksum: known.checksum().to_string() }
    }
}

fn applied(row: &Row) -> Result<Applied, PostgresError> {
    let version: i32 = row.try_get(0).map_err(form)?;
    let (name, checksum) = (row.try_get(1).map_err(form)?, row.try_get(2).map_err(form)?);
    Ok(Applied { version: version.into(), name, checksum })
}

fn form(_: tokio_postgres::Error) -> Failure {
    Failure::Form
}
