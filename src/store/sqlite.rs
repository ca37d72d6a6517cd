//! The embedded store: one SQLite file, one thread that writes and one that reads.

mod figures;
mod golive;
mod index;
mod matrix;
mod register;
mod schema;
mod statements;
mod stops;
mod worker;

use std::path::Path;

use jiff::Timestamp;

pub use index::SqliteIndex;
pub use schema::OpenError;
use worker::Worker;

use super::rows::{CodeRow, RefreshRow, TokenRow, TurnRow, VisitRow};
use super::{Store, Swept};
use crate::medmij::{Bsn, LocalId};
use crate::oauth::code::{CodeStore, IssuedCode, Presented};
use crate::oauth::grant::{GrantStore, IssuedToken, LASTING_MAX, LastingGrant, TokenStore};
use crate::oauth::refresh::{FoundRefresh, IssuedRefresh, RefreshKey, RefreshStore, Turn, Turned};
use crate::oauth::replay::{ReplayStore, UsedId};
use crate::oauth::store::{StoreError, StoreFault, StoreFuture};
use crate::seal::Sealer;
use crate::secret::HandleHash;
use crate::session::visit::{OpenVisit, VisitStore};

/// Codes, grants, tokens and visits in a file. An operation is queued when its method is called and its future resolves when
/// the change is on disk, or fails after 10 s; a dropped future does not take a change back. With 1,024 operations waiting the next is refused.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Worker,
    reader: Worker,
    sealer: Sealer,
}

impl SqliteStore {
    /// Opens the file and makes it when it is not there. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`]; a file of an earlier release is refused until it is migrated.
    pub fn open(path: &Path, sealer: Sealer) -> Result<Self, OpenError> {
        let mut connection = schema::open_writer(path)?;
        schema::ensure(&mut connection)?;
        let reader = Worker::reader("inzage-lookup", schema::open_reader(path)?)?;
        Ok(Self { writer: Worker::writer("inzage-store", connection)?, reader, sealer })
    }

    /// Brings a file of an earlier release to the schema of this one, all or nothing, and names the migrations that it took.
    /// Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
        schema::migrate(&mut schema::open_writer(path)?)
    }

    fn sweep_step(&self, now: Timestamp) -> impl Future<Output = Result<Swept, StoreError>> + Send + '_ {
        let day_ago = now.saturating_sub(super::DAY).unwrap_or(Timestamp::MIN).as_microsecond();
        let hour_ago = now.saturating_sub(super::HOUR).unwrap_or(Timestamp::MIN).as_microsecond();
        let year_ago = now.saturating_sub(super::YEAR).unwrap_or(Timestamp::MIN).as_microsecond();
        let now = now.as_microsecond();
        self.writer.submit(move |connection| {
            Ok(Swept {
                visits: statements::sweep_visits(connection, now)?,
                tokens: statements::sweep_tokens(connection, now)?,
                refreshes: statements::sweep_refreshes(connection, now)?,
                codes: statements::sweep_codes(connection, day_ago)?,
                grants: statements::sweep_grants(connection, day_ago)?,
                used_ids: statements::sweep_used_ids(connection, hour_ago)?,
                stops: statements::sweep_stops(connection, year_ago)?,
            })
        })
    }
}

impl Store for SqliteStore {
    /// After a failed commit it makes the writer try again.
    fn health(&self) -> Result<(), StoreFault> {
        self.reader.health().and_then(|()| self.writer.health())
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, Swept> {
        Box::pin(async move {
            let mut swept = Swept::default();
            loop {
                let step = self.sweep_step(now).await?;
                swept.add(step);
                if !step.reached_limit() {
                    return Ok(swept);
                }
            }
        })
    }

    /// Ends both threads, as dropping the store does.
    fn close(&self) {
        self.reader.stop();
        self.writer.stop();
    }
}

impl CodeStore for SqliteStore {
    fn keep(&self, code: IssuedCode) -> StoreFuture<'_, ()> {
        let row = CodeRow::write(&code, &self.sealer);
        Box::pin(self.writer.submit(move |connection| statements::keep_code(connection, &row)))
    }

    /// The code is spent also when its row turns out to be unreadable.
    fn present(&self, hash: HandleHash, now: Timestamp) -> StoreFuture<'_, Presented> {
        let now = now.as_microsecond();
        let presented = self.writer.submit(move |connection| statements::present(connection, hash, now));
        Box::pin(async move { Ok(presented.await?.read(&self.sealer)?) })
    }
}

