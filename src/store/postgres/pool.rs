//! Connections and deadlines. Every operation is one statement; a connection goes back only when its answer was read to the
//! end. Of the others it is not known what became of them, so they are closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime, Status, TimeoutType, Timeouts,
};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::condition::Condition;
use crate::oauth::store::{PoolFigures, StoreError, StoreFault};

/// How long an operation waits for a free connection before it is refused.
const WAIT: Duration = Duration::from_secs(1);
/// How long it takes at most to have a connection that works: wait, look at it, or make one.
const CONNECTION: Duration = Duration::from_secs(2);
/// How long a connection may take to say that it still works.
const RECYCLE: Duration = Duration::from_millis(500);
/// How long one host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// How much longer than the server we wait for a statement: its own answer is the better one.
const MARGIN: Duration = Duration::from_millis(500);
/// How long a network may swallow what was sent before the connection counts as broken.
const UNHEARD: Duration = Duration::from_secs(5);

/// Values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Why a statement has no answer. Unless it is [`Failure::Busy`] or [`Failure::Unreachable`], it may have been carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// All connections are in use.
    #[error("all connections are in use")]
    Busy,
    /// No connection can be made.
    #[error("no connection can be made{}", .0.as_ref().map(|error| format!(" ({})", unmade(error))).unwrap_or_default())]
    Unreachable(#[source] Option<tokio_postgres::Error>),
    /// No answer within the deadline.
    #[error("the statement got no answer in time")]
    Overdue,
    /// The connection broke, or the server refused the statement.
    #[error("the statement failed ({})", state(.0))]
    Failed(#[source] tokio_postgres::Error),
    /// A row is not what the statement promised.
    #[error("a row has another form than expected")]
    Form,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// The code that SQL gives an error. Its text may repeat values, so it is shown nowhere.
fn state(error: &tokio_postgres::Error) -> String {
    error.code().map_or_else(|| "the connection broke".to_owned(), |state| format!("SQLSTATE {}", state.code()))
}

/// Why there is no connection: nothing of a person was sent over it yet, so what broke it may be told with its causes, such as
/// a certificate that is not trusted.
fn unmade(error: &tokio_postgres::Error) -> String {
    if error.code().is_some() {
        return state(error);
    }
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Failure {
    /// Whether the connection broke before the answer was there, so that a new one may tell what became of the statement.
    pub(super) fn is_unheard(&self) -> bool {
        matches!(self, Self::Failed(error) if error.code().is_none())
    }

    /// Whether the statement would have made something that is there already.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Failed(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }

    /// What it says about the store as a whole; nothing when only this statement is concerned.
    pub(super) fn fault(&self) -> Option<StoreFault> {
        match self {
            Self::Busy | Self::Form => None,
            Self::Unreachable(_) => Some(StoreFault::Unreachable),
            Self::Overdue => Some(StoreFault::Slow),
            Self::Closed => Some(StoreFault::Stopped),
            Self::Failed(error) => fault_of(error),
        }
    }
}

fn fault_of(error: &tokio_postgres::Error) -> Option<StoreFault> {
    let Some(state) = error.code() else { return Some(StoreFault::Unreachable) };
    match state.code() {
        // Integrity: the answer to this statement, and right.
        code if code.starts_with("23") => None,
        // query_canceled, lock_not_available
        "57014" | "55P03" => Some(StoreFault::Slow),
        // A connection that ends, a server that starts or stops, too many connections.
        code if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
            Some(StoreFault::Unreachable)
        }
        _ => Some(StoreFault::Unwritable),
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        tracing::error!(error = %failure, "an operation of the store failed");
        Self
    }
}

/// A bounded number of connections.
#[derive(Clone)]
pub(super) struct Pool {
    connections: deadpool_postgres::Pool,
    patience: Duration,
    runtime: Handle,
    condition: Arc<Condition>,
    waits: Arc<AtomicU64>,
    probing: Arc<AtomicBool>,
}

impl Pool {
    /// A pool without connections; they are made when they are needed. Must be called inside a runtime. The configuration may
    /// have options of its own for the session.
    pub(super) fn new(config: Config, tls: Option<rustls::ClientConfig>, most: usize, statement: Duration) -> Self {
        let manager = manager(bounded(config, statement), tls);
        let timeouts = Timeouts { wait: Some(WAIT), create: None, recycle: Some(RECYCLE) };
        let pool = deadpool_postgres::Pool::builder(manager).max_size(most).timeouts(timeouts);
        Self {
            connections: pool.runtime(Runtime::Tokio1).build().expect("a pool that has a runtime can have timeouts"),
            patience: statement.saturating_add(MARGIN),
            runtime: Handle::current(),
            condition: Arc::default(),
            waits: Arc::default(),
            probing: Arc::default(),
        }
    }

    /// Runs one statement. Nothing is tried twice: what seems to have failed may have been carried out.
    pub(super) async fn query(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let answer = self.ask(sql, values).await;
        self.condition.note(answer.as_ref().err());
        answer
    }

    /// Runs one statement that gives one row or none.
    pub(super) async fn query_opt(&self, sql: &'static str, values: Values<'_>) -> Result<Option<Row>, Failure> {
        let mut rows = self.query(sql, values).await?.into_iter();
        match (rows.next(), rows.next()) {
            (row, None) => Ok(row),
            (_, Some(_)) => Err(Failure::Form),
        }
    }

    async fn ask(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let connection = timeout(CONNECTION, self.connection()).await.unwrap_or(Err(Failure::Unreachable(None)))?;
        let answer = timeout(self.patience, async {
            let statement = connection.prepare_cached(sql).await?;
            connection.query(&statement, values).await
        });
        let answer = answer.await.map_err(|_| Failure::Overdue).and_then(|answer| answer.map_err(Failure::Failed));
        if answer.as_ref().is_err_and(|failure| failure.fault().is_some()) {
            drop(Object::take(connection));
        }
        answer
    }

    /// A connection that works. Without a deadline of its own. All are made on one runtime: whichever asks, a connection does
    /// not end with it.
    pub(super) async fn connection(&self) -> Result<Object, Failure> {
        if Handle::current().id() == self.runtime.id() {
            return self.connection_here().await;
        }
        let pool = self.clone();
        let got = self.runtime.spawn(async move { pool.connection_here().await }).await;
        got.unwrap_or(Err(Failure::Closed))
    }

    async fn connection_here(&self) -> Result<Object, Failure> {
        let at_once = Timeouts { wait: Some(Duration::ZERO), ..self.connections.timeouts() };
        let got = match self.connections.timeout_get(&at_once).await {
            Err(PoolError::Timeout(TimeoutType::Wait)) => {
                self.waits.fetch_add(1, Ordering::Relaxed);
                self.connections.get().await
            }
            got => got,
        };
        got.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Failure::Busy,
            PoolError::Backend(error) => Failure::Unreachable(Some(error)),
            PoolError::Closed => Failure::Closed,
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Failure::Unreachable(None),
        })
    }

    /// What the last statements said of the server. Each call makes one more look at it, unless one is under way.
    pub(super) fn health(&self) -> Result<(), StoreFault> {
        if !self.connections.is_closed() && !self.probing.swap(true, Ordering::AcqRel) {
            let pool = self.clone();
            self.runtime.spawn(async move {
                pool.probe().await;
                pool.probing.store(false, Ordering::Release);
            });
        }
        self.condition.state()
    }

    /// Asks whether changes are possible. The answer is noted like that of every statement.
    async fn probe(&self) {
        let answer = self.query_opt("SHOW transaction_read_only", &[]).await;
        let read_only = answer.ok().flatten().and_then(|row| row.try_get::<_, String>(0).ok());
        if read_only.is_some_and(|mode| mode != "off") {
            self.condition.read_only();
        }
    }

    pub(super) fn figures(&self) -> PoolFigures {
        let Status { size, available, waiting, .. } = self.connections.status();
        PoolFigures {
            in_use: size.saturating_sub(available),
            idle: available,
            waiting,
            waits: self.waits.load(Ordering::Relaxed),
            failures: self.condition.failures(),
        }
    }

    pub(super) fn close(&self) {
        self.connections.close();
        self.condition.note(Some(&Failure::Closed));
    }
}

/// Settings that make the server, and the network below it, give up before we do.
fn bounded(mut config: Config, statement: Duration) -> Config {
    let session = format!(
        "{1} -c statement_timeout={0} -c lock_timeout={0} -c idle_in_transaction_session_timeout=10000",
        statement.as_millis(),
        config.get_options().unwrap_or_default()
    );
    config.options(session).connect_timeout(CONNECT).tcp_user_timeout(UNHEARD);
    config.keepalives(true).keepalives_idle(UNHEARD).keepalives_interval(Duration::from_secs(1)).keepalives_retries(3);
    config
}

fn manager(config: Config, tls: Option<rustls::ClientConfig>) -> Manager {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    match tls {
        Some(tls) => Manager::from_config(config, MakeRustlsConnect::new(tls), recycling),
        None => Manager::from_config(config, NoTls, recycling),
    }
}
