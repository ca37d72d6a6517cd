//! Opens connections and knows the schema. An empty file gets the current schema; one of an earlier release is migrated on
//! request only, because the way back is a backup.

use std::io;
use std::path::Path;
use std::time::Duration;

use refinery::{Migration, Runner};
use rusqlite::Connection;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or a thread cannot be made.
    #[error("the store cannot be set up")]
    Io(#[from] io::Error),
    /// SQLite cannot work with the file.
    #[error("the store cannot be opened as a database")]
    Database(#[from] rusqlite::Error),
    /// Parts of the file are not what SQLite wrote.
    #[error("the store is damaged: {found}")]
    Damaged {
        /// The first finding of SQLite, which names pages and tables, not their content.
        found: String,
    },
    /// The file system cannot share memory between connections, as network file systems cannot.
    #[error("the store lies on a file system that SQLite cannot keep a write-ahead log on")]
    NoWriteAheadLog,
    /// The schema cannot be read or brought up to date.
    #[error("the schema of the store cannot be read or migrated")]
    Schema(#[from] Box<refinery::Error>),
    /// The schema is of an earlier release; see [`SqliteStore::migrate`](super::SqliteStore::migrate).
    #[error("the schema of the store is of an earlier release: run `inzage migrate --config FILE` first")]
    Outdated,
    /// The index is of another release.
    #[error("the index of the audit log is of another release: run `inzage audit index rebuild --config FILE`")]
    OtherIndex,
    /// The schema is of a later release, or the file is not ours.
    #[error("the schema of the store is not one that this release knows")]
    Unknown,
}

/// How long a connection waits for a lock: another program that reads or backs up the file.
const BUSY: Duration = Duration::from_secs(5);
/// Prepared statements that each connection keeps; more than there are.
const STATEMENTS: usize = 32;

/// Opens the connection of the writer.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    create_private(path)?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(OpenError::NoWriteAheadLog);
    }
    // FULL flushes the log at each commit: a spent code stays spent when the power fails.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Opens the connection of the writer of an index.
pub(super) fn open_index_writer(path: &Path) -> Result<Connection, OpenError> {
    let connection = open_writer(path)?;
    // Rows and position are one commit: what a power failure takes is added again from the log.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // KiB, negated: the keys of a block, which grow all over, and the pages of a batch.
    connection.pragma_update(None, "cache_size", -8_192)?;
    // Pages: a page of keys that several commits changed is put into its place once.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    Ok(connection)
}

/// Opens the connection of the reader, after the writer's.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Makes the file for its owner only; SQLite gives its log files the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Gives an empty file the current schema, and refuses any other than the current one.
pub(super) fn ensure(connection: &mut Connection) -> Result<(), OpenError> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return migrate(connection).map(drop);
    }
    refuse_damaged(connection)?;
    let known = migrations()?;
    match Runner::new(&known).get_applied_migrations(connection) {
        Ok(applied) if applied == known => Ok(()),
        Ok(applied) if known.starts_with(&applied) => Err(OpenError::Outdated),
        Ok(_) => Err(OpenError::Unknown),
        Err(error) => Err(schema(error)),
    }
}

/// Gives an empty file the current schema of an index, and refuses any other. Its pages are not all read: it may be large, and a
/// damaged one is rebuilt.
pub(super) fn ensure_index(connection: &mut Connection) -> Result<(), OpenError> {
    let known = parsed(INDEX_MIGRATIONS)?;
    // The history of migrations is made in a commit before them, and alone it is what a crash in between left.
    let tables: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> 'refinery_schema_history'",
        [],
        |row| row.get(0),
    )?;
    if tables == 0 {
        return Runner::new(&known).set_grouped(true).run(connection).map(drop).map_err(schema);
    }
    match Runner::new(&known).get_applied_migrations(connection) {
        Ok(applied) if applied == known => Ok(()),
        Ok(_) | Err(_) => Err(OpenError::OtherIndex),
    }
}

/// Reads every page; the sweep keeps the file small. Without this a damaged page is met only by those whose row lies on it.
fn refuse_damaged(connection: &Connection) -> Result<(), OpenError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged { found }) }
}

/// Applies what is missing, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> Result<Vec<String>, OpenError> {
    let report = Runner::new(&migrations()?).set_grouped(true).run(connection).map_err(schema)?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// Every migration in order: its name and its SQL.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__codes_grants_visits", include_str!("../migrations/sqlite/V1__codes_grants_visits.sql")),
    ("V2__lasting_grants", include_str!("../migrations/sqlite/V2__lasting_grants.sql")),
    ("V3__used_ids", include_str!("../migrations/sqlite/V3__used_ids.sql")),
    ("V4__stops", include_str!("../migrations/sqlite/V4__stops.sql")),
    ("V5__register", include_str!("../migrations/sqlite/V5__register.sql")),
    ("V6__go_live", include_str!("../migrations/sqlite/V6__go_live.sql")),
    ("V7__figures", include_str!("../migrations/sqlite/V7__figures.sql")),
    ("V8__matrix", include_str!("../migrations/sqlite/V8__matrix.sql")),
];

