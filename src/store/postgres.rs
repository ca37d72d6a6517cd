//! The store of many nodes: a PostgreSQL server. Each operation is one statement that commits by itself, so a race between
//! nodes is settled by the server, and a connection that breaks leaves nothing half done.

mod condition;
mod figures;
mod golive;
mod index;
mod matrix;
mod pool;
mod ports;
mod register;
mod schema;
mod statements;
mod stops;
mod url;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use self::index::PostgresIndex;
use self::pool::{Failure, Pool};
pub use self::schema::PostgresError;
use self::statements::column;
pub use self::url::{Encryption, PostgresUrl, UrlFault};
use super::{Store, Swept};
use crate::oauth::store::{PoolFigures, StoreFault, StoreFuture};
use crate::seal::Sealer;
use crate::secret::Secret;

/// Where the server is and how it is used.
#[derive(Debug)]
pub struct PostgresSettings {
    /// Server, user and database.
    pub url: PostgresUrl,
    /// The node, by which the server tells the connections apart.
    pub node: String,
    /// The user's password, when it does not stand in the URL.
    pub password: Option<Secret<String>>,
    /// How to recognise the server; needed when the URL asks for encryption.
    pub tls: Option<rustls::ClientConfig>,
    /// Connections at a time.
    pub connections: usize,
    /// How long the server may work on one statement.
    pub statement_timeout: Duration,
}

/// What survives a restart, in a database that nodes share. An operation ends within the statement timeout
/// and some 3 s more; one that fails then may have been carried out. It begins when its future is first polled.
pub struct PostgresStore {
    pool: Pool,
    sealer: Sealer,
}

impl PostgresStore {
    /// Connects and looks at the schema. `create` gives an empty database the schema; a node of production does not do that by
    /// itself. Connections live on the runtime that this is called in.
    ///
    /// # Errors
    /// See [`PostgresError`]; a schema of an earlier release is refused until it is migrated.
    pub async fn open(settings: PostgresSettings, sealer: Sealer, create: bool) -> Result<Self, PostgresError> {
        let pool = connect(settings, "");
        schema::ensure(&pool, create).await?;
        Ok(Self { pool, sealer })
    }

    /// Brings the schema to that of this release, all or nothing, and names the migrations that it took. The statement timeout
    /// does not hold for them.
    ///
    /// # Errors
    /// See [`PostgresError`].
    pub async fn migrate(settings: PostgresSettings) -> Result<Vec<String>, PostgresError> {
        let pool = connect(PostgresSettings { statement_timeout: Duration::ZERO, ..settings }, "");
        let applied = schema::migrate(&pool).await;
        pool.close();
        applied
    }

    async fn sweep_step(&self, now: Timestamp) -> Result<Swept, Failure> {
        let day_ago = now.saturating_sub(super::DAY).unwrap_or(Timestamp::MIN).as_microsecond();
        let hour_ago = now.saturating_sub(super::HOUR).unwrap_or(Timestamp::MIN).as_microsecond();
        let year_ago = now.saturating_sub(super::YEAR).unwrap_or(Timestamp::MIN).as_microsecond();
        let now = now.as_microsecond();
        Ok(Swept {
            visits: self.swept(statements::SWEEP_VISITS, now).await?,
            tokens: self.swept(statements::SWEEP_TOKENS, now).await?,
            refreshes: self.swept(statements::SWEEP_REFRESHES, now).await?,
            codes: self.swept(statements::SWEEP_CODES, day_ago).await?,
            grants: self.swept(statements::SWEEP_GRANTS, day_ago).await?,
            used_ids: self.swept(statements::SWEEP_USED_IDS, hour_ago).await?,
            stops: self.swept(statements::SWEEP_STOPS, year_ago).await?,
        })
    }

    async fn swept(&self, sql: &'static str, before: i64) -> Result<usize, Failure> {
        let most = i64::try_from(Swept::STEP).unwrap_or(i64::MAX);
        let row = self.pool.query_opt(sql, &[&before, &most]).await?.ok_or(Failure::Form)?;
        usize::try_from(column::<i64>(&row, 0)?).map_err(|_| Failure::Form)
    }
}

/// `session` are more options for the server's part of each connection.
fn connect(settings: PostgresSettings, session: &str) -> Pool {
    let mut config = settings.url.config().clone();
    if let Some(password) = &settings.password {
        config.password(password.reveal());
    }
    if config.get_application_name().is_none() {
        config.application_name(format!("inzage-{}", settings.node));
    }
    let mode = match settings.url.encryption() {
        Encryption::Off => tokio_postgres::config::SslMode::Disable,
        Encryption::Verified => tokio_postgres::config::SslMode::Require,
    };
    config.ssl_mode(mode).options(session);
    Pool::new(config, settings.tls, settings.connections, settings.statement_timeout)
}

impl Store for PostgresStore {
    fn health(&self) -> Result<(), StoreFault> {
        self.pool.health()
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

    fn pool(&self) -> Option<PoolFigures> {
        Some(self.pool.figures())
    }

    /// Closes the connections that wait for work; the others close when their statement has ended.
    fn close(&self) {
        self.pool.close();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("pool", &self.pool.figures()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
