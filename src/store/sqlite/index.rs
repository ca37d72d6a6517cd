//! The index of the access log in a file of its own: filling it never holds up a code or a token, it may be thrown away and
//! rebuilt, and it grows and shrinks by the retention of the log.

mod chunk;
mod search;
mod statements;
mod walk;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::schema::{self, OpenError};
use super::worker::Worker;
use crate::audit::{Added, AuditIndex, IndexBatch, IndexPage, IndexPosition, IndexQuery, Indexed, RECORDS_MAX};
use crate::oauth::store::{StoreFault, StoreFuture};
use crate::store::index::{IndexStore, Pruned};

/// An index in a file. What was added is there after a crash of the process; after one of the machine the last batches may be
/// missing together with their positions, and are added again from the log.
#[derive(Debug)]
pub struct SqliteIndex {
    writer: Worker,
    reader: Worker,
}

impl SqliteIndex {
    /// Opens the file and makes it when it is not there. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`]; an index of another release is refused until it is rebuilt.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut connection = schema::open_index_writer(path)?;
        schema::ensure_index(&mut connection)?;
        let reader = Worker::reader("inzage-search", schema::open_reader(path)?)?;
        Ok(Self { writer: Worker::patient_writer("inzage-index", connection)?, reader })
    }

    /// Removes the file, so that the next [`open`](Self::open) begins anew. Nobody may have it open.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn remove(path: &Path) -> std::io::Result<()> {
        for suffix in ["-wal", "-shm", ""] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            match std::fs::remove_file(Path::new(&name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl AuditIndex for SqliteIndex {
    fn search(&self, query: IndexQuery) -> StoreFuture<'_, IndexPage> {
        Box::pin(self.reader.submit(move |connection| search::search(connection, &query)))
    }

    fn position(&self, log: Arc<str>) -> StoreFuture<'_, Option<IndexPosition>> {
        // Asked of the writer: what is queued before is counted in.
        Box::pin(self.writer.submit(move |connection| statements::position(connection, &log)))
    }

    fn add(&self, batch: IndexBatch) -> StoreFuture<'_, Added> {
        Box::pin(self.writer.submit(move |connection| statements::add(connection, &batch)))
    }

    fn logs(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(self.writer.submit(|connection| {
            let mut asked = connection.prepare("SELECT name FROM logs WHERE name IS NOT NULL AND next > 0")?;
            let names = asked.query_map([], |row| row.get(0))?;
            names.collect()
        }))
    }

    fn records(&self, log: Arc<str>, from: u64, most: u16) -> StoreFuture<'_, Vec<Indexed>> {
        Box::pin(self.reader.submit(move |connection| walk::records(connection, &log, from, most.min(RECORDS_MAX))))
    }
}

impl IndexStore for SqliteIndex {
    fn health(&self) -> Result<(), StoreFault> {
        self.reader.health().and_then(|()| self.writer.health())
    }

    /// Works in steps, each with a commit of its own.
    fn prune(&self, before: Timestamp) -> StoreFuture<'_, Pruned> {
        Box::pin(async move {
            let mut pruned = Pruned::default();
            loop {
                let step = self.writer.submit(move |connection| statements::prune(connection, before)).await?;
                pruned.records += step.records;
                if !step.more {
                    return Ok(pruned);
                }
            }
        })
    }

    fn forget(&self, log: Arc<str>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.writer.submit(move |connection| statements::forget(connection, &log)).await?;
            while self.writer.submit(statements::sweep).await? {}
            Ok(())
        })
    }

    fn close(&self) {
        self.reader.stop();
        self.writer.stop();
    }
}

#[cfg(test)]
mod tests;