/// Every form of the index. There is no way from one to the next but to rebuild it.
const INDEX_MIGRATIONS: &[(&str, &str)] =
    &[("V2__audit_chunks", include_str!("../migrations/sqlite_index/V2__audit_chunks.sql"))];

fn migrations() -> Result<Vec<Migration>, OpenError> {
    parsed(MIGRATIONS)
}

fn parsed(written: &[(&str, &str)]) -> Result<Vec<Migration>, OpenError> {
    written.iter().map(|(name, sql)| Migration::unapplied(name, sql).map_err(schema)).collect()
}

fn schema(error: refinery::Error) -> OpenError {
    OpenError::Schema(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::super::super::conformance::Scratch;
    use super::*;

    #[test]
    fn an_empty_file_gets_the_schema_once() {
        let scratch = Scratch::new();
        let mut connection = open_writer(&scratch.path("db")).unwrap();
        ensure(&mut connection).unwrap();
        ensure(&mut connection).unwrap();
        let strict: i64 = connection
            .query_row("SELECT count(*) FROM pragma_table_list WHERE strict = 1", [], |row| row.get(0))
            .unwrap();
        assert_eq!(strict, 22);
    }

    #[test]
    fn connections_are_as_durable_as_promised() {
        let scratch = Scratch::new();
        let connection = open_writer(&scratch.path("db")).unwrap();
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((pragma("synchronous"), pragma("foreign_keys"), pragma("busy_timeout")), (2, 1, 5_000));
        let reader = open_reader(&scratch.path("db")).unwrap();
        assert!(reader.execute_batch("CREATE TABLE x (y)").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = Scratch::new();
        let mut connection = open_writer(&scratch.path("db")).unwrap();
        ensure(&mut connection).unwrap();
        for name in ["db", "db-wal", "db-shm"] {
            let mode = std::fs::metadata(scratch.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn an_earlier_schema_waits_for_a_request_to_migrate() {
        let scratch = Scratch::new();
        let mut connection = open_writer(&scratch.path("db")).unwrap();
        // The history of a release before the first migration.
        Runner::new(&[]).run(&mut connection).unwrap();
        assert!(matches!(ensure(&mut connection), Err(OpenError::Outdated)));
        migrate(&mut connection).unwrap();
        ensure(&mut connection).unwrap();
    }

    #[test]
    fn each_earlier_release_can_be_migrated_with_what_it_holds() {
        for release in 1..MIGRATIONS.len() {
            let scratch = Scratch::new();
            let mut connection = open_writer(&scratch.path("db")).unwrap();
            Runner::new(&migrations().unwrap()[..release]).run(&mut connection).unwrap();
            let grant = "INSERT INTO grants (id, client, provider, services, subject_sealed, consented)
                         VALUES ('7d3a3ad3-5f3c-4b2e-8c8e-0a4b2f4f9a11', 'pgo.example.nl', 'a@medmij', '49', x'00', 0)";
            connection.execute(grant, []).unwrap();
            assert!(matches!(ensure(&mut connection), Err(OpenError::Outdated)), "V{release}");
            migrate(&mut connection).unwrap();
            ensure(&mut connection).unwrap();
            let kept: i64 = connection.query_row("SELECT count(*) FROM grants", [], |row| row.get(0)).unwrap();
            assert_eq!(kept, 1, "V{release}");
        }
    }

    #[test]
    fn a_later_schema_and_a_foreign_file_are_refused() {
        let scratch = Scratch::new();
        let mut connection = open_writer(&scratch.path("db")).unwrap();
        ensure(&mut connection).unwrap();
        let mut known = migrations().unwrap();
        known.push(Migration::unapplied("V999__later", "CREATE TABLE later (x INTEGER) STRICT").unwrap());
        Runner::new(&known).run(&mut connection).unwrap();
        assert!(matches!(ensure(&mut connection), Err(OpenError::Unknown)));

        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE else_where (x)").unwrap();
        assert!(matches!(ensure(&mut foreign), Err(OpenError::Schema(_))));

        std::fs::write(scratch.path("text"), "certainly not a database file, but long enough to look").unwrap();
        assert!(matches!(open_writer(&scratch.path("text")), Err(OpenError::Database(_))));
        assert!(matches!(open_writer(&scratch.path("no/such/place")), Err(OpenError::Io(_))));
    }
}