impl TokenStore for SqliteStore {
    fn keep(&self, token: IssuedToken) -> StoreFuture<'_, ()> {
        let row = TokenRow::write(&token, &self.sealer);
        Box::pin(self.writer.submit(move |connection| statements::keep_token(connection, &row)))
    }

    fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>> {
        let found = self.reader.submit(move |connection| statements::find_token(connection, hash));
        Box::pin(async move { Ok(found.await?.map(|row| row.read(&self.sealer)).transpose()?) })
    }
}

impl GrantStore for SqliteStore {
    fn end(&self, grant: LocalId, now: Timestamp) -> StoreFuture<'_, bool> {
        let (grant, now) = (grant.to_string(), now.as_microsecond());
        Box::pin(self.writer.submit(move |connection| statements::end_grant(connection, &grant, now)))
    }

    fn has_ended(&self, grant: LocalId) -> StoreFuture<'_, bool> {
        let grant = grant.to_string();
        Box::pin(self.reader.submit(move |connection| statements::has_ended(connection, &grant)))
    }

    fn lasting_of(&self, subject: &Bsn, now: Timestamp) -> StoreFuture<'_, Vec<LastingGrant>> {
        let (marks, now) = (self.sealer.marks(subject.reveal().as_bytes()), now.as_microsecond());
        let found = self.reader.submit(move |connection| {
            let found = marks.into_iter().map(|mark| statements::lasting_of(connection, mark, now, LASTING_MAX));
            found.collect::<rusqlite::Result<Vec<_>>>()
        });
        Box::pin(async move {
            let rows = found.await?.into_iter().flatten();
            let mut all: Vec<_> = rows.map(|row| row.read_lasting(&self.sealer)).collect::<Result<_, _>>()?;
            all.sort_by_key(|lasting: &LastingGrant| std::cmp::Reverse(lasting.grant.consented));
            all.truncate(LASTING_MAX);
            Ok(all)
        })
    }
}

impl RefreshStore for SqliteStore {
    fn keep(&self, refresh: IssuedRefresh) -> StoreFuture<'_, ()> {
        let row = RefreshRow::write(&refresh, &self.sealer);
        Box::pin(self.writer.submit(move |connection| statements::keep_refresh(connection, &row)))
    }

    fn look(&self, key: RefreshKey) -> StoreFuture<'_, FoundRefresh> {
        let found = self.reader.submit(move |connection| statements::find_refresh(connection, key.family));
        Box::pin(async move { Ok(found.await?.read(key, &self.sealer)?) })
    }

    fn turn(&self, turn: Turn) -> StoreFuture<'_, Turned> {
        let row = TurnRow::write(&turn, &self.sealer);
        let turned = self.writer.submit(move |connection| statements::turn(connection, &row));
        Box::pin(async move { Ok(turned.await?.read()?) })
    }
}

impl ReplayStore for SqliteStore {
    fn first_use(&self, id: UsedId) -> StoreFuture<'_, bool> {
        Box::pin(self.writer.submit(move |connection| statements::first_use(connection, &id)))
    }

    fn is_used(&self, hash: HandleHash) -> StoreFuture<'_, bool> {
        Box::pin(self.reader.submit(move |connection| statements::is_used(connection, hash)))
    }
}

impl VisitStore for SqliteStore {
    fn keep(&self, visit: OpenVisit) -> StoreFuture<'_, ()> {
        let row = VisitRow::write(&visit, &self.sealer);
        Box::pin(self.writer.submit(move |connection| statements::keep_visit(connection, &row)))
    }

    fn look(&self, id: LocalId, cookie: HandleHash, now: Timestamp) -> StoreFuture<'_, Option<OpenVisit>> {
        let (id, now) = (id.to_string(), now.as_microsecond());
        let found = self.reader.submit(move |connection| statements::look_at_visit(connection, id, cookie, now));
        Box::pin(async move { Ok(found.await?.map(|row| row.read(&self.sealer)).transpose()?) })
    }

    fn take(
        &self,
        id: LocalId,
        cookie: HandleHash,
        form: HandleHash,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<OpenVisit>> {
        let (id, now) = (id.to_string(), now.as_microsecond());
        let taken = self.writer.submit(move |connection| statements::take_visit(connection, id, cookie, form, now));
        Box::pin(async move { Ok(taken.await?.map(|row| row.read(&self.sealer)).transpose()?) })
    }
}

#[cfg(test)]
mod tests;
